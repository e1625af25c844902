"""A cache of rendered documents, limited in bytes. A change of the data that an entry depends on removes the entry.

Each entry has topics, such as `ru-us` or `irritant/ru-us/visas`. An event that touches a topic removes its entries,
except those that include the event already. If that happens while an entry is loading, the callers get the result,
but it is not cached.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, cast

_OVERHEAD: Final = 2_000
"""About the memory of an entry in addition to `size`, in bytes."""


class Cacheable(Protocol):
    """A value to cache. `position` is the last event that it is computed from, `size` its bytes."""

    @property
    def position(self) -> int: ...
    @property
    def size(self) -> int: ...


K = TypeVar("K", bound=Cacheable)


@dataclass(slots=True, eq=False)
class _Entry:
    """`value` is None until `loading` has ended."""

    topics: Sequence[str]
    value: Cacheable | None = None
    loading: asyncio.Task[Any] | None = None


class Cache:
    """The cache. When it is full, the least recently used entries are removed. Metrics: `bytes`, `hits`, `misses`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._by_topic: dict[str, set[Hashable]] = {}
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: Hashable) -> Cacheable | None:
        """Return the cached value of a key, None if it is not loaded."""
        entry = self._entries.get(key)
        if entry is None or entry.value is None:
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return entry.value

    async def get(self, key: Hashable, topics: Sequence[str], load: Callable[[], Awaitable[K]]) -> K:
        """Return the cached value of a key, or load it, once for all callers."""
        if (cached := self.peek(key)) is not None:
            return cast(K, cached)
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            entry = self._entries[key] = _Entry(topics)
            self._index(key, topics)
            entry.loading = asyncio.ensure_future(self._load(key, entry, load))
            entry.loading.add_done_callback(_retrieve_exception)
        assert entry.loading is not None
        # Shielded, so that a cancelled caller does not cancel the load for the others.
        return cast(K, await asyncio.shield(entry.loading))

    async def _load(self, key: Hashable, entry: _Entry, load: Callable[[], Awaitable[K]]) -> K:
        try:
            value = await load()
        except BaseException:
            self._remove(key, entry)
            raise
        if self._entries.get(key) is entry:
            entry.value, entry.loading = value, None
            self.bytes += value.size + _OVERHEAD
            self._evict()
        return value

    def drop(self, touched: Mapping[str, int]) -> None:
        """Remove the entries with these topics that are loading, or were computed before the topic was touched.

        `touched` has the last position that touched each topic.
        """
        for topic, position in touched.items():
            for key in tuple(self._by_topic.get(topic, ())):
                entry = self._entries[key]
                if entry.value is None or entry.value.position < position:
                    self._remove(key, entry)

    def clear(self) -> None:
        self._entries.clear()
        self._by_topic.clear()
        self.bytes = 0

    def _index(self, key: Hashable, topics: Iterable[str]) -> None:
        for topic in topics:
            self._by_topic.setdefault(topic, set()).add(key)

    def _evict(self) -> None:
        while self.bytes > self._max_bytes:
            # Entries that are loading have no size yet.
            key, entry = next((key, entry) for key, entry in self._entries.items() if entry.value is not None)
            self._remove(key, entry)

    def _remove(self, key: Hashable, entry: _Entry) -> None:
        if self._entries.get(key) is not entry:
            return
        del self._entries[key]
        if entry.value is not None:
            self.bytes -= entry.value.size + _OVERHEAD
        for topic in entry.topics:
            keys = self._by_topic[topic]
            keys.discard(key)
            if not keys:
                del self._by_topic[topic]


def _retrieve_exception(loaded: asyncio.Task[Any]) -> None:
    # If all callers left, asyncio would warn that the exception was never retrieved.
    if not loaded.cancelled():
        loaded.exception()
