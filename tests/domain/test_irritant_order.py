"""The order of the world rather than of filing. Corrections, retractions and evidence."""

import pytest

from service.domain.assertion import EventModel
from service.projections.irritant import IrritantDocument, view
from tests.build import (
    STREAMS,
    Filed,
    Outcome,
    contested,
    corrected,
    discussed,
    evidence,
    exchanged,
    given,
    opened,
    position_stated,
    raised,
    retracted,
    reversed_to,
    settled,
    tabled,
    understood,
)


def saying(*events: EventModel) -> Outcome:
    return given(opened()).when(*events)


def after(*events: EventModel) -> IrritantDocument:
    """Return the irritant after these events, of which the first is `e2`. Each one must be allowed."""
    return view(saying(*events).reading)


def order(*events: EventModel) -> list[str]:
    return [effect.id for effect in saying(*events).reading.effects if effect.id != "e1"]


def said(on: str | None) -> EventModel:
    return position_stated("RU", on=on)


# Order.


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2025-02-27", "2025-04-10"),
        (None, "2025-02-27"),
        ("[..2025-04-10]", "2025-02-27"),
        ("2025-02-27", "[2025-02-27..2025-04-10]"),
        ("2025-02-27", "[2025-02-27..]"),
        ("[2025-02-27..2025-04-10]", "[2025-02-27..]"),
        ("[..2025-04-10]", None),
        ("2025-02", "2025-02-27"),
    ],
)
def test_events_are_ordered_by_earliest_and_then_by_latest(first: str | None, second: str | None) -> None:
    assert order(said(first), said(second)) == ["e2", "e3"]
    assert order(said(second), said(first)) == ["e3", "e2"]


def test_events_of_the_same_dates_are_in_the_order_of_filing() -> None:
    assert order(said("2025-02-27"), said("2025-02-27~"), said("2025-02-27")) == ["e2", "e3", "e4"]


def test_on_the_same_dates_reversals_come_last() -> None:
    assert order(
        exchanged("RU", on="2025-04-10"), reversed_to("raised", on="2025-04-10"), exchanged("US", on="2025-04-10")
    ) == ["e2", "e4", "e3"]


def test_an_event_follows_the_events_that_it_names() -> None:
    it = saying(tabled("RU", on="2025-04-10"), contested("e2", "US", on="2025-03-01"), said("2025-04-01")).reading
    assert [e.id for e in it.effects] == ["e1", "e4", "e2", "e3"]
    denial = it.effects[-1]
    assert (str(denial.earliest), str(denial.latest)) == ("2025-04-10", "2025-04-10")


def test_the_field_after_orders_events_that_dates_cannot() -> None:
    assert order(said(None), said(None), said(None)) == ["e2", "e3", "e4"]
    assert order(position_stated("RU", on="2025-04-10"), said(None), position_stated("RU", after="e2")) == [
        "e3",
        "e2",
        "e4",
    ]


def test_evidence_directly_follows_its_target() -> None:
    assert order(said("[2025-04-10..]"), contested("e2", "RU", on="2025-04-10"), evidence("e2", "US")) == [
        "e2",
        "e4",
        "e3",
    ]


def test_a_late_report_is_read_at_the_place_of_its_date() -> None:
    late = [exchanged("RU", on="2025-04-10"), discussed("RU", on="2025-02-27")]
    assert after(*late).last_moved.occurred == "2025-04-10"


# Corrections and retractions.


def test_a_corrected_event_reads_as_if_it_had_always_been_so() -> None:
    it = after(
        exchanged("RU", on="2025-04-10"),
        reversed_to("raised", "RU", on="2025-05-01"),
        corrected("e3", to="understanding"),
    )
    assert (it.status, it.regressions) == ("understanding", 1)


def test_a_corrected_date_moves_the_event() -> None:
    fell = [exchanged("RU", on="2025-04-10"), reversed_to("raised", "RU", on="2025-05-01")]
    mended = corrected("e2", occurred="2025-05-02")
    assert (after(*fell).status, after(*fell, mended).status) == ("raised", "formalised")
    assert order(*fell, mended) == ["e3", "e2"]


def test_one_field_of_the_asserter_can_be_corrected_alone() -> None:
    it = after(understood("RU", channel="quote"), corrected("e2", asserted_by={"channel": "attributed"}))
    assert (it.parties["RU"].rung, it.basis) == ("understanding", "attributed")


def test_corrections_merge_and_the_last_wins() -> None:
    it = after(
        understood("RU", wording="committed", on="2025-04-10"),
        corrected("e2", occurred="2025-04-11", wording="agreed"),
        corrected("e2", wording="understood"),
    )
    assert (it.parties["RU"].wording, it.parties["RU"].since) == ("understood", "2025-04-11")


