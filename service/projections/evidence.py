"""The evidence for an assertion: who says it, in which documents, and who denies it.

All documents that show assertions use `Backing` and `Cited`, so each statement is shown with its speaker and source.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal, TypeAlias

from service.domain.actor.names import ActorNames
from service.domain.assertion import AssertedBy, Assertion, Citation
from service.domain.claims import Claim, ClaimDispute, ClaimDisputeKind
from service.domain.corrections import EffectiveEvent
from service.projections.document import Document
from service.projections.words.names import at_the_beginning, name_of

EffectsById: TypeAlias = Mapping[str, EffectiveEvent]
"""The effective events of a reading by id, ordered by date. See `effects_by_id`."""


class Cited(Document):
    """One piece of evidence for an assertion: the speaker, the document, the origin, and a summary by the operator.

    `earliest` and `latest` are the first and the last day that `occurred` can mean. If the assertion came after an
    event that it names, neither is before the date of that event.
    """

    event: str
    position: int
    asserted_by: AssertedBy
    source: Citation
    occurred: str | None
    occurred_basis: Literal["stated", "inferred"]
    inference: str | None
    earliest: date | None
    latest: date | None
    summary: str
    wording: str | None


class Backing(Document):
    """Who says so, with all evidence.

    `said_by` are the sides that say it, `reported_by` the third parties and media that report it, `contested_by` the
    sides that deny it. `origins` is the number of distinct statements. `evidence` includes statements that were denied.
    """

    said_by: tuple[str, ...]
    reported_by: tuple[str, ...]
    contested_by: tuple[str, ...]
    origins: int
    evidence: tuple[Cited, ...]
    denials: tuple[Cited, ...]


class ClaimDisputeDocument(Document):
    """A dispute: `alleged_by` says something in `event` that `about` has not confirmed, or denies (`denied`).

    `why` says in a sentence who says what.
    """

    kind: ClaimDisputeKind
    about: str
    alleged_by: str
    event: str
    occurred: str | None
    denied: bool
    why: str


def dispute_of(dispute: ClaimDispute, says: str, other: str, names: ActorNames) -> ClaimDisputeDocument:
    """Return the document of a dispute with its sentence.

    `says`: a predicate on the side that alleges, such as "says that it met". `other`: one on the other side, which is
    not used if that side denies the claim.
    """
    speaker, about = name_of(dispute.alleged_by, names), name_of(dispute.about, names)
    why = f"{speaker} {says}; {about} {'denies this' if dispute.denied else other}."
    return ClaimDisputeDocument(
        kind=dispute.kind,
        about=dispute.about,
        alleged_by=dispute.alleged_by,
        event=dispute.event,
        occurred=dispute.occurred,
        denied=dispute.denied,
        why=at_the_beginning(why),
    )


def dispute_renamed(
    dispute: ClaimDisputeDocument, before: Mapping[str, str], names: ActorNames
) -> ClaimDisputeDocument:
    """Return a dispute with the present names of actors in its sentence.

    `before` has, by code, the names in the sentence of `dispute`, as `dispute_of` wrote them.
    """
    says, _, other = dispute.why.rpartition(f"; {before[dispute.about]} ")
    # The sentence begins with the name of the side that alleges. Only its first letter can differ.
    says = says[len(before[dispute.alleged_by]) :]
    why = f"{name_of(dispute.alleged_by, names)}{says}; {name_of(dispute.about, names)} {other}"
    return dispute.model_copy(update={"why": at_the_beginning(why)})


def cite(effect: EffectiveEvent) -> Cited:
    """Return an assertion as a piece of evidence."""
    data = effect.data
    assert isinstance(data, Assertion)
    return Cited(
        event=effect.id,
        position=effect.position,
        asserted_by=data.asserted_by,
        source=data.source,
        occurred=data.occurred,
        occurred_basis=data.occurred_basis,
        inference=data.inference,
        earliest=effect.earliest,
        latest=effect.latest,
        summary=data.summary,
        wording=data.wording,
    )


def effects_by_id(effects: Iterable[EffectiveEvent]) -> EffectsById:
    """Return effective events by id, in the same order."""
    return {effect.id: effect for effect in effects}


def backing(effects: EffectsById, *claims: Claim[Assertion]) -> Backing:
    """Return who says and who denies a claim, or any of several claims with the same content."""
    said_by = {party for claim in claims for party in claim.said_by}
    contested_by = {party for claim in claims for party in claim.contested_by}
    events = dict.fromkeys(statement.event for claim in claims for statement in claim.statements)
    denials = dict.fromkeys(denial.event for claim in claims for denial in claim.denials)
    return Backing(
        said_by=tuple(sorted(said_by)),
        reported_by=tuple(sorted({actor for claim in claims for actor in claim.reported_by})),
        # A side that denies one of several claims but makes another one itself does not deny their content.
        contested_by=tuple(sorted(contested_by - said_by)),
        origins=len({origin for claim in claims for origin in claim.origins}),
        evidence=tuple(cite(effects[event]) for event in events),
        denials=tuple(cite(effects[event]) for event in denials),
    )
