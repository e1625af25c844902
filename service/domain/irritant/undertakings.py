"""What the sides undertake beside the ladder: steps, proposals, holds and items, each side for itself.

Derived from the state alone and total. A side that denies its undertaking, or goes back below the rung that it gives,
is no longer bound by it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from service.domain.actors import BOTH, JOINT, other
from service.domain.irritant.events import HoldLifted
from service.domain.irritant.state import RAISES, Hold, Irritant, Item, Proposal, SideStatement, Step, kept
from service.domain.ladder import IN_TALKS, PROPOSED, UNDERSTANDING

ENDED: Final = frozenset({"resolved", "withdrawn"})


class Terms(NamedTuple):
    """What a side agrees to in a step. `action` is free text and no term."""

    owner: str
    due: str | None
    quantity: Any


def differ(one: Terms, another: Terms) -> bool:
    """Whether they contradict each other; what one of them leaves open contradicts nothing."""
    pairs = zip(one, another, strict=True)
    return any(a is not None and b is not None and a != b for a, b in pairs)


@dataclass(frozen=True)
class Agreement:
    """A step as the sides now have it. `held`: each side's last terms, and by which statement.

    `terms`: the last that both agreed to where `confirmed`, else the latest of either side or of another voice.
    `outcomes`: what each side last said became of it. `open`: not every side that agreed says the same outcome.
    """

    step: str
    terms: Terms
    confirmed: bool
    held: Mapping[str, tuple[Terms, SideStatement]]
    outcomes: Mapping[str, SideStatement]
    open: bool
    outcome: str | None
    last: SideStatement

    @property
    def agreed_by(self) -> tuple[str, ...]:
        return tuple(sorted(self.held))


def lapsed(state: Irritant, statement: SideStatement, rung: int) -> bool:
    """Whether its side has gone back, since, below the rung that the undertaking gives."""
    return any(f.holder == statement.holder and f.place > statement.place and f.to < rung for f in state.falls)


def agreement(state: Irritant, step: Step) -> Agreement:
    """A step as it now is: per side what it agreed to and what it says became of it."""
    held: dict[str, tuple[Terms, SideStatement]] = {}
    confirmed: Terms | None = None
    told = state.live(step.statements)
    for statement in told:
        if not state.is_side(statement.holder) or lapsed(state, statement, IN_TALKS):
            continue
        terms = _terms(statement, held, confirmed)
        held[statement.holder] = terms, statement
        others = held.get(other(state.parties, statement.holder))
        if others is not None and others[0] == terms:
            confirmed = terms
    outcomes = _outcomes(state, step, held)
    last = max((t for _, t in held.values()), key=lambda t: t.place, default=None) or (told or step.statements)[-1]
    terms = confirmed or (held[last.holder][0] if last.holder in held else _terms(last, {}, None))
    outcome, open = _outcome(state, step, held, outcomes)
    return Agreement(step.step, terms, confirmed is not None, held, outcomes, open, outcome, last)


def _terms(statement: SideStatement, held: Mapping[str, tuple[Terms, SideStatement]], confirmed: Terms | None) -> Terms:
    """The terms of a statement; what it leaves open stays as the side had it, or as both had it in a joint text."""
    data = statement.data
    before = (
        confirmed
        if data.asserted_by.party == JOINT
        else held[statement.holder][0]
        if statement.holder in held
        else None
    )
    return Terms(
        data.owner, data.due or (before.due if before else None), data.quantity or (before.quantity if before else None)
    )


def _outcomes(state: Irritant, step: Step, held: Mapping[str, tuple[Terms, SideStatement]]) -> dict[str, SideStatement]:
    """By side what it last said became of the step, unless it had agreed to it before and did so again since."""
    said = {t.holder: t for t in state.by_sides(step.closings)}
    first = {t.holder: t.place for t in reversed(state.by_sides(step.statements))}
    return {h: t for h, t in said.items() if h not in held or t.place > held[h][1].place or t.place < first.get(h, 0)}


def _outcome(
    state: Irritant, step: Step, held: Mapping[str, tuple[Terms, SideStatement]], outcomes: Mapping[str, SideStatement]
) -> tuple[str | None, bool]:
    if held:
        said = {outcomes[h].data.outcome if h in outcomes else None for h in held}
        outcome = said.pop() if len(said) == 1 else None
        return outcome, outcome is None
    if any(state.is_side(t.holder) for t in step.statements):
        return "lapsed", False
    closings = state.live(step.closings)
    return (closings[-1].data.outcome, False) if closings else (None, True)


@kept
def agreements(state: Irritant) -> list[Agreement]:
    return [agreement(state, step) for step in state.steps.values()]


@dataclass(frozen=True)
class Offer:
    """A proposal as it now is. `tabled_by`: the sides and third parties that put it forward and still do.

    `awaited`: the sides whose answer is awaited: addressees, or a proposer that was answered by a counter-proposal.
    `answered`: by addressee the statement of its answer, or None where it has reached an understanding since.
    """

    proposal: Proposal
    tabled_by: tuple[str, ...]
    addressees: tuple[str, ...]
    answered: Mapping[str, SideStatement | None]
    awaited: tuple[str, ...]

    @property
    def open(self) -> bool:
        return bool(self.tabled_by) and bool(set(self.addressees) - self.answered.keys())

    @property
    def closed_as(self) -> str | None:
        if set(self.addressees) - self.answered.keys():
            return None if self.tabled_by else "lapsed"
        answers = [t for t in self.answered.values() if t is not None]
        return max(answers, key=lambda t: t.place).data.answer if answers else "understanding"


@kept
def reached(state: Irritant) -> dict[str, int]:
    """By side the last place at which it said that there is an understanding, or more; 0 where it never did."""
    last = dict.fromkeys(state.parties, 0)
    for s in state.side_positions:
        if s.rung >= UNDERSTANDING and s.does in RAISES and s.holder in last and state.says(s):
            last[s.holder] = s.place
    return last


def offer(state: Irritant, proposal: Proposal, understood: Mapping[str, int]) -> Offer:
    """A proposal as it now is, given where each side last reached an understanding (`reached`)."""
    statements = [
        t for t in state.live(proposal.statements) if not (state.is_side(t.holder) and lapsed(state, t, PROPOSED))
    ]
    named = state.parties if proposal.data.addressee == BOTH else (proposal.data.addressee,)
    proposing = {t.holder for t in statements}
    addressees = tuple(a for a in named if a not in proposing) or named
    answered = _answered(state, proposal, addressees, understood)
    tabled_by = tuple(sorted(h for h in proposing if state.voice_of(h) != "media"))
    awaited = {a for a in addressees if a not in answered and state.is_side(a)} if tabled_by else set()
    for answer in answered.values():
        if answer is not None and answer.data.answer == "countered":
            awaited |= {
                p for p in tabled_by if state.is_side(p) and _owes_reply(state, proposal, p, answer, understood)
            }
    return Offer(proposal, tabled_by, addressees, answered, tuple(sorted(awaited)))


def _answered(
    state: Irritant, proposal: Proposal, addressees: Iterable[str], understood: Mapping[str, int]
) -> dict[str, SideStatement | None]:
    """By addressee its last answer; None where it has come to an understanding after the proposal, and that answer."""
    answered: dict[str, SideStatement | None] = {a: None for a in addressees if understood.get(a, 0) > proposal.place}
    for statement in state.live(proposal.answers):
        is_answer = statement.holder in addressees and statement.data.answer != "deferred"
        overtaken = statement.place < understood.get(statement.holder, 0) and statement.data.answer != "accepted"
        if is_answer and not overtaken:
            answered[statement.holder] = statement
    return answered


def _owes_reply(
    state: Irritant, proposal: Proposal, proposer: str, counter: SideStatement, understood: Mapping[str, int]
) -> bool:
    """Whether a proposer has said nothing to a counter-proposal: no answer, no proposal anew, no understanding."""
    tabled = (t for p in state.proposals.values() for t in p.statements)
    since = (t for t in (*proposal.answers, *tabled) if t.holder == proposer and t.place > counter.place)
    return understood.get(proposer, 0) < counter.place and not any(state.says(t) for t in since)


@kept
def offers(state: Irritant) -> list[Offer]:
    understood = reached(state) if state.proposals else {}
    return [offer(state, proposal, understood) for proposal in state.proposals.values()]


def awaiting(state: Irritant) -> str:
    """Who is awaited: a side, `both` or `none`. Third parties own steps, too, and are not awaited."""
    if state.lifecycle in ENDED:
        return "none"
    owners = {a.terms.owner for a in agreements(state) if a.open and a.held}
    awaited = {p for owner in owners for p in (state.parties if owner == BOTH else (owner,)) if state.is_side(p)}
    awaited = awaited or {side for o in offers(state) for side in o.awaited}
    return BOTH if len(awaited) > 1 else next(iter(awaited), "none")


def held(state: Irritant) -> dict[str, tuple[str, SideStatement]]:
    """The holds in force by the side that placed each, whatever else became of the irritant."""
    placed: dict[str, tuple[str, SideStatement]] = {}
    for statement in state.by_sides(state.holds):
        if isinstance(statement.data, HoldLifted):
            placed.pop(statement.holder, None)
        elif _is_own(statement):
            placed[statement.holder] = statement.data.kind, statement
    return placed


def _is_own(statement: SideStatement) -> bool:
    """Whether a hold is its statement's: what one side says of the other alone is an allegation."""
    return statement.data.by in (None, BOTH, statement.holder)


@kept
def holds(state: Irritant) -> dict[str, tuple[str, SideStatement]]:
    """As `held`; none where the irritant is resolved or withdrawn."""
    return {} if state.lifecycle in ENDED or not state.holds else held(state)


def hold(state: Irritant) -> Hold:
    """The heavier of the sides' holds."""
    kinds = {kind for kind, _ in holds(state).values()}
    return "suspended" if "suspended" in kinds else "stalled" if "stalled" in kinds else "none"


def item_status(state: Irritant, item: Item) -> str:
    """The last word of a side: an item is settled while one says so and the other has not said otherwise since."""
    said = state.live(item.statuses)
    return said[-1].data.status if said else "outstanding"
