"""Timelines: everything on record on one stream, corrected and retracted events included."""

from typing import Annotated

from pydantic import Field

from service.api.parameters import At, Limit, Whole
from service.api.resources import Found, Names, Resource, Snapshot, found
from service.api.resources.listing import DEFAULT_LIMIT
from service.api.resources.states import of_stream, reading_of
from service.domain.catalogue import Kind
from service.projections import timeline
from service.projections.timeline import TimelineDocument


class TimelineQuery(At):
    """The point in time, and the page of the timeline."""

    after: Annotated[
        Whole, Field(description="the number of the last entry that was read; `next` of the page before")
    ] = 0
    limit: Limit = DEFAULT_LIMIT


def timeline_of(kind: Kind, path: str) -> Resource[TimelineQuery, TimelineDocument]:
    """Return the resource for the timeline of a kind of stream, below the path of that kind."""

    def find(snapshot: Snapshot, names: Names, query: TimelineQuery) -> Found[TimelineDocument]:
        """Read the full history of one stream, by date of event.

        Corrected and retracted events are shown as filed. Each says who corrected or retracted it, when and why. To
        continue, send `next` as `after`.
        """
        reading = reading_of(snapshot, names, query, kind)
        return found(timeline.view(reading, query.after, query.limit), timeline.REPRESENTATION)

    return Resource(f"{path}/timeline", TimelineQuery, find, of_stream(kind), shape=TimelineDocument)
