"""`serve`: its preparations, its output, and its end with its database."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from service.api.app import create_app
from service.api.server import Server, bind
from service.settings import Settings
from tests.cli.conftest import Desk, irritants
from tests.programs import Program, ran

SERVE = ["serve", "--port", "0"]


@contextmanager
def serving(*options: str, **settings: str) -> Iterator[tuple[dict[str, Any], Program]]:
    """Start the service. Yield its first line of output and its process."""
    with Program([*SERVE, "--json", *options], env={**os.environ, **settings}) as process:
        yield json.loads(process.stdout.readline()), process


def ended(process: "Program | subprocess.Popen[str]", number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(timeout=10)


def test_an_empty_embedded_record_is_seeded_and_gets_one_key_once(tmp_path: Path) -> None:
    home = {"IRRITANTS_HOME": str(tmp_path / "home")}
    with serving(**home) as (said, process):
        assert said["seeded"] == 9
        assert httpx.get(f"{said['address']}/v1/irritants").json()["items"][0]["id"] == "ru-us/banking-access"
        with_key = {"Authorization": f"Bearer {said['key']}"}
        assert httpx.get(f"{said['address']}/v1/irritants", headers=with_key).status_code == 200
        assert ended(process, signal.SIGTERM) == 0
    with serving(**home) as (said, process):
        assert (said["seeded"], said["key"]) == (0, None)
        assert ended(process, signal.SIGINT) == 0
    assert not list((tmp_path / "home" / "database").glob("postmaster.pid"))


def test_a_given_database_is_migrated_and_seeded_and_gets_no_key(bare_database_url: str) -> None:
    with serving("--database", bare_database_url) as (said, process):
        assert (said["seeded"], said["key"]) == (9, None)
        assert ended(process, signal.SIGTERM) == 0
    assert irritants("verify", "--documents", "--database", bare_database_url).code == 0


def test_a_role_that_owns_nothing_serves_and_seeds(bare_database_url: str) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(bare_database_url)["dbname"])
    role, database = Identifier(f"{name}_service"), Identifier(name)
    with psycopg.connect(bare_database_url, autocommit=True) as c:
        c.execute(SQL("CREATE ROLE {}").format(role))
    migrated = irritants("migrate", "--database", bare_database_url, "--grant-to", f"{name}_service")
    assert migrated.code == 0
    with psycopg.connect(bare_database_url, autocommit=True) as c:
        c.execute(SQL("ALTER DATABASE {} SET role = {}").format(database, role))
    try:
        with serving("--database", bare_database_url) as (said, _):
            assert said["seeded"] == 9
            assert len(httpx.get(f"{said['address']}/v1/irritants").json()["items"]) == 5
            key = irritants("key", "create", "desk", "--scope", "read", "--database", bare_database_url).out.strip()
            own = {"Origin": said["address"]}
            assert httpx.post(f"{said['address']}/sign-in", data={"key": key}, headers=own).status_code == 303
    finally:
        with psycopg.connect(bare_database_url, autocommit=True) as c:
            c.execute("SET role none")
            c.execute(SQL("ALTER DATABASE {} RESET role").format(database))
            c.execute(SQL("DROP OWNED BY {}").format(role))
            c.execute(SQL("DROP ROLE {}").format(role))


def test_without_seeds_an_empty_record_stays_empty(database_url: str) -> None:
    with serving("--no-seed", "--database", database_url) as (said, _):
        assert httpx.get(f"{said['address']}/v1/irritants").json()["items"] == []


def test_missing_documents_are_built_before_serving(seeded_database_url: str) -> None:
    with psycopg.connect(seeded_database_url) as c:
        c.execute("DELETE FROM read_models")
    with serving("--database", seeded_database_url) as (said, _):
        assert len(httpx.get(f"{said['address']}/v1/irritants").json()["items"]) == 5


def test_the_output_shows_the_address_and_how_to_stop(database_url: str) -> None:
    command = [sys.executable, "-m", "service", *SERVE, "--database", database_url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(2)]
        assert ended(process, signal.SIGINT) == 0
    assert told[0] == "The record was empty. 9 reports were filed from the seeds.\n"
    assert told[1].startswith("Serving on http://127.0.0.1:")


def test_a_port_in_use_is_reported(desk: Desk) -> None:
    address = desk.url.removeprefix("http://")
    port = address.rpartition(":")[2]
    done = ran(["serve", "--port", port, "--database", desk.database_url])
    assert (done.returncode, f"cannot serve on {address}" in done.stderr) == (3, True)


def test_a_start_with_a_port_in_use_creates_no_record(reader: Desk, tmp_path: Path) -> None:
    home = tmp_path / "home"
    port = reader.url.rpartition(":")[2]
    done = ran(["serve", "--port", port], env={**os.environ, "IRRITANTS_HOME": str(home)})
    assert (done.returncode, "Address already in use" in done.stderr) == (3, True)
    assert not home.exists()


def test_the_second_of_two_processes_on_one_port_reports_it(database_url: str) -> None:
    (bound,) = bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    (also_bound,) = bind("127.0.0.1", port)
    with bound, also_bound:
        bound.listen()
        server = Server(create_app(Settings(database_url=database_url)), "127.0.0.1", port, lambda _: None)
        server.run([also_bound])
        assert not server.started


def test_a_host_name_is_served_on_all_its_addresses() -> None:
    opened = bind("localhost", 0)
    assert {s.getsockname()[0] for s in opened} <= {"127.0.0.1", "::1"}
    assert len({s.getsockname()[1] for s in opened}) == 1
    for s in opened:
        s.close()


@pytest.mark.parametrize("lost", ["a reader that is gone", "a full disk", "nowhere"])
def test_a_first_key_that_was_not_printed_is_shown_by_the_next_start(tmp_path: Path, lost: str) -> None:
    home = {**os.environ, "IRRITANTS_HOME": str(tmp_path / "home")}
    if lost == "a reader that is gone":
        read, write = os.pipe()
        os.close(read)
    else:
        write = os.open("/dev/full" if lost == "a full disk" else os.devnull, os.O_WRONLY)
    with Program([*SERVE, "--no-seed"], out=write, env=home) as process:
        os.close(write)
        if lost == "nowhere":
            said = [process.stderr.readline() for _ in range(2)]
            assert "Serving on" in said[0]
            assert "`irritants key create`" in said[1]
            assert ended(process, signal.SIGTERM) == 0
        else:
            assert process.wait(timeout=30) == (1 if lost == "a reader that is gone" else 6)
            assert "Traceback" not in process.stderr.read()
    assert not list((tmp_path / "home" / "database").glob("postmaster.pid"))
    with serving("--no-seed", **home) as (told, process):
        with_key = {"Authorization": f"Bearer {told['key']}"}
        assert httpx.get(f"{told['address']}/v1/irritants", headers=with_key).status_code == 200
        assert ended(process, signal.SIGTERM) == 0


def test_after_a_killed_first_start_the_next_shows_the_key(tmp_path: Path) -> None:
    home = {"IRRITANTS_HOME": str(tmp_path / "home")}
    with Program(SERVE, env={**os.environ, **home}) as process:
        while not (tmp_path / "home" / "database" / "postmaster.pid").exists():
            time.sleep(0.01)
        process.kill()
        assert process.stdout.read() == ""
    with serving(**home) as (told, _):
        assert told["key"].startswith("irr_")


def test_open_reading_beyond_this_machine_needs_an_explicit_setting() -> None:
    refused = irritants("serve", "--host", "0.0.0.0")
    assert (refused.code, "IRRITANTS_READ_ACCESS=key" in refused.err) == (2, True)


def test_the_openapi_command_prints_the_committed_contract() -> None:
    checked_in = Path(__file__).parents[2] / "openapi" / "openapi.json"
    assert json.loads(irritants("openapi").out) == json.loads(checked_in.read_text(encoding="utf-8"))


def test_changes_are_followed_live(desk: Desk) -> None:
    last = json.loads(desk.done("changes", "--json").splitlines()[-1])["position"]
    with Program(["changes", "--follow", "--json", "--after", str(last)]) as following:
        desk.done("retract", "ru-us/banking-access@3", "--reason", "A slip")
        change = json.loads(following.stdout.readline())
        assert (change["irritant"], change["reason"]) == ("ru-us/banking-access", "retraction")
        desk.done("retract", "ru-us/banking-access@8", "--reason", "It was none")
        assert json.loads(following.stdout.readline())["after"] == change["before"]
        assert ended(following, signal.SIGINT) == 130


def test_reading_commands_do_not_import_server_modules() -> None:
    heavy = "{m.partition('.')[0] for m in sys.modules} & {'sqlalchemy', 'alembic', 'fastapi', 'uvicorn'}"
    imported = subprocess.run(
        [sys.executable, "-c", f"import sys, service.cli.main; print({heavy} or 'nothing')"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert imported.stdout == "nothing\n"