def test_a_correction_of_a_correction_replaces_it() -> None:
    it = after(
        understood("RU", wording="committed", on="2025-04-10"),
        corrected("e2", occurred="2025-04-11", wording="agreed"),
        corrected("e3", wording="understood"),
    )
    assert (it.parties["RU"].wording, it.parties["RU"].since) == ("understood", "2025-04-10")


def test_a_correction_of_a_retracted_correction_has_no_effect() -> None:
    said = understood("RU", wording="committed", on="2025-04-10")
    corrections = corrected("e2", wording="agreed"), corrected("e3", wording="settled"), corrected("e4", wording="done")
    assert after(said, *corrections, retracted("e3")).parties["RU"].wording == "committed"
    assert after(said, *corrections, retracted("e3"), retracted("e6")).parties["RU"].wording == "done"


def test_an_opening_can_be_corrected() -> None:
    assert after(corrected("e1", title="Banking services")).title == "Banking services"


def test_a_retracted_event_reads_as_if_it_had_never_been_said() -> None:
    it = after(exchanged("RU"), retracted("e2"))
    assert (it.status, it.reported_status, it.basis, it.high_water_mark) == ("unstated", "unstated", "none", "unstated")


def test_a_retracted_retraction_restores_its_target() -> None:
    assert after(exchanged("RU"), retracted("e2"), retracted("e3")).status == "formalised"


def test_a_retracted_correction_has_no_effect() -> None:
    assert (
        after(understood("RU", wording="agreed"), corrected("e2", wording="x"), retracted("e3")).parties["RU"].wording
        == "agreed"
    )


def test_corrections_and_retractions_are_no_regressions() -> None:
    for mended in (retracted("e3"), corrected("e3", occurred="2025-01-01")):
        it = after(raised("RU"), exchanged("RU"), mended)
        assert (it.regressions, it.trend) == (0, "advanced")


# Evidence.


def test_evidence_of_a_known_origin_only_adds_a_document() -> None:
    told = [understood("RU", channel="attributed", on="2025-04-10")]
    again = evidence("e2", "RU", channel="quote", document="a1", wording="agreed")
    before, it = after(*told), after(*told, again)
    assert it.model_copy(update={"version": 0, "position": 0, "recorded_at": None}) == before.model_copy(
        update={"version": 0, "position": 0, "recorded_at": None}
    )


def test_evidence_of_a_new_origin_corroborates() -> None:
    it = after(understood("RU", channel="attributed"), evidence("e2", "RU", origin="another"))
    assert (it.basis, it.origins) == ("one_side", 2)


def test_evidence_by_the_other_side_raises_that_side() -> None:
    it = after(exchanged("RU"), evidence("e2", "US"))
    assert (it.confirmed_status, it.basis) == ("formalised", "both_sides")


def test_evidence_is_retracted_with_its_target() -> None:
    it = after(exchanged("RU"), evidence("e2", "US"), retracted("e2"))
    assert (it.status, it.confirmed_status) == ("unstated", "unstated")


def test_evidence_can_be_retracted_alone() -> None:
    it = after(exchanged("RU"), evidence("e2", "US"), retracted("e3"))
    assert (it.status, it.confirmed_status) == ("formalised", "unstated")


def test_evidence_of_a_resolution_can_resolve_an_irritant() -> None:
    assert after(settled("RU"), evidence("e2", "US")).lifecycle == "resolved"


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        ("2025-04-01", "new_evidence"),
        ("[..2025-04-01]", "new_evidence"),
        ("2025-04-12", "world"),
        ("2025-04", "world"),
        ("[2025-04-01..]", "world"),
        (None, "world"),
    ],
)
def test_a_rise_is_new_evidence_only_if_it_surely_came_before_something_on_record(on: str | None, reason: str) -> None:
    filed = Filed().file(STREAMS["irritant"], opened()).file(STREAMS["irritant"], discussed("US", on="2025-04-10"))
    history = filed.history(STREAMS["irritant"])
    filed.file(STREAMS["irritant"], understood("RU", on=on))
    assert history.append(filed.events[-1]) == reason


def test_evidence_is_new_evidence_whatever_its_date() -> None:
    filed = Filed().file(STREAMS["irritant"], opened()).file(STREAMS["irritant"], discussed("US", on="2025-04-10"))
    history = filed.history(STREAMS["irritant"])
    filed.file(STREAMS["irritant"], evidence("e2", "RU"))
    assert history.append(filed.events[-1]) == "new_evidence"
