"""Progress goes back down: reversals, reopenings and withdrawals. Each moves its asserter alone."""

import pytest

from service.domain.assertion import Contract
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


def saying(*events: Contract) -> Outcome:
    return given(opened()).when(*events)


def after(*events: Contract) -> IrritantDocument:
    """The irritant after these, of which the first is `e2`; each is allowed in its place."""
    return view(saying(*events).reading)


def rungs(it: IrritantDocument) -> tuple[str, str, str]:
    return it.parties["RU"].rung, it.parties["US"].rung, it.reported_status


def disputed(it: IrritantDocument) -> list[tuple[str, str, str, bool]]:
    return [(d.kind, d.alleged_by, d.about, d.denied) for d in it.disputes]


# Reversals.


def test_a_reversal_goes_below_resolved() -> None:
    saying(SETTLED, reversed_to("resolved", "RU")).refused(NotAReversal, to="resolved")


@pytest.mark.parametrize("voice", ["RU", "US", "JOINT", "MEDIA", "TR"])
def test_a_reversal_lowers_its_asserter_alone(voice: str) -> None:
    said = [exchanged("JOINT"), exchanged("MEDIA"), exchanged("TR")]
    it = after(*said, reversed_to("in_talks", voice))
    lowered = ("RU", "US") if voice == "JOINT" else (voice,)
    assert {p for p, side in it.parties.items() if side.rung == "in_talks"} == set(lowered) & {"RU", "US"}
    assert it.reported_status == "formalised"


def test_a_reversal_is_judged_in_its_place_in_the_order_of_the_world() -> None:
    """Formalised since, yet in March, when it went back, it was discussed."""
    history = [discussed("RU", on="2025-02-01"), exchanged("RU", on="2025-04-01")]
    it = after(*history, reversed_to("raised", "RU", on="2025-03-01"))
    assert (it.status, it.regressions, it.high_water_mark) == ("formalised", 1, "formalised")


def test_where_its_asserter_is_no_higher_a_reversal_moves_and_counts_nothing() -> None:
    it = after(raised("RU"), reversed_to("understanding", "RU"), reversed_to("raised", "RU"))
    assert (rungs(it), it.regressions, it.trend) == (("raised", "unstated", "raised"), 0, "advanced")


def test_media_take_back_what_they_said_by_the_same_origin() -> None:
    said = [exchanged("MEDIA", origin="one"), exchanged("MEDIA", origin="other")]
    assert after(*said, reversed_to("raised", "MEDIA", origin="one")).reported_status == "formalised"
    assert after(said[0], reversed_to("raised", "MEDIA", origin="one")).reported_status == "raised"


def test_evidence_of_a_reversal_lowers_nobody() -> None:
    it = after(exchanged("JOINT"), reversed_to("in_talks", "US"), evidence("e3", "RU"))
    assert (rungs(it), it.regressions) == (("formalised", "in_talks", "formalised"), 1)


def test_each_fall_is_a_regression_of_its_own() -> None:
    it = after(
        exchanged("RU", on="2025-01-01"),
        reversed_to("in_talks", "RU", on="2025-02-01"),
        exchanged("RU", on="2025-03-01"),
        reversed_to("in_talks", "RU", on="2025-04-01"),
    )
    assert (it.status, it.regressions) == ("in_talks", 2)


def test_what_both_tell_of_one_actor_is_counted_once() -> None:
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


def test_a_reversal_comes_after_what_it_undoes_and_after_what_it_names() -> None:
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
def test_what_goes_down_without_a_date_is_refused(falling: Contract) -> None:
    saying(settled("RU"), hold_placed("RU"), falling).refused(UndatedFall)


def test_a_retracted_reversal_never_was() -> None:
    it = after(exchanged("RU"), reversed_to("in_talks", "RU"), retracted("e3"))
    assert (it.status, it.regressions, it.trend) == ("formalised", 0, "advanced")


