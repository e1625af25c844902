"""Sources: the documents that assertions are read from, and what rests on each."""

from typing import Any, Final

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import Listing, Paged, cursor, listed
from service.api.parameters import At
from service.api.resource import Read, Resource
from service.api.routes import routes
from service.api.timelines import timeline_of
from service.follower import RECORD
from service.follower.readings import Point, histories
from service.projections import source
from service.projections.document import rendered
from service.projections.source import SourceDocument, SourceSummary
from service.store import events


class SourcesQuery(At, Paged):
    """Which sources."""


def _list(c: Connection, read: Read[SourcesQuery]) -> Page:
    """Sources.

    By id, as they are registered; what rests on each is said by itself.
    """
    point, limit = _point(c, read), read.query.limit
    page = events.named(c, "source", after=read.query.after or "", upto=point.position, limit=limit + 1)
    found = histories(c, page[:limit], point.position)
    bodies = (rendered(source.summary(point.reading(found[stream]))) for stream in page[:limit])
    next = cursor(page[limit - 1].partition("/")[2]) if len(page) > limit else None
    position = events.last_position(c, upto=point.position)
    return read.page(listed(bodies, next, position), position, source.REPRESENTATION)


def _one(c: Connection, read: Read[At]) -> Page:
    """One source: the document, the utterances behind it, and every assertion that rests on either."""
    point, slug = _point(c, read), read.path["slug"]
    stream = f"source/{slug}"
    own = histories(c, [stream], point.position).get(stream)
    if own is None:
        read.not_found()
    reading = point.reading(own)
    citing = histories(c, events.citing(c, slug, reading.state.origins, point.position), point.position)
    document = source.view(reading, [point.reading(history) for history in citing.values()])
    return read.page(rendered(document), document.position, source.REPRESENTATION)


def _point(c: Connection, read: Read[Any]) -> Point:
    return read.point(c) or Point(read.head.position)


RESOURCES: Final = (
    Resource("/v1/sources", SourcesQuery, _list, lambda _path, _query: (RECORD,), shape=Listing[SourceSummary]),
    Resource("/v1/sources/{slug}", At, _one, lambda _path, _query: (RECORD,), shape=SourceDocument),
    timeline_of("source", "/v1/sources/{slug}"),
)
router = routes(RESOURCES, "sources")
