"""The rounds of a relation as a calendar (iCalendar, RFC 5545): `GET /v1/relations/{relation}/calendar.ics`.

A round is in it if its days are known: one day, or a period from one day to another. iCalendar cannot express
"between February and April", and readers would take a guessed day for a fact. The status TENTATIVE and the description
say what is uncertain. An entry of one day has no DTEND, because RFC 5545 then assumes that it lasts one day.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import Final

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.countries import parties_of
from service.projections.round import RoundDocument
from service.projections.words.bidi import isolated
from service.projections.words.names import at_the_beginning, joined, name_of

NAME: Final = "calendar"
REPRESENTATION: Final = 6
MEDIA_TYPE: Final = "text/calendar"

_OCTETS: Final = 75
# RFC 5545 requires at least one component, and strict clients refuse a calendar without any.
# Clients do not show this one.
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


def view(relation: str, rounds: Iterable[RoundDocument], names: ActorNames = NO_NAMES, reading: str = "") -> str:
    """Return the calendar of these rounds, sorted by day. The same rounds always give the same text.

    `reading` is the sentence on a reading of the past.
    """
    sides = joined([name_of(party, names) for party in parties_of(relation)])
    dated = sorted((r for r in rounds if _on_known_days(r)), key=lambda r: (str(r.earliest), r.id))
    entries = [line for round in dated for line in _event(round)]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//irritants//rounds//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{_text(f'Rounds of {sides}')}",
        f"X-WR-CALNAME:{_text(f'Rounds of {sides}')}",
        *([f"DESCRIPTION:{_text(reading)}", f"X-WR-CALDESC:{_text(reading)}"] if reading else ()),
        *(entries or _NO_ENTRIES),
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


_PERIOD: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _on_known_days(round: RoundDocument) -> bool:
    """Return whether the date is one day or a period of whole days, without a mark such as `about`."""
    if round.date is None or set(round.date) & set("?~%") or round.earliest is None or round.latest is None:
        return False
    return round.earliest == round.latest or _PERIOD.fullmatch(round.date) is not None


def _event(round: RoundDocument) -> Iterator[str]:
    assert round.earliest is not None  # a round on known days has all three
    assert round.latest is not None
    assert round.recorded_at is not None
    yield "BEGIN:VEVENT"
    yield f"UID:{round.id}@irritants"
    yield f"DTSTAMP:{round.recorded_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{round.version}"
    yield f"DTSTART;VALUE=DATE:{_day(round.earliest)}"
    if round.latest > round.earliest and round.latest < date.max:
        yield f"DTEND;VALUE=DATE:{_day(round.latest + timedelta(1))}"  # DTEND is the first day after the event
    yield f"SUMMARY:{_text(_summary(round))}"
    if where := ", ".join(part for part in (round.venue, round.place) if part):
        yield f"LOCATION:{_text(where)}"
    yield f"DESCRIPTION:{_text(_description(round))}"
    yield f"STATUS:{_status(round)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _day(day: date) -> str:
    # strftime would write years before 1000 with fewer than four digits.
    return str(day).replace("-", "")


def _summary(round: RoundDocument) -> str:
    sides = at_the_beginning(_called(round, parties_of(round.relation)))
    named = ", ".join(part for part in (round.title, round.place) if part)
    return f"{sides}, round {round.phase}" + (f": {named}" if named else "")


def _called(round: RoundDocument, actors: Iterable[str]) -> str:
    return joined([round.names.get(actor) or name_of(actor) for actor in actors])


def _status(round: RoundDocument) -> str:
    if round.phase == "cancelled":
        return "CANCELLED"
    if round.phase == "scheduled" and (round.preliminary or not round.standing):
        return "TENTATIVE"
    return "CONFIRMED"


def _description(round: RoundDocument) -> str:
    by = round.phase_by or ("none",)
    alone = " alone" if round.phase_by and not round.standing else ""
    sentences = [f"{round.phase.capitalize()} according to {_called(round, by)}{alone}."]
    if round.contested_by:
        sentences.append(f"Denied by {_called(round, round.contested_by)}.")
    sentences += [f"In dispute: {dispute.why}" for dispute in round.disputes if dispute.kind != "claim"]
    if round.duration:
        hours = round.duration.hours
        sentences.append(f"Lasted {_QUALIFIED[round.duration.qualifier]}{hours} {'hour' if hours == 1 else 'hours'}.")
    if _day_is_inferred(round):
        sentences.append("The date is inferred, not stated.")
    return "\n".join(sentences)


def _day_is_inferred(round: RoundDocument) -> bool:
    """Return whether an operator inferred the date of the round, because no document states it."""
    days = (round.date or "").split("/") if round.date else []
    dating = (c for step in round.course for c in step.backing.evidence if c.occurred in (round.date, *days))
    return any(cited.occurred_basis == "inferred" for cited in dating)


def _text(value: str) -> str:
    return isolated(value).translate(_ESCAPED)


def _folded(line: str) -> str:
    """Return a line folded after at most 75 octets, never inside a character. Each further line begins with a space."""
    folded, width = [], 0
    for character in line:
        octets = len(character.encode())
        if width + octets > _OCTETS:
            folded.append("\r\n ")
            width = 1
        folded.append(character)
        width += octets
    return "".join(folded)
