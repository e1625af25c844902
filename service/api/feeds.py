"""Feeds: everything that was recorded, and every change of how an irritant reads, in order and without gaps.

A follower keeps `next` and `log`. `next` is given always, also by an empty page, so that a filter never makes anybody
start over; `log` proves that the record is still the one that was followed. A page that does not reach the head will
never read otherwise, and says so.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from service.api.answer import Page
from service.api.cloudevents import BATCH, REPRESENTATION, CloudEvent, batch, cloud_event
from service.api.etags import JSON
from service.api.listing import DEFAULT_LIMIT
from service.api.parameters import Limit, Query, RelationId, Whole, whole
from service.api.problems import Problem
from service.api.resource import Read, Resource
from service.api.routes import routes
from service.api.selection import Dated, scan
from service.api.states import member_of, of_stream
from service.domain.catalogue import EVENT_TYPES
from service.domain.streams import parse_stream
from service.follower import CHANGES, RECORD, changes_in
from service.projections import atom, change
from service.projections.atom import RecordedChange
from service.projections.change import ChangeDocument
from service.projections.document import Document
from service.store import events, read_models
from service.store.engine import DatabaseUnavailable
from service.store.log import Head

_UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_ENTRIES: Final = 50
_SHOWN_OF_HASH: Final = 8


def _stream(name: str) -> str:
    if parse_stream(name) is None:
        raise PydanticCustomError("stream", "is a stream's name, such as irritant/ru-us/banking-access")
    return name


def _type(name: str) -> str:
    if name not in EVENT_TYPES:
        raise PydanticCustomError("type", "is a type of event, such as InstrumentExchanged")
    return name


class EventsPage(Document):
    """A page of the record. `next`: the position to go on after; `log`: proves that this is still the same record."""

    items: tuple[CloudEvent, ...]
    next: int
    log: str
    position: int


class StreamPage(Document):
    """A page of one stream. `next`: the version to go on after."""

    items: tuple[CloudEvent, ...]
    next: int
    position: int


class ChangesPage(Document):
    """A page of changes. `next`: the position to go on after; `log`: proves that this is still the same record."""

    items: tuple[ChangeDocument, ...]
    next: int
    log: str
    position: int


class FeedQuery(Query):
    """From where on."""

    after: Annotated[Whole, Field(description="the position last seen; 0 is the beginning")] = 0
    log: Annotated[str | None, Field(max_length=100, description="`log` of the page that gave `next`")] = None
    limit: Limit = DEFAULT_LIMIT


class EventsQuery(FeedQuery, Dated):
    """Which events, from where on."""

    stream: Annotated[str | None, BeforeValidator(_stream), Field(description="only of this stream")] = None
    type: Annotated[str | None, BeforeValidator(_type), Field(description="only of this type")] = None
    relation: Annotated[RelationId | None, Field(description="only on streams of this relation")] = None
    report: Annotated[str | None, Field(pattern=_UUID, description="only of the report with this id")] = None

    @property
    def filters(self) -> dict[str, str]:
        chosen = {name: getattr(self, name) for name in ("stream", "type", "relation", "report")}
        return {name: value for name, value in chosen.items() if value is not None}

    @property
    def of_relation(self) -> str | None:
        stream = parse_stream(self.stream) if self.stream is not None else None
        return self.relation or (stream.relation if stream else None)


class StreamQuery(Dated):
    """Which events of the stream, from where on."""

    after_version: Annotated[
        int, Field(ge=0, le=2**31 - 1, description="the version last seen"), BeforeValidator(whole)
    ] = 0
    limit: Limit = DEFAULT_LIMIT


class ChangesQuery(FeedQuery):
    """Which changes, from where on."""

    relation: RelationId | None = None


class AtomQuery(Query):
    """Which changes."""

    relation: RelationId | None = None


def _events(c: Connection, read: Read[EventsQuery]) -> Page:
    """The whole record in order.

    As JSON, or as a batch of CloudEvents by Accept; then the header Link says where to go on. Dates are compared as
    they were filed: a page at rest does not change when one is corrected.
    """
    query, head = read.query, read.head
    _refuse_another_history(c, read)
    found = scan(c, query, after=query.after, limit=query.limit, head=head.position, **query.filters)
    next = head.position if found.ended else found.last
    return _fed(c, read, [cloud_event(event) for event in found.events], next, REPRESENTATION)


def _event(c: Connection, read: Read[Query]) -> Page:
    """One event, by its id: as filed, where it is on the record, and who filed it."""
    found = events.by_ids(c, [read.path["id"]]).get(read.path["id"])
    if found is None:
        read.not_found()
    stream = parse_stream(found.stream)
    relation = stream.relation if stream else None
    return read.page(cloud_event(found), found.position, REPRESENTATION, at_rest=True, relation=relation)


def _stream_events(c: Connection, read: Read[StreamQuery]) -> Page:
    """The events of one irritant's stream, by version."""
    query, stream = read.query, f"irritant/{member_of(read.path)}"
    found = scan(
        c,
        query,
        limit=query.limit,
        head=read.head.position,
        stream=stream,
        after_version=query.after_version,
    )
    last = events.last_of_stream(c, stream, read.head.position)
    if last is None:
        read.not_found()
    version, position = last if found.ended else (found.last_version, found.last)
    next, items = max(version, query.after_version), [cloud_event(event) for event in found.events]
    body = batch(items)
    if read.media_type != BATCH:
        body = b'{"items":%b,"next":%d,"position":%d}' % (body, next, position)
    link = _link(read.prefix + read.address, query, after_version=next)
    return read.page(body, position, REPRESENTATION, at_rest=not found.ended, is_end=not items, link=link)


