"""Make the values from which the template draws the open readouts, and the questions about the new fact.

Each question offers answers as radio buttons: the likely ones first, all others below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.domain import edtf
from service.domain.actors import MEDIA
from service.domain.catalogue import EVENT_TYPES, KINDS, ON_ANY_STREAM
from service.domain.paragraphs import numbers_in
from service.web.formatting import event_label, name_at_start
from service.web.forms.context import FormContext
from service.web.forms.controls import Control, Option, control_of, document_title, explanation
from service.web.forms.draft import Draft, Entry
from service.web.forms.fields import Path
from service.web.forms.new_fact import (
    FIELDS_OF_NEW,
    NEW_IRRITANT,
    NEW_ROUND,
    OCCURRED,
    PARTY,
    STREAM,
    SUMMARY,
    TYPE,
    WORDING,
    NewFact,
    asked_fields,
    compose_summary,
    new_fact_of,
    probable_document,
    statement_types,
    stream_titles,
    subject_title,
)
from service.web.forms.workspace import NEW_FACT_NUMBER, OpenReadout
from service.web.messages import messages

_LIKELY_SUBJECTS: Final = 3
"""The number of irritants or rounds that are shown. The others can be unfolded."""


class Answer(NamedTuple):
    """An answer to a question. `detail` explains it. `is_suggested`: the form chose it, not the operator."""

    id: str
    value: str
    label: Markup
    detail: Markup | None
    is_chosen: bool
    is_suggested: bool


class AnswerGroup(NamedTuple):
    """Further answers under the heading `name`, which can be empty."""

    name: Markup
    answers: Sequence[Answer]


class Question(NamedTuple):
    """A question with its likely answers, and all others in groups. `id` is its HTML id."""

    id: str
    likely: Sequence[Answer]
    others: Sequence[AnswerGroup]

    @property
    def is_answered_by_others(self) -> bool:
        return any(answer.is_chosen for group in self.others for answer in group.answers)


@dataclass(frozen=True)
class Questions:
    """The questions about the new fact, and its further fields.

    `composed_summary` replaces an empty summary. `new_irritant_fields` and `new_round_fields` have the paths and texts
    of the fields of a new irritant or round. They are empty if the fact cannot be about a new one.
    """

    paragraph_number: int
    what: Question
    who: Question
    about: Question
    when: Question
    controls: Sequence[Control]
    wording: Control | None
    summary: Control | None
    composed_summary: str
    new_irritant_fields: Sequence[tuple[str, str]]
    new_round_fields: Sequence[tuple[str, str]]


class Paragraph(NamedTuple):
    """A paragraph with its number, and the entries that cite it: the HTML id and the type of each."""

    id: str
    number: int
    text: str
    is_chosen: bool
    facts: Sequence[tuple[str, Markup]]


class Tab(NamedTuple):
    """The tab of a readout."""

    number: int
    name: str
    is_shown: bool


@dataclass(frozen=True)
class Panel:
    """The readout that is shown, with a tab for each open readout.

    `is_on_record`: its document is on record. `probable_document` is the slug of a document on record that may be the
    same, and `recorded_title` the publisher and date of either.
    """

    readout: OpenReadout
    tabs: Sequence[Tab]
    paragraphs: Sequence[Paragraph]
    is_on_record: bool
    probable_document: str | None
    recorded_title: str
    questions: Questions | None


def panel_values(draft: Draft, context: FormContext) -> dict[str, Any]:
    """Return the values for the templates of the readouts."""
    t = messages()
    authors = [*context.board.parties, MEDIA]
    return {
        "panel": _panel(draft, context),
        "authors": [*(Option(party, name_at_start(party)) for party in authors), Option("", t("readout.other-author"))],
    }


def _panel(draft: Draft, context: FormContext) -> Panel | None:
    readout = draft.workspace.shown_readout
    if readout is None:
        return None
    fact, probable = new_fact_of(draft, context), probable_document(readout, draft, context)
    tabs = [
        Tab(opened.number, document_title(opened.document, draft, context), opened is readout)
        for opened in draft.workspace.readouts
    ]
    recorded = {source.id for source in context.sources}
    return Panel(
        readout,
        tabs,
        [_paragraph(number, text, readout, draft) for number, text in enumerate(readout.paragraphs, 1)],
        readout.document in recorded,
        probable,
        context.document_title(probable or readout.document),
        _questions(fact) if fact else None,
    )


def _paragraph(number: int, text: str, readout: OpenReadout, draft: Draft) -> Paragraph:
    facts = [
        (entry.id, event_label(entry.type))
        for entry in draft.entries
        if entry.texts.get(("source", "document")) == readout.document
        and number in numbers_in(entry.texts.get(("source", "paragraphs"), ""))
    ]
    is_chosen = draft.workspace.chosen_number == number
    return Paragraph(f"p{readout.number}-{number}", number, text, is_chosen, facts)


def _questions(fact: NewFact) -> Questions:
    type, texts = fact.type, fact.texts
    stream = texts.get(STREAM, "")
    if stream in FIELDS_OF_NEW:
        stream = f"relation/{fact.draft.relation}"  # it has no proposals or steps to refer to
    entry = Entry(NEW_FACT_NUMBER, stream, type, texts)
    fields = {field.path: control_of(entry, field, fact.draft, fact.context) for field in asked_fields(type)}
    return Questions(
        paragraph_number=fact.number,
        what=_what(fact),
        who=_question(fact, PARTY, {voice: name_at_start(voice) for voice in fact.voices}, len(fact.voices)),
        about=_about(fact),
        when=_when(fact),
        controls=[c for path, c in fields.items() if path not in (WORDING, SUMMARY) and _is_shown(c, texts)],
        wording=fields.get(WORDING),
        summary=fields.get(SUMMARY),
        composed_summary=compose_summary(type, texts, subject_title(fact)) if type else "",
        new_irritant_fields=_fields_of_new(fact, NEW_IRRITANT),
        new_round_fields=_fields_of_new(fact, NEW_ROUND),
    )


def _fields_of_new(fact: NewFact, stream: str) -> list[tuple[str, str]]:
    """Return the fields of a new irritant or round, with their texts. Empty if the fact cannot be about it."""
    is_possible = stream in fact.streams_for(fact.type) if fact.type else False
    return [("-".join(path), fact.texts.get(path, "")) for path in FIELDS_OF_NEW[stream]] if is_possible else []


def _is_shown(control: Control, texts: Mapping[Path, str]) -> bool:
    """Return whether a field must be filled in, or has a value. The others are in the full form of the card."""
    return control.field.required or bool(texts.get(control.field.path))


def _what(fact: NewFact) -> Question:
    """Return the question for the type: the likely types, and the others in groups, each with its meaning."""
    likely = fact.likely_types
    labels = {type: event_label(type) for type in (*likely, *statement_types())}
    question = _question(fact, TYPE, labels, len(likely), {type: explanation(type) for type in labels})
    rest = {answer.value: answer for group in question.others for answer in group.answers}
    grouped = [(name, [rest.pop(type) for type in types if type in rest]) for name, types in TYPE_GROUPS.items()]
    groups = [
        AnswerGroup(messages()(f"say.group.{name}"), answers)
        for name, answers in (*grouped, ("rest", list(rest.values())))
    ]
    return question._replace(others=[group for group in groups if group.answers])


TYPE_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "wanted": ("ConcernRaised", "ProposalTabled", "ProposalAnswered", "PositionStated", "LinkageStated"),
    "agreed": (
        "DiscussionReported",
        "UnderstandingReported",
        "InstrumentExchanged",
        "InstrumentStated",
        "NextStepAgreed",
        "NextStepClosed",
    ),
    "done": (
        "ImplementationReported",
        "ResolutionDeclared",
        "ItemAdded",
        "ItemStatusChanged",
        "ReversibilityStated",
    ),
    "setbacks": (
        "ProgressReversed",
        "BreachAlleged",
        "HoldPlaced",
        "HoldLifted",
        "IrritantReopened",
        "IrritantWithdrawn",
        "ClaimContested",
    ),
    "rounds": tuple(type for type in EVENT_TYPES if type in KINDS["round"] - ON_ANY_STREAM),
    "talks": tuple(type for type in EVENT_TYPES if type in KINDS["relation"] - ON_ANY_STREAM),
}
"""The types under each heading. The messages have the headings. All other types come last."""


def _about(fact: NewFact) -> Question:
    titles, type = stream_titles(fact), fact.type
    streams = fact.streams_for(type) if type else []
    labels = {stream: escape(titles.get(stream, stream)) for stream in streams}
    return _question(fact, STREAM, labels, _LIKELY_SUBJECTS)


def _when(fact: NewFact) -> Question:
    dates = fact.dates_for(fact.type) if fact.type else []
    labels = {occurred.edtf: escape(edtf.describe(occurred.edtf)) for occurred in dates}
    labels[""] = messages()("say.no-date")
    details = {occurred.edtf: escape(occurred.inference) for occurred in dates if occurred.inference}
    return _question(fact, OCCURRED, labels, len(labels), details)


def _question(
    fact: NewFact,
    path: Path,
    labels: Mapping[str, Markup],
    likely_count: int,
    details: Mapping[str, Markup] | None = None,
) -> Question:
    """Return a question. The first `likely_count` answers are shown, and the others can be unfolded."""
    id, chosen = f"e{NEW_FACT_NUMBER}-{'-'.join(path)}", fact.texts.get(path, "")
    is_suggested = bool(chosen) and fact.draft.workspace.suggested_texts.get(path) == chosen
    answers = [
        Answer(
            f"{id}-{_part_of_id(value)}",
            value,
            label,
            (details or {}).get(value),
            value == chosen,
            value == chosen and is_suggested,
        )
        for value, label in labels.items()
    ]
    return Question(
        id, answers[:likely_count], [AnswerGroup(Markup(), answers[likely_count:])] if answers[likely_count:] else []
    )


def _part_of_id(value: str) -> str:
    """Return a value as part of an HTML id, without blanks and slashes."""
    return "".join(c if c.isalnum() else "-" for c in value)
