"""Format values for people: dates, names of sides and rounds, speakers, citations, and the fields of events.

Pages and templates call these functions. Texts come from `messages/en`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape
from pydantic import BaseModel

from service.domain import assertion, edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import ACTOR_FIELDS, AssertedBy, Assertion, when
from service.projections.change import StandingDocument
from service.projections.evidence import Cited
from service.projections.irritant import IrritantDocument
from service.projections.round import RoundDocument
from service.projections.timeline import Entry
from service.projections.words import names
from service.projections.words.bidi import RUN, isolated
from service.projections.words.documents import document_name
from service.projections.words.event_types import event_name
from service.projections.words.reasons import reason_words
from service.web.messages import messages

_SHOWN_ELSEWHERE: Final = {*Assertion.model_fields, "type", "proposal", "target", "undoes", "step", "item"} - {
    "inference"
}
"""The fields that pages show in places of their own."""
_DATE_FIELDS: Final = {("occurred",), ("due",), ("published",), ("date",)}
_COMMA: Final = Markup(", ")
_DOT: Final = Markup(" · ")
_TABLES_OF_VALUES: Final = ("choice", "rung")
"""The tables of messages that have words for values of fields."""
_FIELDS_WITH_ACTORS: Final = frozenset({*ACTOR_FIELDS, "party", "host", "with"})
"""The fields that hold actors."""
_names_in_use: Final[ContextVar[ActorNames]] = ContextVar("names", default=NO_NAMES)
_documents_in_use: Final[ContextVar[Mapping[str, str]]] = ContextVar("documents", default=MappingProxyType({}))


@contextmanager
def using_names(names: ActorNames) -> Iterator[None]:
    """Use the names that the record gives to actors, within this block."""
    token = _names_in_use.set(names)
    try:
        yield
    finally:
        _names_in_use.reset(token)


def use_names(names: ActorNames) -> None:
    """Use the names that the record gives to actors, until the end of the request."""
    _names_in_use.set(names)


def names_in_use() -> ActorNames:
    """Return the names of this request. It is the same object until an actor is renamed, so caches use it as a key."""
    return _names_in_use.get()


def use_document_names(documents: Mapping[str, str]) -> None:
    """Use these names until the end of the request.

    `documents` has the name of a document by its slug, and the speaker of an origin by `origin/<slug>`.
    """
    _documents_in_use.set(documents)


def document_title(slug: str) -> str:
    """Return the name of a document that the page cites, or that of a document without a title if it is not known."""
    return _documents_in_use.get().get(slug) or document_name(None)


def origin_speaker(slug: str) -> str:
    """Return who speaks in a statement that the page cites, by the slug of the origin."""
    return _documents_in_use.get().get(f"origin/{slug}") or slug


def citations_in(part: object) -> Iterator[tuple[str, str]]:
    """Yield the document and the origin of all citations in the values of a page, at any depth."""
    match part:
        case assertion.Citation():
            yield part.document, part.origin
        case Citation():
            yield part.document, ""
        case BaseModel():
            yield from (cited for _, value in part for cited in citations_in(value))
        case Mapping():
            source = part.get("source")
            if isinstance(source, Mapping) and isinstance(slug := source.get("document"), str):
                yield slug, str(source.get("origin", ""))
            yield from (cited for value in part.values() for cited in citations_in(value))
        case list() | tuple():
            yield from (cited for value in part for cited in citations_in(value))
        case _:
            if is_dataclass(part) and not isinstance(part, type):
                yield from (cited for field in fields(part) for cited in citations_in(getattr(part, field.name)))


@lru_cache(maxsize=8192)
def bdi(text: str | None) -> Markup:
    """Return a filed text in a `<bdi>` element, so that its direction does not disturb the text around it."""
    return Markup("<bdi>{}</bdi>").format(text) if text else Markup()


@lru_cache(maxsize=8192)
def mixed(text: str) -> Markup:
    """Return a sentence in which each part in a right-to-left script, such as Arabic, is in a `<bdi>` element."""
    return Markup(RUN.sub(r"<bdi>\g<0></bdi>", str(escape(text))))  # noqa: S704 -- escaped


def speaker(asserted_by: AssertedBy, *, is_without_words: bool = False) -> Markup:
    """Return who speaks, such as `Russia · Ministry of Foreign Affairs · paraphrased`.

    `is_without_words`: no words are quoted, so "quoted" is left out.
    """
    has_channel = asserted_by.channel != "quote" or not is_without_words
    channel = messages()(f"channel.{asserted_by.channel}") if has_channel else ""
    parts = [capitalised(name_of(asserted_by.party)), bdi(asserted_by.person), bdi(asserted_by.organ), channel]
    return _DOT.join(part for part in parts if part)


def speaker_of(asserted_by: Mapping[str, Any]) -> Markup:
    """Return who speaks, as `speaker` does, from the JSON of the field `asserted_by`."""
    return speaker(AssertedBy.model_validate(asserted_by))


def name_at_start(voice: str) -> Markup:
    """Return the name of a side or another voice for the start of a sentence, such as `The United States`."""
    return capitalised(name_of(voice))


def names_at_start(parties: Sequence[str]) -> Markup:
    """Return several names for the start of a sentence, such as `The United States and Russia`."""
    return capitalised(names_of(parties))


def names_of(parties: Sequence[str]) -> Markup:
    """Return several names for use within a sentence, such as `the United States and Russia`. `no one` for no party."""
    names = [name_of(party) for party in parties or ("none",)]
    return messages()("said.and", first=_COMMA.join(names[:-1]), last=names[-1]) if names[1:] else names[0]


class Citation(NamedTuple):
    """A document with the paragraphs that are cited in it."""

    document: str
    paragraphs: Sequence[int]


def citations(passages: Iterable[Cited]) -> Sequence[Citation]:
    """Return each document once, with all its cited paragraphs."""
    paragraphs_by_document: dict[str, list[int]] = {}
    for cited in passages:
        paragraphs_by_document.setdefault(cited.source.document, []).extend(cited.source.paragraphs)
    return [Citation(document, paragraphs) for document, paragraphs in paragraphs_by_document.items()]


def paragraph_numbers(paragraphs: Sequence[int]) -> str:
    """Return paragraph numbers with ranges, such as `1, 4, 8–10`."""  # noqa: RUF002
    ordered = sorted(set(paragraphs))
    runs = [[ordered[0], ordered[0]]]
    for before, after in pairwise(ordered):
        if after == before + 1:
            runs[-1][1] = after
        else:
            runs.append([after, after])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)  # noqa: RUF001


def own_fields(data: Mapping[str, Any]) -> Sequence[tuple[Markup, str]]:
    """Return the names and values, in words, of the fields that pages do not show in places of their own."""
    t = messages()
    return [
        (t(f"field.{name}"), _field_in_words((name,), value))
        for name, value in data.items()
        if name not in _SHOWN_ELSEWHERE and value is not None and f"field.{name}" in t
    ]


def statement_of_date(round: RoundDocument) -> Cited | None:
    """Return the statement that gives the date of a round: that it met on this day, or began or ended on it.

    None if no statement has this date, as for a round that was only scheduled. A stated date is preferred to an
    inferred one.
    """
    days = (round.date, *(round.date or "").split("/")) if round.date else ()
    dated = (cited for step in round.course for cited in step.backing.evidence if cited.occurred in days)
    return min(dated, key=lambda cited: cited.occurred_basis == "inferred", default=None)


def corrected_fields(
    changes: Mapping[str, Any], original: Mapping[str, Any] | None
) -> Iterator[tuple[Markup, str, str]]:
    """Yield each field that a correction changes: its name, the value in `original`, and the corrected value."""
    t = messages()
    for path, after in _changed_paths(changes):
        before: Any = original
        for name in path:
            before = before.get(name) if isinstance(before, Mapping) else None
        field = f"field.{'.'.join(path)}"
        label = t(field) if field in t else escape(path[-1])
        yield label, _field_in_words(path, before), _field_in_words(path, after)


def _field_in_words(path: tuple[str, ...], value: Any) -> str:
    if isinstance(value, str) and path in _DATE_FIELDS:
        return edtf_in_words(value) or value
    if path[-1] in _FIELDS_WITH_ACTORS and value is not None:
        return str(names_at_start([value] if isinstance(value, str) else value).unescape())
    return "" if value is None else value_in_words(value)


def _changed_paths(changes: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and the value of each change in a merge patch."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            yield from _changed_paths(value, (*prefix, name))
        else:
            yield (*prefix, name), value


def value_in_words(value: Any) -> str:
    """Return the value of a field in words."""
    t = messages()
    match value:
        case bool():
            return str(t(f"choice.{value}".lower()))
        case str():
            word = next((f"{kind}.{value}" for kind in _TABLES_OF_VALUES if f"{kind}.{value}" in t), None)
            return str(t(word)) if word else value
        case list() | tuple():
            return ", ".join(map(value_in_words, value))
        case _:
            return str(value)


def event_label(type: str) -> Markup:
    """Return the name of a type of event."""
    return escape(event_name(type))


def reason_label(reason: str) -> Markup:
    """Return the reason of a change in words."""
    return escape(reason_words(reason))


def when_in_words(entry: Entry) -> Markup:
    """Return the date of an event in words, and whether it was inferred."""
    t = messages()
    words = edtf_in_words(entry.occurred) or t("said.undated")
    return t("said.when-inferred", when=words) if entry.inferred else escape(words)


def uncapitalised(text: Markup) -> Markup:
    """Return a text with a lower-case first letter, for use within a line."""
    return text[:1].lower() + text[1:]


@lru_cache(maxsize=4096)
def days_ago_in_words(text: str | None, counted_to: date) -> Markup:
    """Return in words how many days ago an EDTF date was, such as `at most 10 days ago` for an inexact date."""
    t = messages()
    least, most = days_since(text, counted_to)
    if least == most == 0:
        return t("since.today")
    if least is not None and least == most:
        return t.counted("since.days", least) if least >= 0 else t.counted("since.ahead", -least)
    if most is not None and (least is None or least < 0):
        return t.counted("since.at-most", most) if most >= 0 else t("since.to-come")
    if least is None or least < 0:
        return t("since.unknown")
    if most is None:
        return t.counted("since.at-least", least)
    return t("since.between", least=least, most=most)


def name_of(party: str) -> Markup:
    """Return the name of a side or another voice for use within a sentence, such as `the United States`."""
    return escape(isolated(names.name_of(party, names_in_use())))


def status_word(rung: str) -> Markup:
    """Return a status in words, such as `in talks`, and `nothing` for `unstated`."""
    return messages()("rung.nothing" if rung == "unstated" else f"rung.{rung}")


def capitalised(text: Markup) -> Markup:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


class Days(NamedTuple):
    """How many days ago a date was: at least, and at most. None means that the bound is unknown."""

    least: int | None
    most: int | None


def day(value: date) -> str:
    """Return a date such as `10 April 2025`."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def iso_day(text: str) -> str:
    """Return a date from an address, such as `2025-04-10`, in words."""
    return day(date.fromisoformat(text))


