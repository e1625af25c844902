"""Suggest the parties, irritants, types of event and dates that a paragraph of a readout reports.

Suggestions come from titles and names on record, names in CLDR, the table `phrases.toml` and dates in the text. An
operator confirms or changes each.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from service.domain import edtf
from service.readouts.dates import DateFound, dates_in
from service.readouts.sentences import asserted, phrase_table, stated
from service.readouts.subjects import STEM_LENGTH, mentions, without_names

TYPES_OF_LATER_ROUNDS: Final = frozenset({"RoundAnnounced", "RoundScheduled"})
"""Types of events that a readout of one round reports about a later round."""
_MAX_TYPES: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_STOP_WORDS: Final = frozenset("with from between about their other question issue problem and".split())  # noqa: SIM905


@dataclass(frozen=True)
class Suggestion:
    """The suggestions for one paragraph, the likeliest first. Parties are in the order of mention."""

    parties: tuple[str, ...]
    irritants: tuple[str, ...]
    types: tuple[str, ...]
    dates: tuple[DateFound, ...]


def suggest(
    paragraph: str,
    parties: Sequence[str],
    irritants: Mapping[str, str],
    published: date | None,
    spellings: Mapping[str, Sequence[str]] | None = None,
) -> Suggestion:
    """Return the suggestions for one paragraph. `parties` are codes or slugs of actors, `irritants` titles by slug.

    `spellings` are further names of actors, such as those on record.
    """
    spelled = spellings or {}
    return Suggestion(
        tuple(party for _, party in sorted(mentions(paragraph, parties, spelled))),
        # "Russian property" is not the subject of each paragraph that names Russia.
        tuple(_irritants_in(without_names(paragraph, parties, spelled), irritants)),
        tuple(_types_in(paragraph)),
        tuple(dates_in(paragraph, published)),
    )


def values_in(type: str, paragraph: str) -> dict[str, str]:
    """Return suggested values of fields that only this event type has, such as `answer: rejected`, by field.

    A sentence with a negation suggests no value.
    """
    values = {}
    for field, phrases_by_value in _phrases_by_value().get(type, {}).items():
        lengths = {value: _word_count(stated(phrases, paragraph)) for value, phrases in phrases_by_value.items()}
        if longest := max(lengths.values()):
            values[field] = next(value for value, length in lengths.items() if length == longest)
    return values


def places_in(paragraph: str) -> list[str]:
    """Return the names of places, such as Moscow in "met in Moscow". English and French only."""
    return [place[1] for place in _PLACE.finditer(paragraph) if not dates_in(place[0], date.min.replace(year=2000))]


def hours_in(paragraph: str) -> str | None:
    """Return the first number of hours in figures: 7 for "about seven hours". None without one."""
    numbers: Mapping[str, int] = phrase_table()["numbers"]
    match = re.search(rf"(?<![\w-])(\d+|{'|'.join(numbers)})[\s-]+(?:hour|heure|час)", paragraph, re.IGNORECASE)
    return None if match is None else str(numbers.get(match[1].lower(), match[1]))


def timing_in(paragraph: str) -> str | None:
    """Return a time in words that is not a date, such as "in the autumn". None without one."""
    match = re.search("|".join(phrase_table()["timing"]["patterns"]), paragraph, re.IGNORECASE)
    return match[0] if match else None


_PLACE: Final = re.compile(r"\b(?:in|at|à)\s+((?:[A-ZÀ-Þ][\w’'-]+)(?:\s[A-ZÀ-Þ][\w’'-]+)*)")  # noqa: RUF001


@dataclass(frozen=True)
class Occurred:
    """A date of an event, as EDTF. `inference` is None for a date that the text states."""

    edtf: str
    inference: str | None


def occurred_in(
    type: str, paragraph: str, dates: Iterable[DateFound], published: date | None, met: str | None = None
) -> list[Occurred]:
    """Return dates on which an event of this type may have happened, the likeliest first, each once.

    `published` is the day of the document, and `met` (EDTF) the day of the meeting that it reports on. A date in the
    paragraph comes first, unless it is after the document, or that of something else: "under the notes exchanged in
    April". Without such a date, an act happened by the day of the document, an announcement on that day, and a
    statement at a meeting on the day of the meeting.
    """
    until = published or date.max
    past = [date for date in dates if (day := edtf.parse(date.edtf).earliest) is not None and day <= until]
    of_event = [date for date in past if not _is_of_something_else(type, paragraph[: date.start])]
    dates_of_event = [Occurred(date.edtf, date.inference) for date in of_event]
    other_dates = [Occurred(date.edtf, date.inference) for date in past if date not in of_event]
    usual = dict(_usual_dates(published.isoformat() if published else None, met))
    likeliest = phrase_table()["when"].get(type, "meeting")
    ordered = [usual[name] for name in dict.fromkeys((likeliest, *usual)) if name in usual]
    by_edtf: dict[str, Occurred] = {}
    for occurred in (*dates_of_event, *ordered, *other_dates):
        by_edtf.setdefault(occurred.edtf, occurred)
    return list(by_edtf.values())


def _usual_dates(published: str | None, met: str | None) -> Iterator[tuple[str, Occurred]]:
    """Yield the usual dates of an event, by their names in the table `when` of `phrases.toml`."""
    if met:
        yield "meeting", Occurred(met, f"It is reported of the meeting of {edtf.describe(met)}.")
    if published:
        yield "by", Occurred(f"[..{published}]", f"Reported in the document of {edtf.describe(published)}.")
        yield "day", Occurred(published, f"The document is of {edtf.describe(published)}.")


def _is_of_something_else(type: str, before: str) -> bool:
    """Return whether the text before a date says that it is of an earlier act, such as "the notes exchanged in"."""
    if type in phrase_table()["background"]["own"]:
        return False
    return any(re.search(pattern, before, re.IGNORECASE) for pattern in phrase_table()["background"]["patterns"])


def _irritants_in(paragraph: str, irritants: Mapping[str, str]) -> list[str]:
    """Return the slugs of the irritants whose titles share words with the paragraph. Rare words count most."""
    stems_of = {slug: _stems(f"{title} {slug}") for slug, title in irritants.items()}
    irritants_with = Counter(stem for stems in stems_of.values() for stem in stems)
    in_paragraph = _stems(paragraph)
    weights = {slug: sum(1 / irritants_with[stem] for stem in stems & in_paragraph) for slug, stems in stems_of.items()}
    return sorted((slug for slug, weight in weights.items() if weight), key=lambda slug: (-weights[slug], slug))


def _stems(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return {word[:STEM_LENGTH] for word in words if word not in _STOP_WORDS}


def _types_in(paragraph: str) -> list[str]:
    """Return the likely types. Longer phrases count more: "does not accept the proposal" is not a proposal."""
    lengths = {type: _word_count(asserted(phrases, paragraph)) for type, phrases in _phrases_by_type().items()}
    order = list(lengths)
    return sorted((t for t in order if lengths[t]), key=lambda t: (-lengths[t], order.index(t)))[:_MAX_TYPES]


def _word_count(phrases: Iterable[str]) -> int:
    """Return the number of words in all phrases that are found."""
    return sum(len(words.split()) for words in phrases)


@cache
def _phrases_by_type() -> Mapping[str, tuple[re.Pattern[str], ...]]:
    return {
        type: tuple(pattern_of(phrase) for phrases in by_language.values() for phrase in phrases)
        for type, by_language in phrase_table()["events"].items()
    }


@cache
def _phrases_by_value() -> Mapping[str, Mapping[str, Mapping[str, tuple[re.Pattern[str], ...]]]]:
    """Return the phrases of each value, by type and field."""
    return {
        type: {
            field: {value: tuple(map(pattern_of, phrases)) for value, phrases in values.items()}
            for field, values in fields.items()
        }
        for type, fields in phrase_table()["values"].items()
    }


def pattern_of(phrase: str) -> re.Pattern[str]:
    """Return a pattern for a phrase of the table.

    `*` stands for up to three words. After a part of a word it also stands for the rest of that word. `|` is between
    alternatives.
    """
    text = ""
    for part in phrase.split(" "):
        stem, star, _ = part.partition("*")
        if stem:
            text += (r"\s+" if text else "") + rf"(?:{'|'.join(map(re.escape, stem.split('|')))})"
        if star:
            text += (r"\w*" if stem else "") + r"(?:\s+\S+){0,3}?"
    return re.compile(rf"\b{text}", re.IGNORECASE)
