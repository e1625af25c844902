"""An irritant as a history leaves it (`fold.py` says how it comes about).

A *stand* is one voice standing behind one rung; a party's rung is the highest of its stands that it has not denied,
each lowered by the reversals that bind that party. What else is told is kept as *tellings*, one for each voice, so that
a denial can take back one voice and leave the others. Nothing denied is dropped: a denial can itself be denied.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from service.domain.ladder import RESOLVED, UNSTATED

Trend = Literal["advanced", "regressed", "held"]
Hold = Literal["none", "stalled", "suspended"]
MEDIA: Final = "MEDIA"
REVERSAL: Final = "reversal"
"""What lapses a step: no voice, but it stands as long as a party tells the reversal."""


@dataclass(frozen=True)
class Stand:
    """One voice behind one rung. `holder` is a party, or MEDIA for everybody else."""

    event: str
    root: str
    holder: str
    rung: int
    origin: str
    spoken: bool
    wording: str | None
    denied_in: str | None = None


@dataclass(frozen=True)
class Telling:
    """One voice that says something beside the ladder; `root` is what it says again, or itself."""

    event: str
    root: str
    holder: str
    value: str = ""
    denied_in: str | None = None


def live(tellings: Iterable[Telling]) -> tuple[Telling, ...]:
    """Those that their holders have not denied."""
    return tuple(t for t in tellings if t.denied_in is None)


def by_parties(tellings: Iterable[Telling]) -> tuple[Telling, ...]:
    """Those that a party stands behind."""
    return tuple(t for t in tellings if t.denied_in is None and t.holder != MEDIA)


def by_a_party(tellings: Iterable[Telling]) -> bool:
    """Whether a party stands behind any of them; a loop, for each understanding asks it of every proposal."""
    for telling in tellings:  # noqa: SIM110 -- `any` takes three times as long
        if telling.denied_in is None and telling.holder != MEDIA:
            return True
    return False


@dataclass(frozen=True)
class Denial:
    """A party's denial of `target`, standing at `rung`; of a reversal where `reversal`."""

    event: str
    target: str
    denier: str
    rung: int
    reversal: bool
    ended: bool = False


@dataclass(frozen=True)
class Reversal:
    """Progress said to be undone down to `to`: it binds the first `place` stands, if a party is among its tellers."""

    root: str
    to: int
    place: int
    tellers: tuple[Telling, ...]

    @property
    def by_a_party(self) -> bool:
        return by_a_party(self.tellers)


@dataclass(frozen=True)
class Proposal:
    """A remedy put forward; open until answered (not merely deferred) or until its addressees reach `understanding`."""

    root: str
    kind: str
    addressee: str
    terms: str
    occurred: str | None
    tellers: tuple[Telling, ...]
    closings: tuple[Telling, ...] = ()

    @property
    def open(self) -> bool:
        return not by_a_party(self.closings)

    @property
    def by_a_party(self) -> bool:
        return by_a_party(self.tellers)


@dataclass(frozen=True)
class Step:
    """An agreed next step; `tellers` say that it was agreed, `closings` that it was closed, and how."""

    step: str
    owner: str
    action: str
    due: str | None
    opened: str
    tellers: tuple[Telling, ...]
    closings: tuple[Telling, ...] = ()

    @property
    def open(self) -> bool:
        """Media alone closes no step that a party asserted."""
        return not (by_a_party(self.closings) if self.by_a_party else live(self.closings))

    @property
    def by_a_party(self) -> bool:
        return by_a_party(self.tellers)


@dataclass(frozen=True)
class Item:
    """One countable thing; `statuses` are the parties' statements of it, the last that stands counts."""

    item: str
    kind: str
    name: str
    place: str
    statuses: tuple[Telling, ...] = ()

    @property
    def status(self) -> str:
        said = live(self.statuses)
        return said[-1].value if said else "outstanding"


@dataclass(frozen=True)
class Voice:
    """A party's last assertion, in the order of the world, and the rung that it spoke of, if of one."""

    event: str
    occurred: str | None
    rung: int | None


@dataclass(frozen=True)
class Moved:
    """An event that changed one of the three statuses, and these after it. `earliest` is that of its place."""

    event: str
    occurred: str | None
    earliest: date | None
    position: int
    status: int
    confirmed: int
    reported: int


