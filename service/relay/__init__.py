"""The fan-out: every event of the record once and in order into a stream of NATS JetStream, as it is recorded.

It keeps no state of its own: where to go on is read from the stream, whenever a connection is made, and only what
follows that is published. However it ends, the next one goes on from what NATS has stored. Whatever is away, the
database or NATS, is waited for; whatever does not belong together is refused.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog

from service.follower import RECORD, Follower
from service.relay.feed import Mark, Refused, following, mark
from service.relay.stream import Stream, StreamUnavailable, Target, opened
from service.store.codec import StoredEvent, Unreadable
from service.store.engine import DatabaseUnavailable
from service.store.lock import Lock, held

__all__ = ["Refused", "Relay", "Target"]

_PAGE: Final = 250
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_CONFIRM_SECONDS: Final = 1.0
_TELL_SECONDS: Final = 10.0
_log: Final = structlog.get_logger()


class Relay:
    """`run` it until it is cancelled; Refused is the one way in which it ends by itself."""

    def __init__(self, url: str, follower: Follower, target: Target) -> None:
        self._url, self._follower, self._target = url, follower, target
        self._pause = _FIRST_PAUSE
        self._told = 0.0
        self._relayed = 0

    async def run(self) -> None:
        while True:
            try:
                await self._take_turn()
            except (DatabaseUnavailable, StreamUnavailable) as error:
                away = "NATS" if isinstance(error, StreamUnavailable) else "the database"
                _log.warning("waiting", of=away, because=str(error), seconds=self._pause)
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            except Unreadable as error:
                raise Refused(f"{error}; a later release recorded it, so relay with that release") from error

    async def _take_turn(self) -> None:
        """As the one active relay to this stream, for as long as all goes well."""
        name = f"irritants relay {self._target.stream}"
        async with held(self._url, name, lambda: _log.info("standing by", stream=self._target.stream)) as lock:
            head = await self._follower.head()
            async with opened(self._target, head.record) as stream:
                # A mark that is not on this record is refused before the log says that anything is relayed.
                await self._follower.read(following, stream.end, 1)
                _log.info("relaying", stream=self._target.stream, after=stream.end.position, head=head.position)
                await self._relay(stream, lock)

    async def _relay(self, stream: Stream, lock: Lock) -> None:
        loop = asyncio.get_running_loop()
        sent, confirm_at = stream.end, loop.time()
        with self._follower.waiter((RECORD,)) as news:
            while True:
                if loop.time() >= confirm_at:
                    await lock.confirm()
                    confirm_at = loop.time() + _CONFIRM_SECONDS
                page = await self._follower.read(following, sent, _PAGE)
                if page:
                    sent = await self._send(stream, page)
                else:
                    await stream.settle()
                    self._pause = _FIRST_PAUSE
                    await news.wait(confirm_at)

    async def _send(self, stream: Stream, page: list[StoredEvent]) -> Mark:
        await stream.publish(page)
        self._relayed += len(page)
        self._tell(stream, page[-1])
        return mark(page[-1])

    def _tell(self, stream: Stream, last: StoredEvent) -> None:
        """How far behind it is, once in a while: in positions, and in the age of what was sent last."""
        now = asyncio.get_running_loop().time()
        if now - self._told < _TELL_SECONDS:
            return
        self._told, relayed, self._relayed = now, self._relayed, 0
        head = self._follower.last_head
        behind = max(head.position - stream.end.position, 0) if head else 0
        age = (datetime.now(UTC) - last.recorded_at).total_seconds()
        _log.info("relayed", position=stream.end.position, behind=behind, events=relayed, age_seconds=round(age, 3))
