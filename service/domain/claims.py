"""Fold assertions about rounds and relations into claims: what is claimed, who says it, and who denies it.

A claim is an assertion together with its evidence. A denial removes nothing: the claim stays reported, but the denier
no longer says it. Irritants have a fold of their own in `irritant/fold.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from service.domain.actors import MEDIA, holders, voice_of
from service.domain.assertion import OWN_WORDS, Assertion, Channel, ClaimContested
from service.domain.corrections import EffectiveEvent
from service.domain.frozen import replace

_SIDE: Final = "side"

Said_co = TypeVar("Said_co", bound=Assertion, covariant=True)


@dataclass(frozen=True)
class ClaimStatement:
    """A claim as one voice made it.

    `holder`: the actor whose statement this is. A joint text has one statement for each side. `voice`: `side`,
    `third_party` or `media`. `channel`, `origin`: as in the event. `denied_in`: the event in which the holder denied
    its statement.
    """

    event: str
    holder: str
    voice: str
    channel: Channel
    origin: str
    denied_in: str | None = None

    @property
    def is_side(self) -> bool:
        return self.voice == _SIDE

    @property
    def spoken(self) -> bool:
        """Whether a side says it in its own words, by quote or paraphrase."""
        return self.is_side and self.channel in OWN_WORDS

    def takes_back(self, denier: str, origin: str) -> bool:
        """Return whether `denier` made this statement, so that its denial takes it back. Outlets differ by origin."""
        return self.holder == denier and (denier != MEDIA or self.origin == origin)


@dataclass(frozen=True)
class Denial:
    """A denial of a claim by `holder` in `event`. `voice`: as in `ClaimStatement`."""

    event: str
    holder: str
    voice: str

    @property
    def is_side(self) -> bool:
        return self.voice == _SIDE


@dataclass(frozen=True)
class Claim(Generic[Said_co]):
    """An assertion with its evidence and its denials. `root` and `data`: the id and the content of the assertion."""

    root: str
    data: Said_co
    statements: tuple[ClaimStatement, ...]
    denials: tuple[Denial, ...] = ()

    @property
    def said_by(self) -> tuple[str, ...]:
        """The sides that say it and have not denied it. Empty if only third parties or media report it."""
        return tuple(sorted({t.holder for t in self.live_statements if t.is_side}))

    @property
    def reported_by(self) -> tuple[str, ...]:
        """The third parties and media that report it and have not denied it."""
        return tuple(sorted({t.holder for t in self.live_statements if not t.is_side}))

    @property
    def contested_by(self) -> tuple[str, ...]:
        """The sides that deny it and do not say it."""
        return tuple(sorted({d.holder for d in self.denials if d.is_side} - set(self.said_by)))

    @property
    def live_statements(self) -> tuple[ClaimStatement, ...]:
        """The statements that their holders have not denied."""
        return tuple(t for t in self.statements if t.denied_in is None)

    @property
    def origins(self) -> frozenset[str]:
        """The distinct origins of the claim. Corroboration counts origins, not documents."""
        return frozenset(t.origin for t in self.live_statements)


Claims: TypeAlias = Mapping[str, Claim[Assertion]]
"""Claims by the id of their assertion, in order of occurrence."""


def claims_after(claims: Claims, effect: EffectiveEvent, parties: tuple[str, str]) -> Claims:
    """Return the claims after the next event in order of occurrence. Never raise.

    Record-keeping events, and denials of unknown events, change nothing.
    """
    match effect.data:
        case ClaimContested(target=target, asserted_by=by, source=source):
            denials = [Denial(effect.id, h, voice_of(parties, h)) for h in holders(parties, by.party)]
            return {root: _after_denials(claim, target, denials, source.origin) for root, claim in claims.items()}
        case Assertion(asserted_by=by, source=source) as data:
            claim = claims.get(effect.root, Claim(effect.root, data, ()))
            added = tuple(
                ClaimStatement(effect.id, h, voice_of(parties, h), by.channel, source.origin)
                for h in holders(parties, by.party)
            )
            return {**claims, effect.root: replace(claim, statements=(*claim.statements, *added))}
        case _:
            return claims


def _after_denials(claim: Claim[Assertion], target: str, denials: Iterable[Denial], origin: str) -> Claim[Assertion]:
    """Return a claim after denials of the event `target`: of the claim, its evidence or an earlier denial.

    `origin`: that of the denials. A denial of another event changes nothing.
    """
    for denial in denials:
        own_denial = next((d for d in claim.denials if d.event == target and d.holder == denial.holder), None)
        if own_denial is not None:
            claim = _without_denial(claim, own_denial)
        elif target == claim.root or any(target == t.event for t in claim.statements):
            statements = (
                replace(t, denied_in=denial.event)
                if t.takes_back(denial.holder, origin) and target in (claim.root, t.event)
                else t
                for t in claim.statements
            )
            claim = replace(claim, statements=tuple(statements), denials=(*claim.denials, denial))
    return claim


def _without_denial(claim: Claim[Assertion], denial: Denial) -> Claim[Assertion]:
    """Undo a denial that its denier denies, for example because a source attributed it wrongly."""
    return replace(
        claim,
        statements=tuple(replace(t, denied_in=None) if _is_denied_in(t, denial) else t for t in claim.statements),
        denials=tuple(d for d in claim.denials if d != denial),
    )


def _is_denied_in(statement: ClaimStatement, denial: Denial) -> bool:
    return statement.holder == denial.holder and statement.denied_in == denial.event


ClaimDisputeKind = Literal["claim", "phase", "date", "place", "format", "reversal"]


@dataclass(frozen=True)
class ClaimDispute:
    """A difference of the sides: `alleged_by` says in `event` what `about` has not confirmed.

    `kind`: one side denies the claim of the other (`claim`), or the sides differ on the phase, the date or the place of
    a round, on the format of the talks, or on whether the decision on the format was reversed. `denied`: the side
    `about` denies it.
    """

    kind: ClaimDisputeKind
    about: str
    alleged_by: str
    event: str
    occurred: str | None
    denied: bool


def dispute(kind: ClaimDisputeKind, claim: Claim[Assertion], *, alleged_by: str, about: str) -> ClaimDispute:
    """Return the dispute about a claim of the side `alleged_by` that the side `about` has not confirmed."""
    denied = about in claim.contested_by
    return ClaimDispute(kind, about, alleged_by, claim.root, claim.data.occurred, denied)


def denied_claims(claims: Iterable[Claim[Assertion]]) -> Iterable[ClaimDispute]:
    """Yield a dispute for each claim that one side makes and the other denies."""
    for claim in claims:
        for denier in claim.contested_by:
            yield from (dispute("claim", claim, alleged_by=side, about=denier) for side in claim.said_by)


def one_for_each_claim(disputes: Iterable[ClaimDispute]) -> tuple[ClaimDispute, ...]:
    """Return the disputes in order, but only the first that one claim causes with one side (`about`)."""
    first: dict[tuple[str, str], ClaimDispute] = {}
    for found in disputes:
        first.setdefault((found.event, found.about), found)
    return tuple(first.values())


def prevailing(claims: Iterable[Claim[Said_co]]) -> Claim[Said_co] | None:
    """Return the last claim that a side makes, else the last with a live statement, else the last of all."""
    ranked = ((bool(c.said_by), bool(c.live_statements), place, c) for place, c in enumerate(claims))
    best = max(ranked, key=lambda rank: rank[:3], default=None)
    return best[3] if best else None
