"""Compare two checkouts of this repository on each database: is `after` slower in any measure?

    .venv/bin/python -m tests.benchmarks.compare --before FOLDER --after FOLDER [--rounds 9] [--only NAME …]
                                                 [--at-least 0.95] [--database URL]

The measures use parts that survive a restructuring: the HTTP API, the command line, and the line `store` of the
checkout's own `tests.benchmarks.appending`. Each checkout runs with the Python of its `.venv`, or else with this one.
`before` and `after` take turns with each measure, on separate databases. A measure is a cost. Its ratio is the cost of
`before` divided by that of `after` within a round, so a ratio above 1 means that `after` is cheaper. The output has the
median over the rounds with its 95 % confidence interval. Processor time is that of the service and the database. Other
programs on the machine affect it less than the time on the clock. A measure is `worse` if its whole interval is below
`--at-least`, and the exit status is then 1. It is `unclear` if the interval contains that bound: run more rounds or use
a quieter machine.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import httpx2

from tests.benchmarks import filing
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.filing import BEGINNING, Service, opened, said
from tests.benchmarks.keeping import generate
from tests.benchmarks.measuring import in_turn, interval, load, process_seconds, wrk

ROUNDS: Final = 9
SECONDS: Final = 2
IDLE_SECONDS: Final = 5
EVENTS: Final = 10_000
BOARD: Final = tuple(f"irritant-{n}" for n in range(200))
CLIENTS: Final = 32
REPORTS: Final = 40
AFTER_COMMITS: Final = 10
_numbers = count(1)

Costs = Mapping[str, float]
"""Costs by name and unit."""


class Work(NamedTuple):
    """The number of repetitions of a piece of work, and the seconds of each."""

    name: str
    seconds: float
    times: int = 1


class Checkout:
    """One state of the source, and the ways to run its programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        python = self.folder / ".venv/bin/python"
        self._python = str(python if python.exists() else sys.executable)
        found = self._run("-c", "import service; print(service.__file__)")
        if not Path(found.strip()).is_relative_to(self.folder):
            raise SystemExit(f"{self._python} in {self.folder} imports {found.strip()}")
        self.commit = self._told("git", "describe", "--always", "--dirty", "--exclude=*").strip()

    def run(self, module: str, *arguments: str) -> str:
        """Return the standard output of a program of this checkout."""
        return self._run("-m", module, *arguments)

    @contextmanager
    def serving(self, url: str) -> Iterator[tuple[str, int]]:
        """Yield the address and the process id of a server once it answers from the record."""
        command = [self._python, "-m", "service", "serve", "--no-seed", "--json", "--port", "0", "--database", url]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", cwd=self.folder
        ) as process:
            try:
                assert process.stdout is not None
                address = json.loads(process.stdout.readline())["address"]
                while httpx2.get(f"{address}/readyz", timeout=120).status_code != 200:
                    time.sleep(0.01)
                yield address, process.pid
            finally:
                process.terminate()

    def _run(self, *arguments: str) -> str:
        return self._told(self._python, *arguments)

    def _told(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command[1:4])} in {self.folder} failed:\n{done.stderr}")
        return done.stdout


