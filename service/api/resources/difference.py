"""The difference of two points in time, with its reasons: for one irritant, or for all of a relation."""

from datetime import date, datetime
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.api.parameters import Query, day, is_over, malformed, moment, whole
from service.api.resources import Found, Names, Resource, Snapshot, found
from service.api.resources.states import member_of, of_relation, of_stream
from service.follower.as_of import Point, histories, readings_of
from service.projections import difference
from service.projections.difference import DifferenceDocument, RelationDifference
from service.store import reports
from service.store.log import Head

_FORMS: Final = "position:41, known:2025-04-10T09:30:00Z, effective:2025-04-10 or round:istanbul-april"


class At(NamedTuple):
    """One of the two points: by date of recording, by date of event, or after the last report for a round."""

    by: Literal["position", "known", "effective", "round"]
    value: int | datetime | date | str


def _at(text: str) -> At:
    by, _, value = text.partition(":")
    match by:
        case "position":
            return At(by, whole(value))
        case "known":
            return At(by, moment(value))
        case "effective":
            return At(by, day(value))
        case "round" if value:
            return At(by, value)
        case _:
            raise PydanticCustomError("at", f"must be {_FORMS}")


Place = Annotated[At, BeforeValidator(_at), WithJsonSchema({"type": "string"})]


class DifferenceQuery(Query):
    """The two points."""

    from_: Annotated[
        Place | None,
        Field(alias="from", description=f"the earlier point: {_FORMS}; default: before the first event"),
    ] = None
    to: Annotated[Place | None, Field(description="the later point, in the same form; default: the present")] = None

    def is_final(self, _head: Head) -> bool:
        return self.to is not None and all(_is_over(place, _head) for place in (self.from_, self.to) if place)


def _is_over(place: At, head: Head) -> bool:
    if place.by == "known":
        return is_over(cast(datetime, place.value), head)
    return place.by == "position"


def _points(snapshot: Snapshot, names: Names, query: DifferenceQuery) -> tuple[Point, Point]:
    first, last = query.from_, query.to
    return (
        Point(0) if first is None else _point(snapshot, names, first, "from"),
        Point(snapshot.head.position) if last is None else _point(snapshot, names, last, "to"),
    )


def _point(snapshot: Snapshot, names: Names, place: At, parameter: str) -> Point:
    match place.value:
        case int(position):
            return Point(snapshot.on_record(position, parameter))
        case datetime() as known:
            return Point(snapshot.known_at(known, parameter))
        case date() as effective:
            return Point(snapshot.head.position, effective)
        case slug:
            round = f"{names['relation']}/{slug}"
            filed = reports.page(snapshot.c, round=round, upto=snapshot.head.position)
            if not filed:
                raise malformed(parameter, f"names the round {round}, for which no report was filed; use another point")
            return Point(filed[-1].last_position)


def _of_irritant(snapshot: Snapshot, names: Names, query: DifferenceQuery) -> Found[DifferenceDocument]:
    """Compare an irritant at two points: before, after, and the event behind each change.

    `from` and `to` are `position:41`, `known:2025-04-10T09:30:00Z`, `effective:2025-04-10` or `round:istanbul-april`.
    The last means the record after the last report for that round.
    """
    stream = f"irritant/{member_of(names)}"
    known = histories(snapshot.c, [stream], snapshot.head.position)
    if stream not in known:
        snapshot.not_found()
    before, after = (point.reading(known[stream].as_of(point.position)) for point in _points(snapshot, names, query))
    return found(difference.view(before, after), difference.REPRESENTATION)


def _of_relation(snapshot: Snapshot, names: Names, query: DifferenceQuery) -> Found[RelationDifference]:
    """Compare all irritants of a relation at two points.

    `from` and `to` have the same form as for one irritant.
    """
    relation = names["relation"]
    before, after = (
        readings_of(snapshot.histories.of_relation(snapshot.c, relation, point.position), relation, point)
        for point in _points(snapshot, names, query)
    )
    if before is None and after is None:
        snapshot.not_found()
    was, now = (known["irritants"] if known else [] for known in (before, after))
    return found(difference.of_relation(relation, was, now), difference.REPRESENTATION)


OF_IRRITANT: Final = Resource(
    "/v1/irritants/{relation}/{slug}/difference",
    DifferenceQuery,
    _of_irritant,
    of_stream("irritant"),
    shape=DifferenceDocument,
)
RESOURCES: Final = (
    OF_IRRITANT,
    Resource(
        "/v1/relations/{relation}/difference", DifferenceQuery, _of_relation, of_relation, shape=RelationDifference
    ),
)
