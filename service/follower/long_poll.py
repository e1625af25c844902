"""Long polls: requests that wait until something changes. A waiting request needs no thread and no connection.

Waiters are indexed by topic, so a commit takes time only for the waiters of its topics. Waiters for the same response
share one read, and wake after it. A thousand reads at the same time would delay all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

_WAKE_BATCH: Final = 100
"""After this number of waiters, other tasks run before more are woken, so that new requests are not delayed."""


class Awaited(NamedTuple):
    """A read that waiters with the same key share. It puts the response into the cache, where each finds it."""

    key: Hashable
    read: Callable[[], Awaitable[object]]


class TooManyWaiters(Exception):
    """As many requests wait already as the setting `most_waiters` allows."""


class Waiters:
    """All waiters of this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: set[Waiter] = set()
        self._by_topic: dict[str, set[Waiter]] = {}
        self._waking: set[asyncio.Future[None]] = set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._all)

    def waiter(self, topics: Sequence[str], awaited: Awaited | None = None) -> "Waiter":
        return Waiter(self, topics, awaited)

    def enter(self, waiter: "Waiter") -> None:
        """Add a waiter. Raises TooManyWaiters."""
        if len(self._all) >= self._most:
            raise TooManyWaiters
        self._all.add(waiter)
        for topic in waiter.topics:
            self._by_topic.setdefault(topic, set()).add(waiter)

    def leave(self, waiter: "Waiter") -> None:
        self._all.discard(waiter)
        for topic in waiter.topics:
            waiting = self._by_topic[topic]
            waiting.discard(waiter)
            if not waiting:
                del self._by_topic[topic]

    def wake(self, touched: Mapping[str, int]) -> None:
        """Wake the waiters of these topics, after the read that they share."""
        by_key: dict[Hashable, list[Waiter]] = {}
        for waiter in {waiter for topic in touched for waiter in self._by_topic.get(topic, ())}:
            by_key.setdefault(waiter.awaited and waiter.awaited.key, []).append(waiter)
        for waiters in by_key.values():
            waking = asyncio.ensure_future(_wake(waiters, waiters[0].awaited))
            self._waking.add(waking)
            waking.add_done_callback(self._waking.discard)

    def wake_all(self) -> None:
        for waiter in self._all:
            waiter.wake()

    def drain(self) -> None:
        """Wake all waiters. From now on no request waits."""
        self.draining = True
        self.wake_all()


async def _wake(waiters: Iterable["Waiter"], awaited: Awaited | None) -> None:
    """Run the read that these waiters share, then wake them."""
    if awaited is not None:
        with suppress(Exception):  # each waiter then reads for itself and gets the error
            await awaited.read()
    for n, waiter in enumerate(waiters, 1):
        waiter.wake()
        if n % _WAKE_BATCH == 0:
            await asyncio.sleep(0)


class Waiter:
    """One waiting request. Enter it before the first read, so that it notices every change since that read."""

    __slots__ = ("_signal", "_waiters", "_woken", "awaited", "topics")

    def __init__(self, waiters: Waiters, topics: Sequence[str], awaited: Awaited | None) -> None:
        self._waiters, self.topics, self.awaited = waiters, topics, awaited
        self._woken = False
        self._signal: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._waiters.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiters.leave(self)

    def wake(self) -> None:
        self._woken = True
        if self._signal is not None and not self._signal.done():
            self._signal.set_result(None)

    async def wait(self, until: float) -> bool:
        """Wait until woken. Return True at once if that happened since the last call, False at the time `until`."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._signal = loop.create_future()
            timer = loop.call_at(until, self._time_out, self._signal)
            try:
                await self._signal
            finally:
                timer.cancel()
                self._signal = None
        woken, self._woken = self._woken, False
        return woken

    @staticmethod
    def _time_out(signal: "asyncio.Future[None]") -> None:
        if not signal.done():
            signal.set_result(None)
