"""The state of an irritant apart from its rungs: awaiting, holds, items, and whether progress can be undone."""

import pytest

from service.domain.assertion import EventModel
from service.domain.errors import (
    ItemTaken,
    NoSuchHold,
    NotAParty,
    Refusal,
    UnknownItem,
    UnknownProposal,
    UnknownStep,
)
from service.projections.irritant import IrritantDocument, view
from tests.build import (
    Outcome,
    answered,
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
    reversed_to,
    reversible,
    settled,
    step_agreed,
    step_closed,
    tabled,
    understood,
)


def saying(*events: EventModel) -> Outcome:
    return given(opened()).when(*events)


def after(*events: EventModel) -> IrritantDocument:
    """Return the irritant after these events, of which the first is `e2`. Each one must be allowed."""
    return view(saying(*events).reading)


# Awaiting.


def test_without_open_steps_and_proposals_no_side_is_awaited() -> None:
    assert after(understood("JOINT")).awaiting == "none"


@pytest.mark.parametrize("addressee", ["RU", "US", "both"])
def test_an_open_proposal_awaits_its_addressee(addressee: str) -> None:
    assert after(tabled("TR", addressee)).awaiting == addressee


def test_a_side_that_proposes_to_both_awaits_the_other() -> None:
    assert after(tabled("RU", "both")).awaiting == "US"
    assert after(tabled("JOINT", "both")).awaiting == "both"


@pytest.mark.parametrize("owner", ["RU", "US", "both"])
def test_an_open_step_awaits_its_owner_before_any_proposal(owner: str) -> None:
    assert after(tabled("RU", "US"), step_agreed("RU", owner=owner)).awaiting == owner


def test_open_steps_or_proposals_of_each_side_await_both() -> None:
    assert after(step_agreed("RU", "one", owner="RU"), step_agreed("RU", "other", owner="US")).awaiting == "both"
    assert after(tabled("RU", "US"), tabled("US", "RU")).awaiting == "both"


def test_steps_and_proposals_that_only_media_report_await_no_side() -> None:
    assert after(step_agreed("MEDIA", owner="US"), tabled("MEDIA", "US")).awaiting == "none"


def test_a_resolved_irritant_awaits_no_side() -> None:
    assert after(step_agreed("RU", owner="US"), settled("JOINT")).awaiting == "none"


@pytest.mark.parametrize(
    ("answer", "awaiting"), [("accepted", "none"), ("rejected", "none"), ("countered", "RU"), ("deferred", "US")]
)
def test_any_answer_except_deferred_closes_a_proposal(answer: str, awaiting: str) -> None:
    assert after(tabled("RU", "US"), answered("e2", "US", answer)).awaiting == awaiting


def test_an_answer_reported_by_media_does_not_close_a_proposal() -> None:
    assert after(tabled("RU", "US"), answered("e2", "MEDIA")).awaiting == "US"


def test_a_proposal_closes_when_its_addressee_reaches_an_understanding() -> None:
    assert after(tabled("RU", "US"), discussed("US")).awaiting == "US"
    assert after(tabled("RU", "US"), understood("RU")).awaiting == "US"
    assert after(tabled("RU", "US"), understood("US")).awaiting == "none"


def test_a_proposal_to_both_closes_when_both_reach_an_understanding() -> None:
    assert after(tabled("TR", "both"), understood("US")).awaiting == "RU"
    assert after(tabled("TR", "both"), understood("US"), understood("RU")).awaiting == "none"


def test_a_proposal_tabled_after_an_understanding_is_open() -> None:
    assert after(understood("US", on="2025-02-01"), tabled("RU", "US", on="2025-03-01")).awaiting == "US"


def test_a_step_closes_when_every_side_that_agreed_to_it_says_the_same() -> None:
    for voice in ("MEDIA", "US"):
        assert after(step_agreed("RU", owner="US"), step_closed(voice)).awaiting == "US"
    for party in ("RU", "JOINT"):
        assert after(step_agreed("RU", owner="US"), step_closed(party)).awaiting == "none"
    both = step_agreed("JOINT", owner="US")
    assert after(both, step_closed("RU")).awaiting == "US"
    assert after(both, step_closed("RU"), step_closed("US")).awaiting == "none"
    assert after(both, step_closed("RU"), step_closed("US", outcome="lapsed")).awaiting == "US"


def test_a_side_that_agrees_to_a_closed_step_opens_it_again() -> None:
    agreed = [step_agreed("RU", owner="US", on="2025-02-01"), step_closed("RU", on="2025-03-01")]
    assert after(*agreed, step_agreed("US", owner="US", on="2025-04-01")).awaiting == "US"


def test_a_closed_step_agreed_again_by_the_same_side_is_a_new_undertaking() -> None:
    agreed = [step_agreed("RU", owner="US", on="2025-02-01"), step_closed("RU", on="2025-03-01")]
    assert after(*agreed, step_agreed("RU", owner="RU", on="2025-04-01")).awaiting == "RU"


def test_a_step_reported_late_with_an_earlier_date_stays_closed() -> None:
    """An undated closing follows the earliest agreement of its step."""
    it = after(
        step_agreed("RU", owner="US", on="2025-03-01"),
        step_closed("JOINT"),
        step_agreed("US", owner="US", on="2025-02-01"),
    )
    assert it.awaiting == "none"


