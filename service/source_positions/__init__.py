"""Read YAML and JSON and remember where each value is, so that every mistake can be shown with its line and column.

The result is a tree of `Node`s. A text that begins with `{` is read as JSON, any other text as YAML.

* YAML values stay text. The usual parsers turn `NO` into false and `12:30` into a number. Here the caller decides by
  the field, and `Node.is_unquoted` tells it whether the value had quotes.
* Some features of YAML are mistakes, because people use them by accident: aliases, anchors, tags, duplicate keys. So
  are line breaks inside a text, and characters that cannot be stored. All are reported at once.
* A text in block style (`|` or `>`) loses its last line break, because every field takes one line.
* Lines end with LF, CRLF or CR. Columns count characters.
"""

import codecs
import re
from typing import Final

from service.source_positions.from_json import is_json, load_json, read_json
from service.source_positions.from_yaml import read_yaml
from service.source_positions.source import MAX_MISTAKES, Diagnostic, Node, SourceText, UnreadableText, Value

__all__ = [
    "MAX_MISTAKES",
    "Diagnostic",
    "Node",
    "SourceText",
    "UnreadableText",
    "Value",
    "decoded",
    "load_json",
    "read",
]

_OTHER_ENCODING: Final = re.compile(
    # A byte order mark, or an ASCII character that takes two or four bytes.
    b"%b|%b|%b|[^\0]\0|\0{1,3}[^\0]" % (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
)


def decoded(content: bytes) -> str:
    """Return the text of UTF-8 bytes, with or without a byte order mark. Raise UnreadableText."""
    if _OTHER_ENCODING.match(content):
        raise UnreadableText(Diagnostic(1, 1, "", "this is UTF-16 or UTF-32; write it in UTF-8."))
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = SourceText(content[: error.start].decode())
        wrong = f"the byte 0x{content[error.start]:02X} is not UTF-8; write the text in UTF-8"
        raise before.error_at(len(before.text), wrong) from None


def read(text: str) -> SourceText:
    """Read YAML or JSON. The result has its mistakes. Raise UnreadableText if a mistake makes the rest unreadable."""
    source = SourceText(text)
    if is_json(source.text):
        read_json(source)
    else:
        read_yaml(source)
    return source
