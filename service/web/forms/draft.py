"""A report that is being written: read from the posted form, turned into the body that is filed.

Fields of the form are named after their places in the report, so that a mistake finds its field. An entry keeps its
number when others are removed, because entries refer to each other by number.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.api.problems import Mistake
from service.domain.assertion import Statement
from service.domain.catalogue import EVENT_TYPES
from service.domain.streams import parse_stream
from service.web.forms.fields import Field, Path, fields_of, plain
from service.web.forms.posted import Form

MOST_ENTRIES: Final = 500
_NAME: Final = re.compile(r"e(?P<number>[0-9]{1,6})-(?P<path>[a-z_0-9]+(?:-[a-z_0-9]+)*)")
_SEEN: Final = re.compile(r"(?P<stream>[^@]{1,120})@(?P<version>[0-9]{1,12})")
_HANDED_ON: Final = ("asserted_by", "source", "occurred", "inference")
_REGISTERING: Final = ("SourceRegistered", "OriginRegistered")


@dataclass(frozen=True)
class Entry:
    """One event that is being written. `said` has the texts of its fields, by path."""

    number: int
    stream: str
    type: str
    said: Mapping[Path, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"e{self.number}"

    @property
    def fields(self) -> tuple[Field, ...]:
        return fields_of(self.type)

    def id_of(self, path: Path) -> str:
        return "-".join((self.id, *path))

    @property
    def event(self) -> dict[str, Any]:
        """The event as it is filed. Empty fields are left out one by one, so that a mistake names its field."""
        event: dict[str, Any] = {"stream": self.stream, "type": self.type}
        for asked in self.fields:
            if asked.path[0] in _OF_EVERY_ASSERTION:
                event.setdefault(asked.path[0], {})
            if text := self.said.get(asked.path, ""):
                put(event, asked.path, plain(asked, text))
        if "inference" in event:
            event["occurred_basis"] = "inferred"
        return event


_OF_EVERY_ASSERTION: Final = ("asserted_by", "source")
"""Fields with fields of their own that are there even where nothing is filled in, so that each part is asked for."""


@dataclass(frozen=True)
class Draft:
    """A report that is being written.

    `seen` has the versions that the writer saw, `shown` the streams in the order of the page.
    """

    address: str
    key: str
    relation: str
    round: str
    title: str
    seen: Mapping[str, int] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def in_order(self) -> list[Entry]:
        """Return the entries as they are filed: first what others cite, then by the order of the streams."""
        places = {stream: place for place, stream in enumerate(self.shown)}

        def place(entry: Entry) -> tuple[int, int]:
            first = _REGISTERING.index(entry.type) if entry.type in _REGISTERING else len(_REGISTERING)
            return first, places.get(entry.stream, -1) if first == len(_REGISTERING) else entry.number

        return sorted(self.entries, key=place)

    @property
    def body(self) -> dict[str, Any]:
        """Return the body to file. It expects versions only of streams that it adds to."""
        entries = self.in_order
        meant = {text for e in entries for f in e.fields if f.control == "event" and (text := e.said.get(f.path))}
        spoken_of = {entry.stream for entry in entries}
        body: dict[str, Any] = {"relation": self.relation, "title": self.title}
        if self.round:
            body["round"] = self.round
        body["expect"] = {stream: version for stream, version in self.seen.items() if stream in spoken_of}
        body["events"] = [{**({"ref": e.id} if e.id in meant else {}), **e.event} for e in entries]
        return body

    def entry(self, number: int) -> Entry | None:
        return next((entry for entry in self.entries if entry.number == number), None)

    def of(self, stream: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.stream == stream]

    def without(self, numbers: Iterable[int]) -> "Draft":
        left_out = set(numbers)
        return replace(self, entries=tuple(entry for entry in self.entries if entry.number not in left_out))

    def showing(self, stream: str) -> "Draft":
        return self if stream in self.shown else replace(self, shown=(*self.shown, stream))

    def adding(self, stream: str, type: str, said: Mapping[Path, str] | None = None) -> "Draft":
        """Return the draft with one more entry, which starts with the voice, source and date of the last one."""
        number = max((entry.number for entry in self.entries), default=0) + 1
        asked = {asked.path for asked in fields_of(type)}
        begun = {path: text for path, text in self._handed_on(type).items() if path in asked}
        entry = Entry(number, stream, type, {**begun, **(said or {})})
        return replace(self.showing(stream), entries=(*self.entries, entry))

    def _handed_on(self, type: str) -> Mapping[Path, str]:
        if not issubclass(EVENT_TYPES[type], Statement):
            return {}
        statements = [e for e in self.entries if issubclass(EVENT_TYPES[e.type], Statement)]
        last = (
            {path: text for path, text in statements[-1].said.items() if path[0] in _HANDED_ON and text}
            if statements
            else {}
        )
        return {**self._registered, **last}

    @property
    def _registered(self) -> Mapping[Path, str]:
        """Return the document and the origin that this report registers, for the first entry that cites them."""
        begun: dict[Path, str] = {}
        for entry in self.entries:
            if entry.type in _REGISTERING:
                begun["source", "document"] = entry.stream.partition("/")[2]
            if entry.type == "OriginRegistered":
                begun["source", "origin"] = entry.said.get(("origin",), "")
                begun["asserted_by", "party"] = entry.said.get(("party",), "")
                begun["asserted_by", "channel"] = entry.said.get(("channel",), "")
        return begun


@dataclass(frozen=True)
class Placed:
    """A mistake at its field. `unfilled`: the field is empty."""

    id: str
    entry: Entry | None
    field: Field | None
    detail: str
    unfilled: bool = False


def put(event: dict[str, Any], path: Path, value: object) -> None:
    for name in path[:-1]:
        event = event.setdefault(name, {})
    event[path[-1]] = value


def read(form: Form) -> Draft:
    """Return the draft in a form. Ignores values that the form cannot have produced."""
    seen = (match for text in form.all("seen") if (match := _SEEN.fullmatch(text)))
    return Draft(
        address=form.get("address"),
        key=form.get("key"),
        relation=form.get("relation"),
        round=form.get("round"),
        title=form.get("title"),
        seen={match["stream"]: int(match["version"]) for match in seen},
        shown=tuple(dict.fromkeys(stream for stream in form.all("shown") if parse_stream(stream) is not None)),
        entries=tuple(_entries(said_in(form)))[:MOST_ENTRIES],
    )


def said_in(form: Form) -> dict[int, dict[Path, str]]:
    """Return the texts of the fields of each entry, by its number."""
    said: dict[int, dict[Path, str]] = {}
    for name, text in form.fields:
        if match := _NAME.fullmatch(name):
            said.setdefault(int(match["number"]), {})[tuple(match["path"].split("-"))] = text.strip()
    return said


def _entries(said: Mapping[int, Mapping[Path, str]]) -> Iterator[Entry]:
    for number, fields in said.items():
        stream, type = fields.get(("stream",), ""), fields.get(("type",), "")
        if parse_stream(stream) is not None and type in EVENT_TYPES:
            known = {asked.path for asked in fields_of(type)}
            yield Entry(number, stream, type, {path: text for path, text in fields.items() if path in known})


def placed(draft: Draft, mistakes: Iterable[Mistake]) -> list[Placed]:
    """Return each mistake at its field, entry or report, in the order of the form."""
    order = draft.in_order
    found = [_placed(order, tuple((mistake.pointer or "").split("/")[1:]), mistake.detail) for mistake in mistakes]
    return sorted(found, key=lambda mistake: _place(order, mistake))


def _place(order: list[Entry], mistake: Placed) -> tuple[int, int]:
    if mistake.entry is None:
        return -1, 0
    return order.index(mistake.entry), mistake.entry.fields.index(mistake.field) if mistake.field else -1


def _placed(order: list[Entry], tokens: Path, detail: str) -> Placed:
    if len(tokens) > 1 and tokens[0] == "events" and tokens[1].isdecimal() and int(tokens[1]) < len(order):
        return at_field(order[int(tokens[1])], tokens[2:], detail)
    return Placed(tokens[0] if tokens and tokens[0] in ("title", "round", "expect") else "report", None, None, detail)


def at_field(entry: Entry, tokens: Path, detail: str) -> Placed:
    """Return the mistake at the field of the entry that is at, above or below this path."""
    tokens = ("inference",) if tokens == ("occurred_basis",) else tokens
    for asked in entry.fields:
        shorter = min(len(tokens), len(asked.path))
        if tokens and asked.path[:shorter] == tokens[:shorter]:
            return Placed(entry.id_of(asked.path), entry, asked, detail, not entry.said.get(asked.path))
    return Placed(entry.id, entry, None, detail)
