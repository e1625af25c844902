"""`migrate`, `verify`, `rebuild`, `export`, `import` and `key`, each on the test's own database."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer

from service.cli.main import app
from service.store import embedded
from service.store.engine import connection, open_engine
from service.store.log import read_head
from tests.cli.conftest import irritants
from tests.programs import Program
from tests.store.record import superuser


@pytest.fixture
def seeded(seeded_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", seeded_database_url)
    return seeded_database_url


def position(url: str) -> int:
    engine = open_engine(url)
    with connection(engine) as c:
        head = read_head(c)
    engine.dispose()
    return head.position


def test_migrate_creates_the_tables(bare_database_url: str) -> None:
    assert irritants("migrate", "--database", bare_database_url).code == 0
    assert irritants("migrate", "--database", bare_database_url).code == 0
    assert "0 events" in irritants("verify", "--database", bare_database_url).out


def test_an_imported_export_gives_the_same_record_and_export(seeded: str, database_url: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert irritants("export", str(first)).code == 0
    assert irritants("import", str(first), "--database", database_url).code == 0
    assert irritants("export", str(second), "--database", database_url).code == 0
    assert first.read_bytes() == second.read_bytes()
    verified = [irritants("verify", "--documents", "--json", "--database", url).out for url in (seeded, database_url)]
    assert json.loads(verified[0]) == json.loads(verified[1])
    assert json.loads(verified[0])["position"] == position(seeded)


def test_an_import_needs_an_empty_record_and_a_complete_export(seeded: str, database_url: str, tmp_path: Path) -> None:
    export = tmp_path / "export.jsonl"
    irritants("export", str(export))
    assert "an empty record" in irritants("import", str(export)).err
    lines = export.read_text(encoding="utf-8").splitlines(keepends=True)
    export.write_text("".join(lines[:-1]), encoding="utf-8")
    ended = irritants("import", str(export), "--database", database_url, "--json")
    assert (ended.code, json.loads(ended.out)["line"]) == (1, len(lines))
    assert position(database_url) == 0


def test_an_export_to_a_named_pipe_does_not_replace_the_pipe(seeded: str, tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        assert irritants("export", str(pipe)).code == 0
    irritants("export", str(file))
    assert read.result() == file.read_bytes()
    assert pipe.is_fifo()


def test_an_unknown_event_is_named_and_nothing_is_rebuilt(seeded: str) -> None:
    with superuser(seeded) as c:
        c.execute("""UPDATE events SET data = data || '{"invented": 1}' WHERE position = 25""")
    for command in (["rebuild"], ["verify", "--documents"]):
        ended = irritants(*command)
        assert ended.code == 1
        assert "position 25: " in ended.err
        assert ended.err.count("\n") == 1


def test_a_failed_export_leaves_no_file(seeded: str, tmp_path: Path) -> None:
    assert irritants("export", str(tmp_path / "no" / "folder.jsonl")).code == 2
    assert irritants("export", "-", "--json").code == 2
    assert list(tmp_path.iterdir()) == []


def test_verify_names_the_first_bad_position(seeded: str) -> None:
    with psycopg.connect(seeded) as c:
        c.execute("ALTER TABLE events DISABLE TRIGGER protect_events")
        c.execute("UPDATE events SET actor = 'somebody' WHERE position IN (7, 9)")
        c.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER protect_events")
    ended = irritants("verify")
    assert ended.code == 1
    assert "position 7:" in ended.err
    found = json.loads(irritants("verify", "--json").out)
    assert (found["whole"], found["position"]) == (False, 7)


def test_verify_finds_a_wrong_document_and_rebuild_repairs_it(seeded: str) -> None:
    with psycopg.connect(seeded) as c:
        c.execute("UPDATE read_models SET body = '{}' WHERE name = 'irritant' AND key = 'ru-us/visas'")
    assert irritants("verify").code == 0
    ended = irritants("verify", "--documents")
    assert (ended.code, "irritant ru-us/visas differs from a replay of the log" in ended.err) == (1, True)
    assert json.loads(irritants("rebuild", "--json").out) == {"mended": 1}
    assert "documents match a replay" in irritants("verify", "--documents").out


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(seeded: str) -> None:
    made = irritants("key", "create", "anna", "--scope", "report", "--relation", "ru-us", "--expires", "90d")
    token = made.out.strip()
    assert made.code == 0
    assert token.startswith("irr_")
    _, id, secret = token.split("_", 2)
    listed = irritants("key", "list")
    assert [line.split()[:4] for line in listed.out.splitlines()[1:]] == [[id, "anna", "report", "ru-us"]]
    assert secret not in listed.out + irritants("key", "list", "--json").out
    assert irritants("key", "revoke", id).code == 0
    assert irritants("key", "revoke", id).code == 5
    again = irritants("key", "revoke", token)  # only the id of the leaked token is printed
    assert (again.code, again.err) == (
        5,
        f"irritants: no live key has the id {id}; `irritants key list` lists all keys\n",
    )
    assert json.loads(irritants("key", "list", "--json").out)["items"][0]["state"] == "revoked"


def test_json_output_shows_the_secret_of_a_key_once(seeded: str) -> None:
    made = json.loads(irritants("key", "create", "board", "--scope", "read", "--json").out)
    assert (made["scopes"], made["relations"], made["expires_at"], made["state"]) == (["read"], None, None, "live")
    assert made["key"].startswith(f"irr_{made['id']}_")


@pytest.mark.parametrize(
    "arguments",
    [
        ["anna"],
        ["anna", "--scope", "write"],
        ["anna", "--scope", "report", "--relation", "us-ru"],
        ["anna", "--scope", "report", "--expires", "soon"],
        ["anna", "--scope", "report", "--expires", "2020-01-01"],
        ["an\x1bna", "--scope", "report"],
    ],
)
def test_invalid_options_for_a_key_are_refused(seeded: str, arguments: list[str]) -> None:
    assert irritants("key", "create", *arguments).code == 2
    assert json.loads(irritants("key", "list", "--json").out) == {"items": []}


def test_a_key_is_valid_to_the_end_of_its_last_day(seeded: str) -> None:
    irritants("key", "create", "anna", "--scope", "report", "--expires", "2999-12-31")
    (key,) = json.loads(irritants("key", "list", "--json").out)["items"]
    assert key["expires_at"] == "3000-01-01T00:00:00+00:00"


def test_an_unreachable_database_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", "postgresql://127.0.0.1:9/nothing")
    for command in (["verify"], ["rebuild"], ["key", "list"], ["migrate"]):
        ended = irritants(*command)
        assert (ended.code, "cannot be reached" in ended.err) == (3, True), command


def test_an_invalid_setting_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_PROT", "8001")
    ended = irritants("verify")
    assert (ended.code, "IRRITANTS_PROT" in ended.err) == (2, True)


READING = (
    *(["verify"], ["verify", "--documents"], ["export", "new.jsonl"], ["rebuild"], ["checkpoint", "new.json"]),
    *(["key", "create", "anna", "--scope", "read"], ["key", "list"], ["key", "revoke", "0123456789ab"]),
    *(["label", "add", "internal", "--above", "open"], ["label", "list"]),
    ["relay", "--nats", "nats://127.0.0.1:9"],
)
"""Every command on a record that is there already."""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, in which a user starts a command by mistake."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_every_database_command_either_creates_a_record_or_needs_one() -> None:
    on_the_database = {
        path
        for path, command in commands(typer.main.get_command(app))
        if any(option.name == "database" for option in command.params)
    }
    needing = {path for path in on_the_database if any(" ".join(command).startswith(path) for command in READING)}
    assert on_the_database - needing == {"serve", "migrate", "import"}


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_without_a_record_the_folder_is_named_and_stays_empty(elsewhere: Path, command: list[str]) -> None:
    ended = irritants(*command)
    assert (ended.code, f"there is no record in {elsewhere}/.irritants" in ended.err) == (3, True)
    assert "IRRITANTS_HOME" in ended.err
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_commands_do_not_create_tables_in_an_empty_database(
    elsewhere: Path, bare_database_url: str, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", "checkpoint.key")
    ended = irritants(*command, "--database", bare_database_url)
    assert (ended.code, "there is no record in the database" in ended.err) == (3, True)
    assert bare_database_url not in ended.err
    with psycopg.connect(bare_database_url) as c:
        assert c.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert list(elsewhere.iterdir()) == []


def test_commands_refuse_a_record_of_an_earlier_release_until_migrate(
    elsewhere: Path, seeded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    irritants("export", "backup.jsonl")
    monkeypatch.delenv("IRRITANTS_DATABASE_URL")
    assert irritants("import", "backup.jsonl").code == 0
    with embedded.serving(tmp_path / ".irritants") as address, psycopg.connect(address) as c:
        newest = c.execute("SELECT version_num FROM alembic_version").fetchone()
        c.execute("UPDATE alembic_version SET version_num = '0000'")
    for command in READING:
        ended = irritants(*command)
        assert (ended.code, "`irritants migrate`" in ended.err) == (3, True), command
    with embedded.serving(tmp_path / ".irritants") as address, psycopg.connect(address) as c:
        assert c.execute("SELECT version_num FROM alembic_version").fetchone() == ("0000",)
        c.execute("UPDATE alembic_version SET version_num = %s", newest)
    assert irritants("migrate").code == 0
    assert irritants("verify").code == 0


def test_migrate_creates_an_embedded_record(elsewhere: Path) -> None:
    assert irritants("migrate").code == 0
    assert "0 events" in irritants("verify").out
    assert irritants("key", "create", "anna", "--scope", "admin").code == 0
    assert "anna" in irritants("key", "list").out


def test_an_import_creates_missing_tables(seeded: str, bare_database_url: str, tmp_path: Path) -> None:
    irritants("export", str(tmp_path / "backup.jsonl"))
    assert irritants("import", str(tmp_path / "backup.jsonl"), "--database", bare_database_url).code == 0
    assert position(bare_database_url) == position(seeded)


@pytest.mark.parametrize("command", ["export", "checkpoint"])
def test_a_file_of_another_record_or_kind_is_replaced_only_with_force(
    seeded: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", str(tmp_path / "checkpoint.key"))
    file = tmp_path / "kept"
    assert irritants(command, str(file)).code == 0
    assert irritants(command, str(file)).code == 0, "it is of the same record"
    before = file.read_bytes()

    def left(why: str, url: str) -> None:
        ended = irritants(command, str(file), "--database", url)
        assert (ended.code, file.read_bytes()) == (1, before)
        assert f"{file} was not replaced" in ended.err
        assert why in ended.err
        assert "--force" in ended.err

    left(f"{position(seeded)}", database_url)
    with superuser(database_url) as c:
        c.execute("UPDATE head SET record = gen_random_uuid()")
    left("another record", database_url)
    before = b"Notes of the meeting\n"
    file.write_bytes(before)
    left("is no", seeded)
    assert irritants(command, str(file), "--force").code == 0
    assert file.read_bytes() != before
    file.write_bytes(b"")
    assert irritants(command, str(file)).code == 0, "an empty file holds nothing"


def test_an_earlier_export_of_the_same_history_is_replaced(seeded: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl"
    assert irritants("export", str(file)).code == 0
    header, second, *_ = file.read_text(encoding="utf-8").splitlines()
    earlier = {**json.loads(header), "position": 1, "chain_hash": json.loads(second)["chain_hash"]}
    file.write_text(f"{json.dumps({**earlier, 'chain_hash': '0' * 64})}\n", encoding="utf-8")
    ended = irritants("export", str(file))
    assert (ended.code, "its events are not those of this record" in ended.err) == (1, True)
    file.write_text(f"{json.dumps(earlier)}\n", encoding="utf-8")
    assert irritants("export", str(file)).code == 0
    assert len(file.read_text(encoding="utf-8").splitlines()) == position(seeded) + 1


@pytest.mark.parametrize("out", ["/dev/null", "/dev/full"])
def test_no_key_is_created_if_it_cannot_be_shown(seeded: str, out: str) -> None:
    for more in ([], ["--json"]):
        with (
            Path(out).open("w", encoding="utf-8") as nowhere,
            Program(["key", "create", "a", "--scope", "read", *more], out=nowhere) as p,
        ):
            assert p.wait(30) == 6
    assert json.loads(irritants("key", "list", "--json").out) == {"items": []}
