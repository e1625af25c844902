"""Make a fact from a paragraph of a readout.

The operator points at a paragraph. The form then asks who says what, about which irritant or round, and when, and
suggests an answer to each. The button "Add" makes it an entry of the report. Nothing is added without that button.
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
    OF_A_LATER_ROUND,
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
from service.web.forms.draft import Draft, Entry, Pressed
from service.web.forms.editing import NOT_ADDABLE, streams_of
from service.web.forms.fields import Field, Path, fields_of
from service.web.forms.openings import with_irritant
from service.web.forms.posted import Form
from service.web.forms.workspace import POINTED, OpenReadout
from service.web.messages import messages

NEW_ROUND: Final = "new-round"
"""Stands for the stream of a round that is not on record. Its name is made from its place and time."""
NEW_IRRITANT: Final = "new-irritant"
"""Stands for the stream of an irritant that is not on record. Its title and category are asked for."""
IRRITANT_TITLE: Final[Path] = ("irritant", "title")
IRRITANT_CATEGORY: Final[Path] = ("irritant", "category")
ROUND_TITLE: Final[Path] = ("round", "title")
ASKED_OF_NEW: Final[Mapping[str, Sequence[Path]]] = {
    NEW_IRRITANT: (IRRITANT_TITLE, IRRITANT_CATEGORY),
    NEW_ROUND: (ROUND_TITLE,),
}
"""What is asked of something new."""
OWN_DATE: Final = "occurred-own"
TYPE: Final[Path] = ("type",)
STREAM: Final[Path] = ("stream",)
WHO: Final[Path] = ("asserted_by", "party")
PERSON: Final[Path] = ("asserted_by", "person")
OCCURRED: Final[Path] = ("occurred",)
WORDING: Final[Path] = ("wording",)
SUMMARY: Final[Path] = ("summary",)
_KEPT_APART: Final = frozenset({"IrritantOpened", "RelationOpened"})
_COPIED: Final[Sequence[Path]] = (("asserted_by", "organ"), PERSON)
_LONGEST_SUMMARY: Final = 300
_BOTH: Final = "both"


@dataclass(frozen=True)
class Pointing:
    """The paragraph that the operator points at, and what it suggests."""

    draft: Draft
    context: FormContext
    readout: OpenReadout
    number: int
    text: str

    @property
    def making(self) -> Mapping[Path, str]:
        return self.draft.workspace.making

    @property
    def type(self) -> str:
        """Return the chosen type, or an empty text."""
        type = self.making.get(TYPE, "")
        return type if type in sayable_types() else ""

    @cached_property
    def found(self) -> Suggestion:
        titles = {row.id: row.title for row in self.context.board.items}
        return suggest(self.text, self.actors, titles, self.published, self.context.spellings)

    @property
    def actors(self) -> list[str]:
        """Return the actors that the paragraph may name: the parties, and those with names on record."""
        return list(dict.fromkeys((*self.context.board.parties, *self.context.spellings)))

    @property
    def likely(self) -> list[str]:
        """Return the likely types. Types that the report already has from this paragraph come last."""
        used = {entry.type for entry in self.draft.entries if self._cites_this(entry)}
        return sorted(self.found.types, key=used.__contains__)

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
        """Return who may speak: first the names in the paragraph, then the author of the document and the parties."""
        authors = [party for _, party, _ in self.origins if party]
        return list(dict.fromkeys((*self.found.parties, *authors, *self.context.board.parties, JOINT, MEDIA)))

    @property
    def who(self) -> str:
        """Return who is likely to speak: the author, if it is a side. In a text by others, the first name in it."""
        author = next((party for _, party, _ in self.origins if party), "")
        return author if author and author != MEDIA else next(iter(self.found.parties), author)

    @property
    def irritants(self) -> list[str]:
        """Return the streams of all irritants, the likely ones first."""
        rest = [row.id for row in self.context.board.items if row.lifecycle == "open"]
        rest += [row.id for row in self.context.board.items if row.lifecycle != "open"]
        opened = [entry.stream for entry in self.draft.entries if entry.type == "IrritantOpened"]
        return list(dict.fromkeys((*(f"irritant/{id}" for id in (*self.found.irritants, *rest)), *opened)))

    @property
    def rounds(self) -> list[str]:
        """Return the streams of rounds: first that of the report, then from the latest."""
        own = [f"round/{self.draft.relation}/{self.draft.round}"] if self.draft.round else []
        mentioned = [entry.stream for entry in self.draft.entries if entry.stream.startswith("round/")]
        recorded = [f"round/{round.id}" for round in reversed(self.context.rounds)]
        return list(dict.fromkeys((*own, *mentioned, *recorded)))

    def streams(self, type: str) -> list[str]:
        """Return the streams that take this type, the likeliest first."""
        relation = f"relation/{self.draft.relation}"
        if type in ON_ANY_STREAM:
            return [*self.irritants, *self.rounds, relation]
        if type in KINDS["irritant"]:
            return [*self.irritants, NEW_IRRITANT]
        if type in KINDS["relation"]:
            return [relation]
        return self._later_rounds if type in OF_A_LATER_ROUND else [*self.rounds, NEW_ROUND]

    @property
    def _later_rounds(self) -> list[str]:
        """Return a planned round, else a new one, then the others. The round of the report is last."""
        own = f"round/{self.draft.relation}/{self.draft.round}"
        met = {f"round/{round.id}" for round in self.context.rounds if round.phase in MET}
        coming = [stream for stream in self.rounds if stream != own and stream not in met]
        return list(dict.fromkeys((*coming, NEW_ROUND, *(s for s in self.rounds if s != own), *self.rounds)))

    def dates(self, type: str) -> list[Occurred]:
        return occurred_in(type, self.text, self.found.dates, self.published, self._met)

    @property
    def _met(self) -> str | None:
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


def sayable_types() -> list[str]:
    """Return the types that say something about the world, in the order of the catalogue."""
    apart = NOT_ADDABLE | _KEPT_APART
    return [type for type, model in EVENT_TYPES.items() if issubclass(model, Statement) and type not in apart]


def pointing_at(draft: Draft, context: FormContext) -> Pointing | None:
    """Return the paragraph that the operator points at. None if there is none."""
    space = draft.workspace
    if space.readout is None or space.paragraph is None:
        return None
    return Pointing(draft, context, space.readout, space.at, space.paragraph)


# What the buttons do.


def press(draft: Draft, form: Form, context: FormContext) -> Pressed | None:
    """Return what the pressed button does to the readouts and to the fact that is being made. None for others."""
    space, pointing = draft.workspace, pointing_at(draft, context)
    match form.get("do").split(" "):
        case ["readout", number] if _is_open(draft, number):
            return Pressed(replace(draft, workspace=replace(space, shown=int(number)).without_pointing()), "readout")
        case ["leave", number] if _is_open(draft, number):
            return Pressed(replace(draft, workspace=space.without_readout(int(number))))
        case ["say", number, paragraph] if _is_open(draft, number) and paragraph.isdecimal():
            return _point(draft, int(number), int(paragraph), " ".join(form.get("words").split()), context)
        case ["say"] | ["said"] if pointing is None:
            return Pressed(draft)
        case ["say"] if pointing is not None:
            after = _suggested_again(draft, pointing)
            return Pressed(after, _first_question(after))
        case ["said"] if pointing is not None:
            return _add(draft, pointing, form, context)
        case ["silence"]:
            return Pressed(replace(draft, workspace=space.without_pointing()), f"p{space.shown}-{space.at}")
        case ["same", number, document] if _is_open(draft, number):
            return Pressed(_as_known(draft, int(number), document, context))
        case _:
            return None


def _is_open(draft: Draft, number: str) -> bool:
    return any(str(readout.number) == number for readout in draft.workspace.readouts)


def _first_question(draft: Draft) -> str:
    """Return the HTML id of the first field that is required and empty, else of the chosen type."""
    making = draft.workspace.making
    type = making.get(TYPE, "")
    of_new = ASKED_OF_NEW.get(making.get(STREAM, ""), ())
    own = (f.path for f in asked_in_text(type) if f.required and f.path != SUMMARY)
    first = next((path for path in (*of_new, *own) if not making.get(path)), None)
    if not type:
        return "-".join((f"e{POINTED}", *TYPE))
    return f"e{POINTED}-type-{type}" if first is None else "-".join((f"e{POINTED}", *first))


def asked_in_text(type: str) -> list[Field]:
    """Return the fields of a type that the question asks for: its own, the wording and the summary."""
    return [
        field
        for field in (fields_of(type) if type in EVENT_TYPES else ())
        if field.path in (WORDING, SUMMARY) or (field.group == "own" and (type, field.name) not in _DERIVED)
    ]


_DERIVED: Final = {("NextStepAgreed", "step"), ("ItemAdded", "item")}
"""Fields that are made from the text of another field."""


def _point(draft: Draft, number: int, paragraph: int, words: str, context: FormContext) -> Pressed:
    space = replace(draft.workspace.without_pointing(), shown=number, at=paragraph)
    draft = replace(draft, workspace=space)
    pointing = pointing_at(draft, context)
    if pointing is None:
        return Pressed(replace(draft, workspace=space.without_pointing()))
    making: dict[Path, str] = {WORDING: words} if words else {}
    if likely := pointing.likely:
        making[TYPE] = likely[0]
    draft = _with_making(draft, making, {TYPE: making.get(TYPE, "")})
    after = _suggested_again(draft, replace(pointing, draft=draft))
    return Pressed(after, _first_question(after))


def _with_making(draft: Draft, making: Mapping[Path, str], suggested: Mapping[Path, str]) -> Draft:
    return replace(draft, workspace=replace(draft.workspace, making=making, suggested=suggested))


def _suggested_again(draft: Draft, pointing: Pointing) -> Draft:
    """Return the draft with the suggestions for the chosen type. What the operator wrote or chose stays."""
    space = draft.workspace
    written = {
        path: text
        for path, text in space.making.items()
        if text and (path == TYPE or space.suggested.get(path) != text)
    }
    if not pointing.type:
        return _with_making(draft, written, {})
    if written.get(STREAM) not in pointing.streams(pointing.type):
        written.pop(STREAM, None)
    suggested = dict(_suggestions(pointing))
    kept = {TYPE: space.making[TYPE]} if space.suggested.get(TYPE) == space.making.get(TYPE) else {}
    return _with_making(draft, {**suggested, **written}, {**suggested, **kept})


def _suggestions(pointing: Pointing) -> Iterator[tuple[Path, str]]:
    """Yield a value for each field that the paragraph or the record suggests."""
    type, context = pointing.type, pointing.context
    streams = pointing.streams(type)
    is_likely = type not in KINDS["irritant"] or pointing.found.irritants
    stream = streams[0] if streams and (is_likely or len(streams) == 1) else ""
    yield STREAM, stream
    if NEW_ROUND in streams:
        yield ROUND_TITLE, name_of_round({(name,): text for name, text in _usual_values(pointing).items()})
    yield WHO, pointing.who
    if dates := pointing.dates(type):
        yield OCCURRED, dates[0].edtf
    values = {**_usual_values(pointing), **values_in(type, pointing.text)}
    if stream and parse_stream(stream):
        values |= _open_points(stream, context)
    own = {field.path: field for field in fields_of(type) if field.group == "own"}
    for name, value in values.items():
        if (path := (name,)) in own and value:
            yield path, value


def _usual_values(pointing: Pointing) -> dict[str, str]:
    """Return values for fields by their names. Only the fields of the type are used.

    Where the paragraph leaves a doubt, the field stays empty: a wrong owner is worse than none.
    """
    text, place = pointing.text, next(iter(places_in(pointing.text)), "")
    round = pointing.context.round(f"{pointing.draft.relation}/{pointing.draft.round}")
    is_later = pointing.type in OF_A_LATER_ROUND
    return {
        **dict(_actors(pointing)),
        **(_head(pointing) if pointing.type == "DelegationHeadNamed" else {}),
        "place": place or (round.place if round and not is_later else None) or "",
        "timing": timing_in(text) or "",
        "hours": hours_in(text) or "",
        "due": _due(pointing),
        "date": _due(pointing),
        "qualifier": "exact" if pointing.type == "RoundConcluded" and hours_in(text) else "",
    }


def _actors(pointing: Pointing) -> Iterator[tuple[str, str]]:
    """Yield the fields of the type that name an actor, where the paragraph says who it is."""
    type, who, parties = pointing.type, pointing.who, pointing.context.board.parties
    for field in subjects_of(type):
        if actor := subject_of(type, field, pointing.text, pointing.actors, pointing.context.spellings):
            yield field, actor
    other = next((party for party in parties if party != who), "") if who in parties else ""
    if type == "ProposalTabled" and next(iter(pointing.found.parties), who) == who:
        yield "addressee", other
    if type == "BreachAlleged":
        yield "by", other


def _head(pointing: Pointing) -> dict[str, str]:
    """Return the head of a delegation. Without a name in the text, the post stands for the person."""
    head = head_in(pointing.text, pointing.context.board.parties, pointing.context.spellings)
    person, role = next(_persons(pointing), ("", ""))
    if head is None:
        return {"person": person, "role": role}
    found = person or head.name
    post = head.post or role
    return {
        "party": head.party,
        "person": found or _capitalised(post),
        "role": post if found else str(messages()("say.head-of-delegation").unescape()),
    }


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _persons(pointing: Pointing) -> Iterator[tuple[str, str]]:
    """Yield the persons on record whose name is in the paragraph: the name as it is spelled there, and the role."""
    state: Any = pointing.context.history(f"relation/{pointing.draft.relation}").state
    for person in state.persons.values():
        if name := next((name for name in person.names if name in pointing.text), None):
            yield name, person.role


def _due(pointing: Pointing) -> str:
    """Return the first date in the paragraph after the day of the document."""
    if pointing.published is None:
        return ""
    coming = (f for f in pointing.found.dates if (day := edtf.parse(f.edtf).latest) and day > pointing.published)
    return next((found.edtf for found in coming), "")


def _open_points(stream: str, context: FormContext) -> dict[str, str]:
    """Return the open proposal and the open step of an irritant, if there is one of the kind."""
    points = list(context.open_points(stream))
    names = {kind: [name for of_kind, name, _ in points if of_kind == kind] for kind in ("proposal", "step")}
    return {kind: found[-1] for kind, found in names.items() if found}


# Adding.


def _add(draft: Draft, pointing: Pointing, form: Form, context: FormContext) -> Pressed:
    """Return the draft with the fact. If something is missing, keep the question open and say what, at its field."""
    type = pointing.type
    if not type:
        place = "-".join((f"e{POINTED}", *TYPE))
        return Pressed(draft, place, mistakes={place: str(messages()("say.choose-type").unescape())})
    own_date = form.get(OWN_DATE)
    if pointing.making.get(STREAM, "") not in pointing.streams(type):
        # Without a script, the choices for another kind of type are shown only now.
        draft = _suggested_again(draft, pointing)
        pointing = replace(pointing, draft=draft)
    texts = _texts(pointing, edtf_of(own_date) or own_date)
    if mistakes := dict(_missing(pointing, texts, own_date)):
        return Pressed(draft, next(iter(mistakes)), mistakes=mistakes)
    draft, stream = _with_subject(draft, pointing, context)
    copied = {path: text for path, text in _copied_from_last(pointing, texts).items() if not texts.get(path)}
    number = max((entry.number for entry in draft.entries), default=0) + 1
    entry = Entry(number, stream, type, {path: text for path, text in {**copied, **texts}.items() if text})
    draft = draft.with_section(stream)
    space = draft.workspace.without_pointing()
    space = replace(
        space,
        folded=space.folded if entry.missing else space.folded | {entry.number},
        edited=entry.number,
        copied={**space.copied, **{entry.id_of(path): text for path, text in copied.items()}},
    )
    focus = entry.id if entry.missing else f"p{pointing.readout.number}-{pointing.number}"
    entries, title = (*draft.entries, entry), pointing.making.get(ROUND_TITLE, "")
    if pointing.making[STREAM] == NEW_ROUND and round_name(stream.partition("/")[2]).casefold() != title.casefold():
        entries = (*entries, titled := _round_titled(entry, title))
        space = replace(space, folded=space.folded | {titled.number})
    return Pressed(replace(draft, entries=entries, workspace=space), focus, added=entry.id)


def _round_titled(entry: Entry, title: str) -> Entry:
    """Return the event that names a new round, which has the source, speaker and date of the fact about it."""
    paths = {field.path for field in fields_of("RoundTitled")}
    texts = {path: text for path, text in entry.texts.items() if path in paths and path not in (SUMMARY, WORDING)}
    texts["title",] = title
    texts[SUMMARY] = composed("RoundTitled", texts)
    return Entry(entry.number + 1, entry.stream, "RoundTitled", texts)


def _missing(pointing: Pointing, texts: Mapping[Path, str], own_date: str) -> Iterator[tuple[str, str]]:
    """Yield what is missing in the question, or is no date: the HTML id of the place, and a sentence."""
    type, making, t = pointing.type, pointing.making, messages()
    stream = making.get(STREAM, "")

    def missing(path: Path, name: str) -> tuple[str, str]:
        return "-".join((f"e{POINTED}", *path)), str(t("say.missing", field=t(name)).unescape())

    if not making.get(WHO):
        yield missing(WHO, "say.who")
    if stream not in pointing.streams(type):
        yield missing(STREAM, "say.about")
    yield from (missing(path, f"say.{'-'.join(path)}") for path in ASKED_OF_NEW.get(stream, ()) if not making.get(path))
    for field in asked_in_text(type):
        text = texts.get(field.path, "")
        if field.required and not text:
            yield missing(field.path, f"field.{'.'.join(field.path)}")
        elif text and field.control == "date" and (wrong := date_in_words(text)).wrong:
            yield "-".join((f"e{POINTED}", *field.path)), wrong.text
    if own_date and (wrong := date_in_words(own_date)).wrong:
        yield OWN_DATE, wrong.text


def _with_subject(draft: Draft, pointing: Pointing, context: FormContext) -> tuple[Draft, str]:
    """Return the draft with what the fact is about, which may be new, and its stream."""
    making, stream = pointing.making, pointing.making[STREAM]
    if stream == NEW_IRRITANT:
        category: dict[Path, str] = {("category",): slug_of(making[IRRITANT_CATEGORY])}
        stream, draft = with_irritant(draft, making[IRRITANT_TITLE], context, category)
        opened = [entry.number for entry in draft.entries if entry.type == "IrritantOpened"]
        space = replace(draft.workspace, folded=draft.workspace.folded | set(opened))
        return replace(draft, workspace=space), stream
    if stream == NEW_ROUND:
        known = {entry.stream for entry in draft.entries} | {f"round/{round.id}" for round in context.rounds}
        taken = {stream.rpartition("/")[2] for stream in known if stream.startswith(f"round/{draft.relation}/")}
        slug = slug_of(making[ROUND_TITLE]) or "next"
        return draft, f"round/{draft.relation}/{slug if slug in taken else unused(slug, taken)}"
    return draft, stream


def _texts(pointing: Pointing, own_date: str) -> dict[Path, str]:
    """Return the fields of the entry: what was chosen and written, and what follows from that."""
    type, making = pointing.type, dict(pointing.making)
    texts = {field.path: text for field in fields_of(type) if (text := making.get(field.path, ""))}
    inferences = {one.edtf: one.inference for one in pointing.dates(type)}
    if own_date:
        texts[OCCURRED] = own_date
    elif inference := inferences.get(texts.get(OCCURRED, "")):
        texts["inference",] = inference
    origin, party, channel = next(iter(_origins_for(pointing, texts.get(WHO, ""))), ("", "", ""))
    texts["source", "document"] = pointing.readout.document
    texts["source", "paragraphs"] = str(pointing.number)
    texts["source", "origin"] = origin
    texts["asserted_by", "channel"] = channel if party == texts.get(WHO) else "attributed"
    if type == "NextStepAgreed":
        texts["step",] = slug_of(texts.get(("action",), ""))
    if type == "ItemAdded":
        texts["item",] = slug_of(texts.get(("name",), ""))
    paths = {field.path for field in fields_of(type)}
    texts = {path: text for path, text in texts.items() if path in paths}
    texts[SUMMARY] = texts.get(SUMMARY) or composed(type, texts, subject_of_fact(pointing))
    return texts


def _origins_for(pointing: Pointing, who: str) -> list[tuple[str, str, str]]:
    """Return the statements of the document, those of this voice first."""
    return sorted(pointing.origins, key=lambda origin: origin[1] != who)


def _copied_from_last(pointing: Pointing, texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return organ and person of the fact edited last, if the same side speaks in the same document."""
    last = pointing.draft.last_edited
    same = (WHO, ("source", "document"), ("source", "origin"))
    if last is None or any(last.texts.get(path) != texts.get(path) for path in same):
        return {}
    return {path: text for path in _COPIED if (text := last.texts.get(path))}


