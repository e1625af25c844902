"""How an irritant stands, as the value that its words and its drawing follow from."""

from operator import attrgetter
from typing import Final, NamedTuple

from service.domain.ladder import Rung
from service.projections.board import BoardRow
from service.projections.change import StandingDocument
from service.projections.irritant import IrritantDocument

Rungs = tuple[tuple[str, Rung], ...]
"""Each party's own rung, by its code."""


class Standing(NamedTuple):
    """The part of a document that does not name the irritant, so that there are few and each is drawn once."""

    rungs: Rungs
    high_water: Rung
    claimed: Rung
    confirmed: Rung
    reported: Rung
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


_SHARED: Final = attrgetter(
    "status",
    "confirmed_status",
    "reported_status",
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


def of_row(row: BoardRow) -> Standing:
    """That of a line of the board."""
    return Standing(tuple(row.rungs.items()), row.high_water_mark, *_SHARED(row))


def of_irritant(document: IrritantDocument) -> Standing:
    """That of an irritant's own document."""
    rungs = tuple((party, side.rung) for party, side in document.parties.items())
    return Standing(rungs, document.high_water_mark, *_SHARED(document))


def of_change(document: StandingDocument) -> Standing:
    """That of one side of a change, which does not tell how high the irritant ever stood."""
    return Standing(tuple(document.rungs.items()), document.status, *_SHARED(document))
