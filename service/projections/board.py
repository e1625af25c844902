"""The board of a relation: every irritant in one line, as a desk pins it to the wall.

The line tells how the irritant moved as well as where it stands: its statuses after each round that has a day.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from service.domain.assertion import when
from service.domain.history import Reading
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, Rung
from service.domain.relation.state import Relation
from service.domain.round.state import Phase, Round
from service.projections import irritant
from service.projections.change import StandingDocument, standing_of
from service.projections.document import Document, last_position
from service.projections.irritant import LastMoved, LatestWord, ThirdParty
from service.projections.tables import as_csv

NAME: Final = "board"
REPRESENTATION: Final = 4


class BoardRound(Document):
    """A round that has a day, and the last day that it can have been."""

    id: str
    phase: Phase
    date: str
    latest: dt.date


class AfterRound(Document):
    """The three statuses when a round was over: all that had possibly happened by its last day."""

    round: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung


class BoardRow(StandingDocument):
    """One irritant: how it stands, how it came there, and when it last moved. `position`: its last event.

    `latest`: the last word of each side, null where it is silent.
    """

    id: str
    category: str
    high_water_mark: Rung
    last_moved: LastMoved
    latest: dict[str, LatestWord | None]
    third_parties: tuple[ThirdParty, ...]
    over_the_rounds: tuple[AfterRound, ...]
    position: int


class BoardDocument(Document):
    """Every irritant of a relation, by id, and its rounds by their day. It is one page: `next` is null always."""

    relation: str
    title: str
    parties: tuple[str, str]
    rounds: tuple[BoardRound, ...]
    items: tuple[BoardRow, ...]
    next: str | None
    position: int


def view(
    *, irritants: Sequence[Reading[Irritant]], rounds: Sequence[Reading[Round]], relation: Reading[Relation]
) -> BoardDocument:
    """The board at these readings. Total."""
    dated = sorted((found for reading in rounds for found in _dated(reading)), key=lambda r: (r.latest, r.id))
    rows = (_row(reading, dated) for reading in irritants)
    return BoardDocument(
        relation=relation.stream.partition("/")[2],
        title=relation.state.title,
        parties=relation.state.parties,
        rounds=tuple(dated),
        items=tuple(sorted(rows, key=lambda row: row.id)),
        next=None,
        position=last_position(relation, *irritants, *rounds),
    )


def _dated(reading: Reading[Round]) -> Sequence[BoardRound]:
    state = reading.state
    last = when(state.date).latest
    if state.date is None or last is None:
        return ()
    return (BoardRound(id=reading.stream.partition("/")[2], phase=state.phase, date=state.date, latest=last),)


_OWN: Final = ("id", "category", "high_water_mark", "last_moved", "third_parties", "position")


def _row(reading: Reading[Irritant], rounds: Sequence[BoardRound]) -> BoardRow:
    document = irritant.view(reading)
    own = {name: getattr(document, name) for name in _OWN}
    latest = {party: side.latest for party, side in document.parties.items()}
    over = tuple(_after(reading.state, round) for round in rounds)
    return BoardRow(**dict(standing_of(document)), **own, latest=latest, over_the_rounds=over)


def _after(state: Irritant, round: BoardRound) -> AfterRound:
    by_then = [moved for moved in state.course if moved.earliest is None or moved.earliest <= round.latest]
    levels = (by_then[-1].status, by_then[-1].confirmed, by_then[-1].reported) if by_then else (0, 0, 0)
    status, confirmed, reported = (RUNGS[level] for level in levels)
    return AfterRound(round=round.id, status=status, confirmed_status=confirmed, reported_status=reported)


_COLUMNS: Final = (
    "id",
    "title",
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
)


def csv(board: BoardDocument) -> str:
    """The board as a table, with a column for each side's rung and each round's status."""
    parties, rounds = board.parties, [r.id for r in board.rounds]
    heading = (*_COLUMNS, *parties, "settled", "items", "last_moved", *rounds)
    return as_csv(heading, (_cells(row, parties) for row in board.items))


def _cells(row: BoardRow, parties: Sequence[str]) -> tuple[object, ...]:
    return (
        *(getattr(row, name) for name in _COLUMNS),
        *(row.rungs[party] for party in parties),
        row.items.settled,
        row.items.total,
        row.last_moved.occurred,
        *(after.status for after in row.over_the_rounds),
    )
