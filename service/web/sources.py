"""Sources, `/sources`: the cited documents, and which events cite each paragraph."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.limits import unknown_id
from service.api.parameters import AsOfQuery
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.relations import BOARD, RelationBoardQuery
from service.api.resources.sources import LIST, ONE, SourceQuery, SourcesQuery
from service.projections.board import BoardDocument
from service.projections.source import RestingDocument, SourceDocument
from service.web.limited import readable_relations, redirect_to_own_relation
from service.web.pages import PageRequest, Template, page_response

router: Final = APIRouter(include_in_schema=False)


class Paragraph(NamedTuple):
    """A paragraph of the document, and the events that cite it."""

    number: int
    citing: Sequence[RestingDocument]


@router.get("/sources")
async def sources(request: Request) -> Response:
    return await page_response(request, SourcesQuery, _sources)


def _sources(visit: PageRequest[SourcesQuery], snapshot: Snapshot) -> Template:
    redirect_to_own_relation(visit)
    page = snapshot.read(LIST, visit.query)
    listed = readable_relations(visit, snapshot) if visit.visitor.reads is not None else ()
    return Template("sources.html", {"sources": page.documents, "next": page.next, "relations": listed})


@router.get("/sources/{slug}")
async def source(request: Request) -> Response:
    return await page_response(request, AsOfQuery, _source)


def _source(visit: PageRequest[AsOfQuery], snapshot: Snapshot) -> Template:
    document = _readable_source(visit, snapshot)
    citing_here = [citing for citing in document.assertions if citing.evidence.source.document == document.id]
    relations = {assertion.stream.split("/")[1] for assertion in document.assertions}
    boards = [snapshot.read(BOARD, visit.at_point(RelationBoardQuery), relation=id) for id in sorted(relations)]
    values = {
        "source": document,
        "titles": _titles(boards),
        "paragraphs": _paragraphs(citing_here),
        "elsewhere": [citing for citing in document.assertions if citing not in citing_here],
    }
    return Template("source.html", values)


def _readable_source(visit: PageRequest[AsOfQuery], snapshot: Snapshot) -> SourceDocument:
    """Return the source. For a limited visitor, combine what the readable relations cite of it. Raises Problem."""
    reads = visit.visitor.reads
    if reads is None:
        return snapshot.read(ONE, visit.at_point(SourceQuery), **visit.path_parameters)
    parts = []
    for relation in reads:
        try:
            parts.append(snapshot.read(ONE, visit.at_point(SourceQuery, relation=relation), **visit.path_parameters))
        except Problem as problem:
            if problem.name != "not-found":
                raise
    if not parts:
        raise unknown_id(visit.visitor)
    origins = {origin.origin: origin for part in parts for origin in part.origins}
    combined = {
        "position": max(part.position for part in parts),
        "origins": tuple(origins.values()),
        "relays": tuple(sorted({relay for part in parts for relay in part.relays})),
        "assertions": tuple(sorted((a for part in parts for a in part.assertions), key=_position)),
    }
    return parts[0].model_copy(update=combined)


def _position(citing: RestingDocument) -> int:
    return citing.evidence.position


def _titles(boards: Iterable[BoardDocument]) -> dict[str, str]:
    """Return the titles of relations and irritants by id."""
    return {board.relation: board.title for board in boards} | {
        row.id: row.title for board in boards for row in board.items
    }


def _paragraphs(citing: Sequence[RestingDocument]) -> Sequence[Paragraph]:
    """Return the cited paragraphs in order, each with the events that cite it."""
    numbers = sorted({number for event in citing for number in event.evidence.source.paragraphs})
    return [Paragraph(n, [event for event in citing if n in event.evidence.source.paragraphs]) for n in numbers]
