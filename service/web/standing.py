"""The standing of an irritant beside its headline: who says so, holds, setbacks and items.

The headline itself is the document's.
"""

from operator import attrgetter
from typing import Final, NamedTuple

from markupsafe import Markup

from service.domain.ladder import Rung
from service.projections.board import BoardRow
from service.projections.change import StandingDocument
from service.projections.irritant import IrritantDocument
from service.web.formatting import capitalised, name_of
from service.web.messages import messages

Rungs = tuple[tuple[str, Rung], ...]
"""Pairs of a party's code and its rung."""


class Standing(NamedTuple):
    """The state of an irritant without its name. Few values occur, so each is rendered once."""

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
    """Return the standing of a line of the board."""
    return Standing(tuple(row.rungs.items()), row.high_water_mark, *_SHARED(row))


def of_irritant(document: IrritantDocument) -> Standing:
    """Return the standing of an irritant."""
    rungs = tuple((party, side.rung) for party, side in document.parties.items())
    return Standing(rungs, document.high_water_mark, *_SHARED(document))


def of_change(document: StandingDocument) -> Standing:
    """Return the standing before or after a change. The highest rung ever is not known there."""
    return Standing(tuple(document.rungs.items()), document.status, *_SHARED(document))


_BREAK: Final = Markup("<br>")


def basis(standing: Standing) -> Markup:
    """Return who says that the claimed rung is reached, and in how many statements."""
    t = messages()
    there = [name_of(party) for party, rung in standing.rungs if rung == standing.claimed]
    said = capitalised(t(f"basis.{standing.basis}", side=there[0] if there else ""))
    return (
        t("basis.rests", basis=said, origins=t.counted("basis.origins", standing.origins)) if standing.origins else said
    )


def beside(standing: Standing) -> Markup:
    """Return holds, regressions, whether it can be reversed, and how many items are settled."""
    t, said = messages(), list[Markup]()
    if standing.hold != "none":
        said.append(t(f"beside.{standing.hold}"))
    if standing.regressions:
        said.append(t.counted("beside.regressions", standing.regressions))
    if standing.reversible != "unknown":
        said.append(t(f"beside.reversible.{standing.reversible}"))
    if standing.total:
        said.append(t("beside.items", settled=standing.settled, total=standing.total))
    return _BREAK.join(said)
