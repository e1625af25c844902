"""The formats of sheets and dossiers besides JSON, and a Word document made of their Markdown.

It reads what `projections/formats/markdown.py` writes: headings, lists, tables and paragraphs.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from service.api.resources import Body, Presentation
from service.projections.formats import WORD

MARKDOWN: Final = "text/markdown; charset=utf-8"
CSV: Final = "text/csv; charset=utf-8; header=present"
_ESCAPED: Final = re.compile(r"\\([\\`*_\[\]<>|#&])")
_BAR: Final = re.compile(r"(?<!\\)\|")
_AUTHOR: Final = "irritants"
"""The name of the service. A person is the author of no export."""
_LANGUAGE: Final = "en-GB"
_MAX_PROPERTY: Final = 255
"""The characters that a property of a Word document can have."""
_WORDS: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


D = TypeVar("D")
AsText = Callable[[D, str], str]
"""Returns a document as text, given the sentence on a reading of the past, or an empty one."""


def encoded(as_text: AsText[D]) -> Body[D]:
    """Return the renderer for a text."""
    return lambda document, shown: as_text(document, shown.reading).encode()


def exports(as_markdown: AsText[D], as_csv: AsText[D]) -> Mapping[str, Body[D]]:
    """Return the renderers for Markdown, CSV and Word, by media type."""
    return {
        MARKDOWN: encoded(as_markdown),
        CSV: encoded(as_csv),
        WORD: lambda document, shown: word(as_markdown(document, shown.reading), shown),
    }


def word(markdown: str, shown: Presentation) -> bytes:
    """Return the Word document. The same text and presentation give the same bytes.

    The document is dated by its last event, because the time at which it is made says nothing of what it shows.
    """
    import docx  # noqa: PLC0415 -- it takes long to load, and most processes never need it

    document = docx.Document()
    table: Any = None
    for line in markdown.splitlines():
        if line.startswith("|"):
            if line.startswith("|---"):
                continue
            cells = [_plain(cell.strip()) for cell in _BAR.split(line)[1:-1]]
            if table is None:
                table = document.add_table(rows=0, cols=len(cells), style="Table Grid")
            for cell, text in zip(table.add_row().cells, cells, strict=True):
                cell.text = text
            continue
        table = None
        if line.startswith("#"):
            marks, _, text = line.partition(" ")
            document.add_heading(_plain(text), level=len(marks))
        elif line.startswith("**"):
            document.add_paragraph().add_run(_plain(line.strip("*"))).bold = True
        elif line.startswith("- "):
            document.add_paragraph(_plain(line[2:]), style="List Bullet")
        elif line:
            document.add_paragraph(_plain(line))
    heading, subject, *_ = [_plain(line.lstrip("# ")) for line in markdown.splitlines() if line]
    _describe(document, heading, f"{subject}. {shown.reading}" if shown.reading else subject, shown.recorded_at)
    written = BytesIO()
    document.save(written)
    return _undated(written)


def _describe(document: Any, title: str, subject: str, recorded_at: datetime | None) -> None:
    """Set the properties of a Word document, which its library fills with its own, and the language of its text."""
    properties = document.core_properties
    properties.title, properties.subject = title[:_MAX_PROPERTY], subject[:_MAX_PROPERTY]
    properties.author = properties.last_modified_by = _AUTHOR
    properties.comments, properties.language = "", _LANGUAGE
    if recorded_at is not None:
        properties.created = properties.modified = recorded_at.astimezone(UTC)
    language = document.styles.element.find(f".//{_WORDS}lang")
    language.set(f"{_WORDS}val", _LANGUAGE)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _undated(written: BytesIO) -> bytes:
    """Return the archive without the time at which it was written."""
    copied = BytesIO()
    with ZipFile(written) as archive, ZipFile(copied, "w", ZIP_DEFLATED) as undated:
        for name in archive.namelist():
            undated.writestr(ZipInfo(name, _LONG_AGO), archive.read(name), ZIP_DEFLATED)
    return copied.getvalue()
