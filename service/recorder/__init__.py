"""The write path: idempotency → read streams → decide → append → project, in one transaction.

A process has one writer thread. It collects the requests that arrive during a commit, decides them in order, each on
the state after the one before, and appends them together. So throughput grows with load, and an idle service adds no
wait. Each request has its own outcome, and a refusal does not affect the others.

First, a batch is decided on the cached state at some head, and the append compares and swaps that head. If the record
has moved on, nothing is written. Then the head is locked, the missed events are read, and the batch is decided again.
Nothing is acknowledged before its commit.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine
from uuid_utils import uuid7

from service.domain.assertion import Recorded
from service.domain.errors import Refused
from service.domain.filing import Envelope, Record, decide
from service.domain.history import History
from service.domain.references import begun, corrects, needs
from service.domain.report import Report
from service.domain.source.events import OriginRegistered
from service.history_cache import HistoryCache
from service.projections import change
from service.projections.change import ChangeDocument
from service.read_models import backfill
from service.read_models.builder import changes_by, rows
from service.recorder.batching import Batches, Overloaded
from service.recorder.requests import KeyReused, Outcome, Receipt, Request, Stale
from service.store import codec, events, log, read_models, reports
from service.store.codec import StoredReport
from service.store.engine import ConnectionLost, KeptConnection, RolledBack, connection, transaction
from service.store.log import Filing, Head, KeyTaken, VersionTaken
from service.store.read_models import Document

__all__ = ["KeyReused", "Overloaded", "Receipt", "Recorder", "Request", "Stale", "replay"]

_CACHED_EVENTS: Final = 50_000
_ATTEMPTS: Final = 3
_Connect: TypeAlias = Callable[[], AbstractContextManager[Connection]]


@dataclass
class _Batch:
    """A batch while it is decided: the rows to append, and the histories after the last decided request.

    `first` maps an idempotency key to the index of its first request in `outcomes`.
    """

    head: Head
    histories: dict[str, History[Any]]
    origins: dict[str, str]
    position: int
    filings: list[Filing] = field(default_factory=list)
    changes: list[ChangeDocument] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)

    def documents(self) -> list[Document]:
        """Return the documents to append, and the note that they are complete."""
        touched = (self.histories[stream] for stream in sorted(self.touched))
        return [*rows(touched, self.changes), backfill.note(self.position)]


class Recorder:
    """Records reports: with `queue` from any thread, or with `record` in the calling thread, one caller at a time.

    After DatabaseUnavailable the outcome is unknown. A retry with the same key returns it.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid7()),
        cached_events: int = _CACHED_EVENTS,
    ) -> None:
        self._engine, self._clock, self._new_id = engine, clock, new_id
        self._cached_events = cached_events
        self._head: Head | None = None
        self._cache = HistoryCache(cached_events)
        self.queue: Batches[Request, Receipt] = Batches(self._open_worker, lambda request: len(request.report.events))

    def record(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return the outcome of each request, in order: a Receipt, which is committed, or an exception."""
        return self._record(partial(connection, self._engine), requests)

    @contextmanager
    def _open_worker(self) -> Iterator[Callable[[Sequence[Request]], list[Outcome]]]:
        """Yield a function that records a batch, always on the same connection."""
        held = KeptConnection(self._engine)
        yield partial(self._record, held.use)
        held.release()

    def _record(self, connect: _Connect, requests: Sequence[Request]) -> list[Outcome]:
        try:
            batch, head = self._record_optimistically(connect, requests) or self._record_under_lock(requests)
        except Exception as error:  # noqa: BLE001  # each sender gets the error, and the writer goes on
            self._reset()
            return [error] * len(requests)
        self._head = head
        self._cache.keep(head, batch.histories, batch.origins)
        return batch.outcomes

    def _reset(self) -> None:
        self._head, self._cache = None, HistoryCache(self._cached_events)

    def _record_optimistically(self, connect: _Connect, requests: Sequence[Request]) -> tuple[_Batch, Head] | None:
        try:
            with connect() as c:
                return self._optimistically(c, requests)
        except (ConnectionLost, RolledBack):
            return None  # A lost connection may have committed. Under the lock, the keys show it.

    def _optimistically(self, c: Connection, requests: Sequence[Request]) -> tuple[_Batch, Head] | None:
        """Decide on the cached state and append. Return None if the head moved or the log must be read first."""
        previewing = any(request.dry_run for request in requests)
        head = self._head
        if head is None or previewing:
            head = self._catch_up(c, log.read_head(c))
        # Do not read streams that a report begins: the append fails if they exist. A preview appends nothing.
        begins = () if previewing else (stream for r in requests for stream in begun(r.report))
        absent = frozenset(stream for stream in begins if stream not in self._cache)
        batch = self._decide_all(c, head, requests, known={}, absent=absent)
        refused = [r.key for r, o in zip(requests, batch.outcomes, strict=True) if isinstance(o, Exception)]
        if refused and (absent or reports.by_keys(c, refused)):
            # Idempotency comes before every refusal: some of these may be recorded already.
            return None
        try:
            new_head = log.append(c, head, batch.filings, batch.documents()) if batch.filings else _unchanged(c, head)
        except (KeyTaken, VersionTaken):
            return None
        return None if new_head is None else (batch, new_head)

    def _record_under_lock(self, requests: Sequence[Request]) -> tuple[_Batch, Head]:
        for _ in range(_ATTEMPTS - 1):
            with suppress(RolledBack):
                return self._record_under_lock_once(requests)
        return self._record_under_lock_once(requests)

    def _record_under_lock_once(self, requests: Sequence[Request]) -> tuple[_Batch, Head]:
        with transaction(self._engine) as c:
            head = self._catch_up(c, log.lock_head(c))
            known = reports.by_keys(c, [r.key for r in requests if not r.dry_run])
            batch = self._decide_all(c, head, requests, known)
            new_head = log.append(c, head, batch.filings, batch.documents()) if batch.filings else head
        assert new_head is not None  # no other process moves a locked head
        return batch, new_head

    def _catch_up(self, c: Connection, head: Head) -> Head:
        """Read what other processes appended, and build the documents that they did not store. Return the head."""
        if self._head is None or self._head[:3] != head[:3]:
            backfill.catch_up(c, head.position)
            self._cache.catch_up(c, head.position)
        return head

    def _decide_all(
        self,
        c: Connection,
        head: Head,
        requests: Sequence[Request],
        known: Mapping[str, StoredReport],
        absent: frozenset[str] = frozenset(),
    ) -> _Batch:
        unrecorded = [request.report for request in requests if request.key not in known]
        batch = _Batch(head, *self._load(c, unrecorded, absent), position=head.position)
        for request in requests:
            batch.outcomes.append(self._outcome(c, request, known.get(request.key), batch))
        return batch

    def _load(
        self, c: Connection, reports: Sequence[Report], absent: Collection[str]
    ) -> tuple[dict[str, History[Any]], dict[str, str]]:
        """Return the streams that these reports are decided on, and the streams of the origins that they cite."""
        histories: dict[str, History[Any]] = {}
        origins: dict[str, str] = {}
        while reports:
            found = [needs(report, histories) for report in reports]
            slugs = frozenset[str]().union(*(n.origins for n in found)) - origins.keys()
            origins |= self._cache.origins(c, slugs)
            streams = frozenset[str]().union(*(n.streams for n in found), origins.values()) - histories.keys()
            histories |= self._cache.streams(c, streams, absent)
            # Only the target of a correction can show that more streams are needed.
            reports = [report for report in reports if streams and corrects(report)]
        return histories, origins

    def _outcome(self, c: Connection, request: Request, first: StoredReport | None, batch: _Batch) -> Outcome:
        try:
            if first is not None and not request.dry_run:
                return _replayed(request, replay(c, first))
            if request.key in batch.first and not request.dry_run:
                twin = batch.outcomes[batch.first[request.key]]
                return _replayed(request, twin) if isinstance(twin, Receipt) else twin
            return self._file(request, batch)
        except (Refused, KeyReused, Stale) as refused:
            return refused

    def _file(self, request: Request, batch: _Batch) -> Receipt:
        # Mistakes in the report come before version conflicts.
        for stream, seen in () if request.report.mistakes else request.seen.items():
            if (position := batch.histories[stream].position) not in seen:
                raise Stale(stream, position)
        moment = batch.head.moment(self._clock())
        report = self._new_id()
        envelope = Envelope(report, request.actor, request.correlation, moment, batch.position, self._new_id)
        decision = decide(request.report, Record(batch.histories, batch.origins), envelope)
        stored = _stored_report(request, report, moment, decision.recorded)
        changes = changes_by(decision, batch.histories)
        if not request.dry_run:
            batch.first[request.key] = len(batch.outcomes)
            batch.position = stored.last_position
            batch.histories.update(decision.histories)
            batch.origins.update(_origins_in(decision.recorded))
            batch.filings.append(Filing(stored, decision.recorded))
            batch.touched |= decision.histories.keys()
            batch.changes += changes
        return Receipt(stored, decision.recorded, tuple(changes))


def replay(c: Connection, report: StoredReport) -> Receipt:
    """Return the receipt of a recorded report, the same as when it was filed."""
    first, last = report.first_position, report.last_position
    recorded = tuple(codec.decode(row) for row in events.read_log(c, after=first - 1, upto=last))
    stored = read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
    changes = tuple(ChangeDocument.model_validate_json(d.body) for d in stored)
    return Receipt(report, recorded, changes, replayed=True)


def _unchanged(c: Connection, head: Head) -> Head | None:
    """Return the head if it did not move: without an append, this alone shows that an outcome is not stale."""
    return head if log.read_head(c)[:3] == head[:3] else None


def _replayed(request: Request, first: Receipt) -> Receipt:
    if first.report.request_hash != request.request_hash:
        raise KeyReused(first.report)
    return Receipt(first.report, first.events, first.changes, replayed=True)


def _stored_report(request: Request, report: str, moment: datetime, recorded: Sequence[Recorded]) -> StoredReport:
    filed = request.report
    return StoredReport(
        id=report,
        key=request.key,
        request_hash=request.request_hash,
        actor=request.actor,
        relation=filed.relation,
        round=f"{filed.relation}/{filed.round}" if filed.round else None,
        title=filed.title,
        first_position=recorded[0].position,
        last_position=recorded[-1].position,
        recorded_at=moment,
    )


def _origins_in(recorded: Iterable[Recorded]) -> dict[str, str]:
    return {e.data.origin: e.stream for e in recorded if isinstance(e.data, OriginRegistered)}
