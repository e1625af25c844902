"""Stored documents equal a replay of the log. Differences are found and repaired."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from service.domain.report import read
from service.follower import Follower
from service.projections import irritant
from service.read_models import backfill
from service.read_models.backfill import WATERMARK
from service.read_models.rebuild import ensure_built, rebuild, verify_documents
from service.recorder import Receipt, Recorder, ReportRequest
from service.store import log, read_models
from service.store.engine import connection, open_engine
from service.store.log import read_head
from service.store.read_models import Document
from service.store.verify import Damaged


@pytest.fixture
def engine(seeded_database_url: str) -> Iterator[Engine]:
    engine = open_engine(seeded_database_url)
    yield engine
    engine.dispose()


def everything(engine: Engine) -> list[Document]:
    with connection(engine) as c:
        found = read_models.at(c, range(1, read_head(c).position + 1))
    return sorted((d for d in found if d.name != WATERMARK), key=lambda d: d[:3])


def inserted(key: str, position: int) -> str:
    """Return a statement that inserts a document of an irritant that no event explains."""
    row = f"'irritant', {irritant.REPRESENTATION}, '{key}', 'ru-us', {position}, '{{}}', '{{}}'"
    return f"INSERT INTO read_models VALUES ({row})"


def tamper(engine: Engine, statement: str) -> None:
    with connection(engine) as c:
        c.execute(text(statement))


def concern(number: int) -> ReportRequest:
    said = {
        "stream": "irritant/ru-us/visas",
        "type": "ConcernRaised",
        "asserted_by": {"party": "US", "channel": "attributed"},
        "source": {
            "document": "a3-brussels-morning-istanbul",
            "paragraphs": [5],
            "origin": "us-diplomats-brussels-morning",
        },
        "summary": f"Said again, for the {number}. time.",
    }
    body = {"relation": "ru-us", "title": "A concern", "events": [said]}
    return ReportRequest(read(body), f"concern-{number}", bytes(32), "an operator", "a request")


def test_documents_of_appends_equal_a_replay(engine: Engine) -> None:
    verify_documents(engine)
    assert rebuild(engine) == 0


def test_a_rebuild_from_nothing_gives_the_same_bytes(engine: Engine) -> None:
    before = everything(engine)
    tamper(engine, "DELETE FROM read_models")
    assert rebuild(engine) == len(before)
    assert everything(engine) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE read_models SET body = 'forged' WHERE key = 'ru-us/visas'",
        "UPDATE read_models SET facets = '{}' WHERE key = 'ru-us/visas'",
        "UPDATE read_models SET position = position - 1 WHERE key = 'ru-us/visas'",
        "UPDATE read_models SET relation = 'de-fr' WHERE key = 'ru-us/visas'",
        "DELETE FROM read_models WHERE key = 'ru-us/visas'",
        "DELETE FROM read_models WHERE key = (SELECT max(key) FROM read_models WHERE name = 'change')",
        inserted("ru-us/nothing", 7),
        inserted("ru-us/nothing", 999999),
    ],
)
def test_every_difference_is_found_and_repaired(engine: Engine, statement: str) -> None:
    before = everything(engine)
    tamper(engine, statement)
    with pytest.raises(Damaged, match="differs from a replay of the log"):
        verify_documents(engine)
    assert rebuild(engine) > 0
    verify_documents(engine)
    assert everything(engine) == before


def test_the_first_bad_position_is_named(engine: Engine) -> None:
    tamper(
        engine,
        inserted("ru-us/nothing", 9),
    )
    tamper(
        engine,
        inserted("ru-us/nought", 5),
    )
    with pytest.raises(Damaged, match=r"position 5: .* 1 more"):
        verify_documents(engine)


def test_the_documents_of_another_representation_are_left_alone(engine: Engine) -> None:
    tamper(engine, "INSERT INTO read_models SELECT name, 999, key, relation, position, facets, body FROM read_models")
    verify_documents(engine)
    before = everything(engine)
    assert rebuild(engine) == 0
    assert everything(engine) == before


def test_missing_documents_are_built_only_once(engine: Engine) -> None:
    tamper(engine, "DELETE FROM read_models")
    assert ensure_built(engine) > 0
    tamper(engine, "DELETE FROM read_models WHERE key = 'ru-us/visas'")
    assert ensure_built(engine) == 0


def test_progress_goes_to_the_end_and_never_back(engine: Engine) -> None:
    told: list[tuple[int, int]] = []
    rebuild(engine, lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    with connection(engine) as c:
        assert told[-1] == (read_head(c).position,) * 2


def test_rebuilding_under_load_leaves_the_documents_of_the_last_append(engine: Engine) -> None:
    recorder, enough = Recorder(engine), threading.Event()
    positions: list[int] = []

    def append() -> None:
        for number in range(1, 1_000):
            (outcome,) = recorder.record([concern(number)])
            assert isinstance(outcome, Receipt)
            positions.append(outcome.report.last_position)
            if enough.is_set():
                return

    def watch() -> None:
        seen = 0
        with connection(engine) as c:
            while not enough.is_set():
                document = read_models.get(c, "irritant", irritant.REPRESENTATION, "ru-us/visas")
                assert document is not None
                assert document.position >= seen
                seen = document.position

    threads = [threading.Thread(target=append), threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        rebuild(engine)
    enough.set()
    for thread in threads:
        thread.join()
    verify_documents(engine)
    with connection(engine) as c:
        document = read_models.get(c, "irritant", irritant.REPRESENTATION, "ru-us/visas")
    assert document is not None
    assert document.position == positions[-1]


@pytest.fixture
def other(seeded_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine for appends of another release, whose documents and note have other representations."""
    other, append, catch_up = open_engine(seeded_database_url), log.append, backfill.catch_up

    def appended(
        c: Connection, head: log.Head, filings: list[log.Filing], documents: Iterable[Document], **more: Any
    ) -> object:
        if c.engine.pool is other.pool:
            documents = [_of_another_release(d) for d in documents]
        return append(c, head, filings, list(documents), **more)

    monkeypatch.setattr(log, "append", appended)
    monkeypatch.setattr(backfill, "catch_up", lambda c, at: 0 if c.engine.pool is other.pool else catch_up(c, at))
    yield other
    other.dispose()


