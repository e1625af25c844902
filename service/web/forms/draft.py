"""The draft of a report. It is read from the posted form, and becomes the body that is filed.

A form field is named after its entry and its path in the event, such as `e3-source-origin`, so that a mistake finds its
field. An entry keeps its number when other entries are removed, because entries refer to each other by number.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.api.problems import Mistake
from service.domain.assertion import Statement
from service.domain.catalogue import EVENT_TYPES
from service.domain.mistakes import without_field
from service.domain.streams import parse_stream
from service.openings.slugs import slug_of
from service.readouts.dates import edtf_of
from service.web.forms.fields import Field, Path, fields_of, json_value
from service.web.forms.labels import with_labels
from service.web.forms.posted import Form
from service.web.forms.workspace import NEW_FACT_NUMBER, Workspace, workspace_in

_MAX_ENTRIES: Final = 500
_FIELD_NAME: Final = re.compile(r"e(?P<number>[0-9]{1,6})-(?P<path>[a-z_0-9]+(?:-[a-z_0-9]+)*)")
SEEN_VERSION: Final = re.compile(r"(?P<stream>[^@]{1,120})@(?P<version>[0-9]{1,12})")
_COPIED_GROUPS: Final = ("asserted_by", "source", "occurred", "inference")
"""A new entry starts with these values of the entry edited last."""
_REGISTRATIONS: Final = ("RelationOpened", "SourceRegistered", "OriginRegistered", "ActorRegistered")


@dataclass(frozen=True)
class Entry:
    """The draft of one event. `texts` has the text of each field, by its path in the event.

    `recorded` is the id of the event on record that this one corrects.
    """

    number: int
    stream: str
    type: str
    texts: Mapping[Path, str] = field(default_factory=dict)
    recorded: str | None = None

    @property
    def id(self) -> str:
        """Return the HTML id of the entry."""
        return f"e{self.number}"

    @property
    def fields(self) -> tuple[Field, ...]:
        return fields_of(self.type)

    def id_of(self, path: Path) -> str:
        """Return the HTML id of a field. It is the name of the form field, too."""
        return "-".join((self.id, *path))

    @property
    def missing_fields(self) -> list[Field]:
        """Return the fields that are required and still empty."""
        return [field for field in self.fields if field.required and not self.texts.get(field.path)]

    @property
    def event(self) -> dict[str, Any]:
        """Return the event to file, without its empty fields.

        `asserted_by` and `source` are there even if they are empty. So each of their required fields is reported as
        missing, and not only the two as a whole.
        """
        event: dict[str, Any] = {"stream": self.stream, "type": self.type}
        for form_field in self.fields:
            if form_field.path[0] in _ALWAYS_PRESENT:
                event.setdefault(form_field.path[0], {})
            if text := self.texts.get(form_field.path, ""):
                set_value(event, form_field.path, json_value(form_field, text))
        if "inference" in event:
            event["occurred_basis"] = "inferred"
        if self.type == "PersonNamed" and "person" not in event and event.get("names"):
            # A person who is not on record yet is identified by the usual name.
            event["person"] = slug_of(event["names"][0])
        return event


_ALWAYS_PRESENT: Final = ("asserted_by", "source")
"""Fields with fields of their own, which every assertion must have."""


@dataclass(frozen=True)
class Draft:
    """The draft of a report.

    `address` is the address of its form, and `key` the idempotency key. `seen_versions` has the version of each
    irritant when the form showed it first. `streams` are those with a section, in the order of the page. `workspace` is
    not part of the report. `handling` is the handling label of the report, empty for none.
    """

    address: str
    key: str
    relation: str
    round: str
    title: str
    seen_versions: Mapping[str, int] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    workspace: Workspace = field(default_factory=Workspace)
    handling: str = ""

    @property
    def in_filing_order(self) -> list[Entry]:
        """Return the entries in the order of filing: registrations, which others cite, first. The rest is by stream."""
        index_of = {stream: index for index, stream in enumerate(self.streams)}

        def sort_key(entry: Entry) -> tuple[int, int]:
            if entry.type in _REGISTRATIONS:
                return _REGISTRATIONS.index(entry.type), entry.number
            return len(_REGISTRATIONS), index_of.get(entry.stream, -1)

        return sorted(self.entries, key=sort_key)

    @property
    def body(self) -> dict[str, Any]:
        """Return the body to file. It expects the seen versions of the streams that get events."""
        entries = self.in_filing_order
        referred_ids = {
            text for e in entries for f in e.fields if f.control == "event" and (text := e.texts.get(f.path))
        }
        streams = {entry.stream for entry in entries}
        body: dict[str, Any] = {"relation": self.relation, "title": self.title}
        if self.round:
            body["round"] = self.round
        if self.handling:
            body["handling"] = self.handling
        body["expect"] = {stream: version for stream, version in self.seen_versions.items() if stream in streams}
        body["events"] = [{**({"ref": e.id} if e.id in referred_ids else {}), **e.event} for e in entries]
        return body

    def entry(self, number: int) -> Entry | None:
        return next((entry for entry in self.entries if entry.number == number), None)

    def entries_on(self, stream: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.stream == stream]

    def without(self, numbers: Iterable[int]) -> "Draft":
        """Return the draft without the entries with these numbers."""
        removed = set(numbers)
        return replace(self, entries=tuple(entry for entry in self.entries if entry.number not in removed))

    def with_section(self, stream: str) -> "Draft":
        """Return the draft with a section for a stream."""
        return self if stream in self.streams else replace(self, streams=(*self.streams, stream))

    def with_entry(self, stream: str, type: str, texts: Mapping[Path, str] | None = None) -> "Draft":
        """Return the draft with a new entry. It starts with speaker, source and date of the statement edited last."""
        number = max((entry.number for entry in self.entries), default=0) + 1
        paths = {form_field.path for form_field in fields_of(type)}
        copied = {path: text for path, text in self._copied_texts(type).items() if path in paths}
        entry = Entry(number, stream, type, {**copied, **(texts or {})})
        marks = {entry.id_of(path): text for path, text in copied.items() if path not in (texts or {})}
        workspace = replace(
            self.workspace, copied_texts={**self.workspace.copied_texts, **marks}, last_edited_number=number
        )
        return replace(self.with_section(stream), entries=(*self.entries, entry), workspace=workspace)

    @property
    def last_edited(self) -> Entry | None:
        """Return the statement that was edited last, else the last one. None without statements."""
        edited = self.entry(self.workspace.last_edited_number)
        if edited is not None and issubclass(EVENT_TYPES[edited.type], Statement):
            return edited
        statements = [e for e in self.entries if issubclass(EVENT_TYPES[e.type], Statement)]
        return statements[-1] if statements else None

    def _copied_texts(self, type: str) -> Mapping[Path, str]:
        """Return the speaker, source and date of the statement edited last. Each statement has its own paragraphs."""
        if not issubclass(EVENT_TYPES[type], Statement):
            return {}
        last = self.last_edited.texts if self.last_edited else {}
        copied = {
            path: text
            for path, text in last.items()
            if path[0] in _COPIED_GROUPS and path != ("source", "paragraphs") and text
        }
        return {**self._registered_texts, **copied}

    @property
    def _registered_texts(self) -> Mapping[Path, str]:
        """Return the fields by which an entry cites the last document and origin that this report registers."""
        texts: dict[Path, str] = {}
        for entry in self.entries:
            if entry.stream.startswith("source/"):
                texts["source", "document"] = entry.stream.partition("/")[2]
            if entry.type == "OriginRegistered":
                texts["source", "origin"] = entry.texts.get(("origin",), "")
                texts["asserted_by", "party"] = entry.texts.get(("party",), "")
                texts["asserted_by", "channel"] = entry.texts.get(("channel",), "")
        return texts


@dataclass(frozen=True)
class ButtonResult:
    """The draft after a button, the HTML id of the element to focus, and the name of a notice.

    `mistakes` has the mistakes of the new fact, by the HTML id of their fields. `added_id` is the HTML id of an added
    fact.
    """

    draft: Draft
    focus: str | None = None
    notice: str | None = None
    mistakes: Mapping[str, str] = field(default_factory=dict)
    added_id: str | None = None


@dataclass(frozen=True)
class FieldMistake:
    """A mistake with its place: a field, a whole entry, or the report. `is_unfilled`: the field is empty.

    `id` is the HTML id of the place. `entry` and `field` are None for a mistake of the whole report.
    """

    id: str
    entry: Entry | None
    field: Field | None
    detail: str
    is_unfilled: bool = False


def set_value(event: dict[str, Any], path: Path, value: object) -> None:
    """Set the value at a path of an event. Missing objects on the path are created."""
    for name in path[:-1]:
        event = event.setdefault(name, {})
    event[path[-1]] = value


def draft_in(form: Form) -> Draft:
    """Return the draft in a posted form. Ignore values that the form of the service cannot have sent."""
    seen = (match for text in form.all("seen") if (match := SEEN_VERSION.fullmatch(text)))
    texts = texts_in(form)
    return Draft(
        address=form.get("address"),
        key=form.get("key"),
        relation=form.get("relation"),
        round=form.get("round"),
        title=form.get("title"),
        seen_versions={match["stream"]: int(match["version"]) for match in seen},
        streams=tuple(dict.fromkeys(stream for stream in form.all("shown") if parse_stream(stream) is not None)),
        entries=tuple(_entries(texts))[:_MAX_ENTRIES],
        workspace=workspace_in(form, texts.get(NEW_FACT_NUMBER, {})),
        handling=form.get("handling"),
    )


def texts_in(form: Form) -> dict[int, dict[Path, str]]:
    """Return the texts of the fields of each entry, by the number of the entry."""
    texts: dict[int, dict[Path, str]] = {}
    for name, text in form.fields:
        if match := _FIELD_NAME.fullmatch(name):
            texts.setdefault(int(match["number"]), {})[tuple(match["path"].split("-"))] = text.strip()
    types = {number: fields.get(("type",), "") for number, fields in texts.items()}
    return {
        number: _with_dates(types[number], fields) if types[number] in EVENT_TYPES else fields
        for number, fields in texts.items()
    }


def _entries(texts: Mapping[int, Mapping[Path, str]]) -> Iterator[Entry]:
    for number, fields in texts.items():
        stream, type = fields.get(("stream",), ""), fields.get(("type",), "")
        if number != NEW_FACT_NUMBER and parse_stream(stream) is not None and type in EVENT_TYPES:
            paths = {form_field.path for form_field in fields_of(type)}
            yield Entry(number, stream, type, {path: text for path, text in fields.items() if path in paths})


def _with_dates(type: str, texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return the texts with dates as EDTF. A date can be written as pages write it, such as "15 July 2025"."""
    dates = {form_field.path for form_field in fields_of(type) if form_field.control == "date"}
    return {path: (edtf_of(text) or text) if path in dates and text else text for path, text in texts.items()}


