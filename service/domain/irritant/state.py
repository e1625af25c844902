"""Define the state of an irritant. `fold.py` computes it from a history.

An assertion becomes one of two things, once for each actor that makes it (a joint text counts for both sides):

    ActorPosition    an assertion that moves a rung, such as InstrumentExchanged or ProgressReversed
    ActorStatement   any other assertion, such as HoldPlaced or NextStepClosed

A few types become both, such as ProposalTabled, whose terms and answers are also needed.

These names are used in all modules of this folder:

    holder   the actor whose position or statement it is: a side, a third party or MEDIA
    place    the number of the assertion in order of occurrence (see `corrections.py`), from 1
    turn     a position that is not an advance, such as a reversal
    root     the id of the assertion that the event is evidence of, or its own id
    rung     the rung that the assertion itself names, such as `formalised` for InstrumentExchanged
    level    the rung at which a position counts now. A reversal or a suspended instrument lowers it.

An actor's rung is the highest level of its own positions. Reversals, withdrawals and statements on instruments lower
only the positions of their own asserter. So no actor moves another's rung.

A denial does not change positions or statements. It is a separate pair of a denier and an event, and the denier's own
position or statement of that event no longer counts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Literal, TypeVar

from service.domain.actors import JOINT, MEDIA, holders, voice_of
from service.domain.assertion import OWN_WORDS, Assertion
from service.domain.ladder import IMPLEMENTING, RESOLVED, RUNGS, UNDERSTANDING, UNSTATED

Trend = Literal["advanced", "regressed", "held"]
Hold = Literal["none", "stalled", "suspended"]
Does = Literal["advance", "restore", "reopen", "reverse", "withdraw", "suspend", "end", "expire"]
"""What an assertion does to the rung of its asserter.

`advance` raises it. `reverse`, `reopen` and `withdraw` lower it. `suspend`, `end` (a termination) and `expire` take
away what rests on an instrument, and `restore` gives that back.
"""
Lifecycle = Literal["open", "partly_resolved", "resolved", "withdrawn"]

RAISES: Final = frozenset({"advance", "restore", "reopen"})
COUNTED: Final = frozenset({"reverse", "reopen", "suspend", "end"})
"""The assertions that count as regressions if they lower a side. Withdrawals and expiries do not count."""
TAKES_FROM: Final[Mapping[str, int]] = {"suspend": IMPLEMENTING, "end": UNDERSTANDING, "expire": UNDERSTANDING}
"""A statement on an instrument takes away the asserter's positions on it from this rung upwards."""


@dataclass(frozen=True)
class ActorPosition:
    """An assertion that moves a rung, for one of its asserters. A reversal has the `rung` that it goes back to."""

    event: str
    root: str
    holder: str
    rung: int
    place: int
    does: Does
    data: Any

    @property
    def origin(self) -> str:
        origin: str = self.data.source.origin
        return origin

    @property
    def spoken(self) -> bool:
        """Whether these are the holder's own words, by quote or paraphrase."""
        channel: str = self.data.asserted_by.channel
        return channel in OWN_WORDS

    @property
    def joint(self) -> bool:
        party: str = self.data.asserted_by.party
        return party == JOINT

    @property
    def wording(self) -> str | None:
        wording: str | None = self.data.wording
        return wording

    @property
    def instrument(self) -> str | None:
        """The id of the instrument that the assertion names, or that it is. None: no instrument."""
        named: str | None = getattr(self.data, "instrument", None)
        return named or (self.root if self.data.type == "InstrumentExchanged" else None)


