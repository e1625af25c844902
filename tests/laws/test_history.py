"""A history that is extended event by event equals a history that is folded from its beginning."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice, pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from service.domain.assertion import AssertionCorrected, Recorded
from service.domain.corrections import EffectiveEvent, aims_at, effective_events
from service.domain.history import History
from service.domain.irritant.events import InstrumentStated
from service.domain.irritant.fold import evolve
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of
from tests.benchmarks import stream
from tests.laws.histories import KINDS, STREAM, records

NOTHING = Irritant(("RU", "US"))


def folded(events: Sequence[Recorded]) -> tuple[list[EffectiveEvent], Irritant]:
    order = effective_events(events)
    return order, reduce(evolve, order, NOTHING)


def read(history: History[Irritant]) -> tuple[list[EffectiveEvent], Irritant]:
    return list(history.order), history.state


@given(records())
def test_a_history_extended_event_by_event_equals_a_complete_fold(events: list[Recorded]) -> None:
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
def test_a_history_as_of_a_position_equals_a_record_that_ends_there(events: list[Recorded]) -> None:
    whole = history_of(STREAM, events)
    for n, event in enumerate(events, 1):
        assert read(whole.as_of(event.position)) == folded(events[:n])
    assert read(whole) == folded(events)


@given(
    records(kinds=[kind for kind in KINDS if kind != "NextStepClosed"])
)  # an undated closing follows a step agreed late
def test_an_event_is_judged_against_the_state_that_it_meets_on_record(events: list[Recorded]) -> None:
    history = history_of(STREAM)
    for event in events:
        effect, state = history.placed_if_recorded(event)
        history.append(event)
        if (aim := aims_at(event.data)) is not None and history.with_state_before(aim) is None:
            # It is judged, so it can be refused. If recorded it has no effect, because its target has none.
            assert history.with_state_before(event.id) is None
        elif effect is not None:
            assert history.with_state_before(event.id) == (effect, state)


@given(records(upto=6), records(upto=6))
def test_a_copy_and_its_original_are_independent(events: list[Recorded], others: list[Recorded]) -> None:
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
def test_each_event_follows_the_events_that_it_names(events: list[Recorded]) -> None:
    """But for a circle, which only a correction makes."""
    assume(not any(event.type == "AssertionCorrected" for event in events))
    history = history_of(STREAM, events)
    places = {effect.id: place for place, effect in enumerate(history.order)}
    for effect in history.order:
        assert history.follows_what_it_names(effect.id)
        fields = vars(effect.data)
        named = [id for field in ("target", "proposal", "undoes", "after") if (id := fields.get(field)) is not None]
        named += [effect.data.instrument] if isinstance(effect.data, InstrumentStated) else []
        assert all(places.get(id, -1) < places[effect.id] for id in named if id != effect.id)


@given(records())
def test_evidence_directly_follows_its_target(events: list[Recorded]) -> None:
    order = effective_events(events)
    for before, effect in pairwise(order):
        assert not effect.is_evidence or before.root == effect.root


def test_in_a_long_stream_an_append_takes_one_fold_step_and_a_late_correction_a_few() -> None:
    whole, steps = history_of(STREAM, islice(stream.events("ru-us"), 600)), list[str]()

    def counted(state: Irritant, effect: EffectiveEvent) -> Irritant:
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
