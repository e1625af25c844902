"""Measure verify, export, import and rebuild, in events per second and as ratios to bare COPY.

The record is generated, with twenty relations by default. Reads are compared with a COPY of the same rows out of the
database, and writes with a COPY into a table with the same columns and indexes. All take turns within a round. Import
and rebuild begin with an empty database each time.

At the end the next release builds its documents while a client files a report every few milliseconds. The figures are
the time of a report before and during the build, and the longest, which waits while the last documents are built under
the lock of appends.

    .venv/bin/python -m tests.benchmarks.keeping [--events 50000] [--rounds 3] [--database URL]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import Engine, text

from service.read_models.rebuild import rebuild
from service.store import archive
from service.store.codec import StoredEvent
from service.store.engine import connection, driver, open_engine, transaction
from service.store.verify import verify
from tests.benchmarks import desks, generated
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.filing import ROOT
from tests.benchmarks.measuring import Rounds, in_turn, load, ratio, typical
from tests.benchmarks.records import WritePath

OUT, IN = "COPY out", "COPY in"
GOALS: Final = {"verify": (50_000, OUT), "export": (50_000, OUT), "import": (20_000, IN), "rebuild": (20_000, IN)}
_COLUMNS: Final = ", ".join(StoredEvent._fields)
_PAUSE_SECONDS: Final = 0.005
_BEFORE_SECONDS: Final = 4


def generate(file: Path, events: int, each: int = generated.EACH) -> None:
    """Write an export of a record of so many events, of which `each` are on one relation."""
    lines = file.with_suffix(".lines")
    with lines.open("wb") as written:
        header = generated.export(written, generated.record(events, each), events)
    with file.open("wb") as whole, lines.open("rb") as written:
        whole.write(header)
        whole.writelines(written)
    lines.unlink()


def copied_out(engine: Engine) -> float:
    def copy() -> None:
        with connection(engine) as c, driver(c).cursor().copy(f"COPY events ({_COLUMNS}) TO STDOUT") as rows:
            for _ in rows:
                pass

    return seconds(copy)


def copied_in(engine: Engine) -> float:
    with connection(engine) as c:
        with driver(c).cursor().copy(f"COPY events ({_COLUMNS}) TO STDOUT") as rows:
            sent = [bytes(row) for row in rows]
        c.execute(text("DROP TABLE IF EXISTS copied"))
        c.execute(text("CREATE TABLE copied (LIKE events INCLUDING ALL)"))

        def copy() -> None:
            with driver(c).cursor().copy(f"COPY copied ({_COLUMNS}) FROM STDIN") as rows:
                for row in sent:
                    rows.write(row)

        return seconds(copy)


def verified(engine: Engine) -> float:
    with connection(engine) as c:
        return seconds(partial(verify, c))


def exported(engine: Engine, file: Path) -> float:
    with connection(engine) as c, file.open("wb") as lines:
        return seconds(partial(archive.export_record, c, lines))


def imported(engine: Engine, file: Path) -> float:
    def once() -> None:
        with file.open("rb") as lines, transaction(engine) as c:
            archive.import_record(c, lines)

    return seconds(once)


def imported_into_an_empty_database(server: Server, file: Path) -> float:
    engine = open_engine(server.database(), statement_seconds=None)
    took = imported(engine, file)
    engine.dispose()
    return took


def rebuilt(engine: Engine) -> float:
    with connection(engine) as c:
        c.execute(text("TRUNCATE read_models"))
    return seconds(partial(rebuild, engine))


class Filer:
    """A client that files a report every few milliseconds, on irritants in turn, which it has read before."""

    def __init__(self, url: str) -> None:
        self._way, self._slugs = WritePath(url), cycle(desks.SLUGS)
        for slug in desks.SLUGS:
            self._way.file(generated.MEASURED, slug)

    def until(self, ended: Callable[[], bool]) -> list[float]:
        """Return the seconds of each report."""
        took: list[float] = []
        while not ended():
            took.append(self._way.file(generated.MEASURED, next(self._slugs)))
            time.sleep(_PAUSE_SECONDS)
        return took

    def close(self) -> None:
        self._way.close()


def filed_beside_a_build(url: str) -> tuple[list[float], list[float]]:
    """Return the seconds of each report before and during the build of the next release's documents."""
    filer, end = Filer(url), time.monotonic() + _BEFORE_SECONDS
    before = filer.until(lambda: time.monotonic() > end)
    command = [sys.executable, "-m", "tests.next_release", "rebuild", "--database", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as building:
        meanwhile = filer.until(lambda: building.poll() is not None)
    filer.close()
    if building.returncode:
        raise AssertionError("the next release built no documents")
    return before, meanwhile


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def benchmark(server: Server, events: int, rounds: int) -> None:
    with ExitStack() as stack:
        file = Path(stack.enter_context(TemporaryDirectory(prefix="irritants_bench_"))) / "record.jsonl"
        generate(file, events)
        url = server.database()
        engine = open_engine(url, statement_seconds=None)
        stack.callback(engine.dispose)
        imported(engine, file)
        with connection(engine) as c:
            c.execute(text("VACUUM ANALYZE"))
        contenders = {
            OUT: partial(copied_out, engine),
            IN: partial(copied_in, engine),
            "verify": partial(verified, engine),
            "export": partial(exported, engine, file),
            "import": partial(imported_into_an_empty_database, server, file),
            "rebuild": partial(rebuilt, engine),
        }
        took = in_turn(contenders, rounds)
        before, meanwhile = filed_beside_a_build(url)
    rates: Rounds = [{name: events / seconds for name, seconds in turn.items()} for turn in took]
    print(f"{events:,} events, {rounds} rounds; {load()}")
    for name in contenders:
        print(f"  {name:8} {typical(rates, name):10,.0f} events/s{told(name, rates)}")
    print(f"a report, while the next release builds its documents ({len(meanwhile)} were filed meanwhile)")
    print(f"  before    {_milliseconds(median(before))}, at the longest {_milliseconds(max(before))}")
    print(f"  meanwhile {_milliseconds(median(meanwhile))}, at the longest {_milliseconds(max(meanwhile))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    add_option(parser)
    arguments = parser.parse_args()
    run_on_each(arguments.database, lambda server: benchmark(server, arguments.events, arguments.rounds))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def told(name: str, rounds: Rounds) -> str:
    if name not in GOALS:
        return ""
    goal, peer = GOALS[name]
    return f", goal {goal:,}; {ratio(rounds, name, peer)} of {peer}"


if __name__ == "__main__":
    main()
