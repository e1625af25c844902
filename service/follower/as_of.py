"""Readings of the record at a point of both its clocks, from the log. What is stored is only the present.

Every function is given a connection and a position up to which it looks, so an answer computed from several queries is
of one moment, whatever is appended meanwhile.
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
    """What was on record at a position; of that, where a day is given, only what had happened by then."""

    position: int
    effective_on: date | None = None
    certain: bool = False

    def reading(self, history: History[Any]) -> Reading[Any]:
        return history.reading(self.effective_on, certain=self.certain)


def histories(connection: Connection, streams: Iterable[str], upto: int) -> dict[str, History[Any]]:
    """These streams as they were on record; those that were not are left out."""
    read = events.read_streams(connection, dict.fromkeys(streams, 0), upto=upto)
    return _on_record(read)


class Readings(TypedDict):
    """Every stream of a relation, read at one point: what is computed over a whole relation is computed from."""

    irritants: Sequence[Reading[Irritant]]
    rounds: Sequence[Reading[Round]]
    relation: Reading[Relation]


def readings_of(found: Mapping[str, History[Any]], relation: str, point: Point) -> Readings | None:
    """Of all streams of a relation; None where there are none. Of talks that nobody opened it is that of nothing."""
    if not found:
        return None
    talks = found.get(f"relation/{relation}") or history_of(f"relation/{relation}")
    return {
        "irritants": [point.reading(h) for stream, h in found.items() if stream.startswith("irritant/")],
        "rounds": [point.reading(h) for stream, h in found.items() if stream.startswith("round/")],
        "relation": point.reading(talks),
    }


def cited_sources(connection: Connection, recorded: Iterable[Recorded], point: Point) -> list[Reading[Source]]:
    """The documents that any of these events cites."""
    cited = {f"source/{event.data.source.document}" for event in recorded if isinstance(event.data, Statement)}
    return [point.reading(history) for history in histories(connection, cited, point.position).values()]


def rounds_of_reports(connection: Connection, relation: str, upto: int) -> dict[str, str]:
    """The round that each report was filed on, by the report's id; those on none are left out."""
    return {r.id: r.round for r in reports.page(connection, relation=relation, upto=upto) if r.round is not None}


def _on_record(read: Mapping[str, list[Any]]) -> dict[str, History[Any]]:
    return {stream: history_of(stream, recorded) for stream, recorded in read.items() if recorded}
