"""Web pages of other origins read the record only if the setting names them, and they can never file or sign in."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.bodies import VISAS, on, report
from tests.api.serving import Served, served
from tests.keys import new_key

DESK = "https://desk.example"
STATUS = "/v1/irritants/ru-us/visas"


@pytest.fixture
def server(seeded_database_url: str) -> Iterator[Served]:
    with served(seeded_database_url, cors_origins=f"{DESK}, http://localhost:5173") as server:
        yield server


def headers_for_pages(response: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


def ask(server: Served, path: str = STATUS, origin: str = DESK, method: str = "GET", **more: str) -> httpx2.Response:
    headers = {"Origin": origin, **{name.replace("_", "-"): value for name, value in more.items()}}
    return httpx2.request(method, f"{server.url}{path}", headers=headers, timeout=60)


def test_by_default_no_origin_may_read(shared_server: Served) -> None:
    assert headers_for_pages(ask(shared_server)) == {}
    preflight = ask(shared_server, method="OPTIONS", Access_Control_Request_Method="GET")
    assert (preflight.status_code, headers_for_pages(preflight)) == (405, {})


def test_a_named_origin_may_read_and_sees_the_headers_of_the_protocol(server: Served) -> None:
    for origin in (DESK, "http://localhost:5173"):
        answer = ask(server, origin=origin)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in answer.headers["vary"]
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"ETag", "Irritants-Position", "Poll-Interval", "Preference-Applied", "Retry-After"} <= set(exposed)
        # A session belongs to the pages of the service.
        assert "access-control-allow-credentials" not in answer.headers


def test_unchanged_documents_waits_and_problems_can_be_read_too(server: Served) -> None:
    tag = ask(server).headers["etag"]
    unchanged = ask(server, If_None_Match=tag)
    waited = ask(server, If_None_Match=tag, Prefer="wait=1")
    missing = ask(server, "/v1/irritants/ru-us/cheese")
    assert [answer.status_code for answer in (unchanged, waited, missing)] == [304, 304, 404]
    assert waited.headers["preference-applied"] == "wait=1"
    for answer in (unchanged, waited, missing, ask(server, method="HEAD"), ask(server, "/openapi.json")):
        assert answer.headers["access-control-allow-origin"] == DESK


def test_responses_without_a_body_leave_the_connection_usable(server: Served) -> None:
    with httpx2.Client(base_url=server.url, headers={"Origin": DESK}, timeout=60) as browser:
        tag = browser.get(STATUS).headers["etag"]
        for _ in range(2):
            assert browser.head(STATUS).status_code == 200
            assert browser.get(STATUS, headers={"If-None-Match": tag}).status_code == 304
            assert browser.get(STATUS).json()["id"] == "ru-us/visas"
    assert [line for line in server.log() if line.get("event") == "failed"] == []


def test_a_browser_may_send_the_headers_of_a_conditional_request(server: Served) -> None:
    wanted = "authorization,if-none-match,prefer"
    preflight = ask(
        server, method="OPTIONS", Access_Control_Request_Method="GET", Access_Control_Request_Headers=wanted
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD"
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert set(wanted.split(",")) <= set(allowed)


def test_another_origin_gets_no_permission(server: Served) -> None:
    assert "access-control-allow-origin" not in ask(server, origin="https://other.example").headers
    preflight = ask(server, origin="https://other.example", method="OPTIONS", Access_Control_Request_Method="GET")
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers


def test_no_page_of_another_origin_may_file_or_sign_in(server: Served, seeded_database_url: str) -> None:
    preflight = ask(server, "/v1/reports", method="OPTIONS", Access_Control_Request_Method="POST")
    assert preflight.status_code == 400
    headers = {"Origin": DESK, "Authorization": f"Bearer {new_key(seeded_database_url)}", "Idempotency-Key": "one"}
    filed = httpx2.post(f"{server.url}/v1/reports", json=report(on(VISAS, "ConcernRaised")), headers=headers)
    assert headers_for_pages(filed) == {}
    assert headers_for_pages(ask(server, "/sign-in")) == {}
    assert headers_for_pages(ask(server, "/")) == {}


def test_a_request_without_an_origin_is_answered_as_before(server: Served, shared_server: Served) -> None:
    with_setting, without = (httpx2.get(f"{address}{STATUS}").headers for address in (server.url, shared_server.url))
    assert with_setting.keys() == without.keys()
    assert with_setting["vary"] == without["vary"]


def test_every_origin_may_read_a_record_that_is_open_to_all(seeded_database_url: str) -> None:
    with served(seeded_database_url, cors_origins="*") as server:
        assert ask(server, origin="https://any.example").headers["access-control-allow-origin"] == "*"
