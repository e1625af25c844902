"""How soon a thousand clients that wait on one irritant hear of a commit, and what each of them costs while it waits.

The service as it is run, in a process of its own; a thousand connections from this one, each with `Prefer: wait`. In
each round one event is filed on the irritant past the service, as another process would, so that the notice of the
database is part of what is measured. The clock begins when the commit is acknowledged to whoever filed. The clients
share the machine with the server, and reading a thousand answers is part of the time of the last one.

    .venv/bin/python -m tests.benchmarks.waiting [--clients 1000] [--rounds 10] [--database URL]
"""

import argparse
import asyncio
import re
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from statistics import median
from typing import Any, Final

import httpx2
import uvloop

from service.domain.report import read
from service.recorder import Receipt, Recorder, Request
from service.seeding import seed
from service.store.codec import canonical
from service.store.engine import open_engine
from tests.api.bodies import on, report
from tests.benchmarks.filing import serving
from tests.benchmarks.measuring import load, postgres

PATH: Final = "/v1/irritants/ru-us/direct-flights"
GOAL_MS: Final = 50
GOAL_MB: Final = 120
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_TAG: Final = re.compile(rb"\r\netag: ([^\r]+)\r\n")
_numbers: Final = count(1)


class Client(asyncio.Protocol):
    """One connection. `answered`: when the last byte of an answer came, and its entity tag."""

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
            b"GET %b HTTP/1.1\r\nHost: bench\r\n%bIf-None-Match: %b\r\n\r\n" % (PATH.encode(), prefer, tag)
        )
        return self._answer


def filing(database: str) -> tuple[Callable[[], float], Callable[[], None]]:
    """Files one event on the irritant and says when that was acknowledged; and what ends it."""
    engine = open_engine(database)
    recorder = Recorder(engine)

    def file() -> float:
        body = report(on("irritant/ru-us/direct-flights", "ConcernRaised"))
        request = Request(read(body), f"key-{next(_numbers)}", sha256(canonical(body).encode()).digest(), "bench", "-")
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


async def measured(url: str, file: Callable[[], float], clients: int, rounds: int) -> None:
    loop = asyncio.get_running_loop()
    host, port = url.removeprefix("http://").split(":")
    idle = metric(url, "process_resident_memory_bytes")
    connected = [(await loop.create_connection(Client, host, int(port)))[1] for _ in range(clients)]
    tags = [tag for _, tag in await asyncio.gather(*(client.ask(b'"none"', wait=False) for client in connected))]
    connections = metric(url, "process_resident_memory_bytes")
    firsts, lasts, costs = [], [], []
    waiting = connections
    for n in range(rounds):
        answers = [client.ask(tag, wait=True) for client, tag in zip(connected, tags, strict=True)]
        await until_waiting(url, clients)
        if n == 0:
            waiting = metric(url, "process_resident_memory_bytes")
        before = metric(url, "process_cpu_seconds_total")
        committed = await asyncio.to_thread(file)
        answered = await asyncio.gather(*answers)
        costs.append(metric(url, "process_cpu_seconds_total") - before)
        times = sorted(at for at, _ in answered)
        tags = [tag for _, tag in answered]
        assert len(set(tags)) == 1
        firsts.append((times[0] - committed) * 1000)
        lasts.append((times[-1] - committed) * 1000)
    print(f"{load()}; {clients:,} clients wait, {rounds} rounds")
    print(
        f"after the commit the first is answered in {median(firsts):.1f} ms, the last in {median(lasts):.1f} ms"
        f" ({min(lasts):.1f} to {max(lasts):.1f}; goal {GOAL_MS} at the median);"
        f" {median(costs) / clients * 1e6:.0f} µs of the server's processor time for each"
    )
    print(
        f"memory: {idle / 1e6:.0f} MB idle (goal {GOAL_MB}), {(connections - idle) / clients / 1e3:.1f} kB for each"
        f" connection and {(waiting - connections) / clients / 1e3:.1f} kB for each that waits"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--database")
    arguments = parser.parse_args()
    with postgres(arguments.database) as server:
        database = server.database()
        engine = open_engine(database)
        seed(engine)
        engine.dispose()
        file, dispose = filing(database)
        with serving(database) as url:
            uvloop.run(measured(url, file, arguments.clients, arguments.rounds))
        dispose()


if __name__ == "__main__":
    main()
