"""Open every connection to PostgreSQL, always in the same state.

The settings of a connection affect what is stored: with a `client_encoding` of LATIN1, Cyrillic text would be damaged.
Roles, databases, the address (`?options=`) and the environment (`PG*`) can change them. So each connection sets
everything that this code relies on. It does so with SQL after connecting, because PgBouncer refuses unknown start-up
options, and an `options` argument would replace the one in the address.

All else in the address has its effect. Its `search_path` decides the schema: the record is in the first schema that
exists.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

CONNECT_SECONDS: Final = 2  # the shortest that libpq accepts
SESSIONS: Final = 10
"""The connections of one process: eight in its pool, the head listener, and a check."""
_POOLER_SECONDS: Final = 5
_PROBES: Final = 10
_SHARED_SESSIONS: Final = (
    "a pooler in front of the database lends one session to several clients (as PgBouncer does in transaction and"
    " statement mode), which this service cannot use: set pool_mode = session for this database, or give the address of"
    " PostgreSQL itself."
)

_DEFAULTS: Final[Mapping[str, int]] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "tcp_user_timeout": 4000,
}
"""Used unless the address sets them."""

_STATE: Final[Mapping[str, str]] = {
    # The formats of values.
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",  # verify compares what pg_get_triggerdef prints
    # The properties of transactions.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # The statement timeout and this code limit all waits. A session in the pool may be idle for hours.
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "plan_cache_mode": "auto",
    # The server notices within seconds that the machine of a client is gone. Its default is two hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
# `off` acknowledges commits that a crash can lose. Other values, about standbys, are the choice of the operator.
_DURABLE: Final = (
    "CASE pg_catalog.current_setting('synchronous_commit')"
    " WHEN 'off' THEN pg_catalog.set_config('synchronous_commit', 'on', false) END"
)
_LOCATION: Final = """
SELECT pg_catalog.current_setting('server_encoding'), pg_catalog.current_database(), pg_catalog.current_schemas(false),
       pg_catalog.current_setting('search_path'), pg_catalog.to_regnamespace('public') IS NOT NULL
"""


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is overloaded, or refuses writes. Nothing was acknowledged."""


class UnusableDatabase(DatabaseUnavailable):
    """The database answers, but cannot hold a record as it is. The message says why and what to do."""


def first_line(error: BaseException) -> str:
    """Return the message of an error without its details, or the name of its class if it has no message."""
    return str(error).partition("\n")[0] or type(error).__name__


def connect(
    address: str,
    *,
    name: str,
    statement_seconds: float | None = None,
    kind: type[psycopg.Connection[Any]] = psycopg.Connection,
) -> psycopg.Connection[Any]:
    """Open a connection in autocommit mode. Raises psycopg.Error and UnusableDatabase.

    `address` is an address or a connection string of libpq. `name` appears in pg_stat_activity. `statement_seconds`
    limits each statement.
    """
    connection = kind.connect(_conninfo(address, name), autocommit=True)
    try:
        connection.execute(_timeouts(statement_seconds, connection.info.server_version))
        location = connection.execute(_LOCATION).fetchone()
        connection.execute(_settings(_schema(location)))
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(
    address: str, *, name: str, statement_seconds: float | None = None
) -> psycopg.AsyncConnection[Any]:
    """Open a connection for asyncio, as `connect` does."""
    connection = await psycopg.AsyncConnection.connect(_conninfo(address, name), autocommit=True)
    try:
        await connection.execute(_timeouts(statement_seconds, connection.info.server_version))
        location = await (await connection.execute(_LOCATION)).fetchone()
        await connection.execute(_settings(_schema(location)))
    except BaseException:
        connection.pgconn.finish()  # at once, even if the server no longer answers
        raise
    return connection


def require_sessions(address: str) -> None:
    """Refuse a pooler that shares a session of the server between clients. Raises UnusableDatabase.

    PgBouncer does that in transaction and statement mode. Then LISTEN and prepared statements fail, and the settings of
    another client would affect what is stored.
    """
    try:
        asyncio.run(require_sessions_async(address))
    except (psycopg.Error, OSError) as error:
        raise DatabaseUnavailable(first_line(error)) from error


