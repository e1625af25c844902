"""Irritants: the list, one irritant, its dossier, its evidence and its timeline."""

from typing import Annotated, Final, Literal

from pydantic import Field

from service.api.etags import JSON
from service.api.parameters import AsOfQuery, Awaiting, RelationId, Whole
from service.api.resources import (
    FoundDocument,
    JsonDocument,
    PathParameters,
    Resource,
    Snapshot,
    as_json,
    found_at_position,
)
from service.api.resources.formats import exports
from service.api.resources.listing import Items, Listing, Paged, list_documents
from service.api.resources.states import (
    document_of_stream,
    member_of,
    of_relation,
    of_stream,
    reading_of,
    readings,
    relation_or_record,
)
from service.api.resources.timelines import TimelineQuery, timeline_of
from service.domain.history import StreamAtPoint
from service.domain.irritant.standing import Basis
from service.domain.irritant.state import Irritant
from service.domain.ladder import Rung
from service.domain.streams import parse_stream
from service.follower import RECORD
from service.follower.as_of import Point, cited_sources, histories, membership_of, with_dates_of_undated
from service.projections import assertions, dossier
from service.projections.assertions import EvidenceDocument
from service.projections.document import last_position
from service.projections.dossier import DossierDocument
from service.projections.formats import markdown, statements
from service.projections.irritant import IrritantDocument
from service.store import events


class IrritantsQuery(AsOfQuery, Paged):
    """Filters of the list of irritants."""

    relation: RelationId | None = None
    status: Annotated[Rung | None, Field(description="the claimed status")] = None
    basis: Annotated[Basis | None, Field(description="who supports the claimed status")] = None
    lifecycle: Annotated[
        Literal["open", "resolved", "withdrawn"] | None, Field(description="whether the irritant is still open")
    ] = None
    awaiting: Awaiting | None = None
    changed_after: Annotated[Whole, Field(description="only irritants with an event after this position")] = 0


def _list(snapshot: Snapshot, _names: PathParameters, query: IrritantsQuery) -> FoundDocument[Items[IrritantDocument]]:
    """List irritants, by id.

    A list at an earlier point is filtered by the state of each irritant at that point.
    """
    facets = query.model_dump(include={"status", "basis", "lifecycle", "awaiting"}, exclude_none=True)
    return list_documents(
        snapshot, query, "irritant", relation=query.relation, facets=facets, changed_after=query.changed_after
    )


def _one(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[JsonDocument[IrritantDocument]]:
    """Read one irritant: its status, who says so, what both sides confirm, and which side is to act."""
    return document_of_stream(snapshot, names, query, "irritant")


def _dossier(snapshot: Snapshot, names: PathParameters, query: TimelineQuery) -> FoundDocument[DossierDocument]:
    """Read the dossier of an irritant: timeline, positions of the sides, next steps, instruments, items, evidence.

    The timeline is paged. To continue, send `timeline.next` as `after`. `Accept` chooses between JSON, Markdown, Word
    and a table of the statements in CSV. These have no timeline. A reading of the past says so.
    """
    stream, read = f"irritant/{member_of(names)}", readings(snapshot, names, query)
    reading = next((reading for reading in read["irritants"] if reading.stream == stream), None)
    if reading is None:
        snapshot.raise_not_found()
    point = snapshot.point_in_log(query)
    linked = _linked(snapshot, point, reading)
    stated = (event for one in (reading, *linked) for event in one.events)
    document = dossier.view(
        reading,
        members=membership_of(snapshot.c, read, point.position),
        linked=linked,
        sources=cited_sources(snapshot.c, stated, point),
        position=last_position(read["relation"], *read["rounds"]),
        after=query.after,
        limit=query.limit,
    )
    return found_at_position(document, dossier.REPRESENTATION)


def _linked(snapshot: Snapshot, point: Point, reading: StreamAtPoint[Irritant]) -> list[StreamAtPoint[Irritant]]:
    """Return the irritants, of any relation that the reader may read, that a linkage connects with this one."""
    own = {f"irritant/{linkage.data.with_}" for linkage in reading.state.linkages}
    linking = events.streams_linked_with(snapshot.c, reading.stream.removeprefix("irritant/"), point.position)
    readable = [
        name for name in {*own, *linking} if (of := parse_stream(name)) and snapshot.reader.may_read(of.relation)
    ]
    known = histories(snapshot.c, readable, point.position)
    point = with_dates_of_undated(snapshot.c, point, known.values())
    found = [point.reading(history) for history in known.values()]
    snapshot.used.extend(other.position for other in found)
    return found


def _evidence(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[EvidenceDocument]:
    """Read the assertions about an irritant, each with its documents, its origins and its speakers."""
    return found_at_position(assertions.view(reading_of(snapshot, names, query, "irritant")), assertions.REPRESENTATION)


DOSSIER: Final = Resource(
    "/v1/irritants/{relation}/{slug}/dossier",
    TimelineQuery,
    _dossier,
    # Its steps and its timeline name the rounds of the relation. Any irritant of any relation can be linked with it.
    topics=lambda *_: (RECORD,),
    shape=DossierDocument,
    bodies={JSON: as_json, **exports(markdown.dossier, statements.of_dossier)},
    wakes=of_relation,
)
RESOURCES: Final = (
    Resource(
        "/v1/irritants",
        IrritantsQuery,
        _list,
        topics=lambda _names, query: relation_or_record(query.relation),
        shape=Listing[IrritantDocument],
        needs_one_transaction=True,
    ),
    Resource("/v1/irritants/{relation}/{slug}", AsOfQuery, _one, topics=of_stream("irritant"), shape=IrritantDocument),
    DOSSIER,
    Resource(
        "/v1/irritants/{relation}/{slug}/evidence",
        AsOfQuery,
        _evidence,
        topics=of_stream("irritant"),
        shape=EvidenceDocument,
    ),
    timeline_of("irritant", "/v1/irritants/{relation}/{slug}"),
)
