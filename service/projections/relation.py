"""The talks of a relation as a whole: their format, their scope, who leads the missions, what stands in the way."""

from collections.abc import Iterable
from typing import Final

from service.domain.assertion import Assertion
from service.domain.claims import Claim
from service.domain.history import Reading
from service.domain.relation.events import (
    AgrementGranted,
    ConcernNoted,
    EmphasisStated,
    EnvoyTookPost,
    FormatDecided,
    FormatDecisionReversed,
    NoCommentRecorded,
    ObstacleNoted,
    ProcessStarted,
    ScopeExcluded,
)
from service.domain.relation.state import Relation
from service.projections.document import Document, Stored, stored
from service.projections.evidence import Backing, Placed, backing, placed

NAME: Final = "relation"
REPRESENTATION: Final = 2


class StatementDocument(Document):
    """Something said of the talks, in the operator's words and, where they matter, the speaker's own."""

    event: str
    summary: str
    wording: str | None
    backing: Backing


class DecisionDocument(Document):
    """A decision on how and where the talks are held."""

    event: str
    format: str
    preliminary: bool
    reversible: bool
    backing: Backing


class FormatDocument(Document):
    """The decision on the format that is in force, or the last there was where it was `reversed`.

    `confirmed_by`: the parties that stand behind it beside whoever said so first. `silent`: those that neither stand
    behind it nor deny it.
    """

    event: str
    format: str
    preliminary: bool
    reversible: bool
    reversed: bool
    confirmed_by: tuple[str, ...]
    silent: tuple[str, ...]
    backing: Backing


class SubjectDocument(Document):
    """A subject, whoever named it: counted once, however many say so."""

    subject: str
    backing: Backing


class ObstacleDocument(Document):
    """Something said to stand in the way."""

    event: str
    obstacle: str
    backing: Backing


class NoCommentDocument(Document):
    """Organs said not to have commented, and on what."""

    event: str
    organs: tuple[str, ...]
    about: str
    backing: Backing


class PostDocument(Document):
    """An agrément for a post, or the post taken up."""

    event: str
    post: str
    backing: Backing


class EnvoyDocument(Document):
    """An envoy under every name on record. `person` and `role` are null where nobody registered the person."""

    name: str
    person: str | None
    names: tuple[str, ...]
    role: str | None
    agrements: tuple[PostDocument, ...]
    posts: tuple[PostDocument, ...]


class PersonDocument(Document):
    """A person, with every spelling in the documents, and the role as last stated."""

    person: str
    names: tuple[str, ...]
    role: str


class RelationDocument(Stored):
    """The talks of a relation as they stand on record."""

    title: str
    parties: tuple[str, str]
    process: tuple[StatementDocument, ...]
    format: FormatDocument | None
    decisions: tuple[DecisionDocument, ...]
    reversals: tuple[StatementDocument, ...]
    scope_exclusions: tuple[SubjectDocument, ...]
    envoys: tuple[EnvoyDocument, ...]
    obstacles: tuple[ObstacleDocument, ...]
    silences: tuple[NoCommentDocument, ...]
    concerns: tuple[SubjectDocument, ...]
    emphases: tuple[StatementDocument, ...]
    persons: tuple[PersonDocument, ...]


def view(reading: Reading[Relation]) -> RelationDocument:
    """The document of a reading. Total: any history has one."""
    state, effects = reading.state, placed(reading.effects)
    return RelationDocument(
        **stored(reading),
        title=state.title,
        parties=state.parties,
        process=tuple(_statement(claim, effects) for claim in state.of(ProcessStarted)),
        format=_format(state, effects),
        decisions=tuple(_decision(claim, effects) for claim in state.of(FormatDecided)),
        reversals=tuple(_statement(claim, effects) for claim in state.of(FormatDecisionReversed)),
        scope_exclusions=_subjects(((c.data.subject, c) for c in state.of(ScopeExcluded)), effects),
        envoys=_envoys(state, effects),
        obstacles=tuple(_obstacle(claim, effects) for claim in state.of(ObstacleNoted)),
        silences=tuple(_silence(claim, effects) for claim in state.of(NoCommentRecorded)),
        concerns=_subjects(((c.data.subject, c) for c in state.of(ConcernNoted)), effects),
        emphases=tuple(_statement(claim, effects) for claim in state.of(EmphasisStated)),
        persons=tuple(PersonDocument(person=p.person, names=p.names, role=p.role) for p in state.persons.values()),
    )


