"""The position matrix of a relation: for each irritant and side, the rung, the stance and the last assertion.

`GET /v1/relations/{relation}/matrix` returns it, and `irritants matrix` shows it.
"""

from collections.abc import Sequence
from typing import Final, Literal, cast

from service.domain.history import StreamAtPoint
from service.domain.irritant import standing, undertakings
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, UNSTATED, Rung
from service.domain.relation.state import Relation
from service.domain.round.state import Round
from service.projections import irritant
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, cite, effects_by_id
from service.projections.irritant import DisputeDocument, Stance, ThirdParty
from service.projections.words.names import named

NAME: Final = "matrix"
REPRESENTATION: Final = 6


class LastWord(Document):
    """The last assertion of a side, by date. `rung` is the rung that it supports, null if it supports none.

    `certain` is false if the dates do not show that it is the last: another assertion of the side can be as late.
    """

    type: str
    rung: Rung | None
    certain: bool
    cited: Cited


class Cell(Document):
    """One side on one irritant. `silent`: no assertion of it is on record."""

    rung: Rung
    stance: Stance
    wording: str | None
    hold: Literal["none", "stalled", "suspended"]
    silent: bool
    last_word: LastWord | None


class MatrixRow(Document):
    """One irritant. `third_parties` are those that have spoken about it."""

    irritant: str
    title: str
    headline: str
    reported_status: Rung
    parties: dict[str, Cell]
    third_parties: tuple[ThirdParty, ...]
    disputes: tuple[DisputeDocument, ...]


class MatrixDocument(Document):
    """Every irritant of a relation, by id, with a cell for each side. `names` has the names of its actors."""

    relation: str
    parties: tuple[str, str]
    items: tuple[MatrixRow, ...]
    names: dict[str, str]
    position: int


def view(
    *,
    irritants: Sequence[StreamAtPoint[Irritant]],
    rounds: Sequence[StreamAtPoint[Round]],
    relation: StreamAtPoint[Relation],
) -> MatrixDocument:
    """Return the position matrix of a relation. Total."""
    rows = sorted(map(_row, irritants), key=lambda row: row.irritant)
    actors = {*relation.state.parties, *(third.actor for row in rows for third in row.third_parties)}
    return MatrixDocument(
        relation=relation.stream.partition("/")[2],
        parties=relation.state.parties,
        items=tuple(rows),
        names=named(actors, relation.names),
        position=last_position(relation, *irritants, *rounds),
    )


def _row(reading: StreamAtPoint[Irritant]) -> MatrixRow:
    state, document = reading.state, irritant.view(reading)
    return MatrixRow(
        irritant=document.id,
        title=document.title,
        headline=document.headline,
        reported_status=document.reported_status,
        parties={party: _cell(reading, party) for party in state.parties},
        third_parties=document.third_parties,
        disputes=document.disputes,
    )


def _cell(reading: StreamAtPoint[Irritant], party: str) -> Cell:
    state = reading.state
    stance, placed = standing.stance(state, party), undertakings.holds(state).get(party)
    return Cell(
        rung=RUNGS[state.rung_of(party)],
        stance=cast(Stance, stance.data.stance if stance else "none"),
        wording=standing.position(state, party).wording,
        hold=cast(Literal["none", "stalled", "suspended"], placed.kind if placed else "none"),
        silent=standing.silent(state, party),
        last_word=_last_word(reading, party),
    )


def _last_word(reading: StreamAtPoint[Irritant], party: str) -> LastWord | None:
    voice = reading.state.last_statements.get(party)
    if voice is None:
        return None
    effect = effects_by_id(reading.effects)[voice.event]
    rung = None if voice.rung is None or voice.rung == UNSTATED else RUNGS[voice.rung]
    return LastWord(type=type(effect.data).__name__, rung=rung, certain=voice.certain, cited=cite(effect))
