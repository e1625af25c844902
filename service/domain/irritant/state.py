"""An irritant as a history leaves it (`fold.py` says how it comes about).

A *stand* is one word of one voice on the ladder, at its place in the order of the world. An actor's rung is the highest
level of its own stands: reversals, withdrawals and statements on instruments lower or take away the stands of their
asserter alone. So nobody is moved by another's word. All else that is said is kept as *statements*, one for each voice.

A denial marks nothing: it is a pair of a voice and an event, and what that voice said in that event does not count.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Any, Final, Literal, TypeVar

from service.domain.actors import JOINT, MEDIA, holders, voice_of
from service.domain.assertion import OWN_WORDS, Assertion
from service.domain.ladder import IMPLEMENTING, RESOLVED, UNSTATED

Trend = Literal["advanced", "regressed", "held"]
Hold = Literal["none", "stalled", "suspended"]
Does = Literal["advance", "restore", "reopen", "reverse", "withdraw", "suspend", "end", "expire"]
"""What a word does to the rung of its asserter. `end` is a termination."""
Lifecycle = Literal["open", "partly_resolved", "resolved", "withdrawn"]

RAISES: Final = frozenset({"advance", "restore", "reopen"})
COUNTED: Final = frozenset({"reverse", "reopen", "suspend", "end"})
"""What counts as a regression where it lowers a side; a withdrawal and an expiry do not."""


@dataclass(frozen=True)
class SidePosition:
    """One word of one voice on the ladder. `rung`: what it speaks of, or for a reversal what it goes back to."""

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
        """Whether these are its own words: quoted or paraphrased, not only attributed."""
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
    def text(self) -> str | None:
        """The instrument that it is, or names."""
        named: str | None = getattr(self.data, "instrument", None)
        return named or (self.root if self.data.type == "InstrumentExchanged" else None)


@dataclass(frozen=True)
class SideStatement:
    """One voice that says something beside the ladder; `root` is what it says again, or itself."""

    event: str
    root: str
    holder: str
    place: int
    data: Any


@dataclass(frozen=True)
class Denial:
    """A denial of `target` by one voice. `rung`: the highest that the target speaks of; `of`: what it says, if known.

    `speaker`: whose words it takes back (see `speaker` below). `ended`: the denier has stood at that rung since, by its
    own word.
    """

    event: str
    target: str
    denier: str
    speaker: str
    place: int
    rung: int
    data: Any
    of: Any
    ended: bool = False


@dataclass(frozen=True)
class Fall:
    """A side's own word that lowered it: from `before` to `to`. `by`: whom it says did it."""

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
    """A remedy put forward, and every answer to it that is on record."""

    root: str
    place: int
    data: Any
    statements: tuple[SideStatement, ...]
    answers: tuple[SideStatement, ...] = ()


@dataclass(frozen=True)
class Step:
    """A next step; `statements` say that it was agreed and on which terms, `closings` that it was closed, and how."""

    step: str
    statements: tuple[SideStatement, ...]
    closings: tuple[SideStatement, ...] = ()


@dataclass(frozen=True)
class Item:
    """One countable thing; `statuses` are the sides' statements of it."""

    item: str
    kind: str
    name: str
    place: str
    statuses: tuple[SideStatement, ...] = ()


@dataclass(frozen=True)
class LastStatement:
    """An actor's last assertion, in the order of the world."""

    event: str
    type: str
    occurred: str | None
    rung: int | None
    place: int


@dataclass(frozen=True)
class StatusChange:
    """An event that changed a side's rung or the reported status, and the three statuses after it."""

    event: str
    occurred: str | None
    earliest: date | None
    position: int
    status: int
    confirmed: int
    reported: int


