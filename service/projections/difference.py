"""The difference of two readings of an irritant: before, after, and the events that explain it, each with its reason.

`GET /v1/irritants/{relation}/{slug}/difference` and `GET /v1/relations/{relation}/difference` return it. The readings
can be of two positions in the record, of two days of the world, or of one of each. The events that only one reading has
explain the difference: something happened, something older was filed, or the record was wrong.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Final, Literal

from service.domain.assertion import Recorded, Statement
from service.domain.corrections import EffectiveEvent, effective_events
from service.domain.history import Reason, StreamAtPoint
from service.domain.irritant.fold import evolve
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of
from service.projections import irritant
from service.projections.change import Redated, StandingDocument, redated, sentence, standing_in, standing_of
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, EffectsById, cite, effects_by_id
from service.projections.irritant import IrritantDocument
from service.projections.words.event_types import event_name

NAME: Final = "difference"
REPRESENTATION: Final = 7


class Explaining(Document):
    """An event that is in one of the two readings only, or that had happened in one of them only.

    `changed` has the names of the fields of the irritant that it changed: when it was recorded, or if the readings
    differ only in their day, when it happened. `target` is the event that it corrects, retracts, repeats or denies.
    """

    event: str
    position: int
    type: str
    only_in: Literal["before", "after"]
    reason: Reason
    changed: tuple[str, ...]
    target: str | None
    summary: str
    cited: Cited | None


class DifferenceDocument(Document):
    """Two readings of an irritant. `before` or `after` is null if the irritant was not on record there.

    `sentence` says what differs. `changed` has the names of the fields that differ, and `redated` the dates of events
    that one reading has corrected.
    """

    irritant: str
    before: IrritantDocument | None
    after: IrritantDocument | None
    sentence: str
    changed: tuple[str, ...]
    redated: tuple[Redated, ...]
    events: tuple[Explaining, ...]
    position: int


class RelationDifference(Document):
    """The irritants of a relation that differ between two readings, sorted by id."""

    relation: str
    items: tuple[DifferenceDocument, ...]
    position: int


def view(before: StreamAtPoint[Irritant], after: StreamAtPoint[Irritant]) -> DifferenceDocument:
    """Return the difference of two readings of one irritant. Total."""
    was, now = _document(before), _document(after)
    # Use the same names on both sides, because a new name of an actor does not change the irritant.
    named_alike = was if was is None or before.names is after.names else irritant.renamed(was, after.names)
    stood, stands = _standing(named_alike), _standing(now)
    known = {event.id for event in before.events}
    dates = redated((e for e in after.events if e.id in known), before.amendments, after.amendments)
    return DifferenceDocument(
        irritant=after.stream.partition("/")[2],
        before=was,
        after=now,
        sentence=sentence(stood, stands, dates, after.names),
        changed=changed(stood, stands),
        redated=dates,
        events=(*_only_in(before, than=after, where="before"), *_only_in(after, than=before, where="after")),
        position=last_position(before, after),
    )


def of_relation(
    relation: str, before: Sequence[StreamAtPoint[Irritant]], after: Sequence[StreamAtPoint[Irritant]]
) -> RelationDifference:
    """Return the differences of all irritants of a relation. An irritant in one list only is new in the other."""
    was, now = {r.stream: r for r in before}, {r.stream: r for r in after}
    found = (
        view(was.get(stream) or _not_on_record(stream), now.get(stream) or _not_on_record(stream))
        for stream in was | now
    )
    items = sorted((d for d in found if d.changed or d.events), key=lambda d: d.irritant)
    return RelationDifference(relation=relation, items=tuple(items), position=last_position(*before, *after))


def _not_on_record(stream: str) -> StreamAtPoint[Irritant]:
    """Return a reading without events, for an irritant that was not on record."""
    return history_of(stream).reading()


def _document(reading: StreamAtPoint[Irritant]) -> IrritantDocument | None:
    return irritant.view(reading) if reading.events else None


def _standing(document: IrritantDocument | None) -> StandingDocument | None:
    return standing_of(document) if document else None


def changed(before: StandingDocument | None, after: StandingDocument | None) -> tuple[str, ...]:
    """Return the names of the fields that differ. If one side is None, these are all fields that the other has."""
    names = StandingDocument.model_fields
    return tuple(name for name in names if getattr(before, name, None) != getattr(after, name, None))


def _only_in(
    reading: StreamAtPoint[Irritant], *, than: StreamAtPoint[Irritant], where: Literal["before", "after"]
) -> Iterator[Explaining]:
    """Yield the events that only this reading has: first those recorded since, then those that happened since."""
    effects, recorded = effects_by_id(reading.effects), {e.id: e for e in reading.events}
    known = {e.id for e in than.events}
    for event, reason, fields in _recorded_since(reading, known):
        # Leave out an event that had not happened by the day of the reading.
        if event.id in effects or not isinstance(event.data, Statement) or event.id in reading.amendments.retracted:
            yield _explaining(event, where, reason, fields, effects)
    # Events that the other reading has on record, but that happened after its day. None of them is retracted.
    only_later = {e.id for e in effective_events(than.events, than.amendments)} - {e.id for e in than.effects}
    for effect, fields in _happened_since(reading, only_later):
        yield _explaining(recorded[effect.id], where, "world", fields, effects)


def _recorded_since(
    reading: StreamAtPoint[Irritant], known: Container[str]
) -> Iterator[tuple[Recorded, Reason, tuple[str, ...]]]:
    """Yield each event that is not in `known`, with the reason and the fields that it changed when it was recorded."""
    history = history_of(reading.stream, (e for e in reading.events if e.id in known))
    before = _standing(_document(history.reading(names=reading.names)))
    for event in reading.events:
        if event.id not in known:
            reason = history.append(event)
            after = standing_in(history.state, reading.names)
            yield event, reason, changed(before, after)
            before = after


def _happened_since(
    reading: StreamAtPoint[Irritant], wanted: Container[str]
) -> Iterator[tuple[EffectiveEvent, tuple[str, ...]]]:
    """Yield each wanted event of the reading, with the fields that it changed when it happened."""
    state = history_of(reading.stream).initial
    for effect in reading.effects:
        before, state = state, evolve(state, effect)
        if effect.id in wanted:
            were, are = (standing_in(s, reading.names) for s in (before, state))
            yield effect, changed(were, are)


def _explaining(
    event: Recorded, where: Literal["before", "after"], reason: Reason, fields: tuple[str, ...], effects: EffectsById
) -> Explaining:
    effect = effects.get(event.id)
    return Explaining(
        event=event.id,
        position=event.position,
        type=event.type,
        only_in=where,
        reason=reason,
        changed=fields,
        target=getattr(event.data, "target", None),
        summary=str(getattr(event.data, "summary", None) or getattr(event.data, "reason", event_name(event.type))),
        cited=cite(effect) if effect and effect.assertion else None,
    )
