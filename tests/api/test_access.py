"""API keys: their scopes, their relations, and how soon a revoked key is refused."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.auth import Access
from service.settings import Settings
from service.store import keys
from service.store.engine import transaction
from service.store.keys import SCOPES, Scope
from tests.api.bodies import FLIGHTS, on, origin, report, said, source
from tests.api.conftest import Headers, MakeKey

CLOSED = ("/v1/irritants", "/v1/events", "/v1/irritants/ru-us/visas", "/v1/nothing", "/metrics")
OPEN = ("/healthz", "/readyz", "/openapi.json", "/docs")


@pytest.fixture
def closed(seeded_database_url: str) -> Iterator[TestClient]:
    """The same record, on a service where reading needs a key."""
    with TestClient(create_app(Settings(database_url=seeded_database_url, read_access="key"))) as client:
        yield client


def file(client: TestClient, body: dict[str, Any], headers: Headers, key: str = "k") -> Any:
    return client.post("/v1/reports", json=body, headers={**headers, "Idempotency-Key": key})


@pytest.mark.parametrize("path", ["/v1/reports", "/v1/irritants/ru-us/visas/events"])
def test_writing_needs_a_key(client: TestClient, path: str) -> None:
    answer = client.post(path, content=b"not even JSON")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="irritants"'


def test_writing_needs_a_key_that_may_report(client: TestClient, make_key: MakeKey) -> None:
    answer = file(client, {}, make_key("read", name="reader"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert answer.json()["detail"] == "The key reader lacks the scope report. Use a key that has it."
    assert 'scope="report"' in answer.headers["www-authenticate"]


def test_an_admin_may_report(client: TestClient, make_key: MakeKey) -> None:
    assert file(client, report(on(FLIGHTS, "ConcernRaised")), make_key("admin")).status_code == 201


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer",
        "Bearer irr_000000000000_" + "x" * 43,
        "Bearer nonsense",
        "Basic ZGVzazpodXNo",
        "Bearer {0}x",
        "Bearer {0}, {0}",
    ],
)
def test_an_invalid_key_is_refused_even_where_reading_is_open(
    client: TestClient, make_key: MakeKey, shown: str
) -> None:
    token = make_key()["Authorization"].removeprefix("Bearer ")
    answer = client.get("/v1/irritants", headers={"Authorization": shown.format(token)})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert token not in answer.text


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("Basic ZGVzazpodXNo", "The scheme Basic is not supported. Use the scheme Bearer: "),
        ("hush", "Use the scheme Bearer: "),
        ("hush7 hush", "Use the scheme Bearer: "),
    ],
)
def test_another_scheme_is_named_but_nothing_that_may_be_secret(client: TestClient, shown: str, told: str) -> None:
    detail = client.get("/v1/irritants", headers={"Authorization": shown}).json()["detail"]
    assert (detail.startswith(told), "hush" in detail, "ZGVz" in detail) == (True, False, False)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_authorization_counts_as_no_key(client: TestClient, closed: TestClient, empty: str) -> None:
    assert client.get("/v1/irritants", headers={"Authorization": empty}).status_code == 200
    answer = closed.get("/v1/irritants", headers={"Authorization": empty})
    assert (answer.status_code, "invalid_token" in answer.headers["www-authenticate"]) == (401, False)
    assert file(client, {}, {"Authorization": empty}).status_code == 401


def test_two_keys_in_one_request_are_refused(client: TestClient, make_key: MakeKey) -> None:
    shown = [*make_key().items(), *make_key().items()]
    assert client.get("/v1/irritants", headers=shown).status_code == 401


def test_the_scheme_may_be_written_in_any_case(client: TestClient, make_key: MakeKey) -> None:
    token = make_key()["Authorization"].removeprefix("Bearer ")
    assert client.get("/v1/irritants", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_an_expired_key_is_refused(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get("/v1/irritants", headers=headers).status_code == 401


def test_a_key_expires_while_the_service_runs(seeded_database_url: str, make_key: MakeKey) -> None:
    now = datetime.now(UTC)
    headers = make_key(expires_at=now + timedelta(hours=1))
    with TestClient(create_app(Settings(database_url=seeded_database_url), clock=lambda: now)) as client:
        assert client.get("/v1/irritants", headers=headers).status_code == 200
        now += timedelta(hours=1)
        assert client.get("/v1/irritants", headers=headers).status_code == 401


def test_new_and_revoked_keys_take_effect_with_the_next_request_in_every_process(
    app: FastAPI, client: TestClient, seeded_database_url: str, engine: Engine, make_key: MakeKey
) -> None:
    with TestClient(create_app(Settings(database_url=seeded_database_url))) as other:
        for round in range(20):
            headers = make_key("report", name=f"desk-{round}")
            for process in (client, other):
                assert process.get("/v1/irritants", headers=headers).status_code == 200
            with transaction(engine) as c:
                keys.revoke(c, headers["Authorization"].split("_")[1], datetime.now(UTC))
            for process in (other, client):
                assert process.get("/v1/irritants", headers=headers).status_code == 401
                assert file(process, {}, headers).status_code == 401


def test_a_key_may_be_limited_to_relations(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key("report", name="desk", relations=("fr-us",))
    answer = file(client, report(on(FLIGHTS, "ConcernRaised")), headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert answer.json()["detail"] == "The key desk may not report on ru-us. Use a key that can."
    single = client.post(
        "/v1/irritants/ru-us/visas/events", json=said("ConcernRaised"), headers={**headers, "Idempotency-Key": "k"}
    )
    assert single.status_code == 403


def test_a_limited_key_reports_on_its_own_relation(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key("report", relations=("fr-us", "ru-us"))
    assert file(client, report(source(), origin(), on(FLIGHTS, "ConcernRaised")), headers).status_code == 201


def test_a_limited_key_registers_sources_and_origins_with_any_relation(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key("report", relations=("fr-us",))
    assert file(client, report(source(), origin()), headers).status_code == 201


def test_a_limited_key_may_not_correct_a_source(client: TestClient, make_key: MakeKey) -> None:
    mend = {
        "stream": "source/a4-unnamed-outlet",
        "type": "AssertionCorrected",
        "target": "source/a4-unnamed-outlet@1",
        "changes": {"paragraphs": 12},
        "reason": "Miscounted.",
    }
    answer = file(client, report(mend), make_key("report", name="desk", relations=("ru-us",)))
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "The key desk is limited to relations and may not correct sources or actors. Use a key without limits.",
    )
    assert file(client, report(mend), make_key("report")).status_code == 201


@pytest.mark.parametrize("path", CLOSED)
def test_where_reading_needs_a_key_a_request_without_one_gets_401(closed: TestClient, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = closed.request(method, path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="irritants"')


def test_where_reading_needs_a_key_the_public_addresses_stay_open(closed: TestClient) -> None:
    assert {path: closed.get(path).status_code for path in OPEN} == dict.fromkeys(OPEN, 200)


def test_a_reader_reads_and_only_an_admin_sees_the_metrics(closed: TestClient, make_key: MakeKey) -> None:
    reader, admin = make_key("read"), make_key("admin")
    assert closed.get("/v1/irritants", headers=reader).status_code == 200
    assert closed.get("/metrics", headers=reader).status_code == 403
    assert closed.get("/metrics", headers=admin).status_code == 200


def test_without_the_database_a_key_gets_503_and_not_401(make_key: MakeKey) -> None:
    with TestClient(create_app(Settings(database_url="postgresql://127.0.0.1:1/none"))) as client:
        answer = file(client, report(on(FLIGHTS, "ConcernRaised")), make_key("report"))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-unavailable")


@pytest.mark.parametrize(
    ("held", "allowed"),
    [((), ()), (("read",), ("read",)), (("report",), ("read", "report")), (("admin",), ("read", "report", "admin"))],
)
def test_a_scope_includes_the_ones_below_it(held: tuple[Scope, ...], allowed: tuple[Scope, ...]) -> None:
    assert tuple(scope for scope in SCOPES if Access("a", held).may(scope)) == allowed


def test_a_limited_key_may_report_on_its_relations_only() -> None:
    everywhere = Access("a", ("report",))
    limited = replace(everywhere, relations=("no-se",))
    reader = replace(limited, scopes=("read",))
    assert [access.may_report_on("no-se") for access in (everywhere, limited, reader)] == [True, True, False]
    assert [access.may_report_on("dk-no") for access in (everywhere, limited, reader)] == [True, False, False]
