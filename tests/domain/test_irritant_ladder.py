"""The rungs of an irritant: claimed, confirmed by both sides, and reported."""

from typing import Any

import pytest

from service.domain.assertion import EventModel
from service.domain.ladder import RUNGS
from service.projections.irritant import IrritantDocument, view
from tests.build import (
    answered,
    contested,
    discussed,
    evidence,
    exchanged,
    given,
    hold_placed,
    implemented,
    item_added,
    opened,
    position_stated,
    raised,
    reversed_to,
    reversible,
    settled,
    step_agreed,
    step_closed,
    tabled,
    understood,
    withdrawn,
)


def after(*events: EventModel) -> IrritantDocument:
    """Return the irritant after these events, of which the first is `e2`. Each one must be allowed."""
    return view(given(opened()).when(*events).reading)


def rungs(it: IrritantDocument) -> tuple[str, str, str]:
    return it.parties["RU"].rung, it.parties["US"].rung, it.reported_status


ADVANCING: dict[str, tuple[Any, str]] = {
    "a concern": (raised, "raised"),
    "a proposal": (tabled, "proposed"),
    "talks": (discussed, "in_talks"),
    "an understanding": (understood, "understanding"),
    "a next step": (step_agreed, "in_talks"),
    "an instrument": (exchanged, "formalised"),
    "an act": (implemented, "implementing"),
    "settlement": (settled, "resolved"),
}


@pytest.mark.parametrize(("told", "rung"), ADVANCING.values(), ids=ADVANCING)
def test_an_assertion_moves_only_its_asserter_to_its_rung(told: Any, rung: str) -> None:
    assert rungs(after(told("RU"))) == (rung, "unstated", rung)


@pytest.mark.parametrize(("told", "rung"), ADVANCING.values(), ids=ADVANCING)
def test_a_joint_text_moves_both_sides(told: Any, rung: str) -> None:
    assert rungs(after(told("JOINT"))) == (rung, rung, rung)


@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
@pytest.mark.parametrize(("told", "rung"), ADVANCING.values(), ids=ADVANCING)
def test_assertions_of_media_and_third_parties_are_only_reported(told: Any, rung: str, voice: str) -> None:
    assert rungs(after(told(voice))) == ("unstated", "unstated", rung)


@pytest.mark.parametrize(
    ("answer", "rung"),
    [("accepted", "understanding"), ("countered", "proposed"), ("rejected", "unstated"), ("deferred", "unstated")],
)
def test_an_answer_moves_its_asserter_to_the_rung_of_the_answer(answer: str, rung: str) -> None:
    assert after(tabled("RU"), answered("e2", "US", answer)).parties["US"].rung == rung


@pytest.mark.parametrize(
    "beside",
    [
        step_closed("US"),
        hold_placed("US"),
        item_added("a-house", "US"),
        position_stated("US"),
        reversible("US"),
    ],
    ids=lambda event: event.type,
)
def test_other_events_do_not_raise_a_rung(beside: EventModel) -> None:
    assert rungs(after(step_agreed("RU"), beside)) == ("in_talks", "unstated", "in_talks")


def test_a_withdrawal_takes_its_asserter_to_unstated() -> None:
    assert rungs(after(raised("RU"), withdrawn("RU"))) == ("unstated", "unstated", "unstated")
    assert rungs(after(raised("JOINT"), withdrawn("RU"))) == ("unstated", "raised", "raised")


def test_rungs_may_be_skipped_and_later_advances_never_lower_one() -> None:
    assert rungs(after(exchanged("RU"), discussed("RU"), raised("RU"))) == ("formalised", "unstated", "formalised")


def test_claimed_is_the_higher_rung_confirmed_the_lower_and_reported_the_highest() -> None:
    it = after(exchanged("US"), understood("RU"), implemented("MEDIA"))
    assert (it.confirmed_status, it.status, it.reported_status) == ("understanding", "formalised", "implementing")


BASES: dict[str, tuple[str, list[EventModel]]] = {
    "nothing reported": ("none", []),
    "something beside the ladder": ("none", [position_stated("RU")]),
    "media alone": ("media_only", [discussed("MEDIA")]),
    "another state alone": ("third_party", [discussed("TR")]),
    "another state and media": ("third_party", [discussed("TR"), exchanged("MEDIA")]),
    "one side": ("one_side", [understood("RU")]),
    "one side, in paraphrase": ("one_side", [understood("RU", channel="paraphrase")]),
    "one side, the other lower": ("one_side", [understood("RU"), raised("US")]),
    "one side, media higher": ("one_side", [understood("RU"), exchanged("MEDIA")]),
    "both": ("both_sides", [understood("RU"), understood("US")]),
    "both, in one text": ("both_sides", [understood("JOINT")]),
    "both, one only attributed": ("one_side", [understood("RU"), understood("US", channel="attributed")]),
    "attributed alone": ("attributed", [understood("RU", channel="attributed")]),
    "both attributed": ("attributed", [understood("JOINT", channel="attributed")]),
    "attributed, then in its own words": ("one_side", [understood("RU", channel="attributed"), understood("RU")]),
    "attributed at the top": ("attributed", [understood("RU"), exchanged("RU", channel="attributed")]),
    "denied by the other": ("contested", [understood("RU"), contested("e2", "US")]),
}


