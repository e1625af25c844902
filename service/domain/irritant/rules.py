"""What may be said of an irritant in the place where it is said. Source of every rule: the domain's Rules.

`judge` meets the state in the event's place in the order of the world and raises; it never changes anything.
"""

from collections.abc import Iterable
from typing import cast

from service.domain.assertion import ACTING, Assertion
from service.domain.catalogue import KINDS
from service.domain.corrections import Effective
from service.domain.errors import (
    AllowedTypes,
    IrritantClosed,
    ItemTaken,
    NoSuchHold,
    NotAParty,
    NotAReversal,
    NotByAParty,
    NotClosed,
    NotYoursToWithdraw,
    Refusal,
    TooFarToWithdraw,
    UnknownItem,
    UnknownProposal,
    UnknownStep,
)
from service.domain.irritant import events as on_disk
from service.domain.irritant.state import MEDIA, Irritant, by_parties
from service.domain.ladder import IN_TALKS, LEVELS, RUNGS, UNSTATED

# What a settled or withdrawn irritant still takes: what mends or completes its record, or takes it up again.
_AFTER_THE_END = frozenset(
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
    }
)
_WHERE_RESOLVED = _AFTER_THE_END | {"ResolutionDeclared", "ImplementationReported", "ProgressReversed"}


def judge(state: Irritant, effect: Effective, stream: str, relation: str) -> Refusal | None:
    """Why this cannot be said here, or None."""
    if not isinstance(effect.data, Assertion):
        return None
    type = effect.data.__class__.__name__
    if not effect.is_evidence and state.lifecycle != "open" and type not in _after_the_end(state):
        return IrritantClosed(lifecycle=state.lifecycle)
    return _not_a_party(state, effect.data, relation) or _judged(state, effect, stream)


def allowed(state: Irritant) -> AllowedTypes:
    """The rung as it is, and the types that can be asserted here."""
    types = set(KINDS["irritant"]) - {"IrritantOpened"} if state.lifecycle == "open" else set(_after_the_end(state))
    if state.lifecycle == "open":
        types.discard("IrritantReopened")
    if state.reported == UNSTATED:
        types.discard("ProgressReversed")
    if not state.proposals:
        types.discard("ProposalAnswered")
    if not state.steps:
        types.discard("NextStepClosed")
    if not state.items:
        types.discard("ItemStatusChanged")
    if not state.held:
        types.discard("HoldLifted")
    if state.status > IN_TALKS or not _raisers(state):
        types.discard("IrritantWithdrawn")
    return AllowedTypes(RUNGS[state.status], tuple(sorted(types)))


def _after_the_end(state: Irritant) -> frozenset[str]:
    return _WHERE_RESOLVED if state.lifecycle == "resolved" else _AFTER_THE_END


def _not_a_party(state: Irritant, data: Assertion, relation: str) -> Refusal | None:
    for field in ACTING:
        acting = vars(data).get(field)
        if acting is not None and acting != "both" and acting not in state.parties:
            return NotAParty(f"/{field}", party=acting, relation=relation)
    return None


def _raisers(state: Irritant) -> set[str]:
    """The side that raised it: who is on record with the concern, else whoever spoke of it first."""
    return {t.holder for t in by_parties(state.raised_by) or state.first_by}


def _judged(state: Irritant, effect: Effective, stream: str) -> Refusal | None:
    data = cast("on_disk.IrritantEvent", effect.data)
    asserter = cast(Assertion, effect.data).asserted_by.party
    holders = set(state.holders(asserter))
    match data:
        case on_disk.ProgressReversed() if not effect.is_evidence and LEVELS[data.to] >= state.reported:
            return NotAReversal("/to", rung=RUNGS[state.reported], to=data.to)
        case on_disk.IrritantReopened() if not effect.is_evidence:
            return _reopening(state, data)
        case on_disk.IrritantWithdrawn():
            return _withdrawal(state, asserter, holders, evidence=effect.is_evidence)
        case on_disk.HoldLifted() if not (effect.is_evidence or MEDIA in holders or holders & state.held.keys()):
            return NoSuchHold("/asserted_by/party", asserter=asserter)
        case on_disk.ProposalAnswered() if data.proposal not in state.proposals:
            return UnknownProposal("/proposal", proposal=data.proposal, stream=stream)
        case on_disk.NextStepClosed() if data.step not in state.steps:
            return UnknownStep("/step", step=data.step, stream=stream)
        case on_disk.ItemAdded() if not effect.is_evidence and data.item in state.items:
            return ItemTaken("/item", item=data.item)
        case on_disk.ItemStatusChanged() if data.item not in state.items:
            return UnknownItem("/item", item=data.item, stream=stream)
    if effect.data.__class__.__name__ == "ClaimContested" and MEDIA in holders:
        return NotByAParty("/asserted_by/party", type="ClaimContested", asserter=asserter)
    return None


def _reopening(state: Irritant, data: on_disk.IrritantReopened) -> Refusal | None:
    if state.lifecycle == "open":
        return NotClosed("", rung=RUNGS[state.status])
    if LEVELS[data.to] > state.reported or (state.lifecycle == "resolved" and LEVELS[data.to] == state.reported):
        return NotAReversal("/to", rung=RUNGS[state.reported], to=data.to)
    return None


def _withdrawal(state: Irritant, asserter: str, holders: Iterable[str], *, evidence: bool) -> Refusal | None:
    if evidence:
        return None
    if not set(holders) & _raisers(state):
        return NotYoursToWithdraw("/asserted_by/party", asserter=asserter)
    return TooFarToWithdraw("", rung=RUNGS[state.status]) if state.status > IN_TALKS else None
