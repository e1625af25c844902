"""The talks of a relation as a history leaves them: what is claimed of them, and the persons by all their names.

As on the ladder, media alone undo nothing: a decision on the format is reversed once a party says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from service.domain.assertion import Assertion
from service.domain.claims import Claim, Claims, asserted, prevailing
from service.domain.corrections import Effective
from service.domain.frozen import replace
from service.domain.relation.events import FormatDecided, FormatDecisionReversed, PersonNamed, RelationOpened

Said = TypeVar("Said", bound=Assertion)


@dataclass(frozen=True)
class Person:
    """A person, with every spelling in the documents, first seen first, and the role last stated."""

    person: str
    names: tuple[str, ...]
    role: str


@dataclass(frozen=True)
class Relation:
    """The talks as a whole."""

    parties: tuple[str, str]
    opened: bool = False
    title: str = ""
    claims: Claims = field(default_factory=dict)
    persons: Mapping[str, Person] = field(default_factory=dict)

    def of(self, *types: type[Said]) -> tuple[Claim[Said], ...]:
        """The claims of these types, in the order of the world."""
        return cast("tuple[Claim[Said], ...]", tuple(c for c in self.claims.values() if isinstance(c.data, types)))

    @property
    def format(self) -> Claim[FormatDecided] | None:
        """The decision on the format that is in force, or was before it was undone."""
        return prevailing(self._decided[0]) or prevailing(self.of(FormatDecided))

    @property
    def format_reversed(self) -> bool:
        """Whether a party says that the decision was undone, and none has been taken since."""
        decided, undone = self._decided
        return undone and not decided

    @property
    def _decided(self) -> tuple[tuple[Claim[FormatDecided], ...], bool]:
        """The decisions since the last that a party says was undone, and whether one was."""
        since: list[Claim[FormatDecided]] = []
        undone = False
        for claim in self.of(FormatDecided, FormatDecisionReversed):
            if isinstance(claim.data, FormatDecided):
                since.append(cast("Claim[FormatDecided]", claim))
            elif claim.said_by:
                since, undone = [], True
        return tuple(since), undone

    def known_as(self, name: str) -> str:
        """The slug of whoever is on record under this spelling, else the name itself."""
        return next((p.person for p in self.persons.values() if name in p.names), name)


def evolve(state: Relation, effect: Effective) -> Relation:
    """The state after one more event, in the order of the world. Total."""
    match effect.data:
        case RelationOpened(title=title):
            return replace(state, opened=True, title=title)
        case PersonNamed(person=person, names=names, role=role):
            known = state.persons[person].names if person in state.persons else ()
            named = Person(person, tuple(dict.fromkeys((*known, *names))), role)
            return replace(state, persons={**state.persons, person: named})
        case _:
            return replace(state, claims=asserted(state.claims, effect, state.parties))
