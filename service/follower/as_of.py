"""Read earlier states from the log: as known at a position, and as it was on a day.

Stored documents have only the present state, so earlier states are computed from events. Every function reads streams
up to a position. So the results of several queries fit together, even if events are appended in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypedDict

from sqlalchemy import Connection

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import Assertion, Recorded, Statement, when
from service.domain.corrections import DocumentAndOrigin
from service.domain.history import History, StreamAtPoint
from service.domain.irritant.state import Irritant
from service.domain.relation.state import Relation
from service.domain.round.membership import Membership, membership
from service.domain.round.state import Round
from service.domain.source.state import Source
from service.domain.streams import history_of
from service.store import events, reports


@dataclass(frozen=True, slots=True)
class Point:
    """A point in time: only events up to `position`, and of these, if a day is given, only what had happened by then.

    `certain` leaves out events that only possibly happened by that day. `dates` has the day from which an assertion
    without any date counts, by the document and the origin that it cites. `with_dates_of_undated` finds these days.
    `names`: the names of actors on record at the position.
    """

    position: int
    effective_on: date | None = None
    certain: bool = False
    dates: Mapping[DocumentAndOrigin, date] = field(default_factory=dict)
    names: ActorNames = NO_NAMES

    def reading(self, history: History[Any]) -> StreamAtPoint[Any]:
        """Return the state of a history at this point."""
        return history.reading(self.effective_on, certain=self.certain, dates=self.dates, names=self.names)


def with_dates_of_undated(connection: Connection, point: Point, found: Iterable[History[Any]]) -> Point:
    """Return the point with the days from which the undated assertions of these histories count.

    This is the day on which the document was published, else the day of the origin. Without either they count always.
    """
    if point.effective_on is None or point.certain:  # `happened_by` does not use these days then
        return point
    contents = (effect.data for history in found for effect in history.order)
    undated = [data for data in contents if isinstance(data, Assertion) and data.occurred is None]
    cited = {(assertion.source.document, assertion.source.origin) for assertion in undated}
    if not cited:
        return point
    # This also finds origins that were registered after the position. They are not in the states, which end there.
    origins = events.origin_streams(connection, {origin for _, origin in cited})
    streams = {*(f"source/{document}" for document, _ in cited), *origins.values()}
    states = {stream: history.state for stream, history in histories(connection, streams, point.position).items()}
    dates: dict[DocumentAndOrigin, date] = {}
    for document, origin in cited:
        source = states.get(f"source/{document}")
        edtf = source.published if source else None
        # Another document may have registered the origin.
        if edtf is None and (of_origin := states.get(origins.get(origin, ""))) and origin in of_origin.origins:
            edtf = of_origin.origins[origin].occurred
        if (since := when(edtf).earliest) is not None:
            dates[document, origin] = since
    return replace(point, dates=dates)


def histories(connection: Connection, streams: Iterable[str], upto: int) -> dict[str, History[Any]]:
    """Return the histories of these streams up to a position. Streams without events are left out."""
    found = events.read_streams(connection, dict.fromkeys(streams, 0), upto=upto)
    return {stream: history_of(stream, recorded) for stream, recorded in found.items() if recorded}


class Readings(TypedDict):
    """The states of all streams of a relation at one point. Overviews such as the board are computed from them."""

    irritants: Sequence[StreamAtPoint[Irritant]]
    rounds: Sequence[StreamAtPoint[Round]]
    relation: StreamAtPoint[Relation]


def readings_of(
    connection: Connection, found: Mapping[str, History[Any]], relation: str, point: Point
) -> Readings | None:
    """Return the states in a relation. `found` has its histories, by stream. None if it is empty.

    Without a stream of the relation itself, the reading `relation` is that of an empty history.
    """
    if not found:
        return None
    point = with_dates_of_undated(connection, point, found.values())
    own = found.get(f"relation/{relation}") or history_of(f"relation/{relation}")
    return {
        "irritants": [point.reading(history) for stream, history in found.items() if stream.startswith("irritant/")],
        "rounds": [point.reading(history) for stream, history in found.items() if stream.startswith("round/")],
        "relation": point.reading(own),
    }


def cited_sources(connection: Connection, recorded: Iterable[Recorded], point: Point) -> list[StreamAtPoint[Source]]:
    """Return the sources that these events cite."""
    cited = {f"source/{event.data.source.document}" for event in recorded if isinstance(event.data, Statement)}
    return [point.reading(history) for history in histories(connection, cited, point.position).values()]


def membership_of(connection: Connection, read: Readings, upto: int) -> Membership:
    """Return which event belongs to which round of a relation, by the reports up to a position."""
    rounds = [reading.stream.partition("/")[2] for reading in read["rounds"]]
    filed = reports.of_rounds(connection, rounds, upto) if rounds else {}
    return membership(read["rounds"], read["relation"], filed)
