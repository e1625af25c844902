"""A report, `/reports/…`: what was filed, by whom and when, and what it changed."""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import Query, written
from service.api.resources import Snapshot
from service.api.resources.cloudevents import CloudEvent
from service.api.resources.feeds import EVENTS, EventsQuery
from service.api.resources.reports import ONE
from service.web.forms.preview import effects_of
from service.web.ladder import symbols
from service.web.pages import PageRequest, Template, page_response

router: Final = APIRouter(include_in_schema=False)

_PAGE: Final = 1_000


class ReportQuery(Query):
    """The key of the form that filed the report. The browser then discards its draft."""

    filed: Annotated[str | None, Field(max_length=100)] = None


@router.get("/reports/{id}")
async def report(request: Request) -> Response:
    return await page_response(request, ReportQuery, _report)


def _report(visit: PageRequest[ReportQuery], snapshot: Snapshot) -> Template:
    found = snapshot.read(ONE, **visit.names)
    within = None if visit.visitor.reads is None else found.relation
    asked = written(EventsQuery, report=found.id, relation=within, after=found.first_position - 1, limit=_PAGE)
    brought = [CloudEvent.model_validate_json(event) for event in snapshot.read(EVENTS, asked).items]
    # A limited visitor reads only events of the relation, and a source belongs to no relation.
    listed = [event for event in found.events if within is None or not event.stream.startswith("source/")]
    values = {
        "report": found,
        "within": within,
        "events": brought,
        "unlisted": len(listed) - len(brought),
        "effects": list(effects_of(found.changes)),
        "symbols": symbols(),
    }
    return Template("report.html", values)


def address_of(stream: str) -> str:
    """Return the page about the subject of a stream."""
    kind, _, member = stream.partition("/")
    return f"/{kind}s/{member}"
