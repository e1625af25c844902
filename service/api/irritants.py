"""Irritants: the list, each one, its dossier and its evidence."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import Listing, Paged, list_documents
from service.api.parameters import At, RelationId, Whole
from service.api.resource import Read, Resource
from service.api.routes import routes
from service.api.states import of_stream, one_of, point_of, reading_of, relation_or_record, shown
from service.api.timelines import TimelineQuery, timeline_of
from service.domain.countries import ALPHA_2
from service.domain.irritant.standing import Basis
from service.domain.ladder import Rung
from service.follower.readings import rounds_of_reports
from service.projections import assertions, dossier
from service.projections.assertions import EvidenceDocument
from service.projections.dossier import DossierDocument
from service.projections.irritant import IrritantDocument

_NOBODY: Final = ("both", "none")


def _awaited(text: str) -> str:
    if text not in ALPHA_2 and text not in _NOBODY:
        raise PydanticCustomError("awaiting", "is a party's code, both or none")
    return text


class IrritantsQuery(At, Paged):
    """Which irritants."""

    relation: RelationId | None = None
    status: Annotated[Rung | None, Field(description="the claimed status")] = None
    basis: Basis | None = None
    lifecycle: Literal["open", "resolved", "withdrawn"] | None = None
    awaiting: Annotated[str | None, BeforeValidator(_awaited), Field(description="a party's code, both or none")] = None
    changed_after: Annotated[Whole, Field(description="only those that an event after this position is about")] = 0


def _list(c: Connection, read: Read[IrritantsQuery]) -> Page:
    """Irritants.

    By id. A list in the past, or by the world's clock, is filtered by what each irritant was then.
    """
    query = read.query
    facets = query.model_dump(include={"status", "basis", "lifecycle", "awaiting"}, exclude_none=True)
    return list_documents(
        c, read, "irritant", relation=query.relation, facets=facets, changed_after=query.changed_after
    )


def _one(c: Connection, read: Read[At]) -> Page:
    """One irritant: where it stands, who stands behind it, what both confirm, whose move it is."""
    return one_of(c, read, "irritant")


def _dossier(c: Connection, read: Read[TimelineQuery]) -> Page:
    """One irritant in full: timeline, one column for each side, next steps, instruments, items, evidence.

    The timeline is paged: `timeline.next` is what to ask for `after`.
    """
    query, point = read.query, point_of(c, read)
    round_of = rounds_of_reports(c, read.path["relation"], point.position)
    reading = reading_of(c, read, "irritant", point)
    document = dossier.view(reading, round_of=round_of, after=query.after, limit=query.limit)
    return shown(read, document, dossier.REPRESENTATION)


def _evidence(c: Connection, read: Read[At]) -> Page:
    """What was asserted of an irritant, and what each assertion rests on: documents, utterances, who."""
    return shown(read, assertions.view(reading_of(c, read, "irritant", point_of(c, read))), assertions.REPRESENTATION)


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
    Resource(
        "/v1/irritants/{relation}/{slug}/dossier", TimelineQuery, _dossier, of_stream("irritant"), shape=DossierDocument
    ),
    Resource("/v1/irritants/{relation}/{slug}/evidence", At, _evidence, of_stream("irritant"), shape=EvidenceDocument),
    timeline_of("irritant", "/v1/irritants/{relation}/{slug}"),
)
router = routes(RESOURCES, "irritants")
