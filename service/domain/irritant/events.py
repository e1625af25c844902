"""What can be said of an irritant. These models are on disk: see `assertion.py` for what may change and how."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import Actor, Assertion, Contract, Edtf, EventId, Keeping, Line, MemberId, Slug, Unit
from service.domain.ladder import Rung

Number = (
    Annotated[int, Field(ge=-(10**15), le=10**15)]
    | Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$")]
)
"""An integer or a decimal string, never a float: the chain of hashes admits none."""


class Extent(Contract):
    """How much of something countable is done: 37 of 47 prefectures."""

    done: Number
    of: Number
    unit: Unit


class Quantity(Contract):
    """How much a step is about: at least 1,750,000 acre-feet."""

    value: Number
    unit: Unit
    qualifier: Literal["exact", "at_least", "at_most", "about"] = "exact"


ResolutionExtent = Literal["full", "partial"]


class IrritantOpened(Keeping):
    """The record begins to track this irritant."""

    type: Literal["IrritantOpened"] = "IrritantOpened"
    title: Line
    category: Slug


class ConcernRaised(Assertion):
    """An actor names this as a problem."""

    type: Literal["ConcernRaised"] = "ConcernRaised"


class ProposalTabled(Assertion):
    """An actor puts forward the remedy it wants, to one side or to both."""

    type: Literal["ProposalTabled"] = "ProposalTabled"
    kind: Literal["offer", "request", "demand"]
    addressee: Actor
    terms: Line
    due: Edtf | None = None


class ProposalAnswered(Assertion):
    """A proposal is accepted, rejected, deferred, or met with a counter-proposal. Its addressees answer it."""

    type: Literal["ProposalAnswered"] = "ProposalAnswered"
    proposal: EventId
    answer: Literal["accepted", "rejected", "deferred", "countered"]


class DiscussionReported(Assertion):
    """The matter is said to be taken up between the sides."""

    type: Literal["DiscussionReported"] = "DiscussionReported"
    round: MemberId | None = None
    form: Literal["talks", "working_group", "road_map"]


class UnderstandingReported(Assertion):
    """The substance is said to be agreed, with no instrument between the sides."""

    type: Literal["UnderstandingReported"] = "UnderstandingReported"
    terms: Line
    valid_until: Edtf | None = None
    instrument: EventId | None = None


class InstrumentExchanged(Assertion):
    """What is agreed is said to be recorded in an instrument, such as an exchange of notes.

    `with`: the actors that it was exchanged with, where that is not the other side. `instrument`: the event that is an
    earlier account of the same text.
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
    """What is said to have become of an instrument. It counts for its asserter alone."""

    type: Literal["InstrumentStated"] = "InstrumentStated"
    instrument: EventId
    state: Literal["in_force", "suspended", "extended", "terminated", "expired"]
    valid_until: Edtf | None = None


class NextStepAgreed(Assertion):
    """A next step is said to be agreed, and who is to take it."""

    type: Literal["NextStepAgreed"] = "NextStepAgreed"
    step: Slug
    owner: Actor
    action: Line
    due: Edtf | None = None
    quantity: Quantity | None = None


class NextStepClosed(Assertion):
    """An agreed step was taken, ran out, or was given up."""

    type: Literal["NextStepClosed"] = "NextStepClosed"
    step: Slug
    outcome: Literal["done", "lapsed", "dropped"]


class ImplementationReported(Assertion):
    """At least one concrete act of carrying out what was agreed is said to be done."""

    type: Literal["ImplementationReported"] = "ImplementationReported"
    act: Line
    actor: Actor
    instrument: EventId | None = None
    extent: Extent | None = None


class ResolutionDeclared(Assertion):
    """The irritant is said to be settled, in full where nothing else is said, or in part."""

    type: Literal["ResolutionDeclared"] = "ResolutionDeclared"
    extent: ResolutionExtent | None = None
    covers: Line | None = None


class ProgressReversed(Assertion):
    """Its asserter goes back to the rung named; where `by` is the other side, it says so of that side too."""

    type: Literal["ProgressReversed"] = "ProgressReversed"
    to: Rung
    by: Actor
    reason: Line
    # Optional, although a reversal usually undoes something: what was undone may never have been on record.
    undoes: EventId | None = None


class BreachAlleged(Assertion):
    """A side says that the other does not keep what was agreed. No rung moves."""

    type: Literal["BreachAlleged"] = "BreachAlleged"
    target: EventId | None = None
    by: Actor
    reason: Line


class HoldPlaced(Assertion):
    """Work on the irritant is stalled or suspended; each side places and lifts its own hold."""

    type: Literal["HoldPlaced"] = "HoldPlaced"
    kind: Literal["stalled", "suspended"]
    by: Actor | None = None
    reason: Line


class HoldLifted(Assertion):
    """A side lifts the hold that it had placed."""

    type: Literal["HoldLifted"] = "HoldLifted"


class IrritantReopened(Assertion):
    """A settled irritant is taken up again by its asserter, at the rung named."""

    type: Literal["IrritantReopened"] = "IrritantReopened"
    to: Rung
    reason: Line


class IrritantWithdrawn(Assertion):
    """A side no longer pursues the irritant, or pursues it under another one."""

    type: Literal["IrritantWithdrawn"] = "IrritantWithdrawn"
    reason: Line
    merged_into: MemberId | None = None


class ItemAdded(Assertion):
    """One countable thing that the irritant is about, such as a building."""

    type: Literal["ItemAdded"] = "ItemAdded"
    item: Slug
    kind: Line
    name: Line
    place: Line


class ItemStatusChanged(Assertion):
    """One such thing is outstanding, partly settled or settled."""

    type: Literal["ItemStatusChanged"] = "ItemStatusChanged"
    item: Slug
    status: Literal["outstanding", "partly", "settled"]


class ReversibilityStated(Assertion):
    """The progress made is said to be reversible, or not."""

    type: Literal["ReversibilityStated"] = "ReversibilityStated"
    reversible: bool


class PositionStated(Assertion):
    """A side says how it stands towards the irritant."""

    type: Literal["PositionStated"] = "PositionStated"
    stance: Literal["priority", "open", "conditional", "red_line", "no_comment"]


class LinkageStated(Assertion):
    """This irritant is said to depend on another, to be settled with it, to be part of it, or to continue it."""

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
