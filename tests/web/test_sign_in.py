"""Sign-in: who gets a session with a key, for how long, and protection against forged requests."""

import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.sessions import Sessions
from service.store import keys
from service.store.archive import export_record
from service.store.engine import connection, transaction
from tests.api.serving import Served, served
from tests.web.conftest import LOOPBACK, Clock, NewKey, browsing, sign_in, sign_out, site

NEW_SECRET = re.findall(
    r"^    (UPDATE head SET .*?);$",
    (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)[0]


def test_a_valid_key_signs_in_and_returns_to_the_requested_page(browser: TestClient, new_key: NewKey) -> None:
    answer = sign_in(browser, new_key(name="Desk One"), "/sign-in?next=%2Ffile")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Ffile")
    assert "You are signed in as Desk One until" in browser.get("/sign-in").text


@pytest.mark.parametrize("next", ["https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", "file"])
def test_sign_in_never_redirects_to_another_site(browser: TestClient, new_key: NewKey, next: str) -> None:
    assert sign_in(browser, new_key(), next).headers["location"] == "/"


def test_an_invalid_key_is_refused_and_not_shown(browser: TestClient, new_key: NewKey) -> None:
    wrong = new_key()[:-1] + "-"
    answer = sign_in(browser, wrong, "/file")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert wrong not in answer.text
    assert 'name="next" value="/file"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_the_cookie_on_loopback(browser: TestClient, new_key: NewKey) -> None:
    name, _, attributes = sign_in(browser, new_key()).headers["set-cookie"].partition("=")
    assert name == "irritants"
    assert attributes.partition("; ")[2] == "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"


def test_the_cookie_on_other_hosts_is_secure(seeded_database_url: str, clock: Clock, new_key: NewKey) -> None:
    with browsing(site(seeded_database_url, clock), "https://record.example") as elsewhere:
        name, _, attributes = sign_in(elsewhere, new_key()).headers["set-cookie"].partition("=")
        assert name == "__Host-irritants"
        assert attributes.endswith("HttpOnly; SameSite=Lax; Secure")
        assert "You are signed in as desk" in elsewhere.get("/sign-in").text


def cookie_for(server: Served, key: str, asked_by: str, **headers: str) -> str:
    said = {"X-Forwarded-Proto": asked_by, "Sec-Fetch-Site": "same-origin", **headers}
    return httpx2.post(f"{server.url}/sign-in", data={"key": key}, headers=said).headers["set-cookie"]


@pytest.mark.parametrize(("trusted", "is_secure"), [("127.0.0.0/8", {True}), ("203.0.113.7", {False})])
def test_a_trusted_proxy_determines_whether_the_cookie_is_secure(
    seeded_database_url: str, new_key: NewKey, trusted: str, is_secure: set[bool]
) -> None:
    """The proxy connects from loopback, where a cookie would otherwise not be secure."""
    key = new_key()
    with served(seeded_database_url, trusted_proxies=trusted) as server:
        told = cookie_for(server, key, "https")
        assert {"__Host-" in told, "; Secure" in told} == is_secure
        assert "Secure" not in cookie_for(server, key, "http")
        # On another host the cookie is secure, whatever the proxy reports.
        assert "; Secure" in cookie_for(server, key, "http", Host="record.example")


def test_the_cookie_does_not_contain_the_secret_of_the_key(browser: TestClient, new_key: NewKey) -> None:
    token = new_key()
    secret = token.split("_", 2)[2]
    assert secret not in sign_in(browser, token).headers["set-cookie"]


def test_a_revoked_key_ends_its_sessions_with_the_next_request(
    browser: TestClient, new_key: NewKey, engine: Engine
) -> None:
    token = new_key()
    sign_in(browser, token)
    with transaction(engine) as c:
        keys.revoke(c, token.split("_")[1], datetime.now(UTC))
    assert "signed in as" not in browser.get("/sign-in").text


def test_a_session_ends_after_twelve_hours(browser: TestClient, new_key: NewKey, clock: Clock) -> None:
    sign_in(browser, new_key())
    clock.passes(hours=11.9)
    assert "signed in as" in browser.get("/sign-in").text
    clock.passes(hours=0.2)
    assert "signed in as" not in browser.get("/sign-in").text


def test_a_session_is_valid_in_another_process_and_after_a_restart(
    browser: TestClient, new_key: NewKey, seeded_database_url: str, clock: Clock
) -> None:
    sign_in(browser, new_key())
    with browsing(site(seeded_database_url, clock)) as other:
        other.cookies = browser.cookies
        assert "signed in as" in other.get("/sign-in").text


@pytest.mark.parametrize("change", ["key", "ends", "signature"])
def test_a_forged_session_is_refused(browser: TestClient, new_key: NewKey, change: str) -> None:
    sign_in(browser, new_key())
    parts = dict(zip(("key", "ends", "signature"), browser.cookies["irritants"].split("."), strict=True))
    other = new_key(name="other").split("_")[1]
    forged = {"key": other, "ends": str(int(parts["ends"]) + 1), "signature": "0" * 43}[change]
    show_cookie(browser, ".".join({**parts, change: forged}.values()))
    assert "signed in as" not in browser.get("/sign-in").text


@pytest.mark.parametrize("value", ["", ".", "..", "a.b.c", "\xe9.1.2", "0" * 5_000])
def test_a_cookie_that_is_no_session_is_ignored(browser: TestClient, value: str) -> None:
    page = browser.get("/sign-in", headers={b"Cookie": f"irritants={value}".encode("latin-1")})
    assert (page.status_code, "signed in as" in page.text) == (200, False)


def show_cookie(browser: TestClient, value: str) -> None:
    browser.cookies.clear()
    browser.cookies.set("irritants", value)


def secret_on(engine: Engine) -> bytes:
    with connection(engine) as c:
        return keys.read_session_secret(c)


def test_a_session_needs_the_secret_of_the_record(browser: TestClient, new_key: NewKey, engine: Engine) -> None:
    """Ids of keys are not secret: `key list` and the forms show them."""
    key = keys.Key(new_key().split("_")[1], "desk", ("report",), None, bytes(32), datetime.now(UTC))
    for secret, is_signed_in in ((bytes(32), False), (secret_on(engine), True)):
        show_cookie(browser, Sessions(secret).begin(key, datetime.now(UTC)).value)
        assert ("signed in as" in browser.get("/sign-in").text) == is_signed_in


def test_no_export_contains_the_secret(engine: Engine) -> None:
    with connection(engine) as c:
        export_record(c, exported := BytesIO())
    assert exported.getvalue().count(b"\n") > 100
    assert secret_on(engine).hex().encode() not in exported.getvalue()


def test_a_new_secret_ends_every_session_with_the_next_request(
    desk: TestClient, new_key: NewKey, engine: Engine
) -> None:
    """The secret is changed by the statement in SECURITY.md."""
    before = secret_on(engine)
    with engine.begin() as c:
        c.exec_driver_sql(NEW_SECRET)
    assert secret_on(engine) != before
    assert len(secret_on(engine)) == 32
    assert "signed in as" not in desk.get("/sign-in").text
    sign_in(desk, new_key())
    assert "signed in as" in desk.get("/sign-in").text


def test_signing_out_removes_the_session_from_the_browser(desk: TestClient) -> None:
    answer = sign_out(desk)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "signed in as" not in desk.get("/sign-in").text


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": "https://[nowhere"},
        {"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:8001"},
        {"Sec-Fetch-Site": "cross-site", "Origin": LOOPBACK},
        {"Sec-Fetch-Site": ""},
    ],
    ids=str,
)
def test_a_form_that_may_come_from_another_site_is_refused(
    browser: TestClient, new_key: NewKey, said: dict[str, str]
) -> None:
    """Also if the browser sends no origin."""
    answer = browser.post("/sign-in", data={"key": new_key()}, headers=said)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    sign_in(browser, new_key())
    assert sign_out(browser, **said).status_code == 403
    assert "signed in as" in browser.get("/sign-in").text


