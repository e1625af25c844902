"""The rounds of a relation as a calendar that any client can subscribe to (RFC 5545).

Only a round whose days are known appears: one day, or a period from one day to another. A calendar has no way to say
"between February and April", and a guessed day would be read as a fact. What is uncertain of such a round is said in
words, and by TENTATIVE. An entry of one day has no end: it lasts the day on which it begins.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import Final

from service.projections.round import RoundDocument

NAME: Final = "calendar"
REPRESENTATION: Final = 3
MEDIA_TYPE: Final = "text/calendar"

_OCTETS: Final = 75
# RFC 5545 wants at least one component in a calendar, and strict readers refuse one without. This one shows nothing.
_NO_ENTRIES: Final = (
    "BEGIN:VTIMEZONE",
    "TZID:Etc/UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "TZNAME:UTC",
    "END:STANDARD",
    "END:VTIMEZONE",
)
_ESCAPED: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_QUALIFIED: Final = {"exact": "", "at_least": "at least ", "about": "about "}


def view(relation: str, rounds: Iterable[RoundDocument]) -> str:
    """The calendar of these rounds, by day. The same rounds give the same text, whenever it is asked for."""
    dated = sorted((r for r in rounds if _on_known_days(r)), key=lambda r: (str(r.earliest), r.id))
    entries = [line for round in dated for line in _event(round)]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//irritants//rounds//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{_text(f'Rounds {relation}')}",
        f"X-WR-CALNAME:{_text(f'Rounds {relation}')}",
        *(entries or _NO_ENTRIES),
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


_PERIOD: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _on_known_days(round: RoundDocument) -> bool:
    """One day or a period of whole days, and not qualified: about the tenth is no day for a calendar."""
    if round.date is None or set(round.date) & set("?~%") or round.earliest is None or round.latest is None:
        return False
    return round.earliest == round.latest or _PERIOD.fullmatch(round.date) is not None


def _event(round: RoundDocument) -> Iterator[str]:
    assert round.earliest is not None  # only rounds of known days come here, and only recorded ones have a day
    assert round.latest is not None
    assert round.recorded_at is not None
    yield "BEGIN:VEVENT"
    yield f"UID:{round.id}@irritants"
    yield f"DTSTAMP:{round.recorded_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{round.version}"
    yield f"DTSTART;VALUE=DATE:{_day(round.earliest)}"
    if round.latest > round.earliest and round.latest < date.max:
        yield f"DTEND;VALUE=DATE:{_day(round.latest + timedelta(1))}"  # the first day after it
    yield f"SUMMARY:{_text(_summary(round))}"
    if where := ", ".join(part for part in (round.venue, round.place) if part):
        yield f"LOCATION:{_text(where)}"
    yield f"DESCRIPTION:{_text(_description(round))}"
    yield f"STATUS:{_status(round)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _day(day: date) -> str:
    # Not strftime: it writes years before 1000 with fewer than four digits.
    return str(day).replace("-", "")


def _summary(round: RoundDocument) -> str:
    return f"{round.relation.upper()} round {round.phase}" + (f": {round.place}" if round.place else "")


def _status(round: RoundDocument) -> str:
    if round.phase == "cancelled":
        return "CANCELLED"
    if round.phase == "scheduled" and (round.preliminary or not round.standing):
        return "TENTATIVE"
    return "CONFIRMED"


def _description(round: RoundDocument) -> str:
    said_by = " and ".join(round.standing) or "media only"
    sentences = [f"{round.phase.capitalize()} according to {said_by}."]
    if round.contested_by:
        sentences.append(f"Contested by {' and '.join(round.contested_by)}.")
    if round.duration:
        hours = round.duration.hours
        sentences.append(f"Lasted {_QUALIFIED[round.duration.qualifier]}{hours} {'hour' if hours == 1 else 'hours'}.")
    if _day_is_inferred(round):
        sentences.append("The date is inferred, not stated.")
    return "\n".join(sentences)


def _day_is_inferred(round: RoundDocument) -> bool:
    dating = (cited for step in round.course for cited in step.backing.evidence if cited.occurred == round.date)
    return any(cited.occurred_basis == "inferred" for cited in dating)


def _text(value: str) -> str:
    return value.translate(_ESCAPED)


def _folded(line: str) -> str:
    """No line longer than 75 octets; what goes on begins with a space. Never inside a character."""
    folded, width = [], 0
    for character in line:
        octets = len(character.encode())
        if width + octets > _OCTETS:
            folded.append("\r\n ")
            width = 1
        folded.append(character)
        width += octets
    return "".join(folded)
