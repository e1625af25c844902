"""Report files: convert a file in YAML or JSON, written by hand, to the body of `POST /v1/reports`.

The format, also that of `seeds/`, is this body with three additions that are not sent. `defaults` has values for every
assertion that does not set its own. `sources` registers documents and origins before the events. The name of a stream
may omit its relation (`irritant/banking-access`, `relation`).

All mistakes are reported together, those of this reader and those of the service, each with its line and column in the
file.
"""

import errno
import os
import re
import select
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from stat import S_ISFIFO
from typing import Final

from service import source_positions
from service.reportfile.schema import ANYTHING, DEFAULTS, REPORT, plain, takes
from service.source_positions import Diagnostic, Node, SourceText

MAX_BYTES: Final = 16 * 1024 * 1024
PIPE_SECONDS: Final = 60
"""The longest wait for data from a pipe, in seconds: a named pipe without a writer would block for ever."""

_FIELDS: Final = ("relation", "round", "title", "expect", "key", "defaults", "sources", "events")
_EVENT_REFERENCES: Final = ("target", "proposal", "undoes", "after")
_WORD: Final = re.compile(r"[a-z0-9]+")
_INDEX: Final = re.compile(r"[0-9]{1,9}")


class NotAReport(ValueError):
    """The file has mistakes and cannot be filed. `mistakes` has all that are known."""

    def __init__(self, mistakes: Iterable[Diagnostic]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(f"line {m.line}, column {m.column}: {m.detail}" for m in self.mistakes))


@dataclass(frozen=True)
class ReportFile:
    """A report file that was read. `draft` is its body even if it has mistakes, for further checks."""

    key: str
    draft: dict[str, object]
    mistakes: tuple[Diagnostic, ...]
    _source: SourceText = field(repr=False)
    _expanded: Node = field(repr=False)

    @property
    def body(self) -> dict[str, object]:
        """The body to file. Raises NotAReport."""
        if self.mistakes:
            raise NotAReport(self.mistakes)
        return self.draft

    def together(self, errors: Iterable[tuple[str, str]]) -> tuple[Diagnostic, ...]:
        """Return the mistakes of the reader and these `errors`, in the order of the file.

        `errors` are pairs of a JSON Pointer into `draft` and a detail. An error in a place where the reader found a
        mistake is left out.
        """
        known = {replace(mistake, detail="") for mistake in self.mistakes}
        later = {self._mistake(pointer, detail) for pointer, detail in errors}
        return tuple(sorted({*self.mistakes, *(m for m in later if replace(m, detail="") not in known)}))

    def _mistake(self, pointer: str, detail: str) -> Diagnostic:
        node, tokens = self._expanded, pointer.split("/")[1:]
        while tokens and (inner := _child(node, tokens[0].replace("~1", "/").replace("~0", "~"))):
            node, tokens = inner, tokens[1:]
        # A missing field gets the place of the object that lacks it.
        return self._source.mistake(node.at, "/".join([node.pointer, *tokens]), detail)


def load(path: Path) -> bytes:
    """Return at most MAX_BYTES + 1 bytes of a file, of a pipe or, for `-`, of standard input.

    Raises OSError, also if nothing was written to a pipe for PIPE_SECONDS.
    """
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with open(path, "rb", opener=_without_waiting) as file:
        if S_ISFIFO(os.fstat(file.fileno()).st_mode):
            return _from_pipe(file.fileno())
        return file.read(MAX_BYTES + 1)


def _without_waiting(name: str, flags: int) -> int:
    """Open a file without waiting for the writer of a named pipe."""
    return os.open(name, flags | os.O_NONBLOCK)


def _from_pipe(pipe: int) -> bytes:
    content = bytearray()
    while len(content) <= MAX_BYTES:
        if not select.select([pipe], [], [], PIPE_SECONDS)[0]:
            raise TimeoutError(errno.ETIMEDOUT, f"no program wrote to this pipe for {PIPE_SECONDS} seconds")
        if not (more := os.read(pipe, MAX_BYTES)):
            break
        content += more
    return bytes(content)


def read(content: bytes) -> ReportFile:
    """Read a report file. Raises NotAReport if it is not YAML or JSON, or too large."""
    if len(content) > MAX_BYTES:
        raise NotAReport(
            [Diagnostic(1, 1, "", f"the file is larger than {MAX_BYTES // 1024**2} MiB; split the report.")]
        )
    try:
        return _read(source_positions.decoded(content))
    except source_positions.Unreadable as unreadable:
        raise NotAReport(unreadable.mistakes) from None


def _read(text: str) -> ReportFile:
    found = source_positions.read(text)
    if not isinstance(found.root.value, dict):
        raise found.error_at(
            found.root.at, f"the file has no fields; write each as `name: value`. Allowed: {', '.join(_FIELDS)}"
        )
    return _Reader(found, found.root.value).read()


def _key(relation: str, title: str) -> str:
    """Return a readable idempotency key that is unique for relation and title."""
    words = "-".join(_WORD.findall(f"{relation} {title}".lower()))[:80]
    return f"{words}-{sha256(repr((relation, title)).encode()).hexdigest()[:12]}"


def _child(node: Node, token: str) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(token)
    if isinstance(node.value, list) and _INDEX.fullmatch(token) and int(token) < len(node.value):
        return node.value[int(token)]
    return None


def _replaced(node: Node, value: source_positions.Value) -> Node:
    """Return a node with another value, at the position of this node."""
    return Node(value, node.at, node.plain, node.parent, node.token)


