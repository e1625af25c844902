"""The write path: idempotency → read streams → decide → append → project, in one transaction.

One writer thread a process. While one commit is in flight the requests that arrive are collected, then decided in
order, each on the state that the one before left, and appended together: throughput grows with load, and an idle
service adds no wait. Each request has its own outcome, and a refused one spoils none.

The decided-on histories are kept and are current up to `_head`; the append compares and swaps that head, so a record
that moved on under us writes nothing. Only then is the head locked, what was missed read, and everything decided anew.
Nothing is acknowledged before it is committed.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine
from uuid_utils import uuid7

from service.documents import change_document, changes_of, document_of, is_stored, standing
from service.domain.assertion import Recorded
from service.domain.errors import Refused
from service.domain.filing import Decision, Envelope, Record, decide
from service.domain.history import History, Reason
from service.domain.references import needs
from service.domain.report import Report
from service.domain.source.events import OriginRegistered
from service.domain.streams import history_of
from service.projections import change
from service.projections.change import ChangeDocument
from service.store import codec, events, log, read_models, reports
from service.store.codec import StoredReport
from service.store.engine import DatabaseUnavailable, connection, transaction
from service.store.log import Filing, Head, KeyTaken, VersionTaken
from service.store.read_models import Document

MAX_WAITING: Final = 2_000
_MAX_BATCH: Final = 256
_MAX_BATCH_EVENTS: Final = 2_000
_MAX_CAUGHT_UP: Final = 5_000


class Overloaded(Exception):
    """More requests wait to be recorded than this process takes on."""


class KeyReused(Exception):
    """The idempotency key was used for a report with another body."""

    def __init__(self, first: StoredReport) -> None:
        self.first = first
        super().__init__(first.id)


class Stale(Exception):
    """The state that the writer had seen (`If-Match`) is no longer the present one."""

    def __init__(self, stream: str, position: int) -> None:
        self.stream, self.position = stream, position
        super().__init__(stream)


@dataclass(frozen=True)
class Request:
    """A report to record, or only to preview. `seen`: the positions at which streams were last read (`If-Match`)."""

    report: Report
    key: str
    request_hash: bytes
    actor: str
    correlation: str
    seen: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True)
class Receipt:
    """What a report led to. `replayed`: it had been recorded before, under the same key; nothing was written now."""

    report: StoredReport
    events: tuple[Recorded, ...]
    changes: tuple[ChangeDocument, ...]
    replayed: bool = False


Outcome = Receipt | Exception


@dataclass
class _Batch:
    """A batch as it is decided: what to append, and the histories as each request leaves them."""

    head: Head
    histories: dict[str, History[Any]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    filings: list[Filing] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    position: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Records reports. `submit` from any thread; `record` works in the calling thread, for one caller at a time."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid7()),
        cached_events: int = 50_000,
    ) -> None:
        self._engine, self._clock, self._new_id = engine, clock, new_id
        self._cached_events = cached_events
        self._head: Head | None = None
        self._histories: OrderedDict[str, History[Any]] = OrderedDict()
        self._kept = 0
        self._origins: dict[str, str] = {}
        self._waiting: deque[tuple[Request, Future[Receipt]]] = deque()
        self._arrived = threading.Condition()
        self._closing = False
        self._writer: threading.Thread | None = None
        self.batches = 0
        self.requests = 0
        """Requests that those batches decided."""

    # The queue: who waits for the commit in flight.

    def start(self) -> None:
        self._writer = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._writer.start()

    def close(self, seconds: float | None = None) -> None:
        """Records what was accepted, refuses what comes later, and ends the writer; waits no longer than that for it."""
        with self._arrived:
            self._closing = True
            self._arrived.notify()
        if self._writer is not None:
            self._writer.join(seconds)

    @property
    def waiting(self) -> int:
        """How many requests no batch has taken up yet."""
        return len(self._waiting)

    def submit(self, request: Request) -> "Future[Receipt]":
        """The receipt comes after the commit. Raises Overloaded; the future raises Refused, KeyReused or Stale.

        After DatabaseUnavailable the outcome is unknown; the same request with the same key finds it out.
        """
        future: Future[Receipt] = Future()
        with self._arrived:
            if self._closing or len(self._waiting) >= MAX_WAITING:
                raise Overloaded
            self._waiting.append((request, future))
            self._arrived.notify()
        return future

    def _write(self) -> None:
        while batch := self._next_batch():
            self.batches += 1
            self.requests += len(batch)
            outcomes = self.record([request for request, _ in batch])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Receipt):
                    future.set_result(outcome)
                else:
                    future.set_exception(outcome)

    def _next_batch(self) -> list[tuple[Request, "Future[Receipt]"]]:
        """Everything that waits, up to a bound; empty when closing and nothing is left."""
        with self._arrived:
            while not self._waiting and not self._closing:
                self._arrived.wait()
            batch: list[tuple[Request, Future[Receipt]]] = []
            size = 0
            while self._waiting and len(batch) < _MAX_BATCH:
                size += len(self._waiting[0][0].report.events)
                if batch and size > _MAX_BATCH_EVENTS:
                    break
                batch.append(self._waiting.popleft())
            return batch

    # One batch.

    def record(self, requests: Sequence[Request]) -> list[Outcome]:
        """Each request's outcome, in order; what is a Receipt is committed."""
        try:
            return self._optimistically(requests) or self._under_lock(requests)
        except DatabaseUnavailable as error:
            self._forget()
            return [error] * len(requests)
        except Exception as error:  # noqa: BLE001  # whoever waits must hear of it; the writer must go on
            self._forget()
            return [error] * len(requests)

    def _optimistically(self, requests: Sequence[Request]) -> list[Outcome] | None:
        """Decides on what is known and appends if nobody else was faster; None where it must be done under the lock."""
        with connection(self._engine) as c:
            if self._head is None or any(r.dry_run for r in requests):
                self._catch_up(c, log.read_head(c))
            assert self._head is not None
            batch = self._decided(c, requests, known={})
            refused = [r.key for r, o in zip(requests, batch.outcomes, strict=True) if isinstance(o, Exception)]
            if refused and reports.by_keys(c, refused):
                # Idempotency comes before every refusal: some of these were recorded long ago.
                return None
            if not batch.filings:
                # Nothing to append, so nothing has compared the head: a refusal too must rest on the present.
                return self._committed(batch, self._head) if log.read_head(c)[:3] == self._head[:3] else None
            try:
                head = log.append(c, self._head, batch.filings, batch.documents)
            except (KeyTaken, VersionTaken):
                return None
        return None if head is None else self._committed(batch, head)

    def _under_lock(self, requests: Sequence[Request]) -> list[Outcome]:
        with transaction(self._engine) as c:
            self._catch_up(c, log.lock_head(c))
            assert self._head is not None
            known = reports.by_keys(c, [r.key for r in requests if not r.dry_run])
            batch = self._decided(c, requests, known)
            head = log.append(c, self._head, batch.filings, batch.documents) if batch.filings else self._head
        assert head is not None  # nobody else moves a locked head
        return self._committed(batch, head)

    def _decided(self, c: Connection, requests: Sequence[Request], known: Mapping[str, StoredReport]) -> _Batch:
        assert self._head is not None
        batch = _Batch(self._head, position=self._head.position)
        self._load(c, batch, [r.report for r in requests if r.key not in known])
        for request in requests:
            batch.outcomes.append(self._outcome(c, request, known.get(request.key), batch))
        batch.documents += [document_of(batch.histories[stream]) for stream in sorted(batch.touched)]
        return batch

    def _outcome(self, c: Connection, request: Request, first: StoredReport | None, batch: _Batch) -> Outcome:
        try:
            if first is not None and not request.dry_run:
                return _same(request, replay(c, first))
            if request.key in batch.first and not request.dry_run:
                twin = batch.outcomes[batch.first[request.key]]
                return _same(request, twin) if isinstance(twin, Receipt) else twin
            return self._file(request, batch)
        except (Refused, KeyReused, Stale) as refused:
            return refused

    def _file(self, request: Request, batch: _Batch) -> Receipt:
        for stream, seen in request.seen.items():
            if (position := batch.histories[stream].position) != seen:
                raise Stale(stream, position)
        moment = batch.head.moment(self._clock())
        report = self._new_id()
        envelope = Envelope(report, request.actor, request.correlation, moment, batch.position, self._new_id)
        decision = decide(request.report, Record(batch.histories, batch.origins), envelope)
        stored = _stored(request, report, moment, decision.recorded)
        changes = tuple(_changes(decision, batch.histories))
        if not request.dry_run:
            batch.first[request.key] = len(batch.outcomes)
            batch.position = stored.last_position
            batch.histories.update(decision.histories)
            batch.origins.update(_registered(decision.recorded))
            batch.filings.append(Filing(stored, decision.recorded))
            batch.touched |= {s for s in decision.histories if decision.histories[s].events and is_stored(s)}
            batch.documents += [change_document(changed) for changed in changes]
        return Receipt(stored, decision.recorded, changes)

    def _committed(self, batch: _Batch, head: Head) -> list[Outcome]:
        self._head = head
        self._origins.update(batch.origins)
        for stream, history in batch.histories.items():
            self._keep(stream, history)
        self._shrink()
        return batch.outcomes

    # What is known of the record, current up to `_head`.

    def _catch_up(self, c: Connection, head: Head) -> None:
        """Adds what others recorded since to the histories that are kept."""
        known, self._head = self._head, head
        if known is None or known.record != head.record or head.position - known.position > _MAX_CAUGHT_UP:
            self._forget()
            self._head = head
            return
        if head.position == known.position:
            return
        for row in events.read_log(c, after=known.position, upto=head.position):
            if (history := self._histories.get(row.stream)) is not None:
                history.append(codec.decode(row))
                self._kept += 1

    def _load(self, c: Connection, batch: _Batch, wanted: Sequence[Report]) -> None:
        """Fills the batch with every history that it will look at: kept ones as they are, the rest in one query."""
        while True:
            found = [needs(report, batch.histories) for report in wanted]
            slugs = frozenset[str]().union(*(n.origins for n in found)) - batch.origins.keys()
            batch.origins |= {s: self._origins[s] for s in slugs if s in self._origins}
            if unknown := slugs - self._origins.keys():
                batch.origins |= events.origin_streams(c, unknown)
            streams = frozenset[str]().union(*(n.streams for n in found), batch.origins.values())
            streams -= batch.histories.keys()
            if not streams:
                return
            missing = {s: 0 for s in streams if s not in self._histories}
            read = events.read_streams(c, missing, upto=batch.head.position) if missing else {}
            batch.histories |= {s: self._histories.get(s) or history_of(s, read[s]) for s in streams}

    def _keep(self, stream: str, history: History[Any]) -> None:
        before = self._histories.get(stream)
        self._kept += len(history.events) - (len(before.events) if before is not None else 0)
        self._histories[stream] = history
        self._histories.move_to_end(stream)

    def _shrink(self) -> None:
        while self._kept > self._cached_events or len(self._histories) > self._cached_events:
            _, forgotten = self._histories.popitem(last=False)
            self._kept -= len(forgotten.events)
        if len(self._origins) > self._cached_events:
            self._origins.clear()

    def _forget(self) -> None:
        self._head, self._kept = None, 0
        self._histories.clear()
        self._origins.clear()


