"""The no-miss test counts lost events, and our feed loses none."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.benchmarks.feeds import Feed, Missed, missed, naive
from tests.benchmarks.no_miss import ours


def lost(feed: Callable[..., AbstractContextManager[Feed]], database: str) -> Missed:
    with feed(database, is_slow=True) as opened:
        return missed(opened, writers=8, each=16)


@pytest.mark.slow
def test_a_follower_of_our_log_misses_no_late_commit(database_url: str) -> None:
    assert lost(ours, database_url) == Missed(of=128, lost=0, doubled=0)


@pytest.mark.slow
def test_a_follower_of_a_sequence_misses_late_commits(bare_database_url: str) -> None:
    assert lost(naive, bare_database_url).lost > 0


def test_doubled_and_missed_events_are_counted() -> None:
    written: list[str] = []

    def after(position: int) -> list[tuple[int, str]]:
        shown = [written[0], *written[:-1]] if len(written) == 4 else []
        return list(enumerate(shown, 1))[position:]

    assert missed(Feed(written.append, after), writers=1, each=4) == Missed(of=4, lost=1, doubled=1)
