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

_ASK_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 2.3
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
        async with _answering():
            await self._connection.execute("SELECT")


@asynccontextmanager
async def held(url: str, name: str, stands_by: Callable[[], None]) -> AsyncIterator[Lock]:
    """Holds a name. `stands_by` is called once where another has it. Raises DatabaseUnavailable."""
    async with _answering():
        connection = await connect_async(url, name="irritants-lock")
    try:
        if not await _taken(connection, name):
            stands_by()
            while not await _taken(connection, name):  # noqa: ASYNC110 -- it is another process that lets go
                await asyncio.sleep(_ASK_SECONDS)
        yield Lock(connection)
    finally:
        connection.pgconn.finish()  # at once, also where the server no longer answers


async def _taken(connection: psycopg.AsyncConnection[Any], name: str) -> bool:
    async with _answering():
        row = await (await connection.execute(_TRY, [name])).fetchone()
        assert row is not None
        return bool(row[0])


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except (psycopg.Error, OSError, TimeoutError) as error:
        said = str(error).partition("\n")[0]
        raise DatabaseUnavailable(said or "the database does not answer") from error