async def require_sessions_async(address: str) -> None:
    """Refuse a pooler as `require_sessions` does. Raises UnusableDatabase, psycopg.Error and OSError."""
    # Set nothing on these connections: in those modes it would remain for other clients.
    conninfo = _conninfo(address, "irritants-check")
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as first:
        session = await _session(first)
        if session == first.info.backend_pid:
            return  # A pooler would answer with its own process id, so there is none.
        try:
            async with asyncio.timeout(_POOLER_SECONDS):
                async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as second:
                    is_shared = await _share_sessions(first, session, second)
        except TimeoutError:
            raise UnusableDatabase(
                f"the pooler in front of the database gives no second session within {_POOLER_SECONDS} seconds; each"
                f" process of this service needs {SESSIONS} at the same time"
            ) from None
        except psycopg.errors.ProtocolViolation as error:  # statement mode has no transactions
            raise UnusableDatabase(f"{_SHARED_SESSIONS} It says: {str(error).strip()}") from error
    if is_shared:
        raise UnusableDatabase(_SHARED_SESSIONS)


async def _share_sessions(
    first: psycopg.AsyncConnection[Any], session: int, second: psycopg.AsyncConnection[Any]
) -> bool:
    await second.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
    if await _session(second) == session:
        return True
    # If the pooler assigns sessions in turn, the first client gets another one now.
    return any([await _session(first) != session for _ in range(_PROBES)])


async def _session(connection: psycopg.AsyncConnection[Any]) -> int:
    row = await (await connection.execute("SELECT pg_catalog.pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


def _conninfo(address: str, name: str) -> str:
    given: dict[str, Any] = {"application_name": name, **_DEFAULTS, **conninfo_to_dict(address)}
    return make_conninfo(**(given | {"client_encoding": "UTF8"}))


def _timeouts(statement_seconds: float | None, server_version: int) -> sql.Composed:
    # No jit: to compile a small statement takes a hundred times as long as to run it.
    # Set first, because a timeout of the role could end the next statement.
    milliseconds = 0 if statement_seconds is None else round(statement_seconds * 1000)
    state = {"statement_timeout": milliseconds, "jit": "off"}
    if server_version >= 170000:
        state["transaction_timeout"] = 0
    return sql.SQL("; ").join(
        sql.SQL("SET {} = {}").format(sql.Identifier(name), value) for name, value in state.items()
    )


def _schema(location: tuple[Any, ...] | None) -> str:
    """Return the schema that holds the record. Raises UnusableDatabase."""
    assert location is not None
    encoding, database, schemas, search_path, has_public = location
    if encoding != "UTF8":
        raise UnusableDatabase(
            f"the database {database} is encoded in {encoding}, and a record needs UTF8: create one with"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    own = [schema for schema in schemas if not _is_system_schema(schema)]
    if own:
        return str(own[0])
    if has_public and all(_is_system_schema(part.strip().strip('"')) for part in search_path.split(",")):
        return "public"
    raise UnusableDatabase(
        f"the database {database} has none of the schemas that search_path names, which is: {search_path}. Create the"
        " schema, or name another one in the address, for example ?options=-csearch_path%3Dpublic"
    )


def _is_system_schema(schema: str) -> bool:
    """Return whether a name in search_path names no schema that could hold a record."""
    return schema.startswith("pg_") or schema in ("", "$user", "information_schema")


def _settings(schema: str) -> sql.Composed:
    # pg_temp last, so that a temporary table cannot hide a table of the record.
    state = {**_STATE, "search_path": f"{sql.Identifier(schema).as_string()}, pg_temp"}
    settings = [sql.SQL("pg_catalog.set_config({}, {}, false)").format(*setting) for setting in state.items()]
    return sql.SQL("SELECT ") + sql.SQL(", ").join([*settings, sql.SQL(_DURABLE)])
