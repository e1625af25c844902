"""Compare one irritant, or all irritants of a relation, at two points in time."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, NamedTuple, cast

from pydantic import Field

from service.api.parameters import Query, is_over, malformed
from service.api.resources import FoundDocument, PathParameters, Resource, Snapshot, found_at_position
from service.api.resources.points import FORMS, NamedPoint, PointParameter
from service.api.resources.states import member_of, of_relation, of_stream
from service.domain.actor.names import ActorNames
from service.domain.history import History, StreamAtPoint
from service.domain.irritant.state import Irritant
from service.domain.round.membership import Membership
from service.follower.as_of import Point, histories, membership_of, readings_of, with_dates_of_undated
from service.projections import difference
from service.projections.difference import DifferenceDocument, RelationDifference
from service.store import reports
from service.store.log import Head


class DifferenceQuery(Query):
    """The two points."""

    from_: Annotated[
        PointParameter | None,
        Field(alias="from", description=f"the earlier point: {FORMS}; default: before the first event"),
    ] = None
    to: Annotated[
        PointParameter | None, Field(description="the later point, in the same form; default: the present")
    ] = None

    def is_final(self, _head: Head) -> bool:
        return self.to is not None and all(_is_over(place, _head) for place in (self.from_, self.to) if place)


def _is_over(place: NamedPoint, head: Head) -> bool:
    if place.by == "known":
        return is_over(cast(datetime, place.value), head)
    return place.by == "position"


class AfterRound(NamedTuple):
    """The present record as far as it had come after a round that met."""

    position: int
    members: Membership
    round: str
    names: ActorNames

    def reading(self, history: History[Any]) -> StreamAtPoint[Any]:
        """Return the state of a history after the round."""
        return self.members.after(self.round, history.reading(names=self.names))


def _points(
    snapshot: Snapshot, names: PathParameters, query: DifferenceQuery
) -> tuple[Point | AfterRound, Point | AfterRound]:
    first, last = query.from_, query.to
    return (
        snapshot.point_at(0) if first is None else _point(snapshot, names, first, "from"),
        snapshot.point_at(snapshot.head.position) if last is None else _point(snapshot, names, last, "to"),
    )


def _point(snapshot: Snapshot, names: PathParameters, place: NamedPoint, parameter: str) -> Point | AfterRound:
    match place.value:
        case int(position):
            return snapshot.point_at(snapshot.on_record(position, parameter))
        case datetime() as known:
            return snapshot.point_at(snapshot.known_at(known, parameter))
        case date() as effective:
            return snapshot.point_at(snapshot.head.position, effective)
        case slug:
            round, relation, head = f"{names['relation']}/{slug}", names["relation"], snapshot.head.position
            histories_there = snapshot.histories.of_relation(snapshot.c, relation, head)
            read = readings_of(snapshot.c, histories_there, relation, snapshot.point_at(head))
            members = membership_of(snapshot.c, read, head) if read else Membership()
            if round in members:
                return AfterRound(head, members, round, snapshot.names_at(head))
            attributed = read["relation"].state.attributed if read else {}
            filed = reports.page(snapshot.c, round=round, upto=head, attributed=attributed)
            if not filed:
                raise malformed(parameter, f"names the round {round}, which has no reports; choose another point")
            return snapshot.point_at(filed[-1].last_position)


def _of_irritant(
    snapshot: Snapshot, names: PathParameters, query: DifferenceQuery
) -> FoundDocument[DifferenceDocument]:
    """Compare an irritant at two points: before, after, and the event behind each change.

    `from` and `to` are `position:41`, `known:2025-04-10T09:30:00Z`, `effective:2025-04-10` or `round:istanbul-april`.
    The last means all that came before that round or belongs to it.
    """
    stream = f"irritant/{member_of(names)}"
    known = histories(snapshot.c, [stream], snapshot.head.position)
    if stream not in known:
        snapshot.raise_not_found()
    before, after = (
        _at_day(snapshot, point, known).reading(known[stream].as_of(point.position))
        for point in _points(snapshot, names, query)
    )
    return found_at_position(difference.view(before, after), difference.REPRESENTATION)


def _of_relation(
    snapshot: Snapshot, names: PathParameters, query: DifferenceQuery
) -> FoundDocument[RelationDifference]:
    """Compare all irritants of a relation at two points.

    `from` and `to` have the same form as for one irritant.
    """
    relation = names["relation"]
    first, last = _points(snapshot, names, query)
    was, now = (_irritants(snapshot, relation, point) for point in (first, last))
    if was is None and now is None:
        snapshot.raise_not_found()
    return found_at_position(difference.of_relation(relation, was or [], now or []), difference.REPRESENTATION)


def _irritants(snapshot: Snapshot, relation: str, point: Point | AfterRound) -> list[StreamAtPoint[Irritant]] | None:
    """Return the irritants of a relation at a point, None if the relation has no streams there."""
    known = snapshot.histories.of_relation(snapshot.c, relation, point.position)
    if not known:
        return None
    then = _at_day(snapshot, point, known)
    return [then.reading(history) for stream, history in known.items() if stream.startswith("irritant/")]


def _at_day(snapshot: Snapshot, point: Point | AfterRound, known: Mapping[str, History[Any]]) -> Point | AfterRound:
    return with_dates_of_undated(snapshot.c, point, known.values()) if isinstance(point, Point) else point


OF_IRRITANT: Final = Resource(
    "/v1/irritants/{relation}/{slug}/difference",
    DifferenceQuery,
    _of_irritant,
    of_stream("irritant"),
    shape=DifferenceDocument,
)
OF_RELATION: Final = Resource(
    "/v1/relations/{relation}/difference", DifferenceQuery, _of_relation, of_relation, shape=RelationDifference
)
RESOURCES: Final = (OF_IRRITANT, OF_RELATION)