@dataclass(frozen=True)
class ActorPositions:
    """All positions of one actor. All media are one actor here.

    `in_order`: the positions in order of occurrence. `turns`: those of them that do not `advance`. `by_level`: for each
    level the positions that count there and that the actor has not denied. `suspended`: the positions, by event, that
    do not count because an instrument is suspended or ended, each with these instruments. `raised_at`: for each rung
    the place of the last position that raised the actor to it, 0 without one. `rung`: the rung of the actor, which is
    the highest level of its positions.
    """

    in_order: tuple[ActorPosition, ...] = ()
    turns: tuple[ActorPosition, ...] = ()
    by_level: tuple[tuple[ActorPosition, ...], ...] = ((),) * len(RUNGS)
    suspended: Mapping[str, frozenset[str]] = field(default_factory=dict)
    raised_at: tuple[int, ...] = (0,) * len(RUNGS)
    rung: int = UNSTATED

    def at(self, level: int) -> tuple[ActorPosition, ...]:
        """Return the positions that count at a level, without those that rest on a suspended or ended instrument."""
        row = self.by_level[level]
        return tuple(s for s in row if s.event not in self.suspended) if self.suspended else row

    def with_levels(self) -> Iterator[tuple[ActorPosition, int]]:
        """Yield the positions that count, each with its level, from the highest level down."""
        return ((s, level) for level in range(self.rung, UNSTATED, -1) for s in self.at(level))

    def last_raised(self, rung: int) -> int:
        """Return the place of the last position that raised the actor to this rung or higher, 0 without one."""
        return max(self.raised_at[rung:])


NO_POSITIONS: Final = ActorPositions()


@dataclass(frozen=True)
class ActorStatement:
    """An assertion that moves no rung, for one of its asserters."""

    event: str
    root: str
    holder: str
    place: int
    data: Any


Said = TypeVar("Said", ActorPosition, ActorStatement)


@dataclass(frozen=True)
class Denial:
    """A denial of the event `target` by one actor.

    `rung`: the highest rung that the target names. `target_data`: the content of the target, None if the state does not
    have it. `speaker`: the voice whose statements it takes back (see the function `speaker`).
    """

    event: str
    target: str
    denier: str
    speaker: str
    place: int
    rung: int
    data: Any
    target_data: Any


@dataclass(frozen=True)
class Fall:
    """A side's own assertion that lowered its rung from `before` to `to`. `by`: the side that caused it, or `both`."""

    event: str
    root: str
    holder: str
    place: int
    does: Does
    by: str
    before: int
    to: int
    data: Any


@dataclass(frozen=True)
class Proposal:
    """A proposal, with all statements that made it (the first and its evidence) and all answers."""

    root: str
    place: int
    data: Any
    statements: tuple[ActorStatement, ...]
    answers: tuple[ActorStatement, ...] = ()


@dataclass(frozen=True)
class Step:
    """A next step. `statements` say that it was agreed, and on which terms. `closings` have the outcome."""

    step: str
    statements: tuple[ActorStatement, ...]
    closings: tuple[ActorStatement, ...] = ()


@dataclass(frozen=True)
class Item:
    """One countable thing, such as a building. `statuses`: what the sides say about its status."""

    item: str
    kind: str
    name: str
    place: str
    statuses: tuple[ActorStatement, ...] = ()


@dataclass(frozen=True)
class LastStatement:
    """An actor's last assertion, in order of occurrence. `rung`: the rung that it names, None if it moves no rung.

    `certain`: the dates, or the events that it names, show that no other assertion of the actor is later. `reach`: the
    last day that it or an earlier assertion of the actor can have.
    """

    event: str
    root: str
    type: str
    occurred: str | None
    rung: int | None
    place: int
    certain: bool
    reach: date


@dataclass(frozen=True)
class StatusChange:
    """An event that changed a side's rung or the reported status, and the three statuses after it.

    `reach`: the last day that it or an earlier change can have.
    """

    event: str
    occurred: str | None
    earliest: date | None
    latest: date | None
    reach: date
    position: int
    status: int
    confirmed: int
    reported: int


