"""What can be said of an irritant. These models are on disk: see `assertion.py` for what may change and how."""

from typing import Literal

from service.domain.assertion import Actor, Assertion, Edtf, EventId, Keeping, Line, MemberId, Slug
from service.domain.ladder import Rung


class IrritantOpened(Keeping):
    """The record begins to track this irritant."""

    type: Literal["IrritantOpened"] = "IrritantOpened"
    title: Line
    category: Slug


class ConcernRaised(Assertion):
    """Somebody names this as a problem."""

    type: Literal["ConcernRaised"] = "ConcernRaised"


class ProposalTabled(Assertion):
    """Somebody puts forward the remedy it wants, and to whom."""

    type: Literal["ProposalTabled"] = "ProposalTabled"
    kind: Literal["offer", "request", "demand"]
    addressee: Actor
    terms: Line


class ProposalAnswered(Assertion):
    """A proposal is accepted, rejected, deferred, or met with a counter-proposal."""

    type: Literal["ProposalAnswered"] = "ProposalAnswered"
    proposal: EventId
    answer: Literal["accepted", "rejected", "deferred", "countered"]


class DiscussionReported(Assertion):
    """The matter is said to be taken up between the sides."""

    type: Literal["DiscussionReported"] = "DiscussionReported"
    round: MemberId | None = None
    form: Literal["talks", "working_group", "road_map"]


class UnderstandingReported(Assertion):
    """The matter is said to be agreed in principle; no instrument is named."""

    type: Literal["UnderstandingReported"] = "UnderstandingReported"
    terms: Line


class InstrumentExchanged(Assertion):
    """What is agreed is said to be recorded in an instrument, such as an exchange of notes."""

    type: Literal["InstrumentExchanged"] = "InstrumentExchanged"
    kind: Literal["exchange_of_notes", "agreement", "joint_statement", "other"]


class NextStepAgreed(Assertion):
    """A next step is said to be agreed, and who is to take it."""

    type: Literal["NextStepAgreed"] = "NextStepAgreed"
    step: Slug
    owner: Actor
    action: Line
    due: Edtf | None = None


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


class ResolutionDeclared(Assertion):
    """The irritant is said to be settled."""

    type: Literal["ResolutionDeclared"] = "ResolutionDeclared"


class ProgressReversed(Assertion):
    """Progress is said to have been undone, down to the rung named."""

    type: Literal["ProgressReversed"] = "ProgressReversed"
    to: Rung
    by: Actor
    reason: Line
    # Optional, although a reversal usually undoes something: what was undone may never have been on record.
    undoes: EventId | None = None


class HoldPlaced(Assertion):
    """Work on the irritant is stalled or suspended; each side places and lifts its own hold."""

    type: Literal["HoldPlaced"] = "HoldPlaced"
    kind: Literal["stalled", "suspended"]
    by: Actor
    reason: Line


class HoldLifted(Assertion):
    """A side lifts the hold that it had placed."""

    type: Literal["HoldLifted"] = "HoldLifted"


class IrritantReopened(Assertion):
    """A settled or withdrawn irritant is taken up again, at the rung named."""

    type: Literal["IrritantReopened"] = "IrritantReopened"
    to: Rung
    reason: Line


class IrritantWithdrawn(Assertion):
    """The side that raised the irritant no longer pursues it, or pursues it under another one."""

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


IrritantEvent = (
    IrritantOpened
    | ConcernRaised
    | ProposalTabled
    | ProposalAnswered
    | DiscussionReported
    | UnderstandingReported
    | InstrumentExchanged
    | NextStepAgreed
    | NextStepClosed
    | ImplementationReported
    | ResolutionDeclared
    | ProgressReversed
    | HoldPlaced
    | HoldLifted
    | IrritantReopened
    | IrritantWithdrawn
    | ItemAdded
    | ItemStatusChanged
    | ReversibilityStated
    | PositionStated
)
