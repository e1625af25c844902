"""Rebuild all documents from the log, or compare them with a replay, while the service reads and writes.

A rebuild writes documents that are missing or different, and removes those that no event explains. It never replaces a
newer document, so no read returns an older state.

* Streams are read in batches, each in one snapshot. So memory is limited, and no request waits.
* For a long record, several processes share the work.
* A new representation is built beside the old one, while processes of the old release append. The last events are built
  while the head is locked. Then the watermark is stored, and `backfill` keeps the representation complete from there.
"""

import gc
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine

from service.domain.assertion import Recorded
from service.domain.naming import Naming
from service.read_models import backfill, variants
from service.read_models.builder import REPRESENTATIONS, replayed
from service.store import events, read_models
from service.store.codec import canonical
from service.store.engine import address, connection, open_engine, transaction
from service.store.log import lock_head, read_head
from service.store.read_models import Document
from service.store.verify import Damaged, Progress, no_progress

_BATCH_EVENTS: Final = 1_000
_BATCH_STREAMS: Final = 200
_SHORT_TAIL: Final = 10
"""The most events that are built while the head is locked. Appends wait a few milliseconds for each event."""
_WORTH_PROCESSES: Final = 20_000
"""A record with fewer events is rebuilt in one process, because starting others would take longer."""
_COLLECT_AFTER: Final = 100_000
"""The number of new objects between two garbage collections in these processes. A batch needs almost none."""
_MOST_PROCESSES: Final = 4


def rebuild(engine: Engine, progress: Progress = no_progress) -> int:
    """Make all documents equal to a replay of the log. Return the number of documents that were written or removed."""
    with connection(engine) as c:
        end = read_head(c).position
        with _repairs(engine, end) as repair_all:
            repaired = sum(repair_all(_batches(c, end, progress)))
    return repaired + _finish(engine, end)


def _finish(engine: Engine, built: int) -> int:
    """Build the documents of events after the position `built`, the last ones while the head is locked.

    Then store the watermark. Return the number of documents that were written or removed.
    """
    made, left_before = 0, math.inf
    with connection(engine) as c:
        # Repeat while fewer and fewer events are left. If appends are faster than this loop, they wait for the lock.
        while _SHORT_TAIL < (left := (head := read_head(c).position) - _complete_up_to(c, built)) < left_before:
            made += backfill.make_since(c, _complete_up_to(c, built))
            built, left_before = head, left
    with transaction(engine) as c:
        head = lock_head(c).position
        made += backfill.make_since(c, _complete_up_to(c, built))
        stray = _stray_documents(c)
        read_models.remove(c, stray)
        read_models.store(c, [backfill.watermark(head)])
    return made + len(stray)


def _complete_up_to(c: Connection, built: int) -> int:
    """Return the position up to which all documents are stored, by this rebuild or by appends of this release."""
    return max(built, backfill.built_up_to(c) or 0)


def ensure_built(engine: Engine, progress: Progress = no_progress) -> int:
    """Build the documents of this release that are missing. Return their number.

    After an import, or for a new representation, these are all documents. Otherwise they are those of events that
    another release appended.
    """
    with connection(engine) as c:
        built = backfill.built_up_to(c)
        if built is not None and built >= read_head(c).position:
            return 0
    return rebuild(engine, progress) if built is None else _finish(engine, built)


def verify_documents(engine: Engine, progress: Progress = no_progress) -> None:
    """Compare every document with a replay of the log. Raises Damaged for the first position where they differ.

    Documents that another release did not store are built first, as before a read.
    """
    with connection(engine) as c:
        end = read_head(c).position
        if backfill.built_up_to(c) is not None:
            backfill.catch_up(c, end)
        wrong: list[Document] = []
        for batch in _batches(c, end, progress):
            found = _difference(engine, batch)
            wrong += [*found.due, *found.stray]
            for stream, log in found.logs.items():
                wrong += variants.faults(c, stream, log, found.naming)
        wrong += _stray_documents(c)
    if wrong:
        first = min(wrong, key=lambda d: d.position)
        more = f"; {len(wrong) - 1} more differ" if len(wrong) > 1 else ""
        raise Damaged(
            first.position, f"the stored document {first.name} {first.key} differs from a replay of the log{more}"
        )


_RepairAll: TypeAlias = Callable[[Iterable[list[str]]], Iterator[int]]


