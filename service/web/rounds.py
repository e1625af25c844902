"""The round sheet, `/rounds/…`: what a round changed, on one or two printed pages."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from starlette.responses import Response

from service.api.parameters import At
from service.api.resources import Snapshot
from service.api.resources.rounds import SHEET
from service.projections.sheet import SheetDocument, SheetItem
from service.web import ladder
from service.web.formatting import day_of
from service.web.pages import PageRequest, Template, address, page_response
from service.web.paging import PagedQuery, part_of
from service.web.rendering import rendered
from service.web.standing import of_change

router: Final = APIRouter(include_in_schema=False)


class Block(NamedTuple):
    """One irritant on the sheet, with its ladders before and after the round."""

    item: SheetItem
    before: Markup | None
    after: Markup
    sentence: Markup


@router.get("/rounds/{relation}/{slug}")
async def round_sheet(request: Request) -> Response:
    return await page_response(request, PagedQuery, _round_sheet)


def _round_sheet(visit: PageRequest[PagedQuery], snapshot: Snapshot) -> Template:
    document = snapshot.read(SHEET, visit.at_point(At), **visit.names)
    part = part_of(document.items, visit.query.after, attrgetter("irritant"))
    shown = document.model_copy(update={"items": part.items})
    return Template("sheet.html", {**template_values(shown, visit.link), "part": part})


def sheet_html(document: SheetDocument, prefix: str) -> bytes:
    """Return the sheet as HTML for a client of the HTTP interface."""
    return rendered("sheet.html", template_values(document, address), prefix)


def template_values(document: SheetDocument, link: Callable[..., str]) -> dict[str, Any]:
    """Return the values for the page of a sheet. `link` makes addresses."""
    return {
        "sheet": document,
        "round": document.round,
        "dated": day_of(document.round),
        "blocks": [_block(item) for item in document.items],
        "numbers_of": {source.document: source.number for source in document.sources},
        "link": link,
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }


def _block(item: SheetItem) -> Block:
    after = of_change(item.after)
    before = ladder.ladder(of_change(item.before)) if item.before else None
    return Block(item, before, ladder.ladder(after), escape(item.after.headline))
