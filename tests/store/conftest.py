"""An engine on the test's own record, and a connection of it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from service.store.engine import connection, open_engine


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, connections=30)
    yield engine
    engine.dispose()


@pytest.fixture
def record(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to an empty record. Every statement is its own transaction."""
    with connection(engine) as c:
        yield c
