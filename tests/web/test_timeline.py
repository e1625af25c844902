"""The timeline draws dates only as exactly as they are known, each voice in its lane, without overlaps."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from service.domain.assertion import EventModel
from service.projections.board import BoardRound
from service.projections.timeline import Entry, timeline
from service.web.timeline import Lane, Mark, Plot, plot
from tests.build import STREAMS, Filed, contested, opened, raised, reversed_to, understood
from tests.projections.test_computed_views_are_total import irritants

PARTIES = ("RU", "US")
ROUND = BoardRound(
    id="ru-us/first",
    name="First",
    phase="concluded",
    date="2025-04-10",
    earliest=date(2025, 4, 10),
    latest=date(2025, 4, 10),
)


def drawn(filed: Filed, *rounds: BoardRound) -> Plot:
    entries = timeline(filed.reading(filed.events[0].stream)).items
    return plot(entries, PARTIES, rounds, labels(entries))


def labels(entries: Sequence[Entry]) -> dict[str, str]:
    return {entry.event: f"{entry.place} {entry.type}" for entry in entries if "asserted_by" in entry.data}


def of(*events: EventModel) -> Filed:
    return Filed().file(STREAMS["irritant"], opened(), *events)


def marks(plot: Plot, voice: str = "RU") -> Sequence[Mark]:
    return next(lane.marks for lane in plot.lanes if lane.voice == voice)


@pytest.mark.parametrize(
    ("occurred", "span"),
    [
        ("2025-04-10", "day"),
        ("[2025-04-01..2025-04-10]", "between"),
        ("2025-04", "between"),
        ("2025-04-01/2025-04-10", "period"),
        ("[2025-04-10..]", "after"),
        ("[..2025-04-10]", "before"),
        (None, "unknown"),
    ],
)
def test_a_date_is_drawn_as_exactly_as_it_is_known(occurred: str | None, span: str) -> None:
    (mark,) = marks(drawn(of(raised("RU", on=occurred)), ROUND))
    assert mark.span == span
    assert mark.begin <= mark.x <= mark.end


def test_a_known_day_is_on_the_line_of_its_round() -> None:
    plot = drawn(of(raised("RU", on="2025-04-10"), raised("RU", on="2025-02-01")), ROUND)
    assert plot.rounds[0].x in [mark.x for mark in marks(plot)]
    assert plot.rounds[0].name == "First"


@whatever(days=st.lists(st.dates(date(2020, 1, 1), date(2026, 1, 1)), min_size=1, max_size=40))
def test_labels_of_rounds_do_not_overlap_and_the_latest_round_has_one(days: list[date]) -> None:
    rounds = [
        BoardRound(
            id=f"ru-us/the-round-of-{n}",
            name=f"The Round Of {n}",
            phase="concluded",
            date=str(day),
            earliest=day,
            latest=day,
        )
        for n, day in enumerate(days)
    ]
    plot = drawn(of(raised("RU", on="2023-01-01")), *rounds)
    assert sorted(upright.id for upright in plot.rounds) == sorted(round.id for round in rounds)
    named = [upright for upright in plot.rounds if upright.name_row is not None]
    assert max(days) in [upright.last_day for upright in named]
    for i, one in enumerate(named):
        assert 20 < one.top <= plot.lanes[0].top
        for other in named[i + 1 :]:
            assert one.name_row != other.name_row or one.right < other.left or other.right < one.left


def test_undated_events_are_before_the_scale() -> None:
    plot = drawn(of(raised("RU", on=None), raised("RU", on="2025-02-01")), ROUND)
    undated, dated = marks(plot)
    assert undated.x < min(tick.x for tick in plot.ticks)
    assert undated.x < dated.x


def test_each_voice_has_a_lane_and_a_joint_text_is_in_both() -> None:
    plot = drawn(of(raised("JOINT", on="2025-04-10"), raised("TR", on="2025-04-10")))
    assert [(lane.voice, len(lane.marks)) for lane in plot.lanes] == [
        ("RU", 1),
        ("US", 1),
        ("TR", 1),
        ("MEDIA", 0),
    ]


def test_shapes_show_advances_reversals_and_denials() -> None:
    agreed, back = understood("RU", on="2025-04-10"), reversed_to("raised", "RU", on="2025-04-12")
    plot = drawn(of(agreed, back, contested("e2", "RU", on="2025-04-13")))
    assert [mark.shape for mark in marks(plot)] == ["up", "down", "denial"]


@whatever(filed=irritants())
def test_any_history_is_drawn_without_overlapping_marks(filed: Filed) -> None:
    plot = drawn(filed, ROUND)
    for lane in plot.lanes:
        assert_apart(lane)
        assert all(lane.top <= mark.y <= lane.top + lane.height for mark in lane.marks)
    assert [lane.top for lane in plot.lanes] == sorted(lane.top for lane in plot.lanes)
    assert plot.height > plot.scale_y >= plot.lanes[-1].top


def assert_apart(lane: Lane) -> None:
    for i, one in enumerate(lane.marks):
        for other in lane.marks[i + 1 :]:
            assert one.y != other.y or one.right < other.left or other.right < one.left


@whatever(first=st.dates(), last=st.dates())
def test_any_two_days_have_a_scale_with_few_ticks(first: date, last: date) -> None:
    plot = drawn(of(raised("RU", on=str(min(first, last))), raised("RU", on=str(max(first, last)))))
    assert 2 <= len(plot.ticks) <= 12
    assert [tick.x for tick in plot.ticks] == sorted(tick.x for tick in plot.ticks)
    assert all(mark.left >= 0 and mark.right <= plot.width for mark in marks(plot))
