"""Fold the stream of a round into its claims, and compute phase, place, date and disputes from them.

Only the claims are stored in the state, so that a denial changes one claim and everything else follows. If the two
sides differ, that is a dispute. `Round.phase` has the rule on what third parties and media can add to the words of the
sides.

A claim is *said by* the sides that make it, and *reported by* third parties and media (see `claims.py`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, Literal, TypeVar, assert_never, cast

from service.domain import edtf
from service.domain.actors import MEDIA
from service.domain.assertion import Assertion, when
from service.domain.claims import (
    Claim,
    ClaimDispute,
    Claims,
    claims_after,
    denied_claims,
    dispute,
    one_for_each_claim,
    prevailing,
)
from service.domain.corrections import EffectiveEvent
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
MET: Final = ("convened", "concluded")
"""The phases of a round that took place."""
_PHASE_EVENTS: Final = (RoundAnnounced, RoundScheduled, RoundPostponed, RoundCancelled, RoundConvened, RoundConcluded)
"""The types of events that give a phase."""
_CALLS_OFF: Final = (RoundPostponed, RoundCancelled)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Round:
    """The state of a round. `claims` are by the id of their first event, in order of occurrence."""

    parties: tuple[str, str]
    claims: Claims = field(default_factory=dict)

    def claims_of_type(self, *types: type[Said]) -> tuple[Claim[Said], ...]:
        """Return the claims of these types, in order of occurrence."""
        return cast("tuple[Claim[Said], ...]", tuple(c for c in self.claims.values() if isinstance(c.data, types)))

    @property
    def phase(self) -> Phase:
        """The phase by what the sides say, and by what third parties and media report beyond that.

        Their reports have three limits. They cannot postpone or cancel a round on which a side has spoken. A
        postponement or cancellation by a side overrides their earlier reports. After a cancellation by a side, none of
        their reports counts until a side says that the round met.

        A denied claim stays on record, so if all voices denied their own claims, the phase is what they had claimed.
        """
        phase: Phase = "none"
        if not any(claim.live_statements for claim in self._phase_claims):
            return reduce(_phase_after, self._phase_claims, phase)
        phase_by_sides: Phase = "none"
        sides_have_spoken = self._sides_have_spoken
        for claim in self._phase_claims:
            calls_off = isinstance(claim.data, _CALLS_OFF)
            if claim.said_by:
                phase_by_sides = _phase_after(phase_by_sides, claim)
                phase = phase_by_sides if calls_off else _phase_after(phase, claim)
            elif claim.live_statements and phase_by_sides != "cancelled" and not (sides_have_spoken and calls_off):
                phase = _phase_after(phase, claim)
        return phase

    def phase_of(self, holder: str, origin: str = "") -> Phase:
        """Return the phase by the claims of one voice alone. Outlets (MEDIA) are told apart by `origin`."""
        phase: Phase = "none"
        voice = voice_key(holder, origin)
        for claim in self._phase_claims:
            if any(voice_key(t.holder, t.origin) == voice for t in claim.live_statements):
                phase = _phase_after(phase, claim)
        return phase

    def claim_of_phase(self, phase: Phase, holder: str | None = None, origin: str = "") -> Claim[Any] | None:
        """Return the last live claim that says a phase: of one voice (as in `phase_of`), or of any without `holder`."""
        claims = [c for c in self._phase_claims if c.live_statements and _phase_after("none", c) == phase]
        if holder is not None:
            voice = voice_key(holder, origin)
            claims = [c for c in claims if any(voice_key(t.holder, t.origin) == voice for t in c.live_statements)]
        return claims[-1] if claims else None

    @property
    def met(self) -> bool:
        """Whether the delegations met."""
        return self.phase in MET

    @property
    def _phase_claims(self) -> tuple[Claim[Any], ...]:
        return self.claims_of_type(*_PHASE_EVENTS)

    @property
    def _sides_have_spoken(self) -> bool:
        """Whether a side has spoken on the phase."""
        return any(claim.said_by for claim in self._phase_claims)

    @property
    def phase_by(self) -> tuple[str, ...]:
        """Who says the present phase: sides, else the third parties and media that report it.

        Empty if all voices denied their own claims.
        """
        phase = self.phase
        claims = [claim for claim in self._phase_claims if _phase_after("none", claim) == phase]
        sides = {party for claim in claims for party in claim.said_by if self.phase_of(party) == phase}
        return tuple(sorted(sides or {voice for claim in claims for voice in claim.reported_by}))

    @property
    def existence(self) -> tuple[Claim[Assertion], ...]:
        """The claims which imply that the round takes or took place."""
        return self.claims_of_type(RoundAnnounced, RoundScheduled, RoundConvened, RoundConcluded)

    @property
    def place(self) -> str | None:
        """The place where the round met, else where it is to meet. None: unknown."""
        met_in = _prevailing_place(self.claims_of_type(RoundConvened)) if self.met else None
        to_meet_in = _prevailing_place(self.claims_of_type(RoundScheduled, RoundRelocated))
        return met_in or to_meet_in or _prevailing_place(self.claims_of_type(RoundAnnounced))

    @property
    def date(self) -> str | None:
        """The date on which the round met, else on which it is to meet, as EDTF.

        A round of several days has a period, such as `2025-04-10/2025-04-12`. None: unknown, or postponed without a new
        date.
        """
        if self.met:
            days = [claim.data.occurred for claim in self.date_claims if claim.data.occurred]
            if days:
                return "/".join(days)
        scheduled = prevailing(self._scheduled)
        return scheduled.data.date if scheduled else None

    @property
    def date_claims(self) -> tuple[Claim[Assertion], ...]:
        """The claims with the date of a round that met: its first day, and its last day if that is later."""
        if not self.met:
            return ()
        convened, concluded = (
            prevailing(c for c in self.claims_of_type(event) if c.data.occurred is not None)
            for event in (RoundConvened, RoundConcluded)
        )
        if convened is None or concluded is None:
            return tuple(claim for claim in (convened, concluded) if claim is not None)
        began, ended = convened.data.occurred or "", concluded.data.occurred or ""
        is_later = _DAY.fullmatch(began) and _DAY.fullmatch(ended) and began < ended
        return (convened, concluded) if is_later else (convened,)

    @property
    def _scheduled(self) -> tuple[Claim[RoundScheduled], ...]:
        """The claims with a date since the last postponement that counts."""
        sides_have_spoken = self._sides_have_spoken
        scheduled: list[Claim[RoundScheduled]] = []
        for claim in self.claims_of_type(RoundScheduled, RoundPostponed):
            if isinstance(claim.data, RoundScheduled):
                scheduled.append(cast("Claim[RoundScheduled]", claim))
            elif claim.said_by or (claim.live_statements and not sides_have_spoken):
                scheduled.clear()
        return tuple(scheduled)

    @property
    def timing(self) -> str | None:
        """When the round is to be, in the words of the announcement, such as "in early May"."""
        claim = prevailing(c for c in self.claims_of_type(RoundAnnounced) if c.data.timing is not None)
        return claim.data.timing if claim else None

    @property
    def preliminary(self) -> bool:
        """Whether the round is only provisional. It is firm once a side sets a date or the delegations met."""
        announced = prevailing(self.claims_of_type(RoundAnnounced))
        firm = self.met or any(c.said_by for c in self._scheduled)
        return announced is not None and announced.data.preliminary and not firm

    @property
    def title(self) -> str | None:
        """The name of the round, by the last claim of a side, else of another voice."""
        titled = prevailing(self.claims_of_type(RoundTitled))
        return titled.data.title if titled else None

    @property
    def venue(self) -> Claim[RoundVenueNamed] | None:
        return prevailing(self.claims_of_type(RoundVenueNamed))

    @property
    def length(self) -> Claim[RoundConcluded] | None:
        """The claim that says how many hours the round lasted."""
        return prevailing(c for c in self.claims_of_type(RoundConcluded) if c.data.hours is not None)

    @property
    def heads(self) -> Mapping[str, tuple[Claim[DelegationHeadNamed], ...]]:
        """The claims about heads of delegation, by party."""
        named = self.claims_of_type(DelegationHeadNamed)
        return {party: tuple(c for c in named if c.data.party == party) for party in self.parties}

    @property
    def disputes(self) -> tuple[ClaimDispute, ...]:
        """The differences of the sides, each until the other side confirms it or its alleging side takes it back."""
        differences = (*self._phase_disputes(), *self._date_disputes(), *self._place_disputes())
        return one_for_each_claim((*differences, *denied_claims(self.claims.values())))

    def _phase_disputes(self) -> Iterator[ClaimDispute]:
        """Yield a dispute if one side postponed or cancelled the round and the other says another phase.

        A side that has said nothing, or less, does not contradict the other.
        """
        one, other = (self.phase_of(party) for party in self.parties)
        if "none" not in (one, other) and one != other and {one, other} & {"postponed", "cancelled"}:
            yield self._dispute("phase", {party: self._phase_claim_of(party) for party in self.parties})

    def _phase_claim_of(self, party: str) -> Claim[Any]:
        """Return the last claim that gave a side its phase."""
        phase = self.phase_of(party)
        claims = (c for c in reversed(self._phase_claims) if party in c.said_by and _phase_after("none", c) == phase)
        return next(claims)

    def _date_disputes(self) -> Iterator[ClaimDispute]:
        """Yield a dispute if the days that the two sides give cannot be the same."""
        claims = self.claims_of_type(RoundConvened) if self.met else self._scheduled
        last = self._last_by_each_side(c for c in claims if _date(c.data) is not None)
        if last:
            one, other = (when(_date(claim.data)) for claim in last.values())
            if _is_before(one, other) or _is_before(other, one):
                yield self._dispute("date", last)

    def _place_disputes(self) -> Iterator[ClaimDispute]:
        """Yield a dispute if the sides name different places. `Rome` and `Rome, Italy` are the same place."""
        types = (RoundConvened,) if self.met else (RoundScheduled, RoundRelocated, RoundAnnounced)
        last = self._last_by_each_side(c for c in self.claims_of_type(*types) if _place(c.data))
        if last:
            one, other = ((_place(claim.data) or "").casefold() for claim in last.values())
            if one not in other and other not in one:
                yield self._dispute("place", last)

    def _last_by_each_side(self, claims: Iterable[Claim[Any]]) -> Mapping[str, Claim[Any]]:
        """Return the last of these claims that each side makes. Return nothing if a side makes none."""
        last = {party: claim for claim in claims for party in claim.said_by}
        return {party: last[party] for party in self.parties} if len(last) == len(self.parties) else {}

    def _dispute(self, kind: Literal["phase", "date", "place"], claims: Mapping[str, Claim[Any]]) -> ClaimDispute:
        """Return the dispute between the claims of the two sides. The side that spoke last alleges it."""
        order = list(self.claims)
        about, alleged_by = sorted(claims, key=lambda party: order.index(claims[party].root))
        return dispute(kind, claims[alleged_by], alleged_by=alleged_by, about=about)


def voice_key(holder: str, origin: str) -> str:
    """Return the key of a voice: the actor, or for media the origin, because MEDIA stands for many outlets."""
    return origin if holder == MEDIA else holder


def evolve(state: Round, effect: EffectiveEvent) -> Round:
    """Return the state after the next event in order of occurrence. Never raise."""
    return replace(state, claims=claims_after(state.claims, effect, state.parties))


def _place(data: Assertion) -> str | None:
    match data:
        case RoundAnnounced() | RoundScheduled() | RoundRelocated() | RoundConvened():
            return data.place
        case _:
            return None


def _date(data: Assertion) -> str | None:
    return data.date if isinstance(data, RoundScheduled) else data.occurred


def _prevailing_place(claims: Iterable[Claim[Any]]) -> str | None:
    """Return the place by the prevailing one of those claims that name a place."""
    claim = prevailing(c for c in claims if _place(c.data) is not None)
    return _place(claim.data) if claim else None


def _is_before(one: edtf.Span, other: edtf.Span) -> bool:
    """Return whether the first span certainly ended before the second began."""
    return one.latest is not None and other.earliest is not None and one.latest < other.earliest


def _phase_after(phase: Phase, claim: Claim[RoundEvent]) -> Phase:
    """Return the phase after one more claim. A round that met cannot be postponed or cancelled any more."""
    met = phase in MET
    match claim.data:
        case RoundAnnounced():
            return "announced" if phase == "none" else phase
        case RoundScheduled():
            return phase if met or phase == "cancelled" else "scheduled"
        case RoundPostponed():
            return phase if met or phase == "cancelled" else "postponed"
        case RoundCancelled():
            return phase if met else "cancelled"
        case RoundConvened():
            return phase if phase == "concluded" else "convened"
        case RoundConcluded():
            return "concluded"
        case RoundRelocated() | RoundVenueNamed() | DelegationHeadNamed() | RoundCharacterised() | RoundTitled():
            return phase
        case _:
            assert_never(claim.data)
