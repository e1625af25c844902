"""What was rendered, kept for as long as nothing that it is computed from changes: bounded in bytes.

An entry names its topics; a change of one of them drops it, unless it was computed with that change already. An entry
that is still being loaded when its topic changes is given to those who asked before, and not kept.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, cast

_OVERHEAD: Final = 2_000
"""About what an entry costs beside its bytes."""


class Cacheable(Protocol):
    """Anything that was computed at a position of the record. `position`: the last event that it is computed from."""

    @property
    def position(self) -> int: ...
    @property
    def size(self) -> int: ...


K = TypeVar("K", bound=Cacheable)


@dataclass(slots=True, eq=False)
class _Entry:
    topics: Sequence[str]
    value: Cacheable | None = None
    loading: asyncio.Task[Any] | None = None


class Cache:
    """Entries by key, least recently used out. `bytes`, `hits` and `misses` are metrics."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._by_topic: dict[str, set[Hashable]] = {}
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: Hashable) -> Cacheable | None:
        """What is kept under a key and needs no loading."""
        entry = self._entries.get(key)
        if entry is None or entry.value is None:
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return entry.value

    async def get(self, key: Hashable, topics: Sequence[str], load: Callable[[], Awaitable[K]]) -> K:
        if (kept := self.peek(key)) is not None:
            return cast(K, kept)
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            entry = self._entries[key] = _Entry(topics)
            self._index(key, topics)
            entry.loading = asyncio.ensure_future(self._load(key, entry, load))
            entry.loading.add_done_callback(_retrieve_exception)
        assert entry.loading is not None
        # Shielded: one who asked and left takes nothing from the others.
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
        """Drops what depends on these topics, unless it knows the position that touched them."""
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
        while self.bytes > self._most_bytes:
            key, entry = next((k, e) for k, e in self._entries.items() if e.value is not None)
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
    # All who asked may have left: then the exception is retrieved here.
    if not loaded.cancelled():
        loaded.exception()
