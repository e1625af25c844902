"""The stream in NATS JetStream: where it ends, and how events get into it, once and in order.

The invariant: the message with sequence n is the event at position n. Both are without gaps and begin with 1, and every
message is published with the condition that the stream ends right before it (`Nats-Expected-Last-Sequence`). So NATS
itself refuses whatever would be a gap, a double or out of order, from whomever it comes and however late; its window
for duplicate ids is not relied upon. It also follows that one acknowledgement stands for all messages before it, and
only the last of a page asks for one.

Messages are CloudEvents in structured mode, which is the one that the NATS binding has: the bytes of `/v1/events`.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, NamedTuple

import nats
from nats.aio.client import Client
from nats.errors import Error, MaxPayloadError
from nats.js.api import Header, PubAck, RawStreamMsg, StorageType, StreamConfig, StreamInfo
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError, NotFoundError

from service.api.resources.cloudevents import cloud_event
from service.relay.feed import Mark, Refused
from service.relay.subjects import subject
from service.store.codec import StoredEvent

CONTENT_TYPE: Final = "application/cloudevents+json"
_SECONDS: Final = 5
_CONNECT_SECONDS: Final = 2
# While a cluster chooses who leads, questions about a stream get no answer at all: then it is soon asked again.
_ASK_SECONDS: Final = 2
_PAGES_UNDER_WAY: Final = 4
_RECORD: Final = re.compile(r"record ([0-9a-f-]{36})")


class StreamUnavailable(Exception):
    """NATS cannot be reached, does not answer, or refuses for now; nothing is known of what was under way."""


class Target(NamedTuple):
    """Where to: servers of NATS (one address or several, with commas between), a stream, and how it is made."""

    servers: str
    stream: str
    prefix: str
    replicas: int = 1
    credentials: str | None = None

    @property
    def subjects(self) -> str:
        return f"{self.prefix}.>"


class Stream:
    """A connection to the stream. `end` is the last event known to be in it."""

    def __init__(self, connection: Client, context: JetStreamContext, target: Target, end: Mark) -> None:
        self._connection, self._context, self._target = connection, context, target
        self.end = end
        self._under_way: deque[tuple[Mark, asyncio.Future[PubAck]]] = deque()

    async def publish(self, page: Sequence[StoredEvent]) -> None:
        """Sends events; returns while the last pages are under way still. Raises StreamUnavailable, Refused."""
        with _failures():
            for event in page[:-1]:
                await self._connection.publish(self._subject(event), cloud_event(event), headers=self._headers(event))
            last = page[-1]
            acknowledged = await self._context.publish_async(
                self._subject(last), cloud_event(last), headers=self._headers(last)
            )
        self._under_way.append((Mark(last.position, last.chain_hash), acknowledged))
        while len(self._under_way) >= _PAGES_UNDER_WAY:
            await self._settle_one()

    async def settle(self) -> None:
        """Returns when everything that was sent is in the stream. Raises StreamUnavailable."""
        while self._under_way:
            await self._settle_one()
        if self._connection.is_closed:
            raise StreamUnavailable("the connection to NATS is lost")

    async def _settle_one(self) -> None:
        mark, acknowledged = self._under_way[0]
        with _failures():
            async with asyncio.timeout(_SECONDS):
                ack = await acknowledged
        if ack.seq != mark.position:
            raise Refused(f"NATS stored the event at {mark.position} as message {ack.seq}: others write to the stream")
        self._under_way.popleft()
        self.end = mark

    def abandon(self) -> None:
        """Nobody waits any more for what is under way; the stream itself tells, next time, what came of it."""
        while self._under_way:
            _, acknowledged = self._under_way.popleft()
            if not acknowledged.cancel() and not acknowledged.cancelled():
                acknowledged.exception()

    def _subject(self, event: StoredEvent) -> str:
        return subject(self._target.prefix, event.stream)

    def _headers(self, event: StoredEvent) -> dict[str, Any]:
        return {
            "content-type": CONTENT_TYPE,
            Header.MSG_ID.value: event.id,
            Header.EXPECTED_STREAM.value: self._target.stream,
            Header.EXPECTED_LAST_SEQUENCE.value: str(event.position - 1),
        }


@asynccontextmanager
async def opened(target: Target, record: str) -> AsyncIterator[Stream]:
    """The stream of a record, made where there is none. Raises StreamUnavailable, Refused."""
    with _failures():
        connection = await nats.connect(
            target.servers.split(","),
            name="irritants relay",
            # Whatever is lost is found out anew from the stream itself, never taken up again from a buffer.
            allow_reconnect=False,
            connect_timeout=_CONNECT_SECONDS,
            user_credentials=target.credentials,
            error_cb=_silent,
        )
    stream = None
    try:
        with _failures():
            context = connection.jetstream(timeout=_ASK_SECONDS)
            end = await _end(context, target, record)
        stream = Stream(connection, context, target, end)
        yield stream
    finally:
        if stream is not None:
            stream.abandon()
        with suppress(Error, OSError, TimeoutError):
            await asyncio.wait_for(connection.close(), _CONNECT_SECONDS)


async def _end(context: JetStreamContext, target: Target, record: str) -> Mark:
    """Where the stream ends. Raises Refused where that is not for this record to follow."""
    info = await _found_or_made(context, target, record)
    if info.config.subjects != [target.subjects]:
        raise Refused(
            f"the stream {target.stream} takes {', '.join(info.config.subjects or ['nothing'])}; it must take"
            f" {target.subjects} and nothing else"
        )
    described = _RECORD.search(info.config.description or "")
    if described and described[1] != record:
        raise Refused(f"the stream {target.stream} belongs to the record {described[1]}; this one is {record}")
    last = info.state.last_seq
    if last == 0:
        return Mark()
    try:
        message = await context.get_msg(target.stream, last)
    except NotFoundError:
        if described is None:
            raise Refused(
                f"the last message of the stream {target.stream} is gone and its description names no record: whose"
                f" it is cannot be told. Describe it as `record {record}` if it is of this one"
            ) from None
        return Mark(last, None)
    return Mark(last, _chain_hash(message, last, target))


async def _found_or_made(context: JetStreamContext, target: Target, record: str) -> StreamInfo:
    with suppress(NotFoundError):
        return await context.stream_info(target.stream)
    try:
        return await context.add_stream(
            StreamConfig(
                name=target.stream,
                subjects=[target.subjects],
                description=f"The record {record}: the message with sequence n is the event at position n",
                storage=StorageType.FILE,
                num_replicas=target.replicas,
            )
        )
    except BadRequestError as error:
        raise Refused(f"NATS does not make the stream {target.stream}: {error.description}") from error


def _chain_hash(message: RawStreamMsg, sequence: int, target: Target) -> bytes:
    try:
        event = json.loads(message.data or b"")
        if event["position"] == sequence:
            return bytes.fromhex(event["chainhash"])
    except (ValueError, TypeError, KeyError):
        pass
    raise Refused(
        f"message {sequence} of the stream {target.stream} is not the event at {sequence}: others write to it"
    )


async def _silent(_: Exception) -> None:
    """What goes wrong is raised where it matters, and told once."""


@contextmanager
def _failures() -> Iterator[None]:
    """Every way in which NATS fails, as StreamUnavailable."""
    try:
        yield
    except MaxPayloadError as error:
        raise Refused("an event is larger than NATS takes: raise its max_payload") from error
    except (Error, OSError, TimeoutError) as error:
        raise StreamUnavailable(str(error) or "NATS does not answer") from error
