"""Fold the stream of a relation into its state: the claims about the talks, and the persons with all their names.

The format of the talks is what the sides say. Third parties and media count only if no side has spoken. If the two
sides differ, that is a dispute.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from service.domain.actors import other
from service.domain.assertion import Assertion
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
from service.domain.relation.events import (
    FormatDecided,
    FormatDecisionReversed,
    PersonNamed,
    RelationOpened,
    ReportAttributed,
)

Said = TypeVar("Said", bound=Assertion)


@dataclass(frozen=True)
class Person:
    """A person. `person`: the slug. `names`: every spelling of the name in order of appearance. `role`: the latest."""

    person: str
    names: tuple[str, ...]
    role: str


@dataclass(frozen=True)
class Relation:
    """The state of a relation.

    `claims` are by the id of their first event, in order of occurrence. `persons` are by slug.
    """

    parties: tuple[str, str]
    opened: bool = False
    title: str = ""
    claims: Claims = field(default_factory=dict)
    persons: Mapping[str, Person] = field(default_factory=dict)
    attributed: Mapping[str, str] = field(default_factory=dict)
    """The round of each report that was attributed to a round, by the report's id. The last attribution counts."""

    def claims_of_type(self, *types: type[Said]) -> tuple[Claim[Said], ...]:
        """Return the claims of these types, in order of occurrence."""
        return cast("tuple[Claim[Said], ...]", tuple(c for c in self.claims.values() if isinstance(c.data, types)))

    @property
    def format(self) -> Claim[FormatDecided] | None:
        """The decision on the format that is in force, or else the last one before it was reversed."""
        return prevailing(self._decisions_since_reversal[0]) or prevailing(self.claims_of_type(FormatDecided))

    @property
    def format_reversed(self) -> bool:
        """Whether the decision was reversed and no new one was reported since."""
        return bool(self.format_reversed_by)

    @property
    def format_reversed_by(self) -> tuple[str, ...]:
        """Who says that the decision was reversed: sides, else third parties and media.

        Empty while a decision is in force.
        """
        decisions, reversal = self._decisions_since_reversal
        return () if decisions or reversal is None else reversal.said_by or reversal.reported_by

    @property
    def _decisions_since_reversal(
        self,
    ) -> tuple[tuple[Claim[FormatDecided], ...], Claim[FormatDecisionReversed] | None]:
        """The decisions since the last reversal that counts, and the claim of that reversal.

        A reversal counts if a side says it, or if no side has spoken on the format.
        """
        sides_have_spoken = any(claim.said_by for claim in self._on_format)
        decisions: list[Claim[FormatDecided]] = []
        reversal: Claim[FormatDecisionReversed] | None = None
        for claim in self._on_format:
            if isinstance(claim.data, FormatDecided):
                decisions.append(claim)
            elif claim.said_by or (claim.live_statements and not sides_have_spoken):
                decisions, reversal = [], claim
        return tuple(decisions), reversal

    @property
    def _on_format(self) -> tuple[Claim[Any], ...]:
        return self.claims_of_type(FormatDecided, FormatDecisionReversed)

    def _last_on_format(self, party: str) -> Claim[Any] | None:
        return next((c for c in reversed(self._on_format) if party in c.said_by), None)

    def format_of(self, party: str) -> Claim[FormatDecided] | None:
        """Return the decision that a side says is in force, None if it says of none or its last claim is a reversal."""
        last = self._last_on_format(party)
        return last if last is not None and isinstance(last.data, FormatDecided) else None

    @property
    def disputes(self) -> tuple[ClaimDispute, ...]:
        """The differences of the sides, each until the other side confirms it or its alleging side takes it back."""
        differences = (*self._reversal_disputes(), *self._format_disputes())
        return one_for_each_claim((*differences, *denied_claims(self.claims.values())))

    def _reversal_disputes(self) -> Iterator[ClaimDispute]:
        """Yield a dispute if one side's last claim is a reversal, and the other's says that a decision is in force."""
        for about in self.parties:
            alleged_by = other(self.parties, about)
            last = self._last_on_format(alleged_by)
            if last is not None and isinstance(last.data, FormatDecisionReversed) and self.format_of(about):
                yield dispute("reversal", last, alleged_by=alleged_by, about=about)

    def _format_disputes(self) -> Iterator[ClaimDispute]:
        """Yield a dispute if the sides say that different formats are in force. The side that spoke last alleges it."""
        formats = {party: claim for party in self.parties if (claim := self.format_of(party)) is not None}
        if len({claim.data.format.casefold() for claim in formats.values()}) == 2:
            order = list(self.claims)
            about, alleged_by = sorted(formats, key=lambda party: order.index(formats[party].root))
            yield dispute("format", formats[alleged_by], alleged_by=alleged_by, about=about)

    def slug_of_person(self, name: str) -> str:
        """Return the slug of the person with this spelling, else the name itself."""
        return next((p.person for p in self.persons.values() if name in p.names), name)


def evolve(state: Relation, effect: EffectiveEvent) -> Relation:
    """Return the state after the next event in order of occurrence. Never raise."""
    match effect.data:
        case RelationOpened(title=title):
            return replace(state, opened=True, title=title)
        case PersonNamed(person=person, names=names, role=role):
            known = state.persons[person].names if person in state.persons else ()
            named = Person(person, tuple(dict.fromkeys((*known, *names))), role)
            return replace(state, persons={**state.persons, person: named})
        case ReportAttributed(report=report, round=round):
            return replace(state, attributed={**state.attributed, report: round})
        case _:
            return replace(state, claims=claims_after(state.claims, effect, state.parties))
