"""The way to the database for the commands that keep the record.

Imported by a command when it runs, like all that needs the database: whoever only reads over HTTP does not wait for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from service.cli.terminal import Exit, Failed
from service.settings import Settings
from service.store import embedded, migrate
from service.store.codec import Unreadable
from service.store.connections import UnusableDatabase, require_sessions
from service.store.embedded import EmbeddedServerError
from service.store.engine import DatabaseRefuses, DatabaseUnavailable, connection, first_line, open_engine
from service.store.log import NoHead


@contextmanager
def address(settings: Settings) -> Iterator[str]:
    """The database that the settings name, or else the embedded one, which runs meanwhile. Raises Failed."""
    try:
        if settings.database_url is not None:
            require_sessions(settings.database_url)
            yield settings.database_url
        else:
            with embedded.serving(settings.home) as url:
                yield url
    except UnusableDatabase as error:
        raise Failed(str(error), Exit.USAGE) from error
    except (EmbeddedServerError, DatabaseUnavailable) as error:
        raise Failed(f"the database cannot be reached, or keeps us waiting: {error}", Exit.UNREACHABLE) from error
    except NoHead as error:
        raise Failed(f"the record is damaged: {error}") from error
    except DatabaseRefuses as error:
        raise Failed(f"the database refuses: {first_line(error.orig or error)}") from error


@contextmanager
def record(settings: Settings) -> Iterator[Engine]:
    """The record, for work that may take long. The embedded one is migrated; another's owner is asked to do that.

    Raises Failed.
    """
    try:
        with address(settings) as url, engine_at(url, settings) as engine:
            yield engine
    except Unreadable as error:
        raise Failed(f"this release cannot read what is on record: {error}") from error


@contextmanager
def engine_at(url: str, settings: Settings, *, statement_seconds: float | None = None) -> Iterator[Engine]:
    """As `record`, at an address that was had before."""
    if settings.database_url is None:
        migrate.upgrade(url)
    engine = open_engine(url, statement_seconds=statement_seconds)
    try:
        with connection(engine) as c:
            if not migrate.is_current(c):
                raise Failed("the database has not the tables of this release: `irritants migrate` brings them")
        yield engine
    finally:
        engine.dispose()
