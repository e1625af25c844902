"""Which round an event belongs to: by the report that it was filed in, and by its date."""

from datetime import date
from typing import Any

import pytest

from service.domain.round.membership import Membership, membership
from tests.build import (
    Filed,
    announced,
    cancelled,
    concluded,
    convened,
    corrected,
    discussed,
    evidence,
    opened,
    raised,
    relation_opened,
    report_attributed,
    retracted,
    scheduled,
    understood,
)

VISAS, TALKS = "irritant/ru-us/visas", "relation/ru-us"
FEBRUARY, APRIL, JUNE = "ru-us/february", "ru-us/april", "ru-us/june"


def rounds(**days: str) -> Filed:
    """A record of rounds that met on these days, filed in this order."""
    filed = Filed().file(TALKS, relation_opened())
    for name, day in days.items():
        filed.file(f"round/ru-us/{name}", convened("MEDIA", on=day))
    return filed


THREE = {"february": "2025-02-27", "april": "2025-04-10/2025-04-12", "june": "2025-06-10"}


def members(filed: Filed, round_of: dict[str, str] | None = None) -> Membership:
    streams = sorted({e.stream for e in filed.events if e.stream.startswith("round/")})
    return membership([filed.reading(stream) for stream in streams], filed.reading(TALKS), round_of)


def belongs(on: str | None, named: str | None = None) -> str | None:
    """The round that an assertion of that date belongs to, filed in a report on that round."""
    filed = rounds(**THREE).file(VISAS, raised("RU", on=on))
    found = members(filed, {f"r{filed.reports}": named} if named else {})
    return found.round_of(filed.reading(VISAS).effects[0])


@pytest.mark.parametrize(
    ("on", "round"),
    [
        ("2025-04-12", APRIL),
        ("2025-04-30", APRIL),
        ("[2025-04-10..]", APRIL),
        ("[2025-02-27..2025-04-10]", APRIL),
        (None, APRIL),
        ("[..2025-04-10]", APRIL),
        ("2025-04-09", None),
        ("2025-02-27", FEBRUARY),
        ("2025-06-10", JUNE),
        ("[2025-06-10..]", JUNE),
        ("2025-07-01", JUNE),
        ("2025-06-09", APRIL),
    ],
)
def test_events_of_a_report_that_names_a_round_belong_to_it(on: str | None, round: str | None) -> None:
    """Except those dated wholly before it began, and those dated on or after a later round."""
    assert belongs(on, APRIL) == round


@pytest.mark.parametrize(
    ("on", "round"),
    [
        ("2025-02-27", FEBRUARY),
        ("2025-04-11", APRIL),
        ("2025-04-10/2025-04-12", APRIL),
        ("2025-04-13", None),
        ("[2025-04-10..]", None),
        ("[2025-02-27..2025-04-10]", None),
        ("2025-04", None),
        (None, None),
    ],
)
def test_events_of_other_reports_belong_to_the_round_on_whose_days_they_lie(on: str | None, round: str | None) -> None:
    assert belongs(on) == round


def test_a_round_is_over_before_another_begins_on_its_last_day() -> None:
    filed = rounds(april="2025-04-10/2025-04-12", next="2025-04-12").file(VISAS, raised("RU", on="2025-04-12"))
    assert members(filed, {"r4": APRIL}).round_of(filed.reading(VISAS).effects[0]) == APRIL


@pytest.mark.parametrize("taken_back", [cancelled, None])
def test_a_round_that_did_not_take_place_is_no_later_round(taken_back: Any) -> None:
    filed = rounds(april="2025-04-10").file("round/ru-us/june", scheduled("RU", "2025-06-10", on="2025-05-01"))
    if taken_back:
        filed.file("round/ru-us/june", taken_back("RU", on="2025-05-02"))
    filed.file(VISAS, raised("RU", on="2025-06-11"))
    assert members(filed, {f"r{filed.reports}": APRIL}).round_of(filed.reading(VISAS).effects[0]) == APRIL


def test_a_report_on_a_round_that_has_not_met_belongs_to_it() -> None:
    filed = (
        rounds(april="2025-04-10").file("round/ru-us/june", announced("RU")).file(VISAS, raised("RU", on="2025-04-10"))
    )
    assert members(filed, {"r4": JUNE}).round_of(filed.reading(VISAS).effects[0]) == JUNE


def statuses(filed: Filed, found: Membership, *names: str) -> list[tuple[int, int]]:
    """The claimed status before and after each round."""
    reading = filed.reading(VISAS)
    return [(found.before(name, reading).state.status, found.after(name, reading).state.status) for name in names]


