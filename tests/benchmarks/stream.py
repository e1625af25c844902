"""Measure appends to a long stream: the fold and the document at 10, 1,000 and 10,000 events.

There is no database, and the unit is processor time. The record has one generated irritant with this many events. The
next event is last in the order of the world, so it costs one step of the fold and one document. The first read in the
life of a process costs the whole fold.

    .venv/bin/python -m tests.benchmarks.stream [--rounds 5]
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial, reduce
from typing import Any, Final

from service.domain.assertion import Recorded
from service.domain.corrections import effective_events
from service.domain.streams import history_of
from service.projections import irritant
from service.projections.document import rendered
from tests.benchmarks import generated
from tests.benchmarks.measuring import load

LENGTHS: Final = (10, 1_000, 10_000)
_TOLD: Final = ("ConcernRaised", "ClaimContested", "ProgressReversed")


def events(relation: str = "gb-us") -> Iterator[Recorded]:
    """Yield the events of the only irritant of a relation, which has about eight of ten events of the relation."""
    position, versions = 0, dict[str, int]()
    for filed in generated.streams({relation: 2 * LENGTHS[-1]}):
        recorded = list(generated.recorded_of(filed, position, versions))
        position = recorded[-1].position
        yield from (event for event in recorded if event.stream.startswith("irritant/"))


def measures(log: list[Recorded]) -> dict[str, Callable[[], object]]:
    """Return the measures on a history of these events by name. A step starts from the state after all of them."""
    history = history_of(log[0].stream, log)
    order: list[Any] = history.order
    state, reading = history.state, history.reading()
    found: dict[str, Callable[[], object]] = {
        "order of the world, whole": partial(effective_events, log),
        "fold, whole": lambda: reduce(history.evolve, order, history.initial),
        "document": lambda: rendered(irritant.view(reading)),
    }
    for kind in _TOLD:
        last = next((e for e in reversed(order) if e.data.type == kind and not e.relay), None)
        if last is not None:
            found[f"step: {kind}"] = partial(history.evolve, state, last)
    return found


def least(work: Callable[[], object], rounds: int) -> float:
    """Return the processor seconds of the best round."""
    return min(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    log = list(events())
    took = {n: {name: least(work, rounds) for name, work in measures(log[:n]).items()} for n in LENGTHS}
    print("without a database:")
    print(f"{', '.join(f'{n:,}' for n in LENGTHS)} events of one irritant, best of {rounds}; {load()}")
    for name in took[LENGTHS[-1]]:
        told = " ".join(f"{found[name] * 1e6:12,.0f}" if name in found else f"{'-':>12}" for found in took.values())
        print(f"  {name:26}{told} µs")


if __name__ == "__main__":
    main()
