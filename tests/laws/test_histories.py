"""The laws are tested on what they are about: histories with late, corrected, retracted and contested assertions.

A law that is only ever shown tidy histories holds by luck. So the untidy ones are counted, of those that a store could
hold and of those that filing let through.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import Phase, given, seed, settings

from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.corrections import effective
from service.domain.history import History
from tests.laws.histories import STREAM, Draft, drafts, filed, record

EXAMPLES = 400
SEVERAL = 3


def untidiness(events: Sequence[Recorded]) -> set[str]:
    """What of the untidy takes effect in this history; a correction that names what is struck takes none."""
    return set(_found(events))


def _found(events: Sequence[Recorded]) -> Iterator[str]:
    order = effective(events)
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


# How many of a hundred histories hold each at the least. Filing refuses much of what would be untidy.
AS_A_STORE_COULD_HOLD_THEM = {
    "late": 60, "corrected": 8, "retracted": 20, "contested": 15, "evidence": 12, "reversed": 20, "several": 25
}  # fmt: skip
AS_FILED = {"late": 50, "corrected": 3, "retracted": 14, "contested": 6, "evidence": 11, "reversed": 6, "several": 9}


@pytest.mark.parametrize(("kept", "least"), [(record, AS_A_STORE_COULD_HOLD_THEM), (as_filed, AS_FILED)])
def test_random_histories_are_untidy(
    kept: Callable[[list[Draft]], Sequence[Recorded]], least: Mapping[str, int]
) -> None:
    examples: list[set[str]] = []

    @seed(1)
    @settings(max_examples=EXAMPLES, phases=[Phase.generate])
    @given(drafts())
    def look(planned: list[Draft]) -> None:
        examples.append(untidiness(kept(planned)))

    look()
    shown = Counter(kind for found in examples for kind in found)
    shown["several"] = sum(len(found) >= SEVERAL for found in examples)
    assert not {kind: shown[kind] for kind, share in least.items() if shown[kind] * 100 < share * len(examples)}
