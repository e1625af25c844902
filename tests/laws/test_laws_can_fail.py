"""Every law can fail: for each one the code is broken as a mistake could break it, and the law finds that.

A law that holds of everything tests nothing. Each break below replaces one rule by a plausible wrong one. Then the law
is held to generated histories and must fail by an assertion of its own. A new law needs a break. If a law does not
fail, either it cannot, or the generator rarely makes the histories that show it.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from service.domain import corrections
from service.domain.actors import other
from service.domain.assertion import AssertionRetracted, EventModel, EvidenceAdded, Recorded
from service.domain.corrections import Amendments, EffectiveEvent
from service.domain.history import StreamAtPoint
from service.domain.irritant import disputes, fold, remarks, standing, undertakings
from service.domain.irritant.events import ProgressReversed
from service.domain.irritant.state import ActorStatement, Denial, Fall, Irritant, LastStatement, Proposal, StatusChange
from service.domain.ladder import UNSTATED
from service.domain.streams import history_of
from service.projections import headline, irritant
from service.projections.irritant import IrritantDocument, LastMoved, ThirdParty
from tests.laws import test_headline as sentences
from tests.laws import test_ladder as ladder

EXAMPLES = 400
SEEDS = range(1, 11)
"""Hypothesis varies each new example several times, so one run can lack what is rare. Then the next seed is tried.

