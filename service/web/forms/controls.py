"""Make the values from which the templates draw a form: sections, entries, and a control for each field.

An entry is one event that is being written. A section has the entries on one stream.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

from markupsafe import Markup, escape

from service.api.sessions import Session
from service.domain import edtf
from service.domain.actors import MEDIA
from service.domain.assertion import Recorded, Statement
from service.domain.catalogue import EVENT_TYPES
from service.projections.board import BoardRow
from service.projections.words.bidi import isolated
from service.projections.words.names import round_name
from service.readouts.dates import edtf_of
from service.store.codec import StoredReport
from service.web.formatting import day, event_label, name_at_start, name_of
from service.web.forms.cards import Card, card_of
from service.web.forms.context import FormContext, OpenPoint, referred_type
from service.web.forms.draft import Draft, Entry
from service.web.forms.editing import addable_types, streams_of
from service.web.forms.fields import Field
from service.web.forms.openings import ROUND_BEGINS_WITH
from service.web.forms.preview import Preview
from service.web.forms.workspace import POINTED
from service.web.ladder import ladder, symbols
from service.web.messages import messages
from service.web.standing import standing_of_row

_SUGGESTION_LISTS: Final[Mapping[str, str]] = {
    "document": "documents",
    "merged_into": "irritants",
    "category": "categories",
}
"""The id of the list of suggestions for a field, by the name of the field."""
_PERSONS: Final = frozenset({"person", "speaker"})
"""Fields with the name of a person."""
_LISTS_BY_STREAM: Final = frozenset({"step", "item"})
"""Fields whose suggestions are different for each stream."""
_CODE: Final = re.compile(r"`([^`]+)`")
_SUMMARY_LENGTH: Final = 90


class Option(NamedTuple):
    """One choice of a control."""

    value: str
    label: str | Markup


class DateInWords(NamedTuple):
    """A date in words. If it is `wrong`, the text says why it is not valid."""

    text: str
    wrong: bool


@dataclass(frozen=True)
class Control:
    """One field of an entry in the form.

    `suggestions` is the id of its list. `in_words` is its date in words. `mark` is `copied` if the value is that of
    the entry edited last, `suggested` if it is a suggestion, and empty for a value that the operator gave.
    """

    id: str
    field: Field
    value: str
    label: Markup
    hint: Markup | None
    options: Sequence[Option] = ()
    suggestions: str | None = None
    in_words: DateInWords | None = None
    mark: Literal["", "copied", "suggested"] = ""


class Group(NamedTuple):
    """Fields that belong together: the fields of the type, what was said, by whom, where and when."""

    name: str
    controls: Sequence[Control]


def groups(entry: Entry, draft: Draft, context: FormContext) -> Iterator[Group]:
    """Yield the fields of an entry in groups."""
    for name, fields in groupby(entry.fields, key=lambda field: field.group):
        yield Group(name, [control(entry, field, draft, context) for field in fields])


def control(entry: Entry, field: Field, draft: Draft, context: FormContext) -> Control:
    """Return the control of a field of an entry."""
    t, value = messages(), entry.texts.get(field.path, "")
    name = ".".join(field.path)
    hint = "field-hint.person-on-record" if field.control == "person" else f"field-hint.{name}"
    return Control(
        id=entry.id_of(field.path),
        field=field,
        value=value,
        label=t(f"field.{name}"),
        hint=t(hint) if hint in t else None,
        options=tuple(_options(entry, field, value, draft, context)),
        suggestions=_suggestions(entry, field),
        in_words=date_in_words(value) if field.control == "date" and value else None,
        mark=_mark(entry, field, value, draft),
    )


def _mark(entry: Entry, field: Field, value: str, draft: Draft) -> Literal["", "copied", "suggested"]:
    """Return the mark of a value. A copied or suggested value that the operator changed has none."""
    space = draft.workspace
    if not value:
        return ""
    if space.copied.get(entry.id_of(field.path)) == value:
        return "copied"
    return "suggested" if entry.number == POINTED and space.suggested.get(field.path) == value else ""


def date_in_words(text: str) -> DateInWords:
    """Return a date in words, with its EDTF if it was written in words. Else return the reason why it is not valid."""
    value = edtf_of(text)
    if value is None:
        try:
            edtf.parse(text)
        except edtf.NotEdtf as error:
            return DateInWords(str(messages()("file.not-a-date", why=str(error)).unescape()), wrong=True)
    words = edtf.describe(value or text)
    same = value is None or value == text
    return DateInWords(words if same else str(messages()("file.date-becomes", words=words, edtf=value)), wrong=False)


def _suggestions(entry: Entry, field: Field) -> str | None:
    """Return the id of the list of suggestions for a field, or None."""
    if field.control == "party":
        return "voices" if field.path[0] == "asserted_by" or entry.type == "OriginRegistered" else "parties"
    if field.path == ("source", "origin"):
        return "origins"
    if field.name in _PERSONS and field.control == "line":
        return "persons"
    if field.name in _LISTS_BY_STREAM:
        return f"{field.name}s-of-{entry.stream.replace('/', '-')}"
    return _SUGGESTION_LISTS.get(field.name)


def _options(entry: Entry, field: Field, value: str, draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield the choices of a field. Empty for a field with free text."""
    t = messages()
    match field.control:
        case "choice":
            yield from (Option(choice, word_for(choice)) for choice in field.choices)
        case "yes-no":
            yield from (Option("true", t("choice.true")), Option("false", t("choice.false")))
        case "actor":
            third = sorted({third.actor for row in context.board.items for third in row.third_parties} - {MEDIA})
            actors = dict.fromkeys((*context.board.parties, "both", *third, *filter(None, [value])))
            yield from (Option(actor, name_at_start(actor)) for actor in actors)
        case "event":
            yield from _events(entry, field, value, draft, context)
        case "person":
            yield from _persons(value, draft, context)
        case "round":
            named = {round.id: round.name for round in reversed(context.rounds)}
            begun = (e.stream.partition("/")[2] for e in draft.entries if e.stream.startswith("round/"))
            for id in (*begun, *filter(None, [value])):
                named.setdefault(id, round_name(id))
            yield from (Option(id, name) for id, name in named.items())
        case "report":
            titled = {report.id: _report_label(report) for report in context.reports}
            yield from (Option(id, label) for id, label in titled.items())
            if value and value not in titled:
                yield Option(value, t("file.this-report"))
        case _:
            return


