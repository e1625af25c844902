"""The chart of a relation over time: steps at rounds, the area below the line, and room for labels."""

import re
from datetime import date

from hypothesis import given as whatever
from hypothesis import strategies as st

from service.projections import board
from service.web.course import Course, course
from service.web.text_width import shortened, text_width
from tests.build import Filed, convened, opened, relation_opened, understood
from tests.projections.seeds import seeded

TALKS = Filed().file("relation/ru-us", relation_opened()).reading("relation/ru-us")
VISAS = "irritant/ru-us/visas"


def drawn(until: date = date(2025, 6, 1)) -> Course:
    found = board.view(**seeded().readings(), members=seeded().members())
    drawing = course(found, {row.id for row in found.items}, until)
    assert drawing is not None
    return drawing


def test_a_line_steps_at_the_round_after_which_the_status_differs() -> None:
    drawing = drawn()
    (banking,) = (line for line in drawing.lines if line.id == "ru-us/banking-access")
    first, second = drawing.rounds
    steps = re.fullmatch(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H([\d.]+)V([\d.]+)", banking.claimed_path)
    assert steps is not None
    begin, before, turn, after, end, now = map(float, steps.groups())
    assert (begin, turn, end) == (first.x, second.x, drawing.right)
    assert before > after == now  # upwards is less


def test_rounds_keep_their_distance_long_after_the_last_one() -> None:
    soon, late = drawn(), drawn(date(2035, 1, 1))
    assert late.until == date(2035, 1, 1)
    assert late.rounds[-1].x - late.rounds[0].x > (soon.rounds[-1].x - soon.rounds[0].x) / 2


def test_without_a_round_that_met_there_is_no_chart() -> None:
    filed = Filed().file(VISAS, opened(), understood("RU", on="2025-04-10"))
    without = board.view(irritants=[filed.reading(VISAS)], rounds=[], relation=TALKS)
    assert course(without, {"ru-us/visas"}, date(2025, 6, 1)) is None


def test_one_round_on_the_day_to_which_the_page_counts_is_drawn() -> None:
    filed = Filed().file(VISAS, opened(), understood("RU", on="2025-04-10"))
    met = Filed().file("round/ru-us/one", convened("RU", on="2025-04-10")).reading("round/ru-us/one")
    found = board.view(irritants=[filed.reading(VISAS)], rounds=[met], relation=TALKS)
    drawing = course(found, {"ru-us/visas"}, date(2025, 4, 10))
    assert drawing is not None
    assert drawing.rounds[0].x < drawing.right


@whatever(text=st.text(max_size=80), max_width=st.floats(20, 400))
def test_a_shortened_text_has_room(text: str, max_width: float) -> None:
    short = shortened(text, 11.5, max_width)
    assert text_width(short, 11.5) <= max_width
    assert short == text or short.endswith("…")
