"""Read report files, which people write in YAML or JSON, and convert them to the body of `POST /v1/reports`.

A report file has the fields of this body, with three additions that make it shorter (see `seeds/` for examples):

* `defaults` has values for every assertion that does not set its own.
* `sources` registers documents and origins, before the events.
* The name of a stream may omit its relation: `irritant/banking-access`, `relation`.

Mistakes are reported all at once, each with its line and column in the file. `all_mistakes` adds those that the service
finds.
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
from service.domain.assertion import REFERENCE_FIELDS
from service.domain.mistakes import without_field
from service.domain.streams import parse_stream, relation_meant, slug_meant
from service.reportfile.schema import ANYTHING, DEFAULTS, REPORT, fields_of, json_value
from service.source_positions import Diagnostic, Node, SourceText

MAX_BYTES: Final = 16 * 1024 * 1024
PIPE_SECONDS: Final = 60
"""The longest wait for data from a pipe, in seconds. Without a limit, a named pipe without a writer would block."""

_FIELDS: Final = ("relation", "round", "title", "handling", "expect", "key", "defaults", "sources", "events")
_WORD: Final = re.compile(r"[a-z0-9]+")
_NOT_A_LIST: Final = (
    "must be a list with at least one entry, each begun with `- `; in a template or draft, remove the `# ` in front of"
    " what was said"
)
_EVENT_NUMBER: Final = re.compile(r"^/(events|sources)/[0-9]+")
_INDEX: Final = re.compile(r"[0-9]{1,9}")


class NotAReport(ValueError):
    """The file has mistakes and cannot be filed. `mistakes` lists them."""

    def __init__(self, mistakes: Iterable[Diagnostic]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(f"line {m.line}, column {m.column}: {m.detail}" for m in self.mistakes))


@dataclass(frozen=True)
class ReportFile:
    """A report file that was read.

    `key` is the idempotency key. `draft` is the body even if it has `mistakes`, so that the service can check the rest.
    `_source` has the text of the file. `_expanded` is the tree of `draft`, with the place in the file of each value.
    """

    key: str
    draft: dict[str, object]
    mistakes: tuple[Diagnostic, ...]
    _source: SourceText = field(repr=False)
    _expanded: Node = field(repr=False)

    @property
    def body(self) -> dict[str, object]:
        """The body to file. Raise NotAReport if the file has mistakes."""
        if self.mistakes:
            raise NotAReport(self.mistakes)
        return self.draft

    def all_mistakes(self, errors: Iterable[tuple[str, str]]) -> tuple[Diagnostic, ...]:
        """Return the mistakes of this file and those that the service found (`errors`), in the order of the file.

        `errors` are pairs of a JSON Pointer into `draft` and a detail. An error at the place of a mistake is left out.
        """
        places = {replace(mistake, detail="") for mistake in self.mistakes}
        of_service = set(self.diagnostics(errors))
        return tuple(sorted({*self.mistakes, *(m for m in of_service if replace(m, detail="") not in places)}))

    def diagnostics(self, errors: Iterable[tuple[str, str]]) -> list[Diagnostic]:
        """Return pairs of a JSON Pointer into `draft` and a detail as diagnostics with their places, in order."""
        return sorted({self._mistake(pointer, detail) for pointer, detail in errors})

    def _mistake(self, pointer: str, detail: str) -> Diagnostic:
        node, tokens = self._expanded, pointer.split("/")[1:]
        while tokens and (inner := _child(node, tokens[0].replace("~1", "/").replace("~0", "~"))):
            node, tokens = inner, tokens[1:]
        # The place of a missing field is that of the object that lacks it.
        return self._source.diagnostic_at(node.at, "/".join([node.pointer, *tokens]), detail)


def lines(name: str, found: Iterable[Diagnostic]) -> list[str]:
    """Return a line for each mistake or warning, which begins with its place in the file with this name."""
    return [f"{name}:{each.line}:{each.column}: {_with_field(each)}" for each in found]


def _with_field(mistake: Diagnostic) -> str:
    """Return a mistake with its field in front, without the number of its event: `source.paragraphs.0: must be …`."""
    tokens = _EVENT_NUMBER.sub("", mistake.pointer).split("/")
    path = [token.replace("~1", "/").replace("~0", "~") for token in tokens if token]
    return f"{'.'.join(path)}: {without_field(mistake.detail, path)}" if path else mistake.detail


def load(path: Path) -> bytes:
    """Return at most MAX_BYTES + 1 bytes of a file, of a pipe or, for `-`, of standard input.

    Raise OSError, also if nothing was written to a pipe for PIPE_SECONDS.
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
    """Return the bytes from a pipe, given its file descriptor."""
    content = bytearray()
    while len(content) <= MAX_BYTES:
        if not select.select([pipe], [], [], PIPE_SECONDS)[0]:
            raise TimeoutError(errno.ETIMEDOUT, f"no program wrote to this pipe for {PIPE_SECONDS} seconds")
        if not (more := os.read(pipe, MAX_BYTES)):
            break
        content += more
    return bytes(content)


