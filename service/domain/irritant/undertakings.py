"""Compute from the state of an irritant its next steps, proposals, holds and items, as each side has them now.

A statement on a step or proposal stops binding a side when the side denies it, or falls below the rung that the
statement gives. Every state has an answer: no function refuses one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from service.domain.actors import BOTH, JOINT, other
from service.domain.irritant.events import HoldLifted
from service.domain.irritant.state import ActorStatement, Hold, Irritant, Item, Proposal, Step, cached_for_state
from service.domain.ladder import IN_TALKS, PROPOSED, RUNGS, UNDERSTANDING

ENDED: Final = frozenset({"resolved", "withdrawn"})


class Terms(NamedTuple):
    """The terms of a next step. The `action` is free text, so it is not one of them."""

    owner: str
    due: str | None
    quantity: Any


def differ(one: Terms, another: Terms) -> bool:
    """Return whether two terms contradict each other. A term that one of them leaves open contradicts nothing."""
    pairs = zip(one, another, strict=True)
    return any(a is not None and b is not None and a != b for a, b in pairs)


class TermsOfSide(NamedTuple):
    """The terms to which one side agrees, and the last statement from which they come."""

    terms: Terms
    statement: ActorStatement


@dataclass(frozen=True)
class Agreement:
    """A next step as the sides have it now.

    `held`: the terms of each side that agrees to it. `terms`: the last terms that both agreed to if `confirmed`, else
    the latest of a side or of another voice. `outcomes`: the last statement of each side on the outcome. `open`: the
    sides that agreed do not all report the same outcome. `outcome`: the outcome that they all report. `last`: the
    latest statement that the step was agreed.
    """

    step: str
    terms: Terms
    confirmed: bool
    held: Mapping[str, TermsOfSide]
    outcomes: Mapping[str, ActorStatement]
    open: bool
    outcome: str | None
    last: ActorStatement

    @property
    def agreed_by(self) -> tuple[str, ...]:
        return tuple(sorted(self.held))

    @property
    def terms_of(self) -> tuple[str, ...]:
        """The sides that agree to `terms`: both, one of them, or none where only another voice gives them."""
        return tuple(sorted(side for side, own in self.held.items() if own.terms == self.terms))

    @property
    def differs(self) -> bool:
        """Whether both sides agree to the step, on terms that contradict each other."""
        return len(self.held) == 2 and differ(*(own.terms for own in self.held.values()))


def is_lapsed(state: Irritant, statement: ActorStatement, rung: int) -> bool:
    """Return whether a side has since gone back below a rung, so that its statement no longer binds it."""
    return max(_last_falls(state)[statement.holder][:rung]) > statement.place


@cached_for_state
def _last_falls(state: Irritant) -> dict[str, list[int]]:
    """Return for each side and rung the place of its last fall to that rung, 0 without one."""
    last = {party: [0] * len(RUNGS) for party in state.parties}
    for fall in state.falls:
        last[fall.holder][fall.to] = fall.place
    return last


def agreement(state: Irritant, step: Step) -> Agreement:
    """Return a next step as it is now: the terms of each side and the outcomes that they report."""
    held: dict[str, TermsOfSide] = {}
    confirmed: Terms | None = None
    live = state.only_live(step.statements)
    for statement in live:
        if not state.is_side(statement.holder) or is_lapsed(state, statement, IN_TALKS):
            continue
        terms = _terms(statement, held, confirmed)
        held[statement.holder] = TermsOfSide(terms, statement)
        of_other_side = held.get(other(state.parties, statement.holder))
        if of_other_side is not None and of_other_side.terms == terms:
            confirmed = terms
    outcomes = _outcomes(state, step, held)
    last_of_sides = max((own.statement for own in held.values()), key=lambda t: t.place, default=None)
    last = last_of_sides or (live or step.statements)[-1]
    claimed = held[last.holder].terms if last.holder in held else _terms(last, held={}, confirmed=None)
    outcome, open = _outcome(state, step, held, outcomes)
    return Agreement(
        step=step.step,
        terms=confirmed or claimed,
        confirmed=confirmed is not None,
        held=held,
        outcomes=outcomes,
        open=open,
        outcome=outcome,
        last=last,
    )


def _terms(statement: ActorStatement, held: Mapping[str, TermsOfSide], confirmed: Terms | None) -> Terms:
    """Return the terms of a statement. A term that it leaves open stays as the side had it before.

    In a joint text an open term stays as both sides had it before.
    """
    data = statement.data
    own = held[statement.holder].terms if statement.holder in held else None
    before = confirmed if data.asserted_by.party == JOINT else own
    if before is None:
        return Terms(data.owner, data.due, data.quantity)
    return Terms(data.owner, due=data.due or before.due, quantity=data.quantity or before.quantity)


def _outcomes(state: Irritant, step: Step, held: Mapping[str, TermsOfSide]) -> dict[str, ActorStatement]:
    """Return the last statement of each side on the outcome, unless the side has since agreed to the step again.

    A closing before the side's first agreement counts: that agreement is then not a new one.
    """
    last = {t.holder: t for t in state.live_by_sides(step.closings)}
    first = {t.holder: t.place for t in reversed(state.live_by_sides(step.statements))}
    return {
        side: closing
        for side, closing in last.items()
        if side not in held or closing.place > held[side].statement.place or closing.place < first.get(side, 0)
    }


def _outcome(
    state: Irritant,
    step: Step,
    held: Mapping[str, TermsOfSide],
    outcomes: Mapping[str, ActorStatement],
) -> tuple[str | None, bool]:
    """Return the outcome of a step, None if there is none yet, and whether the step is open."""
    if held:
        reported = {outcomes[h].data.outcome if h in outcomes else None for h in held}
        outcome = reported.pop() if len(reported) == 1 else None
        return outcome, outcome is None
    if any(state.is_side(t.holder) for t in step.statements):
        return "lapsed", False  # No side agrees to it any more.
    # Only third parties or media report the step, so their last report of its outcome counts.
    closings = state.only_live(step.closings)
    return (closings[-1].data.outcome, False) if closings else (None, True)


@cached_for_state
def agreements(state: Irritant) -> list[Agreement]:
    """Return all next steps as they are now."""
    return [agreement(state, step) for step in state.steps.values()]


@dataclass(frozen=True)
class Offer:
    """A proposal as it is now.

    `tabled_by`: the sides and third parties that still put it forward. `reported`: they or media still say that it was
    made. `answered`: by addressee, its last answer, or None if it reached an understanding instead. `unanswered`: the
    sides that are to answer it. `countered`: by proposer that is to answer counter-proposals, these counter-proposals.
    """

    proposal: Proposal
    tabled_by: tuple[str, ...]
    reported: bool
    addressees: tuple[str, ...]
    answered: Mapping[str, ActorStatement | None]
    unanswered: tuple[str, ...]
    countered: Mapping[str, tuple[ActorStatement, ...]]

    @property
    def awaited(self) -> tuple[str, ...]:
        """The sides that are to act: addressees without an answer, and proposers that owe one to a counter-proposal."""
        return tuple(sorted({*self.unanswered, *self.countered}))

    @property
    def open(self) -> bool:
        """Whether the proposal is still put forward or reported, and an addressee has not answered."""
        return self.reported and bool(set(self.addressees) - self.answered.keys())

    @property
    def closed_as(self) -> str | None:
        """The last answer, `understanding` or `lapsed`. None: the proposal is open."""
        if set(self.addressees) - self.answered.keys():
            return None if self.reported else "lapsed"
        answers = [t for t in self.answered.values() if t is not None]
        return max(answers, key=lambda t: t.place).data.answer if answers else "understanding"


@cached_for_state
def last_understandings(state: Irritant) -> dict[str, int]:
    """Return for each side the place of its last position at `understanding` or above, 0 without one."""
    return {party: state.positions_of(party).last_raised(UNDERSTANDING) for party in state.parties}


@cached_for_state
def _last_proposals(state: Irritant) -> dict[str, int]:
    """Return for each actor the place of its last proposal."""
    last: dict[str, int] = {}
    for proposal in state.proposals.values():
        for statement in state.only_live(proposal.statements):
            last[statement.holder] = max(statement.place, last.get(statement.holder, 0))
    return last


def offer(state: Irritant, proposal: Proposal, understood: Mapping[str, int]) -> Offer:
    """Return a proposal as it is now. `understood`: the result of `last_understandings`."""
    statements = [
        t
        for t in state.only_live(proposal.statements)
        if not (state.is_side(t.holder) and is_lapsed(state, t, PROPOSED))
    ]
    named = state.parties if proposal.data.addressee == BOTH else (proposal.data.addressee,)
    proposers = {t.holder for t in statements}
    # A proposal of one side to both awaits only the other.
    addressees = tuple(a for a in named if a not in proposers) or named
    answered = _answered(state, proposal, addressees, understood)
    tabled_by = tuple(sorted(h for h in proposers if state.voice_of(h) != "media"))
    # A side that alone puts it forward owes itself no answer, even if it is an addressee after a correction.
    unanswered = {a for a in addressees if a not in answered and state.is_side(a) and {*tabled_by} - {a}}
    counters = [answer for answer in answered.values() if answer is not None and answer.data.answer == "countered"]
    countered: dict[str, tuple[ActorStatement, ...]] = {}
    for proposer in tabled_by:
        if state.is_side(proposer):
            owed = [c for c in counters if _owes_reply(state, proposal, proposer, c, understood)]
            countered |= {proposer: tuple(owed)} if owed else {}
    return Offer(proposal, tabled_by, bool(statements), addressees, answered, tuple(sorted(unanswered)), countered)


def _answered(
    state: Irritant, proposal: Proposal, addressees: Iterable[str], understood: Mapping[str, int]
) -> dict[str, ActorStatement | None]:
    """Return for each addressee its last answer, or None if it has reached an understanding since.

    `deferred` does not count as an answer.
    """
    answered: dict[str, ActorStatement | None] = {a: None for a in addressees if understood.get(a, 0) > proposal.place}
    for statement in state.only_live(proposal.answers):
        is_answer = statement.holder in addressees and statement.data.answer != "deferred"
        overtaken = statement.place < understood.get(statement.holder, 0) and statement.data.answer != "accepted"
        if is_answer and not overtaken:
            answered[statement.holder] = statement
    return answered


def _owes_reply(
    state: Irritant, proposal: Proposal, proposer: str, counter: ActorStatement, understood: Mapping[str, int]
) -> bool:
    """Return whether a proposer has not reacted to a counter-proposal by an answer, a proposal or an understanding.

    It owes no reply to its own, nor to one below which the other side has since gone back.
    """
    if counter.holder == proposer or (state.is_side(counter.holder) and is_lapsed(state, counter, PROPOSED)):
        return False
    if max(understood.get(proposer, 0), _last_proposals(state).get(proposer, 0)) > counter.place:
        return False
    answers = (t for t in state.only_live(proposal.answers) if t.holder == proposer)
    return not any(t.place > counter.place for t in answers)


@cached_for_state
def offers(state: Irritant) -> list[Offer]:
    """Return all proposals as they are now."""
    understood = last_understandings(state) if state.proposals else {}
    return [offer(state, proposal, understood) for proposal in state.proposals.values()]


def awaiting(state: Irritant) -> str:
    """Return the side that is to act, `both` or `none`. A third party is never awaited, even if it owns a step."""
    if state.lifecycle in ENDED:
        return "none"
    owners = {a.terms.owner for a in agreements(state) if a.open and a.held}
    awaited = {p for owner in owners for p in (state.parties if owner == BOTH else (owner,)) if state.is_side(p)}
    awaited = awaited or {side for o in offers(state) for side in o.awaited}
    return BOTH if len(awaited) > 1 else next(iter(awaited), "none")


class OwnHold(NamedTuple):
    """A side's own hold: `stalled` or `suspended`, and the statement that places it."""

    kind: str
    statement: ActorStatement


