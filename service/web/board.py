"""The board, `/`: every irritant in one line, which can be read at a glance, at any point of both clocks."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import At, RelationId
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.relations import BOARD
from service.domain.assertion import when
from service.domain.ladder import LEVELS
from service.projections.board import BoardDocument, BoardRow
from service.web import ladder
from service.web.clocks import Slid, clocks, meant
from service.web.limited import relations, to_one_relation
from service.web.lines import lines
from service.web.pages import PageRequest, Redirect, Template, shown
from service.web.sentences import round_name

router: Final = APIRouter(include_in_schema=False)

_BASES: Final = ("both_sides", "one_side", "attributed", "contested", "media_only", "none")
_HOLDS: Final = ("none", "stalled", "suspended")

_ORDERS: Final[Mapping[str, Callable[[BoardRow], Any]]] = {
    "irritant": lambda row: row.title.casefold(),
    "claimed": lambda row: LEVELS[row.status],
    "confirmed": lambda row: LEVELS[row.confirmed_status],
    "reported": lambda row: LEVELS[row.reported_status],
    "basis": lambda row: (_BASES.index(row.basis), -row.origins),
    "move": lambda row: row.awaiting,
    "beside": lambda row: (_HOLDS.index(row.hold), row.regressions),
    "moved": lambda row: when(row.last_moved.occurred).earliest or date.min,
}


class BoardQuery(Slid):
    """Which relation, at which point of the record, in which order."""

    relation: Annotated[RelationId | None, Field(description="only this relation")] = None
    sort: Annotated[str, Field(pattern=f"^-?({'|'.join(_ORDERS)})$")] = "irritant"

    @property
    def chosen(self) -> dict[str, object]:
        """What of the page is neither clock's."""
        return {"relation": self.relation, "sort": None if self.sort == "irritant" else self.sort}


class Section(NamedTuple):
    """One relation's board."""

    board: BoardDocument
    lines: Markup


@router.get("/")
async def board(request: Request) -> Response:
    return await shown(request, BoardQuery, _board)


def _board(visit: PageRequest[BoardQuery], snapshot: Snapshot) -> Template:
    to_one_relation(visit)
    query = visit.query
    found = relations(visit, snapshot)
    chosen = [r.id for r in found if query.relation in (None, r.id)]
    if query.relation and not chosen:
        raise Problem("not-found", f"Nothing is on record about a relation {query.relation} at this point.")
    present = [snapshot.read(BOARD, relation=relation) for relation in chosen]
    dates = list(_dates(present))
    if query.is_slid:
        raise Redirect(meant(visit, dates, **query.chosen))
    point = visit.at_point(At)
    boards = [snapshot.read(BOARD, point, relation=r) for r in chosen] if visit.point else present
    counted_to = query.effective_on or visit.today
    told = {
        "relations": found,
        "sections": [section(board, query.sort, counted_to, visit.link("")) for board in boards],
        "clocks": clocks(visit, snapshot, dates, (r for board in present for r in board.rounds)),
        "counted_to": counted_to,
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }
    return Template("board.html", told)


def _dates(boards: Iterable[BoardDocument]) -> Iterable[str | None]:
    for board in boards:
        yield from (round.date for round in board.rounds)
        yield from (row.last_moved.occurred for row in board.items)


def section(board: BoardDocument, sort: str, counted_to: date, query: str) -> Section:
    """A relation's irritants in their order. `query`: what addresses end with that lead to the same point."""
    rows = sorted(board.items, key=_ORDERS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    rounds = {round.id: round_name(round.id) for round in board.rounds}
    return Section(board, lines(rows, rounds, counted_to, query))
