"""What the benchmarks share: a durable PostgreSQL for a run, contenders taken in turn, and ratios with their spread.

A busy machine slows everybody alike, so nothing here is a figure by itself: contenders take turns within each round, a
ratio is taken within the round, and the median over the rounds is given with the least and the most.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from service.store import embedded
from service.store.migrate import upgrade

_TICKS = os.sysconf("SC_CLK_TCK")

Rounds = list[Mapping[str, float]]
"""Of each round, what each contender reached, by its name."""


def processor_seconds(folder: Path) -> float:
    """What the PostgreSQL of a data folder has used so far, all its processes together, those that ended as well."""
    postmaster = int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    seconds = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(stat.parent.name) == postmaster:
                seconds += sum(map(int, fields[11:15])) / _TICKS  # those that ended are the last two
            elif int(fields[1]) == postmaster:
                seconds += sum(map(int, fields[11:13])) / _TICKS
    return seconds


class Server:
    """A PostgreSQL with its settings as they come, durable; gives out databases and drops them at the end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._numbers = count(1)
        self._made: list[str] = []

    def database(self, *, bare: bool = False) -> str:
        """The address of a new database: migrated, or `bare`, without a table."""
        name = f"bench_{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(self.address, autocommit=True) as c:
            c.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        self._made.append(name)
        address = urlsplit(self.address)._replace(path=f"/{name}").geturl()
        if not bare:
            upgrade(address)
        return address

    def drop(self) -> None:
        with psycopg.connect(self.address, autocommit=True) as c:
            for name in self._made:
                c.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@contextmanager
def postgres(address: str | None) -> Iterator[Server]:
    """The server at an address, or an embedded one."""
    if address is not None:
        server = Server(address)
        try:
            yield server
        finally:
            server.drop()
    else:
        with TemporaryDirectory(prefix="irritants_bench_") as home, embedded.serving(Path(home)) as started:
            yield Server(started)


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Rounds of all contenders, beginning with another one each time."""
    names = list(contenders)
    done: Rounds = []
    for n in range(rounds):
        turn = names[n % len(names) :] + names[: n % len(names)]
        done.append({name: contenders[name]() for name in turn})
    return done


def ratio(rounds: Rounds, one: str, other: str) -> str:
    """The one as a multiple of the other: median over the rounds, least and most."""
    ratios = [reached[one] / reached[other] for reached in rounds]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def typical(rounds: Rounds, name: str) -> float:
    return median(reached[name] for reached in rounds)


def load() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


async def asked_by(clients: int, seconds: float, ask: Callable[[], Awaitable[object]]) -> float:
    """Answers in a second, where each client asks again as soon as it is answered."""
    answers = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal answers
        while time.perf_counter() < end:
            await ask()
            answers += 1

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return answers / (time.perf_counter() - began)
