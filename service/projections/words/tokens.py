"""Split a text into the words that the search index holds, in any script.

Upper case, accents and the marks of vowels that Arabic and Hebrew leave out make no difference. Chinese, Japanese,
Thai, Lao, Khmer and Burmese have no spaces between words, so every two neighbouring letters are a word of the index.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final

_ASCII: Final = re.compile(r"[a-z0-9]{1,100}")
_UNSPACED: Final = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u30ff"  # Hiragana, Katakana
    "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)
_LONGEST: Final = 100
"""The most characters of a word that are kept. PostgreSQL allows 2,046 bytes."""


def words_in(texts: Collection[str]) -> set[str]:
    """Return the words of some texts for the index."""
    # One search in all ASCII texts is faster than one in each.
    found = set(_ASCII.findall(" ".join(text for text in texts if text.isascii()).lower()))
    for text in texts:
        if not text.isascii():
            for run, is_unspaced in _runs(text):
                if is_unspaced:
                    found.update(map("".join, pairwise(run)))
                    # Each letter begins a pair, except the last. A search for one letter needs it as well.
                    found.add(run[-1])
                else:
                    found.add(run[:_LONGEST])
    return found


def words_sought(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words that an entry must have to be found, each with whether the beginning of a word suffices."""
    for word, is_unspaced in _runs(text):
        if is_unspaced and len(word) > 1:
            yield from (("".join(pair), False) for pair in pairwise(word))
        else:
            yield word[:_LONGEST], True


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield runs of letters, marks and digits, each with whether its script has no spaces between words."""
    folded = text.casefold()
    if folded.isascii():
        yield from ((word, False) for word in _ASCII.findall(folded))
        return
    decomposed = unicodedata.normalize("NFKD", folded)
    kept = unicodedata.normalize("NFC", "".join(c for c in decomposed if not _is_accent(c)))
    for is_unspaced, run in groupby(kept, key=_is_unspaced):
        if is_unspaced is not None:
            yield "".join(run), is_unspaced


@lru_cache(maxsize=8192)
def _is_accent(c: str) -> bool:
    """Return whether a character is an accent or a mark that readers leave out. Vowels of Indic scripts are not."""
    # Combining classes: 10 to 35 are Hebrew and Arabic points, from 200 accents. 7, 8 and 9 belong to their letters.
    return 10 <= unicodedata.combining(c) <= 36 or unicodedata.combining(c) >= 200


@lru_cache(maxsize=8192)
def _is_unspaced(c: str) -> bool | None:
    """Return whether a letter is of a script without spaces. Return None for a character that separates words."""
    if _UNSPACED.match(c):
        return None if unicodedata.category(c)[0] in "PSZ" else True
    # Joiners stand within words of Persian and Hindi.
    return False if unicodedata.category(c)[0] in "LMN" or c in "\u200c\u200d" else None
