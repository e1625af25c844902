"""Make a new fact from a paragraph of a readout.

The operator chooses a paragraph. The form then asks who says what, about which irritant or round, and when, and
suggests an answer to each question. Only the button "Add" makes the fact an entry of the report.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

from service.domain import edtf
from service.domain.actors import JOINT, MEDIA
from service.domain.assertion import Statement
from service.domain.catalogue import EVENT_TYPES, KINDS, ON_ANY_STREAM
from service.domain.round.state import MET
from service.domain.streams import parse_stream
from service.openings.slugs import slug_of, unused
from service.projections.words.names import round_name
from service.readouts.dates import edtf_of
from service.readouts.subjects import head_in, subject_of, subjects_of
from service.readouts.suggestions import (
    TYPES_OF_LATER_ROUNDS,
    Occurred,
    Suggestion,
    hours_in,
    occurred_in,
    places_in,
    suggest,
    timing_in,
    values_in,
)
from service.web.formatting import name_of
from service.web.forms.context import FormContext
from service.web.forms.controls import date_in_words, word_for
from service.web.forms.draft import ButtonResult, Draft, Entry
from service.web.forms.editing import NOT_ADDABLE, streams_of
from service.web.forms.fields import Field, Path, fields_of
from service.web.forms.openings import with_irritant
from service.web.forms.posted import Form
from service.web.forms.workspace import NEW_FACT_NUMBER, OpenReadout
from service.web.messages import messages

NEW_ROUND: Final = "new-round"
"""Stands for the stream of a round that is not on record. Its name is made from its place and time."""
NEW_IRRITANT: Final = "new-irritant"
"""Stands for the stream of an irritant that is not on record. Its title and category are asked for."""
IRRITANT_TITLE: Final[Path] = ("irritant", "title")
IRRITANT_CATEGORY: Final[Path] = ("irritant", "category")
ROUND_TITLE: Final[Path] = ("round", "title")
FIELDS_OF_NEW: Final[Mapping[str, Sequence[Path]]] = {
    NEW_IRRITANT: (IRRITANT_TITLE, IRRITANT_CATEGORY),
    NEW_ROUND: (ROUND_TITLE,),
}
"""The fields that the form asks for a new irritant and for a new round."""
WRITTEN_DATE: Final = "occurred-own"
"""The name of the form field for a date that is not among the suggested ones."""
TYPE: Final[Path] = ("type",)
STREAM: Final[Path] = ("stream",)
PARTY: Final[Path] = ("asserted_by", "party")
PERSON: Final[Path] = ("asserted_by", "person")
OCCURRED: Final[Path] = ("occurred",)
WORDING: Final[Path] = ("wording",)
SUMMARY: Final[Path] = ("summary",)
_OPENING_TYPES: Final = frozenset({"IrritantOpened", "RelationOpened"})
_COPIED_PATHS: Final[Sequence[Path]] = (("asserted_by", "organ"), PERSON)
_LONGEST_SUMMARY: Final = 300


@dataclass(frozen=True)
class NewFact:
    """The fact that is being made from the chosen paragraph, and what the paragraph suggests for it.

    `number` and `text` are those of the paragraph.
    """

    draft: Draft
    context: FormContext
    readout: OpenReadout
    number: int
    text: str

    @property
    def texts(self) -> Mapping[Path, str]:
        """Return what the operator chose and wrote, with the suggestions, by the path of each field."""
        return self.draft.workspace.fact_texts

    @property
    def type(self) -> str:
        """Return the chosen type, or an empty text."""
        type = self.texts.get(TYPE, "")
        return type if type in statement_types() else ""

    @cached_property
    def suggestion(self) -> Suggestion:
        """Return what the words of the paragraph suggest."""
        titles = {row.id: row.title for row in self.context.board.items}
        return suggest(self.text, self.actors, titles, self.published, self.context.spellings)

    @property
    def actors(self) -> list[str]:
        """Return the actors that the paragraph may name: the parties, and those with names on record."""
        return list(dict.fromkeys((*self.context.board.parties, *self.context.spellings)))

    @property
    def likely_types(self) -> list[str]:
        """Return the likely types. Types that the report already has from this paragraph come last."""
        used = {entry.type for entry in self.draft.entries if self._cites_this(entry)}
        return sorted(self.suggestion.types, key=used.__contains__)

    @property
    def published(self) -> date | None:
        """Return the day of the document, as its entry or its registration says."""
        entry = self._registration
        source = next((source for source in self.context.sources if source.id == self.readout.document), None)
        text = entry.texts.get(("published",)) if entry else source.published if source else None
        try:
            return edtf.parse(text).latest if text else None
        except edtf.NotEdtf:
            return None

    @property
    def origins(self) -> list[tuple[str, str, str]]:
        """Return the statements of the document: the slug, the party and the channel of each."""
        stream = f"source/{self.readout.document}"
        registered = [
            (entry.texts.get(("origin",), ""), entry.texts.get(("party",), ""), entry.texts.get(("channel",), ""))
            for entry in self.draft.entries_on(stream)
            if entry.type == "OriginRegistered"
        ]
        sources = (source for source in self.context.sources if source.id == self.readout.document)
        return registered + [(o.origin, o.party, o.channel) for source in sources for o in source.origins]

    @property
    def voices(self) -> list[str]:
        """Return the voices that may speak: those that the paragraph names, the authors of the document, then all."""
        authors = [party for _, party, _ in self.origins if party]
        return list(dict.fromkeys((*self.suggestion.parties, *authors, *self.context.board.parties, JOINT, MEDIA)))

    @property
    def likely_party(self) -> str:
        """Return the likely speaker: the author of the document. In a text by media, the first party that is named."""
        author = next((party for _, party, _ in self.origins if party), "")
        return author if author and author != MEDIA else next(iter(self.suggestion.parties), author)

    @property
    def irritant_streams(self) -> list[str]:
        """Return the streams of all irritants, the likely ones first."""
        rest = [row.id for row in self.context.board.items if row.lifecycle == "open"]
        rest += [row.id for row in self.context.board.items if row.lifecycle != "open"]
        opened = [entry.stream for entry in self.draft.entries if entry.type == "IrritantOpened"]
        return list(dict.fromkeys((*(f"irritant/{id}" for id in (*self.suggestion.irritants, *rest)), *opened)))

    @property
    def round_streams(self) -> list[str]:
        """Return the streams of rounds: first that of the report, then from the latest."""
        own = [f"round/{self.draft.relation}/{self.draft.round}"] if self.draft.round else []
        mentioned = [entry.stream for entry in self.draft.entries if entry.stream.startswith("round/")]
        recorded = [f"round/{round.id}" for round in reversed(self.context.rounds)]
        return list(dict.fromkeys((*own, *mentioned, *recorded)))

    def streams_for(self, type: str) -> list[str]:
        """Return the streams that take this type, the likeliest first."""
        relation = f"relation/{self.draft.relation}"
        if type in ON_ANY_STREAM:
            return [*self.irritant_streams, *self.round_streams, relation]
        if type in KINDS["irritant"]:
            return [*self.irritant_streams, NEW_IRRITANT]
        if type in KINDS["relation"]:
            return [relation]
        return self._streams_of_later_rounds if type in TYPES_OF_LATER_ROUNDS else [*self.round_streams, NEW_ROUND]

    @property
    def _streams_of_later_rounds(self) -> list[str]:
        """Return a planned round, else a new one, then the others. The round of the report is last."""
        own = f"round/{self.draft.relation}/{self.draft.round}"
        met = {f"round/{round.id}" for round in self.context.rounds if round.phase in MET}
        coming = [stream for stream in self.round_streams if stream != own and stream not in met]
        return list(
            dict.fromkeys((*coming, NEW_ROUND, *(s for s in self.round_streams if s != own), *self.round_streams))
        )

    def dates_for(self, type: str) -> list[Occurred]:
        """Return the dates on which an event of this type may have happened, the likeliest first."""
        return occurred_in(type, self.text, self.suggestion.dates, self.published, self._meeting_day)

    @property
    def _meeting_day(self) -> str | None:
        """Return the day of the meeting that the document reports on: as this report says, else as recorded."""
        meetings = [
            entry for entry in self.draft.entries if entry.type == "RoundConvened" and entry.texts.get(OCCURRED)
        ]
        cited = [entry for entry in meetings if entry.texts.get(("source", "document")) == self.readout.document]
        if meetings:
            return (cited or meetings)[-1].texts[OCCURRED]
        round = self.context.round(f"{self.draft.relation}/{self.draft.round}")
        return round.date if round and round.phase in MET else None

    @property
    def _registration(self) -> Entry | None:
        entries = self.draft.entries_on(f"source/{self.readout.document}")
        return next((entry for entry in entries if entry.type == "SourceRegistered"), None)

    def _cites_this(self, entry: Entry) -> bool:
        cited = (entry.texts.get(("source", "document")), entry.texts.get(("source", "paragraphs")))
        return cited == (self.readout.document, str(self.number))


def statement_types() -> list[str]:
    """Return the types that say something about the world, in the order of the catalogue."""
    excluded = NOT_ADDABLE | _OPENING_TYPES
    return [type for type, model in EVENT_TYPES.items() if issubclass(model, Statement) and type not in excluded]


def new_fact_of(draft: Draft, context: FormContext) -> NewFact | None:
    """Return the fact that is being made. None if no paragraph is chosen."""
    workspace = draft.workspace
    if workspace.shown_readout is None or workspace.chosen_paragraph is None:
        return None
    return NewFact(draft, context, workspace.shown_readout, workspace.chosen_number, workspace.chosen_paragraph)


# Buttons of the readouts and of the new fact.


def press_button(draft: Draft, form: Form, context: FormContext) -> ButtonResult | None:
    """Return the draft after a button of the readouts or of the new fact. None for other buttons."""
    workspace, fact = draft.workspace, new_fact_of(draft, context)
    match form.get("do").split(" "):
        case ["readout", number] if _is_open(draft, number):
            return ButtonResult(
                replace(draft, workspace=replace(workspace, shown_number=int(number)).without_new_fact()), "readout"
            )
        case ["leave", number] if _is_open(draft, number):
            return ButtonResult(replace(draft, workspace=workspace.without_readout(int(number))))
        case ["say", number, paragraph] if _is_open(draft, number) and paragraph.isdecimal():
            return _choose_paragraph(draft, int(number), int(paragraph), " ".join(form.get("words").split()), context)
        case ["say"] | ["said"] if fact is None:
            return ButtonResult(draft)
        case ["say"] if fact is not None:
            after = _with_new_suggestions(draft, fact)
            return ButtonResult(after, _first_question(after))
        case ["said"] if fact is not None:
            return _add_fact(draft, fact, form, context)
        case ["silence"]:
            return ButtonResult(
                replace(draft, workspace=workspace.without_new_fact()),
                f"p{workspace.shown_number}-{workspace.chosen_number}",
            )
        case ["same", number, document] if _is_open(draft, number):
            return ButtonResult(_with_known_document(draft, int(number), document, context))
        case _:
            return None


def _is_open(draft: Draft, number: str) -> bool:
    return any(str(readout.number) == number for readout in draft.workspace.readouts)


def _first_question(draft: Draft) -> str:
    """Return the HTML id of the first field that is required and empty, else of the chosen type."""
    texts = draft.workspace.fact_texts
    type = texts.get(TYPE, "")
    of_new = FIELDS_OF_NEW.get(texts.get(STREAM, ""), ())
    of_type = (field.path for field in asked_fields(type) if field.required and field.path != SUMMARY)
    first = next((path for path in (*of_new, *of_type) if not texts.get(path)), None)
    if not type:
        return _html_id(TYPE)
    return f"{_html_id(TYPE)}-{type}" if first is None else _html_id(first)


def _html_id(path: Path) -> str:
    """Return the HTML id of a field of the new fact."""
    return "-".join((f"e{NEW_FACT_NUMBER}", *path))


def asked_fields(type: str) -> list[Field]:
    """Return the fields of a type that the form asks for a new fact: its own, the wording and the summary."""
    return [
        field
        for field in (fields_of(type) if type in EVENT_TYPES else ())
        if field.path in (WORDING, SUMMARY) or (field.group == "own" and (type, field.name) not in _DERIVED)
    ]


_DERIVED: Final = {("NextStepAgreed", "step"), ("ItemAdded", "item")}
"""Fields that are made from the text of another field."""


def _choose_paragraph(draft: Draft, number: int, paragraph: int, words: str, context: FormContext) -> ButtonResult:
    """Return the draft with a new fact from a paragraph. `words`: the selected words, which become its wording."""
    workspace = replace(draft.workspace.without_new_fact(), shown_number=number, chosen_number=paragraph)
    draft = replace(draft, workspace=workspace)
    fact = new_fact_of(draft, context)
    if fact is None:
        return ButtonResult(replace(draft, workspace=workspace.without_new_fact()))
    texts: dict[Path, str] = {WORDING: words} if words else {}
    if likely := fact.likely_types:
        texts[TYPE] = likely[0]
    draft = _with_fact(draft, texts, {TYPE: texts.get(TYPE, "")})
    after = _with_new_suggestions(draft, replace(fact, draft=draft))
    return ButtonResult(after, _first_question(after))


def _with_fact(draft: Draft, texts: Mapping[Path, str], suggested: Mapping[Path, str]) -> Draft:
    return replace(draft, workspace=replace(draft.workspace, fact_texts=texts, suggested_texts=suggested))


def _with_new_suggestions(draft: Draft, fact: NewFact) -> Draft:
    """Return the draft with the suggestions for the chosen type. What the operator wrote or chose stays."""
    workspace = draft.workspace
    answers = {
        path: text
        for path, text in workspace.fact_texts.items()
        if text and (path == TYPE or workspace.suggested_texts.get(path) != text)
    }
    if not fact.type:
        return _with_fact(draft, answers, {})
    if answers.get(STREAM) not in fact.streams_for(fact.type):
        answers.pop(STREAM, None)
    suggested = dict(_suggested_texts(fact))
    kept = (
        {TYPE: workspace.fact_texts[TYPE]}
        if workspace.suggested_texts.get(TYPE) == workspace.fact_texts.get(TYPE)
        else {}
    )
    return _with_fact(draft, {**suggested, **answers}, {**suggested, **kept})


def _suggested_texts(fact: NewFact) -> Iterator[tuple[Path, str]]:
    """Yield a value for each field that the paragraph or the record suggests."""
    type, context = fact.type, fact.context
    streams = fact.streams_for(type)
    is_likely = type not in KINDS["irritant"] or fact.suggestion.irritants
    stream = streams[0] if streams and (is_likely or len(streams) == 1) else ""
    yield STREAM, stream
    if NEW_ROUND in streams:
        yield ROUND_TITLE, usual_round_name({(name,): text for name, text in _suggested_values(fact).items()})
    yield PARTY, fact.likely_party
    if dates := fact.dates_for(type):
        yield OCCURRED, dates[0].edtf
    values = {**_suggested_values(fact), **values_in(type, fact.text)}
    if stream and parse_stream(stream):
        values |= _newest_open_points(stream, context)
    own = {field.path: field for field in fields_of(type) if field.group == "own"}
    for name, value in values.items():
        if (path := (name,)) in own and value:
            yield path, value


def _suggested_values(fact: NewFact) -> dict[str, str]:
    """Return values for fields by their names. Only the fields of the type are used.

    Where the paragraph leaves a doubt, the field stays empty: a wrong owner is worse than none.
    """
    text, place = fact.text, next(iter(places_in(fact.text)), "")
    round = fact.context.round(f"{fact.draft.relation}/{fact.draft.round}")
    is_later = fact.type in TYPES_OF_LATER_ROUNDS
    return {
        **dict(_suggested_actors(fact)),
        **(_suggested_head(fact) if fact.type == "DelegationHeadNamed" else {}),
        "place": place or (round.place if round and not is_later else None) or "",
        "timing": timing_in(text) or "",
        "hours": hours_in(text) or "",
        "due": _suggested_due_date(fact),
        "date": _suggested_due_date(fact),
        "qualifier": "exact" if fact.type == "RoundConcluded" and hours_in(text) else "",
    }


def _suggested_actors(fact: NewFact) -> Iterator[tuple[str, str]]:
    """Yield the fields of the type that name an actor, where the paragraph says who it is."""
    type, speaker, parties = fact.type, fact.likely_party, fact.context.board.parties
    for field in subjects_of(type):
        if actor := subject_of(type, field, fact.text, fact.actors, fact.context.spellings):
            yield field, actor
    other = next((party for party in parties if party != speaker), "") if speaker in parties else ""
    if type == "ProposalTabled" and next(iter(fact.suggestion.parties), speaker) == speaker:
        yield "addressee", other
    if type == "BreachAlleged":
        yield "by", other


def _suggested_head(fact: NewFact) -> dict[str, str]:
    """Return the head of a delegation. Without a name in the text, the post stands for the person."""
    head = head_in(fact.text, fact.context.board.parties, fact.context.spellings)
    person, role = next(_persons_in_paragraph(fact), ("", ""))
    if head is None:
        return {"person": person, "role": role}
    name = person or head.name
    post = head.post or role
    return {
        "party": head.party,
        "person": name or _capitalised(post),
        "role": post if name else str(messages()("say.head-of-delegation").unescape()),
    }


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _persons_in_paragraph(fact: NewFact) -> Iterator[tuple[str, str]]:
    """Yield the persons on record whose name is in the paragraph: the name as it is spelled there, and the role."""
    state: Any = fact.context.history(f"relation/{fact.draft.relation}").state
    for person in state.persons.values():
        if name := next((name for name in person.names if name in fact.text), None):
            yield name, person.role


def _suggested_due_date(fact: NewFact) -> str:
    """Return the first date in the paragraph after the day of the document."""
    if fact.published is None:
        return ""
    coming = (f for f in fact.suggestion.dates if (day := edtf.parse(f.edtf).latest) and day > fact.published)
    return next((found.edtf for found in coming), "")


def _newest_open_points(stream: str, context: FormContext) -> dict[str, str]:
    """Return the open proposal and the open step of an irritant, if there is one of the kind."""
    points = list(context.open_points(stream))
    names = {kind: [name for of_kind, name, _ in points if of_kind == kind] for kind in ("proposal", "step")}
    return {kind: found[-1] for kind, found in names.items() if found}


# Adding.


def _add_fact(draft: Draft, fact: NewFact, form: Form, context: FormContext) -> ButtonResult:
    """Return the draft with the new fact as an entry. If a field is missing or wrong, return its mistake instead."""
    type = fact.type
    if not type:
        place = _html_id(TYPE)
        return ButtonResult(draft, place, mistakes={place: str(messages()("say.choose-type").unescape())})
    written_date = form.get(WRITTEN_DATE)
    if fact.texts.get(STREAM, "") not in fact.streams_for(type):
        # Without a script, the choices for another kind of type are shown only now.
        draft = _with_new_suggestions(draft, fact)
        fact = replace(fact, draft=draft)
    texts = _entry_texts(fact, edtf_of(written_date) or written_date)
    if mistakes := dict(_mistakes(fact, texts, written_date)):
        return ButtonResult(draft, next(iter(mistakes)), mistakes=mistakes)
    draft, stream = _with_subject(draft, fact, context)
    copied = {path: text for path, text in _copied_from_last(fact, texts).items() if not texts.get(path)}
    number = max((entry.number for entry in draft.entries), default=0) + 1
    entry = Entry(number, stream, type, {path: text for path, text in {**copied, **texts}.items() if text})
    draft = draft.with_section(stream)
    workspace = draft.workspace.without_new_fact()
    workspace = replace(
        workspace,
        card_numbers=workspace.card_numbers if entry.missing_fields else workspace.card_numbers | {entry.number},
        last_edited_number=entry.number,
        copied_texts={**workspace.copied_texts, **{entry.id_of(path): text for path, text in copied.items()}},
    )
    focus = entry.id if entry.missing_fields else f"p{fact.readout.number}-{fact.number}"
    entries, title = (*draft.entries, entry), fact.texts.get(ROUND_TITLE, "")
    if fact.texts[STREAM] == NEW_ROUND and round_name(stream.partition("/")[2]).casefold() != title.casefold():
        entries = (*entries, titled := _round_title(entry, title))
        workspace = replace(workspace, card_numbers=workspace.card_numbers | {titled.number})
    return ButtonResult(replace(draft, entries=entries, workspace=workspace), focus, added_id=entry.id)


def _round_title(entry: Entry, title: str) -> Entry:
    """Return the entry that titles a new round. It has the source, speaker and date of the fact about the round."""
    paths = {field.path for field in fields_of("RoundTitled")}
    texts = {path: text for path, text in entry.texts.items() if path in paths and path not in (SUMMARY, WORDING)}
    texts["title",] = title
    texts[SUMMARY] = compose_summary("RoundTitled", texts)
    return Entry(entry.number + 1, entry.stream, "RoundTitled", texts)


def _mistakes(fact: NewFact, texts: Mapping[Path, str], written_date: str) -> Iterator[tuple[str, str]]:
    """Yield the HTML id of each field that is missing or is not a date, with a sentence that says so.

    `texts`: the fields of the entry that the fact would become.
    """
    type, answers, t = fact.type, fact.texts, messages()
    stream = answers.get(STREAM, "")

    def missing(path: Path, name: str) -> tuple[str, str]:
        return _html_id(path), str(t("say.missing", field=t(name)).unescape())

    if not answers.get(PARTY):
        yield missing(PARTY, "say.who")
    if stream not in fact.streams_for(type):
        yield missing(STREAM, "say.about")
    for path in FIELDS_OF_NEW.get(stream, ()):
        if not answers.get(path):
            yield missing(path, f"say.{'-'.join(path)}")
    for field in asked_fields(type):
        text = texts.get(field.path, "")
        if field.required and not text:
            yield missing(field.path, f"field.{'.'.join(field.path)}")
        elif text and field.control == "date" and (wrong := date_in_words(text)).is_wrong:
            yield _html_id(field.path), wrong.text
    if written_date and (wrong := date_in_words(written_date)).is_wrong:
        yield WRITTEN_DATE, wrong.text


def _with_subject(draft: Draft, fact: NewFact, context: FormContext) -> tuple[Draft, str]:
    """Return the draft with the irritant or round that the fact is about, which may be new, and its stream."""
    texts, stream = fact.texts, fact.texts[STREAM]
    if stream == NEW_IRRITANT:
        category: dict[Path, str] = {("category",): slug_of(texts[IRRITANT_CATEGORY])}
        stream, draft = with_irritant(draft, texts[IRRITANT_TITLE], context, category)
        opened = [entry.number for entry in draft.entries if entry.type == "IrritantOpened"]
        workspace = replace(draft.workspace, card_numbers=draft.workspace.card_numbers | set(opened))
        return replace(draft, workspace=workspace), stream
    if stream == NEW_ROUND:
        known = {entry.stream for entry in draft.entries} | {f"round/{round.id}" for round in context.rounds}
        taken = {stream.rpartition("/")[2] for stream in known if stream.startswith(f"round/{draft.relation}/")}
        slug = slug_of(texts[ROUND_TITLE]) or "next"
        return draft, f"round/{draft.relation}/{slug if slug in taken else unused(slug, taken)}"
    return draft, stream


def _entry_texts(fact: NewFact, written_date: str) -> dict[Path, str]:
    """Return the fields of the entry: the answers of the operator, and the values that follow from them."""
    type = fact.type
    texts = {field.path: text for field in fields_of(type) if (text := fact.texts.get(field.path, ""))}
    inferences = {occurred.edtf: occurred.inference for occurred in fact.dates_for(type)}
    if written_date:
        texts[OCCURRED] = written_date
    elif inference := inferences.get(texts.get(OCCURRED, "")):
        texts["inference",] = inference
    origin, party, channel = next(iter(_origins_by_likelihood(fact, texts.get(PARTY, ""))), ("", "", ""))
    texts["source", "document"] = fact.readout.document
    texts["source", "paragraphs"] = str(fact.number)
    texts["source", "origin"] = origin
    texts["asserted_by", "channel"] = channel if party == texts.get(PARTY) else "attributed"
    if type == "NextStepAgreed":
        texts["step",] = slug_of(texts.get(("action",), ""))
    if type == "ItemAdded":
        texts["item",] = slug_of(texts.get(("name",), ""))
    paths = {field.path for field in fields_of(type)}
    texts = {path: text for path, text in texts.items() if path in paths}
    texts[SUMMARY] = texts.get(SUMMARY) or compose_summary(type, texts, subject_title(fact))
    return texts


def _origins_by_likelihood(fact: NewFact, party: str) -> list[tuple[str, str, str]]:
    """Return the statements of the document, those of this party first."""
    return sorted(fact.origins, key=lambda origin: origin[1] != party)


def _copied_from_last(fact: NewFact, texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return organ and person of the fact edited last, if the same side speaks in the same document."""
    last = fact.draft.last_edited
    compared = (PARTY, ("source", "document"), ("source", "origin"))
    if last is None or any(last.texts.get(path) != texts.get(path) for path in compared):
        return {}
    return {path: text for path in _COPIED_PATHS if (text := last.texts.get(path))}


