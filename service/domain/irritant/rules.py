"""What may be said of an irritant in the place where it is said. Source of every rule: the domain's Rules.

`judge` meets the state in the event's place in the order of the world and returns why not; it never changes anything.
What only moves nothing is accepted; `warnings.py` says so.
"""

from typing import Final, cast

from service.domain.actors import BOTH, JOINT, is_actor
from service.domain.assertion import ACTING, Assertion
from service.domain.catalogue import KINDS
from service.domain.corrections import Effective
from service.domain.errors import (
    AllowedTypes,
    IrritantClosed,
    ItemTaken,
    Malformed,
    NoSuchHold,
    NotAParty,
    NotAReversal,
    NotByAParty,
    NotClosed,
    NotYoursToWithdraw,
    Refusal,
    UndatedFall,
    UnknownItem,
    UnknownProposal,
    UnknownStep,
)
from service.domain.irritant import disputes, undertakings
from service.domain.irritant import events as on_disk
from service.domain.irritant.state import Irritant
from service.domain.ladder import LEVELS, RESOLVED, RUNGS, UNSTATED

# What a side may still say where both say that it is settled: what mends or completes its record, or takes it up again.
_WHERE_RESOLVED: Final = frozenset(
    {
        "IrritantReopened",
        "ClaimContested",
        "EvidenceAdded",
        "AssertionCorrected",
        "AssertionRetracted",
        "ItemStatusChanged",
        "NextStepClosed",
        "HoldLifted",
        "PositionStated",
        "ReversibilityStated",
        "ResolutionDeclared",
        "ImplementationReported",
        "ProgressReversed",
        "BreachAlleged",
        "InstrumentStated",
        "LinkageStated",
    }
)
_NEED_A_PLACE: Final = (
    on_disk.ProgressReversed,
    on_disk.IrritantReopened,
    on_disk.IrritantWithdrawn,
    on_disk.HoldLifted,
)
"""Without a date these would come before all else and change nothing."""
_OF_ANY_ACTOR: Final = ("owner", "actor")
"""A third party may own a step, and act."""


def judge(state: Irritant, effect: Effective, stream: str, relation: str) -> Refusal | None:
    """Why this cannot be said here, or None."""
    if not isinstance(effect.data, Assertion):
        return None
    holders = state.holders(effect.data.asserted_by.party)
    if effect.is_evidence:
        return _acting(state, effect.data, relation)
    by_side = all(state.is_side(h) for h in holders)
    if by_side and state.lifecycle == "resolved" and effect.data.__class__.__name__ not in _WHERE_RESOLVED:
        return IrritantClosed(lifecycle=state.lifecycle)
    return (
        _acting(state, effect.data, relation)
        or _undated(effect)
        or _judged(state, effect, stream, holders, by_side=by_side)
    )


def allowed(state: Irritant) -> AllowedTypes:
    """The rung as it is, and the types that can be asserted here."""
    types = set(_WHERE_RESOLVED) if state.lifecycle == "resolved" else set(KINDS["irritant"]) - {"IrritantOpened"}
    if RESOLVED not in state.rungs:
        types.discard("IrritantReopened")
    if state.status == UNSTATED:
        types.discard("IrritantWithdrawn")
    if state.reported == UNSTATED:
        types.discard("ProgressReversed")
    if not state.proposals:
        types.discard("ProposalAnswered")
    if not state.steps:
        types.discard("NextStepClosed")
    if not state.items:
        types.discard("ItemStatusChanged")
    if not state.instruments:
        types.discard("InstrumentStated")
    if not state.holds:
        types.discard("HoldLifted")
    return AllowedTypes(RUNGS[state.status], tuple(sorted(types)))


def _acting(state: Irritant, data: Assertion, relation: str) -> Refusal | None:
    for field in ACTING:
        acting = vars(data).get(field)
        if acting is None or acting == BOTH or acting in state.parties:
            continue
        if field not in _OF_ANY_ACTOR or not is_actor(acting):
            return NotAParty(f"/{field}", party=acting, relation=relation)
    return None


def _undated(effect: Effective) -> Refusal | None:
    data = cast(Assertion, effect.data)
    if isinstance(data, _NEED_A_PLACE) and effect.earliest is None and data.after is None:
        return UndatedFall("/occurred", type=data.__class__.__name__)
    return None


def _judged(
    state: Irritant, effect: Effective, stream: str, holders: tuple[str, ...], *, by_side: bool
) -> Refusal | None:
    data = cast("on_disk.IrritantEvent", effect.data)
    asserter = cast(Assertion, effect.data).asserted_by.party
    match data:
        case on_disk.ProgressReversed() if LEVELS[data.to] >= RESOLVED:
            return NotAReversal("/to", to=data.to)
        case on_disk.IrritantReopened() | on_disk.IrritantWithdrawn() if not by_side:
            return NotByAParty("/asserted_by/party", type=data.type, asserter=asserter)
        case on_disk.IrritantReopened() if LEVELS[data.to] >= RESOLVED:
            return NotAReversal("/to", to=data.to)
        case on_disk.IrritantReopened() if all(state.rung_of(h) < RESOLVED for h in holders):
            return NotClosed("", asserter=asserter, rung=RUNGS[max(state.rung_of(h) for h in holders)])
        case on_disk.IrritantWithdrawn() if all(state.rung_of(h) == UNSTATED for h in holders):
            return NotYoursToWithdraw("/asserted_by/party", asserter=asserter)
        case on_disk.BreachAlleged() if data.by in holders and asserter != JOINT:
            return Malformed("/by", why="is the side that alleges the breach; name the other side")
        case on_disk.HoldPlaced(by=None) if not by_side:
            return Malformed("/by", why="is missing: whose hold it is")
        case on_disk.HoldLifted() if by_side and not _may_lift(state, holders):
            return NoSuchHold("/asserted_by/party", asserter=asserter)
        case on_disk.ProposalAnswered() if data.proposal not in state.proposals:
            return UnknownProposal("/proposal", proposal=data.proposal, stream=stream)
        case on_disk.NextStepClosed() if data.step not in state.steps:
            return UnknownStep("/step", step=data.step, stream=stream)
        case on_disk.ItemAdded() if data.item in state.items:
            return ItemTaken("/item", item=data.item)
        case on_disk.ItemStatusChanged() if data.item not in state.items:
            return UnknownItem("/item", item=data.item, stream=stream)
    return None


def _may_lift(state: Irritant, holders: tuple[str, ...]) -> bool:
    """Whether one of these has a hold of its own, or has said that the other side holds it up."""
    alleging = {d.alleged_by for d in disputes.disputes(state) if d.kind == "hold"}
    return bool(set(holders) & (undertakings.held(state).keys() | alleging))
