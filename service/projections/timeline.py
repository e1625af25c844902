"""What was recorded on one stream, in the order of the world, with all that was struck from it or mended in it.

Nothing that was ever recorded is left out: what reads differently now stands as it reads and as it was filed, and says
who changed it, when and why.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded, when
from service.domain.catalogue import dump
from service.domain.corrections import Effective, effective
from service.domain.history import Reading
from service.domain.irritant.state import StatusChange
from service.domain.ladder import RUNGS, Rung
from service.projections.document import Document
from service.projections.evidence import Cited, cite

REPRESENTATION: Final = 2


class Amendment(Document):
    """A correction or retraction of the event, or of one of its corrections; in force unless struck or replaced."""

    event: str
    kind: Literal["correction", "retraction"]
    target: str
    actor: str
    recorded_at: datetime
    reason: str
    changes: dict[str, Any] | None
    in_force: bool


class MovedTo(Document):
    """The three statuses after an event that changed one of them."""

    status: Rung
    confirmed_status: Rung
    reported_status: Rung


class Entry(Document):
    """One event. `place` counts from 1 in the order of the world.

    `stands`: whether it is part of what is read now; not so where it was struck, where it is evidence of what was, or
    where it had not happened by the day read at. `data` is how it reads, `as_filed` how it was filed where that is
    otherwise. `cited` is null for record-keeping, and for what does not stand.
    """

    place: int
    event: str
    position: int
    version: int
    recorded_at: datetime
    actor: str
    report: str
    type: str
    occurred: str | None
    earliest: date | None
    latest: date | None
    inferred: bool
    stands: bool
    data: dict[str, Any]
    as_filed: dict[str, Any] | None
    amendments: tuple[Amendment, ...]
    moved: MovedTo | None
    cited: Cited | None


class Timeline(Document):
    """One page of the events. `next` is the last place on it where there are more, to ask for what comes after."""

    items: tuple[Entry, ...]
    next: int | None


class TimelineDocument(Timeline):
    """The timeline of one stream by itself. `position` is that of its last event."""

    stream: str
    position: int


def view(reading: Reading[Any], after: int = 0, limit: int | None = None) -> TimelineDocument:
    """The timeline of a reading, as a document. Total."""
    page = timeline(reading, after, limit)
    return TimelineDocument(items=page.items, next=page.next, stream=reading.stream, position=reading.position)


def timeline(reading: Reading[Any], after: int = 0, limit: int | None = None) -> Timeline:
    """The events from the place after `after` on. Total."""
    ordered = _in_order(reading)
    page = ordered[max(after, 0) :][:limit]
    placed, amended = {effect.id: effect for effect in reading.effects}, _amended(reading)
    moves = {moved.event: moved for moved in getattr(reading.state, "course", ())}
    items = tuple(
        _entry(place, event, reading, placed.get(event.id), amended.get(event.id, ()), moves.get(event.id))
        for place, event in enumerate(page, max(after, 0) + 1)
    )
    return Timeline(items=items, next=items[-1].place if items and items[-1].place < len(ordered) else None)


def _in_order(reading: Reading[Any]) -> list[Recorded]:
    """Every event that is no amendment; what does not stand is put where it would, were it not struck."""
    events = {e.id: e for e in reading.events if not isinstance(e.data, AssertionCorrected | AssertionRetracted)}
    standing = dict.fromkeys(effect.id for effect in reading.effects)
    if len(standing) == len(events):
        return [events[id] for id in standing]
    unstruck = [e for e in reading.events if not isinstance(e.data, AssertionRetracted)]
    before: dict[str | None, list[str]] = {}
    waiting: list[str] = []
    for id in [*(effect.id for effect in effective(unstruck)), None]:
        if id is None or id in standing:
            before[id], waiting = waiting, []
        else:
            waiting.append(id)
    ordered = [id for stands in (*standing, None) for id in (*before.get(stands, ()), *([stands] if stands else ()))]
    unplaced = events.keys() - set(ordered)
    return [events[id] for id in ordered] + [e for id, e in events.items() if id in unplaced]


def _entry(
    place: int,
    event: Recorded,
    reading: Reading[Any],
    effect: Effective | None,
    amendments: Sequence[Amendment],
    moved: StatusChange | None,
) -> Entry:
    data = reading.amendments.reads(event)
    occurred = getattr(effect.data if effect else data, "occurred", None)
    span = effect or when(occurred)
    return Entry(
        place=place,
        event=event.id,
        position=event.position,
        version=event.version,
        recorded_at=event.recorded_at,
        actor=event.actor,
        report=event.report,
        type=event.type,
        occurred=occurred,
        earliest=span.earliest,
        latest=span.latest,
        inferred=getattr(effect.data if effect else data, "occurred_basis", "stated") == "inferred",
        stands=effect is not None,
        data=dump(data),
        as_filed=dump(event.data) if data != event.data else None,
        amendments=tuple(amendments),
        moved=_moved(moved) if moved else None,
        cited=cite(effect) if effect and effect.assertion else None,
    )


def _moved(moved: StatusChange) -> MovedTo:
    return MovedTo(
        status=RUNGS[moved.status], confirmed_status=RUNGS[moved.confirmed], reported_status=RUNGS[moved.reported]
    )


def _amended(reading: Reading[Any]) -> Mapping[str, list[Amendment]]:
    """By event, everything that was filed to mend or to strike it, or to mend or to strike that, in the order filed."""
    found: dict[str, list[Amendment]] = {}
    targets: dict[str, str] = {}
    for event in reading.events:
        if isinstance(event.data, AssertionCorrected | AssertionRetracted):
            root = targets[event.id] = targets.get(event.data.target, event.data.target)
            found.setdefault(root, []).append(_amendment(event, event.data, reading))
    return found


def _amendment(event: Recorded, data: AssertionCorrected | AssertionRetracted, reading: Reading[Any]) -> Amendment:
    amendments = reading.amendments
    if isinstance(data, AssertionRetracted):
        striking = amendments.struck.get(data.target)
        in_force = striking is not None and striking.id == event.id
    else:
        in_force = any(event.id == c.id for held in amendments.corrections.values() for c in held)
    return Amendment(
        event=event.id,
        kind="retraction" if isinstance(data, AssertionRetracted) else "correction",
        target=data.target,
        actor=event.actor,
        recorded_at=event.recorded_at,
        reason=data.reason,
        changes=data.changes if isinstance(data, AssertionCorrected) else None,
        in_force=in_force,
    )
