"""The stored documents, made anew from the log and held against what is stored, while everybody reads and writes.

Batches of streams, each seen in one snapshot, so memory is bounded and nobody waits. A rebuild writes what is missing
or different and throws away what no event accounts for; it never writes over a document that an append made newer, so
no read goes back. A new representation is built in the same way beside the old one. Its tail, appended meanwhile by
processes that do not know it yet, is applied under the head's lock, and only there is it noted as built.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, Engine

from service.documents import change_document, changes_of, document_of, is_stored
from service.domain.assertion import Recorded
from service.domain.streams import history_of
from service.projections import change
from service.projections.change import StandingDocument
from service.projections.stored import STORED
from service.store import events, read_models
from service.store.codec import canonical
from service.store.engine import connection, transaction
from service.store.log import lock_head, read_head
from service.store.read_models import Document
from service.store.verify import Damaged, Progress, silent

_BATCH_EVENTS: Final = 5_000
_BATCH_STREAMS: Final = 500
_SHORT_TAIL: Final = 500
"""So many events may be left to be done under the lock, where appends wait."""

_BUILT: Final = "built"
_REPRESENTATIONS: Final = {p.name: p.representation for p in STORED.values()} | {change.NAME: change.REPRESENTATION}


def rebuild(engine: Engine, progress: Progress = silent) -> int:
    """Makes every document what a replay of the log gives; how many were missing, different or stray."""
    with connection(engine) as c:
        done = read_head(c).position
        mended = sum(_mend(engine, batch) for batch in _batches(c, done, progress))
        while (head := read_head(c).position) - done > _SHORT_TAIL:
            mended += sum(_mend(engine, [stream]) for stream in events.streams_since(c, done))
            done = head
    with transaction(engine) as c:
        lock_head(c)
        mended += sum(_write(c, _difference(c, [stream])) for stream in events.streams_since(c, done))
        mended += _write(c, _Difference((), tuple(_unaccounted(c))))
        read_models.store(c, [_note(name) for name in _REPRESENTATIONS])
    return mended


def ensure_built(engine: Engine, progress: Progress = silent) -> int:
    """Rebuilds where this release's representations were never built: after an import, or a change of their shape."""
    with connection(engine) as c:
        notes = [read_models.get(c, _BUILT, representation, name) for name, representation in _REPRESENTATIONS.items()]
    return 0 if all(notes) else rebuild(engine, progress)


def verify_documents(engine: Engine, progress: Progress = silent) -> None:
    """Raises Damaged, at the first position whose document is not what a replay gives."""
    with connection(engine) as c:
        wrong = [d for batch in _batches(c, read_head(c).position, progress) for d in _seen(engine, batch).documents]
        wrong += _unaccounted(c)
    if wrong:
        first = min(wrong, key=lambda d: d.position)
        more = f"; {len(wrong) - 1} more are wrong" if len(wrong) > 1 else ""
        raise Damaged(first.position, f"the stored document {first.name} {first.key} is not what the log says{more}")


@dataclass(frozen=True)
class _Difference:
    """`due`: documents that a replay gives and the store has not, or has otherwise. `stray`: the other way round."""

    due: tuple[Document, ...]
    stray: tuple[Document, ...]

    @property
    def documents(self) -> tuple[Document, ...]:
        return self.due + self.stray


def _batches(c: Connection, upto: int, progress: Progress) -> Iterator[list[str]]:
    """All streams in batches of a bounded number of events, except that one stream may be longer."""
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


def _mend(engine: Engine, streams: list[str]) -> int:
    difference = _seen(engine, streams)
    with connection(engine) as c:
        return _write(c, difference)


def _seen(engine: Engine, streams: list[str]) -> _Difference:
    with transaction(engine, "REPEATABLE READ") as c:
        return _difference(c, streams)


def _write(c: Connection, difference: _Difference) -> int:
    read_models.store(c, difference.due)
    read_models.remove(c, difference.stray)
    return len(difference.documents)


def _difference(c: Connection, streams: list[str]) -> _Difference:
    """What is stored for these streams, against a replay of them. Wants one snapshot, or the head's lock."""
    recorded = events.read_streams(c, dict.fromkeys(streams, 0))
    replayed = {_identity(d): d for stream, log in recorded.items() for d in _replayed(stream, log)}
    positions = [event.position for log in recorded.values() for event in log]
    stored = {_identity(d): d for d in read_models.at(c, positions) if _REPRESENTATIONS.get(d.name) == d.representation}
    due = (d for identity, d in replayed.items() if identity not in stored or not _same(d, stored[identity]))
    return _Difference(tuple(due), tuple(d for identity, d in stored.items() if identity not in replayed))


def _replayed(stream: str, log: Iterable[Recorded]) -> Iterator[Document]:
    """Every document that the appends of a stream's events led to, of those that are kept."""
    if not is_stored(stream):
        return
    history = history_of(stream)
    standing: StandingDocument | None = None
    for _, report in groupby(log, key=lambda event: event.report):
        filed = [(event, history.append(event)) for event in report]
        if stream.startswith("irritant/"):
            for changed in changes_of(standing, history, filed):
                yield change_document(changed)
                standing = changed.after
    yield document_of(history)


def _unaccounted(c: Connection) -> list[Document]:
    """Documents of positions where there is no event. Asked in this order, an append in between does no harm."""
    candidates = read_models.beyond(c, read_head(c).position)
    end = read_head(c).position
    return [document for document in candidates if document.position > end]


def _note(name: str) -> Document:
    """Notes that a representation is built. At position 0, so that no reader takes it for a change."""
    return Document(_BUILT, _REPRESENTATIONS[name], name, "", 0, {}, b"")


def _identity(document: Document) -> tuple[str, int, str]:
    return document.name, document.representation, document.key


def _same(one: Document, other: Document) -> bool:
    return _comparable(one) == _comparable(other)


def _comparable(document: Document) -> tuple[str, int, str, bytes]:
    # As JSON: a tuple among the facets comes back as a list.
    return document.relation, document.position, canonical(document.facets), document.body
