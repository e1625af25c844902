"""A stream's history, its order in the world, and the state after it: kept ready as events are added at the end.

A `History` answers exactly what `effective` and a fold over the whole would (a property test holds it to that), but an
event that comes last in the order of the world costs one step, not a new fold: a stream of ten thousand events is
appended to under the head's lock, where nobody may take long. Whatever reaches back folds again from a checkpoint;
corrections and retractions put all of it in order anew, and fold again from the first place that reads otherwise.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import accumulate, islice
from typing import Final, Generic, Literal, Self, TypeAlias, TypeVar

from service.domain.assertion import AssertionCorrected, AssertionRetracted, Contract, EvidenceAdded, Recorded
from service.domain.corrections import (
    Amendments,
    Effective,
    Key,
    effective,
    happened,
    key_of,
    named_by,
    no_earlier,
    reading,
    said_again,
    utterance,
)
from service.domain.irritant.events import NextStepAgreed, NextStepClosed

State = TypeVar("State")
Evolve: TypeAlias = Callable[[State, Effective], State]
Reason = Literal["world", "new_evidence", "correction", "retraction"]

_LATEST: Final = 8
_CLOSE_BY: Final = 16
_THINNED: Final = ((_LATEST, _CLOSE_BY), (_LATEST + _CLOSE_BY, 256))
"""From so many checkpoints before the last on, one of so many events is kept."""
_GROWING: Final = (
    "events",
    "order",
    "_by_id",
    "_ids",
    "_placed",
    "_keys",
    "_peaks",
    "_closed_steps",
    "_checkpoints",
)
"""What an event is added to; all else of a history is replaced where it changes."""


@dataclass(frozen=True)
class Reading(Generic[State]):
    """What a view is a function of: the events as known, the assertions in the order of the world, the state."""

    stream: str
    events: Sequence[Recorded]
    effects: Sequence[Effective]
    amendments: Amendments
    state: State

    @property
    def position(self) -> int:
        return self.events[-1].position if self.events else 0

    @property
    def version(self) -> int:
        return self.events[-1].version if self.events else 0

    @property
    def recorded_at(self) -> datetime | None:
        return self.events[-1].recorded_at if self.events else None


class History(Generic[State]):
    """One stream's events by version. `initial` and `evolve` are the fold of its kind (`streams.py`)."""

    def __init__(self, stream: str, initial: State, evolve: Evolve[State], events: Iterable[Recorded] = ()) -> None:
        self.stream, self.initial, self.evolve = stream, initial, evolve
        self.events: list[Recorded] = list(events)
        self.order: list[Effective] = []
        self._checkpoints: list[tuple[int, State]] = [(0, initial)]
        self._start_over()

    def _start_over(self) -> None:
        self.amendments = Amendments(self.events)
        self._by_id = {e.id: e for e in self.events}
        before, self.order = self.order, effective(self.events, self.amendments)
        self._ids = [e.id for e in self.order]
        self._placed = {e.id: e for e in self.order}
        self._keys: list[Key] = [key_of(self._placed[e.root]) for e in self.order]
        self._peaks: list[Key] = list(accumulate(self._keys, max))
        self._closed_steps = {e.data.step for e in self.order if isinstance(e.data, NextStepClosed)}
        self._circular = not self._all_follow_what_they_name()
        # What is mended is mostly of late: all that comes before it leaves the states that it left.
        same = next(
            (n for n, (was, now) in enumerate(zip(before, self.order, strict=False)) if was != now), len(before)
        )
        self._checkpoints = [kept for kept in self._checkpoints if kept[0] <= min(same, len(self.order))]

    def copy(self) -> Self:
        """An independent history with the same events; the events themselves are shared."""
        twin = self.__new__(type(self))
        fields = vars(twin)
        fields.update(vars(self))
        for name in _GROWING:
            fields[name] = fields[name].copy()
        return twin

    @property
    def version(self) -> int:
        return self.events[-1].version if self.events else 0

    @property
    def position(self) -> int:
        return self.events[-1].position if self.events else 0

    @property
    def state(self) -> State:
        return self._state_before(len(self.order))

    def recorded(self, id: str) -> Recorded | None:
        """The event with this id, as recorded, if it is on this stream."""
        return self._by_id.get(id)

    def placed(self, id: str) -> Effective | None:
        """The event with this id as it now reads; None where it was retracted or is no part of the state."""
        return self._placed.get(id)

    def as_of(self, position: int) -> "History[State]":
        """The history as it was on record at this position."""
        if self.position <= position:
            return self
        known = bisect_right(self.events, position, key=lambda e: e.position)
        return History(self.stream, self.initial, self.evolve, self.events[:known])

    def told_by(self, position: int) -> "History[State]":
        """What was on record at this position as it reads now: with all that was corrected and struck since."""
        if self.position <= position:
            return self
        known = bisect_right(self.events, position, key=lambda e: e.position)
        amending = (e for e in self.events[known:] if isinstance(e.data, AssertionCorrected | AssertionRetracted))
        events = [*self.events[:known], *amending] if known else []
        return History(self.stream, self.initial, self.evolve, events)

    def reading(self, effective_on: date | None = None, *, certain: bool = False) -> Reading[State]:
        """The present reading, or what had (possibly or certainly) happened by a day."""
        if effective_on is None:
            return Reading(self.stream, self.events, self.order, self.amendments, self.state)
        effects = [e for e in self.order if happened(e, effective_on, certain=certain)]
        return Reading(self.stream, self.events, effects, self.amendments, reduce(self.evolve, effects, self.initial))

    def in_place(self, event: Recorded, data: Contract | None = None) -> tuple[Effective | None, State]:
        """How an event not yet on record would read, and the state that it would meet in its place.

        None for what is no part of the state: a correction, a retraction, evidence of what does not stand.
        """
        effect, floor = self._reads(event, data or event.data, proposed=True)
        if effect is None:
            return None, self.state
        return effect, self._state_before(self._place(effect, floor))

    def met(self, id: str) -> tuple[Effective, State] | None:
        """An event on record as it now reads, and the state that it meets; None where it does not stand."""
        if id not in self._placed:
            return None
        return self._placed[id], self._state_before(self._ids.index(id))

    def follows_what_it_names(self, id: str) -> bool:
        """Whether an event comes after all that it names: not so where events name each other in a circle."""
        place = self._ids.index(id)
        return all(self._ids.index(name) < place for name in named_by(self._placed[id]) if name in self._placed)

    def _all_follow_what_they_name(self) -> bool:
        seen: set[str] = set()
        agreed: set[str] = set()
        steps = {e.data.step for e in self.order if isinstance(e.data, NextStepAgreed)}
        for e in self.order:
            if any(name in self._placed and name not in seen for name in named_by(e)):
                return False
            if isinstance(e.data, NextStepClosed) and e.data.step in steps - agreed:
                return False
            if isinstance(e.data, NextStepAgreed):
                agreed.add(e.data.step)
            seen.add(e.id)
        return True

    def append(self, event: Recorded) -> Reason:
        """Adds the next event; says why readings change by it."""
        self.events.append(event)
        self._by_id[event.id] = event
        match event.data:
            case AssertionCorrected():
                self._start_over()
                return "correction"
            case AssertionRetracted():
                self._start_over()
                return "retraction"
            case NextStepAgreed(step=step) if step in self._closed_steps:
                # Its closing comes after the first that agreed the step, and this may now be the first.
                self._start_over()
            case _ if self._circular:
                self._start_over()
            case _:
                effect, floor = self._reads(event, event.data)
                if effect is not None:
                    self._insert(effect, self._place(effect, floor))
        return self._reason(event)

    def _reason(self, event: Recorded) -> Reason:
        if isinstance(event.data, EvidenceAdded):
            return "new_evidence"
        for effect in reversed(self.order):
            if effect.id == event.id:
                break
            if effect.report != event.report:
                return "new_evidence"
        return "world"

    def _reads(self, event: Recorded, data: Contract, *, proposed: bool = False) -> tuple[Effective | None, int]:
        """The event as it reads, no earlier than what it names, and the first place that follows all of these."""
        if isinstance(data, AssertionCorrected | AssertionRetracted):
            return None, 0
        effect = reading(event, data, self._placed, proposed=proposed)
        if effect is None:
            return None, 0
        if effect.is_evidence:
            places = self._places_of(effect.root)
            seen = {utterance(e) for e in self.order[places]}
            return said_again(effect, self._placed[effect.root], seen), places.stop
        floor = 0
        for id in [*named_by(effect), *self._first_agreed(effect)]:
            if (named := self._placed.get(id)) is not None:
                effect = no_earlier(effect, named)
                floor = max(floor, self._places_of(named.root).stop)
        return effect, floor

    def _places_of(self, root: str) -> slice:
        """The places of an assertion and of all that says it again."""
        start = stop = self._ids.index(root)
        while stop < len(self.order) and self.order[stop].root == root:
            stop += 1
        return slice(start, stop)

    def _first_agreed(self, effect: Effective) -> Iterable[str]:
        """What a closing comes after beside what it names: whichever event, first in the world, agreed the step."""
        if isinstance(effect.data, NextStepClosed):
            agreed = ((e.id, e.data.step) for e in self.order if isinstance(e.data, NextStepAgreed))
            yield from islice((id for id, step in agreed if step == effect.data.step), 1)

    def _place(self, effect: Effective, floor: int) -> int:
        """The first place from `floor` on whose event comes after this one; evidence stands where its target does."""
        if effect.is_evidence:
            return floor
        key = key_of(effect)
        # The running maximum rises, so it can be halved; below the floor the answer is looked for one by one.
        place = bisect_right(self._peaks, key)
        while place < floor or (place < len(self._keys) and self._keys[place] <= key):
            place += 1
        return place

    def _insert(self, effect: Effective, place: int) -> None:
        latest, before = self._checkpoints[-1]
        state = self.evolve(before, effect) if latest == place == len(self.order) else None
        self.order.insert(place, effect)
        self._ids.insert(place, effect.id)
        self._placed[effect.id] = effect
        self._keys.insert(place, key_of(self._placed[effect.root]))
        start = max(place - 1, 0)
        peak = self._peaks[start] if place else None
        self._peaks[start:] = accumulate(self._keys[place:], max, initial=peak)
        if isinstance(effect.data, NextStepClosed):
            self._closed_steps.add(effect.data.step)
        while self._checkpoints[-1][0] > place:
            self._checkpoints.pop()
        if state is not None:
            self._keep(place + 1, state)

    def _state_before(self, place: int) -> State:
        after = bisect_right(self._checkpoints, place, key=lambda c: c[0])
        start, state = self._checkpoints[after - 1]
        for done in range(start, place):
            state = self.evolve(state, self.order[done])
            if after == len(self._checkpoints) and (done + 1 > place - _LATEST or (done + 1) % _CLOSE_BY == 0):
                self._keep(done + 1, state)
                after = len(self._checkpoints)
        return state

    def _keep(self, count: int, state: State) -> None:
        """Keep the state after `count` events.

        Of all states the last few are kept, some close to them, and one of every few hundred for good. A report of many
        events comes in any order of the world, so each next one lands somewhat before or behind the last. All states of
        a stream of ten thousand would be too large to keep: each knows all that was said.
        """
        kept = self._checkpoints
        kept.append((count, state))
        for back, every in _THINNED:
            if len(kept) > back and kept[-back][0] % every:
                del kept[-back]