def test_a_form_of_an_http_page_is_refused_on_https(seeded_database_url: str, clock: Clock, new_key: NewKey) -> None:
    with browsing(site(seeded_database_url, clock), "https://record.example") as elsewhere:
        statuses = [
            elsewhere.post(
                "/sign-in", data={"key": new_key()}, headers={"Sec-Fetch-Site": "", "Origin": origin}
            ).status_code
            for origin in ("http://record.example", "https://record.example")
        ]
    assert statuses == [403, 303]


@pytest.mark.parametrize("host", ["[::1", "[1.2.3.4]", "a b"])
def test_a_session_is_ignored_with_an_invalid_host_header(browser: TestClient, new_key: NewKey, host: str) -> None:
    sign_in(browser, new_key())
    page = browser.get("/sign-in", headers={"Host": host})
    assert (page.status_code, "/sign-out" in page.text, "/sign-out" in browser.get("/sign-in").text) == (
        200,
        False,
        True,
    )


@pytest.mark.parametrize("said", [{"Origin": LOOPBACK}, {"Origin": LOOPBACK.replace("http:", "https:")}])
def test_a_browser_that_sends_only_an_origin_can_sign_in(
    browser: TestClient, new_key: NewKey, said: dict[str, str]
) -> None:
    """The https origin occurs behind an untrusted proxy that terminates TLS."""
    assert browser.post("/sign-in", data={"key": new_key()}, headers={"Sec-Fetch-Site": "", **said}).status_code == 303


