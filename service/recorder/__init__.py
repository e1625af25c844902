"""The write path: decide each report on the state of the record, then append its events and documents.

A process has one writer thread. It collects the requests that arrive during a commit (`batching`), decides them in
order, each on the state after the one before, and appends them in one transaction. Each request has its own outcome,
and a refusal does not affect the others. No outcome is returned before the commit.

The first attempt is optimistic. The batch is decided on cached histories at a known head, and the append writes only
if the record still has that head. If another process has appended meanwhile, nothing is written. The second attempt
locks the head, reads the missed events and decides again.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine
from uuid_utils import uuid7

from service.domain.actor.names import ActorNames
from service.domain.assertion import Recorded
from service.domain.errors import Refused
from service.domain.filing import Decision, Envelope, Record, ReportOnRecord, decide, warnings_of_report
from service.domain.history import History
from service.domain.naming import Naming
from service.domain.references import has_corrections, needs, streams_opened
from service.domain.report import Report
from service.domain.source.events import OriginRegistered
from service.history_cache import HistoryCache
from service.projections import change, warnings
from service.projections.change import ChangeDocument
from service.read_models import backfill
from service.read_models.builder import changes_by, rows
from service.recorder.batching import Batches, Overloaded
from service.recorder.readers import Readers
from service.recorder.requests import KeyReused, NotTogether, Outcome, Receipt, ReportRequest, Stale
from service.store import codec, events, log, read_models, reports
from service.store.codec import StoredReport
from service.store.engine import ConnectionLost, DedicatedConnection, RolledBack, connection, transaction
from service.store.log import Filing, Head, KeyTaken, VersionTaken
from service.store.read_models import Document
from service.store.releases import EarlierReleaseRuns

__all__ = [
    "EarlierReleaseRuns",
    "KeyReused",
    "NotTogether",
    "Overloaded",
    "Receipt",
    "Recorder",
    "ReportRequest",
    "Stale",
    "replay",
]

_CACHED_EVENTS: Final = 50_000
_ATTEMPTS: Final = 3
_LONG_REPORT: Final = 20
"""A report with more events is looked up by its key before it is decided: it may be a retry."""
_RECENT_KEYS: Final = 4_096
_REPORT_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_Connect: TypeAlias = Callable[[], AbstractContextManager[Connection]]


@dataclass
class _Batch:
    """A batch while it is decided: the rows to append, and the histories after the last decided request.

    `origins` has the source stream of each origin. `touched` are the streams with new events. `position` is that of the
    last event to append, at first of the head. `first` has, by idempotency key, the index in `outcomes` of the first
    request with that key. `decisions`: by the index in `outcomes`, what was decided, with the names of actors then.
    """

    head: Head
    histories: dict[str, History[Any]]
    origins: dict[str, str]
    reports: dict[str, ReportOnRecord]
    naming: Naming
    position: int
    filings: list[Filing] = field(default_factory=list)
    changes: list[ChangeDocument] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)
    decisions: dict[int, tuple[Decision, ActorNames]] = field(default_factory=dict)

    def add_warnings(self) -> None:
        """Add the warnings to the receipts. Called while the database appends, which does not need them."""
        for index, (decision, names) in self.decisions.items():
            receipt = self.outcomes[index]
            assert isinstance(receipt, Receipt)
            self.outcomes[index] = replace(receipt, warnings=warnings.documents(decision.warnings, names))

    def documents(self) -> list[Document]:
        """Return the documents to append, and the watermark that says that they are complete."""
        touched = (self.histories[stream] for stream in sorted(self.touched))
        filed = (event for filing in self.filings for event in filing.events)
        return [*rows(touched, self.changes, filed, self.naming), backfill.watermark(self.position)]


class Recorder:
    """Records reports: with `queue` from any thread, or with `record` in the calling thread, one caller at a time.

    After DatabaseUnavailable a report may be recorded or not. A retry with the same idempotency key shows it.
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
        self._readers = Readers()
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._writing = Lock()
        self.queue: Batches[ReportRequest, Receipt] = Batches(
            self._open_worker, lambda request: len(request.report.events)
        )

    def record(self, requests: Sequence[ReportRequest]) -> list[Outcome]:
        """Return the outcome of each request, in order: a Receipt, which is committed, or an exception."""
        return self._record(partial(connection, self._engine), requests)

    def record_together(self, requests: Sequence[ReportRequest]) -> list[Receipt]:
        """Record all of these reports, or none of them. Raises NotTogether for the first that is refused."""
        with self._writing:
            batch, head = self._record_under_lock(requests, together=True)
            self._remember_head(batch, head)
        return [outcome for outcome in batch.outcomes if isinstance(outcome, Receipt)]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let no report be recorded, and forget the record at the end, because another takes its place.

        Waits for the present batch. Later requests wait in the queue, and are recorded afterwards.
        """
        with self._writing:
            try:
                yield
            finally:
                self._reset()

    @contextmanager
    def _open_worker(self) -> Iterator[Callable[[Sequence[ReportRequest]], list[Outcome]]]:
        """Yield a function that records a batch, always on the same connection."""
        dedicated = DedicatedConnection(self._engine)
        yield partial(self._record, dedicated.use)
        dedicated.release()

    def _record(self, connect: _Connect, requests: Sequence[ReportRequest]) -> list[Outcome]:
        with self._writing:
            try:
                batch, head = self._record_optimistically(connect, requests) or self._record_under_lock(requests)
            except Exception as error:  # noqa: BLE001  # each request gets the error, and the writer thread continues
                self._reset()
                return [error] * len(requests)
            self._remember_head(batch, head)
        return batch.outcomes

    def _remember_head(self, batch: _Batch, head: Head) -> None:
        self._head = head
        self._cache.add(head, batch.histories, batch.origins, batch.naming)
        self._remember(batch)

    def _reset(self) -> None:
        self._head, self._cache = None, HistoryCache(self._cached_events)

    def _record_optimistically(
        self, connect: _Connect, requests: Sequence[ReportRequest]
    ) -> tuple[_Batch, Head] | None:
        try:
            with connect() as c:
                return self._optimistically(c, requests)
        except (ConnectionLost, RolledBack):
            return None  # The commit may have succeeded. The next attempt looks for the idempotency keys.

    def _optimistically(self, c: Connection, requests: Sequence[ReportRequest]) -> tuple[_Batch, Head] | None:
        """Decide on the cached histories and append. Return None if the head must be locked for a second attempt."""
        has_preview = any(request.dry_run for request in requests)
        earlier = self._recorded_earlier(c, requests)
        head = self._head
        if head is None or has_preview:
            head = self._catch_up(c, log.read_head(c))
        # Streams that a report begins need not be read: the append fails if they exist. A preview appends nothing.
        begins = () if has_preview else (s for r in requests if r.key not in earlier for s in streams_opened(r.report))
        absent = frozenset(stream for stream in begins if stream not in self._cache)
        batch = self._decide_all(c, head, requests, earlier, absent)
        decided = [
            (r.key, o) for r, o in zip(requests, batch.outcomes, strict=True) if r.dry_run or r.key not in earlier
        ]
        if not decided:
            return batch, head  # All are on record, and stay there even if the head has moved.
        refused = [key for key, outcome in decided if isinstance(outcome, Exception)]
        if refused and (absent or reports.by_keys(c, refused)):
            # A refused request may be a retry of a report that is recorded already. Then it must get the receipt.
            return None
        try:
            new_head = _append(c, head, batch) if batch.filings else _unchanged(c, head)
        except (KeyTaken, VersionTaken):
            return None
        return None if new_head is None else (batch, new_head)

    def _recorded_earlier(self, c: Connection, requests: Sequence[ReportRequest]) -> dict[str, StoredReport]:
        """Return, by key, the reports that are on record already. Only long reports and recent keys are looked up.

        Deciding a long report takes much longer than looking up its key. If another report is a retry, the append
        fails because of its key.
        """
        keys = [
            request.key
            for request in requests
            if not request.dry_run and (len(request.report.events) > _LONG_REPORT or request.key in self._recent)
        ]
        return reports.by_keys(c, keys) if keys else {}

    def _remember(self, batch: _Batch) -> None:
        """Remember the keys of this batch as recent. They need not stay on record, because a backup may be restored."""
        for key in batch.first:
            self._recent[key] = None
        while len(self._recent) > _RECENT_KEYS:
            self._recent.popitem(last=False)

    def _record_under_lock(self, requests: Sequence[ReportRequest], *, together: bool = False) -> tuple[_Batch, Head]:
        for _ in range(_ATTEMPTS - 1):
            with suppress(RolledBack):
                return self._record_under_lock_once(requests, together=together)
        return self._record_under_lock_once(requests, together=together)

    def _record_under_lock_once(self, requests: Sequence[ReportRequest], *, together: bool) -> tuple[_Batch, Head]:
        with transaction(self._engine) as c:
            head = self._catch_up(c, log.lock_head(c))
            earlier = reports.by_keys(c, [r.key for r in requests if not r.dry_run])
            batch = self._decide_all(c, head, requests, earlier)
            for index, outcome in enumerate(batch.outcomes if together else ()):
                if isinstance(outcome, Exception):
                    raise NotTogether(index) from outcome
            new_head = _append(c, head, batch) if batch.filings else head
        assert new_head is not None  # no other process can append while the head is locked
        return batch, new_head

    def _catch_up(self, c: Connection, head: Head) -> Head:
        """Read the events that other processes appended, and build documents that they did not store. Return `head`."""
        if self._head is None or self._head[:3] != head[:3]:
            backfill.catch_up(c, head.position)
            self._cache.catch_up(c, head.position)
        return head

    def _decide_all(
        self,
        c: Connection,
        head: Head,
        requests: Sequence[ReportRequest],
        earlier: Mapping[str, StoredReport],
        absent: frozenset[str] = frozenset(),
    ) -> _Batch:
        """Decide the requests in order. `earlier` has recorded reports by key, `absent` streams that are not read."""
        unrecorded = [request.report for request in requests if request.key not in earlier]
        histories, origins, named = self._load(c, unrecorded, absent)
        naming = self._cache.naming(c, head.position)
        batch = _Batch(head, histories, origins, named, naming, head.position)
        for request in requests:
            batch.outcomes.append(self._outcome(c, request, earlier.get(request.key), batch))
        if not batch.filings:
            batch.add_warnings()
        return batch

    def _load(
        self, c: Connection, filed: Sequence[Report], absent: Collection[str]
    ) -> tuple[dict[str, History[Any]], dict[str, str], dict[str, ReportOnRecord]]:
        """Return the histories that reports are decided on, the source stream of each origin, and the named reports."""
        histories: dict[str, History[Any]] = {}
        origins: dict[str, str] = {}
        named: dict[str, ReportOnRecord] = {}
        while filed:
            needed = [needs(report, histories) for report in filed]
            slugs = frozenset[str]().union(*(need.origins for need in needed)) - origins.keys()
            origins |= self._cache.origins(c, slugs)
            streams = frozenset[str]().union(*(need.streams for need in needed), origins.values()) - histories.keys()
            histories |= self._cache.streams(c, streams, absent)
            if ids := frozenset[str]().union(*(need.reports for need in needed)) - named.keys():
                stored = reports.by_ids(c, filter(_REPORT_ID.fullmatch, ids))
                named |= {id: ReportOnRecord(report.relation, report.round) for id, report in stored.items()}
            # A correction can need more streams. Its target, which was read now, names them.
            filed = [report for report in filed if streams and has_corrections(report)]
        return histories, origins, named

    def _outcome(self, c: Connection, request: ReportRequest, first: StoredReport | None, batch: _Batch) -> Outcome:
        """Decide one request. `first`: the report that was recorded earlier with its key."""
        try:
            if first is not None and not request.dry_run:
                return self._warned_again(c, request, _replayed(request, replay(c, first)), batch.naming)
            if request.key in batch.first and not request.dry_run:
                first_index = batch.first[request.key]
                earlier = batch.outcomes[first_index]
                if not isinstance(earlier, Receipt):
                    return earlier
                replayed = _replayed(request, earlier)
                batch.decisions[len(batch.outcomes)] = batch.decisions[first_index]
                return replayed
            return self._file(c, request, batch)
        except (Refused, KeyReused, Stale, EarlierReleaseRuns) as refused:
            return refused

    def _warned_again(self, c: Connection, request: ReportRequest, first: Receipt, naming: Naming) -> Receipt:
        """Return the receipt with its warnings. They are not stored: they follow from the record as it was then."""
        record = Record(*self._load(c, [request.report], ()))
        found = warnings_of_report(request.report, first.events, record)
        names = naming.as_of(first.report.last_position)
        return replace(first, warnings=warnings.documents(found, names), names=names)

    def _file(self, c: Connection, request: ReportRequest, batch: _Batch) -> Receipt:
        # Report mistakes before version conflicts.
        for stream, expected in () if request.report.mistakes else request.expected_positions.items():
            # The document that the sender read has names of actors, so a new name changes it, too. 0: no such stream.
            own = batch.histories[stream].position
            if (position := own and max(own, batch.naming.position)) not in expected:
                raise Stale(stream, position)
        moment = batch.head.moment(self._clock())
        report = self._new_id()
        envelope = Envelope(report, request.actor, request.correlation, moment, batch.position, self._new_id)
        # A copy, because the next decisions of the batch change its histories.
        record = Record(dict(batch.histories), batch.origins, batch.reports)
        decision = decide(request.report, record, envelope)
        self._readers.require(c, decision.recorded)
        stored = _stored_report(request, report, moment, decision.recorded)
        naming = batch.naming.then(decision.recorded)
        changes = changes_by(decision, batch.histories, naming)
        if not request.dry_run:
            batch.first[request.key] = len(batch.outcomes)
            batch.position = stored.last_position
            batch.naming = naming
            batch.histories.update(decision.histories)
            batch.origins.update(_origins_in(decision.recorded))
            batch.reports[report] = ReportOnRecord(stored.relation, stored.round)
            batch.filings.append(Filing(stored, decision.recorded))
            batch.touched |= decision.histories.keys()
            batch.changes += changes
        names = naming.as_of(stored.last_position)
        batch.decisions[len(batch.outcomes)] = (decision, names)
        return Receipt(stored, decision.recorded, tuple(changes), names=names)


def replay(c: Connection, report: StoredReport) -> Receipt:
    """Return the receipt of a recorded report, the same as when it was filed, but without its warnings."""
    first, last = report.first_position, report.last_position
    recorded = tuple(codec.decode(row) for row in events.read_log(c, after=first - 1, upto=last))
    stored = read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
    changes = tuple(ChangeDocument.model_validate_json(d.body) for d in stored)
    return Receipt(report, recorded, changes, replayed=True)


def _append(c: Connection, head: Head, batch: _Batch) -> Head | None:
    """Append a batch, and complete its receipts meanwhile. Return the new head, None if another process appended."""
    return log.append(c, head, batch.filings, batch.documents(), meanwhile=batch.add_warnings)


def _unchanged(c: Connection, head: Head) -> Head | None:
    """Return the head if it is still the last one, None if not. Used if there is nothing to append."""
    return head if log.read_head(c)[:3] == head[:3] else None


def _replayed(request: ReportRequest, first: Receipt) -> Receipt:
    """Return the receipt of the first request with this key. Raises KeyReused if the body was another one."""
    if first.report.request_hash != request.request_hash:
        raise KeyReused(first.report)
    return replace(first, replayed=True)


def _stored_report(request: ReportRequest, report: str, moment: datetime, recorded: Sequence[Recorded]) -> StoredReport:
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
