"""The embedded database: starts by itself, keeps its rows whoever is killed, and stops with the last user."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from service.store import embedded
from service.store.embedded import EmbeddedServerError, serving

USER = """
import sys
from pathlib import Path
from service.store.embedded import serving
with serving(Path(sys.argv[1])) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database has one table with one row in it."""
    home = tmp_path_factory.mktemp("home")
    with serving(home) as address, psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE word AS SELECT 'kept' AS kept")
    return home


@contextmanager
def another_process(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that uses the database of `home` until its standard input ends, and the address that it was given."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
    return int((home / "database" / "postmaster.pid").read_text().splitlines()[0])


def test_rows_outlive_a_restart_and_nothing_runs_when_nobody_uses_it(made: Path) -> None:
    with serving(made) as first:
        assert kept(first) == "kept"
    assert not serves(first)
    with serving(made) as again:
        assert kept(again) == "kept"


def test_it_is_left_even_by_an_exception(made: Path) -> None:
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


def test_a_killed_process_is_no_user_any_more(made: Path) -> None:
    with another_process(made) as (user, theirs):
        user.kill()
        user.wait()
        assert serves(theirs)
        with serving(made) as ours:
            assert ours == theirs
            assert kept(ours) == "kept"
        assert not serves(ours)


def test_a_killed_server_recovers_what_was_committed(made: Path) -> None:
    with serving(made) as address:
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS late AS SELECT 1")
        os.kill(postmaster(made), signal.SIGKILL)
    with serving(made) as address, psycopg.connect(address) as connection:
        assert connection.execute("SELECT * FROM late").fetchall() == [(1,)]


def test_a_process_id_that_belongs_to_another_process_by_now_is_in_nobodys_way(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PAUSES", (0, 0))
    with serving(made):
        said = (made / "database" / "postmaster.pid").read_text()
    _, *rest = said.splitlines()
    owner = (made / "database").stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner) as other:
        stale = made / "database" / "postmaster.pid"
        stale.write_text("\n".join([str(other.pid), *rest]))
        os.chown(stale, owner, -1)
        with serving(made) as address:
            assert kept(address) == "kept"
        other.kill()


def test_a_start_that_is_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    for moment in (0.15, 0.4, 0.7):
        with subprocess.Popen(
            [sys.executable, "-c", USER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as user:
            time.sleep(moment)
            user.kill()
    with serving(tmp_path) as address:
        assert serves(address)


def test_a_path_too_long_for_a_socket_is_none_for_a_home(tmp_path: Path) -> None:
    with serving(tmp_path / ("long" * 30) / "home", fsync="off") as address:
        assert serves(address)


def test_folders_that_run_at_once_are_apart_even_where_one_name_begins_another(made: Path) -> None:
    with serving(made) as one, serving(made.with_name(f"{made.name}-2"), fsync="off") as other:
        assert kept(one) == "kept"
        with psycopg.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('word')").fetchone() == (None,)


def test_it_listens_on_no_network_address(made: Path) -> None:
    with serving(made) as address, psycopg.connect(address) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_why_it_does_not_start_is_said(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PAUSES", (0,))
    with (
        pytest.raises(EmbeddedServerError, match=r"does not start; its log is .*server\.log"),
        serving(made, port="no"),
    ):
        pass


def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 17, and this is 18"), serving(tmp_path):
        pass


def test_without_the_wheel_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match="set IRRITANTS_DATABASE_URL"), serving(tmp_path):
        pass


def test_a_folder_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(EmbeddedServerError, match=r"cannot be kept in .*file/home"),
        serving(tmp_path / "file" / "home"),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")
def test_as_root_it_runs_as_another_user_who_may_pass_the_folders_above_but_not_list_them(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with serving(private / "home", fsync="off"):
        assert Path(f"/proc/{postmaster(private / 'home')}").stat().st_uid != 0
    assert stat.S_IMODE(private.stat().st_mode) == 0o701


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as somebody else")
def test_as_root_it_runs_as_the_owner_of_the_home(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    with serving(tmp_path, fsync="off"):
        assert Path(f"/proc/{postmaster(tmp_path)}").stat().st_uid == 65534
