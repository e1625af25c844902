"""Measure requests for unchanged documents: ratios to a bare ASGI app that sends the same headers and bytes.

Each server is one process, and wrk sends requests over 32 connections. Servers take turns and ratios are taken within a
round, so a busy machine slows all alike. The server's processor time per request is printed too, because other programs
hardly affect it.

    .venv/bin/python -m tests.benchmarks.reading [--rounds 5] [--seconds 3] [--database URL]
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from service.seeding import seed
from service.store.engine import open_engine
from tests.benchmarks import databases
from tests.benchmarks.databases import add_option, run_on_each
from tests.benchmarks.measuring import load, process_seconds, wrk
from tests.benchmarks.servers import PATHS

ROOT = Path(__file__).parents[2]
IRRITANT, TWO = PATHS
"""Irritants of 0.8 and 1.7 kB."""
TARGETS = {"304": 0.8, "200": 0.6}
"""The lowest ratio of each kind of answer to the bare app."""
TYPICAL = 25
"""The lowest ratio of the unchanged answer to the typical endpoint."""


@dataclass
class Server:
    name: str
    process: "subprocess.Popen[str]"
    url: str

    def seconds(self) -> float:
        return process_seconds(self.process.pid)


@dataclass
class Measured:
    rate: float
    microseconds: float
    """The server's processor time for each request."""


@contextmanager
def running(name: str, address: str) -> Iterator[Server]:
    """Run one of the servers below."""
    command = [sys.executable, "-m", "tests.benchmarks.servers", name, address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        yield Server(name, process, url)
    finally:
        process.terminate()
        process.wait(10)


def measured(server: Server, path: str, seconds: int, etag: str | None) -> Measured:
    headers = ["-H", f"If-None-Match: {etag}"] if etag else []
    before = server.seconds()
    done = wrk(server.url + path, clients=32, seconds=seconds, options=headers)
    return Measured(done.rate, (server.seconds() - before) / done.requests * 1e6)


def etag_of(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.headers["ETag"])


def counted(service: Server) -> tuple[float, float]:
    """Return the number of calls for the head so far, and of the queries that answered them."""
    with urlopen(service.url + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    metrics = dict(line.split(" ") for line in lines if not line.startswith("#"))
    return float(metrics["irritants_head_questions_total"]), float(metrics["irritants_head_queries_total"])


def compared(servers: dict[str, Server], database: databases.Server, rounds: int, seconds: int) -> None:
    print(f"32 clients, {rounds} rounds of {seconds} s each; {load()}")
    for kind, path in (("304", IRRITANT), ("200", TWO)):
        tag = etag_of(servers["service"].url + IRRITANT) if kind == "304" else None
        pairs = [
            (measured(servers["service"], path, seconds, tag), measured(servers["bare"], path, seconds, tag))
            for _ in range(rounds)
        ]
        cost, bare_cost = (median(pair[n].microseconds for pair in pairs) for n in (0, 1))
        print(
            f"{kind}: {median(ours.rate / bare.rate for ours, bare in pairs):.2f} of the bare app"
            f" (target {TARGETS[kind]}), {median(ours.rate for ours, _ in pairs):,.0f}/s;"
            f" processor time {cost:.0f} µs against {bare_cost:.0f} µs: {bare_cost / cost:.2f}"
        )
    tag = etag_of(servers["service"].url + IRRITANT)
    asked_before, before = counted(servers["service"]), database.processor_seconds()
    measured(servers["service"], IRRITANT, seconds, tag)
    asked, queries = (now - then for now, then in zip(counted(servers["service"]), asked_before, strict=True))
    print(f"{asked / queries:.1f} requests share a query for the head, {queries / seconds:,.0f} of them a second")
    if before is not None and (after := database.processor_seconds()) is not None:
        print(f"{(after - before) / queries * 1e6:.0f} µs of the database's processor time for each query")
    times = []
    for _ in range(rounds):
        typical = measured(servers["typical"], "/irritants/ru-us/banking-access", seconds, None)
        ours = measured(servers["service"], IRRITANT, seconds, tag)
        times.append(ours.rate / typical.rate)
    print(f"304: {median(times):.0f} times the typical endpoint (target {TYPICAL})")


def benchmark(database: databases.Server, rounds: int, seconds: int) -> None:
    url = database.database()
    engine = open_engine(url)
    seed(engine)
    engine.dispose()
    with ExitStack() as stack:
        servers = {name: stack.enter_context(running(name, url)) for name in ("service", "typical")}
        servers["bare"] = stack.enter_context(running("bare", servers["service"].url))
        compared(servers, database, rounds, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    add_option(parser)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed")
    run_on_each(arguments.database, lambda database: benchmark(database, arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
