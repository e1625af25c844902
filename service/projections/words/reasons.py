"""The words for the reasons of changes: one table for pages, the command line and the Atom feed.

In JSON a reason keeps its own word, such as `new_evidence`.
"""

from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, str]] = {
    "world": "Something happened",
    "new_evidence": "New evidence",
    "correction": "The record was corrected",
    "retraction": "An event was retracted",
}


def reason_words(reason: str) -> str:
    """Return a reason in words that begin a line, such as `Something happened`."""
    return _WORDS[reason]


def reason_within(reason: str) -> str:
    """Return a reason in words that stand within a line, such as `something happened`."""
    words = _WORDS[reason]
    return words[:1].lower() + words[1:]
