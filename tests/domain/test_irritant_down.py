"""Progress goes back down: reversals, reopenings and withdrawals, and who must say so for it to count."""

import pytest

from service.domain.assertion import Contract
from service.domain.errors import (
    IrritantClosed,
    NotAReversal,
    NotClosed,
    NotYoursToWithdraw,
    TooFarToWithdraw,
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
    understood,
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


# Reversals.


@pytest.mark.parametrize("to", ["formalised", "implementing"])
def test_a_reversal_goes_strictly_below_the_rung_reported_in_its_place(to: str) -> None:
    saying(understood("RU"), exchanged("MEDIA"), reversed_to(to)).refused(NotAReversal, rung="formalised", to=to)


def test_a_reversal_is_judged_in_its_place_in_the_order_of_the_world() -> None:
    """Formalised since, yet in March, when it fell, it was discussed."""
    history = [discussed("RU", on="2025-02-01"), exchanged("RU", on="2025-04-01")]
    saying(*history, reversed_to("understanding", on="2025-03-01")).refused(NotAReversal, rung="in_talks")
    assert after(*history, reversed_to("raised", on="2025-03-01")).status == "formalised"


@pytest.mark.parametrize("party", ["RU", "US", "JOINT"])
def test_a_reversal_told_by_a_party_caps_every_rung_and_the_reported_one(party: str) -> None:
    it = after(exchanged("RU"), understood("US"), implemented("MEDIA"), reversed_to("in_talks", party))
    assert rungs(it) == ("in_talks", "in_talks", "in_talks")


def test_a_rung_below_it_stays_where_it_is() -> None:
    it = after(exchanged("RU"), raised("US"), reversed_to("in_talks", "RU"))
    assert rungs(it) == ("in_talks", "raised", "in_talks")


def test_whoever_tells_of_a_reversal_stands_behind_what_is_left() -> None:
    assert rungs(after(exchanged("RU"), reversed_to("in_talks", "US"))) == ("in_talks", "in_talks", "in_talks")
    assert rungs(after(exchanged("RU"), reversed_to("unstated", "US"))) == ("unstated", "unstated", "unstated")


def test_a_reversal_counts_once_however_many_tell_of_it() -> None:
    told = [exchanged("RU"), reversed_to("in_talks", "US"), evidence("e3", "RU"), evidence("e3", "MEDIA")]
    assert after(*told).regressions == 1


def test_a_reversal_that_lowers_no_party_is_no_regression() -> None:
    assert after(exchanged("MEDIA"), reversed_to("raised", "US")).regressions == 0


def test_each_fall_is_a_regression_of_its_own() -> None:
    it = after(
        exchanged("RU", on="2025-01-01"),
        reversed_to("in_talks", on="2025-02-01"),
        exchanged("RU", on="2025-03-01"),
        reversed_to("in_talks", on="2025-04-01"),
    )
    assert (it.status, it.regressions) == ("in_talks", 2)


@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
def test_a_reversal_by_media_alone_moves_nothing(voice: str) -> None:
    it = after(exchanged("RU"), reversed_to("raised", voice))
    assert (it.status, it.regressions, it.trend) == ("formalised", 0, "advanced")


def test_a_reversal_by_media_counts_once_a_party_says_the_same() -> None:
    it = after(exchanged("RU"), reversed_to("raised", "MEDIA"), evidence("e3", "RU"))
    assert (it.status, it.regressions) == ("raised", 1)


def test_below_an_understanding_a_reversal_lapses_the_open_steps() -> None:
    agreed = step_agreed("RU", owner="RU", on="2025-02-01")
    assert (
        after(agreed, exchanged("RU", on="2025-02-01"), reversed_to("understanding", on="2025-03-01")).awaiting == "RU"
    )
    assert after(agreed, reversed_to("in_talks", on="2025-03-01")).awaiting == "none"


def test_what_is_agreed_after_a_reversal_is_not_lapsed_by_it() -> None:
    it = after(
        step_agreed("RU", owner="RU", on="2025-02-01"),
        reversed_to("in_talks", on="2025-03-01"),
        step_agreed("RU", owner="US", on="2025-04-01"),
    )
    assert (it.status, it.awaiting) == ("understanding", "US")


def test_a_reversal_learned_of_late_leaves_what_was_reached_since() -> None:
    it = after(
        understood("RU", on="2025-02-01"), exchanged("RU", on="2025-04-01"), reversed_to("raised", on="2025-03-01")
    )
    assert (it.status, it.regressions, it.high_water_mark) == ("formalised", 1, "formalised")


def test_a_reversal_without_a_date_comes_after_everything_else_without_one() -> None:
    assert after(exchanged("RU"), discussed("US"), reversed_to("raised")).status == "raised"
    assert after(reversed_on := exchanged("RU"), reversed_to("raised"), reversed_on).status == "raised"


def test_a_reversal_comes_after_what_it_undoes() -> None:
    it = after(exchanged("RU", on="2025-04-10"), reversed_to("in_talks", undoes="e2"))
    assert it.status == "in_talks"


# Denying a reversal: the denier is not bound by it.


def test_a_party_that_denies_a_reversal_is_not_capped_by_it() -> None:
    it = after(
        exchanged("RU", on="2025-03-01"),
        exchanged("US", on="2025-03-01"),
        reversed_to("in_talks", "US", on="2025-04-01"),
        contested("e4", "RU", on="2025-04-02"),
    )
    assert rungs(it) == ("formalised", "in_talks", "formalised")
    assert it.basis == "contested"


def test_a_denial_of_a_reversal_ends_when_the_denier_goes_down_to_it() -> None:
    it = after(
        exchanged("RU", on="2025-03-01"),
        reversed_to("in_talks", "US", on="2025-04-01"),
        contested("e3", "RU", on="2025-04-02"),
        reversed_to("in_talks", "RU", on="2025-05-01"),
    )
    assert (rungs(it), it.basis) == (("in_talks", "in_talks", "in_talks"), "both_sides")


def test_a_denied_reversal_down_to_nothing_is_contested_too() -> None:
    it = after(
        exchanged("RU", on="2025-03-01"),
        reversed_to("unstated", "US", on="2025-04-01"),
        contested("e3", "RU", on="2025-04-02"),
    )
    assert (rungs(it), it.basis) == (("formalised", "unstated", "formalised"), "contested")


def test_a_reversal_denied_by_all_to_whom_it_is_attributed_binds_nobody() -> None:
    it = after(
        step_agreed("US", owner="US", on="2025-02-01"),
        exchanged("US", on="2025-03-01"),
        reversed_to("in_talks", "RU", on="2025-04-01", channel="attributed"),
        contested("e4", "RU", on="2025-04-02"),
    )
    assert (it.status, it.regressions, it.awaiting) == ("formalised", 0, "US")


def test_a_retracted_reversal_never_was() -> None:
    it = after(exchanged("RU"), reversed_to("in_talks"), retracted("e3"))
    assert (it.status, it.regressions, it.trend) == ("formalised", 0, "advanced")


# Settled, and taken up again.


@pytest.mark.parametrize(
    "advancing", [raised("RU"), discussed("RU"), exchanged("RU"), hold_placed("RU"), item_added("a-house")]
)
def test_a_settled_irritant_takes_nothing_new_until_it_is_reopened(advancing: Contract) -> None:
    dated = advancing.model_copy(update={"occurred": "2025-04-01"})
    saying(SETTLED, dated).refused(IrritantClosed, lifecycle="resolved")


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


def test_only_what_is_settled_or_withdrawn_is_reopened() -> None:
    saying(discussed("RU"), reopened("RU")).refused(NotClosed, rung="in_talks")


def test_reopening_what_was_settled_caps_like_a_reversal_and_is_one_regression() -> None:
    it = after(SETTLED, reopened("US", "in_talks", on="2025-04-01"))
    assert (it.lifecycle, rungs(it), it.regressions) == ("open", ("in_talks", "in_talks", "in_talks"), 1)


def test_what_was_settled_is_reopened_below_that() -> None:
    saying(SETTLED, reopened("US", "resolved", on="2025-04-01")).refused(NotAReversal, rung="resolved", to="resolved")


def test_a_settlement_can_be_reversed_too() -> None:
    it = after(SETTLED, reversed_to("implementing", on="2025-04-01"))
    assert (it.lifecycle, it.status, it.regressions) == ("open", "implementing", 1)


def test_a_reopening_by_media_alone_moves_nothing() -> None:
    it = after(SETTLED, reopened("MEDIA", "in_talks", on="2025-04-01"))
    assert (it.lifecycle, it.regressions) == ("resolved", 0)


# Withdrawn, and taken up again.


@pytest.mark.parametrize("party", ["RU", "JOINT"])
def test_the_side_that_raised_it_withdraws_it(party: str) -> None:
    it = after(raised("RU"), discussed("US"), withdrawn(party))
    assert (it.lifecycle, it.awaiting, it.regressions) == ("withdrawn", "none", 0)


@pytest.mark.parametrize("asserter", ["US", "MEDIA", "TR"])
def test_nobody_else_does(asserter: str) -> None:
    saying(raised("RU"), discussed("US"), withdrawn(asserter)).refused(NotYoursToWithdraw, asserter=asserter)


def test_where_nobody_raised_it_whoever_spoke_of_it_first_withdraws_it() -> None:
    history = [discussed("MEDIA"), tabled("RU", on="2025-02-01"), raised("MEDIA"), discussed("US", on="2025-03-01")]
    saying(*history, withdrawn("US", on="2025-04-01")).refused(NotYoursToWithdraw, asserter="US")
    assert after(*history, withdrawn("RU", on="2025-04-01")).lifecycle == "withdrawn"


def test_what_is_agreed_is_not_withdrawn_any_more() -> None:
    saying(raised("RU"), understood("US"), withdrawn("RU")).refused(TooFarToWithdraw, rung="understanding")
    assert after(raised("RU"), understood("MEDIA"), withdrawn("RU")).lifecycle == "withdrawn"


def test_a_withdrawn_irritant_takes_nothing_new_until_it_is_reopened() -> None:
    gone = [raised("RU", on="2025-02-01"), withdrawn("RU", on="2025-03-01")]
    saying(*gone, discussed("US", on="2025-04-01")).refused(IrritantClosed, lifecycle="withdrawn")
    saying(*gone, reversed_to("unstated", on="2025-04-01")).refused(IrritantClosed, lifecycle="withdrawn")


def test_reopening_what_was_withdrawn_is_no_regression_and_may_stay_at_its_rung() -> None:
    gone = [discussed("RU", on="2025-02-01"), withdrawn("RU", on="2025-03-01")]
    for to in ("in_talks", "raised"):
        it = after(*gone, reopened("US", to, on="2025-04-01"))
        assert (it.lifecycle, it.status, it.regressions) == ("open", to, 0)
    saying(*gone, reopened("US", "understanding", on="2025-04-01")).refused(NotAReversal, rung="in_talks")


def test_a_withdrawal_that_is_retracted_never_was() -> None:
    assert after(raised("RU"), withdrawn("RU"), retracted("e3")).lifecycle == "open"
