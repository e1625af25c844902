"""Cached histories equal those of the log at every position, and returned histories do not change."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from service import history_cache
from service.domain.history import History
from service.domain.streams import history_of
from service.history_cache import HistoryCache
from service.store import events
from service.store.engine import connection, transaction
from service.store.log import read_head
from tests.store.record import FERRIES, READOUT, VISAS, opened, put

FISH = "irritant/no-se/fish"
RELATION = "no-se"


@pytest.fixture
def record(engine: Engine) -> Iterator[Connection]:
    with connection(engine) as c:
        yield c


@pytest.fixture
def rows(engine: Engine) -> list[int]:
    """Return the number of rows of each query, in order."""
    found: list[int] = []
    event.listen(engine, "after_cursor_execute", lambda c, cursor, *_: found.append(cursor.rowcount))
    return found


def said(found: dict[str, History[Any]]) -> dict[str, list[int]]:
    return {stream: [e.position for e in history.events] for stream, history in found.items()}


def read(record: Connection, upto: int) -> dict[str, list[int]]:
    """Return the same from the log, without the cache."""
    kinds = ("irritant", "round", "relation")
    return {
        s: [e.position for e in log]
        for s, log in events.read_relation(record, RELATION, kinds=kinds, upto=upto).items()
    }


def test_cached_histories_equal_those_of_the_log_at_every_position(record: Connection) -> None:
    kept = HistoryCache(100)
    for version in range(1, 6):
        put(record, (VISAS, version), (FERRIES, version), (READOUT, version))
        last = version * 3
        assert said(kept.of_relation(record, RELATION, last)) == read(record, last)
    put(record, (FISH, 1))
    for upto in (16, 3, 7, 0, 16, 13):
        assert said(kept.of_relation(record, RELATION, upto)) == read(record, upto)


def test_only_new_events_are_read(record: Connection, rows: list[int]) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1), (VISAS, 2), (VISAS, 3))
    kept.of_relation(record, RELATION, 3)
    rows.clear()
    kept.of_relation(record, RELATION, 3)
    assert rows == []
    put(record, (VISAS, 4))
    rows.clear()
    kept.of_relation(record, RELATION, 4)
    # The last known event, whose chain hash is compared, and the one after it.
    assert rows == [2]


def test_returned_histories_do_not_change(record: Connection) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1), (FISH, 1))
    before = kept.of_relation(record, RELATION, 2)
    reading, title = before[VISAS].reading(), before[VISAS].state.title
    put(record, (VISAS, 2, opened("Renamed")))
    after = kept.of_relation(record, RELATION, 3)
    assert ([e.position for e in reading.events], before[VISAS].state.title) == ([1], title)
    assert after[VISAS].version == 2
    # An unchanged history is the same object.
    assert after[FISH] is before[FISH]


def test_a_cached_history_folds_as_a_new_one(record: Connection) -> None:
    kept = HistoryCache(100)
    for version in range(1, 8):
        put(record, (VISAS, version))
        history = kept.of_relation(record, RELATION, version)[VISAS]
        assert history.state == history_of(VISAS, events.read_streams(record, {VISAS: 0})[VISAS]).state


def test_the_cache_is_bounded(record: Connection, rows: list[int]) -> None:
    kept = HistoryCache(6)
    put(record, (VISAS, 1), (VISAS, 2), (FERRIES, 1), (FERRIES, 2))
    kept.of_relation(record, "no-se", 4)
    assert said(kept.of_relation(record, "dk-no", 4)) == {FERRIES: [3, 4]}
    rows.clear()
    kept.of_relation(record, "dk-no", 4)
    assert rows == []
    kept.of_relation(record, "no-se", 4)
    assert rows == [1, 2]
    assert said(HistoryCache(1).of_relation(record, "no-se", 4)) == {VISAS: [1, 2]}


def test_unrecorded_streams_are_not_cached(record: Connection) -> None:
    kept = HistoryCache(100)
    assert kept.of_relation(record, "fi-no", 0) == {}


def test_a_new_relation_is_found(record: Connection) -> None:
    kept = HistoryCache(100)
    assert kept.of_relation(record, RELATION, 0) == {}
    put(record, (VISAS, 1))
    assert said(kept.of_relation(record, RELATION, 1)) == {VISAS: [1]}


def test_a_relation_that_is_requested_later_is_read_up_to_the_cached_position(record: Connection) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1), (FERRIES, 1))
    put(record, (VISAS, 2), (FERRIES, 2))
    kept.of_relation(record, RELATION, 4)
    assert said(kept.of_relation(record, "dk-no", 2)) == {FERRIES: [2]}
    assert said(kept.of_relation(record, "dk-no", 4)) == {FERRIES: [2, 4]}


def test_an_uncached_stream_is_read_completely(record: Connection) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1), (VISAS, 2))
    kept.catch_up(record, 2)
    assert said(kept.streams(record, [VISAS, FISH], absent=[FISH])) == {VISAS: [1, 2], FISH: []}


def test_a_failover_that_lost_commits_clears_the_cache(record: Connection) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1), (VISAS, 2))
    known = kept.of_relation(record, RELATION, 2)[VISAS]
    kept.add(read_head(record)._replace(chain_hash=b"of an event that was lost"), {}, {})
    put(record, (VISAS, 3))
    found = kept.of_relation(record, RELATION, 3)[VISAS]
    assert [event.position for event in found.events] == [1, 2, 3]
    assert found.events[0] is not known.events[0]


def test_a_cache_far_behind_starts_over(record: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_cache, "_MOST_MISSED", 1)
    kept = HistoryCache(100)
    put(record, (VISAS, 1))
    known = kept.of_relation(record, RELATION, 1)[VISAS]
    put(record, (VISAS, 2), (VISAS, 3))
    found = kept.of_relation(record, RELATION, 3)[VISAS]
    assert [event.position for event in found.events] == [1, 2, 3]
    assert found.events[0] is not known.events[0]


def test_threads_compute_from_one_history_while_another_catches_it_up(engine: Engine, record: Connection) -> None:
    kept, last = HistoryCache(1_000), 60

    def follow(_: int) -> list[int]:
        seen = []
        with connection(engine) as c:
            for upto in range(1, last + 1):
                while events.last_position(c) < upto:
                    pass
                history = kept.of_relation(c, RELATION, upto)[VISAS]
                assert len(history.reading().effects) == upto
                seen.append(history.version)
        return seen

    with ThreadPoolExecutor(4) as threads:
        following = [threads.submit(follow, n) for n in range(4)]
        for version in range(1, last + 1):
            put(record, (VISAS, version))
        assert [one.result() for one in following] == [list(range(1, last + 1))] * 4


NAMED = {"type": "ActorRegistered", "actor": "SE", "kind": "state", "names": ["Svea"]}


def test_a_snapshot_from_before_a_name_leaves_nothing_in_the_cache(record: Connection, engine: Engine) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1))
    with transaction(engine, "REPEATABLE READ") as earlier:
        assert read_head(earlier).position == 1
        put(record, ("actor/se", 1, NAMED))
        kept.forget_names(2)
        assert kept.naming(earlier, 1).as_of(1).registered == {}
    assert kept.naming(record, 2).as_of(2).registered == {"SE": "Svea"}


def test_names_are_read_once_until_an_actor_is_named(record: Connection, rows: list[int]) -> None:
    kept = HistoryCache(100)
    put(record, (VISAS, 1), ("actor/se", 1, NAMED))
    kept.naming(record, 2)
    rows.clear()
    assert kept.naming(record, 2).as_of(2) is kept.naming(record, 2).as_of(2)
    assert rows == []
    kept.of_relation(record, RELATION, 2)
    put(record, ("actor/dk", 1, {**NAMED, "actor": "DK", "names": ["Danmark"]}))
    kept.of_relation(record, RELATION, 3)
    assert kept.naming(record, 3).as_of(3).registered == {"SE": "Svea", "DK": "Danmark"}
