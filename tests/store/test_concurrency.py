"""Many concurrent writers and a reader: no event is skipped, out of order or duplicated."""

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, Engine

from service.store import events, log, reports
from service.store.codec import StoredEvent
from service.store.engine import connection, transaction
from service.store.log import KeyTaken
from service.store.verify import verify
from tests.store.record import VISAS, filing

WRITERS = 20
REPORTS = 15
EVENTS = 2


def write_by_swapping(engine: Engine, writer: int) -> int:
    """Append each report as a new stream of two events, with retries. Return the number of retries."""
    beaten = 0
    with connection(engine) as c:
        for n in range(REPORTS):
            stream = f"irritant/no-se/swapped-{writer}-{n}"
            while log.append(c, head := log.read_head(c), [filing(head, (stream, 1), (stream, 2))]) is None:
                beaten += 1
    return beaten


def write_under_lock(engine: Engine, writer: int) -> int:
    for n in range(REPORTS):
        stream = f"irritant/no-se/locked-{writer}-{n}"
        with transaction(engine) as c:
            head = log.lock_head(c)
            assert log.append(c, head, [filing(head, (stream, 1), (stream, 2))])
    return 0


def follow(engine: Engine, until: int) -> list[StoredEvent]:
    """Return the events of a reader that polls for events after its last position."""
    seen: list[StoredEvent] = []
    deadline = time.monotonic() + 60
    with connection(engine) as c:
        while len(seen) < until and time.monotonic() < deadline:
            seen += events.read_log(c, after=seen[-1].position if seen else 0, limit=7)
    return seen


def test_a_follower_sees_every_event_once_and_in_order_while_twenty_write(engine: Engine) -> None:
    total = WRITERS * REPORTS * EVENTS
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        follower = pool.submit(follow, engine, total)
        swapping = [pool.submit(write_by_swapping, engine, writer) for writer in range(WRITERS // 2)]
        locking = [pool.submit(write_under_lock, engine, writer) for writer in range(WRITERS // 2)]
        beaten = sum(written.result() for written in swapping + locking)
        seen = follower.result()
    assert [event.position for event in seen] == list(range(1, total + 1))
    assert len({event.id for event in seen}) == total
    assert beaten, "nobody was ever beaten to the head: this run proves nothing"
    with connection(engine) as c:
        assert verify(c).position == total


def test_of_twenty_reports_with_one_key_one_is_recorded(engine: Engine) -> None:
    def file(_: int) -> str:
        try:
            with transaction(engine) as c:
                head = log.lock_head(c)
                version = len(events.read_streams(c, {VISAS: 0})[VISAS]) + 1
                filed = filing(head, (VISAS, version), key="the-same-key")
                log.append(c, head, [filed])
                return filed.report.id
        except KeyTaken:
            with connection(engine) as c:
                return reports.by_keys(c, ["the-same-key"])["the-same-key"].id

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = set(pool.map(file, range(WRITERS)))
    with connection(engine) as c:
        assert answers == {report.id for report in reports.page(c)}
        assert log.read_head(c).position == len(answers) == 1


def test_reads_do_not_wait_while_the_head_is_locked(engine: Engine, record: Connection) -> None:
    with transaction(engine) as c:
        head = log.lock_head(c)
        log.append(c, head, [filing(head, (VISAS, 1))])
        assert log.read_head(record) == head
        assert events.read_log(record) == []
    assert log.read_head(record).position == 1


def test_one_writer_at_a_time_has_the_lock_and_the_newest_head(
    engine: Engine,
) -> None:
    with ThreadPoolExecutor(1) as pool, transaction(engine) as first:
        head = log.lock_head(first)

        def next_writer() -> int:
            with transaction(engine) as c:
                return log.lock_head(c).position

        waiting = pool.submit(next_writer)
        time.sleep(0.1)
        assert not waiting.done()
        log.append(first, head, [filing(head, (VISAS, 1), (VISAS, 2))])
        first.commit()
        assert waiting.result(5) == 2