def read(content: bytes) -> ReportFile:
    """Read a report file. Raise NotAReport if it is not YAML or JSON, or too large."""
    if len(content) > MAX_BYTES:
        raise NotAReport(
            [Diagnostic(1, 1, "", f"the file is larger than {MAX_BYTES // 1024**2} MiB; split the report.")]
        )
    try:
        return _read(source_positions.decoded(content))
    except source_positions.UnreadableText as unreadable:
        raise NotAReport(unreadable.mistakes) from None


def _read(text: str) -> ReportFile:
    source = source_positions.read(text)
    if not isinstance(source.root.value, dict):
        raise source.error_at(
            source.root.at, f"the file has no fields; write each as `name: value`. Allowed: {', '.join(_FIELDS)}"
        )
    return _Reader(source, source.root.value).read()


def _key(relation: str, title: str) -> str:
    """Return an idempotency key for a relation and a title: readable, and different for each pair."""
    words = "-".join(_WORD.findall(f"{relation} {title}".lower()))[:80]
    return f"{words}-{sha256(repr((relation, title)).encode()).hexdigest()[:12]}"


def _child(node: Node, token: str) -> Node | None:
    """Return the member of a node with this key or index, None without one."""
    if isinstance(node.value, dict):
        return node.value.get(token)
    if isinstance(node.value, list) and _INDEX.fullmatch(token) and int(token) < len(node.value):
        return node.value[int(token)]
    return None


def _replaced(node: Node, value: source_positions.Value) -> Node:
    """Return a node with another value at the same place."""
    return Node(value, node.at, node.is_unquoted, node.parent, node.token)


class _Reader:
    """Converts one file. New nodes get the places of the nodes that they are made from.

    `top`: the fields at the top of the file, by name.
    """

    def __init__(self, source: SourceText, top: Mapping[str, Node]) -> None:
        self.source, self.top = source, top
        self.relation, self.title, self.key = (self._text(name) for name in ("relation", "title", "key"))

    def read(self) -> ReportFile:
        for name in self.top.keys() - set(_FIELDS):
            self.source.add_mistake(
                self.top[name], f"unknown field `{name}`; rename it, or remove it; allowed: {', '.join(_FIELDS)}"
            )
        body = {name: self.top[name] for name in REPORT if name in self.top}
        if "expect" in body and isinstance(body["expect"].value, dict):
            versions = {self._stream(name): version for name, version in body["expect"].value.items()}
            body["expect"] = _replaced(body["expect"], versions)
        draft = {name: json_value(node, REPORT[name], self.source) for name, node in body.items()}
        if "events" in self.top or "sources" in self.top:
            events: list[Node] = [*self._registrations(), *self._events()]
            body["events"] = _replaced(self.top.get("events") or self.top["sources"], events)
            draft["events"] = [json_value(event, fields_of(_type(event)), self.source) for event in events]
        return ReportFile(
            key=self.key or _key(self.relation, self.title),
            draft=draft,
            mistakes=tuple(sorted(set(self.source.mistakes))),
            _source=self.source,
            _expanded=_replaced(self.source.root, body),
        )

    def _text(self, name: str) -> str:
        """Return a field at the top of the file, empty without one. Add a mistake if it is not text."""
        node = self.top.get(name)
        if node is not None and not isinstance(node.value, str):
            self.source.add_mistake(node, f"must be text in one line, not {_kind(node)}; write it as `{name}: text`")
        return node.value if node and isinstance(node.value, str) else ""

    def _stream(self, name: str) -> str:
        """Return the full name of a stream. Other texts are returned unchanged, and the service checks them."""
        kind, _, slug = name.partition("/")
        # A relation in the wrong order is one mistake, at its own place.
        relation = relation_meant(self.relation) or self.relation
        if name == "relation":
            return f"relation/{relation}"
        if kind in {"irritant", "round"} and slug and "/" not in slug:
            return f"{kind}/{relation}/{slug}"
        return name

    def _entries(self, node: Node | None) -> Iterator[tuple[Node, dict[str, Node]]]:
        """Yield each entry of a list with a copy of its fields. Add a mistake for entries that have no fields."""
        if node is not None and not isinstance(node.value, list):
            self.source.add_mistake(node, _NOT_A_LIST)
        for entry in node.value if node and isinstance(node.value, list) else ():
            if isinstance(entry.value, dict):
                yield entry, dict(entry.value)
            else:
                self.source.add_mistake(entry, _without_fields(entry))

    def _registrations(self) -> Iterator[Node]:
        """Yield an event for each document and each origin under `sources`."""
        for source, fields in self._entries(self.top.get("sources")):
            slug, origins = fields.pop("slug", None), fields.pop("origins", None)
            if slug is None or not _is_slug(slug.value):
                self.source.add_mistake(slug or source, _slug_mistake(slug))
                # The service then knows that a document has no name, and that citations of it are no further mistakes.
                stream = _replaced(slug or source, "")
            else:
                stream = _replaced(slug, f"source/{slug.value}")
            # An entry with only `slug` and `origins` adds origins to a registered source.
            if fields.keys() - {"handling"}:
                yield _registration(source, "SourceRegistered", stream, fields)
            labelled = {"handling": fields["handling"]} if "handling" in fields else {}
            for origin, origin_fields in self._entries(origins):
                yield _registration(origin, "OriginRegistered", stream, labelled | origin_fields)

    def _events(self) -> Iterator[Node]:
        """Yield the events under `events`, with defaults and with full names of streams."""
        events = list(self._entries(self.top.get("events")))
        defaults = self._defaults(len(events))
        for event, fields in events:
            allowed = fields_of(_type(event)).fields
            # Only assertions get defaults. Other events, such as IrritantOpened, say nothing about the world.
            if "asserted_by" in allowed:
                _fill(fields, {name: default for name, default in defaults.items() if name in allowed})
            for name in fields.keys() & {"stream", *REFERENCE_FIELDS}:
                # Complete the stream in `stream@version`. A reference can also be an id or a `ref`.
                stream, at, version = str(fields[name].value).partition("@")
                if isinstance(fields[name].value, str) and (at or name == "stream"):
                    fields[name] = _replaced(fields[name], f"{self._stream(stream)}{at}{version}")
            if (round := fields.get("round")) and isinstance(round.value, str) and "/" not in round.value:
                fields["round"] = _replaced(round, f"{self.relation}/{round.value}")
            yield _replaced(event, fields)

    def _defaults(self, times: int) -> Mapping[str, Node]:
        """Return the defaults. `times`: the number of events, each of which may repeat them. Raise UnreadableText."""
        node = self.top.get("defaults")
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.source.add_mistake(node, _without_fields(node))
            return {}
        for name in node.value.keys() - set(DEFAULTS):
            self.source.add_mistake(
                node.value[name],
                f"`{name}` cannot have a default; write it in each event; allowed: {', '.join(DEFAULTS)}",
            )
        # A few long lines, repeated in ten thousand events, would take gigabytes.
        if len(str(json_value(node, ANYTHING, self.source))) * times > MAX_BYTES:
            raise self.source.error_at(
                node.at,
                f"the defaults are too long to repeat in {times} events; the limit is {MAX_BYTES // 1024**2} MiB:"
                " shorten them",
            )
        return node.value


