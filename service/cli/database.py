"""The way to the database for the commands that keep the record."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from service.cli.terminal import Failed
from service.settings import Settings
from service.store import embedded, migrate
from service.store.engine import connection, open_engine


@contextmanager
def address(settings: Settings) -> Iterator[str]:
    """The database that the settings name, or else the embedded one, which runs meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url
    else:
        with embedded.serving(settings.home) as url:
            yield url


@contextmanager
def record(settings: Settings) -> Iterator[Engine]:
    """The record, for work that may take long. The embedded one is migrated; another's owner is asked to do that."""
    with address(settings) as url:
        if settings.database_url is None:
            migrate.upgrade(url)
        engine = open_engine(url, statement_seconds=None)
        try:
            with connection(engine) as c:
                if not migrate.is_current(c):
                    raise Failed("the database has not the tables of this release: `irritants migrate` brings them")
            yield engine
        finally:
            engine.dispose()
