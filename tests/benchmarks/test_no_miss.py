"""The no-miss test finds what a feed loses, and that ours loses nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.benchmarks.feeds import Feed, Missed, missed, naive
from tests.benchmarks.no_miss import ours


def lost(feed: Callable[..., AbstractContextManager[Feed]], database: str) -> Missed:
    with feed(database, is_slow=True) as opened:
        return missed(opened, writers=8, each=16)


@pytest.mark.slow
def test_who_follows_our_log_misses_nothing_while_commits_are_late(database_url: str) -> None:
    assert lost(ours, database_url) == Missed(of=128, lost=0, doubled=0)


@pytest.mark.slow
def test_who_follows_a_sequence_misses_what_commits_late(bare_database_url: str) -> None:
    assert lost(naive, bare_database_url).lost > 0


def test_what_is_shown_twice_and_what_is_never_shown_is_counted() -> None:
    written: list[str] = []

    def after(position: int) -> list[tuple[int, str]]:
        shown = [written[0], *written[:-1]] if len(written) == 4 else []
        return list(enumerate(shown, 1))[position:]

    assert missed(Feed(written.append, after), writers=1, each=4) == Missed(of=4, lost=1, doubled=1)
