"""`irritants serve`: what it prepares and prints, and that it stops its own database. Also what commands import."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import httpx2 as httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from service.api.app import create_app
from service.api.server import Server, bind
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report
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


KEY = "irr_0123456789ab_hush-VpUMd0bIt7c4hJX3pQeWz8LrYk2nGfAso1uTiE5q"
OTHER_KEY = "irr_ba9876543210_hush-q5EiTu1osAfGn2kYrL8zWeQp3XJh4c7tIb0dMUpV"
RESET = "/v1/test/reset"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_initial_key_is_the_first_key_and_is_never_printed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    home = {"IRRITANTS_HOME": str(tmp_path / "home")}
    with (
        TemporaryFile("w+", encoding="utf-8") as log,
        Program(
            [*SERVE, "--json"], err=log, env={**os.environ, **home, "IRRITANTS_INITIAL_KEY_FILE": str(tmp_path / "key")}
        ) as process,
    ):
        said = json.loads(process.stdout.readline())
        assert said["key"] is None
        with httpx.Client(base_url=said["address"], headers=bearer(KEY)) as client:
            assert client.get("/v1/irritants").status_code == 200
            body = report(on(FLIGHTS, "ConcernRaised"))
            filed = client.post("/v1/reports", json=body, headers={"Idempotency-Key": "one"})
            assert filed.status_code == 201
            (event,) = client.get(f"/v1/events?report={filed.json()['id']}").json()["items"]
            assert event["actor"] == "operator"
            assert client.get(f"/v1/{KEY}").status_code == 404
            assert client.post(RESET).status_code == 404
        assert ended(process, signal.SIGTERM) == 0
        log.seek(0)
        assert "hush" not in log.read()
    with serving(**home, IRRITANTS_INITIAL_KEY=OTHER_KEY) as (said, process):
        assert said["key"] is None
        assert httpx.get(f"{said['address']}/v1/irritants", headers=bearer(KEY)).status_code == 200
        assert httpx.get(f"{said['address']}/v1/irritants", headers=bearer(OTHER_KEY)).status_code == 401
        assert ended(process, signal.SIGTERM) == 0
        assert "IRRITANTS_INITIAL_KEY has no effect: the record has other keys" in process.stderr.read()


def test_the_initial_key_works_on_a_given_database_and_survives_a_restart(bare_database_url: str) -> None:
    for seeded in (9, 0):
        with serving("--database", bare_database_url, IRRITANTS_INITIAL_KEY=KEY) as (said, process):
            assert (said["seeded"], said["key"]) == (seeded, None)
            assert httpx.get(f"{said['address']}/v1/irritants", headers=bearer(KEY)).status_code == 200
            assert ended(process, signal.SIGTERM) == 0
            assert "INITIAL_KEY" not in process.stderr.read()


def test_a_generated_key_is_accepted_as_the_initial_key(database_url: str) -> None:
    key = irritants("key", "generate").out.strip()
    assert json.loads(irritants("key", "generate", "--json").out)["key"] != key
    with serving("--no-seed", "--database", database_url, IRRITANTS_INITIAL_KEY=key) as (said, _):
        assert httpx.get(f"{said['address']}/v1/irritants", headers=bearer(key)).status_code == 200


FIXTURE = """\
relation: xa-xb
title: A relation for tests
events:
  - {stream: relation, type: RelationOpened, parties: [XA, XB], title: A relation for tests}
  - {stream: irritant/visas, type: IrritantOpened, title: Visas, category: visas}
