"""The difference of two readings of an irritant, `/irritants/…/difference`: before, after, and event by event why.

The form sends for each end what kind of point it is and which; that is answered with the address that the interface
has for it, so that a comparison can be kept and sent on.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import Query, written
from service.api.resources import Snapshot
from service.api.resources.difference import OF_IRRITANT, DifferenceQuery
from service.api.resources.relations import BOARD
from service.projections.difference import DifferenceDocument
from service.projections.irritant import IrritantDocument
from service.web import ladder
from service.web.pages import PageRequest, Redirect, Template, address, shown
from service.web.sentences import sentence
from service.web.standing import of_irritant

router: Final = APIRouter(include_in_schema=False)

_UNBOUNDED: Final = ("nothing", "now")

Text = Annotated[str | None, Field(max_length=100)]


class ComparisonQuery(Query):
    """Between which two points; as the form sends them, or as the interface has them."""

    from_: Annotated[Text, Field(alias="from")] = None
    to: Text = None
    from_by: Literal["nothing", "round", "position", "effective", "known"] | None = None
    from_at: Text = None
    to_by: Literal["now", "round", "position", "effective", "known"] | None = None
    to_at: Text = None


@router.get("/irritants/{relation}/{slug}/difference")
async def comparison(request: Request) -> Response:
    return await shown(request, ComparisonQuery, _comparison)


def _comparison(visit: PageRequest[ComparisonQuery], snapshot: Snapshot) -> Template:
    query = visit.query
    if query.from_by or query.to_by:
        ends = {"from": _meant(query.from_by, query.from_at), "to": _meant(query.to_by, query.to_at)}
        raise Redirect(address(visit.path, **ends))
    between = written(DifferenceQuery, **{"from": query.from_, "to": query.to})
    found = snapshot.read(OF_IRRITANT, between, **visit.names)
    rounds = snapshot.read(BOARD, relation=visit.names["relation"]).rounds
    return Template("difference.html", {**told_of(found, query.from_, query.to), "rounds": rounds})


def told_of(found: DifferenceDocument, begin: str | None, end: str | None) -> dict[str, Any]:
    """What the page shows of a difference between two points. Total."""
    return {
        "difference": found,
        "irritant": found.after or found.before,
        "compared": found.irritant,
        "sides": [_side(document) for document in (found.before, found.after)],
        "ends": (begin, end),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }


def _meant(by: str | None, at: str | None) -> str | None:
    return None if by is None or by in _UNBOUNDED else f"{by}:{at or ''}"


def _side(document: IrritantDocument | None) -> dict[str, object] | None:
    if document is None:
        return None
    standing = of_irritant(document)
    return {"sentence": sentence(standing), "ladder": ladder.ladder(standing)}
