"""The board of a relation: one row for each irritant, with its headline and its statuses now and after each round.

`GET /v1/relations/{relation}/board` returns it as JSON or CSV. The board page and `irritants board` show it.
A round has a column if it met and its day is known.
"""

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from service.domain.assertion import when
from service.domain.history import StreamAtPoint
from service.domain.irritant.state import Irritant
from service.domain.ladder import LEVELS, RUNGS, Rung
from service.domain.relation.state import Relation
from service.domain.round.membership import Membership, membership
from service.domain.round.state import MET, Phase, Round
from service.projections import headline, irritant
from service.projections.change import StandingDocument, standing_of
from service.projections.document import Document, last_position
from service.projections.formats.tables import as_csv
from service.projections.irritant import AwaitedAct, LastMoved, LatestWord, ThirdParty
from service.projections.words.names import named, round_name

NAME: Final = "board"
REPRESENTATION: Final = 9


class BoardRound(Document):
    """A round with a date. `earliest` and `latest` are the first and the last day that the date can mean."""

    id: str
    name: str
    phase: Phase
    date: str
    earliest: dt.date | None
    latest: dt.date

    @property
    def met(self) -> bool:
        return self.phase in MET


class AfterRound(Document):
    """The three statuses after a round: from all events before the round, and from those that belong to it."""

    round: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung


class BoardRow(StandingDocument):
    """One irritant: its statuses now, after each round, and when they last changed. `position` is its last event.

    `latest` has the last assertion of each side, null for a silent side. `awaits` has each awaited act in words.
    `fell_back`: the last move of a side was down, or a higher rung was claimed before. `overdue`: an awaited act is
    past its date, null if the request gave no day.
    """

    id: str
    category: str
    high_water_mark: Rung
    last_moved: LastMoved
    latest: dict[str, LatestWord | None]
    stands: tuple[str, ...]
    reported_by: tuple[str, ...]
    third_parties: tuple[ThirdParty, ...]
    awaited: tuple[AwaitedAct, ...]
    awaits: tuple[str, ...]
    fell_back: bool
    overdue: bool | None
    over_the_rounds: tuple[AfterRound, ...]
    position: int


class BoardCounts(Document):
    """How many irritants of a relation are in each state, whatever the filters of the request.

    `awaiting` counts by awaited side: the code of a party, or `both`. `overdue` is null if the request gave no day.
    """

    irritants: int
    suspended: int
    stalled: int
    fell_back: int
    disputed: int
    overdue: int | None
    awaiting: dict[str, int]


class BoardDocument(Document):
    """The irritants of a relation, by id, and its rounds, by day. `next` is always null: there is one page.

    `counts` are those of all irritants, and `items` those that the filters chose. `on` is the day from which acts are
    overdue. `names` has the name of each actor in the document, by code or slug, as it stands within a sentence.
    """

    relation: str
    title: str
    parties: tuple[str, str]
    on: dt.date | None
    counts: BoardCounts
    rounds: tuple[BoardRound, ...]
    items: tuple[BoardRow, ...]
    names: dict[str, str]
    next: str | None
    position: int


