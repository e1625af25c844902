"""Was anything lost, doubled, reordered, skipped or shown stale? Judged from what clients saw and what is on record.

Knows nothing of the service: a history goes in, violations come out. So that it can be trusted it is itself tested on
forged histories, one for each kind of violation.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Logged:
    """An event on record at the end: where, in which stream, and under which idempotency key it was filed."""

    position: int
    id: str
    stream: str
    key: str


@dataclass(frozen=True)
class Acknowledged:
    """A report that a client was told is recorded. Times are of one monotonic clock, of the client's side."""

    key: str
    began: float
    ended: float
    events: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Read:
    """A status that a client was shown: of which stream, up to which position, between which moments."""

    reader: str
    stream: str
    began: float
    ended: float
    position: int


@dataclass(frozen=True)
class Followed:
    """What one follower saw of the log, in the order in which it saw it."""

    follower: str
    seen: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class History:
    """Everything that clients saw, the record at the end, and the keys of every report that was ever sent."""

    log: Sequence[Logged]
    acknowledged: Sequence[Acknowledged]
    reads: Sequence[Read]
    followed: Sequence[Followed]
    sent: frozenset[str]


@dataclass(frozen=True)
class Violation:
    """What is wrong (`kind`), and where."""

    kind: str
    where: str


def violations(history: History) -> list[Violation]:
    """Everything that must not be. Empty for a history that a correct service can have."""
    checks = (_gaps, _doubled, _lost, _reordered, _skipped, _stale, _went_back)
    return [violation for check in checks for violation in check(history)]


def _gaps(history: History) -> Iterator[Violation]:
    for place, event in enumerate(history.log, 1):
        if event.position != place:
            yield Violation("gap", f"position {place} of the record is {event.position}")
            return


def _doubled(history: History) -> Iterator[Violation]:
    """One key, one report: its events lie side by side, and nothing is on record that nobody sent."""
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
    """What was acknowledged before another was even sent stands before it."""
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
    """A follower sees the record from its beginning, each event once, in order, as far as it came."""
    for followed in history.followed:
        expected = tuple((event.position, event.id) for event in history.log[: len(followed.seen)])
        if followed.seen != expected:
            wrong = next(
                (i for i, pair in enumerate(zip(followed.seen, expected, strict=False), 1) if pair[0] != pair[1]), 0
            )
            yield Violation("skipped", f"{followed.follower} at its event {wrong or len(expected) + 1}")


def _stale(history: History) -> Iterator[Violation]:
    """A read shows whatever was acknowledged before it began."""
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
    """No read shows less than one that had ended before it began, whoever read it, from whichever process."""
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
