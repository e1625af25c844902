"""Compute what the history of a stream says now: `effective_events` applies corrections and retractions, and sorts.

The record is append-only, so a mistake is corrected by a further event. `effective_events` applies such events, makes
each piece of evidence a copy of its target with another voice or document, and sorts all by *order of occurrence*: the
order in which things happened, not in which they were filed. All states, past and present, are folded from its result.

The order is by earliest day (unknown first), then latest day (unknown last), then reversals, reopenings and withdrawals
last, then position. An event that names another comes after it.

No history makes these functions raise. An event whose target is unknown or retracted has no effect.
"""

import heapq
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Final

from pydantic import ValidationError

from service.domain.assertion import (
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    EventModel,
    EvidenceAdded,
    HandlingChanged,
    Recorded,
    when,
)
from service.domain.catalogue import dump, load
from service.domain.irritant.events import (
    InstrumentStated,
    IrritantReopened,
    IrritantWithdrawn,
    NextStepAgreed,
    NextStepClosed,
    ProgressReversed,
)

WITHOUT_EFFECT: Final = (AssertionCorrected, AssertionRetracted, HandlingChanged)
"""The types that are about other events and say nothing of their own."""
BEGINNING: Final = date.min
END: Final = date.max

Key = tuple[date, date, bool, int]
"""The sort key: earliest day, latest day, whether it is a reversal, a reopening or a withdrawal, position."""

VoiceAndOrigin = tuple[str, str]
"""Who speaks, and the origin."""

_EARLIER_EVENTS: Final = ("target", "proposal", "undoes", "after")
"""The fields with the id of an event that this event comes after."""


@dataclass(frozen=True, slots=True)
class EffectiveEvent:
    """An event after all corrections, with its dates. Other modules call it an effect.

    `root`: the id of the assertion that this is evidence of, or its own id. `relay`: this evidence has the same voice
    and origin as earlier evidence or the assertion itself, so it adds a document but no voice. `earliest`, `latest`:
    the first and the last day that it can have, None if unknown.
    """

    id: str
    root: str
    position: int
    recorded_at: datetime
    report: str
    data: EventModel
    earliest: date | None = None
    latest: date | None = None
    relay: bool = False

    @property
    def is_evidence(self) -> bool:
        return self.id != self.root

    @property
    def assertion(self) -> Assertion | None:
        return self.data if isinstance(self.data, Assertion) else None


