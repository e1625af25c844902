"""How an irritant's state follows from what is asserted of it.

`evolve` never judges (that is `rules.py`) and handles every case, so that any history can be read, also one that later
corrections have made odd.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeVar, assert_never, cast

from service.domain.assertion import Assertion, ClaimContested
from service.domain.corrections import Effective
from service.domain.frozen import replace
from service.domain.irritant import events as on_disk
from service.domain.irritant.events import IrritantEvent
from service.domain.irritant.state import (
    MEDIA,
    REVERSAL,
    Denial,
    Irritant,
    Item,
    LastStatement,
    Proposal,
    Reversal,
    SidePosition,
    SideStatement,
    StatusChange,
    Step,
    by_parties,
    live,
)
from service.domain.ladder import (
    FORMALISED,
    IMPLEMENTING,
    IN_TALKS,
    LEVELS,
    PROPOSED,
    RAISED,
    RESOLVED,
    UNDERSTANDING,
    UNSTATED,
)

Value = TypeVar("Value")
OfHolder = TypeVar("OfHolder", SidePosition, SideStatement)
Stated = TypeVar("Stated", Proposal, Step)


def evolve(state: Irritant, effect: Effective) -> Irritant:
    """The state after one more event, in the order of the world. Total."""
    if not isinstance(effect.data, Assertion):
        return _apply_keeping(state, effect)
    if effect.relay:
        return state
    return _apply_last_statements(state, _apply_assertion(state, effect, effect.data), effect, effect.data)


def _apply_keeping(state: Irritant, effect: Effective) -> Irritant:
    if isinstance(effect.data, on_disk.IrritantOpened):
        return replace(state, title=effect.data.title, category=effect.data.category, opened=True)
    return state


def _apply_assertion(state: Irritant, effect: Effective, assertion: Assertion) -> Irritant:
    data = cast("IrritantEvent | ClaimContested", assertion)
    statements = tuple(SideStatement(effect.id, effect.root, h) for h in state.holders(assertion.asserted_by.party))
    match data:
        case on_disk.IrritantOpened():
            return state
        case on_disk.ConcernRaised():
            raised = replace(state, raised_by=(*state.raised_by, *statements))
            return _advance(raised, effect, data, RAISED)
        case on_disk.ProposalTabled():
            return _advance(_apply_proposal(state, statements, data), effect, data, PROPOSED)
        case on_disk.ProposalAnswered():
            return _apply_answer(state, statements, effect, data)
        case on_disk.DiscussionReported():
            return _advance(state, effect, data, IN_TALKS)
        case on_disk.UnderstandingReported():
            return _advance(state, effect, data, UNDERSTANDING)
        case on_disk.InstrumentExchanged():
            return _advance(state, effect, data, FORMALISED)
        case on_disk.NextStepAgreed():
            return _advance(_apply_step(state, statements, data), effect, data, UNDERSTANDING)
        case on_disk.NextStepClosed():
            return _apply_closing(state, data.step, _with_value(statements, data.outcome))
        case on_disk.ImplementationReported():
            return _advance(state, effect, data, IMPLEMENTING)
        case on_disk.ResolutionDeclared():
            return _advance(state, effect, data, RESOLVED)
        case on_disk.ProgressReversed():
            return _apply_reversal(state, statements, effect, data, counts=True)
        case on_disk.IrritantReopened():
            again = _with_value(by_parties(statements), "reopened")
            taken_up = replace(state, withdrawals=(*state.withdrawals, *again))
            return _apply_reversal(taken_up, statements, effect, data, counts=state.lifecycle != "withdrawn")
        case on_disk.IrritantWithdrawn():
            by = by_parties(statements)
            merged_into = data.merged_into if by else state.merged_into
            return replace(state, withdrawals=(*state.withdrawals, *by), merged_into=merged_into)
        case on_disk.HoldPlaced():
            return replace(state, holds=(*state.holds, *_with_value(by_parties(statements), data.kind)))
        case on_disk.HoldLifted():
            return replace(state, holds=(*state.holds, *_with_value(by_parties(statements), "lifted")))
        case on_disk.ItemAdded():
            added = Item(data.item, data.kind, data.name, data.place)
            return state if data.item in state.items else replace(state, items={**state.items, data.item: added})
        case on_disk.ItemStatusChanged():
            return _apply_item_status(state, data.item, _with_value(by_parties(statements), data.status))
        case on_disk.ReversibilityStated():
            said = _with_value(statements, "true" if data.reversible else "false")
            return replace(state, reversibility=(*state.reversibility, *said))
        case on_disk.PositionStated():
            return replace(state, stances=(*state.stances, *_with_value(statements, data.stance)))
        case ClaimContested():
            return reduce(lambda s, t: _apply_denial(s, t, data.target), by_parties(statements), state)
        case _:
            assert_never(data)


def _with_value(statements: Iterable[SideStatement], value: str) -> tuple[SideStatement, ...]:
    return tuple(replace(t, value=value) for t in statements)


def _advance(state: Irritant, effect: Effective, data: Assertion, rung: int) -> Irritant:
    """Raise the position of each speaker to `rung`. No position is lowered."""
    spoken = data.asserted_by.channel in ("quote", "paraphrase")
    holders = state.holders(data.asserted_by.party)
    new = tuple(
        SidePosition(effect.id, effect.root, h, rung, data.source.origin, spoken, data.wording) for h in holders
    )
    first = tuple(SideStatement(effect.id, effect.root, h) for h in holders if h != MEDIA)
    after = replace(
        state,
        side_positions=state.side_positions + new,
        levels=state.levels + (rung,) * len(new),  # whatever binds comes before
        first_by=state.first_by or first,
        rungs=_at_least(state, holders, rung),
        reported=max(state.reported, rung),
        denials=_end_denials(state.denials, holders, rung),
    )
    return _close_proposals(after, new) if rung >= UNDERSTANDING and state.proposals else after


def _at_least(state: Irritant, holders: tuple[str, ...], rung: int) -> tuple[int, int]:
    (one, other), (now, then) = state.parties, state.rungs
    return (max(now, rung) if one in holders else now, max(then, rung) if other in holders else then)


def _end_denials(denials: tuple[Denial, ...], holders: tuple[str, ...], rung: int) -> tuple[Denial, ...]:
    """A denial of a claim ends when its denier later stands at the rung denied."""
    ended = [
        n for n, d in enumerate(denials) if not d.ended and rung >= d.rung and not d.reversal and d.denier in holders
    ]
    return _change_at(denials, ended, lambda denial: replace(denial, ended=True))


def _change_at(values: tuple[Value, ...], places: Sequence[int], change: Callable[[Value], Value]) -> tuple[Value, ...]:
    """Change the values in these places. Without places, as nearly always, the same tuple is returned."""
    if not places:
        return values
    changed = list(values)
    for place in places:
        changed[place] = change(changed[place])
    return tuple(changed)


def _close_proposals(state: Irritant, side_positions: Iterable[SidePosition]) -> Irritant:
    """A proposal closes when its addressee reaches `understanding` after it; one to both, when both have."""
    reached = {s.holder: s for s in side_positions if s.holder != MEDIA}
    closings = {
        addressee: SideStatement(side_position.event, side_position.root, holder, "understanding")
        for holder, side_position in reached.items()
        for addressee in ((holder, "both") if state.confirmed >= UNDERSTANDING else (holder,))
    }
    closed = {
        root: replace(proposal, closings=(*proposal.closings, closings[proposal.addressee]))
        for root, proposal in state.proposals.items()
        if proposal.addressee in closings and proposal.open
    }
    return replace(state, proposals={**state.proposals, **closed}) if closed else state


def _apply_proposal(state: Irritant, statements: tuple[SideStatement, ...], data: on_disk.ProposalTabled) -> Irritant:
    root = statements[0].root
    known = state.proposals.get(root) or Proposal(root, data.kind, data.addressee, data.terms, data.occurred, ())
    tabled = replace(known, statements=(*known.statements, *statements))
    return replace(state, proposals={**state.proposals, root: tabled})


def _apply_answer(
    state: Irritant, statements: tuple[SideStatement, ...], effect: Effective, data: on_disk.ProposalAnswered
) -> Irritant:
    proposal = state.proposals.get(data.proposal)
    if proposal is not None and data.answer != "deferred":
        closed = replace(proposal, closings=(*proposal.closings, *_with_value(statements, data.answer)))
        state = replace(state, proposals={**state.proposals, data.proposal: closed})
    if data.answer == "accepted":
        return _advance(state, effect, data, UNDERSTANDING)
    return _advance(state, effect, data, PROPOSED) if data.answer == "countered" else state


def _apply_step(state: Irritant, statements: tuple[SideStatement, ...], data: on_disk.NextStepAgreed) -> Irritant:
    known = state.steps.get(data.step)
    if known is None:
        step = Step(data.step, data.owner, data.action, data.due, statements[0].root, statements)
    elif not by_parties(statements):
        step = replace(known, statements=(*known.statements, *statements))
    else:
        # Agreed again by the other side is its confirmation; by one that had agreed it before, a new undertaking.
        anew = not known.open and any(
            t.holder == k.holder and t.root != k.root for t in statements for k in live(known.statements)
        )
        closings = () if anew else known.closings
        step = Step(
            data.step,
            data.owner,
            data.action,
            data.due or known.due,
            known.opened,
            (*known.statements, *statements),
            closings,
        )
    return replace(state, steps={**state.steps, data.step: step})


def _apply_closing(state: Irritant, step: str, closings: tuple[SideStatement, ...]) -> Irritant:
    known = state.steps.get(step)
    if known is None:
        return state
    return replace(state, steps={**state.steps, step: replace(known, closings=(*known.closings, *closings))})


def _apply_item_status(state: Irritant, item: str, statuses: tuple[SideStatement, ...]) -> Irritant:
    known = state.items.get(item)
    if known is None:
        return state
    return replace(state, items={**state.items, item: replace(known, statuses=(*known.statuses, *statuses))})


def _apply_reversal(
    state: Irritant,
    statements: tuple[SideStatement, ...],
    effect: Effective,
    data: on_disk.ProgressReversed | on_disk.IrritantReopened,
    *,
    counts: bool,
) -> Irritant:
    """Apply a reversal to all earlier positions, once a party states it. A reversal by media alone changes nothing."""
    root, to = effect.root, LEVELS[data.to]
    known = next((r for r in state.reversals if r.root == root), Reversal(root, to, len(state.side_positions), ()))
    others = tuple(r for r in state.reversals if r.root != root)
    state = replace(state, reversals=(*others, replace(known, statements=(*known.statements, *statements))))
    if not by_parties(statements):
        return state
    given_in = replace(state, denials=tuple(_end_conceded(d, statements, to) for d in state.denials))
    capped = _with_rungs(given_in, given_in.calculate_levels())
    lowered = any(after < before for before, after in zip(state.rungs, capped.rungs, strict=True))
    if counts and lowered and root not in state.regressed:
        capped = replace(capped, regressed=(*capped.regressed, root))
    if to < UNDERSTANDING:
        capped = _lapse_steps(capped, root)
    return _advance(capped, effect, data, to) if to > UNSTATED else capped


def _end_conceded(denial: Denial, statements: tuple[SideStatement, ...], to: int) -> Denial:
    """A denial of a reversal ends when its denier itself goes down to that rung."""
    gave_in = denial.reversal and to <= denial.rung and any(t.holder == denial.denier for t in statements)
    return replace(denial, ended=True) if gave_in else denial


def _lapse_steps(state: Irritant, root: str) -> Irritant:
    lapse = SideStatement(root, root, REVERSAL, "lapsed")
    steps = {k: replace(s, closings=(*s.closings, lapse)) if s.open else s for k, s in state.steps.items()}
    return replace(state, steps=steps)


def _apply_denial(state: Irritant, denial: SideStatement, target: str) -> Irritant:
    """Apply a denial: the denier no longer says the target. Others do, and it stays reported.

    If the target is a denial of the denier's own, for example one attributed to it, that denial is taken back.
    """
    denier = denial.holder
    of_it = [n for n, r in enumerate(state.reversals) if _concerned(r.statements, denier, target, ())]
    reversals = _change_at(
        state.reversals, of_it, lambda r: replace(r, statements=_apply_to_statements(r.statements, denial, target))
    )
    unsupported = {r.root for r in reversals if not r.by_a_party}

    def applied(statements: tuple[SideStatement, ...]) -> tuple[SideStatement, ...]:
        return _apply_to_statements(statements, denial, target, unsupported)

    after = replace(
        state,
        side_positions=_apply_to_statements(state.side_positions, denial, target),
        raised_by=applied(state.raised_by),
        withdrawals=applied(state.withdrawals),
        holds=applied(state.holds),
        reversibility=applied(state.reversibility),
        stances=applied(state.stances),
        reversals=reversals,
        proposals=_apply_to_stated(state.proposals, denial, target, unsupported),
        steps=_apply_to_stated(state.steps, denial, target, unsupported),
        items={k: replace(i, statuses=applied(i.statuses)) for k, i in state.items.items()},
        denials=tuple(d for d in state.denials if d.denier != denier or d.event != target),
    )
    reversal = next((r for r in state.reversals if r.root == target), None)
    rung = reversal.to if reversal else _rung_of(state.side_positions, target)
    if reversal or rung > UNSTATED:
        denied = Denial(denial.event, target, denier, rung, reversal is not None)
        after = replace(after, denials=(*after.denials, denied))
    if after.binding() != state.binding():
        return _with_rungs(after, after.calculate_levels())
    return after if after.side_positions is state.side_positions else _with_rungs(after, state.levels)


def _rung_of(side_positions: Iterable[SidePosition], target: str) -> int:
    return max([s.rung for s in side_positions if target in (s.event, s.root)], default=UNSTATED)


def _apply_to_stated(
    things: Mapping[str, Stated], denial: SideStatement, target: str, unsupported: Container[str]
) -> Mapping[str, Stated]:
    """Apply a denial to the one that it is of: one among hundreds, so one loop looks through all statements."""
    said = [(key, one) for key, thing in things.items() for one in thing.statements + thing.closings]
    concerned = {said[n][0] for n in _concerned([one for _, one in said], denial.holder, target, unsupported)}
    if not concerned:
        return things
    return {**things, **{key: _with_denial(things[key], denial, target, unsupported) for key in concerned}}


def _with_denial(stated: Stated, denial: SideStatement, target: str, unsupported: Container[str]) -> Stated:
    return replace(
        stated,
        statements=_apply_to_statements(stated.statements, denial, target, unsupported),
        closings=_apply_to_statements(stated.closings, denial, target, unsupported),
    )


def _apply_to_statements(
    said: tuple[OfHolder, ...], denial: SideStatement, target: str, unsupported: Container[str] = ()
) -> tuple[OfHolder, ...]:
    """Apply a denial: the denier takes `target` back, or says again what it had denied by `target`."""
    concerned = _concerned(said, denial.holder, target, unsupported)
    return _change_at(said, concerned, lambda one: _apply_to_statement(one, denial, target, unsupported))


def _concerned(said: Sequence[OfHolder], denier: str, target: str, unsupported: Container[str]) -> list[int]:
    """The places of these. It looks at all that was ever said, so as little as can be is asked of each."""
    return [
        place
        for place, one in enumerate(said)
        if (one.holder == denier and (one.event == target or one.root == target or one.denied_in == target))  # noqa: PLR1714 -- a tuple for each takes half as long again
        or (one.holder == REVERSAL and (one.denied_in is not None or one.root in unsupported))
    ]


def _apply_to_statement(said: OfHolder, denial: SideStatement, target: str, unsupported: Container[str]) -> OfHolder:
    lapse = said.holder == REVERSAL
    taken_back = said.root in unsupported if lapse else target in (said.event, said.root)
    return replace(said, denied_in=denial.event if taken_back else None)


def _with_rungs(state: Irritant, levels: tuple[int, ...]) -> Irritant:
    """Calculate the rungs from positions and levels, after some were denied or lowered. O(positions)."""
    highest = dict.fromkeys(state.parties, UNSTATED)
    for side_position, level in zip(state.side_positions, levels, strict=True):
        if side_position.denied_in is None and side_position.holder != MEDIA and level > highest[side_position.holder]:
            highest[side_position.holder] = level
    one, other = (highest[party] for party in state.parties)
    return replace(state, levels=levels, rungs=(one, other), reported=max(levels, default=UNSTATED))


def _apply_last_statements(before: Irritant, after: Irritant, effect: Effective, data: Assertion) -> Irritant:
    """Apply what each party said last, the rung of it, and how the statuses changed: in one copy of the state."""
    spoke = {s.holder: s.rung for s in after.side_positions[-2:] if s.event == effect.id}
    last = {
        h: LastStatement(effect.id, data.occurred, spoke.get(h))
        for h in after.holders(data.asserted_by.party)
        if h != MEDIA
    }
    last_statements = {**after.last_statements, **last} if last else after.last_statements
    if (before.rungs, before.reported) == (after.rungs, after.reported):
        return replace(after, last_statements=last_statements) if last else after
    statuses = after.status, after.confirmed, after.reported
    course, trend = after.course, after.trend
    if statuses != (before.status, before.confirmed, before.reported):
        course = (*course, StatusChange(effect.id, data.occurred, effect.earliest, effect.position, *statuses))
    if after.status != before.status:
        trend = "advanced" if after.status > before.status else "regressed"
    high_water_mark = max(after.high_water_mark, after.status)
    return replace(after, last_statements=last_statements, trend=trend, high_water_mark=high_water_mark, course=course)
