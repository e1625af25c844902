"""Compression: who gets it, its entity tags, how often a body is compressed, and which answers are never compressed."""

import gzip
import threading
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api import codings
from service.api.app import create_app
from service.settings import Settings
from service.web.assets import ADDRESSES
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, report
from tests.api.conftest import MakeKey

SHEET: Final = "/v1/rounds/ru-us/istanbul-april/sheet"
LARGE: Final = [
    ("/v1/events", "application/json"),
    ("/v1/relations/ru-us/board", "text/csv"),
    ("/v1/changes.atom", "application/atom+xml"),
    (SHEET, "text/markdown"),
    (SHEET, "text/html"),
    ("/", "text/html"),
    ("/help", "text/html"),
    ("/problems", "text/html"),
    ("/openapi.json", "application/json"),
    ("/docs", "text/html"),
    (ADDRESSES["style.css"], "text/css"),
    (ADDRESSES["htmx.min.js"], "text/javascript"),
]
SMALL: Final = "/v1/changes?after=127"


@pytest.fixture(scope="module")
def site(shared_database_url: str) -> Iterator[TestClient]:
    """The service with its pages."""
    app = create_app(Settings(database_url=shared_database_url))
    add_pages(app)
    with TestClient(app) as client:
        yield client


def coded(client: TestClient, path: str, accepted: str, **headers: str) -> Any:
    return client.get(path, headers={"Accept-Encoding": accepted, **headers})


