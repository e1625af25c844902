"""Feeds: all events, and all changes of irritants, in order and without gaps.

A client stores `next` and `log`. Every page has `next`, even an empty one, so that a filtered feed can be resumed.
`log` proves that the history is still the same. A page that does not reach the head never changes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field

from service.api.etags import JSON
from service.api.parameters import Limit, Query, RelationId, Whole, valid, whole
from service.api.problems import Problem
from service.api.resources import Found, Names, Resource, Snapshot, Stored
from service.api.resources.cloudevents import BATCH, REPRESENTATION, CloudEvent, batch, cloud_event
from service.api.resources.filters import Dated, scan
from service.api.resources.listing import DEFAULT_LIMIT
from service.api.resources.states import member_of, of_stream
from service.domain.catalogue import EVENT_TYPES
from service.domain.streams import parse_stream
from service.follower import CHANGES, RECORD, changes_in
from service.projections import atom, change
from service.projections.atom import RecordedChange
from service.projections.change import ChangeDocument
from service.projections.document import Document
from service.store import events, read_models
from service.store.log import Head

_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_ENTRIES: Final = 50
_SHOWN_OF_HASH: Final = 8


class EventsPage(Document):
    """A page of the record. To continue, send `next` as `after` and `log`, which identifies the history."""

    items: tuple[CloudEvent, ...]
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
    """The position to continue from, and the size of the page."""

    after: Annotated[Whole, Field(description="the last position that was read; 0: from the beginning")] = 0
    log: Annotated[
        str | None,
        Field(max_length=100, description="`log` of the page before; a page of another history is refused (410)"),
    ] = None
    limit: Limit = DEFAULT_LIMIT


class EventsQuery(FeedQuery, Dated):
    """Filters of the events, and the position to continue from."""

    stream: Annotated[
        str | None,
        Field(description="only events of this stream"),
        valid(parse_stream, "must be the name of a stream, such as irritant/ru-us/banking-access"),
    ] = None
    type: Annotated[
        str | None,
        Field(description="only events of this type"),
        valid(EVENT_TYPES.__contains__, "must be a type of event, such as InstrumentExchanged"),
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
    def of_relation(self) -> str | None:
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
    """Filters of the changes, and the position to continue from."""

    relation: RelationId | None = None


class AtomQuery(Query):
    """Filters of the Atom feed."""

    relation: RelationId | None = None


@dataclass(frozen=True)
class Feed:
    """A page of a feed with rendered items. For one stream `log` is None and `next` is a version."""

    items: Sequence[bytes]
    next: int
    position: int
    log: str | None = None


def _as_page(feed: Feed, _prefix: str) -> bytes:
    log = b"" if feed.log is None else b'"log":"%b",' % feed.log.encode()
    return b'{"items":%b,"next":%d,%b"position":%d}' % (batch(feed.items), feed.next, log, feed.position)


def _as_batch(feed: Feed, _prefix: str) -> bytes:
    return batch(feed.items)


def _events(snapshot: Snapshot, _names: Names, query: EventsQuery) -> Found[Feed]:
    """List the events of the record in order.

    `Accept` chooses between JSON and a batch of CloudEvents. The header `Link` has the address of the next page. Dates
    are compared as they were filed, even if they were corrected since.
    """
    head = snapshot.head
    _refuse_another_history(snapshot, query)
    found = scan(snapshot.c, query, after=query.after, limit=query.limit, head=head.position, **query.filters)
    next = head.position if found.ended else found.last
    return _fed(snapshot, query, [cloud_event(event) for event in found.events], next, REPRESENTATION)


def _event(snapshot: Snapshot, names: Names, _query: Query) -> Found[Stored[CloudEvent]]:
    """Read one event: as it was filed, its position, and who filed it."""
    found = events.by_ids(snapshot.c, [names["id"]]).get(names["id"])
    if found is None:
        snapshot.not_found()
    stream = parse_stream(found.stream)
    relation = stream.relation if stream else None
    document = Stored(cloud_event(found), CloudEvent)
    return Found(document, found.position, REPRESENTATION, is_final=True, relation=relation)


def _stream_events(snapshot: Snapshot, names: Names, query: StreamQuery) -> Found[Feed]:
    """List the events of one irritant, by version."""
    stream, head = f"irritant/{member_of(names)}", snapshot.head.position
    after = query.after_version
    found = scan(snapshot.c, query, limit=query.limit, head=head, stream=stream, after_version=after)
    last = events.last_of_stream(snapshot.c, stream, head)
    if last is None:
        snapshot.not_found()
    version, position = last if found.ended else (found.last_version, found.last)
    feed = Feed([cloud_event(event) for event in found.events], max(version, after), position)
    link = _link(snapshot, query, after_version=feed.next)
    return Found(feed, position, REPRESENTATION, is_final=not found.ended, is_end=not feed.items, link=link)


def _changes(snapshot: Snapshot, _names: Names, query: ChangesQuery) -> Found[Feed]:
    """List the changes of irritants: the state before, the state after, and the reason.

    `reason` is `world` (something happened), `new_evidence` (it was learned later, or from another speaker),
    `correction` or `retraction` (the record was wrong).
    """
    _refuse_another_history(snapshot, query)
    stored = read_models.page(
        snapshot.c,
        change.NAME,
        change.REPRESENTATION,
        after=f"{query.after:019d}",
        limit=query.limit,
        relation=query.relation,
    )
    known = [document for document in stored if document.position <= snapshot.head.position]
    next = known[-1].position if len(known) == query.limit else snapshot.head.position
    return _fed(snapshot, query, [document.body for document in known], next, change.REPRESENTATION)


class Entries(NamedTuple):
    """The latest changes, newest first, of the record or of one relation."""

    record: str
    relation: str | None
    entries: Sequence[RecordedChange]


def _atom(snapshot: Snapshot, _names: Names, query: AtomQuery) -> Found[Entries]:
    """List the latest changes, newest first, as an Atom feed (RFC 4287)."""
    c, relation = snapshot.c, query.relation
    newest = read_models.newest(c, change.NAME, change.REPRESENTATION, relation=relation, limit=_ENTRIES)
    changes = [ChangeDocument.model_validate_json(document.body) for document in newest]
    recorded = events.by_ids(c, [changed.events[-1] for changed in changes])
    entries = [RecordedChange(changed, recorded[changed.events[-1]].recorded_at) for changed in changes]
    found = Entries(snapshot.head.record, relation, entries)
    return Found(found, changes[0].position if changes else 0, atom.REPRESENTATION)


def _as_atom(found: Entries, prefix: str) -> bytes:
    return atom.view(found.record, found.relation, found.entries, prefix).encode()


def _fed(snapshot: Snapshot, query: FeedQuery, items: Sequence[bytes], next: int, representation: int) -> Found[Feed]:
    """Return a page of a feed over the whole record. `next`: the last position that the page covers."""
    head = snapshot.head
    log = token(head, snapshot.chain_hash(next))
    is_final = len(items) == query.limit or next < head.position
    link = _link(snapshot, query, after=next, log=log)
    feed = Feed(items, next, next, log)
    return Found(feed, next, representation, is_final=is_final, is_end=not items, link=link)


def token(head: Head, chain_hash: bytes) -> str:
    """Return the value of `log`, which proves a history: the id of the record and part of the chain hash."""
    return f"{head.record}.{chain_hash[:_SHOWN_OF_HASH].hex()}"


def _refuse_another_history(snapshot: Snapshot, query: FeedQuery) -> None:
    head, address = snapshot.head, snapshot.address
    if query.after > head.position:
        raise gone(
            address, f"The record ends at position {head.position}, before {query.after}. Read it again from the start."
        )
    if query.log is not None and query.log != token(head, snapshot.chain_hash(query.after)):
        raise gone(
            address,
            f"The history up to position {query.after} is another one than `log` names. Read it again from the start.",
        )


def gone(address: str, detail: str) -> Problem:
    return Problem("gone", detail, start_over=f"{address}?after=0")


def _link(snapshot: Snapshot, query: Query, **moved: Any) -> str:
    given = query.model_dump(mode="json", exclude_unset=True)
    return f'<{snapshot.prefix}{snapshot.address}?{urlencode({**given, **moved})}>; rel="next"'


def _events_wakes(_path: Mapping[str, str], query: EventsQuery) -> Sequence[str]:
    """Return the narrowest topic of the filters. Sources have none of their own."""
    if query.relation is not None:
        return (query.relation,)
    if query.stream is not None and not query.stream.startswith("source/"):
        return (query.stream,)
    return (RECORD,)


def _of_changes(_path: Mapping[str, str], query: ChangesQuery | AtomQuery) -> Sequence[str]:
    return (CHANGES,) if query.relation is None else (changes_in(query.relation),)


_FEED: Final = {JSON: _as_page, BATCH: _as_batch}
EVENTS: Final = Resource(
    "/v1/events", EventsQuery, _events, lambda *_: (RECORD,), shape=EventsPage, bodies=_FEED, wakes=_events_wakes
)
# The page depends on the whole record because of `next`, but only a change of the relation ends a long poll.
CHANGES_FEED: Final = Resource(
    "/v1/changes",
    ChangesQuery,
    _changes,
    lambda *_: (RECORD,),
    shape=ChangesPage,
    bodies={JSON: _as_page},
    wakes=_of_changes,
)
RESOURCES: Final = (
    EVENTS,
    # No topics: an event never changes.
    Resource("/v1/events/{id}", Query, _event, lambda *_: (), shape=CloudEvent, says_relation=True),
    Resource(
        "/v1/irritants/{relation}/{slug}/events",
        StreamQuery,
        _stream_events,
        of_stream("irritant"),
        shape=StreamPage,
        bodies=_FEED,
    ),
    CHANGES_FEED,
    Resource("/v1/changes.atom", AtomQuery, _atom, _of_changes, bodies={f"{atom.MEDIA_TYPE}; charset=utf-8": _as_atom}),
)
