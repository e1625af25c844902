"""The evidence that a retraction would remove too. Pages and the command line warn the operator of it."""

from typing import Any

from service.domain.assertion import EvidenceAdded, Recorded
from service.domain.history import History


def falls_with(history: History[Any], target: str) -> list[Recorded]:
    """Return the evidence in force for an event. It loses its effect when that event is retracted."""
    evidence = (e for e in history.events if isinstance(e.data, EvidenceAdded) and e.data.target == target)
    return [e for e in evidence if history.effect(e.id) is not None]
