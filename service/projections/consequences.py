"""What striking something from the record takes with it: what an operator is told before doing so."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from service.domain.assertion import EvidenceAdded, Recorded
from service.domain.history import History, Reason
from service.domain.ladder import LEVELS, Rung
from service.projections.change import StandingDocument


class Lost(NamedTuple):
    """What was struck was all that a party stood at a rung by. `reported`: what others report, if as much as that."""

    party: str
    rung: Rung
    reported: Rung | None


def lost(before: StandingDocument | None, after: StandingDocument, reasons: Collection[Reason]) -> Iterator[Lost]:
    """The rungs that a retraction takes the only support from."""
    if before is None or "retraction" not in reasons:
        return
    for party, rung in before.rungs.items():
        if LEVELS[after.rungs[party]] < LEVELS[rung]:
            is_reported = LEVELS[after.reported_status] >= LEVELS[rung]
            yield Lost(party, rung, after.reported_status if is_reported else None)


def falls_with(told: History[Any], target: str) -> list[Recorded]:
    """The evidence that stands, and that falls with its target."""
    said_again = (e for e in told.events if isinstance(e.data, EvidenceAdded) and e.data.target == target)
    return [e for e in said_again if told.placed(e.id) is not None]
