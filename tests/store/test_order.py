"""Names compare by their code points, in every database alike, whatever its collation and the system's libraries."""

from collections.abc import Iterator
from itertools import pairwise
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection

from service.store import events, log, read_models, reports
from service.store.engine import connection, driver, open_engine
from service.store.log import KeyTaken
from service.store.migrate import upgrade
from service.store.tables import metadata
from tests.conftest import DROP, HAS_ICU, ICU, RUN, database_at
from tests.store.record import document, filing, put

SLUGS = ["h-visa", "a1", "za", "ch", "a-b", "hotel", "ab", "cz", "a1-b", "z-a"]
"""In Czech `ch` comes after `h`, and hyphens hardly count."""
KEYS = sorted(f"no-se/{slug}" for slug in SLUGS)
STREAMS = [f"irritant/{key}" for key in KEYS]
BY_THE_DATABASE = """
SELECT indexrelid::regclass::text
  FROM pg_index
 CROSS JOIN unnest(indcollation::oid[], indclass::oid[]) AS part (collation_, class_)
  JOIN pg_opclass ON pg_opclass.oid = class_
 WHERE indrelid::regclass::text = ANY(%s) AND collation_ = 'pg_catalog."default"'::regcollation
   AND opcname <> 'text_pattern_ops'
"""


@pytest.fixture
def czech(database_server: str, pytestconfig: pytest.Config) -> Iterator[Connection]:
    """A connection to a record of these names, in a database that sorts as the Czech language does."""
    name = f"{pytestconfig.stash[RUN].name}_{uuid4().hex}"
    with psycopg.connect(database_server, autocommit=True) as admin:
        if admin.execute(HAS_ICU).fetchone() != (True,):
            pytest.skip("this PostgreSQL is built without ICU; `make everywhere` runs this on one that has it")
        admin.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)) + ICU)
        upgrade(database_at(database_server, name))
        engine = open_engine(database_at(database_server, name))
        with connection(engine) as c:
            for slug in SLUGS:
                head = log.read_head(c)
                made = document(f"no-se/{slug}", head.position + 1, status="raised")
                assert log.append(c, head, [filing(head, (f"irritant/no-se/{slug}", 1))], [made])
            yield c
        engine.dispose()
        admin.execute(DROP.format(Identifier(name)))


def test_no_index_of_the_record_depends_on_the_collation_of_the_database(record: Connection) -> None:
    found = driver(record).execute(BY_THE_DATABASE, [list(metadata.tables)])
    assert found.fetchall() == []


def test_an_index_that_does_would_be_noticed(record: Connection) -> None:
    driver(record).execute("CREATE INDEX of_actors ON events (actor)")
    found = driver(record).execute(BY_THE_DATABASE, [list(metadata.tables)])
    assert found.fetchall() == [("of_actors",)]


def test_streams_come_in_the_order_of_code_points(czech: Connection) -> None:
    assert [stream for stream, _ in events.streams(czech, limit=100)] == STREAMS
    assert events.named(czech, "irritant", upto=100, limit=100) == STREAMS
    assert list(events.read_streams(czech, dict.fromkeys(STREAMS, 0))) == STREAMS


def test_documents_come_in_the_order_of_code_points(czech: Connection) -> None:
    for filters in ({}, {"relation": "no-se"}, {"facets": {"status": "raised"}}):
        assert [one.key for one in read_models.page(czech, "irritant", 1, **filters)] == KEYS
    assert [one.key for one in read_models.newest(czech, "irritant", 1, limit=100)] == KEYS[::-1]


def test_a_page_goes_on_where_the_one_before_ended(czech: Connection) -> None:
    for before, after in pairwise(KEYS):
        assert [one.key for one in read_models.page(czech, "irritant", 1, after=before, limit=1)] == [after]
        assert events.named(czech, "irritant", after=before, upto=100, limit=1) == [f"irritant/{after}"]


def test_keys_that_a_language_takes_for_equal_are_two(czech: Connection) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    put(czech, ("irritant/no-se/cafe", 1), key=composed)
    put(czech, ("irritant/no-se/cafe", 2), key=decomposed)
    assert set(reports.by_keys(czech, [composed, decomposed])) == {composed, decomposed}
    with pytest.raises(KeyTaken):
        put(czech, ("irritant/no-se/cafe", 3), key=decomposed)
