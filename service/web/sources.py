"""Sources, `/sources`: the cited documents, and which events cite each paragraph."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.limits import not_within
from service.api.parameters import At
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.relations import BOARD
from service.api.resources.sources import LIST, ONE, SourceQuery, SourcesQuery
from service.projections.board import BoardDocument
from service.projections.source import RestingDocument, SourceDocument
from service.web.limited import relations, to_one_relation
from service.web.pages import PageRequest, Template, page_response

router: Final = APIRouter(include_in_schema=False)


class Paragraph(NamedTuple):
    """A paragraph of the document, and the events that cite it."""

    number: int
    resting: Sequence[RestingDocument]


@router.get("/sources")
async def sources(request: Request) -> Response:
    return await page_response(request, SourcesQuery, _sources)


def _sources(visit: PageRequest[SourcesQuery], snapshot: Snapshot) -> Template:
    to_one_relation(visit)
    page = snapshot.read(LIST, visit.query)
    listed = relations(visit, snapshot) if visit.visitor.reads is not None else ()
    return Template("sources.html", {"sources": page.documents, "next": page.next, "relations": listed})


@router.get("/sources/{slug}")
async def source(request: Request) -> Response:
    return await page_response(request, At, _source)


def _source(visit: PageRequest[At], snapshot: Snapshot) -> Template:
    found = _readable_source(visit, snapshot)
    own = [resting for resting in found.assertions if resting.evidence.source.document == found.id]
    relations = {one.stream.split("/")[1] for one in found.assertions}
    boards = [snapshot.read(BOARD, visit.at_point(At), relation=id) for id in sorted(relations)]
    values = {
        "source": found,
        "names": _names(boards),
        "paragraphs": _paragraphs(own),
        "elsewhere": [resting for resting in found.assertions if resting not in own],
    }
    return Template("source.html", values)


def _readable_source(visit: PageRequest[At], snapshot: Snapshot) -> SourceDocument:
    """Return the source; for a limited visitor only what the readable relations cite. Raises Problem."""
    reads = visit.visitor.reads
    if reads is None:
        return snapshot.read(ONE, visit.at_point(SourceQuery), **visit.names)
    parts = []
    for relation in reads:
        try:
            parts.append(snapshot.read(ONE, visit.at_point(SourceQuery, relation=relation), **visit.names))
        except Problem as problem:
            if problem.name != "not-found":
                raise
    if not parts:
        raise not_within(visit.visitor)
    origins = {origin.origin: origin for part in parts for origin in part.origins}
    together = {
        "position": max(part.position for part in parts),
        "origins": tuple(origins.values()),
        "relays": tuple(sorted({relay for part in parts for relay in part.relays})),
        "assertions": tuple(sorted((a for part in parts for a in part.assertions), key=_recorded)),
    }
    return parts[0].model_copy(update=together)


def _recorded(resting: RestingDocument) -> int:
    return resting.evidence.position


def _names(boards: Iterable[BoardDocument]) -> dict[str, str]:
    """Return the titles of relations and irritants by id."""
    return {board.relation: board.title for board in boards} | {
        row.id: row.title for board in boards for row in board.items
    }


def _paragraphs(resting: Sequence[RestingDocument]) -> Sequence[Paragraph]:
    numbers = sorted({number for one in resting for number in one.evidence.source.paragraphs})
    return [Paragraph(n, [one for one in resting if n in one.evidence.source.paragraphs]) for n in numbers]
