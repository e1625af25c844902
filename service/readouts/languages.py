"""Guess the language of a text from its most frequent words."""

import re
from collections.abc import Iterable
from typing import Final

_FREQUENT: Final = {
    "en": "the of and to that was were with has have",
    "ru": "и в на что не по для этот был были",
    "uk": "що не та для його був були цей від",
    "fr": "le la les des et une dans du que est",
    "de": "der die das und den von mit ist zu wurde",
    "es": "el los las y una del que por con se",
    "it": "il gli di che e una della del per sono",
    "pt": "o os as e uma da do que não com",
    "pl": "w i na z do się że jest przez oraz",
    "tr": "ve bir bu ile için da de olarak olan ise",
    "nl": "de het een van en dat met zijn niet op",
}
_WORDS: Final = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}
_MIN_FREQUENT_WORDS: Final = 5
_MIN_RATIO: Final = 1.25
"""The least ratio of the frequent words of a language to those of the next: neighbouring languages share some."""


def language_of(paragraphs: Iterable[str]) -> str | None:
    """Return the BCP 47 tag of a language. None for a short text, an unknown language or a doubtful one."""
    words = re.findall(r"[^\W\d_]+", " ".join(paragraphs).lower())
    counts = sorted(((sum(word in known for word in words), name) for name, known in _WORDS.items()), reverse=True)
    (most, language), (next_most, _), *_ = counts
    return language if most >= _MIN_FREQUENT_WORDS and most >= _MIN_RATIO * next_most else None
