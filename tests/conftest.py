"""A database for each test that needs one, on real PostgreSQL: TEST_DATABASE_URL, or else the embedded one.

All workers of a run share one server and its templates. A test gets a clone of a template, created in 12 ms and dropped
in 6, so no test sees another's rows. Tests alone run without durability, for speed.
"""

import itertools
import os
import shutil
import signal
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine

from service.store import embedded
from tests import hostile
from tests.api.serving import Served, served

NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "200",
}
CREATE = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
HAS_ICU = "SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'cs-CZ-x-icu')"
ICU = SQL(" LOCALE_PROVIDER icu ICU_LOCALE 'cs-CZ'")
"""A collation in which `ch` follows `h`, and hyphens and slashes have little weight."""
DROP = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
ENOUGH_MEMORY = 2 << 30
Clone = Callable[[str], AbstractContextManager[str]]
RUN = pytest.StashKey[Path]()
"""The folder of this run, the same in every worker. The names of its databases begin with the folder's name."""

# By default a few fixed examples of each law. .ci/run tries sixty random ones, and `make fuzz` thousands.
settings.register_profile("desk", derandomize=True, max_examples=20, deadline=None, database=None)
settings.register_profile("ci", derandomize=True, max_examples=60, deadline=None, database=None)
settings.register_profile(
    "fuzz", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "laws", max_examples=20_000, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
settings.load_profile("desk")


# A shell starts background jobs with Ctrl-C ignored, and the programs that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Every HTTP client loads its certificate authorities, even without TLS. The file of this variable takes 30 ms, and a
# folder only loads those that are needed.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = ssl.get_default_verify_paths().openssl_capath


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if workerinput := getattr(config, "workerinput", None):
        config.stash[RUN] = Path(workerinput["run"])
    else:
        config.stash[RUN] = Path(tempfile.mkdtemp(prefix="irritants_test_", dir=_memory()))
        config.option.basetemp = config.option.basetemp or config.stash[RUN] / "tmp"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["run"] = str(node.config.stash[RUN])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        if server := os.environ.get("TEST_DATABASE_URL"):
            _drop_all(server, config.stash[RUN].name)
        shutil.rmtree(config.stash[RUN])


@pytest.fixture(scope="session")
def database_server(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the address of the server. The role may create databases and needs no other rights."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
    else:
        with embedded.serving(pytestconfig.stash[RUN], **NOT_DURABLE) as address:
            yield address


@pytest.fixture(scope="session")
def user_address(database_server: str, pytestconfig: pytest.Config) -> str:
    """Return the address with the role of the tests: the given one, or the hostile one."""
    if not hostile.IS_WANTED:
        return database_server
    os.environ.update(hostile.ENVIRONMENT)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{pytestconfig.stash[RUN].name}_hostile_{worker}"
    with _admin(database_server) as admin:
        password = hostile.make_role(admin, name)
    return hostile.as_role(database_server, name, password)


@pytest.fixture(scope="session")
def clone(database_server: str, user_address: str, pytestconfig: pytest.Config) -> Clone:
    """Return a function that creates a database from a template, yields its address, and drops it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    numbers = itertools.count(1)

    @contextmanager
    def cloned(template: str) -> Iterator[str]:
        name = f"{pytestconfig.stash[RUN].name}_{worker}_{next(numbers)}"
        with _admin(database_server) as admin:
            admin.execute(CREATE.format(Identifier(name), Identifier(template)))
        yield _named(user_address, name)
        with _admin(database_server) as admin:
            admin.execute(DROP.format(Identifier(name)))

    return cloned


@pytest.fixture(scope="session")
def migrated_template(database_server: str, pytestconfig: pytest.Config) -> str:
    from service.store.migrate import upgrade  # noqa: PLC0415 -- tests of the domain do not need it

    return _template(database_server, f"{pytestconfig.stash[RUN].name}_migrated", "template0", upgrade)


@pytest.fixture(scope="session")
def seeded_template(database_server: str, migrated_template: str, pytestconfig: pytest.Config) -> str:
    from service.seeding import seed  # noqa: PLC0415 -- as in `migrated_template`
    from service.store.engine import open_engine  # noqa: PLC0415

    def fill(url: str) -> None:
        engine = open_engine(url)
        seed(engine)
        engine.dispose()

    return _template(database_server, f"{pytestconfig.stash[RUN].name}_seeded", migrated_template, fill)


@pytest.fixture
def bare_database_url(clone: Clone) -> Iterator[str]:
    """Yield the address of a database without tables."""
    with clone("template0") as url:
        yield url


@pytest.fixture
def database_url(clone: Clone, migrated_template: str) -> Iterator[str]:
    """Yield the address of an empty record with its tables."""
    with clone(migrated_template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Yield an engine on that record."""
    from service.store.engine import open_engine  # noqa: PLC0415 -- as in `migrated_template`

    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def engine_of_module(clone: Clone, migrated_template: str) -> Iterator[Engine]:
    """Yield an engine on a record that is empty for the first test of a module, for examples that clear it."""
    from service.store.engine import open_engine  # noqa: PLC0415 -- as in `migrated_template`

    with clone(migrated_template) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def seeded_database_url(clone: Clone, seeded_template: str) -> Iterator[str]:
    """Yield the address of a seeded record."""
    with clone(seeded_template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_database_url(clone: Clone, seeded_template: str) -> Iterator[str]:
    """Yield the address of a seeded record that many tests share and only read."""
    with clone(seeded_template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_server(shared_database_url: str) -> Iterator[Served]:
    """A server on that record, for all tests that neither file nor stop it, because a start takes seconds."""
    with served(shared_database_url) as server:
        yield server


def _template(server: str, name: str, origin: str, fill: Callable[[str], object]) -> str:
    """Create and fill a template once in a run, by the first worker. It gets its name when it is complete."""
    unfinished = f"{name}_unfinished"
    with _admin(server) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 0:
            admin.execute(DROP.format(Identifier(unfinished)))
            create = CREATE.format(Identifier(unfinished), Identifier(origin))
            if hostile.IS_WANTED and origin == "template0" and admin.execute(HAS_ICU).fetchone() == (True,):
                create += ICU
            admin.execute(create)
            fill(_named(server, unfinished))
            admin.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(unfinished), Identifier(name)))
    return name


def _drop_all(server: str, prefix: str) -> None:
    with _admin(server) as admin:
        names = admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]).fetchall()
        for (name,) in names:
            admin.execute(DROP.format(Identifier(name)))
        roles = admin.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [prefix]).fetchall()
        for (name,) in roles:
            admin.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def _memory() -> Path | None:
    """Return a folder in memory if it has room. There a clone takes 12 ms, and 300 on a busy disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH_MEMORY else None


def _admin(server: str) -> psycopg.Connection:
    return psycopg.connect(server, autocommit=True)


def _named(server: str, database: str) -> str:
    return urlsplit(server)._replace(path=f"/{database}").geturl()
