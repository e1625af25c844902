"""The difference between two readings of an irritant: before, after, and the reason for each event."""

from datetime import date

from service.projections import difference
from service.projections.difference import DifferenceDocument
from tests.build import (
    Filed,
    corrected,
    discussed,
    evidence,
    exchanged,
    opened,
    position_stated,
    raised,
    retracted,
    understood,
)
from tests.projections.seeds import seeded

VISAS = "irritant/ru-us/visas"


def between(filed: Filed, before: int, after: int) -> DifferenceDocument:
    history = filed.history(VISAS)
    return difference.view(history.as_of(before).reading(), history.as_of(after).reading())


def why(found: DifferenceDocument) -> list[tuple[str, str, str]]:
    return [(event.event, event.only_in, event.reason) for event in found.events]


def test_the_interview_block_is_explained_event_by_event() -> None:
    seeds = seeded()
    before, after = seeds.readings(seeds.before("08-interview")), seeds.readings()
    (only,) = difference.of_relation("ru-us", before["irritants"], after["irritants"]).items
    assert (only.irritant, only.before and only.before.status, only.after and only.after.status) == (
        "ru-us/property-return",
        "unstated",
        "proposed",
    )
    (event,) = only.events
    assert (event.type, event.only_in, event.reason) == ("ProposalTabled", "after", "world")
    assert (
        set(event.changed)
        == set(only.changed)
        == {
            "headline",
            "status",
            "basis",
            "origins",
            "trend",
            "awaiting",
            "rungs",
        }
    )


def test_each_event_has_its_reason() -> None:
    filed = Filed().file(VISAS, opened(), understood("RU", on="2025-04-10"))
    filed.file(VISAS, exchanged("RU", on="2025-05-01")).file(VISAS, discussed("US", on="2025-02-01"))
    filed.file(VISAS, evidence("e2", "US")).file(VISAS, corrected("e2", wording="agreed"))
    filed.file(VISAS, retracted("e3"))
    found = between(filed, 2, 7)
    assert why(found) == [
        ("e3", "after", "world"),
        ("e4", "after", "new_evidence"),
        ("e5", "after", "new_evidence"),
        ("e6", "after", "correction"),
        ("e7", "after", "retraction"),
    ]
    assert [event.target for event in found.events] == [None, None, "e2", "e2", "e3"]


def test_an_event_retracted_in_between_is_listed_without_a_change() -> None:
    filed = Filed().file(VISAS, opened()).file(VISAS, exchanged("RU")).file(VISAS, retracted("e2"))
    found = between(filed, 1, 3)
    assert (found.changed, why(found)) == ((), [("e2", "after", "world"), ("e3", "after", "retraction")])


def test_an_event_without_effect_is_listed_without_changes() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU")).file(VISAS, position_stated("RU"))
    found = between(filed, 2, 3)
    assert (found.changed, [event.changed for event in found.events]) == ((), [()])


def test_a_reading_does_not_differ_from_itself() -> None:
    found = between(Filed().file(VISAS, opened(), raised("RU")), 2, 2)
    assert (found.changed, found.events) == ((), ())


def test_before_the_opening_the_state_is_null() -> None:
    found = between(Filed().file(VISAS, opened(), raised("RU")), 0, 2)
    assert (found.before, found.after and found.after.status) == (None, "raised")


def test_two_days_of_the_world_differ_by_the_events_between_them() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU"), discussed("RU", on="2025-02-27"))
    filed.file(VISAS, exchanged("US", on="2025-04-10"))
    history = filed.history(VISAS)
    march, may = history.reading(date(2025, 3, 1)), history.reading(date(2025, 5, 1))
    found = difference.view(march, may)
    assert why(found) == [("e4", "after", "world")]
    assert found.events[0].changed == ("headline", "status", "confirmed_status", "reported_status", "rungs")
    assert why(difference.view(may, march)) == [("e4", "before", "world")]


def test_a_difference_from_later_to_earlier_is_reversed() -> None:
    filed = Filed().file(VISAS, opened(), raised("RU")).file(VISAS, discussed("RU"))
    found = between(filed, 3, 2)
    assert (found.changed, why(found)) == (
        ("headline", "status", "reported_status", "rungs"),
        [("e3", "before", "world")],
    )


def test_a_later_retraction_is_listed_without_its_target() -> None:
    filed = Filed().file(VISAS, opened()).file(VISAS, exchanged("RU")).file(VISAS, retracted("e2"))
    found = between(filed, 2, 3)
    assert (found.changed, why(found)) == (
        ("headline", "status", "reported_status", "basis", "origins", "trend", "rungs"),
        [("e3", "after", "retraction")],
    )


def test_an_irritant_opened_between_two_rounds_has_no_earlier_state() -> None:
    reading = Filed().file(VISAS, opened()).reading(VISAS)
    (opened_since,) = difference.of_relation("ru-us", [], [reading]).items
    assert (opened_since.before, why(opened_since)) == (None, [("e1", "after", "world")])
    assert difference.of_relation("ru-us", [reading], [reading]).items == ()
