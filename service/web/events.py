"""The full history of a round, relation or source, `…/events`, and the redirect to one event, `/events/…`.

The history of an irritant is at the end of its dossier. Each event has links to the forms that correct and retract it.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import AsOfQuery, Limit, Whole
from service.api.problems import Problem
from service.api.resources import READ_LATER, Resource, Snapshot, relations, rounds, sources
from service.api.resources.timelines import TimelineQuery
from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.history import History
from service.follower.as_of import Point
from service.projections import timeline
from service.projections.timeline import TimelineDocument
from service.web.forms.context import find_event
from service.web.pages import PageRequest, Redirect, Template, page_response
from service.web.reports import page_address

router: Final = APIRouter(include_in_schema=False)

EVENTS_ON_A_PAGE: Final = 200
_TIMELINES: Final[dict[str, Resource[TimelineQuery, TimelineDocument]]] = {
    "rounds": rounds.TIMELINE,
    "relations": relations.TIMELINE,
    "sources": sources.TIMELINE,
}


class EventsQuery(AsOfQuery):
    """The parameters of a history: the point in time, and the part of the list."""

    after: Annotated[Whole | None, Field(description="the place in the list that was seen last")] = None
    limit: Limit = EVENTS_ON_A_PAGE


@router.get("/rounds/{relation}/{slug}/events")
@router.get("/relations/{relation}/events")
@router.get("/sources/{slug}/events")
async def events(request: Request) -> Response:
    return await page_response(request, EventsQuery, _events)


@router.get("/events/{id}")
async def event(request: Request) -> Response:
    """Redirect to the page that shows an event; for a correction or retraction, to the event that it changes."""
    return await page_response(request, AsOfQuery, _event)


def _events(visit: PageRequest[EventsQuery], snapshot: Snapshot) -> Template:
    query, stream_page = visit.query, visit.path.removesuffix("/events")
    page = visit.at_point(TimelineQuery, after=query.after, limit=query.limit)
    document = snapshot.read(_TIMELINES[stream_page.split("/")[1]], page, **visit.path_parameters)
    kind, _, member = document.stream.partition("/")
    # A source belongs to no relation. Its correction is filed under any relation that the visitor may report on.
    may_amend = (
        visit.visitor.may("report") if kind == "source" else visit.visitor.may_report_on(member.partition("/")[0])
    )
    values = {
        "events": document,
        "stream_page": stream_page,
        "kind": kind,
        "member": member,
        "may_amend": may_amend and not visit.point,
    }
    return Template("events.html", values)


def _event(visit: PageRequest[AsOfQuery], snapshot: Snapshot) -> Template:
    """Raise Redirect to the place of an event in its history. Raises Problem if it is not on record at this point."""
    history, event = find_event(snapshot, visit.path_parameters["id"])
    target, stream_page = _amended_event(history, event), page_address(history.stream)
    place = _place(history, snapshot.point_in_log(visit.query), target.id)
    path = stream_page if history.stream.startswith("irritant/") else f"{stream_page}/events"
    after = (place - 1) // EVENTS_ON_A_PAGE * EVENTS_ON_A_PAGE
    raise Redirect(f"{visit.link(path, after=after or None)}#p{target.position}")


def _amended_event(history: History[Any], event: Recorded) -> Recorded:
    """Return the event that a correction or retraction changes in the end. Return any other event unchanged."""
    while isinstance(event.data, AssertionCorrected | AssertionRetracted):
        target = history.recorded(event.data.target)
        assert target is not None  # a correction is recorded only for an event on record
        event = target
    return event


def _place(history: History[Any], point: Point, id: str) -> int:
    """Return the number of an event in the timeline of its stream at a point. Raises Problem."""
    listed = timeline.view(point.reading(history.as_of(point.position))).items
    place = next((entry.place for entry in listed if entry.event == id), None)
    if place is None:
        raise Problem("not-found", f"The event {id} was not on record at this point. {READ_LATER}")
    return place
