"""Fold the history of an irritant into its state: `evolve` returns the state after the next event.

`evolve` accepts every event in every state, so that any history can be read, even if later corrections contradict the
rules. `rules.py` decides beforehand what is accepted. An assertion changes only the rung of its asserter. A joint text
counts for both sides. `state.py` explains the words (position, statement, place, level, turn), and `EffectiveEvent` in
`corrections.py` the word relay.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import chain, islice, takewhile
from operator import attrgetter
from typing import Any, Final, NamedTuple, assert_never, cast

from service.domain.actors import MEDIA
from service.domain.assertion import Assertion, ClaimContested
from service.domain.corrections import BEGINNING, END, EffectiveEvent, named_by
from service.domain.frozen import replace
from service.domain.irritant import events
from service.domain.irritant.events import IrritantEvent
from service.domain.irritant.state import (
    NO_POSITIONS,
    RAISES,
    ActorPosition,
    ActorPositions,
    ActorStatement,
    Denial,
    Does,
    Fall,
    Irritant,
    Item,
    LastStatement,
    Proposal,
    StatusChange,
    Step,
    merged_by_place,
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

_DOES_BY_STATE: Final[Mapping[str, Does]] = {
    "in_force": "restore",
    "extended": "restore",
    "suspended": "suspend",
    "terminated": "end",
    "expired": "expire",
}


class _PlacedAssertion(NamedTuple):
    """An assertion with its place in order of occurrence and the actors that it counts for."""

    effect: EffectiveEvent
    data: Any
    place: int
    holders: tuple[str, ...]

    def statements(self) -> tuple[ActorStatement, ...]:
        """Return one statement for each holder."""
        effect = self.effect
        return tuple(ActorStatement(effect.id, effect.root, h, self.place, self.data) for h in self.holders)

    def positions(self, rung: int, does: Does) -> tuple[ActorPosition, ...]:
        """Return one position for each holder."""
        effect = self.effect
        return tuple(ActorPosition(effect.id, effect.root, h, rung, self.place, does, self.data) for h in self.holders)


def evolve(state: Irritant, effect: EffectiveEvent) -> Irritant:
    """Return the state after the next event in order of occurrence. Never raise."""
    if not isinstance(effect.data, Assertion):
        return _record_keeping(state, effect)
    if effect.relay:
        return state  # a further document with the same words of the same voice
    assertion = _PlacedAssertion(effect, effect.data, state.count + 1, state.holders(effect.data.asserted_by.party))
    return _noted(state, _asserted(state, assertion), assertion)


def _record_keeping(state: Irritant, effect: EffectiveEvent) -> Irritant:
    if isinstance(effect.data, events.IrritantOpened):
        return replace(state, title=effect.data.title, category=effect.data.category, opened=True)
    return state


def _asserted(state: Irritant, assertion: _PlacedAssertion) -> Irritant:
    """Apply an assertion or evidence by its type."""
    data = cast("IrritantEvent | ClaimContested", assertion.data)
    match data:
        case events.IrritantOpened():
            return state
        case events.ConcernRaised():
            return _advance(state, assertion, RAISED)
        case events.ProposalTabled():
            return _advance(_tabled(state, assertion), assertion, PROPOSED)
        case events.ProposalAnswered():
            return _answered(state, assertion, data)
        case events.DiscussionReported():
            return _advance(state, assertion, IN_TALKS)
        case events.UnderstandingReported():
            return _advance(state, assertion, UNDERSTANDING)
        case events.InstrumentExchanged():
            return _advance(_instrument_named(state, assertion.effect.root, data.instrument), assertion, FORMALISED)
        case events.InstrumentStated():
            return _instrument_stated(state, assertion, _DOES_BY_STATE[data.state])
        case events.NextStepAgreed():
            return _advance(_step_agreed(state, assertion, data.step), assertion, IN_TALKS)
        case events.NextStepClosed():
            return _step_closed(state, assertion, data.step)
        case events.ImplementationReported():
            return _advance(state, assertion, IMPLEMENTING)
        case events.ResolutionDeclared():
            return _advance(state, assertion, IMPLEMENTING if data.extent == "partial" else RESOLVED)
        case events.ItemAdded():
            added = Item(data.item, data.kind, data.name, data.place)
            return state if data.item in state.items else replace(state, items={**state.items, data.item: added})
        case events.ItemStatusChanged():
            return _item_changed(state, assertion, data.item)
        case events.ReversibilityStated():
            return replace(state, reversibility=(*state.reversibility, *assertion.statements()))
        case events.BreachAlleged():
            return replace(state, breaches=(*state.breaches, *assertion.statements()))
        case events.LinkageStated():
            return replace(state, linkages=(*state.linkages, *assertion.statements()))
        case _:
            # These types count for the voice of the assertion only, so evidence, which adds a voice, changes nothing.
            return state if assertion.effect.is_evidence else _of_the_asserter(state, assertion, data)


def _of_the_asserter(
    state: Irritant,
    assertion: _PlacedAssertion,
    data: events.ProgressReversed
    | events.IrritantReopened
    | events.IrritantWithdrawn
    | events.HoldPlaced
    | events.HoldLifted
    | events.PositionStated
    | ClaimContested,
) -> Irritant:
    """Apply an assertion of a type that counts for its own asserter only."""
    match data:
        case events.ProgressReversed():
            return _turned(state, assertion.positions(LEVELS[data.to], "reverse"))
        case events.IrritantReopened():
            return _turned(state, assertion.positions(LEVELS[data.to], "reopen"))
        case events.IrritantWithdrawn():
            return _turned(state, assertion.positions(UNSTATED, "withdraw"))
        case events.HoldPlaced() | events.HoldLifted():
            return replace(state, holds=(*state.holds, *assertion.statements()))
        case events.PositionStated():
            return replace(state, stances=(*state.stances, *assertion.statements()))
        case ClaimContested():
            return _denied(state, assertion, data.target)
        case _:
            assert_never(data)


def _advance(state: Irritant, assertion: _PlacedAssertion, rung: int) -> Irritant:
    """Raise each holder to `rung`, unless it is there or higher already."""
    positions = assertion.positions(rung, "advance")
    new = {position.holder: _advanced(state.positions_of(position.holder), position) for position in positions}
    return replace(
        state,
        positions={**state.positions, **new},
        rungs=_at_least(state, assertion.holders, rung),
        reported=max(state.reported, rung),
    )


def _advanced(positions: ActorPositions, position: ActorPosition) -> ActorPositions:
    """Add an advance. The result is that of `_Rows.apply`, at a cost that does not grow with the positions."""
    rung, levels, raised_at = position.rung, positions.by_level, positions.raised_at
    return replace(
        positions,
        in_order=(*positions.in_order, position),
        by_level=(*levels[:rung], (*levels[rung], position), *levels[rung + 1 :]),
        raised_at=(*raised_at[:rung], position.place, *raised_at[rung + 1 :]),
        rung=max(positions.rung, rung),
    )


def _at_least(state: Irritant, holders: tuple[str, ...], rung: int) -> tuple[int, int]:
    """Return the rungs of the two sides after each side among `holders` has risen to `rung`."""
    (one, other), (of_one, of_other) = state.parties, state.rungs
    return (max(of_one, rung) if one in holders else of_one, max(of_other, rung) if other in holders else of_other)


def _instrument_named(state: Irritant, root: str, first: str | None) -> Irritant:
    """Add an account of an instrument, by the id of its assertion. `first`: an earlier account of the same instrument.

    With an earlier account, a suspension or an end that was stated on one account applies to the other account, too. So
    all actors with turns are replayed.
    """
    named = replace(state, instruments={**state.instruments, root: first or root})
    affected = [actor for actor, positions in state.positions.items() if positions.turns] if first is not None else []
    return replayed_all(named, affected) if affected else named


def _instrument_stated(state: Irritant, assertion: _PlacedAssertion, does: Does) -> Irritant:
    """Apply a statement on an instrument: take away the asserter's own positions that rest on it, or give them back."""
    if does == "restore":
        return _turned(state, assertion.positions(FORMALISED, does))
    return state if assertion.effect.is_evidence else _turned(state, assertion.positions(UNSTATED, does))


