"""Make the values from which the template draws the readouts and the question "What does it say?" beside the facts."""

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
from service.web.forms.controls import Control, Option, control, document_title, explanation
from service.web.forms.draft import Draft, Entry
from service.web.forms.fields import Path
from service.web.forms.pointing import (
    ASKED_OF_NEW,
    NEW_IRRITANT,
    NEW_ROUND,
    OCCURRED,
    STREAM,
    SUMMARY,
    TYPE,
    WHO,
    WORDING,
    Pointing,
    asked_in_text,
    composed,
    known_document,
    pointing_at,
    sayable_types,
    subject_of_fact,
    titles,
)
from service.web.forms.workspace import POINTED, OpenReadout
from service.web.messages import messages

_MOST_LIKELY: Final = 3


class Choice(NamedTuple):
    """One answer to a question. `detail` explains it. `is_suggested`: it is chosen, but only as a suggestion."""

    id: str
    value: str
    label: Markup
    detail: Markup | None
    is_chosen: bool
    is_suggested: bool


class Group(NamedTuple):
    """Further answers under a heading. Without a heading, `name` is empty."""

    name: Markup
    choices: Sequence[Choice]


class Question(NamedTuple):
    """A question with its likely answers, and all others in groups."""

    path: str
    likely: Sequence[Choice]
    others: Sequence[Group]

    @property
    def is_answered_by_others(self) -> bool:
        return any(choice.is_chosen for group in self.others for choice in group.choices)


@dataclass(frozen=True)
class Picker:
    """The question what a paragraph says, with the suggested answers. `becomes`: the sentence without a summary.

    `irritant` and `round` have the fields of what is new, by their paths. Each is empty if nothing new can be chosen.
    """

    paragraph: int
    what: Question
    who: Question
    about: Question
    when: Question
    controls: Sequence[Control]
    wording: Control | None
    summary: Control | None
    becomes: str
    irritant: Sequence[tuple[str, str]]
    round: Sequence[tuple[str, str]]


class Paragraph(NamedTuple):
    """A paragraph with its number, and the entries that cite it: the HTML id and the type of each."""

    id: str
    number: int
    text: str
    is_pointed: bool
    facts: Sequence[tuple[str, Markup]]


class Tab(NamedTuple):
    """A readout by its number, with its name."""

    number: int
    name: str
    is_shown: bool


@dataclass(frozen=True)
class Panel:
    """The readout in front. `on_record`: its document is registered. `probable`: a document that may be the same.

    `on_record_as`: the publisher and date of the document on record.
    """

    readout: OpenReadout
    tabs: Sequence[Tab]
    paragraphs: Sequence[Paragraph]
    on_record: bool
    probable: str | None
    on_record_as: str
    picker: Picker | None


def panel_values(draft: Draft, context: FormContext) -> dict[str, Any]:
    """Return the values for the templates of the readouts."""
    t = messages()
    authors = [*context.board.parties, MEDIA]
    return {
        "panel": _panel(draft, context),
        "authors": [*(Option(party, name_at_start(party)) for party in authors), Option("", t("readout.other-author"))],
    }


def _panel(draft: Draft, context: FormContext) -> Panel | None:
    readout = draft.workspace.readout
    if readout is None:
        return None
    pointing, known = pointing_at(draft, context), known_document(readout, draft, context)
    tabs = [
        Tab(one.number, document_title(one.document, draft, context), one is readout)
        for one in draft.workspace.readouts
    ]
    recorded = {source.id for source in context.sources}
    return Panel(
        readout,
        tabs,
        [_paragraph(number, text, readout, draft) for number, text in enumerate(readout.paragraphs, 1)],
        readout.document in recorded,
        known,
        context.document(known or readout.document),
        _picker(pointing) if pointing else None,
    )


def _paragraph(number: int, text: str, readout: OpenReadout, draft: Draft) -> Paragraph:
    facts = [
        (entry.id, event_label(entry.type))
        for entry in draft.entries
        if entry.texts.get(("source", "document")) == readout.document
        and number in numbers_in(entry.texts.get(("source", "paragraphs"), ""))
    ]
    is_pointed = draft.workspace.at == number
    return Paragraph(f"p{readout.number}-{number}", number, text, is_pointed, facts)


