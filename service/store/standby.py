"""A standby of the database: a server that follows it by streaming replication, and may be read.

Whether it is there is asked over a connection of its own. A server that hangs answers nobody, and neither its own
limits nor those of the network end a read that waits for it: so who waits looks up, ten times a second, whether it was
given up.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
from sqlalchemy import Connection

from service.store.connections import DatabaseUnavailable, connect, connect_async, require_sessions_async
from service.store.engine import driver, open_engine
from service.store.log import Head

_LOOK_SECONDS: Final = 1.0
_READ_SECONDS: Final = 5.0
_STANDING: Final = "SELECT record, position, chain_hash, pg_is_in_recovery() FROM head"
_HOLDS: Final = "SELECT EXISTS (SELECT FROM events WHERE position = %s AND chain_hash = %s)"
T = TypeVar("T")


class Standing(NamedTuple):
    """Which record a standby has, up to where; `follows` until it is promoted."""

    record: str
    position: int
    chain_hash: bytes
    follows: bool

    def is_at(self, head: Head) -> bool:
        return self.follows and (self.record, self.position, self.chain_hash) == head[:3]


class Standby:
    """Opened by its address. Whoever looks after it says by `is_well` whether its reads may be waited for."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._looking: psycopg.AsyncConnection[Any] | None = None
        self.is_well = False
        # A dead connection is found out by using it: the primary is asked then, and no round trip is spent on looking.
        self.engine = open_engine(url, pre_ping=False, opens=self._connected)

    def _connected(self) -> psycopg.Connection[Any]:
        connection = connect(self._url, name="irritants", statement_seconds=_READ_SECONDS, kind=_Patient)
        assert isinstance(connection, _Patient)
        connection.is_hopeless = lambda: not self.is_well
        return connection

    async def look(self) -> Standing:
        """Where it stands now. Raises DatabaseUnavailable after a second without an answer."""
        looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait({looking}, timeout=_LOOK_SECONDS)
            if not looking.done():
                raise TimeoutError("it does not answer")
            return _standing(looking.result())
        except (psycopg.Error, OSError) as error:
            self._look_away()
            raise DatabaseUnavailable(str(error).partition("\n")[0]) from error
        finally:
            if not looking.done():
                # The connection first: the driver would take ten seconds to call back a question that is cancelled.
                self._look_away()
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> tuple[Any, ...] | None:
        if self._looking is None:
            await require_sessions_async(self._url)
            self._looking = await connect_async(self._url, name="irritants-standby")
        return await (await self._looking.execute(_STANDING)).fetchone()

    def close(self) -> None:
        self.is_well = False
        self._look_away()
        self.engine.dispose()

    def _look_away(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.pgconn.finish()


def standing(c: Connection) -> Standing:
    """Where a copy stands in the snapshot of this connection."""
    return _standing(driver(c).execute(_STANDING).fetchone())


def holds(c: Connection, head: Head) -> bool:
    """Whether all that led to a head is on this copy: the chain says so of every event before."""
    found = driver(c).execute(_HOLDS, (head.position, head.chain_hash)).fetchone()
    return bool(found and found[0])


def _standing(row: tuple[Any, ...] | None) -> Standing:
    if row is None:
        raise DatabaseUnavailable("it has no record")
    record, position, chain_hash, follows = row
    return Standing(str(record), position, bytes(chain_hash), follows)


class _Patient(psycopg.Connection[Any]):
    """Waits for the server for as long as there is hope."""

    is_hopeless: Callable[[], bool] = staticmethod(lambda: False)

    def wait(self, gen: Generator[Any, Any, T], *patience: Any, **more: Any) -> T:
        return super().wait(self._while_hopeful(gen), *patience, **more)

    def _while_hopeful(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """The driver's own steps; nothing came where it goes on with 0, which it does every tenth of a second."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and self.is_hopeless():
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the standby was given up")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
