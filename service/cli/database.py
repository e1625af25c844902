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
def address(settings: Settings, *, creating: bool = False) -> Iterator[str]:
    """The database that the settings name, or else the embedded one, which runs meanwhile.

    Only with `creating` the embedded one is made where there is none. Raises Failed.
    """
    try:
        if settings.database_url is not None:
            require_sessions(settings.database_url)
            yield settings.database_url
        else:
            if not creating and not embedded.exists(settings.home):
                raise _no_record(settings)
            with embedded.serving(settings.home) as url:
                yield url
    except UnusableDatabase as error:
        raise Failed(str(error), Exit.USAGE) from error
    except (EmbeddedServerError, DatabaseUnavailable) as error:
        raise Failed(f"the database cannot be reached or does not respond: {error}", Exit.UNREACHABLE) from error
    except NoHead as error:
        raise Failed(f"the record is damaged: {error}") from error
    except DatabaseRefuses as error:
        raise Failed(f"the database refused: {first_line(error.orig or error)}") from error


@contextmanager
def record(settings: Settings, *, creating: bool = False) -> Iterator[Engine]:
    """The record, for work that may take long; only with `creating` it is made where there is none. Raises Failed."""
    try:
        with address(settings, creating=creating) as url, engine_at(url, settings, creating=creating) as engine:
            yield engine
    except Unreadable as error:
        raise Failed(f"this release cannot read the record: {error}") from error


@contextmanager
def engine_at(
    url: str, settings: Settings, *, creating: bool = False, statement_seconds: float | None = None
) -> Iterator[Engine]:
    """As `record`, at an address that was had before. A record of another release is never migrated on the way."""
    engine = open_engine(url, statement_seconds=statement_seconds)
    try:
        with connection(engine) as c:
            if not migrate.has_tables(c):
                if not creating:
                    raise _no_record(settings)
                migrate.upgrade(settings.migration_database_url or url)
            if not migrate.is_current(c):
                raise Failed(
                    f"the record in {_place(settings)} has the tables of another release. If that release is"
                    " earlier, run `irritants migrate`",
                    Exit.UNREACHABLE,
                )
        yield engine
    finally:
        engine.dispose()


def _no_record(settings: Settings) -> Failed:
    return Failed(
        f"there is no record in {_place(settings)}. Set IRRITANTS_HOME to the folder of an embedded record, or"
        " --database or IRRITANTS_DATABASE_URL to a database. To create a record, run `irritants serve`,"
        " `irritants migrate` or `irritants import`",
        Exit.UNREACHABLE,
    )


def _place(settings: Settings) -> str:
    """Where the record should be. An address of a database may hold a password, and is not said again."""
    return str(settings.home.resolve()) if settings.database_url is None else "the database"
