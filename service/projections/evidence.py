"""How an assertion is shown, wherever it is shown: who says it, where that is read, and who stands behind it.

No document shows what is said without who says so; this is the one shape in which all of them do.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal, TypeAlias

from service.domain.assertion import AssertedBy, Assertion, Citation
from service.domain.claims import Claim
from service.domain.corrections import Effective
from service.projections.document import Document

Placed: TypeAlias = Mapping[str, Effective]
"""The assertions of a reading by their id, in the order of the world."""


class Cited(Document):
    """One telling of an assertion: by whom, in which document, behind it which utterance, in the operator's words.

    `earliest` and `latest` are what `occurred` spans, narrowed by what the assertion is said to come after.
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
    """Who says so.

    `said_by`: the sides that say it; `reported_by`: the third parties and media that do. `contested_by`: the sides that
    deny it. `origins`: how many distinct utterances it rests on. `evidence`: every telling of it, denied ones too.
    """

    said_by: tuple[str, ...]
    reported_by: tuple[str, ...]
    contested_by: tuple[str, ...]
    origins: int
    evidence: tuple[Cited, ...]
    denials: tuple[Cited, ...]


def cite(effect: Effective) -> Cited:
    """An assertion, or evidence of one, as it is shown. What asserts nothing cannot be cited."""
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


def placed(effects: Iterable[Effective]) -> Placed:
    return {effect.id: effect for effect in effects}


def backing(effects: Placed, *claims: Claim[Assertion]) -> Backing:
    """Who stands behind one claim, or behind any of several that come to the same."""
    said_by = {party for claim in claims for party in claim.said_by}
    contested_by = {party for claim in claims for party in claim.contested_by}
    events = dict.fromkeys(statement.event for claim in claims for statement in claim.statements)
    denials = dict.fromkeys(denial.event for claim in claims for denial in claim.denials)
    return Backing(
        said_by=tuple(sorted(said_by)),
        reported_by=tuple(sorted({actor for claim in claims for actor in claim.reported_by})),
        contested_by=tuple(sorted(contested_by - said_by)),
        origins=len({origin for claim in claims for origin in claim.origins}),
        evidence=tuple(cite(effects[event]) for event in events),
        denials=tuple(cite(effects[event]) for event in denials),
    )
