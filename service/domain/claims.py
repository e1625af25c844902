"""What is asserted beside the ladder: a claim, whoever tells it, and who denies it.

Nothing is dropped by a denial: what was said stays reported, only the denier no longer stands behind it. So a reader
can always tell who says so from who merely said so, and one newspaper from one government.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from service.domain.assertion import Assertion, Channel, ClaimContested
from service.domain.corrections import Effective
from service.domain.frozen import replace

MEDIA: Final = "MEDIA"

Said_co = TypeVar("Said_co", bound=Assertion, covariant=True)


@dataclass(frozen=True)
class ClaimStatement:
    """One voice that tells a claim. `holder` is a party, or MEDIA for everybody else; `denied_in` took it back."""

    event: str
    holder: str
    channel: Channel
    origin: str
    denied_in: str | None = None


@dataclass(frozen=True)
class Denial:
    """A party's denial of a claim."""

    event: str
    holder: str


@dataclass(frozen=True)
class Claim(Generic[Said_co]):
    """One thing asserted. `data` is how it was said first; `root` names that assertion."""

    root: str
    data: Said_co
    statements: tuple[ClaimStatement, ...]
    denials: tuple[Denial, ...] = ()

    @property
    def said_by(self) -> tuple[str, ...]:
        """The parties that stand behind it; none where only media report it."""
        return tuple(sorted({t.holder for t in self.live if t.holder != MEDIA}))

    @property
    def contested_by(self) -> tuple[str, ...]:
        return tuple(sorted({d.holder for d in self.denials} - set(self.said_by)))

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


def holders(parties: tuple[str, str], asserter: str) -> tuple[str, ...]:
    """Whose word this is: both parties' for a joint text, MEDIA for whoever is no party of the relation."""
    if asserter == "JOINT":
        return parties
    return (asserter,) if asserter in parties else (MEDIA,)


def asserted(claims: Claims, effect: Effective, parties: tuple[str, str]) -> Claims:
    """The claims after one more event. Total: record-keeping and denials of the unknown change nothing."""
    match effect.data:
        case ClaimContested(target=target, asserted_by=by):
            deniers = [h for h in holders(parties, by.party) if h != MEDIA]
            return {root: _denied(claim, effect.id, target, deniers) for root, claim in claims.items()}
        case Assertion(asserted_by=by, source=source) as data:
            known = claims.get(effect.root, Claim(effect.root, data, ()))
            said_by = holders(parties, by.party)
            statements = (ClaimStatement(effect.id, h, by.channel, source.origin) for h in said_by)
            return {**claims, effect.root: replace(known, statements=(*known.statements, *statements))}
        case _:
            return claims


def _denied(claim: Claim[Assertion], denial: str, target: str, deniers: Iterable[str]) -> Claim[Assertion]:
    for denier in deniers:
        if Denial(target, denier) in claim.denials:
            claim = _taken_back(claim, Denial(target, denier))
        elif target == claim.root or any(target == t.event for t in claim.statements):
            statements = (
                replace(t, denied_in=denial) if t.holder == denier and target in (claim.root, t.event) else t
                for t in claim.statements
            )
            claim = replace(claim, statements=tuple(statements), denials=(*claim.denials, Denial(denial, denier)))
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
    """The last that a party stands behind, else the last that is reported, else the last that was told at all."""
    weighed = ((bool(c.said_by), bool(c.live), place, c) for place, c in enumerate(claims))
    best = max(weighed, key=lambda w: w[:3], default=None)
    return best[3] if best else None
