"""Rebuild and verify the read models from the log, while the service reads and writes.

The work is done in batches of streams, each in one snapshot, so memory is bounded and no request waits. A long record
is divided between several processes. A rebuild writes documents that are missing or different, and removes those
without an event. It never replaces a newer document, so no read goes back. A new representation is built beside the old
one, while older processes append. The last of their events are built under the lock of the head. Then a note says that
the representation is complete, and `backfill` keeps it so.
"""

import gc
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine

from service.read_models import backfill
from service.read_models.builder import REPRESENTATIONS, replayed
from service.store import events, read_models
from service.store.codec import canonical
from service.store.engine import address, connection, open_engine, transaction
from service.store.log import lock_head, read_head
from service.store.read_models import Document
from service.store.verify import Damaged, Progress, silent

_BATCH_EVENTS: Final = 1_000
_BATCH_STREAMS: Final = 200
_SHORT_TAIL: Final = 10
"""At most this many events are built under the lock. Appends wait a few milliseconds for each."""
_WORTH_PROCESSES: Final = 20_000
"""For fewer events, the start of other processes takes too long."""
_COLLECT_AFTER: Final = 100_000
"""New objects between two garbage collections in these processes. A batch needs nearly none."""
_MOST_PROCESSES: Final = 4


def rebuild(engine: Engine, progress: Progress = silent) -> int:
    """Make every document equal to a replay of the log. Return how many were missing, different or stray."""
    with connection(engine) as c:
        done = read_head(c).position
        with _repairs(engine, done) as repair_all:
            repaired = sum(repair_all(_batches(c, done, progress)))
    return repaired + _finish(engine, done)


def _finish(engine: Engine, done: int) -> int:
    """Build the events that were appended since, the last of them under the lock, and store the note."""
    made, behind = 0, math.inf
    with connection(engine) as c:
        # Repeat while the rest shrinks. If others append faster than this builds, they wait once for the lock.
        while _SHORT_TAIL < (left := (head := read_head(c).position) - _complete_up_to(c, done)) < behind:
            made += backfill.make_since(c, _complete_up_to(c, done))
            done, behind = head, left
    with transaction(engine) as c:
        head = lock_head(c).position
        made += backfill.make_since(c, _complete_up_to(c, done))
        stray = _stray_documents(c)
        read_models.remove(c, stray)
        read_models.store(c, [backfill.note(head)])
    return made + len(stray)


def _complete_up_to(c: Connection, done: int) -> int:
    """Return the position up to which all documents are stored, by this rebuild or by appends of this release."""
    return max(done, backfill.noted(c) or 0)


def ensure_built(engine: Engine, progress: Progress = silent) -> int:
    """Build the missing documents of this release. Return their number.

    After an import or with a new representation these are all documents. After appends of another release they are the
    documents of its events.
    """
    with connection(engine) as c:
        noted = backfill.noted(c)
        if noted is not None and noted >= read_head(c).position:
            return 0
    return rebuild(engine, progress) if noted is None else _finish(engine, noted)


def verify_documents(engine: Engine, progress: Progress = silent) -> None:
    """Compare every document with a replay. Raises Damaged for the first position where they differ.

    Events of another release are backfilled first, as before a read.
    """
    with connection(engine) as c:
        end = read_head(c).position
        if backfill.noted(c) is not None:
            backfill.catch_up(c, end)
        wrong = [d for batch in _batches(c, end, progress) for part in _difference(engine, batch) for d in part]
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
    """Yield a function that repairs batches: in this process and, for a long log, in others at the same time."""
    others = min(os.cpu_count() or 1, _MOST_PROCESSES) - 1
    if upto < _WORTH_PROCESSES or not others:
        yield lambda batches: (_repair(engine, batch) for batch in batches)
        return
    # Spawned, not forked: a fork would share the connections of this process and the locks of its threads.
    started = get_context("spawn")
    with ProcessPoolExecutor(others, started, initializer=_start_worker, initargs=(address(engine),)) as pool:
        try:
            yield lambda batches: _repair_in_parallel(engine, pool, batches, others + 1)
        finally:
            pool.shutdown(cancel_futures=True)


def _repair_in_parallel(
    engine: Engine, pool: ProcessPoolExecutor, batches: Iterable[list[str]], ahead: int
) -> Iterator[int]:
    """Repair a few batches at a time in the other processes, and the other batches in this one."""
    submitted: list[Future[int]] = []
    for batch in batches:
        if sum(not future.done() for future in submitted) < ahead:
            submitted.append(pool.submit(_repair_in_worker, batch))
        else:
            yield _repair(engine, batch)
    yield sum(future.result() for future in submitted)


_worker_engine: list[Engine] = []


def _start_worker(url: str) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(_COLLECT_AFTER)
    _worker_engine.append(open_engine(url, connections=1, statement_seconds=None))


def _end_with_parent() -> None:
    """End this process when the one that submits the batches is gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _repair_in_worker(streams: list[str]) -> int:
    return _repair(_worker_engine[0], streams)


class _Difference(NamedTuple):
    """`due`: documents of a replay that are missing or different. `stray`: documents that no replay returns."""

    due: list[Document]
    stray: list[Document]


def _batches(c: Connection, upto: int, progress: Progress) -> Iterator[list[str]]:
    """Yield all streams in batches with a bounded number of events. A batch of one stream may exceed it."""
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
    due, stray = _difference(engine, streams)
    with connection(engine) as c:
        read_models.store(c, due)
        read_models.remove(c, stray)
    return len(due) + len(stray)


def _difference(engine: Engine, streams: list[str]) -> _Difference:
    """Compare the stored documents of these streams with a replay, in one snapshot."""
    with transaction(engine, "REPEATABLE READ") as c:
        recorded = events.read_streams(c, dict.fromkeys(streams, 0))
        found = read_models.at(c, [event.position for log in recorded.values() for event in log])
    wanted = {_identity(d): d for stream, log in recorded.items() for d in replayed(stream, log)}
    stored = {_identity(d): d for d in found if REPRESENTATIONS.get(d.name) == d.representation}
    due = [d for key, d in wanted.items() if key not in stored or _comparable(d) != _comparable(stored[key])]
    return _Difference(due, [d for key, d in stored.items() if key not in wanted])


def _stray_documents(c: Connection) -> list[Document]:
    """Return documents beyond the head. The head is read again at the end, because an append can occur between."""
    candidates = read_models.beyond(c, read_head(c).position)
    end = read_head(c).position
    return [document for document in candidates if document.position > end]


def _identity(document: Document) -> tuple[str, int, str]:
    return document.name, document.representation, document.key


def _comparable(document: Document) -> tuple[str, int, str, bytes]:
    # As JSON, because a tuple in the facets is read back as a list.
    return document.relation, document.position, canonical(document.facets), document.body
