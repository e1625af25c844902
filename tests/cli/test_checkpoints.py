"""`checkpoint` and `verify --checkpoint` find the changes of a superuser who also rebuilt the hash chain."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from service.store import codec, log_scan
from service.store.engine import connection, open_engine
from service.store.log import read_head
from tests.cli.conftest import irritants
from tests.store.record import superuser

SEALED = """
UPDATE head SET (position, chain_hash, recorded_at) =
  (SELECT position, chain_hash, recorded_at FROM events ORDER BY position DESC LIMIT 1)
"""


@pytest.fixture
def seeded(seeded_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", seeded_database_url)
    monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", str(tmp_path / "checkpoint.key"))
    return seeded_database_url


@pytest.fixture
def kept(seeded: str, tmp_path: Path) -> Path:
    file = tmp_path / "checkpoint.json"
    ended = irritants("checkpoint", str(file))
    assert ended.code == 0, ended.err
    return file


def reseal(c: Connection, superuser: "psycopg.Connection[Any]") -> None:
    """Rebuild the hash chain over the changed events, as someone who hides changes would."""
    chain_hash = codec.GENESIS
    for event, report in log_scan.read(c, 1_000_000):
        assert report is not None
        chain_hash = codec.seal(chain_hash, codec.stored_line(event, report), is_salted=event.salt is not None)
        superuser.execute("UPDATE events SET chain_hash = %s WHERE position = %s", [chain_hash, event.position])
    superuser.execute(SEALED)


def protect(c: "psycopg.Connection[Any]") -> None:
    for table in ("events", "reports", "head"):
        c.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER protect_{table}")
    c.execute("ALTER TABLE head ENABLE ALWAYS TRIGGER head_only_moves_forward")


def tamper(url: str, *statements: str) -> None:
    """Change history, rebuild the hash chain and restore the protection."""
    engine = open_engine(url)
    with superuser(url) as c:
        for statement in statements:
            c.execute(statement)
        c.commit()
        with connection(engine) as reading:
            reseal(reading, c)
        protect(c)
    engine.dispose()


def position(url: str) -> int:
    engine = open_engine(url)
    with connection(engine) as c:
        head = read_head(c)
    engine.dispose()
    return head.position


def test_a_record_that_only_grew_matches_its_checkpoint(seeded: str, kept: Path) -> None:
    said = json.loads(kept.read_text(encoding="utf-8"))
    assert said["position"] == position(seeded)
    ended = irritants("verify", "--checkpoint", str(kept), "--public-key", said["public_key"])
    assert (ended.code, f"history matches {kept}" in ended.out) == (0, True)


def test_without_a_file_the_checkpoint_is_printed_with_its_public_key(seeded: str) -> None:
    ended = irritants("checkpoint")
    assert json.loads(ended.out)["public_key"] in ended.err


def test_an_empty_record_has_a_checkpoint_too(seeded: str, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    assert irritants("checkpoint", str(file), "--database", database_url).code == 0
    assert irritants("verify", "--checkpoint", str(file), "--database", database_url).code == 0


def test_only_the_checkpoint_finds_a_rewritten_history_with_a_valid_chain(seeded: str, kept: Path) -> None:
    tamper(
        seeded,
        "UPDATE reports SET actor = 'somebody' WHERE 7 BETWEEN first_position AND last_position",
        "UPDATE events SET actor = 'somebody' WHERE report = (SELECT report FROM events WHERE position = 7)",
    )
    assert irritants("verify").code == 0
    ended = irritants("verify", "--checkpoint", str(kept))
    assert (ended.code, "history was rewritten here or earlier" in ended.err) == (1, True)


def test_only_the_checkpoint_finds_missing_last_events_with_a_valid_head(seeded: str, kept: Path) -> None:
    last = position(seeded)
    with psycopg.connect(seeded) as c:
        (cut,) = c.execute("SELECT max(first_position) FROM reports").fetchone() or (0,)
    tamper(seeded, f"DELETE FROM events WHERE position >= {cut}", f"DELETE FROM reports WHERE first_position >= {cut}")
    assert irritants("verify").code == 0
    ended = irritants("verify", "--checkpoint", str(kept))
    assert (
        ended.code,
        f"position {cut}: the event is missing; the checkpoint was made at position {last}" in ended.err,
    ) == (1, True)
    assert json.loads(irritants("verify", "--checkpoint", str(kept), "--json").out)["position"] == cut


def test_a_checkpoint_of_another_record_is_refused(seeded: str, kept: Path, bare_database_url: str) -> None:
    assert irritants("migrate", "--database", bare_database_url).code == 0
    ended = irritants("verify", "--checkpoint", str(kept), "--database", bare_database_url)
    assert (ended.code, "another record" in ended.err) == (1, True)


def test_a_changed_checkpoint_or_another_key_is_refused(seeded: str, kept: Path) -> None:
    said = json.loads(kept.read_text(encoding="utf-8"))
    assert irritants("verify", "--checkpoint", str(kept), "--public-key", "00" * 32).code == 1
    kept.write_text(json.dumps({**said, "position": 1}), encoding="utf-8")
    ended = irritants("verify", "--checkpoint", str(kept))
    assert (ended.code, "is not a valid checkpoint" in ended.err) == (1, True)


def test_a_missing_or_unreadable_checkpoint_is_reported(seeded: str, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("position 41, I think", encoding="utf-8")
    assert irritants("verify", "--checkpoint", str(tmp_path / "note.txt")).code == 2
    assert irritants("verify", "--checkpoint", str(tmp_path / "nothing.json")).code == 2


def test_without_a_signing_key_the_command_is_refused(
    seeded: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("IRRITANTS_CHECKPOINT_KEY")
    ended = irritants("checkpoint")
    assert (ended.code, "IRRITANTS_CHECKPOINT_KEY" in ended.err) == (2, True)
    monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", str(tmp_path))
    assert irritants("checkpoint").code == 2


def test_a_checkpoint_that_cannot_be_written_is_reported(seeded: str, tmp_path: Path) -> None:
    assert irritants("checkpoint", str(tmp_path / "no" / "folder.json")).code == 2
