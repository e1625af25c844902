"""The seeded record with a second relation, fr-us. All its texts contain "Zanzibar", so a leak can be found."""

from typing import Any

from fastapi.testclient import TestClient

from tests.api.bodies import origin, report, said, source

SECRET = "zanzibar"
WINE = f"irritant/fr-us/{SECRET}-wine"
ROUND = f"round/fr-us/{SECRET}-round"
SHARED = "a2-tataru"
"""A source of the seeds that both relations cite."""

BY_FR: dict[str, Any] = {
    "asserted_by": {"party": "FR", "channel": "attributed"},
    "source": {"document": f"{SECRET}-gazette", "paragraphs": [2], "origin": f"{SECRET}-minister"},
    "summary": "The minister of Zanzibar spoke.",
}


def second_relation() -> dict[str, Any]:
    cites_shared = {**BY_FR, "source": {**BY_FR["source"], "document": SHARED}}
    return report(
        source(f"{SECRET}-gazette", publisher="The Zanzibar Gazette"),
        origin(f"{SECRET}-minister", on=f"{SECRET}-gazette", party="FR") | {"speaker": "The minister of Zanzibar"},
        origin(f"{SECRET}-press", on=f"{SECRET}-gazette", party="MEDIA"),
        {"stream": "relation/fr-us", "type": "RelationOpened", "parties": ["FR", "US"], "title": "Zanzibar talks"},
        {"stream": WINE, "type": "IrritantOpened", "title": "Zanzibar wine", "category": SECRET},
        {"stream": WINE, **said("ConcernRaised", **BY_FR)},
        {"stream": WINE, **said("ConcernRaised", **cites_shared)},
        {"stream": ROUND, **said("RoundScheduled", **BY_FR), "date": "2025-05-06", "place": "Zanzibar"},
        relation="fr-us",
        title="Zanzibar report",
    )


def file_second_relation(client: TestClient, key: str) -> dict[str, Any]:
    """File it with a key whose name is secret too. Return the receipt."""
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "second"}
    answer = client.post("/v1/reports", json=second_relation(), headers=headers)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt
