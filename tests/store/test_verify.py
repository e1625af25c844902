"""`verify` finds every change that a superuser makes, and reports the first bad position and the fault."""

import pytest
from sqlalchemy import Connection, Engine, Table, text

from service.store import log
from service.store.tables import events, reports
from service.store.verify import Damaged, verify
from tests.store.record import VISAS, fill, put, superuser

# Twelve events: reports of two, at positions 1-2, 3-4, …
EVENTS = 12
PLACE = {events: "position", reports: "first_position"}


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


OTHER_HEAD = "this last event and the head differ in chain hash or time"
ALTERED = "the chain hash does not match: the event, its report or its position was altered"
UNREAD = "the event cannot be read"
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
    "given to another relation": (
        """
        ALTER TABLE events ALTER COLUMN relation DROP EXPRESSION;
        UPDATE events SET relation = 'dk-no' WHERE position = 7
        """, 7, "the relation of the event is not the one in the name of its stream",
    ),
    "a moment that no calendar has": ("UPDATE events SET recorded_at = 'infinity' WHERE position = 5", 5, UNREAD),
    "a moment of a report before all calendars": (
        "UPDATE reports SET recorded_at = '4000-01-01 BC' WHERE first_position = 5", 5, UNREAD,
    ),
    "a number that nothing holds": (
        "UPDATE events SET data = jsonb_build_object('x', repeat('9', 5000)::numeric) WHERE position = 5", 5, UNREAD,
    ),
    "data without a bottom": (
        "UPDATE events SET data = (repeat('[', 1500) || repeat(']', 1500))::jsonb WHERE position = 5", 5, UNREAD,
    ),
    "last event edited": ("UPDATE events SET schema_version = 2 WHERE position = 12", 12, ALTERED),
    "title of a report edited": ("UPDATE reports SET title = 'x' WHERE first_position = 5", 5, ALTERED),
    "key of a report edited": ("UPDATE reports SET key = 'x' WHERE first_position = 5", 5, ALTERED),
    "event given to another report": (
        "UPDATE events SET report = (SELECT id FROM reports WHERE first_position = 7) WHERE position = 6", 6, ALTERED,
    ),
    "row removed": ("DELETE FROM events WHERE position = 5", 5, "the event is missing; the next one is at position 6"),
    "first row removed": (
        "DELETE FROM events WHERE position = 1", 1, "the event is missing; the next one is at position 2",
    ),
    "tail cut": ("DELETE FROM events WHERE position > 9", 10, "the event is missing; the head is at position 12"),
    "everything removed": ("DELETE FROM events", 1, "the event is missing; the head is at position 12"),
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
        """, 13, "the head ends before this event; there are events or reports up to position 13",
    ),
    "head put forward": ("UPDATE head SET position = 13", 13, "the event is missing; the head is at position 13"),
    "head put back": ("UPDATE head SET position = 10", 10, OTHER_HEAD),
    "tail cut with the head, reports left": (
        """
        DELETE FROM events WHERE position > 10;
        UPDATE head SET (position, chain_hash, recorded_at) =
          (SELECT position, chain_hash, recorded_at FROM events ORDER BY position DESC LIMIT 1)
        """, 11, "the head ends before this event; there are events or reports up to position 12",
    ),
    "hash of the head edited": (
        "UPDATE head SET chain_hash = decode(repeat('ab', 32), 'hex')", 12,
        OTHER_HEAD,
    ),
    "time of the head edited": (
        "UPDATE head SET recorded_at = recorded_at + interval '1 day'", 12,
        OTHER_HEAD,
    ),
    "report removed": ("DELETE FROM reports WHERE first_position = 5", 5, "the report .* of this event is missing"),
    "report begun earlier": (
        "UPDATE reports SET first_position = 4 WHERE first_position = 5", 5,
        "the report .* of this event begins at position 4",
    ),
    "report ended later": (
        "UPDATE reports SET last_position = 7 WHERE first_position = 5", 6,
        "the report .* ends with this event, but says position 7",
    ),
    "last report ended later": (
        "UPDATE reports SET last_position = 13 WHERE first_position = 11", 12,
        "the report .* ends with this event, but says position 13",
    ),
    "actor of a report edited": (
        "UPDATE reports SET actor = 'x' WHERE first_position = 5", 5,
        "the report .* and this event differ in actor or time",
    ),
    "report put in": (
        """
        INSERT INTO reports
        SELECT gen_random_uuid(), 'x', request_hash, actor, relation, round, title, 6, 6, recorded_at
          FROM reports WHERE first_position = 5
        """, 6, "the report .* has this first position, but no event here",
    ),
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERING)
def test_tampering_is_found_and_named(twelve: Connection, database_url: str, tampering: str) -> None:
    statement, position, what = TAMPERING[tampering]
    with superuser(database_url) as c:
        c.execute(statement)
    with pytest.raises(Damaged, match=rf"^position {position}: {what}$") as found:
        verify(twelve)
    assert found.value.position == position


def test_bad_events_of_a_faulty_writer_are_found_despite_a_valid_chain(record: Connection, database_url: str) -> None:
    put(record, (VISAS, 1))
    put(record, (VISAS, 3))
    with pytest.raises(Damaged, match=r"^position 2: irritant/no-se/visas has version 3 here; expected 2$"):
        verify(record)


COLUMNS = [(table, column.name) for table in (events, reports) for column in table.columns]
OTHER = {
    "bigint": "{} + 1",
    "integer": "{} + 1000",
    "smallint": "{} + 1",
    "text": "coalesce({}, '') || 'x'",
    "uuid": "gen_random_uuid()",
    "bytea": "{} || '\\x00'",
    "jsonb": "{} || '{{\"x\": 1}}'",
    "timestamp with time zone": "{} - interval '1 us'",
}


def edited(connection: Connection, table: Table, name: str) -> int | None:
    """Edit one column of the report that begins at 7, or of its first event. Return the position that is found."""
    asked = (
        "SELECT data_type, is_generated FROM information_schema.columns WHERE (table_name, column_name) = (:on, :of)"
        " AND table_schema = current_schema()"
    )
    type, generated = connection.execute(text(asked), {"on": table.name, "of": name}).one()
    connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL"))
    if generated == "ALWAYS":
        connection.execute(text(f"ALTER TABLE {table.name} ALTER COLUMN {name} DROP EXPRESSION"))
    place = "position = 12" if (table, name) == (events, "position") else f"{PLACE[table]} = 7"
    connection.execute(text(f"UPDATE {table.name} SET {name} = {OTHER[type].format(name)} WHERE {place}"))
    try:
        verify(connection)
    except Damaged as found:
        return found.position
    return None


def test_an_edit_of_any_column_is_found(twelve: Connection, engine: Engine) -> None:
    found: dict[str, int | None] = {}
    for table, name in COLUMNS:
        with engine.execution_options(isolation_level="READ COMMITTED").connect() as c:
            found[f"{table.name}.{name}"] = edited(c, table, name)
            c.rollback()
    expected = {f"{table.name}.{name}": 7 for table, name in COLUMNS}
    assert found == {**expected, "events.position": 12, "reports.last_position": 8}


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM head", "the head row, which holds the last position, is missing"),
        ("UPDATE head SET recorded_at = 'infinity'", "the head row, which holds the last position, cannot be read"),
    ],
)
def test_a_record_with_an_unreadable_head_is_damaged(
    twelve: Connection, database_url: str, statement: str, what: str
) -> None:
    with superuser(database_url) as c:
        c.execute(statement)
    with pytest.raises(Damaged, match=f"^{what}$"):
        verify(twelve)


LOOKS_AWAY = """
    CREATE OR REPLACE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
