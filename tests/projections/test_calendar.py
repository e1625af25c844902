"""The rounds of a relation as iCalendar, parsed as a client would parse it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st
from icalendar import Calendar

from service.projections.formats.calendar import view
from service.projections.round import RoundDocument
from service.projections.round import view as round_view
from service.projections.words.bidi import isolated
from tests.build import (
    Filed,
    announced,
    cancelled,
    concluded,
    contested,
    convened,
    evidence,
    postponed,
    scheduled,
    venue_named,
)
from tests.strategies import records

APRIL, MAY = "round/ru-us/istanbul-april", "round/ru-us/may"


def document(*events: Any, stream: str = APRIL) -> RoundDocument:
    filed = Filed()
    for event in events:
        filed.file(stream, event)
    return round_view(filed.reading(stream))


def read(*rounds: RoundDocument) -> list[dict[str, Any]]:
    """Return the properties of each entry as a client reads them."""
    events = Calendar.from_ical(view("ru-us", rounds)).walk("VEVENT")
    return [{str(k): (str(v) if isinstance(v, str) else getattr(v, "dt", v)) for k, v in e.items()} for e in events]


def test_a_round_is_an_entry_of_one_day_in_standard_lines() -> None:
    held = document(
        convened("MEDIA", on="2025-04-10", inferred="No text gives the year."),
        evidence("e1", "RU"),
        venue_named("MEDIA", "Consulate General of Russia", on="2025-04-10"),
        concluded("RU", 5, "at_least", on="2025-04-10"),
    )
    assert view("ru-us", [held]).split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//irritants//rounds//EN",
        "CALSCALE:GREGORIAN",
        "NAME:Rounds of Russia and the United States",
        "X-WR-CALNAME:Rounds of Russia and the United States",
        "BEGIN:VEVENT",
        "UID:ru-us/istanbul-april@irritants",
        "DTSTAMP:20250501T150000Z",
        "SEQUENCE:4",
        "DTSTART;VALUE=DATE:20250410",
        "SUMMARY:Russia and the United States\\, round concluded: Istanbul",
        "LOCATION:Consulate General of Russia\\, Istanbul",
        "DESCRIPTION:Concluded according to Russia.\\nLasted at least 5 hours.\\nThe d",
        " ate is inferred\\, not stated.",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_a_client_reads_what_the_round_says() -> None:
    (entry,) = read(
        document(scheduled("RU", "2025-05-01", "Moscow; the Kremlin, or nearby"), venue_named("RU", "A\\B"))
    )
    assert entry == {
        "UID": "ru-us/istanbul-april@irritants",
        "DTSTAMP": datetime(2025, 5, 1, 13, tzinfo=UTC),
        "SEQUENCE": 2,
        "DTSTART": date(2025, 5, 1),
        "SUMMARY": "Russia and the United States, round scheduled: Moscow; the Kremlin, or nearby",
        "LOCATION": "A\\B, Moscow; the Kremlin, or nearby",
        "DESCRIPTION": "Scheduled according to Russia.",
        "STATUS": "CONFIRMED",
        "TRANSP": "TRANSPARENT",
    }


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ([scheduled("RU", "2025-05-01")], "CONFIRMED"),
        ([scheduled("MEDIA", "2025-05-01")], "TENTATIVE"),
        ([announced("RU", preliminary=True), scheduled("MEDIA", "2025-05-01")], "TENTATIVE"),
        ([announced("RU", preliminary=True), scheduled("US", "2025-05-01")], "CONFIRMED"),
        ([scheduled("RU", "2025-05-01"), contested("e1", "RU")], "TENTATIVE"),
        ([convened("MEDIA", on="2025-05-01")], "CONFIRMED"),
        ([concluded("MEDIA", on="2025-05-01")], "CONFIRMED"),
        ([scheduled("RU", "2025-05-01"), cancelled("US")], "CANCELLED"),
        ([scheduled("RU", "2025-05-01"), cancelled("MEDIA")], "CONFIRMED"),
    ],
)
def test_the_status_of_an_entry_depends_on_who_confirms_its_day(history: Any, status: str) -> None:
    assert [entry["STATUS"] for entry in read(document(*history))] == [status]


@pytest.mark.parametrize(
    "history",
    [
        [],
        [announced("RU", on="2025-04-10")],
        [scheduled("RU", "2025-05")],
        [scheduled("RU", "[2025-05-01..2025-05-03]")],
        [scheduled("RU", "[2025-05-01..]")],
        [scheduled("RU", "2025-05-01/..")],
        [scheduled("RU", "2025-05-01~")],
        [scheduled("RU", "2025-05-01?")],
        [scheduled("RU", "2025-05-01"), postponed("RU")],
        [convened("MEDIA")],
    ],
)
def test_a_round_without_known_days_never_appears(history: Any) -> None:
    assert read(document(*history)) == []


def test_a_round_of_several_days_is_one_entry() -> None:
    (entry,) = read(document(scheduled("RU", "2025-05-01/2025-05-02")))
    assert (entry["DTSTART"], entry["DTEND"]) == (date(2025, 5, 1), date(2025, 5, 3))


def test_a_round_that_began_on_one_day_and_ended_on_another_is_there_whole() -> None:
    (entry,) = read(document(convened("RU", on="2025-04-10", inferred="The year."), concluded("US", on="2025-04-12")))
    assert (entry["DTSTART"], entry["DTEND"]) == (date(2025, 4, 10), date(2025, 4, 13))
    assert entry["DESCRIPTION"] == "Concluded according to the United States.\nThe date is inferred, not stated."


def test_a_round_that_met_on_a_period_is_there_whole() -> None:
    (entry,) = read(document(convened("MEDIA", on="2025-04-30/2025-05-01")))
    assert (entry["DTSTART"], entry["DTEND"]) == (date(2025, 4, 30), date(2025, 5, 2))


@pytest.mark.parametrize("on", ["[2025-04-10..2025-04-12]", "2025-04-10/..", "2025-04/2025-05"])
def test_a_round_that_met_on_one_of_several_days_never_appears(on: str) -> None:
    assert read(document(convened("RU", on=on))) == []


def test_a_round_that_the_sides_differ_on_says_so() -> None:
    (entry,) = read(document(scheduled("RU", "2025-05-01"), scheduled("US", "2025-05-03")))
    assert entry["DESCRIPTION"] == (
        "Scheduled according to Russia and the United States.\n"
        "In dispute: The United States gives the date 3 May 2025\\; Russia gives another date."
    ).replace("\\;", ";")


def test_a_time_of_day_leaves_the_day() -> None:
    (entry,) = read(document(scheduled("RU", "2025-05-01T23:30:00+03:00")))
    assert entry["DTSTART"] == date(2025, 5, 1)


def test_an_entry_names_who_denies_the_round() -> None:
    (entry,) = read(document(scheduled("RU", "2025-05-01"), contested("e1", "US")))
    assert entry["DESCRIPTION"] == "Scheduled according to Russia.\nDenied by the United States."


@pytest.mark.parametrize(
    ("hours", "qualifier", "words"),
    [
        (1, "exact", "1 hour"),
        (6, "exact", "6 hours"),
        (5, "at_least", "at least 5 hours"),
        (2, "about", "about 2 hours"),
    ],
)
def test_the_length_of_a_round_is_as_exact_as_recorded(hours: int, qualifier: str, words: str) -> None:
    (entry,) = read(document(concluded("MEDIA", hours, qualifier, on="2025-05-01")))
    assert entry["DESCRIPTION"] == f"Concluded according to media alone.\nLasted {words}."


def test_a_later_entry_replaces_an_earlier_one_with_the_same_uid() -> None:
    first = read(document(scheduled("RU", "2025-05-01")))
    later = read(document(scheduled("RU", "2025-05-01"), postponed("RU"), scheduled("RU", "2025-06-01")))
    assert [(e["UID"], e["SEQUENCE"], e["DTSTART"]) for e in (*first, *later)] == [
        ("ru-us/istanbul-april@irritants", 1, date(2025, 5, 1)),
        ("ru-us/istanbul-april@irritants", 3, date(2025, 6, 1)),
    ]


def test_rounds_are_sorted_by_day() -> None:
    april, may = document(convened("RU", on="2025-04-10")), document(scheduled("RU", "2025-05-01"), stream=MAY)
    assert view("ru-us", [may, april]) == view("ru-us", [april, may])
    assert [entry["DTSTART"] for entry in read(may, april)] == [date(2025, 4, 10), date(2025, 5, 1)]


def test_a_calendar_without_rounds_has_only_the_required_component() -> None:
    empty = Calendar.from_ical(view("ru-us", []))
    assert [component.name for component in empty.subcomponents] == ["VTIMEZONE"]
    (zone,) = empty.timezones
    assert zone.to_tz().utcoffset(datetime(2025, 4, 10)) == timedelta(0)  # noqa: DTZ001 -- a time in that zone
    assert read() == read(document(scheduled("RU", "2025-05"))) == []


def test_a_calendar_with_rounds_has_only_entries() -> None:
    calendar = Calendar.from_ical(view("ru-us", [document(scheduled("RU", "2025-05-01"))]))
    assert [component.name for component in calendar.subcomponents] == ["VEVENT"]


def test_an_entry_lasts_one_day() -> None:
    text = view("ru-us", [document(scheduled("RU", day)) for day in ("2025-12-31", "2024-02-28")])
    ends = [(event.start, event.end) for event in Calendar.from_ical(text).events]
    assert ends == [(date(2024, 2, 28), date(2024, 2, 29)), (date(2025, 12, 31), date(2026, 1, 1))]


def test_the_same_rounds_give_the_same_text() -> None:
    rounds = [document(scheduled("RU", "2025-05-01")), document(convened("RU", on="2025-04-10"), stream=MAY)]
    assert view("ru-us", rounds) == view("ru-us", rounds)


@whatever(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), min_size=1, max_size=300).filter(str.strip))
def test_any_place_is_read_back_from_lines_of_at_most_75_octets(place: str) -> None:
    round = document(scheduled("RU", "2025-05-01")).model_copy(update={"place": place})
    assert [entry["LOCATION"] for entry in read(round)] == [isolated(place)]
    assert max(len(line.encode()) for line in view("ru-us", [round]).split("\r\n")) <= 75


@whatever(records("round"))
def test_any_round_has_an_entry_or_none(filed: Filed) -> None:
    text = view("ru-us", [round_view(filed.reading(APRIL))])
    calendar = Calendar.from_ical(text)
    assert len(calendar.subcomponents) == 1
    assert len(calendar.events) <= 1
    assert calendar.errors == []
    assert re.fullmatch("([^\r\n]{1,75}\r\n)+", text)
