"""The board, `/`: a table with a line for each irritant, now or as known at a position, and as it was on a day.

A board can have hundreds of lines, but only a few different standings (statuses, basis, hold and the like: `Standing`).
So a line is made in two steps. `_cached_line` makes the cells that depend only on the standing, with placeholders for
the operator `%`. `_line` replaces the placeholders by the values of one irritant. A template engine takes twenty times
as long.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup
from pydantic import AfterValidator, Field, model_validator
from starlette.responses import Response

from service.api.parameters import RelationId, misplaced, written
from service.api.problems import Problem
from service.api.resources import READ_LATER, Snapshot
from service.api.resources.relations import BOARD, BoardFilters, RelationBoardQuery
from service.domain.actor.names import ActorNames
from service.domain.assertion import when
from service.domain.ladder import LEVELS
from service.projections.board import BoardCounts, BoardDocument, BoardRow, chosen
from service.projections.words.names import at_the_beginning
from service.web.clocks import DAY_FIELDS, ClocksQuery, clocks, redirect_to_chosen_point
from service.web.formatting import bdi, days_ago_in_words, edtf_in_words, mixed, name_at_start, name_of, names_in_use
from service.web.ladder import axis, ladder, movement, symbols
from service.web.limited import readable_relations, redirect_to_own_relation
from service.web.messages import messages
from service.web.pages import PageRequest, Template, as_text, page_response
from service.web.standing import Standing, basis_in_words, holds_and_setbacks, standing_of_row

router: Final = APIRouter(include_in_schema=False)

_BASES_IN_ORDER: Final = ("both_sides", "one_side", "attributed", "contested", "third_party", "media_only", "none")
_HOLDS_IN_ORDER: Final = ("none", "stalled", "suspended")

ORDERS: Final[Mapping[str, Callable[[BoardRow], Any]]] = {
    "irritant": lambda row: row.title.casefold(),
    "claimed": lambda row: LEVELS[row.status],
    "confirmed": lambda row: LEVELS[row.confirmed_status],
    "reported": lambda row: LEVELS[row.reported_status],
    "basis": lambda row: (_BASES_IN_ORDER.index(row.basis), -row.origins),
    "move": lambda row: row.awaiting,
    "beside": lambda row: (_HOLDS_IN_ORDER.index(row.hold), row.regressions),
    "moved": lambda row: when(row.last_moved.occurred).earliest or date.min,
}
"""The sort key of a row, by the name of the order. The first is the default. Three orders are for the statuses, which
share a column."""


def _existing_order(sort: str) -> str:
    """Return the text if it names an order, with or without a hyphen before it. Raises PydanticCustomError."""
    if sort.removeprefix("-") not in ORDERS:
        detail = f"must be one of {', '.join(ORDERS)}; a hyphen before it reverses the order"
        raise misplaced("sort", detail)
    return sort


class BoardQuery(ClocksQuery, BoardFilters):
    """The parameters of the board: a relation, the point in time, the filters, and the order (`sort`)."""

    relation: Annotated[RelationId | None, Field(description="only this relation")] = None
    sort: Annotated[str, AfterValidator(_existing_order)] = "irritant"

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ignore the choices of the form of filters that were left empty. An empty field for a day has a meaning."""
        return {name: value for name, value in parameters.items() if value != "" or name in DAY_FIELDS}

    @property
    def relation_and_order(self) -> dict[str, object]:
        """Return these two parameters. A default is None, so that addresses leave it out."""
        return {"relation": self.relation, "sort": None if self.sort == "irritant" else self.sort}

    @property
    def without_point(self) -> dict[str, object]:
        """Return the parameters that are not about the point in time, as they are in addresses."""
        return {**self.relation_and_order, **self.filters_in_address}

    @property
    def filters_in_address(self) -> dict[str, str]:
        """Return the filters as they are in addresses."""
        return {name: as_text(value) for name, value in self.filters.items()}


class CountLink(NamedTuple):
    """A count above the board, such as `2 suspended`, with the filters that its link sets.

    `is_chosen`: the page has exactly these filters.
    """

    text: Markup
    filters: Mapping[str, str]
    is_chosen: bool


class Section(NamedTuple):
    """The board of one relation, with `lines`, the rows of its table."""

    board: BoardDocument
    lines: Markup


@router.get("/")
async def board(request: Request) -> Response:
    return await page_response(request, BoardQuery, _board)


