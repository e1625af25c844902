"""Everything on record, event by event: `…/events` of a round, a relation or a source, and the way to one event.

An irritant's dossier has this list at its end. It is where the record is mended: what was corrected or struck stands
here as it was filed.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import At, Limit, Whole
from service.api.problems import Problem
from service.api.resources import Resource, Snapshot, relations, rounds, sources
from service.api.resources.timelines import TimelineQuery
from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.history import History
from service.follower.as_of import Point
from service.projections import timeline
from service.projections.timeline import TimelineDocument
from service.web.pages import PageRequest, Redirect, Template, shown
from service.web.reports import address_of
from service.web.surroundings import named_event

router: Final = APIRouter(include_in_schema=False)

ON_A_PAGE: Final = 200
_TIMELINES: Final[dict[str, Resource[TimelineQuery, TimelineDocument]]] = {
    "rounds": rounds.TIMELINE,
    "relations": relations.TIMELINE,
    "sources": sources.TIMELINE,
}


class EventsQuery(At):
    """At which point, and which page of the list."""

    after: Annotated[Whole | None, Field(description="the place in the list that was seen last")] = None
    limit: Limit = ON_A_PAGE


@router.get("/rounds/{relation}/{slug}/events")
@router.get("/relations/{relation}/events")
@router.get("/sources/{slug}/events")
async def events(request: Request) -> Response:
    return await shown(request, EventsQuery, _events)


@router.get("/events/{id}")
async def event(request: Request) -> Response:
    """To the page that an event is on, whatever it is of; what mends another stands at that."""
    return await shown(request, At, _event)


def _events(visit: PageRequest[EventsQuery], snapshot: Snapshot) -> Template:
    query, of = visit.query, visit.path.removesuffix("/events")
    page = visit.at_point(TimelineQuery, after=query.after, limit=query.limit)
    found = snapshot.read(_TIMELINES[of.split("/")[1]], page, **visit.names)
    kind, _, member = found.stream.partition("/")
    # A source is of no relation: what mends it is filed under one that the visitor may report on.
    mends = visit.visitor.may("report") if kind == "source" else visit.visitor.may_report_on(member.partition("/")[0])
    told = {"events": found, "of": of, "kind": kind, "member": member, "mends": mends and not visit.point}
    return Template("events.html", told)


def _event(visit: PageRequest[At], snapshot: Snapshot) -> Template:
    """Raises Redirect, or Problem where nothing of that id is on record at this point."""
    told, event = named_event(snapshot, visit.names["id"])
    found, page = _mended(told, event), address_of(told.stream)
    place = _place(told, snapshot.point_in_log(visit.query), found.id)
    listed = page if told.stream.startswith("irritant/") else f"{page}/events"
    after = (place - 1) // ON_A_PAGE * ON_A_PAGE
    raise Redirect(f"{visit.link(listed, after=after or None)}#p{found.position}")


def _mended(told: History[Any], event: Recorded) -> Recorded:
    """The event that it is about in the end, where it corrects or retracts."""
    while isinstance(event.data, AssertionCorrected | AssertionRetracted):
        target = told.recorded(event.data.target)
        assert target is not None  # nothing is on record that mends what is not
        event = target
    return event


def _place(told: History[Any], point: Point, id: str) -> int:
    """Where an event is in the timeline of its stream at a point. Raises Problem."""
    listed = timeline.view(point.reading(told.as_of(point.position))).items
    place = next((entry.place for entry in listed if entry.event == id), None)
    if place is None:
        raise Problem("not-found", f"The event {id} was not on record at this point.")
    return place