def _statement(claim: Claim[Assertion], effects: Placed) -> StatementDocument:
    data = claim.data
    return StatementDocument(
        event=claim.root, summary=data.summary, wording=data.wording, backing=backing(effects, claim)
    )


def _decision(claim: Claim[FormatDecided], effects: Placed) -> DecisionDocument:
    data = claim.data
    return DecisionDocument(
        event=claim.root,
        format=data.format,
        preliminary=data.preliminary,
        reversible=data.reversible,
        backing=backing(effects, claim),
    )


def _format(state: Relation, effects: Placed) -> FormatDocument | None:
    claim = state.format
    if claim is None:
        return None
    return FormatDocument(
        event=claim.root,
        format=claim.data.format,
        preliminary=claim.data.preliminary,
        reversible=claim.data.reversible,
        reversed=state.format_reversed,
        confirmed_by=_confirmed_by(claim),
        silent=tuple(p for p in state.parties if p not in (*claim.said_by, *claim.contested_by)),
        backing=backing(effects, claim),
    )


def _confirmed_by(claim: Claim[FormatDecided]) -> tuple[str, ...]:
    """Of a text that both issued each half confirms the other."""
    first = [t.holder for t in claim.statements if t.event == claim.statements[0].event]
    return claim.said_by if len(first) > 1 else tuple(p for p in claim.said_by if p != first[0])


def _obstacle(claim: Claim[ObstacleNoted], effects: Placed) -> ObstacleDocument:
    return ObstacleDocument(event=claim.root, obstacle=claim.data.obstacle, backing=backing(effects, claim))


def _silence(claim: Claim[NoCommentRecorded], effects: Placed) -> NoCommentDocument:
    data = claim.data
    return NoCommentDocument(event=claim.root, organs=data.organs, about=data.about, backing=backing(effects, claim))


def _subjects(named: Iterable[tuple[str, Claim[Assertion]]], effects: Placed) -> tuple[SubjectDocument, ...]:
    claims: dict[str, list[Claim[Assertion]]] = {}
    for subject, claim in named:
        claims.setdefault(subject, []).append(claim)
    return tuple(SubjectDocument(subject=s, backing=backing(effects, *told)) for s, told in claims.items())


def _envoys(state: Relation, effects: Placed) -> tuple[EnvoyDocument, ...]:
    """One for each person, under whichever spelling."""
    agrements, taken = state.of(AgrementGranted), state.of(EnvoyTookPost)
    names: dict[str, str] = {}
    for name in (*(c.data.person for c in agrements), *(c.data.person for c in taken)):
        names.setdefault(state.known_as(name), name)
    return tuple(
        EnvoyDocument(
            name=name,
            person=person.person if (person := state.persons.get(identity)) else None,
            names=person.names if person else (name,),
            role=person.role if person else None,
            agrements=tuple(_post(c, effects) for c in agrements if state.known_as(c.data.person) == identity),
            posts=tuple(_post(c, effects) for c in taken if state.known_as(c.data.person) == identity),
        )
        for identity, name in names.items()
    )


def _post(claim: Claim[AgrementGranted] | Claim[EnvoyTookPost], effects: Placed) -> PostDocument:
    return PostDocument(event=claim.root, post=claim.data.post, backing=backing(effects, claim))


def facets(_document: RelationDocument) -> dict[str, object]:
    """What a list can be filtered by: nothing yet, there are few relations."""
    return {}
