"""The read path: what this process knows of the record, kept current, and the requests that wait for news.

A read never goes back. Every request joins the next query for the head that has not started yet (Raft's ReadIndex), so
one query answers all that arrived before it, and it sees everything that any process acknowledged before a request
began. The same query returns what changed since the last, and that is the catch-up: notices from the database and a
tick only trigger it. A cache that trusts notices alone is wrong right after a commit, for as long as they take.
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
"""The topic of everything there is: touched whenever the head moves."""
CHANGES: Final = "change"
"""The topic of every change of an irritant's reading."""

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
    """The topic of changes of a relation's irritants. The relation's id itself is the topic of all its streams."""
    return f"{CHANGES}/{relation}"


class Follower:
    """One for each process, used from its event loop alone. `start` and `close` in the lifespan of the server."""

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
        self._listener = HeadListener(url, self._want_query)
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
        """When the head was last confirmed, on the event loop's clock."""
        self.behind = 0
        """How many positions are on record, as the last query said, that are not yet read here."""
        self.starts = 0
        """Number of full resets of the caches: after each, all that was read before may have changed."""
        self.breaks = 0
        """How often the record went back, or another one came in its place."""
        self.queries = 0
        self.questions = 0
        """Requests that were answered by those queries."""

    async def start(self) -> None:
        """Begins to follow. A database that is down is no failure here: each request says so until it is up."""
        self._loop = asyncio.get_running_loop()
        self.confirmed_at = self._loop.time()
        self._tasks = [asyncio.create_task(self._query_loop()), asyncio.create_task(self._tick())]
        self.replicas.start(lambda: self._head)
        self._want_query()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._listener.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        # They give their connections back, to be closed. One that takes long is not waited for.
        wait(tuple(self._running), _SECONDS_TO_END)
        await self.replicas.close()

    # Where the record ends.

    @property
    def last_head(self) -> Head | None:
        """The head as last seen, perhaps a second ago; None before the first answer."""
        return self._head

    async def head(self) -> Head:
        """The head after everything that was acknowledged before this call. Raises DatabaseUnavailable."""
        pending: asyncio.Future[Head] = self._loop.create_future()
        self._pending.append(pending)
        self._query_wanted.set()
        return await pending

    def _want_query(self) -> None:
        self._query_wanted.set()

    async def _query_loop(self) -> None:
        while True:
            await self._query_wanted.wait()
            await self._let_requests_join()
            self._query_wanted.clear()
            pending, self._pending = self._pending, []
            try:
                head = await self._query_head()
            except Exception as error:  # noqa: BLE001  # those that joined are answered, and so are later ones
                for question in pending:
                    if not question.done():
                        question.set_exception(_copy_of(error))
            else:
                self.questions += len(pending)
                for question in pending:
                    if not question.done():
                        question.set_result(head)

    async def _let_requests_join(self) -> None:
        """Let requests join that have come in but have not had their turn yet."""
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
        """Whether the appends before a head stored all documents that are read here: their note says so."""
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
        # Reads that have the old one at hand finish with it.
        self.histories = HistoryCache(self._cached_events)
        self._waiters.wake_all()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._query_wanted.set()

    # What is kept.

    @property
    def cache(self) -> Cache:
        return self._cache

    async def kept(self, key: Hashable, topics: Sequence[str], load: Callable[[], Awaitable[K]]) -> K:
        """What is kept under a key, else loaded, once for all who ask meanwhile. After `head`, it is not older."""
        return await self._cache.get(key, topics, load)

    async def read(self, work: Callable[Concatenate[Engine, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Runs in a thread what reads the database or takes long. Raises DatabaseUnavailable where too many wait."""
        return await self._run(work, self._engine, *arguments, **named)

    async def read_replica(
        self, work: Callable[Concatenate[Replicas, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """As `read`, from a replica where one can serve it."""
        return await self._run(work, self.replicas, *arguments, **named)

    async def _run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if len(self._running) >= _MOST_READS:
            raise DatabaseUnavailable("too many reads are waiting")
        reading = self._threads.submit(work, *arguments, **named)
        self._running.add(reading)
        reading.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(reading)

    # Who waits.

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    @property
    def draining(self) -> bool:
        return self._waiters.draining

    def waiter(self, topics: Sequence[str], awaited: Awaited | None = None) -> Waiter:
        """To be entered before looking at what is waited for, so that nothing is missed in between.

        Where several await one thing, it is looked at for all of them before they are woken.
        """
        return self._waiters.waiter(topics, awaited)

    def drain(self) -> None:
        """Wake every waiter for good: each answers with what there is, and no request waits from now on."""
        self._waiters.drain()


def _catch_up(engine: Engine, position: int) -> None:
    with connection(engine) as c:
        backfill.catch_up(c, position)


def _continues(known: Head, head: Head) -> bool:
    """Whether this can be the same record, later."""
    if head.position == known.position:
        return head.chain_hash == known.chain_hash
    return head.record == known.record and head.position > known.position


def _topics(changed: Sequence[Changed], position: int) -> Mapping[str, int]:
    """What was touched, each with the last position that touched it."""
    touched = {RECORD: position}
    for name, relation, key, at in changed:
        if name == backfill.NOTE:
            continue
        topics = (CHANGES, changes_in(relation)) if name == CHANGES else (f"{name}/{key}", relation)
        for topic in topics:
            touched[topic] = max(at, touched.get(topic, 0))
    return touched


def _copy_of(error: Exception) -> Exception:
    # One exception raised in many tasks would gather all their tracebacks.
    return DatabaseUnavailable(str(error)) if isinstance(error, DatabaseUnavailable) else RuntimeError(repr(error))
