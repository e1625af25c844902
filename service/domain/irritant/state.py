"""An irritant as a history leaves it (`fold.py` says how it comes about).

A *side position* is one side, or media, saying that a rung is reached. A party's rung is the highest of its positions
that it has not denied, each lowered by the reversals that bind that party. Everything else said is kept as *side
statements*, one for each side, so that a denial can take back one and leave the others. Nothing denied is dropped: a
denial can itself be denied.
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
"""The holder of a lapse, which closes a step for as long as a party states the reversal."""


@dataclass(frozen=True)
class SidePosition:
    """One side saying that a rung is reached. `holder` is a party, or MEDIA for all third parties."""

    event: str
    root: str
    holder: str
    rung: int
    origin: str
    spoken: bool
    wording: str | None
    denied_in: str | None = None


@dataclass(frozen=True)
class SideStatement:
    """One side saying something beside the ladder. `root` is the assertion that it repeats, or itself."""

    event: str
    root: str
    holder: str
    value: str = ""
    denied_in: str | None = None


def live(statements: Iterable[SideStatement]) -> tuple[SideStatement, ...]:
    """Return those that their holders have not denied."""
    return tuple(t for t in statements if t.denied_in is None)


def by_parties(statements: Iterable[SideStatement]) -> tuple[SideStatement, ...]:
    """Return those that a party says and has not denied."""
    return tuple(t for t in statements if t.denied_in is None and t.holder != MEDIA)


def by_a_party(statements: Iterable[SideStatement]) -> bool:
    """Tell whether a party says any of them. A loop, because each understanding asks it of every proposal."""
    for statement in statements:  # noqa: SIM110 -- `any` takes three times as long
        if statement.denied_in is None and statement.holder != MEDIA:
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
    """Progress said to be undone down to `to`: it binds the first `place` positions, if a party states it."""

    root: str
    to: int
    place: int
    statements: tuple[SideStatement, ...]

    @property
    def by_a_party(self) -> bool:
        return by_a_party(self.statements)


@dataclass(frozen=True)
class Proposal:
    """A remedy put forward; open until answered (not merely deferred) or until its addressees reach `understanding`."""

    root: str
    kind: str
    addressee: str
    terms: str
    occurred: str | None
    statements: tuple[SideStatement, ...]
    closings: tuple[SideStatement, ...] = ()

    @property
    def open(self) -> bool:
        return not by_a_party(self.closings)

    @property
    def by_a_party(self) -> bool:
        return by_a_party(self.statements)


@dataclass(frozen=True)
class Step:
    """An agreed next step; `statements` say that it was agreed, `closings` that it was closed, and how."""

    step: str
    owner: str
    action: str
    due: str | None
    opened: str
    statements: tuple[SideStatement, ...]
    closings: tuple[SideStatement, ...] = ()

    @property
    def open(self) -> bool:
        """Media alone closes no step that a party asserted."""
        return not (by_a_party(self.closings) if self.by_a_party else live(self.closings))

    @property
    def by_a_party(self) -> bool:
        return by_a_party(self.statements)


@dataclass(frozen=True)
class Item:
    """One countable thing; `statuses` are the parties' statements of it, the last that stands counts."""

    item: str
    kind: str
    name: str
    place: str
    statuses: tuple[SideStatement, ...] = ()

    @property
    def status(self) -> str:
        said = live(self.statuses)
        return said[-1].value if said else "outstanding"


@dataclass(frozen=True)
class LastStatement:
    """A party's last assertion, in the order of the world, and the rung that it spoke of, if of one."""

    event: str
    occurred: str | None
    rung: int | None


@dataclass(frozen=True)
class StatusChange:
    """An event that changed one of the three statuses, and the statuses after it. `earliest` is that of its place."""

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

    `levels` has one for each of `side_positions`: its rung, lowered by later reversals that bind its holder.
    `withdrawals` has reopenings among them, `holds` what lifted them: the last that stands counts, for holds by side.
    """

    parties: tuple[str, str]
    title: str = ""
    category: str = ""
    opened: bool = False
    side_positions: tuple[SidePosition, ...] = ()
    levels: tuple[int, ...] = ()
    rungs: tuple[int, int] = (UNSTATED, UNSTATED)
    reported: int = UNSTATED
    high_water_mark: int = UNSTATED
    trend: Trend = "held"
    course: tuple[StatusChange, ...] = ()
    raised_by: tuple[SideStatement, ...] = ()
    first_by: tuple[SideStatement, ...] = ()
    withdrawals: tuple[SideStatement, ...] = ()
    merged_into: str | None = None
    reversals: tuple[Reversal, ...] = ()
    denials: tuple[Denial, ...] = ()
    regressed: tuple[str, ...] = ()
    holds: tuple[SideStatement, ...] = ()
    reversibility: tuple[SideStatement, ...] = ()
    stances: tuple[SideStatement, ...] = ()
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    steps: Mapping[str, Step] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    last_statements: Mapping[str, LastStatement] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return max(self.rungs)

    @property
    def confirmed(self) -> int:
        return min(self.rungs)

    @property
    def moved(self) -> StatusChange | None:
        """The last event that changed one of the three statuses."""
        return self.course[-1] if self.course else None

    @property
    def regressions(self) -> int:
        stated = {r.root for r in self.reversals if r.by_a_party}
        return sum(root in stated for root in self.regressed)

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

    def calculate_levels(self) -> tuple[int, ...]:
        """Calculate the levels from positions, reversals and denials. O(positions + reversals)."""
        if not self.reversals:
            return tuple(side_position.rung for side_position in self.side_positions)
        waiting = self.binding()
        lowest = dict.fromkeys(waiting, RESOLVED)
        levels = [side_position.rung for side_position in self.side_positions]
        for place in range(len(levels) - 1, -1, -1):
            holder = self.side_positions[place].holder
            while waiting[holder] and waiting[holder][-1].place > place:
                lowest[holder] = min(lowest[holder], waiting[holder].pop().to)
            levels[place] = min(levels[place], lowest[holder])
        return tuple(levels)

    def binding(self) -> dict[str, list[Reversal]]:
        """By holder the reversals that bind it, by place: those that a party states and the holder does not deny."""
        stated = sorted((r for r in self.reversals if r.by_a_party), key=lambda r: r.place)
        denied = {(d.denier, d.target) for d in self.denials if d.reversal and not d.ended}
        return {h: [r for r in stated if (h, r.root) not in denied] for h in (*self.parties, MEDIA)}

    @property
    def with_levels(self) -> Iterator[tuple[SidePosition, int]]:
        """Each position with its level."""
        return zip(self.side_positions, self.levels, strict=True)

    def positions_at_rung(self, party: str) -> list[SidePosition]:
        """Return the positions of a party at its rung; none where it is on no rung."""
        rung = self.rung_of(party)
        if rung == UNSTATED:
            return []
        return [s for s, level in self.with_levels if level == rung and s.holder == party and s.denied_in is None]

    def holders(self, asserter: str) -> tuple[str, ...]:
        """Whose word this is: both parties' for a joint text, MEDIA for whoever is no party of the relation."""
        if asserter == "JOINT":
            return self.parties
        return (asserter,) if asserter in self.parties else (MEDIA,)
