"""Read JSON into nodes with positions.

Other parsers do not fit. That of YAML refuses tabs and surrogate pairs, which JSON allows. That of the standard library
returns no positions, and checks no limits before it has built all values.
"""

import re
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Final

from service.source_positions.source import MAX_DEPTH, Node, SourceText, UnreadableText, remedy

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = JSONDecoder()
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_BRACKET: Final = re.compile(r'[][{}]|"[^"\\]*(?:\\.[^"\\]*)*"')
_WORD: Final = re.compile("true|false|null")
_WORDS: Final = {"true": True, "false": False, "null": None}
_MOST_DIGITS: Final = 18
"""The most characters of a number that is read as an integer. A longer one becomes a float."""
_REMEDIES: Final = {
    "Expecting value": "expected a value; put a text in double quotes",
    "control character": "a line break, tab or other control character inside a text; remove it",
    "Unterminated": "the quotes that open here are not closed",
    "uXXXX": "write \\u and four hexadecimal digits",
    "escape": "write a backslash as \\\\",
    "Extra data": "text follows the value; send one value",
    "trailing comma": "remove the comma before the closing bracket",
}


def is_json(text: str) -> bool:
    """Return whether a text is JSON: it begins with `{`."""
    return text.startswith("{", _skip_space(text, 0))


def read_json(source: SourceText) -> None:
    """Add the nodes of a JSON text. Raise UnreadableText."""
    text = source.text
    end = _add_value(source, _skip_space(text, 0), parent=None, token="", depth=1)
    end = _skip_space(text, end)
    if end < len(text):
        raise source.error_at(end, "not JSON: text follows the closing brace; put each report in its own file")


def not_json(text: str, error: JSONDecodeError) -> UnreadableText:
    """Return the error of the JSON parser of the standard library as a mistake with its place and remedy."""
    before = SourceText(text[: error.pos])
    return before.error_at(len(before.text), f"not JSON: {remedy(error.msg, _REMEDIES) or error.msg}")


def too_deep(text: str, most: int) -> UnreadableText:
    """Return the error for the first place where JSON is nested deeper than `most`."""
    source, depth = SourceText(text), 0
    for token in _BRACKET.finditer(source.text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > most:
            return source.error_at(token.start(), f"nested more than {most} levels deep; use fewer levels")
    raise ValueError(f"not nested more than {most} levels deep")


def _add_value(source: SourceText, at: int, *, parent: Node | None, token: str, depth: int) -> int:
    """Add the value that begins at the offset `at`, and return the offset of its end.

    `token`: the key or index of the value in `parent`. `depth`: the level of nesting, from 1.
    """
    text = source.text
    if depth > MAX_DEPTH:
        raise source.error_at(at, f"nested more than {MAX_DEPTH} levels deep; use fewer levels")
    if text.startswith('"', at):
        value, end = _string(source, at)
        source.add(value, at, parent, token)
        return end
    if text.startswith(("{", "["), at):
        node = source.add({} if text[at] == "{" else [], at, parent, token)
        return _add_members(source, at + 1, node, depth + 1)
    if number := _NUMBER.match(text, at):
        is_integer = not (number[1] or number[2]) and len(number[0]) <= _MOST_DIGITS
        node = source.add(int(number[0]) if is_integer else float(number[0]), at, parent, token)
        if not is_integer and not isfinite(float(number[0])):
            node.value = 0
            source.add_mistake(node, "the number is too large; write a smaller one")
        return number.end()
    if word := _WORD.match(text, at):
        source.add(_WORDS[word[0]], at, parent, token)
        return word.end()
    raise source.error_at(at, "not JSON: expected a value; put a text in double quotes")


def _add_members(source: SourceText, at: int, node: Node, depth: int) -> int:
    """Add the members of an object or array after its opening bracket. Return the offset after the closing bracket."""
    text, is_object = source.text, isinstance(node.value, dict)
    close, index = "}" if is_object else "]", 0
    at = _skip_space(text, at)
    if text.startswith(close, at):
        return at + 1
    while True:
        token = str(index)
        if is_object:
            if not text.startswith('"', at):
                remedy = "; remove the comma before it" if index and text.startswith(close, at) else ""
                raise source.error_at(at, f"not JSON: expected a key in double quotes{remedy}")
            token, at = _string(source, at)
            at = _skip_space(text, at)
            if not text.startswith(":", at):
                raise source.error_at(at, "not JSON: expected a colon")
            at = _skip_space(text, at + 1)
        at = _skip_space(text, _add_value(source, at, parent=node, token=token, depth=depth))
        if text.startswith(close, at):
            return at + 1
        if not text.startswith(",", at):
            raise source.error_at(at, f"not JSON: expected a comma or {close}")
        at, index = _skip_space(text, at + 1), index + 1


def _string(source: SourceText, at: int) -> tuple[str, int]:
    """Decode the string at a quote. Return it and the offset of its end."""
    try:
        value, end = _STRING.raw_decode(source.text, at)
    except JSONDecodeError as error:
        stopped = not_json(source.text, error)
        raise UnreadableText(stopped.mistake, source.mistakes) from None
    return value, end


def _skip_space(text: str, at: int) -> int:
    """Return the offset of the first character at or after `at` that is not white space."""
    return space.end() if (space := _SPACE.match(text, at)) else at
