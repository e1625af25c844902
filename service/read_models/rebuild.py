"""Rebuild of the read models from the log, and their verification, while the service reads and writes.

Batches of streams, each seen in one snapshot, so memory is bounded and nothing waits. A long record is shared between
several processes. A rebuild writes what is missing or different and removes what no event accounts for. It never writes
over a document that an append made newer, so no read goes back. A new representation is built in the same way beside
the old one. Processes that do not know it yet append meanwhile: the last of that is built under the head's lock, and
only there is it noted as built. From then on `backfill` keeps it complete.
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
"""At most so many events are built under the lock, where appends wait: a few milliseconds for each."""
_WORTH_PROCESSES: Final = 20_000
"""Fewer events are built before other processes have started."""
_COLLECT_AFTER: Final = 100_000
"""New objects between two looks for garbage in those processes. A batch frees nearly all of its own without them."""
_MOST_PROCESSES: Final = 4


def rebuild(engine: Engine, progress: Progress = silent) -> int:
    """Make every document what a replay of the log gives. Return how many were missing, different or stray."""
    with connection(engine) as c:
        done = read_head(c).position
        with _repairs(engine, done) as repair_all:
            repaired = sum(repair_all(_batches(c, done, progress)))
    return repaired + _finish(engine, done)


def _finish(engine: Engine, done: int) -> int:
    """Build what was appended since, the last of it under the lock, and note that all is there."""
    made, behind = 0, math.inf
    with connection(engine) as c:
        # As long as it becomes less: where others append faster than this builds, they have to wait once.
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
    """Return the position up to which all is there: appends of this release wrote their documents themselves."""
    return max(done, backfill.noted(c) or 0)


def ensure_built(engine: Engine, progress: Progress = silent) -> int:
    """Build what is missing of this release's representations. Return how many documents it made.

    After an import or a change of their shape that is all of them; after another release appended, what that led to.
    """
    with connection(engine) as c:
        noted = backfill.noted(c)
        if noted is not None and noted >= read_head(c).position:
            return 0
    return rebuild(engine, progress) if noted is None else _finish(engine, noted)


def verify_documents(engine: Engine, progress: Progress = silent) -> None:
    """Compare every document with a replay. Raises Damaged at the first position where they differ.

    What another release appended is built first, as a read does it.
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
    """Repair batch after batch, in this process and, where it is worth their start, in others at the same time."""
    others = min(os.cpu_count() or 1, _MOST_PROCESSES) - 1
    if upto < _WORTH_PROCESSES or not others:
        yield lambda batches: (_repair(engine, batch) for batch in batches)
        return
    # Spawned, not forked: a copy of this one would hold its connections, and the locks of its other threads.
    started = get_context("spawn")
    with ProcessPoolExecutor(others, started, initializer=_start_worker, initargs=(address(engine),)) as pool:
        try:
            yield lambda batches: _repair_in_parallel(engine, pool, batches, others + 1)
        finally:
            pool.shutdown(cancel_futures=True)


def _repair_in_parallel(
    engine: Engine, pool: ProcessPoolExecutor, batches: Iterable[list[str]], ahead: int
) -> Iterator[int]:
    """Keep a few batches at work in the other processes, and repair the others here meanwhile."""
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
    """End this process where the one that submits the batches is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _repair_in_worker(streams: list[str]) -> int:
    return _repair(_worker_engine[0], streams)


class _Difference(NamedTuple):
    """`due`: documents of a replay that the store lacks or has otherwise. `stray`: those that no replay gives."""

    due: list[Document]
    stray: list[Document]


def _batches(c: Connection, upto: int, progress: Progress) -> Iterator[list[str]]:
    """Yield all streams in batches of a bounded number of events; only a single stream may be longer."""
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
    """Compare what is stored for these streams with a replay of them, in one snapshot."""
    with transaction(engine, "REPEATABLE READ") as c:
        recorded = events.read_streams(c, dict.fromkeys(streams, 0))
        found = read_models.at(c, [event.position for log in recorded.values() for event in log])
    wanted = {_identity(d): d for stream, log in recorded.items() for d in replayed(stream, log)}
    stored = {_identity(d): d for d in found if REPRESENTATIONS.get(d.name) == d.representation}
    due = [d for key, d in wanted.items() if key not in stored or _comparable(d) != _comparable(stored[key])]
    return _Difference(due, [d for key, d in stored.items() if key not in wanted])


def _stray_documents(c: Connection) -> list[Document]:
    """Documents of positions where there is no event. Asked in this order, an append in between does no harm."""
    candidates = read_models.beyond(c, read_head(c).position)
    end = read_head(c).position
    return [document for document in candidates if document.position > end]


def _identity(document: Document) -> tuple[str, int, str]:
    return document.name, document.representation, document.key


def _comparable(document: Document) -> tuple[str, int, str, bytes]:
    # As JSON: a tuple among the facets comes back as a list.
    return document.relation, document.position, canonical(document.facets), document.body