def _turned(state: Irritant, new: tuple[ActorPosition, ...]) -> Irritant:
    """Apply turns: positions that lower or restore other positions of their own holders.

    Cost: O(n) in the number of positions of a holder.
    """
    by_actor, falls = dict(state.positions), state.falls
    for position in new:
        positions = state.positions_of(position.holder)
        rows = _Rows(state, positions)
        rows.apply(position)
        by_actor[position.holder] = rows.positions((*positions.in_order, position), (*positions.turns, position))
        falls = (*falls, *rows.falls) if state.is_side(position.holder) else falls
    return _with_statuses(replace(state, positions=by_actor, falls=falls))


def replayed_all(state: Irritant, holders: Iterable[str]) -> Irritant:
    """Compute again the levels of all positions of these actors, and the statuses.

    Use this if positions that were applied before count differently now: after a denial or a further account of an
    instrument.
    """
    for holder in holders:
        state = _replayed(state, holder)
    return _with_statuses(state)


def _replayed(state: Irritant, holder: str) -> Irritant:
    """Compute again the levels and falls of one actor from its positions that it has not denied."""
    positions, rows = state.positions_of(holder), _Rows(state, NO_POSITIONS)
    for position in positions.in_order:
        if state.is_live(position):
            rows.apply(position)
    falls = state.falls
    if state.is_side(holder):
        others = (f for f in falls if f.holder != holder)
        falls = tuple(sorted((*others, *rows.falls), key=lambda f: (f.place, state.parties.index(f.holder))))
    again = rows.positions(positions.in_order, positions.turns)
    return replace(state, positions={**state.positions, holder: again}, falls=falls)


