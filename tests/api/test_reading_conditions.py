"""Conditional requests by RFC 9110 for every read. A changed resource never gets 304."""

import time
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.app import create_app
from service.projections import irritant
from service.projections.stored import STORED, Projection
from service.read_models.rebuild import rebuild
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report

STATUS = "/v1/irritants/ru-us/direct-flights"
READ = [
    "/v1/irritants?limit=3",
    STATUS,
    f"{STATUS}/dossier",
    f"{STATUS}/events",
    f"{STATUS}?as_of_position=100",
    "/v1/rounds/ru-us/istanbul-april/sheet",
    f"{STATUS}/timeline",
    "/v1/relations/ru-us/board",
    "/v1/sources/a2-tataru",
    "/v1/reports",
    "/v1/events?after=100",
    "/v1/changes",
    "/v1/changes.atom",
    "/v1/relations/ru-us/calendar.ics",
]


@pytest.mark.parametrize("path", READ)
def test_a_client_with_the_current_tag_gets_304_without_a_body(reading: TestClient, path: str) -> None:
    whole = reading.get(path)
    same = reading.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (whole.status_code, same.status_code, same.content) == (200, 304, b"")
    # RFC 9110, 15.4.5: a 304 has these headers of the 200, and none that describes a body.
    for name in ("etag", "cache-control", "vary", "irritants-position", "poll-interval"):
        assert same.headers[name] == whole.headers[name]
    assert "content-type" not in same.headers
    assert "content-length" not in same.headers


@pytest.mark.parametrize("path", READ)
def test_head_is_get_without_its_body(reading: TestClient, path: str) -> None:
    whole, head = reading.get(path), reading.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(whole.headers)
    assert reading.head(path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ("\t{etag} ", 304),
        ('"{bare}-gzip"', 304),
        ('W/"{bare}-gzip"', 304),
        ('"{bare}--gzip"', 304),
        ('"{bare};gzip"', 304),
        ('"{bare}-br"', 304),
        ('"{bare}-gzip-gzip"', 304),
        ('"{bare}-zip"', 200),
        ('"{bare}-gzip-x"', 200),
        ('"-gzip"', 200),
        ('"1-1-application/json", {etag}', 304),
        ('"a,b", W/{etag} , "c"', 304),
        ("*", 304),
        (" * ", 304),
        ('"1-1-application/json"', 200),
        ('W/"1-1-application/json", "x"', 200),
        ("{bare}", 200),
        ('"x{bare}"', 200),
        ("", 200),
        ('""', 200),
    ],
)
def test_if_none_match_is_a_list_with_weak_comparison(reading: TestClient, listed: str, status: int) -> None:
    etag = reading.get(STATUS).headers["etag"]
    sent = listed.format(etag=etag, bare=etag.strip('"'))
    assert reading.get(STATUS, headers={"If-None-Match": sent}).status_code == status


@pytest.mark.parametrize("sent", ["W/{etag}", '"{bare}-gzip"', '"1", "{bare}-br", {etag}'])
def test_a_304_repeats_the_tag_that_matched(reading: TestClient, sent: str) -> None:
    etag = reading.get(STATUS).headers["etag"]
    listed = sent.format(etag=etag, bare=etag.strip('"'))
    same = reading.get(STATUS, headers={"If-None-Match": listed})
    assert (same.status_code, same.headers["etag"]) == (304, etag if etag in listed.split(", ") else listed)


def test_a_long_list_of_tags_is_parsed_quickly(reading: TestClient) -> None:
    long = '"128' + "-gzip" * 12_000 + 'x"'
    began = time.perf_counter()
    assert reading.get(STATUS, headers={"If-None-Match": long}).status_code == 200
    assert time.perf_counter() - began < 1


def test_several_lines_of_the_header_are_one_list(reading: TestClient) -> None:
    etag = reading.get(STATUS).headers["etag"]
    lines = [("If-None-Match", '"1"'), ("If-None-Match", etag), ("If-None-Match", '"2"')]
    assert reading.get(STATUS, headers=lines).status_code == 304


def test_a_tag_of_another_media_type_does_not_match(reading: TestClient) -> None:
    path = "/v1/relations/ru-us/board"
    etag = reading.get(path).headers["etag"]
    assert reading.get(path, headers={"If-None-Match": etag, "Accept": "text/csv"}).status_code == 200


def test_after_an_event_no_changed_resource_gets_304(desk: TestClient) -> None:
    paths = [path for path in READ if not any(part in path for part in ("as_of", "calendar", "sheet"))]
    tags = {path: desk.get(path).headers["etag"] for path in paths}
    filed = report(on(FLIGHTS, "DiscussionReported", form="talks"))
    assert desk.post("/v1/reports", json=filed, headers={"Idempotency-Key": "one"}).status_code == 201
    for path, tag in tags.items():
        assert desk.get(path, headers={"If-None-Match": tag}).status_code == 200, path


def test_other_resources_stay_unchanged_while_the_position_advances(desk: TestClient) -> None:
    other = "/v1/irritants/ru-us/visas"
    etag = desk.get(other).headers["etag"]
    filed = report(on(FLIGHTS, "DiscussionReported", form="talks"))
    assert desk.post("/v1/reports", json=filed, headers={"Idempotency-Key": "one"}).status_code == 201
    same = desk.get(other, headers={"If-None-Match": etag})
    assert (same.status_code, same.headers["irritants-position"]) == (304, "128")


def test_a_release_with_another_shape_never_answers_304_to_an_old_tag(
    client: TestClient, engine: Engine, seeded_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = (STATUS, f"{STATUS}?as_of_position=100", "/v1/irritants", "/v1/irritants?as_of_position=100&limit=3")
    issued = {path: client.get(path).headers["etag"] for path in paths}
    assert [answers_to(client, path, tag).status_code for path, tag in issued.items()] == [304] * len(paths)

    class WithMore(irritant.IrritantDocument):
        more: bool

    def view(reading: Any) -> WithMore:
        return WithMore(**dict(irritant.view(reading)), more=True)

    new = Projection(irritant.NAME, irritant.REPRESENTATION + 1, view, irritant.facets, irritant.renamed)
    monkeypatch.setitem(STORED, "irritant", new)
    rebuild(engine)
    with TestClient(released(seeded_database_url)) as upgraded:
        for path, tag in issued.items():
            answer = answers_to(upgraded, path, tag)
            assert (answer.status_code, '"more":true' in answer.text) == (200, True), path
            assert answers_to(upgraded, path, answer.headers["etag"]).status_code == 304


def answers_to(client: TestClient, path: str, tag: str) -> Response:
    """Return the answer to a client that has this tag."""
    return client.get(path, headers={"If-None-Match": tag})


def released(url: str) -> FastAPI:
    return create_app(Settings(database_url=url))
