"""A history kept ready event by event reads exactly as one that is folded anew from its beginning."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.domain.assertion import AssertionCorrected, Recorded
from service.domain.corrections import Effective, aims_at, effective
from service.domain.history import History
from service.domain.irritant.fold import evolve
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of
from tests.benchmarks import stream
from tests.laws.histories import KINDS, STREAM, records

NOTHING = Irritant(("RU", "US"))


def folded(events: Sequence[Recorded]) -> tuple[list[Effective], Irritant]:
    order = effective(events)
    return order, reduce(evolve, order, NOTHING)


def read(history: History[Irritant]) -> tuple[list[Effective], Irritant]:
    return list(history.order), history.state


@given(records())
def test_what_grew_event_by_event_reads_as_what_is_folded_whole(events: list[Recorded]) -> None:
    grown = history_of(STREAM)
    for n, event in enumerate(events, 1):
        grown.append(event)
        assert read(grown) == folded(events[:n])


@given(records(), st.data())
def test_reading_between_appends_changes_nothing(events: list[Recorded], data: st.DataObject) -> None:
    grown = history_of(STREAM)
    for event in events:
        if data.draw(st.booleans()):
            grown.reading()
        grown.append(event)
    assert read(grown) == folded(events)


@given(records())
def test_as_of_a_position_reads_as_a_record_that_ends_there(events: list[Recorded]) -> None:
    whole = history_of(STREAM, events)
    for n, event in enumerate(events, 1):
        assert read(whole.as_of(event.position)) == folded(events[:n])
    assert read(whole) == folded(events)


@given(records(kinds=[kind for kind in KINDS if kind != "NextStepClosed"]))  # a closing gives way to a step agreed late
def test_an_event_meets_when_it_is_judged_what_it_meets_once_it_is_on_record(events: list[Recorded]) -> None:
    history = history_of(STREAM)
    for event in events:
        effect, state = history.in_place(event)
        history.append(event)
        if (aim := aims_at(event.data)) is not None and history.met(aim) is None:
            # It is judged, so that it can be refused. On record it has no effect, as its target has none.
            assert history.met(event.id) is None
        elif effect is not None:
            assert history.met(event.id) == (effect, state)


@given(records(upto=6), records(upto=6))
def test_a_copy_and_its_original_grow_apart(events: list[Recorded], others: list[Recorded]) -> None:
    original = history_of(STREAM, events)
    copy = original.copy()
    further = [
        replace(e, id=f"{e.id}-b", position=e.position + len(events), version=e.version + len(events)) for e in others
    ]
    for event in further:
        copy.append(event)
    assert read(original) == folded(events)
    assert read(copy) == folded([*events, *further])


@given(records())
def test_each_event_follows_what_it_names(events: list[Recorded]) -> None:
    history = history_of(STREAM, events)
    for effect in history.order:
        assert history.follows_what_it_names(effect.id) or any(e.type == "AssertionCorrected" for e in events)


@given(records())
def test_evidence_stands_in_its_targets_place(events: list[Recorded]) -> None:
    order = effective(events)
    for before, effect in pairwise(order):
        assert not effect.is_evidence or before.root == effect.root


def test_in_a_stream_of_six_hundred_events_the_next_one_costs_a_step_and_a_correction_of_late_a_few() -> None:
    whole, steps = history_of(STREAM, islice(stream.events("ru-us"), 600)), list[str]()

    def counted(state: Irritant, effect: Effective) -> Irritant:
        steps.append(effect.id)
        return evolve(state, effect)

    def taken(event: Recorded) -> list[str]:
        steps.clear()
        history.append(event)
        assert read(history) == folded(history.events)
        return steps

    history = History(STREAM, whole.initial, counted, whole.events)
    last = history.recorded(history.order[-1].root)
    assert last is not None
    assert len(history.order) > 400
    assert history.state == whole.state
    again = replace(last, id="again", position=last.position + 9_999, version=601)
    assert taken(again) == ["again"]
    misread = AssertionCorrected(target="again", changes={"summary": "As it reads."}, reason="Misread.")
    assert len(taken(replace(again, id="mended", position=again.position + 1, version=602, data=misread))) < 40
