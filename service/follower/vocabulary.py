"""The words that a misspelt word of a search is compared with.

They are the words of the hits with the last keys: of those that name something, and of the newest statements. Reading
twenty thousand hits takes a tenth of a second on a record of a million events. So each process keeps their words, and
reads only what was recorded since. The result is the same as of a new reading.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from threading import Lock
from typing import Final

from anyascii import anyascii
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein
from sqlalchemy import Connection

from service.projections import hit
from service.store import search
from service.store.search import HitWords

_MOST_HITS: Final = 20_000
_MOST_NEAR: Final = 5
"""The most near words for one word."""
_LONG: Final = 8
"""From this length on, a word can have two typing errors, not one."""


class Words:
    """The words of some hits, by their keys."""

    def __init__(self, hits: Iterable[HitWords]) -> None:
        self._words: dict[str, tuple[str, ...]] = {}
        self._times: Counter[str] = Counter()
        # Words in Latin letters, each with the words on record that are written so.
        self._in_latin: dict[str, set[str]] = {}
        for found in hits:
            self.put(found.key, found.words)

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def put(self, key: str, words: Iterable[str]) -> None:
        """Add a hit, or replace it."""
        self.remove(key)
        self._words[key] = tuple(words)
        for word in self._words[key]:
            self._times[word] += 1
            if self._times[word] == 1:
                self._in_latin.setdefault(_latin(word), set()).add(word)

    def remove(self, key: str) -> bool:
        """Remove a hit. Return whether there was one."""
        words = self._words.pop(key, None)
        for word in words or ():
            self._times[word] -= 1
            if not self._times[word]:
                del self._times[word]
                latin = _latin(word)
                self._in_latin[latin].discard(word)
                if not self._in_latin[latin]:
                    del self._in_latin[latin]
        return words is not None

    def near(self, word: str) -> list[str]:
        """Return the words that differ from a word by the fewest typing errors, in any script. Two errors at most."""
        errors = 2 if len(word) >= _LONG else 1
        matches = process.extract(
            _latin(word), self._in_latin.keys(), scorer=DamerauLevenshtein.distance, score_cutoff=errors, limit=None
        )
        least = min((distance for _, distance, _ in matches), default=0)
        near = (found for match, distance, _ in matches if distance == least for found in self._in_latin[match])
        return sorted(near)[:_MOST_NEAR]


class Vocabulary:
    """The words of the last hits of the whole record, as an audience sees it. Several threads can use it."""

    def __init__(self, most_hits: int = _MOST_HITS) -> None:
        self._most = most_hits
        self._lock = Lock()
        self._position = -1
        self._words = Words(())
        self._keys: list[str] = []
        self._has_all = False

    def near(self, c: Connection, words: Iterable[str], position: int, relation: str | None) -> dict[str, list[str]]:
        """Return the near words of each word that has some. `position`: the last one of the record that is read.

        With a relation, only its own words count. They are read each time, because there are few.
        """
        if relation is not None:
            own = Words(search.words_of(c, hit.NAME, hit.REPRESENTATION, relation=relation, limit=self._most))
            return _near(own, words)
        with self._lock:
            if position < self._position:
                # A standby that is behind, or a request that began before another one.
                return _near(Words(search.words_of(c, hit.NAME, hit.REPRESENTATION, limit=self._most)), words)
            self._catch_up(c, position)
            return _near(self._words, words)

    def _catch_up(self, c: Connection, position: int) -> None:
        if self._position < 0:
            self._read(c)
        else:
            changed = search.words_of(
                c, hit.NAME, hit.REPRESENTATION, changed_after=self._position, limit=self._most + 1
            )
            if len(changed) > self._most or not all(map(self._apply, changed)):
                self._read(c)
        self._position = position

    def _read(self, c: Connection) -> None:
        """Read the last hits of the whole record."""
        found = search.words_of(c, hit.NAME, hit.REPRESENTATION, limit=self._most)
        self._words, self._keys = Words(found), sorted(each.key for each in found)
        self._has_all = len(found) < self._most

    def _apply(self, changed: HitWords) -> bool:
        """Apply the change of one hit. Return whether the words are complete: a hit that is gone can make room."""
        key = changed.key
        if not changed.words:
            if self._words.remove(key):
                del self._keys[bisect_left(self._keys, key)]
                return self._has_all
            return True
        if not self._has_all and key < self._keys[0]:
            return True
        if key not in self._words:
            insort(self._keys, key)
        self._words.put(key, changed.words)
        if len(self._keys) > self._most:
            self._words.remove(self._keys.pop(0))
            self._has_all = False
        return True


def _near(known: Words, words: Iterable[str]) -> dict[str, list[str]]:
    found = {word: known.near(word) for word in words}
    return {word: near for word, near in found.items() if near}


def _latin(word: str) -> str:
    """Return a word in Latin letters, so that a name is found in another script than that of the record."""
    return word if word.isascii() else anyascii(word).lower()