def composed(type: str, texts: Mapping[Path, str], subject: str = "") -> str:
    """Return a sentence in our own words that says what the fields say. Empty if a field that it needs is empty.

    `subject` is the title of the irritant.
    """
    name, t = f"say.becomes.{type}", messages()
    if name not in t or not texts.get(WHO):
        return ""
    values = {field.name: _in_words(field, texts) for field in fields_of(type) if field.group == "own"}
    values |= {"who": str(name_of(texts[WHO]).unescape()), "subject": subject.rstrip(".")}
    parts = {part: _part(part, values, texts) for part in ("at", "length")}
    needed = set(_PLACES.findall(str(t(name)))) - parts.keys()
    if not all(values.get(place) for place in needed):
        return ""
    sentence = str(t(name, **{**values, **parts}).unescape())
    return sentence if len(sentence) <= _LONGEST_SUMMARY else ""


_PLACES: Final = re.compile(r"\{(\w+)\}")


def _part(part: str, values: Mapping[str, str], texts: Mapping[Path, str]) -> str:
    """Return a part of a sentence that may be empty: ` in Geneva in the autumn`, or `the talks took about 7 hours`."""
    if part == "at":
        place, timing = values.get("place"), values.get("timing")
        return "".join((f" in {place}" if place else "", f" {timing}" if timing else ""))
    t, hours = messages(), values.get("hours")
    name = f"say.length.{texts.get(('qualifier',)) or 'exact'}"
    return str(t(name if hours else "say.length.unknown", hours=hours or "").unescape())


