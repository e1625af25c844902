"""Decide which events the stream of an irritant accepts.

`judge` gets the state before the event in order of occurrence, and returns the reason for a refusal. An event that
changes nothing is accepted, and `warnings.py` warns about it.
"""

from collections.abc import Sequence
from typing import Final, cast

from service.domain.actors import BOTH, JOINT, is_actor, other
from service.domain.assertion import ACTOR_FIELDS, Assertion
from service.domain.catalogue import KINDS
from service.domain.corrections import EffectiveEvent
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
    then,
)
from service.domain.irritant import disputes, events, undertakings
from service.domain.irritant.state import Irritant
from service.domain.ladder import LEVELS, RESOLVED, RUNGS, UNSTATED
from service.domain.mistakes import alternatives

# The types that a side can still assert on a resolved irritant: they complete its record, or take it up again.
_ALLOWED_IF_RESOLVED: Final = frozenset(
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
_NEED_DATE_OR_AFTER: Final = (
    events.ProgressReversed,
    events.IrritantReopened,
    events.IrritantWithdrawn,
    events.HoldLifted,
)
"""These types need a date or `after`, else they would be first in order of occurrence, where they change nothing."""
_AFTER_RESOLUTION: Final = [
    "if a side took it up again, file `IrritantReopened` before this event",
    "if one of these events should not be on record, file `AssertionRetracted` with it as `target`",
]
_FIELDS_FOR_ANY_ACTOR: Final = ("owner", "actor")
"""The fields that can also name a third party: it can own a next step and carry out an act."""


def judge(state: Irritant, effect: EffectiveEvent, stream: str, relation: str) -> Refusal | None:
    """Return why the stream refuses an event, or None. `state`: the state before it in order of occurrence."""
    if not isinstance(effect.data, Assertion):
        return None
    holders = state.holders(effect.data.asserted_by.party)
    if effect.is_evidence:
        return _wrong_actor(state, effect.data, relation)
    by_side = all(state.is_side(h) for h in holders)
    if by_side and state.lifecycle == "resolved" and effect.data.__class__.__name__ not in _ALLOWED_IF_RESOLVED:
        facts = {"then": then(effect.data.occurred), "ways": _AFTER_RESOLUTION}
        return IrritantClosed(lifecycle=state.lifecycle, said=_resolved_by(state), **facts)
    return (
        _wrong_actor(state, effect.data, relation)
        or _undated(effect)
        or _against_rules_of_type(state, effect, stream, holders, by_side=by_side)
    )


def allowed(state: Irritant) -> AllowedTypes:
    """Return the rung of the irritant and the event types that can be accepted in this state."""
    types = set(_ALLOWED_IF_RESOLVED) if state.lifecycle == "resolved" else set(KINDS["irritant"]) - {"IrritantOpened"}
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


def _wrong_actor(state: Irritant, data: Assertion, relation: str) -> Refusal | None:
    """Refuse a third party in a field for a party of the relation, such as `by`."""
    for field in ACTOR_FIELDS:
        actor = vars(data).get(field)
        if actor is None or actor == BOTH or actor in state.parties:
            continue
        if field not in _FIELDS_FOR_ANY_ACTOR or not is_actor(actor):
            allowed = may_act(state.parties, field, data.__class__.__name__, data.asserted_by.party)
            return NotAParty(f"/{field}", party=actor, relation=relation, allowed=allowed)
    return None


def may_act(parties: Sequence[str], field: str, type: str | None, asserter: str | None) -> str:
    """Return the values that make sense in a field for a party: nobody makes an offer, or objects, to itself alone."""
    others = [p for p in parties if p != asserter or not (field == "addressee" or type == "BreachAlleged")]
    return alternatives([*others, BOTH])


def _resolved_by(state: Irritant) -> list[tuple[str, str]]:
    """Return for each side the event by which its rung is `resolved`."""
    return [(party, state.positions_of(party).at(RESOLVED)[-1].root) for party in state.parties]


def _undated(effect: EffectiveEvent) -> Refusal | None:
    """Refuse an event without a place in order of occurrence, if its type needs one."""
    data = cast(Assertion, effect.data)
    if isinstance(data, _NEED_DATE_OR_AFTER) and effect.earliest is None and data.after is None:
        return UndatedFall("/occurred", type=data.__class__.__name__)
    return None


def _against_rules_of_type(
    state: Irritant, effect: EffectiveEvent, stream: str, holders: tuple[str, ...], *, by_side: bool
) -> Refusal | None:
    """Refuse an event by the rules of its type.

    `holders`: its asserter, or both sides for a joint text. `by_side`: all of them are sides.
    """
    data = cast("events.IrritantEvent", effect.data)
    asserter = cast(Assertion, effect.data).asserted_by.party
    match data:
        case events.ProgressReversed() if LEVELS[data.to] >= RESOLVED:
            return _not_a_reversal(state, data, holders)
        case events.IrritantReopened() | events.IrritantWithdrawn() if not by_side:
            reversed = f"file what {asserter} says as `ProgressReversed`, with the side that went back in `by`"
            return NotByAParty("/asserted_by/party", type=data.type, asserter=asserter, ways=[reversed])
        case events.IrritantReopened() if all(state.rung_of(h) < RESOLVED for h in holders):
            rung = RUNGS[max(state.rung_of(h) for h in holders)]
            back = (
                f"if {asserter} went back, file `ProgressReversed` with `by` {asserter if asserter != JOINT else BOTH}"
            )
            ways = [back] if rung != RUNGS[UNSTATED] else []
            return NotClosed("", asserter=asserter, rung=rung, then=then(data.occurred), ways=ways)
        case events.IrritantReopened() if LEVELS[data.to] >= RESOLVED:
            return _not_a_reversal(state, data, holders)
        case events.IrritantWithdrawn() if all(state.rung_of(h) == UNSTATED for h in holders):
            ways = [f"file first what {asserter} had raised, such as `ConcernRaised`"]
            return NotYoursToWithdraw("/asserted_by/party", asserter=asserter, then=then(data.occurred), ways=ways)
        case events.BreachAlleged() if data.by in holders and asserter != JOINT:
            why = f"`by` is the side that broke the agreement, and {asserter} cannot allege its own breach"
            named = other(state.parties, asserter)
            return Malformed(
                "/by",
                why=f"{why}. Give {named} in `by`, or correct `asserted_by` and `source.origin` if {named} said it",
            )
        case events.HoldPlaced(by=None) if not by_side:
            sides = alternatives([*state.parties, BOTH])
            return Malformed("/by", why=f"`by` is missing. Give the side whose hold it is: {sides}")
        case events.HoldLifted() if by_side and not _may_lift(state, holders):
            why = _without_hold(state, asserter)
            ways = ["if the hold is on another irritant, correct `stream`"]
            if not set(state.parties) & undertakings.own_holds(state).keys():
                spoke = f"if {asserter} spoke of a hold that is not on record"
                ways.append(f"{spoke}, file `HoldPlaced` before this event, with the same date or an earlier one")
            return NoSuchHold("/asserted_by/party", asserter=asserter, why=why, then=then(data.occurred), ways=ways)
        case events.ProposalAnswered() if data.proposal not in state.proposals:
            return UnknownProposal("/proposal", proposal=data.proposal, stream=stream)
        case events.NextStepClosed() if data.step not in state.steps:
            return UnknownStep("/step", step=data.step, stream=stream, ways=["file `NextStepAgreed` first"])
        case events.ItemAdded() if data.item in state.items:
            return ItemTaken("/item", item=data.item, event=stream)
        case events.ItemStatusChanged() if data.item not in state.items:
            facts = {"wrong": f"There is no item “{data.item}” on {stream}", "ways": ["file `ItemAdded` first"]}
            return UnknownItem("/item", item=data.item, stream=stream, then=then(data.occurred), **facts)
    return None


def _not_a_reversal(
    state: Irritant, data: events.ProgressReversed | events.IrritantReopened, holders: tuple[str, ...]
) -> NotAReversal:
    """Return the refusal of a reversal that is none, with the rungs below that of its asserter."""
    asserter, level = data.asserted_by.party, max(state.positions_of(holder).rung for holder in holders)
    why = f": {then(data.occurred)} {asserter}'s rung is `{RUNGS[level]}`" if level > UNSTATED else ""
    return NotAReversal("/to", to=data.to, why=why, rungs=alternatives(RUNGS[: level or RESOLVED]))


def _may_lift(state: Irritant, holders: tuple[str, ...]) -> bool:
    """Return whether one of these sides has a hold, or has alleged a hold of the other side."""
    alleging = {d.alleged_by for d in disputes.disputes(state) if d.kind == "hold"}
    return bool(set(holders) & (undertakings.own_holds(state).keys() | alleging))


def _without_hold(state: Irritant, asserter: str) -> str:
    """Return why a side, or both in a joint text, cannot lift a hold: `_may_lift` in words."""
    if asserter == JOINT:
        one, another = state.parties
        return f"neither {one} nor {another} has a hold on record, or has said that the other side has one"
    about = other(state.parties, asserter)
    if about in undertakings.own_holds(state):
        return f"{asserter} has no hold on record. {about} has one, and lifts it itself"
    return f"{asserter} has no hold on record, and has not said that {about} has one"