def moment(value: datetime) -> str:
    """Return a time such as `10 April 2025, 09:30 UTC`."""
    return f"{day(value)}, {value:%H:%M} UTC"


def edtf_in_words(text: str | None) -> str | None:
    """Return an EDTF date in words. Return None for None."""
    return None if text is None else edtf.describe(text)


def days_since(text: str | None, today: date) -> Days:
    """Return how many days ago an EDTF date was. The numbers are negative for a date in the future."""
    span = when(text)
    return Days(_days_between(span.latest, today), _days_between(span.earliest, today))


def _days_between(then: date | None, today: date) -> int | None:
    return None if then is None else (today - then).days


_STATUSES: Final = ("status", "confirmed_status", "reported_status")


def standing_value(document: IrritantDocument | StandingDocument | None, field: str) -> Markup:
    """Return a field of an irritant's standing in words. Return a dash if the irritant was not on record."""
    t = messages()
    if document is None:
        return t("standing.absent")
    if field == "rungs":
        sides = (t("standing.side", side=name_of(p), rung=t(f"rung.{rung}")) for p, rung in _rungs(document).items())
        return capitalised(_COMMA.join(sides))
    if field == "items":
        return t("beside.items", settled=document.items.settled, total=document.items.total)
    value = getattr(document, field)
    if field in _STATUSES:
        return status_word(value)
    if field == "awaiting":
        return capitalised(name_of(value))
    if field == "title":
        return bdi(value)
    return t(f"standing-word.{value}") if f"standing-word.{value}" in t else mixed(str(value))


def _rungs(document: IrritantDocument | StandingDocument) -> dict[str, str]:
    if isinstance(document, StandingDocument):
        return dict(document.rungs)
    return {party: side.rung for party, side in document.parties.items()}