def test_a_reversal_that_its_asserter_denies_lowered_nothing_and_counts_nothing() -> None:
    told = [exchanged("RU"), reversed_to("in_talks", "RU", channel="attributed", on="2025-04-01")]
    it = after(*told, contested("e3", "RU", on="2025-04-02"))
    assert (it.status, it.regressions) == ("formalised", 0)


def test_a_reversal_of_a_claim_that_is_denied_lowered_nothing_either() -> None:
    it = after(
        raised("RU", on="2025-01-01"),
        exchanged("RU", channel="attributed", on="2025-02-01"),
        reversed_to("in_talks", "RU", on="2025-03-01"),
        contested("e3", "RU", on="2025-04-01"),
    )
    assert (it.status, it.regressions) == ("raised", 0)


# What a reversal says of the other side.


def test_that_the_other_side_went_back_is_a_dispute() -> None:
    told = [exchanged("JOINT", on="2025-01-01"), reversed_to("raised", "RU", by="US", on="2025-02-01")]
    assert disputed(after(*told)) == [("reversal", "RU", "US", False)]
    assert disputed(after(*told, contested("e3", "US", on="2025-03-01"))) == [("reversal", "RU", "US", True)]
    assert disputed(after(*told, contested("e3", "RU", on="2025-03-01"))) == []


def test_it_is_confirmed_when_that_side_goes_back_as_far_and_blames_no_other() -> None:
    told = [exchanged("JOINT", on="2025-01-01"), reversed_to("in_talks", "RU", by="US", on="2025-02-01")]
    assert disputed(after(*told, reversed_to("in_talks", "US", on="2025-03-01"))) == []
    assert disputed(after(*told, reversed_to("understanding", "US", on="2025-03-01"))) == [
        ("reversal", "RU", "US", False)
    ]
    blaming = after(*told, reversed_to("in_talks", "US", by="RU", on="2025-03-01"))
    assert disputed(blaming) == [("reversal", "RU", "US", False)]


def test_it_is_none_where_that_side_had_gone_back_and_not_risen_since() -> None:
    told = [exchanged("JOINT", on="2025-01-01"), reversed_to("in_talks", "US", on="2025-02-01")]
    later = reversed_to("in_talks", "RU", by="US", on="2025-04-01")
    assert disputed(after(*told, later)) == []
    assert disputed(after(*told, exchanged("US", on="2025-03-01"), later)) == [("reversal", "RU", "US", False)]


# Undertakings lapse for the side that goes back below them.


def test_a_side_that_goes_back_below_talks_has_left_its_steps() -> None:
    agreed = step_agreed("RU", owner="RU", on="2025-02-01")
    assert after(agreed, exchanged("RU"), reversed_to("in_talks", "RU", on="2025-03-01")).awaiting == "RU"
    assert after(agreed, reversed_to("raised", "RU", on="2025-03-01")).awaiting == "none"


def test_the_other_side_stays_bound() -> None:
    it = after(step_agreed("JOINT", owner="US", on="2025-02-01"), reversed_to("raised", "RU", on="2025-03-01"))
    assert it.awaiting == "US"
    assert it.awaited[0].by == ("US",)


def test_what_is_agreed_after_a_reversal_is_not_lapsed_by_it() -> None:
    it = after(
        step_agreed("RU", owner="RU", on="2025-02-01"),
        reversed_to("raised", "RU", on="2025-03-01"),
        step_agreed("RU", owner="US", on="2025-04-01"),
    )
    assert (it.status, it.awaiting) == ("in_talks", "US")


def test_a_proposal_lapses_when_its_side_goes_back_below_it() -> None:
    assert after(tabled("RU", "US"), reversed_to("raised", "RU")).awaiting == "none"


# Settled, and taken up again.


