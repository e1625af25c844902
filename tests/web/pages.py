"""A page as tests read it: its elements, its links, and what a browser's policy would block."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
IN_SVG = frozenset({"circle", "path", "rect", "use"})


@dataclass
class Page(HTMLParser):
    """A parsed page. Parsing asserts that elements are closed in order and that ids are unique."""

    text: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.feed(self.text)
        assert not self._open, self._open

    @classmethod
    def of(cls, answer: Any) -> Self:
        assert answer.status_code == 200, (answer.status_code, answer.text[:400])
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return cls(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (id := given.get("id")) is not None:
            assert id not in self.ids, f"the id {id} is given twice"
            self.ids.add(id)
        if tag == "a" and (href := given.get("href")):
            self.links.append(href)
        if tag == "script" and "src" not in given:
            self.inline.append("script")
        self.inline += [name for name in given if name == "style" or re.match("on[a-z]+$", name)]
        is_fetched = tag == "link" and given.get("rel") != "alternate"
        self.fetched += [str(value) for name, value in attrs if name == "src" or (is_fetched and name == "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> where {self._open[-1]} is open"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        assert not self._open or self._open[-1] != "style", "a style element"
        self.words.append(data)

    @property
    def said(self) -> str:
        """Return the whole text with single spaces."""
        return " ".join(" ".join(self.words).split())
