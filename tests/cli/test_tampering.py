"""After each way of tampering by a superuser, `irritants verify` exits with 1 and names the place.

Each kind of tampering is a separate test, so the number of tests shows how many kinds were tried.
"""

import json
from pathlib import Path

import psycopg
import pytest

from service.store.engine import open_engine
from tests.cli.conftest import irritants
from tests.store.record import fill, superuser
from tests.store.test_verify import EVENTS, LOOKS_AWAY, TAMPERING

TRUNCATED = ("TRUNCATE events", 1)
FORCED = {**{name: (statement, position) for name, (statement, position, _) in TAMPERING.items()}, "emptied": TRUNCATED}
UNPROTECTED = {
    "dropped": "DROP TRIGGER protect_events ON events",
    "dropped with its function": "DROP FUNCTION refuse_to_rewrite_history CASCADE",
    "off": "ALTER TABLE events DISABLE TRIGGER protect_events",
    "all off": "ALTER TABLE reports DISABLE TRIGGER ALL",
    "on, but not for a replica": "ALTER TABLE events ENABLE TRIGGER protect_events",
    "as a restore brings them back": "ALTER TABLE head DISABLE TRIGGER ALL; ALTER TABLE head ENABLE TRIGGER ALL",
    "on, but its function lets all pass": LOOKS_AWAY,
    "on, but never": (
        "CREATE OR REPLACE TRIGGER protect_events BEFORE UPDATE OR DELETE OR TRUNCATE ON events FOR EACH STATEMENT"
        " WHEN (false) EXECUTE FUNCTION refuse_to_rewrite_history();"
        " ALTER TABLE events ENABLE ALWAYS TRIGGER protect_events"
    ),
    "for a replica alone": "ALTER TABLE head ENABLE REPLICA TRIGGER head_only_moves_forward",
}


@pytest.fixture
def twelve(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a record of twelve events that verifies."""
    engine = open_engine(database_url)
    fill(engine, EVENTS // 2)
    engine.dispose()
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", database_url)
    assert irritants("verify").code == 0
    return database_url


@pytest.mark.parametrize("kind", FORCED)
def test_the_first_bad_position_is_named(twelve: str, kind: str) -> None:
    statement, position = FORCED[kind]
    with superuser(twelve) as c:
        c.execute(statement)
    ended = irritants("verify", "--json")
    found = json.loads(ended.out)
    assert (ended.code, found["whole"], found["position"]) == (1, False, position)
    assert f"the record is damaged: position {position}: {found['what']}" in ended.err


@pytest.mark.parametrize("kind", UNPROTECTED)
def test_a_missing_protection_is_named(twelve: str, kind: str) -> None:
    with psycopg.connect(twelve) as c:
        c.execute(UNPROTECTED[kind])
    ended = irritants("verify", "--json")
    found = json.loads(ended.out)
    assert (ended.code, found["whole"], found["position"]) == (1, False, None)
    assert found["what"].startswith("the trigger ")


@pytest.mark.parametrize(
    "statement", ["DROP TABLE reports CASCADE", "ALTER TABLE events DROP COLUMN causation CASCADE"]
)
def test_a_missing_table_or_column_is_explained(twelve: str, statement: str) -> None:
    with psycopg.connect(twelve) as c:
        c.execute(statement)
    ended = irritants("verify")
    assert ended.code == 1
    assert ended.err.startswith("irritants: the database refused: ")
    assert "does not exist" in ended.err


@pytest.mark.parametrize("command", ["verify", "export", "rebuild", "checkpoint"])
def test_commands_refuse_a_record_whose_end_is_unknown(
    twelve: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", str(tmp_path / "checkpoint.key"))
    with superuser(twelve) as c:
        c.execute("DELETE FROM head")
    ended = irritants(command, *([str(tmp_path / "export.jsonl")] if command == "export" else []))
    assert (ended.code, "the head row, which holds the last position, is missing" in ended.err) == (1, True)
