"""Readings of the record at a point of both its clocks, from the log. What is stored is only the present.

Every function is given a connection and a position up to which it looks, so an answer computed from several queries is
of one moment, whatever is appended meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from service.domain.catalogue import Kind
from service.domain.history import History, Reading
from service.domain.streams import history_of
from service.store import events


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


def histories_of(
    connection: Connection, relation: str | None, kinds: Iterable[Kind], upto: int
) -> dict[str, History[Any]]:
    """Every stream of these kinds in a relation, or in all of them, by its name."""
    read = events.read_relation(connection, relation, kinds=kinds, upto=upto)
    return dict(sorted(_on_record(read).items()))


def _on_record(read: Mapping[str, list[Any]]) -> dict[str, History[Any]]:
    return {stream: history_of(stream, recorded) for stream, recorded in read.items() if recorded}
