"""YAML and JSON as nodes that remember where they stand, so that whatever is found wrong later has a line and a column.

Nothing is guessed: a scalar of YAML stays the text that was written (the party NO stays Norway, 12:30 no number of
minutes), `plain` where it bears no quotes; the reader of a field decides what it is. Aliases, anchors, tags, duplicate
keys and text that cannot be stored are found here, all of them at once.

YAML is read from the parser's events and not with `compose`: that recurses in C without a bound, so a file of opening
brackets ends the process, and it is several times slower. JSON has a parser of its own, because YAML takes neither its
tabs nor its surrogate pairs. A text that begins with `{` is JSON.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # the parser's own, in C
from math import isfinite
from typing import Final, TypeAlias

import yaml

Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"

MAX_DEPTH: Final = 16
MAX_NODES: Final = 500_000
"""Fifty for each of ten thousand events; with MAX_DEPTH it bounds what a small file can cost."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD: Final = re.compile("true|false|null")
_WORDS: Final = {"true": True, "false": False, "null": None}
_A_COLON_IN_A_TEXT: Final = "mapping values are not allowed"


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
class Mistake:
    """Something wrong in a text, and where; lines and columns count from 1."""

    line: int
    column: int
    pointer: str
    detail: str


class Unreadable(ValueError):
    """The text is neither YAML nor JSON, or too much of it, so nothing more can be said of it."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(f"line {mistake.line}, column {mistake.column}: {mistake.detail}")
        self.mistake = mistake


@dataclass
class Marked:
    """A text, what it says, and what is wrong with how it says it."""

    text: str
    root: Node = field(init=False)
    mistakes: list[Mistake] = field(default_factory=list)
    _nodes: int = 0

    def mistake(self, at: int, pointer: str, detail: str) -> Mistake:
        line = bisect_right(self._lines, at)
        return Mistake(line, at - self._lines[line - 1] + 1, pointer, detail)

    def complain(self, node: Node, detail: str) -> None:
        self.mistakes.append(self.mistake(node.at, node.pointer, f"{detail}."))

    def stop(self, at: int, detail: str) -> Unreadable:
        return Unreadable(self.mistake(at, "", f"{detail}."))

    def add(self, value: Value, at: int, parent: Node | None, token: str, *, plain: bool = False) -> Node:
        """The value as a node in its parent. Of two with one key the first stays and the second is complained of."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self.stop(at, f"more than {MAX_NODES} values")
        node = Node(value, at, plain, parent, token)
        if parent is None:
            self.root = node
        elif isinstance(parent.value, list):
            parent.value.append(node)
        elif isinstance(parent.value, dict) and parent.value.setdefault(token, node) is not node:
            self.complain(node, f"the key `{token}` is there twice")
        if _UNSTORABLE.search(token) or (isinstance(value, str) and _UNSTORABLE.search(value)):
            self.complain(node, "has a NUL or half of a surrogate pair, which cannot be stored")
        return node

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self.text))]


def read(text: str) -> Marked:
    """What is wrong with a text that can be read is in `mistakes`. Raises Unreadable."""
    marked = Marked(text)
    begin = _skip_space(text, 0)
    if text.startswith("{", begin):
        end = _skip_space(text, _json(marked, begin, None, "", 1))
        if end < len(text):
            raise marked.stop(end, "not JSON: something follows the closing brace")
    else:
        _yaml_document(marked)
    return marked


def _yaml_document(marked: Marked) -> None:
    unprintable = _UNPRINTABLE.search(marked.text)
    if unprintable:
        raise marked.stop(unprintable.start(), "a control character, which YAML does not take")
    events = _yaml_events(marked)
    next(events)  # the start of the stream
    if isinstance(next(events), yaml.StreamEndEvent):
        raise marked.stop(0, "the file is empty")
    _yaml(marked, events, next(events), None, "", 1)
    next(events)  # the end of the document
    more = next(events)
    if not isinstance(more, yaml.StreamEndEvent):
        raise marked.stop(_at(more), "a second document; a file holds one")


