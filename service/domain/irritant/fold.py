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
    Moved,
    Proposal,
    Reversal,
    Stand,
    Step,
    Telling,
    Voice,
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
Voiced = TypeVar("Voiced", Stand, Telling)
Told = TypeVar("Told", Proposal, Step)


def evolve(state: Irritant, effect: Effective) -> Irritant:
    """The state after one more event, in the order of the world. Total."""
    if not isinstance(effect.data, Assertion):
        return _kept(state, effect)
    if effect.relay:
        return state
    return _heard(state, _asserted(state, effect, effect.data), effect, effect.data)


def _kept(state: Irritant, effect: Effective) -> Irritant:
    if isinstance(effect.data, on_disk.IrritantOpened):
        return replace(state, title=effect.data.title, category=effect.data.category, opened=True)
    return state


def _asserted(state: Irritant, effect: Effective, assertion: Assertion) -> Irritant:
    data = cast("IrritantEvent | ClaimContested", assertion)
    told = tuple(Telling(effect.id, effect.root, h) for h in state.holders(assertion.asserted_by.party))
    match data:
        case on_disk.IrritantOpened():
            return state
        case on_disk.ConcernRaised():
            raised = replace(state, raised_by=(*state.raised_by, *told))
            return _advance(raised, effect, data, RAISED)
        case on_disk.ProposalTabled():
            return _advance(_tabled(state, told, data), effect, data, PROPOSED)
        case on_disk.ProposalAnswered():
            return _answered(state, told, effect, data)
        case on_disk.DiscussionReported():
            return _advance(state, effect, data, IN_TALKS)
        case on_disk.UnderstandingReported():
            return _advance(state, effect, data, UNDERSTANDING)
        case on_disk.InstrumentExchanged():
            return _advance(state, effect, data, FORMALISED)
        case on_disk.NextStepAgreed():
            return _advance(_step_agreed(state, told, data), effect, data, UNDERSTANDING)
        case on_disk.NextStepClosed():
            return _step_closed(state, data.step, _valued(told, data.outcome))
        case on_disk.ImplementationReported():
            return _advance(state, effect, data, IMPLEMENTING)
        case on_disk.ResolutionDeclared():
            return _advance(state, effect, data, RESOLVED)
        case on_disk.ProgressReversed():
            return _reversed(state, told, effect, data, counts=True)
        case on_disk.IrritantReopened():
            again = _valued(by_parties(told), "reopened")
            taken_up = replace(state, withdrawals=(*state.withdrawals, *again))
            return _reversed(taken_up, told, effect, data, counts=state.lifecycle != "withdrawn")
        case on_disk.IrritantWithdrawn():
            by = by_parties(told)
            merged_into = data.merged_into if by else state.merged_into
            return replace(state, withdrawals=(*state.withdrawals, *by), merged_into=merged_into)
        case on_disk.HoldPlaced():
            return replace(state, holds=(*state.holds, *_valued(by_parties(told), data.kind)))
        case on_disk.HoldLifted():
            return replace(state, holds=(*state.holds, *_valued(by_parties(told), "lifted")))
        case on_disk.ItemAdded():
            added = Item(data.item, data.kind, data.name, data.place)
            return state if data.item in state.items else replace(state, items={**state.items, data.item: added})
        case on_disk.ItemStatusChanged():
            return _item_changed(state, data.item, _valued(by_parties(told), data.status))
        case on_disk.ReversibilityStated():
            said = _valued(told, "true" if data.reversible else "false")
            return replace(state, reversibility=(*state.reversibility, *said))
        case on_disk.PositionStated():
            return replace(state, stances=(*state.stances, *_valued(told, data.stance)))
        case ClaimContested():
            return reduce(lambda s, t: _denied(s, t, data.target), by_parties(told), state)
        case _:
            assert_never(data)


def _valued(told: Iterable[Telling], value: str) -> tuple[Telling, ...]:
    return tuple(replace(t, value=value) for t in told)


