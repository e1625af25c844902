"""Read from replicas of the database, or from the primary if no replica can serve the read.

Each read checks the replica in its own snapshot. The replica must have exactly the head of the request (same record,
last event and chain hash) and all documents of this release. A read of an earlier state may also come from a replica
that is ahead. If the check fails, for example because the replica is behind, the primary serves the read. So no read
fails or returns old data because of a replica.

A monitor checks each replica once a second. It only saves time: reads skip a replica that does not work.
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
"""How long a replica is skipped after a failed check: about the delay of a healthy replica."""
_BEHIND_SECONDS: Final = 5.0
"""A replica that is behind for longer than this serves no reads."""
SERVING: Final = "serving"
T = TypeVar("T")

log = structlog.get_logger("irritants")


class Replica:
    """The state of a replica in this process. `state` is `serving`, or the reason why it is not used."""

    def __init__(self, number: int, url: str, clearance: int | None = None) -> None:
        self.number = number
        self.connection = ReplicaConnection(url, clearance)
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
        """Skip this replica for a moment, because it does not have the head of the request or does not answer."""
        self._paused_until = time.monotonic() + _PAUSE_SECONDS

    # Used by the monitor.

    async def monitor(self, head: Callable[[], Head | None]) -> None:
        """Update `state` once a second. `head` returns the last head of the primary."""
        while True:
            try:
                self._judge(await self.connection.read_head(), head())
            except DatabaseUnavailable as error:
                self._set_state("lost", str(error))
            await asyncio.sleep(_MONITOR_SECONDS)

    def _judge(self, now: ReplicaHead, head: Head | None) -> None:
        """Set the state of a replica with the head `now`. `head` is that of the primary."""
        self.behind = max(head.position - now.position, 0) if head else 0
        if not self.behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = time.monotonic()
        if not now.follows:
            self._set_state("promoted")
        elif head and (
            now.record != head.record or (now.position == head.position and now.chain_hash != head.chain_hash)
        ):
            self._set_state("of another history")
        elif self._behind_since is not None and time.monotonic() - self._behind_since >= _BEHIND_SECONDS:
            self._set_state("behind")
        else:
            self._set_state(SERVING)

    def _set_state(self, state: str, error: str | None = None) -> None:
        """Set and log the state. `error` goes only to the log, because it names machines and users."""
        was, self.state = self.state, state
        self.connection.is_healthy = state == SERVING
        if state == SERVING and was != SERVING:
            log.info("standby_serves", standby=self.number)
        elif state != was:
            log.warning("standby_set_aside", standby=self.number, because=state, error=error, behind=self.behind)


class Replicas:
    """Reads from replicas or the primary. Call `read` from any thread, `start` and `close` from the event loop."""

    def __init__(self, primary: Engine, standbys: Sequence[str] = (), clearance: int | None = None) -> None:
        self._primary = primary
        self.standbys = [Replica(number, url, clearance) for number, url in enumerate(standbys, 1)]
        self.primary_reads = 0
        self._turns = count()
        self._monitors: list[asyncio.Task[None]] = []

    def start(self, head: Callable[[], Head | None]) -> None:
        """Begin to monitor the replicas. `head` returns the last head of the primary."""
        self._monitors = [asyncio.create_task(replica.monitor(head)) for replica in self.standbys]

    async def close(self) -> None:
        for task in self._monitors:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for replica in self.standbys:
            replica.connection.close()

    def read(
        self, head: Head, load: Callable[[Connection], T], *, needs_one_transaction: bool = False, is_past: bool = False
    ) -> T:
        """Return what `load` reads, from the record at `head`. Raises DatabaseUnavailable.

        `needs_one_transaction`: `load` sends several queries that must see the same state. `is_past`: it reads only
        events up to `head`, so a replica that is ahead gives the same result.
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
        with transaction(self._primary, "REPEATABLE READ") if needs_one_transaction else connection(self._primary) as c:
            return load(c)

    def _in_turn(self) -> Iterator[Replica]:
        """Yield each usable replica once. Each call begins with the next replica, so that they share the reads."""
        if self.standbys:
            first = next(self._turns) % len(self.standbys)
            yield from (replica for replica in self.standbys[first:] + self.standbys[:first] if replica.is_usable)


def _is_at(c: Connection, head: Head, *, is_past: bool) -> bool:
    """Return whether this replica can serve a read at `head` (see the docstring of the module)."""
    now = replica_head(c)
    if is_past:
        # A label that was changed meanwhile would change what an audience sees of the past.
        is_ahead = now.follows and now.position > head.position and now.relabelled == head.relabelled
        return now.is_at(head) or (is_ahead and has_head(c, head))
    # During an upgrade, documents of this release can be stored after the events, so they reach a replica later.
    return now.is_at(head) and (backfill.built_up_to(c) or 0) >= head.position