def compose_summary(type: str, texts: Mapping[Path, str], subject: str = "") -> str:
    """Return a sentence made from the fields of an event. Empty if it lacks a field that it needs, or is too long.

    `subject` is the title of the irritant.
    """
    name, t = f"say.becomes.{type}", messages()
    if name not in t or not texts.get(PARTY):
        return ""
    values = {field.name: _in_words(field, texts) for field in fields_of(type) if field.group == "own"}
    values |= {"who": str(name_of(texts[PARTY]).unescape()), "subject": subject.rstrip(".")}
    parts = {part: _optional_part(part, values, texts) for part in ("at", "length")}
    needed = set(_PLACEHOLDERS.findall(str(t(name)))) - parts.keys()
    if not all(values.get(place) for place in needed):
        return ""
    sentence = str(t(name, **{**values, **parts}).unescape())
    return sentence if len(sentence) <= _LONGEST_SUMMARY else ""


_PLACEHOLDERS: Final = re.compile(r"\{(\w+)\}")


def _optional_part(part: str, values: Mapping[str, str], texts: Mapping[Path, str]) -> str:
    """Return a part of a sentence that may be empty: ` in Geneva in the autumn`, or `the talks took about 7 hours`."""
    if part == "at":
        place, timing = values.get("place"), values.get("timing")
        return "".join((f" in {place}" if place else "", f" {timing}" if timing else ""))
    t, hours = messages(), values.get("hours")
    name = f"say.length.{texts.get(('qualifier',)) or 'exact'}"
    return str(t(name if hours else "say.length.unknown", hours=hours or "").unescape())


