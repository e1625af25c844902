"""Split a paragraph into sentences, and find the phrases in them that are not negated."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from service import resources

_SENTENCE_END: Final = re.compile(r"(?<!\b[A-Z]\.)(?<=[.!?])\s+(?=[^\s\da-zа-яё])")  # noqa: RUF001
"""The blanks between sentences. "U.S." ends no sentence, and no sentence begins with a small letter or a figure."""
_CLAUSE_END: Final = re.compile(r"[,;:—–]|\b(?:but|and|но|и|mais|et)\b", re.IGNORECASE)  # noqa: RUF001
_NEGATION_DISTANCE: Final = 5


@cache
def phrase_table() -> dict[str, Any]:
    """Return the tables of `phrases.toml`."""
    return tomllib.loads((resources.folder("readouts") / "phrases.toml").read_text(encoding="utf-8"))


def sentences_of(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph."""
    return [sentence for sentence in _SENTENCE_END.split(paragraph) if sentence]


def asserted(phrases: Iterable[re.Pattern[str]], paragraph: str) -> list[str]:
    """Return the words that each phrase matches, unless its clause has a negation up to five words before them.

    "No longer blocked" says that nothing is blocked, and "rejects the suspension" that nothing is suspended.
    """
    found = (next(_asserted(phrase, paragraph), None) for phrase in phrases)
    return [words for words in found if words is not None]


def _asserted(phrase: re.Pattern[str], paragraph: str) -> Iterator[str]:
    for sentence in sentences_of(paragraph):
        for match in phrase.finditer(sentence):
            clause = _CLAUSE_END.split(sentence[: match.start()])[-1]
            if not is_negated(" ".join(clause.split()[-_NEGATION_DISTANCE:])):
                yield match[0]


def stated(phrases: Iterable[re.Pattern[str]], paragraph: str) -> list[str]:
    """Return the words that each phrase matches in a sentence without a negation outside these words.

    This is stricter than `asserted`: a wrong answer to a proposal does more harm than a missing one.
    """
    found = (next(_stated(phrase, paragraph), None) for phrase in phrases)
    return [words for words in found if words is not None]


def _stated(phrase: re.Pattern[str], paragraph: str) -> Iterator[str]:
    for sentence in sentences_of(paragraph):
        for match in phrase.finditer(sentence):
            if not is_negated(f"{sentence[: match.start()]} {sentence[match.end() :]}"):
                yield match[0]


def is_negated(text: str) -> bool:
    """Return whether a text has a word such as "not", "nothing", "without" or "denies"."""
    return _negation().search(text) is not None


@cache
def _negation() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrase_table()['negations']['patterns'])})(?!\w)|n['’]t\b", re.IGNORECASE)  # noqa: RUF001
