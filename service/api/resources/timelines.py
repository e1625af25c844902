"""Timelines: all events of one stream, including corrected and retracted ones."""

from typing import Annotated

from pydantic import Field

from service.api.parameters import AsOfQuery, Limit, Whole
from service.api.resources import FoundDocument, PathParameters, Resource, Snapshot, found_at_position
from service.api.resources.listing import DEFAULT_LIMIT
from service.api.resources.states import of_stream, reading_of
from service.domain.catalogue import Kind
from service.projections import timeline
from service.projections.timeline import TimelineDocument


class TimelineQuery(AsOfQuery):
    """The point in time, and the page of the timeline."""

    after: Annotated[
        Whole, Field(description="the number of the last entry that was read; `next` of the page before")
    ] = 0
    limit: Limit = DEFAULT_LIMIT


def timeline_of(kind: Kind, path: str) -> Resource[TimelineQuery, TimelineDocument]:
    """Return the resource `{path}/timeline` for a kind of stream."""

    def find(snapshot: Snapshot, names: PathParameters, query: TimelineQuery) -> FoundDocument[TimelineDocument]:
        """Read the full history of one stream, by date of event.

        Corrected and retracted events are shown as filed. Each says who corrected or retracted it, when and why. To
        continue, send `next` as `after`.
        """
        reading = reading_of(snapshot, names, query, kind)
        return found_at_position(timeline.view(reading, query.after, query.limit), timeline.REPRESENTATION)

    return Resource(f"{path}/timeline", TimelineQuery, find, topics=of_stream(kind), shape=TimelineDocument)