@pytest.mark.parametrize(
    "advancing", [raised("RU"), discussed("RU"), exchanged("RU"), hold_placed("RU"), item_added("a-house", "RU")]
)
def test_a_settled_irritant_takes_nothing_new_of_a_side_until_it_is_reopened(advancing: Contract) -> None:
    dated = advancing.model_copy(update={"occurred": "2025-04-01"})
    saying(SETTLED, dated).refused(IrritantClosed, lifecycle="resolved")


def test_a_third_party_can_still_object_to_a_settlement() -> None:
    it = after(SETTLED, raised("TR", on="2025-04-01"))
    assert (it.lifecycle, [t.actor for t in it.third_parties]) == ("resolved", ["TR"])


def test_what_came_before_the_settlement_can_still_be_told() -> None:
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
def test_a_settled_irritant_still_takes_what_completes_its_record(completing: Contract) -> None:
    assert after(SETTLED, completing).lifecycle == "resolved"


def test_items_steps_and_holds_can_be_closed_after_the_settlement() -> None:
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


def test_holds_and_what_is_awaited_end_with_the_settlement() -> None:
    it = after(hold_placed("RU", on="2025-02-01"), step_agreed("RU", on="2025-02-01"), SETTLED)
    assert (it.hold, it.awaiting) == ("none", "none")


def test_settled_in_part_by_both() -> None:
    part = settled("RU", extent="partial", covers="Some of it.")
    assert (after(part).status, after(part).lifecycle) == ("implementing", "open")
    assert after(part, implemented("US")).lifecycle == "open"
    assert after(part, settled("US")).lifecycle == "partly_resolved"
    assert after(settled("JOINT", extent="partial")).lifecycle == "partly_resolved"


def test_only_a_side_that_calls_it_settled_reopens_it() -> None:
    saying(discussed("RU"), reopened("RU")).refused(NotClosed, rung="in_talks")
    saying(settled("RU"), reopened("US")).refused(NotClosed, asserter="US", rung="unstated")
    saying(SETTLED, reopened("MEDIA")).refused(NotByAParty, asserter="MEDIA")


def test_a_reopening_lowers_its_asserter_and_is_one_regression() -> None:
    it = after(SETTLED, reopened("US", "in_talks", on="2025-04-01"))
    assert (it.lifecycle, rungs(it), it.regressions) == ("open", ("resolved", "in_talks", "resolved"), 1)


def test_what_was_settled_is_reopened_below_that() -> None:
    saying(SETTLED, reopened("US", "resolved", on="2025-04-01")).refused(NotAReversal, to="resolved")


def test_a_settlement_can_be_reversed_too() -> None:
    it = after(SETTLED, reversed_to("implementing", on="2025-04-01"))
    assert (it.lifecycle, it.confirmed_status, it.regressions) == ("open", "implementing", 1)


# Withdrawn.


@pytest.mark.parametrize("party", ["RU", "JOINT"])
def test_a_side_withdraws_what_it_said(party: str) -> None:
    it = after(raised("RU"), withdrawn(party))
    assert (it.lifecycle, it.awaiting, it.regressions) == ("withdrawn", "none", 0)


def test_it_is_not_withdrawn_while_the_other_side_is_on_a_rung() -> None:
    it = after(raised("RU"), discussed("US"), withdrawn("RU"))
    assert (it.lifecycle, rungs(it)) == ("open", ("unstated", "in_talks", "in_talks"))


def test_who_says_nothing_withdraws_nothing() -> None:
    saying(raised("RU"), withdrawn("US")).refused(NotYoursToWithdraw, asserter="US")
    for voice in ("MEDIA", "TR"):
        saying(raised("RU"), withdrawn(voice)).refused(NotByAParty, asserter=voice)


def test_any_new_statement_takes_a_withdrawn_irritant_up_again() -> None:
    gone = [raised("RU", on="2025-02-01"), withdrawn("RU", on="2025-03-01")]
    it = after(*gone, discussed("US", on="2025-04-01"))
    assert (it.lifecycle, it.status, it.regressions) == ("open", "in_talks", 0)


