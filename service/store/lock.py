"""A lock by name in a database: one process holds it, and the others that want it stand by.

An advisory lock lives as long as its connection: nothing is left behind by a holder that died, and nothing has to run
out before another takes over. The others ask again and again, for a statement that waits for hours would keep
PostgreSQL from clearing away old rows of the head all that time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from service.store.connections import DatabaseUnavailable, connect_async

_RETRY_SECONDS: Final = 0.5
_TIMEOUT_SECONDS: Final = 2.3
# Advisory locks belong to a database, and each of its schemas may hold a record of its own.
_TRY: Final = """
SELECT pg_try_advisory_lock(hashtextextended(%s ||
  CASE current_schema() WHEN 'public' THEN '' ELSE ' of ' || current_schema() END, 0))
"""


class Lock:
    """A lock that is held, as far as is known."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def confirm(self) -> None:
        """Raises DatabaseUnavailable where the connection is lost, and with it the lock."""
        async with _bounded():
            await self._connection.execute("SELECT")


@asynccontextmanager
async def acquire(url: str, name: str, on_wait: Callable[[], None]) -> AsyncIterator[Lock]:
    """Holds a name. `stands_by` is called once where another has it. Raises DatabaseUnavailable."""
    async with _bounded():
        connection = await connect_async(url, name="irritants-lock")
    try:
        if not await _try_lock(connection, name):
            on_wait()
            while not await _try_lock(connection, name):  # noqa: ASYNC110 -- it is another process that lets go
                await asyncio.sleep(_RETRY_SECONDS)
        yield Lock(connection)
    finally:
        connection.pgconn.finish()  # at once, also where the server no longer answers


async def _try_lock(connection: psycopg.AsyncConnection[Any], name: str) -> bool:
    async with _bounded():
        row = await (await connection.execute(_TRY, [name])).fetchone()
        assert row is not None
        return bool(row[0])


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            yield
    except (psycopg.Error, OSError, TimeoutError) as error:
        said = str(error).partition("\n")[0]
        raise DatabaseUnavailable(said or "the database does not answer") from error
