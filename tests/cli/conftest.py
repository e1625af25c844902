"""The real command line against a real server and database: `desk.run("status")`, with a key that may report.

Tests that only read use `reader`, on a shared record, because a separate server takes longer than most commands.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from signal import SIGTERM
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.api.app import create_app
from service.api.server import Server
from service.cli.main import main
from service.settings import Settings, variable
from service.store.keys import Scope
from tests.api.serving import Served
from tests.keys import new_key


@dataclass(frozen=True)
class Ended:
    """The exit code of a command and its output."""

    code: int
    out: str
    err: str


def irritants(*arguments: str) -> Ended:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return Ended(int(ended.value.code), *(_written(stream) for stream in (out, err)))


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@dataclass(frozen=True)
class Desk:
    """A user with a shell, whose environment has the address of the service and a key."""

    url: str
    database_url: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: str | Path) -> Ended:
        return irritants(*map(str, arguments))

    def done(self, *arguments: str | Path) -> str:
        """Return the output of a command that succeeds."""
        ended = self.run(*arguments)
        assert ended.code == 0, ended.err
        return ended.out

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def key(self, *scopes: Scope, name: str = "desk", **more: Any) -> str:
        """Create a key, which later commands send."""
        token = new_key(self.database_url, *scopes, name=name, **more)
        self.monkeypatch.setenv("IRRITANTS_KEY", token)
        return token


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    # Help and errors wrap at this width.
    monkeypatch.setenv("COLUMNS", "100")


@contextmanager
def served(database_url: str, **settings: Any) -> Iterator[str]:
    """Yield the address of a server in a thread. Its log does not appear in the output of commands."""
    address: Queue[str] = Queue()
    server = Server(create_app(Settings(database_url=database_url, **settings)), "127.0.0.1", 0, address.put)
    thread = threading.Thread(target=server.run)
    with capture_logs():
        thread.start()
        try:
            yield address.get(timeout=30)
        finally:
            server.handle_exit(SIGTERM, None)
            thread.join()


@pytest.fixture
def reader(shared_server: Served, shared_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A user without a key."""
    monkeypatch.setenv("IRRITANTS_URL", shared_server.url)
    return Desk(shared_server.url, shared_database_url, tmp_path, monkeypatch)


@pytest.fixture
def desk(seeded_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with served(seeded_database_url) as url:
        monkeypatch.setenv("IRRITANTS_URL", url)
        desk = Desk(url, seeded_database_url, tmp_path, monkeypatch)
        desk.key("report")
        yield desk
