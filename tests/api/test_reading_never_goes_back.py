"""Every acknowledged report is in the next answer of every process, however late the notices of the database arrive."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count

import httpx2
import pytest

from tests.api.bodies import on, report
from tests.api.conftest import Headers, MakeKey

IRRITANTS = ("banking-access", "diplomat-movement", "direct-flights", "visas")
READS = 4
"""Reads after each write, in each of the two processes."""
_keys = count(1)


class Lagging:
    """A server in its own process that handles notices late."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def url(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def lag(self, milliseconds: int) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{milliseconds}\n")
        self._process.stdin.flush()
        # The process also logs slow requests to the same output.
        assert any(line.strip() == str(milliseconds) for line in self._process.stdout)


@contextmanager
def lagging(database_url: str) -> Iterator[Lagging]:
    command = [sys.executable, "-m", "tests.api.lagging", database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            yield Lagging(process)
        finally:
            process.terminate()


def stale(slug: str, urls: tuple[str, ...], key: Headers, writes: int) -> list[str]:
    """File with the processes in turn, and read at once from both. Return every read that was behind."""
    path, found = f"/v1/irritants/ru-us/{slug}", []
    with ExitStack() as stack:
        clients = [stack.enter_context(httpx2.Client(base_url=url, timeout=20)) for url in urls]
        tags = [client.get(path).headers["etag"] for client in clients]
        for n in range(writes):
            body = report(on(f"irritant/ru-us/{slug}", "ConcernRaised"))
            filed = clients[n % 2].post("/v1/reports", json=body, headers={**key, "Idempotency-Key": f"k{next(_keys)}"})
            assert filed.status_code == 201, filed.text
            position = filed.json()["position"]
            for reader, client in enumerate(clients):
                for read in range(READS):
                    # In turn: the status by its tag, the whole status, the list, and the end of the feed.
                    if read == 0:
                        answer = client.get(path, headers={"If-None-Match": tags[reader]})
                        behind = answer.status_code == 304 or answer.json()["position"] < position
                        tags[reader] = answer.headers["etag"]
                    elif read == 1:
                        behind = client.get(path).json()["position"] < position
                    elif read == 2:
                        behind = client.get("/v1/irritants?relation=ru-us").json()["position"] < position
                    else:
                        page = client.get(f"/v1/events?after={position - 1}&limit=1").json()
                        behind = [item["position"] for item in page.get("items", ())] != [position]
                    if behind:
                        found.append(f"{slug} {n} process {reader} read {read}")
    return found


@pytest.mark.parametrize("writes", [12, pytest.param(100, marks=pytest.mark.slow)], ids=["hundreds", "thousands"])
def test_every_read_includes_all_acknowledged_reports(seeded_database_url: str, make_key: MakeKey, writes: int) -> None:
    key = make_key("report")
    with ExitStack() as stack:
        two = [stack.enter_context(lagging(seeded_database_url)) for _ in range(2)]
        urls = tuple(process.url() for process in two)
        threads = stack.enter_context(ThreadPoolExecutor(len(IRRITANTS)))
        for milliseconds in (0, 20, 200):
            for process in two:
                process.lag(milliseconds)
            found = threads.map(lambda slug: stale(slug, urls, key, writes), IRRITANTS)
            assert [answer for behind in found for answer in behind] == [], milliseconds
