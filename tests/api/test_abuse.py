"""Requests that try to exhaust, confuse or mislead the service get a bounded, clear answer.

Other clients are served meanwhile.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.body import REPORT_LIMIT
from service.domain import edtf
from service.reportfile import NotAReport, read
from service.settings import Settings
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, origin, report, source
from tests.api.conftest import MakeKey
from tests.api.serving import Served
from tests.keys import new_key

IDLE = 1_000
POST = b"POST /v1/reports?dry_run=true HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def server(shared_server: Served) -> Served:
    """One server for all tests of abuse, so no test may leave it blocked."""
    return shared_server


@pytest.fixture
def reporter(shared_database_url: str) -> bytes:
    """Return the header of a key that may report."""
    return f"Authorization: Bearer {new_key(shared_database_url)}\r\n".encode()


def connected(server: Served) -> socket.socket:
    return socket.create_connection(server.address, timeout=10)


def first_line(connection: socket.socket) -> bytes:
    """Return the status line of the answer, or nothing if the server closes the connection."""
    try:
        return connection.recv(65536).partition(b"\r\n")[0]
    except ConnectionError:
        return b""


def is_served(server: Served) -> bool:
    began = time.monotonic()
    answer = httpx2.get(f"{server.url}/v1/irritants/ru-us/visas", timeout=5)
    return answer.status_code == 200 and time.monotonic() - began < 2


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit the processor time, because other programs share the machine."""
    began = time.thread_time()
    yield
    assert time.thread_time() - began < seconds


def test_a_thousand_silent_connections_do_not_block_other_clients(server: Served) -> None:
    with ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(closing(connected(server)))
        assert is_served(server)


def test_a_content_length_above_the_limit_is_refused_before_the_body(server: Served, reporter: bytes) -> None:
    with closing(connected(server)) as c:
        c.sendall(POST + reporter + b"Content-Length: %d\r\n\r\n" % (REPORT_LIMIT + 1))
        assert first_line(c).startswith(b"HTTP/1.1 413 ")


