"""Stored documents are what a replay of the log gives, are verified to be, and are mended where they are not."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from service.domain.report import read
from service.rebuild import ensure_built, rebuild, verify_documents
from service.recorder import Receipt, Recorder, Request
from service.store import read_models
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
    return sorted(found, key=lambda d: d[:3])


def tamper(engine: Engine, statement: str) -> None:
    with connection(engine) as c:
        c.execute(text(statement))


def concern(number: int) -> Request:
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
    return Request(read(body), f"concern-{number}", bytes(32), "an operator", "a request")


def test_what_the_appends_stored_is_what_a_replay_gives(engine: Engine) -> None:
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
        "INSERT INTO read_models VALUES ('irritant', 1, 'ru-us/nothing', 'ru-us', 7, '{}', '{}')",
        "INSERT INTO read_models VALUES ('irritant', 1, 'ru-us/nothing', 'ru-us', 999999, '{}', '{}')",
    ],
)
def test_whatever_differs_is_found_and_mended(engine: Engine, statement: str) -> None:
    before = everything(engine)
    tamper(engine, statement)
    with pytest.raises(Damaged, match="is not what the log says"):
        verify_documents(engine)
    assert rebuild(engine) > 0
    verify_documents(engine)
    assert everything(engine) == before


def test_the_first_bad_position_is_named(engine: Engine) -> None:
    tamper(engine, "INSERT INTO read_models VALUES ('irritant', 1, 'ru-us/nothing', 'ru-us', 9, '{}', '{}')")
    tamper(engine, "INSERT INTO read_models VALUES ('irritant', 1, 'ru-us/nought', 'ru-us', 5, '{}', '{}')")
    with pytest.raises(Damaged, match=r"position 5: .* 1 more"):
        verify_documents(engine)


def test_the_documents_of_another_representation_are_left_alone(engine: Engine) -> None:
    tamper(engine, "INSERT INTO read_models SELECT name, 999, key, relation, position, facets, body FROM read_models")
    verify_documents(engine)
    before = everything(engine)
    assert rebuild(engine) == 0
    assert everything(engine) == before


def test_what_was_never_built_is_built_once(engine: Engine) -> None:
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
                document = read_models.get(c, "irritant", 1, "ru-us/visas")
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
        document = read_models.get(c, "irritant", 1, "ru-us/visas")
    assert document is not None
    assert document.position == positions[-1]
