"""The decoded histories of whole relations, kept and caught up by their tails: what views over a relation are made of.

A board of two hundred irritants is computed anew with every commit that somebody looks after; to decode and to fold all
of it each time takes a hundred times as long as the view. What was given out is never changed: a stream that moved is
copied first. So several threads may compute from one history while another catches it up.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from service.domain.history import History
from service.domain.streams import history_of
from service.store import codec, events


@dataclass(frozen=True, slots=True)
class _Relation:
    """Every stream of a relation that was on record at a position."""

    position: int
    histories: Mapping[str, History[Any]]
    size: int


class Histories:
    """Relations least recently used go first where they have more than `most_events` together."""

    def __init__(self, most_events: int) -> None:
        self._most = most_events
        self._kept: OrderedDict[str, _Relation] = OrderedDict()
        self._turn = threading.Lock()

    def of_relation(self, c: Connection, relation: str, upto: int) -> dict[str, History[Any]]:
        """Every stream of a relation that was on record at a position, by its name."""
        with self._turn:
            kept = self._kept
            known = kept.get(relation)
            if known is None:
                now = _read(c, relation, upto)
            elif known.position < upto:
                now = _caught_up(c, relation, known, upto)
            else:
                now = known
            if self._kept is kept:
                self._keep(relation, now)
        then = ((stream, history.as_of(upto)) for stream, history in sorted(now.histories.items()))
        return {stream: history for stream, history in then if history.events}

    def forget(self) -> None:
        """From any thread, without waiting: what is being read meanwhile is not kept."""
        self._kept = OrderedDict()

    def _keep(self, relation: str, now: _Relation) -> None:
        self._kept[relation] = now
        self._kept.move_to_end(relation)
        while sum(one.size for one in self._kept.values()) > self._most:
            self._kept.popitem(last=False)


def _read(c: Connection, relation: str, upto: int) -> _Relation:
    recorded = events.read_relation(c, relation, kinds=("irritant", "round", "relation"), upto=upto)
    return _relation(upto, {stream: history_of(stream, log) for stream, log in recorded.items()})


def _caught_up(c: Connection, relation: str, known: _Relation, upto: int) -> _Relation:
    histories = dict(known.histories)
    copied: set[str] = set()
    for row in events.read_log(c, relation=relation, after=known.position, upto=upto):
        if row.stream not in copied:
            copied.add(row.stream)
            histories[row.stream] = histories[row.stream].copy() if row.stream in histories else history_of(row.stream)
        histories[row.stream].append(codec.decode(row))
    return _relation(upto, histories)


def _relation(position: int, histories: Mapping[str, History[Any]]) -> _Relation:
    for history in histories.values():
        # Folded here, once: afterwards a history that nobody appends to is only looked at.
        assert history.state is not None
    return _Relation(position, histories, sum(len(history.events) for history in histories.values()))
