"""Irritants: the list, one irritant, its dossier, its evidence and its timeline."""

from typing import Annotated, Final, Literal

from pydantic import Field

from service.api.parameters import At, RelationId, Whole, valid
from service.api.resources import Found, Names, Resource, Snapshot, Stored, found
from service.api.resources.listing import Items, Listing, Paged, list_documents
from service.api.resources.states import of_stream, one_of, reading_of, relation_or_record
from service.api.resources.timelines import TimelineQuery, timeline_of
from service.domain.countries import ALPHA_2
from service.domain.irritant.standing import Basis
from service.domain.ladder import Rung
from service.follower.as_of import rounds_of_reports
from service.projections import assertions, dossier
from service.projections.assertions import EvidenceDocument
from service.projections.dossier import DossierDocument
from service.projections.irritant import IrritantDocument

_AWAITED: Final = {*ALPHA_2, "both", "none"}


class IrritantsQuery(At, Paged):
    """Filters of the list of irritants."""

    relation: RelationId | None = None
    status: Annotated[Rung | None, Field(description="the claimed status")] = None
    basis: Annotated[Basis | None, Field(description="who supports the claimed status")] = None
    lifecycle: Annotated[
        Literal["open", "resolved", "withdrawn"] | None, Field(description="whether the irritant is still open")
    ] = None
    awaiting: Annotated[
        str | None,
        valid(_AWAITED.__contains__, "must be the code of a country, such as US, or both, or none"),
        Field(description="the side that is to act: the code of a country, `both` or `none`"),
    ] = None
    changed_after: Annotated[Whole, Field(description="only irritants with an event after this position")] = 0


def _list(snapshot: Snapshot, _names: Names, query: IrritantsQuery) -> Found[Items[IrritantDocument]]:
    """List irritants, by id.

    A list at an earlier point is filtered by the state of each irritant at that point.
    """
    facets = query.model_dump(include={"status", "basis", "lifecycle", "awaiting"}, exclude_none=True)
    return list_documents(
        snapshot, query, "irritant", relation=query.relation, facets=facets, changed_after=query.changed_after
    )


def _one(snapshot: Snapshot, names: Names, query: At) -> Found[Stored[IrritantDocument]]:
    """Read one irritant: its status, who says so, what both sides confirm, and which side is to act."""
    return one_of(snapshot, names, query, "irritant")


def _dossier(snapshot: Snapshot, names: Names, query: TimelineQuery) -> Found[DossierDocument]:
    """Read the dossier of an irritant: timeline, positions of the sides, next steps, instruments, items, evidence.

    The timeline is paged. To continue, send `timeline.next` as `after`.
    """
    point = snapshot.point_in_log(query)
    round_of = rounds_of_reports(snapshot.c, names["relation"], point.position)
    reading = reading_of(snapshot, names, query, "irritant")
    document = dossier.view(reading, round_of=round_of, after=query.after, limit=query.limit)
    return found(document, dossier.REPRESENTATION)


def _evidence(snapshot: Snapshot, names: Names, query: At) -> Found[EvidenceDocument]:
    """Read the assertions about an irritant, each with its documents, its origins and its speakers."""
    return found(assertions.view(reading_of(snapshot, names, query, "irritant")), assertions.REPRESENTATION)


DOSSIER: Final = Resource(
    "/v1/irritants/{relation}/{slug}/dossier", TimelineQuery, _dossier, of_stream("irritant"), shape=DossierDocument
)
RESOURCES: Final = (
    Resource(
        "/v1/irritants",
        IrritantsQuery,
        _list,
        lambda _, query: relation_or_record(query.relation),
        shape=Listing[IrritantDocument],
        is_snapshot=True,
    ),
    Resource("/v1/irritants/{relation}/{slug}", At, _one, of_stream("irritant"), shape=IrritantDocument),
    DOSSIER,
    Resource("/v1/irritants/{relation}/{slug}/evidence", At, _evidence, of_stream("irritant"), shape=EvidenceDocument),
    timeline_of("irritant", "/v1/irritants/{relation}/{slug}"),
)
