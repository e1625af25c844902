"""Read a readout, such as a press release in text, HTML, Word or PDF, and suggest what its paragraphs report.

`read` returns the numbered paragraphs of a document and what the document says about itself. `suggestions.py` finds
names, irritants, dates and event types in a paragraph. Nothing is stored. No network and no model is used.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from hashlib import sha256
from typing import Final

from service.readouts.dates import document_date
from service.readouts.languages import language_of
from service.readouts.plain_text import NotText, decode, lines_of

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PARAGRAPHS: Final = 5_000
_SECONDS: Final = 20
_LONGEST_HEADING: Final = 150
_PDF: Final = b"%PDF-"
_ZIP: Final = b"PK\x03\x04"
_HTML_BEGINNINGS: Final = (b"<!doctype html", b"<html")


class UnreadableReadout(ValueError):
    """The document cannot be read. The message says why and what to do."""


@dataclass(frozen=True)
class Readout:
    """A document that was read.

    `paragraphs` are its non-blank lines, so paragraph n is `paragraphs[n - 1]`, as the record counts them. `sha256` is
    that of the bytes of the file, in lower-case hexadecimal. The other fields are None where the document does not say.
    `published` is an ISO date, `language` a BCP 47 tag.
    """

    kind: str
    sha256: str
    paragraphs: tuple[str, ...]
    title: str | None = None
    publisher: str | None = None
    published: str | None = None
    language: str | None = None
    address: str | None = None


_ABOUT: Final = frozenset(field.name for field in fields(Readout)) - {"kind", "sha256", "paragraphs"}
"""The fields of a `Readout` with what a document says about itself."""


def read(content: bytes, *, is_text: bool = False) -> Readout:
    """Read a document. Its first bytes show the format, unless it `is_text`. Raise UnreadableReadout.

    The title of a text is its first paragraph, if that is short. The language of any document may be a guess.
    Word, PDF and HTML are parsed in a process of their own with limits on time and memory, so a hostile file cannot
    harm this one. That takes about half a second.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableReadout(f"the document has more than {MAX_BYTES // 1024 // 1024} MiB; save only its text")
    kind = "text" if is_text else _kind(content)
    about: dict[str, str] = {}
    if kind == "text":
        try:
            paragraphs = lines_of(decode(content))
        except NotText as error:
            raise UnreadableReadout(str(error)) from None
    else:
        paragraphs, about = _parsed(kind, content)
    if not paragraphs:
        scan = "; it may be a scan" if kind == "pdf" else ""
        raise UnreadableReadout(f"the document has no text{scan}. Copy its text into a .txt file")
    if len(paragraphs) > MAX_PARAGRAPHS:
        raise UnreadableReadout(
            f"the document has more than {MAX_PARAGRAPHS} paragraphs; save only the part on the talks"
        )
    about.setdefault("title", _heading(paragraphs) if kind == "text" else "")
    about.setdefault("language", language_of(paragraphs) or "")
    known = {name: text for name, text in about.items() if text}
    return Readout(kind, sha256(content).hexdigest(), tuple(paragraphs), **known)


def published_on(readout: Readout) -> date | None:
    """Return the day of publication: as the document says, else from the date line at its beginning."""
    try:
        return date.fromisoformat(readout.published or "")
    except ValueError:
        return document_date(readout.paragraphs)


def _heading(paragraphs: Sequence[str]) -> str:
    """Return the first paragraph, if it is a heading: short, without a full stop, and followed by others."""
    first = paragraphs[0] if len(paragraphs) > 1 else ""
    return first if len(first) <= _LONGEST_HEADING and not first.endswith((".", ":", ";", ",")) else ""


def _kind(content: bytes) -> str:
    """Return `pdf`, `docx`, `html` or `text`, by the first bytes of a file."""
    beginning = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if beginning.startswith(_PDF.lower()):
        return "pdf"
    if content.startswith(_ZIP):
        return "docx"
    return "html" if beginning.startswith(_HTML_BEGINNINGS) else "text"


def _parsed(kind: str, content: bytes) -> tuple[list[str], dict[str, str]]:
    """Return the paragraphs and what the document says about itself. Another process reads them."""
    command = [sys.executable, "-m", "service.readouts.formats", kind]
    too_complex = UnreadableReadout("the document is too large or too complex to read. Copy its text into a .txt file")
    try:
        done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 -- our own module, and a kind from a fixed list
    except subprocess.TimeoutExpired:
        raise too_complex from None
    if done.returncode != 0:
        raise too_complex
    found = json.loads(done.stdout)
    if "error" in found:
        raise UnreadableReadout(str(found["error"]))
    return list(found["paragraphs"]), {name: str(value) for name, value in found["about"].items() if name in _ABOUT}
