"""The cache: entries are loaded once, dropped when they change, and bounded in bytes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from service.follower.cache import _OVERHEAD, Cache

ROOM = 3 * (_OVERHEAD + 10)


@dataclass(frozen=True)
class Kept:
    position: int
    size: int = 10


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def gives(position: int, size: int = 10) -> Callable[[], Awaitable[Kept]]:
    async def load() -> Kept:
        return Kept(position, size)

    return load


def never() -> Awaitable[Kept]:
    raise AssertionError("this is kept already")


def test_a_loaded_entry_is_cached() -> None:
    async def test() -> None:
        cache = Cache(ROOM)
        assert await cache.get("a", ["x"], gives(1)) == Kept(1)
        assert await cache.get("a", ["x"], never) == cache.peek("a") == Kept(1)
        assert (cache.misses, cache.hits, cache.bytes) == (1, 2, _OVERHEAD + 10)

    run(test())


def test_concurrent_callers_share_one_load() -> None:
    async def test() -> None:
        cache, loads, may_go = Cache(ROOM), 0, asyncio.Event()

        async def slow() -> Kept:
            nonlocal loads
            loads += 1
            await may_go.wait()
            return Kept(1)

        asking = [asyncio.create_task(cache.get("a", ["x"], slow)) for _ in range(20)]
        await asyncio.sleep(0)
        asking[0].cancel()
        may_go.set()
        assert await asyncio.gather(*asking[1:]) == [Kept(1)] * 19
        assert loads == 1

    run(test())


def test_a_change_drops_entries_that_are_older() -> None:
    async def test() -> None:
        cache = Cache(ROOM)
        for key, topic, position in (("old", "x", 4), ("new", "x", 5), ("other", "y", 1)):
            await cache.get(key, [topic], gives(position))
        cache.drop({"x": 5})
        assert [cache.peek(key) is not None for key in ("old", "new", "other")] == [False, True, True]

    run(test())


def test_an_entry_with_several_topics_is_dropped_by_each() -> None:
    async def test() -> None:
        cache = Cache(ROOM)
        for topic in ("x", "y"):
            await cache.get("a", ["x", "y"], gives(1))
            cache.drop({topic: 2})
            assert cache.peek("a") is None
        assert cache.bytes == 0

    run(test())


def test_an_entry_that_changes_while_it_loads_is_not_cached() -> None:
    async def test() -> None:
        cache, may_go = Cache(ROOM), asyncio.Event()

        async def slow() -> Kept:
            await may_go.wait()
            return Kept(1)

        before = asyncio.create_task(cache.get("a", ["x"], slow))
        await asyncio.sleep(0)
        cache.drop({"x": 2})
        # A caller after the change gets an entry that was loaded after it.
        assert await cache.get("a", ["x"], gives(2)) == Kept(2)
        may_go.set()
        assert await before == Kept(1)
        assert cache.peek("a") == Kept(2)

    run(test())


def test_an_entry_that_loads_during_a_reset_is_not_cached() -> None:
    async def test() -> None:
        cache, may_go = Cache(ROOM), asyncio.Event()

        async def slow() -> Kept:
            await may_go.wait()
            return Kept(1)

        before = asyncio.create_task(cache.get("a", [], slow))
        await asyncio.sleep(0)
        cache.clear()
        may_go.set()
        await before
        assert (cache.peek("a"), cache.bytes) == (None, 0)

    run(test())


def test_a_failure_reaches_all_callers_and_is_not_cached() -> None:
    async def test() -> None:
        cache = Cache(ROOM)

        async def fails() -> Kept:
            await asyncio.sleep(0)
            raise LookupError

        asking = (cache.get("a", ["x"], fails) for _ in range(3))
        assert [type(error) for error in await asyncio.gather(*asking, return_exceptions=True)] == [LookupError] * 3
        assert await cache.get("a", ["x"], gives(1)) == Kept(1)

    run(test())


def test_the_least_recently_used_entry_is_evicted_first() -> None:
    async def test() -> None:
        cache = Cache(ROOM)
        for key in "abc":
            await cache.get(key, [key], gives(1))
        cache.peek("a")
        await cache.get("d", ["d"], gives(1))
        assert [key for key in "abcd" if cache.peek(key)] == ["a", "c", "d"]
        assert cache.bytes == ROOM

    run(test())


def test_an_entry_that_exceeds_the_limit_is_returned_but_not_cached() -> None:
    async def test() -> None:
        cache = Cache(ROOM)
        assert (await cache.get("a", ["x"], gives(1, 10_000))).size == 10_000
        assert (len(cache), cache.bytes) == (0, 0)

    run(test())


@pytest.mark.parametrize("topics", [[], ["x"], ["x", "y"]])
def test_a_dropped_entry_leaves_nothing_behind(topics: list[str]) -> None:
    async def test() -> None:
        cache = Cache(0)
        await cache.get("a", topics, gives(1))
        assert (len(cache), cache.bytes, cache._by_topic) == (0, 0, {})

    run(test())
