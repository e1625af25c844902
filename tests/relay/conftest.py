"""A nats-server for each test that needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.relay.server import NatsServer


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "jetstream")
    server.start()
    yield server
    server.kill()
