"""The connection that queries the head, and listens for NOTIFY, which says that there are new events.

Every read of the process waits for this query. So it uses libpq directly, which takes 9 µs of processor time.
`AsyncConnection.execute` takes 53 µs.

If the connection is lost, the query fails, and the next one opens a new connection. After a failover this may lead to
another copy of the record. `_has_head` checks that the copy has the last head that was read.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from service.store.connections import DatabaseUnavailable, connect_async
from service.store.log import CHANNEL, Head

MOST_CHANGED: Final = 1_000
"""With more changed documents than this, the follower empties its caches. The query asks for one more, to notice it."""
_MOST_POSITIONS: Final = 10_000
"""With more missed positions than this, the follower empties its caches. A report has 10,000 events at most."""

_TIMEOUT_SECONDS: Final = 2.3  # the longest wait is two of these, less than five seconds

_COLUMNS: Final = """record, position, encode(chain_hash, 'hex'),
       to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), keys_version, highest, relabelled"""
_HEAD: Final = f"SELECT {_COLUMNS} FROM head"  # noqa: S608 -- constants
# Sent only if the head moved. It is not prepared, because a plan that was made for an empty table reads the whole table
# when it has grown. The upper limit of positions makes PostgreSQL plan for a small part of the table.
CHANGES: Final = f"""
SELECT {_COLUMNS},
       (SELECT json_agg(json_build_array(name, relation, key, position))
          FROM (SELECT name, relation, key, position FROM read_models
                 WHERE read_models.position > $1::bigint
                   AND read_models.position <= $1::bigint + {_MOST_POSITIONS}
                 ORDER BY position LIMIT {MOST_CHANGED + 1}) AS document) AS changed
  FROM head
"""  # noqa: S608 -- constants
# `chain` has every event. The last one that an audience saw can be withheld from it since.
_HAS_HEAD: Final = """
SELECT record = %s AND (%s = 0 OR EXISTS (SELECT FROM chain WHERE chain.position = %s AND chain.chain_hash = %s))
  FROM head