@dataclass(frozen=True)
class Irritant:
    """An irritant as a history leaves it. `rungs` are the parties', in the order of `parties`.

    `levels` are those of `stands`, one for each: its rung, lowered by the reversals after it that bind its holder.
    `withdrawals` has reopenings among them, `holds` what lifted them: the last that stands counts, for holds by side.
    """

    parties: tuple[str, str]
    title: str = ""
    category: str = ""
    opened: bool = False
    stands: tuple[Stand, ...] = ()
    levels: tuple[int, ...] = ()
    rungs: tuple[int, int] = (UNSTATED, UNSTATED)
    reported: int = UNSTATED
    high_water_mark: int = UNSTATED
    trend: Trend = "held"
    course: tuple[Moved, ...] = ()
    raised_by: tuple[Telling, ...] = ()
    first_by: tuple[Telling, ...] = ()
    withdrawals: tuple[Telling, ...] = ()
    merged_into: str | None = None
    reversals: tuple[Reversal, ...] = ()
    denials: tuple[Denial, ...] = ()
    regressed: tuple[str, ...] = ()
    holds: tuple[Telling, ...] = ()
    reversibility: tuple[Telling, ...] = ()
    stances: tuple[Telling, ...] = ()
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return max(self.rungs)

    @property
    def confirmed(self) -> int:
        return min(self.rungs)

    @property
    def moved(self) -> Moved | None:
        """The last event that changed one of the three statuses."""
        return self.course[-1] if self.course else None

    @property
    def regressions(self) -> int:
        told = {r.root for r in self.reversals if r.by_a_party}
        return sum(root in told for root in self.regressed)

    @property
    def lifecycle(self) -> Literal["open", "resolved", "withdrawn"]:
        if (said := live(self.withdrawals)) and said[-1].value != "reopened":
            return "withdrawn"
        return "resolved" if self.confirmed == RESOLVED else "open"

    @property
    def held(self) -> Mapping[str, str]:
        """The holds in force, by the side that placed each."""
        last = {t.holder: t.value for t in live(self.holds)}
        return {side: kind for side, kind in last.items() if kind != "lifted"}

    def rung_of(self, party: str) -> int:
        return self.rungs[self.parties.index(party)]

    def levels_anew(self) -> tuple[int, ...]:
        """The levels from stands, reversals and denials, whichever of them changed. O(stands + reversals)."""
        if not self.reversals:
            return tuple(stand.rung for stand in self.stands)
        waiting = self.binding()
        lowest = dict.fromkeys(waiting, RESOLVED)
        levels = [stand.rung for stand in self.stands]
        for place in range(len(levels) - 1, -1, -1):
            holder = self.stands[place].holder
            while waiting[holder] and waiting[holder][-1].place > place:
                lowest[holder] = min(lowest[holder], waiting[holder].pop().to)
            levels[place] = min(levels[place], lowest[holder])
        return tuple(levels)

    def binding(self) -> dict[str, list[Reversal]]:
        """By holder the reversals that bind it, by place: those that a party tells and the holder does not deny."""
        told = sorted((r for r in self.reversals if r.by_a_party), key=lambda r: r.place)
        denied = {(d.denier, d.target) for d in self.denials if d.reversal and not d.ended}
        return {h: [r for r in told if (h, r.root) not in denied] for h in (*self.parties, MEDIA)}

    @property
    def leveled(self) -> Iterator[tuple[Stand, int]]:
        """Each stand with its level."""
        return zip(self.stands, self.levels, strict=True)

    def standing(self, party: str) -> list[Stand]:
        """The stands of a party at its rung, none where it is on no rung."""
        rung = self.rung_of(party)
        if rung == UNSTATED:
            return []
        return [s for s, level in self.leveled if level == rung and s.holder == party and s.denied_in is None]

    def holders(self, asserter: str) -> tuple[str, ...]:
        """Whose word this is: both parties' for a joint text, MEDIA for whoever is no party of the relation."""
        if asserter == "JOINT":
            return self.parties
        return (asserter,) if asserter in self.parties else (MEDIA,)
