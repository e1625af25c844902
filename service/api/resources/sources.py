"""Sources: the documents that assertions are read from, and the assertions that cite each."""

from collections.abc import Set as AbstractSet
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from service.api.parameters import AsOfQuery, RelationId
from service.api.resources import FoundDocument, PathParameters, Resource, Snapshot, found_at_position
from service.api.resources.listing import Items, Listing, Paged, cursor
from service.api.resources.timelines import timeline_of
from service.domain.assertion import Assertion
from service.domain.streams import parse_stream
from service.follower import RECORD
from service.follower.as_of import Point, histories, with_dates_of_undated
from service.projections import source
from service.projections.document import rendered
from service.projections.source import SourceDocument, SourceSummary
from service.store import events

_CITED_IN: Final = "only sources, origins and assertions that this relation cites"


class SourcesQuery(AsOfQuery, Paged):
    """Filters of the list of sources."""

    relation: Annotated[RelationId | None, Field(description=_CITED_IN)] = None


class SourceQuery(AsOfQuery):
    """The point in time, and the relation whose assertions are listed."""

    relation: Annotated[RelationId | None, Field(description=_CITED_IN)] = None


def _list(snapshot: Snapshot, _names: PathParameters, query: SourcesQuery) -> FoundDocument[Items[SourceSummary]]:
    """List sources, by id.

    Each item is a source as it is registered. Read one source for its assertions. With `relation`: only the sources
    that this relation cites.
    """
    c, point, limit, relation = snapshot.c, snapshot.point_in_log(query), query.limit, query.relation
    after = query.after or ""
    cited = None if relation is None else _cited_in(snapshot, relation, point)
    if cited is None:
        page = events.streams_of_kind(c, "source", after=after, upto=point.position, limit=limit + 1)
    else:
        page = sorted(stream for stream in cited.streams if stream > f"source/{after}")[: limit + 1]
    known = histories(c, page[:limit], point.position)
    summaries = (source.summary(point.reading(known[stream])) for stream in page[:limit])
    bodies = [rendered(source.within(one, cited.origins) if cited else one) for one in summaries]
    next = cursor(page[limit - 1].partition("/")[2]) if len(page) > limit else None
    position = events.last_position(c, upto=point.position)
    return FoundDocument(Items(bodies, next, position, SourceSummary), position, source.REPRESENTATION)


def _one(snapshot: Snapshot, names: PathParameters, query: SourceQuery) -> FoundDocument[SourceDocument]:
    """Read one source: the document, the origins that it contains, and every assertion that cites it or them.

    With `relation`: only the assertions of that relation and their origins. It answers 404 if that relation cites
    nothing of this source.
    """
    c, point, slug, relation = snapshot.c, snapshot.point_in_log(query), names["slug"], query.relation
    stream = f"source/{slug}"
    own = histories(c, [stream], point.position).get(stream)
    if own is None:
        snapshot.raise_not_found()
    reading = point.reading(own)
    streams = events.streams_citing(c, slug, reading.state.origins, point.position)
    if relation is not None:
        streams = [name for name in streams if (of := parse_stream(name)) and of.relation == relation]
    citing = histories(c, streams, point.position)
    then = with_dates_of_undated(c, point, citing.values())
    document = source.view(reading, [then.reading(history) for history in citing.values()])
    if relation is not None:
        if not document.assertions:
            snapshot.raise_not_found()
        document = source.within(document, {one.evidence.source.origin for one in document.assertions})
    return found_at_position(document, source.REPRESENTATION)


class _Cited(NamedTuple):
    """The sources and the origins that the assertions of a relation cite."""

    streams: AbstractSet[str]
    origins: AbstractSet[str]


def _cited_in(snapshot: Snapshot, relation: str, point: Point) -> _Cited:
    """Return the cited sources. A source is cited, too, if another document relays an origin that it contains."""
    found = snapshot.histories.of_relation(snapshot.c, relation, point.position)
    point = with_dates_of_undated(snapshot.c, point, found.values())
    citations = [
        effect.data.source
        for history in found.values()
        for effect in point.reading(history).effects
        if isinstance(effect.data, Assertion)
    ]
    origins = {citation.origin for citation in citations}
    documents = {f"source/{citation.document}" for citation in citations}
    return _Cited(documents | set(events.origin_streams(snapshot.c, origins).values()), origins)


LIST: Final = Resource("/v1/sources", SourcesQuery, _list, topics=lambda *_: (RECORD,), shape=Listing[SourceSummary])
ONE: Final = Resource("/v1/sources/{slug}", SourceQuery, _one, topics=lambda *_: (RECORD,), shape=SourceDocument)
TIMELINE: Final = timeline_of("source", "/v1/sources/{slug}")
RESOURCES: Final = (LIST, ONE, TIMELINE)