def _in_words(field: Field, texts: Mapping[Path, str]) -> str:
    """Return the value of a field as a part of a sentence. Empty for a date that is not valid."""
    text = texts.get(field.path, "")
    if not text:
        return ""
    match field.control:
        case "choice" | "yes-no":
            return str(word_for(text).unescape())
        case "actor" | "party":
            return str(name_of(text).unescape())
        case "date":
            try:
                return edtf.describe(text)
            except edtf.NotEdtf:
                return ""
        case _:
            return text.rstrip(".")


def usual_round_name(texts: Mapping[Path, str]) -> str:
    """Return the usual name of a new round: its place and time, such as "Washington in the autumn"."""
    return " ".join(filter(None, (texts.get((name,)) for name in ("place", "date", "timing")))) or "Next"


# Documents on record.


def probable_document(readout: OpenReadout, draft: Draft, context: FormContext) -> str | None:
    """Return the slug of a document on record with the same publisher and date as a readout. None without one."""
    entry = next((e for e in draft.entries_on(f"source/{readout.document}") if e.type == "SourceRegistered"), None)
    if entry is None:
        return None
    publisher, published = entry.texts.get(("publisher",), ""), entry.texts.get(("published",), "")
    same = (
        source.id
        for source in context.sources
        if source.publisher.casefold() == publisher.casefold() and source.published == published
    )
    return next(same, None) if publisher and published else None


