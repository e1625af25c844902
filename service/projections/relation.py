"""The talks of a relation as a whole: their format and scope, envoys, obstacles and concerns.

`GET /v1/relations/{relation}` returns this document. The page of a relation and `irritants status` show it.
"""

from collections.abc import Iterable
from typing import Final

from service.domain.actor.names import ActorNames
from service.domain.assertion import Assertion
from service.domain.claims import Claim, ClaimDispute
from service.domain.history import StreamAtPoint
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
from service.projections.document import Document, StreamDocument, stream_fields
from service.projections.evidence import Backing, ClaimDisputeDocument, EffectsById, backing, dispute_of, effects_by_id
from service.projections.words.speakers import names_in

NAME: Final = "relation"
REPRESENTATION: Final = 5


class StatementDocument(Document):
    """A statement about the talks: a summary by the operator, and the speaker's own wording, if it was filed."""

    event: str
    summary: str
    wording: str | None
    backing: Backing


class DecisionDocument(Document):
    """A decision on the format of the talks."""

    event: str
    format: str
    preliminary: bool
    reversible: bool
    backing: Backing


class FormatDocument(Document):
    """The decision on the format that is in force, or the last one if that was `reversed`.

    It is the decision that the sides report. Third parties and media count only if no side has spoken. `reversed_by`
    are the actors that say that it was reversed. `sides` has the format that each side says is in force, null if it
    says of none. `confirmed_by` are the sides that confirm the first side. `silent` are those that neither say nor
    deny it.
    """

    event: str
    format: str
    preliminary: bool
    reversible: bool
    reversed: bool
    reversed_by: tuple[str, ...]
    sides: dict[str, str | None]
    confirmed_by: tuple[str, ...]
    silent: tuple[str, ...]
    backing: Backing


class SubjectDocument(Document):
    """A subject, such as one that is excluded from the talks. Each subject is listed once."""

    subject: str
    backing: Backing


class ObstacleDocument(Document):
    """An obstacle to the talks."""

    event: str
    obstacle: str
    backing: Backing


class NoCommentDocument(Document):
    """Organs, such as a ministry, that declined to comment, and the subject."""

    event: str
    organs: tuple[str, ...]
    about: str
    backing: Backing


class PostDocument(Document):
    """A post: an agrément was granted for it, or an envoy took it up."""

    event: str
    post: str
    backing: Backing


class EnvoyDocument(Document):
    """An envoy with every spelling of the name. `person` and `role` are null if no `PersonNamed` is on record."""

    name: str
    person: str | None
    names: tuple[str, ...]
    role: str | None
    agrements: tuple[PostDocument, ...]
    posts: tuple[PostDocument, ...]


class PersonDocument(Document):
    """A person with every spelling of the name in the documents, and the last stated role."""

    person: str
    names: tuple[str, ...]
    role: str


class AttributionDocument(Document):
    """A report that `ReportAttributed` put on a round after it was filed."""

    report: str
    round: str


class RelationDocument(StreamDocument):
    """The talks of a relation as a whole.

    `names` has the name of each actor in the document, by code or slug, as it stands within a sentence.
    """

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
    attributions: tuple[AttributionDocument, ...]
    disputes: tuple[ClaimDisputeDocument, ...]
    names: dict[str, str]


def view(reading: StreamAtPoint[Relation]) -> RelationDocument:
    """Return the document of a relation. Total."""
    state, effects = reading.state, effects_by_id(reading.effects)
    return RelationDocument(
        **stream_fields(reading),
        title=state.title,
        parties=state.parties,
        process=tuple(_statement(claim, effects) for claim in state.claims_of_type(ProcessStarted)),
        format=_format(state, effects),
        decisions=tuple(_decision(claim, effects) for claim in state.claims_of_type(FormatDecided)),
        reversals=tuple(_statement(claim, effects) for claim in state.claims_of_type(FormatDecisionReversed)),
        scope_exclusions=_subjects(((c.data.subject, c) for c in state.claims_of_type(ScopeExcluded)), effects),
        envoys=_envoys(state, effects),
        obstacles=tuple(_obstacle(claim, effects) for claim in state.claims_of_type(ObstacleNoted)),
        silences=tuple(_silence(claim, effects) for claim in state.claims_of_type(NoCommentRecorded)),
        concerns=_subjects(((c.data.subject, c) for c in state.claims_of_type(ConcernNoted)), effects),
        emphases=tuple(_statement(claim, effects) for claim in state.claims_of_type(EmphasisStated)),
        persons=tuple(PersonDocument(person=p.person, names=p.names, role=p.role) for p in state.persons.values()),
        attributions=tuple(
            AttributionDocument(report=report, round=round) for report, round in state.attributed.items()
        ),
        disputes=tuple(_dispute(state, dispute, reading.names) for dispute in state.disputes),
        names=names_in(reading),
    )