def replay(c: Connection, report: StoredReport) -> Receipt:
    """The receipt of a report on record, as it was given when it was filed."""
    first, last = report.first_position, report.last_position
    recorded = tuple(codec.decode(row) for row in events.read_log(c, after=first - 1, upto=last))
    stored = read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
    changes = tuple(ChangeDocument.model_validate_json(d.body) for d in stored)
    return Receipt(report, recorded, changes, replayed=True)


def _same(request: Request, first: Receipt) -> Receipt:
    if first.report.request_hash != request.request_hash:
        raise KeyReused(first.report)
    return Receipt(first.report, first.events, first.changes, replayed=True)


def _stored(request: Request, report: str, moment: datetime, recorded: Sequence[Recorded]) -> StoredReport:
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


def _registered(recorded: Iterable[Recorded]) -> dict[str, str]:
    return {e.data.origin: e.stream for e in recorded if isinstance(e.data, OriginRegistered)}


def _changes(decision: Decision, before: Mapping[str, History[Any]]) -> list[ChangeDocument]:
    """Per irritant and reason, in the order of filing: how its reading changed. Runs of one reason are one change."""
    by_stream: dict[str, list[tuple[Recorded, Reason]]] = {}
    for event, reason in zip(decision.recorded, decision.reasons, strict=True):
        if event.stream.startswith("irritant/"):
            by_stream.setdefault(event.stream, []).append((event, reason))
    changes: list[ChangeDocument] = []
    for stream, filed in by_stream.items():
        changes += changes_of(standing(before[stream]), decision.histories[stream], filed)
    return sorted(changes, key=lambda ch: ch.position)
