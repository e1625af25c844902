"""All connections have the same settings, despite those of roles, databases, addresses and the environment."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from service.domain.catalogue import VOCABULARY
from service.store import log
from service.store.connections import DatabaseUnavailable, UnusableDatabase, connect, connect_async
from service.store.engine import connection, open_engine
from service.store.head_listener import HeadListener
from service.store.migrate import upgrade
from service.store.verify import verify
from tests import hostile
from tests.api.bodies import report
from tests.api.serving import served
from tests.keys import new_key
from tests.programs import ran
from tests.store.record import VISAS, filing, put

STATE = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s) ORDER BY name"
DECIDED = [
    *(
        name
        for name in hostile.settings_of(180000)
        if not name.startswith(("enable_", "jit_above", "client_min", "row_"))
    ),
    "session_replication_role",
]
LEFT_TO_THE_ROLE = {"session_replication_role"}
"""Our triggers are ALWAYS triggers, which this setting does not disable. A role may lack the right to set it."""
OPENED: list[dict[str, Any]] = [
    {"stream": "relation/no-se", "type": "RelationOpened", "parties": ["NO", "SE"], "title": "Норвегия и Швеция"},
    {"stream": "irritant/no-se/visas", "type": "IrritantOpened", "title": "Визы", "category": "mobility"},
]


@pytest.fixture
def hostile_url(database_url: str) -> Iterator[str]:
    """The address of an empty record, for a role with harmful session settings."""
    name = f"hostile_to_{conninfo_to_dict(database_url)['dbname']}"
    with connect(database_url, name="admin") as admin:
        password = hostile.make_role(admin, name)
        yield hostile.as_role(database_url, name, password)
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [name])
        admin.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def state(c: "psycopg.Connection[Any]") -> dict[str, str]:
    names = sorted(set(DECIDED) - LEFT_TO_THE_ROLE)
    return dict(c.execute(STATE, [names]).fetchall())


async def async_state(url: str) -> dict[str, str]:
    async with await connect_async(url, name="test") as c:
        return dict(await (await c.execute(STATE, [sorted(set(DECIDED) - LEFT_TO_THE_ROLE)])).fetchall())


def test_a_hostile_role_begins_in_another_state_than_it_works_in(
    database_url: str, hostile_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database_url, name="test") as c:
        usual = state(c)
    for name, value in hostile.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with connect(hostile_url, name="test") as c:
        assert state(c) == usual
        assert c.info.encoding == "utf-8"
    assert asyncio.run(async_state(hostile_url)) == usual


def test_a_cyrillic_report_is_stored_as_it_was_filed_by_a_hostile_role(hostile_url: str) -> None:
    token = new_key(hostile_url, "report")
    with served_with(hostile.ENVIRONMENT, hostile_url) as url:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
        filed = httpx2.post(f"{url}/v1/reports", json=report(*OPENED, relation="no-se"), headers=headers)
        assert filed.status_code == 201, filed.text
        assert httpx2.get(f"{url}/v1/irritants/no-se/visas").json()["title"] == "Визы"
    verified = ran(["verify", "--documents", "--database", hostile_url], env={**os.environ, **hostile.ENVIRONMENT})
    assert verified.returncode == 0, verified.stderr


@contextmanager
def served_with(environment: dict[str, str], database_url: str) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with served(database_url) as server:
            yield server.url


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "KOI8R"])
def test_a_database_in_another_encoding_is_refused_before_anything_is_written(
    database_server: str, encoding: str, bare_database_url: str
) -> None:
    name = Identifier(f"{conninfo_to_dict(bare_database_url)['dbname']}_{encoding.lower()}")
    made = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C' LOCALE_PROVIDER libc")
    with psycopg.connect(database_server, autocommit=True) as admin:
        admin.execute(made.format(name, encoding))
        try:
            url = bare_database_url.replace(str(conninfo_to_dict(bare_database_url)["dbname"]), name.as_string())
            url = url.replace('"', "")
            for command in (["migrate"], ["serve", "--port", "0"], ["verify"]):
                ended = ran([*command, "--database", url])
                assert ended.returncode == 2
                assert f"has the encoding {encoding}, and a record needs UTF8" in ended.stderr
            with psycopg.connect(url, client_encoding=encoding, autocommit=True) as c:
                hostile.lift_limits(c)
                assert c.execute("SELECT count(*) FROM pg_class WHERE relname = 'head'").fetchone() == (0,)
        finally:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def with_schema(url: str, schema: str) -> str:
    option = '-csearch_path="' + schema.replace(" ", "\\ ") + '"'
    return f"{url}{'&' if '?' in url else '?'}options={quote(option, safe='')}"


@pytest.mark.parametrize("schema", ["tracker", "My Schema", "таблицы"])
def test_a_record_lives_in_the_schema_that_the_address_names(bare_database_url: str, schema: str) -> None:
    url = with_schema(bare_database_url, schema)
    with pytest.raises(UnusableDatabase, match="none of the schemas in its search_path"):
        upgrade(url)
    with connect(bare_database_url, name="admin") as admin:
        admin.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        assert ran(["migrate", "--database", url]).returncode == 0
        token = new_key(url, "report")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
        with served(url) as server:
            filed = httpx2.post(f"{server.url}/v1/reports", json=report(*OPENED, relation="no-se"), headers=headers)
            assert filed.status_code == 201, filed.text
            assert httpx2.get(f"{server.url}/v1/irritants/no-se/visas").json()["title"] == "Визы"
            assert httpx2.get(f"{server.url}/readyz").status_code == 200
        verified = ran(["verify", "--documents", "--database", url])
        assert verified.returncode == 0, verified.stderr
        places = admin.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname !~ '^pg_|^information'")
        assert places.fetchall() == [(schema,)]


def test_two_schemas_hold_two_records_that_do_not_mix(bare_database_url: str) -> None:
    addresses = [with_schema(bare_database_url, schema) for schema in ("north", "south")]
    with connect(bare_database_url, name="admin") as admin:
        admin.execute("CREATE SCHEMA north; CREATE SCHEMA south")
    for url in addresses:
        upgrade(url)
    north, south = (open_engine(url) for url in addresses)
    with connection(north) as c:
        put(c, (VISAS, 1))

    async def seen(url: str) -> int:
        listener = HeadListener(url, lambda: None)
        try:
            return (await listener.head_since(0)).head.position
        finally:
            listener.close()

    assert [asyncio.run(seen(url)) for url in addresses] == [1, 0]
    with connection(north) as c, connection(south) as other:
        assert (verify(c).position, verify(other).position) == (1, 0)
    north.dispose()
    south.dispose()


def test_a_temporary_table_takes_no_tables_place(database_url: str) -> None:
    engine = open_engine(database_url, connections=1)
    with connection(engine) as c:
        c.exec_driver_sql("CREATE TEMPORARY TABLE events (LIKE events)")
        put(c, (VISAS, 1))
        assert verify(c).position == 1
    engine.dispose()


def test_the_timeouts_in_the_address_are_used(database_url: str) -> None:
    joined = "&" if "?" in database_url else "?"
    with connect(f"{database_url}{joined}connect_timeout=7&application_name=desk", name="test") as c:
        given = c.info.get_parameters()
        assert (given["connect_timeout"], given["application_name"]) == ("7", f"test {VOCABULARY} desk")


def test_the_options_of_the_environment_do_not_reach_the_record(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1s -c DateStyle=German -c quote_all_identifiers=on")
    engine = open_engine(database_url)
    with connection(engine) as c:
        put(c, (VISAS, 1))
        assert verify(c).position == 1
        assert c.exec_driver_sql("SHOW statement_timeout").scalar() == "5s"
    engine.dispose()


def test_a_head_that_another_transaction_moved_is_no_outage_under_serializable_isolation(hostile_url: str) -> None:
    engine = open_engine(hostile_url)
    with connection(engine) as one, connection(engine) as other:
        head = log.read_head(one)
        put(other, (VISAS, 1))
        assert log.append(one, head, [filing(head, (VISAS, 1))]) is None
    engine.dispose()


def test_a_database_that_becomes_unusable_is_unavailable() -> None:
    assert issubclass(UnusableDatabase, DatabaseUnavailable)