@pytest.mark.parametrize(("path", "media_type"), LARGE)
def test_a_large_document_is_compressed_under_a_tag_of_its_own(site: TestClient, path: str, media_type: str) -> None:
    plain, small = (coded(site, path, coding, Accept=media_type) for coding in ("identity", "gzip"))
    assert small.headers["content-type"].startswith(media_type)
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"])
    assert small.content == plain.content  # the client decompresses
    assert small.headers["etag"] == f'{plain.headers["etag"][:-1]}-gzip"'
    for answer in (plain, small):
        assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize(("path", "media_type"), LARGE)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_head_and_get_agree_and_each_tag_gets_304(site: TestClient, path: str, media_type: str, coding: str) -> None:
    headers = {"Accept-Encoding": coding, "Accept": media_type}
    whole, head = site.get(path, headers=headers), site.head(path, headers=headers)
    assert (head.status_code, head.content, dict(head.headers)) == (200, b"", dict(whole.headers))
    tag = whole.headers["etag"]
    for accepted in ("identity", "gzip", ""):
        for known in (tag, f"W/{tag}", f'"1", {tag} '):
            same = coded(site, path, accepted, **{"Accept": media_type, "If-None-Match": known})
            assert (same.status_code, same.content) == (304, b"")
            assert same.headers["etag"] in known
            assert same.headers["vary"] == whole.headers["vary"]
            assert same.headers["cache-control"] == whole.headers["cache-control"]
            assert "content-encoding" not in same.headers
    assert coded(site, path, coding, **{"Accept": media_type, "If-None-Match": '"1-gzip"'}).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("deflate, gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0.001", "gzip"),
        (" gzip ; q=0.5 , identity;q=0.5 ", "gzip"),
        ("*", "gzip"),
        ("*;q=0.1", "gzip"),
        ("identity;q=0, *", "gzip"),
        ("gzip, identity;q=0", "gzip"),
        ("", None),
        ("identity", None),
        ("br, zstd", None),
        ("gzip;q=0", None),
        ("gzip;q=0, *", None),
        ("*, gzip;q=0", None),
        ("gzip;q=x", None),
        ("gzip;q=0.4, identity", None),
        ("gzip;q=0.4, identity;q=0.5", None),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("br" + ", br" * 200, None),
        ("br" + ", br" * 200 + ", gzip", "gzip"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/events", "/openapi.json"])
def test_the_coding_is_negotiated_by_weights(reading: TestClient, path: str, accepted: str, coding: str | None) -> None:
    answer = coded(reading, path, accepted)
    assert (answer.status_code, answer.headers.get("content-encoding")) == (200, coding)


def test_without_accept_encoding_nothing_is_compressed(reading: TestClient) -> None:
    with reading.stream("GET", "/v1/events", headers={"Accept-Encoding": ""}) as answer:
        assert "content-encoding" not in answer.headers


def test_a_tiny_document_is_compressed_only_if_identity_is_refused(reading: TestClient) -> None:
    assert len(reading.get(SMALL).content) < codings.MIN_SIZE
    assert "content-encoding" not in coded(reading, SMALL, "gzip").headers
    assert coded(reading, SMALL, "gzip").headers["etag"] == coded(reading, SMALL, "identity").headers["etag"]
    assert coded(reading, SMALL, "gzip, identity;q=0").headers["content-encoding"] == "gzip"


def test_a_document_is_compressed_once_until_it_changes(desk: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[int] = []
    original = gzip.compress

    def counted(body: bytes, *more: Any, **named: Any) -> bytes:
        compressed.append(threading.get_ident())
        return original(body, *more, **named)

    monkeypatch.setattr(gzip, "compress", counted)
    paths = ["/v1/events", "/openapi.json"]
    for _ in range(3):
        for path in paths:
            coded(desk, path, "gzip")
            coded(desk, path, "identity")
    assert len(compressed) == 2
    tag = coded(desk, "/v1/events?after=100", "gzip").headers["etag"]
    filed = report(on(FLIGHTS, "DiscussionReported", form="talks"))
    assert desk.post("/v1/reports", json=filed, headers={"Idempotency-Key": "one"}).status_code == 201
    after = coded(desk, "/v1/events?after=100", "gzip", **{"If-None-Match": tag})
    assert (after.status_code, after.json()["position"]) == (200, 128)


def test_a_large_document_is_compressed_in_another_thread(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[bool, set[int]] = {False: set(), True: set()}
    original = gzip.compress

    def noted(body: bytes, *more: Any, **named: Any) -> bytes:
        threads[len(body) > 1 << 15].add(threading.get_ident())
        return original(body, *more, **named)

    monkeypatch.setattr(gzip, "compress", noted)
    loop = []
    client.portal.call(lambda: loop.append(threading.get_ident()))  # type: ignore[union-attr]
    coded(client, "/v1/events", "gzip")
    coded(client, "/v1/rounds/ru-us/istanbul-april", "gzip")
    assert threads[False] == {*loop}
    assert threads[True].isdisjoint(loop)
    assert threads[True]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/irritants?" + "x" * 2_000 + "=1", "/sign-in", "/metrics"])
def test_problems_the_sign_in_page_and_metrics_are_never_compressed(site: TestClient, path: str) -> None:
    answer = coded(site, path, "gzip, identity;q=0")
    assert "content-encoding" not in answer.headers


def test_the_live_stream_is_never_compressed(reading: TestClient) -> None:
    answer = reading.head("/v1/events/live", headers={"Accept-Encoding": "gzip, identity;q=0"})
    assert (answer.status_code, "content-encoding" in answer.headers) == (200, False)


def test_pages_with_forms_are_never_compressed(app: FastAPI, make_key: MakeKey) -> None:
    add_pages(app)
    key = make_key("report")["Authorization"].removeprefix("Bearer ")
    with TestClient(app, base_url="https://testserver") as client:
        client.post("/sign-in", data={"key": key, "next": "/"}, headers={"Sec-Fetch-Site": "same-origin"})
        for path in ("/sign-in", "/file?relation=ru-us"):
            answer = coded(client, path, "gzip, identity;q=0")
            assert 'method="post"' in answer.text, path
            assert "content-encoding" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1/events", "/openapi.json", ADDRESSES["style.css"]])
def test_range_requests_are_ignored(site: TestClient, path: str) -> None:
    tag = coded(site, path, "gzip").headers["etag"]
    answer = coded(site, path, "gzip", **{"Range": "bytes=0-9", "If-Range": tag})
    assert (answer.status_code, answer.headers["etag"]) == (200, tag)
    assert {"accept-ranges", "content-range"}.isdisjoint(answer.headers)
