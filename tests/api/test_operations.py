"""For operators: liveness, readiness with a reason, metrics, and a log with only the lines that matter."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.api.app import create_app
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report
from tests.api.conftest import MakeKey


def metrics(client: TestClient) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_a_service_that_answers_is_alive_and_ready(client: TestClient, engine: Engine) -> None:
    assert client.get("/healthz").json() == {"alive": True}
    position = client.get("/v1/irritants").json()["position"]
    assert client.get("/readyz").json() == {"ready": True, "position": position, "standbys": []}


def test_a_service_without_its_database_is_alive_and_not_ready() -> None:
    with TestClient(create_app(Settings(database_url="postgresql://127.0.0.1:1/none"))) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-ready")
    assert answer.json()["detail"] == "The database cannot be reached. The service retries every second."
    assert int(answer.headers["retry-after"]) > 0


def test_a_database_without_tables_is_reported(bare_database_url: str) -> None:
    with TestClient(create_app(Settings(database_url=bare_database_url))) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, "irritants migrate" in answer.json()["detail"]) == (503, True)


def test_a_service_that_shuts_down_is_not_ready(app: FastAPI, client: TestClient) -> None:
    app.state.follower.drain()
    assert (
        client.get("/readyz").json()["detail"] == "The service is shutting down. Send the request to another process."
    )


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    for slug in ("visas", "banking-access", "none"):
        client.get(f"/v1/irritants/ru-us/{slug}")
    client.post("/v1/reports")
    client.get("/elsewhere")
    counted = metrics(client)
    route = "/v1/irritants/{relation}/{slug}"
    assert counted["irritants_requests_total", "GET", route, "200"] == 2
    assert counted["irritants_requests_total", "GET", route, "404"] == 1
    assert counted["irritants_requests_total", "POST", "/v1/reports", "401"] == 1
    assert counted["irritants_requests_total", "GET", "none", "404"] == 1
    assert counted["irritants_request_seconds_total", "GET", route, "200"] > 0


def test_unknown_addresses_share_one_metric_series(client: TestClient) -> None:
    for number in range(3):
        client.get(f"/elsewhere/{number}")
    assert metrics(client)["irritants_requests_total", "GET", "none", "404"] == 3


def test_appends_are_timed_and_batches_counted(desk: TestClient) -> None:
    desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers={"Idempotency-Key": "k"})
    counted = metrics(desk)
    assert counted["irritants_append_seconds_count",] == 1
    assert counted["irritants_append_seconds_sum",] > 0
    assert (counted["irritants_batches_total",], counted["irritants_batched_reports_total",]) == (1, 1)
    assert counted["irritants_reports_waiting",] == 0


def test_head_queries_and_cache_hits_are_counted(client: TestClient) -> None:
    client.get("/v1/irritants/ru-us/visas")
    position = client.get("/v1/irritants/ru-us/visas").headers["irritants-position"]
    counted = metrics(client)
    assert counted["irritants_position",] == int(position)
    assert counted["irritants_head_queries_total",] >= 2
    assert counted["irritants_head_questions_total",] >= 2
    assert counted["irritants_cache_hits_total",] >= 1
    assert counted["irritants_cache_misses_total",] >= 1
    assert counted["irritants_cache_bytes",] > 0
    assert counted["irritants_waiters",] == 0
    assert 0 <= counted["irritants_behind_seconds",] < 5


def test_metrics_are_served_as_openmetrics(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_successful_request_is_not_logged(desk: TestClient) -> None:
    with capture_logs() as lines:
        etag = desk.get("/v1/irritants/ru-us/visas").headers["etag"]
        desk.get("/v1/irritants/ru-us/visas", headers={"If-None-Match": etag})
        desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers={"Idempotency-Key": "k"})
    assert lines == []


def test_a_refused_request_is_logged_once_with_reason_and_request_id(client: TestClient, make_key: MakeKey) -> None:
    with capture_logs() as lines:
        answer = client.post("/v1/reports", headers=make_key("read", name="reader"))
    [line] = lines
    assert (line["event"], line["status"], line["problem"], line["actor"]) == ("refused", 403, "forbidden", "reader")
    assert (line["method"], line["path"], line["request"]) == ("POST", "/v1/reports", answer.headers["x-request-id"])


def test_a_slow_request_is_logged_and_a_long_poll_is_not(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.telemetry.SLOW_SECONDS", 0.0)
    with capture_logs() as lines:
        client.get("/v1/irritants/ru-us/visas")
        client.get("/v1/irritants/ru-us/visas", headers={"Prefer": "wait=0"})
    assert [(line["event"], line["path"]) for line in lines] == [("slow", "/v1/irritants/ru-us/visas")]


@pytest.mark.parametrize("sent", ["", "with blank", "x" * 65, "a/b"])
def test_an_invalid_request_id_is_replaced(client: TestClient, sent: str) -> None:
    answer = client.get("/elsewhere", headers={"X-Request-Id": sent})
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9]+", answer.headers["x-request-id"])


def test_no_log_answer_or_metric_contains_a_key(app: FastAPI, client: TestClient, make_key: MakeKey) -> None:
    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("fails")

    shown = make_key("admin")
    secret = shown["Authorization"].split("_", 2)[2]
    body = {**report(on(FLIGHTS, "ConcernRaised")), "nothing": 1}
    with capture_logs() as lines:
        answers = [
            client.get("/fails", headers=shown),
            client.get("/elsewhere", headers=shown),
            client.post("/v1/reports", json=body, headers={**shown, "Idempotency-Key": "k"}),
            client.get("/v1/irritants", headers={"Authorization": shown["Authorization"] + "x"}),
            client.get("/metrics", headers=shown),
        ]
    assert len(lines) == 5
    assert secret not in json.dumps(lines)
    assert not any(secret in answer.text or secret in str(answer.headers) for answer in answers)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
def test_operational_addresses_take_no_parameters(reading: TestClient, path: str) -> None:
    answer = reading.get(path, params={"verbose": "true"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-parameter")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_head_is_get_without_its_body(reading: TestClient, path: str) -> None:
    got, headed = reading.get(path), reading.head(path)
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers == got.headers


def test_the_documentation_page_loads_nothing_from_other_hosts(reading: TestClient) -> None:
    page = reading.get("/docs")
    assert page.headers["content-security-policy"] == "default-src 'none'"
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page.text)


ON_CALL = (Path(__file__).parents[2] / "docs" / "on-call.md").read_text(encoding="utf-8")


def test_every_metric_in_the_on_call_page_exists(client: TestClient) -> None:
    counted = set(re.findall(r"^# TYPE (\S+)", client.get("/metrics").text, re.MULTILINE))
    assert set(re.findall(r"`(irritants_\w+)", ON_CALL)) <= counted
