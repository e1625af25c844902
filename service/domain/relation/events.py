"""Define the event types that streams of relations take: what concerns the talks as a whole.

These models are stored: see `assertion.py` for what may change. Forms and the OpenAPI document show the docstring of
each class to people, as the purpose of the type.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import Assertion, Line, MemberId, Party, RecordKeeping, Slug

ReportId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class RelationOpened(RecordKeeping):
    """Begin to track the talks of two parties. This is the first event of the relation's stream."""

    type: Literal["RelationOpened"] = "RelationOpened"
    parties: Annotated[tuple[Party, ...], Field(strict=False, min_length=2, max_length=2)]
    title: Line


class ProcessStarted(Assertion):
    """An actor says how the talks began."""

    type: Literal["ProcessStarted"] = "ProcessStarted"


class FormatDecided(Assertion):
    """An actor says that the format of the talks is decided: how and where they are held."""

    type: Literal["FormatDecided"] = "FormatDecided"
    format: Line
    preliminary: bool
    reversible: bool


class FormatDecisionReversed(Assertion):
    """An actor says that the decision on the format is reversed."""

    type: Literal["FormatDecisionReversed"] = "FormatDecisionReversed"


class ScopeExcluded(Assertion):
    """An actor says that a subject is not part of the talks."""

    type: Literal["ScopeExcluded"] = "ScopeExcluded"
    subject: Slug


class ObstacleNoted(Assertion):
    """An actor names an obstacle to the talks."""

    type: Literal["ObstacleNoted"] = "ObstacleNoted"
    obstacle: Line


class AgrementGranted(Assertion):
    """A receiving state accepts a person as head of mission."""

    type: Literal["AgrementGranted"] = "AgrementGranted"
    person: Line
    post: Line


class EnvoyTookPost(Assertion):
    """An envoy takes up a post."""

    type: Literal["EnvoyTookPost"] = "EnvoyTookPost"
    person: Line
    post: Line


class NoCommentRecorded(Assertion):
    """A source says that the organs it names did not comment."""

    type: Literal["NoCommentRecorded"] = "NoCommentRecorded"
    organs: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=50)]
    about: Line


class ConcernNoted(Assertion):
    """An actor has a concern about the relation that no irritant tracks."""

    type: Literal["ConcernNoted"] = "ConcernNoted"
    subject: Slug


class EmphasisStated(Assertion):
    """An actor says what the talks are about, or how far they have come."""

    type: Literal["EmphasisStated"] = "EmphasisStated"


class PersonNamed(RecordKeeping):
    """Record a person, with every spelling of the name in the documents and the role that they give."""

    type: Literal["PersonNamed"] = "PersonNamed"
    person: Slug
    names: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=50)]
    role: Line


class ReportAttributed(RecordKeeping):
    """Attribute a report to a round, if it named no round or the wrong one."""

    type: Literal["ReportAttributed"] = "ReportAttributed"
    report: ReportId
    round: MemberId


RelationEvent = (
    RelationOpened
    | ProcessStarted
    | FormatDecided
    | FormatDecisionReversed
    | ScopeExcluded
    | ObstacleNoted
    | AgrementGranted
    | EnvoyTookPost
    | NoCommentRecorded
    | ConcernNoted
    | EmphasisStated
    | PersonNamed
    | ReportAttributed
)
