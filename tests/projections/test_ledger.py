"""The ledger of steps and proposals: owner, due date, who claims the agreement and who confirms it."""

from datetime import date
from typing import Any

import pytest

from service.domain.assertion import EventModel
from service.domain.round.membership import Membership
from service.projections import ledger
from service.projections.ledger import LedgerDocument, ProposalDocument, StepDocument
from tests.build import (
    Filed,
    announced,
    answered,
    cancelled,
    contested,
    convened,
    discussed,
    evidence,
    opened,
    relation_opened,
    reversed_to,
    scheduled,
    step_agreed,
    step_closed,
    tabled,
    understood,
)
from tests.projections.seeds import seeded

VISAS = "irritant/ru-us/visas"
NEXT = "round/ru-us/next"


def of(*events: EventModel, **more: Any) -> LedgerDocument:
    """Return the ledger of an irritant with these events after its opening. The first is `e3`."""
    filed = Filed().file("relation/ru-us", relation_opened()).file(VISAS, opened())
    for event in events:
        filed.file(VISAS, event)
    return ledger.view(irritants=[filed.reading(VISAS)], rounds=[], relation=filed.reading("relation/ru-us"), **more)


def step(*events: EventModel, **more: Any) -> StepDocument:
    (only,) = of(*events, **more).steps
    return only


def proposal(*events: EventModel) -> ProposalDocument:
    (only,) = of(*events).proposals
    return only


def to_come(*events: EventModel, on: date | None = None) -> tuple[StepDocument, ...]:
    filed = Filed().file(NEXT, *events)
    return ledger.to_come(filed.reading(NEXT), on=on)


def test_the_ledger_of_the_seeds() -> None:
    seeds = seeded()
    book = ledger.view(**seeds.readings(), members=seeds.members())
    april = "ru-us/istanbul-april"
    assert [(s.step, s.owner, s.open, s.claimed_by, s.confirmed_by, s.agreed_in, s.due) for s in book.steps] == [
        ("c1-banking", "both", True, ("RU",), (), april, None),
        ("ns1-movement", "both", True, ("RU",), (), april, None),
        ("ns2-visas", "both", True, ("RU",), (), april, None),
        ("moscow-next", "both", True, ("RU",), (), None, None),
    ]
    moscow = book.steps[-1]
    assert (moscow.round, moscow.action, moscow.timing, moscow.preliminary, moscow.backing.origins) == (
        "ru-us/moscow-next",
        "Hold the round in Moscow",
        "soon",
        True,
        1,
    )
    assert [(p.irritant, p.kind, p.addressee, p.tabled_by, p.open, p.answers) for p in book.proposals] == [
        ("ru-us/direct-flights", "offer", "US", ("RU",), True, ()),
        ("ru-us/property-return", "demand", "US", ("RU",), True, ()),
    ]


# Steps.


def test_the_first_side_claims_a_step_and_the_other_confirms_it() -> None:
    agreed = step_agreed("RU", owner="US", on="2025-04-10")
    assert (step(agreed).claimed_by, step(agreed).confirmed_by) == (("RU",), ())
    again = step(agreed, step_agreed("US", owner="US", on="2025-04-11"))
    assert (again.claimed_by, again.confirmed_by) == (("RU", "US"), ("US",))


@pytest.mark.parametrize("on", ["2025-04-10", "2025-04", "[2025-04-10..]", None])
def test_each_side_confirms_the_other_if_the_dates_do_not_show_who_was_first(on: str | None) -> None:
    agreed = step_agreed("RU", owner="US", on="2025-04-10")
    for again in (step_agreed("US", owner="US", on=on), evidence("e3", "US")):
        assert step(agreed, again).confirmed_by == ("RU", "US")


def test_a_joint_text_confirms_a_step_for_both_sides() -> None:
    assert step(step_agreed("JOINT")).confirmed_by == ("RU", "US")


def test_a_denied_step_has_no_claimant_and_keeps_its_evidence() -> None:
    denied = step(step_agreed("RU", channel="attributed"), contested("e3", "RU"))
    assert (denied.claimed_by, denied.backing.said_by, len(denied.backing.evidence)) == ((), (), 1)


def test_a_step_reported_by_media_has_no_claimant() -> None:
    reported = step(step_agreed("MEDIA"))
    assert (reported.claimed_by, reported.open, reported.backing.origins) == ((), True, 1)


@pytest.mark.parametrize("outcome", ["done", "lapsed", "dropped"])
def test_a_closed_step_has_its_outcome_and_who_closed_it(outcome: str) -> None:
    closed = step(step_agreed("US"), step_closed("US", outcome=outcome))
    assert (closed.open, closed.outcome, closed.closed_by, closed.closing.said_by) == (False, outcome, ("US",), ("US",))


def test_a_step_that_lapsed_by_a_reversal_was_closed_by_no_side() -> None:
    lapsed = step(step_agreed("RU"), understood("US"), reversed_to("raised", "RU"))
    assert (lapsed.open, lapsed.outcome, lapsed.closed_by) == (False, "lapsed", ())


def test_a_closing_by_media_closes_only_a_step_reported_by_media_alone() -> None:
    assert step(step_agreed("RU"), step_closed("MEDIA")).open
    assert step(step_agreed("MEDIA"), step_closed("MEDIA")).outcome == "done"


