"""The latest checkpoint over HTTP is signed, current and cacheable like other reads."""

from starlette.testclient import TestClient

from service.api.app import create_app
from service.checkpoint import Checkpoint
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report
from tests.api.conftest import MakeKey


def test_the_checkpoint_is_of_the_head_and_its_signature_is_valid(client: TestClient, make_key: MakeKey) -> None:
    before = client.get("/v1/checkpoint")
    Checkpoint.model_validate_json(before.content).check()
    assert before.json()["position"] == int(before.headers["irritants-position"])
    last = client.get("/v1/events", params={"after": before.json()["position"] - 1}).json()["items"][0]
    assert last["chainhash"] == before.json()["chain_hash"]
    filed = client.post(
        "/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers={**make_key(), "Idempotency-Key": "k"}
    )
    after = Checkpoint.model_validate_json(client.get("/v1/checkpoint").content)
    after.check(before.json()["public_key"])
    assert after.position == filed.json()["position"]


def test_an_unchanged_checkpoint_gets_304(client: TestClient) -> None:
    tag = client.get("/v1/checkpoint").headers["etag"]
    assert client.get("/v1/checkpoint", headers={"If-None-Match": tag}).status_code == 304
    assert client.head("/v1/checkpoint").headers["etag"] == tag


def test_without_a_signing_key_no_checkpoint_is_served(seeded_database_url: str) -> None:
    with TestClient(create_app(Settings(database_url=seeded_database_url))) as client:
        answer = client.get("/v1/checkpoint")
    assert (answer.status_code, "IRRITANTS_CHECKPOINT_KEY" in answer.json()["detail"]) == (404, True)


def test_the_checkpoint_takes_no_parameters(client: TestClient) -> None:
    assert client.get("/v1/checkpoint?as_of_position=1").status_code == 422
