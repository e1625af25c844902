"""A text as nodes that have a place in it, and what is wrong in it, with a line and a column each."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final, TypeAlias

Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"

MAX_DEPTH: Final = 16
MAX_NODES: Final = 500_000
"""Fifty for each of ten thousand events; with MAX_DEPTH it bounds what a small file can cost."""
MAX_MISTAKES: Final = 1_000
"""As many as the service lists; a file with more is not looked through further."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BLOCK: Final = 1 << 16
_A_LINE_BREAK: Final = (
    "contains a line break, but this field takes one line; use a space, or begin the YAML text with `>`"
)


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

    def add_mistake(self, node: Node, detail: str) -> None:
        """Raises Unreadable where there are too many mistakes already."""
        if len(self.mistakes) == MAX_MISTAKES:
            raise self.error_at(node.at, f"more than {MAX_MISTAKES} mistakes; correct the ones above first")
        self.mistakes.append(self.mistake(node.at, node.pointer, f"{detail}."))

    def error_at(self, at: int, detail: str) -> Unreadable:
        return Unreadable(self.mistake(at, "", f"{detail}."), self.mistakes)

    def add(self, value: Value, at: int, parent: Node | None, token: str, *, plain: bool = False) -> Node:
        """The value as a node in its parent. Of two with one key the first stays and the second is complained of."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self.error_at(at, f"more than {MAX_NODES} values; split the report")
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
            self.add_mistake(node, f"duplicate key `{token}`; keep one")
        if unstorable:
            self.add_mistake(node, "contains a NUL or half of a surrogate pair, which cannot be stored; remove it")
        if isinstance(value, str) and ("\n" in value or "\r" in value):
            self.add_mistake(node, _A_LINE_BREAK)
        return node

    @cached_property
    def _lines_before(self) -> list[int]:
        """How many lines end before each block. The place of every line would take forty times the text."""
        counts = (self.text.count("\n", at, at + _BLOCK) for at in range(0, len(self.text), _BLOCK))
        return list(accumulate(counts, initial=0))


def remedy(problem: str, remedies: Mapping[str, str]) -> str:
    """Return the remedy for a problem that a library reports in these words; empty where there is none."""
    return next((remedy for part, remedy in remedies.items() if part in problem), "")