def _in_words(field: Field, texts: Mapping[Path, str]) -> str:
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


def name_of_round(texts: Mapping[Path, str]) -> str:
    """Return the usual name of a new round: its place and time, such as "Washington in the autumn"."""
    return " ".join(filter(None, (texts.get((name,)) for name in ("place", "date", "timing")))) or "Next"


# Documents on record.


def known_document(readout: OpenReadout, draft: Draft, context: FormContext) -> str | None:
    """Return a document on record that is probably the same: its publisher and date are. None if there is none."""
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


def _as_known(draft: Draft, number: int, document: str, context: FormContext) -> Draft:
    """Return the draft with a readout that is a document on record: without its registration, and cited by its name."""
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
        _citing(entry, before, document, origins, origin)
        for entry in draft.entries
        if entry.stream != f"source/{before}"
    )
    return replace(draft, entries=entries, workspace=replace(draft.workspace, readouts=readouts))


def _citing(entry: Entry, before: str, document: str, origins: set[str], origin: str) -> Entry:
    texts = dict(entry.texts)
    if texts.get(("source", "document")) == before:
        texts["source", "document"] = document
        if texts.get(("source", "origin")) in origins:
            texts["source", "origin"] = origin
    return replace(entry, texts=texts)


def subject_of_fact(pointing: Pointing) -> str:
    """Return the title of the irritant or round that the fact is about. Empty if none is chosen."""
    making = pointing.making
    if (stream := making.get(STREAM, "")) == NEW_IRRITANT:
        return making.get(IRRITANT_TITLE, "")
    return titles(pointing).get(stream, "") if stream else ""


def titles(pointing: Pointing) -> dict[str, str]:
    """Return the title of each stream that a fact can be about."""
    t = messages()
    new = {NEW_ROUND: str(t("say.new-round").unescape()), NEW_IRRITANT: str(t("say.new-irritant").unescape())}
    opened = {
        entry.stream: entry.texts.get(("title",), "")
        for entry in pointing.draft.entries
        if entry.type == "IrritantOpened"
    }
    rounds = {stream: pointing.context.title(stream) for stream in pointing.rounds}
    return {**rounds, **streams_of(pointing.context), **opened, **new}