"""


class Changed(NamedTuple):
    """The key of a stored document that changed, and the position of the event that changed it."""

    name: str
    relation: str
    key: str
    position: int


class HeadUpdate(NamedTuple):
    """The head, and the documents that changed since a position. `changed` is None if any document may have changed.

    `is_other`: the record no longer has the head that was read before. The chain hash shows it.
    """

    head: Head
    changed: tuple[Changed, ...] | None
    is_other: bool = False


class HeadListener:
    """Queries the head, one query at a time, for one task. Calls `on_notice` when there are new events.

    `clearance` is the rank of the audience whose head it queries, None for that of the whole record.
    """

    def __init__(self, url: str, on_notice: Callable[[], None], clearance: int | None = None) -> None:
        self._url, self._on_notice, self._clearance = url, on_notice, clearance
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._pending: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._socket = -1
        self._seen: Head | None = None  # the last head that was read, on any connection
        self._has_notice = False
        self._last: tuple[list[bytes | None], Head] | None = None  # the last row on this connection, and its head

    async def head_since(self, position: int) -> HeadUpdate:
        """Return the head, and the documents that changed after a position. Both are read after this call began.

        With a new connection `changed` is None, because it may lead to another copy of the record. Raises
        DatabaseUnavailable.
        """
        try:
            if self._connection is not None:
                return await self._query(self._connection.pgconn, position)
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._connection, is_other = await self._connect()
                return (await self._query(self._connection.pgconn, position))._replace(changed=None, is_other=is_other)
        except (psycopg.Error, OSError, TimeoutError) as error:
            self._disconnect(error)
            raise DatabaseUnavailable(str(error) or "the database does not answer") from error

    def close(self) -> None:
        self._disconnect(DatabaseUnavailable("closed"))

    async def _connect(self) -> tuple[psycopg.AsyncConnection[Any], bool]:
        """Open a connection. Return it, and whether its record lacks the head that was read before."""
        connection = await connect_async(self._url, name="irritants-head", clearance=self._clearance)
        try:
            # LISTEN before the query, so that a commit in between sends a notice.
            await connection.execute(f"LISTEN {CHANNEL}")
            await connection.execute(f"PREPARE head AS {_HEAD}")
            is_other = not await _has_head(connection, self._seen)
        except BaseException:
            await connection.close()
            raise
        self._socket = connection.pgconn.socket
        asyncio.get_running_loop().add_reader(self._socket, self._readable, connection.pgconn)
        return connection, is_other

    async def _query(self, pgconn: PGconn, position: int) -> HeadUpdate:
        # After a notice the head has moved, so only the second query is needed.
        if not self._has_notice:
            head = self._head_of(await self._execute(pgconn, lambda: pgconn.send_query_prepared(b"head", [])))
            if head.position <= position:
                return HeadUpdate(head, ())
        self._has_notice = False
        # Read the head again, in one snapshot with the changes, because it may have moved since.
        parameters = [b"%d" % position]
        *values, changed = await self._execute(pgconn, lambda: pgconn.send_query_params(CHANGES.encode(), parameters))
        head = self._head_of(values)
        documents = tuple(Changed(*document) for document in json.loads(changed or b"[]"))
        is_complete = len(documents) <= MOST_CHANGED and head.position - position <= _MOST_POSITIONS
        return HeadUpdate(head, documents if is_complete else None)

    async def _execute(self, pgconn: PGconn, send: Callable[[], None]) -> list[bytes | None]:
        """Send a query and return its only row."""
        loop = asyncio.get_running_loop()
        self._pending = loop.create_future()
        send()
        if pgconn.flush():
            raise psycopg.OperationalError("the query cannot be sent at once")
        # Faster than asyncio.timeout, which would take a twentieth of the time of a 304.
        timeout = loop.call_later(_TIMEOUT_SECONDS, self._disconnect, TimeoutError())
        try:
            result = await self._pending
        finally:
            timeout.cancel()
        if result.status != ExecStatus.TUPLES_OK or result.ntuples != 1:
            raise psycopg.OperationalError(result.get_error_message() or "the head row is missing")
        return [result.get_value(0, column) for column in range(result.nfields)]

    def _head_of(self, values: list[bytes | None]) -> Head:
        """Return the head of a row. If it did not move, return the same object as before."""
        if self._last is None or self._last[0] != values:
            self._last = values, _head(values)
        self._seen = self._last[1]
        return self._seen

    def _readable(self, pgconn: PGconn) -> None:
        """Take what the socket has: notices, and the result of the query that is pending."""
        try:
            pgconn.consume_input()
            is_notified = False
            while pgconn.notifies() is not None:
                is_notified = self._has_notice = True
            self._receive_result(pgconn)
        except psycopg.Error as error:
            self._disconnect(error)
            is_notified = True  # the next query opens another connection and reads what was missed
        if is_notified:
            self._on_notice()

    def _receive_result(self, pgconn: PGconn) -> None:
        while self._pending is not None and not pgconn.is_busy():
            if (result := pgconn.get_result()) is not None:
                self._result = result
                continue
            answer, self._pending = self._pending, None
            if not answer.done() and self._result is not None:
                answer.set_result(self._result)

    def _disconnect(self, error: Exception) -> None:
        connection, self._connection, self._last, self._result = self._connection, None, None, None
        if connection is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            connection.pgconn.finish()
        answer, self._pending = self._pending, None
        if answer is not None and not answer.done():
            answer.set_exception(error)


async def _has_head(connection: psycopg.AsyncConnection[Any], seen: Head | None) -> bool:
    """Return whether the record has this head, and so all events before it."""
    if seen is None:
        return True
    found = await connection.execute(_HAS_HEAD, (seen.record, seen.position, seen.position, seen.chain_hash))
    row = await found.fetchone()
    return bool(row and row[0])


def _head(values: list[bytes | None]) -> Head:
    record, position, chain_hash, recorded_at, *numbers = ("" if v is None else v.decode() for v in values)
    moment = datetime.fromisoformat(recorded_at)
    return Head(record, int(position), bytes.fromhex(chain_hash), moment, *map(int, numbers))
