"""Define the event types that streams of irritants take.

These models are stored: see `assertion.py` for what may change. Forms and the OpenAPI document show the docstring of
each class to people, as the purpose of the type.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import (
    Actor,
    Assertion,
    Edtf,
    EventId,
    EventModel,
    Line,
    MemberId,
    RecordKeeping,
    Slug,
    Unit,
)
from service.domain.ladder import Rung

Number = (
    Annotated[int, Field(ge=-(10**15), le=10**15)]
    | Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$")]
)
"""An integer, or a decimal in a string such as "12.5". Never a float, because the hash chain allows no floats."""


class Extent(EventModel):
    """How many acts of a countable number are done, such as 37 of 47 prefectures."""

    done: Number
    of: Number
    unit: Unit


class Quantity(EventModel):
    """The amount that a next step is about, such as at least 1,750,000 acre-feet."""

    value: Number
    unit: Unit
    qualifier: Literal["exact", "at_least", "at_most", "about"] = "exact"


ResolutionExtent = Literal["full", "partial"]


class IrritantOpened(RecordKeeping):
    """Begin to track an irritant. This is the first event of its stream."""

    type: Literal["IrritantOpened"] = "IrritantOpened"
    title: Line
    category: Slug


class ConcernRaised(Assertion):
    """An actor names the irritant as a problem."""

    type: Literal["ConcernRaised"] = "ConcernRaised"


class ProposalTabled(Assertion):
    """An actor proposes a remedy to one side or to both: an offer, a request or a demand."""

    type: Literal["ProposalTabled"] = "ProposalTabled"
    kind: Literal["offer", "request", "demand"]
    addressee: Actor
    terms: Line
    due: Edtf | None = None


class ProposalAnswered(Assertion):
    """The addressee of a proposal accepts it, rejects it, defers it, or makes a counter-proposal."""

    type: Literal["ProposalAnswered"] = "ProposalAnswered"
    proposal: EventId
    answer: Literal["accepted", "rejected", "deferred", "countered"]


class DiscussionReported(Assertion):
    """An actor says that the two sides discuss the irritant, in talks, in a working group or by a road map."""

    type: Literal["DiscussionReported"] = "DiscussionReported"
    round: MemberId | None = None
    form: Literal["talks", "working_group", "road_map"]


class UnderstandingReported(Assertion):
    """An actor says that the sides agree on the substance, and that no instrument records it yet."""

    type: Literal["UnderstandingReported"] = "UnderstandingReported"
    terms: Line
    valid_until: Edtf | None = None
    instrument: EventId | None = None


class InstrumentExchanged(Assertion):
    """An actor says that an instrument records the agreement, such as an exchange of notes.

    `with`: the actors that it was exchanged with, if not the other side. `instrument`: an earlier event on the same
    instrument.
    """

    type: Literal["InstrumentExchanged"] = "InstrumentExchanged"
    kind: Literal["exchange_of_notes", "agreement", "joint_statement", "decision", "other"]
    title: Line | None = None
    reference: Line | None = None
    with_: Annotated[tuple[Actor, ...], Field(strict=False, min_length=1, max_length=20)] | None = Field(
        default=None, alias="with"
    )
    in_force_from: Edtf | None = None
    valid_until: Edtf | None = None
    instrument: EventId | None = None


class InstrumentStated(Assertion):
    """An actor says that an instrument is in force, suspended, extended, terminated or expired.

    It counts for its asserter alone.
    """

    type: Literal["InstrumentStated"] = "InstrumentStated"
    instrument: EventId
    state: Literal["in_force", "suspended", "extended", "terminated", "expired"]
    valid_until: Edtf | None = None


class NextStepAgreed(Assertion):
    """An actor says that a next step was agreed, and who is to take it."""

    type: Literal["NextStepAgreed"] = "NextStepAgreed"
    step: Slug
    owner: Actor
    action: Line
    due: Edtf | None = None
    quantity: Quantity | None = None


class NextStepClosed(Assertion):
    """An actor says that an agreed step was done, lapsed or was dropped."""

    type: Literal["NextStepClosed"] = "NextStepClosed"
    step: Slug
    outcome: Literal["done", "lapsed", "dropped"]


class ImplementationReported(Assertion):
    """An actor reports that a concrete act of the agreement was carried out."""

    type: Literal["ImplementationReported"] = "ImplementationReported"
    act: Line
    actor: Actor
    instrument: EventId | None = None
    extent: Extent | None = None


class ResolutionDeclared(Assertion):
    """An actor says that the irritant is settled, in full (the default) or in part."""

    type: Literal["ResolutionDeclared"] = "ResolutionDeclared"
    extent: ResolutionExtent | None = None
    covers: Line | None = None


class ProgressReversed(Assertion):
    """An actor goes back to a lower rung. `by`: the side that caused it."""

    type: Literal["ProgressReversed"] = "ProgressReversed"
    to: Rung
    by: Actor
    reason: Line
    # Optional, because the event that a reversal undoes may not be on record.
    undoes: EventId | None = None


class BreachAlleged(Assertion):
    """A side says that the other side does not keep the agreement. No rung moves."""

    type: Literal["BreachAlleged"] = "BreachAlleged"
    target: EventId | None = None
    by: Actor
    reason: Line


class HoldPlaced(Assertion):
    """A side stalls or suspends the talks on the irritant. Each side places and lifts its own hold."""

    type: Literal["HoldPlaced"] = "HoldPlaced"
    kind: Literal["stalled", "suspended"]
    by: Actor | None = None
    reason: Line


class HoldLifted(Assertion):
    """A side lifts its hold."""

    type: Literal["HoldLifted"] = "HoldLifted"


class IrritantReopened(Assertion):
    """A side takes up a settled irritant again, at a lower rung."""

    type: Literal["IrritantReopened"] = "IrritantReopened"
    to: Rung
    reason: Line


class IrritantWithdrawn(Assertion):
    """A side no longer pursues the irritant, or pursues it as part of another irritant."""

    type: Literal["IrritantWithdrawn"] = "IrritantWithdrawn"
    reason: Line
    merged_into: MemberId | None = None


class ItemAdded(Assertion):
    """An actor names one countable thing that the irritant is about, such as a building."""

    type: Literal["ItemAdded"] = "ItemAdded"
    item: Slug
    kind: Line
    name: Line
    place: Line


class ItemStatusChanged(Assertion):
    """An actor says that an item is outstanding, partly settled or settled."""

    type: Literal["ItemStatusChanged"] = "ItemStatusChanged"
    item: Slug
    status: Literal["outstanding", "partly", "settled"]


class ReversibilityStated(Assertion):
    """An actor says whether the progress can be reversed."""

    type: Literal["ReversibilityStated"] = "ReversibilityStated"
    reversible: bool


class PositionStated(Assertion):
    """A side states its attitude to the irritant, such as a priority, a red line or no comment."""

    type: Literal["PositionStated"] = "PositionStated"
    stance: Literal["priority", "open", "conditional", "red_line", "no_comment"]


class LinkageStated(Assertion):
    """An actor links the irritant to another: as a condition, a package, a part or a continuation."""

    type: Literal["LinkageStated"] = "LinkageStated"
    with_: MemberId = Field(alias="with")
    kind: Literal["conditional_on", "package", "part_of", "continues"]


IrritantEvent = (
    IrritantOpened
    | ConcernRaised
    | ProposalTabled
    | ProposalAnswered
    | DiscussionReported
    | UnderstandingReported
    | InstrumentExchanged
    | InstrumentStated
    | NextStepAgreed
    | NextStepClosed
    | ImplementationReported
    | ResolutionDeclared
    | ProgressReversed
    | BreachAlleged
    | HoldPlaced
    | HoldLifted
    | IrritantReopened
    | IrritantWithdrawn
    | ItemAdded
    | ItemStatusChanged
    | ReversibilityStated
    | PositionStated
    | LinkageStated
)
