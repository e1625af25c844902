"""Read a point in time as people write it: a day, a time, a position, or the name of a round.

The results are points in the form of the HTTP interface, such as `position:41` or `known:2025-06-06T00:00:00Z`.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from service.domain.edtf import describe
from service.readouts.dates import NotADay, day_written

END_OF_DAY: Final = "T23:59:59.999999Z"
"""What makes a day the time of its last microsecond in UTC. The clock of the record is no finer."""

_NUMBER: Final = re.compile(r"\d{1,18}")
_NAMED: Final = re.compile(r"(?:position|known|effective|round):.*", re.DOTALL)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T.+")
_SLUG: Final = re.compile(r"(?:[a-z]{2}-[a-z]{2}/)?[a-z0-9]+(?:-[a-z0-9]+)+")
_NOT_A_POINT: Final = "must be a day, a position or a round, such as 6 June 2025, 41 or istanbul-february"


class NotAPoint(ValueError):
    """The text is not a point in time. The message continues the name of a field: "must be a day, …"."""


def known_since(text: str) -> str:
    """Return `known:` with the time that a text names. A day means its beginning, 00:00 UTC. Raises NotAPoint."""
    if _TIME.fullmatch(text):
        return f"known:{text}"
    return f"known:{_day(text).isoformat()}T00:00:00Z"


def known_by(text: str, today: date) -> str | None:
    """Return the point up to which a text reads the record: a position, a time, or the end of a day in UTC.

    None is the present, which an empty text and today mean. Raises NotAPoint, also for a day after today.
    """
    words = text.strip()
    if not words:
        return None
    if _NUMBER.fullmatch(words):
        return f"position:{words}"
    time = time_known_by(words, today)
    return None if time is None else f"known:{time}"


def time_known_by(text: str, today: date) -> str | None:
    """Return the time up to which a text reads the record: a time as it is, or the end of a day in UTC.

    None is the present, which today means, because the day is not over. Raises NotAPoint, also for a day after today.
    """
    words = text.strip()
    if _TIME.fullmatch(words):
        return words
    day = _day(words)
    if day > today:
        raise NotAPoint(f"is after today, {describe(today.isoformat())}; enter today or an earlier day")
    return None if day == today else f"{day.isoformat()}{END_OF_DAY}"


def effective_on(text: str) -> str:
    """Return `effective:` with the day that a text names. Raises NotAPoint."""
    return f"effective:{_day(text).isoformat()}"


def since(text: str, rounds: Mapping[str, str] | None = None) -> str:
    """Return the point that a text names, to list changes since. A day means its beginning. Raises NotAPoint.

    `rounds` is as in `point_or_day`.
    """
    point = point_or_day(text, rounds)
    return f"known:{point.isoformat()}T00:00:00Z" if isinstance(point, date) else point


def point_or_day(text: str, rounds: Mapping[str, str] | None = None) -> str | date:
    """Return the point that a text names, or the day, which alone does not say on which clock. Raises NotAPoint.

    `rounds` has the ids of rounds by their names. Without it, a round is named by its slug or id only.
    """
    words = text.strip()
    named = {name.casefold(): id for name, id in (rounds or {}).items()}
    if _NAMED.fullmatch(words):
        return words
    if _NUMBER.fullmatch(words):
        return f"position:{words}"
    if words.casefold() in named:
        return f"round:{named[words.casefold()]}"
    if _TIME.fullmatch(words):
        return f"known:{words}"
    try:
        return day_written(words)
    except NotADay as error:
        if _SLUG.fullmatch(words) and not words[0].isdigit():
            return f"round:{words}"
        detail = str(error)
        raise NotAPoint(_NOT_A_POINT if detail.startswith("must be a day,") else detail) from None


def _day(text: str) -> date:
    try:
        return day_written(text)
    except NotADay as error:
        raise NotAPoint(str(error)) from None
