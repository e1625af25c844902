"""Two points of an irritant compared, `/irritants/…/difference`: before, after, and the events that explain it.

The form sends a kind and a value for each point. The answer redirects to the address that the HTTP interface uses, so
that a comparison can be stored and shared.
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
from service.web.pages import PageRequest, Redirect, Template, address, page_response
from service.web.standing import of_irritant

router: Final = APIRouter(include_in_schema=False)

_UNBOUNDED: Final = ("nothing", "now")

Text = Annotated[str | None, Field(max_length=100)]


class ComparisonQuery(Query):
    """Two points, as the form sends them or as the HTTP interface has them."""

    from_: Annotated[Text, Field(alias="from")] = None
    to: Text = None
    from_by: Literal["nothing", "round", "position", "effective", "known"] | None = None
    from_at: Text = None
    to_by: Literal["now", "round", "position", "effective", "known"] | None = None
    to_at: Text = None


@router.get("/irritants/{relation}/{slug}/difference")
async def comparison(request: Request) -> Response:
    return await page_response(request, ComparisonQuery, _comparison)


def _comparison(visit: PageRequest[ComparisonQuery], snapshot: Snapshot) -> Template:
    query = visit.query
    if query.from_by or query.to_by:
        ends = {"from": _meant(query.from_by, query.from_at), "to": _meant(query.to_by, query.to_at)}
        raise Redirect(address(visit.path, **ends))
    between = written(DifferenceQuery, **{"from": query.from_, "to": query.to})
    found = snapshot.read(OF_IRRITANT, between, **visit.names)
    rounds = snapshot.read(BOARD, relation=visit.names["relation"]).rounds
    return Template("difference.html", {**template_values(found, query.from_, query.to), "rounds": rounds})


def template_values(found: DifferenceDocument, begin: str | None, end: str | None) -> dict[str, Any]:
    """Return the values for the page of a difference."""
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
    return {"sentence": document.headline, "ladder": ladder.ladder(standing)}
