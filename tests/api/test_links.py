"""Irritants that are linked: both dossiers show it, also across relations, to those who may read both."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from tests.api.bodies import report, said
from tests.api.conftest import Headers, MakeKey
from tests.two_relations import BY_FR, SECRET, WINE, file_second_relation

VISAS = "/v1/irritants/ru-us/visas/dossier"
LINKED = {"stream": WINE, **said("LinkageStated", **BY_FR), "with": "ru-us/visas", "kind": "conditional_on"}


@pytest.fixture
def filer(make_key: MakeKey) -> Headers:
    return make_key("report", "read", name=f"{SECRET}-desk")


@pytest.fixture
def client(seeded_database_url: str, filer: Headers) -> Iterator[TestClient]:
    """The seeded record with a second relation in it, where reading needs a key."""
    with TestClient(create_app(Settings(database_url=seeded_database_url, read_access="key"))) as client:
        file_second_relation(client, filer["Authorization"].removeprefix("Bearer "))
        yield client


def file(client: TestClient, filer: Headers, key: str, event: dict[str, Any]) -> None:
    body = report(event, relation="fr-us", title=key)
    answer = client.post("/v1/reports", json=body, headers={**filer, "Idempotency-Key": key})
    assert answer.status_code == 201, answer.text


def test_a_linkage_across_relations_is_in_both_dossiers(client: TestClient, filer: Headers) -> None:
    before = client.get(VISAS, headers=filer)
    file(client, filer, "link", LINKED)
    after = client.get(VISAS, headers={**filer, "If-None-Match": before.headers["etag"]})
    (there,) = after.json()["links"]
    (here,) = client.get(f"/v1/irritants/fr-us/{SECRET}-wine/dossier", headers=filer).json()["links"]
    assert (there["irritant"], there["kind"], there["by"]) == (f"fr-us/{SECRET}-wine", "conditional_on", "FR")
    assert (here["irritant"], here["title"], here["stated_on"]) == (
        "ru-us/visas",
        "Visas for diplomats",
        there["stated_on"],
    )
    retracted: dict[str, object] = {
        "stream": WINE,
        "type": "AssertionRetracted",
        "target": f"{WINE}@4",
        "reason": "Said of another.",
    }
    file(client, filer, "retract", retracted)
    assert client.get(VISAS, headers=filer).json()["links"] == []


def test_a_corrected_linkage_is_in_the_dossier_that_it_names_now(client: TestClient, filer: Headers) -> None:
    file(client, filer, "link", LINKED)
    corrected = {"stream": WINE, "type": "AssertionCorrected", "target": f"{WINE}@4", "reason": "It was flights."}
    file(client, filer, "correct", {**corrected, "changes": {"with": "ru-us/direct-flights"}})
    assert client.get(VISAS, headers=filer).json()["links"] == []
    flights = client.get("/v1/irritants/ru-us/direct-flights/dossier", headers=filer).json()
    assert [link["irritant"] for link in flights["links"]] == [f"fr-us/{SECRET}-wine"]


def test_a_reader_with_a_limit_sees_no_linkage_from_beyond_it(
    client: TestClient, filer: Headers, make_key: MakeKey
) -> None:
    file(client, filer, "link", LINKED)
    limited = make_key("read", name="guest", relations=("ru-us",))
    assert len(client.get(VISAS, headers=filer).json()["links"]) == 1
    shown = client.get(VISAS, headers=limited)
    assert (shown.status_code, shown.json()["links"]) == (200, [])
    assert SECRET not in shown.text.lower()
    assert len(client.get(VISAS, headers=filer).json()["links"]) == 1
