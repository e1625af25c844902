"""The difference of two readings of an irritant: before, after, and event by event why.

The readings may lie at two positions of the record, on two days of the world, or at one of each: what one holds and the
other does not is what explains them. So it is told apart whether the world moved, whether something older was learned
of, or whether the record was wrong.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Final, Literal

from service.domain.assertion import Recorded, Statement
from service.domain.corrections import Effective, effective
from service.domain.history import Reading, Reason
from service.domain.irritant.fold import evolve
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of
from service.projections import irritant
from service.projections.change import StandingDocument, standing_in, standing_of
from service.projections.document import Document, last_position
from service.projections.evidence import Cited, Placed, cite, placed
from service.projections.irritant import IrritantDocument

NAME: Final = "difference"
REPRESENTATION: Final = 2


class Explaining(Document):
    """An event that only one of the two readings knows, or knows to have happened.

    `changed`: what of the irritant it changed, by the names of its fields: as it was recorded, or where only the days
    read at differ, in its place in the order of the world. `target`: what it mends, strikes, repeats or denies.
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
    """`before` and `after` are null where nothing of the irritant was on record."""

    irritant: str
    before: IrritantDocument | None
    after: IrritantDocument | None
    changed: tuple[str, ...]
    events: tuple[Explaining, ...]
    position: int


class RelationDifference(Document):
    """The irritants of a relation that two readings of it tell of otherwise, by id."""

    relation: str
    items: tuple[DifferenceDocument, ...]
    position: int


def view(before: Reading[Irritant], after: Reading[Irritant]) -> DifferenceDocument:
    """The difference of two readings of one stream. Total."""
    was, now = _document(before), _document(after)
    return DifferenceDocument(
        irritant=after.stream.partition("/")[2],
        before=was,
        after=now,
        changed=changed(_standing(was), _standing(now)),
        events=(*_only_in(before, than=after, where="before"), *_only_in(after, than=before, where="after")),
        position=last_position(before, after),
    )


def of_relation(
    relation: str, before: Sequence[Reading[Irritant]], after: Sequence[Reading[Irritant]]
) -> RelationDifference:
    """The differences of all irritants of a relation; an irritant that is in one of them alone was not on record."""
    was, now = {r.stream: r for r in before}, {r.stream: r for r in after}
    found = (view(was.get(stream) or _nothing(stream), now.get(stream) or _nothing(stream)) for stream in was | now)
    items = sorted((d for d in found if d.changed or d.events), key=lambda d: d.irritant)
    return RelationDifference(relation=relation, items=tuple(items), position=last_position(*before, *after))


def _nothing(stream: str) -> Reading[Irritant]:
    """Of an irritant that was not on record."""
    return history_of(stream).reading()


def _document(reading: Reading[Irritant]) -> IrritantDocument | None:
    return irritant.view(reading) if reading.events else None


def _standing(document: IrritantDocument | None) -> StandingDocument | None:
    return standing_of(document) if document else None


def changed(before: StandingDocument | None, after: StandingDocument | None) -> tuple[str, ...]:
    """The names of the fields in which they are not the same; all, where one of them is nothing."""
    names = StandingDocument.model_fields
    return tuple(name for name in names if getattr(before, name, None) != getattr(after, name, None))


def _only_in(
    reading: Reading[Irritant], *, than: Reading[Irritant], where: Literal["before", "after"]
) -> Iterator[Explaining]:
    """What this reading holds and the other does not: recorded since, in that order, then happened since."""
    effects, recorded = placed(reading.effects), {e.id: e for e in reading.events}
    known = {e.id for e in than.events}
    for event, reason, fields in _recorded_since(reading, known):
        # What had not happened by the day read at explains nothing.
        if event.id in effects or not isinstance(event.data, Statement) or event.id in reading.amendments.struck:
            yield _explaining(event, where, reason, fields, effects)
    # What the other reading would hold too, were it not of another day; what it holds struck is told by the striking.
    unhappened = {e.id for e in effective(than.events, than.amendments)} - {e.id for e in than.effects}
    for effect, fields in _in_place(reading, unhappened):
        yield _explaining(recorded[effect.id], where, "world", fields, effects)


def _recorded_since(
    reading: Reading[Irritant], known: Container[str]
) -> Iterator[tuple[Recorded, Reason, tuple[str, ...]]]:
    """Each event that was not known, why readings changed by it, and what it changed as it was recorded."""
    history = history_of(reading.stream, (e for e in reading.events if e.id in known))
    before = _standing(_document(history.reading()))
    for event in reading.events:
        if event.id not in known:
            reason = history.append(event)
            after = standing_in(history.state)
            yield event, reason, changed(before, after)
            before = after


def _in_place(reading: Reading[Irritant], wanted: Container[str]) -> Iterator[tuple[Effective, tuple[str, ...]]]:
    """Each of these events that is part of the reading, and what it changed in the order of the world."""
    state = history_of(reading.stream).initial
    for effect in reading.effects:
        before, state = state, evolve(state, effect)
        if effect.id in wanted:
            were, are = (standing_in(s) for s in (before, state))
            yield effect, changed(were, are)


def _explaining(
    event: Recorded, where: Literal["before", "after"], reason: Reason, fields: tuple[str, ...], effects: Placed
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
        summary=str(getattr(event.data, "summary", None) or getattr(event.data, "reason", event.type)),
        cited=cite(effect) if effect and effect.assertion else None,
    )
