"""Laws of the rungs of an irritant, for any assertions by any actors, in any order of filing, also with retractions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from inspect import signature
from itertools import pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption

from service.domain.assertion import (
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    EvidenceAdded,
    Recorded,
    Statement,
)
from service.domain.corrections import effective_events
from service.domain.irritant import standing
from service.domain.irritant.fold import evolve, replayed_all
from service.domain.irritant.state import Irritant
from service.domain.ladder import RUNGS
from tests.laws.histories import ADVANCING, DATES, Draft, drafts, record, recorded, records

NOTHING = Irritant(("RU", "US"))


def state_of(events: Sequence[Recorded]) -> Irritant:
    return reduce(evolve, effective_events(events), NOTHING)


def on_the_ladder(state: Irritant) -> dict[str, Any]:
    return {
        "rungs": [RUNGS[r] for r in state.rungs],
        "reported": RUNGS[state.reported],
        "basis": standing.basis(state),
        "lifecycle": state.lifecycle,
        "trend": state.trend,
        "high_water_mark": RUNGS[state.high_water_mark],
        "regressions": state.regressions,
    }


def retraction(events: Sequence[Recorded], target: str) -> Recorded:
    data = AssertionRetracted(target=target, reason="never said")
    return recorded(events[-1].position + 1, data, f"retraction-of-{target}")


@given(records())
def test_confirmed_is_at_most_status_and_status_at_most_reported(events: list[Recorded]) -> None:
    highest = 0
    for state in readings(events):
        assert state.confirmed <= state.status <= state.reported
        highest = max(highest, state.status)
        assert state.high_water_mark >= highest


def readings(events: Sequence[Recorded]) -> list[Irritant]:
    """Return the state after each event, in the order of the world."""
    order = effective_events(events)
    return [reduce(evolve, order[:n], NOTHING) for n in range(len(order) + 1)]


@given(records())
def test_the_levels_equal_those_of_a_replay_of_all_statements(events: list[Recorded]) -> None:
    for state in readings(events):
        anew = replayed_all(state, sorted(state.positions))
        assert (anew.positions, anew.rungs, anew.reported, anew.falls) == (
            state.positions,
            state.rungs,
            state.reported,
            state.falls,
        )


@given(records())
def test_no_side_is_moved_by_the_words_of_another(events: list[Recorded]) -> None:
    order = effective_events(events)
    for effect, (before, after) in zip(order, pairwise(readings(events)), strict=True):
        telling = effect.assertion
        movers = before.holders(telling.asserted_by.party) if telling else ()
        for party in before.parties:
            assert before.rung_of(party) == after.rung_of(party) or party in movers


@given(records(kinds=ADVANCING))
def test_advancing_events_never_lower_a_rung(events: list[Recorded]) -> None:
    for before, after in pairwise(readings(events)):
        assert all(b <= a for b, a in zip(before.rungs, after.rungs, strict=True))
        assert before.reported <= after.reported


@given(records())
def test_only_a_fall_of_a_side_by_its_own_event_counts_as_a_regression(events: list[Recorded]) -> None:
    down = {
        e.id
        for e in effective_events(events)
        if type(e.data).__name__ in ("ProgressReversed", "IrritantReopened", "InstrumentStated", "IrritantWithdrawn")
    }
    state = state_of(events)
    assert {fall.event for fall in state.falls} <= down
    assert all(fall.holder in state.parties and fall.to < fall.before for fall in state.falls)
    assert 0 <= state.regressions <= len(state.falls)


@given(records(), st.data())
def test_a_retraction_equals_a_record_without_its_target(events: list[Recorded], data: st.DataObject) -> None:
    target = data.draw(to_be_retracted(events))
    assume(not isinstance(target.data, AssertionRetracted))
    struck = [*events, retraction(events, target.id)]
    never = [e for e in events if e.id != target.id]
    assert state_of(struck) == state_of(never)


def to_be_retracted(events: Sequence[Recorded]) -> st.SearchStrategy[Recorded]:
    """Draw an event to retract, other than the opening. If there are falls, half of the draws are falls."""
    down = [e for e in events if type(e.data).__name__ in ("ProgressReversed", "IrritantReopened")]
    whatever = st.sampled_from(events[1:])
    return st.sampled_from(down) | whatever if down else whatever


@given(records(), st.data())
def test_a_correction_equals_a_record_with_the_corrected_event(events: list[Recorded], data: st.DataObject) -> None:
    """Compare whole states, regressions included, because a correction is no regression."""
    asserted = [e for e in events if isinstance(e.data, Assertion) and e.id not in amended(events)]
    assume(asserted)
    target = data.draw(st.sampled_from(asserted))
    day = data.draw(st.sampled_from([day for day in DATES if day]))
    mended = AssertionCorrected(target=target.id, changes={"occurred": day, "wording": None}, reason="misread")
    always = replace(target, data=target.data.model_copy(update={"occurred": day, "wording": None}))
    correcting = [*events, recorded(events[-1].position + 1, mended)]
    assert state_of(correcting) == state_of([always if e.id == target.id else e for e in events])


def amended(events: Sequence[Recorded]) -> set[str]:
    """Return the ids of corrected events, whose further corrections merge with the first."""
    return {e.data.target for e in events if isinstance(e.data, AssertionCorrected)}


@given(records(), st.data())
def test_a_retracted_retraction_restores_its_target(events: list[Recorded], data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(events[1:]))
    once = [*events, retraction(events, target.id)]
    twice = [*once, retraction(once, once[-1].id)]
    assert state_of(twice) == state_of(events)


@given(records())
def test_retracting_all_statements_of_a_party_equals_a_record_without_them(events: list[Recorded]) -> None:
    said = [e.id for e in events if isinstance(e.data, Statement) and e.data.asserted_by.party == "RU"]
    struck = list(events)
    for id in said:
        struck.append(retraction(struck, id))
    assert state_of(struck) == state_of([e for e in events if e.id not in said])


@given(drafts(), st.data())
def test_evidence_of_a_known_origin_changes_no_rung_and_no_basis(planned: list[Draft], data: st.DataObject) -> None:
    events = record(planned)
    told = [e for e in events if isinstance(e.data, Statement) and not isinstance(e.data, EvidenceAdded)]
    assume(told)
    target = data.draw(st.sampled_from(told))
    assert isinstance(target.data, Statement)
    by = target.data.asserted_by
    channel = "outlet" if by.party == "MEDIA" else data.draw(st.sampled_from(("quote", "attributed")))
    again = EvidenceAdded(
        target=target.id,
        asserted_by=by.model_copy(update={"channel": channel}),
        source=target.data.source.model_copy(update={"document": "another-paper"}),
        summary="the same told again",
    )
    after = [*events, recorded(events[-1].position + 1, again)]
    assert on_the_ladder(state_of(after)) == on_the_ladder(state_of(events))


LAWS_OF_RECORDS = [
    law
    for name, law in list(globals().items())
    if name.startswith("test_")
    and "events" in signature(law.hypothesis.inner_test).parameters
    and "advancing" not in name
]


@given(records(), st.data())
def test_every_law_of_the_ladder_holds_of_one_record(events: list[Recorded], data: st.DataObject) -> None:
    """To generate a record takes longer than to hold it to a law. Leave out laws for which the record is unsuitable."""
    for law in LAWS_OF_RECORDS:
        inner = law.hypothesis.inner_test
        with suppress(UnsatisfiedAssumption):
            inner(events, data) if "data" in signature(inner).parameters else inner(events)


DISTINCT = [f"2025-02-{day:02d}" for day in range(1, 15)]


@given(drafts(dates=(None,)), st.data())
def test_the_order_of_filing_does_not_matter_where_dates_differ(planned: list[Draft], data: st.DataObject) -> None:
    """Each assertion has its own day. Events that name or correct another stay after it."""
    dated = [
        replace(d, payload={**d.payload, "occurred": DISTINCT[n]}) if d.type not in UNDATED else d
        for n, d in enumerate(planned)
    ]
    events = record(dated)
    assume(not any(e.type == "AssertionCorrected" and "occurred" in e.data.changes for e in events))  # type: ignore[attr-defined]
    # A date before that of an event that it names does not count. Then two assertions can have one day after all.
    days = [effect.earliest for effect in effective_events(events) if effect.assertion and not effect.is_evidence]
    assume(len(set(days)) == len(days))
    shuffled = data.draw(shuffles(events))
    assert comparable(state_of(shuffled)) == comparable(state_of(events))


UNDATED = ("EvidenceAdded", "AssertionCorrected", "AssertionRetracted")


def comparable(state: Irritant) -> Irritant:
    """Return the state without positions, which belong to the record and not to the world."""
    return replace(state, status_changes=tuple(replace(moved, position=0) for moved in state.status_changes))


@st.composite
def shuffles(draw: st.DrawFn, events: Sequence[Recorded]) -> list[Recorded]:
    """Draw another order of filing in which every event follows the events that it names."""
    waiting = list(events[1:])
    order = [events[0]]
    while waiting:
        done = {e.id for e in order}
        free = [e for e in waiting if all(e2 in done for e2 in named(e)) and not earlier_on_the_same(e, waiting)]
        order.append(draw(st.sampled_from(free)))
        waiting.remove(order[-1])
    return [replace(e, position=n, version=n) for n, e in enumerate(order, 1)]


def named(event: Recorded) -> list[str]:
    fields = ("target", "proposal", "instrument", "undoes", "after")
    return [id for field in fields if (id := getattr(event.data, field, None)) is not None]


def earlier_on_the_same(event: Recorded, waiting: Sequence[Recorded]) -> bool:
    """Return whether an earlier event without its own date adds to or corrects the same event."""
    mine = getattr(event.data, "target", None)
    if event.type not in UNDATED or mine is None:
        return False
    others = waiting[: waiting.index(event)]
    return any(e.type in UNDATED and getattr(e.data, "target", None) == mine for e in others)
