"""Server-sent events: the events of the record as they are committed.

The server ends a stream after about a minute, and the client reconnects with the last id. So servers can be replaced,
and clients leave dead connections. Streams at the same position share the rendered events.
"""

import asyncio
from collections.abc import AsyncIterator
from random import uniform
from typing import Annotated, Final, NamedTuple

from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from service.api.negotiation import Request
from service.api.parameters import Query, RelationId, Whole, parse
from service.api.problems import Problem
from service.api.resources.cloudevents import cloud_event
from service.api.resources.feeds import gone
from service.api.responder import Responder, Streamed
from service.api.responses import Answer, Headers, Stream
from service.follower import RECORD
from service.follower.replicas import Replicas
from service.store import events
from service.store.codec import StoredEvent
from service.store.engine import DatabaseUnavailable
from service.store.log import Head

_PATH: Final = "/v1/events/live"
_SECONDS: Final = (50.0, 70.0)  # random, so that clients do not all reconnect at the same time
_KEEP_ALIVE: Final = 15.0
_BATCH: Final = 500
_SHOWN: Final = 60
_HEADERS: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_RECONNECT: Final = b"retry: 1000\n\n"
_STILL_HERE: Final = b":\n\n"


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
    """Consecutive events as they are sent. `position`: the last one that they cover."""

    body: bytes
    position: int

    @property
    def size(self) -> int:
        return len(self.body)


def _live(responder: Responder, request: Request, head: Head) -> Stream | Answer:
    """Stream events as they are recorded, each as a CloudEvent with its position as id.

    `Last-Event-ID` resumes without a gap. The stream ends after about a minute, and EventSource clients reconnect.
    """
    query = parse(LiveQuery, request.query)
    after = _after(request, query, head)
    if after > head.position:
        raise gone(
            "/v1/events", f"The record ends at position {head.position}, before {after}. Read it again from the start."
        )
    if request.is_head:
        return Answer(200, _HEADERS, b"")
    return Stream(_HEADERS, _chunks(responder, request, after, query.relation))


def _after(request: Request, query: LiveQuery, head: Head) -> int:
    seen = request.last_event_id
    if not seen:  # EventSource and some proxies send an empty header at first
        return head.position if query.after is None else query.after
    if not (seen.isascii() and seen.isdecimal() and len(seen) <= 18):
        raise Problem(
            "malformed-header", f"Last-Event-ID is {seen[:_SHOWN]!r}; send the id of the last event, such as 41."
        )
    return int(seen)


async def _chunks(responder: Responder, request: Request, after: int, relation: str | None) -> AsyncIterator[bytes]:
    follower, loop = responder.follower, asyncio.get_running_loop()
    breaks = follower.breaks
    until = loop.time() + uniform(*_SECONDS)  # noqa: S311  # spreads load, guards nothing
    with responder.waiting(request, (relation or RECORD,)) as waiter:
        # An id without an event, so that a client reconnects here even if no event follows.
        yield b"id: %d\n%b" % (after, _RECONNECT)
        try:
            # After a restore the next positions belong to another history. The client gets 410 when it reconnects.
            while loop.time() < until and not follower.draining and follower.breaks == breaks:
                head = follower.last_head
                if head is not None and head.position > after:
                    batch = await _batch(responder, after, head, relation)
                    after = batch.position
                    if batch.body:
                        yield batch.body
                elif not await waiter.wait(min(until, loop.time() + _KEEP_ALIVE)):
                    yield _STILL_HERE
                await responder.check_again(request, ROW, {})
        except (Problem, ClientDisconnect, DatabaseUnavailable):
            # The stream has begun and can only end. The client reconnects and gets the reason.
            return


async def _batch(responder: Responder, after: int, head: Head, relation: str | None) -> _Batch:
    follower = responder.follower
    key = (_PATH, after, head.position, relation)
    return await follower.kept(key, (), lambda: follower.read_replica(_read, after, head, relation))


def _read(replicas: Replicas, after: int, head: Head, relation: str | None) -> _Batch:
    def load(c: Connection) -> list[StoredEvent]:
        found = events.read_log(c, after=after, upto=head.position, limit=_BATCH, relation=relation)
        # Without a filter, no events mean that this copy of the record is shorter.
        is_there = found if relation is None else events.chain_hash_at(c, head.position) == head.chain_hash
        if not is_there:
            raise DatabaseUnavailable("this copy of the record does not have the events up to the head yet")
        return found

    found = replicas.read(head, load, is_past=True)
    sent = (b"id: %d\ndata: %b\n\n" % (event.position, cloud_event(event)) for event in found)
    # With a filter, a batch that is not full covers all positions up to the head.
    is_to_head = relation is not None and len(found) < _BATCH
    return _Batch(b"".join(sent), head.position if is_to_head else found[-1].position)


ROW: Final = Streamed(_PATH, LiveQuery, _live, ("text/event-stream",))
