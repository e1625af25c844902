"""An append writes all of its events if the head is as expected, and otherwise none."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from service.store import events, log, read_models, reports
from service.store.codec import GENESIS
from service.store.engine import driver, transaction
from service.store.log import KeyTaken, VersionTaken
from tests.store.record import FERRIES, NOON, READOUT, VISAS, document, filing, following, origin, put


def test_the_head_of_an_empty_record_is_at_position_0(record: Connection) -> None:
    head = log.read_head(record)
    assert (head.position, head.chain_hash, head.keys_version) == (0, GENESIS, 0)


def test_appended_events_are_read_back_unchanged(record: Connection) -> None:
    head = log.read_head(record)
    filed = filing(head, (VISAS, 1), (READOUT, 1, origin("an-interview")), (VISAS, 2), round="no-se/karlstad")
    moved = log.append(record, head, [filed])
    assert moved == log.read_head(record)
    assert moved is not None
    assert (moved.record, moved.position, moved.recorded_at) == (head.record, 3, NOON)
    assert events.read_streams(record, {VISAS: 0, READOUT: 0}) == {
        VISAS: [filed.events[0], filed.events[2]],
        READOUT: [filed.events[1]],
    }
    assert reports.by_ids(record, [filed.report.id]) == {filed.report.id: filed.report}


def test_several_reports_are_appended_together_in_their_order(record: Connection) -> None:
    head = log.read_head(record)
    first = filing(head, (VISAS, 1), (VISAS, 2))
    second = filing(following(head, first), (VISAS, 3))
    assert log.append(record, head, [first, second])
    assert events.read_streams(record, {VISAS: 0})[VISAS] == [*first.events, *second.events]
    assert reports.page(record) == [first.report, second.report]


def test_documents_are_written_with_their_events_and_replaced_by_the_next(record: Connection) -> None:
    head = log.read_head(record)
    moved = log.append(record, head, [filing(head, (VISAS, 1))], [document("no-se/visas", 1, b"old", status="raised")])
    assert moved
    newer = document("no-se/visas", 2, b"new\xff", status="proposed")
    assert log.append(record, moved, [filing(moved, (VISAS, 2))], [newer])
    assert read_models.get(record, "irritant", 1, "no-se/visas") == newer


def test_work_that_fails_while_the_database_appends_leaves_the_connection_usable(record: Connection) -> None:
    def fail() -> None:
        raise LookupError("a mistake")

    for version in (1, 2):  # the statement is prepared with the first append
        head = log.read_head(record)
        with pytest.raises(LookupError, match="a mistake"):
            log.append(record, head, [filing(head, (VISAS, version))], meanwhile=fail)
        assert log.read_head(record).position == version


def test_an_append_larger_than_the_buffers_of_the_socket_arrives_whole(record: Connection) -> None:
    head, size = log.read_head(record), 16 << 20
    large = document("no-se/visas", 1, b"x" * size)
    assert log.append(record, head, [filing(head, (VISAS, 1))], [large])
    assert read_models.get(record, "irritant", 1, "no-se/visas") == large


def test_a_stale_head_writes_nothing(record: Connection) -> None:
    stale = log.read_head(record)
    put(record, (VISAS, 1))
    head = log.read_head(record)
    late = filing(stale, (FERRIES, 1))
    assert log.append(record, stale, [late], [document("dk-no/ferries", 1)]) is None
    assert log.read_head(record) == head
    assert events.last_position(record) == 1
    assert reports.by_ids(record, [late.report.id]) == {}
    assert read_models.get(record, "irritant", 1, "dk-no/ferries") is None


def test_a_head_with_the_right_position_and_another_chain_hash_is_stale(record: Connection) -> None:
    put(record, (VISAS, 1))
    elsewhere = log.read_head(record)._replace(chain_hash=GENESIS)
    assert log.append(record, elsewhere, [filing(elsewhere, (VISAS, 2))]) is None


def test_an_idempotency_key_is_taken_once(record: Connection) -> None:
    put(record, (VISAS, 1), key="k-1")
    head = log.read_head(record)
    with pytest.raises(KeyTaken, match="k-1"):
        log.append(record, head, [filing(head, (VISAS, 2), key="k-1")])
    assert log.read_head(record) == head


def test_a_version_of_a_stream_is_taken_once(record: Connection) -> None:
    put(record, (VISAS, 1))
    head = log.read_head(record)
    with pytest.raises(VersionTaken, match="irritant/no-se/visas, 1"):
        log.append(record, head, [filing(head, (FERRIES, 1), (VISAS, 1))])
    assert log.read_head(record) == head


def test_recorded_times_never_go_back(record: Connection) -> None:
    put(record, (VISAS, 1))
    an_hour_ago = NOON - timedelta(hours=1)
    filed = put(record, (VISAS, 2), at=an_hour_ago)
    assert filed.events[0].recorded_at == NOON
    head = log.read_head(record)
    backdated = filing(head._replace(recorded_at=an_hour_ago), (VISAS, 3), at=an_hour_ago)
    with pytest.raises(ValueError, match="cannot be appended at position 3"):
        log.append(record, head, [backdated])


def test_a_gap_between_positions_is_refused_before_any_statement(record: Connection) -> None:
    head = log.read_head(record)
    with pytest.raises(ValueError, match="cannot be appended at position 1"):
        log.append(record, head, [filing(head._replace(position=1), (VISAS, 1))])


def test_ten_thousand_events_are_appended_with_one_statement(record: Connection) -> None:
    filed = put(record, *((VISAS, version) for version in range(1, 10_001)))
    assert events.read_streams(record, {VISAS: 0})[VISAS] == filed.events


def test_a_commit_is_announced_once_with_the_position_it_reached(engine: Engine, record: Connection) -> None:
    listener = driver(record)
    listener.execute(f"LISTEN {log.CHANNEL}")
    with transaction(engine) as c:
        head = log.lock_head(c)
        first = filing(head, (VISAS, 1), (VISAS, 2))
        log.append(c, head, [first, filing(following(head, first), (FERRIES, 1))])
    assert [notice.payload for notice in listener.notifies(timeout=0.5)] == ["3"]


def test_under_the_lock_nothing_is_written_unless_the_transaction_is_committed(
    engine: Engine, record: Connection
) -> None:
    with transaction(engine) as c:
        head = log.lock_head(c)
        assert log.append(c, head, [filing(head, (VISAS, 1))])
        c.rollback()
    assert log.read_head(record) == head
    assert events.last_position(record) == 0