def _board(visit: PageRequest[BoardQuery], snapshot: Snapshot) -> Template:
    """Return the page for one relation, or for all that the visitor can read. Raises Problem.

    Raises Redirect if the control for the point in time sent one. Raises it, too, to the relation of a visitor who
    cannot read all of them.
    """
    redirect_to_own_relation(visit)
    query = visit.query
    readable = readable_relations(visit, snapshot)
    relations = [r.id for r in readable if query.relation in (None, r.id)]
    if query.relation and not relations:
        about = f"about a relation {query.relation}"
        past = f"Nothing was on record {about} at this point. {READ_LATER}"
        raise Problem("not-found", past if visit.point else f"Nothing is on record {about}.")
    # The day to which the page counts the time since the last move, and from which acts are overdue.
    counted_to = query.effective_on or visit.today
    # A page on the past also needs the present boards, because the sliders cover everything on record.
    present_query = written(RelationBoardQuery, on=counted_to)
    present_boards = [snapshot.read(BOARD, present_query, relation=relation) for relation in relations]
    dates = list(_dates(present_boards))
    mistakes = redirect_to_chosen_point(visit, snapshot, dates, **query.without_point)
    point = visit.at_point(RelationBoardQuery, on=counted_to)
    boards = [snapshot.read(BOARD, point, relation=r) for r in relations] if visit.point else present_boards
    filtered = [chosen(board, query.filters) for board in boards]
    counts = [board.counts for board in boards]
    values = {
        "relations": readable,
        "sections": [section(board, query.sort, counted_to, visit.link("")) for board in filtered],
        "count_links": list(_count_links(counts, query.filters_in_address)),
        # The last event of each irritant. The page counts those after the last visit of its reader.
        "last_positions": sorted(row.position for board in boards for row in board.items),
        "sides": _sides_to_choose(counts),
        "is_filtered": bool(query.filters),
        "clocks": clocks(visit, snapshot, dates, (r for board in present_boards for r in board.rounds), mistakes),
        "counted_to": counted_to,
        "flags": FLAGS,
        "columns": COLUMNS,
        "orders": ORDERS,
        "axis": axis(),
        "symbols": symbols(),
    }
    return Template("board.html", values)


FLAGS: Final = ("fell_back", "disputed", "overdue")
"""The filters that the form has as boxes to tick."""
_COUNTED_HOLDS: Final = ("suspended", "stalled")
"""The holds that are counted above the board, the heavier one first."""


def _count_links(counts: Sequence[BoardCounts], page_filters: Mapping[str, str]) -> Iterator[CountLink]:
    """Yield how many irritants there are, and how many of them match each filter. Leave out filters without a match."""
    t = messages()

    def link(name: str, count: int, filters: Mapping[str, str], **values: object) -> CountLink:
        """Return one count. `values` are for the placeholders of its message."""
        text = t.counted(f"board.count.{name}", count, **values)
        return CountLink(text, filters, bool(filters) and filters == page_filters)

    yield link("irritants", sum(c.irritants for c in counts), {})
    for hold in _COUNTED_HOLDS:
        if count := sum(getattr(c, hold) for c in counts):
            yield link(hold, count, {"hold": hold})
    for flag in FLAGS:
        if count := sum(getattr(c, flag) or 0 for c in counts):  # None: not counted
            yield link(flag, count, {flag: "true"})
    for side, count in sorted(_awaited(counts).items()):
        yield link("awaiting", count, {"awaiting": side}, side=name_of(side))


def _awaited(counts: Iterable[BoardCounts]) -> Counter[str]:
    """Return how many irritants await each side, by its code."""
    awaited: Counter[str] = Counter()
    for count in counts:
        awaited.update(count.awaiting)
    return awaited


def _sides_to_choose(counts: Sequence[BoardCounts]) -> Sequence[tuple[str, Markup]]:
    """Return the code and the name of each side that the filter `awaiting` can choose."""
    return [(side, name_at_start(side)) for side in sorted(_awaited(counts))]


def _dates(boards: Iterable[BoardDocument]) -> Iterable[str | None]:
    """Yield the dates (EDTF) that the date slider covers: of the rounds, and of the last move of each irritant."""
    for board in boards:
        yield from (round.date for round in board.rounds)
        yield from (row.last_moved.occurred for row in board.items)


