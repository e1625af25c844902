"""Waiters wake at once when one of their topics changes, and miss no change between their check and their wait."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from service.follower.long_poll import TooManyWaiters, Waiters


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


def test_a_change_wakes_only_the_waiters_for_its_topic() -> None:
    async def test() -> None:
        waiters = Waiters(10)
        with waiters.waiter(["x"]) as one, waiters.waiter(["y"]) as other, waiters.waiter(["y", "x"]) as both:
            waiting = [asyncio.create_task(waiter.wait(soon())) for waiter in (one, other, both)]
            await asyncio.sleep(0)
            waiters.wake({"x": 1})
            assert await waiting[0]
            assert await waiting[2]
            assert not waiting[1].done()
            waiting[1].cancel()

    run(test())


def test_a_change_between_the_check_and_the_wait_is_not_missed() -> None:
    async def test() -> None:
        waiters = Waiters(10)
        with waiters.waiter(["x"]) as waiter:
            waiters.wake({"x": 1})
            assert await waiter.wait(soon())
            assert not await waiter.wait(0)

    run(test())


def test_a_wait_ends_at_its_deadline() -> None:
    async def test() -> None:
        loop, waiters = asyncio.get_running_loop(), Waiters(10)
        with waiters.waiter(["x"]) as waiter:
            began = loop.time()
            assert not await waiter.wait(began + 0.02)
            assert 0.02 <= loop.time() - began < 1

    run(test())


def test_waiters_above_the_limit_are_refused_until_a_waiter_leaves() -> None:
    async def test() -> None:
        waiters = Waiters(1)
        with waiters.waiter(["x"]):
            with pytest.raises(TooManyWaiters), waiters.waiter(["x"]):
                pass
            assert len(waiters) == 1
        with waiters.waiter(["x"]):
            pass
        assert (len(waiters), waiters._by_topic) == (0, {})

    run(test())


def test_draining_wakes_all_waiters() -> None:
    async def test() -> None:
        waiters = Waiters(10)
        with waiters.waiter(["x"]) as waiter:
            waiting = asyncio.create_task(waiter.wait(soon()))
            await asyncio.sleep(0)
            waiters.drain()
            assert await waiting
            assert waiters.draining

    run(test())


def test_a_cancelled_waiter_leaves_no_entry() -> None:
    async def test() -> None:
        waiters = Waiters(10)

        async def wait() -> None:
            with waiters.waiter(["x"]) as waiter:
                await waiter.wait(soon())

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        waiters.wake({"x": 1})
        assert (len(waiters), waiters._by_topic) == (0, {})

    run(test())
