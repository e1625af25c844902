"""The relay with real NATS and PostgreSQL: each event once and in order, after every crash, and no mixed records."""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from nats.js.api import StreamConfig
from sqlalchemy import Engine

from service.api.resources.cloudevents import cloud_event
from service.follower import Follower
from service.relay import Refused, Relay, Target
from service.relay.subjects import subject
from service.store import events
from service.store.engine import DatabaseUnavailable, connection, open_engine
from service.store.lock import acquire
from service.store.releases import session_name
from tests.crash.faults import Database
from tests.programs import Program
from tests.relay.server import STREAM, NatsServer, cluster
from tests.store.record import FERRIES, READOUT, VISAS, put, superuser

LONGEST = 60.0
FILED_BY_A_LATER_RELEASE = """
INSERT INTO events (position, stream, version, id, type, schema_version, data, actor, report, correlation, recorded_at,
                    chain_hash)
SELECT position + 1, stream, version + 1, gen_random_uuid(), 'TreatyRatified', 1, data, actor, report, correlation,
       recorded_at, chain_hash
  FROM events ORDER BY position DESC LIMIT 1
"""


def target(server: NatsServer) -> Target:
    return Target(server.url, STREAM, "irritants")


def fill(engine: Engine, reports: int, size: int = 10, *, stream: str = VISAS) -> int:
    """File reports of several events each on a stream. Return the last position."""
    with connection(engine) as c:
        last = events.last_of_stream(c, stream, 2**62)
        version = last[0] if last else 0
        for _ in range(reports):
            put(c, *((stream, version + n) for n in range(1, size + 1)))
            version += size
        return events.last_position(c)


def on_record(engine: Engine) -> list[bytes]:
    with connection(engine) as c:
        return [cloud_event(event) for event in events.read_log(c)]


@asynccontextmanager
async def relaying(url: str, engine: Engine, to: Target) -> AsyncIterator[asyncio.Task[None]]:
    follower = Follower(url, engine)
    await follower.start()
    task = asyncio.create_task(Relay(url, follower, to).run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Refused):
            await task
        await follower.close()


async def reached(server: NatsServer, position: int) -> None:
    """Wait until the stream ends at a position."""
    connected = await server.connected()
    try:
        context = connected.jetstream()
        async with asyncio.timeout(LONGEST):
            while True:
                with suppress(Exception):
                    if (await context.stream_info(STREAM)).state.last_seq >= position:
                        return
                await asyncio.sleep(0.01)
    finally:
        await connected.close()


@contextmanager
def running(nats: str, url: str, log: Path, *options: str) -> Iterator[Program]:
    command = ["relay", "--nats", nats, "--database", url, *options]
    with log.open("ab") as lines, Program(command, out=lines, err=lines) as started:
        yield started


def whole(server: NatsServer, engine: Engine) -> None:
    """Assert that the stream contains every event of the record once, in order, byte for byte."""
    stored = asyncio.run(server.stored())
    assert [payload for *_, payload in stored] == on_record(engine)
    assert [sequence for sequence, *_ in stored] == list(range(1, len(stored) + 1))


def test_a_subject_consists_of_relation_kind_and_name() -> None:
    assert subject("irritants", "irritant/ru-us/visas") == "irritants.ru-us.irritant.visas"
    assert subject("irritants", "round/ru-us/istanbul-april") == "irritants.ru-us.round.istanbul-april"
    assert subject("a.b", "relation/ru-us") == "a.b.ru-us.relation"
    assert subject("irritants", "source/readout-of-may") == "irritants.shared.source.readout-of-may"


def test_every_event_is_a_cloud_event_in_nats_once_and_in_order(
    database_url: str, engine: Engine, nats_server: NatsServer
) -> None:
    async def test() -> None:
        position = fill(engine, 60) and fill(engine, 3, stream=READOUT)
        async with relaying(database_url, engine, target(nats_server)):
            await reached(nats_server, position)
            position = await asyncio.to_thread(fill, engine, 1, 1, stream=FERRIES)
            await reached(nats_server, position)

    asyncio.run(test())
    whole(nats_server, engine)
    *_, (_, last_subject, headers, payload) = asyncio.run(nats_server.stored())
    event = json.loads(payload)
    assert last_subject == "irritants.dk-no.irritant.ferries"
    assert (headers["Nats-Msg-Id"], headers["content-type"]) == (event["id"], "application/cloudevents+json")
    parsed = from_http(HTTPMessage(headers={"content-type": headers["content-type"]}, body=payload), JSONFormat())
    assert parsed.get_id() == event["id"]


@pytest.mark.slow
def test_a_relay_that_is_killed_at_random_leaves_no_gap_and_no_double(
    database_url: str, engine: Engine, nats_server: NatsServer, tmp_path: Path
) -> None:
    position = fill(engine, 40, 50)
    for _ in range(2):
        with running(nats_server.url, database_url, tmp_path / "log"):
            asyncio.run(reached(nats_server, random.randrange(1, position)))
    position = fill(engine, 4, 50)
    with running(nats_server.url, database_url, tmp_path / "log") as last:
        asyncio.run(reached(nats_server, position))
        last.send_signal(signal.SIGTERM)
        assert last.wait(timeout=10) == 0
    whole(nats_server, engine)


