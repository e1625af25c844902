"""What stands beside the entries of a form: open readouts, the fact that is being made, and the state of the cards.

All of it is in the posted form, because the service stores no drafts. So the text of a readout stays in the browser.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from service.domain.streams import parse_stream
from service.web.forms.fields import Path
from service.web.forms.posted import Form

POINTED: Final = 0
"""The entry number of the fact that is being made from a paragraph. Entries of the report begin with 1."""
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
        """Return a paragraph by its number, from 1. None if the readout does not have so many."""
        return self.paragraphs[number - 1] if 0 < number <= len(self.paragraphs) else None


@dataclass(frozen=True)
class Workspace:
    """What stands beside the entries.

    `shown` is the number of the readout in front, and `at` the paragraph that the operator points at, or 0. `making`
    has the fields of the fact that is being made, and `suggested` those of them that are as suggested. `folded` has the
    numbers of the entries that are shown as cards. `edited` is the entry that was edited last, or 0. `copied` has the
    value of each field that was copied from another entry, by its HTML id. `pasted` is a text that is not read yet.
    """

    readouts: tuple[OpenReadout, ...] = ()
    shown: int = 0
    at: int = 0
    making: Mapping[Path, str] = field(default_factory=dict)
    suggested: Mapping[Path, str] = field(default_factory=dict)
    folded: frozenset[int] = frozenset()
    edited: int = 0
    copied: Mapping[str, str] = field(default_factory=dict)
    pasted: str = ""
    party: str = ""

    @property
    def readout(self) -> OpenReadout | None:
        """Return the readout in front."""
        return next((readout for readout in self.readouts if readout.number == self.shown), None)

    @property
    def paragraph(self) -> str | None:
        """Return the text of the paragraph that the operator points at."""
        return self.readout.paragraph(self.at) if self.readout else None

    def with_readout(self, document: str, text: str) -> "Workspace":
        """Return the workspace with a further readout, in front."""
        number = max((readout.number for readout in self.readouts), default=0) + 1
        readouts = (*self.readouts, OpenReadout(number, document, text))
        return replace(self, readouts=readouts, shown=number, pasted="", party="").without_pointing()

    def without_readout(self, number: int) -> "Workspace":
        left = tuple(readout for readout in self.readouts if readout.number != number)
        shown = self.shown if self.shown != number else left[-1].number if left else 0
        return replace(self, readouts=left, shown=shown).without_pointing()

    def without_pointing(self) -> "Workspace":
        """Return the workspace without a chosen paragraph and without a fact that is being made from it."""
        return replace(self, at=0, making={}, suggested={})


def read(form: Form, making: Mapping[Path, str]) -> Workspace:
    """Return the workspace in a posted form. `making` has the fields of the fact that is being made."""
    return Workspace(
        readouts=tuple(_readouts(form)),
        shown=_number(form.get("readout-shown")),
        at=_number(form.get("pointed")),
        making=making,
        suggested={tuple(path.split("-")): text for path, text in _pairs(form, "suggested")},
        folded=frozenset(map(_number, form.all("folded"))),
        edited=_number(form.get("edited")),
        copied=dict(_pairs(form, "copied")),
        pasted=next((text for name, text in form.fields if name == "readout-pasted"), ""),
        party=form.get("readout-party"),
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
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
