"""A named lock in the database: one process has it, the others wait. `relay` uses it, because only one may publish.

It is an advisory lock. PostgreSQL releases it when its connection ends, so another process can take over at once. The
waiting processes try twice a second, instead of sending one statement that waits. Such a statement can wait for hours,
and all the time PostgreSQL could not remove old versions of the head row.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from service.store.connections import DatabaseUnavailable, connect_async, first_line

_RETRY_SECONDS: Final = 0.5
_TIMEOUT_SECONDS: Final = 2.3
# An advisory lock belongs to the database, and each of its schemas can have its own record.
_TRY: Final = """
SELECT pg_try_advisory_lock(hashtextextended(%s ||
  CASE current_schema() WHEN 'public' THEN '' ELSE ' of ' || current_schema() END, 0))
"""


class Lock:
    """A lock that was acquired. It is lost with its connection."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def confirm(self) -> None:
        """Check that the connection, and so the lock, is not lost. Raises DatabaseUnavailable."""
        async with _bounded():
            await self._connection.execute("SELECT")


@asynccontextmanager
async def acquire(url: str, name: str, on_wait: Callable[[], None]) -> AsyncIterator[Lock]:
    """Wait for the lock of this name, and have it within this context. Raises DatabaseUnavailable.

    Calls `on_wait` once if another process has the lock.
    """
    async with _bounded():
        connection = await connect_async(url, name="irritants-lock")
    try:
        if not await _try_lock(connection, name):
            on_wait()
            while not await _try_lock(connection, name):  # noqa: ASYNC110 -- another process releases it
                await asyncio.sleep(_RETRY_SECONDS)
        yield Lock(connection)
    finally:
        connection.pgconn.finish()  # at once, even if the server no longer answers


async def _try_lock(connection: psycopg.AsyncConnection[Any], name: str) -> bool:
    async with _bounded():
        row = await (await connection.execute(_TRY, [name])).fetchone()
        assert row is not None
        return bool(row[0])


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    """Limit the time in this context. Raises DatabaseUnavailable for a timeout and for errors of the connection."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            yield
    except (psycopg.Error, OSError, TimeoutError) as error:
        raise DatabaseUnavailable(first_line(error)) from error
