"""The form as it is drawn: its sections, its entries, and the controls of each field with choices and mistakes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.api.sessions import Session
from service.domain import edtf
from service.domain.assertion import Recorded, Statement
from service.domain.catalogue import EVENT_TYPES
from service.projections.board import BoardRow
from service.web.formatting import capitalised, event_label, name_of, round_name
from service.web.forms.context import FormContext
from service.web.forms.draft import Draft, Entry
from service.web.forms.editing import offered, streams_of
from service.web.forms.fields import Field
from service.web.forms.preview import Preview
from service.web.ladder import ladder, symbols
from service.web.messages import messages
from service.web.standing import of_row

_SUGGESTED: Final[Mapping[str, str]] = {
    "document": "documents",
    "round": "rounds",
    "merged_into": "irritants",
    "category": "categories",
}
_SUGGESTED_BY_STREAM: Final = frozenset({"step", "item"})
_QUOTED: Final = re.compile(r"`([^`]+)`")
_SHOWN_OF_SUMMARY: Final = 90


class Option(NamedTuple):
    """One choice."""

    value: str
    label: str | Markup


class ReadBack(NamedTuple):
    """A date in words, or the reason why it is not valid."""

    text: str
    wrong: bool


@dataclass(frozen=True)
class Control:
    """One field of an entry in the form. `suggestions` is the id of its list."""

    id: str
    field: Field
    value: str
    label: Markup
    hint: Markup | None
    options: Sequence[Option] = ()
    suggestions: str | None = None
    read: ReadBack | None = None


class Group(NamedTuple):
    """Fields that belong together, such as who says it, or when it was."""

    name: str
    controls: Sequence[Control]


def groups(entry: Entry, draft: Draft, known: FormContext) -> Iterator[Group]:
    """Yield the fields of an entry in groups."""
    for name, fields in groupby(entry.fields, key=lambda field: field.group):
        yield Group(name, [_control(entry, field, draft, known) for field in fields])


def _control(entry: Entry, field: Field, draft: Draft, known: FormContext) -> Control:
    t, value = messages(), entry.said.get(field.path, "")
    named = ".".join(field.path)
    return Control(
        id=entry.id_of(field.path),
        field=field,
        value=value,
        label=t(f"field.{named}"),
        hint=t(f"field-hint.{named}") if f"field-hint.{named}" in t else None,
        options=tuple(_options(entry, field, value, draft, known)),
        suggestions=_suggestions(entry, field),
        read=read_back(value) if field.control == "date" and value else None,
    )


def read_back(text: str) -> ReadBack:
    """Return how the record reads a date."""
    try:
        return ReadBack(edtf.describe(text), wrong=False)
    except edtf.NotEdtf as error:
        return ReadBack(str(error), wrong=True)


def _suggestions(entry: Entry, field: Field) -> str | None:
    if field.control == "party":
        return "voices" if field.path[0] == "asserted_by" or entry.type == "OriginRegistered" else "parties"
    if field.path == ("source", "origin"):
        return "origins"
    if field.name in _SUGGESTED_BY_STREAM:
        return f"{field.name}s-of-{entry.stream.replace('/', '-')}"
    return _SUGGESTED.get(field.name)


def _options(entry: Entry, field: Field, value: str, draft: Draft, known: FormContext) -> Iterator[Option]:
    t = messages()
    match field.control:
        case "choice":
            yield from (Option(choice, word_for(choice)) for choice in field.choices)
        case "yes-no":
            yield from (Option("true", t("choice.true")), Option("false", t("choice.false")))
        case "actor":
            yield from (Option(code, capitalised(name_of(code))) for code in (*known.board.parties, "both"))
        case "event":
            yield from _events(entry, field, value, draft, known)
        case _:
            return


def _events(entry: Entry, field: Field, value: str, draft: Draft, known: FormContext) -> Iterator[Option]:
    history = known.history(entry.stream)
    found = [Option(e.id, label_of(e)) for e in known.meant(entry.type, entry.stream, field.name)]
    found += [
        Option(other.id, messages()("file.of-this-report", type=event_label(other.type), number=other.number))
        for other in draft.of(entry.stream)
        if other.number < entry.number and issubclass(EVENT_TYPES[other.type], Statement)
    ]
    if value and value not in {option.value for option in found} and (event := history.recorded(value)):
        found.append(Option(value, label_of(event)))
    yield from found


def label_of(event: Recorded) -> str:
    """Return an event in one line: its version, its voice and its summary."""
    said = event.data
    if not isinstance(said, Statement):
        return f"@{event.version} {event_label(event.type)}"
    summary = said.summary
    if len(summary) > _SHOWN_OF_SUMMARY:
        summary = f"{summary[:_SHOWN_OF_SUMMARY].rstrip()}…"
    return f"@{event.version} {said.asserted_by.party}: {summary}"


def word_for(choice: str) -> Markup:
    """Return a value of the HTTP interface as people read it."""
    t = messages()
    for name in (f"choice.{choice}", f"rung.{choice}"):
        if name in t:
            return t(name)
    return Markup(choice.replace("_", " "))  # noqa: S704 -- a word of the domain


def explanation(type: str) -> Markup:
    """Return what a type of event means: the docstring of its model."""
    text = str(escape(" ".join((EVENT_TYPES[type].__doc__ or "").split())))
    return Markup(_QUOTED.sub(r"<code>\1</code>", text))  # noqa: S704 -- escaped


@dataclass(frozen=True)
class Suggestions:
    """A list of choices that controls refer to by id."""

    id: str
    options: Sequence[Option]


def suggestions(draft: Draft, known: FormContext) -> Iterable[Suggestions]:
    """Yield every list of choices: what is on record, and what this report registers."""
    parties = known.board.parties
    yield Suggestions("parties", [Option(code, name_of(code)) for code in parties])
    yield Suggestions("voices", [Option(code, name_of(code)) for code in (*parties, "JOINT", "MEDIA")])
    yield Suggestions("documents", list(_documents(draft, known)))
    yield Suggestions("origins", list(_origins(draft, known)))
    yield Suggestions("rounds", [Option(round.id, round.place or "") for round in known.rounds])
    yield Suggestions("irritants", [Option(row.id, row.title) for row in known.board.items])
    yield Suggestions("categories", [Option(name, "") for name in sorted({row.category for row in known.board.items})])
    for stream in dict.fromkeys(entry.stream for entry in draft.entries):
        member = stream.replace("/", "-")
        yield Suggestions(f"steps-of-{member}", [Option(step, "") for step in known.steps(stream)])
        yield Suggestions(f"items-of-{member}", [Option(item, "") for item in known.items(stream)])


def _documents(draft: Draft, known: FormContext) -> Iterator[Option]:
    for entry in draft.entries:
        if entry.type == "SourceRegistered":
            yield Option(entry.stream.partition("/")[2], entry.said.get(("publisher",), ""))
    yield from (Option(source.id, source.publisher) for source in known.sources)


def _origins(draft: Draft, known: FormContext) -> Iterator[Option]:
    for entry in draft.entries:
        if entry.type == "OriginRegistered":
            yield Option(entry.said.get(("origin",), ""), entry.said.get(("speaker",), ""))
    for source in known.sources:
        yield from (Option(origin.origin, f"{origin.party}: {origin.speaker}") for origin in source.origins)


_MOST_DRAWN: Final = 100
"""Forms with more streams show no ladders, so that the page stays below 400 kB."""


@dataclass(frozen=True)
class EntryForm:
    """One entry as the form shows it."""

    entry: Entry
    type: Markup
    explained: Markup
    groups: Sequence[Group]


@dataclass(frozen=True)
class Section:
    """The entries on one stream. `opens` has the open steps and proposals."""

    stream: str
    kind: str
    title: str
    row: BoardRow | None
    entries: Sequence[EntryForm]
    types: Sequence[Option]
    opens: Sequence[tuple[str, str, str]]
    is_drawn: bool

    @property
    def ladder(self) -> Markup | None:
        return ladder(of_row(self.row)) if self.row and self.is_drawn else None

    @property
    def sentence(self) -> str | None:
        return self.row.headline if self.row else None


def form_values(
    session: Session, draft: Draft, known: FormContext, found: Preview | None = None, *, refused: bool = False
) -> dict[str, Any]:
    """Return the values for the form. `found` is the preview.

    With `refused`, mistakes are shown at empty fields too.
    """
    names = streams_of(known)
    return {
        "draft": draft,
        "made_for": session.key.id,
        "documents": [entry_form(e, draft, known) for e in draft.in_order if e.stream.startswith("source/")],
        "sections": [
            _section(stream, draft, known, names) for stream in draft.shown if not stream.startswith("source")
        ],
        "others": [Option(stream, name) for stream, name in names.items() if stream not in draft.shown],
        "suggestions": list(suggestions(draft, known)),
        "symbols": symbols(),
        "preview": found,
        "mistakes": {m.id: m.detail for m in found.mistakes if refused or not m.unfilled} if found else {},
        "refused": refused,
    }


def _section(stream: str, draft: Draft, known: FormContext, names: Mapping[str, str]) -> Section:
    kind, _, member = stream.partition("/")
    title = names.get(stream) or next((e.said.get(("title",), "") for e in draft.of(stream)), "") or member
    return Section(
        stream=stream,
        kind=kind,
        title=round_name(member) if kind == "round" else title,
        row=known.row(stream),
        entries=[entry_form(entry, draft, known) for entry in draft.of(stream)],
        types=[Option(type, event_label(type)) for type in offered(stream, known)],
        opens=list(known.opens(stream)),
        is_drawn=len(draft.shown) <= _MOST_DRAWN,
    )


def entry_form(entry: Entry, draft: Draft, known: FormContext) -> EntryForm:
    return EntryForm(entry, event_label(entry.type), explanation(entry.type), list(groups(entry, draft, known)))
