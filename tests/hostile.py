"""A role whose sessions begin in every state that could change what is stored, read or waited for.

TEST_HOSTILE=1 has every test that takes its database from the fixtures connect as this role. Each setting here stands
for one that a stranger's role, database, address or environment may bring.
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
"""Settings that a version of the server no longer takes."""
SINCE: Final = {170000: {"transaction_timeout": "500ms"}}
ENVIRONMENT: Final = {
    "PGCLIENTENCODING": "LATIN2",
    "PGDATESTYLE": "SQL, DMY",
    "PGTZ": "America/Caracas",
    "PGAPPNAME": "a stranger",
}


def settings_of(server_version: int) -> dict[str, str]:
    """Every hostile setting that a server of this version takes."""
    found = dict(SETTINGS)
    for version, earlier in BEFORE.items():
        found |= earlier if server_version < version else {}
    for version, later in SINCE.items():
        found |= later if server_version >= version else {}
    return found


def make_role(admin: "psycopg.Connection[Any]", name: str) -> str:
    """Make the role, which may do everything, and return its password."""
    password = secrets.token_hex(16)
    admin.execute(SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(Identifier(name), Literal(password)))
    for setting, value in settings_of(admin.info.server_version).items():
        # A list is not one value with commas in it.
        values = SQL(", ").join(map(Literal, value.split(", ") if setting in LISTS else [value]))
        admin.execute(SQL("ALTER ROLE {} SET {} = {}").format(Identifier(name), Identifier(setting), values))
    return password


def as_role(server: str, name: str, password: str) -> str:
    """Return an address as it is for another role."""
    parts = urlsplit(server)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{name}:{password}@{place}").geturl()
