"""Measure what the search index costs an append: reports with and without the rows of hits, in turn.

Both kinds of report go through the whole write path, without HTTP, to the same record. Each has one event on one of 200
irritants. Without hits, neither their words nor their rows are made. Durable commits hide much of the cost, so the
processor time of this process is compared as well.

    .venv/bin/python -m tests.benchmarks.indexing [--rounds 9] [--reports 400] [--database URL]
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import count
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from service.projections import hit
from service.recorder import Receipt, Recorder, ReportRequest
from service.store.engine import open_engine
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.filing import BEGINNING, opened, said
from tests.benchmarks.measuring import interval, load

GOAL: Final = 1.05
SLUGS: Final = tuple(f"irritant-{n}" for n in range(200))
_numbers = count(1)


@contextmanager
def without_hits() -> Iterator[None]:
    with patch.object(hit, "hits", lambda *_: ()):
        yield


def file(recorder: Recorder, *events: dict[str, Any]) -> tuple[float, float]:
    """File one report. Return its seconds and its processor seconds in this process."""
    number = next(_numbers)
    body = {"relation": "no-se", "title": "-", "events": list(events)}
    began, spent = time.perf_counter(), time.process_time()
    (outcome,) = recorder.record([ReportRequest.read(body, f"key-{number}", "bench", "bench")])
    taken = time.perf_counter() - began, time.process_time() - spent
    assert isinstance(outcome, Receipt), outcome
    return taken


def measure(server: Server, rounds: int, reports: int) -> None:
    engine = open_engine(server.database())
    recorder = Recorder(engine)
    file(recorder, *BEGINNING, *map(opened, SLUGS))
    ratios: list[tuple[float, float]] = []
    for _ in range(rounds):
        taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for n in range(2 * reports):
            is_indexed = n % 2 == 0
            with nullcontext() if is_indexed else without_hits():
                # Two reports in a row are on the same irritant, so both kinds do the same work.
                taken[is_indexed].append(file(recorder, said(SLUGS[n // 2 % len(SLUGS)], next(_numbers))))
        with_hits, without = (list(zip(*taken[kind], strict=True)) for kind in (True, False))
        ratios.append((median(with_hits[0]) / median(without[0]), sum(with_hits[1]) / sum(without[1])))
    engine.dispose()
    print(f"{rounds} rounds of {reports} reports with and without hits; {load()}")
    for name, values in zip(("time", "processor time"), zip(*ratios, strict=True), strict=True):
        low, high = interval(values)
        print(f"  {name:16} {median(values):.3f} (95 % interval {low:.3f} to {high:.3f}), goal {GOAL}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--reports", type=int, default=400)
    add_option(parser)
    given = parser.parse_args()
    run_on_each(given.database, partial(measure, rounds=given.rounds, reports=given.reports))


if __name__ == "__main__":
    main()
