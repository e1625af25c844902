"""The comparison of two checkouts distinguishes slower, faster and noise."""

from pathlib import Path

import pytest

from tests.benchmarks import compare
from tests.benchmarks.measuring import interval

ROOT = str(Path(__file__).parents[2])


def verdict(capsys: pytest.CaptureFixture[str], *after: float) -> str:
    """Return the output for a `before` that cost 1 in each round."""
    worse = compare.told([{"before": {"a reading": 1.0}, "after": {"a reading": cost}} for cost in after], 0.95)
    line = capsys.readouterr().out
    assert worse == (["a reading"] if line.endswith("worse\n") else [])
    return line.partition(") ")[2].strip()


def test_the_interval_of_nine_values_excludes_minimum_and_maximum() -> None:
    assert interval([9, 1, 8, 2, 7, 3, 6, 4, 5]) == (2, 8)


def test_fewer_than_six_values_give_no_bounds() -> None:
    assert interval([1] * 5) == (float("-inf"), float("inf"))
    assert interval([1] * 6) == (1, 1)


def test_a_cost_higher_by_a_tenth_in_every_round_is_worse(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(capsys, *[1.1] * 9) == "worse"


def test_a_cost_higher_in_some_rounds_and_lower_in_others_is_unclear(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(capsys, 0.8, 1.2, 0.9, 1.3, 1.1, 0.7, 1.2, 1.1, 1.0) == "unclear"


def test_an_equal_or_lower_cost_has_no_remark(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(capsys, *[0.5] * 9) == ""
    assert verdict(capsys, *[1.02] * 9) == ""


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["report", "verify"])
def test_a_checkout_can_be_compared_with_itself(
    database_server: str, measure: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compare, "EVENTS", 500)
    given = ["--before", ROOT, "--after", ROOT, "--rounds", "1", "--database", database_server, "--only", measure]
    monkeypatch.setattr("sys.argv", ["compare", *given])
    assert compare.main() == 0
    assert measure in capsys.readouterr().out


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="imports"):
        compare.Checkout(tmp_path)
