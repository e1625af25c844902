"""Find internal names in a text for people: names of streams and documents, types of events, and statuses in code."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, get_args

import yaml

from service.domain.catalogue import EVENT_TYPES
from service.domain.irritant.standing import Basis
from service.domain.ladder import RUNGS
from service.projections.needs_confirmation import Kind

_SEEDS: Final = Path(__file__).parents[1] / "seeds"
_ADDRESS: Final = re.compile(r"https?://\S+|/(?:v1|events|irritants|rounds|relations|sources|reports)/\S+")
_NOT_SHOWN: Final = frozenset({"code", "pre", "script", "style", "textarea"})
"""The elements of a page that show no text, or examples for programs."""


def _of_seeds() -> Iterator[str]:
    for file in sorted(_SEEDS.glob("*.yaml")):
        report: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for source in report.get("sources", ()):
            yield source["slug"]
        for event in report["events"]:
            kind, _, slug = str(event["stream"]).partition("/")
            if slug:
                yield from (f"{kind}/{slug}", f"ru-us/{slug}")


DOCUMENTS: Final = frozenset(name for name in _of_seeds() if "/" not in name)
"""The slugs of documents."""
STREAMS: Final = frozenset(name for name in _of_seeds() if "/" in name)
CODED: Final = frozenset(word for word in (*RUNGS, *get_args(Basis), *get_args(Kind)) if "_" in word)
"""The statuses and kinds whose code is not a word."""
TYPES: Final = frozenset(EVENT_TYPES)


class _Shown(HTMLParser):
    """The text of a page that people see, without code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NOT_SHOWN:
            self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def shown(page: str) -> str:
    """Return the text of a page that people see."""
    return " ".join(_Shown(page).words)


def internal_names(text: str, names: frozenset[str] = DOCUMENTS | STREAMS | CODED | TYPES) -> set[str]:
    """Return the internal names in a text. Names in addresses are allowed."""
    words = set(re.findall(r"[\w/-]+", _ADDRESS.sub(" ", text)))
    return words & names