def _persons(value: str, draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield an option for each spelling of the name of each person, so that people find a person by any of them.

    A label begins with its own spelling and ends with the other spellings. `value` is the chosen person. Only this
    report may name that person.
    """
    on_record = {person.person for person in context.persons}
    found = [
        Option(person.person, " · ".join((name, *(other for other in person.names if other != name))))
        for person in context.persons
        for name in person.names
    ]
    if value and value not in on_record:
        namings = (entry for entry in draft.entries if _is_naming_of(entry, value))
        written = next((_lines(entry.texts.get(("names",), "")) for entry in namings), [])
        found.append(Option(value, written[0] if written else value))
    yield from sorted(found, key=lambda option: option.label.casefold())


def _is_naming_of(entry: Entry, person: str) -> bool:
    """Return whether an entry puts this person on record."""
    return entry.type == "PersonNamed" and entry.texts.get(("person",)) == person


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _events(entry: Entry, field: Field, value: str, draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield the events that a field can refer to: on record, earlier in this report, and the chosen event."""
    history = context.history(entry.stream)
    choices = context.choices(entry.type, entry.stream, field.name, entry.recorded)
    found = [Option(event.id, label_of(event)) for event in choices]
    found += [
        Option(other.id, messages()("file.of-this-report", type=event_label(other.type), number=other.number))
        for other in draft.entries_on(entry.stream)
        if other.number < entry.number and issubclass(EVENT_TYPES[other.type], referred_type(entry.type, field.name))
    ]
    if value and value not in {option.value for option in found} and (event := history.recorded(value)):
        found.append(Option(value, label_of(event)))
    yield from found


def label_of(event: Recorded) -> str:
    """Return an event in one line: its version, its speaker and its summary, such as `@7 The United States: …`."""
    data = event.data
    if not isinstance(data, Statement):
        return f"@{event.version} {event_label(event.type)}"
    summary = isolated(data.summary)
    if len(summary) > _SUMMARY_LENGTH:
        summary = f"{summary[:_SUMMARY_LENGTH].rstrip()}…"
    return f"@{event.version} {name_at_start(data.asserted_by.party).unescape()}: {summary}"


def word_for(choice: str) -> Markup:
    """Return a value of the HTTP interface in words."""
    t = messages()
    for name in (f"choice.{choice}", f"rung.{choice}"):
        if name in t:
            return t(name)
    return Markup(choice.replace("_", " "))  # noqa: S704 -- a word of the domain


def explanation(type: str) -> Markup:
    """Return what a type of event means: the docstring of its model."""
    text = str(escape(" ".join((EVENT_TYPES[type].__doc__ or "").split())))
    return Markup(_CODE.sub(r"<code>\1</code>", text))  # noqa: S704 -- escaped


@dataclass(frozen=True)
class Suggestions:
    """A list of suggestions. Controls refer to it by its id."""

    id: str
    options: Sequence[Option]


def suggestions(draft: Draft, context: FormContext) -> Iterable[Suggestions]:
    """Yield every list of suggestions, from the record and from the documents and statements of this report."""
    parties = context.board.parties
    yield Suggestions("parties", [Option(code, name_of(code)) for code in parties])
    voices = dict.fromkeys((*parties, "JOINT", "MEDIA", *context.board.names))
    yield Suggestions("voices", [Option(code, name_of(code)) for code in voices])
    yield Suggestions("documents", list(_documents(draft, context)))
    yield Suggestions("origins", list(_origins(draft, context)))
    yield Suggestions("persons", list(_spellings(draft, context)))
    yield Suggestions("irritants", [Option(row.id, row.title) for row in context.board.items])
    categories = sorted({row.category for row in context.board.items})
    yield Suggestions("categories", [Option(name, "") for name in categories])
    for stream in dict.fromkeys(entry.stream for entry in draft.entries):
        member = stream.replace("/", "-")
        yield Suggestions(f"steps-of-{member}", [Option(step, "") for step in context.steps(stream)])
        yield Suggestions(f"items-of-{member}", [Option(item, "") for item in context.items(stream)])


def _spellings(draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield every spelling of the name of each person, with the role: those on record, and those of this report."""
    for person in context.persons:
        yield from (Option(name, person.role) for name in person.names)
    for entry in draft.entries:
        if entry.type == "PersonNamed":
            role, names = entry.texts.get(("role",), ""), _lines(entry.texts.get(("names",), ""))
            yield from (Option(name, role) for name in names)


def _report_label(report: StoredReport) -> str:
    return f"{report.title} ({day(report.recorded_at)})"


def _documents(draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield the documents that this report registers, then those on record."""
    for entry in draft.entries:
        if entry.type == "SourceRegistered":
            yield Option(entry.stream.partition("/")[2], entry.texts.get(("publisher",), ""))
    yield from (Option(source.id, source.publisher) for source in context.sources)


def _origins(draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield the origins that this report registers, then those on record, each with its speaker."""
    for entry in draft.entries:
        if entry.type == "OriginRegistered":
            yield Option(entry.texts.get(("origin",), ""), entry.texts.get(("speaker",), ""))
    for source in context.sources:
        yield from (
            Option(origin.origin, f"{name_at_start(origin.party).unescape()}: {origin.speaker}")
            for origin in source.origins
        )


_MAX_LADDERS: Final = 100
"""Forms with more streams show no ladders, so that the page stays below 400 kB."""


@dataclass(frozen=True)
class EntryForm:
    """One entry as the form shows it: the name of its type, an explanation, and its fields.

    An entry that is shown as a card has no fields.
    """

    entry: Entry
    type: Markup
    explained: Markup
    groups: Sequence[Group]
    card: Card | None = None


@dataclass(frozen=True)
class Section:
    """The entries on one stream. `types` are those of events that can be added.

    `row` is the row of an irritant on the board. `after` is its headline after the report, if there is a preview.
    """

    stream: str
    kind: str
    title: str
    row: BoardRow | None
    entries: Sequence[EntryForm]
    types: Sequence[Option]
    open_points: Sequence[OpenPoint]
    has_ladder: bool
    after: str | None = None

    @property
    def ladder(self) -> Markup | None:
        return ladder(standing_of_row(self.row)) if self.row and self.has_ladder else None

    @property
    def sentence(self) -> str | None:
        return self.row.headline if self.row else None


def form_values(
    session: Session, draft: Draft, context: FormContext, preview: Preview | None = None, *, refused: bool = False
) -> dict[str, Any]:
    """Return the values for the template of the form.

    After a refusal (`refused`), mistakes are shown at empty fields too.
    """
    names = streams_of(context)
    return {
        "draft": draft,
        "made_for": session.key.id,  # the form is refused if it is sent with another key
        "documents": [
            entry_form(entry, draft, context) for entry in draft.in_order if entry.stream.startswith("source/")
        ],
        "sections": [
            _section(stream, draft, context, names, preview)
            for stream in draft.shown
            if not stream.startswith("source")
        ],
        "round_title": _title(f"round/{draft.relation}/{draft.round}", draft, names) if draft.round else "",
        "others": [Option(stream, name) for stream, name in names.items() if stream not in draft.shown],
        "round_begins_with": [Option(type, event_label(type)) for type in ROUND_BEGINS_WITH],
        "suggestions": list(suggestions(draft, context)),
        "symbols": symbols(),
        "preview": preview,
        "mistakes": {
            mistake.id: mistake.detail
            for mistake in (preview.mistakes if preview else ())
            if refused or not mistake.unfilled
        },
        "refused": refused,
    }


def _title(stream: str, draft: Draft, names: Mapping[str, str]) -> str:
    """Return the title of a stream: on record, else written in this report, else made from its id."""
    kind, _, member = stream.partition("/")
    entries = draft.entries_on(stream)
    written = (entry.texts.get(("title",), "") or entry.texts.get(("names",), "") for entry in entries)
    otherwise = name_of(member) if kind == "actor" else round_name(member) if kind == "round" else member
    return names.get(stream) or next(filter(None, written), "").partition("\n")[0] or otherwise


def _section(
    stream: str, draft: Draft, context: FormContext, names: Mapping[str, str], preview: Preview | None
) -> Section:
    """Return the section of one stream. `names` has the title of each stream on record."""
    effects = preview.effects if preview else ()
    return Section(
        stream=stream,
        kind=stream.partition("/")[0],
        title=_title(stream, draft, names),
        row=context.row(stream),
        entries=[entry_form(entry, draft, context) for entry in draft.entries_on(stream)],
        types=[Option(type, event_label(type)) for type in addable_types(stream, context)],
        open_points=list(context.open_points(stream)),
        has_ladder=len(draft.shown) <= _MAX_LADDERS,
        after=next((effect.sentence for effect in effects if f"irritant/{effect.id}" == stream), None),
    )


def document_title(slug: str, draft: Draft, context: FormContext) -> str:
    """Return the title of a document of this report, else the publisher and date of one on record."""
    entries = draft.entries_on(f"source/{slug}")
    titles = (entry.texts.get((name,)) for name in ("title", "publisher") for entry in entries)
    return next(filter(None, titles), None) or context.document(slug)


def entry_form(entry: Entry, draft: Draft, context: FormContext) -> EntryForm:
    """Return an entry as its fields, or as a card."""
    label, explained = event_label(entry.type), explanation(entry.type)
    if entry.number in draft.workspace.folded:
        return EntryForm(
            entry,
            label,
            explained,
            (),
            card_of(entry, document_title(entry.texts.get(("source", "document"), ""), draft, context)),
        )
    return EntryForm(entry, label, explained, list(groups(entry, draft, context)))
