"""Values as people read them: dates, names of sides and rounds, speakers, places, and the fields of events."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.domain import edtf
from service.domain.assertion import AssertedBy, Assertion, when
from service.domain.claims import MEDIA
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
    """`Russia · Ministry of Foreign Affairs · paraphrased`."""
    parts = [capitalised(name_of(by.party)), by.person, by.organ, messages()(f"channel.{by.channel}")]
    return _DOT.join(part for part in parts if part)


def speaker_of(by: Mapping[str, Any]) -> Markup:
    """The same, of an event's data."""
    return speaker(AssertedBy.model_validate(by))


def named(voice: str) -> Markup:
    """The name of whoever it is, by itself."""
    return capitalised(name_of(voice))


def voices(parties: Sequence[str]) -> Markup:
    """Several of them: `Russia and the US`."""
    return capitalised(within(parties))


def within(parties: Sequence[str]) -> Markup:
    """The same as it stands within a sentence; where no side speaks, media do."""
    names = [name_of(party) for party in parties or (MEDIA,)]
    return messages()("said.and", first=_COMMA.join(names[:-1]), last=names[-1]) if names[1:] else names[0]


def with_names(sentence: str, parties: Iterable[str]) -> Markup:
    """A sentence of the interface, which calls the parties by their codes, with their names."""
    codes = re.compile(rf"\b({'|'.join(map(re.escape, parties))})\b")
    return capitalised(Markup(codes.sub(lambda found: name_of(found[1]), escape(sentence))))  # noqa: S704 -- escaped before


class Place(NamedTuple):
    """Paragraphs of one document."""

    document: str
    paragraphs: Sequence[int]


def places(passages: Iterable[Cited]) -> Sequence[Place]:
    """Where all of it is read: each document once, with every paragraph."""
    found: dict[str, list[int]] = {}
    for cited in passages:
        found.setdefault(cited.source.document, []).extend(cited.source.paragraphs)
    return [Place(document, paragraphs) for document, paragraphs in found.items()]


def numbers(paragraphs: Sequence[int]) -> str:
    """Paragraphs in short: runs from their first to their last."""
    ordered = sorted(set(paragraphs))
    runs = [[ordered[0], ordered[0]]]
    for before, after in pairwise(ordered):
        if after == before + 1:
            runs[-1][1] = after
        else:
            runs.append([after, after])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)  # noqa: RUF001


def particulars(data: Mapping[str, Any]) -> Sequence[tuple[Markup, str]]:
    """What an event says beside what every assertion does: each field by its name, and what it holds in words."""
    t = messages()
    return [
        (t(f"field.{name}"), value_in_words(value))
        for name, value in data.items()
        if name not in _NOT_SHOWN and value is not None and f"field.{name}" in t
    ]


def day_of(round: RoundDocument) -> Cited | None:
    """Who says on what day a round met, as exactly as anybody does; None where it was only set for that day."""
    said = (cited for step in round.course for cited in step.backing.evidence if cited.occurred == round.date)
    return min(said, key=lambda cited: cited.occurred_basis == "inferred", default=None)


def corrected_fields(changes: Mapping[str, Any], filed: Mapping[str, Any] | None) -> Iterator[tuple[Markup, str, str]]:
    """What a correction changes: each field by its name, as it was filed and as it reads since; empty for nothing."""
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
    """Each place of a merge patch, and what it puts there."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            yield from _places(value, (*within, name))
        else:
            yield (*within, name), value


def value_in_words(value: Any) -> str:
    """What a field holds as a reader would write it."""
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
    """When something is to have happened, and whether that was worked out."""
    t = messages()
    words = occurred(entry.occurred) or t("said.undated")
    return t("said.when-inferred", when=words) if entry.inferred else escape(words)


def uncapitalised(text: Markup) -> Markup:
    """As it stands within a line."""
    return text[:1].lower() + text[1:]


@lru_cache(maxsize=4096)
def since(occurred: str | None, counted_to: date) -> Markup:
    """How many days ago that was, as far as that is known."""
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
    """The name of whoever speaks or is awaited, as it stands within a sentence."""
    t = messages()
    return t(f"voice.{party}") if f"voice.{party}" in t else t(f"country.{party}")


def capitalised(text: Markup) -> Markup:
    """Its first letter as at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def round_name(id: str) -> str:
    """What a round is called: the record gives it no title, and its slug is made of words."""
    return " ".join(word.capitalize() for word in id.partition("/")[2].split("-"))


_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


class Days(NamedTuple):
    """How many days something is ago: at least and at most; None where the record does not say."""

    least: int | None
    most: int | None


def day(written: date) -> str:
    """`10 April 2025`."""
    return f"{written.day} {_MONTHS[written.month - 1]} {written.year}"


def iso_day(written: str) -> str:
    """The same of a day as it stands in an address."""
    return day(date.fromisoformat(written))


def moment(written: datetime) -> str:
    """`10 April 2025, 09:30 UTC`."""
    return f"{day(written)}, {written:%H:%M} UTC"


def occurred(text: str | None) -> str | None:
    """A date of the world in words; None where it is not known at all."""
    return None if text is None else edtf.describe(text)


def days_since(text: str | None, today: date) -> Days:
    """Negative where it is still to come."""
    span = when(text)
    return Days(_between(span.latest, today), _between(span.earliest, today))


def _between(then: date | None, today: date) -> int | None:
    return None if then is None else (today - then).days


_RUNGS: Final = ("status", "confirmed_status", "reported_status")


def standing_value(document: IrritantDocument | StandingDocument | None, field: str) -> Markup:
    """The field in words; a dash where nothing was on record."""
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
