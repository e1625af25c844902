"""Connections to the database, and the one exception for everything that is wrong with getting or keeping one.

Every connection is AUTOCOMMIT until `transaction` says otherwise: SQLAlchemy wraps each single read in BEGIN and
ROLLBACK, two round trips for nothing. All waits are bounded, so that a database that is down is said to be down within
five seconds and comes back without a restart: the pool checks a connection before it hands it out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, ExceptionContext, event, exc

from service.store.connections import DatabaseUnavailable, connect

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
    """A connection that was kept is dead. Another may be had at once; what it was last asked may have been done."""


class RolledBack(DatabaseUnavailable):
    """PostgreSQL ended a transaction and asks for another attempt. Nothing was written; it may be done again now."""


DatabaseRefuses: Final = exc.ProgrammingError
"""A right that the role has not, or a table or a column that is not there."""
# QueryCanceled and LockNotAvailable are operational errors too: a wait that was cut short.
_OUTAGES: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InFailedSqlTransaction,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# These are operational errors too, and no outage: the database works, and asks for another attempt.
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

    `statement_seconds` bounds each statement and each wait for a lock; None for long work: migrations, verify, rebuild.
    `opens` makes the driver's connections, where they are of another kind.
    """
    # The address goes to libpq as it stands: several hosts, services and sockets work as its manual says.
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
    """Replace all pooled connections where a migration has changed the type of a column.

    The statements that they prepared fail from then on, as long as the connection lives.
    """
    if _is_stale_plan(context.original_exception):
        context.is_disconnect = True


def _is_stale_plan(error: BaseException | None) -> bool:
    # By the function in PostgreSQL that raises it: the message is in the server's language.
    if not isinstance(error, psycopg.errors.FeatureNotSupported):
        return False
    return error.diag.source_function == "RevalidateCachedQuery"


def address(engine: Engine) -> str:
    """Where an engine connects to, for another process that is to work there."""
    return str(engine.get_execution_options()["address"])


@contextmanager
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection on which every statement is its own transaction."""
    with _translate_errors(), engine.connect() as connection:
        yield connection


@contextmanager
def transaction(engine: Engine, isolation: str = "READ COMMITTED") -> Iterator[Connection]:
    """A connection in one transaction: committed at the end, rolled back by an exception."""
    with _translate_errors(), engine.execution_options(isolation_level=isolation).begin() as connection:
        yield connection


class KeptConnection:
    """One connection that is kept from use to use, by one user at a time.

    To see that one from the pool is alive costs a round trip, as much as all else that a small append does to get its
    connection. Here a dead one is found out by using it: ConnectionLost.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """As `connection`. After an exception the next use has another connection."""
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
    """The psycopg connection underneath, in the same transaction: for the hot statements and for COPY."""
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


def first_line(error: BaseException) -> str:
    """What the database says, without what it says besides."""
    return str(error).partition("\n")[0] or type(error).__name__