def _advance(state: Irritant, effect: Effective, data: Assertion, rung: int) -> Irritant:
    """Everybody whose word this is stands at `rung` from here on, at least; nobody is lowered."""
    spoken = data.asserted_by.channel in ("quote", "paraphrase")
    holders = state.holders(data.asserted_by.party)
    new = tuple(Stand(effect.id, effect.root, h, rung, data.source.origin, spoken, data.wording) for h in holders)
    first = tuple(Telling(effect.id, effect.root, h) for h in holders if h != MEDIA)
    after = replace(
        state,
        stands=state.stands + new,
        levels=state.levels + (rung,) * len(new),  # whatever binds comes before
        first_by=state.first_by or first,
        rungs=_at_least(state, holders, rung),
        reported=max(state.reported, rung),
        denials=_conceded(state.denials, holders, rung),
    )
    return _understood(after, new) if rung >= UNDERSTANDING and state.proposals else after


def _at_least(state: Irritant, holders: tuple[str, ...], rung: int) -> tuple[int, int]:
    (one, other), (now, then) = state.parties, state.rungs
    return (max(now, rung) if one in holders else now, max(then, rung) if other in holders else then)


def _conceded(denials: tuple[Denial, ...], holders: tuple[str, ...], rung: int) -> tuple[Denial, ...]:
    """A denial of a claim ends when its denier later stands at the rung denied."""
    ended = [
        n for n, d in enumerate(denials) if not d.ended and rung >= d.rung and not d.reversal and d.denier in holders
    ]
    return _but(denials, ended, lambda denial: replace(denial, ended=True))


def _but(values: tuple[Value, ...], places: Sequence[int], change: Callable[[Value], Value]) -> tuple[Value, ...]:
    """These with what is in these places changed; the same ones, uncopied, where nothing is, as nearly always."""
    if not places:
        return values
    changed = list(values)
    for place in places:
        changed[place] = change(changed[place])
    return tuple(changed)


def _understood(state: Irritant, stands: Iterable[Stand]) -> Irritant:
    """A proposal closes when its addressee reaches `understanding` after it; one to both, when both have."""
    reached = {s.holder: s for s in stands if s.holder != MEDIA}
    closings = {
        addressee: Telling(stand.event, stand.root, holder, "understanding")
        for holder, stand in reached.items()
        for addressee in ((holder, "both") if state.confirmed >= UNDERSTANDING else (holder,))
    }
    closed = {
        root: replace(proposal, closings=(*proposal.closings, closings[proposal.addressee]))
        for root, proposal in state.proposals.items()
        if proposal.addressee in closings and proposal.open
    }
    return replace(state, proposals={**state.proposals, **closed}) if closed else state


def _tabled(state: Irritant, told: tuple[Telling, ...], data: on_disk.ProposalTabled) -> Irritant:
    root = told[0].root
    known = state.proposals.get(root) or Proposal(root, data.kind, data.addressee, data.terms, data.occurred, ())
    tabled = replace(known, tellers=(*known.tellers, *told))
    return replace(state, proposals={**state.proposals, root: tabled})


def _answered(
    state: Irritant, told: tuple[Telling, ...], effect: Effective, data: on_disk.ProposalAnswered
) -> Irritant:
    proposal = state.proposals.get(data.proposal)
    if proposal is not None and data.answer != "deferred":
        closed = replace(proposal, closings=(*proposal.closings, *_valued(told, data.answer)))
        state = replace(state, proposals={**state.proposals, data.proposal: closed})
    if data.answer == "accepted":
        return _advance(state, effect, data, UNDERSTANDING)
    return _advance(state, effect, data, PROPOSED) if data.answer == "countered" else state


def _step_agreed(state: Irritant, told: tuple[Telling, ...], data: on_disk.NextStepAgreed) -> Irritant:
    known = state.steps.get(data.step)
    if known is None:
        step = Step(data.step, data.owner, data.action, data.due, told[0].root, told)
    elif not by_parties(told):
        step = replace(known, tellers=(*known.tellers, *told))
    else:
        # Agreed again by the other side is its confirmation; by one that had agreed it before, a new undertaking.
        anew = not known.open and any(
            t.holder == k.holder and t.root != k.root for t in told for k in live(known.tellers)
        )
        closings = () if anew else known.closings
        step = Step(
            data.step, data.owner, data.action, data.due or known.due, known.opened, (*known.tellers, *told), closings
        )
    return replace(state, steps={**state.steps, data.step: step})


