"""The list of reports, `/reports`, and the page of one, `/reports/…`: what was filed, by whom, and what it changed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from markupsafe import Markup
from pydantic import Field, model_validator
from starlette.responses import Response

from service.api.parameters import Query, written
from service.api.resources import Snapshot
from service.api.resources.cloudevents import CloudEvent
from service.api.resources.feeds import EVENTS, EventsQuery
from service.api.resources.reports import LIST, ONE, ReportFilters, ReportsQuery, warnings_on
from service.domain.assertion import AssertionCorrected, Statement
from service.domain.catalogue import dump
from service.domain.history import History
from service.follower.as_of import histories
from service.web.formatting import corrected_fields
from service.web.forms.preview import effects_of
from service.web.ladder import symbols
from service.web.limited import readable_relations, redirect_to_own_relation
from service.web.pages import PageRequest, Template, page_response
from service.web.rounds import rounds_to_choose
from service.web.stream_titles import title_of

router: Final = APIRouter(include_in_schema=False)

_PAGE: Final = 1_000
_ON_A_PAGE: Final = 50


class ReportListQuery(ReportFilters):
    """The filters of the list of reports. The form sends empty fields, which filter nothing."""

    cursor: Annotated[str | None, Field(max_length=400)] = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        return {name: value.strip() for name, value in given.items() if value.strip()}

    @property
    def filters(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude={"cursor"}, exclude_none=True)


@router.get("/reports")
async def report_list(request: Request) -> Response:
    return await page_response(request, ReportListQuery, _report_list)


def _report_list(visit: PageRequest[ReportListQuery], snapshot: Snapshot) -> Template:
    redirect_to_own_relation(visit)
    query = visit.query
    page = snapshot.read(
        LIST, written(ReportsQuery, limit=_ON_A_PAGE, cursor=query.cursor, order="newest", **query.filters)
    )
    relations = readable_relations(visit, snapshot)
    values = {
        "reports": page.documents,
        "more": visit.present_link(cursor=page.next, **query.filters) if page.next else None,
        "is_filtered": bool(query.filters),
        "relations": relations,
        "titles": {relation.id: relation.title for relation in relations},
        "rounds": rounds_to_choose(snapshot, query.relation),
    }
    return Template("reports.html", values)


class ReportQuery(Query):
    """The idempotency key of the form that filed the report. The script then discards the draft with this key."""

    filed: Annotated[str | None, Field(max_length=100)] = None


@router.get("/reports/{id}")
async def report(request: Request) -> Response:
    return await page_response(request, ReportQuery, _report)


def _report(visit: PageRequest[ReportQuery], snapshot: Snapshot) -> Template:
    found = snapshot.read(ONE, **visit.path_parameters)
    within = None if visit.visitor.reads is None else found.relation
    asked = written(EventsQuery, report=found.id, relation=within, after=found.first_position - 1, limit=_PAGE)
    listed = [CloudEvent.model_validate_json(event) for event in snapshot.read(EVENTS, asked).items]
    # A limited visitor reads only events of the relation, and sources and actors belong to no relation.
    outside = ("source/", "actor/")
    readable = [event for event in found.events if within is None or not event.stream.startswith(outside)]
    streams = {event.subject for event in listed}
    known = histories(snapshot.c, streams | {f"source/{document}" for document in _documents(listed)}, found.position)
    values = {
        "report": found,
        "within": within,
        "events": listed,
        "titles": {stream: title_of(history) for stream, history in known.items()},
        "addresses": {stream: address_of(stream) for stream in streams if not stream.startswith("actor/")},
        "corrected": {event.id: list(_corrected(event, known)) for event in listed},
        "unlisted": len(readable) - len(listed),
        "warnings": warnings_on(snapshot, found),
        "effects": list(effects_of(found.changes)),
        "symbols": symbols(),
    }
    return Template("report.html", values)


def _documents(events: Iterable[CloudEvent]) -> Iterator[str]:
    """Yield the slugs of the documents that the events cite."""
    return (event.data.source.document for event in events if isinstance(event.data, Statement))


def _corrected(event: CloudEvent, known: Mapping[str, History[Any]]) -> Iterator[tuple[Markup, str, str]]:
    """Yield each field that a correction changes: its name, the value before, and the corrected value."""
    if isinstance(event.data, AssertionCorrected):
        before = known[event.subject].as_of(event.position - 1)
        target = before.recorded(event.data.target)
        yield from corrected_fields(event.data.changes, dump(before.amendments.content_of(target)) if target else None)


def address_of(stream: str) -> str:
    """Return the path of the page about a stream, such as `/rounds/ru-us/moscow` for `round/ru-us/moscow`."""
    kind, _, member = stream.partition("/")
    return f"/{kind}s/{member}"
