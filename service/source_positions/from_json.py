"""Read JSON with positions.

The YAML parser refuses the tabs and surrogate pairs of JSON. The parser of the standard library returns no positions,
and it builds every value before a limit can be checked.
"""

import re
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Final

from service.source_positions.source import MAX_DEPTH, Node, SourceText, Unreadable, remedy

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = JSONDecoder()
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_BRACKET: Final = re.compile(r'[][{}]|"[^"\\]*(?:\\.[^"\\]*)*"')
_WORD: Final = re.compile("true|false|null")
_WORDS: Final = {"true": True, "false": False, "null": None}
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
    """Add the nodes of a JSON text. Raises Unreadable."""
    text = source.text
    end = _skip_space(text, _value(source, _skip_space(text, 0), None, "", 1))
    if end < len(text):
        raise source.error_at(end, "not JSON: text follows the closing brace; put each report in its own file")


def not_json(text: str, error: JSONDecodeError) -> Unreadable:
    """Return the error of a JSON parser as a mistake with its place and remedy."""
    before = SourceText(text[: error.pos])
    return before.error_at(len(before.text), f"not JSON: {remedy(error.msg, _REMEDIES) or error.msg}")


def too_deep(text: str, most: int) -> Unreadable:
    """Return the error for the place where JSON is nested deeper than `most`."""
    source, depth = SourceText(text), 0
    for token in _BRACKET.finditer(source.text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > most:
            return source.error_at(token.start(), f"nested more than {most} deep")
    raise ValueError(f"not nested more than {most} deep")


def _value(source: SourceText, at: int, parent: Node | None, token: str, depth: int) -> int:
    """Add the value that begins at `at`, and return its end."""
    text = source.text
    if depth > MAX_DEPTH:
        raise source.error_at(at, f"nested more than {MAX_DEPTH} deep")
    if text.startswith('"', at):
        value, end = _string(source, at)
        source.add(value, at, parent, token)
        return end
    if text.startswith(("{", "["), at):
        node = source.add({} if text[at] == "{" else [], at, parent, token)
        return _members(source, at + 1, node, depth + 1)
    if number := _NUMBER.match(text, at):
        whole = not (number[1] or number[2]) and len(number[0]) <= 18
        node = source.add(int(number[0]) if whole else float(number[0]), at, parent, token)
        if not whole and not isfinite(float(number[0])):
            node.value = 0
            source.add_mistake(node, "the number is too large")
        return number.end()
    if word := _WORD.match(text, at):
        source.add(_WORDS[word[0]], at, parent, token)
        return word.end()
    raise source.error_at(at, "not JSON: expected a value; put a text in double quotes")


def _members(source: SourceText, at: int, node: Node, depth: int) -> int:
    text, keyed = source.text, isinstance(node.value, dict)
    close, index = "}" if keyed else "]", 0
    at = _skip_space(text, at)
    if text.startswith(close, at):
        return at + 1
    while True:
        token = str(index)
        if keyed:
            if not text.startswith('"', at):
                remedy = "; remove the comma before it" if index and text.startswith(close, at) else ""
                raise source.error_at(at, f"not JSON: expected a key in double quotes{remedy}")
            token, at = _string(source, at)
            at = _skip_space(text, at)
            if not text.startswith(":", at):
                raise source.error_at(at, "not JSON: expected a colon")
            at = _skip_space(text, at + 1)
        at = _skip_space(text, _value(source, at, node, token, depth))
        if text.startswith(close, at):
            return at + 1
        if not text.startswith(",", at):
            raise source.error_at(at, f"not JSON: expected a comma or {close}")
        at, index = _skip_space(text, at + 1), index + 1


def _string(source: SourceText, at: int) -> tuple[str, int]:
    """Decode the string at a quote. Return it and its end."""
    try:
        value, end = _STRING.raw_decode(source.text, at)
    except JSONDecodeError as error:
        stopped = not_json(source.text, error)
        raise Unreadable(stopped.mistake, source.mistakes) from None
    return value, end


def _skip_space(text: str, at: int) -> int:
    return space.end() if (space := _SPACE.match(text, at)) else at
