"""Measure how much standbys relieve the primary: reads of the past, with the primary alone and with two standbys.

In both cases one process serves without a cache (IRRITANTS_CACHE_MEGABYTES=0), so each read goes to a database. wrk
sends requests to both in turn over 16 connections. The three databases and the process share this machine, so the ratio
of the rates shows the cost of standbys on shared processors. The primary's processor time per read shows the relief.

    .venv/bin/python -m tests.benchmarks.standbys [--rounds 5] [--seconds 3]
"""

import argparse
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.request import urlopen

from tests.api.serving import Served, served
from tests.benchmarks.databases import Server
from tests.benchmarks.measuring import load, wrk
from tests.standby import followed, primary

ASKING: Final = Path(__file__).with_name("past.lua")


class Measured(NamedTuple):
    """Reads per second, microseconds of a database's processor per read, and the reads of each database."""

    rate: float
    primary: float
    standbys: tuple[float, ...]
    origins: Mapping[str, float]


def origins(server: Served) -> dict[str, float]:
    with urlopen(f"{server.url}/metrics") as answer:
        found = re.findall(r'irritants_reads_total{origin="(.*)"} (.*)', answer.read().decode())
    return {origin: float(reads) for origin, reads in found}


def measured(server: Served, databases: tuple[Server, ...], seconds: int) -> Measured:
    before, used = origins(server), [used_by(database) for database in databases]
    done = wrk(server.url, clients=16, seconds=seconds, options=["-s", str(ASKING)])
    first, *others = (
        (used_by(database) - then) / done.requests * 1e6 for database, then in zip(databases, used, strict=True)
    )
    after = origins(server)
    return Measured(done.rate, first, tuple(others), {o: after[o] - before.get(o, 0) for o in after})


def used_by(database: Server) -> float:
    seconds = database.processor_seconds()
    assert seconds is not None
    return seconds


def compared(alone: Served, helped: Served, databases: tuple[Server, ...], rounds: int, seconds: int) -> None:
    pairs = [(measured(helped, databases, seconds), measured(alone, databases, seconds)) for _ in range(rounds)]
    ratios = sorted(ours.rate / other.rate for ours, other in pairs)
    print(
        f"with two standbys {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) of the primary alone,"
        f" which serves {median(other.rate for _, other in pairs):,.0f} readings a second; {load()}"
    )
    for name, one in (("alone", [p[1] for p in pairs]), ("with standbys", [p[0] for p in pairs])):
        reads = {o: sum(m.origins[o] for m in one) for o in one[0].origins}
        shares = ", ".join(f"{o} {n / sum(reads.values()):.0%}" for o, n in reads.items())
        spent = ", ".join(f"{median(m.standbys[n] for m in one):.0f}" for n in range(len(databases) - 1))
        print(
            f"{name}: {shares} of the readings; processor time of the primary {median(m.primary for m in one):.0f} µs"
            f" a reading, of the standbys {spent} µs"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="irritants_bench_")))
        url = stack.enter_context(primary(folder / "primary"))
        standbys = stack.enter_context(followed(url, folder))
        addresses = ",".join(standby.url for standby in standbys)
        alone = stack.enter_context(served(url, cache_megabytes="0"))
        helped = stack.enter_context(served(url, cache_megabytes="0", read_database_urls=addresses))
        databases = (Server(url), *(Server(standby.url) for standby in standbys))
        print(f"on {databases[0].name}, and two standbys of it (servers of its own, also where DATABASE_URL is set):")
        compared(alone, helped, databases, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
