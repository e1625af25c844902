"""Points in time as people write them: days, times, positions and rounds."""

from datetime import date

import pytest

from service.readouts import points
from service.readouts.dates import NotADay, day_written


@pytest.mark.parametrize(
    "text",
    [
        "6 June 2025",
        " 6.6.2025 ",
        "06.06.2025",
        "2025-06-06",
        "June 6, 2025",
        "6 june 2025",
        "6th June 2025",
        "6 июня 2025",
        "6/6/2025",
    ],
)
def test_a_day_is_read_as_people_write_it(text: str) -> None:
    assert day_written(text) == date(2025, 6, 6)


def test_numbers_that_mean_one_day_in_either_order_are_read() -> None:
    assert day_written("25/6/2025") == day_written("6/25/2025") == date(2025, 6, 25)


def test_may_is_a_month_in_small_letters_too() -> None:
    assert day_written("may 6, 2025") == day_written("6 may 2025") == date(2025, 5, 6)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("6/7/2025", "could be 6 July 2025 or 7 June 2025"),
        ("6.6.25", "has a year of two digits"),
        ("31/31/2025", "must be a day"),
        ("June 2025", "this is a whole month"),
        ("6 June", "has no year"),
        ("soon", "must be a day, such as 6 June 2025"),
        ("31 February 2025", "must be a day"),
        ("", "must be a day"),
        ("from 6 June 2025", "must be a day"),
    ],
)
def test_what_is_not_one_day_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(NotADay, match=why):
        day_written(text)


ROUNDS = {"Istanbul February": "ru-us/istanbul-february"}


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("41", "position:41"),
        ("position:41", "position:41"),
        ("6 June 2025", "known:2025-06-06T00:00:00Z"),
        ("2025-06-06T09:30:00Z", "known:2025-06-06T09:30:00Z"),
        ("istanbul february", "round:ru-us/istanbul-february"),
        ("ru-us/istanbul-february", "round:ru-us/istanbul-february"),
        ("istanbul-february", "round:istanbul-february"),
        ("round:istanbul-february", "round:istanbul-february"),
    ],
)
def test_a_point_is_a_day_a_time_a_position_or_a_round(text: str, point: str) -> None:
    assert points.since(text, ROUNDS) == point


@pytest.mark.parametrize(("text", "why"), [("soon", "must be a day, a position or a round"), ("6 June", "has no year")])
def test_what_is_no_point_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(points.NotAPoint, match=why):
        points.since(text)


def test_a_compared_day_is_effective_or_known() -> None:
    assert points.effective_on("6.6.2025") == "effective:2025-06-06"
    assert points.known_since("6.6.2025") == "known:2025-06-06T00:00:00Z"
    with pytest.raises(points.NotAPoint):
        points.known_since("6.6.")
