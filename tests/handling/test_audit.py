"""Reads of more than the open audience sees are logged: who read what, and when."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.api.app import create_app
from service.settings import Settings
from service.store import keys
from service.store.engine import connection
from service.web.site import add_pages
from tests.handling.conftest import VISAS, Headers

DOSSIER = "/v1/irritants/ru-us/visas/dossier"
CONCERN = {
    "type": "ConcernRaised",
    "stream": VISAS,
    "asserted_by": {"party": "US", "channel": "attributed"},
    "source": {"document": "a2-tataru", "paragraphs": [3], "origin": "us-side-on-february"},
    "summary": "Zanzibar was named.",
    "handling": "restricted",
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def app(seeded_database_url: str, log: Path) -> FastAPI:
    app = create_app(Settings(database_url=seeded_database_url, audit_log=log))
    add_pages(app)
    return app


@pytest.fixture
def restricted(file: Callable[..., Any], cleared: Headers, log: Path) -> None:
    assert file(cleared, CONCERN).status_code == 201
    log.write_bytes(b"")


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_read_of_a_cleared_reader_is_logged(
    client: TestClient, restricted: None, cleared: Headers, engine: Engine, log: Path
) -> None:
    with connection(engine) as c:
        (key,) = (key for key in keys.read_all(c).values() if key.name == "cleared")
    answer = client.get(f"{DOSSIER}?as_of_position=40", headers=cleared)
    (line,) = lines(log)
    assert line.pop("at").endswith("Z")
    assert line.pop("request")
    assert line == {
        "event": "restricted_read",
        "level": "info",
        "actor": "cleared",
        "key": key.id,
        "method": "GET",
        "address": f"{DOSSIER}?as_of_position=40",
        "status": 200,
        "rank": 500,
        "label": "restricted",
    }
    client.get(DOSSIER, headers={**cleared, "If-None-Match": client.get(DOSSIER, headers=cleared).headers["etag"]})
    client.get("/v1/irritants/ru-us/missing", headers=cleared)
    client.head(DOSSIER, headers=cleared)
    assert answer.status_code == 200
    assert [(line["method"], line["status"]) for line in lines(log)[1:]] == [
        ("GET", 200),
        ("GET", 304),
        ("GET", 404),
        ("HEAD", 200),
    ]


def test_a_page_is_logged_too(client: TestClient, restricted: None, cleared: Headers, log: Path) -> None:
    client.base_url = "http://127.0.0.1"  # where a browser keeps the cookie without encryption
    token = cleared["Authorization"].removeprefix("Bearer ")
    client.post("/sign-in", data={"key": token}, headers={"Sec-Fetch-Site": "same-origin"})
    log.write_bytes(b"")
    assert client.get("/irritants/ru-us/visas").status_code == 200
    (line,) = lines(log)
    assert (line["actor"], line["address"], line["label"]) == ("cleared", "/irritants/ru-us/visas", "restricted")
    assert token not in log.read_text(encoding="utf-8")


def test_the_stream_of_events_is_logged_when_it_begins(
    app: FastAPI, client: TestClient, restricted: None, cleared: Headers, log: Path
) -> None:
    app.state.follower.drain()  # so that the stream ends at once
    assert client.get("/v1/events/live?after=0", headers=cleared).status_code == 200
    assert [(line["address"], line["status"]) for line in lines(log)] == [("/v1/events/live?after=0", 200)]


def test_nothing_is_logged_for_readers_of_the_open_audience(
    client: TestClient, restricted: None, operator: Headers, log: Path
) -> None:
    for headers in ({}, operator):
        for address in (DOSSIER, "/v1/events", "/irritants/ru-us/visas", "/v1/search?q=Zanzibar"):
            assert client.get(address, headers=headers).status_code == 200
    assert lines(log) == []


def test_nothing_is_logged_before_an_event_is_restricted(
    client: TestClient, cleared: Headers, admin: Headers, log: Path
) -> None:
    for headers in (cleared, admin):
        assert client.get(DOSSIER, headers=headers).status_code == 200
    assert lines(log) == []


def test_the_file_can_be_read_by_its_owner_only_and_can_be_moved(
    client: TestClient, restricted: None, admin: Headers, log: Path
) -> None:
    assert log.stat().st_mode & 0o777 == 0o600
    log.rename(log.with_suffix(".1"))
    assert client.get(DOSSIER, headers=admin).status_code == 200
    assert log.stat().st_mode & 0o777 == 0o600
    assert [line["actor"] for line in lines(log)] == ["admin"]


def test_a_line_that_cannot_be_written_goes_to_the_log_of_the_process(
    client: TestClient, restricted: None, admin: Headers, log: Path
) -> None:
    log.unlink()
    log.mkdir()
    with capture_logs() as logged:
        assert client.get(DOSSIER, headers=admin).status_code == 200
    assert [line["event"] for line in logged] == ["audit log cannot be written", "restricted_read"]


def test_without_a_file_the_log_of_the_process_has_the_lines(
    seeded_database_url: str, restricted: None, cleared: Headers
) -> None:
    with TestClient(create_app(Settings(database_url=seeded_database_url))) as client, capture_logs() as logged:
        assert client.get(DOSSIER, headers=cleared).status_code == 200
    assert [(line["event"], line["actor"]) for line in logged] == [("restricted_read", "cleared")]


def test_a_file_that_cannot_be_written_stops_the_start(seeded_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create_app(Settings(database_url=seeded_database_url, audit_log=tmp_path / "missing" / "audit.jsonl"))