def _with_known_document(draft: Draft, number: int, document: str, context: FormContext) -> Draft:
    """Return the draft with a document on record in place of one that the readout registers, also where it is cited."""
    source = next((source for source in context.sources if source.id == document), None)
    if source is None:
        return draft
    before = next(readout.document for readout in draft.workspace.readouts if readout.number == number)
    origins = {entry.texts.get(("origin",), "") for entry in draft.entries_on(f"source/{before}")}
    origin = source.origins[0].origin if source.origins else ""
    readouts = tuple(
        replace(readout, document=document) if readout.number == number else readout
        for readout in draft.workspace.readouts
    )
    entries = tuple(
        _with_citation(entry, before, document, origins, origin)
        for entry in draft.entries
        if entry.stream != f"source/{before}"
    )
    return replace(draft, entries=entries, workspace=replace(draft.workspace, readouts=readouts))


def _with_citation(entry: Entry, before: str, document: str, origins: set[str], origin: str) -> Entry:
    texts = dict(entry.texts)
    if texts.get(("source", "document")) == before:
        texts["source", "document"] = document
        if texts.get(("source", "origin")) in origins:
            texts["source", "origin"] = origin
    return replace(entry, texts=texts)


def subject_title(fact: NewFact) -> str:
    """Return the title of the irritant or round that the fact is about. Empty if none is chosen."""
    texts = fact.texts
    if (stream := texts.get(STREAM, "")) == NEW_IRRITANT:
        return texts.get(IRRITANT_TITLE, "")
    return stream_titles(fact).get(stream, "") if stream else ""


def stream_titles(fact: NewFact) -> dict[str, str]:
    """Return the title of each stream that a fact can be about."""
    t = messages()
    new = {NEW_ROUND: str(t("say.new-round").unescape()), NEW_IRRITANT: str(t("say.new-irritant").unescape())}
    opened = {
        entry.stream: entry.texts.get(("title",), "") for entry in fact.draft.entries if entry.type == "IrritantOpened"
    }
    rounds = {stream: fact.context.stream_title(stream) for stream in fact.round_streams}
    return {**rounds, **streams_of(fact.context), **opened, **new}