def _step_closed(state: Irritant, step: str, closings: tuple[Telling, ...]) -> Irritant:
    known = state.steps.get(step)
    if known is None:
        return state
    return replace(state, steps={**state.steps, step: replace(known, closings=(*known.closings, *closings))})


def _item_changed(state: Irritant, item: str, statuses: tuple[Telling, ...]) -> Irritant:
    known = state.items.get(item)
    if known is None:
        return state
    return replace(state, items={**state.items, item: replace(known, statuses=(*known.statuses, *statuses))})


def _reversed(
    state: Irritant,
    told: tuple[Telling, ...],
    effect: Effective,
    data: on_disk.ProgressReversed | on_disk.IrritantReopened,
    *,
    counts: bool,
) -> Irritant:
    """Binds every stand before it, as soon as one party tells it; media alone move nothing."""
    root, to = effect.root, LEVELS[data.to]
    known = next((r for r in state.reversals if r.root == root), Reversal(root, to, len(state.stands), ()))
    others = tuple(r for r in state.reversals if r.root != root)
    state = replace(state, reversals=(*others, replace(known, tellers=(*known.tellers, *told))))
    if not by_parties(told):
        return state
    given_in = replace(state, denials=tuple(_gave_in(d, told, to) for d in state.denials))
    capped = _recounted(given_in, given_in.levels_anew())
    lowered = any(after < before for before, after in zip(state.rungs, capped.rungs, strict=True))
    if counts and lowered and root not in state.regressed:
        capped = replace(capped, regressed=(*capped.regressed, root))
    if to < UNDERSTANDING:
        capped = _lapsed(capped, root)
    return _advance(capped, effect, data, to) if to > UNSTATED else capped


def _gave_in(denial: Denial, told: tuple[Telling, ...], to: int) -> Denial:
    """A denial of a reversal ends when its denier itself goes down to that rung."""
    gave_in = denial.reversal and to <= denial.rung and any(t.holder == denial.denier for t in told)
    return replace(denial, ended=True) if gave_in else denial


def _lapsed(state: Irritant, root: str) -> Irritant:
    lapse = Telling(root, root, REVERSAL, "lapsed")
    steps = {k: replace(s, closings=(*s.closings, lapse)) if s.open else s for k, s in state.steps.items()}
    return replace(state, steps=steps)


def _denied(state: Irritant, denial: Telling, target: str) -> Irritant:
    """From here on the denier no longer stands on the target; others do, and it stays reported.

    Where the target is a denial of the denier's own, as one that was only attributed to it, that is taken back.
    """
    denier = denial.holder
    of_it = [n for n, r in enumerate(state.reversals) if _concerned(r.tellers, denier, target, ())]
    reversals = _but(state.reversals, of_it, lambda r: replace(r, tellers=_marked(r.tellers, denial, target)))
    untold = {r.root for r in reversals if not r.by_a_party}

    def kept(tellings: tuple[Telling, ...]) -> tuple[Telling, ...]:
        return _marked(tellings, denial, target, untold)

    after = replace(
        state,
        stands=_marked(state.stands, denial, target),
        raised_by=kept(state.raised_by),
        withdrawals=kept(state.withdrawals),
        holds=kept(state.holds),
        reversibility=kept(state.reversibility),
        stances=kept(state.stances),
        reversals=reversals,
        proposals=_told_but(state.proposals, denial, target, untold),
        steps=_told_but(state.steps, denial, target, untold),
        items={k: replace(i, statuses=kept(i.statuses)) for k, i in state.items.items()},
        denials=tuple(d for d in state.denials if d.denier != denier or d.event != target),
    )
    reversal = next((r for r in state.reversals if r.root == target), None)
    rung = reversal.to if reversal else _rung_of(state.stands, target)
    if reversal or rung > UNSTATED:
        denied = Denial(denial.event, target, denier, rung, reversal is not None)
        after = replace(after, denials=(*after.denials, denied))
    if after.binding() != state.binding():
        return _recounted(after, after.levels_anew())
    return after if after.stands is state.stands else _recounted(after, state.levels)


