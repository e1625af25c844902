"""The follower against the real database: no read goes back, whatever happens to its connection."""

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
    """Ends every connection of followers to this database; how many there were."""
    name = name_of(url)
    found = c.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = %s",
        [name, "irritants-head"],
    )
    return len(found.fetchall())


def record(engine: Engine, stream: str = VISAS, version: int = 1) -> int:
    """Puts one event on record, with its document; the new position."""
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


def test_what_was_recorded_before_the_question_is_in_the_answer(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            for version in range(1, 200):
                position = await asyncio.to_thread(record, engine, VISAS, version)
                assert (await follower.head()).position == position

    asyncio.run(test())


def test_one_query_answers_everybody_who_asked_before_it(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            queries = follower.queries
            heads = await asyncio.gather(*(follower.head() for _ in range(500)))
            assert len({head.position for head in heads}) == 1
            assert follower.queries <= queries + 2
            assert follower.questions >= 500

    asyncio.run(test())


def test_the_question_for_the_head_follows_its_index_though_it_was_planned_on_an_empty_record(
    database_url: str, engine: Engine
) -> None:
    def walks() -> int:
        """How often the table of documents was read from end to end; told when a connection ends."""
        with admin(database_url) as c:
            waited = "SELECT FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
            name = name_of(database_url)
            while c.execute(waited, [name, "irritants-head"]).fetchall():
                time.sleep(0.01)
        with connection(engine) as c:
            table = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'read_models'"
            return int(c.exec_driver_sql(table).scalar_one())

    async def test() -> None:
        async with following(database_url, engine) as follower:
            for version in range(1, 20):
                await asyncio.to_thread(record, engine, VISAS, version)
                await follower.head()

    before = walks()
    asyncio.run(test())
    assert walks() == before


def test_what_only_a_later_release_can_read_is_answered_by_none_but_that(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            record(engine)
            with superuser(database_url) as c:
                c.execute("UPDATE events SET type = 'TreatyRatified'")
            with pytest.raises(DatabaseUnavailable, match="unknown event type TreatyRatified; a later release"):
                await follower.head()

    asyncio.run(test())


def test_a_question_is_not_answered_by_a_query_that_was_under_way(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            with transaction(engine) as c:
                # The query finds the head taken, so it has begun and cannot end.
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


def test_what_changes_is_no_longer_kept_and_what_does_not_is(database_url: str, engine: Engine) -> None:
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

                await follower.kept(key, topics, load)

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


def test_it_is_behind_by_what_it_has_heard_of_and_cannot_read_yet(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await asyncio.to_thread(record, engine, READOUT, 1)
            await follower.head()
            assert follower.behind == 0  # it was by one, and caught up
            with transaction(engine) as c:
                # The catch-up has to wait for the note of how far documents were made.
                c.execute(text("SELECT FROM read_models WHERE name = :name FOR UPDATE"), {"name": backfill.NOTE})
                await asyncio.to_thread(record, engine, READOUT, 2)
                asked = asyncio.create_task(follower.head())
                await until(lambda: follower.behind == 1)
                assert not asked.done()
            assert ((await asked).position, follower.behind) == (2, 0)

    asyncio.run(test())


def test_whoever_waits_is_woken_by_the_commit_alone(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            loop = asyncio.get_running_loop()
            with follower.waiter([VISAS]) as waiter, follower.waiter([FERRIES]) as other:
                began = loop.time()
                waiting = asyncio.create_task(waiter.wait(loop.time() + 5))
                await asyncio.to_thread(record, engine, VISAS)
                assert await waiting
                # Not by the tick, which comes once a second.
                assert loop.time() - began < 0.5
                assert not await other.wait(loop.time() + 0.01)

    asyncio.run(test())


@pytest.mark.parametrize("failure", [None, RuntimeError("the disk is full")])
def test_those_who_await_one_thing_are_woken_when_it_was_looked_at_once_for_all(
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


def test_a_change_of_the_keys_wakes_everybody_who_waits(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            version = (await follower.head()).keys_version
            with follower.waiter([VISAS]) as waiter:
                with transaction(engine) as c:
                    keys.create(c, "desk", ("read",), NOON)
                assert await waiter.wait(asyncio.get_running_loop().time() + 5)
            assert (await follower.head()).keys_version == version + 1

    asyncio.run(test())


def test_far_behind_everything_kept_is_forgotten(
    database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_listener, "MOST_CHANGED", 3)  # two documents, and the note that they are all

    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            await follower.kept("ferries", [FERRIES], kept_at(0))
            with connection(engine) as c:
                head = log.read_head(c)
                documents = [*(document(f"no-se/{n}", 1) for n in range(2)), backfill.note(1)]
                log.append(c, head, [filing(head, (VISAS, 1))], documents)
            await follower.head()
            assert len(follower.cache) == 1
            with connection(engine) as c:
                head = log.read_head(c)
                documents = [*(document(f"no-se/{n}", 2) for n in range(3)), backfill.note(2)]
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
    killed = 0

    async def write() -> None:
        for version in range(1, last + 1):
            await asyncio.to_thread(record, engine, VISAS, version)

    async def kill_at_random() -> None:
        nonlocal killed
        with admin(database_url) as c:
            while True:
                await asyncio.sleep(chance.uniform(0, 0.05))
                killed += await asyncio.to_thread(kill, c, database_url)

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


def test_a_database_that_is_down_is_said_to_be_and_comes_back(database_url: str, engine: Engine) -> None:
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


def test_a_database_that_does_not_answer_is_said_to_be_down(database_url: str, engine: Engine) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await follower.head()
            with transaction(engine) as c:
                c.exec_driver_sql("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
                began = time.monotonic()
                first = asyncio.create_task(follower.head())
                await asyncio.sleep(0.1)
                # This one has to wait for the query that is under way before its own begins.
                second = asyncio.create_task(follower.head())
                for question in (first, second):
                    with pytest.raises(DatabaseUnavailable):
                        await question
                assert time.monotonic() - began < 5
            assert (await follower.head()).position == 0

    asyncio.run(test())


def test_a_record_that_was_put_back_is_not_taken_for_the_one_before(
    database_url: str, clone: Any, migrated_template: str, engine: Engine
) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await asyncio.to_thread(record, engine)
            await follower.head()
            await follower.kept("visas", [VISAS], kept_at(1))
            await follower.kept("past", [], kept_at(1))
            with clone(migrated_template) as older, capture_logs() as logged, failed_over(database_url, older):
                head = await follower.head()
                assert (head.position, len(follower.cache), follower.breaks) == (0, 0, 1)
            assert [(line["event"], line["seen"], line["ends"]) for line in logged] == [("went_back", 1, 0)]

    asyncio.run(test())


@pytest.mark.parametrize("more", [0, 1], ids=["as far", "further"])
def test_another_history_as_long_as_the_one_before_is_known_by_its_chain(
    database_url: str, clone: Any, migrated_template: str, engine: Engine, more: int
) -> None:
    async def test() -> None:
        async with following(database_url, engine) as follower:
            await asyncio.to_thread(record, engine)
            await follower.head()
            with clone(migrated_template) as other:
                for version in range(1, 2 + more):
                    await asyncio.to_thread(record_elsewhere, other, version)
                with failed_over(database_url, other):
                    assert (await follower.head()).position == 1 + more
                    assert follower.breaks == 1

    asyncio.run(test())


def test_a_copy_that_has_everything_is_the_same_record(
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


def record_elsewhere(url: str, version: int) -> None:
    elsewhere = open_engine(url)
    record(elsewhere, FERRIES, version)
    elsewhere.dispose()


def test_reads_beyond_what_is_taken_on_are_refused(
    database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
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
