"""Format values for people: dates, names of sides and rounds, speakers, citations, and the fields of events.

Pages and templates call these functions. Texts come from `messages/en`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.domain import edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import ACTOR_FIELDS, AssertedBy, Assertion, when
from service.projections.change import StandingDocument
from service.projections.evidence import Cited
from service.projections.irritant import IrritantDocument
from service.projections.round import RoundDocument
from service.projections.timeline import Entry
from service.projections.words import names
from service.projections.words.bidi import RUN, isolated
from service.projections.words.event_types import event_name
from service.projections.words.reasons import reason_words
from service.web.messages import messages

_SHOWN_ELSEWHERE: Final = {*Assertion.model_fields, "type", "proposal", "target", "undoes", "step", "item"} - {
    "inference"
}
_DATES: Final = {("occurred",), ("due",), ("published",), ("date",)}
_COMMA: Final = Markup(", ")
_DOT: Final = Markup(" · ")
_TABLES_OF_WORDS: Final = ("choice", "rung")
_ACTORS: Final = frozenset({*ACTOR_FIELDS, "party", "host", "with"})
"""The fields that hold actors."""
_names_in_use: Final[ContextVar[ActorNames]] = ContextVar("names", default=NO_NAMES)


@contextmanager
def calling(names: ActorNames) -> Iterator[None]:
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
    """Return the names of this request. Their identity is a key for caches of drawings."""
    return _names_in_use.get()


@lru_cache(maxsize=8192)
def bdi(text: str | None) -> Markup:
    """Return a filed text in an element of its own, so that its direction does not disturb what is around it."""
    return Markup("<bdi>{}</bdi>").format(text) if text else Markup()


@lru_cache(maxsize=8192)
def mixed(text: str) -> Markup:
    """Return a sentence of this service with the parts from right to left in elements of their own."""
    return Markup(RUN.sub(r"<bdi>\g<0></bdi>", str(escape(text))))  # noqa: S704 -- escaped


def speaker(by: AssertedBy, *, is_without_words: bool = False) -> Markup:
    """Return who speaks, such as `Russia · Ministry of Foreign Affairs · paraphrased`.

    `is_without_words`: no words are quoted, so "quoted" is left out.
    """
    channel = "" if is_without_words and by.channel == "quote" else messages()(f"channel.{by.channel}")
    parts = [capitalised(name_of(by.party)), bdi(by.person), bdi(by.organ), channel]
    return _DOT.join(part for part in parts if part)


def speaker_of(by: Mapping[str, Any]) -> Markup:
    """Return who speaks, as `speaker` does, from the field `asserted_by` of an event."""
    return speaker(AssertedBy.model_validate(by))


def name_at_start(voice: str) -> Markup:
    """Return the name of a side or another voice for the start of a sentence, such as `The US`."""
    return capitalised(name_of(voice))


def names_at_start(parties: Sequence[str]) -> Markup:
    """Return several names for the start of a sentence, such as `The United States and Russia`."""
    return capitalised(names_of(parties))


def names_of(parties: Sequence[str]) -> Markup:
    """Return several names for use within a sentence, such as `the US and Russia`. Return `no one` for no parties."""
    names = [name_of(party) for party in parties or ("none",)]
    return messages()("said.and", first=_COMMA.join(names[:-1]), last=names[-1]) if names[1:] else names[0]


class Citation(NamedTuple):
    """A document with the paragraphs that are cited in it."""

    document: str
    paragraphs: Sequence[int]


def citations(passages: Iterable[Cited]) -> Sequence[Citation]:
    """Return each document once, with all its cited paragraphs."""
    found: dict[str, list[int]] = {}
    for cited in passages:
        found.setdefault(cited.source.document, []).extend(cited.source.paragraphs)
    return [Citation(document, paragraphs) for document, paragraphs in found.items()]


def numbers(paragraphs: Sequence[int]) -> str:
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
    """Return the names and values of the fields that only this type of event has, in words.

    Pages show the fields of every assertion, such as the source, in places of their own.
    """
    t = messages()
    return [
        (t(f"field.{name}"), _field_in_words((name,), value))
        for name, value in data.items()
        if name not in _SHOWN_ELSEWHERE and value is not None and f"field.{name}" in t
    ]


def day_of(round: RoundDocument) -> Cited | None:
    """Return a statement of the date on which a round met, or of its first or last day. None if it was only scheduled.

    Prefer a stated date to an inferred date.
    """
    days = (round.date, *(round.date or "").split("/")) if round.date else ()
    dated = (cited for step in round.course for cited in step.backing.evidence if cited.occurred in days)
    return min(dated, key=lambda cited: cited.occurred_basis == "inferred", default=None)


def corrected_fields(changes: Mapping[str, Any], filed: Mapping[str, Any] | None) -> Iterator[tuple[Markup, str, str]]:
    """Yield each field that a correction changes: its name, the value as filed, and the corrected value."""
    t = messages()
    for path, after in _changed_paths(changes):
        before: Any = filed
        for name in path:
            before = before.get(name) if isinstance(before, Mapping) else None
        field = f"field.{'.'.join(path)}"
        label = t(field) if field in t else escape(path[-1])
        yield label, _field_in_words(path, before), _field_in_words(path, after)


def _field_in_words(path: tuple[str, ...], value: Any) -> str:
    if isinstance(value, str) and path in _DATES:
        return occurred(value) or value
    if path[-1] in _ACTORS and value is not None:
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
            word = next((f"{kind}.{value}" for kind in _TABLES_OF_WORDS if f"{kind}.{value}" in t), None)
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
    words = occurred(entry.occurred) or t("said.undated")
    return t("said.when-inferred", when=words) if entry.inferred else escape(words)


def uncapitalised(text: Markup) -> Markup:
    """Return a text with a lower-case first letter, for use within a line."""
    return text[:1].lower() + text[1:]


@lru_cache(maxsize=4096)
def since(occurred: str | None, counted_to: date) -> Markup:
    """Return in words how many days ago a date was, such as `at most 10 days ago` for an inexact date."""
    t = messages()
    least, most = days_since(occurred, counted_to)
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
    """Return a status in words, such as `in talks`. Nothing is claimed, confirmed or reported at `unstated`."""
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


def day(written: date) -> str:
    """Return a date such as `10 April 2025`."""
    return f"{written.day} {_MONTHS[written.month - 1]} {written.year}"


def iso_day(written: str) -> str:
    """Return a date from an address, such as `2025-04-10`, in words."""
    return day(date.fromisoformat(written))


def moment(written: datetime) -> str:
    """Return a time such as `10 April 2025, 09:30 UTC`."""
    return f"{day(written)}, {written:%H:%M} UTC"


def occurred(text: str | None) -> str | None:
    """Return an EDTF date in words. Return None for None."""
    return None if text is None else edtf.describe(text)


def days_since(text: str | None, today: date) -> Days:
    """Return how many days ago a date was. The numbers are negative for a date in the future."""
    span = when(text)
    return Days(_between(span.latest, today), _between(span.earliest, today))


def _between(then: date | None, today: date) -> int | None:
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
