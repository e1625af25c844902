"""How an irritant's state follows from what is asserted of it.

`evolve` never judges (that is `rules.py`) and handles every case, so that any history can be read, also one that later
corrections have made odd. A word changes the rung of its asserter only; a joint text is the word of both sides.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, Final, NamedTuple, TypeVar, assert_never, cast

from service.domain.actors import MEDIA
from service.domain.assertion import Assertion, ClaimContested
from service.domain.corrections import Effective
from service.domain.frozen import replace
from service.domain.irritant import events as on_disk
from service.domain.irritant.events import IrritantEvent
from service.domain.irritant.state import (
    RAISES,
    Denial,
    Does,
    Fall,
    Irritant,
    Item,
    LastStatement,
    Proposal,
    SidePosition,
    SideStatement,
    StatusChange,
    Step,
    speaker,
)
from service.domain.ladder import (
    FORMALISED,
    IMPLEMENTING,
    IN_TALKS,
    LEVELS,
    PROPOSED,
    RAISED,
    RESOLVED,
    RUNGS,
    UNDERSTANDING,
    UNSTATED,
)

Key = TypeVar("Key")

_STATES: Final[Mapping[str, Does]] = {
    "in_force": "restore",
    "extended": "restore",
    "suspended": "suspend",
    "terminated": "end",
    "expired": "expire",
}
_TAKES_FROM: Final[Mapping[str, int]] = {"suspend": IMPLEMENTING, "end": UNDERSTANDING, "expire": UNDERSTANDING}
"""The lowest rung whose words a statement on an instrument takes away."""


class _Said(NamedTuple):
    """An assertion in its place, and whose word it is."""

    effect: Effective
    data: Any
    place: int
    holders: tuple[str, ...]

    def statements(self) -> tuple[SideStatement, ...]:
        effect = self.effect
        return tuple(SideStatement(effect.id, effect.root, h, self.place, self.data) for h in self.holders)

    def positions(self, rung: int, does: Does) -> tuple[SidePosition, ...]:
        effect = self.effect
        return tuple(SidePosition(effect.id, effect.root, h, rung, self.place, does, self.data) for h in self.holders)


def evolve(state: Irritant, effect: Effective) -> Irritant:
    """The state after one more event, in the order of the world. Total."""
    if not isinstance(effect.data, Assertion):
        return _kept(state, effect)
    if effect.relay:
        return state
    said = _Said(effect, effect.data, state.count + 1, state.holders(effect.data.asserted_by.party))
    return _noted(state, _asserted(state, said), said)


def _kept(state: Irritant, effect: Effective) -> Irritant:
    if isinstance(effect.data, on_disk.IrritantOpened):
        return replace(state, title=effect.data.title, category=effect.data.category, opened=True)
    return state


def _asserted(state: Irritant, said: _Said) -> Irritant:
    data = cast("IrritantEvent | ClaimContested", said.data)
    match data:
        case on_disk.IrritantOpened():
            return state
        case on_disk.ConcernRaised():
            return _advance(state, said, RAISED)
        case on_disk.ProposalTabled():
            return _advance(_tabled(state, said), said, PROPOSED)
        case on_disk.ProposalAnswered():
            return _answered(state, said, data)
        case on_disk.DiscussionReported():
            return _advance(state, said, IN_TALKS)
        case on_disk.UnderstandingReported():
            return _advance(state, said, UNDERSTANDING)
        case on_disk.InstrumentExchanged():
            first = data.instrument or said.effect.root
            named = replace(state, instruments={**state.instruments, said.effect.root: first})
            return _advance(named, said, FORMALISED)
        case on_disk.InstrumentStated():
            return _stated(state, said, _STATES[data.state])
        case on_disk.NextStepAgreed():
            return _advance(_step_agreed(state, said, data.step), said, IN_TALKS)
        case on_disk.NextStepClosed():
            return _step_closed(state, said, data.step)
        case on_disk.ImplementationReported():
            return _advance(state, said, IMPLEMENTING)
        case on_disk.ResolutionDeclared():
            return _advance(state, said, IMPLEMENTING if data.extent == "partial" else RESOLVED)
        case on_disk.ItemAdded():
            added = Item(data.item, data.kind, data.name, data.place)
            return state if data.item in state.items else replace(state, items={**state.items, data.item: added})
        case on_disk.ItemStatusChanged():
            return _item_changed(state, said, data.item)
        case on_disk.ReversibilityStated():
            return replace(state, reversibility=(*state.reversibility, *said.statements()))
        case on_disk.BreachAlleged():
            return replace(state, breaches=(*state.breaches, *said.statements()))
        case on_disk.LinkageStated():
            return replace(state, linkages=(*state.linkages, *said.statements()))
        case _:
            # What goes down, a hold, a stance and a denial are their asserter's alone: evidence only corroborates.
            return state if said.effect.is_evidence else _alone(state, said, data)


def _alone(
    state: Irritant,
    said: _Said,
    data: on_disk.ProgressReversed
    | on_disk.IrritantReopened
    | on_disk.IrritantWithdrawn
    | on_disk.HoldPlaced
    | on_disk.HoldLifted
    | on_disk.PositionStated
    | ClaimContested,
) -> Irritant:
    match data:
        case on_disk.ProgressReversed():
            return _lowered(state, said.positions(LEVELS[data.to], "reverse"))
        case on_disk.IrritantReopened():
            return _lowered(state, said.positions(LEVELS[data.to], "reopen"))
        case on_disk.IrritantWithdrawn():
            return _lowered(state, said.positions(UNSTATED, "withdraw"))
        case on_disk.HoldPlaced() | on_disk.HoldLifted():
            return replace(state, holds=(*state.holds, *said.statements()))
        case on_disk.PositionStated():
            return replace(state, stances=(*state.stances, *said.statements()))
        case ClaimContested():
            return _denied(state, said, data.target)
        case _:
            assert_never(data)


def _advance(state: Irritant, said: _Said, rung: int) -> Irritant:
    """Everyone whose word this is stands at `rung` from here on, at least; nobody is lowered."""
    new = said.positions(rung, "advance")
    return replace(
        state,
        side_positions=state.side_positions + new,
        levels=state.levels + (rung,) * len(new),
        rungs=_at_least(state, said.holders, rung),
        reported=max(state.reported, rung),
        denials=_conceded(state.denials, said.holders, rung) if state.denials else state.denials,
    )


def _conceded(denials: tuple[Denial, ...], holders: tuple[str, ...], rung: int) -> tuple[Denial, ...]:
    """A denial ends when its denier later stands, by its own word, where the denied event does."""
    ended = [n for n, d in enumerate(denials) if not d.ended and UNSTATED < d.rung <= rung and d.denier in holders]
    if not ended:
        return denials
    changed = list(denials)
    for n in ended:
        changed[n] = replace(changed[n], ended=True)
    return tuple(changed)


def _at_least(state: Irritant, holders: tuple[str, ...], rung: int) -> tuple[int, int]:
    (one, other), (now, then) = state.parties, state.rungs
    return (max(now, rung) if one in holders else now, max(then, rung) if other in holders else then)


def _stated(state: Irritant, said: _Said, does: Does) -> Irritant:
    """What its asserter says became of an instrument: words of its own are taken away, or given back."""
    if does == "restore":
        stated = replace(_advance(state, said, FORMALISED), stated=state.stated)
        new = said.positions(FORMALISED, does)
        restored = replace(stated, side_positions=stated.side_positions[: -len(new)] + new)
        return replayed_all(restored, [h for h in said.holders if h in state.stated])
    if said.effect.is_evidence:
        return state
    stated = replace(state, stated=state.stated.union(said.holders))
    return _lowered(stated, said.positions(UNSTATED, does))


def _lowered(state: Irritant, new: tuple[SidePosition, ...]) -> Irritant:
    """Each of these words lowers its own asserter, where that stands higher."""
    after = replace(state, side_positions=state.side_positions + new, levels=state.levels + (UNSTATED,) * len(new))
    if new[0].does == "reopen":
        after = replace(after, denials=_conceded(after.denials, tuple(s.holder for s in new), new[0].rung))
    for stand in new:
        quick = stand.holder not in state.stated and stand.holder != MEDIA
        after = _capped(after, stand) if quick else _replayed(after, stand.holder)
    return _recounted(after)


def _capped(state: Irritant, stand: SidePosition) -> Irritant:
    """As `_replayed`, where only this last word of its holder is new and none is about an instrument."""
    to, holder = stand.rung, stand.holder
    before = max((level for s, level in state.with_levels if s.holder == holder), default=UNSTATED)
    if before <= to and stand.does != "reopen":
        return state
    levels = tuple(
        (to if s is stand else min(level, to)) if s.holder == holder else level for s, level in state.with_levels
    )
    falls = (*state.falls, _fall(stand, before, to)) if before > to and state.is_side(holder) else state.falls
    return replace(state, levels=levels, falls=falls)


def replayed_all(state: Irritant, holders: Iterable[str]) -> Irritant:
    """The state with the levels of these voices taken anew, and the statuses that follow."""
    for holder in holders:
        state = _replayed(state, holder)
    return _recounted(state)


def _replayed(state: Irritant, holder: str) -> Irritant:
    """The levels of one voice and its falls, from all that it said and has not denied. O(its words)."""
    own = [(n, s) for n, s in enumerate(state.side_positions) if s.holder == holder]
    replay = _Replay(state)
    for n, stand in own:
        if state.says(stand):
            replay.take(n, stand)
    levels = list(state.levels)
    found = replay.levels()
    for n, _ in own:
        levels[n] = found.get(n, UNSTATED)
    falls = tuple(f for f in state.falls if f.holder != holder)
    if state.is_side(holder):
        falls = tuple(sorted((*falls, *replay.falls), key=lambda f: f.place))
    denials = _conceded_anew(state.denials, holder, [s for _, s in own if s.does in RAISES and state.says(s)])
    return replace(state, levels=tuple(levels), falls=falls, denials=denials)


def _conceded_anew(denials: tuple[Denial, ...], holder: str, raising: Sequence[SidePosition]) -> tuple[Denial, ...]:
    """Which denials of this voice have ended, by its words that it has not denied."""
    if not any(d.denier == holder for d in denials):
        return denials
    places = [s.place for s in raising]
    highest = [*[*accumulate((s.rung for s in reversed(raising)), max)][::-1], UNSTATED]

    def ended(denial: Denial) -> bool:
        return UNSTATED < denial.rung <= highest[bisect_right(places, denial.place)]

    return tuple(replace(d, ended=ended(d)) if d.denier == holder and d.ended != ended(d) else d for d in denials)


class _Replay:
    """One voice's words taken one after another. Words lie in a row for each level, so a fall moves whole rows."""

    def __init__(self, state: Irritant) -> None:
        self.state, self.falls = state, list[Fall]()
        self._at: list[list[tuple[int, SidePosition]]] = [[] for _ in RUNGS]
        self._away: dict[int, set[str]] = {}

    def take(self, n: int, stand: SidePosition) -> None:
        if stand.does == "advance":
            self._at[stand.rung].append((n, stand))
            return
        before = self.top()
        match stand.does:
            case "restore":
                self._give_back(stand)
                self._at[stand.rung].append((n, stand))
            case "reverse" | "reopen" | "withdraw":
                self._cap(stand)
                stands_there = before > stand.rung or stand.does == "reopen"
                self._at[stand.rung if stands_there else UNSTATED].append((n, stand))
            case "suspend" | "end" | "expire":
                self._take_away(stand)
        if (after := self.top()) < before:
            self.falls.append(_fall(stand, before, after))

    def top(self) -> int:
        rows = ((level, row) for level, row in reversed(list(enumerate(self._at))) if row)
        if not self._away:
            return next((level for level, _ in rows), UNSTATED)
        return next((level for level, row in rows if any(n not in self._away for n, _ in row)), UNSTATED)

    def levels(self) -> dict[int, int]:
        return {n: level for level, row in enumerate(self._at) for n, _ in row if n not in self._away}

    def _cap(self, stand: SidePosition) -> None:
        """Media are many: what one of them takes back lowers what it said by the same origin."""
        for level in range(stand.rung + 1, len(RUNGS)):
            stays = [(n, s) for n, s in self._at[level] if stand.holder == MEDIA and s.origin != stand.origin]
            falls = [one for one in self._at[level] if one not in stays] if stays else self._at[level]
            self._at[stand.rung] += falls
            self._at[level] = stays

    def _take_away(self, stand: SidePosition) -> None:
        for row in self._at:
            for n, word in row:
                if self._takes(stand, word):
                    self._away.setdefault(n, set()).add(self._instrument(stand))

    def _takes(self, stand: SidePosition, word: SidePosition) -> bool:
        if word.rung < _TAKES_FROM[stand.does] or (stand.does == "expire" and word.rung == RESOLVED):
            return False
        if stand.holder == MEDIA and word.origin != stand.origin:
            return False
        return word.text is None or self._instrument(word) == self._instrument(stand)

    def _give_back(self, stand: SidePosition) -> None:
        for n, instruments in list(self._away.items()):
            instruments.discard(self._instrument(stand))
            if not instruments:
                del self._away[n]

    def _instrument(self, stand: SidePosition) -> str:
        return self.state.instrument(stand.text or "")


