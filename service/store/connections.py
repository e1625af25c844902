"""Open connections to PostgreSQL, always with the same settings.

The settings of a connection can change what is stored. With a `client_encoding` of LATIN1, for example, Cyrillic text
would be damaged. Roles, databases, the address (`?options=`) and environment variables (`PG*`) can change settings. So
each connection sets everything that this code relies on. It does this with SQL after connecting, because PgBouncer
refuses unknown start-up options, and because an `options` argument would replace the one in the address.

Other parts of the address keep their effect. Its `search_path` decides the schema of the record: the first one in it
that exists.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.store.audience import CLEARANCE, schema_of_views
from service.store.releases import session_name

CONNECT_SECONDS: Final = 2  # the shortest that libpq accepts
SESSIONS: Final = 10
"""The most connections of one process: eight in its pool, one of the head listener, and one for checks."""
_POOLER_SECONDS: Final = 5
_PROBES: Final = 10  # queries that show if a pooler changes the session of a connection
_SHARED_SESSIONS: Final = (
    "a pooler in front of the database shares sessions between clients, as PgBouncer does in transaction and statement"
    " mode. This service needs its own sessions: set pool_mode = session for this database, or give the address of"
    " PostgreSQL itself."
)

_DEFAULTS: Final[Mapping[str, int]] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "tcp_user_timeout": 4000,
}
"""Settings of the client, unless the address has other values."""

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
    # Other timeouts would end a session that is idle in the pool, or a transaction that waits. This code limits waits.
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "plan_cache_mode": "auto",
    # The server notices within seconds that a client is gone. By default it takes two hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
# With `off`, a crash can lose acknowledged commits. The other values are about standbys, and the operator's choice.
_DURABLE: Final = (
    "CASE pg_catalog.current_setting('synchronous_commit')"
    " WHEN 'off' THEN pg_catalog.set_config('synchronous_commit', 'on', false) END"
)
_LOCATION: Final = """
SELECT pg_catalog.current_setting('server_encoding'), pg_catalog.current_database(), pg_catalog.current_schemas(false),
       pg_catalog.current_setting('search_path'), pg_catalog.to_regnamespace('public') IS NOT NULL
"""


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is overloaded, or refuses writes."""


class UnusableDatabase(DatabaseUnavailable):
    """The database answers, but this service cannot use it. The message says why and what to do."""


def first_line(error: BaseException) -> str:
    """Return the message of an error without its details, or the name of its class if it has no message."""
    return str(error).partition("\n")[0] or type(error).__name__


def connect(
    address: str,
    *,
    name: str,
    statement_seconds: float | None = None,
    clearance: int | None = None,
    kind: type[psycopg.Connection[Any]] = psycopg.Connection,
) -> psycopg.Connection[Any]:
    """Open a connection in autocommit mode. Raises psycopg.Error and UnusableDatabase.

    `address` is an address or a connection string of libpq. `name` begins the name in pg_stat_activity, as in
    `releases`. `statement_seconds` limits each statement. `clearance` is the rank of the audience that the connection
    reads for (see `audience`), None for the whole record.
    """
    connection = kind.connect(_conninfo(address, name), autocommit=True)
    try:
        connection.execute(_timeouts(statement_seconds, connection.info.server_version))
        location = connection.execute(_LOCATION).fetchone()
        connection.execute(_settings(_schema(location), clearance))
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(
    address: str, *, name: str, statement_seconds: float | None = None, clearance: int | None = None
) -> psycopg.AsyncConnection[Any]:
    """Open a connection for asyncio. Otherwise like `connect`."""
    connection = await psycopg.AsyncConnection.connect(_conninfo(address, name), autocommit=True)
    try:
        await connection.execute(_timeouts(statement_seconds, connection.info.server_version))
        location = await (await connection.execute(_LOCATION)).fetchone()
        await connection.execute(_settings(_schema(location), clearance))
    except BaseException:
        connection.pgconn.finish()  # at once, even if the server no longer answers
        raise
    return connection


def refuse_shared_sessions(address: str) -> None:
    """Raise UnusableDatabase if a pooler shares sessions of the server between clients.

    PgBouncer does that in transaction and statement mode. Then LISTEN and prepared statements fail, and settings of
    another client could change what is stored.
    """
    try:
        asyncio.run(refuse_shared_sessions_async(address))
    except (psycopg.Error, OSError) as error:
        raise DatabaseUnavailable(first_line(error)) from error


async def refuse_shared_sessions_async(address: str) -> None:
    """Raise UnusableDatabase as `refuse_shared_sessions` does, or psycopg.Error or OSError."""
    # Change no settings on these connections, because a shared session would keep them for other clients.
    conninfo = _conninfo(address, "irritants-check")
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as first:
        session = await _session(first)
        if session == first.info.backend_pid:
            return  # There is no pooler: it would have given another process id than the server.
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
    """Return whether two connections share sessions of the server. `session` is that of the first one."""
    await second.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
    if await _session(second) == session:
        return True
    # A pooler that assigns sessions in turn gives the first client another one now.
    return any([await _session(first) != session for _ in range(_PROBES)])


async def _session(connection: psycopg.AsyncConnection[Any]) -> int:
    """Return the process id of the session on the server."""
    row = await (await connection.execute("SELECT pg_catalog.pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


def _conninfo(address: str, name: str) -> str:
    given: dict[str, Any] = {**_DEFAULTS, **conninfo_to_dict(address)}
    named = session_name(name, given.get("application_name"))
    return make_conninfo(**(given | {"application_name": named, "client_encoding": "UTF8"}))


def _timeouts(statement_seconds: float | None, server_version: int) -> sql.Composed:
    # These are set first, because a timeout of the role could end the next statement. Without jit, because compiling a
    # small statement takes a hundred times as long as running it.
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
            f"the database {database} has the encoding {encoding}, and a record needs UTF8. Create a database with"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    own = [schema for schema in schemas if not _is_system_schema(schema)]
    if own:
        return str(own[0])
    if has_public and all(_is_system_schema(part.strip().strip('"')) for part in search_path.split(",")):
        return "public"
    raise UnusableDatabase(
        f"the database {database} has none of the schemas in its search_path ({search_path}). Create one of them, or"
        " name another one in the address, for example ?options=-csearch_path%3Dpublic"
    )


def _is_system_schema(schema: str) -> bool:
    """Return whether this name in search_path is not that of a schema for a record."""
    return schema.startswith("pg_") or schema in ("", "$user", "information_schema")


def _settings(schema: str, clearance: int | None) -> sql.Composed:
    # pg_temp last, so that a temporary table cannot hide a table of the record.
    schemas = [schema] if clearance is None else [schema_of_views(schema), schema]
    path = ", ".join([*(sql.Identifier(name).as_string() for name in schemas), "pg_temp"])
    state = {**_STATE, "search_path": path} | ({} if clearance is None else {CLEARANCE: str(clearance)})
    settings = [sql.SQL("pg_catalog.set_config({}, {}, false)").format(*setting) for setting in state.items()]
    return sql.SQL("SELECT ") + sql.SQL(", ").join([*settings, sql.SQL(_DURABLE)])
