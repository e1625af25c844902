"""The write path: decide each report on the state of the record, then append its events and documents.

A process has one writer thread. It collects the requests that arrive during a commit (`batching`), decides them in
order, each on the state after the one before, and appends them in one transaction. Each request has its own outcome,
and a refusal does not affect the others. No outcome is returned before the commit.

The first attempt is optimistic. The batch is decided on cached histories at a known head, and the append writes only
if the record still has that head. If another process has appended meanwhile, nothing is written. The second attempt
locks the head, reads the missed events and decides again.
"""

import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from threading import Lock
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Engine
from uuid_utils import uuid7

from service.domain.actor.names import ActorNames
from service.domain.assertion import HandlingChanged, Recorded
from service.domain.errors import Refused
from service.domain.filing import Decision, Envelope, Record, ReportOnRecord, decide, warnings_of_report
from service.domain.handling import (
    BUILT_IN,
    TYPES_NAMING_MEMBERS,
    Labels,
    changes_labels,
    labels_in,
    visible,
)
from service.domain.history import History
from service.domain.naming import Naming
from service.domain.references import has_corrections, needs, streams_opened
from service.domain.report import Report
from service.domain.source.events import OriginRegistered
from service.domain.streams import history_of, parse_stream
from service.history_cache import HistoryCache
from service.projections import change, warnings
from service.projections.change import ChangeDocument
from service.read_models import backfill
from service.read_models.builder import changes_by, rows, standing_after
from service.read_models.variants import variants, variants_appended
from service.recorder.batching import Batches, Overloaded
from service.recorder.readers import Readers
from service.recorder.requests import (
    KeyReused,
    NotTogether,
    Outcome,
    Receipt,
    ReportRequest,
    SeenChange,
    Stale,
    WithheldConflict,
)
from service.recorder.seen import SeenHistories
from service.store import audience, codec, events, log, read_models, reports
from service.store.codec import StoredReport
from service.store.engine import (
    ConnectionLost,
    DedicatedConnection,
    RolledBack,
    address,
    connection,
    open_engine,
    transaction,
)
from service.store.log import Filing, Head, KeyTaken, VersionTaken, Withheld
from service.store.read_models import Document
from service.store.releases import EarlierReleaseRuns
from service.store.variants import Variant, forget_variants

