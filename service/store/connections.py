"""Open every connection to PostgreSQL, always in the same state.

What a connection is set to decides what is stored: bytes go to libpq as they are, so a `client_encoding` of LATIN1
would damage Cyrillic text. A role, a database, the address (`?options=`) and the environment (`PG*`) can all set that.
So each connection states everything that this code relies on, with SQL after connecting: PgBouncer refuses unknown
start-up options, and an `options` argument of ours would replace the one in the address.

What the address says is kept otherwise. It decides the schema, by `search_path`: the first schema there is holds the
record, for every connection alike.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

CONNECT_SECONDS: Final = 2  # the shortest that libpq takes
SESSIONS: Final = 10
"""The connections that one process may hold at the same time: eight in its pool, the head listener, and a check."""
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
"""Used where the address does not say otherwise."""

_STATE: Final[Mapping[str, str]] = {
    # How values are written and read.
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
    # What a transaction is.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    # The waits are bounded here or by the statement timeout; a session in the pool may be idle for hours.
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "plan_cache_mode": "auto",
    # The server too has to notice within seconds that a client's machine is gone; its default is two hours.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
# `off` acknowledges what a crash may still lose. A stronger or weaker wait for standbys that the operator chose stays.
_DURABLE: Final = (
    "CASE pg_catalog.current_setting('synchronous_commit')"
    " WHEN 'off' THEN pg_catalog.set_config('synchronous_commit', 'on', false) END"
)
_LOCATION: Final = """
SELECT pg_catalog.current_setting('server_encoding'), pg_catalog.current_database(), pg_catalog.current_schemas(false),
       pg_catalog.current_setting('search_path'), pg_catalog.to_regnamespace('public') IS NOT NULL
"""


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is overloaded, or is not taking writes; nothing was acknowledged."""


class UnusableDatabase(DatabaseUnavailable):
    """The database answers, but cannot hold a record as it is. The message says why and what to do."""


def connect(
    address: str,
    *,
    name: str,
    statement_seconds: float | None = None,
    kind: type[psycopg.Connection[Any]] = psycopg.Connection,
) -> psycopg.Connection[Any]:
    """Open a connection in autocommit mode. Raises psycopg.Error and UnusableDatabase.

    `address` is what libpq takes; `name` is shown in pg_stat_activity; `statement_seconds` bounds each statement.
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
        connection.pgconn.finish()  # at once, even where nothing answers any more
        raise
    return connection


def require_sessions(address: str) -> None:
    """Refuse a pooler that lends one session of the server to several clients in turn. Raises UnusableDatabase.

    PgBouncer does that in transaction and statement mode. There LISTEN, prepared statements and session settings belong
    to no client: the settings of another one would decide what is stored.
    """
    try:
        asyncio.run(require_sessions_async(address))
    except (psycopg.Error, OSError) as error:
        raise DatabaseUnavailable(str(error).partition("\n")[0]) from error


async def require_sessions_async(address: str) -> None:
    """Refuse a pooler as `require_sessions` does. Raises UnusableDatabase, psycopg.Error and OSError."""
    # Nothing is set on these connections: in those modes it would stay behind for other clients.
    conninfo = _conninfo(address, "irritants-check")
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as first:
        session = await _session(first)
        if session == first.info.backend_pid:
            return  # A pooler answers with a process id of its own, so there is none.
        try:
            async with asyncio.timeout(_POOLER_SECONDS):
                async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as second:
                    is_shared = await _share_sessions(first, session, second)
        except TimeoutError:
            raise UnusableDatabase(
                f"the pooler in front of the database gives no second session within {_POOLER_SECONDS} seconds; each"
                f" process of this service needs {SESSIONS} at the same time"
            ) from None
        except psycopg.errors.ProtocolViolation as error:  # statement mode knows no transactions
            raise UnusableDatabase(f"{_SHARED_SESSIONS} It says: {str(error).strip()}") from error
    if is_shared:
        raise UnusableDatabase(_SHARED_SESSIONS)


async def _share_sessions(
    first: psycopg.AsyncConnection[Any], session: int, second: psycopg.AsyncConnection[Any]
) -> bool:
    await second.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
    if await _session(second) == session:
        return True
    # Where the pooler hands its sessions out in turn, the first client gets another one now.
    return any([await _session(first) != session for _ in range(_PROBES)])


async def _session(connection: psycopg.AsyncConnection[Any]) -> int:
    row = await (await connection.execute("SELECT pg_catalog.pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


def _conninfo(address: str, name: str) -> str:
    given: dict[str, Any] = {"application_name": name, **_DEFAULTS, **conninfo_to_dict(address)}
    return make_conninfo(**(given | {"client_encoding": "UTF8"}))


def _timeouts(statement_seconds: float | None, server_version: int) -> sql.Composed:
    # The statements are small: to compile one (jit) costs a hundred times what it takes to run.
    # First and by themselves: the timeouts that the role brings could already cut the next statement short.
    milliseconds = 0 if statement_seconds is None else round(statement_seconds * 1000)
    state = {"statement_timeout": milliseconds, "jit": "off"}
    if server_version >= 170000:
        state["transaction_timeout"] = 0
    return sql.SQL("; ").join(
        sql.SQL("SET {} = {}").format(sql.Identifier(name), value) for name, value in state.items()
    )


def _schema(location: tuple[Any, ...] | None) -> str:
    """Return the schema that holds the record."""
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
    # pg_temp last: else a temporary table would take the place of one of the record's.
    state = {**_STATE, "search_path": f"{sql.Identifier(schema).as_string()}, pg_temp"}
    settings = [sql.SQL("pg_catalog.set_config({}, {}, false)").format(*setting) for setting in state.items()]
    return sql.SQL("SELECT ") + sql.SQL(", ").join([*settings, sql.SQL(_DURABLE)])
