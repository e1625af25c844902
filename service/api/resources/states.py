"""The state of a stream or of a relation at a point: stored for the present, computed from the log for the past."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.api.parameters import At
from service.api.resources import Found, Names, Snapshot, Stored, Topics
from service.domain.catalogue import Kind
from service.domain.history import Reading
from service.follower import RECORD
from service.follower.as_of import Point, Readings, histories, readings_of
from service.projections.document import Document, rendered
from service.projections.irritant import IrritantDocument
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.stored import STORED
from service.store import read_models

SHAPES: Final[Mapping[Kind, type[Document]]] = {
    "irritant": IrritantDocument,
    "round": RoundDocument,
    "relation": RelationDocument,
}
"""The models of the stored documents, by kind of stream."""


def member_of(names: Names) -> str:
    """Return the id in an address: `ru-us/visas` or `ru-us`."""
    return "/".join(names[part] for part in ("relation", "slug") if part in names)


def of_stream(kind: Kind) -> Topics[Any]:
    """Return topics: the stream that the address names."""
    return lambda names, _: (f"{kind}/{member_of(names)}",)


def of_relation(names: Names, _query: Any) -> Sequence[str]:
    """Return the topic of all streams of the relation that the address names."""
    return (names["relation"],)


def relation_or_record(relation: str | None) -> Sequence[str]:
    """Return the topic of a list of one relation, or of the whole record."""
    return (RECORD if relation is None else relation,)


def one_of(snapshot: Snapshot, names: Names, query: At, kind: Kind) -> Found[Stored[Any]]:
    """Return the document of one stream. Raises Problem (404) if it was not on record."""
    projection, member = STORED[kind], member_of(names)
    if (point := snapshot.point(query)) is None:
        stored = read_models.get(snapshot.c, projection.name, projection.representation, member)
        if stored is None:
            snapshot.not_found()
        body, position = stored.body, stored.position
    else:
        document = projection.view(reading_of(snapshot, names, query, kind, point))
        body, position = rendered(document), document.position
    return Found(Stored(body, SHAPES[kind]), position, projection.representation)


def reading_of(snapshot: Snapshot, names: Names, query: At, kind: Kind, point: Point | None = None) -> Reading[Any]:
    """Return the stream that the address names, at the point of the query. Raises Problem (404)."""
    point = point or snapshot.point_in_log(query)
    stream = f"{kind}/{member_of(names)}"
    found = histories(snapshot.c, [stream], point.position)
    if stream not in found:
        snapshot.not_found()
    return point.reading(found[stream])


def readings(snapshot: Snapshot, names: Names, query: At) -> Readings:
    """Return all streams of the relation that the address names, at the point of the query. Raises Problem (404)."""
    relation, point = names["relation"], snapshot.point_in_log(query)
    found = readings_of(snapshot.histories.of_relation(snapshot.c, relation, point.position), relation, point)
    if found is None:
        snapshot.not_found()
    return found
