"""The embedded database: starts when it is used, survives killed processes, and stops with the last user."""

import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from service.store import embedded
from service.store.embedded import EmbeddedServerError, serving
from service.store.migrate import upgrade

USER = """
import sys
from pathlib import Path
from service.store import embedded
embedded.ANSWER_SECONDS = 1
with embedded.serving(Path(sys.argv[1])) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


PID_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def possible(*command: str) -> bool:
    with suppress(OSError):
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return False


namespaces = pytest.mark.skipif(
    not possible(*PID_NAMESPACE), reason="this user may not make namespaces, or `unshare` is not installed"
)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")
UNKNOWN = 54321
"""A user id without an entry in /etc/passwd."""


@pytest.fixture
def short() -> Iterator[Path]:
    """Yield a folder with a path that is short enough for sockets below it."""
    with tempfile.TemporaryDirectory(prefix="i") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yield a home whose database has one table with one row."""
    home = tmp_path_factory.mktemp("home")
    with serving(home) as address, psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE word AS SELECT 'kept' AS kept")
    return home


@contextmanager
def another_process(home: Path, *within: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process that uses the database of `home` until its standard input ends. Yield it with its address.

    `within` is a command that runs it, such as `unshare`.
    """
    with subprocess.Popen(
        [*within, sys.executable, "-c", USER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **environment},
    ) as user:
        assert user.stdout
        yield user, user.stdout.readline().strip()
        user.communicate()


def kept(address: str) -> str:
    with psycopg.connect(address) as connection:
        (word,) = connection.execute("SELECT kept FROM word").fetchone() or ("nothing",)
        return str(word)


def serves(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def postmaster(home: Path) -> int:
    return int((home / "database" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])


def runs(process: int) -> bool:
    """Return whether a process is running. A zombie is not."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def ended(process: int) -> None:
    while runs(process):
        time.sleep(0.01)


def has_ended(process: int) -> bool:
    """Return whether a process ends within a second. One that has given its locks back may take a moment more."""
    deadline = time.monotonic() + 1
    while runs(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not runs(process)


def socket_of(home: Path) -> Path:
    return home / "database" / ".s.PGSQL.5432"


def refused(home: Path, *within: str) -> str:
    """Return the error of a process that cannot use the database."""
    with another_process(home, *within) as (user, address):
        assert not address
        assert user.stderr
        return user.stderr.read()


def test_rows_survive_a_restart_and_no_server_runs_without_users(made: Path) -> None:
    with serving(made) as first:
        assert kept(first) == "kept"
    assert not serves(first)
    with serving(made) as again:
        assert kept(again) == "kept"


def test_an_exception_of_the_user_stops_the_server_too(made: Path) -> None:
    with pytest.raises(RuntimeError), serving(made) as address:
        raise RuntimeError
    assert not serves(address)


def test_two_processes_share_one_server_and_the_last_one_stops_it(made: Path) -> None:
    with serving(made) as ours:
        with another_process(made) as (_, theirs):
            assert theirs == ours
        assert kept(ours) == "kept"
    assert not serves(ours)


def test_the_server_stays_for_a_process_that_came_second(made: Path) -> None:
    with another_process(made) as (first, address), serving(made):
        first.communicate()
        assert kept(address) == "kept"


def test_a_killed_process_no_longer_counts_as_a_user(made: Path) -> None:
    with another_process(made) as (user, theirs):
        user.kill()
        user.wait()
        assert serves(theirs)
        with serving(made) as ours:
            assert ours == theirs
            assert kept(ours) == "kept"
        assert not serves(ours)


def test_a_killed_server_recovers_its_commits(made: Path) -> None:
    with serving(made) as address:
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS late AS SELECT 1")
        os.kill(postmaster(made), signal.SIGKILL)
    with serving(made) as address, psycopg.connect(address) as connection:
        assert connection.execute("SELECT * FROM late").fetchall() == [(1,)]


def test_a_reused_process_id_does_not_prevent_a_start(made: Path) -> None:
    with serving(made):
        said = (made / "database" / "postmaster.pid").read_text(encoding="utf-8")
    _, *rest = said.splitlines()
    owner = (made / "database").stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner) as other:
        stale = made / "database" / "postmaster.pid"
        stale.write_text("\n".join([str(other.pid), *rest]), encoding="utf-8")
        os.chown(stale, owner, -1)
        with serving(made) as address:
            assert kept(address) == "kept"
        other.kill()


@pytest.mark.parametrize("within", [(), pytest.param(PID_NAMESPACE, marks=namespaces)], ids=["here", "other-pids"])
def test_a_server_in_use_that_cannot_be_reached_is_left_alone(made: Path, within: list[str]) -> None:
    with another_process(made) as (user, _):
        server = postmaster(made)
        before = (made / "database" / "postmaster.pid").read_bytes()
        socket_of(made).unlink()
        said = refused(made, *within)
        assert f"the record in {made} is in use by a process that cannot be reached: it holds {made}/users.lock" in said
        assert f"no database answers at {socket_of(made)}" in said
        assert (made / "database" / "postmaster.pid").read_bytes() == before
        assert runs(server)
        # The remaining user still stops it, although it cannot be reached.
        user.communicate()
        assert has_ended(server)
    with serving(made) as address:
        assert kept(address) == "kept"


@pytest.mark.parametrize("within", [(), pytest.param(PID_NAMESPACE, marks=namespaces)], ids=["here", "other-pids"])
def test_no_second_server_starts_beside_one_that_outlived_its_users(made: Path, within: list[str]) -> None:
    with another_process(made) as (user, _):
        server = postmaster(made)
        socket_of(made).unlink()
        user.kill()
        user.wait()
    said = refused(made, *within)
    assert f"it holds {made}/database/server.lock" in said
    assert postmaster(made) == server
    assert runs(server)
    os.kill(server, signal.SIGINT)
    ended(server)
    with serving(made) as address:
        assert kept(address) == "kept"


def test_a_server_that_died_is_not_replaced_while_another_process_relies_on_it(made: Path) -> None:
    with another_process(made):
        server = postmaster(made)
        os.kill(server, signal.SIGKILL)
        ended(server)
        with pytest.raises(EmbeddedServerError, match=r"in use by .* cannot be reached: it holds .*users\.lock"):
            serving(made).__enter__()
    with serving(made) as address:
        assert kept(address) == "kept"


def test_a_socket_that_a_child_of_a_killed_server_still_holds_open_is_not_a_server(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ANSWER_SECONDS", 1)
    with another_process(made), ExitStack() as child:
        server = postmaster(made)
        os.kill(server, signal.SIGKILL)
        ended(server)
        socket_of(made).unlink()
        child.enter_context(listener := socket.socket(socket.AF_UNIX))
        listener.bind(str(socket_of(made)))
        listener.listen()
        lock = child.enter_context((made / "database" / "server.lock").open("rb"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EmbeddedServerError, match="cannot be reached"):
            serving(made).__enter__()
    with serving(made) as address:
        assert kept(address) == "kept"


@namespaces
@pytest.mark.parametrize("far", ["", "far" * 40], ids=["short-path", "long-path"])
def test_processes_that_see_other_temporary_folders_share_one_server(tmp_path: Path, far: str) -> None:
    temporary, home = tmp_path / "tmp", tmp_path / far / "home"
    temporary.mkdir(mode=0o777)
    hidden = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {temporary} && exec "$@"', "sh"]
    with another_process(home, TMPDIR=str(temporary)) as (_, first):
        server = postmaster(home)
        with another_process(home, *hidden, TMPDIR=str(temporary)) as (second, address):
            assert address
            assert second.communicate()[1] == ""
        assert postmaster(home) == server
        assert serves(first)
    assert has_ended(server)


@namespaces
def test_processes_in_other_pid_namespaces_share_one_server_and_the_last_one_stops_it(made: Path) -> None:
    with another_process(made, *PID_NAMESPACE) as (_, theirs):
        with another_process(made) as (first, ours):
            assert ours == theirs
            first.communicate()
        assert kept(theirs) == "kept"
    assert not serves(theirs)
    with another_process(made) as (first, ours):
        server = postmaster(made)
        with another_process(made, *PID_NAMESPACE) as (last, theirs):
            assert ours == theirs
            first.communicate()
            assert kept(theirs) == "kept"
            last.communicate()
            assert has_ended(server)
    assert (
        (made / "database" / "server.log").read_text(encoding="utf-8").rstrip().endswith("database system is shut down")
    )


def test_leaving_a_removed_folder_does_not_stop_the_server_of_its_successor(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with another_process(home) as (first, _):
        home.rename(tmp_path / "away")
        with serving(home, fsync="off") as address:
            first.communicate()
            assert serves(address)
    os.kill(postmaster(tmp_path / "away"), signal.SIGINT)


def test_a_killed_start_does_not_prevent_the_next_one(tmp_path: Path) -> None:
    for moment in (0.15, 0.4, 0.7):
        with subprocess.Popen(
            [sys.executable, "-c", USER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as user:
            time.sleep(moment)
            user.kill()
    with serving(tmp_path) as address:
        assert serves(address)


ODD = [
    "~",
    "two words",
    "a,b",
    "$HOME",
    "it's",
    'say "so"',
    "back`tick",
    "back\\slash",
    "a;b&c|d>e",
    "%41",
    "Straße",
    "far" * 40,
]


@pytest.mark.parametrize("name", ODD)
def test_a_folder_may_have_any_name_that_can_be_printed(tmp_path: Path, name: str) -> None:
    with serving(tmp_path / name / "home", fsync="off") as address:
        assert serves(address)
        server = postmaster(tmp_path / name / "home")
    assert has_ended(server)
    assert {path.name for path in tmp_path.iterdir()} == {name}


@pytest.mark.parametrize("name", ["far" * 40, "a,b", "two words", "$HOME 'x'", "~"])
def test_the_folder_for_temporary_files_may_have_any_name(tmp_path: Path, short: Path, name: str) -> None:
    temporary = short / name
    temporary.mkdir()
    home = tmp_path / "long" / ("long" * 30)
    with another_process(home, TMPDIR=str(temporary)) as (_, address):
        assert serves(address)
        assert bool(list(temporary.iterdir())) == (name in {"two words", "$HOME 'x'", "~"})
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["two\nlines", "tab\t", "\udcff"])
def test_a_folder_whose_name_cannot_be_printed_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EmbeddedServerError, match="IRRITANTS_HOME"):
        serving(tmp_path / name).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_servers_of_two_folders_are_separate_even_if_one_name_starts_with_the_other(made: Path) -> None:
    with serving(made) as one, serving(made.with_name(f"{made.name}-2"), fsync="off") as other:
        assert kept(one) == "kept"
        with psycopg.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('word')").fetchone() == (None,)


def test_it_listens_on_no_network_address(made: Path) -> None:
    with serving(made) as address, psycopg.connect(address) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_the_error_says_why_the_server_does_not_start(made: Path) -> None:
    with (
        pytest.raises(EmbeddedServerError, match=r'(?s)does not start; its log is .*server\.log.*for parameter "port"'),
        serving(made, port="no"),
    ):
        pass


def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / "PG_VERSION").write_text("17\n", encoding="utf-8")
    with pytest.raises(EmbeddedServerError, match="created by PostgreSQL 17, and this is 18"), serving(tmp_path):
        pass


def test_a_missing_wheel_of_postgresql_is_reported_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match="set IRRITANTS_DATABASE_URL"), serving(tmp_path):
        pass


def test_an_unusable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EmbeddedServerError, match=r"cannot be stored in .*file/home"),
        serving(tmp_path / "file" / "home"),
    ):
        pass


