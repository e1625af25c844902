"""How what was said is put into words, wherever it is shown: who speaks, where it is read, what of it is particular."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.domain.assertion import AssertedBy, Assertion
from service.domain.claims import MEDIA
from service.projections.event_types import event_name
from service.projections.evidence import Cited
from service.projections.round import RoundDocument
from service.projections.timeline import Entry
from service.web.dates import occurred
from service.web.sentences import capitalised, name_of
from service.web.texts import texts

_NOT_TOLD: Final = {*Assertion.model_fields, "type", "proposal", "target", "undoes", "step", "item"} - {"inference"}
_DATES: Final = {("occurred",), ("due",), ("published",), ("date",)}
_COMMA: Final = Markup(", ")
_DOT: Final = Markup(" · ")
_WORDS: Final = ("choice", "rung", "country", "voice")


def speaker(by: AssertedBy) -> Markup:
    """`Russia · Ministry of Foreign Affairs · paraphrased`."""
    parts = [capitalised(name_of(by.party)), by.person, by.organ, texts()(f"channel.{by.channel}")]
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
    return texts()("said.and", first=_COMMA.join(names[:-1]), last=names[-1]) if names[1:] else names[0]


def with_names(told: str, parties: Iterable[str]) -> Markup:
    """A sentence of the interface, which calls the parties by their codes, with their names."""
    codes = re.compile(rf"\b({'|'.join(map(re.escape, parties))})\b")
    return capitalised(Markup(codes.sub(lambda found: name_of(found[1]), escape(told))))  # noqa: S704 -- escaped before


class Place(NamedTuple):
    """Paragraphs of one document."""

    document: str
    paragraphs: Sequence[int]


def places(told: Iterable[Cited]) -> Sequence[Place]:
    """Where all of it is read: each document once, with every paragraph."""
    found: dict[str, list[int]] = {}
    for cited in told:
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
    t = texts()
    return [
        (t(f"field.{name}"), value_in_words(value))
        for name, value in data.items()
        if name not in _NOT_TOLD and value is not None and f"field.{name}" in t
    ]


def day_of(round: RoundDocument) -> Cited | None:
    """Who says on what day a round met, as exactly as anybody does; None where it was only set for that day."""
    said = (cited for step in round.course for cited in step.backing.evidence if cited.occurred == round.date)
    return min(said, key=lambda cited: cited.occurred_basis == "inferred", default=None)


def mended(changes: Mapping[str, Any], filed: Mapping[str, Any] | None) -> Iterator[tuple[Markup, str, str]]:
    """What a correction changes: each field by its name, as it was filed and as it reads since; empty for nothing."""
    t = texts()
    for path, after in _places(changes):
        before: Any = filed
        for name in path:
            before = before.get(name) if isinstance(before, Mapping) else None
        field = f"field.{'.'.join(path)}"
        told = t(field) if field in t else escape(path[-1])
        yield told, _field_in_words(path, before), _field_in_words(path, after)


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
    t = texts()
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
    t = texts()
    words = occurred(entry.occurred) or t("said.undated")
    return t("said.when-inferred", when=words) if entry.inferred else escape(words)


def uncapitalised(text: Markup) -> Markup:
    """As it stands within a line."""
    return text[:1].lower() + text[1:]