def _fall(stand: SidePosition, before: int, after: int) -> Fall:
    by = "both" if stand.joint else stand.holder
    if stand.does == "reverse":
        by = stand.data.by
    return Fall(stand.event, stand.root, stand.holder, stand.place, stand.does, by, before, after, stand.data)


def _recounted(state: Irritant) -> Irritant:
    """The rungs and the reported status from the levels, after something took away or lowered some. O(stands)."""
    highest = dict.fromkeys(state.parties, UNSTATED)
    reported = UNSTATED
    denied = state.denied_by_both() if len(state.denials) > 1 else frozenset[str]()
    for stand, level in state.with_levels:
        if level > reported and not (denied and (stand.event in denied or stand.root in denied)):
            reported = level
        if level > highest.get(stand.holder, RESOLVED):
            highest[stand.holder] = level
    one, other = (highest[party] for party in state.parties)
    return replace(state, rungs=(one, other), reported=max(reported, one, other))


def _tabled(state: Irritant, said: _Said) -> Irritant:
    root = said.effect.root
    known = state.proposals.get(root) or Proposal(root, said.place, said.data, ())
    tabled = replace(known, statements=(*known.statements, *said.statements()))
    return replace(state, proposals={**state.proposals, root: tabled})


def _answered(state: Irritant, said: _Said, data: on_disk.ProposalAnswered) -> Irritant:
    """An answer, kept with the proposal. That a side accepted is its word alone; a counter is its addressee's own."""
    proposal = state.proposals.get(data.proposal)
    if proposal is not None:
        answered = replace(proposal, answers=(*proposal.answers, *said.statements()))
        state = replace(state, proposals={**state.proposals, data.proposal: answered})
    if data.answer == "accepted":
        return _advance(state, said, UNDERSTANDING)
    addressee = proposal.data.addressee if proposal else "both"
    its_own = said.data.asserted_by.party == "JOINT" or addressee in ("both", *said.holders)
    return _advance(state, said, PROPOSED) if data.answer == "countered" and its_own else state


