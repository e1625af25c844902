"""How fast is asking whether anything changed: ratios to a bare ASGI app that sends the same headers and bytes.

Each server is one process on one core's worth of work, asked by wrk over 32 connections. Rounds are interleaved, and a
ratio is taken within each round, so a busy machine slows all of them alike. Beside the requests in a second stands the
server's own processor time for each request, which hardly depends on who else is busy.

    .venv/bin/python -m tests.benchmarks.reading [--rounds 5] [--seconds 3]
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from service.seeding import seed
from service.store import embedded
from service.store.engine import open_engine
from service.store.migrate import upgrade
from tests.benchmarks.measuring import processor_seconds
from tests.benchmarks.servers import PATHS

ROOT = Path(__file__).parents[2]
IRRITANT, TWO = PATHS
"""Of 0.8 and 1.7 kB."""
TARGETS = {"304": 0.8, "200": 0.6}
"""What each kind of answer must reach of the bare app."""
TYPICAL = 25
"""And how many times the typical endpoint the unchanged one."""


@dataclass
class Server:
    name: str
    process: "subprocess.Popen[str]"
    url: str

    def seconds(self) -> float:
        """Processor time so far, all threads together."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text(encoding="utf-8").split()[0]) for task in tasks) / 1e9


@dataclass
class Measured:
    rate: float
    microseconds: float
    """The server's processor time for each request."""


@contextmanager
def running(name: str, address: str) -> Iterator[Server]:
    """One of the servers below, until it is no longer needed."""
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
    before, began = server.seconds(), time.perf_counter()
    done = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", *headers, server.url + path],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    took = time.perf_counter() - began
    found = re.search(r"(\d+) requests in", done.stdout)
    assert found, done.stdout
    if (wrong := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors.*", done.stdout)) is not None:
        raise AssertionError(f"{server.name}: {wrong[0]}")
    requests = int(found[1])
    return Measured(requests / took, (server.seconds() - before) / requests * 1e6)


def etag_of(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.headers["ETag"])


def counted(service: Server) -> tuple[float, float]:
    """Questions for the head so far, and the queries that answered them."""
    with urlopen(service.url + "/metrics") as answer:
        lines = answer.read().decode().splitlines()
    metrics = dict(line.split(" ") for line in lines if not line.startswith("#"))
    return float(metrics["irritants_head_questions_total"]), float(metrics["irritants_head_queries_total"])


def compared(servers: dict[str, Server], database: Path, rounds: int, seconds: int) -> None:
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
    asked_before, before = counted(servers["service"]), processor_seconds(database)
    measured(servers["service"], IRRITANT, seconds, tag)
    asked, queries = (now - then for now, then in zip(counted(servers["service"]), asked_before, strict=True))
    print(
        f"{asked / queries:.1f} requests share a query for the head, {queries / seconds:,.0f} of them a second;"
        f" {(processor_seconds(database) - before) / queries * 1e6:.0f} µs of the database's processor time for each"
    )
    times = []
    for _ in range(rounds):
        typical = measured(servers["typical"], "/irritants/ru-us/banking-access", seconds, None)
        ours = measured(servers["service"], IRRITANT, seconds, tag)
        times.append(ours.rate / typical.rate)
    print(f"304: {median(times):.0f} times the typical endpoint (target {TYPICAL})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed")
    with ExitStack() as stack:
        home = stack.enter_context(TemporaryDirectory(prefix="irritants_bench_"))
        database = stack.enter_context(embedded.serving(Path(home)))
        upgrade(database)
        engine = open_engine(database)
        seed(engine)
        engine.dispose()
        servers = {name: stack.enter_context(running(name, database)) for name in ("service", "typical")}
        servers["bare"] = stack.enter_context(running("bare", servers["service"].url))
        compared(servers, Path(home) / "database", arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
