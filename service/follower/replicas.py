"""Reads from replicas of the database, or from the primary where no replica can serve them.

A replica serves a read only from a snapshot with exactly the head of the reader: the same record, last event and chain
hash, with all documents of this release. A read of the past may also come from a replica that is ahead, if its chain
contains the head of the reader. A replica that lags, hangs, is gone, was promoted or follows another server fails this
check, and the primary serves the read. So no read fails or goes back because of a replica. Monitoring only saves time.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from service.read_models import backfill
from service.store.engine import DatabaseUnavailable, connection, transaction
from service.store.log import Head
from service.store.replica import ReplicaConnection, ReplicaHead, has_head, replica_head

_MONITOR_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.005
"""About the delay of a healthy replica. A failed attempt costs a read a third of a millisecond."""
_BEHIND_SECONDS: Final = 5.0
"""A replica that is behind for longer than this serves no reads."""
SERVING: Final = "serving"
T = TypeVar("T")

log = structlog.get_logger("irritants")


class Replica:
    """The state of a replica in this process. `state` is `serving`, or the reason why it is not used."""

    def __init__(self, number: int, url: str) -> None:
        self.number = number
        self.connection = ReplicaConnection(url)
        self.state = "not checked yet"
        self.behind = 0
        """Number of positions that it lacked when its head was last read."""
        self.reads = 0
        self._behind_since: float | None = None
        self._paused_until = 0.0

    # Used by the threads that read.

    @property
    def is_usable(self) -> bool:
        return self.connection.is_healthy and time.monotonic() >= self._paused_until

    def pause(self) -> None:
        """Do not use it for a moment, because its head is another one or it does not answer."""
        self._paused_until = time.monotonic() + _PAUSE_SECONDS

    # Used by the monitor.

    async def monitor(self, head: Callable[[], Head | None]) -> None:
        while True:
            try:
                self._judge(await self.connection.read_head(), head())
            except DatabaseUnavailable as error:
                self._set_state("lost", str(error))
            await asyncio.sleep(_MONITOR_SECONDS)

    def _judge(self, now: ReplicaHead, head: Head | None) -> None:
        self.behind = max(head.position - now.position, 0) if head else 0
        if not self.behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = time.monotonic()
        if not now.follows:
            self._set_state("promoted")
        elif head and (now.record != head.record or (now.position == head.position and not now.is_at(head))):
            self._set_state("of another history")
        elif self._behind_since is not None and time.monotonic() - self._behind_since >= _BEHIND_SECONDS:
            self._set_state("behind")
        else:
            self._set_state(SERVING)

    def _set_state(self, state: str, error: str | None = None) -> None:
        """Set and log the state. The message of the driver has names of machines and users, so only the log gets it."""
        was, self.state = self.state, state
        self.connection.is_healthy = state == SERVING
        if state == SERVING and was != SERVING:
            log.info("standby_serves", standby=self.number)
        elif state != was:
            log.warning("standby_set_aside", standby=self.number, because=state, error=error, behind=self.behind)


class Replicas:
    """Reads from replicas or the primary. Call `read` from any thread, `start` and `close` from the event loop."""

    def __init__(self, primary: Engine, standbys: Sequence[str] = ()) -> None:
        self._primary = primary
        self.standbys = [Replica(number, url) for number, url in enumerate(standbys, 1)]
        self.primary_reads = 0
        self._turns = count()
        self._monitors: list[asyncio.Task[None]] = []

    def start(self, head: Callable[[], Head | None]) -> None:
        """Begin to monitor the replicas. `head` returns the head as last seen."""
        self._monitors = [asyncio.create_task(replica.monitor(head)) for replica in self.standbys]

    async def close(self) -> None:
        for task in self._monitors:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for replica in self.standbys:
            replica.connection.close()

    def read(
        self, head: Head, load: Callable[[Connection], T], *, is_snapshot: bool = False, is_past: bool = False
    ) -> T:
        """Return what `load` reads of the record as it is at `head`. Raises DatabaseUnavailable.

        `is_snapshot`: `load` sends several queries that must see the same state. `is_past`: it reads only the log up to
        the head, which is the same in every later state.
        """
        for replica in self._in_turn():
            try:
                with transaction(replica.connection.engine, "REPEATABLE READ") as c:
                    if _is_at(c, head, is_past=is_past):
                        found = load(c)
                        replica.reads += 1
                        return found
                replica.pause()
            except DatabaseUnavailable:
                replica.pause()
        self.primary_reads += 1
        with transaction(self._primary, "REPEATABLE READ") if is_snapshot else connection(self._primary) as c:
            return load(c)

    def _in_turn(self) -> Iterator[Replica]:
        """Yield each usable replica once, starting with the next one at each call."""
        if self.standbys:
            first = next(self._turns) % len(self.standbys)
            yield from (replica for replica in self.standbys[first:] + self.standbys[:first] if replica.is_usable)


def _is_at(c: Connection, head: Head, *, is_past: bool) -> bool:
    now = replica_head(c)
    if is_past:
        return now.is_at(head) or (now.follows and now.position > head.position and has_head(c, head))
    # Documents that another release did not store are built after its commit, so they reach a replica later.
    return now.is_at(head) and backfill.noted(c) == head.position
