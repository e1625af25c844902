"""Offer a round sheet and a dossier as files, in the representations of the HTTP interface."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import AsOfQuery
from service.api.resources import Presentation, Resource, Snapshot
from service.api.resources.formats import CSV, MARKDOWN
from service.api.resources.irritants import DOSSIER
from service.api.resources.rounds import SHEET
from service.projections.formats import WORD
from service.web.pages import page_request, read_snapshot

router: Final = APIRouter(include_in_schema=False)

_MEDIA_TYPES: Final[Mapping[str, str]] = {"docx": WORD, "md": MARKDOWN, "csv": CSV}


class DownloadQuery(AsOfQuery):
    """The format of the file, and the point in time."""

    format: Annotated[Literal["docx", "md", "csv"], Field(description="Word, Markdown, or a table of the statements")]


@router.get("/rounds/{relation}/{slug}/download")
async def sheet(request: Request) -> Response:
    return await _file_response(request, SHEET, "sheet")


@router.get("/irritants/{relation}/{slug}/download")
async def dossier(request: Request) -> Response:
    return await _file_response(request, DOSSIER, "dossier")


async def _file_response(request: Request, resource: Resource[Any, Any], kind: str) -> Response:
    """Return the representation as a file. Its name has the kind of document and the point in time. Raises Problem."""
    visit = await page_request(request, DownloadQuery)

    def load(snapshot: Snapshot) -> tuple[Any, Presentation]:
        document = snapshot.read(resource, visit.at_point(resource.query), **visit.path_parameters)
        reading = snapshot.reading_in_words(visit.query, visit.path_parameters["relation"])
        return document, Presentation(visit.prefix, reading, snapshot.recorded_at(document.position))

    document, shown = await read_snapshot(request, visit, load)
    media_type = _MEDIA_TYPES[visit.query.format]
    body = await asyncio.to_thread(resource.bodies[media_type], document, shown)
    point = "".join(f"-{name.replace('_', '-')}-{value[:10]}" for name, value in visit.point.items())
    name = f"{visit.path_parameters['relation']}-{visit.path_parameters['slug']}-{kind}{point}.{visit.query.format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, headers=headers, media_type=media_type)