def _registration(entry: Node, type: str, stream: Node, fields: Mapping[str, Node]) -> Node:
    """Return the event of this type for an entry of `sources`."""
    return _replaced(entry, {"stream": stream, "type": _replaced(entry, type), **fields})


def _is_slug(value: source_positions.Value) -> bool:
    """Return whether this can be the slug of a source. A text in <angle brackets> is still to be filled in."""
    return isinstance(value, str) and (value.startswith("<") or parse_stream(f"source/{value}") is not None)


def _slug_mistake(slug: Node | None) -> str:
    """Return why a source has no valid slug, and the slug that is meant."""
    written = slug.value if slug is not None and isinstance(slug.value, str) else None
    if slug is None:
        wrong = "a source needs the field `slug`"
    else:
        wrong = "is not a slug" if written is None else f'"{written}" is not a slug'
    meant = slug_meant(written) if written is not None else None
    return f"{wrong}; use a short name in lower-case letters, digits and hyphens, such as {meant or 'a1-briefing'}"


def _kind(node: Node) -> str:
    """Return the kind of a value that is not text, in words."""
    match node.value:
        case dict():
            return "fields"
        case list():
            return "a list"
        case bool() | None:
            return "true, false or null"
        case str():
            return "text"
        case _:
            return "a number"


def _without_fields(node: Node) -> str:
    """Return the mistake of a value that must have fields."""
    return f"must have fields, each written as `name: value`, not {_kind(node)}; write the fields below it"


def _type(event: Node) -> str:
    """Return the type of an event, empty if it has none."""
    type = _child(event, "type")
    return type.value if type and isinstance(type.value, str) else ""


def _fill(fields: dict[str, Node], defaults: Mapping[str, Node]) -> None:
    """Add defaults to the fields of an event. What the event has itself stays."""
    is_date_stated = "occurred_basis" in fields and fields["occurred_basis"].value == "stated"
    for name, default in defaults.items():
        own = fields.get(name)
        if own is None:
            # A stated date must not get the default reason of an inferred date.
            if not (name == "inference" and is_date_stated):
                fields[name] = default
        elif isinstance(own.value, dict) and isinstance(default.value, dict) and "party" not in own.value:
            # Merge the two. An event that names its own party gets no defaults here, because the default organ may be
            # of another party. An event that names its own document gets no default paragraphs.
            merged = {
                key: node for key, node in default.value.items() if key != "paragraphs" or "document" not in own.value
            }
            fields[name] = _replaced(own, {**merged, **own.value})