def test_a_step_has_the_round_of_the_first_report_by_a_party() -> None:
    told = [step_agreed("MEDIA"), step_agreed("RU")]
    assert step(*told, members=Membership((), {"r3": "ru-us/one", "r4": "ru-us/two"})).agreed_in == "ru-us/two"
    assert step(*told, members=Membership((), {"r3": "ru-us/one"})).agreed_in is None
    assert step(told[0], members=Membership((), {"r3": "ru-us/one"})).agreed_in == "ru-us/one"


@pytest.mark.parametrize(
    ("due", "on", "overdue"),
    [
        ("2025-06-30", None, None),
        ("2025-06-30", "2025-06-30", False),
        ("2025-06-30", "2025-07-01", True),
        ("2025-06", "2025-06-15", False),
        ("[2025-06-01..]", "2030-01-01", False),
        (None, "2030-01-01", False),
    ],
)
def test_a_step_is_overdue_after_the_last_possible_day_of_its_due_date(
    due: str | None, on: str | None, *, overdue: bool | None
) -> None:
    day = date.fromisoformat(on) if on else None
    assert step(step_agreed("RU", due=due), on=day).overdue is overdue


def test_a_closed_step_is_never_overdue() -> None:
    assert step(step_agreed("RU", due="2025-06-30"), step_closed("RU"), on=date(2025, 7, 1)).overdue is False


# Rounds to come.


def test_an_announced_round_is_a_step_of_both_sides() -> None:
    (coming,) = to_come(announced("RU", place="Moscow", timing="soon", preliminary=True))
    assert (coming.owner, coming.open, coming.timing, coming.preliminary, coming.due) == (
        "both",
        True,
        "soon",
        True,
        None,
    )


def test_a_round_is_due_on_its_scheduled_date() -> None:
    (coming,) = to_come(
        announced("RU", on="2025-06-01"),
        scheduled("JOINT", "2025-06-20", "Moscow", on="2025-06-05"),
        on=date(2025, 6, 21),
    )
    assert coming.due is not None
    assert (coming.due.edtf, coming.overdue, coming.claimed_by, coming.confirmed_by) == (
        "2025-06-20",
        True,
        ("RU", "US"),
        ("US",),
    )


def test_a_round_that_met_is_done_and_a_cancelled_one_is_dropped() -> None:
    (met,) = to_come(announced("RU"), convened("US", on="2025-06-20"))
    assert (met.open, met.outcome, met.closed_by) == (False, "done", ("US",))
    (off,) = to_come(announced("RU"), cancelled("RU"))
    assert (off.open, off.outcome, off.closed_by) == (False, "dropped", ("RU",))


def test_a_round_without_an_announcement_is_no_step() -> None:
    assert to_come(convened("RU", on="2025-06-20")) == ()


# Proposals.


@pytest.mark.parametrize("answer", ["accepted", "rejected", "countered"])
def test_an_answered_proposal_has_its_answer_and_who_gave_it(answer: str) -> None:
    closed = proposal(tabled("RU", "US"), answered("e3", "US", answer))
    assert (closed.open, closed.closed_as, closed.closed_by) == (False, answer, ("US",))
    assert [(a.answer, a.told.asserted_by.party) for a in closed.answers] == [(answer, "US")]


def test_a_deferred_answer_and_an_answer_by_media_are_listed_and_close_nothing() -> None:
    still = proposal(tabled("RU", "US"), answered("e3", "US", "deferred"), answered("e3", "MEDIA", "rejected"))
    assert (still.open, still.closed_as, [a.answer for a in still.answers]) == (True, None, ["deferred", "rejected"])


def test_an_understanding_of_the_addressee_closes_a_proposal() -> None:
    closed = proposal(tabled("RU", "US"), discussed("RU"), understood("US"))
    assert (closed.open, closed.closed_as, closed.closed_by) == (False, "understanding", ("US",))


def test_the_ledger_is_served_as_a_table() -> None:
    book = of(
        tabled("RU", "US", terms="Fly again."), step_agreed("RU", action="=Meet.", due="2025-06"), on=date(2025, 7, 1)
    )
    assert ledger.csv(book).splitlines()[1:] == [
        "step,ru-us/visas,,'=Meet.,both,2025-06,yes,,RU,,,yes,1",
        "offer,ru-us/visas,,Fly again.,US,,yes,,RU,,,,1",
    ]


def test_a_proposal_is_closed_by_those_who_gave_the_answer() -> None:
    told = [tabled("TR", "both"), answered("e3", "RU", "rejected", on="2025-04-11")]
    closed = proposal(*told, answered("e3", "US", "accepted", on="2025-04-12"))
    assert (closed.closed_as, closed.closed_by) == ("accepted", ("US",))


def test_a_proposal_that_only_media_report_is_not_said_to_have_lapsed() -> None:
    reported = proposal(tabled("MEDIA", "US"))
    assert (reported.open, reported.closed_as, reported.tabled_by, reported.awaiting) == (True, None, (), ())
    denied = proposal(tabled("MEDIA", "US"), contested("e3", "MEDIA"))
    assert (denied.open, denied.closed_as) == (False, "lapsed")
