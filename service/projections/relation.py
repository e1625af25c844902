"""The talks of a relation as a whole: their format, their scope, who leads the missions, what stands in the way."""

from collections.abc import Sequence
from typing import Any, Final

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
from service.projections.evidence import Backed, Placed, backing, placed

NAME: Final = "relation"
REPRESENTATION: Final = 1


class StatementDocument(Backed):
    """Something said of the talks, in the operator's words and, where they matter, the speaker's own."""

    event: str
    summary: str
    wording: str | None


class DecisionDocument(StatementDocument):
    """A decision on how and where the talks are held."""

    format: str
    preliminary: bool
    reversible: bool


class FormatDocument(DecisionDocument):
    """The decision in force, or the last there was where it was `reversed`.

    `confirmed_by`: the parties that stand behind it beside whoever said so first. `silent`: those that neither stand
    behind it nor deny it.
    """

    reversed: bool
    confirmed_by: tuple[str, ...]
    silent: tuple[str, ...]


class SubjectDocument(Backed):
    """A subject, whoever named it: counted once, however many say so."""

    subject: str


class ObstacleDocument(StatementDocument):
    """Something said to stand in the way."""

    obstacle: str


class SilenceDocument(StatementDocument):
    """Organs said not to have commented, and on what."""

    organs: tuple[str, ...]
    about: str


class PostDocument(StatementDocument):
    """One telling of an agrément, or of a post taken up."""

    post: str


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
    silences: tuple[SilenceDocument, ...]
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
        process=tuple(StatementDocument(**_said(c, effects)) for c in state.of(ProcessStarted)),
        format=_format(state, effects),
        decisions=tuple(DecisionDocument(**_decided(c, effects)) for c in state.of(FormatDecided)),
        reversals=tuple(StatementDocument(**_said(c, effects)) for c in state.of(FormatDecisionReversed)),
        scope_exclusions=_subjects(state.of(ScopeExcluded), effects),
        envoys=_envoys(state, effects),
        obstacles=tuple(
            ObstacleDocument(obstacle=c.data.obstacle, **_said(c, effects)) for c in state.of(ObstacleNoted)
        ),
        silences=tuple(
            SilenceDocument(organs=c.data.organs, about=c.data.about, **_said(c, effects))
            for c in state.of(NoCommentRecorded)
        ),
        concerns=_subjects(state.of(ConcernNoted), effects),
        emphases=tuple(StatementDocument(**_said(c, effects)) for c in state.of(EmphasisStated)),
        persons=tuple(PersonDocument(person=p.person, names=p.names, role=p.role) for p in state.persons.values()),
    )


def _said(claim: Claim[Any], effects: Placed) -> dict[str, Any]:
    """The fields of `StatementDocument`."""
    words = {"summary": claim.data.summary, "wording": claim.data.wording}
    return {"event": claim.root, **words, **backing([claim], effects)}


def _decided(claim: Claim[FormatDecided], effects: Placed) -> dict[str, Any]:
    """The fields of `DecisionDocument`."""
    data = claim.data
    return {
        "format": data.format,
        "preliminary": data.preliminary,
        "reversible": data.reversible,
        **_said(claim, effects),
    }


def _format(state: Relation, effects: Placed) -> FormatDocument | None:
    if (claim := state.format) is None:
        return None
    return FormatDocument(
        reversed=state.format_reversed,
        confirmed_by=_confirmed_by(claim),
        silent=tuple(p for p in state.parties if p not in (*claim.said_by, *claim.contested_by)),
        **_decided(claim, effects),
    )


def _confirmed_by(claim: Claim[Any]) -> tuple[str, ...]:
    """Of a text that both issued each half confirms the other."""
    first = [t.holder for t in claim.tellers if t.event == claim.tellers[0].event]
    return claim.said_by if len(first) > 1 else tuple(p for p in claim.said_by if p != first[0])


def _subjects(
    claims: Sequence[Claim[ScopeExcluded]] | Sequence[Claim[ConcernNoted]], effects: Placed
) -> tuple[SubjectDocument, ...]:
    by_subject: dict[str, list[Claim[Any]]] = {}
    for claim in claims:
        by_subject.setdefault(claim.data.subject, []).append(claim)
    return tuple(SubjectDocument(subject=s, **backing(named, effects)) for s, named in by_subject.items())


def _envoys(state: Relation, effects: Placed) -> tuple[EnvoyDocument, ...]:
    by_person: dict[str, list[Claim[Any]]] = {}
    claims: Sequence[Claim[Any]] = state.of(AgrementGranted, EnvoyTookPost)
    for claim in claims:
        name = claim.data.person
        known = state.person(name)
        by_person.setdefault(known.person if known else name, []).append(claim)
    return tuple(_envoy(state, told, effects) for told in by_person.values())


def _envoy(state: Relation, claims: Sequence[Claim[Any]], effects: Placed) -> EnvoyDocument:
    name = claims[0].data.person
    known = state.person(name)

    def told(type: type[AgrementGranted] | type[EnvoyTookPost]) -> tuple[PostDocument, ...]:
        of_type = (c for c in claims if isinstance(c.data, type))
        return tuple(PostDocument(post=c.data.post, **_said(c, effects)) for c in of_type)

    return EnvoyDocument(
        name=name,
        person=known.person if known else None,
        names=known.names if known else (name,),
        role=known.role if known else None,
        agrements=told(AgrementGranted),
        posts=told(EnvoyTookPost),
    )


def facets(_document: RelationDocument) -> dict[str, object]:
    """What a list can be filtered by: nothing yet, there are few relations."""
    return {}
