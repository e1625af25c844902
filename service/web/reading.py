"""How one field of an irritant's standing reads, wherever two of them are set side by side."""

from typing import Final

from markupsafe import Markup, escape

from service.projections.change import StandingDocument
from service.projections.irritant import IrritantDocument
from service.web.sentences import capitalised, name_of
from service.web.texts import texts

_COMMA: Final = Markup(", ")
_RUNGS: Final = ("status", "confirmed_status", "reported_status")


def standing_value(document: IrritantDocument | StandingDocument | None, field: str) -> Markup:
    """The field in words; a dash where nothing was on record."""
    t = texts()
    if document is None:
        return t("standing.absent")
    if field == "rungs":
        sides = (t("standing.side", side=name_of(p), rung=t(f"rung.{rung}")) for p, rung in _rungs(document).items())
        return capitalised(_COMMA.join(sides))
    if field == "items":
        return t("beside.items", settled=document.items.settled, total=document.items.total)
    value = getattr(document, field)
    if field in _RUNGS:
        return t(f"rung.{value}")
    if field == "awaiting":
        return capitalised(name_of(value))
    return t(f"standing-word.{value}") if f"standing-word.{value}" in t and field != "title" else escape(value)


def _rungs(document: IrritantDocument | StandingDocument) -> dict[str, str]:
    if isinstance(document, StandingDocument):
        return dict(document.rungs)
    return {party: side.rung for party, side in document.parties.items()}
