"""Read the texts of the pages from `messages/en`. Another language needs only another folder.

A text is a whole sentence or label in HTML. It can have placeholders such as `{name}`, which get escaped values.
Code asks for a text by its name, as in `messages()("board.title")`, and templates with `t("board.title")`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from markupsafe import Markup, escape

from service.resources import folder

_MESSAGES: Final = folder("web") / "messages"


class Messages:
    """The texts of one language, by name, such as `board.title`."""

    def __init__(self, language: str) -> None:
        self.language = language
        files = sorted((_MESSAGES / language).glob("*.toml"))
        self._texts = {
            name: text for file in files for name, text in _flat(tomllib.loads(file.read_text(encoding="utf-8")))
        }

    def __call__(self, name: str, /, **values: object) -> Markup:
        """Return the text with its placeholders filled. Raises KeyError."""
        text = self._texts[name]
        if not values:
            return text
        # `str.format` is five times as fast as `Markup.format`, and suffices for placeholders that are plain names.
        filled = str.format(text, **{placeholder: escape(value) for placeholder, value in values.items()})
        return Markup(filled)  # noqa: S704 -- the values are escaped

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def counted(self, name: str, count: int, **values: object) -> Markup:
        """Return `name.one` for a count of one, else `name.other`."""
        return self(f"{name}.{'one' if count == 1 else 'other'}", count=count, **values)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Markup]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, Markup(value)  # noqa: S704 -- the texts are ours, and they are HTML
        else:
            yield from _flat(value, f"{prefix}{name}.")


@lru_cache
def messages(language: str = "en") -> Messages:
    """Return the texts of a language. They are read once."""
    return Messages(language)