@pytest.mark.parametrize(("basis", "events"), BASES.values(), ids=BASES)
def test_the_basis_of_the_claimed_rung(basis: str, events: list[EventModel]) -> None:
    assert after(*events).basis == basis


ORIGINS: dict[str, tuple[int, list[EventModel]]] = {
    "none": (0, []),
    "two documents, one utterance": (1, [understood("RU"), understood("RU", document="a1")]),
    "two utterances": (2, [understood("RU"), understood("RU", origin="other")]),
    "one text of both": (1, [understood("JOINT")]),
    "each side's": (2, [understood("RU"), understood("US")]),
    "those below do not count": (1, [raised("RU", origin="other"), understood("RU")]),
    "media do not count beside a party": (1, [understood("RU"), understood("MEDIA")]),
    "media alone": (2, [discussed("MEDIA"), discussed("MEDIA", origin="other"), raised("MEDIA", origin="third")]),
    "evidence": (2, [understood("RU"), evidence("e2", "RU", origin="other")]),
    "a relay": (1, [understood("RU"), evidence("e2", "RU", document="a1")]),
    "denied": (1, [understood("RU"), understood("RU", origin="other"), contested("e2", "RU")]),
    "after a reversal": (1, [exchanged("RU"), reversed_to("in_talks", "RU", origin="other")]),
    "after the other side's": (1, [exchanged("RU"), reversed_to("in_talks", "US", by="RU")]),
    "after a reversal, with what is said again": (
        2,
        [discussed("RU", origin="o"), exchanged("RU"), reversed_to("in_talks", "RU", origin="other")],
    ),
}


@pytest.mark.parametrize(("origins", "events"), ORIGINS.values(), ids=ORIGINS)
def test_the_origins_of_the_claimed_rung_are_counted(origins: int, events: list[EventModel]) -> None:
    assert after(*events).origins == origins


def test_an_irritant_is_resolved_when_both_sides_declare_it() -> None:
    assert after(settled("US")).lifecycle == "open"
    assert after(settled("US"), settled("MEDIA")).lifecycle == "open"
    assert after(settled("US"), settled("RU")).lifecycle == "resolved"
    assert after(settled("JOINT")).lifecycle == "resolved"


def test_the_high_water_mark_is_the_highest_claimed_status_in_the_order_of_the_world() -> None:
    fell = [
        exchanged("RU", on="2025-03-01"),
        reversed_to("raised", "RU", on="2025-04-01"),
        discussed("US", on="2025-05-01"),
    ]
    assert (after(*fell).status, after(*fell).high_water_mark) == ("in_talks", "formalised")
    # Filed late: by its date the act precedes the reversal in April.
    late = after(*fell, implemented("RU", on="2025-03-15"))
    assert (late.status, late.high_water_mark) == ("in_talks", "implementing")
    assert after(implemented("MEDIA")).high_water_mark == "unstated"


def test_last_moved_is_the_last_change_of_a_sides_rung_or_of_the_reported_status() -> None:
    it = after(raised("RU", on="2025-01-01"), raised("US", on="2025-02-01"), raised("US", on="2025-03-01"))
    assert it.last_moved.model_dump() == {"occurred": "2025-02-01", "position": 3}
    assert after(position_stated("RU")).last_moved.model_dump() == {"occurred": None, "position": None}


def test_the_trend_is_the_direction_of_the_last_change_of_a_sides_rung() -> None:
    assert after().trend == "held"
    assert after(discussed("MEDIA")).trend == "held"
    assert after(discussed("RU")).trend == "advanced"
    fell = [discussed("RU", on="2025-03-01"), reversed_to("raised", "RU", on="2025-04-01")]
    assert after(*fell).trend == "regressed"
    assert after(*fell, discussed("US", on="2025-05-01"), raised("MEDIA")).trend == "advanced"


def test_each_side_has_its_own_wording_and_its_last_assertion() -> None:
    it = after(
        understood("RU", wording="committed", on="2025-04-10"),
        exchanged("US", wording="understanding", on="2025-04-11"),
        position_stated("RU", on="2025-04-12"),
        raised("MEDIA"),
    )
    assert it.parties["RU"].model_dump() == {
        "rung": "understanding",
        "since": "2025-04-10",
        "event": "e2",
        "says": "UnderstandingReported",
        "wording": "committed",
        "attributed": False,
        "valid_until": None,
        "instrument_with": (),
        "silent": False,
        "latest": {"type": "PositionStated", "occurred": "2025-04-12", "event": "e4", "certain": True},
        "stance": "priority",
        "hold": "none",
        "in_effect": (),
    }
    assert it.parties["US"].wording == "understanding"


def test_the_wording_of_a_side_is_its_latest_at_its_rung() -> None:
    it = after(understood("RU", wording="committed"), understood("RU", wording="agreed"), raised("RU", wording="worry"))
    assert it.parties["RU"].wording == "agreed"
    assert after(understood("RU", wording="committed"), understood("RU")).parties["RU"].wording == "committed"


def test_every_rung_can_be_reached() -> None:
    reached = {after(told("RU")).status for told, _ in ADVANCING.values()} | {after().status}
    assert reached == set(RUNGS)
