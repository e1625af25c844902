"""Compare two points, `/irritants/…/difference` and `/relations/…/difference`: one irritant, or all of a relation.

The form sends the kind and the value of each point, with dates as people write them. The response redirects to an
address in the form of the HTTP interface, such as `?from=round:istanbul-april`, so that readers can save and share it.
If a point is refused, the page shows the form again with what was entered, and each mistake at its field.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import Query, written
from service.api.problems import Problem
from service.api.resources import D, Resource, Snapshot
from service.api.resources.difference import OF_IRRITANT, OF_RELATION, DifferenceQuery
from service.api.resources.relations import BOARD
from service.domain.assertion import MemberId
from service.projections.board import BoardDocument, BoardRound
from service.projections.difference import DifferenceDocument
from service.projections.irritant import IrritantDocument
from service.readouts import points
from service.web import ladder
from service.web.messages import messages
from service.web.pages import PageRequest, Redirect, Template, address, page_response
from service.web.paging import part_of
from service.web.standing import of_irritant

router: Final = APIRouter(include_in_schema=False)

_UNBOUNDED: Final = ("nothing", "now")

Text = Annotated[str | None, Field(max_length=100)]


class ComparisonQuery(Query):
    """Two points, as the form sends them or as the HTTP interface has them. `after`: the irritant before the part."""

    from_: Annotated[Text, Field(alias="from")] = None
    to: Text = None
    from_by: Literal["nothing", "round", "position", "effective", "known"] | None = None
    from_at: Text = None
    to_by: Literal["now", "round", "position", "effective", "known"] | None = None
    to_at: Text = None
    after: MemberId | None = None

    @property
    def is_from_form(self) -> bool:
        return bool(self.from_by or self.to_by)

    @property
    def entered(self) -> dict[str, str]:
        """Return the values of the fields of the form, for either kind of address."""
        if self.is_from_form:
            chosen = {"from_by": self.from_by, "from_at": self.from_at, "to_by": self.to_by, "to_at": self.to_at}
            return {name: value or "" for name, value in chosen.items()}
        (from_by, _, from_at), (to_by, _, to_at) = ((end or "").partition(":") for end in (self.from_, self.to))
        return {"from_by": from_by, "from_at": from_at, "to_by": to_by, "to_at": to_at}


class ComparedIrritant(NamedTuple):
    """One irritant that differs, with its ladder and headline at both points."""

    difference: DifferenceDocument
    sides: Sequence[dict[str, object] | None]


@router.get("/irritants/{relation}/{slug}/difference")
async def comparison(request: Request) -> Response:
    return await page_response(request, ComparisonQuery, _comparison)


@router.get("/relations/{relation}/difference")
async def relation_comparison(request: Request) -> Response:
    return await page_response(request, ComparisonQuery, _relation_comparison)


def _comparison(visit: PageRequest[ComparisonQuery], snapshot: Snapshot) -> Template:
    board = snapshot.read(BOARD, relation=visit.names["relation"])
    mistakes = _mistakes(visit, snapshot, OF_IRRITANT, board)
    if mistakes:
        compared = f"{visit.names['relation']}/{visit.names['slug']}"
        title = next((row.title for row in board.items if row.id == compared), compared)
        values: dict[str, Any] = {"compared": compared, "title": title}
    else:
        found = snapshot.read(OF_IRRITANT, _asked(visit.query), **visit.names)
        values = template_values(found, visit.query.from_, visit.query.to)
    return Template("difference.html", {**values, **_form(visit, board, mistakes)})


def _relation_comparison(visit: PageRequest[ComparisonQuery], snapshot: Snapshot) -> Template:
    query, board = visit.query, snapshot.read(BOARD, relation=visit.names["relation"])
    mistakes = _mistakes(visit, snapshot, OF_RELATION, board)
    ends = {"from": query.from_, "to": query.to}
    values: dict[str, Any] = {"board": board, "ends": tuple(ends.values()), **_form(visit, board, mistakes)}
    if not mistakes:
        found = snapshot.read(OF_RELATION, _asked(query), **visit.names)
        part = part_of(found.items, query.after, attrgetter("irritant"))
        values |= {
            "part": part,
            "items": [ComparedIrritant(item, [_side(item.before), _side(item.after)]) for item in part.items],
            "more": visit.at_present(**ends, after=part.next) if part.next else None,
            "symbols": ladder.symbols(),
        }
    return Template("relation-difference.html", values)


def _form(visit: PageRequest[ComparisonQuery], board: BoardDocument, mistakes: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the form: the rounds to choose from, what was entered, and the mistakes."""
    return {"rounds": board.rounds, "entered": visit.query.entered, "mistakes": mistakes}


def _mistakes(
    visit: PageRequest[ComparisonQuery],
    snapshot: Snapshot,
    resource: Resource[DifferenceQuery, D],
    board: BoardDocument,
) -> Mapping[str, str]:
    """Return the mistakes of the form by field. Empty for an address with points.

    Raises Redirect to that address for valid points.
    """
    query = visit.query
    if not query.is_from_form:
        return {}
    ends: dict[str, str | None] = {}
    mistakes: dict[str, str] = {}
    for end, by, at in (("from", query.from_by, query.from_at), ("to", query.to_by, query.to_at)):
        try:
            ends[end] = _point(by, (at or "").strip(), board.rounds)
        except points.NotAPoint as error:
            mistakes[end] = str(error)
    if mistakes:
        return mistakes
    try:
        snapshot.read(resource, written(DifferenceQuery, **ends), **visit.names)
    except Problem as problem:
        if not problem.document.errors:
            raise
        return {wrong.parameter or "from": wrong.detail for wrong in problem.document.errors}
    raise Redirect(address(visit.path, **ends))


def _asked(query: ComparisonQuery) -> DifferenceQuery:
    return written(DifferenceQuery, **{"from": query.from_, "to": query.to})


def template_values(found: DifferenceDocument, begin: str | None, end: str | None) -> dict[str, Any]:
    """Return the values for the page of a difference."""
    irritant = found.after or found.before
    return {
        "difference": found,
        "title": irritant.title if irritant else found.irritant,
        "compared": found.irritant,
        "sides": [_side(document) for document in (found.before, found.after)],
        "ends": (begin, end),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }


def _point(by: str | None, at: str, rounds: Sequence[BoardRound]) -> str | None:
    """Return a point in the form of the HTTP interface, such as `position:41`. None means without a bound.

    Raises NotAPoint.
    """
    if by is None or by in _UNBOUNDED:
        return None
    if not at:
        raise points.NotAPoint(str(messages()("difference.empty")))
    match by:
        case "effective":
            return points.effective_on(at)
        case "known":
            return points.known_since(at)
        case "round":
            named = {name.casefold(): round.id for round in rounds for name in (round.name, round.id)}
            return f"round:{named.get(at.casefold(), at).rpartition('/')[2]}"
        case _:
            return f"{by}:{at}"


def _side(document: IrritantDocument | None) -> dict[str, object] | None:
    if document is None:
        return None
    standing = of_irritant(document)
    return {"sentence": document.headline, "ladder": ladder.ladder(standing)}
