"""Progress goes back down by reversals, reopenings, withdrawals and suspensions. Each moves only its asserter."""

import pytest

from service.domain.assertion import EventModel
from service.domain.errors import (
    IrritantClosed,
    NotAReversal,
    NotByAParty,
    NotClosed,
    NotYoursToWithdraw,
    UndatedFall,
)
from service.projections.irritant import IrritantDocument, view
from tests.build import (
    Outcome,
    contested,
    discussed,
    evidence,
    exchanged,
    given,
    hold_lifted,
    hold_placed,
    implemented,
    instrument_stated,
    item_added,
    item_changed,
    opened,
    position_stated,
    raised,
    reopened,
    retracted,
    reversed_to,
    reversible,
    settled,
    step_agreed,
    step_closed,
    tabled,
    withdrawn,
)

SETTLED = settled("JOINT", on="2025-03-01")


def saying(*events: EventModel) -> Outcome:
    return given(opened()).when(*events)


def after(*events: EventModel) -> IrritantDocument:
    """Return the irritant after these events, of which the first is `e2`. Each one must be allowed."""
    return view(saying(*events).reading)


def rungs(it: IrritantDocument) -> tuple[str, str, str]:
    return it.parties["RU"].rung, it.parties["US"].rung, it.reported_status


def disputed(it: IrritantDocument) -> list[tuple[str, str, str, bool]]:
    return [(d.kind, d.alleged_by, d.about, d.denied) for d in it.disputes]


# Reversals.


def test_a_reversal_to_resolved_is_refused() -> None:
    saying(SETTLED, reversed_to("resolved", "RU")).refused(NotAReversal, to="resolved")


@pytest.mark.parametrize("voice", ["RU", "US", "JOINT", "MEDIA", "TR"])
def test_a_reversal_lowers_its_asserter_alone(voice: str) -> None:
    said = [exchanged("JOINT"), exchanged("MEDIA"), exchanged("TR")]
    it = after(*said, reversed_to("in_talks", voice))
    lowered = ("RU", "US") if voice == "JOINT" else (voice,)
    assert {p for p, side in it.parties.items() if side.rung == "in_talks"} == set(lowered) & {"RU", "US"}
    assert it.reported_status == "formalised"


def test_a_reversal_is_judged_in_its_place_in_the_order_of_the_world() -> None:
    """In March, when the side went back, it was in talks. It formalised in April."""
    history = [discussed("RU", on="2025-02-01"), exchanged("RU", on="2025-04-01")]
    it = after(*history, reversed_to("raised", "RU", on="2025-03-01"))
    assert (it.status, it.regressions, it.high_water_mark) == ("formalised", 1, "formalised")


def test_a_reversal_by_a_side_that_stands_no_higher_has_no_effect() -> None:
    it = after(raised("RU"), reversed_to("understanding", "RU"), reversed_to("raised", "RU"))
    assert (rungs(it), it.regressions, it.trend) == (("raised", "unstated", "raised"), 0, "advanced")


def test_a_reversal_by_media_lowers_only_the_report_of_its_origin() -> None:
    said = [exchanged("MEDIA", origin="one"), exchanged("MEDIA", origin="other")]
    assert after(*said, reversed_to("raised", "MEDIA", origin="one")).reported_status == "formalised"
    assert after(said[0], reversed_to("raised", "MEDIA", origin="one")).reported_status == "raised"


def test_evidence_of_a_reversal_lowers_no_side() -> None:
    it = after(exchanged("JOINT"), reversed_to("in_talks", "US"), evidence("e3", "RU"))
    assert (rungs(it), it.regressions) == (("formalised", "in_talks", "formalised"), 1)


def test_each_fall_counts_as_a_regression() -> None:
    it = after(
        exchanged("RU", on="2025-01-01"),
        reversed_to("in_talks", "RU", on="2025-02-01"),
        exchanged("RU", on="2025-03-01"),
        reversed_to("in_talks", "RU", on="2025-04-01"),
    )
    assert (it.status, it.regressions) == ("in_talks", 2)


def test_a_reversal_that_confirms_an_alleged_one_counts_once() -> None:
    it = after(
        exchanged("JOINT", on="2025-01-01"),
        reversed_to("in_talks", "RU", by="US", on="2025-02-01"),
        reversed_to("raised", "US", on="2025-03-01"),
    )
    assert (it.regressions, disputed(it)) == (1, [])
    each = after(
        exchanged("JOINT", on="2025-01-01"),
        reversed_to("in_talks", "RU", on="2025-02-01"),
        reversed_to("raised", "US", on="2025-03-01"),
    )
    assert each.regressions == 2