def test_a_sender_of_a_whole_body_above_the_limit_gets_413(server: Served, reporter: bytes) -> None:
    with closing(connected(server)) as c:
        c.sendall(POST + reporter + b"Content-Length: %d\r\n\r\n" % (2 * REPORT_LIMIT))
        c.sendall(b" " * 2 * REPORT_LIMIT)
        assert first_line(c).startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_is_read_to_the_limit_and_refused(server: Served, reporter: bytes) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with closing(connected(server)) as c:
        c.sendall(POST + reporter + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(2 * REPORT_LIMIT >> 20):
            c.sendall(chunk)
        assert first_line(c).startswith(b"HTTP/1.1 413 ")
        assert is_served(server)


def test_the_body_of_an_unauthorised_request_is_not_read(server: Served) -> None:
    with closing(connected(server)) as c:
        c.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
        assert first_line(c).startswith(b"HTTP/1.1 401 ")


def test_an_endless_header_does_not_block_other_clients(server: Served) -> None:
    with closing(connected(server)) as c:
        c.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(2):
                c.sendall(b"y" * 1_000_000)
        assert first_line(c).startswith(b"HTTP/1.1 431 ")
        assert is_served(server)


def test_a_key_above_its_rate_limit_gets_a_retry_after(seeded_database_url: str, make_key: MakeKey) -> None:
    settings = Settings(database_url=seeded_database_url, answers_per_minute=3)
    with TestClient(create_app(settings)) as client:
        headers = make_key("read")
        told = [client.get("/v1/irritants", headers=headers) for _ in range(5)]
        assert [answer.status_code for answer in told] == [200, 200, 200, 429, 429]
        assert 1 <= int(told[-1].headers["retry-after"]) <= 60
        assert client.get("/v1/irritants", headers=make_key("read", name="other")).status_code == 200


@pytest.mark.parametrize("depth", [30, 5_000, 500_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deeply_nested_json_is_refused(desk: TestClient, opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    body = opening * depth + "1" + closing * depth
    answer = desk.post("/v1/reports?dry_run=true", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert len(answer.content) < 10_000


def test_a_number_of_a_million_digits_is_refused(desk: TestClient) -> None:
    body = '{"relation": ' + "9" * 900_000 + "}"
    answer = desk.post("/v1/reports?dry_run=true", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "/relation" in {error["pointer"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    "file",
    [
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        b"relation: !!python/object/apply:os.system [id]\n",
        b"relation: !own x\n",
        b"<<: &x {title: x}\nrelation: *x\n",
        b"[" * 10_000,
        b"? [a]\n: b\n",
        b"relation: ru-us\n---\nrelation: ru-us\n",
    ],
    ids=["bomb", "code", "tag", "merge", "deep", "odd key", "two documents"],
)
def test_a_report_file_that_expands_beyond_the_limits_is_refused(file: bytes) -> None:
    with within(2), pytest.raises(NotAReport) as refused:
        read(file).body  # noqa: B018 -- the property reads the file
    assert refused.value.mistakes


@pytest.mark.parametrize("text", ["[0001-01-01..9999-12-31]", "0000/9999", "[..9999]", "XXXX", "9999-12-31/.."])
def test_ranges_of_ten_thousand_years_are_cheap(text: str) -> None:
    with within(0.1), suppress(edtf.NotEdtf):
        edtf.parse(text)


@pytest.mark.parametrize("text", ["9" * 100_000, "[" * 100_000, "2025-" * 50_000, "2025-04-10/" * 10_000])
def test_an_endless_date_is_refused_at_once(text: str) -> None:
    with within(0.5), pytest.raises(edtf.NotEdtf):
        edtf.parse(text)


@pytest.mark.parametrize(
    "stream",
    [
        "irritant/ru-us/vіsas",  # noqa: RUF001 -- the second letter is Ukrainian
        "irritant/ru-us/visas\u200b",
        "irritant/ru-us/ｖisas",  # noqa: RUF001
        "irritant/RU-US/visas",
        "irritant/ru-us/../sources",
        "irritant/ru-us/visas/x",
        "irritant/us-ru/visas",
        "irritant/ru-us/" + "v" * 81,
    ],
)
def test_malformed_and_look_alike_names_are_refused(desk: TestClient, stream: str) -> None:
    answer = desk.post("/v1/reports?dry_run=true", json=report(on(stream, "ConcernRaised")))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/events/0/stream")


@pytest.mark.parametrize(
    "text", ["a\u202eb", "a\u0007b", "a\u2028b", "a\nb", "a\u202db", "a\u200bb", "a\ufe0fb", "\ufe0f", "a\U000e0100"]
)
def test_text_with_invisible_or_control_characters_is_refused(desk: TestClient, text: str) -> None:
    answer = desk.post("/v1/reports?dry_run=true", json=report(source(publisher=text)))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/events/0/publisher")


@pytest.mark.parametrize("text", ["\u845b\U000e0100\u57ce", "\u2764\ufe0f", "Zoe\u0308"])
def test_text_with_variation_selectors_and_combining_marks_is_accepted(desk: TestClient, text: str) -> None:
    assert desk.post("/v1/reports?dry_run=true", json=report(source(publisher=text))).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/irritants/ru-us/%2e%2e/%2e%2e/metrics",
        "/v1/irritants//visas",
        "/v1/irritants/ru-us/visas/",
        "/v1/irritants/ru-us/visas%00",
        "/v1/irritants/ru-us/visas%0d%0aX: y",
        "/v1/irritants/RU-US/VISAS",
        "/v1/irritants/ru-us/visas;x=1",
        "/static/..%2f..%2fsettings.py",
        "/static/%2e%2e/site.py",
        "/problems/../../etc/passwd",
    ],
)
def test_malformed_and_look_alike_paths_are_not_found(server: Served, path: str) -> None:
    with closing(connected(server)) as c:
        c.sendall(b"GET " + path.replace(" ", "%20").encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert first_line(c).startswith(b"HTTP/1.1 404 ")


MARKUP = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def test_filed_markup_is_shown_as_text(seeded_database_url: str, make_key: MakeKey) -> None:
    app = create_app(Settings(database_url=seeded_database_url))
    add_pages(app)
    said: dict[str, Any] = {"summary": MARKUP}
    with TestClient(app, headers={"Accept": "text/html"}) as client:
        filed = client.post(
            "/v1/reports",
            json=report(
                source(publisher=MARKUP),
                origin(),
                on(FLIGHTS, "ConcernRaised", **said),
                title=MARKUP,
                round="ru-us/istanbul-april",
            ),
            headers={**make_key(), "Idempotency-Key": "k"},
        )
        assert filed.status_code == 201, filed.text
        addresses = ("/", "/irritants/ru-us/direct-flights", "/v1/rounds/ru-us/istanbul-april/sheet")
        pages = [client.get(address) for address in addresses]
    assert all(page.status_code == 200 for page in pages)
    assert "alert(1)" in pages[1].text
    for page in pages:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in page.text.partition("alert(1)")[2][:60]
    assert all("default-src 'none'; script-src 'self'" in page.headers["content-security-policy"] for page in pages)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/v1/relations/ru-us/board", "text/csv"),
        ("/v1/relations/ru-us/calendar.ics", "text/calendar"),
        ("/v1/changes.atom", "application/atom+xml"),
        ("/v1/rounds/ru-us/istanbul-april/sheet", "text/markdown"),
        ("/v1/rounds/ru-us/istanbul-april/sheet", "text/html"),
    ],
)
def test_every_answer_has_its_media_type_and_nosniff(server: Served, path: str, media_type: str) -> None:
    answer = httpx2.get(f"{server.url}{path}", headers={"Accept": media_type})
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["x-content-type-options"] == "nosniff"
