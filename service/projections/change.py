"""One change of one irritant's reading: before, after, and why. What `/v1/changes` lists and a preview shows."""

from typing import Final, Literal

from service.domain.history import Reason
from service.domain.irritant.standing import Basis
from service.domain.irritant.state import Hold, Irritant, Lifecycle, Trend
from service.domain.ladder import Rung
from service.projections.document import Document
from service.projections.irritant import DisputeDocument, IrritantDocument, Items, fields_of, with_headline

NAME: Final = "change"
REPRESENTATION: Final = 2


class StandingDocument(Document):
    """How an irritant reads, without where it stands on record: small, for it is kept for every change."""

    title: str
    headline: str
    status: Rung
    confirmed_status: Rung
    reported_status: Rung
    basis: Basis
    origins: int
    lifecycle: Lifecycle
    hold: Hold
    trend: Trend
    regressions: int
    reversible: Literal["true", "false", "unknown"]
    awaiting: str
    items: Items
    disputes: tuple[DisputeDocument, ...]
    rungs: dict[str, Rung]


class ChangeDocument(Document):
    """`before` is null for an irritant that was not on record; `events` are the ids of those that changed it.

    `reason`: the world moved · we learned of something older or of a further voice · the record was corrected ·
    something was struck from it.
    """

    position: int
    irritant: str
    reason: Reason
    before: StandingDocument | None
    after: StandingDocument
    events: tuple[str, ...]


_SHARED: Final = StandingDocument.model_fields.keys() - {"rungs"}


def standing_of(document: IrritantDocument) -> StandingDocument:
    """The part of an irritant's document that a change compares."""
    fields = vars(document)
    shared = {name: fields[name] for name in _SHARED}
    return StandingDocument(rungs={party: side.rung for party, side in document.parties.items()}, **shared)


def standing_in(state: Irritant) -> StandingDocument:
    """The same from a state, where the rest of the document is not wanted."""
    return standing_of(with_headline(fields_of(state)))