def test_a_withdrawal_that_is_retracted_never_was() -> None:
    assert after(raised("RU"), withdrawn("RU"), retracted("e3")).lifecycle == "open"


# Instruments that are suspended, ended, extended.

IN_FORCE = [exchanged("JOINT", on="2025-01-01"), implemented("JOINT", on="2025-01-02")]


def test_who_suspends_an_instrument_takes_back_its_acts() -> None:
    it = after(*IN_FORCE, instrument_stated("RU", "e2", "suspended", on="2025-02-01"))
    assert (rungs(it), it.regressions) == (("formalised", "implementing", "implementing"), 1)


def test_who_terminates_an_instrument_takes_back_the_agreement_too() -> None:
    it = after(raised("RU"), *IN_FORCE, instrument_stated("RU", "e3", "terminated", on="2025-02-01"))
    assert (rungs(it), it.regressions) == (("raised", "implementing", "implementing"), 1)


def test_another_instrument_and_acts_under_it_stay() -> None:
    other = exchanged("RU", on="2025-01-01", title="Another text")
    under_it = implemented("RU", on="2025-01-02", instrument="e4")
    it = after(*IN_FORCE, other, under_it, instrument_stated("RU", "e2", "terminated", on="2025-02-01"))
    assert (it.parties["RU"].rung, it.regressions) == ("implementing", 0)


def test_another_account_of_the_same_text_goes_with_it() -> None:
    again = exchanged("RU", on="2025-01-03", instrument="e2")
    it = after(*IN_FORCE, again, instrument_stated("RU", "e4", "terminated", on="2025-02-01"))
    assert it.parties["RU"].rung == "unstated"


def test_expiry_is_no_regression_and_leaves_what_is_settled() -> None:
    it = after(*IN_FORCE, instrument_stated("RU", "e2", "expired", on="2025-02-01"))
    assert (it.parties["RU"].rung, it.regressions, it.trend) == ("unstated", 0, "regressed")
    done = settled("RU", on="2025-01-03")
    it = after(*IN_FORCE, done, instrument_stated("RU", "e2", "expired", on="2025-02-01"))
    assert it.parties["RU"].rung == "resolved"


def test_an_extension_gives_back_what_was_taken_away() -> None:
    suspended = instrument_stated("RU", "e2", "suspended", on="2025-02-01")
    it = after(*IN_FORCE, suspended, instrument_stated("RU", "e2", "in_force", on="2025-03-01"))
    assert (it.parties["RU"].rung, it.trend, it.parties["RU"].in_effect) == ("implementing", "advanced", ())


def test_an_extension_puts_a_side_that_is_lower_at_formalised() -> None:
    it = after(exchanged("RU", on="2025-01-01"), instrument_stated("US", "e2", "extended", on="2025-02-01"))
    assert it.confirmed_status == "formalised"


def test_evidence_of_a_suspension_lowers_nobody() -> None:
    suspended = instrument_stated("RU", "e2", "suspended", on="2025-02-01")
    it = after(*IN_FORCE, suspended, evidence("e4", "US"))
    assert rungs(it) == ("formalised", "implementing", "implementing")


def test_a_denied_suspension_took_nothing_away() -> None:
    suspended = instrument_stated("RU", "e2", "suspended", channel="attributed", on="2025-02-01")
    it = after(*IN_FORCE, suspended, contested("e4", "RU", on="2025-03-01"))
    assert (it.parties["RU"].rung, it.regressions) == ("implementing", 0)


def test_the_end_of_an_instrument_is_the_last_that_each_side_stated() -> None:
    it = after(
        exchanged("JOINT", on="2025-01-01", valid_until="2025-06-30"),
        instrument_stated("RU", "e2", "extended", valid_until="2026-06-30", on="2025-06-01"),
    )
    ends = {party: side.valid_until for party, side in it.parties.items()}
    assert (ends, it.valid_until) == ({"RU": "2026-06-30", "US": "2025-06-30"}, "2025-06-30")
