"""The timeline of one stream: every event by date, including retracted and corrected events.

The path `/timeline` below an irritant, a round, a relation or a source returns it. The dossier of an irritant contains
it, and `irritants history` shows it. A corrected event has its present content, its content as filed, and who changed
it, when and why.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

from service.domain.assertion import Assertion, AssertionCorrected, AssertionRetracted, Recorded, when
from service.domain.catalogue import dump
from service.domain.corrections import EffectiveEvent, effective_events
from service.domain.history import StreamAtPoint
from service.domain.irritant.state import StatusChange
from service.domain.ladder import RUNGS, Rung
from service.projections.document import Document
from service.projections.evidence import Cited, cite, effects_by_id

REPRESENTATION: Final = 4


class Amendment(Document):
    """A correction or retraction of an event, or of one of its corrections.

    `in_force` is false if it was retracted itself, or replaced by a later correction.
    """

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
    """One event. `place` is its number in the timeline, from 1, by date.

    `stands` is false if the event was retracted, is evidence for a retracted event, or had not happened by the day of
    the reading. `data` is the present content. `as_filed` is the content as filed, null if that is the same. `cited` is
    null for record-keeping and for an event that does not stand. `undated`: the event has no date, so a reading by day
    counts it from the day of its document, else of its origin.
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
    undated: bool
    stands: bool
    data: dict[str, Any]
    as_filed: dict[str, Any] | None
    amendments: tuple[Amendment, ...]
    moved: MovedTo | None
    cited: Cited | None


class Timeline(Document):
    """One page of events. `next` is the place after which the next page begins, null on the last page."""

    items: tuple[Entry, ...]
    next: int | None


class TimelineDocument(Timeline):
    """The timeline of one stream. `position` is the position of its last event."""

    stream: str
    position: int


def view(reading: StreamAtPoint[Any], after: int = 0, limit: int | None = None) -> TimelineDocument:
    """Return a page of the timeline of a stream, as a document. Total."""
    page = timeline(reading, after, limit)
    return TimelineDocument(items=page.items, next=page.next, stream=reading.stream, position=reading.position)


def timeline(reading: StreamAtPoint[Any], after: int = 0, limit: int | None = None) -> Timeline:
    """Return at most `limit` events after the place `after`. Total."""
    ordered = _in_order(reading)
    page = ordered[max(after, 0) :][:limit]
    effects, amendments = effects_by_id(reading.effects), _amendments(reading)
    # Only irritants have statuses.
    changes = {change.event: change for change in getattr(reading.state, "status_changes", ())}
    items = tuple(
        _entry(place, event, reading, effects.get(event.id), amendments.get(event.id, ()), changes.get(event.id))
        for place, event in enumerate(page, max(after, 0) + 1)
    )
    return Timeline(items=items, next=items[-1].place if items and items[-1].place < len(ordered) else None)


def _in_order(reading: StreamAtPoint[Any]) -> list[Recorded]:
    """Return every event by date, without corrections and retractions. Retracted events keep their place."""
    events = {e.id: e for e in reading.events if not isinstance(e.data, AssertionCorrected | AssertionRetracted)}
    in_force = dict.fromkeys(effect.id for effect in reading.effects)
    if len(in_force) == len(events):
        return [events[id] for id in in_force]
    # Order the events as if none was retracted, and insert each retracted event before its next event in force.
    without_retractions = [e for e in reading.events if not isinstance(e.data, AssertionRetracted)]
    # The retracted events before each event in force. Those after the last one have the key None.
    before: dict[str | None, list[str]] = {}
    retracted: list[str] = []
    for id in [*(effect.id for effect in effective_events(without_retractions)), None]:
        if id is None or id in in_force:
            before[id], retracted = retracted, []
        else:
            retracted.append(id)
    ordered = [
        id for next_id in (*in_force, None) for id in (*before.get(next_id, ()), *([next_id] if next_id else ()))
    ]
    # An event whose target is unknown is in no order. It comes last.
    unplaced = events.keys() - set(ordered)
    return [events[id] for id in ordered] + [e for id, e in events.items() if id in unplaced]


def _entry(
    place: int,
    event: Recorded,
    reading: StreamAtPoint[Any],
    effect: EffectiveEvent | None,
    amendments: Sequence[Amendment],
    change: StatusChange | None,
) -> Entry:
    """Return one event of the timeline. `effect`: the event with its dates, None if it does not stand."""
    data = reading.amendments.content_of(event)
    # Evidence has the date of its target, which only the effect shows.
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
        undated=occurred is None and isinstance(effect.data if effect else data, Assertion),
        stands=effect is not None,
        data=dump(data),
        as_filed=dump(event.data) if data != event.data else None,
        amendments=tuple(amendments),
        moved=_statuses_after(change) if change else None,
        cited=cite(effect) if effect and effect.assertion else None,
    )


def _statuses_after(change: StatusChange) -> MovedTo:
    return MovedTo(
        status=RUNGS[change.status], confirmed_status=RUNGS[change.confirmed], reported_status=RUNGS[change.reported]
    )


def _amendments(reading: StreamAtPoint[Any]) -> Mapping[str, list[Amendment]]:
    """Return, by event, its corrections and retractions, and the retractions of these, in the order of the record."""
    found: dict[str, list[Amendment]] = {}
    targets: dict[str, str] = {}
    for event in reading.events:
        if isinstance(event.data, AssertionCorrected | AssertionRetracted):
            root = targets[event.id] = targets.get(event.data.target, event.data.target)
            found.setdefault(root, []).append(_amendment(event, event.data, reading))
    return found


def _amendment(
    event: Recorded, data: AssertionCorrected | AssertionRetracted, reading: StreamAtPoint[Any]
) -> Amendment:
    amendments = reading.amendments
    if isinstance(data, AssertionRetracted):
        retraction = amendments.retracted.get(data.target)
        in_force = retraction is not None and retraction.id == event.id
    else:
        in_force = any(event.id == c.id for corrections in amendments.corrections.values() for c in corrections)
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
