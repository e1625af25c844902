"""Denials: the denier no longer stands on the denied words, but they stay reported, and other actors do not move."""

from functools import reduce

import pytest

from service.domain.assertion import EventModel
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
    item_added,
    item_changed,
    opened,
    raised,
    reopened,
    retracted,
    reversible,
    settled,
    step_agreed,
    step_closed,
    tabled,
    understood,
    withdrawn,
)


def saying(*events: EventModel) -> Outcome:
    return given(opened()).when(*events)


def after(*events: EventModel) -> IrritantDocument:
    """Return the irritant after these events, of which the first is `e2`. Each one must be allowed."""
    return view(saying(*events).reading)


def rungs(it: IrritantDocument) -> tuple[str, str, str]:
    return it.parties["RU"].rung, it.parties["US"].rung, it.reported_status


@pytest.mark.parametrize("asserter", ["MEDIA", "TR"])
def test_a_denial_by_media_or_a_third_party_moves_no_side(asserter: str) -> None:
    it = after(understood("RU"), contested("e2", asserter))
    assert (rungs(it), it.basis) == (("understanding", "unstated", "understanding"), "one_side")


@pytest.mark.parametrize("asserter", ["MEDIA", "TR"])
def test_a_mediator_or_an_outlet_takes_back_its_own_words(asserter: str) -> None:
    assert rungs(after(understood(asserter), contested("e2", asserter))) == ("unstated", "unstated", "unstated")


def test_one_outlet_does_not_take_back_the_words_of_another() -> None:
    assert after(understood("MEDIA"), contested("e2", "MEDIA", origin="other")).reported_status == "understanding"


def test_words_of_others_that_both_sides_deny_are_not_reported() -> None:
    denied = [understood("TR"), contested("e2", "RU")]
    assert after(*denied).reported_status == "understanding"
    it = after(*denied, contested("e2", "US"))
    assert (it.reported_status, it.reported_by, it.basis) == ("unstated", (), "none")


def test_a_denied_claim_stays_reported_and_its_asserter_does_not_move() -> None:
    it = after(understood("RU"), contested("e2", "US"))
    assert (rungs(it), it.basis) == (("understanding", "unstated", "understanding"), "contested")


def test_a_side_denies_its_half_of_a_joint_text() -> None:
    it = after(understood("JOINT"), contested("e2", "US"))
    assert (rungs(it), it.basis) == (("understanding", "unstated", "understanding"), "contested")


def test_a_denial_does_not_copy_unrelated_proposals_and_steps() -> None:
    """A stream of ten thousand events has hundreds of proposals and steps, and a denial concerns one."""
    said = saying(tabled("RU"), tabled("US", "RU"), step_agreed("US"), discussed("US"), contested("e2", "RU")).history
    *before, denial = said.order
    state = reduce(said.evolve, before, said.initial)
    after = said.evolve(state, denial)
    of_it, beside = state.proposals
    assert (after.only_live(after.proposals[of_it].statements), len(after.denials)) == ((), 1)
    assert after.proposals is state.proposals
    assert after.only_live(after.proposals[beside].statements) != ()
    assert after.steps is state.steps


def test_a_side_denies_words_attributed_to_it() -> None:
    it = after(raised("RU"), understood("RU", channel="attributed"), contested("e3", "RU"))
    assert (rungs(it), it.status, it.basis) == (("raised", "unstated", "raised"), "raised", "one_side")


def test_a_denial_takes_effect_at_its_place_in_the_order_of_the_world() -> None:
    it = after(
        understood("RU", on="2025-02-01", channel="attributed"),
        contested("e2", "RU", on="2025-03-01"),
        understood("RU", on="2025-04-01"),
    )
    assert it.status == "understanding"
    assert it.trend == "advanced"


def test_evidence_filed_after_a_denial_is_denied_with_its_target() -> None:
    """Evidence takes the place of its target. A new statement by the denier would have its own date."""
    it = after(
        understood("RU", on="[2025-04-10..]", channel="attributed"),
        contested("e2", "RU", on="2025-04-10"),
        evidence("e2", "RU", channel="attributed", origin="another"),
    )
    assert rungs(it) == ("unstated", "unstated", "unstated")


