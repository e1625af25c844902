"""The views of audiences exist after each upgrade, and stand in the way of no migration."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, text

from service.store import audience, migrate
from service.store.engine import connection, open_engine, transaction
from service.store.log import read_head
from tests.store.record import VISAS, put


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Return an engine on an empty record."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    name = f"serves_{conninfo_to_dict(database_url)['dbname']}"
    with psycopg.connect(database_url, autocommit=True) as c:
        c.execute(SQL("CREATE ROLE {}").format(Identifier(name)))
        yield name
        c.execute(SQL("DROP OWNED BY {}").format(Identifier(name)))
        c.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def may_read(engine: Engine, role: str) -> set[bool]:
    query = text("SELECT has_table_privilege(:role, :view, 'SELECT')")
    views = ["public.chain", *(f"public_audience.{view}" for view in audience.VIEWS)]
    with connection(engine) as c:
        return {c.execute(query, {"role": role, "view": view}).scalar_one() for view in views}


def open_head(url: str) -> int:
    engine = open_engine(url, clearance=0)
    try:
        with connection(engine) as c:
            return read_head(c).position
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "removed",
    ["DROP SCHEMA public_audience CASCADE", "DROP VIEW public_audience.head", "DROP VIEW public.chain"],
)
def test_an_upgrade_creates_missing_views_again(engine: Engine, database_url: str, removed: str) -> None:
    with connection(engine) as c:
        put(c, (VISAS, 1))
        assert audience.has_views(c)
        c.execute(text(removed))
        assert not audience.has_views(c)
    migrate.upgrade(database_url)
    with connection(engine) as c:
        assert audience.has_views(c)
    assert open_head(database_url) == 1


def test_an_upgrade_keeps_the_rights_of_the_role_that_serves(engine: Engine, database_url: str, role: str) -> None:
    migrate.upgrade(database_url, role)
    assert may_read(engine, role) == {True}
    with connection(engine) as c:
        c.execute(text("DROP VIEW public.chain"))
    migrate.upgrade(database_url)
    assert may_read(engine, role) == {True}


def test_a_migration_can_change_a_column_that_a_view_shows(engine: Engine, database_url: str) -> None:
    with transaction(engine) as c:
        grants = audience.drop_views(c)
        c.execute(text("ALTER TABLE events ALTER COLUMN correlation TYPE varchar(200)"))
        c.execute(text("ALTER TABLE reports ALTER COLUMN title TYPE varchar(2000)"))
        audience.create_views(c, grants)
    assert open_head(database_url) == 0
