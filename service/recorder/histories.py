"""What the recorder knows of the record: decoded histories and where origins are registered, current up to one head.

A stream of ten thousand events takes longer to decode than anybody may hold the head's lock, so what was decoded is
kept and only its tail is ever read. Bounded; the least recently used streams go first.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from service.domain.history import History
from service.domain.references import corrects, needs
from service.domain.report import Report
from service.domain.streams import history_of
from service.store import codec, events
from service.store.codec import StoredEvent
from service.store.log import Head

_MAX_CAUGHT_UP: Final = 5_000
"""Further behind than this, everything is forgotten and read again as it is needed."""
_STREAM: Final = 3
"""What keeping a stream costs beside its events, in events."""


class Histories:
    """`head` is None where nothing is known. Histories that were given out are only ever copied by who got them."""

    def __init__(self, most_events: int) -> None:
        self.head: Head | None = None
        self._most = most_events
        self._size = 0
        self._kept: OrderedDict[str, History[Any]] = OrderedDict()
        self._origins: dict[str, str] = {}

    def __contains__(self, stream: str) -> bool:
        return stream in self._kept

    def catch_up(self, c: Connection, head: Head) -> Head:
        """Adds what others recorded since; the head that is now known."""
        missed = self._missed(c, head)
        if missed is None:
            self.forget()
        for row in missed or ():
            if (history := self._kept.get(row.stream)) is not None:
                history.append(codec.decode(row))
                self._size += 1
        self.head = head
        return head

    def _missed(self, c: Connection, head: Head) -> Sequence[StoredEvent] | None:
        """What comes after the known head; None where that is too much, or the known head is not on record any more."""
        known = self.head
        if known is None or known.record != head.record or not 0 <= head.position - known.position <= _MAX_CAUGHT_UP:
            return None
        if head.position == known.position:
            return () if head.chain_hash == known.chain_hash else None
        # From the known head itself on: after a failover that lost commits, another event may be in its place.
        found = events.read_log(c, after=known.position - 1, upto=head.position)
        if known.position == 0:
            return found
        return found[1:] if found[0].chain_hash == known.chain_hash else None

    def needed(
        self, c: Connection, reports: Sequence[Report], absent: frozenset[str] = frozenset()
    ) -> tuple[dict[str, History[Any]], dict[str, str]]:
        """Every stream that these reports are judged on, and where the origins that they cite are registered.

        Kept ones as they are, the rest in one query; those said to be `absent` are taken to be empty, unread.
        """
        assert self.head is not None
        histories: dict[str, History[Any]] = {}
        origins: dict[str, str] = {}
        while reports:
            found = [needs(report, histories) for report in reports]
            slugs = frozenset[str]().union(*(n.origins for n in found)) - origins.keys()
            origins |= {slug: self._origins[slug] for slug in slugs if slug in self._origins}
            if unknown := slugs - origins.keys():
                origins |= events.origin_streams(c, unknown)
            streams = frozenset[str]().union(*(n.streams for n in found), origins.values()) - histories.keys()
            # One by one: a difference of sets would walk through all that is kept.
            unread = {stream: 0 for stream in streams if stream not in self._kept and stream not in absent}
            read = events.read_streams(c, unread, upto=self.head.position) if unread else {}
            histories |= {s: self._kept.get(s) or history_of(s, read.get(s, ())) for s in streams}
            # Only what a correction is about can show more to be needed, and only while more is known than before.
            reports = [report for report in reports if streams and corrects(report)]
        return histories, origins

    def keep(self, head: Head, histories: dict[str, History[Any]], origins: dict[str, str]) -> None:
        """These are what the record holds at this head, which nobody but the caller has moved since `head`."""
        self.head = head
        for stream, history in histories.items():
            before = self._kept.get(stream)
            self._size += len(history.events) - len(before.events) if before is not None else _cost(history)
            self._kept[stream] = history
            self._kept.move_to_end(stream)
        while self._size > self._most:
            _, forgotten = self._kept.popitem(last=False)
            self._size -= _cost(forgotten)
        self._origins |= origins
        if len(self._origins) > self._most:
            self._origins.clear()

    def forget(self) -> None:
        self.head, self._size = None, 0
        self._kept.clear()
        self._origins.clear()


def _cost(history: History[Any]) -> int:
    return _STREAM + len(history.events)