def test_failed_sign_ins_are_limited(browser: TestClient, new_key: NewKey) -> None:
    assert [sign_in(browser, "irr_none").status_code for _ in range(11)] == [401] * 10 + [429]
    refused = sign_in(browser, new_key())
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60


def tried(server: Served, sender: str) -> int:
    said = {"X-Forwarded-For": sender, "Sec-Fetch-Site": "same-origin"}
    return httpx2.post(f"{server.url}/sign-in", data={"key": "irr_none"}, headers=said).status_code


def test_behind_a_trusted_proxy_each_visitor_has_a_separate_limit(seeded_database_url: str) -> None:
    with served(seeded_database_url, trusted_proxies="127.0.0.0/8") as server:
        assert [tried(server, "203.0.113.7") for _ in range(11)] == [401] * 10 + [429]
        # The proxy appends the address of its client. Addresses before it come from the client and are ignored.
        assert tried(server, "198.51.100.1, 203.0.113.7") == 429
        assert tried(server, "203.0.113.8") == 401


def test_a_forwarded_address_from_an_untrusted_client_is_ignored(shared_server: Served) -> None:
    assert [tried(shared_server, f"203.0.113.{n}") for n in range(11)] == [401] * 10 + [429]


def test_successful_sign_ins_are_not_limited(browser: TestClient, new_key: NewKey) -> None:
    token = new_key()
    assert {sign_in(browser, token).status_code for _ in range(15)} == {303}


def test_where_reading_needs_a_key_a_page_redirects_to_sign_in_and_back(closed: TestClient, new_key: NewKey) -> None:
    answer = closed.get("/?relation=ru-us")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F%3Frelation%3Dru-us")
    assert closed.get(answer.headers["location"]).status_code == 200
    back = sign_in(closed, new_key("read"), "/?relation=ru-us").headers["location"]
    assert closed.get(back).status_code == 200


def test_where_reading_needs_a_key_a_session_can_read_the_api(closed: TestClient, new_key: NewKey) -> None:
    assert closed.get("/v1/irritants").status_code == 401
    sign_in(closed, new_key("read"))
    assert closed.get("/v1/irritants").status_code == 200


def test_a_page_for_404_also_shows_who_is_signed_in(desk: TestClient) -> None:
    assert "Signed in: desk" in desk.get("/irritants/ru-us/nothing").text
    desk.cookies.clear()
    assert "Signed in" not in desk.get("/irritants/ru-us/nothing").text


def test_a_session_cannot_write_to_the_api(desk: TestClient) -> None:
    answer = desk.post("/v1/reports", json={}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 401


def test_an_ended_session_can_still_read_where_reading_is_open(desk: TestClient, clock: Clock) -> None:
    clock.passes(days=1)
    assert desk.get("/").status_code == 200
    assert desk.get("/v1/irritants").status_code == 200


def test_a_large_sign_in_form_is_refused(browser: TestClient) -> None:
    assert browser.post("/sign-in", data={"key": "k" * 70_000}).status_code == 413


def test_a_malformed_form_is_refused(browser: TestClient) -> None:
    assert browser.post("/sign-in", json={"key": "k"}).status_code == 422
    wrong = browser.post("/sign-in", content=b"key=%ff", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("headers", "asks"),
    [
        ({"Host": "irritants.example"}, True),
        ({"Host": "irritants.example", "Sec-Fetch-Site": "none"}, False),
        ({"Host": "127.0.0.1:8765"}, False),
        ({"Host": "localhost"}, False),
    ],
)
def test_the_page_to_sign_in_asks_for_https_only_where_the_session_would_be_lost(
    browser: TestClient, headers: dict[str, str], *, asks: bool
) -> None:
    browser.headers.pop("Sec-Fetch-Site", None)
    assert ("Signing in needs https." in browser.get("/sign-in", headers=headers).text) is asks
