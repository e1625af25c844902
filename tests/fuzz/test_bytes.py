"""Any bytes in a body, a header, an address or a file are answered or refused, and never cause a failure.

The client raises exceptions of the service, so a failure shows its place.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.api.app import create_app
from service.domain import edtf
from service.reportfile import NotAReport, read
from service.seeding import FOLDER
from service.settings import Settings
from tests.api.bodies import FLIGHTS, on, report
from tests.conftest import Clone
from tests.keys import new_key

GOOD = json.dumps(report(on(FLIGHTS, "ConcernRaised"))).encode()
SEED = min(FOLDER.glob("*.yaml")).read_bytes()
READ = "/v1/irritants/ru-us/visas"
REFUSED = {400, 401, 403, 404, 406, 408, 409, 410, 412, 413, 415, 422, 428, 429}
HEADERS = {
    "If-None-Match": ['"1-1-application/json"', 'W/"x"', "*", '"', ","],
    "Prefer": ["wait=0", 'wait="0"', "wait=-1", "wait=99999999999", "respond-async, wait=0;x"],
    "Accept": ["application/json;q=0.1", "*/*;q=x", "text/html", ";;", "a/b;q=nan"],
    "Authorization": ["Bearer irr_", "Bearer  ", "Basic =", "irr_1_2"],
    "Cookie": ["irritants=", "irritants=x.1.y", "; ;=", "irritants=000000000000.1.00"],
    "X-Request-Id": ["a", "\x7f", "a" * 70],
    "Range": ["bytes=0-1"],
    "Host": ["[", "a:b:c", ""],
}
QUERIES = {
    "/v1/events": ["after", "log", "limit", "stream", "type", "report", "recorded_from", "effective_from"],
    "/v1/changes": ["after", "log", "relation", "limit"],
    "/v1/irritants": ["cursor", "limit", "known_at", "as_of_position", "effective_on", "relation", "awaiting"],
    "/v1/reports": ["cursor", "round", "relation"],
    f"{READ}/dossier": ["after", "limit", "known_at"],
    f"{READ}/difference": ["from", "to"],
}
EDTF = ["2025-04-10", "[2025-04-10..]", "..", "2025-04-10/..", "~", "?", "%", "X", "-", "T23:59:60Z", "Y1", "S2", "٣"]


def mutated(original: bytes) -> st.SearchStrategy[bytes]:
    """Draw the original with one part replaced."""
    place = st.integers(0, len(original))
    return st.builds(
        lambda at, length, put: original[:at] + put + original[at + length :],
        place,
        st.integers(0, 20),
        st.binary(max_size=20),
    )


def pieces(known: list[str]) -> st.SearchStrategy[bytes]:
    """Draw bytes that are nearly valid, and random ones."""
    some = st.lists(st.sampled_from(known), min_size=1, max_size=4).map(lambda parts: ",".join(parts).encode())
    return some | st.binary(max_size=60) | some.flatmap(mutated)


@pytest.fixture(scope="module")
def desk(clone: Clone, seeded_template: str) -> Iterator[TestClient]:
    with clone(seeded_template) as url:
        token = new_key(url)
        with TestClient(create_app(Settings(database_url=url, answers_per_minute=0))) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            yield client


def refused_or(good: set[int], answer: Any) -> None:
    assert answer.status_code in good | REFUSED
    if answer.status_code in REFUSED:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@given(body=st.binary(max_size=200) | mutated(GOOD))
def test_bodies(desk: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused_or({200}, desk.post("/v1/reports?dry_run=true", content=body, headers=headers))


@given(data=st.data(), name=st.sampled_from(sorted(HEADERS)))
def test_headers_of_a_reading(desk: TestClient, data: st.DataObject, name: str) -> None:
    value = data.draw(pieces(HEADERS[name])).translate(None, b"\r\n\0")
    refused_or({200, 304}, desk.get(READ, headers=[(name.encode(), value)]))


@given(value=pieces(["0", "41", "-1", "1e3", "99999999999999999999"]))
def test_the_resume_position_of_a_stream(desk: TestClient, value: bytes) -> None:
    answer = desk.head("/v1/events/live", headers=[(b"Last-Event-ID", value.translate(None, b"\r\n\0"))])
    assert answer.status_code in {200, 400, 410}


@given(data=st.data(), name=st.sampled_from(["If-Match", "If-None-Match", "Idempotency-Key", "Content-Type"]))
def test_headers_of_an_append(desk: TestClient, data: st.DataObject, name: str) -> None:
    value = data.draw(pieces(['"1-1-application/json"', "*", '"k"', "application/json; charset=utf-8"]))
    given = {
        b"Content-Type": b"application/json",
        b"Idempotency-Key": b"k",
        name.encode(): value.translate(None, b"\r\n\0"),
    }
    answer = desk.post(f"{READ}/events?dry_run=true", content=b"{}", headers=list(given.items()))
    refused_or(set(), answer)


@given(data=st.data(), path=st.sampled_from(sorted(QUERIES)))
def test_queries(desk: TestClient, data: st.DataObject, path: str) -> None:
    known = ["0", "41", "ru-us", "2025-04-10", "2025-04-10T00:00:00Z", "visas", "position:1", "9" * 19, "-1"]
    asked = data.draw(st.dictionaries(st.sampled_from(QUERIES[path]), pieces(known), max_size=3))
    query = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in asked.items())
    refused_or({200}, desk.get(f"{path}?{query}"))


@given(path=st.binary(max_size=40))
def test_addresses(desk: TestClient, path: bytes) -> None:
    refused_or({200}, desk.get(f"/v1/irritants/{quote_from_bytes(path)}"))


@given(text=st.text(max_size=30) | st.lists(st.sampled_from(EDTF), max_size=4).map("".join))
def test_dates(text: str) -> None:
    try:
        edtf.parse(text)
    except edtf.NotEdtf:
        return
    assert edtf.describe(text)


@given(content=st.binary(max_size=300) | mutated(SEED))
def test_report_files(content: bytes) -> None:
    with suppress(NotAReport):
        assert read(content).body
