"""An outage raises DatabaseUnavailable within seconds, and the service recovers with the database."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from sqlalchemy import Engine, text

from service.store import log, reports
from service.store.connections import connect
from service.store.engine import DatabaseUnavailable, RolledBack, connection, driver, open_engine, transaction
from tests.store.record import VISAS, filing, put


@contextmanager
def unavailable_within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        yield
    assert time.monotonic() - start < seconds


def test_no_server_listens_at_the_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        engine = open_engine(f"postgresql://nobody@127.0.0.1:{unused.getsockname()[1]}/nothing")
        with unavailable_within(1), connection(engine):
            pass


def test_a_server_that_accepts_but_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = open_engine(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        with unavailable_within(5), connection(engine):
            pass


def test_the_database_does_not_exist(database_url: str) -> None:
    engine = open_engine(f"{database_url}_of_nobody".replace("?", "_of_nobody?"))
    with unavailable_within(1), connection(engine):
        pass


def test_every_connection_is_in_use(database_url: str) -> None:
    engine = open_engine(database_url, connections=1)
    with connection(engine), unavailable_within(5), connection(engine):
        pass
    engine.dispose()


def test_a_statement_takes_too_long(database_url: str) -> None:
    engine = open_engine(database_url, statement_seconds=0.1)
    with unavailable_within(2), connection(engine) as c:
        c.execute(text("SELECT pg_sleep(30)"))
    engine.dispose()


def test_the_head_is_locked_for_too_long(database_url: str) -> None:
    engine = open_engine(database_url, statement_seconds=0.2)
    with transaction(engine) as holder:
        head = log.lock_head(holder)
        with unavailable_within(2), transaction(engine) as c:
            log.lock_head(c)
        with unavailable_within(2), connection(engine) as c:
            log.append(c, head, [filing(head, (VISAS, 1))])
    with connection(engine) as c:
        put(c, (VISAS, 1))
    engine.dispose()


def end_all_others(engine: Engine, database_url: str) -> None:
    """End the other connections, as a restart of the server does."""
    with connect(database_url, name="admin") as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_is_cut_while_it_is_used(engine: Engine, database_url: str) -> None:
    with unavailable_within(2), connection(engine) as c:
        head = log.read_head(c)
        end_all_others(engine, database_url)
        log.append(c, head, [filing(head, (VISAS, 1))])
    with unavailable_within(2), transaction(engine) as c:
        log.lock_head(c)
        end_all_others(engine, database_url)
        log.read_head(c)


def test_connections_that_died_while_they_were_idle_are_never_handed_out(engine: Engine, database_url: str) -> None:
    with connection(engine) as one, connection(engine) as two:
        assert log.read_head(one) == log.read_head(two)
    end_all_others(engine, database_url)
    for _ in range(3):
        with connection(engine) as c:
            assert log.read_head(c).position == 0


def test_a_database_that_takes_no_writes(engine: Engine) -> None:
    with unavailable_within(1), connection(engine) as c:
        head = log.read_head(c)
        driver(c).execute("SET default_transaction_read_only = on")
        log.append(c, head, [filing(head, (VISAS, 1))])


def test_a_mistake_in_a_query_is_no_outage(engine: Engine) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), connection(engine) as c:
        driver(c).execute("SELECT * FROM nowhere")


def test_after_an_error_in_a_transaction_the_connection_is_clean_again(database_url: str) -> None:
    engine = open_engine(database_url, connections=1)
    with pytest.raises(psycopg.errors.DivisionByZero), transaction(engine) as c:
        driver(c).execute("SELECT 1 / 0")
    with connection(engine) as c:
        assert driver(c).autocommit
        put(c, (VISAS, 1))
    engine.dispose()


def test_a_migration_that_changes_a_column_fails_at_most_one_attempt(database_url: str) -> None:
    engine = open_engine(database_url)
    with ExitStack() as stack:
        pool = [stack.enter_context(connection(engine)) for _ in range(3)]
        put(pool[0], (VISAS, 1))
        for c in pool * 10:
            reports.page(c)  # the driver prepares a statement after some executions
    with connect(database_url, name="migration") as migration:
        # A migration that changes a column creates the views again.
        migration.execute("DROP SCHEMA public_audience CASCADE")
        migration.execute("ALTER TABLE reports ALTER COLUMN title TYPE varchar")
    with pytest.raises(RolledBack), connection(engine) as c:
        reports.page(c)
    with ExitStack() as stack:
        for c in [stack.enter_context(connection(engine)) for _ in range(3)]:
            assert reports.page(c)
    engine.dispose()
