"""A role whose sessions have harmful settings, which could change what is stored, read or waited for.

With TEST_HOSTILE=1, every test that takes its database from the fixtures connects as this role. Each setting stands for
one that a role, a database, an address or the environment may have in production.
"""

import os
import secrets
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier, Literal

IS_WANTED: Final = os.environ.get("TEST_HOSTILE", "") not in ("", "0")

SETTINGS: Final = {
    "client_encoding": "LATIN1",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "session_replication_role": "replica",
    "synchronous_commit": "off",
    "search_path": "pg_temp, pg_catalog",
    "statement_timeout": "500ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "5ms",
    "idle_session_timeout": "500ms",
    "jit": "on",
    "jit_above_cost": "1",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "client_min_messages": "debug1",
    "row_security": "off",
}
LISTS: Final = {"search_path"}
BEFORE: Final = {190000: {"standard_conforming_strings": "off"}}
"""Settings that newer versions of the server reject."""
SINCE: Final = {170000: {"transaction_timeout": "500ms"}}
ENVIRONMENT: Final = {
    "PGCLIENTENCODING": "LATIN2",
    "PGDATESTYLE": "SQL, DMY",
    "PGTZ": "America/Caracas",
    "PGAPPNAME": "a stranger",
}


def settings_of(server_version: int) -> dict[str, str]:
    """Return the hostile settings that a server of this version accepts."""
    found = dict(SETTINGS)
    for version, earlier in BEFORE.items():
        found |= earlier if server_version < version else {}
    for version, later in SINCE.items():
        found |= later if server_version >= version else {}
    return found


def make_role(admin: "psycopg.Connection[Any]", name: str) -> str:
    """Create a superuser with these settings. Return its password."""
    password = secrets.token_hex(16)
    admin.execute(SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(Identifier(name), Literal(password)))
    for setting, value in settings_of(admin.info.server_version).items():
        # Pass a list as several literals, not as one with commas.
        values = SQL(", ").join(map(Literal, value.split(", ") if setting in LISTS else [value]))
        admin.execute(SQL("ALTER ROLE {} SET {} = {}").format(Identifier(name), Identifier(setting), values))
    return password


def lift_limits(c: "psycopg.Connection[Any]") -> None:
    """Remove the time limits of this role from a test's own session, which would end on a slow machine.

    The session must commit each statement by itself.
    """
    limits = [setting for setting in settings_of(c.info.server_version) if setting.endswith("_timeout")]
    for setting in ["jit", *limits]:
        c.execute(SQL("SET {} = {}").format(Identifier(setting), Literal("off" if setting == "jit" else "0")))


def as_role(server: str, name: str, password: str) -> str:
    """Return an address with another role."""
    parts = urlsplit(server)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{name}:{password}@{place}").geturl()