def _picker(pointing: Pointing) -> Picker:
    type, making = pointing.type, pointing.making
    stream = making.get(STREAM, "")
    if stream in ASKED_OF_NEW:
        stream = f"relation/{pointing.draft.relation}"  # it has no proposals or steps to refer to
    entry = Entry(POINTED, stream, type, making)
    fields = {field.path: control(entry, field, pointing.draft, pointing.context) for field in asked_in_text(type)}
    return Picker(
        paragraph=pointing.number,
        what=_what(pointing),
        who=_question(pointing, WHO, {v: name_at_start(v) for v in pointing.voices}, len(pointing.voices)),
        about=_about(pointing),
        when=_when(pointing),
        controls=[c for path, c in fields.items() if path not in (WORDING, SUMMARY) and _is_shown(c, making)],
        wording=fields.get(WORDING),
        summary=fields.get(SUMMARY),
        becomes=composed(type, making, subject_of_fact(pointing)) if type else "",
        irritant=_asked_of_new(pointing, NEW_IRRITANT),
        round=_asked_of_new(pointing, NEW_ROUND),
    )


def _asked_of_new(pointing: Pointing, stream: str) -> list[tuple[str, str]]:
    """Return the fields that are asked of something new, with their values. Empty if it cannot be chosen."""
    is_possible = stream in pointing.streams(pointing.type) if pointing.type else False
    return [("-".join(path), pointing.making.get(path, "")) for path in ASKED_OF_NEW[stream]] if is_possible else []


def _is_shown(control: Control, making: Mapping[Path, str]) -> bool:
    """Return whether a field must be filled in, or has a value. The others are in the full form of the card."""
    return control.field.required or bool(making.get(control.field.path))


def _what(pointing: Pointing) -> Question:
    """Return the question for the type: the likely types, and the others in groups, each with its meaning."""
    likely = pointing.likely
    labels = {type: event_label(type) for type in (*likely, *sayable_types())}
    question = _question(pointing, TYPE, labels, len(likely), {type: explanation(type) for type in labels})
    rest = {choice.value: choice for group in question.others for choice in group.choices}
    grouped = [(name, [rest.pop(type) for type in types if type in rest]) for name, types in TYPE_GROUPS.items()]
    groups = [
        Group(messages()(f"say.group.{name}"), choices) for name, choices in (*grouped, ("rest", list(rest.values())))
    ]
    return question._replace(others=[group for group in groups if group.choices])


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
"""The types under headings, which are in the messages. Types in none of them come last."""


def _about(pointing: Pointing) -> Question:
    named, type = titles(pointing), pointing.type
    streams = pointing.streams(type) if type else []
    labels = {stream: escape(named.get(stream, stream)) for stream in streams}
    return _question(pointing, STREAM, labels, _MOST_LIKELY)


def _when(pointing: Pointing) -> Question:
    dates = pointing.dates(pointing.type) if pointing.type else []
    labels = {one.edtf: escape(edtf.describe(one.edtf)) for one in dates}
    labels[""] = messages()("say.no-date")
    details = {one.edtf: escape(one.inference) for one in dates if one.inference}
    return _question(pointing, OCCURRED, labels, len(labels), details)


def _question(
    pointing: Pointing,
    path: Path,
    labels: Mapping[str, Markup],
    likely: int,
    details: Mapping[str, Markup] | None = None,
) -> Question:
    """Return a question. The first `likely` answers are shown, and the others can be unfolded."""
    name, chosen = f"e{POINTED}-{'-'.join(path)}", pointing.making.get(path, "")
    is_suggested = bool(chosen) and pointing.draft.workspace.suggested.get(path) == chosen
    choices = [
        Choice(
            f"{name}-{_id(value)}",
            value,
            label,
            (details or {}).get(value),
            value == chosen,
            value == chosen and is_suggested,
        )
        for value, label in labels.items()
    ]
    return Question(name, choices[:likely], [Group(Markup(), choices[likely:])] if choices[likely:] else [])


def _id(value: str) -> str:
    """Return a value as part of an HTML id, without blanks and slashes."""
    return "".join(c if c.isalnum() else "-" for c in value)
