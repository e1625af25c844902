"""The state of a form beside its entries: open readouts, the new fact, and which entries are shown as cards.

All of it is in the posted form, because the service stores no drafts. So the text of a readout stays in the browser.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.streams import parse_stream
from service.web.forms.fields import Path
from service.web.forms.posted import Form

NEW_FACT_NUMBER: Final = 0
"""The entry number of the new fact: the one that is being made from a paragraph. Entries of the report begin with 1."""
_READOUT: Final = re.compile(r"readout-([1-9][0-9]{0,2})-document")


@dataclass(frozen=True)
class OpenReadout:
    """A readout in a tab. `document` is the slug of its registration. `text` has one paragraph per line."""

    number: int
    document: str
    text: str

    @property
    def paragraphs(self) -> list[str]:
        return self.text.split("\n")

    def paragraph(self, number: int) -> str | None:
        """Return a paragraph by its number, from 1. None if the readout has fewer paragraphs."""
        return self.paragraphs[number - 1] if 0 < number <= len(self.paragraphs) else None


@dataclass(frozen=True)
class Workspace:
    """The state of a form beside its entries.

    `shown_number` is the number of the readout that is shown, and `chosen_number` that of its chosen paragraph.
    `fact_texts` has the fields of the new fact, and `suggested_texts` the values that the form suggested for them.
    `card_numbers` has the entries that are shown as cards. `last_edited_number` is the entry that was edited last.
    `copied_texts` has each value that was copied from another entry, by the HTML id of its field. `pasted_text` is a
    readout that is not read yet, and `author` is the party that the operator chose for it. 0 means: no such number.
    """

    readouts: tuple[OpenReadout, ...] = ()
    shown_number: int = 0
    chosen_number: int = 0
    fact_texts: Mapping[Path, str] = field(default_factory=dict)
    suggested_texts: Mapping[Path, str] = field(default_factory=dict)
    card_numbers: frozenset[int] = frozenset()
    last_edited_number: int = 0
    copied_texts: Mapping[str, str] = field(default_factory=dict)
    pasted_text: str = ""
    author: str = ""

    @property
    def shown_readout(self) -> OpenReadout | None:
        return next((readout for readout in self.readouts if readout.number == self.shown_number), None)

    @property
    def chosen_paragraph(self) -> str | None:
        """Return the text of the chosen paragraph."""
        return self.shown_readout.paragraph(self.chosen_number) if self.shown_readout else None

    def with_readout(self, document: str, text: str) -> "Workspace":
        """Return the workspace with a further readout, which is shown."""
        number = max((readout.number for readout in self.readouts), default=0) + 1
        readouts = (*self.readouts, OpenReadout(number, document, text))
        return replace(self, readouts=readouts, shown_number=number, pasted_text="", author="").without_new_fact()

    def without_readout(self, number: int) -> "Workspace":
        """Return the workspace without a readout. If it was shown, the last of the others is."""
        others = tuple(readout for readout in self.readouts if readout.number != number)
        last = others[-1].number if others else 0
        shown_number = last if self.shown_number == number else self.shown_number
        return replace(self, readouts=others, shown_number=shown_number).without_new_fact()

    def without_new_fact(self) -> "Workspace":
        """Return the workspace without a chosen paragraph and without the new fact."""
        return replace(self, chosen_number=0, fact_texts={}, suggested_texts={})


def workspace_in(form: Form, fact_texts: Mapping[Path, str]) -> Workspace:
    """Return the workspace in a posted form. `fact_texts` has the fields of the new fact."""
    return Workspace(
        readouts=tuple(_readouts(form)),
        shown_number=_number(form.get("readout-shown")),
        chosen_number=_number(form.get("pointed")),
        fact_texts=fact_texts,
        suggested_texts={tuple(path.split("-")): text for path, text in _pairs(form, "suggested")},
        card_numbers=frozenset(map(_number, form.all("folded"))),
        last_edited_number=_number(form.get("edited")),
        copied_texts=dict(_pairs(form, "copied")),
        pasted_text=next((text for name, text in form.fields if name == "readout-pasted"), ""),
        author=form.get("readout-party"),
    )


def _readouts(form: Form) -> Iterator[OpenReadout]:
    for name, document in form.fields:
        if (match := _READOUT.fullmatch(name)) and parse_stream(f"source/{document}") is not None:
            text = form.get(f"readout-{match[1]}-text")
            if text:
                yield OpenReadout(int(match[1]), document, text)


def _pairs(form: Form, name: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values in hidden fields with a text such as `e3-occurred=2025-07-14`."""
    for text in form.all(name):
        key, separator, value = text.partition("=")
        if separator:
            yield key, value


def _number(text: str) -> int:
    """Return the number in a hidden field. 0 for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