Hypothesis also takes constants from the modules that are loaded, so the examples depend a little on them.
"""
Law = Any
"""A test by Hypothesis, with its inner test and its strategies."""
Break = Callable[[pytest.MonkeyPatch], None]

LAWS: list[Law] = [
    *sentences.LAWS,
    *(law for name, law in vars(ladder).items() if name.startswith("test_") and "every_law" not in name),
]
BREAKS: list[tuple[Law, Break]] = []


def breaks(*laws: Law) -> Callable[[Break], Break]:
    """Register a break of these laws, once for each of them."""

    def registered(broken: Break) -> Break:
        BREAKS.extend((law, broken) for law in laws)
        return broken

    return registered


def examples_until_failure(law: Law) -> int:
    """Return how many examples a law takes to fail. Fail if it holds of all, or if other code than the law fails."""
    inner, tried, has_failed = law.hypothesis.inner_test, 0, False

    @wraps(inner)
    def counted(**drawn: Any) -> None:
        nonlocal tried, has_failed
        tried += not has_failed  # Hypothesis repeats the example that fails.
        try:
            inner(**drawn)
        except AssertionError:
            has_failed = True
            raise

    held_to = settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(given(**law.hypothesis._given_kwargs)(counted))

    def try_all_seeds() -> None:
        for number in SEEDS:
            seed(number)(held_to)()

    with pytest.raises(AssertionError) as failure:
        try_all_seeds()
    assert Path(failure.traceback[-1].path).name == Path(inner.__code__.co_filename).name
    return tried


# The sentences.


@breaks(sentences.test_a_side_is_called_silent_only_if_nothing_by_it_is_on_record)
def a_side_on_no_rung_counts_as_silent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(standing, "silent", lambda state, party: state.rung_of(party) == UNSTATED)


@breaks(sentences.test_a_side_is_called_silent_only_if_nothing_by_it_is_on_record)
def a_side_that_makes_no_claim_is_called_silent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(headline, "_no_claim", lambda name, side: f"{name} is silent")


@breaks(sentences.test_nothing_is_on_record_only_without_any_assertion)
def nothing_is_on_record_while_nothing_is_reported(patch: pytest.MonkeyPatch) -> None:
    right = headline.of

    def of(it: IrritantDocument, *names: Any) -> str:
        return "Nothing is on record yet." if it.reported_status == "unstated" else right(it, *names)

    patch.setattr(headline, "of", of)


@breaks(sentences.test_both_say_only_what_each_says_now_in_its_own_words)
def both_sides_say_what_is_attributed_to_one(patch: pytest.MonkeyPatch) -> None:
    right = headline._is_plain
    patch.setattr(headline, "_is_plain", lambda side: right(_changed(side, attributed=False)))


@breaks(sentences.test_both_say_only_what_each_says_now_in_its_own_words)
def both_sides_say_what_one_went_back_to_or_suspended(patch: pytest.MonkeyPatch) -> None:
    right = headline._is_plain
    patch.setattr(headline, "_is_plain", lambda side: right(_changed(side, in_effect=())))


def _changed(document: Any, **fields: Any) -> Any:
    """Return a copy of a document, or of the fields of one, with other values in these fields."""
    changed = copy(document)
    vars(changed).update(fields)
    return changed


@breaks(
    sentences.test_who_is_the_subject_of_a_verb_has_said_so_in_its_own_words,
    sentences.test_words_that_are_only_attributed_are_worded_so,
)
def attributed_words_are_worded_as_said(patch: pytest.MonkeyPatch) -> None:
    right = headline._clause
    patch.setattr(headline, "_clause", lambda party, side, *rest: right(party, _changed(side, attributed=False), *rest))


@breaks(
    sentences.test_who_is_the_subject_of_a_verb_has_said_so_in_its_own_words,
    sentences.test_words_that_are_only_attributed_are_worded_so,
)
def attributed_denials_and_holds_are_worded_as_said(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(headline, "_act", lambda name, remark, does, said_to: f"{name} {does}")


@breaks(sentences.test_who_is_the_subject_of_a_verb_has_said_so_in_its_own_words)
def a_dispute_is_told_the_wrong_way_round(patch: pytest.MonkeyPatch) -> None:
    right = headline.of_dispute
    patch.setattr(
        headline,
        "of_dispute",
        lambda it, *names: right(_changed(it, about=it.alleged_by, alleged_by=it.about), *names),
    )


@breaks(sentences.test_a_word_is_called_the_last_only_if_the_dates_or_references_show_it)
def a_last_word_in_the_order_is_always_called_the_last(patch: pytest.MonkeyPatch) -> None:
    right = fold._last_statement

    def last_statement(*given: Any) -> LastStatement:
        return replace(right(*given), certain=True)

    patch.setattr(fold, "_last_statement", last_statement)


@breaks(sentences.test_a_word_is_called_the_last_only_if_the_dates_or_references_show_it)
def a_last_word_is_never_called_the_last(patch: pytest.MonkeyPatch) -> None:
    right = fold._last_statement

    def last_statement(*given: Any) -> LastStatement:
        return replace(right(*given), certain=False)

    patch.setattr(fold, "_last_statement", last_statement)


@breaks(sentences.test_the_date_of_the_last_move_covers_every_change_that_can_be_the_last)
def the_last_move_is_dated_by_its_event_alone(patch: pytest.MonkeyPatch) -> None:
    def last_moved(moved: StatusChange | None) -> LastMoved:
        return LastMoved(occurred=moved and moved.occurred, position=moved and moved.position)

    patch.setattr(irritant, "_last_moved", last_moved)


@breaks(sentences.test_a_hold_that_is_not_lifted_is_named_with_its_side)
def a_hold_that_does_not_name_its_side_is_nobodys(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(undertakings, "_is_own", lambda statement: statement.data.by == statement.holder)


@breaks(sentences.test_a_suspension_or_termination_that_is_not_taken_back_is_named_with_its_side)
def a_suspension_is_told_of_the_other_side(patch: pytest.MonkeyPatch) -> None:
    right = remarks.of_side

    def of_side(state: Irritant, party: str) -> list[remarks.Remark]:
        own = [remark for remark in right(state, party) if not remark.kind.endswith("_instrument")]
        other = next(other for other in state.parties if other != party)
        return [*own, *remarks._instruments(state, other)]

    patch.setattr(remarks, "of_side", of_side)


@breaks(sentences.test_a_red_line_is_named_with_its_side)
def a_stance_of_one_side_replaces_that_of_the_other(patch: pytest.MonkeyPatch) -> None:
    right = standing.stance

    def stance(state: Irritant, party: str) -> Any:
        last = state.stances[-1] if state.stances else None
        return right(state, party) if last is None or last.holder == party else None

    patch.setattr(standing, "stance", stance)


@breaks(sentences.test_a_denial_is_named_until_its_side_stands_there)
def a_denial_ends_when_any_side_rises(patch: pytest.MonkeyPatch) -> None:
    def is_ended(state: Irritant, denial: Denial) -> bool:
        risen = max(state.positions_of(party).last_raised(denial.rung) for party in state.parties)
        return denial.rung > UNSTATED and risen > denial.place

    patch.setattr(Irritant, "is_ended", is_ended)


@breaks(sentences.test_a_denial_is_named_until_its_side_stands_there)
def a_denial_that_is_no_dispute_is_left_out(patch: pytest.MonkeyPatch) -> None:
    right = remarks._denials

    def denials(state: Irritant, actor: str) -> Iterator[remarks.Remark]:
        disputed = {dispute.event for dispute in disputes.disputes(state)}
        return (remark for remark in right(state, actor) if remark.target in disputed)

    patch.setattr(remarks, "_denials", denials)


@breaks(sentences.test_a_rejection_is_named_with_its_side)
def a_rejection_is_no_answer(patch: pytest.MonkeyPatch) -> None:
    right = undertakings._answered

    def answered(state: Irritant, proposal: Proposal, *given: Any) -> dict[str, ActorStatement | None]:
        answers = tuple(t for t in proposal.answers if t.data.answer != "rejected")
        return right(state, replace(proposal, answers=answers), *given)

    patch.setattr(undertakings, "_answered", answered)


@breaks(sentences.test_its_own_reversal_is_named_until_a_side_rises_again)
def a_reversal_that_is_blamed_on_the_other_side_is_left_out(patch: pytest.MonkeyPatch) -> None:
    right = remarks._went_back

    def went_back(state: Irritant, party: str) -> Iterator[remarks.Remark]:
        return right(replace(state, falls=tuple(f for f in state.falls if f.by == party)), party)

    patch.setattr(remarks, "_went_back", went_back)


@breaks(sentences.test_an_open_breach_is_named_with_who_alleges_it)
def a_breach_is_told_the_wrong_way_round(patch: pytest.MonkeyPatch) -> None:
    a_dispute_is_told_the_wrong_way_round(patch)


@breaks(sentences.test_an_open_breach_is_named_with_who_alleges_it)
def a_breach_that_names_no_event_is_not_listed(patch: pytest.MonkeyPatch) -> None:
    right = disputes._breaches

    def breaches(state: Irritant) -> Iterator[disputes.Dispute]:
        return right(replace(state, breaches=tuple(t for t in state.breaches if t.data.target)))

    patch.setattr(disputes, "_breaches", breaches)


@breaks(sentences.test_a_third_partys_latest_denial_and_concern_are_named)
def the_denial_of_a_third_party_is_left_out(patch: pytest.MonkeyPatch) -> None:
    _only_remarks_of_third_parties(patch, ("raises_concern",))


@breaks(sentences.test_a_third_partys_latest_denial_and_concern_are_named)
def the_concern_of_a_third_party_is_left_out(patch: pytest.MonkeyPatch) -> None:
    _only_remarks_of_third_parties(patch, ("denies", "takes_back"))


def _only_remarks_of_third_parties(patch: pytest.MonkeyPatch, kinds: Iterable[str]) -> None:
    right = remarks.of_third_party
    patch.setattr(remarks, "of_third_party", lambda state, actor: [r for r in right(state, actor) if r.kind in kinds])


@breaks(sentences.test_media_are_never_the_subject_of_what_a_third_party_said)
def media_report_what_a_third_party_said(patch: pytest.MonkeyPatch) -> None:
    def third(third: ThirdParty, *names: Any) -> str:
        return f"media {headline._REPORTED[third.rung]}"

    patch.setattr(headline, "_third", third)


@breaks(sentences.test_an_instrument_with_another_actor_is_not_said_to_be_between_the_sides)
def the_partner_of_an_instrument_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(standing, "instrument_with", lambda state, party: ())


@breaks(sentences.test_the_headline_follows_from_the_document_alone)
def the_headline_of_a_past_reading_is_that_of_the_present(patch: pytest.MonkeyPatch) -> None:
    right = irritant.view

    def view(reading: StreamAtPoint[Irritant]) -> IrritantDocument:
        present = right(history_of(reading.stream, reading.events).reading())
        return right(reading).model_copy(update={"headline": present.headline})

    patch.setattr(irritant, "view", view)


@breaks(sentences.test_the_statuses_and_who_is_there_agree)
def the_confirmed_status_is_the_higher_of_the_rungs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Irritant, "confirmed", property(lambda state: max(state.rungs)))


@breaks(
    sentences.test_the_statuses_and_who_is_there_agree,
    ladder.test_confirmed_is_at_most_status_and_status_at_most_reported,
)
def what_a_third_party_says_confirms_the_status(patch: pytest.MonkeyPatch) -> None:
    def confirmed(state: Irritant) -> int:
        others = (own.rung for actor, own in state.positions.items() if not state.is_side(actor))
        return sorted([*state.rungs, *others])[-2]

    patch.setattr(Irritant, "confirmed", property(confirmed))


@breaks(sentences.test_no_side_is_awaited_to_answer_its_own_words)
def a_proposer_is_awaited_to_answer_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(headline, "_to_be_answered", lambda awaited, names: headline._list(awaited.of, names))


@breaks(sentences.test_a_step_is_called_closed_only_by_a_side_that_says_so)
def the_outcome_of_a_step_is_said_by_the_other_side(patch: pytest.MonkeyPatch) -> None:
    right = undertakings._outcomes

    def outcomes(state: Irritant, *given: Any) -> dict[str, ActorStatement]:
        return {other(state.parties, side): closing for side, closing in right(state, *given).items()}

    patch.setattr(undertakings, "_outcomes", outcomes)


# The ladder.


@breaks(ladder.test_confirmed_is_at_most_status_and_status_at_most_reported)
def only_other_voices_count_as_reporting_after_a_reversal(patch: pytest.MonkeyPatch) -> None:
    right = fold._with_statuses

    def with_statuses(state: Irritant) -> Irritant:
        others = [own.rung for actor, own in state.positions.items() if not state.is_side(actor)]
        return replace(right(state), reported=max(others, default=UNSTATED))

    patch.setattr(fold, "_with_statuses", with_statuses)


@breaks(ladder.test_confirmed_is_at_most_status_and_status_at_most_reported)
def the_high_water_mark_goes_back_with_the_status(patch: pytest.MonkeyPatch) -> None:
    right = fold._noted

    def noted(*given: Any) -> Irritant:
        after = right(*given)
        return replace(after, high_water_mark=after.status)

    patch.setattr(fold, "_noted", noted)


@breaks(ladder.test_the_levels_equal_those_of_a_replay_of_all_statements)
def a_denial_leaves_the_positions_of_the_denier(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fold, "replayed_all", lambda state, holders: state)


@breaks(ladder.test_no_side_is_moved_by_the_words_of_another)
def a_reversal_lowers_both_sides(patch: pytest.MonkeyPatch) -> None:
    right = fold._of_the_asserter

    def of_the_asserter(state: Irritant, assertion: Any, data: Any) -> Irritant:
        is_reversal = isinstance(data, ProgressReversed)
        return right(state, assertion._replace(holders=state.parties) if is_reversal else assertion, data)

    patch.setattr(fold, "_of_the_asserter", of_the_asserter)


@breaks(ladder.test_advancing_events_never_lower_a_rung)
def the_last_advance_of_a_side_is_its_rung(patch: pytest.MonkeyPatch) -> None:
    def at_least(state: Irritant, holders: tuple[str, ...], rung: int) -> tuple[int, int]:
        one, other = (rung if p in holders else own for p, own in zip(state.parties, state.rungs, strict=True))
        return one, other

    patch.setattr(fold, "_at_least", at_least)


@breaks(ladder.test_only_a_fall_of_a_side_by_its_own_event_counts_as_a_regression)
def a_denial_that_lowers_a_side_counts_as_a_regression(patch: pytest.MonkeyPatch) -> None:
    right = fold._denied

    def denied(state: Irritant, assertion: Any, target: str) -> Irritant:
        after = right(state, assertion, target)
        event, place, data = assertion.effect.id, assertion.place, assertion.data
        sides = zip(state.parties, state.rungs, after.rungs, strict=True)
        fell = (
            Fall(event, event, party, place, "reverse", party, was, now, data) for party, was, now in sides if now < was
        )
        return replace(after, falls=(*after.falls, *fell))

    patch.setattr(fold, "_denied", denied)


@breaks(ladder.test_a_retraction_equals_a_record_without_its_target)
def a_reversal_cannot_be_retracted(patch: pytest.MonkeyPatch) -> None:
    _not_to_be_retracted(patch, ProgressReversed)


@breaks(ladder.test_retracting_all_statements_of_a_party_equals_a_record_without_them)
def evidence_cannot_be_retracted(patch: pytest.MonkeyPatch) -> None:
    _not_to_be_retracted(patch, EvidenceAdded)


def _not_to_be_retracted(patch: pytest.MonkeyPatch, type: type[EventModel]) -> None:
    right = Amendments.__init__

    def resolved(amendments: Amendments, history: Iterable[Recorded]) -> None:
        events = list(history)
        right(amendments, events)
        for event in events:
            if isinstance(event.data, type):
                amendments.retracted.pop(event.id, None)

    patch.setattr(Amendments, "__init__", resolved)


@breaks(ladder.test_a_correction_equals_a_record_with_the_corrected_event)
def a_correction_does_not_move_a_date(patch: pytest.MonkeyPatch) -> None:
    right = corrections.corrected

    def corrected(event: EventModel, changes: dict[str, Any], **how: Any) -> EventModel:
        return right(event, {field: value for field, value in changes.items() if field != "occurred"}, **how)

    patch.setattr(corrections, "corrected", corrected)


@breaks(ladder.test_a_retracted_retraction_restores_its_target)
def a_retraction_of_a_retraction_does_nothing(patch: pytest.MonkeyPatch) -> None:
    def resolve(amendments: Amendments) -> None:
        for event in amendments._events.values():
            if isinstance(event.data, AssertionRetracted):
                amendments.retracted[event.data.target] = event

    patch.setattr(Amendments, "_resolve_retractions", resolve)


@breaks(ladder.test_evidence_of_a_known_origin_changes_no_rung_and_no_basis)
def evidence_of_a_known_origin_counts_as_another_voice(patch: pytest.MonkeyPatch) -> None:
    right = corrections.with_dates_of_target

    def with_dates_of_target(*given: Any) -> EffectiveEvent:
        return replace(right(*given), relay=False)

    patch.setattr(corrections, "with_dates_of_target", with_dates_of_target)


@breaks(ladder.test_the_order_of_filing_does_not_matter_where_dates_differ)
def events_are_in_the_order_of_filing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        corrections, "key_of", lambda effect: (corrections.BEGINNING, corrections.END, False, effect.position)
    )


def _sentence(function: Callable[..., Any]) -> str:
    return function.__name__.removeprefix("test_").replace("_", " ")


@pytest.mark.parametrize(
    ("law", "broken"), [pytest.param(*one, id=f"{_sentence(one[1])}; {_sentence(one[0])}") for one in BREAKS]
)
def test_a_law_fails_if(law: Law, broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    assert examples_until_failure(law) <= EXAMPLES * len(SEEDS)


def test_every_law_has_a_break() -> None:
    broken = {law.__name__ for law, _ in BREAKS}
    assert [law.__name__ for law in LAWS if law.__name__ not in broken] == []
