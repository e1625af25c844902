"""Decide which events the stream of a round accepts, given the state before the event in order of occurrence.

The phases of a round have an order, such as announced → scheduled → convened → concluded. Each voice is judged by its
own assertions, or by the phase of the round if it has not spoken. So if one side cancels a round, the other can still
say that it met. That is then a dispute. A joint text has two holders, the sides, and each must be able to say it.

The text of `OutOfTurn` has these parts, in this order: `wrong`, the event, `end`, `allowed`, and `ways` (out).

`filing.py` checks which types can open a stream. The state here cannot show that: an undated assertion is first in
order of occurrence, so the state before it is empty even if the stream is open.
"""

from collections.abc import Mapping
from typing import Any, Final

from service.domain.actors import holders
from service.domain.assertion import Assertion, ClaimContested
from service.domain.claims import Claim
from service.domain.corrections import EffectiveEvent
from service.domain.errors import NotAParty, OutOfTurn, Refusal, then
from service.domain.mistakes import alternatives
from service.domain.round.events import DelegationHeadNamed
from service.domain.round.state import Phase, Round, voice_key

# The phases in which each type is accepted. Only a postponed round goes back, to scheduled. `_repeated` refuses a type
# in its own phase from a voice that has said so before. To give another date, this voice first postpones the round.
_ACCEPTED_IN: Final[Mapping[str, tuple[Phase, ...]]] = {
    "RoundAnnounced": ("none", "announced"),
    "RoundScheduled": ("none", "announced", "scheduled", "postponed"),
    "RoundPostponed": ("announced", "scheduled", "postponed"),
    "RoundRelocated": ("announced", "scheduled", "postponed"),
    "RoundCancelled": ("announced", "scheduled", "postponed", "cancelled"),
    "RoundConvened": ("none", "announced", "scheduled", "postponed", "convened"),
    "RoundConcluded": ("none", "announced", "scheduled", "postponed", "convened", "concluded"),
}
_CHANGES_PLANS: Final = frozenset({"RoundPostponed", "RoundRelocated", "RoundCancelled"})
"""The types that change a planned round. For these, a cancellation by another voice counts too (see `_obstacle`)."""
_PHASE_OF_TYPE: Final[Mapping[str, Phase]] = {
    "RoundAnnounced": "announced",
    "RoundScheduled": "scheduled",
    "RoundPostponed": "postponed",
    "RoundCancelled": "cancelled",
    "RoundConvened": "convened",
    "RoundConcluded": "concluded",
}
"""The phase that each type gives. The types are called phase events here."""

_SAID: Final[Mapping[Phase, str]] = {
    "none": "is not announced",
    "announced": "is announced",
    "scheduled": "is scheduled",
    "postponed": "is postponed",
    "cancelled": "is cancelled",
    "convened": "met",
    "concluded": "has ended",
}
"""The predicate for the round in a refusal, by its phase."""


def judge(state: Round, effect: EffectiveEvent, stream: str, relation: str) -> Refusal | None:
    """Return why the stream refuses an event, or None. Evidence is accepted in every phase: its target is on record."""
    data = effect.data
    if not isinstance(data, Assertion) or isinstance(data, ClaimContested):
        return None
    if isinstance(data, DelegationHeadNamed) and data.party not in state.parties:
        return NotAParty("/party", party=data.party, relation=relation, allowed=alternatives(state.parties))
    return None if effect.is_evidence else _out_of_turn(state, stream, data)


def _out_of_turn(state: Round, stream: str, data: Assertion) -> Refusal | None:
    """Return why an assertion is refused: it cannot follow the phase, or its asserter has made it before. Else None."""
    type, asserter, origin = data.__class__.__name__, data.asserted_by.party, data.source.origin
    if (obstacle := _obstacle(state, type, asserter, origin)) is not None:
        holder, phase = obstacle
        return _not_next(state, stream, data, holder, phase)
    if (repeated := _repeated(state, type, asserter, origin)) is not None:
        ways = ["leave this event out", "if another document says it too, file `EvidenceAdded` with that `target`"]
        end = f": {asserter} has said so before"
        facts = {"type": type, "phase": state.phase, "ways": ways, "allowed": "", "repeats": True}
        return OutOfTurn(wrong=f"`{type}` repeats ", event=repeated.root, end=end, **facts)
    return None


