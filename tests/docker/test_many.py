"""Several processes behind a proxy serve one record, and clients do not notice when one is killed.

This project has every kind of container, so it also tests the rights of containers.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from tests.api.bodies import VISAS, on, report
from tests.docker.composing import Composed, polled, up

pytestmark = pytest.mark.docker

PROCESSES = {"first", "another1"}
CONFINED = ["service", "another", "proxy"]
STATUS = "/v1/irritants/ru-us/visas"


@pytest.fixture(scope="module")
def many() -> Iterator[Composed]:
    with up(Composed(entrance="proxy", profile="many")) as composed:
        polled(lambda: len(composed.irritants()), 5)  # the image of the proxy has no health check
        yield composed


@pytest.fixture(scope="module")
def key(many: Composed) -> str:
    return many.key("desk")


def asked(address: str) -> httpx2.Response:
    return httpx2.get(f"{address}{STATUS}", timeout=40)


def asked_of(address: str, process: str) -> httpx2.Response:
    """Return the status from one of the processes, which take turns."""
    while (answer := asked(address)).headers.get("served-by") != process:
        pass
    return answer


def answering(address: str) -> set[str]:
    return {asked(address).headers.get("served-by", "nobody") for _ in range(10)}


def filed(address: str, key: str, name: str) -> httpx2.Response:
    """File a report as clients should, with retries under one key until it is answered."""
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": name}
    while True:
        body = report(on(VISAS, "ConcernRaised"), title=name)
        answer = httpx2.post(f"{address}/v1/reports", json=body, headers=headers, timeout=40)
        if answer.status_code not in (502, 503):
            return answer
        time.sleep(0.1)


@contextmanager
def others_asking(address: str) -> Iterator[Counter[int]]:
    """Send requests all the time. Yield the answers counted by status."""
    statuses, ended = Counter[int](), threading.Event()

    def ask() -> None:
        while not ended.is_set():
            statuses[asked(address).status_code] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        ended.set()
        asking.join()


def test_a_report_through_one_process_is_read_through_the_other(many: Composed, key: str) -> None:
    address = many.address()
    assert polled(lambda: answering(address), PROCESSES) == PROCESSES
    by: set[str] = set()
    while by != PROCESSES:
        answer = filed(address, key, f"report-{len(by)}-{time.monotonic_ns()}")
        by.add(answer.headers["served-by"])
        (other,) = PROCESSES - {answer.headers["served-by"]}
        read = asked_of(address, other)
        assert read.json()["position"] == answer.json()["events"][-1]["position"]
        assert read.headers["etag"] == asked_of(address, answer.headers["served-by"]).headers["etag"]


def test_a_key_revoked_in_one_process_is_refused_by_the_other_at_once(many: Composed) -> None:
    address, token = many.address(), many.key("short-lived")
    assert {filed(address, token, f"by-{n}").status_code for n in range(4)} == {201}
    many.run("exec", "-T", "another", "irritants", "key", "revoke", token.split("_")[1])
    assert {filed(address, token, f"later-{n}").status_code for n in range(4)} == {401}


def test_clients_do_not_notice_a_killed_process(many: Composed, key: str) -> None:
    address = many.address()
    tag = {"If-None-Match": asked(address).headers["etag"], "Prefer": "wait=20"}
    heard: list[httpx2.Response] = []
    waiting = [
        threading.Thread(target=lambda: heard.append(httpx2.get(f"{address}{STATUS}", headers=tag, timeout=40)))
        for _ in range(4)
    ]
    with others_asking(address) as statuses:
        for waiter in waiting:
            waiter.start()
        time.sleep(1)
        many.run("kill", "service")
        answer = filed(address, key, "while one is dead")
        for waiter in waiting:
            waiter.join()
        assert answering(address) == {"another1"}
    assert answer.status_code == 201
    assert set(statuses) == {200}
    position = answer.json()["events"][-1]["position"]
    assert [(told.status_code, told.json()["position"]) for told in heard] == [(200, position)] * 4

    again = filed(address, key, "while one is dead")
    assert again.json()["events"] == answer.json()["events"]
    many.run("start", "service")
    assert polled(lambda: answering(address), PROCESSES) == PROCESSES
    assert asked_of(address, "first").json()["position"] == position


def test_the_record_of_several_processes_verifies(many: Composed) -> None:
    assert "intact" in many.run("exec", "-T", "another", "irritants", "verify", "--documents")


@pytest.mark.parametrize("service", CONFINED)
def test_processes_in_a_container_have_no_privileges(many: Composed, service: str) -> None:
    status = many.first_process(service)
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Gid"].split() == ["10001"] * 4
    assert {status[f"Cap{of}"] for of in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


@pytest.mark.parametrize("service", CONFINED)
def test_a_container_has_a_read_only_file_system(many: Composed, service: str) -> None:
    mounted = [line.split() for line in many.run("exec", "-T", service, "cat", "/proc/1/mountinfo").splitlines()]
    options: dict[str, Any] = {fields[4]: fields[5].split(",") for fields in mounted}
    assert "ro" in options["/"]
    assert [at for at in options if "rw" in options[at] and not at.startswith(("/proc", "/dev", "/sys"))] == ["/tmp"]
    for place in ("/", "/etc", "/venv", "/var/tmp"):
        tried = many.attempt("exec", "-T", service, "touch", f"{place}/x")
        assert re.search("Read-only file system|No such file", tried.stderr), place
