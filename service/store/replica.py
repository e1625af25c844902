"""Connections to a replica of the database: a standby server with streaming replication.

A monitor queries the head of the replica once a second, on its own connection, and sets `is_healthy`. If a replica
hangs, neither its timeouts nor those of the network end a read. So each read that waits for the replica checks
`is_healthy` ten times a second.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
from sqlalchemy import Connection

from service.store.connections import DatabaseUnavailable, connect, connect_async, refuse_shared_sessions_async
from service.store.engine import driver, first_line, open_engine
from service.store.log import Head

_HEAD_SECONDS: Final = 1.0
_READ_SECONDS: Final = 5.0
_HEAD: Final = "SELECT record, position, chain_hash, relabelled, pg_is_in_recovery() FROM head"
_HAS_HEAD: Final = "SELECT EXISTS (SELECT FROM events WHERE position = %s AND chain_hash = %s)"
T = TypeVar("T")


class ReplicaHead(NamedTuple):
    """The head of a replica. `follows`: it follows the primary. After a promotion it is a primary itself."""

    record: str
    position: int
    chain_hash: bytes
    relabelled: int
    follows: bool

    def is_at(self, head: Head) -> bool:
        return self.follows and self[:4] == (*head[:3], head.relabelled)


class ReplicaConnection:
    """The connections to one replica. The monitor sets `is_healthy`. While it is false, reads are aborted."""

    def __init__(self, url: str, clearance: int | None = None) -> None:
        self._url, self._clearance = url, clearance
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self.is_healthy = False
        # No check of connections before use. If one is dead, the read fails, and the primary serves it.
        self.engine = open_engine(url, pre_ping=False, connect_by=self._connect)

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connect(
            self._url,
            name="irritants",
            statement_seconds=_READ_SECONDS,
            clearance=self._clearance,
            kind=_AbortableConnection,
        )
        assert isinstance(connection, _AbortableConnection)
        connection.is_unhealthy = lambda: not self.is_healthy
        return connection

    async def read_head(self) -> ReplicaHead:
        """Return the head of the replica. Raises DatabaseUnavailable after one second without an answer."""
        reading = asyncio.create_task(self._read_head())
        try:
            await asyncio.wait({reading}, timeout=_HEAD_SECONDS)
            if not reading.done():
                raise TimeoutError("the replica does not answer")
            return _replica_head(reading.result())
        except (psycopg.Error, OSError) as error:
            self._disconnect()
            raise DatabaseUnavailable(first_line(error)) from error
        finally:
            if not reading.done():
                # Disconnect first: the driver would take ten seconds to cancel a query.
                self._disconnect()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read_head(self) -> tuple[Any, ...] | None:
        if self._connection is None:
            await refuse_shared_sessions_async(self._url)
            self._connection = await connect_async(self._url, name="irritants-standby", clearance=self._clearance)
        return await (await self._connection.execute(_HEAD)).fetchone()

    def close(self) -> None:
        self.is_healthy = False
        self._disconnect()
        self.engine.dispose()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()


def replica_head(c: Connection) -> ReplicaHead:
    """Return the head of a replica in the snapshot of this connection."""
    return _replica_head(driver(c).execute(_HEAD).fetchone())


def has_head(c: Connection, head: Head) -> bool:
    """Return whether this replica has a head of the primary, and so all events before it. The chain hash shows it."""
    found = driver(c).execute(_HAS_HEAD, (head.position, head.chain_hash)).fetchone()
    return bool(found and found[0])


def _replica_head(row: tuple[Any, ...] | None) -> ReplicaHead:
    if row is None:
        raise DatabaseUnavailable("the replica has no head row")
    record, position, chain_hash, relabelled, follows = row
    return ReplicaHead(str(record), position, bytes(chain_hash), relabelled, follows)


class _AbortableConnection(psycopg.Connection[Any]):
    """A connection that aborts its waits once the replica is unhealthy."""

    is_unhealthy: Callable[[], bool] = staticmethod(lambda: False)

    def wait(self, gen: Generator[Any, Any, T], *patience: Any, **more: Any) -> T:
        return super().wait(self._while_healthy(gen), *patience, **more)

    def _while_healthy(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run the steps of psycopg. It sends 0 after each tenth of a second without data."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and self.is_unhealthy():
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the replica became unhealthy during the read")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
