"""The registers: scope, items, regressions, and the age of the latest statement."""

from datetime import date

from service.domain.assertion import EventModel
from service.domain.history import StreamAtPoint
from service.domain.irritant.state import Irritant
from service.projections import registers
from tests.build import (
    FIRST_REPORT,
    STREAMS,
    Filed,
    contested,
    discussed,
    evidence,
    exchanged,
    item_added,
    item_changed,
    opened,
    reopened,
    retracted,
    reversed_to,
    settled,
)
from tests.projections.seeds import seeded

IRRITANT = STREAMS["irritant"]


def reading(*events: EventModel) -> StreamAtPoint[Irritant]:
    return Filed().file(IRRITANT, opened(), *events).reading(IRRITANT)


def test_the_registers_of_the_seeds() -> None:
    found = registers.view(**seeded().readings(), on=date(2025, 6, 1))
    assert [(e.subject, e.backing.said_by, e.backing.origins) for e in found.scope] == [
        ("ukraine", ("US",), 2),
        ("general-normalisation", ("US",), 1),
    ]
    assert [(i.item, i.status) for i in found.items] == [
        ("killenworth", "outstanding"),
        ("pioneer-point", "outstanding"),
        ("consulate-san-francisco", "outstanding"),
        ("consulate-seattle", "outstanding"),
        ("trade-mission-washington", "outstanding"),
        ("trade-mission-new-york", "outstanding"),
    ]
    assert found.regressions == ()
    assert {s.irritant: (s.earliest, s.days_since_occurred) for s in found.staleness} == {
        "ru-us/banking-access": (date(2025, 4, 10), 52),
        "ru-us/diplomat-movement": (date(2025, 4, 10), 52),
        "ru-us/direct-flights": (date(2025, 2, 27), 94),
        "ru-us/property-return": (date(2025, 4, 10), 52),
        "ru-us/visas": (date(2025, 4, 10), 52),
    }


def test_an_item_has_who_lists_it_and_its_valid_statements() -> None:
    changed = item_changed("house", "US", "partly", channel="attributed")
    (item,) = registers.items(
        reading(
            item_added("house", kind="estate", place="Long Island"),
            evidence("e2", "RU"),
            item_changed("house", "RU"),
            changed,
            contested("e5", "US"),
        )
    )
    assert (item.kind, item.name, item.place, item.status) == ("estate", "house", "Long Island", "settled")
    assert (item.listed.said_by, [cited.event for cited in item.said]) == (("RU",), ["e4"])


def test_a_regression_has_both_rungs_and_who_says_so() -> None:
    (fall,) = registers.regressions(
        reading(
            exchanged("RU", on="2025-03-01"),
            reversed_to("raised", "MEDIA", on="2025-03-15"),
            reversed_to("in_talks", "RU", by="US", on="2025-04-01", reason="Nothing came of it."),
        )
    )
    assert fall.model_dump(exclude={"backing"}) == {
        "irritant": "ru-us/banking-access",
        "event": "e4",
        "type": "ProgressReversed",
        "party": "RU",
        "by": "US",
        "before": "formalised",
        "to": "in_talks",
        "reason": "Nothing came of it.",
        "occurred": "2025-04-01",
    }
    assert fall.backing.said_by == ("RU",)


def test_a_reopening_is_a_regression() -> None:
    (fall,) = registers.regressions(
        reading(settled("JOINT", on="2025-03-01"), reopened("RU", "in_talks", on="2025-04-01"))
    )
    assert (fall.type, fall.before, fall.to) == ("IrritantReopened", "resolved", "in_talks")


def test_a_retraction_is_no_regression() -> None:
    assert list(registers.regressions(reading(exchanged("RU"), retracted("e2")))) == []


def test_the_latest_statement_is_the_latest_by_date_of_event() -> None:
    filed = Filed().file(IRRITANT, opened(), exchanged("RU", on="[2025-04-10..]"))
    filed.file(IRRITANT, discussed("US", on="2025-02-27"))
    old = registers.staleness(filed.reading(IRRITANT), date(2025, 5, 11))
    assert (old.event, old.occurred, old.earliest, old.days_since_occurred) == (
        "e2",
        "[2025-04-10..]",
        date(2025, 4, 10),
        31,
    )
    assert (old.recorded_at, old.days_since_recorded) == (FIRST_REPORT.replace(hour=13), 10)


def test_days_since_the_latest_statement_need_a_day_and_a_statement() -> None:
    spoken = registers.staleness(reading(discussed("RU", on="2025-02-27")))
    assert (spoken.days_since_occurred, spoken.days_since_recorded) == (None, None)
    unspoken = registers.staleness(reading(), date(2025, 5, 11))
    assert (unspoken.event, unspoken.recorded_at, unspoken.days_since_recorded) == (None, None, None)
