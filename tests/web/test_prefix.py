"""The service below a path prefix: all links stay below it, and without a prefix nothing changes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.prefix import Forwarded
from service.client import Irritants
from service.settings import OWN_PATHS, Settings, SettingsError, path_prefix, read
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, report
from tests.api.serving import Served, served
from tests.proxies import PREFIX, below
from tests.web.conftest import BROWSER, Clock, NewKey, browsing, sign_in, sign_out, site
from tests.web.crawling import Addresses, crawl

STRANGE = ["", "/", "irritants", "//elsewhere.example", "/a//b", "/..", "/a/../b", "/.", "/a/.", "/a b", "/a%2fb"]
STRANGE += ['/a"b', "/a<b", "/a?b", "/a#b", "/a\\b", "/é", "/v1", "/sources", "/" + "a" * 200, "/a\r\nX: y", "/a, /b"]


CACHED = [
    "/docs",
    "/openapi.json",
    "/problems",
    "/problems/gone",
    "/",
    "/changes",
    "/help",
    "/v1/changes.atom",
    "/v1/changes?limit=5",
    "/v1/rounds/ru-us/istanbul-april/sheet",
]


@pytest.fixture
def prefixed(seeded_database_url: str, clock: Clock) -> Iterator[TestClient]:
    """Yield a browser below a prefix that the proxy strips. The prefix comes from the settings."""
    with browsing(site(seeded_database_url, clock, root_path=PREFIX)) as client:
        yield client


def is_below(address: str) -> bool:
    path = urlsplit(address).path
    return not path or not path.startswith("/") or path == PREFIX or path.startswith(f"{PREFIX}/")


def checked_below(address: str, answer: Any) -> None:
    """Assert that every address in the answer is below the prefix and has a route."""
    # It is requested with a typed date.
    assert answer.status_code < 400 or address.endswith("/file/date"), (address, answer.status_code, answer.text[:300])
    if "location" in answer.headers:
        assert is_below(urlsplit(answer.headers["location"]).path), (address, answer.headers["location"])
    for link in re.findall(r"<([^>]*)>", answer.headers.get("link", "")):
        assert is_below(link), (address, link)
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        found = Addresses(answer.text)
        assert found.asked, address
        assert not [one for one in found.asked | found.sent if not is_below(one)], address
        # Also addresses in attributes that this list does not know.
        strays = re.findall(r'\s([a-z-]+)="(/[a-z][^"]*)"', answer.text)
        assert not [(name, one) for name, one in strays if name != "value" and not is_below(one)], address
    elif kind.startswith("application/atom+xml"):
        links = re.findall(r'<link [^>]*href="([^"]*)"', answer.text)
        assert links
        assert all(map(is_below, links)), address


def kinds(visited: dict[str, Any]) -> set[str]:
    """Return the kinds of pages, by the first part of their path below the prefix."""
    paths = (urlsplit(address).path.removeprefix(PREFIX) for address in visited)
    return {path.split("/")[1] if path.count("/") else "" for path in paths}


EVERYWHERE = {"", "irritants", "rounds", "relations", "sources", "changes", "events", "reports", "help", "static"}
EVERYWHERE |= {"v1", "docs", "openapi.json", "sign-in", "file", "correct", "retract"}


class Below(TestClient):
    """A client that sends requests as a proxy does, with or without the prefix."""

    strips = True

    def request(self, method: str, url: Any, **more: Any) -> Any:
        inner = str(url).removeprefix(PREFIX) if self.strips else str(url)
        return super().request(method, inner or "/", **more)


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "not stripped"])
def test_all_links_stay_below_the_prefix(
    seeded_database_url: str, clock: Clock, new_key: NewKey, *, strips: bool
) -> None:
    app = site(seeded_database_url, clock, root_path=PREFIX)
    with Below(app, "http://127.0.0.1:8000", headers=BROWSER, follow_redirects=False) as browser:
        browser.strips = strips
        entered = browser.post(f"{PREFIX}/sign-in", data={"key": new_key("admin"), "next": "/file"})
        assert entered.headers["location"] == f"{PREFIX}/file"
        assert f"Path={PREFIX};" in entered.headers["set-cookie"]
        cookie = entered.headers["set-cookie"].partition(";")[0]
        browser.cookies.clear()  # with a stripped path the client would not send the cookie
        browser.headers["Cookie"] = cookie
        visited = crawl(browser, f"{PREFIX}/", most=500, check=checked_below)
        assert kinds(visited) >= EVERYWHERE


def test_without_a_prefix_pages_are_the_same(reading: TestClient, shared_database_url: str) -> None:
    """Equal in every byte except the addresses and the page's own ETag."""
    with browsing(site(shared_database_url, Clock(), root_path=PREFIX)) as prefixed:
        for path in (
            "/",
            "/irritants/ru-us/visas",
            "/changes",
            "/sources",
            "/help",
            "/v1/rounds/ru-us/istanbul-april/sheet",
        ):
            plain, moved = reading.get(path), prefixed.get(path)
            assert re.sub(rf'(\s[a-z-]+="){PREFIX}/', r"\1/", moved.text) == plain.text
            assert plain.headers["etag"] != moved.headers["etag"]