def _changes(c: Connection, read: Read[ChangesQuery]) -> Page:
    """Every change of how an irritant reads: before, after, and why.

    `reason` is `world` (something happened), `new_evidence` (we learned of it later, or from another voice),
    `correction` or `retraction` (the record was wrong).
    """
    query, head = read.query, read.head
    _refuse_another_history(c, read)
    stored = read_models.page(
        c,
        change.NAME,
        change.REPRESENTATION,
        after=f"{query.after:019d}",
        limit=query.limit,
        relation=query.relation,
    )
    known = [document for document in stored if document.position <= head.position]
    next = known[-1].position if len(known) == query.limit else head.position
    return _fed(c, read, [document.body for document in known], next, change.REPRESENTATION)


def _atom(c: Connection, read: Read[AtomQuery]) -> Page:
    """The latest changes, newest first (RFC 4287)."""
    relation, head = read.query.relation, read.head
    newest = read_models.newest(c, change.NAME, change.REPRESENTATION, relation=relation, limit=_ENTRIES)
    changes = [ChangeDocument.model_validate_json(document.body) for document in newest]
    recorded = events.by_ids(c, [changed.events[-1] for changed in changes])
    entries = [RecordedChange(changed, recorded[changed.events[-1]].recorded_at) for changed in changes]
    body = atom.view(head.record, relation, entries, read.prefix).encode()
    return read.page(body, changes[0].position if changes else 0, atom.REPRESENTATION)


def _fed(c: Connection, read: Read[Any], items: Sequence[bytes], next: int, representation: int) -> Page:
    """A page of a feed over the whole record, which ends at `next`."""
    log = token(read.head, _chain_hash(c, read.head, next))
    full = len(items) == read.query.limit
    body = batch(items)
    if read.media_type != BATCH:
        body = b'{"items":%b,"next":%d,"log":"%b","position":%d}' % (body, next, log.encode(), next)
    at_rest = full or next < read.head.position
    link = _link(read.prefix + read.address, read.query, after=next, log=log)
    return read.page(body, next, representation, at_rest=at_rest, is_end=not items, link=link)


def token(head: Head, chain_hash: bytes) -> str:
    """What proves a position: whose record it is, and part of the chain hash there."""
    return f"{head.record}.{chain_hash[:_SHOWN_OF_HASH].hex()}"


def _chain_hash(c: Connection, head: Head, position: int) -> bytes:
    chain_hash = head.chain_hash if position == head.position else events.chain_hash_at(c, position)
    if chain_hash is None:
        raise DatabaseUnavailable("the head was asked of another copy of the record, which is further on")
    return chain_hash


def _refuse_another_history(c: Connection, read: Read[Any]) -> None:
    query, head = read.query, read.head
    if query.after > head.position:
        raise gone(read.address, f"The record ends at {head.position}; nothing ever was at {query.after}.")
    if query.log is not None and query.log != token(head, _chain_hash(c, head, query.after)):
        raise gone(read.address, f"This is not the record that was followed up to {query.after}.")


def gone(address: str, detail: str) -> Problem:
    return Problem("gone", detail, start_over=f"{address}?after=0")


def _link(address: str, query: Query, **moved: Any) -> str:
    given = query.model_dump(mode="json", exclude_unset=True)
    return f'<{address}?{urlencode({**given, **moved})}>; rel="next"'


def _events_wakes(_path: Mapping[str, str], query: EventsQuery) -> Sequence[str]:
    """A stream that has a document, or a relation, is told of by itself."""
    if query.relation is not None:
        return (query.relation,)
    if query.stream is not None and not query.stream.startswith("source/"):
        return (query.stream,)
    return (RECORD,)


def _of_changes(_path: Mapping[str, str], query: ChangesQuery | AtomQuery) -> Sequence[str]:
    return (CHANGES,) if query.relation is None else (changes_in(query.relation),)


RESOURCES: Final = (
    Resource(
        "/v1/events",
        EventsQuery,
        _events,
        lambda _path, _query: (RECORD,),
        shape=EventsPage,
        media_types=(JSON, BATCH),
        wakes=_events_wakes,
    ),
    # What was filed never changes, so nothing touches it.
    Resource("/v1/events/{id}", Query, _event, lambda _path, _query: (), shape=CloudEvent, says_relation=True),
    Resource(
        "/v1/irritants/{relation}/{slug}/events",
        StreamQuery,
        _stream_events,
        of_stream("irritant"),
        shape=StreamPage,
        media_types=(JSON, BATCH),
    ),
    # `next` moves with the record; who waits is woken only by a change of the relation.
    Resource(
        "/v1/changes", ChangesQuery, _changes, lambda _path, _query: (RECORD,), shape=ChangesPage, wakes=_of_changes
    ),
    Resource("/v1/changes.atom", AtomQuery, _atom, _of_changes, media_types=(f"{atom.MEDIA_TYPE}; charset=utf-8",)),
)
router = routes(RESOURCES, "feeds")
