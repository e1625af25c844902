"""A PostgreSQL and standbys that follow it, each a server of its own: made by base backup, paused, killed, promoted."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from service.seeding import seed
from service.store import embedded
from service.store.embedded import PORT, _account, _change_owner, _programs, _Server
from service.store.engine import open_engine
from service.store.migrate import upgrade
from tests.conftest import NOT_DURABLE

REPLICATING = {
    **NOT_DURABLE,
    "synchronous_commit": "on",  # what is flushed later is sent later, up to half a second
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_connections": "50",
}
"""Servers are killed, but never with their machine, so nothing has to reach the disk itself."""
RECORD = "record"
PATIENCE = 30.0


class Standby:
    """A server that follows the primary until it is promoted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The same at each start, and short enough for a socket.
        self.sockets = tempfile.mkdtemp(prefix="irritants-")
        self._server = _Server(folder, Path(self.sockets), _programs(), _account(folder.parent))
        _change_owner(Path(self.sockets), self._server.account)
        self.url = f"postgresql://postgres@/{RECORD}?host={quote(self.sockets)}&port={PORT}"

    @classmethod
    def of(cls, primary: str, folder: Path) -> "Standby":
        """A copy of the primary as it is, started."""
        standby = cls(folder)
        _change_owner(folder.parent, standby._server.account)
        standby._run(
            *("pg_basebackup", f"--dbname={primary}", f"--pgdata={folder}", "--wal-method=stream"),
            *("--checkpoint=fast", "--write-recovery-conf", "--no-sync"),
        )
        standby.start()
        return standby

    def start(self) -> None:
        settings = {**REPLICATING, "listen_addresses": "", "unix_socket_directories": self.sockets, "port": PORT}
        options = " ".join(f"--{name}={value}" for name, value in settings.items())
        self._run(
            *("pg_ctl", "start", "--silent", "--wait", f"--pgdata={self.folder}"),
            *(f"--log={self.folder / 'server.log'}", f"--options={options}"),
        )

    def asked(self, query: str, *values: Any) -> Any:
        with psycopg.connect(self.url, autocommit=True) as c:
            row = c.execute(query, values).fetchone()
            return row[0] if row else None

    def pause(self) -> None:
        """From now on it receives what is recorded, and does not show it."""
        self.asked("SELECT pg_wal_replay_pause()")
        until(lambda: self.asked("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        self.asked("SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        assert self.asked("SELECT pg_promote()")

    def hang(self) -> None:
        """Every process of it stops where it is; whoever asks is neither answered nor refused."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        until(lambda: not self._server._accepts_connections())
        # Else whoever stops it later would look for a process of that number.
        (self.folder / "postmaster.pid").unlink()

    def stop(self) -> None:
        with suppress(FileNotFoundError):
            self.go_on()
            self._run("pg_ctl", "stop", "--silent", "--mode=fast", f"--pgdata={self.folder}")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        trouble = self._server._run(program, *arguments, account=self._server.account)
        assert not trouble, trouble

    def _signal(self, number: signal.Signals) -> None:
        postmaster = int((self.folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8").split()
        for pid in (postmaster, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def until(reached: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.01)


@contextmanager
def primary(home: Path) -> Iterator[str]:
    """The address of a seeded record on a server that standbys can follow."""
    with embedded.serving(home, **REPLICATING) as address:
        with psycopg.connect(address, autocommit=True) as c:
            c.execute(f"CREATE DATABASE {RECORD}")
        url = on(address)
        upgrade(url)
        engine = open_engine(url)
        seed(engine)
        engine.dispose()
        yield url


@contextmanager
def followed(primary: str, folder: Path) -> Iterator[tuple[Standby, Standby]]:
    """Two standbys of a server, which end before it does."""
    with ExitStack() as stack:
        first, second = (Standby.of(primary, folder / name) for name in ("first", "second"))
        stack.callback(first.remove)
        stack.callback(second.remove)
        yield first, second


def on(address: str) -> str:
    """The record on a server."""
    return urlsplit(address)._replace(path=f"/{RECORD}").geturl()