def _step_agreed(state: Irritant, said: _Said, step: str) -> Irritant:
    known = state.steps.get(step) or Step(step, ())
    agreed = replace(known, statements=(*known.statements, *said.statements()))
    return replace(state, steps={**state.steps, step: agreed})


def _step_closed(state: Irritant, said: _Said, step: str) -> Irritant:
    known = state.steps.get(step)
    if known is None:
        return state
    closed = replace(known, closings=(*known.closings, *said.statements()))
    return replace(state, steps={**state.steps, step: closed})


def _item_changed(state: Irritant, said: _Said, item: str) -> Irritant:
    known = state.items.get(item)
    by_sides = tuple(t for t in said.statements() if state.is_side(t.holder))
    if known is None or not by_sides:
        return state
    return replace(state, items={**state.items, item: replace(known, statuses=(*known.statuses, *by_sides))})


def _denied(state: Irritant, said: _Said, target: str) -> Irritant:
    """From here on its asserter does not stand on the target. A denial of one's own denial takes that back."""
    of_it = [s for s in state.side_positions if s.event == target or s.root == target]  # noqa: PLR1714 -- a tuple for each takes half as long again
    rung = max([s.rung for s in of_it], default=UNSTATED)
    denials, of = state.denials, of_it[0].data if of_it else _said_in(state, target)
    taken_back: set[str] = set()
    for holder in said.holders:
        own = [d for d in denials if d.denier == holder and d.event == target]
        if own:
            denials = tuple(d for d in denials if d not in own)
            taken_back |= {d.target for d in own}
            continue
        by = speaker(holder, said.data)
        denials = (*denials, Denial(said.effect.id, target, holder, by, said.place, rung, said.data, of))
    after = replace(state, denials=denials, denied=frozenset((d.speaker, d.target) for d in denials))
    if taken_back:
        of_it += [s for s in state.side_positions if s.event in taken_back or s.root in taken_back]
    voices = {s.holder for s in of_it if s.holder in said.holders}
    return replayed_all(after, sorted(voices)) if of_it else after


