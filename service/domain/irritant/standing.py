"""What an irritant's state amounts to: on what its status rests, whose move it is, what holds it up.

Derived from the state alone and total; the definitions are those of the domain's "The ladder".
"""

from collections.abc import Iterable
from typing import Literal

from service.domain.irritant.state import MEDIA, Hold, Irritant, Proposal, SidePosition, Step, by_parties, live
from service.domain.ladder import UNSTATED

Basis = Literal["none", "media_only", "contested", "both_sides", "one_side", "attributed"]


def basis(state: Irritant) -> Basis:
    """On what the claimed rung rests; the first that holds."""
    if state.reported == UNSTATED:
        return "none"
    if state.status == UNSTATED:
        return "media_only"
    if contested(state):
        return "contested"
    spoken = [p for p in state.parties if _at_the_top(state, p) and any(s.spoken for s in state.positions_at_rung(p))]
    return "attributed" if not spoken else "one_side" if len(spoken) == 1 else "both_sides"


def contested(state: Irritant) -> bool:
    """Whether a denied claim stands at the claimed rung, or a denied reversal still binds a side that states it."""
    denied = [d for d in state.denials if not d.ended]
    if not denied:
        return False
    at_the_top = {name for s in _at_the_claimed_rung(state) for name in (s.event, s.root)}
    return any(_holds_down(state, d.target) if d.reversal else d.target in at_the_top for d in denied)


def _at_the_claimed_rung(state: Irritant) -> Iterable[SidePosition]:
    live = ((s, level) for s, level in state.with_levels if s.denied_in is None and s.holder != MEDIA)
    return (s for s, level in live if level == state.status)


def _holds_down(state: Irritant, target: str) -> bool:
    statements = ((r.to, t) for r in state.reversals if r.root == target for t in by_parties(r.statements))
    return any(state.rung_of(t.holder) <= to for to, t in statements)


def _at_the_top(state: Irritant, party: str) -> bool:
    return state.rung_of(party) == state.status > UNSTATED


def supports(state: Irritant) -> list[SidePosition]:
    """The positions that the claimed rung rests on; where no party is on record, those at the reported rung."""
    if state.status == UNSTATED:
        return [s for s, level in state.with_levels if level == state.reported > UNSTATED]
    return [s for p in state.parties if _at_the_top(state, p) for s in state.positions_at_rung(p)]


def origins(state: Irritant) -> int:
    """How many distinct utterances the claimed rung rests on."""
    return len({s.origin for s in supports(state)})


def hold(state: Irritant) -> Hold:
    """The strongest hold that a side has placed and not lifted."""
    kinds = state.held.values()
    return "suspended" if "suspended" in kinds else "stalled" if "stalled" in kinds else "none"


def reversible(state: Irritant) -> Literal["true", "false", "unknown"]:
    """The last word on it; a party's before anybody else's."""
    said = by_parties(state.reversibility) or live(state.reversibility)
    if not said:
        return "unknown"
    return "true" if said[-1].value == "true" else "false"


def open_steps(state: Irritant) -> list[Step]:
    """Agreed next steps that are not closed, and that a party stands behind."""
    return [s for s in state.steps.values() if s.open and s.by_a_party]


def open_proposals(state: Irritant) -> list[Proposal]:
    """Unanswered proposals that a party stands behind."""
    return [p for p in state.proposals.values() if p.open and p.by_a_party]


def awaiting(state: Irritant) -> str:
    """Whose move it is while the irritant is open: a party, `both` or `none`."""
    if state.lifecycle != "open":
        return "none"
    moves = {s.owner for s in open_steps(state)} or {p.addressee for p in open_proposals(state)}
    if "both" in moves or len(moves) > 1:
        return "both"
    return next(iter(moves), "none")


def wording(state: Irritant, party: str) -> str | None:
    """The party's own word for where it stands, its latest at that rung."""
    return next((s.wording for s in reversed(state.positions_at_rung(party)) if s.wording), None)
