"""A round as a history leaves it: what is claimed of it, and what these claims come to.

Only the claims are folded; phase, place and date are read off them, so that a denial needs no undoing. Third parties
and media can report that a round comes, meets or ends. They take it back only where no side has spoken of it: else a
postponement or a cancellation that no side reports is a claim on record and moves nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, assert_never, cast

from service.domain.assertion import Assertion
from service.domain.claims import Claim, Claims, asserted, prevailing
from service.domain.corrections import Effective
from service.domain.frozen import replace
from service.domain.round.events import (
    DelegationHeadNamed,
    RoundAnnounced,
    RoundCancelled,
    RoundCharacterised,
    RoundConcluded,
    RoundConvened,
    RoundEvent,
    RoundPostponed,
    RoundRelocated,
    RoundScheduled,
    RoundTitled,
    RoundVenueNamed,
)

Phase = Literal["none", "announced", "scheduled", "postponed", "convened", "concluded", "cancelled"]
Said = TypeVar("Said", bound=Assertion)


@dataclass(frozen=True)
class Round:
    """A round as a history leaves it."""

    parties: tuple[str, str]
    claims: Claims = field(default_factory=dict)

    def of(self, *types: type[Said]) -> tuple[Claim[Said], ...]:
        """The claims of these types, in the order of the world."""
        return cast("tuple[Claim[Said], ...]", tuple(c for c in self.claims.values() if isinstance(c.data, types)))

    @property
    def phase(self) -> Phase:
        phase: Phase = "none"
        for claim in self.claims.values():
            phase = _next(phase, cast("Claim[Any]", claim), counts=self._counts(claim))
        return phase

    def _counts(self, claim: Claim[Assertion]) -> bool:
        """Whether a round can be taken back by this claim: a side says so, or no side has spoken of the round."""
        return bool(claim.said_by) or (bool(claim.live) and not any(c.said_by for c in self.existence))

    @property
    def existence(self) -> tuple[Claim[Assertion], ...]:
        """Whatever says that there is, was or will be such a round."""
        return self.of(RoundAnnounced, RoundScheduled, RoundConvened, RoundConcluded)

    @property
    def place(self) -> str | None:
        """Where it met, else where it is to meet."""
        for steps in ((RoundConvened,), (RoundScheduled, RoundRelocated), (RoundAnnounced,)):
            if claim := prevailing(c for c in self.of(*steps) if _place(c.data) is not None):
                return _place(claim.data)
        return None

    @property
    def date(self) -> str | None:
        """When it met, else when it is to meet, as EDTF; None where nobody says, or it is put off without a date."""
        for step in (RoundConvened, RoundConcluded):
            if claim := prevailing(c for c in self.of(step) if c.data.occurred is not None):
                return claim.data.occurred
        scheduled = prevailing(self._scheduled)
        return scheduled.data.date if scheduled else None

    @property
    def _scheduled(self) -> tuple[Claim[RoundScheduled], ...]:
        """The dates set since it was last put off."""
        since: list[Claim[RoundScheduled]] = []
        for claim in self.of(RoundScheduled, RoundPostponed):
            if isinstance(claim.data, RoundScheduled):
                since.append(cast("Claim[RoundScheduled]", claim))
            elif self._counts(claim):
                since.clear()
        return tuple(since)

    @property
    def timing(self) -> str | None:
        """When it is to be, in the words of the announcement."""
        claim = prevailing(c for c in self.of(RoundAnnounced) if c.data.timing is not None)
        return claim.data.timing if claim else None

    @property
    def preliminary(self) -> bool:
        """Whether it is only provisionally on; no more so once a party sets a date, or the delegations met."""
        announced = prevailing(self.of(RoundAnnounced))
        firm = self.phase in ("convened", "concluded") or any(c.said_by for c in self._scheduled)
        return announced is not None and announced.data.preliminary and not firm

    @property
    def title(self) -> str | None:
        """What it is called, by the last that a side says, else another."""
        told = prevailing(self.of(RoundTitled))
        return told.data.title if told else None

    @property
    def venue(self) -> Claim[RoundVenueNamed] | None:
        return prevailing(self.of(RoundVenueNamed))

    @property
    def length(self) -> Claim[RoundConcluded] | None:
        """The conclusion that says how long it lasted."""
        return prevailing(c for c in self.of(RoundConcluded) if c.data.hours is not None)

    @property
    def heads(self) -> Mapping[str, tuple[Claim[DelegationHeadNamed], ...]]:
        """Who is said to lead, per party."""
        named = self.of(DelegationHeadNamed)
        return {party: tuple(c for c in named if c.data.party == party) for party in self.parties}


def evolve(state: Round, effect: Effective) -> Round:
    """The state after one more event, in the order of the world. Total."""
    return replace(state, claims=asserted(state.claims, effect, state.parties))


def _place(data: Assertion) -> str | None:
    match data:
        case RoundAnnounced() | RoundScheduled() | RoundRelocated() | RoundConvened():
            return data.place
        case _:
            return None


def _next(phase: Phase, claim: Claim[RoundEvent], *, counts: bool) -> Phase:
    """The phase after one more claim. Nothing brings a round back that met: it was not called off in the end."""
    over = phase in ("convened", "concluded")
    match claim.data:
        case RoundAnnounced():
            return "announced" if phase == "none" else phase
        case RoundScheduled():
            return phase if over or phase == "cancelled" else "scheduled"
        case RoundPostponed():
            return phase if over or phase == "cancelled" or not counts else "postponed"
        case RoundCancelled():
            return phase if over or not counts else "cancelled"
        case RoundConvened():
            return phase if phase == "concluded" else "convened"
        case RoundConcluded():
            return "concluded"
        case RoundRelocated() | RoundVenueNamed() | DelegationHeadNamed() | RoundCharacterised() | RoundTitled():
            return phase
        case _:
            assert_never(claim.data)
