"""Make the values from which the templates draw a form: sections, entries, and a control for each field.

A section has the entries on one stream.
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
from service.web.forms.context import FormContext, OpenPoint, referable_types
from service.web.forms.draft import Draft, Entry
from service.web.forms.editing import addable_types, streams_of
from service.web.forms.fields import Field
from service.web.forms.openings import ROUND_BEGINS_WITH
from service.web.forms.preview import Preview
from service.web.forms.workspace import NEW_FACT_NUMBER
from service.web.ladder import ladder, symbols
from service.web.messages import messages
from service.web.standing import standing_of_row

_LIST_OF_FIELD: Final[Mapping[str, str]] = {
    "document": "documents",
    "merged_into": "irritants",
    "category": "categories",
}
"""The HTML id of the list of suggestions, by the name of the field."""
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
    """A date in words. If `is_wrong`, the text says why the date is not valid."""

    text: str
    is_wrong: bool


@dataclass(frozen=True)
class Control:
    """The control of one field of an entry.

    `suggestion_list` is the HTML id of its list of suggestions. `in_words` is the value of a date in words. `mark` says
    where the value comes from: `copied` from another entry, `suggested` by the form, or empty for the operator.
    """

    id: str
    field: Field
    value: str
    label: Markup
    hint: Markup | None
    options: Sequence[Option] = ()
    suggestion_list: str | None = None
    in_words: DateInWords | None = None
    mark: Literal["", "copied", "suggested"] = ""


class Group(NamedTuple):
    """The controls of one of the `fields.GROUPS`."""

    name: str
    controls: Sequence[Control]


def groups_of(entry: Entry, draft: Draft, context: FormContext) -> Iterator[Group]:
    """Yield the controls of an entry in groups."""
    for name, fields in groupby(entry.fields, key=lambda field: field.group):
        yield Group(name, [control_of(entry, field, draft, context) for field in fields])


def control_of(entry: Entry, field: Field, draft: Draft, context: FormContext) -> Control:
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
        suggestion_list=_suggestion_list_id(entry, field),
        in_words=date_in_words(value) if field.control == "date" and value else None,
        mark=_mark(entry, field, value, draft),
    )


def _mark(entry: Entry, field: Field, value: str, draft: Draft) -> Literal["", "copied", "suggested"]:
    """Return where a value comes from. A copied or suggested value that was changed comes from the operator."""
    workspace = draft.workspace
    if not value:
        return ""
    if workspace.copied_texts.get(entry.id_of(field.path)) == value:
        return "copied"
    return "suggested" if entry.number == NEW_FACT_NUMBER and workspace.suggested_texts.get(field.path) == value else ""


def date_in_words(text: str) -> DateInWords:
    """Return a date in words, with its EDTF if it was written otherwise. For a wrong date, return the reason."""
    value = edtf_of(text)
    if value is None:
        try:
            edtf.parse(text)
        except edtf.NotEdtf as error:
            return DateInWords(str(messages()("file.not-a-date", why=str(error)).unescape()), is_wrong=True)
    words = edtf.describe(value or text)
    is_edtf = value is None or value == text
    return DateInWords(
        words if is_edtf else str(messages()("file.date-becomes", words=words, edtf=value)), is_wrong=False
    )


def _suggestion_list_id(entry: Entry, field: Field) -> str | None:
    """Return the HTML id of the list of suggestions for a field. None if it has no list."""
    if field.control == "party":
        return "voices" if field.path[0] == "asserted_by" or entry.type == "OriginRegistered" else "parties"
    if field.path == ("source", "origin"):
        return "origins"
    if field.name in _PERSONS and field.control == "line":
        return "persons"
    if field.name in _LISTS_BY_STREAM:
        return f"{field.name}s-of-{entry.stream.replace('/', '-')}"
    return _LIST_OF_FIELD.get(field.name)


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
    """Yield an option for each spelling of the name of each person, so that operators find a person by any of them.

    A label begins with its own spelling and ends with the other ones. `value` is the chosen person, who is perhaps
    named only in this report.
    """
    on_record = {person.person for person in context.persons}
    found = [
        Option(person.person, " · ".join((name, *(other for other in person.names if other != name))))
        for person in context.persons
        for name in person.names
    ]
    if value and value not in on_record:
        namings = (entry for entry in draft.entries if _is_naming_of(entry, value))
        names = next((_lines(entry.texts.get(("names",), "")) for entry in namings), [])
        found.append(Option(value, names[0] if names else value))
    yield from sorted(found, key=lambda option: option.label.casefold())


def _is_naming_of(entry: Entry, person: str) -> bool:
    """Return whether an entry names this person."""
    return entry.type == "PersonNamed" and entry.texts.get(("person",)) == person


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _events(entry: Entry, field: Field, value: str, draft: Draft, context: FormContext) -> Iterator[Option]:
    """Yield the events that a field can refer to: on record, earlier in this report, and the chosen one (`value`)."""
    history = context.history(entry.stream)
    choices = context.referable_events(entry.type, entry.stream, field.name, entry.recorded)
    found = [Option(event.id, label_of(event)) for event in choices]
    found += [
        Option(other.id, messages()("file.of-this-report", type=event_label(other.type), number=other.number))
        for other in draft.entries_on(entry.stream)
        if other.number < entry.number and issubclass(EVENT_TYPES[other.type], referable_types(entry.type, field.name))
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
    """Return a value of a field in words."""
    t = messages()
    for name in (f"choice.{choice}", f"rung.{choice}"):
        if name in t:
            return t(name)
    return Markup(choice.replace("_", " "))  # noqa: S704 -- a word of the domain


def explanation(type: str) -> Markup:
    """Return the explanation of a type of event: the docstring of its model."""
    text = str(escape(" ".join((EVENT_TYPES[type].__doc__ or "").split())))
    return Markup(_CODE.sub(r"<code>\1</code>", text))  # noqa: S704 -- escaped


@dataclass(frozen=True)
class SuggestionList:
    """A list of suggestions. `id` is its HTML id."""

    id: str
    options: Sequence[Option]


def suggestion_lists(draft: Draft, context: FormContext) -> Iterable[SuggestionList]:
    """Yield every list of suggestions, from the record and from this report."""
    parties = context.board.parties
    yield SuggestionList("parties", [Option(code, name_of(code)) for code in parties])
    voices = dict.fromkeys((*parties, "JOINT", "MEDIA", *context.board.names))
    yield SuggestionList("voices", [Option(code, name_of(code)) for code in voices])
    yield SuggestionList("documents", list(_documents(draft, context)))
    yield SuggestionList("origins", list(_origins(draft, context)))
    yield SuggestionList("persons", list(_spellings(draft, context)))
    yield SuggestionList("irritants", [Option(row.id, row.title) for row in context.board.items])
    categories = sorted({row.category for row in context.board.items})
    yield SuggestionList("categories", [Option(name, "") for name in categories])
    for stream in dict.fromkeys(entry.stream for entry in draft.entries):
        member = stream.replace("/", "-")
        yield SuggestionList(f"steps-of-{member}", [Option(step, "") for step in context.open_steps(stream)])
        yield SuggestionList(f"items-of-{member}", [Option(item, "") for item in context.item_names(stream)])


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
    """One entry as the page shows it, with the name and the explanation of its type.

    An entry that is shown as a card has no groups of controls.
    """

    entry: Entry
    type: Markup
    explanation: Markup
    groups: Sequence[Group]
    card: Card | None = None


@dataclass(frozen=True)
class Section:
    """The entries on one stream. `types` are the types of events that can be added.

    `row` is the row of an irritant on the board. `headline_after` is its headline after the report, if there is a
    preview.
    """

    stream: str
    kind: str
    title: str
    row: BoardRow | None
    entries: Sequence[EntryForm]
    types: Sequence[Option]
    open_points: Sequence[OpenPoint]
    has_ladder: bool
    headline_after: str | None = None

    @property
    def ladder(self) -> Markup | None:
        return ladder(standing_of_row(self.row)) if self.row and self.has_ladder else None

    @property
    def headline(self) -> str | None:
        return self.row.headline if self.row else None


def form_values(
    session: Session, draft: Draft, context: FormContext, preview: Preview | None = None, *, refused: bool = False
) -> dict[str, Any]:
    """Return the values for the template of the form.

    After a refusal (`refused`), mistakes are shown at empty fields, too.
    """
    titles = streams_of(context)
    return {
        "draft": draft,
        "made_for": session.key.id,  # the form is refused if it is sent with another key
        "documents": [
            entry_form(entry, draft, context) for entry in draft.in_filing_order if entry.stream.startswith("source/")
        ],
        "sections": [
            _section(stream, draft, context, titles, preview)
            for stream in draft.streams
            if not stream.startswith("source")
        ],
        "round_title": _title(f"round/{draft.relation}/{draft.round}", draft, titles) if draft.round else "",
        "other_streams": [Option(stream, name) for stream, name in titles.items() if stream not in draft.streams],
        "round_begins_with": [Option(type, event_label(type)) for type in ROUND_BEGINS_WITH],
        "suggestions": list(suggestion_lists(draft, context)),
        "symbols": symbols(),
        "preview": preview,
        "mistakes": {
            mistake.id: mistake.detail
            for mistake in (preview.mistakes if preview else ())
            if refused or not mistake.is_unfilled
        },
        "refused": refused,
    }


def _title(stream: str, draft: Draft, titles: Mapping[str, str]) -> str:
    """Return the title of a stream: as on record (`titles`), else as in this report, else made from its id."""
    kind, _, member = stream.partition("/")
    entries = draft.entries_on(stream)
    draft_titles = (entry.texts.get(("title",), "") or entry.texts.get(("names",), "") for entry in entries)
    otherwise = name_of(member) if kind == "actor" else round_name(member) if kind == "round" else member
    return titles.get(stream) or next(filter(None, draft_titles), "").partition("\n")[0] or otherwise


def _section(
    stream: str, draft: Draft, context: FormContext, titles: Mapping[str, str], preview: Preview | None
) -> Section:
    """Return the section of one stream. `titles` has the title of each stream on record."""
    effects = preview.effects if preview else ()
    return Section(
        stream=stream,
        kind=stream.partition("/")[0],
        title=_title(stream, draft, titles),
        row=context.board_row(stream),
        entries=[entry_form(entry, draft, context) for entry in draft.entries_on(stream)],
        types=[Option(type, event_label(type)) for type in addable_types(stream, context)],
        open_points=list(context.open_points(stream)),
        has_ladder=len(draft.streams) <= _MAX_LADDERS,
        headline_after=next((effect.sentence for effect in effects if f"irritant/{effect.id}" == stream), None),
    )


def document_title(slug: str, draft: Draft, context: FormContext) -> str:
    """Return the title of a document of this report, else the publisher and date of one on record."""
    entries = draft.entries_on(f"source/{slug}")
    titles = (entry.texts.get((name,)) for name in ("title", "publisher") for entry in entries)
    return next(filter(None, titles), None) or context.document_title(slug)


def entry_form(entry: Entry, draft: Draft, context: FormContext) -> EntryForm:
    """Return an entry with its controls, or with its card."""
    label, explanation_of_type = event_label(entry.type), explanation(entry.type)
    if entry.number in draft.workspace.card_numbers:
        return EntryForm(
            entry,
            label,
            explanation_of_type,
            (),
            card_of(entry, document_title(entry.texts.get(("source", "document"), ""), draft, context)),
        )
    return EntryForm(entry, label, explanation_of_type, list(groups_of(entry, draft, context)))