def test_an_undated_reversal_follows_the_events_in_undoes_and_after() -> None:
    instrument = exchanged("RU", on="2025-04-10")
    assert after(instrument, reversed_to("in_talks", "RU", undoes="e2", on=None)).status == "in_talks"
    assert after(instrument, reversed_to("in_talks", "RU", after="e2", on=None)).status == "in_talks"


@pytest.mark.parametrize(
    "falling",
    [
        reversed_to("raised", "RU", on=None),
        withdrawn("RU", on=None),
        hold_lifted("RU", on=None),
        reopened("RU", on=None),
    ],
    ids=lambda event: event.type,
)
def test_an_undated_fall_without_after_is_refused(falling: EventModel) -> None:
    saying(settled("RU"), hold_placed("RU"), falling).refused(UndatedFall)


def test_a_retracted_reversal_has_no_effect() -> None:
    it = after(exchanged("RU"), reversed_to("in_talks", "RU"), retracted("e3"))
    assert (it.status, it.regressions, it.trend) == ("formalised", 0, "advanced")


def test_a_reversal_that_its_asserter_denies_has_no_effect() -> None:
    told = [exchanged("RU"), reversed_to("in_talks", "RU", channel="attributed", on="2025-04-01")]
    it = after(*told, contested("e3", "RU", on="2025-04-02"))
    assert (it.status, it.regressions) == ("formalised", 0)


def test_a_reversal_of_a_denied_claim_has_no_effect() -> None:
    it = after(
        raised("RU", on="2025-01-01"),
        exchanged("RU", channel="attributed", on="2025-02-01"),
        reversed_to("in_talks", "RU", on="2025-03-01"),
        contested("e3", "RU", on="2025-04-01"),
    )
    assert (it.status, it.regressions) == ("raised", 0)


# Reversals by the other side.


def test_an_alleged_reversal_by_the_other_side_is_a_dispute() -> None:
    told = [exchanged("JOINT", on="2025-01-01"), reversed_to("raised", "RU", by="US", on="2025-02-01")]
    assert disputed(after(*told)) == [("reversal", "RU", "US", False)]
    assert disputed(after(*told, contested("e3", "US", on="2025-03-01"))) == [("reversal", "RU", "US", True)]
    assert disputed(after(*told, contested("e3", "RU", on="2025-03-01"))) == []


def test_an_alleged_reversal_is_confirmed_when_that_side_goes_back_as_far_and_blames_no_other() -> None:
    told = [exchanged("JOINT", on="2025-01-01"), reversed_to("in_talks", "RU", by="US", on="2025-02-01")]
    assert disputed(after(*told, reversed_to("in_talks", "US", on="2025-03-01"))) == []
    assert disputed(after(*told, reversed_to("understanding", "US", on="2025-03-01"))) == [
        ("reversal", "RU", "US", False)
    ]
    blaming = after(*told, reversed_to("in_talks", "US", by="RU", on="2025-03-01"))
    assert disputed(blaming) == [("reversal", "RU", "US", False)]


def test_a_reversal_that_the_other_side_has_already_made_is_no_dispute() -> None:
    told = [exchanged("JOINT", on="2025-01-01"), reversed_to("in_talks", "US", on="2025-02-01")]
    later = reversed_to("in_talks", "RU", by="US", on="2025-04-01")
    assert disputed(after(*told, later)) == []
    assert disputed(after(*told, exchanged("US", on="2025-03-01"), later)) == [("reversal", "RU", "US", False)]


# Undertakings lapse for the side that goes back below them.


def test_the_steps_of_a_side_lapse_when_it_goes_back_below_talks() -> None:
    agreed = step_agreed("RU", owner="RU", on="2025-02-01")
    assert after(agreed, exchanged("RU"), reversed_to("in_talks", "RU", on="2025-03-01")).awaiting == "RU"
    assert after(agreed, reversed_to("raised", "RU", on="2025-03-01")).awaiting == "none"


def test_a_step_stays_open_for_the_side_that_does_not_go_back() -> None:
    it = after(step_agreed("JOINT", owner="US", on="2025-02-01"), reversed_to("raised", "RU", on="2025-03-01"))
    assert it.awaiting == "US"
    assert it.awaited[0].by == ("US",)


def test_a_step_agreed_after_a_reversal_is_open() -> None:
    it = after(
        step_agreed("RU", owner="RU", on="2025-02-01"),
        reversed_to("raised", "RU", on="2025-03-01"),
        step_agreed("RU", owner="US", on="2025-04-01"),
    )
    assert (it.status, it.awaiting) == ("in_talks", "US")


def test_a_proposal_lapses_when_its_side_goes_back_below_it() -> None:
    assert after(tabled("RU", "US"), reversed_to("raised", "RU")).awaiting == "none"


