"""Measure what withholding a tenth of the events from the open audience costs: storage, and the time of an append.

Two records get the same reports in turn, through the whole write path without HTTP. Each report has one event on one of
200 irritants. In one record every tenth report is restricted, so there are two audiences; in the other none is.

    .venv/bin/python -m tests.benchmarks.audiences [--rounds 9] [--reports 400] [--database URL]
"""

import argparse
import time
from functools import partial
from itertools import count
from statistics import median
from typing import Any, Final

from sqlalchemy import Engine, text

from service.recorder import Receipt, Recorder, ReportRequest
from service.store.engine import connection, open_engine
from tests.benchmarks.databases import Server, add_option, run_on_each
from tests.benchmarks.filing import BEGINNING, opened, said
from tests.benchmarks.measuring import interval, load

GOALS: Final = {"time": 1.15, "processor time": 1.15, "storage": 1.3}
SLUGS: Final = tuple(f"irritant-{n}" for n in range(200))
BEFORE: Final = 20
"""Reports on each irritant before the measurement."""
TABLES: Final = "events, reports, read_models, variants, withheld"
_numbers = count(1)


def file(recorder: Recorder, *events: dict[str, Any], **more: Any) -> tuple[float, float]:
    """File one report. Return its seconds and its processor seconds in this process."""
    body = {"relation": "no-se", "title": "-", "events": list(events), **more}
    began, spent = time.perf_counter(), time.process_time()
    (outcome,) = recorder.record([ReportRequest.read(body, f"key-{next(_numbers)}", "bench", "bench")])
    taken = time.perf_counter() - began, time.process_time() - spent
    assert isinstance(outcome, Receipt), outcome
    return taken


def size(engine: Engine) -> int:
    """Return the bytes of the tables of a record, with their indexes."""
    with connection(engine) as c:
        c.execute(text(f"VACUUM ANALYZE {TABLES}"))
        total = " + ".join(f"pg_total_relation_size('{table}')" for table in TABLES.split(", "))
        return int(c.execute(text(f"SELECT {total}")).scalar_one())


def measure(server: Server, rounds: int, reports: int) -> None:
    engines = {is_labelled: open_engine(server.database()) for is_labelled in (True, False)}
    recorders = {is_labelled: Recorder(engine) for is_labelled, engine in engines.items()}
    for recorder in recorders.values():
        file(recorder, *BEGINNING, *map(opened, SLUGS))

    def filed(n: int, *, is_labelled: bool) -> tuple[float, float]:
        label = {"handling": "restricted"} if is_labelled and n % 10 == 0 else {}
        # Ten is a divisor of 200, so without the shift the same irritants would get all restricted events.
        slug = SLUGS[(n + n // len(SLUGS)) % len(SLUGS)]
        return file(recorders[is_labelled], said(slug, n), **label)

    numbers = count()
    for _ in range(BEFORE * len(SLUGS)):
        n = next(numbers)
        for is_labelled in recorders:
            filed(n, is_labelled=is_labelled)
    ratios: list[tuple[float, float]] = []
    for _ in range(rounds):
        taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for _ in range(reports):
            n = next(numbers)
            for is_labelled in recorders:
                taken[is_labelled].append(filed(n, is_labelled=is_labelled))
        labelled, plain = (list(zip(*taken[kind], strict=True)) for kind in (True, False))
        ratios.append((median(labelled[0]) / median(plain[0]), sum(labelled[1]) / sum(plain[1])))
    storage = size(engines[True]) / size(engines[False])
    for engine in engines.values():
        engine.dispose()
    print(f"{rounds} rounds of {reports} reports with and without labels; {load()}")
    for name, values in zip(("time", "processor time"), zip(*ratios, strict=True), strict=True):
        low, high = interval(values)
        print(
            f"  {name:16} {median(values):.3f} (95 % interval {low:.3f} to {high:.3f}), goal {GOALS[name]}", flush=True
        )
    print(f"  {'storage':16} {storage:.3f}, goal {GOALS['storage']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--reports", type=int, default=400)
    add_option(parser)
    given = parser.parse_args()
    run_on_each(given.database, partial(measure, rounds=given.rounds, reports=given.reports))


if __name__ == "__main__":
    main()