class _Rows:
    """Mutable rows of one actor's positions, one for each level, with the falls that further positions cause.

    `_suspended` (which instruments take an event away) and `_raised_at` (the last place for each rung) are as in
    `ActorPositions`.
    """

    def __init__(self, state: Irritant, positions: ActorPositions) -> None:
        self.state, self.falls = state, list[Fall]()
        self._rows = [list(row) for row in positions.by_level]
        self._suspended = {event: set(instruments) for event, instruments in positions.suspended.items()}
        self._raised_at = list(positions.raised_at)

    def apply(self, position: ActorPosition) -> None:
        """Apply the next position of the actor."""
        if position.does in RAISES:
            self._raised_at[position.rung] = position.place
        if position.does == "advance":
            self._rows[position.rung].append(position)
            return
        before = self.rung()
        match position.does:
            case "restore":
                self._give_back(position)
                self._rows[position.rung].append(position)
            case "reverse" | "reopen" | "withdraw":
                self._lower(position)
                # A reversal puts the actor at its rung only from above. A reopening always does.
                counts = before > position.rung or position.does == "reopen"
                self._rows[position.rung if counts else UNSTATED].append(position)
            case "suspend" | "end" | "expire":
                self._take_away(position)
        if (after := self.rung()) < before:
            self.falls.append(_fall(position, before, after))

    def rung(self) -> int:
        """Return the highest level with a position that counts."""
        rows = ((level, row) for level, row in reversed(list(enumerate(self._rows))) if row)
        return next((level for level, row in rows if any(p.event not in self._suspended for p in row)), UNSTATED)

    def positions(self, in_order: tuple[ActorPosition, ...], turns: tuple[ActorPosition, ...]) -> ActorPositions:
        """Return the rows as an immutable `ActorPositions`, with these lists of all positions and of all turns."""
        return ActorPositions(
            in_order=in_order,
            turns=turns,
            by_level=tuple(map(tuple, self._rows)),
            suspended={event: frozenset(instruments) for event, instruments in self._suspended.items()},
            raised_at=tuple(self._raised_at),
            rung=self.rung(),
        )

    def _lower(self, reversal: ActorPosition) -> None:
        """Lower the actor's higher positions to the rung of a reversal.

        MEDIA are many outlets, so an outlet lowers only the positions of its own origin.
        """
        for level in range(reversal.rung + 1, len(RUNGS)):
            row, self._rows[level] = self._rows[level], []
            for position in row:
                stays = reversal.holder == MEDIA and position.origin != reversal.origin
                self._rows[level if stays else reversal.rung].append(position)

    def _take_away(self, stated: ActorPosition) -> None:
        """Note the positions that no longer count, because an instrument is suspended, terminated or expired."""
        for row in self._rows:
            for position in row:
                if self.state.takes_away(stated, position):
                    self._suspended.setdefault(position.event, set()).add(self._instrument(stated))

    def _give_back(self, stated: ActorPosition) -> None:
        """Count positions again that rest on an instrument that is in force again, and on no other that is not."""
        for event, instruments in list(self._suspended.items()):
            instruments.discard(self._instrument(stated))
            if not instruments:
                del self._suspended[event]

    def _instrument(self, position: ActorPosition) -> str:
        """Return the id of the first account of the instrument that a position names."""
        return self.state.instrument(position.instrument or "")