def test_a_denial_of_evidence_leaves_its_target() -> None:
    it = after(understood("US"), evidence("e2", "RU", channel="attributed"), contested("e3", "RU"))
    assert rungs(it) == ("unstated", "understanding", "understanding")


def test_an_irritant_is_contested_only_while_a_denied_claim_is_at_the_claimed_rung() -> None:
    denied = [understood("RU", on="2025-02-01"), contested("e2", "US", on="2025-03-01")]
    assert after(*denied, exchanged("RU", on="2025-04-01")).basis == "one_side"
    assert after(understood("MEDIA"), contested("e2", "US"), discussed("RU")).basis == "one_side"


def test_the_denial_ends_when_the_denier_later_stands_at_that_rung() -> None:
    denied = [understood("RU", on="2025-02-01"), contested("e2", "US", on="2025-03-01")]
    assert after(*denied, understood("US", on="2025-04-01")).basis == "both_sides"
    assert after(*denied, discussed("US", on="2025-04-01")).basis == "contested"


def test_a_side_takes_back_a_denial_attributed_to_it_by_denying_it() -> None:
    it = after(
        tabled("US", "RU", channel="attributed", on="2025-02-01"),
        contested("e2", "US", channel="attributed", on="2025-03-01"),
        contested("e3", "US", on="2025-04-01"),
    )
    assert (it.status, it.basis, it.awaiting) == ("proposed", "attributed", "RU")
    other = after(understood("RU"), contested("e2", "US", channel="attributed"), contested("e3", "US"))
    assert other.basis == "one_side"


def test_a_retracted_denial_has_no_effect() -> None:
    assert after(understood("RU"), contested("e2", "US"), retracted("e3")).basis == "one_side"


# A denied assertion loses its effect on steps, holds and items too.


def test_a_denied_proposal_awaits_no_side() -> None:
    assert after(tabled("RU", "US")).awaiting == "US"
    assert after(tabled("RU", "US", channel="attributed"), contested("e2", "RU")).awaiting == "none"


def test_a_denied_step_awaits_no_side_unless_the_other_side_agreed_to_it_too() -> None:
    denied = [step_agreed("RU", owner="US", channel="attributed"), contested("e2", "RU")]
    assert after(*denied).awaiting == "none"
    assert after(*denied, evidence("e2", "US")).awaiting == "US"


def test_a_denied_closing_leaves_the_step_open() -> None:
    agreed = [step_agreed("RU", owner="US"), step_closed("RU", channel="attributed")]
    assert after(*agreed).awaiting == "none"
    assert after(*agreed, contested("e3", "RU")).awaiting == "US"


def test_a_denied_hold_is_not_in_effect() -> None:
    assert after(hold_placed("JOINT"), contested("e2", "RU")).hold == "stalled"
    assert after(hold_placed("JOINT"), contested("e2", "RU"), contested("e2", "US")).hold == "none"


def test_a_denied_lifting_leaves_the_hold_in_effect() -> None:
    lifted = [hold_placed("RU"), hold_lifted("RU", channel="attributed")]
    assert after(*lifted).hold == "none"
    assert after(*lifted, contested("e3", "RU")).hold == "stalled"


def test_a_denied_withdrawal_leaves_the_irritant_open() -> None:
    history = [raised("RU"), withdrawn("RU", channel="attributed")]
    assert after(*history).lifecycle == "withdrawn"
    assert after(*history, contested("e3", "RU")).lifecycle == "open"


def test_a_denied_reopening_leaves_the_irritant_resolved() -> None:
    history = [
        settled("JOINT", on="2025-03-01"),
        reopened("RU", "raised", channel="attributed", on="2025-04-01"),
    ]
    assert after(*history).lifecycle == "open"
    it = after(*history, contested("e3", "RU", on="2025-05-01"))
    assert (it.lifecycle, it.regressions) == ("resolved", 0)


def test_a_denied_settlement_of_an_item_leaves_it_outstanding() -> None:
    changed = [item_added("a-house"), item_changed("a-house", "RU", channel="attributed")]
    assert after(*changed).items.settled == 1
    assert after(*changed, contested("e3", "RU")).items.settled == 0


def test_a_denied_statement_on_reversibility_no_longer_counts() -> None:
    assert after(reversible("RU", channel="attributed"), contested("e2", "RU")).reversible == "unknown"
