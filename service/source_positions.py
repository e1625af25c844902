"""YAML and JSON as nodes that remember where they stand, so that whatever is found wrong later has a line and a column.

Nothing is guessed: a scalar of YAML stays the text that was written (the party NO stays Norway, 12:30 no number of
minutes), `plain` where it bears no quotes; the reader of a field decides what it is. Aliases, anchors, tags, duplicate
keys, line breaks within a text and text that cannot be stored are found here, all of them at once.

A block scalar (`|` or `>`) ends with a line break that its writer cannot see. It is left out: every field takes one
line. Lines end as in editors, by LF, CRLF or CR, and columns count characters.

YAML is read from the parser's events and not with `compose`: that recurses in C without a bound, so a file of opening
brackets ends the process, and it is several times slower. JSON has a parser of its own, because YAML takes neither its
tabs nor its surrogate pairs. A text that begins with `{` is JSON.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Final, NoReturn, TypeAlias

import yaml

Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"

MAX_DEPTH: Final = 16
MAX_NODES: Final = 500_000
"""Fifty for each of ten thousand events; with MAX_DEPTH it bounds what a small file can cost."""
MAX_MISTAKES: Final = 1_000
"""As many as the service lists; a file with more is not looked through further."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML does not take these, or takes some of them for a line break where an editor shows none.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_JSON_STRING: Final = JSONDecoder()
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_BRACKET: Final = re.compile(r'[][{}]|"[^"\\]*(?:\\.[^"\\]*)*"')
_WORD: Final = re.compile("true|false|null")
_WORDS: Final = {"true": True, "false": False, "null": None}
_BLOCK: Final = 1 << 16
_BLOCK_STYLES: Final = ("|", ">")
_A_LINE_BREAK: Final = "has a line break, and this field takes one line; put a space there, or write `>` and YAML does"
_OTHER_ENCODING: Final = re.compile(
    # A byte order mark, or else an ASCII character that takes two or four bytes.
    b"%b|%b|%b|[^\0]\0|\0{1,3}[^\0]" % (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
)
_REMEDIES_YAML: Final = {
    "mapping values are not allowed": "put a text with a colon and a space in quotes, and indent fields alike",
    "cannot start any token": "put a text that begins with @, `, % or another special character in quotes",
    "unknown escape": "in double quotes write \\\\ for a backslash",
    "did not find expected key": "check the indentation of this line, and the quotes before it",
    "expected <block end>": "check the indentation of this line, and the quotes before it",
    "could not find expected ':'": "write every field as `name: value`",
    "unexpected end of stream": "close the quotes",
}
_REMEDIES_JSON: Final = {
    "Expecting value": "expected a value; put a text in double quotes",
    "control character": "a line break, a tab or another control character within a text; remove it",
    "Unterminated": "the quotes that open here are not closed",
    "uXXXX": "an escape is \\u and four hexadecimal digits",
    "escape": "a backslash is written as \\\\",
    "Extra data": "something follows the value; send one value",
    "trailing comma": "remove the comma before the closing bracket",
}


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """A value and the offset, in characters, at which it begins. `token` is its key or index in `parent`."""

    value: Value
    at: int
    plain: bool = False
    parent: "Node | None" = None
    token: str = ""

    @property
    def pointer(self) -> str:
        """The JSON Pointer to it (RFC 6901)."""
        if self.parent is None:
            return ""
        return f"{self.parent.pointer}/{self.token.replace('~', '~0').replace('/', '~1')}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """Something wrong in a text, and where; lines and columns count from 1."""

    line: int
    column: int
    pointer: str
    detail: str


class Unreadable(ValueError):
    """The text cannot be read beyond `mistake`; `mistakes` has those found before it, and it."""

    def __init__(self, mistake: Diagnostic, before: Iterable[Diagnostic] = ()) -> None:
        super().__init__(f"line {mistake.line}, column {mistake.column}: {mistake.detail}")
        self.mistake, self.mistakes = mistake, (*before, mistake)


@dataclass
class SourceText:
    """A text, what it says, and what is wrong with how it says it."""

    text: str
    root: Node = field(init=False)
    mistakes: list[Diagnostic] = field(default_factory=list)
    _nodes: int = 0

    def __post_init__(self) -> None:
        self.text = self.text.replace("\r\n", "\n").replace("\r", "\n")

    def mistake(self, at: int, pointer: str, detail: str) -> Diagnostic:
        block = at // _BLOCK
        line = 1 + self._lines_before[block] + self.text.count("\n", block * _BLOCK, at)
        return Diagnostic(line, at - self.text.rfind("\n", 0, at), pointer, detail)

    def complain(self, node: Node, detail: str) -> None:
        """Raises Unreadable where there are too many mistakes already."""
        if len(self.mistakes) == MAX_MISTAKES:
            raise self.stop(node.at, f"more than {MAX_MISTAKES} mistakes; correct those above first")
        self.mistakes.append(self.mistake(node.at, node.pointer, f"{detail}."))

    def stop(self, at: int, detail: str) -> Unreadable:
        return Unreadable(self.mistake(at, "", f"{detail}."), self.mistakes)

    def add(self, value: Value, at: int, parent: Node | None, token: str, *, plain: bool = False) -> Node:
        """The value as a node in its parent. Of two with one key the first stays and the second is complained of."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self.stop(at, f"more than {MAX_NODES} values; split the report")
        unstorable = _UNSTORABLE.search(token) or (isinstance(value, str) and _UNSTORABLE.search(value))
        if unstorable:  # What goes on can be encoded, so that the service can look through the rest.
            token = _SURROGATE.sub("\ufffd", token)
            value = _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value
        node = Node(value, at, plain, parent, token)
        if parent is None:
            self.root = node
        elif isinstance(parent.value, list):
            parent.value.append(node)
        elif isinstance(parent.value, dict) and parent.value.setdefault(token, node) is not node:
            self.complain(node, f"the key `{token}` is there twice")
        if unstorable:
            self.complain(node, "has a NUL or half of a surrogate pair, which cannot be stored; remove it")
        if isinstance(value, str) and ("\n" in value or "\r" in value):
            self.complain(node, _A_LINE_BREAK)
        return node

    @cached_property
    def _lines_before(self) -> list[int]:
        """How many lines end before each block. The place of every line would take forty times the text."""
        counts = (self.text.count("\n", at, at + _BLOCK) for at in range(0, len(self.text), _BLOCK))
        return list(accumulate(counts, initial=0))


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
        raise before.stop(len(before.text), wrong) from None


def not_json(text: str, error: JSONDecodeError) -> Unreadable:
    """Return what a JSON parser found wrong with the text as a mistake with its place and remedy."""
    before = SourceText(text[: error.pos])
    return before.stop(len(before.text), f"not JSON: {_remedy(error.msg, _REMEDIES_JSON) or error.msg}")


def too_deep(text: str, most: int) -> Unreadable:
    """Return the place where JSON opens more brackets than that."""
    source, depth = SourceText(text), 0
    for token in _BRACKET.finditer(source.text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > most:
            return source.stop(token.start(), f"nested more than {most} deep")
    raise ValueError(f"not nested more than {most} deep")


def read(text: str) -> SourceText:
    """What is wrong with a text that can be read is in `mistakes`. Raises Unreadable."""
    source = SourceText(text)
    text = source.text
    begin = _skip_space(text, 0)
    if text.startswith("{", begin):
        end = _skip_space(text, _json(source, begin, None, "", 1))
        if end < len(text):
            raise source.stop(end, "not JSON: something follows the closing brace; a file holds one report")
    else:
        _yaml_document(source)
    return source


def _yaml_document(source: SourceText) -> None:
    if unwritable := _UNWRITABLE.search(source.text):
        character = f"the character U+{ord(unwritable[0]):04X}"
        raise source.stop(
            unwritable.start(), f"{character}, which no text shows; remove it, or save this as plain text"
        )
    events = _yaml_events(source)
    next(events)  # the start of the stream
    if isinstance(next(events), yaml.StreamEndEvent):
        empty = "nothing but comments" if source.text.strip() else "the file is empty"
        raise source.stop(0, f"{empty}; write the fields of a report")
    _yaml(source, events, next(events), None, "", 1)
    next(events)  # the end of the document
    more = next(events)
    if not isinstance(more, yaml.StreamEndEvent):
        raise source.stop(_at(more), "a second document; file each report in a file of its own")


def _yaml_events(source: SourceText) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(source.text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        _not_yaml(source, error)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise source.stop(0, f"not YAML: {error}") from None


def _not_yaml(source: SourceText, error: yaml.MarkedYAMLError) -> NoReturn:
    problem = error.problem or error.context or ""
    at = error.problem_mark.index if error.problem_mark else 0
    if source.text.startswith("\t", at):
        raise source.stop(at, "not YAML: a tab; indent with spaces") from None
    began = ""
    if error.context and error.context_mark and error.context_mark.index != at:
        place = source.mistake(error.context_mark.index, "", "")
        began = f" {error.context} that begins at line {place.line}, column {place.column}"
    remedy = _remedy(problem, _REMEDIES_YAML)
    raise source.stop(at, f"not YAML: {problem}{began}{remedy and f'; {remedy}'}") from None


def _remedy(problem: str, remedies: Mapping[str, str]) -> str:
    return next((remedy for part, remedy in remedies.items() if part in problem), "")


def _at(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _yaml(
    source: SourceText, events: Iterator[yaml.Event], event: yaml.Event, parent: Node | None, token: str, depth: int
) -> None:
    """Adds the node that begins with this event, and takes the events up to its end."""
    at = _at(event)
    if depth > MAX_DEPTH:
        raise source.stop(at, f"nested more than {MAX_DEPTH} deep")
    match event:
        case yaml.ScalarEvent():
            value = event.value.removesuffix("\n") if event.style in _BLOCK_STYLES else event.value
            node = source.add(value, at, parent, token, plain=not event.style)
        case yaml.SequenceStartEvent():
            node = source.add([], at, parent, token)
            for index, item in enumerate(events):
                if isinstance(item, yaml.SequenceEndEvent):
                    break
                _yaml(source, events, item, node, str(index), depth + 1)
        case yaml.MappingStartEvent():
            node = source.add({}, at, parent, token)
            for key in events:
                if isinstance(key, yaml.MappingEndEvent):
                    break
                _yaml(source, events, next(events), node, _key(source, key), depth + 1)
        case _:
            source.complain(
                source.add("", at, parent, token),
                "an alias; write out what it stands for, and put a text that begins with * in quotes",
            )
            return
    if event.anchor:
        source.complain(node, "an anchor; remove it, and put a text that begins with & in quotes")
    if event.tag:
        source.complain(node, "a tag; remove it, and put a text that begins with ! in quotes")


def _key(source: SourceText, event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
        raise source.stop(_at(event), "a key that is no plain text; write every field as `name: value`")
    return event.value


def _json(source: SourceText, at: int, parent: Node | None, token: str, depth: int) -> int:
    """Adds the value that begins at `at` and returns where it ends."""
    text = source.text
    if depth > MAX_DEPTH:
        raise source.stop(at, f"nested more than {MAX_DEPTH} deep")
    if text.startswith('"', at):
        value, end = _json_string(source, at)
        source.add(value, at, parent, token)
        return end
    if text.startswith(("{", "["), at):
        node = source.add({} if text[at] == "{" else [], at, parent, token)
        return _json_members(source, at + 1, node, depth + 1)
    if number := _NUMBER.match(text, at):
        whole = not (number[1] or number[2]) and len(number[0]) <= 18
        node = source.add(int(number[0]) if whole else float(number[0]), at, parent, token)
        if not whole and not isfinite(float(number[0])):
            node.value = 0
            source.complain(node, "a number that is too large")
        return number.end()
    if word := _WORD.match(text, at):
        source.add(_WORDS[word[0]], at, parent, token)
        return word.end()
    raise source.stop(at, "not JSON: expected a value; put a text in double quotes")


def _json_members(source: SourceText, at: int, node: Node, depth: int) -> int:
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
                raise source.stop(at, f"not JSON: expected a key in double quotes{remedy}")
            token, at = _json_string(source, at)
            at = _skip_space(text, at)
            if not text.startswith(":", at):
                raise source.stop(at, "not JSON: expected a colon")
            at = _skip_space(text, at + 1)
        at = _skip_space(text, _json(source, at, node, token, depth))
        if text.startswith(close, at):
            return at + 1
        if not text.startswith(",", at):
            raise source.stop(at, f"not JSON: expected a comma or {close}")
        at, index = _skip_space(text, at + 1), index + 1


def _json_string(source: SourceText, at: int) -> tuple[str, int]:
    """Decode the string at a quote; return it and where it ends."""
    try:
        value, end = _JSON_STRING.raw_decode(source.text, at)
    except JSONDecodeError as error:
        stopped = not_json(source.text, error)
        raise Unreadable(stopped.mistake, source.mistakes) from None
    return value, end


def _skip_space(text: str, at: int) -> int:
    return space.end() if (space := _SPACE.match(text, at)) else at
