"""The read path: the head, the caches of this process, and the requests that wait for news.

A read never goes back. Every request joins the next query for the head that has not started (Raft's ReadIndex). So one
query serves many requests, and each sees everything that any process acknowledged before it. The query also returns the
documents that changed, and these leave the cache. Notices from the database and a tick only trigger it: a cache that
relies on notices is stale between a commit and its notice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import Engine

from service.follower.cache import Cache, Cacheable
from service.follower.long_poll import Awaited, TooManyWaiters, Waiter, Waiters
from service.follower.replicas import Replicas
from service.history_cache import HistoryCache
from service.read_models import backfill
from service.store.engine import DatabaseUnavailable, connection
from service.store.head_listener import Changed, HeadListener, HeadUpdate
from service.store.log import Head

__all__ = ["CHANGES", "RECORD", "Awaited", "Cacheable", "Follower", "TooManyWaiters", "Waiter", "changes_in"]

RECORD: Final = "record"
"""The topic of the whole record, touched whenever the head moves."""
CHANGES: Final = "change"
"""The topic of all changes of irritants."""

_TICK_SECONDS: Final = 1.0
_THREADS: Final = 4
_MOST_READS: Final = 500
_SECONDS_TO_END: Final = 1.0
_TURNS: Final = 8
_NEVER: Final = 2**62
_WENT_BACK: Final = (
    "events that were served are no longer on record: an older copy was restored, or a standby was promoted before it"
    " had them; requests with an old `log` are answered 410"
)
K = TypeVar("K", bound=Cacheable)
P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger("irritants")


def changes_in(relation: str) -> str:
    """Return the topic of the changes in a relation. The id of the relation is the topic of all its streams."""
    return f"{CHANGES}/{relation}"


class Follower:
    """Follows the head. Use one for each process, only from its event loop, between `start` and `close`."""

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        cache_bytes: int = 64 << 20,
        cached_events: int = 50_000,
        most_waiters: int = 10_000,
        standbys: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self.replicas = Replicas(engine, standbys)
        self._listener = HeadListener(url, self._on_notice)
        self._cache = Cache(cache_bytes)
        self._cached_events = cached_events
        self.histories = HistoryCache(cached_events)
        self._waiters = Waiters(most_waiters)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")
        self._running: set[Future[Any]] = set()
        self._pending: list[asyncio.Future[Head]] = []
        self._query_wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._head: Head | None = None
        self.confirmed_at = 0.0
        """The time of the last query, on the clock of the event loop."""
        self.behind = 0
        """Number of recorded positions that this process has not read yet."""
        self.starts = 0
        """Number of full cache resets. After a reset, everything that was read may have changed."""
        self.breaks = 0
        """Number of times that the record went back or was replaced by another one."""
        self.queries = 0
        self.questions = 0
        """Number of requests that these queries served."""

    async def start(self) -> None:
        """Begin to follow. If the database is down, requests raise DatabaseUnavailable until it is up."""
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
        # Running reads return their connections to the pool, which closes them. Do not wait long.
        wait(tuple(self._running), _SECONDS_TO_END)
        await self.replicas.close()

    # The head.

    @property
    def last_head(self) -> Head | None:
        """The last head that was read, perhaps a second ago; None before the first query."""
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
                head = await self._query_head()
            except Exception as error:  # noqa: BLE001  # the requests get the error, and the loop goes on
                for question in pending:
                    if not question.done():
                        question.set_exception(_copy_of(error))
            else:
                self.questions += len(pending)
                for question in pending:
                    if not question.done():
                        question.set_result(head)

    async def _let_requests_join(self) -> None:
        """Let requests join that arrived but have not run yet."""
        pending = 0
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if len(self._pending) == pending:
                return
            pending = len(self._pending)

    async def _query_head(self) -> Head:
        known = _NEVER if self._head is None else self._head.position
        update = await self._listener.head_since(known)
        self.queries += 1
        self.confirmed_at = self._loop.time()
        if update.head is not self._head:
            if self._head is not None:
                self.behind = max(update.head.position - self._head.position, 0)
            if not self._is_complete(update):
                await self.read(_catch_up, update.head.position)
                update = update._replace(changed=(await self._listener.head_since(known)).changed)
            self._apply(update)
            self.behind = 0
        return update.head

    def _is_complete(self, update: HeadUpdate) -> bool:
        """Return whether all documents of this release are stored up to a head, as their note shows."""
        known, head = self._head, update.head
        if known is not None and _continues(known, head) and known.position == head.position:
            return True
        noted = (c.position for c in update.changed or () if (c.name, c.key) == (backfill.NOTE, backfill.SET))
        return head.position in noted

    def _apply(self, update: HeadUpdate) -> None:
        known, self._head = self._head, update.head
        is_other = known is not None and (update.is_other or not _continues(known, update.head))
        if known is not None and is_other:
            self.breaks += 1
            log.error("went_back", seen=known.position, ends=update.head.position, detail=_WENT_BACK)
        if known is None or update.changed is None or is_other:
            self._reset_caches()
            return
        if update.head.keys_version != known.keys_version:
            self._waiters.wake_all()
        if update.head.position > known.position:
            touched = _topics(update.changed, update.head.position)
            self._cache.drop(touched)
            self._waiters.wake(touched)

    def _reset_caches(self) -> None:
        self.starts += 1
        self._cache.clear()
        # Running reads finish with the old cache.
        self.histories = HistoryCache(self._cached_events)
        self._waiters.wake_all()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._query_wanted.set()

    # Caches and reads.

    @property
    def cache(self) -> Cache:
        return self._cache

    async def kept(self, key: Hashable, topics: Sequence[str], load: Callable[[], Awaitable[K]]) -> K:
        """Return the cached value of a key, or load it once for all callers. It is not older than the last `head`."""
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
        return self._waiters.draining

    def waiter(self, topics: Sequence[str], awaited: Awaited | None = None) -> Waiter:
        """Return a waiter. Enter it before the read whose change it waits for, so that no change is missed.

        `awaited` is looked up once for all waiters that share it, before they are woken.
        """
        return self._waiters.waiter(topics, awaited)

    def drain(self) -> None:
        """Wake all waiters, and let no request wait from now on."""
        self._waiters.drain()


def _catch_up(engine: Engine, position: int) -> None:
    with connection(engine) as c:
        backfill.catch_up(c, position)


def _continues(known: Head, head: Head) -> bool:
    """Return whether `head` can be a later head of the same record."""
    if head.position == known.position:
        return head.chain_hash == known.chain_hash
    return head.record == known.record and head.position > known.position


def _topics(changed: Sequence[Changed], position: int) -> Mapping[str, int]:
    """Return the touched topics, each with the last position that touched it."""
    touched = {RECORD: position}
    for name, relation, key, at in changed:
        if name == backfill.NOTE:
            continue
        topics = (CHANGES, changes_in(relation)) if name == CHANGES else (f"{name}/{key}", relation)
        for topic in topics:
            touched[topic] = max(at, touched.get(topic, 0))
    return touched


def _copy_of(error: Exception) -> Exception:
    # A copy for each task: a shared exception would collect the tracebacks of all tasks.
    return DatabaseUnavailable(str(error)) if isinstance(error, DatabaseUnavailable) else RuntimeError(repr(error))
