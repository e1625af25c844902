"""Sources, `/sources`: the documents that everything is read from, and what rests on each, paragraph by paragraph."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.listing import Listing
from service.api.parameters import At
from service.api.sources import SourcesQuery
from service.projections.board import BoardDocument
from service.projections.source import RestingDocument, SourceDocument, SourceSummary
from service.web.visit import Sheet, Visit, shown

router: Final = APIRouter(include_in_schema=False)


class Paragraph(NamedTuple):
    """A paragraph of the document, and what is read in it."""

    number: int
    resting: Sequence[RestingDocument]


@router.get("/sources")
async def sources(request: Request) -> Response:
    return await shown(request, SourcesQuery, _sources)


async def _sources(visit: Visit[SourcesQuery]) -> Sheet:
    query = visit.query
    page = await visit.at_point("/v1/sources", Listing[SourceSummary], limit=query.limit, cursor=query.cursor)
    return Sheet("sources.html", {"sources": page.items, "next": page.next})


@router.get("/sources/{slug}")
async def source(request: Request) -> Response:
    return await shown(request, At, _source)


async def _source(visit: Visit[At]) -> Sheet:
    found = await visit.at_point(f"/v1{visit.path}", SourceDocument)
    own = [resting for resting in found.assertions if resting.evidence.source.document == found.id]
    relations = {one.stream.split("/")[1] for one in found.assertions}
    boards = [await visit.at_point(f"/v1/relations/{id}/board", BoardDocument) for id in sorted(relations)]
    told = {
        "source": found,
        "names": _names(boards),
        "paragraphs": _paragraphs(own),
        "elsewhere": [resting for resting in found.assertions if resting not in own],
    }
    return Sheet("source.html", told)


def _names(boards: Iterable[BoardDocument]) -> dict[str, str]:
    """What relations and irritants are called, by their ids."""
    return {board.relation: board.title for board in boards} | {
        row.id: row.title for board in boards for row in board.items
    }


def _paragraphs(resting: Sequence[RestingDocument]) -> Sequence[Paragraph]:
    numbers = sorted({number for one in resting for number in one.evidence.source.paragraphs})
    return [Paragraph(n, [one for one in resting if n in one.evidence.source.paragraphs]) for n in numbers]
