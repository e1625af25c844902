"""Dates written out, so that nobody takes the day for the month, and days counted as far as they are known."""

from datetime import date, datetime
from typing import Final, NamedTuple

from service.domain import edtf
from service.domain.assertion import when

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
