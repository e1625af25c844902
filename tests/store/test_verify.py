"""Whatever a superuser does behind the triggers' back, verify names the first bad position and what is wrong."""

import pytest
from sqlalchemy import Connection, Engine, text

from service.store import log
from service.store.verify import Damaged, verify
from tests.store.record import VISAS, fill, put, superuser

# Twelve events: reports of two, at positions 1-2, 3-4, …
EVENTS = 12


@pytest.fixture
def twelve(engine: Engine, record: Connection) -> Connection:
    fill(engine, EVENTS // 2)
    return record


def test_an_empty_record_is_whole(record: Connection) -> None:
    assert verify(record) == log.read_head(record)


def test_an_untouched_record_is_whole_and_progress_ends_at_the_head(twelve: Connection) -> None:
    told: list[tuple[int, int]] = []
    assert verify(twelve, lambda done, total: told.append((done, total))) == log.read_head(twelve)
    assert told[-1] == (EVENTS, EVENTS)


def test_a_record_of_several_pages_is_whole(record: Connection) -> None:
    put(record, *((VISAS, version) for version in range(1, 1_001)))
    put(record, *((VISAS, version) for version in range(1_001, 2_500)))
    told: list[tuple[int, int]] = []
    assert verify(record, lambda done, total: told.append((done, total))).position == 2_499
    assert told == [(1_000, 2_499), (2_000, 2_499), (2_499, 2_499)]


OTHER_HEAD = "is the last event, but the head has another chain hash or time"
ALTERED = "the chain does not fit: the event, its report or its place was altered"
TAMPERING = {
    "data edited": ("UPDATE events SET data = data || '{\"title\": \"x\"}' WHERE position = 5", 5, ALTERED),
    "a fraction put in": ("UPDATE events SET data = data || '{\"x\": 1.0}' WHERE position = 5", 5, ALTERED),
    "actor edited": ("UPDATE events SET actor = 'somebody' WHERE position = 5", 5, ALTERED),
    "time edited": ("UPDATE events SET recorded_at = recorded_at + interval '1 us' WHERE position = 5", 5, ALTERED),
    "chain hash edited": (
        "UPDATE events SET chain_hash = decode(repeat('ab', 32), 'hex') WHERE position = 5", 5,
        ALTERED,
    ),
    "stream renamed": ("UPDATE events SET stream = stream || 'x' WHERE position = 5", 5, ALTERED),
    "first event edited": ("UPDATE events SET type = 'ItemAdded' WHERE position = 1", 1, ALTERED),
    "last event edited": ("UPDATE events SET schema_version = 2 WHERE position = 12", 12, ALTERED),
    "title of a report edited": ("UPDATE reports SET title = 'x' WHERE first_position = 5", 5, ALTERED),
    "key of a report edited": ("UPDATE reports SET key = 'x' WHERE first_position = 5", 5, ALTERED),
    "event given to another report": (
        "UPDATE events SET report = (SELECT id FROM reports WHERE first_position = 7) WHERE position = 6", 6, ALTERED,
    ),
    "row removed": ("DELETE FROM events WHERE position = 5", 5, "is missing; the next event is at 6"),
    "first row removed": ("DELETE FROM events WHERE position = 1", 1, "is missing; the next event is at 2"),
    "tail cut": ("DELETE FROM events WHERE position > 9", 10, "is missing; the head is at 12"),
    "everything removed": ("DELETE FROM events", 1, "is missing; the head is at 12"),
    "two rows swapped": (
        """
        UPDATE events SET position = -4 WHERE position = 4;
        UPDATE events SET position = 4 WHERE position = 9;
        UPDATE events SET position = 9 WHERE position = -4
        """, 4, ALTERED,
    ),
    "row put in at the end": (
        """
        INSERT INTO events (position, stream, version, id, type, schema_version, data, actor, report, correlation,
                            recorded_at, chain_hash)
        SELECT 13, 'irritant/no-se/new', 1, gen_random_uuid(), type, 1, data, actor, report, correlation, recorded_at,
               chain_hash FROM events WHERE position = 12
        """, 13, "is beyond the head, but there are events or reports up to 13",
    ),
    "head put forward": ("UPDATE head SET position = 13", 13, "is missing; the head is at 13"),
    "head put back": ("UPDATE head SET position = 10", 10, OTHER_HEAD),
    "tail cut with the head, reports left": (
        """
        DELETE FROM events WHERE position > 10;
        UPDATE head SET (position, chain_hash, recorded_at) =
          (SELECT position, chain_hash, recorded_at FROM events ORDER BY position DESC LIMIT 1)
        """, 11, "is beyond the head, but there are events or reports up to 12",
    ),
    "hash of the head edited": (
        "UPDATE head SET chain_hash = decode(repeat('ab', 32), 'hex')", 12,
        OTHER_HEAD,
    ),
    "time of the head edited": (
        "UPDATE head SET recorded_at = recorded_at + interval '1 day'", 12,
        OTHER_HEAD,
    ),
    "report removed": ("DELETE FROM reports WHERE first_position = 5", 5, "its report .* is missing"),
    "report begun earlier": (
        "UPDATE reports SET first_position = 4 WHERE first_position = 5", 5,
        "its report .* begins elsewhere, at 4",
    ),
    "report ended later": (
        "UPDATE reports SET last_position = 7 WHERE first_position = 5", 6,
        "its report .* ends elsewhere, at 7",
    ),
    "last report ended later": (
        "UPDATE reports SET last_position = 13 WHERE first_position = 11", 12,
        "its report .* ends elsewhere, at 13",
    ),
    "actor of a report edited": (
        "UPDATE reports SET actor = 'x' WHERE first_position = 5", 5,
        "its report .* names another actor or time",
    ),
    "report put in": (
        """
        INSERT INTO reports
        SELECT gen_random_uuid(), 'x', request_hash, actor, relation, round, title, 6, 6, recorded_at
          FROM reports WHERE first_position = 5
        """, 6, "the report .* claims to begin here",
    ),
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERING)
def test_it_is_found_and_named(twelve: Connection, database_url: str, tampering: str) -> None:
    statement, position, what = TAMPERING[tampering]
    with superuser(database_url) as c:
        c.execute(statement)
    with pytest.raises(Damaged, match=rf"^position {position}: {what}$") as found:
        verify(twelve)
    assert found.value.position == position


def test_events_that_a_faulty_writer_put_in_by_the_rules_of_the_chain_are_found_too(
    record: Connection, database_url: str
) -> None:
    put(record, (VISAS, 1))
    put(record, (VISAS, 3))
    with pytest.raises(Damaged, match=r"^position 2: is no next version of irritant/no-se/visas: 3$"):
        verify(record)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TRIGGER protect_events ON events", "protect_events, which protects events, is not there"),
        ("DROP FUNCTION refuse_to_rewrite_history CASCADE", "protect_events, which protects events, is not there"),
        ("ALTER TABLE reports DISABLE TRIGGER ALL", "protect_reports, which protects reports, is not in force ALWAYS"),
        # What a restore with --disable-triggers leaves behind: a trigger that a replica does not ask.
        (
            "ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE events ENABLE TRIGGER ALL",
            "protect_events, which protects events, is not in force ALWAYS",
        ),
        (
            "ALTER TABLE head ENABLE REPLICA TRIGGER head_only_moves_forward",
            "head_only_moves_forward, which protects head, is not in force ALWAYS",
        ),
    ],
)
def test_triggers_that_do_not_protect_are_found(twelve: Connection, statement: str, what: str) -> None:
    twelve.execute(text(statement))
    with pytest.raises(Damaged, match=f"^the trigger {what}$") as found:
        verify(twelve)
    assert found.value.position is None