"""


def test_the_setting_names_the_reports_to_begin_with(bare_database_url: str, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(FIXTURE, encoding="utf-8")
    with serving("--database", bare_database_url, IRRITANTS_SEEDS=str(tmp_path)) as (said, process):
        assert said["seeded"] == 1
        relation = httpx.get(f"{said['address']}/v1/relations/xa-xb").json()
        assert relation["names"] == {"XA": "Test state XA", "XB": "Test state XB"}
        assert httpx.get(f"{said['address']}/v1/irritants?awaiting=XA").json()["items"] == []
        assert ended(process, signal.SIGTERM) == 0


def test_the_setting_can_leave_the_record_empty(bare_database_url: str) -> None:
    with serving("--database", bare_database_url, IRRITANTS_SEEDS="none") as (said, _):
        assert said["seeded"] == 0
        assert httpx.get(f"{said['address']}/v1/irritants").json()["items"] == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (FIXTURE.replace("Visas,", "Visas, colour: red,"), "one.yaml:5:74: colour: "),
        (FIXTURE.replace("relation: xa-xb", "relation: xa-xc"), "one.yaml:"),
        ("[", "one.yaml:1:"),
    ],
)
def test_a_mistake_in_a_fixture_stops_the_start(
    bare_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, place: str
) -> None:
    (tmp_path / "one.yaml").write_text(wrong, encoding="utf-8")
    monkeypatch.setenv("IRRITANTS_SEEDS", str(tmp_path))
    failed = ran([*SERVE, "--database", bare_database_url])
    assert failed.returncode == 2
    assert f"{tmp_path}/{place}" in failed.stderr
    monkeypatch.setenv("IRRITANTS_SEEDS", "none")
    with serving("--database", bare_database_url) as (said, _):
        assert httpx.get(f"{said['address']}/readyz").json()["position"] == 0


def test_test_mode_has_a_record_of_its_own_that_a_restart_keeps(tmp_path: Path) -> None:
    home = {"IRRITANTS_HOME": str(tmp_path), "IRRITANTS_INITIAL_KEY": KEY}
    test_mode = {**home, "IRRITANTS_TEST_MODE": "true"}

    def filed(client: httpx.Client, key: str) -> int:
        body = report(on(FLIGHTS, "ConcernRaised"))
        return client.post("/v1/reports", json=body, headers={"Idempotency-Key": key}).status_code

    with serving(**home) as (said, process), httpx.Client(base_url=said["address"], headers=bearer(KEY)) as client:
        assert filed(client, "in the record") == 201
        assert ended(process, signal.SIGTERM) == 0
    for filed_before in (0, 1):
        with (
            serving(**test_mode) as (said, process),
            httpx.Client(base_url=said["address"], headers=bearer(KEY)) as client,
        ):
            assert client.get("/readyz").json()["position"] == 127 + filed_before
            assert client.post(RESET).json()["position"] == 127
            assert filed(client, "in a test") == 201
            key = ran(["key", "create", "tester", "--scope", "read"], env={**os.environ, **test_mode}).stdout.strip()
            assert client.get("/v1/irritants", headers=bearer(key)).status_code == 200
            verified = ran(["verify", "--documents"], env={**os.environ, **test_mode})
            assert verified.returncode == 0, verified.stderr
            assert ended(process, signal.SIGTERM) == 0
            assert "Test mode: POST /v1/test/reset" not in process.stderr.read()  # with --json there are no notes
    with serving(**home) as (said, process), httpx.Client(base_url=said["address"], headers=bearer(KEY)) as client:
        assert client.get("/readyz").json()["position"] == 128
        assert client.post(RESET).status_code == 404
        assert ended(process, signal.SIGTERM) == 0


def test_a_fixture_that_became_wrong_stops_the_next_start_in_test_mode(tmp_path: Path) -> None:
    fixtures = tmp_path / "fixtures"
    fixtures.mkdir()
    (fixtures / "one.yaml").write_text(FIXTURE, encoding="utf-8")
    chosen = {"IRRITANTS_HOME": str(tmp_path), "IRRITANTS_TEST_MODE": "true", "IRRITANTS_SEEDS": str(fixtures)}
    with serving(**chosen) as (said, process):
        assert said["seeded"] == 1
        assert ended(process, signal.SIGTERM) == 0
    (fixtures / "one.yaml").write_text(FIXTURE.replace("IrritantOpened", "IrritantReopened"), encoding="utf-8")
    failed = ran(SERVE, env={**os.environ, **chosen})
    assert failed.returncode == 2
    assert f"{fixtures}/one.yaml:5:" in failed.stderr


def test_commands_find_no_record_of_test_mode_before_it_is_served(tmp_path: Path) -> None:
    chosen = {"IRRITANTS_HOME": str(tmp_path), "IRRITANTS_TEST_MODE": "true"}
    failed = ran(["key", "list"], env={**os.environ, **chosen})
    assert failed.returncode == 3
    assert f"there is no record in {tmp_path}/test-mode" in failed.stderr
    assert list(tmp_path.iterdir()) == []


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
