"""Events of a round, each judged at its place, and the state that follows from them."""

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

# All steps have the same day, so that they stay in the order of filing.
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
    """Return the shortest history that leads to a phase."""
    beside = phase in ("postponed", "cancelled")
    return [STEPS["announced"], STEPS[phase]] if beside else [STEPS[phase]]


def test_a_round_is_announced_scheduled_convened_and_concluded() -> None:
    state = given(*(STEPS[step] for step in FORWARD[:1])).when(*(STEPS[step] for step in FORWARD[1:])).state
    assert state.phase == "concluded"


@pytest.mark.parametrize("first", FORWARD)
def test_each_step_may_be_skipped(first: Phase) -> None:
    assert given(stream=STREAMS["round"]).when(STEPS[first]).state.phase == first


@pytest.mark.parametrize(("phase", "step"), [(a, b) for i, a in enumerate(FORWARD) for b in FORWARD[:i]])
def test_a_step_back_to_an_earlier_phase_is_refused(phase: Phase, step: Phase) -> None:
    given(*reached(phase)).when(US_STEPS[step]).refused(OutOfTurn, phase=phase, type=type(STEPS[step]).__name__)


@pytest.mark.parametrize("phase", STEPS)
def test_the_same_step_by_the_other_side_is_accepted(phase: Phase) -> None:
    assert given(*reached(phase)).when(US_STEPS[phase]).state.phase == phase


@pytest.mark.parametrize("phase", STEPS)
def test_the_same_step_by_the_same_side_is_refused(phase: Phase) -> None:
    given(*reached(phase)).when(STEPS[phase]).refused(OutOfTurn, phase=phase)


def test_a_joint_text_adds_the_side_that_had_not_spoken() -> None:
    round = given(announced("RU", on="2025-04-10"))
    (claim,) = round.when(announced("JOINT", on="2025-04-10")).state.existence[1:]
    assert claim.said_by == ("RU", "US")
    round.when(announced("US", on="2025-04-10")).refused(OutOfTurn)


def test_each_origin_in_the_media_may_report_a_step() -> None:
    met = given(convened("MEDIA", on="2025-04-10", origin="one-paper"))
    met.when(convened("MEDIA", on="2025-04-10", origin="one-paper")).refused(OutOfTurn)
    assert met.when(convened("MEDIA", on="2025-04-10", origin="other-paper")).state.phase == "convened"


def test_a_side_that_denied_its_step_may_report_it_again() -> None:
    state = (
        given(
            announced("RU", on="2025-04-10"),
            contested("e1", "RU", on="2025-04-11"),
        )
        .when(announced("RU", on="2025-04-12"))
        .state
    )
    assert [claim.said_by for claim in state.existence] == [(), ("RU",)]


def test_a_postponed_round_can_be_scheduled_again() -> None:
    state = given(*reached("postponed")).when(scheduled("RU", "2025-06-01", place="Ankara", on="2025-04-11")).state
    assert (state.phase, state.date, state.place) == ("scheduled", "2025-06-01", "Ankara")


def test_a_postponed_round_cannot_be_announced_again() -> None:
    given(*reached("postponed")).when(announced("US", on="2025-04-11")).refused(OutOfTurn, phase="postponed")


@pytest.mark.parametrize("phase", ["none", "convened", "concluded"])
@pytest.mark.parametrize("step", [postponed, cancelled, relocated])
def test_only_a_future_round_can_be_postponed_cancelled_or_relocated(phase: Phase, step: Any) -> None:
    said = step("US", on="2025-04-10", **({"place": "Ankara"} if step is relocated else {}))
    round = given(*reached(phase)) if phase != "none" else given(stream=STREAMS["round"])
    round.when(said).refused(OutOfTurn, phase=phase)