"""


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TRIGGER protect_events ON events", "protect_events, which protects events, is missing"),
        ("DROP FUNCTION refuse_to_rewrite_history CASCADE", "protect_events, which protects events, is missing"),
        ("ALTER TABLE reports DISABLE TRIGGER ALL", "protect_reports, which protects reports, is not enabled ALWAYS"),
        # A restore with --disable-triggers leaves such a trigger behind: a replica does not run it.
        (
            "ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE events ENABLE TRIGGER ALL",
            "protect_events, which protects events, is not enabled ALWAYS",
        ),
        (
            "ALTER TABLE head ENABLE REPLICA TRIGGER head_only_moves_forward",
            "head_only_moves_forward, which protects head, is not enabled ALWAYS",
        ),
        (
            LOOKS_AWAY,
            "protect_events, which protects events, is enabled, but its function refuse_to_rewrite_history was changed",
        ),
        (
            """
            CREATE FUNCTION looks_away() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE OR REPLACE TRIGGER protect_reports BEFORE UPDATE OR DELETE OR TRUNCATE ON reports
            FOR EACH STATEMENT EXECUTE FUNCTION looks_away();
            ALTER TABLE reports ENABLE ALWAYS TRIGGER protect_reports
            """,
            "protect_reports, which protects reports, was changed to: .* EXECUTE FUNCTION looks_away.*",
        ),
        (
            """
            CREATE OR REPLACE TRIGGER protect_events BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION refuse_to_rewrite_history();
            ALTER TABLE events ENABLE ALWAYS TRIGGER protect_events
            """,
            "protect_events, which protects events, was changed to: .* WHEN .false. .*",
        ),
        (
            """
            CREATE OR REPLACE TRIGGER protect_events BEFORE DELETE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
            ALTER TABLE events ENABLE ALWAYS TRIGGER protect_events
            """,
            "protect_events, which protects events, was changed to: .* BEFORE DELETE ON events .*",
        ),
        (
            """
            CREATE OR REPLACE TRIGGER head_only_moves_forward BEFORE UPDATE ON head
            FOR EACH ROW WHEN (NEW.position < 0) EXECUTE FUNCTION refuse_to_rewrite_history();
            ALTER TABLE head ENABLE ALWAYS TRIGGER head_only_moves_forward
            """,
            "head_only_moves_forward, which protects head, was changed to: .*",
        ),
    ],
)
def test_missing_disabled_and_weakened_triggers_are_found(twelve: Connection, statement: str, what: str) -> None:
    twelve.execute(text(statement))
    with pytest.raises(Damaged, match=f"^the trigger {what}$") as found:
        verify(twelve)
    assert found.value.position is None
