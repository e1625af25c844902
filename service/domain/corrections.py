"""effective(history): what a stream says, in the order of the world, with the record's own mistakes taken out.

The record is append-only, so a mistake is mended by a further event. Here corrections and retractions are applied,
evidence becomes its target said again, and the assertions are put in the order in which the world, not the filing
clerk, produced them. Every reading starts here: the present, the past and the preview differ only in the history.

Total by construction: a target that is not on record, or that was retracted, is passed over, never an error.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Final

from pydantic import ValidationError

from service.domain.assertion import (
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    Contract,
    EvidenceAdded,
    Recorded,
    Telling,
    when,
)
from service.domain.catalogue import dump, load
from service.domain.irritant.events import (
    IrritantReopened,
    NextStepAgreed,
    NextStepClosed,
    ProgressReversed,
)

BEGINNING: Final = date.min
END: Final = date.max

Key = tuple[date, date, bool, int, int]
"""earliest (unknown first), latest (unknown last), goes down, position of the assertion, position of its evidence."""

# What an assertion may name by the id of another event; it then comes after that event.
_NAMES: Final = ("target", "proposal", "undoes", "after")


@dataclass(frozen=True, slots=True)
class Effective:
    """An assertion or a record-keeping event as it now reads, in its place.

    `root` is the assertion that this is evidence of, or its own id. `origins` of a claim are those of its tellers.
    """

    id: str
    root: str
    position: int
    recorded_at: datetime
    report: str
    data: Contract
    earliest: date | None = None
    latest: date | None = None

    @property
    def is_evidence(self) -> bool:
        return self.id != self.root

    @property
    def telling(self) -> Assertion | None:
        return self.data if isinstance(self.data, Assertion) else None


@dataclass(frozen=True, slots=True)
class Annotation:
    """What later record-keeping did to an event: who struck or corrected it, by which event, when and why."""

    event: str
    actor: str
    recorded_at: datetime
    reason: str
    changes: Mapping[str, object] | None = None


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


def corrected(event: Contract, changes: Mapping[str, object]) -> Contract:
    """The event with these fields changed. Raises ValidationError where the result is no such event."""
    return load(type(event).__name__, merge_patch(dump(event), changes))  # type: ignore[arg-type]  # a mapping by RFC 7396


class Amendments:
    """The corrections and retractions of one history, resolved: what is struck, and how each event now reads."""

    def __init__(self, history: Iterable[Recorded]) -> None:
        self._events = {e.id: e for e in history}
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
                data = corrected(data, correction.data.changes)
            except ValidationError:
                if strictly:
                    raise
        return data

    @cached_property
    def annotations(self) -> dict[str, list[Annotation]]:
        """Per event, what was done to it, in the order filed."""
        notes: dict[str, list[Annotation]] = {}
        for target, by in self.struck.items():
            assert isinstance(by.data, AssertionRetracted)
            notes.setdefault(target, []).append(Annotation(by.id, by.actor, by.recorded_at, by.data.reason))
        for target, held in self.corrections.items():
            for by in held:
                assert isinstance(by.data, AssertionCorrected)
                note = Annotation(by.id, by.actor, by.recorded_at, by.data.reason, by.data.changes)
                notes.setdefault(target, []).append(note)
        return notes


def is_keeping(data: Contract) -> bool:
    """Whether this says nothing about the world."""
    return not isinstance(data, Telling)


def effective(history: Sequence[Recorded], amendments: Amendments | None = None) -> list[Effective]:
    """What the history says, in the order of the world. Cost: O(n log n), one validation per corrected event."""
    amendments = amendments or Amendments(history)
    placed: dict[str, Effective] = {}
    for event in history:
        if event.id in amendments.struck or isinstance(event.data, AssertionCorrected | AssertionRetracted):
            continue
        if (effect := reading(event, amendments.reads(event), placed)) is not None:
            placed[event.id] = effect
    return in_world_order(list(placed.values()))


def reading(event: Recorded, data: Contract, placed: Mapping[str, Effective]) -> Effective | None:
    """One event as it reads among those before it; None for evidence whose target does not stand."""
    if isinstance(data, EvidenceAdded):
        target = placed.get(data.target)
        if target is None or not isinstance(target.data, Assertion):
            return None
        said_again = target.data.model_copy(
            update={
                "asserted_by": data.asserted_by,
                "source": data.source,
                "summary": data.summary,
                "wording": data.wording,
            }
        )
        return Effective(
            event.id,
            target.root,
            event.position,
            event.recorded_at,
            event.report,
            said_again,
            target.earliest,
            target.latest,
        )
    span = when(data.occurred) if isinstance(data, Assertion) else when(None)
    return Effective(
        event.id, event.id, event.position, event.recorded_at, event.report, data, span.earliest, span.latest
    )


def named_by(effect: Effective, steps: Mapping[str, Sequence[str]]) -> list[str]:
    """The ids of the events that this one comes after. `steps`: who agreed each next step, earliest first."""
    names = [id for field in _NAMES if (id := getattr(effect.data, field, None)) is not None]
    if isinstance(effect.data, NextStepClosed):
        names += steps.get(effect.data.step, ())[:1]
    if effect.is_evidence:
        names.append(effect.root)
    return [id for id in names if id != effect.id]


def key_of(effect: Effective, root_position: int) -> Key:
    if not isinstance(effect.data, Assertion):
        # Record-keeping is of no date: what was opened was open from the start.
        return (BEGINNING, BEGINNING, False, effect.position, effect.position)
    down = isinstance(effect.data, ProgressReversed | IrritantReopened)
    return (effect.earliest or BEGINNING, effect.latest or END, down, root_position, effect.position)


def in_world_order(effects: Sequence[Effective]) -> list[Effective]:
    """By key, but never before an event that it names: Kahn's algorithm on a heap. Cycles fall back to the key."""
    by_id = {e.id: e for e in effects}
    steps: dict[str, list[str]] = {}
    for e in sorted(effects, key=lambda e: key_of(e, by_id[e.root].position if e.root in by_id else e.position)):
        if isinstance(e.data, NextStepAgreed):
            steps.setdefault(e.data.step, []).append(e.id)
    waits: dict[str, int] = {}
    followers: dict[str, list[str]] = {}
    for e in effects:
        names = {id for id in named_by(e, steps) if id in by_id}
        waits[e.id] = len(names)
        for id in names:
            followers.setdefault(id, []).append(e.id)
    raised: dict[str, Effective] = dict(by_id)
    heap = [(_key(e, raised), e.id) for e in effects if not waits[e.id]]
    heapq.heapify(heap)
    order: list[Effective] = []
    while heap:
        _, id = heapq.heappop(heap)
        order.append(raised[id])
        for follower in followers.get(id, ()):
            raised[follower] = no_earlier(raised[follower], raised[id])
            waits[follower] -= 1
            if not waits[follower]:
                heapq.heappush(heap, (_key(raised[follower], raised), follower))
    if len(order) < len(effects):
        done = {e.id for e in order}
        order += sorted((e for e in effects if e.id not in done), key=lambda e: _key(e, raised))
    return order


def _key(effect: Effective, by_id: Mapping[str, Effective]) -> Key:
    root = by_id.get(effect.root, effect)
    return key_of(effect, root.position)


def no_earlier(effect: Effective, named: Effective) -> Effective:
    """The event with at least the `earliest` of one that it names; an emptied range becomes that day or later."""
    if named.earliest is None or (effect.earliest is not None and effect.earliest >= named.earliest):
        return effect
    latest = effect.latest if effect.latest is None or effect.latest >= named.earliest else named.earliest
    return Effective(
        effect.id, effect.root, effect.position, effect.recorded_at, effect.report, effect.data, named.earliest, latest
    )


def happened(effect: Effective, on: date, *, certain: bool) -> bool:
    """Whether this had happened by that day: possibly (`earliest` ≤ day), or certainly (`latest` ≤ day).

    An unknown `latest` counts as the day of recording, by which it had certainly happened.
    """
    if not isinstance(effect.data, Assertion):
        return True
    if certain:
        return (effect.latest or effect.recorded_at.date()) <= on
    return effect.earliest is None or effect.earliest <= on
