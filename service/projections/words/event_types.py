"""The name of each type of event in words: one table for pages and the command line.

In the database and in JSON a type keeps its own name, such as `ItemStatusChanged`.
"""

from collections.abc import Mapping
from typing import Final

_NAMES: Final[Mapping[str, str]] = {
    "ActorRegistered": "Organisation registered",
    "IrritantOpened": "Irritant opened",
    "ConcernRaised": "Concern raised",
    "ProposalTabled": "Proposal tabled",
    "ProposalAnswered": "Proposal answered",
    "DiscussionReported": "Discussion reported",
    "UnderstandingReported": "Understanding reported",
    "InstrumentExchanged": "Instrument exchanged",
    "InstrumentStated": "State of an instrument",
    "NextStepAgreed": "Next step agreed",
    "NextStepClosed": "Next step closed",
    "ImplementationReported": "Implementation reported",
    "ResolutionDeclared": "Resolution declared",
    "ProgressReversed": "Progress reversed",
    "BreachAlleged": "Breach alleged",
    "HoldPlaced": "Hold placed",
    "HoldLifted": "Hold lifted",
    "IrritantReopened": "Irritant reopened",
    "IrritantWithdrawn": "Irritant withdrawn",
    "ItemAdded": "Item added",
    "ItemStatusChanged": "Item status changed",
    "ReversibilityStated": "Reversibility stated",
    "PositionStated": "Position stated",
    "LinkageStated": "Linked with another irritant",
    "RoundAnnounced": "Round announced",
    "RoundScheduled": "Round scheduled",
    "RoundPostponed": "Round postponed",
    "RoundRelocated": "Round relocated",
    "RoundCancelled": "Round cancelled",
    "RoundConvened": "Round convened",
    "RoundVenueNamed": "Venue named",
    "DelegationHeadNamed": "Head of delegation named",
    "RoundCharacterised": "Round characterised",
    "RoundConcluded": "Round concluded",
    "RoundTitled": "Round titled",
    "RelationOpened": "Relation opened",
    "ProcessStarted": "Talks started",
    "FormatDecided": "Format decided",
    "FormatDecisionReversed": "Decision on the format reversed",
    "ScopeExcluded": "Subject excluded",
    "ObstacleNoted": "Obstacle noted",
    "AgrementGranted": "Agrément granted",
    "EnvoyTookPost": "Envoy took up the post",
    "NoCommentRecorded": "No comment",
    "ConcernNoted": "Other concern",
    "EmphasisStated": "Emphasis stated",
    "PersonNamed": "Person named",
    "ReportAttributed": "Report attributed to a round",
    "SourceRegistered": "Document registered",
    "OriginRegistered": "Statement registered",
    "EvidenceAdded": "Further evidence",
    "ClaimContested": "Claim denied",
    "AssertionCorrected": "Correction",
    "AssertionRetracted": "Retraction",
    "HandlingChanged": "Handling label changed",
}


def event_name(type: str) -> str:
    """Return the name of a type, such as `Round convened`. Return a type that this release does not know as it is."""
    return _NAMES.get(type, type)