def _rung_of(stands: Iterable[Stand], target: str) -> int:
    return max([s.rung for s in stands if target in (s.event, s.root)], default=UNSTATED)


def _told_but(things: Mapping[str, Told], denial: Telling, target: str, untold: Container[str]) -> Mapping[str, Told]:
    """These with what the denial is of marked: one among hundreds, so one loop over all tellings looks for it."""
    told = [(key, voice) for key, thing in things.items() for voice in thing.tellers + thing.closings]
    concerned = {told[n][0] for n in _concerned([voice for _, voice in told], denial.holder, target, untold)}
    if not concerned:
        return things
    return {**things, **{key: _told_again(things[key], denial, target, untold) for key in concerned}}


def _told_again(told: Told, denial: Telling, target: str, untold: Container[str]) -> Told:
    return replace(
        told,
        tellers=_marked(told.tellers, denial, target, untold),
        closings=_marked(told.closings, denial, target, untold),
    )


def _marked(
    voices: tuple[Voiced, ...], denial: Telling, target: str, untold: Container[str] = ()
) -> tuple[Voiced, ...]:
    """What of this the denier takes back by its denial of `target`, and what it stands behind again."""
    concerned = _concerned(voices, denial.holder, target, untold)
    return _but(voices, concerned, lambda voice: _mark(voice, denial, target, untold))


def _concerned(voices: Sequence[Voiced], denier: str, target: str, untold: Container[str]) -> list[int]:
    """The places of these. It looks at all that was ever said, so as little as can be is asked of each."""
    return [
        place
        for place, voice in enumerate(voices)
        if (voice.holder == denier and (voice.event == target or voice.root == target or voice.denied_in == target))  # noqa: PLR1714 -- a tuple for each takes half as long again
        or (voice.holder == REVERSAL and (voice.denied_in is not None or voice.root in untold))
    ]


def _mark(voice: Voiced, denial: Telling, target: str, untold: Container[str]) -> Voiced:
    lapse = voice.holder == REVERSAL
    taken_back = voice.root in untold if lapse else target in (voice.event, voice.root)
    return replace(voice, denied_in=denial.event if taken_back else None)


def _recounted(state: Irritant, levels: tuple[int, ...]) -> Irritant:
    """The rungs from the stands and their levels anew, after something took away or lowered some. O(stands)."""
    highest = dict.fromkeys(state.parties, UNSTATED)
    for stand, level in zip(state.stands, levels, strict=True):
        if stand.denied_in is None and stand.holder != MEDIA and level > highest[stand.holder]:
            highest[stand.holder] = level
    one, other = (highest[party] for party in state.parties)
    return replace(state, levels=levels, rungs=(one, other), reported=max(levels, default=UNSTATED))


def _heard(before: Irritant, after: Irritant, effect: Effective, data: Assertion) -> Irritant:
    """Each party's latest word, the rung that it speaks of, and how the statuses changed: in one copy of the state."""
    spoke = {s.holder: s.rung for s in after.stands[-2:] if s.event == effect.id}
    heard = {
        h: Voice(effect.id, data.occurred, spoke.get(h)) for h in after.holders(data.asserted_by.party) if h != MEDIA
    }
    voices = {**after.voices, **heard} if heard else after.voices
    if (before.rungs, before.reported) == (after.rungs, after.reported):
        return replace(after, voices=voices) if heard else after
    statuses = after.status, after.confirmed, after.reported
    course, trend = after.course, after.trend
    if statuses != (before.status, before.confirmed, before.reported):
        course = (*course, Moved(effect.id, data.occurred, effect.earliest, effect.position, *statuses))
    if after.status != before.status:
        trend = "advanced" if after.status > before.status else "regressed"
    high_water_mark = max(after.high_water_mark, after.status)
    return replace(after, voices=voices, trend=trend, high_water_mark=high_water_mark, course=course)