def merge_patch(target: object, patch: object) -> object:
    """Return a JSON value after a JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def corrected(event: EventModel, changes: Mapping[str, object], *, on_record: bool = False) -> EventModel:
    """Return an event with these changes (a JSON Merge Patch). Raise ValidationError if the result is invalid."""
    changed = merge_patch(dump(event), changes)
    return load(type(event).__name__, changed, on_record=on_record)  # type: ignore[arg-type]  # a mapping by RFC 7396


class Amendments:
    """The corrections and retractions of one history that are in effect.

    `retracted`: the retraction of each retracted event. `corrections`: the corrections of each corrected event, in the
    order of filing. Both are by the id of the retracted or corrected event.
    """

    def __init__(self, history: Iterable[Recorded]) -> None:
        self._events = {e.id: e for e in history if isinstance(e.data, AssertionCorrected | AssertionRetracted)}
        self.retracted: dict[str, Recorded] = {}
        self._resolve_retractions()
        self.corrections = self._resolve_corrections()

    def _resolve_retractions(self) -> None:
        # From the last to the first, because the retraction of a retraction is filed after it.
        for event in reversed(self._events.values()):
            if isinstance(event.data, AssertionRetracted) and event.id not in self.retracted:
                self.retracted[event.data.target] = event

    def _resolve_corrections(self) -> dict[str, list[Recorded]]:
        """Find the corrections in effect. A correction of a correction replaces it, and ends with it."""
        found: dict[str, list[Recorded]] = {}
        for event in self._events.values():
            if not isinstance(event.data, AssertionCorrected) or not self._is_in_effect(event):
                continue
            named = self._events.get(event.data.target)
            root = self.corrected_root(event.id)
            if named is not None and named.id != root:
                found[root] = [c for c in found.get(root, ()) if c.id != named.id]
            found.setdefault(root, []).append(event)
        return found

    def _is_in_effect(self, correction: Recorded) -> bool:
        """Return whether neither a correction nor another one that it corrects is retracted."""
        seen: set[str] = set()
        event: Recorded | None = correction
        while event is not None and isinstance(event.data, AssertionCorrected) and event.id not in seen:
            if event.id in self.retracted:
                return False
            seen.add(event.id)
            event = self._events.get(event.data.target)
        return True

    def corrected_root(self, target: str) -> str:
        """Return the id of the event that a correction of `target` changes.

        That is `target`, or if `target` is itself a correction, the event that it corrects.
        """
        seen = set()
        while (event := self._events.get(target)) and isinstance(event.data, AssertionCorrected) and target not in seen:
            seen.add(target)
            target = event.data.target
        return target

    def content_of(self, event: Recorded, *, strictly: bool = False) -> EventModel:
        """Return the content of an event after its corrections.

        Skip a correction whose result is invalid, or with `strictly` raise ValidationError.
        """
        data = event.data
        for correction in self.corrections.get(event.id, ()):
            assert isinstance(correction.data, AssertionCorrected)
            try:
                data = corrected(data, correction.data.changes, on_record=not strictly)
            except ValidationError:
                if strictly:
                    raise
        return data


def effective_events(history: Sequence[Recorded], amendments: Amendments | None = None) -> list[EffectiveEvent]:
    """Return the events of a history after all corrections, in order of occurrence, without retracted ones.

    Cost: O(n log n), and one validation for each correction.
    """
    amendments = amendments or Amendments(history)
    placed: dict[str, EffectiveEvent] = {}
    for event in history:
        if event.id in amendments.retracted or isinstance(event.data, WITHOUT_EFFECT):
            continue
        if (effect := effective_event(event, amendments.content_of(event), placed)) is not None:
            placed[event.id] = effect
    return in_order_of_occurrence(placed.values())


def effective_event(
    event: Recorded, data: EventModel, placed: Mapping[str, EffectiveEvent], *, proposed: bool = False
) -> EffectiveEvent | None:
    """Return an event with its dates, None if the event that it needs (`aims_at`) is not in `placed`.

    `data`: its content after corrections. `placed`: the events before it that have an effect, by id. `proposed`: the
    event is not recorded yet, so return it even without its target, for the rules to refuse. Evidence without its
    target is always None.
    """
    if not proposed and (needed := aims_at(data)) is not None and needed not in placed:
        return None
    if isinstance(data, EvidenceAdded):
        target = placed.get(data.target)
        if target is None or not isinstance(target.data, Assertion):
            return None
        repeated = target.data.model_copy(
            update={
                "asserted_by": data.asserted_by,
                "source": data.source,
                "summary": data.summary,
                "wording": data.wording,
            }
        )
        return EffectiveEvent(event.id, target.root, event.position, event.recorded_at, event.report, repeated)
    span = when(data.occurred) if isinstance(data, Assertion) else when(None)
    return EffectiveEvent(
        event.id, event.id, event.position, event.recorded_at, event.report, data, span.earliest, span.latest
    )


def aims_at(data: EventModel) -> str | None:
    """Return the id of the event without which this one has no effect: its target, proposal or instrument."""
    fields = vars(data)
    aim: str | None = fields.get("target") or fields.get("proposal")
    return data.instrument if isinstance(data, InstrumentStated) else aim


def named_by(effect: EffectiveEvent) -> list[str]:
    """Return the ids of the events that this one names, and so comes after."""
    return [id for id in names_events(effect.data) if id != effect.id]


def names_events(data: EventModel) -> list[str]:
    """Return the ids of the events that the content of an event names."""
    return [id for field in _fields_that_name_events(type(data)) if (id := getattr(data, field)) is not None]


@cache
def _fields_that_name_events(type: type[EventModel]) -> tuple[str, ...]:
    """Return the fields of a type that name earlier events. Most types have none, and each step of a fold asks."""
    names = (*_EARLIER_EVENTS, "instrument") if type is InstrumentStated else _EARLIER_EVENTS
    return tuple(name for name in names if name in type.model_fields)


def is_surely_before(one: EffectiveEvent, other: EffectiveEvent) -> bool:
    """Return whether one event came before another, by their dates or because the other names it."""
    if one.latest is not None and other.earliest is not None and one.latest < other.earliest:
        return True
    return not {one.id, one.root}.isdisjoint(named_by(other))


def key_of(effect: EffectiveEvent) -> Key:
    """Return the sort key of an event in order of occurrence, as far as its own dates show."""
    if not isinstance(effect.data, Assertion):
        # Events that keep the record come first: an irritant is open from the start.
        return (BEGINNING, BEGINNING, False, effect.position)
    lowers = isinstance(effect.data, ProgressReversed | IrritantReopened | IrritantWithdrawn)
    return (effect.earliest or BEGINNING, effect.latest or END, lowers, effect.position)


def in_order_of_occurrence(effects: Iterable[EffectiveEvent]) -> list[EffectiveEvent]:
    """Sort events by order of occurrence, by Kahn's algorithm on a heap.

    The order is that of the keys, but no event comes before one that it names, and no NextStepClosed before the first
    agreement of its step. Evidence follows its target at once. Events that name each other in a circle, which the rules
    refuse but later corrections can cause, are sorted by key.
    """
    # An assertion and its evidence are one group, by the id of the assertion. Groups are sorted, not single events.
    groups: dict[str, list[EffectiveEvent]] = {}
    for e in effects:
        groups.setdefault(e.root, []).append(e)
    roots = {e.id: root for root, group in groups.items() for e in group}
    steps = {group[0].data.step for group in groups.values() if isinstance(group[0].data, NextStepAgreed)}
    unsorted = {id: group[0] for id, group in groups.items()}
    waits_for: dict[str, set[str]] = {}
    followers: dict[str, list[str]] = {}
    for id, e in unsorted.items():
        waits_for[id] = {roots[named] for named in named_by(e) if named in roots}
        if isinstance(e.data, NextStepClosed) and e.data.step in steps:
            waits_for[id].add(_agreement_key(e.data))
        for earlier in waits_for[id]:
            followers.setdefault(earlier, []).append(id)
    heap = [(key_of(e), id) for id, e in unsorted.items() if not waits_for[id]]
    heapq.heapify(heap)
    order: list[EffectiveEvent] = []
    while unsorted:
        # If the heap is empty, all remaining events are in circles or follow one.
        id = heapq.heappop(heap)[1] if heap else min(unsorted, key=lambda e: _key_in_a_circle(unsorted[e]))
        first = unsorted.pop(id)
        order += _with_evidence(first, groups[id])
        for done in (id, _agreement_key(first.data)) if isinstance(first.data, NextStepAgreed) else (id,):
            for follower in followers.pop(done, ()):
                if follower in unsorted:
                    unsorted[follower] = no_earlier(unsorted[follower], first)
                    waits_for[follower].remove(done)
                    if not waits_for[follower]:
                        heapq.heappush(heap, (key_of(unsorted[follower]), follower))
    return order


def _agreement_key(data: NextStepAgreed | NextStepClosed) -> str:
    """Return a key for the first agreement of a step, which its closing waits for. No event has such an id."""
    return f"step {data.step}"


def _key_in_a_circle(effect: EffectiveEvent) -> tuple[bool, Key]:
    # Closings first: a closing waits for its step, and can come before a later agreement to the same step.
    return not isinstance(effect.data, NextStepClosed), key_of(effect)


def _with_evidence(target: EffectiveEvent, group: Iterable[EffectiveEvent]) -> Iterable[EffectiveEvent]:
    """Yield an assertion, then its evidence from the group."""
    yield target
    seen = {voice_and_origin(target)}
    for evidence in group:
        if evidence.is_evidence:
            yield with_dates_of_target(evidence, target, seen)
            seen.add(voice_and_origin(evidence))


def with_dates_of_target(
    evidence: EffectiveEvent, target: EffectiveEvent, seen: Container[VoiceAndOrigin]
) -> EffectiveEvent:
    """Return evidence with the dates of its target. It is a relay if its voice and origin are in `seen`."""
    relay = voice_and_origin(evidence) in seen
    return replace(evidence, earliest=target.earliest, latest=target.latest, relay=relay)


def voice_and_origin(effect: EffectiveEvent) -> VoiceAndOrigin:
    """Return who speaks, and by which origin. Both are empty for an event that is not an assertion."""
    assertion = effect.assertion
    return (assertion.asserted_by.party, assertion.source.origin) if assertion else ("", "")


def no_earlier(effect: EffectiveEvent, named: EffectiveEvent) -> EffectiveEvent:
    """Return an event with days that are no earlier than the first day of an event that it names."""
    if named.earliest is None or (effect.earliest is not None and effect.earliest >= named.earliest):
        return effect
    latest = effect.latest if effect.latest is None or effect.latest >= named.earliest else named.earliest
    return replace(effect, earliest=named.earliest, latest=latest)


DocumentAndOrigin = tuple[str, str]
"""A document and an origin, as an assertion cites them."""


def happened_by(
    effects: Iterable[EffectiveEvent],
    on: date,
    *,
    certain: bool = False,
    dates: Mapping[DocumentAndOrigin, date] | None = None,
) -> list[EffectiveEvent]:
    """Return the events that had happened by the day `on`.

    An event counts if it can have happened by then (`earliest` ≤ `on`). With `certain`, it counts if it must have
    happened (`latest` ≤ `on`), and an unknown `latest` counts as the day of recording. An assertion without a date
    counts from the day in `dates` for the document and origin that it cites, or else always. Evidence and events with a
    target count only if their target does.
    """
    happened_events: list[EffectiveEvent] = []
    left_out: set[str] = set()
    for effect in effects:
        data = effect.data
        if not isinstance(data, Assertion):
            happened = True
        elif certain:
            happened = (effect.latest or effect.recorded_at.date()) <= on
        else:
            since = dates.get((data.source.document, data.source.origin)) if dates and data.occurred is None else None
            happened = (effect.earliest is None or effect.earliest <= on) and (since is None or since <= on)
        if happened and not (left_out and (effect.root in left_out or aims_at(data) in left_out)):
            happened_events.append(effect)
        else:
            left_out.add(effect.id)
    return happened_events
