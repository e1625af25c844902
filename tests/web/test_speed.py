"""A board of two hundred irritants: how much it weighs, and how long it takes to draw beside its JSON."""

import pytest

from service.projections.board import BoardDocument
from tests.benchmarks import pages

REPEATS = 40


@pytest.fixture(scope="module")
def board() -> BoardDocument:
    return pages.board()


def test_it_weighs_less_than_400_kilobytes(board: BoardDocument) -> None:
    assert len(pages.page(board)) <= 400_000


def test_it_needs_three_files_at_the_most(board: BoardDocument) -> None:
    assert pages.assets(pages.page(board)) <= 3


def test_it_takes_at_most_five_times_as_long_as_its_json(board: BoardDocument) -> None:
    rounds = pages.drawn_and_serialised(board, REPEATS)
    assert min(one["page"] for one in rounds) <= 5 * min(one["json"] for one in rounds)