def _said_in(state: Irritant, event: str) -> Any:
    """What an event on record beside the ladder says, as far as the state tells; None where it does not."""
    said: Iterable[Any] = chain(
        *(state.holds, state.breaches, state.linkages, state.reversibility, state.stances, state.denials),
        chain.from_iterable((*p.statements, *p.answers) for p in state.proposals.values()),
        chain.from_iterable((*s.statements, *s.closings) for s in state.steps.values()),
        chain.from_iterable(i.statuses for i in state.items.values()),
    )
    return next((t.data for t in said if t.event == event), None)


def _noted(before: Irritant, after: Irritant, said: _Said) -> Irritant:
    """Each actor's latest word and how the statuses changed: in one copy of the state."""
    effect, data = said.effect, said.data
    new = after.side_positions[-1] if len(after.side_positions) > len(before.side_positions) else None
    rung = new.rung if new is not None and new.event == effect.id else None
    word = LastStatement(effect.id, type(data).__name__, data.occurred, rung, said.place)
    last_statements = {**after.last_statements, **{h: word for h in said.holders if h != MEDIA}}
    if (before.rungs, before.reported) == (after.rungs, after.reported):
        return replace(after, last_statements=last_statements, count=said.place)
    statuses = after.status, after.confirmed, after.reported
    course = (*after.course, StatusChange(effect.id, data.occurred, effect.earliest, effect.position, *statuses))
    trend = after.trend
    if before.rungs != after.rungs and not isinstance(data, ClaimContested | on_disk.IrritantWithdrawn):
        fell = any(now < was for was, now in zip(before.rungs, after.rungs, strict=True))
        trend = "regressed" if fell else "advanced"
    high_water_mark = max(after.high_water_mark, after.status)
    return replace(
        after,
        last_statements=last_statements,
        trend=trend,
        high_water_mark=high_water_mark,
        course=course,
        count=said.place,
    )
