"""The read path: follow the head of the record, and keep the caches of this process current.

Each request waits for a query for the head that starts after the request arrived. So it sees everything that any
process acknowledged before. Many requests share one query (this is Raft's ReadIndex). The query also returns which
documents changed since the last one. These are removed from the cache, and requests that wait for them are woken.

A NOTIFY of the database starts such a query early, and a timer starts one each second. The caches do not rely on
NOTIFY, because it arrives after the commit, and a cache would be stale in between.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import Engine

from service.follower.cache import Cache, Cacheable
from service.follower.long_poll import Awaited, TooManyWaiters, Waiter, Waiters
from service.follower.replicas import Replicas
from service.follower.vocabulary import Vocabulary
from service.history_cache import HistoryCache
from service.read_models import backfill
from service.store.engine import DatabaseUnavailable, connection
from service.store.head_listener import Changed, HeadListener, HeadUpdate
from service.store.log import Head, read_head

__all__ = ["CHANGES", "RECORD", "Awaited", "Cacheable", "Follower", "TooManyWaiters", "Waiter", "changes_in"]

RECORD: Final = "record"
"""The topic of the whole record. Every new event touches it.

A topic is a name for something that can change: the record, a relation (`ru-us`), a stream (`irritant/ru-us/visas`).
Cache entries and waiting requests have topics.
"""
ACTOR: Final = "actor"
"""The name of the stored documents of actors (`projections.actor`)."""
CHANGES: Final = "change"
"""The topic of all changes of irritants. Also the name of their stored documents (`projections.change`)."""

_TICK_SECONDS: Final = 1.0
_THREADS: Final = 4
_MOST_READS: Final = 500
"""The most reads that wait for a thread or run in one."""
_SECONDS_TO_END: Final = 1.0
_MAX_TURNS: Final = 8
"""Turns of the event loop for which a query for the head waits, so that more requests join it."""
_NEVER: Final = 2**62
"""A position beyond every event."""
_WENT_BACK: Final = (
    "events that were served are no longer on record. An older copy was restored, or a standby was promoted before it"
    " had them. Requests with an old `log` are answered 410"
)
K = TypeVar("K", bound=Cacheable)
P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger("irritants")


def changes_in(relation: str) -> str:
    """Return the topic of the changes in a relation. The id of the relation is the topic of all its streams."""
    return f"{CHANGES}/{relation}"


class Follower:
    """Follows the head of the record, or that of one audience. Each process has one for each audience that reads.

    `clearance`: the rank of the audience, None for the whole record. `engine` reads for that audience. `primary` is an
    engine for the whole record. Call a follower only from the event loop, between `start` and `close`.
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        cache_bytes: int = 64 << 20,
        cached_events: int = 50_000,
        most_waiters: int = 10_000,
        standbys: Sequence[str] = (),
        clearance: int | None = None,
        primary: Engine | None = None,
    ) -> None:
        self._engine, self._primary, self._clearance = engine, primary or engine, clearance
        self.replicas = Replicas(engine, standbys, clearance)
        self._listener = HeadListener(url, self._on_notice, clearance)
        self._cache = Cache(cache_bytes)
        self._cached_events = cached_events
        self.histories, self.vocabulary = HistoryCache(cached_events), Vocabulary()
        self._waiters = Waiters(most_waiters)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")
        self._running: set[Future[Any]] = set()
        self._pending: list[asyncio.Future[Head]] = []
        self._query_wanted = asyncio.Event()
        self._querying = asyncio.Lock()
        self._releasing = self._is_reset = False
        self._tasks: list[asyncio.Task[None]] = []
        self._head: Head | None = None
        self.confirmed_at = 0.0
        """The time of the last query, on the clock of the event loop."""
        self.behind = 0
        """Number of recorded positions that this process has not read yet."""
        self.resets = 0
        """Number of full cache resets. After a reset, everything that was read may have changed."""
        self.breaks = 0
        """Number of times that the record lost events or was replaced by another record."""
        self.queries = 0
        """Number of queries for the head."""
        self.head_requests = 0
        """Number of requests that these queries answered."""

    async def start(self) -> None:
        """Begin to follow. While the database is down, `head` raises DatabaseUnavailable."""
        self._loop = asyncio.get_running_loop()
        self.confirmed_at = self._loop.time()
        self._tasks = [asyncio.create_task(self._query_loop()), asyncio.create_task(self._tick())]
        self.replicas.start(lambda: self._head)
        self._on_notice()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._listener.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        # Give running reads a moment to return their connections to the pool, which closes them.
        wait(tuple(self._running), _SECONDS_TO_END)
        await self.replicas.close()

    # The head.

    @property
    def last_head(self) -> Head | None:
        """The last head that was read, at most about a second ago. None before the first query."""
        return self._head

    async def head(self) -> Head:
        """Return the head after all acknowledged appends. Raises DatabaseUnavailable."""
        pending: asyncio.Future[Head] = self._loop.create_future()
        self._pending.append(pending)
        self._query_wanted.set()
        return await pending

    def _on_notice(self) -> None:
        self._query_wanted.set()

    async def _query_loop(self) -> None:
        while True:
            await self._query_wanted.wait()
            await self._let_requests_join()
            self._query_wanted.clear()
            pending, self._pending = self._pending, []
            try:
                async with self._querying:
                    head = await self._query_head()
            except Exception as error:  # noqa: BLE001  # the requests get the error, and the loop continues
                for answer in pending:
                    if not answer.done():
                        answer.set_exception(_copy_of(error))
            else:
                self.head_requests += len(pending)
                for answer in pending:
                    if not answer.done():
                        answer.set_result(head)

    async def _let_requests_join(self) -> None:
        """Run tasks that are ready, so that requests that arrived already join the next query."""
        pending = 0
        for _ in range(_MAX_TURNS):
            await asyncio.sleep(0)
            if len(self._pending) == pending:
                return
            pending = len(self._pending)

    async def _query_head(self) -> Head:
        """Query the head, update the caches and wake the waiting requests. Raises DatabaseUnavailable."""
        # Before the first query nothing is cached, so no changes are needed.
        after = _NEVER if self._head is None else self._head.position
        update = await self._listener.head_since(after)
        self.queries += 1
        self.confirmed_at = self._loop.time()
        if update.head is not self._head:
            if self._head is not None:
                self.behind = max(update.head.position - self._head.position, 0)
            if not self._is_complete(update):
                await self._run(_catch_up, self._primary)
                update = update._replace(changed=(await self._listener.head_since(after)).changed)
            self._apply(update)
            self.behind = 0
        return update.head

    def _is_complete(self, update: HeadUpdate) -> bool:
        """Return whether all documents of this release are stored up to the new head. Their watermark shows it."""
        before, head = self._head, update.head
        if before is not None and self._continues(before, head) and before.position == head.position:
            return True  # no new events, but new keys
        watermark = backfill.WATERMARK, backfill.REPRESENTATION_SET
        # Documents are stored up to the end of the record, which for an audience can be after its head.
        return any(c.position >= head.position for c in update.changed or () if (c.name, c.key) == watermark)

    def _apply(self, update: HeadUpdate) -> None:
        """Set the new head, remove what changed from the caches, and wake the requests that wait for it."""
        before, self._head = self._head, update.head
        is_other = before is not None and (update.is_other or not self._continues(before, update.head))
        if before is not None and is_other:
            self.breaks += 1
            if self._is_reset:
                log.info("reset", seen=before.position, ends=update.head.position)
            else:
                log.error("went_back", seen=before.position, ends=update.head.position, detail=_WENT_BACK)
            self._is_reset = False
        if before is None or update.changed is None or is_other or self._has_other_labels(before, update.head):
            self._reset_caches()
            return
        if update.head.keys_version != before.keys_version:
            self._waiters.wake_all()  # each checks whether its key still allows the request
        if update.head.position > before.position:
            if any(changed.name == ACTOR for changed in update.changed):
                # Every document with this actor has another name in it.
                self.histories.forget_names(update.head.position)
                self._cache.clear()
                self._waiters.wake_all()
            touched = _topics(update.changed, update.head.position)
            self._cache.drop(touched)
            self._waiters.wake(touched)

    def _continues(self, before: Head, head: Head) -> bool:
        """Return whether `head` can be the same or a later head of the same record. The events between are not read."""
        if head.position == before.position:
            return head.chain_hash == before.chain_hash
        if head.record != before.record:
            return False
        # A change of labels can withhold the last event from this audience. Its head then goes back.
        is_raised = self._clearance is not None and head.relabelled > before.relabelled
        return head.position > before.position or is_raised

    def _has_other_labels(self, before: Head, head: Head) -> bool:
        """Return whether labels changed what this audience sees, or which audiences may share a cached document."""
        if self._clearance is None and before.highest != head.highest:
            return True
        return before.relabelled != head.relabelled

    def _reset_caches(self) -> None:
        self.resets += 1
        self._cache.clear()
        # Running reads finish with the old cache.
        self.histories, self.vocabulary = HistoryCache(self._cached_events), Vocabulary()
        if self._head is not None:
            self.histories.forget_names(self._head.position)
        self._waiters.wake_all()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._query_wanted.set()

    # Caches and reads.

    @property
    def cache(self) -> Cache:
        return self._cache

    async def cached(self, key: Hashable, topics: Sequence[str], load: Callable[[], Awaitable[K]]) -> K:
        """Return the cached value of a key, or load it once for all callers. It is current at the last head."""
        return await self._cache.get(key, topics, load)

    async def read(self, work: Callable[Concatenate[Engine, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a read of the database in a thread. Raises DatabaseUnavailable if too many reads wait."""
        return await self._run(work, self._engine, *arguments, **named)

    async def read_replica(
        self, work: Callable[Concatenate[Replicas, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Run a read in a thread, from a replica if one can serve it. Raises as `read`."""
        return await self._run(work, self.replicas, *arguments, **named)

    async def _run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if len(self._running) >= _MOST_READS:
            raise DatabaseUnavailable("too many reads are waiting")
        reading = self._threads.submit(work, *arguments, **named)
        self._running.add(reading)
        reading.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(reading)

    # Waiting requests.

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    @property
    def draining(self) -> bool:
        return self._waiters.draining or self._releasing

    def waiter(self, topics: Sequence[str], awaited: Awaited | None = None) -> Waiter:
        """Return a waiter for these topics. Enter it before the first read, so that no change is missed.

        `awaited` is the read that all waiters with its key share. It runs before they are woken.
        """
        return self._waiters.waiter(topics, awaited)

    def drain(self) -> None:
        """Wake all waiters. From now on no request waits."""
        self._waiters.drain()

    @contextmanager
    def releasing(self) -> Iterator[None]:
        """Wake all waiters, and let no request wait until the end."""
        self._releasing = True
        self._waiters.wake_all()
        try:
            yield
        finally:
            self._releasing = False

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Query nothing until the end, because another record takes the place of this one. `head` waits meanwhile."""
        async with self._querying:
            self._listener.close()
            self._is_reset = True
            yield


def _catch_up(engine: Engine) -> None:
    with connection(engine) as c:
        backfill.catch_up(c, read_head(c).position)


def _topics(changed: Sequence[Changed], position: int) -> Mapping[str, int]:
    """Return the topics of the changed documents and the record, each with the last position that touched it."""
    touched = {RECORD: position}
    for document in changed:
        if document.name == backfill.WATERMARK:
            continue
        if document.name == CHANGES:
            topics = (CHANGES, changes_in(document.relation))
        else:
            topics = (f"{document.name}/{document.key}", document.relation)
        for topic in topics:
            touched[topic] = max(document.position, touched.get(topic, 0))
    return touched


def _copy_of(error: Exception) -> Exception:
    # One exception in several tasks would collect the tracebacks of all of them.
    return DatabaseUnavailable(str(error)) if isinstance(error, DatabaseUnavailable) else RuntimeError(repr(error))
