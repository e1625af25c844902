"""Measure how soon a thousand waiting clients get a commit, and the cost of each while it waits.

The service runs in its own process. This process has a thousand connections with `Prefer: wait`. In each round one
event is filed directly in the database, as another process would, so the database's notice is part of the measurement.
The clock starts when the commit is acknowledged. The clients share the machine with the server, and reading a thousand
answers is part of the last one's time. A bare ASGI app, which sends the same bytes to a thousand waiting clients when
triggered, shows the time that the clients and uvicorn need by themselves.

    .venv/bin/python -m tests.benchmarks.waiting [--clients 1000] [--rounds 10] [--database URL]
"""

import argparse
import asyncio
import re
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from statistics import mean, median
from typing import Any, Final

import httpx2
import uvloop

from service.domain.report import read
from service.recorder import Receipt, Recorder, ReportRequest
from service.seeding import seed
from service.store.codec import canonical
from service.store.engine import open_engine
from tests.api.bodies import on, report
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.filing import running, serving
from tests.benchmarks.measuring import load
from tests.benchmarks.servers import WAITED_FOR

GOAL_MS: Final = 50
GOAL_MB: Final = 120
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_TAG: Final = re.compile(rb"\r\netag: ([^\r]+)\r\n")
_numbers: Final = count(1)


class Client(asyncio.Protocol):
    """One connection. `answered` has the time of an answer's last byte, and its entity tag."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[tuple[float, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, received: bytes) -> None:
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and (length := _LENGTH.search(head + b"\r\n")) and len(body) >= int(length[1]):
            assert head.startswith(b"HTTP/1.1 200 "), head
            tag = _TAG.search(head + b"\r\n")
            assert tag
            assert self._answer
            self._received = b""
            self._answer.set_result((time.perf_counter(), tag[1]))

    def ask(self, tag: bytes, *, wait: bool) -> "asyncio.Future[tuple[float, bytes]]":
        self._answer = asyncio.get_running_loop().create_future()
        prefer = b"Prefer: wait=30\r\n" if wait else b""
        self._transport.write(
            b"GET %b HTTP/1.1\r\nHost: bench\r\n%bIf-None-Match: %b\r\n\r\n" % (WAITED_FOR.encode(), prefer, tag)
        )
        return self._answer


def filing(database: str) -> tuple[Callable[[], float], Callable[[], None]]:
    """Return a function that files an event and returns the time of its acknowledgement, and one to close it."""
    engine = open_engine(database)
    recorder = Recorder(engine)

    def file() -> float:
        body = report(on("irritant/ru-us/direct-flights", "ConcernRaised"))
        request = ReportRequest(
            read(body), f"key-{next(_numbers)}", sha256(canonical(body).encode()).digest(), "bench", "-"
        )
        [outcome] = recorder.record([request])
        assert isinstance(outcome, Receipt), outcome
        return time.perf_counter()

    return file, engine.dispose


def metric(url: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", httpx2.get(f"{url}/metrics").text, re.MULTILINE)
    assert found, name
    return float(found[1])


async def until_waiting(url: str, clients: int) -> None:
    for _ in range(400):
        if await asyncio.to_thread(metric, url, "irritants_waiters") >= clients:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("they do not all wait after twenty seconds")


class Crowd:
    """The clients of one server, with the measurements of each round."""

    def __init__(self, url: str, file: Callable[[], float]) -> None:
        self.url, self._file = url, file
        self.firsts: list[float] = []
        self.lasts: list[float] = []
        self.costs: list[float] = []
        """Milliseconds after the commit, and seconds of the server's processor time for each client."""

    async def connect(self, clients: int) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.url.removeprefix("http://").split(":")
        self._clients = [(await loop.create_connection(Client, host, int(port)))[1] for _ in range(clients)]
        tags = await asyncio.gather(*(client.ask(b'"none"', wait=False) for client in self._clients))
        self._tags = [tag for _, tag in tags]

    async def wait(self) -> None:
        """Return when all clients wait."""
        asked = zip(self._clients, self._tags, strict=True)
        self._answers = [client.ask(tag, wait=True) for client, tag in asked]
        await until_waiting(self.url, len(self._clients))

    async def hear(self) -> None:
        before = metric(self.url, "process_cpu_seconds_total")
        committed = await asyncio.to_thread(self._file)
        answered = await asyncio.gather(*self._answers)
        cost = metric(self.url, "process_cpu_seconds_total") - before
        times = sorted(at for at, _ in answered)
        self._tags = [tag for _, tag in answered]
        assert len(set(self._tags)) == 1
        self.firsts.append((times[0] - committed) * 1000)
        self.lasts.append((times[-1] - committed) * 1000)
        self.costs.append(cost / len(answered))

    def __str__(self) -> str:
        return (
            f"the first is answered in {median(self.firsts):.1f} ms, the last in {median(self.lasts):.1f} ms"
            f" ({min(self.lasts):.1f} to {max(self.lasts):.1f});"
            f" {mean(self.costs) * 1e6:.0f} µs of the server's processor time for each"
        )


async def measured(url: str, bare_url: str, file: Callable[[], float], clients: int, rounds: int) -> None:
    ours, bare = Crowd(url, file), Crowd(bare_url, releasing(bare_url))
    idle = metric(url, "process_resident_memory_bytes")
    await ours.connect(clients)
    connected = metric(url, "process_resident_memory_bytes")
    await bare.connect(clients)
    waiting = connected
    for n in range(rounds):
        await ours.wait()
        if n == 0:
            waiting = metric(url, "process_resident_memory_bytes")
        await ours.hear()
        await bare.wait()
        await bare.hear()
    print(f"{load()}; {clients:,} clients wait, {rounds} rounds")
    print(f"after the commit {ours}; goal {GOAL_MS} ms at the median")
    print(f"of a bare app that is told to answer {bare}")
    ratios = [one / other for one, other in zip(ours.lasts, bare.lasts, strict=True)]
    print(f"the last: {median(ratios):.2f} times the bare app's ({min(ratios):.2f} to {max(ratios):.2f})")
    print(
        f"memory: {idle / 1e6:.0f} MB idle (goal {GOAL_MB}), {(connected - idle) / clients / 1e3:.1f} kB for each"
        f" connection and {(waiting - connected) / clients / 1e3:.1f} kB for each that waits"
    )


def releasing(url: str) -> Callable[[], float]:
    """Return a function that triggers the bare app and returns the time."""
    asking = httpx2.Client()

    def release() -> float:
        began = time.perf_counter()
        asking.post(url)
        return began

    return release


def benchmark(server: Server, clients: int, rounds: int) -> None:
    database = server.database()
    engine = open_engine(database)
    seed(engine)
    engine.dispose()
    file, dispose = filing(database)
    with serving(database) as url, running("tests.benchmarks.servers", "bare_waiting", url) as bare:
        uvloop.run(measured(url, bare, file, clients, rounds))
    dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=10)
    add_option(parser)
    arguments = parser.parse_args()
    run_on_each(arguments.database, lambda server: benchmark(server, arguments.clients, arguments.rounds))


if __name__ == "__main__":
    main()
