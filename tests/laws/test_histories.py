"""The random histories contain enough late, corrected, retracted and contested assertions to test the laws.

The tests count them in stored and in filed histories. With tidy histories the laws would hold by chance.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.catalogue import KINDS
from service.domain.corrections import effective_events
from service.domain.history import History
from tests.laws.histories import CHANNELS, KEEPING, STREAM, VOICES, Draft, drafts, filed, points, record

EXAMPLES = 400
SEVERAL = 3


def untidiness(events: Sequence[Recorded]) -> set[str]:
    """Return the kinds of untidy events with an effect in this history. A correction of a retracted event has none."""
    return set(_found(events))


def _found(events: Sequence[Recorded]) -> Iterator[str]:
    order = effective_events(events)
    kept = {effect.id: effect for effect in order}
    if any(after.position < before.position for before, after in pairwise(order)):
        yield "late"
    if any(effect.is_evidence for effect in order):
        yield "evidence"
    yield from (NAMED[kind] for effect in order if (kind := type(effect.data).__name__) in NAMED)
    for event in events:
        match event.data:
            case AssertionCorrected(target=target) if target in kept and kept[target].data != _as_filed(events, target):
                yield "corrected"
            case AssertionRetracted(target=target) if target not in kept:
                yield "retracted"


NAMED = {"ClaimContested": "contested", "ProgressReversed": "reversed"}


def _as_filed(events: Sequence[Recorded], target: str) -> Any:
    return next(event.data for event in events if event.id == target)


def as_filed(planned: list[Draft]) -> Sequence[Recorded]:
    history: History[Any] = filed(planned)[STREAM]
    return history.events


# How many of a hundred histories have at least one of each kind. Filing refuses many untidy events.
AS_A_STORE_COULD_HOLD_THEM = {
    "late": 60, "corrected": 8, "retracted": 20, "contested": 15, "evidence": 12, "reversed": 20, "several": 25
}  # fmt: skip
AS_FILED = {"late": 50, "corrected": 3, "retracted": 14, "contested": 6, "evidence": 11, "reversed": 6, "several": 9}


@pytest.mark.parametrize(("kept", "least"), [(record, AS_A_STORE_COULD_HOLD_THEM), (as_filed, AS_FILED)])
def test_random_histories_contain_enough_untidy_events(
    kept: Callable[[list[Draft]], Sequence[Recorded]], least: Mapping[str, int]
) -> None:
    examples = [untidiness(kept(planned)) for planned in some(drafts())]
    shown = Counter(kind for found in examples for kind in found)
    shown["several"] = sum(len(found) >= SEVERAL for found in examples)
    assert not {kind: shown[kind] for kind, share in least.items() if shown[kind] * 100 < share * len(examples)}


def test_random_histories_hold_every_type_voice_and_channel() -> None:
    effects = [effect for point in some(points()) for effect in effective_events(point.events)]
    assert {type(effect.data).__name__ for effect in effects} == KINDS["irritant"] - NEVER_IN_EFFECT
    said = (effect.assertion.asserted_by for effect in effects if effect.assertion)
    told: Counter[tuple[str, str]] = Counter((by.party, by.channel) for by in said)
    channels = {(voice, channel) for voice in VOICES if voice != "MEDIA" for channel in CHANNELS}
    assert min(told[how] for how in (*channels, ("MEDIA", "outlet"))) * 100 > len(effects)
    assert any(effect.relay for effect in effects)


NEVER_IN_EFFECT = {"EvidenceAdded", "HandlingChanged", *KEEPING}
"""Evidence is its target said again; corrections and retractions change others, and labels only who sees them."""


def test_random_histories_are_read_at_both_clocks() -> None:
    found = Counter((point.upto < len(point.events), point.on is not None) for point in some(points()))
    assert min(found[past, day] for past in (False, True) for day in (False, True)) * 100 > EXAMPLES * 5


Drawn = TypeVar("Drawn")


def some(strategy: st.SearchStrategy[Drawn]) -> list[Drawn]:
    examples: list[Drawn] = []

    @seed(1)
    @settings(max_examples=EXAMPLES, phases=[Phase.generate])
    @given(strategy)
    def look(example: Drawn) -> None:
        examples.append(example)

    look()
    return examples
