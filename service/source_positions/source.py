"""The text that is read, the tree of its values, and its mistakes with lines and columns."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final, TypeAlias

Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"

MAX_DEPTH: Final = 16
MAX_NODES: Final = 500_000
"""Fifty for each of ten thousand events. It limits the time to read a file that was made to take long."""
MAX_MISTAKES: Final = 1_000
"""The service lists the same number. Reading stops at the next mistake."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BLOCK: Final = 1 << 16
_LINE_BREAK: Final = (
    # No field of a report takes a line break.
    "contains a line break, but this field takes one line; use a space, or begin the YAML text with `>`"
)


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """A value, and where it begins: `at` is the offset in characters.

    `token` is its key or index in `parent`. `is_unquoted`: it is a YAML text without quotes.
    """

    value: Value
    at: int
    is_unquoted: bool = False
    parent: "Node | None" = None
    token: str = ""

    @property
    def pointer(self) -> str:
        """The JSON Pointer to the node (RFC 6901)."""
        if self.parent is None:
            return ""
        return f"{self.parent.pointer}/{self.token.replace('~', '~0').replace('/', '~1')}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """A mistake in a text: where it is, and an explanation. Lines and columns count from 1.

    `pointer`: the JSON Pointer to the value, "" for the whole text.
    """

    line: int
    column: int
    pointer: str
    detail: str


class UnreadableText(ValueError):
    """The rest of the text cannot be read, because of `mistake`. `mistakes` has the earlier mistakes and this one."""

    def __init__(self, mistake: Diagnostic, before: Iterable[Diagnostic] = ()) -> None:
        super().__init__(f"line {mistake.line}, column {mistake.column}: {mistake.detail}")
        self.mistake, self.mistakes = mistake, (*before, mistake)


@dataclass
class SourceText:
    """A text, the tree of its nodes below `root`, and the mistakes that were found while it was read."""

    text: str
    root: Node = field(init=False)
    mistakes: list[Diagnostic] = field(default_factory=list)
    _nodes: int = 0

    def __post_init__(self) -> None:
        self.text = self.text.replace("\r\n", "\n").replace("\r", "\n")

    def diagnostic_at(self, at: int, pointer: str, detail: str) -> Diagnostic:
        """Return a diagnostic for the offset `at`, in characters. It is not added to `mistakes`."""
        block = at // _BLOCK
        line = 1 + self._lines_before[block] + self.text.count("\n", block * _BLOCK, at)
        return Diagnostic(line, at - self.text.rfind("\n", 0, at), pointer, detail)

    def add_mistake(self, node: Node, detail: str) -> None:
        """Add a mistake of a value. Raise UnreadableText if there are MAX_MISTAKES already."""
        if len(self.mistakes) == MAX_MISTAKES:
            raise self.error_at(node.at, f"more than {MAX_MISTAKES} mistakes; correct the ones above first")
        self.mistakes.append(self.diagnostic_at(node.at, node.pointer, f"{detail}."))

    def error_at(self, at: int, detail: str) -> UnreadableText:
        """Return the exception for a mistake at the offset `at` after which nothing can be read."""
        return UnreadableText(self.diagnostic_at(at, "", f"{detail}."), self.mistakes)

    def add(self, value: Value, at: int, parent: Node | None, token: str, *, is_unquoted: bool = False) -> Node:
        """Add a value to its parent and return its node.

        Note a mistake for a duplicate key, whose first value remains, for a line break, and for characters that cannot
        be stored. Raise UnreadableText if there are too many values or mistakes.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self.error_at(at, f"more than {MAX_NODES} values; split the report")
        unstorable = _UNSTORABLE.search(token) or (isinstance(value, str) and _UNSTORABLE.search(value))
        if unstorable:  # Half of a surrogate pair cannot be encoded, so replace it to check the rest. A NUL can stay.
            token = _SURROGATE.sub("\ufffd", token)
            value = _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value
        node = Node(value, at, is_unquoted, parent, token)
        if parent is None:
            self.root = node
        elif isinstance(parent.value, list):
            parent.value.append(node)
        elif isinstance(parent.value, dict) and parent.value.setdefault(token, node) is not node:
            self.add_mistake(node, f"duplicate key `{token}`; keep one")
        if unstorable:
            self.add_mistake(node, "contains a NUL or half of a surrogate pair, which cannot be stored; remove it")
        if isinstance(value, str) and ("\n" in value or "\r" in value):
            self.add_mistake(node, _LINE_BREAK)
        return node

    @cached_property
    def _lines_before(self) -> list[int]:
        """The number of line breaks before each block of the text. A list of all lines would take more memory."""
        counts = (self.text.count("\n", at, at + _BLOCK) for at in range(0, len(self.text), _BLOCK))
        return list(accumulate(counts, initial=0))


def remedy(problem: str, remedies: Mapping[str, str]) -> str:
    """Return the remedy for an error message of a parser, "" without one. `remedies`: by a part of the message."""
    return next((remedy for part, remedy in remedies.items() if part in problem), "")
