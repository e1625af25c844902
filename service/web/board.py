"""The board, `/`: every irritant of a relation, or of all, in one line that can be read at a glance."""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup
from pydantic import Field
from starlette.responses import Response

from service.api.listing import Listing
from service.api.parameters import At, RelationId
from service.projections.board import BoardDocument, BoardRow
from service.projections.relation import RelationDocument
from service.web.ladder import axis, ladder, movement, scale
from service.web.sentences import sentence
from service.web.visit import Sheet, Visit, shown

router: Final = APIRouter(include_in_schema=False)


class BoardQuery(At):
    """Which relation, at which point of the record."""

    relation: Annotated[RelationId | None, Field(description="only this relation")] = None


class Line(NamedTuple):
    """One irritant as the board draws it."""

    row: BoardRow
    sentence: Markup
    ladder: Markup
    movement: Markup


class Section(NamedTuple):
    """One relation's board."""

    board: BoardDocument
    lines: Sequence[Line]


@router.get("/")
async def board(request: Request) -> Response:
    return await shown(request, BoardQuery, _board)


async def _board(visit: Visit[BoardQuery]) -> Sheet:
    relations = await visit.at_point("/v1/relations", Listing[RelationDocument])
    chosen = [r.id for r in relations.items if visit.query.relation in (None, r.id)]
    boards = [await visit.at_point(f"/v1/relations/{relation}/board", BoardDocument) for relation in chosen]
    told = {
        "relations": relations.items,
        "sections": [Section(board, [_line(row) for row in board.items]) for board in boards],
        "axis": axis(),
        "scale": scale(),
    }
    return Sheet("board.html", told)


def _line(row: BoardRow) -> Line:
    over = tuple((a.round, a.status, a.confirmed_status, a.reported_status) for a in row.over_the_rounds)
    now = (row.status, row.confirmed_status, row.reported_status)
    return Line(
        row,
        sentence(row),
        ladder(tuple(row.rungs.items()), *now, row.high_water_mark),
        movement(over, now),
    )