@contextmanager
def _repairs(engine: Engine, upto: int) -> Iterator[_RepairAll]:
    """Yield a function that repairs batches of streams, and returns the number of repaired documents of each.

    It works in this process and, for a long log, in other processes at the same time.
    """
    others = min(os.cpu_count() or 1, _MOST_PROCESSES) - 1
    if upto < _WORTH_PROCESSES or not others:
        yield lambda batches: (_repair(engine, batch) for batch in batches)
        return
    # Spawn and do not fork: a forked process would share the connections of this process and the locks of its threads.
    started = get_context("spawn")
    with ProcessPoolExecutor(others, started, initializer=_start_worker, initargs=(address(engine),)) as pool:
        try:
            yield lambda batches: _repair_in_parallel(engine, pool, batches, others + 1)
        finally:
            pool.shutdown(cancel_futures=True)


def _repair_in_parallel(
    engine: Engine, pool: ProcessPoolExecutor, batches: Iterable[list[str]], ahead: int
) -> Iterator[int]:
    """Repair up to `ahead` batches at a time in the other processes, and the other batches in this one."""
    submitted: list[Future[int]] = []
    for batch in batches:
        if sum(not future.done() for future in submitted) < ahead:
            submitted.append(pool.submit(_repair_in_worker, batch))
        else:
            yield _repair(engine, batch)
    yield sum(future.result() for future in submitted)


_worker_engine: list[Engine] = []
"""The engine of a worker process. Empty in other processes."""


def _start_worker(url: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(_COLLECT_AFTER)
    _worker_engine.append(open_engine(url, connections=1, statement_seconds=None))


def _end_with_parent() -> None:
    """End this worker process when its parent process ends."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _repair_in_worker(streams: list[str]) -> int:
    return _repair(_worker_engine[0], streams)


class _Difference(NamedTuple):
    """`due` are documents to write: missing or different. `stray` are documents to remove: no replay makes them.

    `logs`: the events of the streams. `naming`: the names of actors.
    """

    due: list[Document]
    stray: list[Document]
    logs: Mapping[str, list[Recorded]]
    naming: Naming


def _batches(c: Connection, upto: int, progress: Progress) -> Iterator[list[str]]:
    """Yield the names of all streams in batches with a limited number of events. A single long stream may exceed it.

    The progress is shown up to the position `upto`, although streams may have grown since.
    """
    batch: list[str] = []
    size = done = 0
    for stream, length in _all_streams(c):
        if batch and (size + length > _BATCH_EVENTS or len(batch) == _BATCH_STREAMS):
            yield batch
            done += size
            progress(min(done, upto), upto)
            batch, size = [], 0
        batch.append(stream)
        size += length
    if batch:
        yield batch
    progress(upto, upto)


def _all_streams(c: Connection) -> Iterator[tuple[str, int]]:
    after = ""
    while page := events.streams(c, after=after, limit=_BATCH_STREAMS):
        yield from page
        after = page[-1][0]


def _repair(engine: Engine, streams: list[str]) -> int:
    """Write and remove documents of these streams until they equal a replay. Return the number of changes."""
    due, stray, logs, naming = _difference(engine, streams)
    with connection(engine) as c:
        # First what audiences see instead, so that no audience sees a document of the whole record in between.
        repaired = sum(variants.repair(c, stream, log, naming) for stream, log in logs.items())
        read_models.store(c, due)
        read_models.remove(c, stray)
    return repaired + len(due) + len(stray)


def _difference(engine: Engine, streams: list[str]) -> _Difference:
    """Compare the stored documents of these streams with a replay, in one snapshot."""
    with transaction(engine, "REPEATABLE READ") as c:
        recorded = events.read_streams(c, dict.fromkeys(streams, 0))
        found = read_models.at(c, [event.position for log in recorded.values() for event in log])
        naming = Naming(events.actor_events(c))
    wanted = {_identity(d): d for stream, log in recorded.items() for d in replayed(stream, log, naming=naming)}
    stored = {_identity(d): d for d in found if REPRESENTATIONS.get(d.name) == d.representation}
    due = [d for key, d in wanted.items() if key not in stored or _comparable(d) != _comparable(stored[key])]
    return _Difference(due, [d for key, d in stored.items() if key not in wanted], recorded, naming)


def _stray_documents(c: Connection) -> list[Document]:
    """Return documents with positions beyond the head."""
    candidates = read_models.beyond(c, read_head(c).position)
    end = read_head(c).position  # again, because events may have been appended meanwhile
    return [document for document in candidates if document.position > end]


def _identity(document: Document) -> tuple[str, int, str]:
    return document.name, document.representation, document.key


def _comparable(document: Document) -> tuple[str, int, str, bytes]:
    # As JSON, because a tuple in the facets is read back as a list.
    return document.relation, document.position, canonical(document.facets), document.body
