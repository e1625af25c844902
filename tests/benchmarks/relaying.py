"""Compare the relay with bare publishes of the same bytes to the same NATS, and measure its lag at 100 appends/s.

    python -m tests.benchmarks.relaying [--events N] [--rounds N] [--database URL]

The bare contender has the payloads in memory and waits for one acknowledgement per page, like the relay. It reads,
checks and renders nothing. The lag is the time from the return of an append to the message at a consumer, in a process
separate from the relay.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from nats.aio.msg import Msg
from sqlalchemy import Engine

from service.api.resources.cloudevents import cloud_event
from service.store import events
from service.store.engine import connection, open_engine
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.measuring import in_turn, load, ratio, typical
from tests.needed import find
from tests.relay.server import NatsServer
from tests.store.record import VISAS, put

_PAGE = 250
_REPORT = 1_000


def fill(engine: Engine, number: int) -> None:
    with connection(engine) as c:
        for first in range(1, number, _REPORT):
            put(c, *((VISAS, first + n) for n in range(_REPORT)))


@contextmanager
def jetstream() -> Iterator[NatsServer]:
    with tempfile.TemporaryDirectory(prefix="irritants_nats_") as folder:
        server = NatsServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def relay(server: NatsServer, database: str) -> Iterator[None]:
    command = [sys.executable, "-m", "service", "relay", "--nats", server.url, "--database", database]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


async def _stored(server: NatsServer, number: int) -> float:
    """Return the seconds from the first event in the stream to the last, without the start of the process."""
    connected = await server.connected()
    begun, seen = 0.0, 0
    while True:
        try:
            last = (await connected.jetstream().stream_info("IRRITANTS")).state.last_seq
        except Exception:  # noqa: BLE001 -- the stream does not exist yet
            last = 0
        if last and not begun:
            begun, seen = time.perf_counter(), last
        if last >= number:
            await connected.close()
            return (time.perf_counter() - begun) * number / max(number - seen, 1)
        await asyncio.sleep(0.005)


def relayed(database: str, number: int) -> float:
    with jetstream() as server, relay(server, database):
        return number / asyncio.run(_stored(server, number))


def bare(payloads: list[bytes]) -> float:
    async def publish(server: NatsServer) -> float:
        connected = await server.connected()
        context = connected.jetstream()
        await context.add_stream(name="IRRITANTS", subjects=["irritants.>"])
        begun = time.perf_counter()
        under_way = []
        for number, payload in enumerate(payloads, 1):
            if number % _PAGE:
                await connected.publish("irritants.bare", payload)
            else:
                under_way.append(await context.publish_async("irritants.bare", payload))
        await asyncio.gather(*under_way)
        seconds = time.perf_counter() - begun
        await connected.close()
        return seconds

    with jetstream() as server:
        return len(payloads) / asyncio.run(publish(server))


async def _lags(server: NatsServer, engine: Engine, number: int) -> list[float]:
    connected = await server.connected()
    appended: dict[int, float] = {}
    came: dict[int, float] = {}

    async def comes(message: Msg) -> None:
        came[message.metadata.sequence.stream] = time.perf_counter()

    def append(version: int) -> tuple[int, float]:
        with connection(engine) as c:
            return put(c, (VISAS, version)).report.last_position, time.perf_counter()

    position, _ = append(1)
    await asyncio.wait_for(_stored(server, position), 20)
    await connected.jetstream().subscribe("irritants.>", cb=comes, ordered_consumer=True)
    begun = time.perf_counter()
    for n in range(2, number + 2):
        await asyncio.sleep(max(begun + n / 100 - time.perf_counter(), 0))
        position, at = await asyncio.to_thread(append, n)
        appended[position] = at
    while position not in came:  # noqa: ASYNC110 -- an asyncio.Event per message would distort the measurement
        await asyncio.sleep(0.05)
    await connected.close()
    return [max(came[position] - at, 0.0) for position, at in appended.items()]


def lag(database: str, number: int) -> str:
    engine = open_engine(database)
    with jetstream() as server, relay(server, database):
        lags = [1000 * seconds for seconds in asyncio.run(_lags(server, engine, number))]
    engine.dispose()
    return f"median {median(lags):.1f} ms, 99 of 100 within {quantiles(lags, n=100)[-1]:.1f} ms"


def benchmark(server: Server, number: int, rounds: int) -> None:
    database = server.database()
    engine = open_engine(database, statement_seconds=None)
    fill(engine, number)
    with connection(engine) as c:
        payloads = [cloud_event(event) for event in events.read_log(c)]
    engine.dispose()
    contenders = {"relay": lambda: relayed(database, len(payloads)), "bare": lambda: bare(payloads)}
    done = in_turn(contenders, rounds)
    print(load())
    print(f"relay  {typical(done, 'relay'):9,.0f} events/s")
    print(f"bare   {typical(done, 'bare'):9,.0f} events/s; relay to bare {ratio(done, 'relay', 'bare')}")
    print(f"lag at 100 appends/s: {lag(server.database(), 500)}")


def main() -> None:
    if find("nats-server") is None:
        sys.exit("there is no nats-server on this machine (Debian's package nats-server)")
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    add_option(parser)
    given = parser.parse_args()
    run_on_each(given.database, lambda server: benchmark(server, given.events, given.rounds))


if __name__ == "__main__":
    main()