def _yaml_events(marked: Marked) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(marked.text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or ""
        at = error.problem_mark.index if error.problem_mark else 0
        hint = "; a text with a colon and a space goes in quotes" if problem.startswith(_A_COLON_IN_A_TEXT) else ""
        raise marked.stop(at, f"not YAML: {problem}{hint}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise marked.stop(0, f"not YAML: {error}") from None


def _at(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _yaml(
    marked: Marked, events: Iterator[yaml.Event], event: yaml.Event, parent: Node | None, token: str, depth: int
) -> None:
    """Adds the node that begins with this event, and takes the events up to its end."""
    at = _at(event)
    if depth > MAX_DEPTH:
        raise marked.stop(at, f"nested more than {MAX_DEPTH} deep")
    match event:
        case yaml.ScalarEvent():
            node = marked.add(event.value, at, parent, token, plain=not event.style)
        case yaml.SequenceStartEvent():
            node = marked.add([], at, parent, token)
            for index, item in enumerate(events):
                if isinstance(item, yaml.SequenceEndEvent):
                    break
                _yaml(marked, events, item, node, str(index), depth + 1)
        case yaml.MappingStartEvent():
            node = marked.add({}, at, parent, token)
            for key in events:
                if isinstance(key, yaml.MappingEndEvent):
                    break
                _yaml(marked, events, next(events), node, _key(marked, key), depth + 1)
        case _:
            marked.complain(marked.add("", at, parent, token), "an alias; write out what it stands for")
            return
    if event.anchor:
        marked.complain(node, "an anchor; no alias to it is taken")
    if event.tag:
        marked.complain(node, "a tag; the field says what the value is")


def _key(marked: Marked, event: yaml.Event) -> str:
    if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
        raise marked.stop(_at(event), "a key that is no plain text")
    return event.value


def _json(marked: Marked, at: int, parent: Node | None, token: str, depth: int) -> int:
    """Adds the value that begins at `at` and returns where it ends."""
    text = marked.text
    if depth > MAX_DEPTH:
        raise marked.stop(at, f"nested more than {MAX_DEPTH} deep")
    if text.startswith('"', at):
        value, end = _json_string(marked, at)
        marked.add(value, at, parent, token)
        return end
    if text.startswith(("{", "["), at):
        node = marked.add({} if text[at] == "{" else [], at, parent, token)
        return _json_members(marked, at + 1, node, depth + 1)
    if number := _NUMBER.match(text, at):
        whole = not (number[1] or number[2]) and len(number[0]) <= 18
        node = marked.add(int(number[0]) if whole else float(number[0]), at, parent, token)
        if not whole and not isfinite(float(number[0])):
            node.value = 0
            marked.complain(node, "a number beyond all measure")
        return number.end()
    if word := _WORD.match(text, at):
        marked.add(_WORDS[word[0]], at, parent, token)
        return word.end()
    raise marked.stop(at, "not JSON: expected a value")


def _json_members(marked: Marked, at: int, node: Node, depth: int) -> int:
    text, keyed = marked.text, isinstance(node.value, dict)
    close, index = "}" if keyed else "]", 0
    at = _skip_space(text, at)
    if text.startswith(close, at):
        return at + 1
    while True:
        token = str(index)
        if keyed:
            if not text.startswith('"', at):
                raise marked.stop(at, "not JSON: expected a key in double quotes")
            token, at = _json_string(marked, at)
            at = _skip_space(text, at)
            if not text.startswith(":", at):
                raise marked.stop(at, "not JSON: expected a colon")
            at = _skip_space(text, at + 1)
        at = _skip_space(text, _json(marked, at, node, token, depth))
        if text.startswith(close, at):
            return at + 1
        if not text.startswith(",", at):
            raise marked.stop(at, f"not JSON: expected a comma or {close}")
        at, index = _skip_space(text, at + 1), index + 1


def _json_string(marked: Marked, at: int) -> tuple[str, int]:
    try:
        value, end = scanstring(marked.text, at + 1)
    except JSONDecodeError as error:
        raise marked.stop(error.pos, f"not JSON: {error.msg}") from None
    return value, end


def _skip_space(text: str, at: int) -> int:
    return space.end() if (space := _SPACE.match(text, at)) else at
