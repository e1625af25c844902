"""Compare two points, `/irritants/…/difference` and `/relations/…/difference`: one irritant, or all of a relation.

The form sends the kind and the value of each point, with dates as people write them. The response redirects to an
address with the points as in the HTTP interface, such as `?from=round:istanbul-april`, which readers can save and
share. If a point is not valid, the page shows the form again with what was entered, and each mistake at its field.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from service.api.parameters import Query, misplaced, written
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
from service.web.standing import standing_of_irritant

router: Final = APIRouter(include_in_schema=False)

_UNBOUNDED: Final = ("nothing", "now")
"""The kinds of points without a value: before the first event, and the present."""

_Text = Annotated[str | None, Field(max_length=100)]


class End(NamedTuple):
    """One of the two points: as in the HTTP interface (`point`), or its kind and value as the form sends them."""

    name: str
    point: str | None
    by: str | None
    at: str

    @property
    def is_from_form(self) -> bool:
        return bool(self.by or self.at)


class ComparisonQuery(Query):
    """Two points, either as the form sends them or as in the HTTP interface (`from`, `to`).

    `after`: the last irritant of the part before.
    """

    from_: Annotated[_Text, Field(alias="from")] = None
    to: _Text = None
    from_by: Literal["nothing", "round", "position", "effective", "known"] | None = None
    from_at: _Text = None
    to_by: Literal["now", "round", "position", "effective", "known"] | None = None
    to_at: _Text = None
    after: MemberId | None = None

    @model_validator(mode="after")
    def _each_point_is_given_once(self) -> Self:
        for end in self.ends:
            if end.point is not None and end.is_from_form:
                raise misplaced(end.name, f"cannot be combined with {end.name}_by and {end.name}_at; send one of them")
        return self

    @property
    def ends(self) -> tuple[End, End]:
        """Return both points as they were given."""
        return (
            End("from", self.from_, self.from_by, (self.from_at or "").strip()),
            End("to", self.to, self.to_by, (self.to_at or "").strip()),
        )

    @property
    def is_from_form(self) -> bool:
        return any(end.is_from_form for end in self.ends)

    @property
    def entered(self) -> dict[str, str]:
        """Return what the fields of the form show, whichever way the address has the points."""
        fields: dict[str, str] = {}
        for end in self.ends:
            by, _, at = (end.point or "").partition(":")
            fields |= {f"{end.name}_by": end.by or by, f"{end.name}_at": end.at or at}
        return fields


class ComparedIrritant(NamedTuple):
    """One irritant that differs, with its headline and ladder at both points. None where it was not on record."""

    difference: DifferenceDocument
    standings: Sequence[dict[str, object] | None]


@router.get("/irritants/{relation}/{slug}/difference")
async def comparison(request: Request) -> Response:
    return await page_response(request, ComparisonQuery, _comparison)


@router.get("/relations/{relation}/difference")
async def relation_comparison(request: Request) -> Response:
    return await page_response(request, ComparisonQuery, _relation_comparison)


def _comparison(visit: PageRequest[ComparisonQuery], snapshot: Snapshot) -> Template:
    board = snapshot.read(BOARD, relation=visit.path_parameters["relation"])
    mistakes = _mistakes(visit, snapshot, OF_IRRITANT, board)
    if mistakes:
        irritant = f"{visit.path_parameters['relation']}/{visit.path_parameters['slug']}"
        title = next((row.title for row in board.items if row.id == irritant), irritant)
        values: dict[str, Any] = {"irritant": irritant, "title": title}
    else:
        difference = snapshot.read(OF_IRRITANT, _difference_query(visit.query), **visit.path_parameters)
        values = template_values(difference, visit.query.from_, visit.query.to)
    return Template("difference.html", {**values, **_form(visit, board, mistakes)})


def _relation_comparison(visit: PageRequest[ComparisonQuery], snapshot: Snapshot) -> Template:
    query, board = visit.query, snapshot.read(BOARD, relation=visit.path_parameters["relation"])
    mistakes = _mistakes(visit, snapshot, OF_RELATION, board)
    ends = {"from": query.from_, "to": query.to}
    values: dict[str, Any] = {"board": board, "ends": tuple(ends.values()), **_form(visit, board, mistakes)}
    if not mistakes:
        difference = snapshot.read(OF_RELATION, _difference_query(query), **visit.path_parameters)
        part = part_of(difference.items, query.after, attrgetter("irritant"))
        values |= {
            "part": part,
            "items": [ComparedIrritant(item, [_standing(item.before), _standing(item.after)]) for item in part.items],
            "more": visit.present_link(**ends, after=part.next) if part.next else None,
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
    """Return the mistakes of the form by field. Empty if the address has the points as in the HTTP interface.

    Raises Redirect to such an address if the points of the form are valid.
    """
    query = visit.query
    if not query.is_from_form:
        return {}
    ends: dict[str, str | None] = {}
    mistakes: dict[str, str] = {}
    for end in query.ends:
        try:
            ends[end.name] = _point(end.by, end.at, board.rounds) if end.is_from_form else end.point
        except points.NotAPoint as error:
            mistakes[end.name] = str(error)
    if mistakes:
        return mistakes
    try:
        snapshot.read(resource, written(DifferenceQuery, **ends), **visit.path_parameters)
    except Problem as problem:
        if not problem.document.errors:
            raise
        return {wrong.parameter or "from": wrong.detail for wrong in problem.document.errors}
    raise Redirect(address(visit.path, **ends))


def _difference_query(query: ComparisonQuery) -> DifferenceQuery:
    return written(DifferenceQuery, **{"from": query.from_, "to": query.to})


def template_values(difference: DifferenceDocument, begin: str | None, end: str | None) -> dict[str, Any]:
    """Return the values for the template of a difference between two points. None is a point without a bound."""
    irritant = difference.after or difference.before
    return {
        "difference": difference,
        "title": irritant.title if irritant else difference.irritant,
        "irritant": difference.irritant,
        "standings": [_standing(difference.before), _standing(difference.after)],
        "ends": (begin, end),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }


def _point(kind: str | None, value: str, rounds: Sequence[BoardRound]) -> str | None:
    """Return a point as in the HTTP interface, such as `position:41`. None is without a bound. Raises NotAPoint.

    A value without a kind is read as what it looks like. A day is refused, because each clock reads it differently.
    """
    if kind is None or kind in _UNBOUNDED:
        if not value:
            return None
        point = points.point_or_day(value, {round.name: round.id for round in rounds})
        if isinstance(point, date):
            raise points.NotAPoint(str(messages()("difference.which-clock")))
        named, _, value_of_kind = point.partition(":")
        return _point(named, value_of_kind, rounds)
    if not value:
        raise points.NotAPoint(str(messages()("difference.empty")))
    match kind:
        case "effective":
            return points.effective_on(value)
        case "known":
            return points.known_since(value)
        case "round":
            ids = {name.casefold(): round.id for round in rounds for name in (round.name, round.id)}
            return f"round:{ids.get(value.casefold(), value).rpartition('/')[2]}"
        case _:
            return f"{kind}:{value}"


def _standing(document: IrritantDocument | None) -> dict[str, object] | None:
    """Return the headline and the ladder of an irritant. None if it was not on record."""
    if document is None:
        return None
    return {"headline": document.headline, "ladder": ladder.ladder(standing_of_irritant(document))}