def _of_another_release(document: Document) -> Document:
    if document.name == WATERMARK:
        return document._replace(key="what another release stores")
    return document._replace(representation=document.representation + 100)


def recorded(recorder: Recorder, number: int) -> int:
    (outcome,) = recorder.record([concern(number)])
    assert isinstance(outcome, Receipt), outcome
    return outcome.report.last_position


def visas(c: Connection, representation: int = irritant.REPRESENTATION) -> int:
    document = read_models.get(c, "irritant", representation, "ru-us/visas")
    assert document is not None
    return document.position


def test_two_releases_append_in_turn_and_each_reads_what_the_other_appended(
    seeded_database_url: str, engine: Engine, other: Engine
) -> None:
    ours, theirs = Recorder(engine), Recorder(other)

    async def test() -> None:
        follower = Follower(seeded_database_url, engine)
        await follower.start()
        try:
            for number in range(0, 12, 2):
                position = recorded(theirs, number)
                assert (await follower.head()).position == position
                with connection(engine) as c:
                    assert (visas(c), visas(c, irritant.REPRESENTATION + 100)) == (position, position)
                position = recorded(ours, number + 1)
                with connection(engine) as c:
                    assert (visas(c), visas(c, irritant.REPRESENTATION + 100)) == (position, position - 1)
        finally:
            await follower.close()

    asyncio.run(test())
    verify_documents(engine)
    assert rebuild(engine) == 0


def test_appends_after_another_release_leave_no_document_out(engine: Engine, other: Engine) -> None:
    ours, theirs = Recorder(engine), Recorder(other)
    for number in range(0, 20, 4):
        recorded(ours, number)
        for again in (1, 2, 3):
            recorded(theirs, number + again)
    recorded(ours, 20)
    assert rebuild(engine) == 0


def test_a_representation_is_built_while_another_release_appends_and_reads_are_whole_from_then_on(
    engine: Engine, other: Engine
) -> None:
    tamper(engine, "DELETE FROM read_models")
    theirs, enough, appended = Recorder(other), threading.Event(), list[int]()

    def append() -> None:
        for number in range(10_000):
            if enough.is_set():
                return
            appended.append(recorded(theirs, number))

    appending = threading.Thread(target=append)
    appending.start()
    try:
        _until(lambda: len(appended) > 2)
        assert ensure_built(engine) > 0
        for _ in range(5):
            with connection(engine) as c:
                head = read_head(c).position
                backfill.catch_up(c, head)
                assert visas(c) >= head
        before = len(appended)
        _until(lambda: len(appended) > before)
    finally:
        enough.set()
        appending.join()
    verify_documents(engine)


_KILLED = """
import os, signal, sys
from service.read_models import rebuild
from service.store.engine import open_engine
rebuild._BATCH_STREAMS, rebuild._WORTH_PROCESSES = 1, int(sys.argv[2])
told = []

def progress(done, total):
    told.append(done)
    if len(told) == 8:
        os.kill(os.getpid(), signal.SIGKILL)

rebuild.ensure_built(open_engine(sys.argv[1]), progress)
"""


@pytest.mark.parametrize("worth_processes", [pytest.param(0, marks=pytest.mark.slow), 1_000_000])
def test_a_killed_rebuild_leaves_served_documents_and_the_next_one_finishes(
    engine: Engine, seeded_database_url: str, worth_processes: int
) -> None:
    ours = everything(engine)
    tamper(engine, "UPDATE read_models SET representation = representation + 100")
    served = everything(engine)

    killed = subprocess.run([sys.executable, "-c", _KILLED, seeded_database_url, str(worth_processes)], check=False)

    assert killed.returncode == -signal.SIGKILL
    _until(lambda: _others(engine) == 0)
    with connection(engine) as c:
        assert backfill.built_up_to(c) is None
    left = everything(engine)
    assert [d for d in left if d.representation > 100] == served
    assert 0 < len([d for d in left if d.representation < 100]) < len(ours)
    assert ensure_built(engine) > 0
    assert [d for d in everything(engine) if d.representation < 100] == ours
    verify_documents(engine)


def _others(engine: Engine) -> int:
    """Return the number of other connections to this database."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    engine.dispose()
    with connection(engine) as c:
        return int(c.execute(text(query)).scalar_one())


def _until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it never came about")
