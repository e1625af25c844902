"""Sources: the documents that assertions are read from, and what rests on each."""

from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field
from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import Listing, Paged, cursor, listed
from service.api.parameters import At, RelationId
from service.api.resource import Read, Resource
from service.api.routes import routes
from service.api.timelines import timeline_of
from service.domain.assertion import Assertion
from service.domain.streams import parse_stream
from service.follower import RECORD
from service.follower.readings import Point, histories
from service.projections import source
from service.projections.document import rendered
from service.projections.source import SourceDocument, SourceSummary
from service.store import events

_CITED_IN: Final = "only what is cited in this relation"


class SourcesQuery(At, Paged):
    """Which sources."""

    relation: Annotated[RelationId | None, Field(description=_CITED_IN)] = None


class SourceQuery(At):
    """At which point; of which relation the assertions are."""

    relation: Annotated[RelationId | None, Field(description=_CITED_IN)] = None


def _list(c: Connection, read: Read[SourcesQuery]) -> Page:
    """Sources.

    By id, as they are registered; what rests on each is said by itself. With `relation`: those that it cites.
    """
    point, limit, relation = _point(c, read), read.query.limit, read.query.relation
    after = read.query.after or ""
    cited = None if relation is None else _cited_in(c, read, relation, point)
    if cited is None:
        page = events.named(c, "source", after=after, upto=point.position, limit=limit + 1)
    else:
        page = sorted(stream for stream in cited.streams if stream > f"source/{after}")[: limit + 1]
    found = histories(c, page[:limit], point.position)
    summaries = (source.summary(point.reading(found[stream])) for stream in page[:limit])
    bodies = (rendered(source.within(one, cited.origins) if cited else one) for one in summaries)
    next = cursor(page[limit - 1].partition("/")[2]) if len(page) > limit else None
    position = events.last_position(c, upto=point.position)
    return read.page(listed(bodies, next, position), position, source.REPRESENTATION)


def _one(c: Connection, read: Read[SourceQuery]) -> Page:
    """One source: the document, the utterances behind it, and every assertion that rests on either.

    With `relation`: only the assertions of that relation and the utterances behind them; 404 where it cites nothing
    of this source.
    """
    point, slug, relation = _point(c, read), read.path["slug"], read.query.relation
    stream = f"source/{slug}"
    own = histories(c, [stream], point.position).get(stream)
    if own is None:
        read.not_found()
    reading = point.reading(own)
    streams = events.citing(c, slug, reading.state.origins, point.position)
    if relation is not None:
        streams = [name for name in streams if (of := parse_stream(name)) and of.relation == relation]
    citing = histories(c, streams, point.position)
    document = source.view(reading, [point.reading(history) for history in citing.values()])
    if relation is not None:
        if not document.assertions:
            read.not_found()
        document = source.within(document, {one.evidence.source.origin for one in document.assertions})
    return read.page(rendered(document), document.position, source.REPRESENTATION)


class _Cited(NamedTuple):
    """The sources that the assertions of a relation rest on, and the utterances behind them."""

    streams: AbstractSet[str]
    origins: AbstractSet[str]


def _cited_in(c: Connection, read: Read[Any], relation: str, point: Point) -> _Cited:
    """A source counts as cited, too, where another document relays an utterance that is registered with it."""
    citations = [
        effect.data.source
        for history in read.histories.of_relation(c, relation, point.position).values()
        for effect in point.reading(history).effects
        if isinstance(effect.data, Assertion)
    ]
    origins = {citation.origin for citation in citations}
    documents = {f"source/{citation.document}" for citation in citations}
    return _Cited(documents | set(events.origin_streams(c, origins).values()), origins)


def _point(c: Connection, read: Read[Any]) -> Point:
    return read.point(c) or Point(read.head.position)


RESOURCES: Final = (
    Resource("/v1/sources", SourcesQuery, _list, lambda _path, _query: (RECORD,), shape=Listing[SourceSummary]),
    Resource("/v1/sources/{slug}", SourceQuery, _one, lambda _path, _query: (RECORD,), shape=SourceDocument),
    timeline_of("source", "/v1/sources/{slug}"),
)
router = routes(RESOURCES, "sources")
