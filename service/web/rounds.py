"""The round sheet, `/rounds/…`: the brief on one round, which prints on one or two pages."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from starlette.responses import Response

from service.api.parameters import AsOfQuery, written
from service.api.resources import Presentation, Snapshot
from service.api.resources.reports import LIST as REPORTS
from service.api.resources.reports import ReportsQuery, ReportSummary
from service.api.resources.rounds import LIST, SHEET, RoundsQuery
from service.domain.actor.names import ActorNames
from service.projections.round import RoundDocument
from service.projections.sheet import SheetDocument, SheetItem
from service.web import ladder
from service.web.formatting import statement_of_date, using_names
from service.web.pages import PageRequest, Template, address, page_response
from service.web.paging import PagedQuery, part_of
from service.web.rendering import rendered
from service.web.standing import standing_of_change

router: Final = APIRouter(include_in_schema=False)

_MAX_ROUNDS_TO_CHOOSE: Final = 300
"""The most rounds to choose from. If there are more, the visitor chooses a relation first."""
_MAX_REPORTS_TO_CORRECT: Final = 5
"""The most reports that a sheet offers for correction. Its link to the reports of the round leads to all."""


class Block(NamedTuple):
    """One irritant on the sheet, with its ladder before and after the round, and its headline after it."""

    item: SheetItem
    before: Markup | None
    after: Markup
    headline: Markup


@router.get("/rounds/{relation}/{slug}")
async def round_sheet(request: Request) -> Response:
    return await page_response(request, PagedQuery, _round_sheet)


def rounds_to_choose(snapshot: Snapshot, relation: str | None) -> Sequence[RoundDocument]:
    """Return the rounds to choose from: of the chosen relation, else of all if they are few."""
    page = snapshot.read(LIST, written(RoundsQuery, limit=_MAX_ROUNDS_TO_CHOOSE, relation=relation))
    return page.documents if page.next is None or relation else ()


def _round_sheet(visit: PageRequest[PagedQuery], snapshot: Snapshot) -> Template:
    document = snapshot.read(SHEET, visit.at_point(AsOfQuery), **visit.path_parameters)
    part = part_of(document.items, visit.query.after, attrgetter("irritant"))
    document_of_part = document.model_copy(update={"items": part.items})
    values = {**template_values(document_of_part, visit.link), "part": part}
    return Template("sheet.html", {**values, "to_correct": _reports_to_correct(visit, snapshot, document)})


def _reports_to_correct(
    visit: PageRequest[PagedQuery], snapshot: Snapshot, sheet: SheetDocument
) -> Sequence[ReportSummary]:
    """Return the latest reports on the round if the visitor may correct them, which is possible at the present only."""
    if visit.point or not visit.visitor.may_report_on(sheet.relation):
        return ()
    query = written(
        ReportsQuery, relation=sheet.relation, round=sheet.id, order="newest", limit=_MAX_REPORTS_TO_CORRECT
    )
    return snapshot.read(REPORTS, query).documents


def sheet_html(document: SheetDocument, presentation: Presentation) -> bytes:
    """Return the sheet as HTML for `/v1/rounds/…/sheet`."""
    with using_names(ActorNames(registered=document.names)):
        values = {**template_values(document, address), "reading": presentation.reading}
        return rendered("sheet.html", values, presentation.prefix)


def template_values(document: SheetDocument, link: Callable[..., str]) -> dict[str, Any]:
    """Return the values for the template. `link` makes the address of another page."""
    return {
        "sheet": document,
        "round": document.round,
        "date_statement": statement_of_date(document.round),
        "blocks": [_block(item) for item in document.items],
        "document_numbers": {source.document: source.number for source in document.sources},
        "link": link,
        "to_correct": (),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }


def _block(item: SheetItem) -> Block:
    after = standing_of_change(item.after)
    before = ladder.ladder(standing_of_change(item.before)) if item.before else None
    return Block(item, before, ladder.ladder(after), escape(item.after.headline))