def section(board: BoardDocument, sort: str, counted_to: date, query: str) -> Section:
    """Return the board of one relation, sorted. A hyphen before the order reverses it.

    `query` is the query string for the point in time, such as `?as_of_position=7`, or "". All links end with it.
    """
    rows = sorted(board.items, key=ORDERS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    rounds = {round.id: round.name for round in board.rounds}
    return Section(board, lines(rows, rounds, counted_to, query))


COLUMNS: Final[Mapping[str, str]] = {
    "irritant": '<th scope="row"><a href="%(address)s">%(title)s</a><p>%(sentence)s</p></th>',
    "stands": "<td>%(ladder)s<p>%(sides)s</p></td>",
    "basis": "<td>%(basis)s</td>",
    "move": "<td>%(move)s</td>",
    "beside": "<td>%(beside)s</td>",
    "over": "<td>%(movement)s</td>",
    "moved": "<td>%(since)s</td>",
}
"""The cells of a line in their order. The messages `[board]` and `[board.why]` have the heading of each column."""
_LINE: Final = f'<tr id="irritant-%(id)s" data-position="%(position)s">{"".join(COLUMNS.values())}</tr>\n'
_PLACEHOLDERS: Final = {
    name: f"%({name})s" for name in ("id", "address", "position", "title", "sentence", "movement", "since", "move")
}
"""The placeholders that a cached line contains. The values of one irritant replace them."""


def lines(rows: Iterable[BoardRow], rounds: Mapping[str, str], counted_to: date, query: str) -> Markup:
    """Return the rows of the table. `rounds` has the names of rounds by id. `query` is as in `section`."""
    filled = "".join([_line(row, rounds, counted_to, query) for row in rows])
    return Markup(filled)  # noqa: S704 -- lines contain drawings, ids, and text that `_line` escapes


def _line(row: BoardRow, rounds: Mapping[str, str], counted_to: date, query: str) -> str:
    after_rounds = tuple([(rounds[a.round], a.status, a.confirmed_status) for a in row.over_the_rounds])
    address = f"/irritants/{row.id}{query}"
    return _cached_line(standing_of_row(row), names_in_use()) % {
        "id": row.id.replace("/", "-"),
        "address": address,
        "position": row.position,
        "title": bdi(row.title),
        "sentence": mixed(row.headline),
        "move": _awaiting_cell(row, address),
        "movement": movement(after_rounds, row.status, row.confirmed_status),
        "since": _moved_cell(row.last_moved.occurred, counted_to),
    }


@lru_cache(maxsize=8192)
def _cached_line(standing: Standing, _names: ActorNames) -> str:
    """Return the line of a standing, with placeholders for the values of one irritant.

    `_names` is only a part of the cache key: the cells contain names of actors, which the formatting functions look up.
    """
    cells = {
        "ladder": ladder(standing),
        "basis": _labelled("basis", basis_in_words(standing)),
        "beside": holds_and_setbacks(standing),
    }
    escaped = {name: str(cell).replace("%", "%%") for name, cell in cells.items()}
    # The cell of the sides has links with placeholders for the address, so its `%` signs stay single.
    return _LINE % (escaped | _PLACEHOLDERS | {"sides": _links_to_sides(standing)})


def _labelled(column: str, cell: str) -> str:
    """Return a cell with the name of its column, which narrow screens show in place of the table head."""
    return f"<i>{messages()(f'board.{column}')}</i>{cell}"


def _awaiting_cell(row: BoardRow, address: str) -> str:
    """Return each awaited act with its side, as a link to the open steps and proposals of the irritant."""
    if not row.awaits and row.awaiting == "none":
        return _labelled("move", f"<small>{name_at_start(row.awaiting)}</small>")
    texts = [mixed(at_the_beginning(act)) for act in row.awaits] or [name_at_start(row.awaiting)]
    return _labelled("move", "".join(f'<a href="{address}#moves">{text}</a>' for text in texts))


def _cached_name(actor: str) -> Markup:
    """Return a name for a cached line. Its `%` signs are doubled, because the line has placeholders."""
    return name_at_start(actor).replace("%", "%%")


def _links_to_sides(standing: Standing) -> str:
    """Return the rung of each side in words, with a link to its statements.

    If the reported status differs from the claimed one, the actors that report it follow in the same way.
    """
    t = messages()
    texts = [
        (party, t("board.side", party=_cached_name(party), rung=t(f"rung.{rung}"))) for party, rung in standing.rungs
    ]
    if standing.reported != standing.claimed:
        rung = t(f"rung.{standing.reported}")
        texts += [(actor, t("board.reporting", actor=_cached_name(actor), rung=rung)) for actor in standing.reported_by]
    return "".join(f'<a href="%(address)s#{actor}">{text}</a>' for actor, text in texts)


@lru_cache(maxsize=8192)
def _moved_cell(edtf: str | None, counted_to: date) -> str:
    """Return how long ago the irritant last moved, and on which date."""
    text = days_ago_in_words(edtf, counted_to)
    if edtf is not None:
        text = messages()("board.moved-on", since=text, day=edtf_in_words(edtf))
    return _labelled("moved", text)
