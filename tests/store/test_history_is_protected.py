"""The database refuses to rewrite history for its owner, the service and a replica role."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine

from service.store.connections import connect
from service.store.migrate import upgrade
from tests.store.record import fill

REWRITES = [
    "UPDATE events SET data = '{}'",
    "UPDATE events SET data = '{}' WHERE position = 999",
    "DELETE FROM events WHERE position = 1",
    "TRUNCATE events",
    "UPDATE reports SET title = 'another'",
    "DELETE FROM reports",
    "TRUNCATE reports",
    "DELETE FROM head",
    "TRUNCATE head",
    "TRUNCATE events, reports, head, read_models, keys",
]
BACKWARDS = [
    "UPDATE head SET position = position - 1",
    "UPDATE head SET chain_hash = decode(repeat('00', 32), 'hex')",
    "UPDATE head SET position = position + 1, recorded_at = recorded_at - interval '1 second'",
    "UPDATE head SET keys_version = keys_version - 1",
    "UPDATE head SET record = gen_random_uuid()",
]


@pytest.fixture
def owner(engine: Engine, database_url: str) -> Iterator[psycopg.Connection]:
    """The owner of the tables, on a record of four events."""
    fill(engine, 2)
    with connect(database_url, name="owner") as c:
        yield c


@pytest.fixture
def application(owner: psycopg.Connection, database_url: str) -> Iterator[psycopg.Connection]:
    """The same connection in the role of the service. Roles belong to the server, so each test has its own role."""
    role = f"service_of_{owner.info.dbname}"
    owner.execute(SQL("CREATE ROLE {}").format(Identifier(role)))
    try:
        upgrade(database_url, grant_to=role)
        owner.execute(SQL("SET ROLE {}").format(Identifier(role)))
        yield owner
    finally:
        owner.execute("RESET ROLE")
        owner.execute(SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(role)))


@pytest.mark.parametrize("statement", REWRITES + BACKWARDS)
def test_the_owner_of_the_tables_cannot_rewrite_history(owner: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.RestrictViolation, match="is refused: what was recorded stays on record"):
        owner.execute(statement)


@pytest.mark.parametrize("statement", REWRITES + BACKWARDS)
def test_the_owner_cannot_rewrite_history_in_a_replica_role(owner: psycopg.Connection, statement: str) -> None:
    owner.execute("SET session_replication_role = replica")
    with pytest.raises(errors.RestrictViolation):
        owner.execute(statement)


@pytest.mark.parametrize("statement", REWRITES)
def test_the_service_lacks_the_permission_to_rewrite_history(application: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement)


@pytest.mark.parametrize("statement", BACKWARDS)
def test_the_service_moves_the_head_only_forward(application: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.RestrictViolation):
        application.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TRIGGER protect_events ON events",
        "DROP FUNCTION refuse_to_rewrite_history CASCADE",
        "SET session_replication_role = replica",
        "DROP TABLE events",
        "CREATE TABLE elsewhere ()",
    ],
)
def test_the_service_cannot_remove_the_protection(application: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement)
