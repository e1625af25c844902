"""The size of a board of two hundred irritants, and the time to render it compared with its JSON."""

import pytest

from service.projections.board import BoardDocument
from tests.benchmarks import pages

REPEATS = 40


@pytest.fixture(scope="module")
def board() -> BoardDocument:
    return pages.board()


def test_the_board_has_less_than_430_kilobytes(board: BoardDocument) -> None:
    assert len(pages.page(board)) <= 430_000


def test_the_board_loads_at_most_three_files(board: BoardDocument) -> None:
    assert pages.assets(pages.page(board)) <= 3


def test_the_board_takes_at_most_five_times_as_long_as_its_json(board: BoardDocument) -> None:
    rounds = pages.drawn_and_serialised(board, REPEATS)
    assert min(one["page"] for one in rounds) <= 5 * min(one["json"] for one in rounds)