class _Reader:
    """Expands the additions of one file. New nodes have the positions of the nodes that they are made of."""

    def __init__(self, found: SourceText, top: Mapping[str, Node]) -> None:
        self.source, self.top = found, top
        self.relation, self.title, self.key = (self._text(name) for name in ("relation", "title", "key"))

    def read(self) -> ReportFile:
        for name in self.top.keys() - set(_FIELDS):
            self.source.add_mistake(self.top[name], f"unknown field `{name}`; allowed: {', '.join(_FIELDS)}")
        sent = {name: self.top[name] for name in ("relation", "round", "title", "expect") if name in self.top}
        if "expect" in sent and isinstance(sent["expect"].value, dict):
            versions = {self._stream(name): version for name, version in sent["expect"].value.items()}
            sent["expect"] = _replaced(sent["expect"], versions)
        draft = {name: plain(node, REPORT[name], self.source) for name, node in sent.items()}
        if "events" in self.top or "sources" in self.top:
            events: list[Node] = [*self._registrations(), *self._events()]
            sent["events"] = _replaced(self.top.get("events") or self.top["sources"], events)
            draft["events"] = [plain(event, takes(_type(event)), self.source) for event in events]
        key = self.key or _key(self.relation, self.title)
        return ReportFile(
            key, draft, tuple(sorted(set(self.source.mistakes))), self.source, _replaced(self.source.root, sent)
        )

    def _text(self, name: str) -> str:
        node = self.top.get(name)
        if node is not None and not isinstance(node.value, str):
            self.source.add_mistake(node, "must be text")
        return node.value if node and isinstance(node.value, str) else ""

    def _stream(self, name: str) -> str:
        """Return the full name of a stream. Other texts are left as they are, for the service to check."""
        kind, _, slug = name.partition("/")
        if name == "relation":
            return f"relation/{self.relation}"
        if kind in {"irritant", "round"} and slug and "/" not in slug:
            return f"{kind}/{self.relation}/{slug}"
        return name

    def _entries(self, node: Node | None) -> Iterator[tuple[Node, dict[str, Node]]]:
        """Yield the entries of a list that have fields, with these. Add a mistake for all else."""
        if node is not None and not isinstance(node.value, list):
            self.source.add_mistake(node, "must be a list")
        for entry in node.value if node and isinstance(node.value, list) else ():
            if isinstance(entry.value, dict):
                yield entry, dict(entry.value)
            else:
                self.source.add_mistake(entry, "must have fields, each written as `name: value`")

    def _registrations(self) -> Iterator[Node]:
        for source, fields in self._entries(self.top.get("sources")):
            slug, origins = fields.pop("slug", None), fields.pop("origins", None)
            if slug is None or not isinstance(slug.value, str):
                self.source.add_mistake(slug or source, "a source needs the field `slug`, a text")
                continue
            stream = _replaced(slug, f"source/{slug.value}")
            # An entry with only `slug` and `origins` adds origins to a registered source.
            if fields:
                yield _registration(source, "SourceRegistered", stream, fields)
            for origin, own in self._entries(origins):
                yield _registration(origin, "OriginRegistered", stream, own)

    def _events(self) -> Iterator[Node]:
        events = list(self._entries(self.top.get("events")))
        defaults = self._defaults(len(events))
        for event, fields in events:
            known = takes(_type(event)).fields
            # Defaults are for assertions, so events that only keep the record get none.
            if "asserted_by" in known:
                _fill(fields, {name: default for name, default in defaults.items() if name in known})
            for name in fields.keys() & {"stream", *_EVENT_REFERENCES}:
                # An event is identified by its id, by a `ref`, or by `stream@version`.
                stream, at, version = str(fields[name].value).partition("@")
                if isinstance(fields[name].value, str) and (at or name == "stream"):
                    fields[name] = _replaced(fields[name], f"{self._stream(stream)}{at}{version}")
            yield _replaced(event, fields)

    def _defaults(self, times: int) -> Mapping[str, Node]:
        node = self.top.get("defaults")
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.source.add_mistake(node, "must have fields, each written as `name: value`")
            return {}
        for name in node.value.keys() - set(DEFAULTS):
            self.source.add_mistake(node.value[name], f"`{name}` cannot have a default; allowed: {', '.join(DEFAULTS)}")
        # A few long lines, repeated ten thousand times, would be gigabytes.
        if len(str(plain(node, ANYTHING, self.source))) * times > MAX_BYTES:
            raise self.source.error_at(node.at, f"the defaults are too long to repeat in {times} events; shorten them")
        return node.value


def _registration(entry: Node, event: str, stream: Node, fields: Mapping[str, Node]) -> Node:
    return _replaced(entry, {"stream": stream, "type": _replaced(entry, event), **fields})


def _type(event: Node) -> str:
    named = _child(event, "type")
    return named.value if named and isinstance(named.value, str) else ""


def _fill(fields: dict[str, Node], defaults: Mapping[str, Node]) -> None:
    stated = "occurred_basis" in fields and fields["occurred_basis"].value == "stated"
    for name, default in defaults.items():
        own = fields.get(name)
        if own is None:
            # A stated date must not get the default reason of an inferred date.
            if not (name == "inference" and stated):
                fields[name] = default
        elif isinstance(own.value, dict) and isinstance(default.value, dict) and "party" not in own.value:
            # An event that names a party must not get the default organ of another party. Likewise, the paragraphs of
            # one document are not the default for another document.
            kept = {
                key: node for key, node in default.value.items() if key != "paragraphs" or "document" not in own.value
            }
            fields[name] = _replaced(own, {**kept, **own.value})
