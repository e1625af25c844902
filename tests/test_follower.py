"""The follower on the real database: no read goes back, even if its connection breaks."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from service.follower import RECORD, Awaited, Follower
from service.read_models import backfill
from service.store import events, head_listener, keys, log
from service.store.engine import DatabaseUnavailable, connection, open_engine, transaction
from service.store.releases import session_name
from tests.failover import admin, failed_over, name_of
from tests.store.record import FERRIES, NOON, READOUT, VISAS, document, filing, superuser


@asynccontextmanager
async def following(url: str, engine: Engine, **more: Any) -> AsyncIterator[Follower]:
    follower = Follower(url, engine, **more)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.close()


def kill(c: psycopg.Connection[Any], url: str) -> int:
    """End every connection of followers to this database. Return their number."""
    name = name_of(url)
    found = c.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = %s",
        [name, session_name("irritants-head")],
    )
    return len(found.fetchall())


def record(engine: Engine, stream: str = VISAS, version: int = 1) -> int:
    """Record one event with its document. Return the new position."""
    with connection(engine) as c:
        head = log.read_head(c)
        filed = filing(head, (stream, version))
        documents = [] if stream == READOUT else [document(stream.partition("/")[2], head.position + 1)]
        appended = log.append(c, head, [filed], documents)
    assert appended is not None
    return appended.position


@dataclass(frozen=True)
class Kept:
    position: int
    size: int = 10


def test_the_head_includes_everything_recorded_before_the_call(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            for version in range(1, 200):
                position = await asyncio.to_thread(record, engine, VISAS, version)
                assert (await follower.head()).position == position

    asyncio.run(test())


def test_one_query_answers_all_callers_that_wait_for_it(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            queries = follower.queries
            heads = await asyncio.gather(*(follower.head() for _ in range(500)))
            assert len({head.position for head in heads}) == 1
            assert follower.queries <= queries + 2
            assert follower.head_requests >= 500

    asyncio.run(test())


def test_the_query_for_the_head_uses_its_index_although_it_was_planned_on_an_empty_record(
    database_url: str, engine: Engine
) -> None:
    def scans() -> int:
        """Return the number of scans of the table of documents, which PostgreSQL reports when a connection ends."""
        with admin(database_url) as c:
            waited = "SELECT FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
            name = name_of(database_url)
            while c.execute(waited, [name, session_name("irritants-head")]).fetchall():
                time.sleep(0.01)
        with connection(engine) as c:
            table = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'read_models'"
            return int(c.exec_driver_sql(table).scalar_one())

    async def test() -> None:
        async with following(database_url, engine) as follower:
            for version in range(1, 20):
                await asyncio.to_thread(record, engine, VISAS, version)
                await follower.head()

    before = scans()
    asyncio.run(test())
    assert scans() == before


def test_an_event_of_a_later_release_makes_reads_fail(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            record(engine)
            with superuser(database_url) as c:
                c.execute("UPDATE events SET type = 'TreatyRatified'")
            with pytest.raises(DatabaseUnavailable, match="unknown event type TreatyRatified; a later release"):
                await follower.head()

    asyncio.run(test())


def test_a_call_is_not_answered_by_a_query_that_began_before_it(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            with transaction(engine) as c:
                # The query waits for this lock, so it has begun and cannot end.
                c.exec_driver_sql("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
                under_way = asyncio.create_task(follower.head())
                await until(lambda: waits_for_a_lock(engine))
                moved = log.append(c, log.read_head(c), [filing(log.read_head(c), (READOUT, 1))])
                later = asyncio.create_task(follower.head())
            assert moved is not None
            await under_way
            assert (await later).position == moved.position == 1

    asyncio.run(test())


def waits_for_a_lock(engine: Engine) -> bool:
    with connection(engine) as c:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(c.exec_driver_sql(query).scalar())


async def until(holds: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.005)


def test_changed_entries_leave_the_cache_and_others_stay(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            loads: list[str] = []

            async def look(key: str, *topics: str) -> None:
                async def load() -> Kept:
                    loads.append(key)
                    head = follower.last_head
                    assert head is not None
                    return Kept(head.position)

                await follower.cached(key, topics, load)

            async def look_at_all() -> list[str]:
                loads.clear()
                await follower.head()
                for key, topic in (("visas", VISAS), ("ferries", FERRIES), ("no-se", "no-se"), ("all", RECORD)):
                    await look(key, topic)
                return loads

            assert await look_at_all() == ["visas", "ferries", "no-se", "all"]
            assert await look_at_all() == []
            await asyncio.to_thread(record, engine, VISAS)
            assert await look_at_all() == ["visas", "no-se", "all"]
            await asyncio.to_thread(record, engine, READOUT)
            assert await look_at_all() == ["all"]

    asyncio.run(test())


def test_behind_counts_positions_that_are_announced_and_not_yet_read(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await asyncio.to_thread(record, engine, READOUT, 1)
            await follower.head()
            assert follower.behind == 0  # it was behind by one, and has caught up
            with transaction(engine) as c:
                # The catch-up waits for this lock on the watermark of the backfill.
                c.execute(text("SELECT FROM read_models WHERE name = :name FOR UPDATE"), {"name": backfill.WATERMARK})
                await asyncio.to_thread(record, engine, READOUT, 2)
                asked = asyncio.create_task(follower.head())
                await until(lambda: follower.behind == 1)
                assert not asked.done()
            assert ((await asked).position, follower.behind) == (2, 0)

    asyncio.run(test())


def test_a_commit_wakes_a_waiter_at_once(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            loop = asyncio.get_running_loop()
            with follower.waiter([VISAS]) as waiter, follower.waiter([FERRIES]) as other:
                began = loop.time()
                waiting = asyncio.create_task(waiter.wait(loop.time() + 5))
                await asyncio.to_thread(record, engine, VISAS)
                assert await waiting
                # Before the tick, which comes once a second.
                assert loop.time() - began < 0.5
                assert not await other.wait(loop.time() + 0.01)

    asyncio.run(test())


@pytest.mark.parametrize("failure", [None, RuntimeError("the disk is full")])
def test_waiters_that_share_a_key_wake_after_one_shared_lookup(
    database_url: str, engine: Engine, failure: Exception | None
) -> None:
    looks: list[asyncio.Future[None]] = []

    async def look() -> None:
        looks.append(asyncio.get_running_loop().create_future())
        await looks[-1]

    async def test() -> None:
        until_then = asyncio.get_running_loop().time() + 5
        async with following(database_url, engine) as follower:
            await follower.head()
            awaited = Awaited("visas", look)
            with follower.waiter([VISAS], awaited) as one, follower.waiter([VISAS], awaited) as other:
                waiting = [asyncio.create_task(waiter.wait(until_then)) for waiter in (one, other)]
                await asyncio.to_thread(record, engine, VISAS)
                await follower.head()
                await until(lambda: looks)
                assert not any(task.done() for task in waiting)
                [looked] = looks
                if failure is None:
                    looked.set_result(None)
                else:
                    looked.set_exception(failure)
                assert await asyncio.gather(*waiting) == [True, True]

    asyncio.run(test())


def test_a_change_of_the_keys_wakes_all_waiters(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            version = (await follower.head()).keys_version
            with follower.waiter([VISAS]) as waiter:
                with transaction(engine) as c:
                    keys.create(c, "desk", ("read",), NOON)
                assert await waiter.wait(asyncio.get_running_loop().time() + 5)
            assert (await follower.head()).keys_version == version + 1

    asyncio.run(test())


def test_a_follower_far_behind_clears_its_cache(
    database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_listener, "MOST_CHANGED", 3)  # two documents, and the note of the backfill

    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            await follower.cached("ferries", [FERRIES], kept_at(0))
            with connection(engine) as c:
                head = log.read_head(c)
                documents = [*(document(f"no-se/{n}", 1) for n in range(2)), backfill.watermark(1)]
                log.append(c, head, [filing(head, (VISAS, 1))], documents)
            await follower.head()
            assert len(follower.cache) == 1
            with connection(engine) as c:
                head = log.read_head(c)
                documents = [*(document(f"no-se/{n}", 2) for n in range(3)), backfill.watermark(2)]
                log.append(c, head, [filing(head, (VISAS, 2))], documents)
            await follower.head()
            assert len(follower.cache) == 0

    asyncio.run(test())


def kept_at(position: int) -> Callable[[], Awaitable[Kept]]:
    async def load() -> Kept:
        return Kept(position)

    return load


def test_a_follower_whose_connection_is_killed_at_random_sees_every_position(database_url: str, engine: Engine) -> None:
    last, chance = 400, random.Random(7)
    killed, has_killed = 0, asyncio.Event()

    async def write() -> None:
        for version in range(1, last + 1):
            if version == last:
                # On a slow machine the killing can be late.
                await asyncio.wait_for(has_killed.wait(), 60)
            await asyncio.to_thread(record, engine, VISAS, version)

    async def kill_at_random() -> None:
        nonlocal killed
        with admin(database_url) as c:
            while True:
                await asyncio.sleep(chance.uniform(0, 0.05))
                killed += await asyncio.to_thread(kill, c, database_url)
                if killed > 5:
                    has_killed.set()

    def page(engine: Engine, after: int, upto: int) -> list[int]:
        with connection(engine) as c:
            return [event.position for event in events.read_log(c, after=after, upto=upto)]

    async def follow(follower: Follower) -> list[int]:
        seen: list[int] = []
        while len(seen) < last:
            with follower.waiter([RECORD]) as waiter:
                try:
                    head = await follower.head()
                except DatabaseUnavailable:
                    continue
                after = seen[-1] if seen else 0
                if head.position == after:
                    await waiter.wait(asyncio.get_running_loop().time() + 2)
                seen += await follower.read(page, after, head.position)
        return seen

    async def test() -> None:
        async with following(database_url, engine) as follower:
            killing = asyncio.create_task(kill_at_random())
            seen, _ = await asyncio.gather(follow(follower), write())
            killing.cancel()
        assert seen == list(range(1, last + 1))
        assert killed > 5

    asyncio.run(test())


def test_a_follower_reports_an_outage_and_recovers(database_url: str, engine: Engine) -> None:
    name = name_of(database_url)

    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            with admin(database_url) as c:
                c.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
                kill(c, database_url)
                began = time.monotonic()
                with pytest.raises(DatabaseUnavailable):
                    await follower.head()
                assert time.monotonic() - began < 5
                c.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            position = await asyncio.to_thread(record, engine)
            assert (await follower.head()).position == position

    asyncio.run(test())


def test_a_database_that_does_not_answer_counts_as_down(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            with transaction(engine) as c:
                c.exec_driver_sql("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
                began = time.monotonic()
                first = asyncio.create_task(follower.head())
                await asyncio.sleep(0.1)
                # This call waits for the running query before its own begins.
                second = asyncio.create_task(follower.head())
                for question in (first, second):
                    with pytest.raises(DatabaseUnavailable):
                        await question
                assert time.monotonic() - began < 5
            assert (await follower.head()).position == 0

    asyncio.run(test())


def test_a_restored_older_record_is_detected(
    database_url: str, clone: Any, migrated_template: str, engine: Engine
) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await asyncio.to_thread(record, engine)
            await follower.head()
            await follower.cached("visas", [VISAS], kept_at(1))
            await follower.cached("past", [], kept_at(1))
            with clone(migrated_template) as older, capture_logs() as logged, failed_over(database_url, older):
                head = await follower.head()
                assert (head.position, len(follower.cache), follower.breaks) == (0, 0, 1)
            assert [(line["event"], line["seen"], line["ends"]) for line in logged] == [("went_back", 1, 0)]

    asyncio.run(test())


@pytest.mark.parametrize("more", [0, 1], ids=["as far", "further"])
@pytest.mark.parametrize("labelled", ["neither", "here", "elsewhere"])
def test_another_history_of_the_same_length_is_detected_by_its_chain_hash(
    database_url: str, clone: Any, migrated_template: str, engine: Engine, more: int, labelled: str
) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await asyncio.to_thread(record, engine)
            if labelled == "here":
                restrict(database_url)
            await follower.head()
            with clone(migrated_template) as other:
                for version in range(1, 2 + more):
                    await asyncio.to_thread(record_elsewhere, other, version)
                if labelled == "elsewhere":
                    restrict(other)
                with failed_over(database_url, other):
                    assert (await follower.head()).position == 1 + more
                    assert follower.breaks == 1

    asyncio.run(test())


def test_a_complete_copy_counts_as_the_same_record(
    database_url: str, clone: Any, migrated_template: str, engine: Engine
) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            with clone(migrated_template) as copy:
                await asyncio.to_thread(record_elsewhere, copy, 1)
                with failed_over(database_url, copy):
                    assert (await follower.head()).position == 1
                    assert follower.breaks == 0

    asyncio.run(test())


def restrict(url: str) -> None:
    """Mark the record as one whose first event is restricted."""
    with superuser(url) as c:
        c.execute("UPDATE head SET highest = 500, relabelled = 1")


def record_elsewhere(url: str, version: int) -> None:
    elsewhere = open_engine(url)
    record(elsewhere, FERRIES, version)
    elsewhere.dispose()


def test_reads_above_the_limit_are_refused(database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.follower._MOST_READS", 1)

    async def test() -> None:
        async with following(database_url, engine) as follower:
            slow = asyncio.create_task(follower.read(lambda _: time.sleep(0.2)))
            await asyncio.sleep(0.05)
            with pytest.raises(DatabaseUnavailable):
                await follower.read(lambda _: None)
            await slow
            await follower.read(lambda _: None)

    asyncio.run(test())
