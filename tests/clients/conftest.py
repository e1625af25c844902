"""A real server on the seeded record, and somebody who files what clients then hear of."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import pytest

from service.store import keys
from service.store.engine import open_engine, transaction
from tests.api.serving import Served, served

BANKING = "ru-us/banking-access"


@pytest.fixture
def server(seeded_database_url: str) -> Iterator[Served]:
    with served(seeded_database_url) as server:
        yield server


@pytest.fixture
def key(seeded_database_url: str) -> str:
    engine = open_engine(seeded_database_url)
    with transaction(engine) as c:
        _, key = keys.create(c, "an operator", ("report",), datetime.now(UTC))
    engine.dispose()
    return key


def file(server: Served, key: str) -> None:
    """One report that moves banking."""
    event = {
        "stream": f"irritant/{BANKING}",
        "type": "ImplementationReported",
        "occurred": "2025-06-01",
        "act": "Accounts were opened",
        "actor": "both",
        "asserted_by": {"party": "US", "channel": "quote"},
        "source": {"document": "a4-unnamed-outlet", "paragraphs": [5], "origin": "state-department-on-april"},
        "summary": "Accounts are said to have been opened.",
    }
    body = {"relation": "ru-us", "title": "After the round", "events": [event]}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "once"}
    assert httpx2.post(f"{server.url}/v1/reports", json=body, headers=headers).status_code == 201
