"""The consumer in docs/fan-out.md reads the events that the command relays."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from service.store import events
from service.store.engine import connection, open_engine
from tests.cli.conftest import irritants
from tests.relay.server import NatsServer
from tests.relay.test_relay import reached, running

PAGE = Path(__file__).parents[2] / "docs" / "fan-out.md"


def test_the_consumer_has_the_events_of_all_rounds(
    seeded_database_url: str, nats_server: NatsServer, tmp_path: Path
) -> None:
    engine = open_engine(seeded_database_url)
    with connection(engine) as c:
        recorded = events.read_log(c)
    engine.dispose()
    with running(nats_server.url, seeded_database_url, tmp_path / "log"):
        asyncio.run(reached(nats_server, len(recorded)))
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    command = [sys.executable, "-c", script.replace("nats://127.0.0.1:4222", nats_server.url)]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    rounds = [event for event in recorded if event.stream.startswith("round/ru-us/")]
    assert rounds
    assert ended.stdout.splitlines() == [
        f"{event.position} irritants.{event.type}.v{event.schema_version} {event.stream}" for event in rounds
    ]


def test_a_missing_address_wrong_subjects_and_a_wrong_stream_are_refused() -> None:
    told = irritants("relay")
    assert (told.code, "IRRITANTS_NATS_URL" in told.err) == (2, True)
    told = irritants("relay", "--nats", "nats://127.0.0.1:1", "--subjects", "all.>")
    assert (told.code, "invalid --subjects" in told.err) == (2, True)
    told = irritants("relay", "--nats", "nats://127.0.0.1:1", "--stream", "a.b")
    assert (told.code, "invalid --stream" in told.err) == (2, True)
