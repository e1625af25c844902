"""A reading by day: what counts by then, above all of assertions that have no date at all."""

from datetime import date
from typing import Any

import pytest

from tests.build import (
    STREAMS,
    announced,
    contested,
    discussed,
    evidence,
    excluded,
    given,
    opened,
    raised,
    relation_opened,
    understood,
)

PUBLISHED = {("a0", "us-statement"): date(2025, 5, 20)}


def read(*events: Any, on: str, dates: Any = PUBLISHED, certain: bool = False) -> list[str]:
    """The ids of what counts by a day."""
    told = given(*events)
    reading = told.filed.history(told.stream).reading(date.fromisoformat(on), certain=certain, dates=dates)
    return [effect.id for effect in reading.effects]


@pytest.mark.parametrize(("on", "counts"), [("2025-05-19", ["e1"]), ("2025-05-20", ["e1", "e2"])])
def test_an_undated_assertion_counts_from_the_day_of_what_it_cites(on: str, counts: list[str]) -> None:
    assert read(opened(), raised("US"), on=on) == counts


def test_an_undated_assertion_that_cites_nothing_dated_counts_always() -> None:
    assert read(opened(), raised("US"), on="1950-01-01", dates={}) == ["e1", "e2"]
    assert read(opened(), raised("RU"), on="1950-01-01") == ["e1", "e2"]


@pytest.mark.parametrize("dated", ["2025-05-01", "[..2025-06-01]"])
def test_an_assertion_with_a_date_counts_by_that_date(dated: str) -> None:
    assert read(opened(), raised("US", on=dated), on="2025-05-01") == ["e1", "e2"]


def test_what_repeats_or_denies_an_undated_assertion_does_not_count_before_it() -> None:
    told = [opened(), raised("US"), evidence("e2", "RU"), contested("e2", "RU", on="2025-05-01")]
    assert read(*told, on="2025-05-19") == ["e1"]
    assert read(*told, on="2025-05-20") == ["e1", "e2", "e3", "e4"]


def test_what_comes_after_an_undated_assertion_counts_by_its_own_date() -> None:
    told = [opened(), raised("US"), discussed("RU", on="2025-05-01", after="e2")]
    assert read(*told, on="2025-05-19") == ["e1", "e3"]


def test_an_undated_assertion_is_no_earlier_than_what_it_names() -> None:
    told = [opened(), discussed("RU", on="2025-06-01"), understood("US", after="e2")]
    assert read(*told, on="2025-05-31") == ["e1"]
    assert read(*told, on="2025-06-01") == ["e1", "e2", "e3"]


def test_an_undated_assertion_had_certainly_happened_when_it_was_recorded() -> None:
    assert read(opened(), raised("US"), on="2025-04-30", certain=True) == ["e1"]
    assert read(opened(), raised("US"), on="2025-05-01", certain=True) == ["e1", "e2"]


@pytest.mark.parametrize(
    "told", [[announced("US")], [relation_opened(), excluded("US", "ukraine")]], ids=["round", "relation"]
)
def test_rounds_and_talks_are_read_by_the_same_rule(told: list[Any]) -> None:
    assert len(read(*told, on="2025-05-20")) - len(read(*told, on="2025-05-19")) == 1


def test_without_a_day_all_of_it_counts() -> None:
    assert len(given(opened(), raised("US")).filed.history(STREAMS["irritant"]).reading(dates=PUBLISHED).effects) == 2
