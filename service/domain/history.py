"""Hold the history of a stream with its events in order of occurrence and its state, and update both on each append.

A `History` gives the same results as `corrections.effective_events` and a fold over all events (a property test checks
this). It is faster, because appends happen under the lock on the head of the record, also for streams of ten thousand
events:

    an event that comes last in order of occurrence   one step of the fold
    an event that comes earlier                       a fold from the last checkpoint before it
    a correction or a retraction                      a new sort, and a fold from the first event that changed
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from itertools import accumulate, islice
from typing import Any, Final, Generic, Literal, Self, TypeAlias, TypeVar

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import AssertionCorrected, AssertionRetracted, EventModel, EvidenceAdded, Recorded
from service.domain.corrections import (
    WITHOUT_EFFECT,
    Amendments,
    DocumentAndOrigin,
    EffectiveEvent,
    Key,
    effective_event,
    effective_events,
    happened_by,
    key_of,
    named_by,
    no_earlier,
    voice_and_origin,
    with_dates_of_target,
)
from service.domain.irritant.events import NextStepAgreed, NextStepClosed

State = TypeVar("State")
Result = TypeVar("Result")
Evolve: TypeAlias = Callable[[State, EffectiveEvent], State]
Reason = Literal["world", "new_evidence", "correction", "retraction"]
"""Why an event changes a state (see `ChangeDocument` in `projections/change.py`)."""

_KEPT_CHECKPOINTS: Final = 8
_CHECKPOINT_DISTANCE: Final = 4
"""A fold up to a place keeps the states before its last eight events, and of the others every fourth."""
_THINNING: Final = ((_KEPT_CHECKPOINTS, _CHECKPOINT_DISTANCE), (16, 16), (32, 256))
"""Pairs (back, every): beyond the last `back` checkpoints, keep only those after a multiple of `every` events."""
_CHANGED_IN_PLACE: Final = (
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
"""The fields that appends change, so that a copy needs copies of them. All other fields are replaced."""


@dataclass(frozen=True)
class StreamAtPoint(Generic[State]):
    """A stream at one point: its events and the state after them. All projections are made from this.

    `events`: all events as recorded. `effects`: the events that count, after corrections, in order of occurrence.
    `amendments`: the corrections and retractions. `names`: the names of actors at this point.
    """

    stream: str
    events: Sequence[Recorded]
    effects: Sequence[EffectiveEvent]
    amendments: Amendments
    state: State
    names: ActorNames = NO_NAMES
    _cached: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def cached(self, view: Callable[["StreamAtPoint[State]"], Result]) -> Result:
        """Return the result of `view` for this object. Only the first call computes it.

        Each append and each board needs it.
        """
        if view not in self._cached:
            self._cached[view] = view(self)
        result: Result = self._cached[view]
        return result

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
    """The events of one stream and the state after them.

    `initial`, `evolve`: the fold of its kind (`streams.py`). `events`: as recorded. `order`: after corrections, in
    order of occurrence. A checkpoint is a pair: a number of events of `order`, and the state after them.
    """

    def __init__(self, stream: str, initial: State, evolve: Evolve[State], events: Iterable[Recorded] = ()) -> None:
        self.stream, self.initial, self.evolve = stream, initial, evolve
        self.events: list[Recorded] = list(events)
        self.order: list[EffectiveEvent] = []
        self._present: StreamAtPoint[State] | None = None
        self._checkpoints: list[tuple[int, State]] = [(0, initial)]
        self._start_over()

    def _start_over(self) -> None:
        """Sort all events again, and drop the checkpoints after the first change."""
        self.amendments = Amendments(self.events)
        self._by_id = {e.id: e for e in self.events}
        before, self.order = self.order, effective_events(self.events, self.amendments)
        self._ids = [e.id for e in self.order]
        self._placed = {e.id: e for e in self.order}
        # The sort keys of `order`, and their running maximum. They differ where an event follows one that it names.
        self._keys: list[Key] = [key_of(self._placed[e.root]) for e in self.order]
        self._peaks: list[Key] = list(accumulate(self._keys, max))
        self._closed_steps = {e.data.step for e in self.order if isinstance(e.data, NextStepClosed)}
        self._circular = not self._all_follow_what_they_name()
        # Keep the checkpoints before the first change. Most corrections are to late events.
        unchanged = next(
            (n for n, (was, now) in enumerate(zip(before, self.order, strict=False)) if was != now), len(before)
        )
        self._checkpoints = [(n, state) for n, state in self._checkpoints if n <= min(unchanged, len(self.order))]

    def copy(self) -> Self:
        """Return an independent history with the same events."""
        twin = self.__new__(type(self))
        fields = vars(twin)
        fields.update(vars(self), _present=None)
        for name in _CHANGED_IN_PLACE:
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
        """Return the event with an id as recorded, None if it is not on this stream."""
        return self._by_id.get(id)

    def effect(self, id: str) -> EffectiveEvent | None:
        """Return the event with an id after corrections, None if it is retracted, unknown or has no effect."""
        return self._placed.get(id)

    def as_of(self, position: int) -> "History[State]":
        """Return the history as it was on record at a position."""
        if self.position <= position:
            return self
        count = bisect_right(self.events, position, key=lambda e: e.position)
        return History(self.stream, self.initial, self.evolve, self.events[:count])

    def reading(
        self,
        effective_on: date | None = None,
        *,
        certain: bool = False,
        dates: Mapping[DocumentAndOrigin, date] | None = None,
        names: ActorNames = NO_NAMES,
    ) -> StreamAtPoint[State]:
        """Return the stream now, or as it was on the day `effective_on`: with the events that had happened by then.

        The stream now is the same object until an event is added or an actor is named. `certain`, `dates`: as in
        `corrections.happened_by`. `names`: the names of actors on record.
        """
        if effective_on is None:
            present = self._present
            if present is None or present.names is not names:
                present = StreamAtPoint(self.stream, self.events, self.order, self.amendments, self.state, names)
                self._present = present
            return present
        effects = happened_by(self.order, effective_on, certain=certain, dates=dates)
        state = reduce(self.evolve, effects, self.initial)
        return StreamAtPoint(self.stream, self.events, effects, self.amendments, state, names)

    def placed_if_recorded(
        self, event: Recorded, data: EventModel | None = None
    ) -> tuple[EffectiveEvent | None, State]:
        """Return an event with its dates as if it were recorded, and the state before it in order of occurrence.

        `data`: another content for the event. The event is None if it is a correction, a retraction, or evidence of a
        retracted event.
        """
        effect, first_place = self._effect_of(event, data or event.data, proposed=True)
        if effect is None:
            return None, self.state
        return effect, self._state_before(self._place(effect, first_place))

    def with_state_before(self, id: str) -> tuple[EffectiveEvent, State] | None:
        """Return a recorded event after corrections, and the state before it in order of occurrence.

        Return None if the event is retracted or has no effect.
        """
        if id not in self._placed:
            return None
        return self._placed[id], self._state_before(self._ids.index(id))

    def follows_what_it_names(self, id: str) -> bool:
        """Return whether an event comes after all events that it names, and these after all that they name.

        It is False only if some of these events name each other in a circle.
        """
        place = {other: index for index, other in enumerate(self._ids)}
        seen, waiting = {id}, [id]
        while waiting:
            event = waiting.pop()
            named = [other for other in named_by(self._placed[event]) if other in self._placed]
            if any(place[other] >= place[event] for other in named):
                return False
            waiting += {*named} - seen
            seen.update(named)
        return True

    def _all_follow_what_they_name(self) -> bool:
        """Return whether no events name each other in a circle. In a circle, each append sorts all events again."""
        seen: set[str] = set()
        agreed: set[str] = set()
        steps = {e.data.step for e in self.order if isinstance(e.data, NextStepAgreed)}
        for e in self.order:
            if any(other in self._placed and other not in seen for other in named_by(e)):
                return False
            if isinstance(e.data, NextStepClosed) and e.data.step in steps - agreed:
                return False
            if isinstance(e.data, NextStepAgreed):
                agreed.add(e.data.step)
            seen.add(e.id)
        return True

    def append(self, event: Recorded) -> Reason:
        """Add the next event. Return why it changes the state."""
        self.events.append(event)
        self._by_id[event.id] = event
        self._present = None
        match event.data:
            case AssertionCorrected():
                self._start_over()
                return "correction"
            case AssertionRetracted():
                self._start_over()
                return "retraction"
            case NextStepAgreed(step=step) if step in self._closed_steps:
                # A closing comes after the first agreement of its step, and `event` may now be the first agreement.
                self._start_over()
            case _ if self._circular:
                self._start_over()
            case _:
                effect, first_place = self._effect_of(event, event.data)
                if effect is not None:
                    self._insert(effect, self._place(effect, first_place))
        return self._reason(event)

    def _reason(self, event: Recorded) -> Reason:
        """Return `new_evidence` for evidence, and for an event that surely came before one of another report.

        Else return `world`: something happened. An event whose date is unknown or open is not known to be older.
        """
        if isinstance(event.data, EvidenceAdded):
            return "new_evidence"
        effect = self._placed.get(event.id)
        if effect is None or effect.latest is None:
            return "world"
        # `order` is sorted by earliest day, so the first event that is not surely later ends the search.
        for other in reversed(self.order):
            if other.earliest is None or other.earliest <= effect.latest:
                break
            if other.report != event.report:
                return "new_evidence"
        return "world"

    def _effect_of(
        self, event: Recorded, data: EventModel, *, proposed: bool = False
    ) -> tuple[EffectiveEvent | None, int]:
        """Return an event with its dates, and the first place in `order` after all events that it names.

        `proposed`: the event is not recorded yet (see `corrections.effective_event`).
        """
        if isinstance(data, WITHOUT_EFFECT):
            return None, 0
        effect = effective_event(event, data, self._placed, proposed=proposed)
        if effect is None:
            return None, 0
        if effect.is_evidence:
            places = self._places_of(effect.root)
            seen = {voice_and_origin(e) for e in self.order[places]}
            return with_dates_of_target(effect, self._placed[effect.root], seen), places.stop
        first_place = 0
        for id in [*named_by(effect), *self._first_agreement(effect)]:
            if (named := self._placed.get(id)) is not None:
                effect = no_earlier(effect, named)
                first_place = max(first_place, self._places_of(named.root).stop)
        return effect, first_place

    def _places_of(self, root: str) -> slice:
        """Return the places of an assertion and of its evidence."""
        start = stop = self._ids.index(root)
        while stop < len(self.order) and self.order[stop].root == root:
            stop += 1
        return slice(start, stop)

    def _first_agreement(self, effect: EffectiveEvent) -> Iterable[str]:
        """Yield the id of the first agreement of the step that an event closes. The closing comes after it."""
        if isinstance(effect.data, NextStepClosed):
            agreed = ((e.id, e.data.step) for e in self.order if isinstance(e.data, NextStepAgreed))
            yield from islice((id for id, step in agreed if step == effect.data.step), 1)

    def _place(self, effect: EffectiveEvent, first_place: int) -> int:
        """Return the place in `order` for an event: the first possible one for evidence, which follows its target."""
        if effect.is_evidence:
            return first_place
        key = key_of(effect)
        # `_peaks`, the running maximum of the keys, is sorted, so bisection finds a first place quickly.
        place = bisect_right(self._peaks, key)
        while place < first_place or (place < len(self._keys) and self._keys[place] <= key):
            place += 1
        return place

    def _insert(self, effect: EffectiveEvent, place: int) -> None:
        """Insert an event in `order`, and drop the checkpoints after it."""
        count, before = self._checkpoints[-1]
        # A last event takes one step of the fold, if the last checkpoint is the state before it.
        state = self.evolve(before, effect) if count == place == len(self.order) else None
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
        """Return the state after the first `place` events, folded from the last checkpoint among them."""
        count, state = self._checkpoints[-1]
        if count == place:
            return state
        usable = bisect_right(self._checkpoints, place, key=lambda checkpoint: checkpoint[0])
        count, state = self._checkpoints[usable - 1]
        # Checkpoints are in order, so new ones can be kept only if no later ones exist.
        is_last = usable == len(self._checkpoints)
        for index in range(count, place):
            state, count = self.evolve(state, self.order[index]), index + 1
            if is_last and (count > place - _KEPT_CHECKPOINTS or count % _CHECKPOINT_DISTANCE == 0):
                self._keep(count, state)
        return state

    def _keep(self, count: int, state: State) -> None:
        """Keep the state after `count` events as a checkpoint, and drop older ones by `_THINNING`.

        The last few states are kept, because the events of a large report come close to each other in any order. All
        states of a stream of ten thousand events would need too much memory.
        """
        checkpoints = self._checkpoints
        checkpoints.append((count, state))
        for back, every in _THINNING:
            if len(checkpoints) > back and checkpoints[-back][0] % every:
                del checkpoints[-back]
