"""`docker compose up` as an operator runs it, tested from outside."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.bodies import VISAS, on, report
from tests.docker.composing import ROOT, Composed, polled, up

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    with up(Composed()) as composed:
        yield composed


def file_nothing(composed: Composed, key: str | None) -> httpx2.Response:
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    headers = {"Idempotency-Key": "nothing", "Content-Type": "application/json", **authorization}
    return httpx2.post(f"{composed.address()}/v1/reports", content=b"{}", headers=headers, timeout=5)


def test_the_five_irritants_answer(composed: Composed) -> None:
    assert len(composed.irritants()) == 5


def test_the_service_runs_as_a_role_that_may_read_the_record_but_not_change_what_is_recorded(
    composed: Composed,
) -> None:
    def sql(statement: str) -> subprocess.CompletedProcess[str]:
        psql = ("psql", "-v", "ON_ERROR_STOP=1", "-At", "-U", "irritants_service", "-d", "irritants", "-c", statement)
        return composed.attempt("exec", "-T", "database", *psql)

    assert sql("SELECT count(*) > 0 FROM events").stdout == "t\n"
    assert "permission denied" in sql("DELETE FROM events").stderr
    assert "permission denied" in sql("UPDATE events SET actor = 'nobody'").stderr
    assert "permission denied" in sql("TRUNCATE events").stderr
    assert "must be owner" in sql("DROP TABLE events").stderr
    assert "must be owner" in sql("ALTER TABLE events DISABLE TRIGGER ALL").stderr


def test_the_container_is_healthy_and_published_on_loopback_only(composed: Composed) -> None:
    assert polled(lambda: composed.health("service"), "healthy") == "healthy"
    published = composed.inspected("service")["HostConfig"]["PortBindings"]["8000/tcp"]
    assert [port["HostIp"] for port in published] == ["127.0.0.1"]


def test_the_health_of_a_container_is_checked_each_second(composed: Composed) -> None:
    assert composed.inspected("service")["Config"]["Healthcheck"]["Interval"] <= 1_000_000_000


def configured(folder: Path, **env: str) -> dict[str, Any]:
    """Return the configuration that Compose reads from a checkout in this folder."""
    folder.mkdir()
    shutil.copy(ROOT / "docker-compose.yml", folder)
    named = {name: value for name, value in os.environ.items() if name != "COMPOSE_PROJECT_NAME"} | env
    command = ["docker", "compose", "--profile", "many", "config", "--format", "json"]
    return dict(json.loads(subprocess.run(command, cwd=folder, env=named, check=True, capture_output=True).stdout))


def test_two_checkouts_share_no_volume_and_no_port(tmp_path: Path) -> None:
    checkouts = [
        configured(tmp_path / "one"),
        configured(tmp_path / "two", IRRITANTS_PORT="8001", PROXY_PORT="8081"),
        configured(tmp_path / "three", COMPOSE_PROJECT_NAME="mine", IRRITANTS_PORT="8002", PROXY_PORT="8082"),
    ]
    assert [checkout["name"] for checkout in checkouts] == ["one", "two", "mine"]
    shared = [
        *(volume["name"] for checkout in checkouts for volume in checkout["volumes"].values()),
        *(network["name"] for checkout in checkouts for network in checkout["networks"].values()),
        *(port["published"] for c in checkouts for s in c["services"].values() for port in s.get("ports", ())),
    ]
    assert len(shared) == len(set(shared)) == 3 + 3 + 6


def test_the_image_runs_as_any_user_on_a_read_only_file_system(composed: Composed) -> None:
    environment = composed.inspected("service")["Config"]["Env"]
    url = next(value for value in environment if value.startswith("IRRITANTS_DATABASE_URL="))
    image, network = composed.inspected("service")["Image"], f"{composed.project}_default"
    name = f"{composed.project}-any-user"
    confined = ("--user", "12345:0", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    run = ("docker", "run", "--detach", "--name", name, "--network", network, *confined)
    open_read = "IRRITANTS_ALLOW_OPEN_READ=true"
    subprocess.run([*run, "--env", url, "--env", open_read, image], check=True, capture_output=True)
    try:

        def inside(*command: str) -> str:
            done = subprocess.run(
                ["docker", "exec", name, *command], check=False, capture_output=True, encoding="utf-8"
            )
            return done.stdout

        health = ("docker", "inspect", "--format", "{{.State.Health.Status}}", name)
        assert (
            polled(lambda: subprocess.run(health, check=True, capture_output=True).stdout, b"healthy\n") == b"healthy\n"
        )
        assert inside("id", "--user") == "12345\n"
        assert "ru-us/visas" in inside("irritants", "status")
        assert "is intact" in inside("irritants", "verify", "--documents")
        assert inside("irritants", "key", "create", "anna", "--scope", "read").startswith("irr_")
        assert '"format":"irritants' in inside("irritants", "export", "-")
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


def test_a_key_created_in_the_container_is_valid_and_in_no_log(composed: Composed) -> None:
    assert file_nothing(composed, key=None).status_code == 401
    assert file_nothing(composed, composed.key("desk")).status_code == 422
    assert "irr_" not in composed.run("logs")


def test_the_service_survives_a_restart_of_its_database(composed: Composed) -> None:
    started = composed.inspected("service")["State"]["StartedAt"]
    composed.run("restart", "database")
    assert polled(lambda: len(composed.irritants()), 5) == 5
    assert composed.inspected("service")["State"]["StartedAt"] == started


def test_acknowledged_reports_survive_killed_and_removed_containers(composed: Composed) -> None:
    headers = {"Authorization": f"Bearer {composed.key('keeper')}", "Idempotency-Key": "before the kill"}
    body = report(on(VISAS, "ConcernRaised"))
    filed = httpx2.post(f"{composed.address()}/v1/reports", json=body, headers=headers, timeout=5)
    assert filed.status_code == 201
    composed.run("kill")
    composed.run("down")
    composed.run("up", "--detach")
    assert polled(lambda: len(composed.irritants()), 5) == 5
    again = httpx2.post(f"{composed.address()}/v1/reports", json=body, headers=headers, timeout=5)
    assert again.headers["idempotent-replayed"]
    assert again.json() == filed.json()
    verified = composed.run("exec", "-T", "service", "irritants", "verify", "--documents")
    assert f"is intact: {filed.json()['events'][-1]['position']} events" in verified


def test_the_service_stops_on_request(composed: Composed) -> None:
    composed.run("stop", "service", "--timeout", "10")
    assert composed.attempt("ps", "--all", "--format", "{{.ExitCode}}", "service").stdout == "0\n"


def test_engines_from_25_on_check_health_each_second_only_while_a_container_starts() -> None:
    both = ("--file", "docker-compose.yml", "--file", "docker-compose.engine-25.yml", "--profile", "many")
    services = json.loads(Composed().run(*both, "config", "--format", "json"))["services"]
    checks = {name: services[name]["healthcheck"] for name in ("database", "service", "another")}
    assert {(check["start_interval"], check["interval"]) for check in checks.values()} == {("1s", "10s")}
    # The health checks stay the same: pg_isready of the file, and that of the service's image.
    assert checks["database"]["test"][0] == "CMD-SHELL"
    assert "test" not in checks["service"]
