"""What may be said of a round in its place, and what it all comes to."""

from typing import Any

import pytest
from hypothesis import given as whatever

from service.domain.errors import NotAParty, OutOfTurn
from service.domain.filing import JUDGES
from service.domain.round.state import Phase
from tests.build import (
    STREAMS,
    Filed,
    announced,
    cancelled,
    characterised,
    concluded,
    contested,
    convened,
    corrected,
    evidence,
    given,
    head_named,
    postponed,
    relocated,
    retracted,
    scheduled,
    venue_named,
)
from tests.strategies import records

# The steps on one day, so that they stand in the order in which they are said.
STEPS: dict[Phase, Any] = {
    "announced": announced("RU", on="2025-04-10"),
    "scheduled": scheduled("RU", "2025-05-01", on="2025-04-10"),
    "postponed": postponed("RU", on="2025-04-10"),
    "convened": convened("RU", on="2025-04-10"),
    "concluded": concluded("RU", on="2025-04-10"),
    "cancelled": cancelled("RU", on="2025-04-10"),
}
FORWARD: tuple[Phase, ...] = ("announced", "scheduled", "convened", "concluded")
US_STEPS = {
    "announced": announced("US", on="2025-04-10"),
    "scheduled": scheduled("US", "2025-05-02", on="2025-04-10"),
    "postponed": postponed("US", on="2025-04-10"),
    "convened": convened("US", on="2025-04-10"),
    "concluded": concluded("US", on="2025-04-10"),
    "cancelled": cancelled("US", on="2025-04-10"),
}


def reached(phase: Phase) -> list[Any]:
    """The shortest history on record that leads there."""
    beside = phase in ("postponed", "cancelled")
    return [STEPS["announced"], STEPS[phase]] if beside else [STEPS[phase]]


def test_a_round_is_announced_scheduled_convened_and_concluded() -> None:
    state = given(*(STEPS[step] for step in FORWARD[:1])).when(*(STEPS[step] for step in FORWARD[1:])).state
    assert state.phase == "concluded"


@pytest.mark.parametrize("first", FORWARD)
def test_each_step_may_be_skipped(first: Phase) -> None:
    assert given(stream=STREAMS["round"]).when(STEPS[first]).state.phase == first


@pytest.mark.parametrize(("phase", "step"), [(a, b) for i, a in enumerate(FORWARD) for b in FORWARD[:i]])
def test_no_step_leads_back(phase: Phase, step: Phase) -> None:
    given(*reached(phase)).when(US_STEPS[step]).refused(OutOfTurn, phase=phase, type=type(STEPS[step]).__name__)


@pytest.mark.parametrize("phase", STEPS)
def test_the_same_step_told_by_the_other_side_is_welcome(phase: Phase) -> None:
    assert given(*reached(phase)).when(US_STEPS[phase]).state.phase == phase


@pytest.mark.parametrize("phase", STEPS)
def test_the_same_step_told_twice_by_one_side_is_evidence_not_a_step(phase: Phase) -> None:
    given(*reached(phase)).when(STEPS[phase]).refused(OutOfTurn, phase=phase)


def test_a_joint_text_adds_the_side_that_had_not_spoken() -> None:
    round = given(announced("RU", on="2025-04-10"))
    (claim,) = round.when(announced("JOINT", on="2025-04-10")).state.existence[1:]
    assert claim.said_by == ("RU", "US")
    round.when(announced("US", on="2025-04-10")).refused(OutOfTurn)


def test_media_are_many_and_each_is_known_by_its_origin() -> None:
    met = given(convened("MEDIA", on="2025-04-10", origin="one-paper"))
    met.when(convened("MEDIA", on="2025-04-10", origin="one-paper")).refused(OutOfTurn)
    assert met.when(convened("MEDIA", on="2025-04-10", origin="other-paper")).state.phase == "convened"


def test_who_took_a_step_back_may_take_it_again() -> None:
    state = (
        given(
            announced("RU", on="2025-04-10"),
            contested("e1", "RU", on="2025-04-11"),
        )
        .when(announced("RU", on="2025-04-12"))
        .state
    )
    assert [claim.said_by for claim in state.existence] == [(), ("RU",)]


