"""A real server in its own process, for tests of the server rather than the application."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit

import pytest

from tests.programs import Program

SERVE = ["serve", "--no-seed", "--json"]


@dataclass(frozen=True)
class Served:
    url: str
    process: Program
    _log: IO[str]

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the server's log so far."""
        self._log.seek(0)
        return [json.loads(line) for line in self._log]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port


@contextmanager
def served(database_url: str, *, port: int = 0, **settings: str) -> Iterator[Served]:
    """Serve a migrated record, on a free port by default. Kill the server at the end if it still runs."""
    environment = {**os.environ, **{f"IRRITANTS_{k.upper()}": v for k, v in settings.items()}}
    command = [*SERVE, "--database", database_url, "--port", str(port)]
    # A file, because a pipe that no test reads fills up and blocks the server.
    with TemporaryFile("w+", encoding="utf-8") as log, Program(command, err=log, env=environment) as process:
        yield Served(json.loads(process.stdout.readline())["address"], process, log)


def raw(server: Served, request: bytes) -> socket.socket:
    connection = socket.create_connection(server.address, timeout=10)
    connection.sendall(request)
    return connection


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds. The limit is generous, because other programs share the machine."""
    for _ in range(3_000):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not come about in a minute")
