"""Find the document of a stream, or the readings of one stream or of a relation, as addresses name them.

The present document of a stream is stored. Earlier documents, and all readings, are computed from the log up to a
point. `Snapshot.point` returns None if the stored document is the one to read. A reading needs a point also for the
present (`Snapshot.point_in_log`).
"""

from collections.abc import Sequence
from typing import Any

from service.api.parameters import AsOfQuery
from service.api.resources import SHAPES, FoundDocument, JsonDocument, PathParameters, Snapshot, Topics
from service.domain.catalogue import Kind
from service.domain.history import StreamAtPoint
from service.follower import RECORD
from service.follower.as_of import Point, Readings, histories, readings_of, with_dates_of_undated
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store import read_models


def member_of(names: PathParameters) -> str:
    """Return the id that the parameters of an address make together, such as `ru-us/visas`, or `ru-us` alone."""
    return "/".join(names[part] for part in ("relation", "slug") if part in names)


def of_stream(kind: Kind) -> Topics[Any]:
    """Return a function that gives the topic of the stream that the address names."""
    return lambda names, _: (f"{kind}/{member_of(names)}",)


def of_relation(names: PathParameters, _query: Any) -> Sequence[str]:
    """Return the topic of all streams of the relation that the address names."""
    return (names["relation"],)


def relation_or_record(relation: str | None) -> Sequence[str]:
    """Return the topic of a list of one relation, or of the whole record."""
    return (RECORD if relation is None else relation,)


def document_of_stream(
    snapshot: Snapshot, names: PathParameters, query: AsOfQuery, kind: Kind
) -> FoundDocument[JsonDocument[Any]]:
    """Return the document of the stream that the address names. Raises Problem (404) if it was not on record."""
    projection, member = STORED[kind], member_of(names)
    if (point := snapshot.point(query)) is None:
        stored = read_models.get(snapshot.c, projection.name, projection.representation, member)
        if stored is None:
            snapshot.raise_not_found()
        body, position = snapshot.with_present_names(projection, stored), stored.position
    else:
        document = projection.view(reading_of(snapshot, names, query, kind, point))
        body, position = rendered(document), document.position
    return FoundDocument(JsonDocument(body, SHAPES[kind]), position, projection.representation)


def reading_of(
    snapshot: Snapshot, names: PathParameters, query: AsOfQuery, kind: Kind, point: Point | None = None
) -> StreamAtPoint[Any]:
    """Return the reading of the stream that the address names, at `point` or else the point of the query.

    Raises Problem (404).
    """
    point = point or snapshot.point_in_log(query)
    stream = f"{kind}/{member_of(names)}"
    found = histories(snapshot.c, [stream], point.position)
    if stream not in found:
        snapshot.raise_not_found()
    return with_dates_of_undated(snapshot.c, point, found.values()).reading(found[stream])


def readings(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> Readings:
    """Return the readings of all streams of a relation, at the point of the query. Raises Problem (404)."""
    relation, point = names["relation"], snapshot.point_in_log(query)
    c = snapshot.c
    found = readings_of(c, snapshot.histories.of_relation(c, relation, point.position), relation, point)
    if found is None:
        snapshot.raise_not_found()
    return found
