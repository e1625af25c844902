"""The PostgreSQL servers of a benchmark. Their names are printed above the figures.

`--database URL`, or DATABASE_URL in the environment, selects one server. Otherwise a benchmark runs twice: on the
embedded server, and on the image `postgres:17` over TCP if a container engine has the image or can pull it. Both are
needed: planners of different versions choose different plans, and a Unix socket hides the cost of TCP.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from service.store import embedded
from service.store.migrate import upgrade
from tests.benchmarks.measuring import process_seconds

IMAGE: Final = "postgres:17"
_MUST_BE_ON: Final = ("fsync", "full_page_writes", "synchronous_commit")
_START_SECONDS: Final = 60
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class NoContainer(Exception):
    """The image cannot run here. The message says why."""


class Server:
    """A PostgreSQL server with its own settings. It creates scratch databases and drops them at the end."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._prefix, self._numbers = f"irritants_bench_{uuid.uuid4().hex[:8]}", count(1)
        self._created: list[str] = []
        with psycopg.connect(address, autocommit=True) as c:
            self.name = _name(c)
            self._postmaster = _postmaster(c)

    def database(self, *, bare: bool = False) -> str:
        """Create a database and return its address. It has the tables, or none with `bare`."""
        name = f"{self._prefix}_{next(self._numbers)}"
        with psycopg.connect(self.address, autocommit=True) as c:
            c.execute(SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(Identifier(name)))
        self._created.append(name)
        address = urlsplit(self.address)._replace(path=f"/{name}").geturl()
        with psycopg.connect(address) as c:
            if c.info.dbname != name:
                raise ValueError("the address names its database by ?dbname=; name it by the path: …host:port/database")
        if not bare:
            upgrade(address)
        return address

    def drop(self) -> None:
        with psycopg.connect(self.address, autocommit=True) as c:
            for name in self._created:
                c.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        self._created.clear()

    def processor_seconds(self, address: str | None = None) -> float | None:
        """Return the processor time that the server's processes have used, or None if they are not on this machine.

        Without an address it includes processes that have ended. With one, it covers open connections to that database.
        """
        if self._postmaster is None:
            return None
        if address is None:
            return _processor_seconds(self._postmaster)
        return _processor_seconds_of_connections(self._postmaster, urlsplit(address).path[1:])


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database",
        metavar="URL",
        default=os.environ.get("DATABASE_URL") or None,
        help=f"run on this PostgreSQL server, in scratch databases; default: DATABASE_URL, else embedded and {IMAGE}",
    )


def run_on_each(address: str | None, benchmark: Callable[[Server], object]) -> None:
    """Run a benchmark on the server at an address, or on each server that can be started here."""
    started: dict[str, Callable[[], AbstractContextManager[Server]]] = {"the server": lambda: given(str(address))}
    if address is None:
        started = {"the embedded server": embedded_server, IMAGE: container}
    # SIGTERM would end the process at once. An exception lets it remove everything that it started.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        for name, start in started.items():
            try:
                with start() as server:
                    print(f"on {server.name}:", flush=True)
                    benchmark(server)
            except NoContainer as reason:
                print(f"not measured on {name}, so all figures are of the embedded server: {reason}", flush=True)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def given(address: str) -> Iterator[Server]:
    try:
        server = Server(address)
    except psycopg.OperationalError as refused:
        sys.exit(f"cannot connect to the database: {refused}")
    try:
        yield server
    finally:
        server.drop()


@contextmanager
def embedded_server(home: Path | None = None) -> Iterator[Server]:
    """Start the embedded server with durable commits, in a temporary folder or in `home`."""
    with TemporaryDirectory(prefix="irritants_bench_") as temporary, embedded.serving(home or Path(temporary)) as url:
        yield Server(url)


@contextmanager
def container() -> Iterator[Server]:
    """The public image with its default settings, as in docker-compose.yml, on a free port of loopback.

    Raises NoContainer.
    """
    password = uuid.uuid4().hex
    name = f"irritants-bench-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    settings = ("--publish", "127.0.0.1::5432", "--env", f"POSTGRES_PASSWORD={password}")
    _docker("create", "--name", name, *settings, IMAGE)
    try:
        _docker("start", name)
        address = f"postgresql://postgres:{password}@{_docker('port', name, '5432/tcp')}/postgres"
        _wait_until_it_answers(address)
        yield Server(address)
    finally:
        _docker("rm", "--force", "--volumes", name)


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, encoding="utf-8", check=False)
    except FileNotFoundError:
        raise NoContainer("there is no container engine (no program `docker`)") from None
    if done.returncode:
        raise NoContainer(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _wait_until_it_answers(address: str) -> None:
    """The server that the image starts for its set-up has no TCP port, so the first answer is from the real server."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise NoContainer(f"the database does not answer after {_START_SECONDS} seconds: {error}") from error
            time.sleep(0.1)
        else:
            return


def _name(c: psycopg.Connection[Any]) -> str:
    product, version = _value(c, "SELECT version()").split()[:2]
    transport = "Unix socket" if c.info.host.startswith("/") else "TCP"
    is_durable = all(_value(c, f"SHOW {setting}") != "off" for setting in _MUST_BE_ON)
    return f"{product} {version}, {transport}, {'durable' if is_durable else 'not durable'}"


def _value(c: psycopg.Connection[Any], query: str) -> str:
    row = c.execute(query.encode()).fetchone()
    assert row
    return str(row[0])


def _postmaster(c: psycopg.Connection[Any]) -> int | None:
    """Return the process id of the server behind a connection, or None if it is not on this machine.

    In a container the server has its own process ids, so its backend is found by that id and its title.
    """
    port = _value(c, "SELECT inet_client_port()")
    client = "[local]" if port == "None" else f"({port})"
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):
            title = status.with_name("cmdline").read_text(encoding="utf-8", errors="replace")
            if title.startswith("postgres:") and client in title:
                fields = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
                if int(fields["NSpid"].split()[-1]) == c.info.backend_pid:
                    return int(fields["PPid"])
    return None


def _processor_seconds(postmaster: int) -> float:
    fields = Path(f"/proc/{postmaster}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    seconds = sum(map(int, fields[13:15])) / _TICKS  # of its ended children
    return seconds + sum(map(process_seconds, (postmaster, *_children(postmaster))))


def _processor_seconds_of_connections(postmaster: int, database: str) -> float:
    seconds = 0.0
    for pid in _children(postmaster):
        with suppress(FileNotFoundError, ProcessLookupError):
            if f" {database} " in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace"):
                seconds += process_seconds(pid)
    return seconds


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()))
