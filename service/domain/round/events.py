"""Define the event types that streams of rounds take.

These models are stored: see `assertion.py` for what may change. Forms and the OpenAPI document show the docstring of
each class to people, as the purpose of the type.
"""

from typing import Annotated, Literal

from pydantic import Field

from service.domain.assertion import Actor, Assertion, Edtf, Line, Party


class RoundAnnounced(Assertion):
    """An actor announces a round. Place and timing are optional."""

    type: Literal["RoundAnnounced"] = "RoundAnnounced"
    place: Line | None = None
    timing: Line | None = None
    preliminary: bool


class RoundScheduled(Assertion):
    """An actor names the date and the place of a coming round."""

    type: Literal["RoundScheduled"] = "RoundScheduled"
    date: Edtf
    place: Line


class RoundPostponed(Assertion):
    """An actor says that the round is postponed."""

    type: Literal["RoundPostponed"] = "RoundPostponed"


class RoundRelocated(Assertion):
    """An actor says that the round is moved to another place."""

    type: Literal["RoundRelocated"] = "RoundRelocated"
    place: Line


class RoundCancelled(Assertion):
    """An actor says that the round is cancelled."""

    type: Literal["RoundCancelled"] = "RoundCancelled"


class RoundConvened(Assertion):
    """An actor says that the delegations met."""

    type: Literal["RoundConvened"] = "RoundConvened"
    place: Line


class RoundVenueNamed(Assertion):
    """An actor names the building of the round, and its host."""

    type: Literal["RoundVenueNamed"] = "RoundVenueNamed"
    venue: Line
    host: Actor | None = None


class DelegationHeadNamed(Assertion):
    """An actor names the head of a delegation, with the role that the source gives."""

    type: Literal["DelegationHeadNamed"] = "DelegationHeadNamed"
    party: Party
    person: Line
    role: Line


class RoundCharacterised(Assertion):
    """An actor describes the round, for example as constructive."""

    type: Literal["RoundCharacterised"] = "RoundCharacterised"


class RoundConcluded(Assertion):
    """An actor says that the round ended, and perhaps how many whole hours it lasted."""

    type: Literal["RoundConcluded"] = "RoundConcluded"
    # Whole hours, because the hash chain allows no floats. `qualifier` says whether they are rounded.
    hours: Annotated[int, Field(ge=0, le=10_000)] | None = None
    qualifier: Literal["exact", "at_least", "about"]


class RoundTitled(Assertion):
    """An actor gives the round a name, such as "third round on visas"."""

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