@pytest.mark.slow
def test_of_two_relays_one_stands_by_and_takes_over(
    database_url: str, engine: Engine, nats_server: NatsServer, tmp_path: Path
) -> None:
    first_log, second_log = tmp_path / "first", tmp_path / "second"
    with running(nats_server.url, database_url, first_log) as first:
        asyncio.run(reached(nats_server, fill(engine, 1)))
        with running(nats_server.url, database_url, second_log):
            until_said(second_log, "standing by")
            asyncio.run(reached(nats_server, fill(engine, 1)))
            assert "relaying" not in second_log.read_text(encoding="utf-8")
            first.kill()
            asyncio.run(reached(nats_server, fill(engine, 1)))
            assert "relaying" in second_log.read_text(encoding="utf-8")
    whole(nats_server, engine)


def test_two_active_relays_never_duplicate_or_interleave(
    database_url: str, engine: Engine, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay that lost the connection of its lock may not have noticed yet, so two may publish for a moment."""

    async def test() -> None:
        to, position = target(nats_server), fill(engine, 40, 50)
        names = iter(["one", "another"])
        monkeypatch.setattr(
            "service.relay.acquire", lambda url, name, told: acquire(url, f"{name} {next(names, name)}", told)
        )
        async with relaying(database_url, engine, to), relaying(database_url, engine, to):
            await reached(nats_server, position)
            position = await asyncio.to_thread(fill, engine, 20, 5)
            await reached(nats_server, position)

    asyncio.run(test())
    whole(nats_server, engine)


def until_said(log: Path, words: str) -> None:
    end = time.monotonic() + LONGEST
    while words not in (log.read_text(encoding="utf-8") if log.exists() else ""):
        assert time.monotonic() < end, f"never said: {words}"
        time.sleep(0.02)


def test_the_relay_waits_for_nats_and_logs_it(
    database_url: str, engine: Engine, nats_server: NatsServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(nats_server.url, database_url, log) as relay:
        asyncio.run(reached(nats_server, fill(engine, 2)))
        nats_server.kill()
        position = fill(engine, 3)
        until_said(log, '"of": "NATS"')
        nats_server.start()
        asyncio.run(reached(nats_server, position))
        assert relay.poll() is None
    whole(nats_server, engine)


def test_the_log_does_not_show_a_password_that_nats_refuses(database_url: str, engine: Engine, tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "jetstream", login="relay:right-one")
    server.start()
    try:
        position, log = fill(engine, 2), tmp_path / "log"
        with running(server.url_as("relay:mistaken"), database_url, log) as relay:
            until_said(log, "Authorization Violation")
            assert relay.poll() is None
        assert "mistaken" not in log.read_text(encoding="utf-8")
        with running(server.url, database_url, log):
            asyncio.run(reached(server, position))
        assert "right-one" not in log.read_text(encoding="utf-8")
        whole(server, engine)
    finally:
        server.kill()


@pytest.mark.slow
def test_if_a_server_of_a_cluster_dies_the_relay_continues_with_the_others(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    """With three copies of each message, the leader is killed, and restarted before the next leader is killed."""
    servers = {server.name: server for server in cluster(tmp_path)}
    addresses = ",".join(server.url for server in servers.values())
    for server in servers.values():
        server.start()
    try:
        with running(addresses, database_url, tmp_path / "log", "--replicas", "3"):
            for _ in range(2):
                position = fill(engine, 4)
                asyncio.run(reached(servers["a"], position))
                leader = servers[asyncio.run(servers["a"].leader())]
                other = next(server for server in servers.values() if server is not leader)
                leader.kill()
                position = fill(engine, 4)
                asyncio.run(reached(other, position))
                leader.start()
        whole(servers["a"], engine)
    finally:
        for server in servers.values():
            server.kill()


def crash(url: str) -> None:
    """Kill a process of PostgreSQL, which then closes all connections, recovers, and restarts at the same address."""
    with suppress(psycopg.OperationalError), psycopg.connect(url) as c:
        os.kill(c.info.backend_pid, signal.SIGKILL)


def fill_when_back(engine: Engine) -> int:
    end = time.monotonic() + LONGEST
    while True:
        try:
            return fill(engine, 5)
        except DatabaseUnavailable:
            assert time.monotonic() < end, "the database does not come back"
            time.sleep(0.1)


@pytest.mark.slow
def test_the_relay_waits_for_a_database_that_died(nats_server: NatsServer, tmp_path: Path) -> None:
    from service.store.migrate import upgrade  # noqa: PLC0415 -- only this test makes tables of its own

    database = Database(tmp_path / "home")
    database.start()
    try:
        upgrade(database.address)
        engine = open_engine(database.address)
        log = tmp_path / "log"
        with running(nats_server.url, database.address, log) as relay:
            asyncio.run(reached(nats_server, fill(engine, 5)))
            crash(database.address)
            until_said(log, '"of": "the database"')
            asyncio.run(reached(nats_server, fill_when_back(engine)))
            assert relay.poll() is None
        whole(nats_server, engine)
        engine.dispose()
    finally:
        database.stop()


def test_a_relay_that_loses_the_connection_of_its_lock_takes_the_lock_again(
    database_url: str, engine: Engine, nats_server: NatsServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(nats_server.url, database_url, log):
        asyncio.run(reached(nats_server, fill(engine, 1)))
        with psycopg.connect(database_url, autocommit=True) as c:
            cut = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = current_database()"
            )
            assert c.execute(cut, [session_name("irritants-lock")]).rowcount == 1
        until_said(log, '"of": "the database"')
        asyncio.run(reached(nats_server, fill(engine, 1)))
    whole(nats_server, engine)


async def refused(url: str, engine: Engine, server: NatsServer) -> str:
    async with relaying(url, engine, target(server)) as task:
        with pytest.raises(Refused) as told:
            await asyncio.wait_for(task, LONGEST)
    return str(told.value)


async def relayed(url: str, engine: Engine, server: NatsServer) -> None:
    position = fill(engine, 2)
    async with relaying(url, engine, target(server)):
        await reached(server, position)


def test_a_stream_of_another_record_is_refused(
    database_url: str, engine: Engine, seeded_database_url: str, nats_server: NatsServer
) -> None:
    async def test() -> None:
        await relayed(database_url, engine, nats_server)
        before = await nats_server.stored()
        other = open_engine(seeded_database_url)
        with superuser(seeded_database_url) as c:
            c.execute("UPDATE head SET record = gen_random_uuid()")  # clones of one template share it
        assert "belongs to the record" in await refused(seeded_database_url, other, nats_server)
        other.dispose()
        assert await nats_server.stored() == before

    asyncio.run(test())


def test_a_stream_without_a_description_is_identified_by_its_last_message(
    database_url: str, engine: Engine, seeded_database_url: str, nats_server: NatsServer
) -> None:
    async def test() -> None:
        connected = await nats_server.connected()
        await connected.jetstream().add_stream(StreamConfig(name=STREAM, subjects=["irritants.>"]))
        await connected.close()
        await relayed(database_url, engine, nats_server)
        other = open_engine(seeded_database_url)
        assert "another log" in await refused(seeded_database_url, other, nats_server)
        other.dispose()

    asyncio.run(test())
    whole(nats_server, engine)


def test_a_record_that_was_restored_from_an_older_copy_is_refused(
    database_url: str, engine: Engine, nats_server: NatsServer
) -> None:
    async def test() -> None:
        await relayed(database_url, engine, nats_server)
        with superuser(database_url) as c:
            c.execute("DELETE FROM events WHERE position > 12")
            c.execute("UPDATE head SET position = 12, chain_hash = (SELECT chain_hash FROM events WHERE position = 12)")
        before = await nats_server.stored()
        assert "restored from an older copy" in await refused(database_url, engine, nats_server)
        assert await nats_server.stored() == before

    asyncio.run(test())


def test_an_event_of_a_later_release_ends_the_relay_with_an_explanation(
    database_url: str, engine: Engine, nats_server: NatsServer
) -> None:
    async def test() -> None:
        position = fill(engine, 2)
        async with relaying(database_url, engine, target(nats_server)) as task:
            await reached(nats_server, position)
            with superuser(database_url) as c:
                c.execute(FILED_BY_A_LATER_RELEASE)
            with pytest.raises(Refused, match="unknown event type TreatyRatified"):
                await asyncio.wait_for(task, LONGEST)

    asyncio.run(test())


def test_a_stream_that_others_write_to_is_refused(database_url: str, engine: Engine, nats_server: NatsServer) -> None:
    async def test() -> None:
        await relayed(database_url, engine, nats_server)
        connected = await nats_server.connected()
        await connected.jetstream().publish("irritants.ru-us.irritant.visas", b"not from the record")
        await connected.close()
        fill(engine, 1)
        assert "another program writes to it" in await refused(database_url, engine, nats_server)

    asyncio.run(test())


def test_a_stream_whose_messages_were_deleted_continues_after_its_last_position(
    database_url: str, engine: Engine, nats_server: NatsServer
) -> None:
    async def test() -> None:
        await relayed(database_url, engine, nats_server)
        connected = await nats_server.connected()
        await connected.jetstream().purge_stream(STREAM)
        position = fill(engine, 1)
        async with relaying(database_url, engine, target(nats_server)):
            await reached(nats_server, position)
        state = (await connected.jetstream().stream_info(STREAM)).state
        assert (state.first_seq, state.last_seq, state.messages) == (position - 9, position, 10)
        await connected.close()

    asyncio.run(test())