def test_cached_pages_of_one_prefix_are_never_answered_to_another(seeded_database_url: str, clock: Clock) -> None:
    """An invalid path is no prefix. Each valid prefix has its own cache entries."""
    app = Forwarded(site(seeded_database_url, clock), "127.0.0.1")
    evil = '/evil" onload="x'
    with TestClient(app, client=("127.0.0.1", 1), headers=BROWSER, follow_redirects=False) as client:
        for path in CACHED * 2:
            tags: dict[str, str] = {}
            for prefix in ("", "/one", "/two", evil):
                sent = {"X-Forwarded-Prefix": prefix} if prefix else {}
                answer = client.get(path, headers=sent)
                told = answer.text + answer.headers.get("link", "")
                found = {p for p in ("/one", "/two", "/evil") if any(f"{sign}{p}" in told for sign in '"<')}
                assert found == {prefix} - {"", evil}
                # A tag that was issued below one prefix must not match below another.
                tags[prefix] = answer.headers["etag"]
                if "json" not in answer.headers["content-type"]:
                    fresh = [
                        p
                        for p, tag in tags.items()
                        if client.get(path, headers={**sent, "If-None-Match": tag}).status_code == 304
                    ]
                    assert fresh == (["", evil] if prefix == evil else [prefix])


@pytest.mark.parametrize("sent", STRANGE)
def test_an_invalid_forwarded_prefix_is_ignored(shared_database_url: str, sent: str) -> None:
    assert path_prefix(sent) in (None, "")


def test_a_forwarded_prefix_is_accepted_only_from_a_trusted_proxy(seeded_database_url: str) -> None:
    asked = {"X-Forwarded-Prefix": PREFIX, "Accept": "text/html"}
    for trusted, expected in (("127.0.0.0/8", f"{PREFIX}/sign-in"), ("203.0.113.7", "/sign-in"), ("", "/sign-in")):
        with served(seeded_database_url, trusted_proxies=trusted) as server:
            page = httpx2.get(f"{server.url}/", headers=asked).text
            assert f'href="{expected}"' in page
            twice = [("X-Forwarded-Prefix", PREFIX), ("X-Forwarded-Prefix", "/other"), ("Accept", "text/html")]
            assert 'href="/sign-in"' in httpx2.get(f"{server.url}/", headers=twice).text


@pytest.mark.parametrize("path", ["irritants", "/a//b", "/v1", "/a/../b", "/a b"])
def test_an_invalid_root_path_is_refused(path: str) -> None:
    with pytest.raises(SettingsError, match=r"IRRITANTS_ROOT_PATH: invalid path .*; use"):
        read(root_path=path)
    assert read(root_path="/desk/irritants/").root_path == "/desk/irritants"


def test_own_paths_are_those_of_the_routes() -> None:
    """They show whether a proxy has stripped the prefix from a path."""
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    assert {str(r.path_format).split("/")[1] for r in iter_route_contexts(app.routes)} == OWN_PATHS


def test_addresses_in_problems_receipts_and_the_contract_have_the_prefix(prefixed: TestClient, new_key: NewKey) -> None:
    gone = prefixed.get("/v1/events?after=100000", headers={"Accept": "application/json"})
    assert gone.json()["type"] == f"{PREFIX}/problems/gone"
    assert gone.json()["start_over"] == f"{PREFIX}/v1/events?after=0"
    headers = {"Authorization": f"Bearer {new_key()}", "Idempotency-Key": "k"}
    mistaken = prefixed.post("/v1/reports", json={"events": [{}, 1]}, headers=headers).json()
    assert {m["type"].rpartition("/")[0] for m in mistaken["errors"]} == {f"{PREFIX}/problems"}
    filed = prefixed.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=headers)
    assert filed.headers["location"] == f"{PREFIX}/v1/reports/{filed.json()['id']}"
    reused = prefixed.post("/v1/reports", json=report(on(FLIGHTS, "NoCommentRecorded")), headers=headers)
    assert reused.json()["report"] == filed.headers["location"]
    assert [server["url"] for server in prefixed.get("/openapi.json").json()["servers"]] == [PREFIX]
    assert f'href="{PREFIX}/openapi.json"' in prefixed.get("/docs").text