@as_root
def test_as_root_it_runs_as_a_user_who_can_enter_but_not_list_the_folders_above(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with serving(private / "home", fsync="off"):
        assert Path(f"/proc/{postmaster(private / 'home')}").stat().st_uid != 0
    assert stat.S_IMODE(private.stat().st_mode) == 0o701


@as_root
def test_as_root_it_runs_as_the_owner_of_the_home(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    with serving(tmp_path, fsync="off"):
        assert Path(f"/proc/{postmaster(tmp_path)}").stat().st_uid == 65534


@as_root
def test_as_root_it_runs_as_an_owner_of_the_home_without_an_account(tmp_path: Path) -> None:
    os.chown(tmp_path, UNKNOWN, UNKNOWN)
    with serving(tmp_path, fsync="off"):
        assert Path(f"/proc/{postmaster(tmp_path)}").stat().st_uid == UNKNOWN
    assert {file.lstat().st_uid for file in tmp_path.rglob("*")} == {UNKNOWN}


@as_root
def test_a_user_id_without_an_account_can_use_a_database_but_not_create_one(tmp_path: Path) -> None:
    unknown = ["setpriv", f"--reuid={UNKNOWN}", f"--regid={UNKNOWN}", "--clear-groups"]
    if not possible(*unknown, sys.executable, "-c", "import service"):
        pytest.skip("other users may not run the Python of this suite")
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, UNKNOWN, UNKNOWN)
    said = refused(home, *unknown)
    assert f"the user id {UNKNOWN} has no entry in /etc/passwd" in said
    assert not (home / "database").exists()
    with serving(home, fsync="off") as address:
        assert serves(address)
    with another_process(home, *unknown) as (_, address):
        assert serves(address)


@as_root
@namespaces
def test_a_read_only_file_system_is_reported(tmp_path: Path, made: Path) -> None:
    frozen = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    said = refused(made, "unshare", "--mount", "sh", "-c", frozen, str(made.parent))
    assert f"cannot be stored in {made}: {made}/start.lock: Read-only file system" in said
    said = refused(tmp_path / "new", "unshare", "--mount", "sh", "-c", frozen, str(tmp_path))
    assert f"cannot be stored in {tmp_path}/new: {tmp_path}/new: Read-only file system" in said


@as_root
@namespaces
def test_a_long_path_needs_a_temporary_folder_and_a_short_one_does_not(short: Path) -> None:
    frozen = 'mount --bind "$0" "$0" && mount -o remount,ro,bind / && cd / && exec "$@"'
    within = ["unshare", "--mount", "sh", "-c", frozen, str(short)]
    with another_process(short / "home", *within) as (_, address):
        assert serves(address)
    assert "TMPDIR" in refused(short / ("far" * 40), *within)


@as_root
@namespaces
def test_the_user_for_the_server_is_added_although_useradd_is_not_on_the_path(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    subprocess.run(["cp", "-a", "/etc", etc], check=True)
    for name in ("passwd", "shadow", "group", "gshadow"):
        lines = [
            line for line in (etc / name).read_text(encoding="utf-8").splitlines() if not line.startswith("irritants:")
        ]
        (etc / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    within = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', str(etc)]
    with another_process(tmp_path / "home", *within, PATH="/usr/bin:/bin") as (_, address):
        assert serves(address)
    assert "irritants:" in (etc / "passwd").read_text(encoding="utf-8")


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a prepared database with the tables and an empty record, as the standalone image has it."""
    with serving(tmp_path / "prepared") as address:
        upgrade(address)
    folder = shutil.copytree(tmp_path / "prepared" / "database", tmp_path / "image")
    for file in (folder, *folder.rglob("*")):  # every user may read it in the image
        file.chmod(0o755 if file.is_dir() else 0o644)
    for parent in folder.parents:
        embedded._make_passable(parent)
    monkeypatch.setattr(embedded, "_PREPARED", folder)
    return folder


def identity(address: str) -> tuple[str, bytes, int]:
    with psycopg.connect(address) as c:
        row = c.execute("SELECT record, session_secret, position FROM head").fetchone()
    assert row is not None
    return str(row[0]), bytes(row[1]), int(row[2])


def test_a_copy_of_a_prepared_database_has_an_identity_of_its_own_and_keeps_it(prepared: Path, tmp_path: Path) -> None:
    found = {}
    for name in ("one", "two", "prepared"):
        with serving(tmp_path / name) as address:
            found[name] = identity(address)
            with psycopg.connect(address) as c:
                c.execute("CREATE TABLE IF NOT EXISTS mine (it int)")
        with serving(tmp_path / name) as address:
            assert identity(address) == found[name]
    assert len({record for record, _, _ in found.values()}) == len({secret for _, secret, _ in found.values()}) == 3
    assert {position for _, _, position in found.values()} == {0}


def test_a_copy_is_closed_to_other_users(prepared: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "home"):
        copied = [tmp_path / "home" / "database", *(tmp_path / "home" / "database").rglob("*")]
        # The server and this process make some files themselves.
        assert [file for file in copied if file.is_dir() and file.stat().st_mode & 0o077] == []
        assert not (tmp_path / "home" / "database" / "copied").exists()


def test_a_start_that_ended_before_the_copy_had_its_identity_gives_it_later(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(embedded, "give_identity", interrupted)
        with pytest.raises(KeyboardInterrupt), serving(tmp_path / "home"):
            pass
    with serving(tmp_path / "prepared") as address:
        original = identity(address)
    # The server that the interrupted start left has no user any more.
    with serving(tmp_path / "home") as address:
        assert identity(address)[:2] != original[:2]


@as_root
def test_a_copy_runs_as_an_owner_without_an_account(prepared: Path, short: Path) -> None:
    home = short / "home"
    home.mkdir()
    os.chown(home, UNKNOWN, UNKNOWN)
    short.chmod(0o711)
    with serving(home) as address:
        assert identity(address)[2] == 0
        assert (home / "database").stat().st_uid == UNKNOWN
