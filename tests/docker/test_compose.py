"""`docker compose up`, as an operator runs it, seen from outside."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120

pytestmark = pytest.mark.docker


class Composed:
    """One project of containers under a name and a port of its own."""

    def __init__(self) -> None:
        self.project = f"irritants-test-{uuid.uuid4().hex[:8]}"
        self.environment = {**os.environ, "PORT": "0"}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = ["docker", "compose", "--project-name", self.project, *arguments]
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=600
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def address(self) -> str:
        return f"http://{self.run('port', 'service', '8000').stdout.strip()}"

    def sql(self, role: str, statement: str) -> subprocess.CompletedProcess[str]:
        return self.run(
            *("exec", "-T", "database", "psql", "-v", "ON_ERROR_STOP=1", "-At"),
            *("-U", role, "-d", "irritants", "-c", statement),
            check=False,
        )


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    composed = Composed()
    try:
        composed.run("up", "--build", "--detach")
        yield composed
    finally:
        composed.run("down", "--volumes", "--rmi", "local", "--timeout", "10", check=False)


def irritants(address: str) -> list[dict[str, object]]:
    """Those that are served, as soon as any are; polled, since that is what a client would do."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = httpx2.get(f"{address}/v1/irritants", timeout=5)
            answer.raise_for_status()
            return list(answer.json()["items"])
        except httpx2.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def test_the_five_irritants_answer(composed: Composed) -> None:
    assert len(irritants(composed.address)) == 5


def test_the_service_runs_as_a_role_that_cannot_change_what_is_recorded(composed: Composed) -> None:
    irritants(composed.address)
    assert composed.sql("irritants_service", "SELECT count(*) > 0 FROM events").stdout.strip() == "t"
    for statement in (
        "DELETE FROM events",
        "UPDATE events SET actor = 'nobody'",
        "TRUNCATE events",
        "DROP TABLE events",
    ):
        refused = composed.sql("irritants_service", statement)
        assert refused.returncode != 0
        assert "permission denied" in refused.stderr or "must be owner" in refused.stderr


def test_the_container_is_healthy_without_root_and_without_a_disk_to_write_to(composed: Composed) -> None:
    irritants(composed.address)
    container = composed.run("ps", "--quiet", "service").stdout.strip()
    deadline = time.monotonic() + PATIENCE
    while True:
        inspected = subprocess.run(["docker", "inspect", container], check=True, capture_output=True, text=True)
        (told,) = json.loads(inspected.stdout)
        if told["State"]["Health"]["Status"] == "healthy" or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert told["State"]["Health"]["Status"] == "healthy"
    assert told["Config"]["User"] == "10001:10001"
    assert told["HostConfig"]["ReadonlyRootfs"]


def test_a_key_is_made_in_the_container_and_is_in_no_log(composed: Composed) -> None:
    irritants(composed.address)
    made = composed.run("exec", "-T", "service", "irritants", "key", "create", "--help")
    assert made.stdout
    assert "irr_" not in composed.run("logs").stdout


def test_the_database_may_go_and_come_back(composed: Composed) -> None:
    irritants(composed.address)
    composed.run("restart", "database")
    assert len(irritants(composed.address)) == 5
