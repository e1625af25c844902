"""Start a PostgreSQL, and run a command with TEST_DATABASE_URL set to it.

    python -m tests.servers debian:15 make test
    python -m tests.servers image:17 make test

`debian:15` is Debian's package postgresql-15, `image:17` the public image postgres:17. The server listens on a free
port of loopback, runs without durability for speed, and is removed at the end.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from tests.conftest import NOT_DURABLE


@contextmanager
def debian(version: str) -> Iterator[str]:
    """Yield the address of a server of Debian's package. Root runs it as the package's own user."""
    programs = Path(f"/usr/lib/postgresql/{version}/bin")
    if not programs.is_dir():
        sys.exit(f"PostgreSQL {version} is not installed: apt-get install postgresql-{version}")
    account = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if account:
        os.chown(folder, account, -1)
    port = _free_port()
    listening = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder)}
    options = " ".join(f"-c {name}={value}" for name, value in (NOT_DURABLE | listening).items())

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), f"--pgdata={folder / 'data'}", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=account, cwd="/")

    try:
        run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        run("pg_ctl", "start", "--wait", f"--log={folder / 'log'}", f"--options={options}")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "--mode=immediate")
        shutil.rmtree(folder)


@contextmanager
def image(version: str) -> Iterator[str]:
    """Yield the address of a server in a container of the public image."""
    settings = NOT_DURABLE | {"listen_addresses": "*"}
    testcontainers_config.ryuk_disabled = (
        True  # its cleanup container would be one more image to pull; this block stops the container
    )
    postgres = PostgresContainer(f"postgres:{version}", driver=None)
    postgres.with_command(" ".join(["postgres", *(f"-c {name}={value}" for name, value in settings.items())]))
    postgres.with_tmpfs_mount("/var/lib/postgresql/data")
    with postgres:
        yield postgres.get_connection_url()


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def main(named: str, *command: str) -> int:
    kind, _, version = named.partition(":")
    with {"debian": debian, "image": image}[kind](version) as address:
        return subprocess.run(command, check=False, env={**os.environ, "TEST_DATABASE_URL": address}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
