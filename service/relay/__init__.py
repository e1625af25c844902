"""Publish every event to a stream of NATS JetStream, once and in order, as it is recorded. `irritants relay` runs it.

The relay stores nothing. At each connection it reads the last event of the stream and continues after it. It retries
while the database or NATS is unavailable, and it refuses a stream that does not belong to the record.

Before it publishes, the relay compares the chain hash of the last published event with the record. So it never
publishes events of a restored older copy, or of another record at the same address.

The stream is for one audience. An event that is withheld from it is published as its position and its time only, so
that sequences have no gaps. A label that is lowered later changes nothing in NATS.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from service.follower import RECORD, Follower
from service.relay.stream import (
    Mark,
    Message,
    Refused,
    Stream,
    StreamUnavailable,
    Target,
    of_event,
    of_withheld,
    open_stream,
)
from service.store import events
from service.store.codec import UnreadableEvent
from service.store.engine import DatabaseUnavailable, connection
from service.store.lock import Lock, acquire

__all__ = ["Refused", "Relay", "Target"]

_PAGE: Final = 250
"""The number of events in one query, and between two acknowledgements of NATS."""
# The seconds before a retry. Each pause is twice as long as the one before.
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_CONFIRM_SECONDS: Final = 1.0
_LOG_SECONDS: Final = 10.0
_log: Final = structlog.get_logger()


class Relay:
    """Publishes the record to one stream."""

    def __init__(self, url: str, follower: Follower, target: Target) -> None:
        self._url, self._follower, self._target = url, follower, target
        self._pause = _FIRST_PAUSE
        self._logged_at = 0.0
        self._relayed = 0  # events since the last line of the log

    async def run(self) -> None:
        """Publish events until the task is cancelled. Raises Refused if the stream or the record is wrong."""
        while True:
            try:
                await self._run_once()
            except (DatabaseUnavailable, StreamUnavailable) as error:
                missing = "NATS" if isinstance(error, StreamUnavailable) else "the database"
                _log.warning("waiting", of=missing, because=str(error), seconds=self._pause)
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            except UnreadableEvent as error:
                raise Refused(f"{error}; a later release recorded it, so relay with that release") from error

    async def _run_once(self) -> None:
        """Wait for the lock that makes this relay the active one, then publish until an error occurs."""
        name = f"irritants relay {self._target.stream}"
        async with acquire(self._url, name, lambda: _log.info("standing by", stream=self._target.stream)) as lock:
            head = await self._follower.head()
            async with open_stream(self._target, head.record) as stream:
                # Refuse the stream of another record before the log says that the relay is active.
                await self._follower.read(events_after, stream.end, 1)
                _log.info("relaying", stream=self._target.stream, after=stream.end.position, head=head.position)
                await self._relay(stream, lock)

    async def _relay(self, stream: Stream, lock: Lock) -> None:
        """Publish page by page, and confirm the lock every second. At the end of the record, wait for new events."""
        loop = asyncio.get_running_loop()
        sent, confirm_at = stream.end, loop.time()
        with self._follower.waiter((RECORD,)) as waiter:
            while True:
                if loop.time() >= confirm_at:
                    await lock.confirm()
                    confirm_at = loop.time() + _CONFIRM_SECONDS
                page = await self._follower.read(events_after, sent, _PAGE)
                if page:
                    sent = await self._send(stream, page)
                else:
                    await stream.wait_until_acknowledged()
                    self._pause = _FIRST_PAUSE
                    await waiter.wait(confirm_at)

    async def _send(self, stream: Stream, page: list[Message]) -> Mark:
        await stream.publish(page)
        self._relayed += len(page)
        self._log_progress(stream, page[-1])
        return page[-1].mark

    def _log_progress(self, stream: Stream, last: Message) -> None:
        """Log every ten seconds how far the stream is behind the record: in positions, and in seconds."""
        now = asyncio.get_running_loop().time()
        if now - self._logged_at < _LOG_SECONDS:
            return
        self._logged_at, relayed, self._relayed = now, self._relayed, 0
        head = self._follower.last_head
        behind = max(head.position - stream.end.position, 0) if head else 0
        age = (datetime.now(UTC) - last.recorded_at).total_seconds()
        _log.info("relayed", position=stream.end.position, behind=behind, events=relayed, age_seconds=round(age, 3))


def events_after(engine: Engine, mark: Mark, limit: int) -> list[Message]:
    """Return the messages of at most `limit` positions after a mark, up to the last event that the audience sees.

    Raises Refused if the record does not contain the mark.
    """
    with connection(engine) as c:
        _check_mark(c, mark)
        last = min(mark.position + limit, events.last_position(c))
        found = {event.position: of_event(event) for event in events.read_log(c, after=mark.position, upto=last)}
        if len(found) < last - mark.position:
            for position, recorded_at in events.times_of(c, mark.position + 1, last).items():
                found.setdefault(position, of_withheld(position, recorded_at))
    return [found[position] for position in sorted(found)]


def _check_mark(c: Connection, mark: Mark) -> None:
    """Raise Refused if the record does not have the event of a mark. Every audience sees all chain hashes."""
    if mark.position == 0:
        return
    chain_hash = events.chain_hash_at(c, mark.position)
    if chain_hash is None:
        raise Refused(
            f"NATS has events up to position {mark.position}, but the record ends earlier: it was restored from an"
            " older copy, or it is another record. Relay to a new stream"
        )
    if mark.chain_hash is not None and chain_hash != mark.chain_hash:
        raise Refused(
            f"the event at position {mark.position} in NATS differs from the record: the stream belongs to another log."
            " Relay to a new stream"
        )