# Resolved, and reopened.


@pytest.mark.parametrize(
    "advancing", [raised("RU"), discussed("RU"), exchanged("RU"), hold_placed("RU"), item_added("a-house", "RU")]
)
def test_a_resolved_irritant_refuses_new_progress_until_it_is_reopened(advancing: EventModel) -> None:
    dated = advancing.model_copy(update={"occurred": "2025-04-01"})
    saying(SETTLED, dated).refused(IrritantClosed, lifecycle="resolved")


def test_a_third_party_can_still_object_to_a_resolution() -> None:
    it = after(SETTLED, raised("TR", on="2025-04-01"))
    assert (it.lifecycle, [t.actor for t in it.third_parties]) == ("resolved", ["TR"])


def test_earlier_events_can_still_be_filed_after_the_resolution() -> None:
    assert after(SETTLED, exchanged("RU", on="2025-02-01")).lifecycle == "resolved"


@pytest.mark.parametrize(
    "completing",
    [
        settled("RU", on="2025-04-01"),
        implemented("RU", on="2025-04-01"),
        position_stated("RU", on="2025-04-01"),
        reversible("RU", on="2025-04-01"),
        evidence("e2", "RU"),
    ],
    ids=lambda event: event.type,
)
def test_a_resolved_irritant_takes_events_that_complete_its_record(completing: EventModel) -> None:
    assert after(SETTLED, completing).lifecycle == "resolved"


def test_items_steps_and_holds_can_be_closed_after_the_resolution() -> None:
    it = after(
        item_added("a-house", on="2025-02-01"),
        step_agreed("RU", on="2025-02-01"),
        hold_placed("RU", on="2025-02-01"),
        SETTLED,
        item_changed("a-house", "RU", on="2025-04-01"),
        step_closed("RU", on="2025-04-01"),
        hold_lifted("RU", on="2025-04-01"),
    )
    assert (it.items.settled, it.hold, it.awaiting) == (1, "none", "none")


def test_holds_and_awaiting_end_with_the_resolution() -> None:
    it = after(hold_placed("RU", on="2025-02-01"), step_agreed("RU", on="2025-02-01"), SETTLED)
    assert (it.hold, it.awaiting) == ("none", "none")


def test_both_sides_can_declare_a_partial_resolution() -> None:
    part = settled("RU", extent="partial", covers="Some of it.")
    assert (after(part).status, after(part).lifecycle) == ("implementing", "open")
    assert after(part, implemented("US")).lifecycle == "open"
    assert after(part, settled("US")).lifecycle == "partly_resolved"
    assert after(settled("JOINT", extent="partial")).lifecycle == "partly_resolved"


def test_only_a_side_at_resolved_can_reopen_an_irritant() -> None:
    saying(discussed("RU"), reopened("RU")).refused(NotClosed, rung="in_talks")
    saying(settled("RU"), reopened("US")).refused(NotClosed, asserter="US", rung="unstated")
    saying(SETTLED, reopened("MEDIA")).refused(NotByAParty, asserter="MEDIA")


def test_a_reopening_lowers_its_asserter_and_is_one_regression() -> None:
    it = after(SETTLED, reopened("US", "in_talks", on="2025-04-01"))
    assert (it.lifecycle, rungs(it), it.regressions) == ("open", ("resolved", "in_talks", "resolved"), 1)


def test_a_reopening_goes_below_resolved() -> None:
    saying(SETTLED, reopened("US", "resolved", on="2025-04-01")).refused(NotAReversal, to="resolved")


def test_a_resolution_can_be_reversed() -> None:
    it = after(SETTLED, reversed_to("implementing", on="2025-04-01"))
    assert (it.lifecycle, it.confirmed_status, it.regressions) == ("open", "implementing", 1)


# Withdrawn.


@pytest.mark.parametrize("party", ["RU", "JOINT"])
def test_a_side_can_withdraw(party: str) -> None:
    it = after(raised("RU"), withdrawn(party))
    assert (it.lifecycle, it.awaiting, it.regressions) == ("withdrawn", "none", 0)


def test_acts_that_no_side_claims_any_more_are_not_counted() -> None:
    counted = implemented("RU", extent={"done": 3, "of": 5, "unit": "sites"}, on="2025-02-01")
    assert after(counted).extent is not None
    assert after(counted, withdrawn("RU")).extent is None
    assert after(counted, contested("e2", "RU", on="2025-03-01")).extent is None


def test_an_irritant_is_not_withdrawn_while_the_other_side_is_on_a_rung() -> None:
    it = after(raised("RU"), discussed("US"), withdrawn("RU"))
    assert (it.lifecycle, rungs(it)) == ("open", ("unstated", "in_talks", "in_talks"))