def test_what_was_put_off_is_scheduled_anew() -> None:
    state = given(*reached("postponed")).when(scheduled("RU", "2025-06-01", place="Ankara", on="2025-04-11")).state
    assert (state.phase, state.date, state.place) == ("scheduled", "2025-06-01", "Ankara")


def test_what_was_put_off_is_not_announced_anew() -> None:
    given(*reached("postponed")).when(announced("US", on="2025-04-11")).refused(OutOfTurn, phase="postponed")


@pytest.mark.parametrize("phase", ["none", "convened", "concluded"])
@pytest.mark.parametrize("step", [postponed, cancelled, relocated])
def test_only_what_is_to_come_is_put_off_called_off_or_moved(phase: Phase, step: Any) -> None:
    said = step("US", on="2025-04-10", **({"place": "Ankara"} if step is relocated else {}))
    round = given(*reached(phase)) if phase != "none" else given(stream=STREAMS["round"])
    round.when(said).refused(OutOfTurn, phase=phase)


@pytest.mark.parametrize(
    "more",
    [
        *(step for phase, step in US_STEPS.items() if phase != "cancelled"),
        relocated("US", "Ankara", on="2025-04-10"),
        venue_named("US", "A house", on="2025-04-10"),
        head_named("US", "US", on="2025-04-10"),
        characterised("US", on="2025-04-10"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_of_a_round_called_off_nothing_more_is_told(more: Any) -> None:
    given(*reached("cancelled")).when(more).refused(OutOfTurn, phase="cancelled")


@pytest.mark.parametrize(
    "more",
    [
        evidence("e2", "US"),
        contested("e2", "US", on="2025-04-10"),
        corrected("e2", summary="Better."),
        retracted("e2"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_the_record_of_a_round_called_off_is_still_mended(more: Any) -> None:
    assert given(*reached("cancelled")).when(more).refusal is None


def test_a_step_is_judged_in_its_place_in_the_order_of_the_world() -> None:
    state = given(convened("MEDIA", on="2025-04-10")).when(announced("RU", on="2025-04-01", place="Ankara")).state
    assert (state.phase, state.place) == ("convened", "Istanbul")


def test_an_undated_assertion_may_come_before_the_round_was_ever_told_of() -> None:
    named = head_named("RU", "RU", "Darchiev", on="[..2025-04-10]")
    state = given(convened("MEDIA", on="2025-04-10")).when(named).state
    assert [claim.data.person for claim in state.heads["RU"]] == ["Darchiev"]


def test_a_delegation_is_one_of_a_party() -> None:
    named = head_named("RU", "TR")
    given(*reached("convened")).when(named).refused(NotAParty, party="TR", relation="ru-us")


@pytest.mark.parametrize("denier", ["MEDIA", "TR"])
def test_a_denial_by_no_side_leaves_what_a_side_says(denier: str) -> None:
    (claim,) = given(announced("RU"), contested("e1", denier)).state.existence
    assert (claim.said_by, claim.contested_by) == (("RU",), ())


@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
def test_where_no_side_has_spoken_others_put_a_round_off(voice: str) -> None:
    assert given(scheduled(voice, "2025-05-03"), postponed(voice)).state.phase == "postponed"
    assert given(scheduled("RU", "2025-05-03"), postponed(voice)).state.phase == "scheduled"


@pytest.mark.parametrize("party", ["RU", "US"])
def test_evidence_needs_no_turn(party: str) -> None:
    again = evidence("e1", party, origin="interview")
    state = given(announced("RU", on="2025-04-10"), convened("RU", on="2025-04-11")).when(again).state
    assert state.existence[0].origins == {"ru-statement", "interview"}


# What it comes to.


def test_media_alone_report_a_round_but_no_party_stands_behind_it() -> None:
    round = given(convened("MEDIA", on="2025-04-10"), concluded("MEDIA", 6, on="2025-04-10")).state
    assert (round.phase, [claim.said_by for claim in round.existence]) == ("concluded", [(), ()])


@pytest.mark.parametrize("taken_back", [postponed, cancelled])
@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
def test_media_alone_take_no_round_back(taken_back: Any, voice: str) -> None:
    dated = scheduled("RU", "2025-05-01", on="2025-04-10")
    round = given(dated, taken_back(voice, on="2025-04-11")).state
    assert (round.phase, round.date) == ("scheduled", "2025-05-01")


@pytest.mark.parametrize(("taken_back", "phase"), [(postponed, "postponed"), (cancelled, "cancelled")])
def test_a_party_that_says_the_same_takes_it_back(taken_back: Any, phase: Phase) -> None:
    dated = scheduled("RU", "2025-05-01", on="2025-04-10")
    assert given(dated, taken_back("MEDIA", on="2025-04-11"), evidence("e2", "US")).state.phase == phase


def test_a_party_that_denies_its_own_cancellation_has_not_called_it_off() -> None:
    round = given(*reached("cancelled"), contested("e2", "RU", on="2025-04-11")).state
    assert round.phase == "announced"


@pytest.mark.parametrize(
    ("earlier", "later", "phase"),
    [
        ("scheduled", "announced", "scheduled"),
        ("cancelled", "scheduled", "cancelled"),
        ("cancelled", "postponed", "cancelled"),
        ("cancelled", "convened", "convened"),
        ("convened", "postponed", "convened"),
        ("convened", "cancelled", "convened"),
        ("concluded", "convened", "concluded"),
    ],
)
def test_what_was_learned_late_leads_nobody_back(earlier: Phase, later: Phase, phase: Phase) -> None:
    """The later step is on record first, so that neither was refused."""
    steps = [STEPS[later], US_STEPS[earlier].model_copy(update={"occurred": "2025-04-05"})]
    assert given(announced("RU", on="2025-04-01"), *steps).state.phase == phase


def test_a_denial_leaves_what_was_said_reported() -> None:
    round = given(announced("JOINT", on="2025-04-10"), contested("e1", "US", on="2025-04-11")).state
    (claim,) = round.existence
    assert (round.phase, claim.said_by, claim.contested_by) == ("announced", ("RU",), ("US",))


def test_evidence_alone_can_be_denied() -> None:
    round = given(announced("RU", on="2025-04-10"), evidence("e1", "US"), contested("e2", "US", on="2025-04-11")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by, claim.origins) == (("RU",), ("US",), {"ru-statement"})


def test_who_denies_one_telling_still_stands_by_its_others() -> None:
    again = evidence("e1", "RU", origin="interview", channel="attributed")
    round = given(announced("RU", on="2025-04-10"), again, contested("e2", "RU", on="2025-04-11")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by, claim.origins) == (("RU",), (), {"ru-statement"})


def test_an_outlet_takes_back_its_own_words_and_no_other_outlets() -> None:
    (claim,) = given(announced("MEDIA"), contested("e1", "MEDIA")).state.existence
    assert (claim.contested_by, claim.origins) == ((), frozenset())
    (claim,) = given(announced("MEDIA"), contested("e1", "MEDIA", origin="other")).state.existence
    assert (claim.contested_by, claim.origins) == ((), {"media-statement"})


def test_each_side_takes_back_its_own_half_of_a_joint_denial() -> None:
    (claim,) = given(announced("JOINT"), contested("e1", "JOINT"), contested("e2", "RU")).state.existence
    assert (claim.said_by, claim.contested_by) == (("RU",), ("US",))


def test_denying_a_denial_takes_it_back() -> None:
    denied = contested("e1", "RU", on="2025-04-11", channel="attributed")
    round = given(announced("RU", on="2025-04-10"), denied, contested("e2", "RU", on="2025-04-12")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by) == (("RU",), ())


def test_the_other_side_cannot_take_a_denial_back() -> None:
    denied = contested("e1", "RU", on="2025-04-11")
    round = given(announced("RU", on="2025-04-10"), denied, contested("e2", "US", on="2025-04-12")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by) == ((), ("RU",))


def test_documents_that_relay_one_utterance_are_one_origin() -> None:
    round = given(
        announced("RU", origin="interview", document="a0"),
        evidence("e1", "RU", origin="interview", document="a1"),
        evidence("e1", "MEDIA", origin="other-paper", document="a2"),
    ).state
    (claim,) = round.existence
    assert claim.origins == {"interview", "other-paper"}


@pytest.mark.parametrize(
    ("history", "place"),
    [
        ([announced("RU")], None),
        ([announced("RU", place="Moscow")], "Moscow"),
        ([announced("RU", place="Moscow"), announced("US")], "Moscow"),
        ([announced("RU", place="Moscow"), scheduled("US", "2025-05-01", "Ankara")], "Ankara"),
        ([scheduled("US", "2025-05-01", "Ankara"), relocated("US", "Geneva")], "Geneva"),
        ([scheduled("US", "2025-05-01", "Ankara"), relocated("MEDIA", "Geneva")], "Ankara"),
        ([scheduled("US", "2025-05-01", "Ankara"), convened("MEDIA", "Geneva")], "Geneva"),
    ],
)
def test_the_place_is_where_it_met_or_else_is_to_meet_by_the_last_word_of_a_party(history: Any, place: str) -> None:
    assert given(*history).state.place == place


@pytest.mark.parametrize(
    ("history", "date"),
    [
        ([announced("RU", on="2025-04-10")], None),
        ([scheduled("RU", "2025-05-01")], "2025-05-01"),
        ([scheduled("RU", "2025-05-01"), scheduled("MEDIA", "2025-05-03")], "2025-05-01"),
        ([scheduled("RU", "2025-05-01"), contested("e1", "RU"), scheduled("MEDIA", "2025-05-03")], "2025-05-03"),
        ([scheduled("MEDIA", "2025-05-03"), scheduled("RU", "2025-05-01"), contested("e2", "RU")], "2025-05-03"),
        ([scheduled("RU", "2025-05-01"), postponed("RU")], None),
        ([scheduled("RU", "2025-05-01"), postponed("RU"), scheduled("RU", "2025-06")], "2025-06"),
        ([scheduled("RU", "2025-05-01"), cancelled("RU")], "2025-05-01"),
        ([scheduled("RU", "2025-05-01"), convened("MEDIA")], "2025-05-01"),
        ([scheduled("RU", "2025-05-01"), convened("MEDIA", on="2025-05-02")], "2025-05-02"),
        ([concluded("MEDIA", on="2025-05-02")], "2025-05-02"),
    ],
)
def test_the_date_is_when_it_met_or_else_is_to_meet(history: Any, date: str | None) -> None:
    assert given(*history).state.date == date


@pytest.mark.parametrize(
    ("history", "preliminary"),
    [
        ([announced("RU", preliminary=True)], True),
        ([announced("RU")], False),
        ([announced("RU", preliminary=True), scheduled("MEDIA", "2025-05-01")], True),
        ([announced("RU", preliminary=True), scheduled("US", "2025-05-01")], False),
        ([announced("RU", preliminary=True), scheduled("US", "2025-05-01"), postponed("US")], True),
        ([announced("RU", preliminary=True), convened("MEDIA")], False),
    ],
)
def test_it_is_preliminary_until_a_party_sets_a_date_or_it_meets(history: Any, *, preliminary: bool) -> None:
    assert given(*history).state.preliminary is preliminary


def test_timing_and_length_are_those_that_somebody_says() -> None:
    round = given(
        announced("RU", timing="soon"), announced("US"), concluded("RU"), concluded("MEDIA", 5, "at_least")
    ).state
    assert (round.timing, round.length.data.hours, round.length.data.qualifier) == ("soon", 5, "at_least")


def test_a_correction_is_as_if_it_had_always_read_so() -> None:
    assert given(announced("RU", place="Moscow"), corrected("e1", place="Ankara")).state.place == "Ankara"


@whatever(records("round"))
def test_whatever_is_on_record_whatever_is_said_is_judged(filed: Filed) -> None:
    *before, last = filed.events
    history = Filed().file(STREAMS["round"], *(e.data for e in before)).history(STREAMS["round"])
    effect, state = history.in_place(last)
    if effect is not None:
        refusal = JUDGES["round"](state, effect, STREAMS["round"], "ru-us")
        assert refusal is None or refusal.detail
