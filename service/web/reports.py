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
from service.api.resources.reports import LIST, ONE, ReportFilters, ReportsQuery, sizes, warnings_on
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

_REPORTS_ON_A_PAGE: Final = 50
_MAX_EVENTS: Final = 1_000
"""The most events that the page of a report lists. A link leads to the rest."""


class ReportListQuery(ReportFilters):
    """The filters of the list of reports, and the place at which the list continues."""

    cursor: Annotated[str | None, Field(max_length=400)] = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Ignore the fields of the form that were left empty."""
        return {name: value.strip() for name, value in parameters.items() if value.strip()}

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
        LIST, written(ReportsQuery, limit=_REPORTS_ON_A_PAGE, cursor=query.cursor, order="newest", **query.filters)
    )
    relations = readable_relations(visit, snapshot)
    values = {
        "reports": page.documents,
        "sizes": sizes(snapshot, page.documents),
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
    document = snapshot.read(ONE, **visit.path_parameters)
    # A limited visitor reads only events of the relation. Sources and actors belong to no relation.
    only_relation = None if visit.visitor.reads is None else document.relation
    without_relation = ("source/", "actor/")
    readable = [e for e in document.events if only_relation is None or not e.stream.startswith(without_relation)]
    events_query = written(
        EventsQuery, report=document.id, relation=only_relation, after=document.first_position - 1, limit=_MAX_EVENTS
    )
    listed = [CloudEvent.model_validate_json(event) for event in snapshot.read(EVENTS, events_query).items]
    streams = {event.subject for event in listed}
    cited = {f"source/{slug}" for slug in _cited_documents(listed)}
    histories_by_stream = histories(snapshot.c, streams | cited, document.position)
    values = {
        "report": document,
        "only_relation": only_relation,
        "events": listed,
        "titles": {stream: title_of(history) for stream, history in histories_by_stream.items()},
        "addresses": {stream: page_address(stream) for stream in streams if not stream.startswith("actor/")},
        "corrected": {event.id: list(_corrected(event, histories_by_stream)) for event in listed},
        "unlisted": len(readable) - len(listed),
        "warnings": warnings_on(snapshot, document),
        "effects": list(effects_of(document.changes)),
        "symbols": symbols(),
    }
    return Template("report.html", values)


def _cited_documents(events: Iterable[CloudEvent]) -> Iterator[str]:
    """Yield the slugs of the documents that the events cite."""
    return (event.data.source.document for event in events if isinstance(event.data, Statement))


def _corrected(event: CloudEvent, histories_by_stream: Mapping[str, History[Any]]) -> Iterator[tuple[Markup, str, str]]:
    """Yield each field that a correction changes: its name, the value before, and the corrected value."""
    if isinstance(event.data, AssertionCorrected):
        before = histories_by_stream[event.subject].as_of(event.position - 1)
        target = before.recorded(event.data.target)
        yield from corrected_fields(event.data.changes, dump(before.amendments.content_of(target)) if target else None)


def page_address(stream: str) -> str:
    """Return the path of the page about a stream, such as `/rounds/ru-us/moscow` for `round/ru-us/moscow`."""
    kind, _, member = stream.partition("/")
    return f"/{kind}s/{member}"