def test_a_side_without_a_statement_cannot_withdraw() -> None:
    saying(raised("RU"), withdrawn("US")).refused(NotYoursToWithdraw, asserter="US")
    for voice in ("MEDIA", "TR"):
        saying(raised("RU"), withdrawn(voice)).refused(NotByAParty, asserter=voice)


def test_any_new_statement_reopens_a_withdrawn_irritant() -> None:
    gone = [raised("RU", on="2025-02-01"), withdrawn("RU", on="2025-03-01")]
    it = after(*gone, discussed("US", on="2025-04-01"))
    assert (it.lifecycle, it.status, it.regressions) == ("open", "in_talks", 0)


def test_a_retracted_withdrawal_has_no_effect() -> None:
    assert after(raised("RU"), withdrawn("RU"), retracted("e3")).lifecycle == "open"


# Instruments that are suspended, terminated, expired or extended.

IN_FORCE = [exchanged("JOINT", on="2025-01-01"), implemented("JOINT", on="2025-01-02")]


def test_a_suspension_takes_back_the_acts_under_the_instrument() -> None:
    it = after(*IN_FORCE, instrument_stated("RU", "e2", "suspended", on="2025-02-01"))
    assert (rungs(it), it.regressions) == (("formalised", "implementing", "implementing"), 1)


def test_a_termination_takes_back_the_agreement_too() -> None:
    it = after(raised("RU"), *IN_FORCE, instrument_stated("RU", "e3", "terminated", on="2025-02-01"))
    assert (rungs(it), it.regressions) == (("raised", "implementing", "implementing"), 1)


def test_a_termination_leaves_another_instrument_and_its_acts() -> None:
    other = exchanged("RU", on="2025-01-01", title="Another text")
    under_it = implemented("RU", on="2025-01-02", instrument="e4")
    it = after(*IN_FORCE, other, under_it, instrument_stated("RU", "e2", "terminated", on="2025-02-01"))
    assert (it.parties["RU"].rung, it.regressions) == ("implementing", 0)


def test_a_termination_also_takes_back_another_account_of_the_same_text() -> None:
    again = exchanged("RU", on="2025-01-03", instrument="e2")
    it = after(*IN_FORCE, again, instrument_stated("RU", "e4", "terminated", on="2025-02-01"))
    assert it.parties["RU"].rung == "unstated"


def test_an_expiry_is_no_regression_and_leaves_resolved() -> None:
    it = after(*IN_FORCE, instrument_stated("RU", "e2", "expired", on="2025-02-01"))
    assert (it.parties["RU"].rung, it.regressions, it.trend) == ("unstated", 0, "regressed")
    done = settled("RU", on="2025-01-03")
    it = after(*IN_FORCE, done, instrument_stated("RU", "e2", "expired", on="2025-02-01"))
    assert it.parties["RU"].rung == "resolved"


def test_in_force_restores_the_rung_that_a_suspension_took() -> None:
    suspended = instrument_stated("RU", "e2", "suspended", on="2025-02-01")
    it = after(*IN_FORCE, suspended, instrument_stated("RU", "e2", "in_force", on="2025-03-01"))
    assert (it.parties["RU"].rung, it.trend, it.parties["RU"].in_effect) == ("implementing", "advanced", ())


def test_an_extension_raises_a_lower_side_to_formalised() -> None:
    it = after(exchanged("RU", on="2025-01-01"), instrument_stated("US", "e2", "extended", on="2025-02-01"))
    assert it.confirmed_status == "formalised"


def test_evidence_of_a_suspension_lowers_no_side() -> None:
    suspended = instrument_stated("RU", "e2", "suspended", on="2025-02-01")
    it = after(*IN_FORCE, suspended, evidence("e4", "US"))
    assert rungs(it) == ("formalised", "implementing", "implementing")


def test_a_denied_suspension_has_no_effect() -> None:
    suspended = instrument_stated("RU", "e2", "suspended", channel="attributed", on="2025-02-01")
    it = after(*IN_FORCE, suspended, contested("e4", "RU", on="2025-03-01"))
    assert (it.parties["RU"].rung, it.regressions) == ("implementing", 0)


def test_the_end_of_an_instrument_is_the_last_date_of_each_side() -> None:
    it = after(
        exchanged("JOINT", on="2025-01-01", valid_until="2025-06-30"),
        instrument_stated("RU", "e2", "extended", valid_until="2026-06-30", on="2025-06-01"),
    )
    ends = {party: side.valid_until for party, side in it.parties.items()}
    assert (ends, it.valid_until) == ({"RU": "2026-06-30", "US": "2025-06-30"}, "2025-06-30")