__all__ = [
    "EarlierReleaseRuns",
    "KeyReused",
    "NotTogether",
    "Overloaded",
    "Receipt",
    "Recorder",
    "ReportRequest",
    "Stale",
    "WithheldConflict",
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
    last event to append, at first of the head. `before` has the histories before the batch, by touched stream. `ranks`:
    the new rank of each event of which the label changes, by its id. `moved`: for each change of a label the stream,
    the former rank and the new one. `highest`: the highest rank of an event. `first` has, by idempotency key, the index
    in `outcomes` of the first request with that key, and `clearances` that of its sender. `decisions`: by the index in
    `outcomes`, what was decided as the sender may see it, with the names of actors then. `seen`: the histories after
    the batch as audiences see them, by stream and rank.
    """

    head: Head
    histories: dict[str, History[Any]]
    origins: dict[str, str]
    reports: dict[str, ReportOnRecord]
    naming: Naming
    labels: Labels
    position: int
    highest: int
    rounds: Mapping[str, str]
    before: dict[str, History[Any]] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    moved: list[tuple[str, int, int]] = field(default_factory=list)
    filings: list[Filing] = field(default_factory=list)
    changes: list[ChangeDocument] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    first: dict[str, int] = field(default_factory=dict)
    clearances: dict[str, int] = field(default_factory=dict)
    decisions: dict[int, tuple[Decision, ActorNames]] = field(default_factory=dict)
    seen: dict[str, dict[int, History[Any]]] = field(default_factory=dict)

    def add_warnings(self) -> None:
        """Add the warnings to the receipts. Called while the database appends, which does not need them."""
        for index, (decision, names) in self.decisions.items():
            receipt = self.outcomes[index]
            assert isinstance(receipt, Receipt)
            self.outcomes[index] = replace(receipt, warnings=warnings.documents(decision.warnings, names))

    def documents(self) -> dict[str, list[Document]]:
        """Return the documents to append, by stream, and the watermark that says that they are complete."""
        appended, changes = self._appended(), defaultdict[str, list[ChangeDocument]](list)
        for changed in self.changes:
            changes[f"irritant/{changed.irritant}"].append(changed)
        made = {
            stream: list(rows([self.histories[stream]], changes[stream], appended[stream], self.naming))
            for stream in sorted(self.touched)
        }
        return {**made, "": [backfill.watermark(self.position)]}

    def _appended(self) -> dict[str, list[Recorded]]:
        appended = defaultdict[str, list[Recorded]](list)
        for filing in self.filings:
            for event in filing.events:
                appended[event.stream].append(event)
        return appended

    def withheld(self, documents: Mapping[str, list[Document]], known: SeenHistories) -> Withheld | None:
        """Return what the append withholds from audiences, None if they see all of the record.

        `known`: what audiences saw before the batch.
        """
        if not self.highest:
            return None
        new_ranks = {e.position: e.rank for filing in self.filings for e in filing.events if e.rank}
        audiences = [rank for rank in self.labels.ranks.values() if rank < self.highest]
        found: list[Variant] = []
        for stream, appended in self._appended().items():
            log = self.histories[stream].events
            if any(event.id in self.ranks for event in log):
                changed = [replace(event, rank=self.ranks.get(event.id, event.rank)) for event in log]
                new_ranks |= {event.position: event.rank for event in changed if event.id in self.ranks}
                found += variants(stream, changed, audiences, self.naming)
            else:
                whole = self.before[stream]
                most = max(event.rank for event in log)
                before = {rank: known.of(whole, rank) for rank in audiences if rank < most}
                differing, self.seen[stream] = variants_appended(before, appended, documents[stream], self.naming)
                found += differing
        relabelled = self.position if self.ranks else self.head.relabelled
        return Withheld(new_ranks, found, self.highest, relabelled)

    def change_ranks(self, ranks: Mapping[str, int]) -> None:
        """Give events their new ranks, by id, so that the next requests are decided on these."""
        self.ranks |= ranks
        for stream, history in [*self.histories.items()] if ranks else ():
            log = history.events
            if moved := [(stream, event.rank, ranks[event.id]) for event in log if event.id in ranks]:
                self.moved += moved
                changed = (replace(event, rank=ranks.get(event.id, event.rank)) for event in log)
                self.histories[stream] = history_of(stream, changed)

    def relabel(self, c: Connection) -> None:
        """Prepare the append of changed labels, in its transaction: note which audiences see another past now."""
        for stream in sorted({stream for stream, _, _ in self.moved}):
            forget_variants(c, stream)
        for rank in self.labels.ranks.values():
            if any((old <= rank) != (new <= rank) for _, old, new in self.moved):
                audience.note_relabelled(c, rank, self.position)


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
        self._seen, self._labels, self._labels_version = SeenHistories(), BUILT_IN, -1
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
        if batch.ranks:
            self._reset()  # the cached events have their former labels
        else:
            self._head = head
            self._cache.add(head, batch.histories, batch.origins, batch.naming)
            for stream, seen in batch.seen.items():
                version = batch.histories[stream].version
                self._seen.add(version, {(stream, rank): history for rank, history in seen.items()})
        self._remember(batch)

    def _reset(self) -> None:
        self._head, self._cache, self._seen = None, HistoryCache(self._cached_events), SeenHistories()

    def _record_optimistically(
        self, connect: _Connect, requests: Sequence[ReportRequest]
    ) -> tuple[_Batch, Head] | None:
        if any(changes_labels(request.report) for request in requests):
            return None  # This needs several statements in one transaction.
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
            new_head = _append(c, head, batch, self._seen) if batch.filings else _unchanged(c, head)
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
            new_head = _append(c, head, batch, self._seen) if batch.filings else head
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
        labels = self._labels_for(c, head, unrecorded)
        highest = head.highest
        rounds: dict[str, str] = {}
        if any(changes_labels(report) for report in unrecorded):
            histories |= self._dependents(c, unrecorded, histories, head.position)
            opened = [stream.partition("/")[2] for stream in histories if stream.startswith("round/")]
            rounds = reports.of_rounds(c, opened, head.position)
        batch = _Batch(head, histories, origins, named, naming, labels, head.position, highest, rounds)
        for request in requests:
            batch.outcomes.append(self._outcome(c, request, earlier.get(request.key), batch))
        if not batch.filings:
            batch.add_warnings()
        return batch

    def _labels_for(self, c: Connection, head: Head, filed: Sequence[Report]) -> Labels:
        """Return the labels of the record. They are read again if they may have changed, or if a report has another."""
        used = {label for report in filed for label in labels_in(report)}
        is_old = (used or head.highest) and head.keys_version != self._labels_version
        if is_old or not used <= self._labels.ranks.keys():
            self._labels = Labels({label.name: label.rank for label in audience.read_labels(c)})
            # If labels were added after this head, `log.append` refuses it.
            self._labels_version = head.keys_version
        return self._labels

    def _dependents(
        self, c: Connection, filed: Sequence[Report], known: Mapping[str, History[Any]], position: int
    ) -> dict[str, History[Any]]:
        """Return the histories with events that may depend on one whose label changes, without those in `known`."""
        streams: set[str] = set()
        for event in (e for report in filed for e in report.events if isinstance(e.data, HandlingChanged)):
            name = parse_stream(event.stream)
            assert name is not None  # `report.read` refuses invalid names
            if name.relation is None:
                origins = known[event.stream].state.origins if name.kind == "source" else ()
                streams.update(events.streams_citing(c, name.slug, origins, position))
            else:
                streams.update(events.streams_of_relation(c, name.relation))
                # Events of other relations can name an irritant or a round, too.
                streams.update(events.streams_naming(c, name.member, TYPES_NAMING_MEMBERS))
        return self._cache.streams(c, streams - known.keys())

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
                named |= {
                    id: ReportOnRecord(report.relation, report.round, audience.rank_of_report(c, report))
                    for id, report in stored.items()
                }
            # A correction can need more streams. Its target, which was read now, names them.
            filed = [report for report in filed if streams and has_corrections(report)]
        return histories, origins, named

    def _outcome(self, c: Connection, request: ReportRequest, first: StoredReport | None, batch: _Batch) -> Outcome:
        """Decide one request. `first`: the report that was recorded earlier with its key."""
        try:
            if first is not None and not request.dry_run:
                replayed = _replayed(request, self._replay(c, request, first, batch))
                return self._warned_again(c, request, replayed, batch)
            if request.key in batch.first and not request.dry_run:
                first_index = batch.first[request.key]
                earlier = batch.outcomes[first_index]
                if not isinstance(earlier, Receipt):
                    return earlier
                if request.clearance < batch.highest and request.clearance != batch.clearances[request.key]:
                    # The first sender may see more, or less. A receipt would confirm a guess of what is withheld.
                    return KeyReused(earlier.report, is_withheld=True)
                again = _replayed(request, earlier)
                batch.decisions[len(batch.outcomes)] = batch.decisions[first_index]
                return again
            return self._file(c, request, batch)
        except (Refused, KeyReused, Stale, WithheldConflict, EarlierReleaseRuns) as refused:
            return refused

    def _replay(self, c: Connection, request: ReportRequest, report: StoredReport, batch: _Batch) -> Receipt:
        """Return the receipt of a recorded report, with what its sender may see."""
        if request.clearance >= batch.highest:
            return replay(c, report)
        engine = open_engine(address(self._engine), connections=1, clearance=request.clearance)
        try:
            with connection(engine) as own:
                receipt = replay(own, report)
        finally:
            engine.dispose()
        if len(receipt.events) <= report.last_position - report.first_position:
            # A receipt would confirm a guess of what is withheld.
            raise KeyReused(report, is_withheld=not receipt.events)
        return receipt

    def _warned_again(self, c: Connection, request: ReportRequest, first: Receipt, batch: _Batch) -> Receipt:
        """Return the receipt with its warnings. They are not stored: they follow from the record as it was then."""
        record, naming = Record(*self._load(c, [request.report], ())), batch.naming
        if request.clearance < batch.highest:
            record = _seen_by(request.clearance, record)
        found = warnings_of_report(request.report, first.events, record)
        names = naming.as_of(first.report.last_position)
        return replace(first, warnings=warnings.documents(found, names), names=names)

    def _file(self, c: Connection, request: ReportRequest, batch: _Batch) -> Receipt:
        # Report mistakes before version conflicts.
        for stream, expected in () if request.report.mistakes else request.expected_positions.items():
            # The document that the sender read has names of actors, so a new name changes it, too. 0: no such stream.
            own = max((e.position for e in visible(batch.histories[stream], request.clearance)), default=0)
            if (position := own and max(own, batch.naming.position)) not in expected:
                raise Stale(stream, position)
        moment = batch.head.moment(self._clock())
        report = self._new_id()
        envelope = Envelope(
            report,
            request.actor,
            request.correlation,
            moment,
            batch.position,
            self._new_id,
            labels=batch.labels,
            clearance=request.clearance,
            has_labels=batch.highest > 0,
        )
        # A copy, because the next decisions of the batch change its histories.
        record = Record(dict(batch.histories), batch.origins, batch.reports, batch.rounds)
        decision, seen = _decide(request, record, envelope, batch.highest)
        self._readers.require(c, decision.recorded)
        stored = _stored_report(request, report, moment, decision.recorded)
        naming = batch.naming.then(decision.recorded)
        changes = changes_by(decision, batch.histories, naming)
        names = naming.as_of(stored.last_position)
        receipt = Receipt(stored, decision.recorded, tuple(changes), names=names)
        if seen is not decision:
            before = _seen_by(request.clearance, Record(batch.histories, {})).histories
            receipt = replace(receipt, changes=tuple(changes_by(seen, before, naming)))
        if request.dry_run:
            effects = _effects(decision, batch, request.clearance, names)
            receipt = replace(receipt, effects={label: tuple(changes) for label, changes in effects})
        else:
            batch.first[request.key] = len(batch.outcomes)
            batch.clearances[request.key] = request.clearance
            batch.position = stored.last_position
            batch.naming = naming
            batch.highest = max(batch.highest, *(event.rank for event in decision.recorded))
            for stream in decision.histories:
                batch.before.setdefault(stream, batch.histories[stream])
            batch.histories.update(decision.histories)
            batch.change_ranks(decision.relabelled)
            batch.origins.update(_origins_in(decision.recorded))
            least = min(event.rank for event in decision.recorded)
            batch.reports[report] = ReportOnRecord(stored.relation, stored.round, least)
            batch.filings.append(Filing(stored, decision.recorded))
            batch.touched |= decision.histories.keys()
            batch.changes += changes
        batch.decisions[len(batch.outcomes)] = (seen, names)
        return receipt


def _decide(request: ReportRequest, record: Record, envelope: Envelope, highest: int) -> tuple[Decision, Decision]:
    """Return the decision on a report, and the decision as its sender may see it.

    `highest`: the highest rank of an event. If a part of the record is withheld from the sender, the report must also
    be right without that part, and all that the sender gets to see is computed without it. Raises Refused and
    WithheldConflict.
    """
    if request.clearance >= highest:
        decision = decide(request.report, record, envelope)
        return decision, decision
    ids: list[str] = []

    def new_id() -> str:
        ids.append(envelope.new_id())
        return ids[-1]

    on_whole: Decision | None = None
    with suppress(Refused):
        # The sender knows only the versions that the sender sees.
        on_whole = decide(replace(request.report, expect={}), record, replace(envelope, new_id=new_id))
    same_ids = iter(ids)
    own = replace(envelope, new_id=lambda: next(same_ids, "") or envelope.new_id())
    seen = decide(request.report, _seen_by(request.clearance, record), own)
    if on_whole is None or not _have_same_events(on_whole, seen):
        raise WithheldConflict
    return on_whole, seen


def _effects(
    decision: Decision, batch: _Batch, clearance: int, names: ActorNames
) -> Iterator[tuple[str, list[SeenChange]]]:
    """Yield each label up to a clearance, with the irritants that its audience would see change.

    Yield nothing if all events that the sender sees of these streams have the same audiences.
    """
    ranks = {event.rank for history in decision.histories.values() for event in history.events}
    if not any(0 < rank <= clearance for rank in ranks):
        return
    for label in batch.labels.up_to(clearance):
        rank, changes = batch.labels.ranks[label], list[SeenChange]()
        for stream, history in decision.histories.items():
            if not stream.startswith("irritant/"):
                continue
            now = (event for event in history.events if decision.relabelled.get(event.id, event.rank) <= rank)
            before = standing_after(history_of(stream, visible(batch.histories[stream], rank)), names)
            after = standing_after(history_of(stream, now), names)
            if before != after:
                irritant = stream.partition("/")[2]
                changes.append(SeenChange(irritant, before, after, change.sentence(before, after, (), names)))
        yield label, changes


def _have_same_events(decision: Decision, other: Decision) -> bool:
    recorded, others = decision.recorded, other.recorded
    return len(recorded) == len(others) and all(
        (one.stream, one.data, one.rank) == (two.stream, two.data, two.rank)
        for one, two in zip(recorded, others, strict=True)
    )


def _seen_by(clearance: int, record: Record) -> Record:
    """Return the part of a record that an audience may see."""
    histories = {
        stream: history
        if all(event.rank <= clearance for event in history.events)
        else history_of(stream, visible(history, clearance))
        for stream, history in record.histories.items()
    }
    origins = {
        slug: stream
        for slug, stream in record.origins.items()
        if stream not in histories or slug in histories[stream].state.origins
    }
    reports_seen = {id: report for id, report in record.reports.items() if report.rank <= clearance}
    return Record(histories, origins, reports_seen)


def replay(c: Connection, report: StoredReport) -> Receipt:
    """Return the receipt of a recorded report, the same as when it was filed, but without its warnings."""
    first, last = report.first_position, report.last_position
    recorded = tuple(codec.decode(row) for row in events.read_log(c, after=first - 1, upto=last))
    stored = read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
    changes = tuple(ChangeDocument.model_validate_json(d.body) for d in stored)
    return Receipt(report, recorded, changes, replayed=True)


def _append(c: Connection, head: Head, batch: _Batch, known: SeenHistories) -> Head | None:
    """Append a batch, and complete its receipts meanwhile. Return the new head, None if another process appended."""
    documents = batch.documents()
    withheld = batch.withheld(documents, known)
    if batch.ranks:
        batch.relabel(c)
    every = list(chain.from_iterable(documents.values()))
    return log.append(c, head, batch.filings, every, withheld=withheld, meanwhile=batch.add_warnings)


def _unchanged(c: Connection, head: Head) -> Head | None:
    """Return the head if it is still the last one, None if not. Used if there is nothing to append."""
    return head if log.read_head(c)[:3] == head[:3] else None


def _replayed(request: ReportRequest, first: Receipt) -> Receipt:
    """Return the receipt of the first request with this key. Raises KeyReused if the body was another one."""
    if first.report.request_hash != request.request_hash:
        raise KeyReused(first.report, is_withheld=not first.events)
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