def test_an_event_has_the_same_source_below_any_prefix(prefixed: TestClient, seeded_database_url: str) -> None:
    """The source identifies the event and must equal the source in relayed messages."""
    with browsing(site(seeded_database_url, Clock())) as at_root:
        path = "/v1/events?limit=3"
        assert prefixed.get(path).json() == at_root.get(path).json()
        ids = [re.findall("<id>.*?</id>", one.get("/v1/changes.atom").text) for one in (prefixed, at_root)]
        assert ids[0] == ids[1]


def test_forms_and_sign_in_work_below_a_prefix(prefixed: TestClient, new_key: NewKey) -> None:
    entered = prefixed.post("/sign-in", data={"key": new_key(), "next": "/"})
    prefixed.cookies.clear()
    prefixed.headers["Cookie"] = entered.headers["set-cookie"].partition(";")[0]
    left = sign_out(prefixed)
    assert left.headers["location"] == f"{PREFIX}/sign-in"
    assert f"Path={PREFIX};" in left.headers["set-cookie"]
    del prefixed.headers["Cookie"]
    stranger = prefixed.post("/file/preview", data={"address": "/file"}, headers={"HX-Request": "true"})
    assert f'href="{PREFIX}/sign-in' in stranger.text
    ended = prefixed.post("/file", data={"address": "/file"}, headers={"HX-Request": "true"})
    assert ended.headers["hx-redirect"] == f"{PREFIX}/sign-in?next=%2Ffile"


def test_the_cookie_below_a_prefix_is_secure_and_has_its_path(
    seeded_database_url: str, clock: Clock, new_key: NewKey
) -> None:
    """Browsers accept `__Host-` cookies only with the root path."""
    with browsing(site(seeded_database_url, clock, root_path=PREFIX), "https://record.example") as elsewhere:
        cookie = sign_in(elsewhere, new_key()).headers["set-cookie"]
        assert cookie.startswith("__Secure-irritants=")
        assert cookie.endswith(f"Path={PREFIX}; Max-Age=43200; HttpOnly; SameSite=Lax; Secure")


@pytest.mark.parametrize("says", [True, False], ids=["says it", "by the setting"])
@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "not stripped"])
@pytest.mark.parametrize("program", ["nginx", "haproxy"])
def test_behind_a_real_proxy(
    seeded_database_url: str,
    new_key: NewKey,
    tmp_path: Path,
    program: str,
    *,
    strips: bool,
    says: bool,
) -> None:
    trusted, root_path = ("127.0.0.1", "") if says else ("", PREFIX)
    with (
        served(seeded_database_url, trusted_proxies=trusted, root_path=root_path) as server,
        below(program, server, tmp_path, strips=strips, says=says) as url,
    ):
        _is_whole(url, server, new_key("admin"))


def _is_whole(url: str, server: Served, key: str) -> None:
    origin = url.removesuffix(PREFIX)
    with httpx2.Client(base_url=origin, headers=BROWSER, timeout=60) as browser:
        entered = browser.post(f"{PREFIX}/sign-in", data={"key": key, "next": "/"})
        assert entered.headers["location"] == f"{PREFIX}/"
        visited = crawl(
            browser,
            f"{PREFIX}/",
            most=120,
            check=checked_below,
        )
        assert {"", "irritants", "rounds", "relations", "static"} <= kinds(visited)
        assert "desk" in visited[f"{PREFIX}/"].text
        with browser.stream("GET", f"{PREFIX}/v1/events/live?after=0") as live:
            first = next(line for line in live.iter_lines() if line.startswith("data:"))
        assert json.loads(first.removeprefix("data:"))["source"].startswith("/v1/")
        unknown = browser.get(f"{PREFIX}/v1/irritants/ru-us/nothing", headers={"Accept": "application/json"})
        assert unknown.json()["type"] == f"{PREFIX}/problems/not-found"
        # One page at the root has the same name as the prefix.
        assert browser.get(f"{PREFIX}/irritants/ru-us/visas").status_code == 200
    with Irritants(url) as irritants:
        assert irritants.status("ru-us/visas").id == "ru-us/visas"
    assert httpx2.get(f"{server.url}/healthz").status_code == 200
