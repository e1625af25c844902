"""Read JSON into nodes with positions.

The standard library reads the values and finds what is not JSON. It returns no positions, so a second pass over the
valid text takes them from the brackets, commas and colons. The parser of YAML cannot read JSON: it refuses tabs and
surrogate pairs.
"""

import json
import re
from collections.abc import Callable
from math import isfinite, isnan
from typing import Any, Final

from service.source_positions.source import MAX_DEPTH, Node, SourceText, UnreadableText, remedy

_STRING: Final = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_BRACKET: Final = re.compile(rf"[][{{}}]|{_STRING}")
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SEPARATOR: Final = re.compile(r"[ \t\n\r]*[:,]?[ \t\n\r]*")
_SCALAR: Final = re.compile(rf"{_STRING}|[^][{{}},: \t\n\r]+")
_MOST_DIGITS: Final = 18
"""The most characters of a number that is read as an integer. A longer one becomes a float."""
_EXPECTED_VALUE: Final = "expected a value; put a text in double quotes"
_REMEDIES: Final = {
    "Expecting value": _EXPECTED_VALUE,
    "property name": "expected a key in double quotes, and no comma after the last value",
    "trailing comma": "remove the comma before the closing bracket",
    "':' delimiter": "expected a colon",
    "',' delimiter": "expected a comma or the closing bracket",
    "control character": "a line break, tab or other control character inside a text; remove it",
    "Unterminated": "the quotes that open here are not closed",
    "uXXXX": "write \\u and four hexadecimal digits",
    "escape": "write a backslash as \\\\",
    "Extra data": "text follows the value; remove it, or send it by itself",
}


def is_json(text: str) -> bool:
    """Return whether a text is JSON: it begins with `{`."""
    return text.startswith("{", _end_of(_SPACE, text, 0))


def load_json(
    text: str, *, members: Callable[[list[tuple[str, Any]]], Any], integer: Callable[[str], Any], most_levels: int
) -> Any:
    """Return the value of a JSON text. Raise UnreadableText if it is not JSON, or nested too deep for the parser.

    `members` makes the value of an object, `integer` that of a number without a point or an exponent. The error for
    too deep a text is at the first level beyond `most_levels`.
    """
    try:
        return json.loads(text, object_pairs_hook=members, parse_int=integer)
    except json.JSONDecodeError as error:
        before = SourceText(text[: error.pos])
        raise before.error_at(len(before.text), f"not JSON: {remedy(error.msg, _REMEDIES) or error.msg}") from None
    except RecursionError:
        raise _too_deep(SourceText(text), most_levels) from None


def read_json(source: SourceText) -> None:
    """Add the nodes of a JSON text. Raise UnreadableText."""
    # An object becomes a tuple of its members, so that it can be told from an array and keeps duplicate keys.
    value = load_json(source.text, members=tuple, integer=_number, most_levels=MAX_DEPTH)
    _add_value(source, value, _end_of(_SPACE, source.text, 0), parent=None, token="", depth=1)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _too_deep(source: SourceText, most_levels: int) -> UnreadableText:
    depth = 0
    for bracket in _BRACKET.finditer(source.text):
        depth += (bracket[0] in "[{") - (bracket[0] in "]}")
        if depth > most_levels:
            return source.error_at(bracket.start(), f"nested more than {most_levels} levels deep; use fewer levels")
    raise ValueError(f"not nested more than {most_levels} levels deep")


def _add_value(source: SourceText, value: Any, at: int, *, parent: Node | None, token: str, depth: int) -> int:
    """Add a value whose text begins at the offset `at`, and return the offset of its end.

    `token`: the key or index of the value in `parent`. `depth`: the level of nesting, from 1.
    """
    if depth > MAX_DEPTH:
        raise source.error_at(at, f"nested more than {MAX_DEPTH} levels deep; use fewer levels")
    text = source.text
    if not isinstance(value, tuple | list):
        _add_scalar(source, value, at, parent, token)
        return _end_of(_SCALAR, text, at)
    node = source.add({} if isinstance(value, tuple) else [], at, parent, token)
    at = _end_of(_SPACE, text, at + 1)
    for index, member in enumerate(value):
        key = str(index)
        if isinstance(value, tuple):
            key, member = member  # noqa: PLW2901 -- a member of an object is a pair
            at = _end_of(_SEPARATOR, text, _end_of(_SCALAR, text, at))
        at = _add_value(source, member, at, parent=node, token=key, depth=depth + 1)
        at = _end_of(_SEPARATOR, text, at)
    return at + 1


def _add_scalar(source: SourceText, value: Any, at: int, parent: Node | None, token: str) -> None:
    if not isinstance(value, float) or isfinite(value):
        source.add(value, at, parent, token)
    elif isnan(value) or "I" in source.text[at : at + 2]:
        # The parser accepts NaN and Infinity, which are not JSON.
        raise source.error_at(at, f"not JSON: {_EXPECTED_VALUE}")
    else:
        source.add_mistake(source.add(0, at, parent, token), "the number is too large; write a smaller one")


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return the offset after what matches at `at`, which is `at` itself if nothing does."""
    return found.end() if (found := pattern.match(text, at)) else at