def view(
    *,
    irritants: Sequence[StreamAtPoint[Irritant]],
    rounds: Sequence[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
    members: Membership | None = None,
    on: dt.date | None = None,
) -> BoardDocument:
    """Return the board of a relation. Total.

    `members` decides which event belongs to which round. `on` is the day from which awaited acts are overdue.
    """
    members = members or membership(rounds, relation)
    dated = sorted((found for reading in rounds for found in _dated(reading)), key=lambda r: (r.latest, r.id))
    met = [round.id for round in dated if round.met]
    rows = [_row(reading, met, members, on) for reading in irritants]
    actors = {*relation.state.parties, *(third.actor for row in rows for third in row.third_parties)}
    return BoardDocument(
        relation=relation.stream.partition("/")[2],
        title=relation.state.title,
        parties=relation.state.parties,
        on=on,
        counts=_counts(rows, on),
        rounds=tuple(dated),
        items=tuple(sorted(rows, key=lambda row: row.id)),
        names=named(actors, relation.names),
        next=None,
        position=last_position(relation, *irritants, *rounds),
    )


def chosen(board: BoardDocument, filters: Mapping[str, object]) -> BoardDocument:
    """Return the board with the rows that pass every filter. `filters` has values by name in `FILTERS`."""
    rows = tuple(row for row in board.items if all(FILTERS[name](row, value) for name, value in filters.items()))
    return board.model_copy(update={"items": rows})


FILTERS: Final[Mapping[str, Callable[[BoardRow, Any], bool]]] = {
    "awaiting": lambda row, side: row.awaiting == side,
    "hold": lambda row, hold: row.hold == hold,
    "disputed": lambda row, wanted: bool(row.disputes) is wanted,
    "fell_back": lambda row, wanted: row.fell_back is wanted,
    "overdue": lambda row, wanted: row.overdue is wanted,
    "changed_after": lambda row, position: row.position > position,
}
"""Whether a row passes a filter, by the name of the parameter."""


def _counts(rows: Sequence[BoardRow], on: dt.date | None) -> BoardCounts:
    awaiting = Counter(row.awaiting for row in rows if row.awaiting != "none")
    return BoardCounts(
        irritants=len(rows),
        suspended=sum(row.hold == "suspended" for row in rows),
        stalled=sum(row.hold == "stalled" for row in rows),
        fell_back=sum(row.fell_back for row in rows),
        disputed=sum(bool(row.disputes) for row in rows),
        overdue=None if on is None else sum(bool(row.overdue) for row in rows),
        awaiting=dict(sorted(awaiting.items())),
    )


def _dated(reading: StreamAtPoint[Round]) -> Sequence[BoardRound]:
    """Return the round if it has a date whose last day is known, else nothing."""
    state, id = reading.state, reading.stream.partition("/")[2]
    span = when(state.date)
    if state.date is None or span.latest is None:
        return ()
    return (
        BoardRound(
            id=id,
            name=round_name(id, state.title),
            phase=state.phase,
            date=state.date,
            earliest=span.earliest,
            latest=span.latest,
        ),
    )


_OWN: Final = (
    *("id", "category", "high_water_mark", "last_moved", "stands", "reported_by", "third_parties", "awaited"),
    "position",
)


def _row(reading: StreamAtPoint[Irritant], rounds: Sequence[str], members: Membership, on: dt.date | None) -> BoardRow:
    fields = reading.cached(_own_fields)
    overdue = None if on is None else _is_overdue(fields["awaited"], on)
    return BoardRow(**fields, overdue=overdue, over_the_rounds=tuple(_after_rounds(reading, rounds, members)))


def _is_overdue(awaited: Iterable[AwaitedAct], on: dt.date) -> bool:
    """Return whether an act is awaited whose last possible day is before `on`."""
    return any((latest := when(act.due).latest) is not None and latest < on for act in awaited if act.due)


def _own_fields(reading: StreamAtPoint[Irritant]) -> dict[str, Any]:
    """Return the fields of a row that depend on the irritant alone.

    A reading keeps them, so a report changes the rows of its own irritants only.
    """
    document = reading.cached(irritant.view)
    own = {name: getattr(document, name) for name in _OWN}
    latest = {party: side.latest for party, side in document.parties.items()}
    return {
        **vars(standing_of(document)),
        **own,
        "latest": latest,
        "awaits": headline.awaited_in_short(document, reading.names),
        "fell_back": document.trend == "regressed" or LEVELS[document.high_water_mark] > LEVELS[document.status],
    }


def _after_rounds(reading: StreamAtPoint[Irritant], rounds: Sequence[str], members: Membership) -> Iterator[AfterRound]:
    """Yield the statuses of an irritant after each round that met."""
    if not rounds:
        return
    slots = members.slots(reading.effects)
    is_in_order = slots == sorted(slots)
    at = {effect.id: n for n, effect in enumerate(reading.effects)}
    for round in rounds:
        last = members.last_slot(round)
        count = bisect_right(slots, last) if is_in_order else sum(slot <= last for slot in slots)
        if is_in_order or max(slots[:count], default=0) <= last:
            # The events up to the round are the first ones, so the fold has computed the status after it.
            by_then = [moved for moved in reading.state.status_changes if at[moved.event] < count]
        else:
            by_then = list(members.after(round, reading).state.status_changes)
        levels = (by_then[-1].status, by_then[-1].confirmed, by_then[-1].reported) if by_then else (0, 0, 0)
        status, confirmed, reported = (RUNGS[level] for level in levels)
        yield AfterRound(round=round, status=status, confirmed_status=confirmed, reported_status=reported)


_COLUMNS: Final = (
    "id",
    "title",
    "headline",
    "category",
    "status",
    "confirmed_status",
    "reported_status",
    "basis",
    "origins",
    "lifecycle",
    "hold",
    "trend",
    "high_water_mark",
    "regressions",
    "reversible",
    "awaiting",
    "fell_back",
    "overdue",
)


def csv(board: BoardDocument, reading: str = "") -> str:
    """Return the board as CSV, with a column for the rung of each side and the status after each round.

    `reading` is the sentence on a reading of the past.
    """
    parties, rounds = board.parties, [r.id for r in board.rounds if r.met]
    heading = (*_COLUMNS, "awaits", *parties, "settled", "items", "last_moved", *rounds)
    return as_csv(heading, (_cells(row, parties) for row in board.items), reading)


def _cells(row: BoardRow, parties: Sequence[str]) -> tuple[object, ...]:
    return (
        *(getattr(row, name) for name in _COLUMNS),
        "; ".join(row.awaits),
        *(row.rungs[party] for party in parties),
        row.items.settled,
        row.items.total,
        row.last_moved.occurred,
        *(after.status for after in row.over_the_rounds),
    )
