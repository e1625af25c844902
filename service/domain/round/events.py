"""What can be said of a round. These models are on disk: see `assertion.py` for what may change and how."""

from typing import Annotated, Literal

from pydantic import Field

from service.domain.assertion import Actor, Assertion, Edtf, Line, Party


class RoundAnnounced(Assertion):
    """A next round is said to come; place and timing only as far as they are said."""

    type: Literal["RoundAnnounced"] = "RoundAnnounced"
    place: Line | None = None
    timing: Line | None = None
    preliminary: bool


class RoundScheduled(Assertion):
    """A date and a place are set."""

    type: Literal["RoundScheduled"] = "RoundScheduled"
    date: Edtf
    place: Line


class RoundPostponed(Assertion):
    """The round is put off."""

    type: Literal["RoundPostponed"] = "RoundPostponed"


class RoundRelocated(Assertion):
    """The round is moved to another place."""

    type: Literal["RoundRelocated"] = "RoundRelocated"
    place: Line


class RoundCancelled(Assertion):
    """The round is called off."""

    type: Literal["RoundCancelled"] = "RoundCancelled"


class RoundConvened(Assertion):
    """The delegations met."""

    type: Literal["RoundConvened"] = "RoundConvened"
    place: Line


class RoundVenueNamed(Assertion):
    """The house in which the delegations met, and whose it is."""

    type: Literal["RoundVenueNamed"] = "RoundVenueNamed"
    venue: Line
    host: Actor | None = None


class DelegationHeadNamed(Assertion):
    """Who leads, or led, a delegation, in the role that the text gives."""

    type: Literal["DelegationHeadNamed"] = "DelegationHeadNamed"
    party: Party
    person: Line
    role: Line


class RoundCharacterised(Assertion):
    """How a side describes the round."""

    type: Literal["RoundCharacterised"] = "RoundCharacterised"


class RoundConcluded(Assertion):
    """The round ended; how long it lasted as far as that is said, in whole hours."""

    type: Literal["RoundConcluded"] = "RoundConcluded"
    # Whole, because the hash chain admits no floating-point numbers; `qualifier` says what rounding left out.
    hours: Annotated[int, Field(ge=0, le=10_000)] | None = None
    qualifier: Literal["exact", "at_least", "about"]


class RoundTitled(Assertion):
    """What the round is called, where it has a name of its own."""

    type: Literal["RoundTitled"] = "RoundTitled"
    title: Line


RoundEvent = (
    RoundAnnounced
    | RoundScheduled
    | RoundPostponed
    | RoundRelocated
    | RoundCancelled
    | RoundConvened
    | RoundVenueNamed
    | DelegationHeadNamed
    | RoundCharacterised
    | RoundConcluded
    | RoundTitled
)
