"""Pooled connections and transactions. Every failure of a connection raises DatabaseUnavailable.

A connection is in AUTOCOMMIT mode outside `transaction`: SQLAlchemy would wrap each read in BEGIN and ROLLBACK, two
more round trips. All waits are bounded, so that an outage is reported within five seconds. The pool checks a connection
before use, so the service recovers without a restart.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, ExceptionContext, event, exc

from service.store.connections import DatabaseUnavailable, connect, first_line

__all__ = [
    "ConnectionLost",
    "DatabaseRefuses",
    "DatabaseUnavailable",
    "KeptConnection",
    "RolledBack",
    "address",
    "connection",
    "driver",
    "first_line",
    "open_engine",
    "transaction",
]

_POOL_SECONDS: Final = 2


class ConnectionLost(DatabaseUnavailable):
    """A kept connection is dead. A new one may work at once. The last statement may have been executed."""


class RolledBack(DatabaseUnavailable):
    """PostgreSQL rolled a transaction back. Nothing was written, and the caller can retry at once."""


DatabaseRefuses: Final = exc.ProgrammingError
"""The role lacks a privilege, or a table or a column is missing."""
# Operational errors include QueryCanceled and LockNotAvailable: a wait exceeded its limit.
_OUTAGES: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InFailedSqlTransaction,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# These are operational errors too, but the database works: the transaction has to be retried.
_ROLLED_BACK: Final = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def open_engine(
    url: str,
    *,
    connections: int = 8,
    statement_seconds: float | None = 5,
    pre_ping: bool = True,
    connect_by: Callable[[], psycopg.Connection[Any]] | None = None,
) -> Engine:
    """Return an engine on a libpq address (`postgresql://…`). It connects at the first use.

    `statement_seconds` limits each statement and each wait for a lock. Use None for migrations, verify and rebuild.
    `connect_by` opens the connections of the driver, for example of another class.
    """
    # The address goes to libpq unchanged, so several hosts, services and sockets work as in its manual.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        execution_options={"address": url},
        creator=connect_by or (lambda: connect(url, name="irritants", statement_seconds=statement_seconds)),
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=pre_ping,
        pool_use_lifo=True,
    )
    event.listen(engine, "handle_error", _replace_connections_after_a_migration)
    return engine


def _replace_connections_after_a_migration(context: ExceptionContext) -> None:
    """Replace all pooled connections after a migration has changed the type of a column.

    The prepared statements of the old connections fail from then on.
    """
    if _is_stale_plan(context.original_exception):
        context.is_disconnect = True


def _is_stale_plan(error: BaseException | None) -> bool:
    # Identified by the function in PostgreSQL, because the message is in the language of the server.
    if not isinstance(error, psycopg.errors.FeatureNotSupported):
        return False
    return error.diag.source_function == "RevalidateCachedQuery"


def address(engine: Engine) -> str:
    """Return the address that an engine connects to, for another process."""
    return str(engine.get_execution_options()["address"])


@contextmanager
def connection(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on which every statement is its own transaction. Raises DatabaseUnavailable."""
    with _translate_errors(), engine.connect() as connection:
        yield connection


@contextmanager
def transaction(engine: Engine, isolation: str = "READ COMMITTED") -> Iterator[Connection]:
    """Yield a connection in one transaction: committed at the end, rolled back by an exception."""
    with _translate_errors(), engine.execution_options(isolation_level=isolation).begin() as connection:
        yield connection


class KeptConnection:
    """One connection for repeated use by one thread.

    The pool would check the connection before each use, which costs a small append a round trip. Here a dead connection
    fails at its next use with ConnectionLost.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Yield the connection. After an exception the next use opens another one. Raises DatabaseUnavailable."""
        known = self._connection
        try:
            with _translate_errors():
                self._connection = known or self._engine.connect()
                yield self._connection
        except BaseException as error:
            lost = known is not None and _is_dead(known)
            self.release()
            if lost and isinstance(error, DatabaseUnavailable):
                raise ConnectionLost(str(error)) from error
            raise

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if _is_dead(connection):
                connection.invalidate()
            connection.close()


def _is_dead(connection: Connection) -> bool:
    return connection.invalidated or driver(connection).closed


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection, in the same transaction: for frequent statements and for COPY."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except _OUTAGES as error:
        raise _unavailable(error) from error
    except exc.TimeoutError as error:
        raise DatabaseUnavailable("all connections to the database are in use") from error
    except exc.DBAPIError as error:
        if isinstance(error.orig, _OUTAGES):
            raise _unavailable(error.orig) from error
        if _is_stale_plan(error.orig):
            raise RolledBack("a migration changed the tables under a prepared statement") from error
        raise


def _unavailable(error: Exception) -> DatabaseUnavailable:
    return (RolledBack if isinstance(error, _ROLLED_BACK) else DatabaseUnavailable)(first_line(error))
