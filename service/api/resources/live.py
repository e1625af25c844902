"""Server-sent events (`/v1/events/live`): each event of the record as soon as it is committed.

The server ends a stream after about a minute, and the client reconnects with the last id. So servers can be replaced,
and clients notice dead connections. Clients at the same position share the rendered events.
"""

import asyncio
from collections.abc import AsyncIterator
from random import uniform
from typing import Annotated, Final, NamedTuple

from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from service.api import audit
from service.api.negotiation import Request
from service.api.parameters import Query, RelationId, Whole, parse
from service.api.problems import Problem
from service.api.resources.feeds import cloud_events, gone, items_between
from service.api.responder import Responder, StreamedResource
from service.api.responses import CompleteResponse, Headers, StreamedResponse
from service.api.telemetry import request_id
from service.follower import RECORD
from service.follower.replicas import Replicas
from service.store import events
from service.store.engine import DatabaseUnavailable
from service.store.log import Head

_PATH: Final = "/v1/events/live"
_SECONDS: Final = (50.0, 70.0)  # the length of a stream: random, so that clients do not reconnect at the same time
_KEEP_ALIVE_SECONDS: Final = 15.0
_BATCH: Final = 500
_MAX_SHOWN: Final = 60
_HEADERS: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_RECONNECT: Final = b"retry: 1000\n\n"
_KEEP_ALIVE: Final = b":\n\n"
"""A comment, which clients ignore."""


class LiveQuery(Query):
    """The position to continue from, and the relation."""

    after: Annotated[
        Whole | None,
        Field(
            description="the last position that was read, unless `Last-Event-ID` is sent; default: the last on record"
        ),
    ] = None
    relation: Annotated[RelationId | None, Field(description="only events on streams of this relation")] = None


class _Batch(NamedTuple):
    """Consecutive events as they are sent. `position` is the last one that they cover."""

    body: bytes
    position: int

    @property
    def size(self) -> int:
        return len(self.body)


def _live(responder: Responder, request: Request, head: Head) -> StreamedResponse | CompleteResponse:
    """Stream events as they are recorded, each as a CloudEvent with its position as id.

    `Last-Event-ID` resumes without a gap. The stream ends after about a minute, and EventSource clients reconnect.
    """
    query = parse(LiveQuery, request.query)
    after = _after(request, query, head)
    # The label of the last event that the client has seen can have been raised.
    if after > head.position and responder.rank is None:
        raise gone(
            "/v1/events",
            f"The record ends at position {head.position}, but you asked after {after}. Read it again from the start.",
        )
    if request.is_head:
        return CompleteResponse(200, _HEADERS, b"")
    _audit(request, responder.rank_at(head))
    return StreamedResponse(_HEADERS, _chunks(responder, request, after, query.relation))


def _after(request: Request, query: LiveQuery, head: Head) -> int:
    seen = request.last_event_id
    if not seen:  # EventSource and some proxies send an empty header at first
        return head.position if query.after is None else query.after
    if not (seen.isascii() and seen.isdecimal() and len(seen) <= 18):
        raise Problem(
            "malformed-header", f"Last-Event-ID is {seen[:_MAX_SHOWN]!r}; send the id of the last event, such as 41."
        )
    return int(seen)


async def _chunks(responder: Responder, request: Request, after: int, relation: str | None) -> AsyncIterator[bytes]:
    """Yield the parts of the stream. It ends after a minute, when the service stops, or when the record is replaced."""
    follower, loop = responder.follower, asyncio.get_running_loop()
    breaks = follower.breaks
    until = loop.time() + uniform(*_SECONDS)  # noqa: S311  # protects nothing
    with responder.waiting(request, (relation or RECORD,)) as waiter:
        # Send the id without an event, so that a client reconnects at this position even if no event follows.
        yield b"id: %d\n%b" % (after, _RECONNECT)
        try:
            # After a restore the next positions belong to another history. The client gets 410 when it reconnects.
            while loop.time() < until and not follower.draining and follower.breaks == breaks:
                head = follower.last_head
                if head is not None and responder.rank is None and head.highest > request.access.clearance:
                    return  # A part is withheld now. The client reconnects and gets the events that it may see.
                if head is not None and head.position > after:
                    batch = await _batch(responder, after, head, relation)
                    after = batch.position
                    _audit(request, responder.rank_at(head))
                    if batch.body:
                        yield batch.body
                elif not await waiter.wait(min(until, loop.time() + _KEEP_ALIVE_SECONDS)):
                    yield _KEEP_ALIVE
                await responder.check_again(request, ROW, {})
        except (Problem, ClientDisconnect, DatabaseUnavailable):
            # A stream that has begun cannot send an error. The client reconnects and gets the error then.
            return


def _audit(request: Request, rank: int) -> None:
    """Log the stream before it sends events that the open audience does not see."""
    scope = request.scope
    audit.note(scope, rank)
    if audit.is_noted(scope):
        log: audit.AuditLog = scope["app"].state.audit
        log.write(scope, 200, request_id(scope))


async def _batch(responder: Responder, after: int, head: Head, relation: str | None) -> _Batch:
    follower = responder.follower
    key = (_PATH, after, head.position, relation)
    return await follower.cached(key, (), lambda: follower.read_replica(_read, after, head, relation))


def _read(replicas: Replicas, after: int, head: Head, relation: str | None) -> _Batch:
    last = head.position if relation is not None else min(after + _BATCH, head.position)

    def load(c: Connection) -> list[tuple[int, bytes]]:
        # Check that a replica has all events up to the head.
        if events.chain_hash_at(c, head.position) != head.chain_hash:
            raise DatabaseUnavailable("this copy of the record does not have the events up to the head yet")
        if relation is None:
            return list(zip(range(after + 1, last + 1), items_between(c, after, last), strict=True))
        found = list(events.read_log(c, after=after, upto=last, limit=_BATCH, relation=relation))
        return [(event.position, shown) for event, shown in zip(found, cloud_events(c, found), strict=True)]

    found = replicas.read(head, load, is_past=True)
    sent = (b"id: %d\ndata: %b\n\n" % item for item in found)
    # With a filter, a batch that is not full also covers the positions of other events up to the head.
    reaches_last = relation is None or len(found) < _BATCH
    return _Batch(b"".join(sent), last if reaches_last else found[-1][0])


ROW: Final = StreamedResource(_PATH, LiveQuery, _live, ("text/event-stream",))