def _fall(position: ActorPosition, before: int, after: int) -> Fall:
    """Return the fall of an actor that a turn causes, ascribed to the side that went back, or to both."""
    by = "both" if position.joint else position.holder
    if position.does == "reverse":
        by = position.data.by
    event, root, holder = position.event, position.root, position.holder
    return Fall(event, root, holder, position.place, position.does, by, before, after, position.data)


def _with_statuses(state: Irritant) -> Irritant:
    """Compute again the rungs of the sides and the reported status, after positions were lowered or taken away."""
    denied = state.denied_by_both()
    one, other = (state.positions_of(party).rung for party in state.parties)
    reported = (_reported(positions, denied) for positions in state.positions.values())
    return replace(state, rungs=(one, other), reported=max(one, other, *reported))


def _reported(positions: ActorPositions, denied: frozenset[str]) -> int:
    """Return the highest level of an actor's positions, without those that both sides deny."""
    return next(
        (level for p, level in positions.with_levels() if not (p.event in denied or p.root in denied)), UNSTATED
    )


def _tabled(state: Irritant, assertion: _PlacedAssertion) -> Irritant:
    root = assertion.effect.root
    known = state.proposals.get(root) or Proposal(root, assertion.place, assertion.data, ())
    tabled = replace(known, statements=(*known.statements, *assertion.statements()))
    return replace(state, proposals={**state.proposals, root: tabled})


def _answered(state: Irritant, assertion: _PlacedAssertion, data: events.ProposalAnswered) -> Irritant:
    """Add an answer to its proposal.

    `accepted` puts its asserter at `understanding`. `countered` puts it at `proposed` if it is an addressee.
    """
    proposal = state.proposals.get(data.proposal)
    if proposal is not None:
        answered = replace(proposal, answers=(*proposal.answers, *assertion.statements()))
        state = replace(state, proposals={**state.proposals, data.proposal: answered})
    if data.answer == "accepted":
        return _advance(state, assertion, UNDERSTANDING)
    addressee = proposal.data.addressee if proposal else "both"
    is_by_addressee = assertion.data.asserted_by.party == "JOINT" or addressee in ("both", *assertion.holders)
    return _advance(state, assertion, PROPOSED) if data.answer == "countered" and is_by_addressee else state


def _step_agreed(state: Irritant, assertion: _PlacedAssertion, step: str) -> Irritant:
    known = state.steps.get(step) or Step(step, ())
    agreed = replace(known, statements=(*known.statements, *assertion.statements()))
    return replace(state, steps={**state.steps, step: agreed})


def _step_closed(state: Irritant, assertion: _PlacedAssertion, step: str) -> Irritant:
    known = state.steps.get(step)
    if known is None:
        return state
    closed = replace(known, closings=(*known.closings, *assertion.statements()))
    return replace(state, steps={**state.steps, step: closed})


def _item_changed(state: Irritant, assertion: _PlacedAssertion, item: str) -> Irritant:
    known = state.items.get(item)
    by_sides = tuple(t for t in assertion.statements() if state.is_side(t.holder))
    if known is None or not by_sides:
        return state
    return replace(state, items={**state.items, item: replace(known, statuses=(*known.statuses, *by_sides))})


def _denied(state: Irritant, assertion: _PlacedAssertion, target: str) -> Irritant:
    """Add a denial: the denier's own positions and statements of the target no longer count.

    A denial of the denier's own denial removes that one.
    """
    denied_positions = _positions_of_event(state, target)
    rung = max((p.rung for p in denied_positions), default=UNSTATED)
    target_data = denied_positions[0].data if denied_positions else _content_of(state, target)
    denials = state.denials
    no_longer_denied: set[str] = set()
    for holder in assertion.holders:
        own = [d for d in denials if d.denier == holder and d.event == target]
        if own:
            denials = tuple(d for d in denials if d not in own)
            no_longer_denied |= {d.target for d in own}
            continue
        denial = Denial(
            event=assertion.effect.id,
            target=target,
            denier=holder,
            speaker=speaker(holder, assertion.data),
            place=assertion.place,
            rung=rung,
            data=assertion.data,
            target_data=target_data,
        )
        denials = (*denials, denial)
    after = replace(state, denials=denials, deniers=_deniers(denials))
    restored = (p for event in no_longer_denied for p in _positions_of_event(state, event))
    affected = {p.holder for p in chain(denied_positions, restored) if p.holder in assertion.holders}
    return replayed_all(after, sorted(affected)) if denied_positions or no_longer_denied else after


