"""YAML and JSON as nodes that remember where they stand, so that what is found wrong later has a line and a column.

Nothing is guessed: a scalar of YAML stays the text that was written (the party NO stays Norway, 12:30 no number of
minutes), `plain` where it bears no quotes; the reader of a field decides what it is. Aliases, anchors, tags, duplicate
keys, line breaks within a text and text that cannot be stored are found here, all of them at once.

A block scalar (`|` or `>`) ends with a line break that its writer cannot see. It is left out: every field takes one
line. Lines end as in editors, by LF, CRLF or CR, and columns count characters. A text that begins with `{` is JSON.
"""

import codecs
import re
from typing import Final

from service.source_positions.from_json import is_json, not_json, read_json, too_deep
from service.source_positions.from_yaml import read_yaml
from service.source_positions.source import MAX_MISTAKES, Diagnostic, Node, SourceText, Unreadable, Value

__all__ = [
    "MAX_MISTAKES",
    "Diagnostic",
    "Node",
    "SourceText",
    "Unreadable",
    "Value",
    "decoded",
    "not_json",
    "read",
    "too_deep",
]

_OTHER_ENCODING: Final = re.compile(
    # A byte order mark, or else an ASCII character that takes two or four bytes.
    b"%b|%b|%b|[^\0]\0|\0{1,3}[^\0]" % (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
)


def decoded(content: bytes) -> str:
    """Return the text of these bytes, which are UTF-8 with or without a byte order mark. Raises Unreadable."""
    if _OTHER_ENCODING.match(content):
        raise Unreadable(Diagnostic(1, 1, "", "this is UTF-16 or UTF-32; write it in UTF-8."))
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = SourceText(content[: error.start].decode())
        wrong = f"the byte 0x{content[error.start]:02X} is not UTF-8; write the text in UTF-8"
        raise before.error_at(len(before.text), wrong) from None


def read(text: str) -> SourceText:
    """Read YAML or JSON. What is wrong with a text that can be read is in `mistakes`. Raises Unreadable."""
    source = SourceText(text)
    if is_json(source.text):
        read_json(source)
    else:
        read_yaml(source)
    return source