def test_a_reading_before_a_round_and_after_it_differ_by_what_belongs_to_it() -> None:
    filed = rounds(**THREE).file(VISAS, opened(), raised("US"), discussed("RU", on="2025-02-27"))
    filed.file(VISAS, understood("RU", on="2025-05-20")).file(VISAS, raised("RU", on="2025-06-10"))
    assert statuses(filed, members(filed, {"r6": APRIL}), FEBRUARY, APRIL, JUNE) == [(1, 3), (3, 4), (4, 4)]
    assert statuses(filed, members(filed), FEBRUARY, APRIL, JUNE) == [(1, 3), (3, 3), (4, 4)]


def test_evidence_belongs_to_the_round_of_its_own_report_and_never_comes_before_its_target() -> None:
    filed = (
        rounds(**THREE).file(VISAS, opened(), discussed("RU", on="[2025-02-27..]")).file(VISAS, evidence("e6", "US"))
    )
    reading = filed.reading(VISAS)
    early, late = members(filed, {"r5": APRIL, "r6": FEBRUARY}), members(filed, {"r5": FEBRUARY, "r6": APRIL})
    assert [len(early.after(name, reading).effects) for name in (FEBRUARY, APRIL)] == [0, 3]
    assert [len(late.after(name, reading).effects) for name in (FEBRUARY, APRIL)] == [2, 3]


@pytest.mark.parametrize(
    ("on", "inferred", "by"),
    [
        ("2025-04-12", None, "date"),
        ("2025-04-12", "By the weekday.", "inferred_date"),
        ("[2025-02-27..2025-04-10]", "At one of the two rounds.", "report"),
        ("[2025-04-10..]", None, "report"),
        ("2025-04-30", None, "report"),
        (None, None, "report"),
        ("2025-02-27", None, "date"),
        ("2025-07-01", None, "later"),
        ("2025-04-09", None, None),
    ],
)
def test_what_is_inferred_or_only_reported_of_a_round_is_known_as_such(
    on: str | None, inferred: str | None, by: str | None
) -> None:
    filed = rounds(**THREE).file(VISAS, raised("RU", on=on, inferred=inferred))
    found = members(filed, {f"r{filed.reports}": APRIL})
    assert found.why(filed.reading(VISAS).effects[0]) == by


def test_a_round_that_may_overlap_the_next_is_not_said_to_be_filed_after_it() -> None:
    found = members(rounds(june="2025-04-10", april="2025-04"))
    assert [meeting.is_late for meeting in found.meetings] == [False, False]
    assert (found.covered_until(APRIL), found.covered_until(JUNE)) == (None, None)


def test_a_round_filed_after_later_ones_is_read_up_to_the_day_before_the_next() -> None:
    filed = rounds(february="2025-02-27", june="2025-06-10", april="2025-04-10")
    filed.file(VISAS, opened(), raised("US", on="2025-04-10"), discussed("RU", on="2025-05-20"))
    filed.file(VISAS, understood("RU", on="2025-06-10"))
    found = members(filed)
    assert found.covered_until(APRIL) == date(2025, 6, 9)
    assert (found.covered_until(FEBRUARY), found.covered_until(JUNE)) == (None, None)
    assert statuses(filed, found, APRIL, JUNE) == [(0, 3), (3, 4)]


def test_without_a_round_nothing_belongs_to_one() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(VISAS, opened(), raised("RU", on="2025-04-10"))
    assert members(filed).round_of(filed.reading(VISAS).effects[1]) is None


# Attribution.


def attributed(*more: Any) -> str | None:
    """The round of an assertion of 20 April that was filed in r5, with these on record of its attribution."""
    filed = rounds(**THREE).file(VISAS, raised("RU", on="2025-04-20"))
    for event in more:
        filed.file(TALKS, event)
    return members(filed, {"r5": FEBRUARY}).round_of(filed.reading(VISAS).effects[0])


def test_an_attribution_changes_the_round_of_a_report() -> None:
    assert attributed() == APRIL  # Dated after the April round, so on no account of the February round.
    assert attributed(report_attributed("r5", "ru-us/june")) is None  # Dated before the June round.
    assert attributed(report_attributed("r5", "ru-us/april")) == APRIL


def test_the_last_attribution_holds() -> None:
    both = [report_attributed("r5", "ru-us/june"), report_attributed("r5", "ru-us/april")]
    assert (attributed(*both), attributed(*reversed(both))) == (APRIL, None)


def test_an_attribution_is_retracted_and_corrected() -> None:
    to_june = report_attributed("r5", "ru-us/june")
    assert attributed(to_june, retracted("e6")) == APRIL
    assert attributed(to_june, corrected("e6", round="ru-us/april")) == APRIL


def test_two_rounds_of_several_days_that_end_on_one_are_both_there() -> None:
    filed = rounds(one="2025-04-10/2025-04-12").file(
        "round/ru-us/two", convened("RU", on="2025-04-11"), concluded("RU")
    )
    assert [m.id for m in members(filed).meetings] == ["ru-us/two", "ru-us/one"]
