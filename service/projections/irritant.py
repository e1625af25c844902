"""The status of one irritant: where it stands, who stands behind it, what both confirm, whose move it is."""

from datetime import datetime
from typing import Any, Final, Literal

from service.domain.history import Reading
from service.domain.irritant import standing
from service.domain.irritant.standing import Basis
from service.domain.irritant.state import Hold, Irritant, Trend
from service.domain.ladder import RUNGS, Rung
from service.domain.streams import parse_stream
from service.projections.document import Document

NAME: Final = "irritant"
REPRESENTATION: Final = 1


class Side(Document):
    """One party: its rung, its own word for it, and its last assertion on this irritant."""

    rung: Rung
    wording: str | None
    occurred: str | None
    event: str | None


class Items(Document):
    """Countable things: how many there are, and how many a party says are settled."""

    settled: int
    total: int


class LastMoved(Document):
    """The last event, in the order of the world, that changed one of the three statuses; null where there is none."""

    occurred: str | None
    position: int | None


class IrritantDocument(Document):
    """One irritant as it stands on record."""

    id: str
    relation: str
    slug: str
    title: str
    category: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung
    basis: Basis
    origins: int
    lifecycle: Literal["open", "resolved", "withdrawn"]
    hold: Hold
    trend: Trend
    high_water_mark: Rung
    regressions: int
    reversible: Literal["true", "false", "unknown"]
    awaiting: str
    items: Items
    parties: dict[str, Side]
    last_moved: LastMoved
    recorded_at: datetime | None
    version: int
    position: int


def view(reading: Reading[Irritant]) -> IrritantDocument:
    """The document of a reading. Total: any history has one."""
    state, name = reading.state, parse_stream(reading.stream)
    assert name is not None
    assert name.relation is not None
    moved = state.moved
    return IrritantDocument(
        **stands(state),
        id=name.member,
        relation=name.relation,
        slug=name.slug,
        category=state.category,
        high_water_mark=RUNGS[state.high_water_mark],
        parties={party: _side(state, party) for party in state.parties},
        last_moved=LastMoved(occurred=moved.occurred if moved else None, position=moved.position if moved else None),
        recorded_at=reading.recorded_at,
        version=reading.version,
        position=reading.position,
    )


def stands(state: Irritant) -> dict[str, Any]:
    """How it stands, without where that is on record: what a change compares (`change.StandingDocument`)."""
    return {
        "title": state.title,
        "status": RUNGS[state.status],
        "confirmed_status": RUNGS[state.confirmed],
        "reported_status": RUNGS[state.reported],
        "basis": standing.basis(state),
        "origins": standing.origins(state),
        "lifecycle": state.lifecycle,
        "hold": standing.hold(state),
        "trend": state.trend,
        "regressions": state.regressions,
        "reversible": standing.reversible(state),
        "awaiting": standing.awaiting(state),
        "items": Items(settled=sum(i.status == "settled" for i in state.items.values()), total=len(state.items)),
    }


def _side(state: Irritant, party: str) -> Side:
    voice = state.last_statements.get(party)
    return Side(
        rung=RUNGS[state.rung_of(party)],
        wording=standing.wording(state, party),
        occurred=voice.occurred if voice else None,
        event=voice.event if voice else None,
    )


def facets(document: IrritantDocument) -> dict[str, object]:
    """What a list can be filtered by."""
    fields = vars(document)
    return {name: fields[name] for name in ("status", "basis", "lifecycle", "awaiting")}
