"""Check that no event was lost, doubled, reordered, skipped or shown stale.

The checker knows nothing of the service. It takes what clients saw and the record at the end, and returns violations.
`test_checker.py` tests it on forged histories, one for each kind of violation.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Logged:
    """An event of the final record: its position, its stream, and the Idempotency-Key of its report."""

    position: int
    id: str
    stream: str
    key: str


@dataclass(frozen=True)
class Acknowledged:
    """A report that the service answered with 201. Times are of the client's monotonic clock."""

    key: str
    began: float
    ended: float
    events: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Read:
    """A status that a client read: its stream, its position, and when the request began and ended."""

    reader: str
    stream: str
    began: float
    ended: float
    position: int


@dataclass(frozen=True)
class Followed:
    """The positions and ids that one follower read, in the order in which it read them."""

    follower: str
    seen: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class History:
    """All that clients saw, the record at the end, and the keys of all reports that were sent."""

    log: Sequence[Logged]
    acknowledged: Sequence[Acknowledged]
    reads: Sequence[Read]
    followed: Sequence[Followed]
    sent: frozenset[str]


@dataclass(frozen=True)
class Violation:
    """The kind of violation, and where it is."""

    kind: str
    where: str


def violations(history: History) -> list[Violation]:
    """Return all violations of a history. A correct service has none."""
    checks = (_gaps, _doubled, _lost, _reordered, _skipped, _stale, _went_back)
    return [violation for check in checks for violation in check(history)]


def _gaps(history: History) -> Iterator[Violation]:
    for place, event in enumerate(history.log, 1):
        if event.position != place:
            yield Violation("gap", f"position {place} of the record is {event.position}")
            return


def _doubled(history: History) -> Iterator[Violation]:
    """Find keys with several reports: the events of a key are adjacent, and a client sent each key."""
    for id, times in Counter(event.id for event in history.log).items():
        if times > 1:
            yield Violation("doubled", f"event {id}")
    runs = Counter(key for key, before in _with_before([e.key for e in history.log]) if key != before)
    for key, times in runs.items():
        if times > 1:
            yield Violation("doubled", f"report {key}")
        if key not in history.sent:
            yield Violation("invented", f"report {key}")
    told = {ack.key: len(ack.events) for ack in history.acknowledged}
    for key, length in Counter(event.key for event in history.log).items():
        if length > told.get(key, length):
            yield Violation("doubled", f"events of report {key}")


def _with_before(keys: Sequence[str]) -> Iterable[tuple[str, str | None]]:
    return zip(keys, [None, *keys[:-1]], strict=True)


def _lost(history: History) -> Iterator[Violation]:
    on_record = {(event.position, event.id) for event in history.log}
    for ack in history.acknowledged:
        for event in ack.events:
            if event not in on_record:
                yield Violation("lost", f"event {event[1]} of report {ack.key}, acknowledged at {event[0]}")


def _reordered(history: History) -> Iterator[Violation]:
    """A report that was acknowledged before another was sent has lower positions."""
    latest = 0
    done = sorted(history.acknowledged, key=lambda a: a.ended)
    pending = iter(done)
    ended = next(pending, None)
    for ack in sorted(history.acknowledged, key=lambda a: a.began):
        while ended is not None and ended.ended < ack.began:
            latest = max(latest, ended.events[-1][0])
            ended = next(pending, None)
        if ack.events[0][0] <= latest:
            yield Violation("reordered", f"report {ack.key} stands at {ack.events[0][0]}, after {latest} was answered")


def _skipped(history: History) -> Iterator[Violation]:
    """A follower reads the record from its beginning, each event once and in order, up to any position."""
    for followed in history.followed:
        expected = tuple((event.position, event.id) for event in history.log[: len(followed.seen)])
        if followed.seen != expected:
            wrong = next(
                (i for i, pair in enumerate(zip(followed.seen, expected, strict=False), 1) if pair[0] != pair[1]), 0
            )
            yield Violation("skipped", f"{followed.follower} at its event {wrong or len(expected) + 1}")


def _stale(history: History) -> Iterator[Violation]:
    """A read shows every event that was acknowledged before the read began."""
    stream_of = {event.id: event.stream for event in history.log}
    answered: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for ack in history.acknowledged:
        for position, id in ack.events:
            if id in stream_of:
                answered[stream_of[id]].append((ack.ended, position))
    for read in history.reads:
        due = max((position for ended, position in answered[read.stream] if ended < read.began), default=0)
        if read.position < due:
            yield Violation(
                "stale", f"{read.reader} was shown {read.stream} at {read.position}, after {due} was answered"
            )


def _went_back(history: History) -> Iterator[Violation]:
    """No read shows less than a read that ended before it began, also from another process or reader."""
    by_stream: dict[str, list[Read]] = defaultdict(list)
    for read in history.reads:
        by_stream[read.stream].append(read)
    for stream, reads in by_stream.items():
        ended = sorted(reads, key=lambda r: r.ended)
        highest, pending = 0, 0
        for read in sorted(reads, key=lambda r: r.began):
            while pending < len(ended) and ended[pending].ended < read.began:
                highest = max(highest, ended[pending].position)
                pending += 1
            if read.position < highest:
                yield Violation("went back", f"{read.reader} was shown {stream} at {read.position} after {highest}")