def _dispute(state: Relation, dispute: ClaimDispute, names: ActorNames) -> ClaimDisputeDocument:
    """Return a dispute with its sentence: what the alleging side says, and what the other side says instead."""
    said = state.claims[dispute.event].data
    format_of_other = state.format_of(dispute.about)
    match dispute.kind:
        case "reversal":
            says = "says that the decision on the format was reversed"
            other = "has not confirmed this"
            if format_of_other:
                other = f"says that it is in force: {format_of_other.data.format}"
        case "format":
            says = f"says that the format is: {getattr(said, 'format', '')}"
            other = f"says that it is: {format_of_other.data.format}" if format_of_other else "has not confirmed this"
        case _:
            says, other = f"says: {said.summary.rstrip('.')}", "has not confirmed this"
    return dispute_of(dispute, says, other, names)


def _statement(claim: Claim[Assertion], effects: EffectsById) -> StatementDocument:
    data = claim.data
    return StatementDocument(
        event=claim.root, summary=data.summary, wording=data.wording, backing=backing(effects, claim)
    )


def _decision(claim: Claim[FormatDecided], effects: EffectsById) -> DecisionDocument:
    data = claim.data
    return DecisionDocument(
        event=claim.root,
        format=data.format,
        preliminary=data.preliminary,
        reversible=data.reversible,
        backing=backing(effects, claim),
    )


def _format(state: Relation, effects: EffectsById) -> FormatDocument | None:
    decision = state.format
    if decision is None:
        return None
    return FormatDocument(
        event=decision.root,
        format=decision.data.format,
        preliminary=decision.data.preliminary,
        reversible=decision.data.reversible,
        reversed=state.format_reversed,
        reversed_by=state.format_reversed_by,
        sides={party: claim.data.format if (claim := state.format_of(party)) else None for party in state.parties},
        confirmed_by=_confirmed_by(decision),
        silent=tuple(p for p in state.parties if p not in (*decision.said_by, *decision.contested_by)),
        backing=backing(effects, decision),
    )


def _confirmed_by(claim: Claim[FormatDecided]) -> tuple[str, ...]:
    """Return the sides that confirm the first side. In a joint text each side confirms the other."""
    first = [t.holder for t in claim.statements if t.event == claim.statements[0].event]
    return claim.said_by if len(first) > 1 else tuple(p for p in claim.said_by if p != first[0])


def _obstacle(claim: Claim[ObstacleNoted], effects: EffectsById) -> ObstacleDocument:
    return ObstacleDocument(event=claim.root, obstacle=claim.data.obstacle, backing=backing(effects, claim))


def _silence(claim: Claim[NoCommentRecorded], effects: EffectsById) -> NoCommentDocument:
    data = claim.data
    return NoCommentDocument(event=claim.root, organs=data.organs, about=data.about, backing=backing(effects, claim))


def _subjects(claimed: Iterable[tuple[str, Claim[Assertion]]], effects: EffectsById) -> tuple[SubjectDocument, ...]:
    """Return each subject once, with the evidence of all claims that name it."""
    claims: dict[str, list[Claim[Assertion]]] = {}
    for subject, claim in claimed:
        claims.setdefault(subject, []).append(claim)
    return tuple(SubjectDocument(subject=s, backing=backing(effects, *named)) for s, named in claims.items())


def _envoys(state: Relation, effects: EffectsById) -> tuple[EnvoyDocument, ...]:
    """Return one envoy for each person, also if the spellings of the name differ."""
    agrements, taken = state.claims_of_type(AgrementGranted), state.claims_of_type(EnvoyTookPost)
    # The first spelling of each name, by the slug of the person, or by the name itself if no person has it.
    names: dict[str, str] = {}
    for name in (*(c.data.person for c in agrements), *(c.data.person for c in taken)):
        names.setdefault(state.slug_of_person(name), name)
    return tuple(
        EnvoyDocument(
            name=name,
            person=person.person if (person := state.persons.get(identity)) else None,
            names=person.names if person else (name,),
            role=person.role if person else None,
            agrements=tuple(_post(c, effects) for c in agrements if state.slug_of_person(c.data.person) == identity),
            posts=tuple(_post(c, effects) for c in taken if state.slug_of_person(c.data.person) == identity),
        )
        for identity, name in names.items()
    )


def _post(claim: Claim[AgrementGranted] | Claim[EnvoyTookPost], effects: EffectsById) -> PostDocument:
    return PostDocument(event=claim.root, post=claim.data.post, backing=backing(effects, claim))


def facets(_document: RelationDocument) -> dict[str, object]:
    """Return no facets. The list of relations has no filters."""
    return {}