def _deniers(denials: Iterable[Denial]) -> dict[str, frozenset[str]]:
    """Return for each denied event the speakers that deny it: sides and third parties, and for MEDIA the outlet."""
    deniers: dict[str, frozenset[str]] = {}
    for denial in denials:
        deniers[denial.target] = deniers.get(denial.target, frozenset()) | {denial.speaker}
    return deniers


def _positions_of_event(state: Irritant, event: str) -> list[ActorPosition]:
    """Return the positions of an event and of its evidence, in order of occurrence."""
    if event not in state.assertion_ids:
        return []
    # Searched from the end, because the named event is often a recent one.
    place = state.count - state.assertion_ids[::-1].index(event)
    return merged_by_place(*(_from_place(own.in_order, place, event) for own in state.positions.values()))


def _from_place(positions: tuple[ActorPosition, ...], place: int, event: str) -> Iterable[ActorPosition]:
    """Yield the positions of an event at this place and of its evidence. These come next: they have the same date."""
    first = bisect_left(positions, place, key=attrgetter("place"))
    return takewhile(lambda p: event in (p.event, p.root), islice(positions, first, None))


def _content_of(state: Irritant, event: str) -> Any:
    """Return the content of an event that moves no rung, None if the state does not have it."""
    statements: Iterable[Any] = chain(
        *(state.holds, state.breaches, state.linkages, state.reversibility, state.stances, state.denials),
        chain.from_iterable((*p.statements, *p.answers) for p in state.proposals.values()),
        chain.from_iterable((*s.statements, *s.closings) for s in state.steps.values()),
        chain.from_iterable(i.statuses for i in state.items.values()),
    )
    return next((t.data for t in statements if t.event == event), None)


def _noted(before: Irritant, after: Irritant, assertion: _PlacedAssertion) -> Irritant:
    """Note the last assertion of each holder and the change of the statuses, in one copy of the state for speed."""
    effect, data = assertion.effect, assertion.data
    # The rung that the assertion names, if it became a position.
    last = after.positions_of(assertion.holders[0]).in_order[-1:]
    rung = last[0].rung if last and last[0].event == effect.id else None
    # MEDIA are many outlets, so they have no last statement.
    new = {h: _last_statement(before.last_statements.get(h), assertion, rung) for h in assertion.holders if h != MEDIA}
    last_statements = {**after.last_statements, **new}
    assertion_ids = (*after.assertion_ids, effect.id)
    if (before.rungs, before.reported) == (after.rungs, after.reported):
        return replace(after, last_statements=last_statements, assertion_ids=assertion_ids)
    statuses = after.status, after.confirmed, after.reported
    reach = max(effect.latest or END, before.status_changes[-1].reach if before.status_changes else BEGINNING)
    dates = data.occurred, effect.earliest, effect.latest, reach
    status_changes = (*after.status_changes, StatusChange(effect.id, *dates, effect.position, *statuses))
    trend = after.trend
    # A denial or a withdrawal changes what counts as said, but it is no progress or setback.
    if before.rungs != after.rungs and not isinstance(data, ClaimContested | events.IrritantWithdrawn):
        fell = any(now < was for was, now in zip(before.rungs, after.rungs, strict=True))
        trend = "regressed" if fell else "advanced"
    high_water_mark = max(after.high_water_mark, after.status)
    return replace(
        after,
        last_statements=last_statements,
        trend=trend,
        high_water_mark=high_water_mark,
        status_changes=status_changes,
        assertion_ids=assertion_ids,
    )


def _last_statement(before: LastStatement | None, assertion: _PlacedAssertion, rung: int | None) -> LastStatement:
    """Return an assertion as the last one of an actor.

    `before`: the last one so far. `rung`: the rung that the assertion names, None if it moves no rung. `LastStatement`
    explains `certain` and `reach`: whether this one is surely the latest, and the last day that any so far can have.
    """
    effect, data = assertion.effect, assertion.data
    certain, reach = True, effect.latest or END
    if before is not None:
        named = named_by(effect)
        follows = before.root == effect.root or before.event in named or before.root in named
        is_dated_later = effect.earliest is not None and before.reach < effect.earliest
        certain, reach = is_dated_later or (follows and before.certain), max(before.reach, reach)
    type_name = type(data).__name__
    return LastStatement(effect.id, effect.root, type_name, data.occurred, rung, assertion.place, certain, reach)
