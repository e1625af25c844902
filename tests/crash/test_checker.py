"""The checker finds every kind of violation in forged histories, and none in an honest history."""

from dataclasses import replace

import pytest

from tests.crash.checker import Acknowledged, Followed, History, Logged, Read, violations

STREAM = "irritant/ru-us/visas"
LOG = [Logged(n, f"e{n}", STREAM, f"k{n}") for n in range(1, 6)]
HONEST = History(
    log=LOG,
    acknowledged=[
        Acknowledged(e.key, e.position, e.position + 0.5, ((e.position, e.id),)) for e in LOG if e.position != 4
    ],
    reads=[Read("poller", STREAM, e.position + 0.6, e.position + 0.7, e.position) for e in LOG],
    followed=[Followed("follower", tuple((e.position, e.id) for e in LOG))],
    sent=frozenset({"k1", "k2", "k3", "k4", "k5", "never recorded"}),
)


def kinds(history: History) -> set[str]:
    return {violation.kind for violation in violations(history)}


def test_an_honest_history_has_no_violation() -> None:
    assert violations(HONEST) == []


def test_an_unacknowledged_report_may_be_recorded_once_or_not_at_all() -> None:
    without = LOG[:3]
    honest = replace(HONEST, log=without, acknowledged=HONEST.acknowledged[:3], reads=[], followed=[])
    assert violations(honest) == []


def test_a_lost_report_is_found() -> None:
    forged = [*LOG[:2], Logged(3, "another", STREAM, "k4"), *LOG[4:]]
    assert "lost" in kinds(replace(HONEST, log=forged, reads=[], followed=[]))


def test_a_lost_tail_is_found() -> None:
    assert "lost" in kinds(replace(HONEST, log=LOG[:4], reads=[], followed=[]))


def test_a_report_recorded_twice_is_found() -> None:
    twice = [*LOG, Logged(6, "e6", STREAM, "k4")]
    assert kinds(replace(HONEST, log=twice)) == {"doubled"}


def test_a_report_recorded_twice_in_a_row_is_found() -> None:
    twice = [*LOG, Logged(6, "e6", STREAM, "k5")]
    assert kinds(replace(HONEST, log=twice)) == {"doubled"}


def test_an_event_that_no_client_sent_is_found() -> None:
    assert kinds(replace(HONEST, log=[*LOG, Logged(6, "e6", STREAM, "a stranger")])) == {"invented"}


def test_a_gap_is_found() -> None:
    gapped = [*LOG[:3], *(replace(e, position=e.position + 1) for e in LOG[3:])]
    assert "gap" in kinds(replace(HONEST, log=gapped))


def test_reports_recorded_in_another_order_than_acknowledged_are_found() -> None:
    late = Acknowledged("k2", 9, 9.5, ((2, "e2"),))
    swapped = [late if a.key == "k2" else a for a in HONEST.acknowledged]
    assert "reordered" in kinds(replace(HONEST, acknowledged=swapped, reads=[]))


@pytest.mark.parametrize(
    "seen",
    [
        ((1, "e1"), (3, "e3")),
        ((1, "e1"), (1, "e1"), (2, "e2")),
        ((2, "e2"), (1, "e1")),
        (*((e.position, e.id) for e in LOG), (6, "e6")),
        ((1, "forged"),),
    ],
    ids=["one left out", "one twice", "out of order", "more than there is", "another event"],
)
def test_a_follower_that_saw_more_less_or_other_than_the_record_is_found(seen: tuple[tuple[int, str], ...]) -> None:
    assert kinds(replace(HONEST, followed=[Followed("follower", seen)])) == {"skipped"}


def test_a_read_that_misses_an_event_acknowledged_before_it_is_found() -> None:
    assert "stale" in kinds(replace(HONEST, reads=[Read("poller", STREAM, 3.6, 3.7, 2)]))


def test_a_read_that_shows_less_than_an_earlier_read_is_found() -> None:
    reads = [Read("one", STREAM, 4.1, 4.2, 4), Read("other", STREAM, 4.3, 4.4, 3)]
    assert kinds(replace(HONEST, reads=reads)) == {"went back"}


def test_concurrent_reads_may_see_different_positions() -> None:
    reads = [Read("one", STREAM, 4.1, 4.4, 4), Read("other", STREAM, 4.2, 4.3, 3)]
    assert violations(replace(HONEST, reads=reads)) == []