@dataclass(frozen=True)
class Side:
    """A checkout, its database server, and the export of a record for its commands."""

    checkout: Checkout
    server: Server
    export: Path

    @cached_property
    def served(self) -> str:
        """Return the address of a record of two hundred irritants on one relation."""
        url = self._migrated()
        with serving(self, url) as served:
            served.service.file(*BEGINNING, *map(opened, BOARD), *(said(slug, n) for n, slug in enumerate(BOARD)))
        return url

    @cached_property
    def imported(self) -> str:
        """Return the address of a record imported from the export."""
        url = self._migrated()
        self.checkout.run("service", "import", str(self.export), "--database", url)
        return url

    def spent(self) -> float:
        """Return the processor time, in seconds, of ended commands and of the database."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime + (self.server.processor_seconds() or 0)

    def _migrated(self) -> str:
        url = self.server.database(bare=True)
        self.checkout.run("service", "migrate", "--database", url)
        return url


@dataclass(frozen=True)
class Serving:
    """A server of a checkout, and a client of it."""

    side: Side
    service: Service
    pid: int

    def spent(self) -> float:
        """Return the processor time, in seconds, of the process and of its database connections."""
        return process_seconds(self.pid) + (self.side.server.processor_seconds(self.side.served) or 0)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        asked = headers | {"Accept-Encoding": "identity"}
        answer = httpx2.get(self.service.address + path, headers=asked, timeout=120)
        while answer.status_code == 503:  # longer than the service waits for its database
            answer = httpx2.get(self.service.address + path, headers=asked, timeout=120)
        answer.raise_for_status()
        return answer


@contextmanager
def serving(side: Side, url: str) -> Iterator[Serving]:
    name = f"bench-{next(_numbers)}"
    bearer = side.checkout.run("service", "key", "create", name, "--scope", "report", "--database", url)
    with side.checkout.serving(url) as (address, pid), closing(Service(address, bearer.strip())) as service:
        yield Serving(side, service, pid)


def resting(side: Side) -> Costs:
    """Measure an idle process. No other process of the benchmark runs meanwhile."""
    record = side.served
    began = time.perf_counter()
    with side.checkout.serving(record) as (_, pid):
        costs = {"start-up, ms": (time.perf_counter() - began) * 1e3}
        time.sleep(1)
        before = side.server.processor_seconds()
        time.sleep(IDLE_SECONDS)
        after = side.server.processor_seconds()
        if before is not None and after is not None:
            costs["database while idle, % of a core"] = (after - before) / IDLE_SECONDS * 100
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    held = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert held
    return costs | {"memory while idle, MB": int(held[1]) / 1024}


def appended(side: Side) -> Costs:
    given = ["--clients", "16", "--rounds", "1", "--seconds", str(SECONDS), "--database", side.server.address]
    told = side.checkout.run("tests.benchmarks.appending", *given)
    found = re.search(r"^ *store +([\d,]+)/s$", told, re.MULTILINE)
    assert found, told
    return {"append alone, µs": 1e6 / int(found[1].replace(",", ""))}


def commanded(name: str, side: Side) -> Costs:
    record = side.imported

    def command() -> Work:
        began = time.perf_counter()
        side.checkout.run("service", name, "--database", record)
        return Work(f"irritants {name}, {EVENTS:,} events", time.perf_counter() - began)

    return metered(side, command)


def metered(spending: Side | Serving, work: Callable[[], Work]) -> Costs:
    """Measure the cost of a piece of work in time and in processor time, which other programs affect less."""
    before = spending.spent()
    done = work()
    processor = (spending.spent() - before) / done.times
    return {f"{done.name}, ms": done.seconds * 1e3, f"{done.name}, processor ms": processor * 1e3}


def unchanged(served: Serving) -> Work:
    url = f"{served.service.address}/v1/irritants/no-se/{BOARD[0]}"
    tag = served.get(f"/v1/irritants/no-se/{BOARD[0]}").headers["ETag"]
    done = wrk(url, clients=CLIENTS, seconds=SECONDS, options=["-H", f"If-None-Match: {tag}"])
    return Work("304, an unchanged reading", 1 / done.rate, max(done.requests, 1))


def whole(served: Serving) -> Work:
    done = wrk(f"{served.service.address}/v1/irritants/no-se/{BOARD[0]}", clients=CLIENTS, seconds=SECONDS)
    return Work("200, a reading with its body", 1 / done.rate, max(done.requests, 1))


def reported(served: Serving) -> Work:
    took = [served.service.file(said(BOARD[n], next(_numbers))) for n in range(REPORTS)]
    return Work("one report over HTTP", median(took), REPORTS)


def shown(path: str, accept: str, name: str, served: Serving) -> Work:
    took = []
    for n in range(AFTER_COMMITS):
        began = time.perf_counter()
        served.service.file(said(BOARD[n], next(_numbers)))
        served.get(path, Accept=accept)
        took.append(time.perf_counter() - began)
    return Work(f"a report, and the {name} of {len(BOARD)}", median(took), AFTER_COMMITS)


def reported_at_once(served: Serving) -> Work:
    return Work("5,000 events in one report", filing.file_thousands(served.service))


AT_REST: Final[Mapping[str, Callable[[Side], Costs]]] = {
    "rest": resting,
    "append": appended,
    "verify": partial(commanded, "verify"),
    "rebuild": partial(commanded, "rebuild"),
}
SERVED: Final[Mapping[str, Callable[[Serving], Work]]] = {
    "304": unchanged,
    "200": whole,
    "report": reported,
    "board": partial(shown, "/v1/relations/no-se/board", "application/json", "board"),
    "page": partial(shown, "/?relation=no-se", "text/html", "page"),
    # Last, because it makes the record and the board longer.
    "5000": reported_at_once,
}


def compared(
    checkouts: Mapping[str, Checkout], server: Server, export: Path, rounds: int, names: Collection[str], bound: float
) -> list[str]:
    """Print each measure. Return the names of those that are worse."""
    sides = {name: Side(checkout, server, export) for name, checkout in checkouts.items()}
    print(f"{rounds} rounds; {load()}", flush=True)
    worse = []
    for measure in (AT_REST[name] for name in AT_REST if name in names):
        worse += told(in_turn({name: partial(measure, side) for name, side in sides.items()}, rounds), bound)
    with ExitStack() as stack:
        asked = [SERVED[name] for name in SERVED if name in names]
        servers = {name: stack.enter_context(serving(side, side.served)) for name, side in sides.items() if asked}
        for ask in asked:
            turns = {name: partial(metered, server, partial(ask, server)) for name, server in servers.items()}
            worse += told(in_turn(turns, rounds), bound)
    return worse


def told(rounds: list[Mapping[str, Costs]], bound: float) -> list[str]:
    worse = []
    for name in rounds[0]["after"]:
        before, after = ([turn[side][name] for turn in rounds] for side in ("before", "after"))
        ratios = [old / new for old, new in zip(before, after, strict=True)]
        least, most = interval(ratios)
        verdict = "worse" if most < bound else "unclear" if least < bound else ""
        figures = f"{median(before):9.4g} {median(after):9.4g}  {median(ratios):6.3g} ({least:.3g} to {most:.3g})"
        print(f"  {name:50} {figures} {verdict}".rstrip(), flush=True)
        worse += [name] if verdict == "worse" else []
    return worse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--after", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    names = [*AT_REST, *SERVED]
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--at-least", type=float, default=0.95, metavar="RATIO")
    add_option(parser)
    given = parser.parse_args()
    # Installed services have their bytecode. Without it, the start-up time would be that of the compiler.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    checkouts = {"before": Checkout(given.before), "after": Checkout(given.after)}
    print(", ".join(f"{name} {checkout.commit}" for name, checkout in checkouts.items()))
    print("columns: before, after, ratio (95 % interval); above 1 `after` is cheaper", flush=True)
    worse: list[str] = []
    with TemporaryDirectory(prefix="irritants_bench_") as folder:
        generate(export := Path(folder) / "record.jsonl", EVENTS)
        run_on_each(
            given.database,
            lambda server: worse.extend(
                f"{name} ({server.name})"
                for name in compared(checkouts, server, export, given.rounds, given.only, given.at_least)
            ),
        )
    for name in worse:
        print(f"worse: {name}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
