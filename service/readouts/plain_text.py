"""Turn text into paragraphs, as the record counts them: the lines that are not blank."""

import codecs
import re
from typing import Final

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_INVISIBLE: Final = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f]")


class NotText(ValueError):
    """The bytes are not text in a known encoding. The message says what to do."""


def decode(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark. Raise NotText."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            content, named = content.removeprefix(mark), encoding
            break
    else:
        named = "utf-8"
    try:
        text = content.decode(named)
    except UnicodeDecodeError:
        raise NotText(
            "the file is not text in UTF-8, and not a Word, PDF or HTML document. Save it as one of these"
        ) from None
    if "\x00" in text:
        raise NotText("the file contains NUL, so it is not text. Save it as text in UTF-8")
    return text


def lines_of(text: str) -> list[str]:
    """Return the non-blank lines, each with its spaces collapsed and without invisible characters."""
    lines = (" ".join(_INVISIBLE.sub("", line).split()) for line in text.splitlines())
    return [line for line in lines if line]
