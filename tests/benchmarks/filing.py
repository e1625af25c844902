"""Measure filing over HTTP: ratios to a bare FastAPI route with one INSERT, and of large reports to COPY.

Each server is one process, and wrk sends requests to them in turn. `post` files a report of one event on a new stream,
and the bare route inserts the same event. `get` reads one irritant, and the bare route sends the same bytes. Large
reports: 50 events are previewed and filed, and 5,000 are filed at once, compared with a COPY into the same tables and
indexes.

    .venv/bin/python -m tests.benchmarks.filing [--rounds 5] [--seconds 3] [--database URL]
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx2

from service.store import keys
from service.store.engine import connection, driver, open_engine, transaction
from service.store.log import lock_head
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.measuring import in_turn, load, ratio, typical, wrk

ROOT: Final = Path(__file__).parents[2]
POSTING: Final = Path(__file__).with_name("posting.lua")
GOALS: Final = {16: 1.5}
_numbers = count(1)


@contextmanager
def running(*command: str) -> Iterator[str]:
    """Run a program that prints its address in its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def serving(database: str) -> Iterator[str]:
    """Run the service as in production."""
    with running("service", "serve", "--no-seed", "--json", "--port", "0", "--database", database) as said:
        yield json.loads(said)["address"]


def asked(clients: int, seconds: int, url: str, *script: str) -> float:
    """Return the number of responses per second."""
    options = ["-s", str(POSTING)] if script else []
    return wrk(url, clients=clients, seconds=seconds, options=options, script=script).rate


def new_key(url: str) -> str:
    engine = open_engine(url)
    with transaction(engine) as c:
        lock_head(c)
        _, bearer = keys.create(c, "bench", ("report",), datetime.now(UTC))
    engine.dispose()
    return bearer


class Service:
    """The service under test, with a client that files."""

    def __init__(self, address: str, bearer: str) -> None:
        self.address, self.bearer = address, bearer
        self._client = httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {bearer}"}, timeout=120)

    def close(self) -> None:
        self._client.close()

    def file(self, *events: dict[str, Any], dry_run: bool = False) -> float:
        """File one report. Return the seconds that it took."""
        body = json.dumps({"relation": "no-se", "title": "-", "events": events})
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"bench-{next(_numbers)}"}
        began = time.perf_counter()
        address = f"/v1/reports?dry_run={str(dry_run).lower()}"
        answer = self._client.post(address, content=body, headers=headers)
        pauses = (2.0**n for n in count())
        while answer.status_code == 503:  # the service timed out; a retry with the same key finds the outcome
            # Each retry of a long report costs the service work, so retries without pauses would never end.
            time.sleep(next(pauses))
            answer = self._client.post(address, content=body, headers=headers)
        took = time.perf_counter() - began
        answer.raise_for_status()
        return took


def opened(slug: str) -> dict[str, Any]:
    return {"type": "IrritantOpened", "stream": f"irritant/no-se/{slug}", "title": "x" * 200, "category": "mobility"}


def said(slug: str, n: int) -> dict[str, Any]:
    """Return one assertion of many, each with another speaker and day."""
    party = ("NO", "SE")[n % 2]
    return {
        "type": ("ConcernRaised", "DiscussionReported")[n % 3 == 0],
        "stream": f"irritant/no-se/{slug}",
        "asserted_by": {"party": party, "channel": "quote"},
        "source": {"document": "readout", "paragraphs": [1 + n % 9], "origin": f"voice-{party.lower()}"},
        "summary": "What was said of it at the meeting, in the words of the desk. " * 3,
        "occurred": f"2025-{1 + n % 12:02}-{1 + n % 28:02}",
        **({"form": "talks"} if n % 3 == 0 else {}),
    }


BEGINNING: Final[tuple[dict[str, Any], ...]] = (
    {"type": "RelationOpened", "stream": "relation/no-se", "parties": ["NO", "SE"], "title": "-"},
    {"type": "SourceRegistered", "stream": "source/readout", "publisher": "A ministry", "paragraphs": 9},
    *(
        {
            "type": "OriginRegistered",
            "stream": "source/readout",
            "origin": f"voice-{party.lower()}",
            "speaker": "A spokesperson",
            "party": party,
            "channel": "quote",
        }
        for party in ("NO", "SE")
    ),
)


