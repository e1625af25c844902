"""Pooled connections and transactions for SQLAlchemy. Every failure of a connection raises DatabaseUnavailable.

Outside `transaction`, each statement is its own transaction. Otherwise SQLAlchemy would send BEGIN and ROLLBACK with
each read, two more round trips. All waits are limited, so an outage is reported within five seconds. The pool checks
each connection before use, so the service works again after an outage without a restart.
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
    "DedicatedConnection",
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
    """A dedicated connection is dead. A new one may work at once. The last statement may have been executed or not."""


class RolledBack(DatabaseUnavailable):
    """PostgreSQL rolled the transaction back. Nothing was written, and the caller can retry at once."""


DatabaseRefuses: Final = exc.ProgrammingError
"""The role lacks a privilege, or a table or a column is missing."""
# OperationalError includes QueryCanceled and LockNotAvailable, which mean that a wait was too long.
_OUTAGES: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InFailedSqlTransaction,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# These are OperationalErrors too, but the database works, and the transaction can be retried.
_ROLLED_BACK: Final = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def open_engine(
    url: str,
    *,
    connections: int = 8,
    statement_seconds: float | None = 5,
    pre_ping: bool = True,
    clearance: int | None = None,
    connect_by: Callable[[], psycopg.Connection[Any]] | None = None,
) -> Engine:
    """Return an engine for the address of a database (`postgresql://…`). It connects at the first use.

    `statement_seconds` limits each statement and each wait for a lock. Use None for migrations, verify and rebuild.
    `clearance` is the rank of the audience that it reads for, None for the whole record.
    `connect_by` replaces the function that opens a connection of the driver.
    """

    def open_connection() -> psycopg.Connection[Any]:
        return connect(url, name="irritants", statement_seconds=statement_seconds, clearance=clearance)

    # libpq gets the address unchanged, so several hosts, services and sockets work as its manual says.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        execution_options={"address": url},
        creator=connect_by or open_connection,
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
    """Replace all pooled connections if their prepared statements fail, because a migration changed a column."""
    if _is_stale_plan(context.original_exception):
        context.is_disconnect = True


def _is_stale_plan(error: BaseException | None) -> bool:
    # The name of the function in PostgreSQL identifies the error. The message is in the language of the server.
    if not isinstance(error, psycopg.errors.FeatureNotSupported):
        return False
    return error.diag.source_function == "RevalidateCachedQuery"


def address(engine: Engine) -> str:
    """Return the address of the database of an engine, for another process."""
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


class DedicatedConnection:
    """One connection that one thread uses again and again, here the writer thread.

    The pool would check the connection before each use, one more round trip for each append. Without that check, a dead
    connection raises ConnectionLost at its next use.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Yield the connection. After an exception, the next use opens a new one. Raises DatabaseUnavailable."""
        reused = self._connection
        try:
            with _translate_errors():
                self._connection = reused or self._engine.connect()
                yield self._connection
        except BaseException as error:
            lost = reused is not None and _is_dead(reused)
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
    """Return the psycopg connection, which is in the same transaction. Use it for COPY and for frequent statements."""
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
