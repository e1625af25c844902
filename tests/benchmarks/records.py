"""A record of some length with its server, a client that reads and files, and the write path without HTTP."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from service.domain import report
from service.recorder import Receipt, Recorder, ReportRequest
from service.store.engine import open_engine
from service.store.migrate import upgrade
from tests.benchmarks.filing import ROOT, new_key

LAST_OF_ALL: Final = "2026-11-01"
"""A day after all dates of a generated record, so its events are last in the order of the world."""

_WELL: Final = (200, 201)
_IDLE_SECONDS: Final = 30
"""Seconds after which the client reconnects, before the server closes the connection."""
_numbers = count(1)


class Answer(NamedTuple):
    seconds: float
    body: bytes
    etag: str


class Served:
    """A process of the service on one record, a client that reads, and a client that files."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bearer = {"Authorization": f"Bearer {new_key(url)}", "Content-Type": "application/json"}
        self._start()

    def _start(self) -> float:
        began = time.perf_counter()
        command = ["service", "serve", "--no-seed", "--json", "--port", "0", "--database", self._url]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
        )
        assert self._process.stdout is not None
        address = urlsplit(json.loads(self._process.stdout.readline())["address"])
        self._client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
        self._asked = time.perf_counter()
        self.get("/readyz")
        return time.perf_counter() - began

    def stop(self) -> None:
        self._client.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.terminate()
        self._process.wait(10)

    def started_anew(self) -> float:
        """Restart the process. Return the seconds until it answers from the record."""
        self.stop()
        return self._start()

    @property
    def memory(self) -> int:
        """Return the memory of the process in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) // 1024

    def get(self, path: str, *, anew: bool = False) -> Answer:
        """Read a path. With `anew`, add a new parameter so that the answer is computed rather than cached."""
        accept = f"application/json;asked={next(_numbers)}" if anew else "application/json"
        return self._answered("GET", path, None, {"Accept": accept})

    def unchanged(self, path: str, etag: str) -> Answer:
        return self._answered("GET", path, None, {"If-None-Match": etag}, (304,))

    def post(self, relation: str, slug: str) -> Answer:
        body = json.dumps(concern(relation, slug)).encode()
        return self._answered("POST", "/v1/reports", body, {**self._bearer, "Idempotency-Key": _new_name()})

    def _answered(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], well: tuple[int, ...] = _WELL
    ) -> Answer:
        if time.perf_counter() - self._asked > _IDLE_SECONDS:
            self._client.close()
            self._client.connect()
        self._asked = began = time.perf_counter()
        self._client.request(method, path, body, headers)
        answer = self._client.getresponse()
        content = answer.read()
        took = time.perf_counter() - began
        if answer.status not in well:
            raise AssertionError(f"{method} {path}: {answer.status} {content[:500].decode()}")
        return Answer(took, content, answer.headers["ETag"] or "")


class WritePath:
    """The write path in this process: validate, decide, project, append, without HTTP."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._recorder = Recorder(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    def forget(self) -> None:
        """Forget the record, as after a start."""
        self._recorder = Recorder(self._engine)

    def file(self, relation: str, slug: str, said: Mapping[str, Any] | None = None) -> float:
        body = json.dumps(concern(relation, slug, said)).encode()
        began = time.perf_counter()
        name = _new_name()
        request = ReportRequest(report.read(json.loads(body)), name, sha256(body).digest(), "bench", name)
        (outcome,) = self._recorder.record([request])
        took = time.perf_counter() - began
        assert isinstance(outcome, Receipt), outcome
        return took


class Record:
    """A measured record: its number of events, its server, and the write path on it.

    `generated` is the number of generated events. Earlier runs filed the others, which are all of one type.
    """

    def __init__(self, url: str, generated: int) -> None:
        self.served, self.way, self.generated = Served(url), WritePath(url), generated
        self.events = int(json.loads(self.served.get("/readyz").body)["position"])

    def close(self) -> None:
        self.served.stop()
        self.way.close()


def kept_database(server: str, name: str) -> str:
    """Return the address of a database, and create it unless an earlier run did."""
    with psycopg.connect(server, autocommit=True) as c:
        if not c.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
            c.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    upgrade(url)
    return url


def concern(relation: str, slug: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a report of one event by a side on the last of all days, or of the event `said`."""
    cited = {
        "asserted_by": {"party": relation.upper().partition("-")[0], "channel": "quote"},
        "source": {
            "document": f"{relation}-round-1-readout",
            "paragraphs": [1],
            "origin": f"{relation}-round-1-{relation.partition('-')[0]}",
        },
        "summary": "The spokesperson named it again, among the matters that stand in the way.",
        "occurred": LAST_OF_ALL,
    }
    event = {"stream": f"irritant/{relation}/{slug}", **(said or {"type": "ConcernRaised", **cited})}
    return {"relation": relation, "title": "A concern", "events": [event]}


def _new_name() -> str:
    return f"bench-{os.getpid()}-{time.time_ns()}"