@pytest.mark.parametrize(
    "more",
    [
        *(step for phase, step in STEPS.items() if phase != "cancelled"),
        relocated("RU", "Ankara", on="2025-04-10"),
        venue_named("RU", "A house", on="2025-04-10"),
        head_named("RU", "US", on="2025-04-10"),
        characterised("RU", on="2025-04-10"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_side_says_nothing_more_of_a_round_that_it_cancelled(more: Any) -> None:
    given(*reached("cancelled")).when(more).refused(OutOfTurn, phase="cancelled")


@pytest.mark.parametrize("phase", ["announced", "scheduled", "convened", "concluded"])
def test_a_round_that_one_side_called_off_the_other_may_say_to_come_or_to_have_met(phase: Phase) -> None:
    round = given(*reached("cancelled")).when(US_STEPS[phase]).state
    assert (round.phase_of("RU"), round.phase_of("US")) == ("cancelled", phase)
    assert [(d.kind, d.alleged_by, d.about) for d in round.disputes] == [("phase", "US", "RU")]


@pytest.mark.parametrize("step", [relocated, postponed])
def test_a_round_that_was_called_off_is_not_put_off_or_moved(step: Any) -> None:
    said = step("US", on="2025-04-10", **({"place": "Ankara"} if step is relocated else {}))
    given(*reached("cancelled")).when(said).refused(OutOfTurn, phase="cancelled")


# Several voices.


def kinds(round: Any) -> list[tuple[str, str, str, bool]]:
    return [(d.kind, d.alleged_by, d.about, d.denied) for d in round.disputes]


def test_the_phase_is_what_the_sides_say_and_says_who() -> None:
    round = given(announced("RU", on="2025-04-01"), convened("US", on="2025-04-10")).state
    assert (round.phase, round.phase_by) == ("convened", ("US",))
    assert (round.phase_of("RU"), round.phase_of("US"), kinds(round)) == ("announced", "convened", [])


def test_what_media_report_of_a_round_counts_where_no_side_has_said_it() -> None:
    round = given(scheduled("RU", "2025-05-01", on="2025-04-10"), convened("MEDIA", on="2025-05-01")).state
    assert (round.phase, round.phase_by, round.date) == ("convened", ("MEDIA",), "2025-05-01")


@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
@pytest.mark.parametrize(("taken_back", "phase"), [(postponed, "postponed"), (cancelled, "cancelled")])
def test_a_report_that_it_met_does_not_count_against_a_side_that_took_it_back_later(
    voice: str, taken_back: Any, phase: Phase
) -> None:
    dated = scheduled("RU", "2025-05-01", on="2025-04-10")
    round = given(dated, convened(voice, on="2025-05-01"), taken_back("RU", on="2025-05-02")).state
    assert (round.phase, round.phase_by, kinds(round)) == (phase, ("RU",), [])


def test_a_report_that_it_met_does_not_bring_back_what_a_side_called_off() -> None:
    history = [announced("RU", on="2025-04-01"), cancelled("RU", on="2025-04-02"), convened("MEDIA", on="2025-04-10")]
    assert given(*history).state.phase == "cancelled"


def test_one_side_puts_a_round_off_that_the_other_still_announces() -> None:
    told = [announced("US", on="2025-04-01"), postponed("RU", on="2025-04-02")]
    round = given(*told).state
    assert (round.phase, round.phase_by, kinds(round)) == ("postponed", ("RU",), [("phase", "RU", "US", False)])
    assert kinds(given(*told, postponed("US", on="2025-04-03")).state) == []
    assert kinds(given(*told, contested("e2", "RU", on="2025-04-03")).state) == []
    assert kinds(given(*told, contested("e2", "US", on="2025-04-03")).state) == [("phase", "RU", "US", True)]


def test_a_side_that_denies_that_it_met_is_in_dispute() -> None:
    round = given(convened("RU", on="2025-04-10"), contested("e1", "US", on="2025-04-11")).state
    assert (round.phase, round.phase_by, kinds(round)) == ("convened", ("RU",), [("claim", "RU", "US", True)])


def test_two_days_or_two_places_of_the_sides_are_a_dispute() -> None:
    dates = given(scheduled("RU", "2025-05-01", "Geneva"), scheduled("US", "2025-05-03", "Geneva, Palais")).state
    assert kinds(dates) == [("date", "US", "RU", False)]
    places = given(convened("RU", "Geneva", on="2025-05"), convened("US", "Ankara", on="2025-05-03")).state
    assert kinds(places) == [("place", "US", "RU", False)]
    assert kinds(given(scheduled("RU", "2025-05-01"), scheduled("MEDIA", "2025-05-03", "Ankara")).state) == []


def test_a_round_that_began_on_one_day_and_ended_on_a_later_one_has_both() -> None:
    assert (
        given(convened("RU", on="2025-05-10"), concluded("US", on="2025-05-12")).state.date == "2025-05-10/2025-05-12"
    )
    assert given(convened("RU", on="2025-05-10"), concluded("US", on="2025-05-10")).state.date == "2025-05-10"
    assert given(convened("RU", on="2025-05"), concluded("US", on="2025-05-12")).state.date == "2025-05"


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
def test_the_record_of_a_cancelled_round_can_be_corrected(more: Any) -> None:
    assert given(*reached("cancelled")).when(more).refusal is None


def test_a_step_is_judged_in_its_place_in_the_order_of_the_world() -> None:
    state = given(convened("MEDIA", on="2025-04-10")).when(announced("RU", on="2025-04-01", place="Ankara")).state
    assert (state.phase, state.place) == ("convened", "Istanbul")


def test_an_assertion_without_a_first_day_may_precede_all_others() -> None:
    named = head_named("RU", "RU", "Darchiev", on="[..2025-04-10]")
    state = given(convened("MEDIA", on="2025-04-10")).when(named).state
    assert [claim.data.person for claim in state.heads["RU"]] == ["Darchiev"]


def test_a_delegation_belongs_to_a_party() -> None:
    named = head_named("RU", "TR")
    given(*reached("convened")).when(named).refused(NotAParty, party="TR", relation="ru-us")


@pytest.mark.parametrize("denier", ["MEDIA", "TR"])
def test_a_denial_by_media_or_a_third_party_does_not_affect_a_side(denier: str) -> None:
    (claim,) = given(announced("RU"), contested("e1", denier)).state.existence
    assert (claim.said_by, claim.contested_by) == (("RU",), ())


@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
def test_media_and_third_parties_can_postpone_a_round_only_where_no_side_has_spoken(voice: str) -> None:
    assert given(scheduled(voice, "2025-05-03"), postponed(voice)).state.phase == "postponed"
    assert given(scheduled("RU", "2025-05-03"), postponed(voice)).state.phase == "scheduled"


@pytest.mark.parametrize("party", ["RU", "US"])
def test_evidence_is_accepted_in_any_phase(party: str) -> None:
    again = evidence("e1", party, origin="interview")
    state = given(announced("RU", on="2025-04-10"), convened("RU", on="2025-04-11")).when(again).state
    assert state.existence[0].origins == {"ru-statement", "interview"}


# The state.


def test_a_round_reported_by_media_alone_is_said_by_no_party() -> None:
    round = given(convened("MEDIA", on="2025-04-10"), concluded("MEDIA", 6, on="2025-04-10")).state
    assert (round.phase, [claim.said_by for claim in round.existence]) == ("concluded", [(), ()])


@pytest.mark.parametrize("taken_back", [postponed, cancelled])
@pytest.mark.parametrize("voice", ["MEDIA", "TR"])
def test_media_and_third_parties_cannot_postpone_or_cancel_a_round_of_a_side(taken_back: Any, voice: str) -> None:
    dated = scheduled("RU", "2025-05-01", on="2025-04-10")
    round = given(dated, taken_back(voice, on="2025-04-11")).state
    assert (round.phase, round.date) == ("scheduled", "2025-05-01")


@pytest.mark.parametrize(("taken_back", "phase"), [(postponed, "postponed"), (cancelled, "cancelled")])
def test_evidence_by_a_party_confirms_a_postponement_or_cancellation(taken_back: Any, phase: Phase) -> None:
    dated = scheduled("RU", "2025-05-01", on="2025-04-10")
    assert given(dated, taken_back("MEDIA", on="2025-04-11"), evidence("e2", "US")).state.phase == phase


def test_a_cancellation_that_its_asserter_denies_has_no_effect() -> None:
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
def test_a_late_report_of_an_earlier_step_does_not_lower_the_phase(earlier: Phase, later: Phase, phase: Phase) -> None:
    """The later step is filed first, so neither is refused."""
    steps = [STEPS[later], US_STEPS[earlier].model_copy(update={"occurred": "2025-04-05"})]
    assert given(announced("RU", on="2025-04-01"), *steps).state.phase == phase


def test_a_denied_step_stays_reported() -> None:
    round = given(announced("JOINT", on="2025-04-10"), contested("e1", "US", on="2025-04-11")).state
    (claim,) = round.existence
    assert (round.phase, claim.said_by, claim.contested_by) == ("announced", ("RU",), ("US",))


def test_evidence_alone_can_be_denied() -> None:
    round = given(announced("RU", on="2025-04-10"), evidence("e1", "US"), contested("e2", "US", on="2025-04-11")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by, claim.origins) == (("RU",), ("US",), {"ru-statement"})


def test_a_side_that_denies_evidence_still_stands_on_its_other_statements() -> None:
    again = evidence("e1", "RU", origin="interview", channel="attributed")
    round = given(announced("RU", on="2025-04-10"), again, contested("e2", "RU", on="2025-04-11")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by, claim.origins) == (("RU",), (), {"ru-statement"})


def test_an_outlet_takes_back_only_its_own_words() -> None:
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


def test_the_other_side_cannot_take_back_a_denial() -> None:
    denied = contested("e1", "RU", on="2025-04-11")
    round = given(announced("RU", on="2025-04-10"), denied, contested("e2", "US", on="2025-04-12")).state
    (claim,) = round.existence
    assert (claim.said_by, claim.contested_by) == ((), ("RU",))


def test_documents_that_relay_one_statement_are_one_origin() -> None:
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
def test_the_place_is_where_the_round_met_or_will_meet(history: Any, place: str) -> None:
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
def test_the_date_is_when_the_round_met_or_will_meet(history: Any, date: str | None) -> None:
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
def test_a_round_is_preliminary_until_a_party_sets_a_date_or_it_meets(history: Any, *, preliminary: bool) -> None:
    assert given(*history).state.preliminary is preliminary


def test_timing_and_length_come_from_the_assertions() -> None:
    round = given(
        announced("RU", timing="soon"), announced("US"), concluded("RU"), concluded("MEDIA", 5, "at_least")
    ).state
    assert (round.timing, round.length.data.hours, round.length.data.qualifier) == ("soon", 5, "at_least")


def test_a_corrected_field_replaces_the_first() -> None:
    assert given(announced("RU", place="Moscow"), corrected("e1", place="Ankara")).state.place == "Ankara"


@whatever(records("round"))
def test_any_event_on_any_record_is_judged_without_an_error(filed: Filed) -> None:
    *before, last = filed.events
    history = Filed().file(STREAMS["round"], *(e.data for e in before)).history(STREAMS["round"])
    effect, state = history.placed_if_recorded(last)
    if effect is not None:
        refusal = JUDGES["round"](state, effect, STREAMS["round"], "ru-us")
        assert refusal is None or refusal.detail
