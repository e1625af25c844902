"""The names of sessions show which releases run, to every role, and only as long as the sessions last."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine

from service.domain.catalogue import VOCABULARY
from service.store.connections import connect
from service.store.engine import connection
from service.store.releases import session_name, sessions_of_older
from tests import hostile
from tests.api.serving import until

PREPARED = "PREPARE head AS SELECT record, position FROM head"
"""What a process of 0.2.0 prepares first."""


@contextmanager
def session(url: str, name: str) -> Iterator[psycopg.Connection[Any]]:
    """A session as another program has it. Its search path is set, because a role can have another one."""
    with psycopg.connect(url, application_name=name, autocommit=True, options="-c search_path=public") as c:
        hostile.lift_limits(c)
        yield c


def older(engine: Engine, number: int = VOCABULARY) -> tuple[int, ...]:
    with connection(engine) as c:
        return sessions_of_older(c, number)


@pytest.mark.parametrize("name", ["irritants", "irritants-head", "irritants-lock", "irritants-head - 10.0.0.7:40112"])
def test_a_session_of_an_earlier_release_is_seen_and_forgotten(engine: Engine, database_url: str, name: str) -> None:
    assert older(engine) == ()
    with session(database_url, name) as c:
        assert older(engine) == (c.info.backend_pid,)
    until(lambda: older(engine) == ())


@pytest.mark.parametrize("name", ["", "psql", "irritants-dashboard", "irritantsx", "not irritants"])
def test_other_programs_are_no_processes_of_the_service(engine: Engine, database_url: str, name: str) -> None:
    with session(database_url, name):
        assert older(engine) == ()


def test_sessions_of_this_release_read_all_that_it_writes(engine: Engine, database_url: str) -> None:
    joined = "&" if "?" in database_url else "?"
    named = f"{database_url}{joined}application_name=desk"
    with connect(database_url, name="irritants-head"), connect(named, name="irritants") as c:
        assert c.info.get_parameters()["application_name"] == f"irritants {VOCABULARY} desk"
        assert older(engine) == ()


def test_a_release_to_come_waits_for_sessions_of_this_one(engine: Engine, database_url: str) -> None:
    with connect(database_url, name="irritants-head") as c:
        assert older(engine, VOCABULARY + 1) == (c.info.backend_pid,)


def test_an_earlier_release_under_a_name_in_its_address_is_known_by_its_statement(
    engine: Engine, database_url: str
) -> None:
    with session(database_url, "desk") as c:
        c.execute(PREPARED)
        assert older(engine) == (c.info.backend_pid,)


def test_a_process_of_another_database_is_not_in_the_way(engine: Engine, bare_database_url: str) -> None:
    with session(bare_database_url, "irritants-head"):
        assert older(engine) == ()


def test_a_role_without_further_rights_sees_the_sessions_of_another_role(database_url: str) -> None:
    role = Identifier(f"plain_to_{conninfo_to_dict(database_url)['dbname']}")
    with session(database_url, "irritants-head") as old, connect(database_url, name="admin") as c:
        c.execute(SQL("CREATE ROLE {}").format(role))
        try:
            c.execute(SQL("SET ROLE {}").format(role))
            seen = c.execute("SELECT pid, query FROM pg_stat_activity WHERE application_name = 'irritants-head'")
            assert (old.info.backend_pid, "<insufficient privilege>") in seen.fetchall()
        finally:
            c.execute("RESET ROLE")
            c.execute(SQL("DROP ROLE {}").format(role))


def test_a_long_name_in_the_address_does_not_hide_the_release() -> None:
    assert session_name("irritants-head", "ö" * 60).startswith(f"irritants-head {VOCABULARY} ö")
    assert len(session_name("irritants-head", "ö" * 60).encode()) <= 63