def own_holds(state: Irritant) -> dict[str, OwnHold]:
    """Return each side's own hold, even if the irritant is resolved or withdrawn."""
    placed: dict[str, OwnHold] = {}
    for statement in state.live_by_sides(state.holds):
        if isinstance(statement.data, HoldLifted):
            placed.pop(statement.holder, None)
        elif _is_own(statement):
            placed[statement.holder] = OwnHold(statement.data.kind, statement)
    return placed


def _is_own(statement: ActorStatement) -> bool:
    """Return whether a side places its own hold. A hold that it reports of the other side is only an allegation."""
    return statement.data.by in (None, BOTH, statement.holder)


@cached_for_state
def holds(state: Irritant) -> dict[str, OwnHold]:
    """Return the same as `own_holds`, but nothing if the irritant is resolved or withdrawn, which ends all holds."""
    return {} if state.lifecycle in ENDED or not state.holds else own_holds(state)


def hold(state: Irritant) -> Hold:
    """Return the heavier of the two sides' holds: `suspended`, `stalled` or `none`."""
    kinds = {hold.kind for hold in holds(state).values()}
    return "suspended" if "suspended" in kinds else "stalled" if "stalled" in kinds else "none"


def item_status(state: Irritant, item: Item) -> str:
    """Return the status of an item by the last statement of a side, `outstanding` without one."""
    said = next((t for t in reversed(item.statuses) if state.is_live(t)), None)
    return said.data.status if said else "outstanding"
