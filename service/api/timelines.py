"""Timelines: everything that was recorded on one stream, with all that was struck from it or mended in it."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import DEFAULT_LIMIT
from service.api.parameters import At, Limit, Whole
from service.api.resource import Read, Resource
from service.api.states import of_stream, point_of, reading_of, shown
from service.domain.catalogue import Kind
from service.projections import timeline
from service.projections.timeline import TimelineDocument


class TimelineQuery(At):
    """At which point, and which page of the timeline."""

    after: Annotated[Whole, Field(description="the place in the timeline that was seen last")] = 0
    limit: Limit = DEFAULT_LIMIT


def timeline_of(kind: Kind, path: str) -> Resource[Any]:
    """The timeline of what is read at a path."""

    def load(c: Connection, read: Read[TimelineQuery]) -> Page:
        """Everything on record on one stream, in the order of the world: what was corrected or struck stands as filed.

        Each event says who changed it, when and why. `next` is what to ask for `after`.
        """
        reading = reading_of(c, read, kind, point_of(c, read))
        document = timeline.view(reading, read.query.after, read.query.limit)
        return shown(read, document, timeline.REPRESENTATION)

    return Resource(f"{path}/timeline", TimelineQuery, load, of_stream(kind), shape=TimelineDocument)
