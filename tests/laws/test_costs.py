"""What one more event costs does not grow with the history, and a document grows no faster than the history.

Counted are calls of functions, which are the same on every machine.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from types import FrameType

import pytest

from service.domain.assertion import Assertion
from service.domain.corrections import EffectiveEvent
from service.domain.history import History, StreamAtPoint
from service.domain.irritant.fold import evolve
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of
from service.projections import irritant
from tests.benchmarks import stream

SHORT, LONG = 300, 1_200


@pytest.fixture(scope="module")
def histories() -> tuple[History[Irritant], History[Irritant]]:
    """The beginning of a stream, and four times as much of it."""
    events = list(islice(stream.events("ru-us"), LONG))
    return history_of(events[0].stream, events[:SHORT]), history_of(events[0].stream, events)


def calls(work: Callable[[], object]) -> int:
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("kind", ["ConcernRaised", "InstrumentExchanged", "ProgressReversed", "ClaimContested"])
def test_one_more_statement_of_a_side_costs_no_more_where_four_times_as_much_was_said(
    histories: tuple[History[Irritant], History[Irritant]], kind: str
) -> None:
    short, long = (calls(partial(evolve, h.state, one_more(h, kind))) for h in histories)
    assert long <= short * 1.2


def one_more(history: History[Irritant], kind: str) -> EffectiveEvent:
    """A statement like one on record, after all others. A denial is of what another voice says."""
    said = next(e for e in reversed(history.order) if type(e.data).__name__ == kind and is_of_another(history, e))
    return replace(said, id="again", root="again")


def is_of_another(history: History[Irritant], effect: EffectiveEvent) -> bool:
    target = history.effect(getattr(effect.data, "target", ""))
    return by(effect) in history.state.parties and (target is None or by(target) not in (by(effect), "JOINT"))


def by(effect: EffectiveEvent) -> str:
    assert isinstance(effect.data, Assertion)
    return effect.data.asserted_by.party


def test_a_document_of_four_times_as_many_events_costs_at_most_four_times_as_much(
    histories: tuple[History[Irritant], History[Irritant]],
) -> None:
    short, long = (calls(partial(irritant.view, reading(h))) for h in histories)
    assert long <= short * LONG / SHORT


def reading(history: History[Irritant]) -> StreamAtPoint[Irritant]:
    """A reading of which nothing has been found yet."""
    return replace(history.reading(), state=replace(history.state))