def _not_next(state: Round, stream: str, data: Assertion, holder: str, phase: Phase) -> OutOfTurn:
    """Return the refusal of an assertion that cannot follow the phase that the round has for `holder`.

    It says who reported the phase, and which phase events can follow.
    """
    type, asserter, origin = data.__class__.__name__, data.asserted_by.party, data.source.origin
    accepted = [other for other in _ACCEPTED_IN if other != type and _is_accepted(state, other, asserter, origin)]
    allowed = f"Allowed then: {alternatives(accepted)}. " if accepted else ""
    facts: dict[str, object] = {"type": type, "phase": phase, "allowed": allowed}
    own = state.claim_of_phase(phase, holder, origin)
    said = own or state.claim_of_phase(phase)
    if said is None:
        wrong = f"`{type}` cannot come first: {then(data.occurred)} {stream} {_SAID[phase]}"
        return OutOfTurn(wrong=wrong, event="", end="", **facts)
    end = f", in which {holder if own else ' and '.join(state.phase_by)} said that the round {_SAID[phase]}"
    ways = ["if that event should not be on record, file `AssertionRetracted` with it as `target` first"]
    if own:
        changed = "the round takes place after all" if phase == "cancelled" else f"{holder} took it back"
        contested = f"first file `ClaimContested` by {holder} with that event as `target`"
        ways.insert(0, f"if {changed}, {contested}. It says that {holder} no longer stands by it")
    return OutOfTurn(wrong=f"`{type}` cannot follow ", event=said.root, end=end, ways=ways, **facts)


def _is_accepted(state: Round, type: str, asserter: str, origin: str) -> bool:
    """Return whether an actor can make an assertion of this type now."""
    return _obstacle(state, type, asserter, origin) is None and _repeated(state, type, asserter, origin) is None


def _obstacle(state: Round, type: str, asserter: str, origin: str) -> tuple[str, Phase] | None:
    """Return the first actor for whom the round has a phase that the type cannot follow, with that phase, else None.

    The actors are the holders of the assertion: the asserter, or both sides for a joint text.
    """
    for holder in holders(state.parties, asserter):
        phase = state.phase_of(holder, origin)
        if phase == "none":
            # A voice that has not spoken is judged by the phase of the round. It can still say that a cancelled round
            # was planned or met, which is a dispute, so for those types the cancellation does not count. But it cannot
            # change the plan of a cancelled round.
            phase = "none" if state.phase == "cancelled" and type not in _CHANGES_PLANS else state.phase
        if not _follows(type, phase):
            return holder, phase
    return None


def _follows(type: str, phase: Phase) -> bool:
    """Return whether an assertion of this type can follow a phase.

    Types that are not in the table, such as `RoundTitled`, can follow every phase except a cancellation.
    """
    return phase in _ACCEPTED_IN[type] if type in _ACCEPTED_IN else phase != "cancelled"


def _repeated(state: Round, type: str, asserter: str, origin: str) -> Claim[Any] | None:
    """Return the last claim that repeats what this asserter says, None if the assertion is new.

    It is a repetition if the type gives the phase that the round has, and each voice of the asserter (both sides for a
    joint text) has made such a claim and not denied it. Media count as one voice for each origin.
    """
    if _PHASE_OF_TYPE.get(type) != state.phase:
        return None
    voices = {voice_key(holder, origin) for holder in holders(state.parties, asserter)}
    claims = [claim for claim in state.claims.values() if claim.data.__class__.__name__ == type]
    said = {voice_key(t.holder, t.origin) for claim in claims for t in claim.live_statements}
    if not voices <= said:
        return None
    return next(c for c in reversed(claims) if any(voice_key(t.holder, t.origin) in voices for t in c.live_statements))
