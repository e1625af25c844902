"""effective(history): what a stream says, in the order of the world, with the record's own mistakes taken out.

The record is append-only, so a mistake is mended by a further event. Here corrections and retractions are applied,
evidence becomes its target said again, and the assertions are put in the order in which the world, not the filing
clerk, produced them. Every reading starts here: the present, the past and the preview differ only in the history.

Total by construction: a target that is not on record, or that was retracted, is passed over, never an error.
"""

import heapq
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from pydantic import ValidationError

from service.domain.assertion import (
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    Contract,
    EvidenceAdded,
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

BEGINNING: Final = date.min
END: Final = date.max

Key = tuple[date, date, bool, int]
"""earliest (unknown first), latest (unknown last), goes down, position."""

Utterance = tuple[str, str]

# What an assertion may name by the id of another event; it then comes after that event.
_NAMES: Final = ("target", "proposal", "undoes", "after")


@dataclass(frozen=True, slots=True)
class Effective:
    """An assertion or a record-keeping event as it now reads, in its place.

    `root` is the assertion that this is evidence of, or its own id. A `relay` is evidence by an utterance that is
    behind the assertion already: a further document, no further voice.
    """

    id: str
    root: str
    position: int
    recorded_at: datetime
    report: str
    data: Contract
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
    """RFC 7396."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def corrected(event: Contract, changes: Mapping[str, object], *, on_record: bool = False) -> Contract:
    """The event with these fields changed. Raises ValidationError where the result is no such event."""
    changed = merge_patch(dump(event), changes)
    return load(type(event).__name__, changed, on_record=on_record)  # type: ignore[arg-type]  # a mapping by RFC 7396


class Amendments:
    """The corrections and retractions of one history, resolved: what is struck, and how each event now reads."""

    def __init__(self, history: Iterable[Recorded]) -> None:
        # Nothing else counts here, so what is resolved stands until the next correction or retraction.
        self._events = {e.id: e for e in history if isinstance(e.data, AssertionCorrected | AssertionRetracted)}
        self.struck: dict[str, Recorded] = {}
        self._resolve_retractions()
        self.corrections = self._resolve_corrections()

    def _resolve_retractions(self) -> None:
        # From the last to the first: whoever could strike a retraction was filed after it.
        for event in reversed(self._events.values()):
            if isinstance(event.data, AssertionRetracted) and event.id not in self.struck:
                self.struck[event.data.target] = event

    def _resolve_corrections(self) -> dict[str, list[Recorded]]:
        """Per event, its corrections that hold, in the order filed. A correction of a correction replaces it."""
        held: dict[str, list[Recorded]] = {}
        for event in self._events.values():
            if not isinstance(event.data, AssertionCorrected) or event.id in self.struck:
                continue
            named = self._events.get(event.data.target)
            root = self.corrects(event.id)
            if named is not None and named.id != root:
                held[root] = [c for c in held.get(root, ()) if c.id != named.id]
            held.setdefault(root, []).append(event)
        return held

    def corrects(self, target: str) -> str:
        """The id of the event that a correction of `target` in the end corrects, through corrections of corrections."""
        seen = set()
        while (event := self._events.get(target)) and isinstance(event.data, AssertionCorrected) and target not in seen:
            seen.add(target)
            target = event.data.target
        return target

    def reads(self, event: Recorded, *, strictly: bool = False) -> Contract:
        """The event as it now reads. A correction that no longer fits changes nothing, or `strictly` raises."""
        data = event.data
        for correction in self.corrections.get(event.id, ()):
            assert isinstance(correction.data, AssertionCorrected)
            try:
                data = corrected(data, correction.data.changes, on_record=not strictly)
            except ValidationError:
                if strictly:
                    raise
        return data


def effective(history: Sequence[Recorded], amendments: Amendments | None = None) -> list[Effective]:
    """What the history says, in the order of the world. Cost: O(n log n), one validation per corrected event."""
    amendments = amendments or Amendments(history)
    placed: dict[str, Effective] = {}
    for event in history:
        if event.id in amendments.struck or isinstance(event.data, AssertionCorrected | AssertionRetracted):
            continue
        if (effect := reading(event, amendments.reads(event), placed)) is not None:
            placed[event.id] = effect
    return in_world_order(placed.values())


def reading(
    event: Recorded, data: Contract, placed: Mapping[str, Effective], *, proposed: bool = False
) -> Effective | None:
    """Return an event as it reads among those before it; None where what it is aimed at does not stand.

    A `proposed` event is read in any case, so that it can be refused.
    """
    if not proposed and (aim := aims_at(data)) is not None and aim not in placed:
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
        return Effective(event.id, target.root, event.position, event.recorded_at, event.report, repeated)
    span = when(data.occurred) if isinstance(data, Assertion) else when(None)
    return Effective(
        event.id, event.id, event.position, event.recorded_at, event.report, data, span.earliest, span.latest
    )


def aims_at(data: Contract) -> str | None:
    """The event without which this one has no effect: what it denies, answers, repeats, or says the state of."""
    fields = vars(data)
    aim: str | None = fields.get("target") or fields.get("proposal")
    return data.instrument if isinstance(data, InstrumentStated) else aim


def named_by(effect: Effective) -> list[str]:
    """The ids of the events that this one names and therefore comes after."""
    fields = vars(effect.data)
    names = [id for field in _NAMES if (id := fields.get(field)) is not None]
    if isinstance(effect.data, InstrumentStated):
        names.append(effect.data.instrument)
    return [id for id in names if id != effect.id]


def key_of(effect: Effective) -> Key:
    if not isinstance(effect.data, Assertion):
        # Record-keeping is of no date: what was opened was open from the start.
        return (BEGINNING, BEGINNING, False, effect.position)
    down = isinstance(effect.data, ProgressReversed | IrritantReopened | IrritantWithdrawn)
    return (effect.earliest or BEGINNING, effect.latest or END, down, effect.position)


def in_world_order(effects: Iterable[Effective]) -> list[Effective]:
    """By key, but never before an event that it names, nor a closing before its step: Kahn's algorithm on a heap.

    Evidence has no place of its own: it follows its target at once. Events that name each other in a circle, which
    only an odd history has, are taken as they come.
    """
    groups: dict[str, list[Effective]] = {}
    for e in effects:
        groups.setdefault(e.root, []).append(e)
    roots = {e.id: root for root, group in groups.items() for e in group}
    steps = {group[0].data.step for group in groups.values() if isinstance(group[0].data, NextStepAgreed)}
    waiting = {id: group[0] for id, group in groups.items()}
    waits: dict[str, set[str]] = {}
    followers: dict[str, list[str]] = {}
    for id, e in waiting.items():
        waits[id] = {roots[name] for name in named_by(e) if name in roots}
        if isinstance(e.data, NextStepClosed) and e.data.step in steps:
            waits[id].add(_step(e.data))
        for name in waits[id]:
            followers.setdefault(name, []).append(id)
    heap = [(key_of(e), id) for id, e in waiting.items() if not waits[id]]
    heapq.heapify(heap)
    order: list[Effective] = []
    while waiting:
        id = heapq.heappop(heap)[1] if heap else min(waiting, key=lambda e: _out_of_a_circle(waiting[e]))
        first = waiting.pop(id)
        order += _in_its_place(first, groups[id])
        for done in (id, _step(first.data)) if isinstance(first.data, NextStepAgreed) else (id,):
            for follower in followers.pop(done, ()):
                if follower in waiting:
                    waiting[follower] = no_earlier(waiting[follower], first)
                    waits[follower].remove(done)
                    if not waits[follower]:
                        heapq.heappush(heap, (key_of(waiting[follower]), follower))
    return order


def _step(data: NextStepAgreed | NextStepClosed) -> str:
    """What a closing waits for: whichever event, first in the world, agreed the step. No event has such an id."""
    return f"step {data.step}"


def _out_of_a_circle(effect: Effective) -> tuple[bool, Key]:
    # A closing names its step, not an event: a step that was agreed again after it is not what it closed.
    return not isinstance(effect.data, NextStepClosed), key_of(effect)


def _in_its_place(target: Effective, group: Iterable[Effective]) -> Iterable[Effective]:
    """An assertion and at once all that says it again."""
    yield target
    seen = {utterance(target)}
    for evidence in group:
        if evidence.is_evidence:
            yield said_again(evidence, target, seen)
            seen.add(utterance(evidence))


def said_again(evidence: Effective, target: Effective, seen: Container[Utterance]) -> Effective:
    """Evidence in the place of its target; a relay where the same utterance was heard there before."""
    relay = utterance(evidence) in seen
    return replace(evidence, earliest=target.earliest, latest=target.latest, relay=relay)


def utterance(effect: Effective) -> Utterance:
    """Who speaks, and by which origin."""
    assertion = effect.assertion
    return (assertion.asserted_by.party, assertion.source.origin) if assertion else ("", "")


def no_earlier(effect: Effective, named: Effective) -> Effective:
    """The event with at least the `earliest` of one that it names; an emptied range becomes that day or later."""
    if named.earliest is None or (effect.earliest is not None and effect.earliest >= named.earliest):
        return effect
    latest = effect.latest if effect.latest is None or effect.latest >= named.earliest else named.earliest
    return replace(effect, earliest=named.earliest, latest=latest)


def happened(effect: Effective, on: date, *, certain: bool) -> bool:
    """Whether this had happened by that day: possibly (`earliest` ≤ day), or certainly (`latest` ≤ day).

    An unknown `latest` counts as the day of recording, by which it had certainly happened.
    """
    if not isinstance(effect.data, Assertion):
        return True
    if certain:
        return (effect.latest or effect.recorded_at.date()) <= on
    return effect.earliest is None or effect.earliest <= on
