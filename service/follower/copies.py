"""The database and its standbys: from which of them something is read.

A standby serves a read only from a snapshot in which it is, to the byte, where the reader has to be: the same record,
ending with the same event, under the same chain hash, with all documents of this release made. A reading of the past
may also come from one that is further, where its chain holds the reader's head. Whatever is wrong with a standby (it
lags, hangs, is gone, was promoted, follows another server), that cannot hold, and the primary is read instead: so no
read fails or goes back for a standby, and how it is found out only matters for speed.
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
from service.store.standby import Standby, Standing, holds, standing

_LOOK_SECONDS: Final = 1.0
_REST_SECONDS: Final = 0.005
"""About as long as it takes from a commit to a standby that is well; to ask in vain costs a reading a third of a
millisecond, and who is behind for longer than five seconds is not asked."""
_SAID_AFTER: Final = 5.0
SERVING: Final = "serving"
T = TypeVar("T")

log = structlog.get_logger("irritants")


class Copy:
    """A standby as this process knows it. `state` is `serving`, or why it is set aside; `reads` are those it served."""

    def __init__(self, number: int, url: str) -> None:
        self.number = number
        self.standby = Standby(url)
        self.state = "not looked at yet"
        self.behind = 0
        """Positions, when it was last looked at."""
        self.reads = 0
        self._behind_since: float | None = None
        self._rests_until = 0.0

    # For the threads that read.

    @property
    def may_be_asked(self) -> bool:
        return self.standby.is_well and time.monotonic() >= self._rests_until

    def rest(self) -> None:
        """It is not where a reader has to be, or not there at all."""
        self._rests_until = time.monotonic() + _REST_SECONDS

    # For who looks after it.

    async def look_after(self, head: Callable[[], Head | None]) -> None:
        while True:
            try:
                self._judge(await self.standby.look(), head())
            except DatabaseUnavailable as error:
                self._say("lost", str(error))
            await asyncio.sleep(_LOOK_SECONDS)

    def _judge(self, now: Standing, head: Head | None) -> None:
        self.behind = max(head.position - now.position, 0) if head else 0
        if not self.behind:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = time.monotonic()
        if not now.follows:
            self._say("promoted")
        elif head and (now.record != head.record or (now.position == head.position and not now.is_at(head))):
            self._say("of another history")
        elif self._behind_since is not None and time.monotonic() - self._behind_since >= _SAID_AFTER:
            self._say("behind")
        else:
            self._say(SERVING)

    def _say(self, state: str, error: str | None = None) -> None:
        """Told when it changes. What the driver had to say names machines and users, and is for the log alone."""
        was, self.state = self.state, state
        self.standby.is_well = state == SERVING
        if state == SERVING and was != SERVING:
            log.info("standby_serves", standby=self.number)
        elif state != was:
            log.warning("standby_set_aside", standby=self.number, because=state, error=error, behind=self.behind)


class Copies:
    """`read` from any thread; `start` and `close` from the event loop. Without standbys it is the primary alone."""

    def __init__(self, primary: Engine, standbys: Sequence[str] = ()) -> None:
        self._primary = primary
        self.standbys = [Copy(number, url) for number, url in enumerate(standbys, 1)]
        self.primary_reads = 0
        self._turns = count()
        self._looking: list[asyncio.Task[None]] = []

    def start(self, head: Callable[[], Head | None]) -> None:
        """Begins to look after the standbys; `head` is where the record ends, as last seen."""
        self._looking = [asyncio.create_task(copy.look_after(head)) for copy in self.standbys]

    async def close(self) -> None:
        for task in self._looking:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for copy in self.standbys:
            copy.standby.close()

    def read(
        self, head: Head, load: Callable[[Connection], T], *, is_snapshot: bool = False, is_past: bool = False
    ) -> T:
        """What `load` reads of the record as it is at `head`, from a copy that is there. Raises DatabaseUnavailable.

        `is_snapshot`: in more than one query, which have to see the same. `is_past`: only what is in the log up to the
        head, which is the same in every later state.
        """
        for copy in self._in_turn():
            try:
                with transaction(copy.standby.engine, "REPEATABLE READ") as c:
                    if _is_there(c, head, is_past=is_past):
                        found = load(c)
                        copy.reads += 1
                        return found
                copy.rest()
            except DatabaseUnavailable:
                copy.rest()
        self.primary_reads += 1
        with transaction(self._primary, "REPEATABLE READ") if is_snapshot else connection(self._primary) as c:
            return load(c)

    def _in_turn(self) -> Iterator[Copy]:
        """Each standby once, another one first each time."""
        if self.standbys:
            first = next(self._turns) % len(self.standbys)
            yield from (copy for copy in self.standbys[first:] + self.standbys[:first] if copy.may_be_asked)


def _is_there(c: Connection, head: Head, *, is_past: bool) -> bool:
    now = standing(c)
    if is_past:
        return now.is_at(head) or (now.follows and now.position > head.position and holds(c, head))
    # Documents that another release did not store are made after its commit, and reach a standby after it.
    return now.is_at(head) and backfill.noted(c) == head.position
