"""As-of reads from the log: the record as it was known at a position, and as it was on a day.

Every function takes a position as its upper limit. So results of several queries fit together, even if events are
appended in between. Stored documents have only the current state.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict

from sqlalchemy import Connection

from service.domain.assertion import Recorded, Statement
from service.domain.history import History, Reading
from service.domain.irritant.state import Irritant
from service.domain.relation.state import Relation
from service.domain.round.state import Round
from service.domain.source.state import Source
from service.domain.streams import history_of
from service.store import events, reports


@dataclass(frozen=True, slots=True)
class Point:
    """A position and, optionally, a day: what was recorded by then, and of that, what had occurred by that day."""

    position: int
    effective_on: date | None = None
    certain: bool = False

    def reading(self, history: History[Any]) -> Reading[Any]:
        """Return the state of a history at this point."""
        return history.reading(self.effective_on, certain=self.certain)


def histories(connection: Connection, streams: Iterable[str], upto: int) -> dict[str, History[Any]]:
    """Return the histories of these streams up to a position. Streams without events are left out."""
    found = events.read_streams(connection, dict.fromkeys(streams, 0), upto=upto)
    return {stream: history_of(stream, recorded) for stream, recorded in found.items() if recorded}


class Readings(TypedDict):
    """All streams of a relation at one point: the input of the views over a relation."""

    irritants: Sequence[Reading[Irritant]]
    rounds: Sequence[Reading[Round]]
    relation: Reading[Relation]


def readings_of(found: Mapping[str, History[Any]], relation: str, point: Point) -> Readings | None:
    """Return the readings of a relation, None if it has no streams. If no talks were opened, their history is empty."""
    if not found:
        return None
    talks = found.get(f"relation/{relation}") or history_of(f"relation/{relation}")
    return {
        "irritants": [point.reading(h) for stream, h in found.items() if stream.startswith("irritant/")],
        "rounds": [point.reading(h) for stream, h in found.items() if stream.startswith("round/")],
        "relation": point.reading(talks),
    }


def cited_sources(connection: Connection, recorded: Iterable[Recorded], point: Point) -> list[Reading[Source]]:
    """Return the sources that these events cite."""
    cited = {f"source/{event.data.source.document}" for event in recorded if isinstance(event.data, Statement)}
    return [point.reading(history) for history in histories(connection, cited, point.position).values()]


def rounds_of_reports(connection: Connection, relation: str, upto: int) -> dict[str, str]:
    """Return the round of each report, by the id of the report. Reports without a round are left out."""
    return {r.id: r.round for r in reports.page(connection, relation=relation, upto=upto) if r.round is not None}
