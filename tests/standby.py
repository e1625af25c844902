"""A PostgreSQL with standbys, each a separate server: made by base backup, paused, killed, promoted."""

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
    "synchronous_commit": "on",  # unflushed WAL is sent up to half a second later
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_connections": "50",
}
"""Tests kill servers but never the machine, so nothing has to reach the disk itself."""
RECORD = "record"
PATIENCE = 30.0


class Standby:
    """A server that follows the primary until it is promoted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The same at each start, and short enough for the path of a socket.
        self.sockets = tempfile.mkdtemp(prefix="irritants-")
        self._server = _Server(folder, Path(self.sockets), _programs(), _account(folder.parent))
        _change_owner(Path(self.sockets), self._server.account)
        self.url = f"postgresql://postgres@/{RECORD}?host={quote(self.sockets)}&port={PORT}"

    @classmethod
    def of(cls, primary: str, folder: Path) -> "Standby":
        """Return a started copy of the primary."""
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
        """Receive new WAL from now on without showing it."""
        self.asked("SELECT pg_wal_replay_pause()")
        until(lambda: self.asked("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        self.asked("SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        assert self.asked("SELECT pg_promote()")

    def hang(self) -> None:
        """Stop all its processes with SIGSTOP, so that queries get no answer and no error."""
        self._stopped_processes()

    def go_on(self) -> None:
        for process in self._stopped_processes():
            _signal(process, signal.SIGCONT)

    def kill(self) -> None:
        """Kill all its processes, and wait for the last: a new server refuses to start beside one that still runs."""
        processes = self._stopped_processes()
        for process in processes:
            _signal(process, signal.SIGKILL)
        until(lambda: not any(_state(process) not in "ZX" for process in processes))
        # Otherwise a later stop or start would look for a process with the number in them. Until somebody collects the
        # killed process, there is one.
        (self.folder / "postmaster.pid").unlink()
        Path(self.sockets, f".s.PGSQL.{PORT}.lock").unlink()

    def stop(self) -> None:
        with suppress(FileNotFoundError):
            self.go_on()
            self._run("pg_ctl", "stop", "--silent", "--mode=fast", f"--pgdata={self.folder}")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        trouble = self._server._run(program, *arguments, account=self._server.account)
        log = self.folder / "server.log"
        assert not trouble, f"{trouble}\n{log.read_text(errors='replace', encoding='utf-8') if log.exists() else ''}"

    def _stopped_processes(self) -> list[int]:
        """Stop all processes of the server. The first is stopped before the others, so it forks no more."""
        postmaster = int((self.folder / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        _signal(postmaster, signal.SIGSTOP)
        until(lambda: _state(postmaster) in "TZX")
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8").split()
        for child in children:
            _signal(int(child), signal.SIGSTOP)
        return [postmaster, *map(int, children)]


def _signal(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _state(process: int) -> str:
    """Return the letter that Linux shows for the state of a process: T stopped, Z ended and not collected, X ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def until(reached: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.01)


@contextmanager
def primary(home: Path) -> Iterator[str]:
    """Yield the address of a seeded record on a server that standbys can follow."""
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
    """Yield two standbys of a server, and stop them at the end."""
    with ExitStack() as stack:
        first, second = (Standby.of(primary, folder / name) for name in ("first", "second"))
        stack.callback(first.remove)
        stack.callback(second.remove)
        yield first, second


def on(address: str) -> str:
    """Return the address of the record on a server."""
    return urlsplit(address)._replace(path=f"/{RECORD}").geturl()
