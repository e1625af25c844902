"""A real server on the seeded record, and a function that files a report for clients to notice."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.serving import Served, served
from tests.keys import new_key

BANKING = "ru-us/banking-access"


@pytest.fixture
def server(seeded_database_url: str) -> Iterator[Served]:
    with served(seeded_database_url) as server:
        yield server


@pytest.fixture
def key(seeded_database_url: str) -> str:
    return new_key(seeded_database_url)


def file(server: Served, key: str) -> None:
    """File a report that raises the irritant on banking to implementing."""
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
