"""A cache of histories as audiences see them, so that an append need not fold them again.

It has only streams of which a part is withheld. Only the writer thread uses it. If labels change, it is emptied.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from service.domain.handling import visible
from service.domain.history import History
from service.domain.streams import history_of

_Key = tuple[str, int]
"""A stream, and the rank of an audience."""
_MOST_EVENTS: Final = 50_000


class SeenHistories:
    """Histories by stream and audience, with about `most_events` events in total. The oldest are removed."""

    def __init__(self, most_events: int = _MOST_EVENTS) -> None:
        self._most_events, self._size = most_events, 0
        # Each with the version of the whole stream to which it belongs.
        self._known: OrderedDict[_Key, tuple[int, History[Any]]] = OrderedDict()

    def of(self, whole: History[Any], rank: int) -> History[Any]:
        """Return what the audience of a rank sees of a stream. Do not change it."""
        version, known = self._known.get((whole.stream, rank), (-1, None))
        if known is not None and version == whole.version:
            return known
        return history_of(whole.stream, visible(whole, rank))

    def add(self, version: int, found: Mapping[_Key, History[Any]]) -> None:
        """Cache what audiences see of one stream at a version of the whole stream."""
        for key, history in found.items():
            if key in self._known:
                self._size -= len(self._known.pop(key)[1].events)
            self._known[key] = version, history
            self._size += len(history.events)
        while self._size > self._most_events:
            _, (_, evicted) = self._known.popitem(last=False)
            self._size -= len(evicted.events)
