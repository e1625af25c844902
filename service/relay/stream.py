"""A stream in NATS JetStream: find its last event, and publish events to it, once and in order.

Invariant: the message with sequence n is the event at position n. Both numbers begin with 1 and have no gaps. Every
message names the sequence before it as a condition (`Nats-Expected-Last-Sequence`). So NATS refuses gaps, duplicates
and messages out of order, and its window for duplicate ids is not needed. An acknowledgement also covers all messages
before it, so only the last message of a page asks for one.

Messages are CloudEvents in structured mode, the only mode of the NATS binding: the same bytes as in `/v1/events`.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any, Final, NamedTuple

import nats
from nats.aio.client import Client
from nats.errors import Error, MaxPayloadError
from nats.js.api import Header, PubAck, RawStreamMsg, StorageType, StreamConfig, StreamInfo
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError, NotFoundError

from service.api.resources.cloudevents import WITHHELD, cloud_event, withheld_event
from service.domain.handling import OPEN
from service.relay.subjects import subject
from service.store.codec import GENESIS, StoredEvent

CONTENT_TYPE: Final = "application/cloudevents+json"
_ACKNOWLEDGE_SECONDS: Final = 5
_CONNECT_SECONDS: Final = 2
# While a cluster elects a leader, requests about a stream get no response. A short timeout leads to an early retry.
_ASK_SECONDS: Final = 2
_MAX_PENDING_PAGES: Final = 4
_RECORD: Final = re.compile(r"record ([0-9a-f-]{36})")
"""The id of the record in the description of a stream."""
_AUDIENCE: Final = re.compile(r" for the audience ([a-z0-9-]+)")


class Refused(Exception):
    """The stream does not belong to the record, or NATS cannot store an event. The message says why."""


class StreamUnavailable(Exception):
    """NATS cannot be reached, does not answer, or refuses for now. It may have stored some of the pending messages."""


class Mark(NamedTuple):
    """The last event in the stream.

    `chain_hash` is None if the event is withheld, or if NATS has deleted the message and knows only its number.
    """

    position: int = 0
    chain_hash: bytes | None = GENESIS


class Message(NamedTuple):
    """One message. `chain_hash` is None if the event is withheld, and `stream` too."""

    position: int
    id: str
    stream: str | None
    chain_hash: bytes | None
    recorded_at: datetime
    payload: bytes

    @property
    def mark(self) -> Mark:
        return Mark(self.position, self.chain_hash)


def of_event(event: StoredEvent) -> Message:
    """Return the message of an event."""
    return Message(event.position, event.id, event.stream, event.chain_hash, event.recorded_at, cloud_event(event))


def of_withheld(position: int, recorded_at: datetime) -> Message:
    """Return the message in place of an event that is withheld from the audience of the stream."""
    payload = withheld_event(position, recorded_at)
    return Message(position, f"withheld-{position}", None, None, recorded_at, payload)


class Target(NamedTuple):
    """Where to publish: addresses of NATS servers, separated by commas, and a stream with its settings.

    `audience`: the label up to which events are published.
    """

    servers: str
    stream: str
    prefix: str
    replicas: int = 1
    credentials: str | None = None
    audience: str = OPEN

    @property
    def subjects(self) -> str:
        return f"{self.prefix}.>"


class Stream:
    """A connection to the stream. `end` is the last event that NATS has acknowledged."""

    def __init__(self, connection: Client, context: JetStreamContext, target: Target, end: Mark) -> None:
        self._connection, self._context, self._target = connection, context, target
        self.end = end
        self._pending: deque[tuple[Mark, asyncio.Future[PubAck]]] = deque()

    async def publish(self, page: Sequence[Message]) -> None:
        """Send a page of events. At most four pages wait for acknowledgement. Raises StreamUnavailable and Refused."""
        with _translate_errors():
            for message in page[:-1]:
                await self._connection.publish(self._subject(message), message.payload, headers=self._headers(message))
            last = page[-1]
            acknowledged = await self._context.publish_async(
                self._subject(last), last.payload, headers=self._headers(last)
            )
        self._pending.append((last.mark, acknowledged))
        while len(self._pending) >= _MAX_PENDING_PAGES:
            await self._wait_for_one()

    async def wait_until_acknowledged(self) -> None:
        """Wait until NATS has acknowledged all events. Raises StreamUnavailable and Refused."""
        while self._pending:
            await self._wait_for_one()
        if self._connection.is_closed:
            raise StreamUnavailable("the connection to NATS is lost")

    async def _wait_for_one(self) -> None:
        """Wait for the acknowledgement of the oldest pending page."""
        mark, acknowledged = self._pending[0]
        with _translate_errors():
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                ack = await acknowledged
        if ack.seq != mark.position:
            raise Refused(
                f"NATS stored the event at position {mark.position} as message {ack.seq}: another program writes to the"
                " stream. Let only the relay publish to its subjects"
            )
        self._pending.popleft()
        self.end = mark

    def abandon(self) -> None:
        """Stop waiting for acknowledgements. The next connection reads the end of the stream."""
        while self._pending:
            _, acknowledged = self._pending.popleft()
            if not acknowledged.cancel() and not acknowledged.cancelled():
                acknowledged.exception()  # asyncio would warn of an exception that was never retrieved

    def _subject(self, message: Message) -> str:
        return subject(self._target.prefix, message.stream)

    def _headers(self, message: Message) -> dict[str, Any]:
        return {
            "content-type": CONTENT_TYPE,
            Header.MSG_ID.value: message.id,
            Header.EXPECTED_STREAM.value: self._target.stream,
            Header.EXPECTED_LAST_SEQUENCE.value: str(message.position - 1),
        }


@asynccontextmanager
async def open_stream(target: Target, record: str) -> AsyncIterator[Stream]:
    """Open the stream of a record, and create it if it does not exist. Raises StreamUnavailable and Refused."""
    with _translate_errors():
        connection = await nats.connect(
            target.servers.split(","),
            name="irritants relay",
            # The relay connects again itself and then reads the end of the stream. The library would resend its buffer.
            allow_reconnect=False,
            connect_timeout=_CONNECT_SECONDS,
            user_credentials=target.credentials,
            error_cb=_ignore,
        )
    stream = None
    try:
        with _translate_errors():
            context = connection.jetstream(timeout=_ASK_SECONDS)
            end = await _last_mark(context, target, record)
        stream = Stream(connection, context, target, end)
        yield stream
    finally:
        if stream is not None:
            stream.abandon()
        with suppress(Error, OSError, TimeoutError):
            await asyncio.wait_for(connection.close(), _CONNECT_SECONDS)


async def _last_mark(context: JetStreamContext, target: Target, record: str) -> Mark:
    """Return the last event of the stream. Raises Refused if the stream does not belong to the record."""
    info = await _get_or_create(context, target, record)
    if info.config.subjects != [target.subjects]:
        raise Refused(
            f"the stream {target.stream} has the subjects {', '.join(info.config.subjects or ['(none)'])}; it must have"
            f" only {target.subjects}"
        )
    described = _RECORD.search(info.config.description or "")
    if described and described[1] != record:
        raise Refused(f"the stream {target.stream} belongs to the record {described[1]}; this is the record {record}")
    if described:
        # Streams of earlier releases name no audience. Their events were open.
        named = _AUDIENCE.search(info.config.description or "")
        if (audience := named[1] if named else OPEN) != target.audience:
            raise Refused(
                f"the stream {target.stream} is for the audience {audience}, and IRRITANTS_RELAY_CLEARANCE is"
                f" {target.audience}. Relay to a new stream"
            )
    last = info.state.last_seq
    if last == 0:
        return Mark()
    try:
        message = await context.get_msg(target.stream, last)
    except NotFoundError:
        if described is None:
            raise Refused(
                f"the last message of the stream {target.stream} is gone, and its description names no record. If the"
                f" stream belongs to this record, set its description to `record {record}`"
            ) from None
        return Mark(last, None)
    return Mark(last, _chain_hash(message, last, target))


async def _get_or_create(context: JetStreamContext, target: Target, record: str) -> StreamInfo:
    """Return the stream, after creating it if it does not exist. Raises Refused."""
    with suppress(NotFoundError):
        return await context.stream_info(target.stream)
    try:
        return await context.add_stream(
            StreamConfig(
                name=target.stream,
                subjects=[target.subjects],
                description=f"The record {record}{_for(target.audience)}: the message with sequence n is the event at"
                " position n",
                storage=StorageType.FILE,
                num_replicas=target.replicas,
            )
        )
    except BadRequestError as error:
        raise Refused(f"NATS refused to create the stream {target.stream}: {error.description}") from error


def _for(audience: str) -> str:
    return "" if audience == OPEN else f" for the audience {audience}"


def _chain_hash(message: RawStreamMsg, sequence: int, target: Target) -> bytes | None:
    """Return the chain hash in a message, None for a withheld event.

    Raises Refused if it is not the event at the position `sequence`.
    """
    try:
        event = json.loads(message.data or b"")
        if event["position"] == sequence:
            return None if event["type"] == WITHHELD else bytes.fromhex(event["chainhash"])
    except (ValueError, TypeError, KeyError):
        pass
    raise Refused(
        f"message {sequence} of the stream {target.stream} is not the event at position {sequence}: another program"
        " writes to it. Relay to a new stream"
    )


async def _ignore(_: Exception) -> None:
    """Ignore errors of background tasks, because the affected call raises them too."""


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise StreamUnavailable for every failure of NATS, or Refused if an event is too large."""
    try:
        yield
    except MaxPayloadError as error:
        raise Refused("an event is larger than NATS accepts: raise max_payload in NATS") from error
    except (Error, OSError, TimeoutError) as error:
        raise StreamUnavailable(str(error) or "NATS does not answer") from error
