"""Shared parts of the benchmarks: contenders in turn, ratios with their spread, and wrk.

A busy machine slows all contenders alike, so no figure stands alone. Contenders take turns within each round, ratios
are taken within a round, and the output has the median over the rounds with minimum and maximum.
"""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from math import comb, inf
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

Reached = TypeVar("Reached")
Rounds = list[Mapping[str, float]]
"""The result of each contender by name, for each round."""


def in_turn(contenders: Mapping[str, Callable[[], Reached]], rounds: int) -> list[Mapping[str, Reached]]:
    """Run rounds of all contenders, starting with another one each time."""
    names = list(contenders)
    done: list[Mapping[str, Reached]] = []
    for n in range(rounds):
        turn = names[n % len(names) :] + names[: n % len(names)]
        done.append({name: contenders[name]() for name in turn})
    return done


def ratio(rounds: Rounds, one: str, other: str) -> str:
    """Return `one` as a multiple of `other`: median over the rounds, minimum and maximum."""
    ratios = [reached[one] / reached[other] for reached in rounds]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the median by order statistics. Fewer than six values give no bounds."""
    ordered, n = [-inf, *sorted(values), inf], len(values)
    left, outside = 0, 1
    while outside <= 0.025 * 2**n:
        left += 1
        outside += comb(n, left)
    return ordered[left], ordered[-1 - left]


def typical(rounds: Rounds, name: str) -> float:
    return median(reached[name] for reached in rounds)


def load() -> str:
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


async def asked_by(clients: int, seconds: float, ask: Callable[[], Awaitable[object]]) -> float:
    """Return answers per second, where each client sends its next request as soon as it has an answer."""
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


def process_seconds(pid: int) -> float:
    """Return the processor time that a process has used, of all threads, or 0 after its end."""
    seconds = 0.0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            seconds += int(thread.read_text(encoding="utf-8").split()[0]) / 1e9
    return seconds


class Load(NamedTuple):
    """The number of requests of wrk, and their durations."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return answers per second. A server without answers counts as one answer."""
        return max(self.requests, 1) / self.seconds


def wrk(url: str, *, clients: int, seconds: int, options: Sequence[str] = (), script: Sequence[str] = ()) -> Load:
    """Send requests over so many connections without pauses. Every answer must be a 2xx or a 3xx."""
    command = [
        "wrk",
        "-t1",
        f"-c{clients}",
        f"-d{seconds}s",
        "--timeout=60s",
        *options,
        url,
        *(["--", *script] if script else []),
    ]
    began = time.perf_counter()
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    took = time.perf_counter() - began
    if (wrong := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors.*", said)) is not None:
        raise AssertionError(f"{url}: {wrong[0]}")
    found = re.search(r"(\d+) requests in", said)
    assert found, said
    return Load(int(found[1]), took)
