"""With PgBouncer between the service and PostgreSQL, session mode works and the other modes are refused."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine

from service.domain.catalogue import VOCABULARY
from service.store.connections import DatabaseUnavailable, UnusableDatabase, connect, refuse_shared_sessions
from service.store.engine import connection
from service.store.releases import sessions_of_older
from service.store.replica import ReplicaConnection
from tests import hostile
from tests.api.bodies import report
from tests.api.serving import served, until
from tests.keys import new_key
from tests.needed import program
from tests.programs import ran

OPENED: list[dict[str, Any]] = [
    {"stream": "relation/no-se", "type": "RelationOpened", "parties": ["NO", "SE"], "title": "Norway and Sweden"},
    {"stream": "irritant/no-se/visas", "type": "IrritantOpened", "title": "Визы", "category": "mobility"},
]
Pooled = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def pooled(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Pooled:
    """Start PgBouncer in a mode, in front of the record of the test, and yield its address."""
    pgbouncer = program("pgbouncer")

    @contextmanager
    def pooled(mode: str, **settings: object) -> Iterator[str]:
        folder = Path(tempfile.mkdtemp(prefix="pooler-"))
        given: dict[str, Any] = dict(conninfo_to_dict(database_url))
        user, name = given.pop("user"), given.pop("dbname")
        server = " ".join(f"{key}='{value}'" for key, value in given.items())
        (folder / "users").write_text(f'"{user}" ""\n', encoding="utf-8")
        configuration = {
            "listen_addr": "127.0.0.1",
            "listen_port": (port := free_port()),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": folder / "users",
            "pool_mode": mode,
            **settings,
        }
        lines = [f"[databases]\n{name} = {server} user='{user}' dbname='{name}'\n[pgbouncer]"]
        lines += [f"{key} = {value}" for key, value in configuration.items()]
        (folder / "pgbouncer.ini").write_text("\n".join(lines), encoding="utf-8")
        # It refuses to run as root, and has to reach the socket of the embedded server.
        account = account_for(given) if os.geteuid() == 0 else None
        for path in (folder, *folder.iterdir()):
            if account:
                os.chown(path, account.pw_uid, account.pw_gid)
        with subprocess.Popen(
            [pgbouncer, "--quiet", str(folder / "pgbouncer.ini")],
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=[] if account else None,
        ) as process:
            try:
                until(lambda: is_listening(port))
                yield f"postgresql://{user}@127.0.0.1:{port}/{name}"
            finally:
                process.terminate()
                process.wait(10)
                shutil.rmtree(folder)

    return pooled


def account_for(server: dict[str, Any]) -> pwd.struct_passwd:
    """Return an account with access to the folder of the socket, or any account for TCP."""
    host = str(server.get("host", ""))
    return pwd.getpwuid(Path(host).stat().st_uid) if host.startswith("/") else pwd.getpwnam("nobody")


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def test_a_report_filed_through_a_pooler_in_session_mode_is_read_there(pooled: Pooled, database_url: str) -> None:
    token = new_key(database_url, "report")
    with pooled("session") as address, served(address) as server:
        filed = httpx2.post(
            f"{server.url}/v1/reports",
            json=report(*OPENED, relation="no-se", title="Виза"),
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "one"},
        )
        assert filed.status_code == 201, filed.text
        read = httpx2.get(f"{server.url}/v1/reports/{filed.json()['id']}")
        assert read.json()["title"] == "Виза"


def test_settings_of_one_client_do_not_reach_the_next_in_session_mode(pooled: Pooled) -> None:
    with pooled("session", default_pool_size=1) as address:
        with psycopg.connect(address, autocommit=True) as stranger:
            stranger.execute("SET client_encoding = LATIN1")
            stranger.execute("SET search_path = pg_catalog")
        with connect(address, name="next") as c:
            assert c.execute("SELECT 'Виза', current_schema()").fetchone() == ("Виза", "public")


def test_a_process_of_an_earlier_release_is_known_through_a_pooler_until_it_leaves(
    pooled: Pooled, engine: Engine
) -> None:
    def older() -> int:
        with connection(engine) as c:
            return len(sessions_of_older(c, VOCABULARY))

    with pooled("session") as address:
        with psycopg.connect(address, application_name="irritants-head", autocommit=True) as earlier:
            hostile.lift_limits(earlier)
            earlier.execute("LISTEN irritants")
            assert older() == 1
        with connect(address, name="irritants-head"):
            # The pooler keeps the session of the server for the next client, without the name.
            until(lambda: older() == 0)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("in_turn", [0, 1])
def test_a_pooler_that_shares_sessions_is_refused(pooled: Pooled, mode: str, in_turn: int) -> None:
    with pooled(mode, server_round_robin=in_turn, min_pool_size=4) as address:
        warm(address)
        with pytest.raises(UnusableDatabase, match="set pool_mode = session"):
            refuse_shared_sessions(address)


def warm(address: str) -> None:
    """Make the pooler open several sessions, as a pooler in use has."""
    with ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(address, autocommit=True)) for _ in range(3)]
        for client in clients:
            client.execute("SELECT 1")


@pytest.mark.slow
def test_a_pooler_with_too_few_sessions_is_refused(pooled: Pooled) -> None:
    with pooled("session", default_pool_size=1) as address, pytest.raises(UnusableDatabase, match="no second session"):
        refuse_shared_sessions(address)


def test_no_command_works_through_a_pooler_that_shares_sessions(pooled: Pooled) -> None:
    with pooled("transaction") as address:
        for command in (["serve", "--port", "0"], ["migrate"], ["verify"], ["export", "-"]):
            ended = ran([*command, "--database", address])
            assert ended.returncode == 2
            assert "set pool_mode = session" in ended.stderr


def test_a_connection_without_a_pooler_is_accepted(database_url: str) -> None:
    refuse_shared_sessions(database_url)


def test_a_standby_behind_a_pooler_that_shares_sessions_is_not_read(pooled: Pooled) -> None:
    with pooled("transaction") as address:
        replica = ReplicaConnection(address)
        try:
            with pytest.raises(DatabaseUnavailable):
                asyncio.run(replica.read_head())
            assert not replica.is_healthy
        finally:
            replica.close()
