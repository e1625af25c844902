"""What can be said of the talks as a whole. On disk: see `assertion.py` for what may change and how."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import Assertion, Keeping, Line, MemberId, Party, Slug

ReportId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class RelationOpened(Keeping):
    """The record begins to track the talks of these two states."""

    type: Literal["RelationOpened"] = "RelationOpened"
    parties: Annotated[tuple[Party, ...], Field(strict=False, min_length=2, max_length=2)]
    title: Line


class ProcessStarted(Assertion):
    """The talks are said to stem from this."""

    type: Literal["ProcessStarted"] = "ProcessStarted"


class FormatDecided(Assertion):
    """How and where the talks are held is decided, or provisionally decided."""

    type: Literal["FormatDecided"] = "FormatDecided"
    format: Line
    preliminary: bool
    reversible: bool


class FormatDecisionReversed(Assertion):
    """The decision on the format is undone."""

    type: Literal["FormatDecisionReversed"] = "FormatDecisionReversed"


class ScopeExcluded(Assertion):
    """A subject is said to lie outside the talks. Counted by subject."""

    type: Literal["ScopeExcluded"] = "ScopeExcluded"
    subject: Slug


class ObstacleNoted(Assertion):
    """Something is said to stand in the way."""

    type: Literal["ObstacleNoted"] = "ObstacleNoted"
    obstacle: Line


class AgrementGranted(Assertion):
    """The receiving state accepts a person as head of mission."""

    type: Literal["AgrementGranted"] = "AgrementGranted"
    person: Line
    post: Line


class EnvoyTookPost(Assertion):
    """An envoy took up the post."""

    type: Literal["EnvoyTookPost"] = "EnvoyTookPost"
    person: Line
    post: Line


class NoCommentRecorded(Assertion):
    """These organs are said not to have commented on this."""

    type: Literal["NoCommentRecorded"] = "NoCommentRecorded"
    organs: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=50)]
    about: Line


class ConcernNoted(Assertion):
    """A concern about the relation that is tracked by no irritant of its own."""

    type: Literal["ConcernNoted"] = "ConcernNoted"
    subject: Slug


class EmphasisStated(Assertion):
    """What somebody says that the talks are about, or where they stand."""

    type: Literal["EmphasisStated"] = "EmphasisStated"


class PersonNamed(Keeping):
    """A person, with every spelling of the name in the documents and the role as stated there."""

    type: Literal["PersonNamed"] = "PersonNamed"
    person: Slug
    names: Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=50)]
    role: Line


class ReportAttributed(Keeping):
    """A report belongs to this round; it was filed without one, or with another."""

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
