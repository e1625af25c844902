"""The board, `/`: every irritant in one line, at any point of both clocks.

A board has hundreds of lines, but few different standings. So each line is filled in two steps: the words and drawings
of a standing, which are cached, then the values of one irritant. A template engine takes twenty times as long.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from pydantic import AfterValidator, Field
from starlette.responses import Response

from service.api.parameters import At, RelationId, misplaced
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.relations import BOARD
from service.domain.assertion import when
from service.domain.ladder import LEVELS
from service.projections.board import BoardDocument, BoardRow
from service.web.assets import ROOM
from service.web.clocks import SliderQuery, address_meant, clocks
from service.web.formatting import capitalised, name_of, occurred, round_name, since
from service.web.ladder import axis, ladder, movement, symbols
from service.web.limited import relations, to_one_relation
from service.web.messages import messages
from service.web.pages import PageRequest, Redirect, Template, page_response
from service.web.standing import Standing, basis, beside, of_row

router: Final = APIRouter(include_in_schema=False)

_BASES: Final = ("both_sides", "one_side", "attributed", "contested", "third_party", "media_only", "none")
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


def _known_order(sort: str) -> str:
    """Return the order. Raises PydanticCustomError if it names no column."""
    if sort.removeprefix("-") not in _ORDERS:
        detail = f"must be one of {', '.join(_ORDERS)}; a hyphen before it reverses the order"
        raise misplaced("sort", detail)
    return sort


class BoardQuery(SliderQuery):
    """The relation, the point of the record, and the order."""

    relation: Annotated[RelationId | None, Field(description="only this relation")] = None
    sort: Annotated[str, AfterValidator(_known_order)] = "irritant"

    @property
    def chosen(self) -> dict[str, object]:
        """Return the parameters that are not about a clock."""
        return {"relation": self.relation, "sort": None if self.sort == "irritant" else self.sort}


class Section(NamedTuple):
    """The board of one relation."""

    board: BoardDocument
    lines: Markup


@router.get("/")
async def board(request: Request) -> Response:
    return await page_response(request, BoardQuery, _board)


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
        raise Redirect(address_meant(visit, dates, **query.chosen))
    point = visit.at_point(At)
    boards = [snapshot.read(BOARD, point, relation=r) for r in chosen] if visit.point else present
    counted_to = query.effective_on or visit.today
    values = {
        "relations": found,
        "sections": [section(board, query.sort, counted_to, visit.link("")) for board in boards],
        "clocks": clocks(visit, snapshot, dates, (r for board in present for r in board.rounds)),
        "counted_to": counted_to,
        "axis": axis(),
        "symbols": symbols(),
    }
    return Template("board.html", values)


def _dates(boards: Iterable[BoardDocument]) -> Iterable[str | None]:
    for board in boards:
        yield from (round.date for round in board.rounds)
        yield from (row.last_moved.occurred for row in board.items)


def section(board: BoardDocument, sort: str, counted_to: date, query: str) -> Section:
    """Return a sorted section. `query` ends the addresses and leads to the same point."""
    rows = sorted(board.items, key=_ORDERS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    rounds = {round.id: round_name(round.id) for round in board.rounds}
    return Section(board, lines(rows, rounds, counted_to, query))


_LINE: Final = (ROOM / "templates" / "line.html").read_text(encoding="utf-8")
_LEFT_OPEN: Final = {
    place: f"%({place})s" for place in ("id", "address", "position", "title", "sentence", "movement", "since")
}


def lines(rows: Iterable[BoardRow], rounds: Mapping[str, str], counted_to: date, query: str) -> Markup:
    """Return the rows of the table. `rounds`: names by id. `query`: the end of each address, for the same point."""
    filled = "".join([_line(row, rounds, counted_to, query) for row in rows])
    return Markup(filled)  # noqa: S704 -- what is put into lines is drawn, or escaped there, or an id


def _line(row: BoardRow, rounds: Mapping[str, str], counted_to: date, query: str) -> str:
    over = tuple([(rounds[a.round], a.status, a.confirmed_status) for a in row.over_the_rounds])
    return _kept_line(of_row(row)) % {
        "id": row.id.replace("/", "-"),
        "address": f"/irritants/{row.id}{query}",
        "position": row.position,
        "title": escape(row.title),
        "sentence": escape(row.headline),
        "movement": movement(over, row.status, row.confirmed_status),
        "since": _moved(row.last_moved.occurred, counted_to),
    }


@lru_cache(maxsize=8192)
def _kept_line(standing: Standing) -> str:
    """Return the cached line of a standing, with places for the values of one irritant."""
    drawn = {
        "ladder": ladder(standing),
        "basis": _labelled("basis", basis(standing)),
        "beside": beside(standing),
    }
    linked = {"move": _labelled("move", _move(standing.awaiting)), "sides": _sides(standing)}
    return _LINE % ({place: str(text).replace("%", "%%") for place, text in drawn.items()} | _LEFT_OPEN | linked)


def _labelled(column: str, cell: str) -> str:
    """Return a cell with the name of its column, which narrow screens show in place of the table head."""
    return f"<i>{messages()(f'board.{column}')}</i>{cell}"


def _move(awaiting: str) -> str:
    """Return who acts next, linked to what is awaited."""
    name = capitalised(name_of(awaiting))
    return f"<small>{name}</small>" if awaiting == "none" else f'<a href="%(address)s#moves">{name}</a>'


def _sides(standing: Standing) -> str:
    """Return the rung of each side in words, linked to its statements."""
    t = messages()
    sides = [(party, t("board.side", party=party, rung=t(f"rung.{rung}"))) for party, rung in standing.rungs]
    if standing.reported != standing.claimed:
        sides.append(("MEDIA", t("board.media", rung=t(f"rung.{standing.reported}"))))
    return "".join(f'<a href="%(address)s#{voice}">{text}</a>' for voice, text in sides)


@lru_cache(maxsize=8192)
def _moved(edtf: str | None, counted_to: date) -> str:
    text = since(edtf, counted_to)
    if edtf is not None:
        text = messages()("board.moved-on", since=text, day=occurred(edtf))
    return _labelled("moved", text)
