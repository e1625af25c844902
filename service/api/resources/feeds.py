"""The feeds: all events, and all changes of irritants, in order and without gaps.

A client reads a page, stores its `next` and `log`, and sends them to get the following page. Every page has `next`,
even an empty one, so a filtered feed can be continued. If `log` does not match, the record was restored or replaced,
and the response is 410. A page before the last one never changes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from service.api.etags import JSON
from service.api.parameters import (
    Limit,
    Query,
    RelationId,
    Whole,
    malformed,
    misplaced,
    valid,
    valid_id,
    whole,
)
from service.api.problems import Problem
from service.api.resources import FoundDocument, JsonDocument, PathParameters, Presentation, Resource, Snapshot
from service.api.resources.cloudevents import (
    BATCH,
    REPRESENTATION,
    CloudEvent,
    WithheldEvent,
    batch,
    cloud_event,
    withheld_event,
)
from service.api.resources.filters import Dated, scan
from service.api.resources.listing import DEFAULT_LIMIT
from service.api.resources.points import SINCE_FORMS, SinceParameter
from service.api.resources.states import member_of, of_stream
from service.domain.actor.names import ActorNames
from service.domain.catalogue import EVENT_TYPES, nearest_type
from service.domain.nearby import FORM_OF_IDS
from service.domain.streams import parse_stream
from service.follower import CHANGES, RECORD, changes_in
from service.follower.as_of import histories
from service.projections import change
from service.projections.change import ChangeDocument
from service.projections.document import Document
from service.projections.formats import atom
from service.projections.formats.atom import RecordedChange
from service.store import events, read_models, reports
from service.store.audience import read_labels
from service.store.codec import StoredEvent
from service.store.log import Head

_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_ENTRIES: Final = 50
_SHOWN_OF_HASH: Final = 8


class EventsPage(Document):
    """A page of the record. To continue, send `next` as `after` and `log`, which identifies the history."""

    items: tuple[CloudEvent | WithheldEvent, ...]
    next: int
    log: str
    position: int


class StreamPage(Document):
    """A page of one stream. To continue, send `next` as `after_version`."""

    items: tuple[CloudEvent, ...]
    next: int
    position: int


class ChangesPage(Document):
    """A page of changes. To continue, send `next` as `after` and `log`, which identifies the history."""

    items: tuple[ChangeDocument, ...]
    next: int
    log: str
    position: int


class FeedQuery(Query):
    """The query of a feed: the position to continue from, and the size of the page."""

    after: Annotated[Whole, Field(description="the last position that was read; 0: from the beginning")] = 0
    log: Annotated[
        str | None,
        Field(max_length=100, description="`log` of the page before; a page of another history is refused (410)"),
    ] = None
    limit: Limit = DEFAULT_LIMIT


def event_type(text: str) -> str:
    """Parse a type of event. Raises PydanticCustomError, which names the nearest type."""
    if text not in EVENT_TYPES:
        nearest = nearest_type(text)
        remedy = f"; use {nearest}" if nearest else ", such as ConcernRaised; the page /help lists all types"
        raise PydanticCustomError("value", "{why}", {"why": f"must be a type of event{remedy}"})
    return text


class EventsQuery(FeedQuery, Dated):
    """Filters of the events, and the position to continue from."""

    stream: Annotated[
        str | None,
        Field(description="only events of this stream"),
        valid_id(parse_stream, f"must be the name of a stream, {FORM_OF_IDS}", "irritant/ru-us/banking-access"),
    ] = None
    type: Annotated[
        str | None,
        Field(description="only events of this type"),
        BeforeValidator(event_type),
    ] = None
    relation: Annotated[RelationId | None, Field(description="only events on streams of this relation")] = None
    report: Annotated[
        str | None,
        Field(pattern=_UUID, description="only events of the report with this id"),
        valid(re.compile(_UUID).fullmatch, "must be the id of a report, such as 01971e5c-8f3a-7c21-9d0e-5b6a7c8d9e0f"),
    ] = None

    @property
    def filters(self) -> dict[str, str]:
        chosen = {name: getattr(self, name) for name in ("stream", "type", "relation", "report")}
        return {name: value for name, value in chosen.items() if value is not None}

    @property
    def is_filtered(self) -> bool:
        dates = (self.effective_from, self.effective_to, self.recorded_from, self.recorded_to)
        return bool(self.filters) or any(day is not None for day in dates)

    @property
    def of_relation(self) -> str | None:
        """Return the relation of the filters: the relation itself, or that of the stream."""
        stream = parse_stream(self.stream) if self.stream is not None else None
        return self.relation or (stream.relation if stream else None)


class StreamQuery(Dated):
    """Filters of the events of a stream, and the version to continue from."""

    after_version: Annotated[
        int,
        Field(ge=0, le=2**31 - 1, description="the last version that was read; 0: from the beginning"),
        BeforeValidator(whole),
    ] = 0
    limit: Limit = DEFAULT_LIMIT


class ChangesQuery(FeedQuery):
    """Filters of the changes, and the position to continue from or the point to begin after."""

    relation: RelationId | None = None
    since: Annotated[
        SinceParameter | None,
        Field(description=f"begin after this point: {SINCE_FORMS}; for the first page, the next ones have `after`"),
    ] = None

    @model_validator(mode="after")
    def _begins_once(self) -> Self:
        if self.since is not None and not self.model_fields_set.isdisjoint({"after", "log"}):
            raise misplaced("since", "cannot be combined with after or log; send it for the first page only")
        return self


class AtomQuery(Query):
    """Filters of the Atom feed."""

    relation: RelationId | None = None


@dataclass(frozen=True)
class Feed:
    """A page of a feed, with items in JSON. `position` is the last position that it covers.

    `next` is equal to `position`, except in the feed of one stream: there it is a version, and `log` is None.
    """

    items: Sequence[bytes]
    next: int
    position: int
    log: str | None = None


def _as_page(feed: Feed, _: object) -> bytes:
    log = b"" if feed.log is None else b'"log":"%b",' % feed.log.encode()
    return b'{"items":%b,"next":%d,%b"position":%d}' % (batch(feed.items), feed.next, log, feed.position)


def _as_batch(feed: Feed, _: object) -> bytes:
    return batch(feed.items)


def _events(snapshot: Snapshot, _names: PathParameters, query: EventsQuery) -> FoundDocument[Feed]:
    """List the events of the record in order.

    `Accept` chooses between JSON and a batch of CloudEvents. The header `Link` has the address of the next page. Dates
    are compared as they were filed, even if they were corrected since. Without filters, each event that is withheld
    from the reader is listed as `irritants.withheld`, with its position and time only.
    """
    head = snapshot.head
    _refuse_another_history(snapshot, query)
    if query.is_filtered:
        found = scan(snapshot.c, query, after=query.after, limit=query.limit, head=head.position, **query.filters)
        next = max(head.position, query.after) if found.ended else found.last
        return _feed_page(snapshot, query, cloud_events(snapshot.c, found.events), next, REPRESENTATION)
    # Positions have no gaps, so these are as many events as the page can have.
    last = max(query.after, min(query.after + query.limit, head.position))
    return _feed_page(snapshot, query, items_between(snapshot.c, query.after, last), last, REPRESENTATION)


def items_between(c: Connection, after: int, last: int) -> list[bytes]:
    """Return the events after one position up to another, also those that are withheld from the audience."""
    read = list(events.read_log(c, after=after, upto=last))
    found = {event.position: shown for event, shown in zip(read, cloud_events(c, read), strict=True)}
    if len(found) < last - after:
        times = events.times_of(c, after + 1, last)
        found |= {position: withheld_event(position, times[position]) for position in times.keys() - found.keys()}
    return [found[position] for position in sorted(found)]


def cloud_events(c: Connection, shown: Sequence[StoredEvent]) -> list[bytes]:
    """Return the JSON of events, each that is not open with its present handling label."""
    # Labels are few. Most pages have only open events and need no query.
    labels = {label.rank: label.name for label in read_labels(c)} if any(event.rank for event in shown) else {}
    return [cloud_event(event, labels.get(event.rank) if event.rank else None) for event in shown]


def _event(snapshot: Snapshot, names: PathParameters, _query: Query) -> FoundDocument[JsonDocument[CloudEvent]]:
    """Read one event: as it was filed, its position, and who filed it."""
    found = events.by_ids(snapshot.c, [names["id"]]).get(names["id"])
    if found is None:
        snapshot.raise_not_found()
    stream = parse_stream(found.stream)
    relation = stream.relation if stream else None
    document = JsonDocument(cloud_events(snapshot.c, [found])[0], CloudEvent)
    return FoundDocument(document, found.position, REPRESENTATION, is_final=True, relation=relation)


def _stream_events(snapshot: Snapshot, names: PathParameters, query: StreamQuery) -> FoundDocument[Feed]:
    """List the events of one irritant, by version."""
    stream, head = f"irritant/{member_of(names)}", snapshot.head.position
    after = query.after_version
    found = scan(snapshot.c, query, limit=query.limit, head=head, stream=stream, after_version=after)
    last = events.last_of_stream(snapshot.c, stream, head)
    if last is None:
        snapshot.raise_not_found()
    version, position = last if found.ended else (found.last_version, found.last)
    feed = Feed(cloud_events(snapshot.c, found.events), max(version, after), position)
    link = _link(snapshot, query, after_version=feed.next)
    return FoundDocument(feed, position, REPRESENTATION, is_final=not found.ended, is_end=not feed.items, link=link)


def _changes(snapshot: Snapshot, _names: PathParameters, query: ChangesQuery) -> FoundDocument[Feed]:
    """List the changes of irritants: the state before, the state after, and the reason.

    `reason` is `world` (something happened), `new_evidence` (it was learned later, or from another speaker),
    `correction` or `retraction` (the record was wrong). `sentence` says what changed, and `report` is the report with
    the cause. A corrected date is a change (`redated`). `since` begins after a position, a time of recording, or the
    reports on a round. What was filed on the round after reports on other matters is listed again.
    """
    _refuse_another_history(snapshot, query)
    after = begin_of(snapshot, query)
    stored = read_models.page(
        snapshot.c,
        change.NAME,
        change.REPRESENTATION,
        after=f"{after:019d}",
        limit=query.limit,
        relation=query.relation,
    )
    known = [document for document in stored if document.position <= snapshot.head.position]
    next = known[-1].position if len(known) == query.limit else max(snapshot.head.position, after)
    found = _feed_page(snapshot, query, [document.body for document in known], next, change.REPRESENTATION)
    # A later event can put a report on the round, so that its changes begin elsewhere.
    return found if query.since is None else replace(found, is_final=False)


def begin_of(snapshot: Snapshot, query: ChangesQuery) -> int:
    """Return the position after which a page of changes begins. Raises Problem."""
    if query.since is None:
        return query.after
    match query.since.value:
        case int(position):
            return snapshot.on_record(position, "since")
        case datetime() as known:
            return snapshot.known_at(known, "since")
        case round:
            return _after_round(snapshot, str(round), query.relation)


def _after_round(snapshot: Snapshot, round: str, relation: str | None) -> int:
    """Return the position before the first report that is not on the round, after the first that is.

    So nothing that was filed on other matters since is left out, even if a late report on the round follows it.
    """
    own, slash, slug = round.rpartition("/")
    if not slash and relation is None:
        raise malformed("since", f"names a round without its relation; write round:ru-us/{slug}, or send `relation`")
    if slash and relation not in (None, own):
        raise malformed("since", f"names a round of {own}; choose one of {relation}")
    own = own or str(relation)
    c, head, named = snapshot.c, snapshot.head.position, f"{own}/{slug}"
    talks = histories(c, [f"relation/{own}"], head).values()
    attributed = {id: to for history in talks for id, to in history.state.attributed.items()}
    on_round = reports.page(c, round=named, upto=head, attributed=attributed)
    if not on_round:
        raise malformed("since", f"names the round {named}, which has no reports; choose another point")
    ids, last = {report.id for report in on_round}, on_round[0].last_position
    while filed := reports.page(c, relation=own, after=last, upto=head, limit=DEFAULT_LIMIT):
        for report in filed:
            if report.id not in ids:
                return last
            last = report.last_position
    return last


class Entries(NamedTuple):
    """The content of the Atom feed: the latest changes, newest first, of the record or of one relation."""

    record: str
    relation: str | None
    entries: Sequence[RecordedChange]
    names: ActorNames


def _atom(snapshot: Snapshot, _names: PathParameters, query: AtomQuery) -> FoundDocument[Entries]:
    """List the latest changes, newest first, as an Atom feed (RFC 4287)."""
    c, relation = snapshot.c, query.relation
    latest = read_models.last_by_key(c, change.NAME, change.REPRESENTATION, relation=relation, limit=_ENTRIES)
    changes = [ChangeDocument.model_validate_json(document.body) for document in latest]
    recorded = events.by_ids(c, [changed.events[-1] for changed in changes])
    entries = [RecordedChange(changed, recorded[changed.events[-1]].recorded_at) for changed in changes]
    found = Entries(snapshot.head.record, relation, entries, snapshot.names_at(snapshot.head.position))
    return FoundDocument(found, changes[0].position if changes else 0, atom.REPRESENTATION)


def _as_atom(found: Entries, shown: Presentation) -> bytes:
    return atom.view(found.record, found.relation, found.entries, shown.prefix, found.names).encode()


def _feed_page(
    snapshot: Snapshot, query: FeedQuery, items: Sequence[bytes], next: int, representation: int
) -> FoundDocument[Feed]:
    """Return a page of a feed of the whole record. `next` is the last position that the page covers."""
    head = snapshot.head
    log = token(head, snapshot.chain_hash(next))
    is_final = len(items) == query.limit or next < head.position
    link = _link(snapshot, query, after=next, log=log)
    feed = Feed(items, next, next, log)
    return FoundDocument(feed, next, representation, is_final=is_final, is_end=not items, link=link)


def token(head: Head, chain_hash: bytes) -> str:
    """Return the value of `log`, which identifies all events up to a position: `<id of the record>.<chain hash>`."""
    return f"{head.record}.{chain_hash[:_SHOWN_OF_HASH].hex()}"


def _refuse_another_history(snapshot: Snapshot, query: FeedQuery) -> None:
    """Raise Problem (410) if the events that the client has read are not those of this record."""
    head, address = snapshot.head, snapshot.address
    if query.after > head.position and query.after > snapshot.end():
        raise gone(
            address,
            f"The record ends at position {head.position}, but `after` is {query.after}. Read it again from the start.",
        )
    if query.log is not None and query.log != token(head, snapshot.chain_hash(query.after)):
        raise gone(
            address,
            f"The events up to position {query.after} are not those that `log` names. Read them again from the start.",
        )


def gone(address: str, detail: str) -> Problem:
    return Problem("gone", detail, start_over=f"{address}?after=0")


def _link(snapshot: Snapshot, query: Query, **moved: Any) -> str:
    given = query.model_dump(mode="json", exclude_unset=True, exclude={"since"})
    return f'<{snapshot.prefix}{snapshot.address}?{urlencode({**given, **moved})}>; rel="next"'


def _events_topic(_names: Mapping[str, str], query: EventsQuery) -> Sequence[str]:
    """Return a topic for all events that pass the filters: the relation, else the stream, else the record.

    Sources have no topic of their own.
    """
    if query.relation is not None:
        return (query.relation,)
    if query.stream is not None and not query.stream.startswith("source/"):
        return (query.stream,)
    return (RECORD,)


def _changes_topic(_names: Mapping[str, str], query: ChangesQuery | AtomQuery) -> Sequence[str]:
    """Return the topic of the changes of one relation, or of all changes."""
    return (CHANGES,) if query.relation is None else (changes_in(query.relation),)


_FEED: Final = {JSON: _as_page, BATCH: _as_batch}
EVENTS: Final = Resource(
    "/v1/events",
    EventsQuery,
    _events,
    topics=lambda *_: (RECORD,),
    shape=EventsPage,
    bodies=_FEED,
    wakes=_events_topic,
)
# The page depends on the whole record because of `next`, but only a change of the relation ends a long poll.
CHANGES_FEED: Final = Resource(
    "/v1/changes",
    ChangesQuery,
    _changes,
    topics=lambda *_: (RECORD,),
    shape=ChangesPage,
    bodies={JSON: _as_page},
    wakes=_changes_topic,
)
RESOURCES: Final = (
    EVENTS,
    # No topics: an event never changes.
    Resource("/v1/events/{id}", Query, _event, topics=lambda *_: (), shape=CloudEvent, relation_is_in_document=True),
    Resource(
        "/v1/irritants/{relation}/{slug}/events",
        StreamQuery,
        _stream_events,
        topics=of_stream("irritant"),
        shape=StreamPage,
        bodies=_FEED,
    ),
    CHANGES_FEED,
    Resource(
        "/v1/changes.atom",
        AtomQuery,
        _atom,
        topics=_changes_topic,
        bodies={f"{atom.MEDIA_TYPE}; charset=utf-8": _as_atom},
    ),
)
