"""Long polls: requests that wait for news. A waiter is one object, without a connection, a thread or a task.

Waiters are indexed by topic, so a commit costs time only for the waiters of its topics. Waiters for the same response
share one lookup and are woken after it, because a thousand lookups at once would delay the first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

_WAKE_BATCH: Final = 100
"""Number of waiters that are woken before other tasks run, so that new requests are not delayed."""


class Awaited(NamedTuple):
    """Waiters that share a key share one lookup, `look`."""

    key: Hashable
    look: Callable[[], Awaitable[object]]


class TooManyWaiters(Exception):
    """The maximum number of requests is waiting already."""


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
        together: dict[Hashable, list[Waiter]] = {}
        for waiter in {waiter for topic in touched for waiter in self._by_topic.get(topic, ())}:
            together.setdefault(waiter.awaited and waiter.awaited.key, []).append(waiter)
        for waiters in together.values():
            waking = asyncio.ensure_future(_wake(waiters, waiters[0].awaited))
            self._waking.add(waking)
            waking.add_done_callback(self._waking.discard)

    def wake_all(self) -> None:
        for waiter in self._all:
            waiter.wake()

    def drain(self) -> None:
        self.draining = True
        self.wake_all()


async def _wake(waiters: Iterable["Waiter"], awaited: Awaited | None) -> None:
    if awaited is not None:
        with suppress(Exception):  # each waiter then looks for itself and gets the error
            await awaited.look()
    for n, waiter in enumerate(waiters, 1):
        waiter.wake()
        if n % _WAKE_BATCH == 0:
            await asyncio.sleep(0)


class Waiter:
    """One waiting request. Enter it before the first read, so that a change between read and wait is not missed."""

    __slots__ = ("_news", "_waiters", "_woken", "awaited", "topics")

    def __init__(self, waiters: Waiters, topics: Sequence[str], awaited: Awaited | None) -> None:
        self._waiters, self.topics, self.awaited = waiters, topics, awaited
        self._woken = False
        self._news: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._waiters.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiters.leave(self)

    def wake(self) -> None:
        self._woken = True
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def wait(self, until: float) -> bool:
        """Wait for news since the last call or since `enter`. Return False at `until`, a time of the loop."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._news = loop.create_future()
            timer = loop.call_at(until, self._time_out, self._news)
            try:
                await self._news
            finally:
                timer.cancel()
                self._news = None
        woken, self._woken = self._woken, False
        return woken

    @staticmethod
    def _time_out(news: "asyncio.Future[None]") -> None:
        if not news.done():
            news.set_result(None)
