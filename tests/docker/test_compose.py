"""`docker compose up`, as an operator runs it, seen from outside."""

import subprocess
from collections.abc import Iterator

import httpx2
import pytest

from tests.api.bodies import VISAS, on, report
from tests.docker.composing import Composed, polled, up

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


def test_the_container_is_healthy_and_published_to_this_machine_alone(composed: Composed) -> None:
    assert polled(lambda: composed.health("service"), "healthy") == "healthy"
    published = composed.inspected("service")["HostConfig"]["PortBindings"]["8000/tcp"]
    assert [port["HostIp"] for port in published] == ["127.0.0.1"]


def test_a_key_that_is_made_in_the_container_opens_and_is_in_no_log(composed: Composed) -> None:
    assert file_nothing(composed, key=None).status_code == 401
    assert file_nothing(composed, composed.key("desk")).status_code == 422
    assert "irr_" not in composed.run("logs")


def test_the_service_outlives_a_restart_of_its_database(composed: Composed) -> None:
    started = composed.inspected("service")["State"]["StartedAt"]
    composed.run("restart", "database")
    assert polled(lambda: len(composed.irritants()), 5) == 5
    assert composed.inspected("service")["State"]["StartedAt"] == started


def test_what_was_acknowledged_outlives_killed_and_removed_containers(composed: Composed) -> None:
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
    assert f"is whole: {filed.json()['events'][-1]['position']} events" in verified


def test_it_stops_when_it_is_told_to(composed: Composed) -> None:
    composed.run("stop", "service", "--timeout", "10")
    assert composed.attempt("ps", "--all", "--format", "{{.ExitCode}}", "service").stdout == "0\n"
