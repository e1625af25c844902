"""Report files: what an operator writes by hand, turned into the body that is filed.

One format, in YAML or in JSON, that of `seeds/`: the body of `POST /v1/reports` with three conveniences, none of which
is in what is sent. `defaults` holds for every assertion that does not say otherwise; `sources` registers documents and
origins in front of the events; a stream goes without its relation (`irritant/banking-access`, `relation`).

Nothing that is wrong hides anything else: what the reader finds, and what whoever files the body finds in it later, are
told together, each with its line and column in the file as it was written.
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
"""For how long a pipe may be silent. A named pipe that no program writes to would be waited for without end."""

_FIELDS: Final = ("relation", "round", "title", "expect", "key", "defaults", "sources", "events")
_EVENT_REFERENCES: Final = ("target", "proposal", "undoes", "after")
_WORD: Final = re.compile(r"[a-z0-9]+")
_INDEX: Final = re.compile(r"[0-9]{1,9}")


class NotAReport(ValueError):
    """The file cannot be filed as it is; `mistakes` has everything that is known to be wrong with it."""

    def __init__(self, mistakes: Iterable[Diagnostic]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(f"line {m.line}, column {m.column}: {m.detail}" for m in self.mistakes))


@dataclass(frozen=True)
class ReportFile:
    """A report file, read. `draft` is its body even where there are mistakes: to be looked through, not to be filed."""

    key: str
    draft: dict[str, object]
    mistakes: tuple[Diagnostic, ...]
    _source: SourceText = field(repr=False)
    _expanded: Node = field(repr=False)

    @property
    def body(self) -> dict[str, object]:
        """What is filed. Raises NotAReport."""
        if self.mistakes:
            raise NotAReport(self.mistakes)
        return self.draft

    def together(self, errors: Iterable[tuple[str, str]]) -> tuple[Diagnostic, ...]:
        """The reader's mistakes and these, JSON Pointers into `draft` with their details, in the order of the file.

        What is wrong in a place of which the reader has complained already is left out: it would be said twice.
        """
        known = {replace(mistake, detail="") for mistake in self.mistakes}
        later = {self._mistake(pointer, detail) for pointer, detail in errors}
        return tuple(sorted({*self.mistakes, *(m for m in later if replace(m, detail="") not in known)}))

    def _mistake(self, pointer: str, detail: str) -> Diagnostic:
        node, tokens = self._expanded, pointer.split("/")[1:]
        while tokens and (inner := _child(node, tokens[0].replace("~1", "/").replace("~0", "~"))):
            node, tokens = inner, tokens[1:]
        # What is missing is placed at what it is missing from.
        return self._source.mistake(node.at, "/".join([node.pointer, *tokens]), detail)


def load(path: Path) -> bytes:
    """Return the bytes of a file, of a pipe or, for `-`, of standard input: as many as `read` needs to judge the size.

    Raises OSError, also where nothing was written to a pipe for PIPE_SECONDS.
    """
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with open(path, "rb", opener=_without_waiting) as file:
        if S_ISFIFO(os.fstat(file.fileno()).st_mode):
            return _from_pipe(file.fileno())
        return file.read(MAX_BYTES + 1)


def _without_waiting(name: str, flags: int) -> int:
    """Open it, even if it is a named pipe that no program writes to yet."""
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
    """Raises NotAReport only where the file cannot be read far enough to say what else is wrong with it."""
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
    """A key that reads well and is that of no other relation and title."""
    words = "-".join(_WORD.findall(f"{relation} {title}".lower()))[:80]
    return f"{words}-{sha256(repr((relation, title)).encode()).hexdigest()[:12]}"


def _child(node: Node, token: str) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(token)
    if isinstance(node.value, list) and _INDEX.fullmatch(token) and int(token) < len(node.value):
        return node.value[int(token)]
    return None


def _replaced(node: Node, value: source_positions.Value) -> Node:
    """Another value in the place of this one."""
    return Node(value, node.at, node.plain, node.parent, node.token)


class _Reader:
    """Takes the conveniences out of one file; what it makes stands where what it is made of stands."""

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
        """The full name; what is no short name is left for the record to judge."""
        kind, _, slug = name.partition("/")
        if name == "relation":
            return f"relation/{self.relation}"
        if kind in {"irritant", "round"} and slug and "/" not in slug:
            return f"{kind}/{self.relation}/{slug}"
        return name

    def _entries(self, node: Node | None) -> Iterator[tuple[Node, dict[str, Node]]]:
        """What a list has that has fields, each with these; whatever is otherwise is complained of."""
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
            # One without more than origins adds them to a source that is on record.
            if fields:
                yield _registration(source, "SourceRegistered", stream, fields)
            for origin, own in self._entries(origins):
                yield _registration(origin, "OriginRegistered", stream, own)

    def _events(self) -> Iterator[Node]:
        events = list(self._entries(self.top.get("events")))
        defaults = self._defaults(len(events))
        for event, fields in events:
            known = takes(_type(event)).fields
            # Record-keeping says nothing about the world, so what holds for assertions does not hold for it.
            if "asserted_by" in known:
                _fill(fields, {name: default for name, default in defaults.items() if name in known})
            for name in fields.keys() & {"stream", *_EVENT_REFERENCES}:
                # An event is named by its id, by a `ref`, or by `stream@version`.
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
        # A few long lines, repeated ten thousand times, would be sent as gigabytes.
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
            # How a date was inferred is no default for one that is stated.
            if not (name == "inference" and stated):
                fields[name] = default
        elif isinstance(own.value, dict) and isinstance(default.value, dict) and "party" not in own.value:
            # Who names the party says all of who speaks: the organ of another must not be left standing beside it.
            # For the same reason the paragraphs of one document are no default for another.
            kept = {
                key: node for key, node in default.value.items() if key != "paragraphs" or "document" not in own.value
            }
            fields[name] = _replaced(own, {**kept, **own.value})
