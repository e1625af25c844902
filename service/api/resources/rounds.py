"""Rounds: the list, one round, its evidence, its timeline and its sheet."""

from html import escape
from typing import Final

from service.api.etags import JSON
from service.api.parameters import AsOfQuery, RelationId
from service.api.resources import (
    FoundDocument,
    JsonDocument,
    PathParameters,
    Presentation,
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
    of_stream,
    reading_of,
    readings,
    relation_or_record,
)
from service.api.resources.timelines import timeline_of
from service.follower import RECORD
from service.follower.as_of import cited_sources, membership_of
from service.projections import assertions, sheet
from service.projections.assertions import EvidenceDocument
from service.projections.formats import markdown, statements
from service.projections.round import RoundDocument
from service.projections.sheet import SheetDocument

HTML: Final = "text/html; charset=utf-8"


class RoundsQuery(AsOfQuery, Paged):
    """Filters of the list of rounds."""

    relation: RelationId | None = None


def _list(snapshot: Snapshot, _names: PathParameters, query: RoundsQuery) -> FoundDocument[Items[RoundDocument]]:
    """List rounds, by id."""
    return list_documents(snapshot, query, "round", relation=query.relation)


def _one(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[JsonDocument[RoundDocument]]:
    """Read one round: its phase and who reports it, the place, the dates, the heads of delegation and the wording."""
    return document_of_stream(snapshot, names, query, "round")


def _evidence(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[EvidenceDocument]:
    """Read the assertions about a round, each with its documents, its origins and its speakers."""
    return found_at_position(assertions.view(reading_of(snapshot, names, query, "round")), assertions.REPRESENTATION)


def _sheet(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[SheetDocument]:
    """Read the sheet of a round: for each irritant the status before and after, who says so, and what is missing.

    An irritant can lack corroboration by a second origin, or a statement of a silent side. `Accept` chooses between
    JSON, Markdown, HTML, Word and a table of the statements in CSV. A reading of the past says so.
    """
    c, point, stream = snapshot.c, snapshot.point_in_log(query), f"round/{member_of(names)}"
    read = readings(snapshot, names, query)
    round = next((reading for reading in read["rounds"] if reading.stream == stream), None)
    if round is None:
        snapshot.raise_not_found()
    on_irritants = (event for reading in read["irritants"] for event in reading.events)
    document = sheet.view(
        round=round,
        irritants=read["irritants"],
        relation=read["relation"],
        members=membership_of(c, read, point.position),
        sources=cited_sources(c, [*round.events, *read["relation"].events, *on_irritants], point),
    )
    return found_at_position(document, sheet.REPRESENTATION)


def _html(document: SheetDocument, shown: Presentation) -> bytes:
    """Return the sheet as plain HTML. `web` replaces this function by its page."""
    text, title = escape(markdown.markdown(document, shown.reading)), escape(document.round.name)
    return f'<!doctype html>\n<html lang="en"><title>{title}</title><pre>{text}</pre></html>\n'.encode()


LIST: Final = Resource(
    "/v1/rounds",
    RoundsQuery,
    _list,
    topics=lambda _names, query: relation_or_record(query.relation),
    shape=Listing[RoundDocument],
    needs_one_transaction=True,
)
SHEET: Final = Resource(
    "/v1/rounds/{relation}/{slug}/sheet",
    AsOfQuery,
    _sheet,
    # The sheet names the publishers of sources. A source has no relation, so its corrections touch only this topic.
    topics=lambda *_: (RECORD,),
    shape=SheetDocument,
    bodies={JSON: as_json, **exports(markdown.markdown, statements.of_sheet), HTML: _html},
)
TIMELINE: Final = timeline_of("round", "/v1/rounds/{relation}/{slug}")
RESOURCES: Final = (
    LIST,
    Resource("/v1/rounds/{relation}/{slug}", AsOfQuery, _one, topics=of_stream("round"), shape=RoundDocument),
    Resource(
        "/v1/rounds/{relation}/{slug}/evidence", AsOfQuery, _evidence, topics=of_stream("round"), shape=EvidenceDocument
    ),
    TIMELINE,
    SHEET,
)
