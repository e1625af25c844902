"""A nats-server for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.relay.server import PROGRAM, REQUIRED, NatsServer


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    if PROGRAM is None:
        assert not REQUIRED, "there has to be a nats-server here"
        pytest.skip("there is no nats-server on this machine (Debian's package nats-server)")
    server = NatsServer(tmp_path / "jetstream")
    server.start()
    yield server
    server.kill()
