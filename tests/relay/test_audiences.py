"""The relay publishes what one audience may see, and the place of everything else."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.api.resources.cloudevents import cloud_event, withheld_event
from service.store import audience, events
from service.store.audience import Label
from service.store.engine import connection, open_engine, transaction
from service.store.log import lock_head
from service.store.tables import head, withheld
from tests.cli.conftest import irritants
from tests.relay.server import STREAM, NatsServer
from tests.relay.test_relay import fill, reached, running

RESTRICTED = 500


@pytest.fixture
def audiences(engine: Engine, database_url: str) -> Iterator[Engine]:
    """Fill the record with ten events, withhold three of them, and yield an engine of the open audience."""
    assert fill(engine, 1, 10) == 10
    withhold(engine, 3, 4, 8)
    of_audience = open_engine(database_url, clearance=0)
    yield of_audience
    of_audience.dispose()


def withhold(engine: Engine, *positions: int) -> None:
    with transaction(engine) as c:
        lock_head(c)
        c.execute(withheld.insert(), [{"position": position, "rank": RESTRICTED} for position in positions])
        c.execute(head.update().values(highest=RESTRICTED))


def stored(server: NatsServer) -> list[bytes]:
    return [payload for *_, payload in asyncio.run(server.stored())]


def seen_by_open(engine: Engine, *hidden: int) -> list[bytes]:
    with connection(engine) as c:
        return [
            withheld_event(event.position, event.recorded_at) if event.position in hidden else cloud_event(event)
            for event in events.read_log(c)
        ]


def test_the_open_audience_gets_the_place_of_withheld_events(
    audiences: Engine, engine: Engine, database_url: str, nats_server: NatsServer, tmp_path: Path
) -> None:
    with running(nats_server.url, database_url, tmp_path / "log"):
        asyncio.run(reached(nats_server, 10))
        fill(engine, 1, 2)
        asyncio.run(reached(nats_server, 12))
    assert stored(nats_server) == seen_by_open(engine, 3, 4, 8)
    sent = asyncio.run(nats_server.stored())
    assert [(sequence, subject) for sequence, subject, *_ in sent if subject == "irritants.withheld"] == [
        (3, "irritants.withheld"),
        (4, "irritants.withheld"),
        (8, "irritants.withheld"),
    ]
    assert json.loads(sent[2][-1]).keys() == {"specversion", "id", "source", "type", "time", "position"}


def test_a_relay_continues_after_a_withheld_event(
    audiences: Engine, engine: Engine, database_url: str, nats_server: NatsServer, tmp_path: Path
) -> None:
    with running(nats_server.url, database_url, tmp_path / "log"):
        asyncio.run(reached(nats_server, 10))
    fill(engine, 1, 2)
    withhold(engine, 11, 12)
    with running(nats_server.url, database_url, tmp_path / "log"):
        fill(engine, 1, 1)
        asyncio.run(reached(nats_server, 13))
    assert stored(nats_server) == seen_by_open(engine, 3, 4, 8, 11, 12)


def test_a_cleared_relay_publishes_every_event_to_a_stream_of_its_own(
    audiences: Engine,
    engine: Engine,
    database_url: str,
    nats_server: NatsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IRRITANTS_RELAY_CLEARANCE", "restricted")
    with running(nats_server.url, database_url, tmp_path / "log"):
        asyncio.run(reached(nats_server, 10))
    assert stored(nats_server) == seen_by_open(engine)
    monkeypatch.delenv("IRRITANTS_RELAY_CLEARANCE")
    with running(nats_server.url, database_url, tmp_path / "refused") as relay:
        assert relay.wait() == 1
    assert f"the stream {STREAM} is for the audience restricted, and IRRITANTS_RELAY_CLEARANCE is open" in (
        tmp_path / "refused"
    ).read_text(encoding="utf-8")


def test_an_unknown_clearance_is_refused_with_the_labels(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as c:
        audience.add_label(c, Label("secret", 750))
    monkeypatch.setenv("IRRITANTS_RELAY_CLEARANCE", "internal")
    refused = irritants("relay", "--nats", "nats://127.0.0.1:9", "--database", database_url)
    named = 'invalid IRRITANTS_RELAY_CLEARANCE "internal"; the labels of this record are open, restricted, secret'
    assert (refused.code, refused.err) == (2, f"irritants: {named}\n")