@dataclass(frozen=True)
class Irritant:
    """An irritant as a history leaves it. `rungs` are the sides', in the order of `parties`.

    `levels` are those of `stands`, one for each: what reversals, statements on instruments and denials leave of its
    rung. `denied`: the pairs of a speaker and an event of the denials in force. `stated`: who has stated what became of
    an instrument. `last_statements`: the last word of each actor but media.
    """

    parties: tuple[str, str]
    title: str = ""
    category: str = ""
    opened: bool = False
    count: int = 0
    side_positions: tuple[SidePosition, ...] = ()
    levels: tuple[int, ...] = ()
    rungs: tuple[int, int] = (UNSTATED, UNSTATED)
    reported: int = UNSTATED
    high_water_mark: int = UNSTATED
    trend: Trend = "held"
    course: tuple[StatusChange, ...] = ()
    falls: tuple[Fall, ...] = ()
    denials: tuple[Denial, ...] = ()
    denied: frozenset[tuple[str, str]] = frozenset()
    holds: tuple[SideStatement, ...] = ()
    breaches: tuple[SideStatement, ...] = ()
    linkages: tuple[SideStatement, ...] = ()
    reversibility: tuple[SideStatement, ...] = ()
    stances: tuple[SideStatement, ...] = ()
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    instruments: Mapping[str, str] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()
    last_statements: Mapping[str, LastStatement] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return max(self.rungs)

    @property
    def confirmed(self) -> int:
        return min(self.rungs)

    @property
    def moved(self) -> StatusChange | None:
        """The last event that changed a side's rung or the reported status."""
        return self.course[-1] if self.course else None

    @property
    def regressions(self) -> int:
        """Falls of the sides by their own words; those that both tell of one actor are counted once."""
        told: dict[str, dict[str, int]] = {}
        for fall in self.falls:
            if fall.does in COUNTED:
                by_side = told.setdefault(fall.by, {})
                by_side[fall.holder] = by_side.get(fall.holder, 0) + 1
        return sum(max(by_side.values()) for by_side in told.values())

    @property
    def lifecycle(self) -> Lifecycle:
        return _lifecycle(self)

    def find_lifecycle(self) -> Lifecycle:
        """Find how far it is closed, from all that the sides say."""
        if self.confirmed == RESOLVED:
            return "resolved"
        if self.status == UNSTATED and any(self.says(s) for s in self.of("withdraw")):
            return "withdrawn"
        if self.confirmed >= IMPLEMENTING and all(self._declared(party) for party in self.parties):
            return "partly_resolved"
        return "open"

    def _declared(self, party: str) -> bool:
        return any(
            s.holder == party and level == s.rung and s.data.type == "ResolutionDeclared"
            for s, level in self.with_levels
        )

    def rung_of(self, party: str) -> int:
        return self.rungs[self.parties.index(party)]

    def of(self, *does: Does) -> list[SidePosition]:
        """The words of the sides that do this, in the order of the world."""
        return [s for s in self.side_positions if s.does in does and s.holder in self.parties]

    def denies(self, holder: str, *events: str) -> bool:
        """Whether this side or third party denies any of these events."""
        return any((holder, event) in self.denied for event in events)

    def says(self, said: SidePosition | SideStatement) -> bool:
        """Whether its voice has not denied it."""
        if not self.denied:
            return True
        voice = speaker(said.holder, said.data)
        return (voice, said.event) not in self.denied and (voice, said.root) not in self.denied

    def live(self, statements: Iterable[SideStatement]) -> tuple[SideStatement, ...]:
        """Those that their voices have not denied."""
        return tuple(t for t in statements if self.says(t))

    def by_sides(self, statements: Iterable[SideStatement]) -> tuple[SideStatement, ...]:
        """Those that a side says and has not denied."""
        return tuple(t for t in statements if t.holder in self.parties and self.says(t))

    @property
    def with_levels(self) -> Iterator[tuple[SidePosition, int]]:
        """Each stand with its level."""
        return zip(self.side_positions, self.levels, strict=True)

    def positions_at_rung(self, holder: str) -> list[SidePosition]:
        """The words by which a side is on its rung; none where it is on no rung."""
        rung = self.rung_of(holder)
        if rung == UNSTATED:
            return []
        return [s for s, level in self.with_levels if level == rung and s.holder == holder]

    def denied_by_both(self) -> frozenset[str]:
        """The events that both sides deny, so that others' word of them is not reported either."""
        by_one, by_other = (
            {d.target: d for d in self.denials if d.denier == party and d.rung > UNSTATED} for party in self.parties
        )
        both = by_one.keys() & by_other.keys()
        return frozenset(t for t in both if not (by_one[t].ended or by_other[t].ended))

    def instrument(self, event: str) -> str:
        """The first account of the instrument that this event names; the event itself where that is not known."""
        seen: set[str] = set()
        while (first := self.instruments.get(event, event)) != event and event not in seen:
            seen.add(event)
            event = first
        return event

    def holders(self, asserter: str) -> tuple[str, ...]:
        """Whose word this is: that of both sides for a joint text, else the asserter's."""
        return holders(self.parties, asserter)

    def is_side(self, actor: str) -> bool:
        return actor in self.parties

    def voice_of(self, actor: str) -> str:
        return voice_of(self.parties, actor)


Found = TypeVar("Found")


def kept(find: Callable[[Irritant], Found]) -> Callable[[Irritant], Found]:
    """Keep the last answer: a document asks several times for what follows from one state, which never changes."""
    last: tuple[Irritant | None, Any] = (None, None)

    @wraps(find)
    def found(state: Irritant) -> Found:
        nonlocal last
        of, answer = last  # one assignment: another thread may ask of another state meanwhile
        if of is not state:
            answer = find(state)
            last = state, answer
        result: Found = answer
        return result

    return found


def speaker(holder: str, data: Assertion) -> str:
    """Who can take back what is said so: media are many, and each outlet is known by the origin."""
    return f"{MEDIA} {data.source.origin}" if holder == MEDIA else holder


@kept
def _lifecycle(state: Irritant) -> Lifecycle:
    return state.find_lifecycle()
