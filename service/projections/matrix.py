"""The position matrix: irritant by party, where each stands, how it stands towards it, and what it last said."""

from collections.abc import Sequence
from typing import Final, Literal, cast

from service.domain.history import Reading
from service.domain.irritant import standing, undertakings
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS, UNSTATED, Rung
from service.domain.relation.state import Relation
from service.domain.round.state import Round
from service.projections import irritant
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, cite, placed
from service.projections.irritant import DisputeDocument, Stance, ThirdParty

NAME: Final = "matrix"
REPRESENTATION: Final = 2


class LastWord(Document):
    """What a party last said, in the order of the world. `rung`: what it put it on, null beside the ladder."""

    type: str
    rung: Rung | None
    cited: Cited


class Cell(Document):
    """One party on one irritant. `silent`: it has said nothing of it at all."""

    rung: Rung
    stance: Stance
    wording: str | None
    hold: Literal["none", "stalled", "suspended"]
    silent: bool
    last_word: LastWord | None


class MatrixRow(Document):
    """One irritant. `reported_status` is the highest that any voice reports. `third_parties`: those who have spoken."""

    irritant: str
    title: str
    headline: str
    reported_status: Rung
    parties: dict[str, Cell]
    third_parties: tuple[ThirdParty, ...]
    disputes: tuple[DisputeDocument, ...]


class MatrixDocument(Document):
    """Every irritant of a relation, by id, with a cell for each party."""

    relation: str
    parties: tuple[str, str]
    items: tuple[MatrixRow, ...]
    position: int


def view(
    *, irritants: Sequence[Reading[Irritant]], rounds: Sequence[Reading[Round]], relation: Reading[Relation]
) -> MatrixDocument:
    """The matrix at these readings. Total."""
    return MatrixDocument(
        relation=relation.stream.partition("/")[2],
        parties=relation.state.parties,
        items=tuple(sorted(map(_row, irritants), key=lambda row: row.irritant)),
        position=last_position(relation, *irritants, *rounds),
    )


def _row(reading: Reading[Irritant]) -> MatrixRow:
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


def _cell(reading: Reading[Irritant], party: str) -> Cell:
    state = reading.state
    stance, placed = standing.stance(state, party), undertakings.holds(state).get(party)
    return Cell(
        rung=RUNGS[state.rung_of(party)],
        stance=cast(Stance, stance.data.stance if stance else "none"),
        wording=standing.position(state, party).wording,
        hold=cast(Literal["none", "stalled", "suspended"], placed[0] if placed else "none"),
        silent=standing.silent(state, party),
        last_word=_last_word(reading, party),
    )


def _last_word(reading: Reading[Irritant], party: str) -> LastWord | None:
    voice = reading.state.last_statements.get(party)
    if voice is None:
        return None
    effect = placed(reading.effects)[voice.event]
    rung = None if voice.rung is None or voice.rung == UNSTATED else RUNGS[voice.rung]
    return LastWord(type=type(effect.data).__name__, rung=rung, cited=cite(effect))
