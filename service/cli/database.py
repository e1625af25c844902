"""Open the database for maintenance commands, and turn its errors into sentences with exit codes.

Commands import this module when they run, so that commands that read over HTTP start faster.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine

from service.cli.terminal import Exit, Failed
from service.settings import Settings
from service.store import embedded, migrate
from service.store.codec import UnreadableEvent
from service.store.connections import UnusableDatabase, refuse_shared_sessions
from service.store.embedded import EmbeddedServerError
from service.store.engine import DatabaseRefuses, DatabaseUnavailable, connection, first_line, open_engine
from service.store.log import NoHead
from service.store.releases import EarlierReleaseRuns
from service.store.replacement import Databases

_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings of PostgreSQL for a record that a reset removes. It survives the end of a process, but not a power cut."""


@contextmanager
def address(settings: Settings, *, creating: bool = False) -> Iterator[str]:
    """Yield the address of the database in the settings. If they name none, start the embedded database.

    `creating` allows a new embedded database. Raises Failed.
    """
    try:
        if settings.database_url is not None:
            refuse_shared_sessions(settings.database_url)
            yield settings.database_url
        else:
            if not creating and not embedded.exists(settings.record_home):
                raise _no_record(settings)
            options = _NOT_DURABLE if settings.test_mode else {}
            with embedded.serving(settings.record_home, **options) as url:
                yield _for_tests(url, settings, creating=creating) if settings.test_mode else url
    except UnusableDatabase as error:
        raise Failed(str(error), Exit.USAGE) from error
    except (EmbeddedServerError, DatabaseUnavailable) as error:
        raise Failed(f"the database cannot be reached or does not respond: {error}", Exit.UNREACHABLE) from error
    except NoHead as error:
        raise Failed(f"the record is damaged: {error}") from error
    except EarlierReleaseRuns as error:
        raise Failed(f"{error}, and run this again. Nothing was written") from error
    except DatabaseRefuses as error:
        raise Failed(f"the database refused: {first_line(error.orig or error)}") from error


def _for_tests(server: str, settings: Settings, *, creating: bool) -> str:
    """Return the address of the record of test mode. `server` is the address of the template that it is made from."""
    databases = Databases.on(server)
    if creating:
        migrate.upgrade(server)
        databases.create()
    elif not databases.exists():
        raise _no_record(settings)
    return databases.address


@contextmanager
def record(settings: Settings, *, creating: bool = False) -> Iterator[Engine]:
    """Yield an engine for long work on the record. `creating` allows a new record. Raises Failed."""
    try:
        with address(settings, creating=creating) as url, engine_at(url, settings, creating=creating) as engine:
            yield engine
    except UnreadableEvent as error:
        raise Failed(f"this release cannot read the record: {error}") from error


@contextmanager
def engine_at(
    url: str, settings: Settings, *, creating: bool = False, statement_seconds: float | None = None
) -> Iterator[Engine]:
    """Yield an engine for the record at an address. Raises Failed for the tables of another release."""
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
    """Name the place of the record for an error. The address of a database can contain a password, so hide it."""
    return str(settings.record_home.resolve()) if settings.database_url is None else "the database"
