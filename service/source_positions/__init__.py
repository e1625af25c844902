"""Read YAML and JSON as nodes with positions, so that every mistake has a line and a column.

A scalar of YAML stays the text that was written: NO is not false, and 12:30 is not a number of minutes. `plain` marks
scalars without quotes, and the reader of a field decides on their type. This reader reports aliases, anchors, tags,
duplicate keys, line breaks inside a text, and text that cannot be stored, all at once.

The last line break of a block scalar (`|` or `>`) is removed, because every field takes one line. Lines end with LF,
CRLF or CR, as in editors, and columns count characters. A text that begins with `{` is JSON.
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
    # A byte order mark, or an ASCII character in two or four bytes.
    b"%b|%b|%b|[^\0]\0|\0{1,3}[^\0]" % (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
)


def decoded(content: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark. Raises Unreadable."""
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
    """Read YAML or JSON. Mistakes that allow reading on are in `mistakes` of the result. Raises Unreadable."""
    source = SourceText(text)
    if is_json(source.text):
        read_json(source)
    else:
        read_yaml(source)
    return source
