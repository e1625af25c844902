"""Timelines: everything that was recorded on one stream, with all that was struck from it or mended in it."""

from typing import Annotated

from pydantic import Field

from service.api.listing import DEFAULT_LIMIT
from service.api.parameters import At, Limit, Whole
from service.api.resources import Found, Names, Resource, Snapshot, found
from service.api.states import of_stream, reading_of
from service.domain.catalogue import Kind
from service.projections import timeline
from service.projections.timeline import TimelineDocument


class TimelineQuery(At):
    """At which point, and which page of the timeline."""

    after: Annotated[Whole, Field(description="the place in the timeline that was seen last")] = 0
    limit: Limit = DEFAULT_LIMIT


def timeline_of(kind: Kind, path: str) -> Resource[TimelineQuery, TimelineDocument]:
    """The timeline of what is read at a path."""

    def find(snapshot: Snapshot, names: Names, query: TimelineQuery) -> Found[TimelineDocument]:
        """Everything on record on one stream, in the order of the world: what was corrected or struck stands as filed.

        Each event says who changed it, when and why. `next` is what to ask for `after`.
        """
        reading = reading_of(snapshot, names, query, kind)
        return found(timeline.view(reading, query.after, query.limit), timeline.REPRESENTATION)

    return Resource(f"{path}/timeline", TimelineQuery, find, of_stream(kind), shape=TimelineDocument)
