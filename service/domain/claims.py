"""What is asserted beside the ladder: a claim, whoever tells it, and who denies it.

Nothing is dropped by a denial: what was said stays reported, only the denier no longer stands behind it. So a reader
can always tell who says so from who merely said so, and one newspaper from one government.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from service.domain.actors import MEDIA, holders, voice_of
from service.domain.assertion import OWN_WORDS, Assertion, Channel, ClaimContested
from service.domain.corrections import Effective
from service.domain.frozen import replace

_SIDE: Final = "side"

Said_co = TypeVar("Said_co", bound=Assertion, covariant=True)


@dataclass(frozen=True)
class ClaimStatement:
    """One voice that tells a claim. `holder` is an actor or MEDIA; `denied_in` took it back."""

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
        """Whether a side says it in its own words."""
        return self.is_side and self.channel in OWN_WORDS

    def takes_back(self, denier: str, origin: str) -> bool:
        """Whether what is denied by this voice is its own: media are many, and known by their origin."""
        return self.holder == denier and (denier != MEDIA or self.origin == origin)


@dataclass(frozen=True)
class Denial:
    """A denial of a claim, by a side or by a third party."""

    event: str
    holder: str
    voice: str

    @property
    def is_side(self) -> bool:
        return self.voice == _SIDE


@dataclass(frozen=True)
class Claim(Generic[Said_co]):
    """One thing asserted. `data` is how it was said first; `root` names that assertion."""

    root: str
    data: Said_co
    statements: tuple[ClaimStatement, ...]
    denials: tuple[Denial, ...] = ()

    @property
    def said_by(self) -> tuple[str, ...]:
        """The sides that say so; none where only third parties or media report it."""
        return tuple(sorted({t.holder for t in self.live if t.is_side}))

    @property
    def reported_by(self) -> tuple[str, ...]:
        """The third parties and media that report it."""
        return tuple(sorted({t.holder for t in self.live if not t.is_side}))

    @property
    def contested_by(self) -> tuple[str, ...]:
        """The sides that deny it."""
        return tuple(sorted({d.holder for d in self.denials if d.is_side} - set(self.said_by)))

    @property
    def live(self) -> tuple[ClaimStatement, ...]:
        """Who has told it and not taken it back."""
        return tuple(t for t in self.statements if t.denied_in is None)

    @property
    def origins(self) -> frozenset[str]:
        """The distinct utterances behind it: corroboration counts these, never documents."""
        return frozenset(t.origin for t in self.live)


Claims: TypeAlias = Mapping[str, Claim[Assertion]]
"""Claims by their root, in the order of the world."""


def asserted(claims: Claims, effect: Effective, parties: tuple[str, str]) -> Claims:
    """The claims after one more event. Total: record-keeping and denials of the unknown change nothing."""
    match effect.data:
        case ClaimContested(target=target, asserted_by=by, source=source):
            deniers = [Denial(effect.id, h, voice_of(parties, h)) for h in holders(parties, by.party)]
            return {root: _denied(claim, target, deniers, source.origin) for root, claim in claims.items()}
        case Assertion(asserted_by=by, source=source) as data:
            known = claims.get(effect.root, Claim(effect.root, data, ()))
            told = tuple(
                ClaimStatement(effect.id, h, voice_of(parties, h), by.channel, source.origin)
                for h in holders(parties, by.party)
            )
            return {**claims, effect.root: replace(known, statements=(*known.statements, *told))}
        case _:
            return claims


def _denied(claim: Claim[Assertion], target: str, denials: Iterable[Denial], origin: str) -> Claim[Assertion]:
    for denial in denials:
        own = next((d for d in claim.denials if d.event == target and d.holder == denial.holder), None)
        if own is not None:
            claim = _taken_back(claim, own)
        elif target == claim.root or any(target == t.event for t in claim.statements):
            statements = (
                replace(t, denied_in=denial.event)
                if t.takes_back(denial.holder, origin) and target in (claim.root, t.event)
                else t
                for t in claim.statements
            )
            claim = replace(claim, statements=tuple(statements), denials=(*claim.denials, denial))
    return claim


def _taken_back(claim: Claim[Assertion], denial: Denial) -> Claim[Assertion]:
    """Whoever denies its own denial, as one that was only attributed to it, stands where it stood."""
    return replace(
        claim,
        statements=tuple(replace(t, denied_in=None) if _struck(t, denial) else t for t in claim.statements),
        denials=tuple(d for d in claim.denials if d != denial),
    )


def _struck(statement: ClaimStatement, denial: Denial) -> bool:
    return statement.holder == denial.holder and statement.denied_in == denial.event


def prevailing(claims: Iterable[Claim[Said_co]]) -> Claim[Said_co] | None:
    """The last that a side says, else the last that is reported, else the last that was told at all."""
    weighed = ((bool(c.said_by), bool(c.live), place, c) for place, c in enumerate(claims))
    best = max(weighed, key=lambda w: w[:3], default=None)
    return best[3] if best else None
