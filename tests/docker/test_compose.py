"""`docker compose up`, as an operator runs it, seen from outside."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120
Answer = TypeVar("Answer")

pytestmark = pytest.mark.docker


@dataclass(frozen=True)
class Composed:
    """One project of containers under a name and a port of its own."""

    project: str = field(default_factory=lambda: f"irritants-test-{uuid.uuid4().hex[:8]}")

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "compose", "--ansi", "never", "--project-name", self.project, *arguments],
            check=False,
            cwd=ROOT,
            env={**os.environ, "IRRITANTS_PORT": "0"},
            capture_output=True,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def address(self) -> str:
        return f"http://{self.run('port', 'service', '8000').strip()}"

    def irritants(self) -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self.address()}/v1/irritants", timeout=5)
        answer.raise_for_status()
        return list(answer.json()["items"])

    def inspected(self, service: str) -> dict[str, Any]:
        container = self.run("ps", "--quiet", service).strip()
        told = subprocess.run(["docker", "inspect", container], check=True, capture_output=True, text=True)
        return dict(json.loads(told.stdout)[0])

    def file_nothing(self, key: str | None) -> httpx2.Response:
        authorization = {"Authorization": f"Bearer {key}"} if key else {}
        headers = {"Idempotency-Key": "nothing", "Content-Type": "application/json", **authorization}
        return httpx2.post(f"{self.address()}/v1/reports", content=b"{}", headers=headers, timeout=5)


def polled(ask: Callable[[], Answer], expected: Answer) -> Answer:
    """What is answered in the end: once it is what is expected, or when patience ends."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if (answer := ask()) == expected or time.monotonic() > deadline:
                return answer
        except httpx2.HTTPError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    composed = Composed()
    try:
        composed.run("up", "--build", "--detach")
        polled(lambda: len(composed.irritants()), 5)
        yield composed
    except httpx2.HTTPError as failed:
        failed.add_note(composed.run("logs", "--tail", "100"))
        raise
    finally:
        composed.run("down", "--volumes", "--rmi", "local", "--timeout", "10")


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


def test_the_container_is_healthy_without_root_and_without_a_disk_to_write_to(composed: Composed) -> None:
    assert polled(lambda: composed.inspected("service")["State"]["Health"]["Status"], "healthy") == "healthy"
    service = composed.inspected("service")
    assert service["Config"]["User"] == "10001:10001"
    assert service["HostConfig"]["ReadonlyRootfs"]
    assert service["HostConfig"]["PortBindings"]["8000/tcp"][0]["HostIp"] == "127.0.0.1"


def test_a_key_that_is_made_in_the_container_opens_and_is_in_no_log(composed: Composed) -> None:
    assert composed.file_nothing(key=None).status_code == 401
    key = composed.run("exec", "-T", "service", "irritants", "key", "create", "desk", "--scope", "report").strip()
    assert composed.file_nothing(key).status_code == 422
    assert "irr_" not in composed.run("logs")


def test_the_service_outlives_a_restart_of_its_database(composed: Composed) -> None:
    started = composed.inspected("service")["State"]["StartedAt"]
    composed.run("restart", "database")
    assert polled(lambda: len(composed.irritants()), 5) == 5
    assert composed.inspected("service")["State"]["StartedAt"] == started


def test_it_stops_when_it_is_told_to(composed: Composed) -> None:
    composed.run("stop", "service", "--timeout", "10")
    assert composed.attempt("ps", "--all", "--format", "{{.ExitCode}}", "service").stdout == "0\n"