def test_a_step_agreed_again_after_its_closing_is_open() -> None:
    history = [step_agreed("RU", owner="US", on="2025-02-01"), step_closed("RU", on="2025-03-01")]
    assert after(*history, step_agreed("RU", owner="RU", after="e3")).awaiting == "RU"


# Holds.


@pytest.mark.parametrize("kind", ["stalled", "suspended"])
def test_a_side_places_a_hold(kind: str) -> None:
    assert after(hold_placed("RU", kind)).hold == kind


def test_the_heaviest_hold_is_shown() -> None:
    assert after(hold_placed("RU", "suspended"), hold_placed("US", "stalled")).hold == "suspended"
    assert after(hold_placed("RU", "suspended"), hold_placed("RU", "stalled")).hold == "stalled"


def test_each_side_lifts_its_own_hold_and_a_joint_text_lifts_both() -> None:
    placed = [hold_placed("RU", "suspended"), hold_placed("US", "stalled")]
    assert after(*placed, hold_lifted("RU")).hold == "stalled"
    assert after(*placed, hold_lifted("JOINT")).hold == "none"
    assert after(hold_placed("JOINT"), hold_lifted("US")).hold == "stalled"


def test_a_side_without_a_hold_cannot_lift_one() -> None:
    saying(hold_placed("RU"), hold_lifted("US")).refused(NoSuchHold, asserter="US")


@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
def test_media_and_third_parties_neither_place_nor_lift_a_hold(voice: str) -> None:
    assert after(hold_placed(voice)).hold == "none"
    assert after(hold_placed("RU"), hold_lifted(voice)).hold == "stalled"


def test_the_lifting_of_a_hold_can_be_reported_again() -> None:
    assert after(hold_placed("RU"), hold_lifted("RU"), evidence("e3", "RU", origin="another")).hold == "none"


def test_a_hold_placed_again_after_its_lifting_is_in_effect() -> None:
    lifted = [hold_placed("RU", on="2025-02-01"), hold_lifted("RU", on="2025-03-01")]
    assert after(*lifted, hold_placed("RU", "suspended", on="2025-04-01")).hold == "suspended"


def test_a_hold_moves_no_rung() -> None:
    assert after(understood("RU"), hold_placed("RU", "suspended")).status == "understanding"


# Items.


def test_items_are_counted_and_only_a_party_settles_one() -> None:
    listed = [item_added("house"), item_added("dacha", "RU")]
    assert after(*listed).items.model_dump() == {"settled": 0, "total": 2}
    assert after(*listed, item_changed("house", "MEDIA")).items.settled == 0
    assert after(*listed, item_changed("house", "US")).items.settled == 1
    assert after(*listed, item_changed("house", "US", "partly")).items.settled == 0


def test_the_last_status_of_an_item_counts() -> None:
    changed = [item_added("house"), item_changed("house", "US", on="2025-02-01")]
    assert after(*changed, item_changed("house", "RU", "outstanding", on="2025-03-01")).items.settled == 0


def test_an_item_is_added_once() -> None:
    saying(item_added("house"), item_added("house", "RU")).refused(ItemTaken, item="house")
    assert after(item_added("house"), evidence("e2", "RU")).items.total == 1


# Whether it can be undone.


def test_on_reversibility_the_last_statement_of_a_side_outweighs_media() -> None:
    assert after().reversible == "unknown"
    assert after(reversible("MEDIA")).reversible == "true"
    assert after(reversible("RU"), reversible("MEDIA", reversible=False)).reversible == "true"
    assert after(reversible("RU"), reversible("US", reversible=False)).reversible == "false"


# Unknown proposals, steps and items, and actors that are no party.


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (answered("e9", "US"), UnknownProposal),
        (step_closed("US", "unheard-of"), UnknownStep),
        (item_changed("unheard-of", "US"), UnknownItem),
    ],
    ids=lambda it: getattr(it, "type", ""),
)
def test_unknown_proposals_steps_and_items_are_refused(event: EventModel, error: type[Refusal]) -> None:
    saying(event).refused(error)


def test_an_answer_and_a_closing_take_effect_despite_an_earlier_date() -> None:
    """They are placed after their proposal or their step."""
    assert after(tabled("RU", "US", on="2025-03-01"), answered("e2", "US", on="2025-02-01")).awaiting == "none"
    assert after(step_agreed("RU", on="2025-03-01"), step_closed("RU", on="2025-02-01")).awaiting == "none"


@pytest.mark.parametrize(
    "event",
    [
        tabled("RU", "TR"),
        hold_placed("RU", by="TR"),
        reversed_to("unstated", "RU", by="TR"),
    ],
    ids=lambda event: event.type,
)
def test_only_the_parties_are_addressed_or_blamed(event: EventModel) -> None:
    saying(exchanged("RU"), event).refused(NotAParty, party="TR", relation="ru-us")


def test_a_third_party_may_assert_a_step() -> None:
    assert after(step_agreed("TR", owner="both")).reported_status == "in_talks"


def test_a_third_party_owns_a_step_and_is_not_awaited() -> None:
    it = after(step_agreed("JOINT", owner="TR"), implemented("RU", actor="TR"))
    assert (it.awaiting, it.parties["RU"].rung) == ("none", "implementing")