def single(service: Service, bare: str, clients: int, seconds: int, rounds: int) -> None:
    run = f"r{next(_numbers)}"
    turns = (f"{run}-{n}" for n in count(1))
    contenders: dict[str, Callable[[], float]] = {
        "post": lambda: asked(clients, seconds, f"{service.address}/v1/reports", "report", next(turns), service.bearer),
        "bare post": lambda: asked(clients, seconds, f"{bare}/rows", "row", next(turns)),
        "get": lambda: asked(clients, seconds, f"{service.address}/v1/irritants/no-se/visas"),
        "bare get": lambda: asked(clients, seconds, f"{bare}/bytes"),
    }
    done = in_turn(contenders, rounds)
    print(f"{clients} clients, {rounds} rounds of {seconds} s each; {load()}")
    goal = f", goal {GOALS[clients]}" if clients in GOALS else ""
    print(f"  post {typical(done, 'post'):,.0f}/s, to bare: {ratio(done, 'post', 'bare post')}{goal}")
    print(f"  get {typical(done, 'get'):,.0f}/s, to bare: {ratio(done, 'get', 'bare get')}", flush=True)


def fifty(service: Service, rounds: int) -> None:
    """Measure the preview and the filing of a report."""

    def report(slug: str) -> list[dict[str, Any]]:
        return [said(slug, n) for n in range(50)]

    # A previewed report is never filed, because it would meet a history that already contains it.
    previewed, slugs = [f"previewed-{n}" for n in range(4)], [f"filed-{n}" for n in range(rounds * 4)]
    service.file(*map(opened, [*previewed, *slugs]))
    fresh = iter(slugs)
    contenders: dict[str, Callable[[], float]] = {
        "preview": lambda: sum(service.file(*report(slug), dry_run=True) for slug in previewed),
        "filing": lambda: sum(service.file(*report(next(fresh))) for _ in range(4)),
    }
    done = in_turn(contenders, rounds)
    print(f"50 events, previewed {typical(done, 'preview') * 250:.0f} ms, filed {typical(done, 'filing') * 250:.0f} ms")
    print(f"  preview to filing: {ratio(done, 'preview', 'filing')}, goal 1.0", flush=True)


def file_thousands(service: Service) -> float:
    """File a report of 5,000 events on 50 new irritants. Return the seconds that it took."""
    slugs = [f"many-{next(_numbers)}" for _ in range(50)]
    return service.file(*map(opened, slugs), *(said(slugs[n % 50], n) for n in range(4_950)))


def thousands(service: Service, url: str, rounds: int) -> None:
    """Measure a report of 5,000 events on 50 irritants, and a COPY of its rows into tables with the same indexes."""
    engine = open_engine(url, statement_seconds=None)

    def copy() -> float:
        with connection(engine) as c:
            raw = driver(c)
            raw.execute("DROP TABLE IF EXISTS copied")
            raw.execute("CREATE TABLE copied (LIKE events INCLUDING ALL)")
            last = raw.execute("SELECT first_position, last_position FROM reports ORDER BY last_position DESC LIMIT 1")
            span = last.fetchone()
            columns = "position, stream, version, id, type, schema_version, data, actor, report, correlation, causation"
            columns += ", recorded_at, chain_hash"
            kept = f"COPY (SELECT {columns} FROM events WHERE position BETWEEN %s AND %s) TO STDOUT"
            with raw.cursor().copy(kept, span) as rows:
                data = b"".join(rows)
            began = time.perf_counter()
            with raw.cursor().copy(f"COPY copied ({columns}) FROM STDIN") as rows_in:
                rows_in.write(data)
            return 5_000 / (time.perf_counter() - began)

    file_thousands(service)
    done = in_turn({"report": lambda: 5_000 / file_thousands(service), "copy": copy}, rounds)
    engine.dispose()
    print(f"5,000 events in one report: {typical(done, 'report'):,.0f} events/s, goal 2,000")
    print(
        f"  to COPY of the same rows, {typical(done, 'copy'):,.0f} rows/s: {ratio(done, 'report', 'copy')}", flush=True
    )


def compared(server: Server, rounds: int, seconds: int) -> None:
    with ExitStack() as stack:
        url = server.database()
        address = stack.enter_context(serving(url))
        service = stack.enter_context(closing(Service(address, new_key(url))))
        service.file(*BEGINNING, opened("visas"))
        irritant = f"{address}/v1/irritants/no-se/visas"
        bare = stack.enter_context(running("tests.benchmarks.bare", server.database(bare=True), irritant))
        for clients in (1, 16):
            single(service, bare, clients, seconds, rounds)
        fifty(service, rounds)
        thousands(service, url, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    add_option(parser)
    arguments = parser.parse_args()
    run_on_each(arguments.database, lambda server: compared(server, arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
