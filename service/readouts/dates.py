"""Find dates in a text and write them as EDTF, with an inference where the text does not give the whole date.

Names of months and weekdays come from CLDR (by `babel`) for the languages in LANGUAGES. A date in figures is read only
where the order of day and month is certain: `2025-07-14`, `14.07.2025` and `2025年7月14日`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, NamedTuple

from babel import Locale

from service.domain.edtf import NotEdtf, describe, parse

LANGUAGES: Final = ("en", "ru", "uk", "fr", "de", "es", "it", "pt", "pl", "tr", "nl")
_SHORTEST_ABBREVIATION: Final = 3
_MAX_DATE_LINE_PARAGRAPH: Final = 4
"""A date line is one of this number of first paragraphs."""
_MAX_DATE_LINE_LENGTH: Final = 80
_DIGITS_OF_YEAR: Final = 4
_AMBIGUOUS_MONTHS: Final = frozenset({"may", "march", "mar", "mai"})
"""In small letters these words are no months: "march 5 miles". English and German months begin with a capital."""


@dataclass(frozen=True)
class DateFound:
    """A date in a text. `start` and `end` are offsets in characters. `inference` is None for a date that is stated."""

    edtf: str
    start: int
    end: int
    inference: str | None = None


def dates_in(text: str, published: date | None) -> list[DateFound]:
    """Return the dates in a text, in their order. A year or a weekday is completed from the day of publication."""
    found: list[DateFound] = []
    taken = [False] * len(text)
    for match, value in _date_matches(text, published):
        words = match[0].rstrip(".")
        start, end = match.start(), match.start() + len(words)
        if words.split()[0] in _AMBIGUOUS_MONTHS or any(taken[start:end]):
            continue
        taken[start:end] = [True] * len(words)
        if value is not None:
            found.append(DateFound(value.edtf, start, end, value.inference))
    return sorted(found, key=lambda date_found: date_found.start)


def edtf_of(text: str) -> str | None:
    """Return the EDTF of a whole text: EDTF itself, or a date as pages write it. None if it is neither.

    "15 July 2025", "July 2025" and "on or before 14 July 2025, day unknown" are dates as pages write them.
    """
    written = " ".join(text.split())
    try:
        parse(written)
    except NotEdtf:
        pass
    else:
        return written
    for pattern, form in _FORMS_OF_SPANS:
        if match := pattern.fullmatch(written):
            parts = [_single_date(part) for part in match.groups()]
            return form.format(*parts) if all(parts) else None
    return _single_date(written)


_FORMS_OF_SPANS: Final = (
    (re.compile(r"(?:on|in) or before (.+?)(?:, day unknown)?", re.IGNORECASE), "[..{}]"),
    (re.compile(r"(?:on|in) or after (.+?)(?:, day unknown)?", re.IGNORECASE), "[{}..]"),
    (re.compile(r"between (.+) and (.+?)(?:, day unknown)?", re.IGNORECASE), "[{}..{}]"),
    (re.compile(r"from (.+) to (.+)", re.IGNORECASE), "{}/{}"),
    (re.compile(r"from (.+), end open", re.IGNORECASE), "{}/.."),
    (re.compile(r"until (.+), start open", re.IGNORECASE), "../{}"),
)
"""The forms in which `describe` writes dates of several days, with their EDTF."""


def _single_date(text: str) -> str | None:
    """Return the EDTF of a day, a month or a year in words or figures. None for any other text."""
    if text.isdecimal() and len(text) == len("2025"):
        return text
    found = dates_in(text, None)
    return found[0].edtf if len(found) == 1 and (found[0].start, found[0].end) == (0, len(text)) else None


def document_date(paragraphs: Sequence[str]) -> date | None:
    """Return the day in a date line at the beginning, such as "Washington, 14 July 2025". None without a date line."""
    for paragraph in paragraphs[:_MAX_DATE_LINE_PARAGRAPH]:
        for found in dates_in(paragraph, None) if len(paragraph) <= _MAX_DATE_LINE_LENGTH else ():
            if len(found.edtf) == len("2025-07-14"):
                return date.fromisoformat(found.edtf)
    return None


class NotADay(ValueError):
    """The text is not one day. The message continues the name of a field: "must be a day"."""


_EXAMPLES_OF_DAYS: Final = "6 June 2025, 6.6.2025 or 2025-06-06"
_ANY_DAY: Final = date(2000, 1, 1)
_NUMBERS: Final = re.compile(r"(?P<one>\d{1,2})[/.-](?P<other>\d{1,2})[/.-](?P<year>\d{2}|\d{4})")
"""Dates in which either number can be the day."""


def day_written(text: str) -> date:
    """Return the day that a person wrote, such as "6 June 2025", "6.6.2025" or "2025-06-06". Raises NotADay."""
    words = text.strip()
    # Small letters are no hint here: a form asks for a date, so "6 may 2025" and "may 6, 2025" are dates.
    for tried in (words, words.title()):
        for found in dates_in(tried, None):
            if (found.start, found.end) == (0, len(tried.rstrip("."))):
                if len(found.edtf) == len("2025-07-14"):
                    return date.fromisoformat(found.edtf)
                raise NotADay(f"must be one day, such as {_EXAMPLES_OF_DAYS}; this is a whole month")
    if (numbers := _NUMBERS.fullmatch(words)) is not None:
        return _day_of_numbers(int(numbers["one"]), int(numbers["other"]), numbers["year"])
    if any(found.start == 0 for found in dates_in(words, _ANY_DAY)):
        raise NotADay(f"has no year; write all of it, such as {_EXAMPLES_OF_DAYS}")
    raise NotADay(f"must be a day, such as {_EXAMPLES_OF_DAYS}")


def _day_of_numbers(one: int, other: int, year: str) -> date:
    """Return the day that two numbers and a year mean in either order. Raises NotADay if they can mean two days."""
    if len(year) != _DIGITS_OF_YEAR:
        raise NotADay(f"has a year of two digits; write all of it, such as {_EXAMPLES_OF_DAYS}")
    days = []
    for day, month in dict.fromkeys([(one, other), (other, one)]):
        with suppress(ValueError):
            days.append(date(int(year), month, day))
    match days:
        case [found]:
            return found
        case [first, second]:
            raise NotADay(
                f"could be {describe(first.isoformat())} or {describe(second.isoformat())}; write one of these"
            )
        case _:
            raise NotADay(f"must be a day, such as {_EXAMPLES_OF_DAYS}")


class _EdtfDate(NamedTuple):
    """A date as EDTF, with its inference. None: the text states the date."""

    edtf: str
    inference: str | None = None


def _date_matches(text: str, published: date | None) -> Iterator[tuple[re.Match[str], _EdtfDate | None]]:
    """Yield matches, the most exact forms first, and the EDTF and inference of each."""
    for match in _DATES_IN_FIGURES.finditer(text):
        parts = {name[:-1]: int(value) for name, value in match.groupdict().items() if value}
        yield match, _date_of_day(parts["year"], parts["month"], parts["day"])
    for pattern in _days_of_months():
        for match in pattern.finditer(text):
            month, year = _months()[match["month"].lower()], match["year"]
            day = int(match["day"])
            yield (
                match,
                _date_of_day(int(year), month, day)
                if year
                else _date_without_year(match[0].rstrip("."), published, month, day),
            )
    for match in _months_alone().finditer(text):
        month, year = _months()[match["month"].lower()], match["year"]
        if year:
            yield match, _EdtfDate(f"{year}-{month:02d}")
        elif match["before"]:
            yield match, _date_without_year(match["month"], published, month)
    for match in _weekdays_alone().finditer(text):
        yield match, _date_of_weekday(match[0], published)


_DATES_IN_FIGURES: Final = re.compile(
    r"(?<![\d.-])(?:(?P<year1>\d{4})-(?P<month1>\d{2})-(?P<day1>\d{2})"
    r"|(?P<day2>\d{1,2})\.(?P<month2>\d{1,2})\.(?P<year2>\d{4})"
    r"|(?P<year3>\d{4})年(?P<month3>\d{1,2})月(?P<day3>\d{1,2})日)(?![\d-])"
)


@cache
def _months() -> dict[str, int]:
    """Return the number of each month by its names in small letters."""
    names: dict[str, int] = {}
    for language in LANGUAGES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in Locale(language).months[context][width].items():
                    short = name.lower().rstrip(".")
                    if len(short) >= _SHORTEST_ABBREVIATION:
                        names.setdefault(short, number)
    return names


@cache
def _weekdays() -> dict[str, int]:
    """Return the number of each weekday, Monday 0, by its names in small letters."""
    return {
        name.lower(): number
        for language in LANGUAGES
        for context in ("format", "stand-alone")
        for number, name in Locale(language).days[context]["wide"].items()
    }


def _any_of(names: dict[str, int]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


@cache
def _days_of_months() -> tuple[re.Pattern[str], ...]:
    month = rf"(?P<month>{_any_of(_months())})\b\.?"
    year = r"(?:,?\s+(?:de\s+|del\s+)?(?P<year>\d{4})\b)?"
    return (
        re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?\s+(?:of\s+|de\s+)?{month}{year}", re.IGNORECASE),
        re.compile(rf"\b{month}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*:){year}", re.IGNORECASE),
    )


@cache
def _months_alone() -> re.Pattern[str]:
    before = r"(?P<before>\b(?:in|of|since|until|by|early|late|mid|en|im|в|во|у|à|de|di|em|w)[\s-]+)?"  # noqa: RUF001 -- Ukrainian
    return re.compile(
        rf"{before}\b(?P<month>{_any_of(_months())})\b(?:\s+(?:de\s+)?(?P<year>\d{{4}})\b)?", re.IGNORECASE
    )


@cache
def _weekdays_alone() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{_any_of(_weekdays())})\b", re.IGNORECASE)


def _date_of_day(year: int, month: int, day: int) -> _EdtfDate | None:
    try:
        return _EdtfDate(date(year, month, day).isoformat())
    except ValueError:
        return None


def _date_without_year(words: str, published: date | None, month: int, day: int | None = None) -> _EdtfDate | None:
    """Complete a date with the year that brings it nearest to the day of publication.

    A day before the document, in its own year, needs no inference: "14 July" in a text of 15 July 2025.
    """
    if published is None:
        return None
    candidates = []
    for year in (published.year - 1, published.year, published.year + 1):
        try:
            # The middle of a month stands for the month.
            candidates.append(date(year, month, day or 15))
        except ValueError:
            continue
    if not candidates:
        return None
    nearest = min(candidates, key=lambda candidate: abs(candidate - published))
    if day and nearest.year == published.year and nearest <= published:
        return _EdtfDate(nearest.isoformat())
    inference = (
        f"The text says “{words}”. The year is taken from the date of the document, {describe(published.isoformat())}."
    )
    return _EdtfDate(nearest.isoformat() if day else f"{nearest.year}-{month:02d}", inference)


def _date_of_weekday(word: str, published: date | None) -> _EdtfDate | None:
    """Return the last such day up to the day of publication."""
    if published is None:
        return None
    days = (published.weekday() - _weekdays()[word.lower()]) % 7
    if published.toordinal() <= days:  # before the first day of the calendar
        return None
    inference = (
        f"The text says “{word}”. It is counted back from the date of the document, {describe(published.isoformat())}."
    )
    return _EdtfDate(date.fromordinal(published.toordinal() - days).isoformat(), inference)