def locate_mistakes(draft: Draft, mistakes: Iterable[Mistake]) -> list[FieldMistake]:
    """Find the field, entry or report of each mistake, and sort the mistakes in the order of the form."""
    order = draft.in_filing_order
    found = [
        _locate(draft, order, tuple((mistake.pointer or "").split("/")[1:]), mistake.detail) for mistake in mistakes
    ]
    return sorted(found, key=lambda mistake: _sort_key(order, mistake))


def _sort_key(order: list[Entry], mistake: FieldMistake) -> tuple[int, int]:
    if mistake.entry is None:
        return -1, 0
    return order.index(mistake.entry), mistake.entry.fields.index(mistake.field) if mistake.field else -1


def _locate(draft: Draft, order: list[Entry], tokens: Path, detail: str) -> FieldMistake:
    if len(tokens) > 1 and tokens[0] == "events" and tokens[1].isdecimal() and int(tokens[1]) < len(order):
        return mistake_at(order[int(tokens[1])], tokens[2:], detail)
    place = tokens[0] if tokens and tokens[0] in ("title", "round", "expect", "handling") else "report"
    return mistake_of_report(place, detail, is_unfilled=place == "title" and not draft.title)


def mistake_of_report(place: str, detail: str, *, is_unfilled: bool = False) -> FieldMistake:
    """Return a mistake that belongs to no entry. `place`: title, reason, round, expect or report."""
    text = with_labels(without_field(detail, (place,)), "", None, is_empty=False)
    if place == "expect":
        text = f"{text.partition('. ')[0]}."  # Forms have a remedy of their own.
    return FieldMistake(place, None, None, text, is_unfilled)


def mistake_at(entry: Entry, tokens: Path, detail: str) -> FieldMistake:
    """Return the mistake at the field of an entry. The path can lead to the field, to a part of it, or above it."""
    tokens = ("inference",) if tokens == ("occurred_basis",) else tokens
    for form_field in entry.fields:
        shorter = min(len(tokens), len(form_field.path))
        if tokens and form_field.path[:shorter] == tokens[:shorter]:
            is_empty = not entry.texts.get(form_field.path)
            text = with_labels(detail, entry.stream, form_field, is_empty=is_empty)
            return FieldMistake(entry.id_of(form_field.path), entry, form_field, text, is_empty)
    return FieldMistake(entry.id, entry, None, with_labels(detail, entry.stream, None, is_empty=False))
