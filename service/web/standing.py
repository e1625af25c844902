"""How an irritant stands, as the value that its words and its drawing follow from."""

from operator import attrgetter
from typing import Final, NamedTuple

from service.domain.ladder import Rung
from service.projections.board import BoardRow

Rungs = tuple[tuple[str, Rung], ...]
"""Each party's own rung, by its code."""


class Standing(NamedTuple):
    """The part of a document that does not name the irritant, so that there are few and each is drawn once."""

    rungs: Rungs
    claimed: Rung
    confirmed: Rung
    reported: Rung
    high_water: Rung
    basis: str
    origins: int
    lifecycle: str
    hold: str
    trend: str
    regressions: int
    reversible: str
    awaiting: str
    settled: int
    total: int


_FIELDS: Final = attrgetter(
    "status",
    "confirmed_status",
    "reported_status",
    "high_water_mark",
    "basis",
    "origins",
    "lifecycle",
    "hold",
    "trend",
    "regressions",
    "reversible",
    "awaiting",
    "items.settled",
    "items.total",
)


def standing(row: BoardRow) -> Standing:
    """That of a line of the board."""
    return Standing(tuple(row.rungs.items()), *_FIELDS(row))
