"""Read the standing of an irritant from a document, and put its basis, holds, setbacks and items in words.

Board, dossier, sheet and changes show it with the same functions. The headline comes from the document.
"""

from operator import attrgetter
from typing import Final, NamedTuple

from markupsafe import Markup

from service.domain.ladder import Rung
from service.projections.board import BoardRow
from service.projections.change import StandingDocument
from service.projections.irritant import IrritantDocument
from service.web.formatting import capitalised, names_of
from service.web.messages import messages

Rungs = tuple[tuple[str, Rung], ...]
"""Pairs of a party's code and its rung."""


class Standing(NamedTuple):
    """The part of an irritant's standing that pages draw. Few different values occur, so their drawings are cached."""

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
    reported_by: tuple[str, ...] = ()


# The fields that all three documents have, in the order of `Standing` from `claimed`.
_SHARED_FIELDS: Final = attrgetter(
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


def standing_of_row(row: BoardRow) -> Standing:
    """Return the standing of a row of the board."""
    standing = Standing(tuple(row.rungs.items()), row.high_water_mark, *_SHARED_FIELDS(row))
    return standing._replace(reported_by=row.reported_by)


def standing_of_irritant(document: IrritantDocument) -> Standing:
    """Return the standing of the document of an irritant."""
    rungs = tuple((party, side.rung) for party, side in document.parties.items())
    standing = Standing(rungs, document.high_water_mark, *_SHARED_FIELDS(document))
    return standing._replace(reported_by=document.reported_by)


def standing_of_change(document: StandingDocument) -> Standing:
    """Return the standing before or after a change. The feed does not have the highest rung ever claimed."""
    return Standing(tuple(document.rungs.items()), document.status, *_SHARED_FIELDS(document))


_BREAK: Final = Markup("<br>")


def basis_in_words(standing: Standing) -> Markup:
    """Return who says that the claimed rung is reached, and in how many separate statements."""
    t = messages()
    claimants = [party for party, rung in standing.rungs if rung == standing.claimed]
    others = [party for party, _ in standing.rungs if party not in claimants]
    # Both sides can be at the rung although only one says so in its own words.
    kind = "one_of_both" if standing.basis == "one_side" and not others else standing.basis
    words = capitalised(t(f"basis.{kind}", side=names_of(claimants), other=names_of(others)))
    if not standing.origins:
        return words
    return t("basis.rests", basis=words, origins=t.counted("basis.origins", standing.origins))


def holds_and_setbacks(standing: Standing) -> Markup:
    """Return the hold, the regressions, whether it can be reversed, and how many items are settled."""
    t, lines = messages(), list[Markup]()
    if standing.hold != "none":
        lines.append(t(f"beside.{standing.hold}"))
    if standing.regressions:
        lines.append(t.counted("beside.regressions", standing.regressions))
    if standing.reversible != "unknown":
        lines.append(t(f"beside.reversible.{standing.reversible}"))
    if standing.total:
        lines.append(t("beside.items", settled=standing.settled, total=standing.total))
    return _BREAK.join(lines)