@dataclass(frozen=True)
class Irritant:
    """The state of an irritant.

    `assertion_ids`: the ids of all assertions in order of occurrence. `positions`: the positions of each actor.
    `rungs`: those of the sides, in the order of `parties`. `status_changes`: the changes of the three statuses.
    `deniers`: for each denied event the speakers that deny it. `instruments`: for each account of an instrument its
    first account. `last_statements`: the last assertion of each actor except MEDIA.
    """

    parties: tuple[str, str]
    title: str = ""
    category: str = ""
    opened: bool = False
    assertion_ids: tuple[str, ...] = ()
    positions: Mapping[str, ActorPositions] = field(default_factory=dict)
    rungs: tuple[int, int] = (UNSTATED, UNSTATED)
    reported: int = UNSTATED
    high_water_mark: int = UNSTATED
    trend: Trend = "held"
    status_changes: tuple[StatusChange, ...] = ()
    falls: tuple[Fall, ...] = ()
    denials: tuple[Denial, ...] = ()
    deniers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    holds: tuple[ActorStatement, ...] = ()
    breaches: tuple[ActorStatement, ...] = ()
    linkages: tuple[ActorStatement, ...] = ()
    reversibility: tuple[ActorStatement, ...] = ()
    stances: tuple[ActorStatement, ...] = ()
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    instruments: Mapping[str, str] = field(default_factory=dict)
    last_statements: Mapping[str, LastStatement] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of assertions, which is the last place."""
        return len(self.assertion_ids)

    @property
    def status(self) -> int:
        return max(self.rungs)

    @property
    def confirmed(self) -> int:
        return min(self.rungs)

    @property
    def moved(self) -> StatusChange | None:
        """The last event that changed a side's rung or the reported status."""
        return self.status_changes[-1] if self.status_changes else None

    @property
    def regressions(self) -> int:
        """The number of regressions. For each `by` it is the larger of the two sides' numbers of falls."""
        falls: dict[str, dict[str, int]] = {}
        for fall in self.falls:
            if fall.does in COUNTED:
                by_side = falls.setdefault(fall.by, {})
                by_side[fall.holder] = by_side.get(fall.holder, 0) + 1
        return sum(max(by_side.values()) for by_side in falls.values())

    @property
    def lifecycle(self) -> Lifecycle:
        return _lifecycle(self)

    def find_lifecycle(self) -> Lifecycle:
        """Compute the lifecycle. Call `lifecycle` instead, which caches it."""
        if self.confirmed == RESOLVED:
            return "resolved"
        if self.status == UNSTATED and any(self.is_live(s) for s in self.turns_of_sides("withdraw")):
            return "withdrawn"
        if self.confirmed >= IMPLEMENTING and all(self._declared(party) for party in self.parties):
            return "partly_resolved"
        return "open"

    def _declared(self, party: str) -> bool:
        """Return whether a live ResolutionDeclared of a side, partial or full, counts at the rung that it names."""
        positions = self.positions_of(party)
        return any(
            s.rung == level and s.data.type == "ResolutionDeclared"
            for level in (IMPLEMENTING, RESOLVED)
            for s in positions.at(level)
        )

    def rung_of(self, party: str) -> int:
        return self.rungs[self.parties.index(party)]

    def positions_of(self, actor: str) -> ActorPositions:
        """Return the positions of an actor. They are empty if it has none."""
        return self.positions.get(actor, NO_POSITIONS)

    @property
    def actors(self) -> tuple[str, ...]:
        """The two sides, then all other actors with positions."""
        return (*self.parties, *(actor for actor in self.positions if actor not in self.parties))

    @property
    def all_positions(self) -> list[ActorPosition]:
        """The positions of all actors in order of occurrence. Cost: O(n log n) in their number."""
        return merged_by_place(*(self.positions_of(actor).in_order for actor in self.actors))

    @property
    def with_levels(self) -> Iterator[tuple[ActorPosition, int]]:
        """The same positions, each with its level, 0 for a position that no longer counts."""
        levels = {(s.event, s.holder): n for own in self.positions.values() for s, n in own.with_levels()}
        return ((s, levels.get((s.event, s.holder), UNSTATED)) for s in self.all_positions)

    def turns_of_sides(self, *does: Does) -> list[ActorPosition]:
        """Return the turns of the sides that do one of these things, in order of occurrence."""
        return merged_by_place([s for party in self.parties for s in self.positions_of(party).turns if s.does in does])

    def denies(self, holder: str, *events: str) -> bool:
        """Return whether a side or third party denies any of these events."""
        return any(holder in self.deniers.get(event, ()) for event in events)

    def is_live(self, said: ActorPosition | ActorStatement) -> bool:
        """Return whether a position or statement is live: its own speaker has not denied it."""
        deniers = self.deniers
        if said.event not in deniers and said.root not in deniers:
            return True
        voice = speaker(said.holder, said.data)
        return voice not in deniers.get(said.event, ()) and voice not in deniers.get(said.root, ())

    def only_live(self, statements: Iterable[Said]) -> tuple[Said, ...]:
        """Return the statements or positions that their own speakers have not denied."""
        deniers = self.deniers  # Look here first, because a call of `is_live` for each statement takes longer.
        return tuple([t for t in statements if (t.event not in deniers and t.root not in deniers) or self.is_live(t)])

    def live_by_sides(self, statements: Iterable[ActorStatement]) -> tuple[ActorStatement, ...]:
        """Return the statements of the sides that the side has not denied."""
        return tuple([t for t in statements if t.holder in self.parties and self.is_live(t)])

    def is_ended(self, denial: Denial) -> bool:
        """Return whether the denier itself has since risen to the rung of the denied event, which ends the denial."""
        return denial.rung > UNSTATED and self.positions_of(denial.denier).last_raised(denial.rung) > denial.place

    def denied_by_both(self) -> frozenset[str]:
        """Return the events that both sides deny. These do not count as reported, whoever reports them."""
        if len(self.denials) < 2:
            return frozenset()
        by_one, by_other = (
            {d.target: d for d in self.denials if d.denier == party and d.rung > UNSTATED} for party in self.parties
        )
        both = by_one.keys() & by_other.keys()
        return frozenset(t for t in both if not (self.is_ended(by_one[t]) or self.is_ended(by_other[t])))

    def instrument(self, event: str) -> str:
        """Return the id of the first account of an instrument, given any account of it. An unknown id is returned."""
        seen: set[str] = set()
        while (first := self.instruments.get(event, event)) != event and event not in seen:
            seen.add(event)
            event = first
        return event

    def takes_away(self, stated: ActorPosition, position: ActorPosition) -> bool:
        """Return whether a statement on an instrument takes away a position.

        A position that names no instrument rests on every instrument. An expiry does not take away `resolved`.
        """
        if position.rung < TAKES_FROM[stated.does] or (stated.does == "expire" and position.rung == RESOLVED):
            return False
        if stated.holder == MEDIA and position.origin != stated.origin:
            return False
        return position.instrument is None or self.instrument(position.instrument) == self.instrument(
            stated.instrument or ""
        )

    def holders(self, asserter: str) -> tuple[str, ...]:
        """Return the actors whose assertion this is: both sides for a joint text, else the asserter."""
        return holders(self.parties, asserter)

    def is_side(self, actor: str) -> bool:
        return actor in self.parties

    def voice_of(self, actor: str) -> str:
        return voice_of(self.parties, actor)


def merged_by_place(*positions: Iterable[ActorPosition]) -> list[ActorPosition]:
    """Merge positions of several actors in order of occurrence."""
    return sorted(chain.from_iterable(positions), key=attrgetter("place"))


Result = TypeVar("Result")


def cached_for_state(compute: Callable[[Irritant], Result]) -> Callable[[Irritant], Result]:
    """Cache the last result of a function of a state, because a document asks for it several times."""
    last: tuple[Irritant | None, Any] = (None, None)

    @wraps(compute)
    def cached(state: Irritant) -> Result:
        nonlocal last
        last_state, result = last  # read both at once, because another thread may replace them
        if last_state is not state:
            result = compute(state)
            last = state, result
        returned: Result = result
        return returned

    return cached


def speaker(holder: str, data: Assertion) -> str:
    """Return who can take back an assertion: the holder, or an outlet by its origin, such as `MEDIA tass-1`."""
    return f"{MEDIA} {data.source.origin}" if holder == MEDIA else holder


@cached_for_state
def _lifecycle(state: Irritant) -> Lifecycle:
    return state.find_lifecycle()
