"""Values as people read them: dates, names of sides and rounds, speakers, places, and the fields of events."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.domain import edtf
from service.domain.actors import MEDIA
from service.domain.assertion import AssertedBy, Assertion, when
from service.projections import names
from service.projections.change import StandingDocument
from service.projections.event_types import event_name
from service.projections.evidence import Cited
from service.projections.irritant import IrritantDocument
from service.projections.round import RoundDocument
from service.projections.timeline import Entry
from service.web.messages import messages

_NOT_SHOWN: Final = {*Assertion.model_fields, "type", "proposal", "target", "undoes", "step", "item"} - {"inference"}
_DATES: Final = {("occurred",), ("due",), ("published",), ("date",)}
_COMMA: Final = Markup(", ")
_DOT: Final = Markup(" · ")
_WORDS: Final = ("choice", "rung", "country", "voice")


def speaker(by: AssertedBy) -> Markup:
    """Return who speaks, such as `Russia · Ministry of Foreign Affairs · paraphrased`."""
    parts = [capitalised(name_of(by.party)), by.person, by.organ, messages()(f"channel.{by.channel}")]
    return _DOT.join(part for part in parts if part)


def speaker_of(by: Mapping[str, Any]) -> Markup:
    """Return who speaks, from the data of an event."""
    return speaker(AssertedBy.model_validate(by))


def named(voice: str) -> Markup:
    """Return the name of a side or another voice, as it begins a sentence."""
    return capitalised(name_of(voice))


def voices(parties: Sequence[str]) -> Markup:
    """Return several names, such as `Russia and the US`."""
    return capitalised(within(parties))


def within(parties: Sequence[str]) -> Markup:
    """Return several names within a sentence; media if there is no side."""
    names = [name_of(party) for party in parties or (MEDIA,)]
    return messages()("said.and", first=_COMMA.join(names[:-1]), last=names[-1]) if names[1:] else names[0]


def with_names(sentence: str, parties: Iterable[str]) -> Markup:
    """Return a sentence of the HTTP interface with names in place of the codes of parties."""
    codes = re.compile(rf"\b({'|'.join(map(re.escape, parties))})\b")
    return capitalised(Markup(codes.sub(lambda found: name_of(found[1]), escape(sentence))))  # noqa: S704 -- escaped before


class Place(NamedTuple):
    """Paragraphs of one document."""

    document: str
    paragraphs: Sequence[int]


def places(passages: Iterable[Cited]) -> Sequence[Place]:
    """Return each cited document once, with all its cited paragraphs."""
    found: dict[str, list[int]] = {}
    for cited in passages:
        found.setdefault(cited.source.document, []).extend(cited.source.paragraphs)
    return [Place(document, paragraphs) for document, paragraphs in found.items()]


def numbers(paragraphs: Sequence[int]) -> str:
    """Return paragraph numbers in short, with ranges."""
    ordered = sorted(set(paragraphs))
    runs = [[ordered[0], ordered[0]]]
    for before, after in pairwise(ordered):
        if after == before + 1:
            runs[-1][1] = after
        else:
            runs.append([after, after])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)  # noqa: RUF001


def particulars(data: Mapping[str, Any]) -> Sequence[tuple[Markup, str]]:
    """Return the fields that only this type of event has, with names and values in words."""
    t = messages()
    return [
        (t(f"field.{name}"), value_in_words(value))
        for name, value in data.items()
        if name not in _NOT_SHOWN and value is not None and f"field.{name}" in t
    ]


def day_of(round: RoundDocument) -> Cited | None:
    """Return the most exact statement of the date on which a round met, or None if it was only scheduled."""
    said = (cited for step in round.course for cited in step.backing.evidence if cited.occurred == round.date)
    return min(said, key=lambda cited: cited.occurred_basis == "inferred", default=None)


def corrected_fields(changes: Mapping[str, Any], filed: Mapping[str, Any] | None) -> Iterator[tuple[Markup, str, str]]:
    """Yield each field that a correction changes: its name, the value as filed, and the value since."""
    t = messages()
    for path, after in _places(changes):
        before: Any = filed
        for name in path:
            before = before.get(name) if isinstance(before, Mapping) else None
        field = f"field.{'.'.join(path)}"
        label = t(field) if field in t else escape(path[-1])
        yield label, _field_in_words(path, before), _field_in_words(path, after)


def _field_in_words(path: tuple[str, ...], value: Any) -> str:
    if isinstance(value, str) and path in _DATES:
        return occurred(value) or value
    return "" if value is None else value_in_words(value)


def _places(changes: Mapping[str, Any], within: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and the value of each change in a merge patch."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            yield from _places(value, (*within, name))
        else:
            yield (*within, name), value


def value_in_words(value: Any) -> str:
    """Return the value of a field as people write it."""
    t = messages()
    match value:
        case bool():
            return str(t(f"choice.{value}".lower()))
        case str():
            word = next((f"{kind}.{value}" for kind in _WORDS if f"{kind}.{value}" in t), None)
            return str(t(word)) if word else value
        case list() | tuple():
            return ", ".join(map(value_in_words, value))
        case _:
            return str(value)


def event_label(type: str) -> Markup:
    """Return the name of a type of event."""
    return escape(event_name(type))


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
    """Return in words how many days ago a date was, as far as it is known."""
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
    """Return the name of a side or another voice, as it stands within a sentence."""
    t = messages()
    return t(f"voice.{party}") if f"voice.{party}" in t else escape(names.name_of(party))


def capitalised(text: Markup) -> Markup:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def round_name(id: str) -> str:
    """Return the name of a round, made of its slug. The record has no titles for rounds."""
    return " ".join(word.capitalize() for word in id.partition("/")[2].split("-"))


_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


class Days(NamedTuple):
    """How many days ago something was: at least and at most. None where the record does not say."""

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
    """Return an EDTF date in words; None for None."""
    return None if text is None else edtf.describe(text)


def days_since(text: str | None, today: date) -> Days:
    """Return how many days ago a date was; negative for a date in the future."""
    span = when(text)
    return Days(_between(span.latest, today), _between(span.earliest, today))


def _between(then: date | None, today: date) -> int | None:
    return None if then is None else (today - then).days


_RUNGS: Final = ("status", "confirmed_status", "reported_status")


def standing_value(document: IrritantDocument | StandingDocument | None, field: str) -> Markup:
    """Return a field of the standing in words; a dash if nothing was on record."""
    t = messages()
    if document is None:
        return t("standing.absent")
    if field == "rungs":
        sides = (t("standing.side", side=name_of(p), rung=t(f"rung.{rung}")) for p, rung in _rungs(document).items())
        return capitalised(_COMMA.join(sides))
    if field == "items":
        return t("beside.items", settled=document.items.settled, total=document.items.total)
    value = getattr(document, field)
    if field in _RUNGS:
        return t(f"rung.{value}")
    if field == "awaiting":
        return capitalised(name_of(value))
    return t(f"standing-word.{value}") if f"standing-word.{value}" in t and field != "title" else escape(value)


def _rungs(document: IrritantDocument | StandingDocument) -> dict[str, str]:
    if isinstance(document, StandingDocument):
        return dict(document.rungs)
    return {party: side.rung for party, side in document.parties.items()}
