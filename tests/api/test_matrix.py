"""Who may ask for what: every route of the application, for everybody who may come, reading open or not.

The routes are those of the application itself, so that a new one is a failure here until a row says whom it is for.
Programs show their key; people the cookie of the session that began with it.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.store import keys
from service.store.engine import open_engine, transaction
from service.store.keys import Scope
from service.web.assets import ADDRESSES
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, report, said
from tests.conftest import Clone


class For(Enum):
    """Whom a route is for."""

    ANYBODY = "anybody, where reading needs a key too"
    READERS = "who may read"
    OPERATORS = "who may read; an admin where reading needs a key"
    SIGNED_IN = "who is signed in, with whatever key"
    REPORTERS = "who may report on this relation"
    REPORTERS_STILL = "the same; who is signed in no longer is told that, in the place of what was asked for"


@dataclass(frozen=True)
class Row:
    """`answer`: the status for those whom it is for. `form`, `json`: what is posted."""

    who: For
    address: str
    answer: int = 200
    method: str = "GET"
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    by_cookie: bool = False


def reading(address: str, answer: int = 200, method: str = "GET") -> Row:
    return Row(For.READERS, address, answer, method)


def page(address: str, who: For = For.READERS, answer: int = 200) -> Row:
    return Row(who, address, answer, by_cookie=True)


def posting(address: str, who: For, answer: int, **form: str) -> Row:
    return Row(who, address, answer, "POST", form=form, by_cookie=True)


def appending(address: str, type: str, **fields: Any) -> Row:
    return Row(For.REPORTERS, f"{address}?dry_run=true", 200, "POST", said(type, **fields), headers={"If-Match": "*"})


IRRITANT = "/v1/irritants/{relation}/{slug}"
ROUND = "/v1/rounds/{relation}/{slug}"
RELATION = "/v1/relations/{relation}"
VISAS = "/v1/irritants/ru-us/visas"
ISTANBUL = "/v1/rounds/ru-us/istanbul-april"
RU_US = "/v1/relations/ru-us"
ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/healthz"): Row(For.ANYBODY, "/healthz"),
    ("GET", "/readyz"): Row(For.ANYBODY, "/readyz"),
    ("GET", "/openapi.json"): Row(For.ANYBODY, "/openapi.json"),
    ("GET", "/docs"): Row(For.ANYBODY, "/docs"),
    ("GET", "/metrics"): Row(For.OPERATORS, "/metrics"),
    ("GET", "/v1/checkpoint"): reading("/v1/checkpoint", 404),
    ("GET", "/v1/changes"): reading("/v1/changes"),
    ("GET", "/v1/changes.atom"): reading("/v1/changes.atom"),
    ("GET", "/v1/events"): reading("/v1/events"),
    ("GET", "/v1/events/live"): reading("/v1/events/live", method="HEAD"),
    ("GET", "/v1/events/{id}"): reading("/v1/events/{event}"),
    ("GET", "/v1/irritants"): reading("/v1/irritants"),
    ("GET", IRRITANT): reading(VISAS),
    ("GET", f"{IRRITANT}/difference"): reading(f"{VISAS}/difference"),
    ("GET", f"{IRRITANT}/dossier"): reading(f"{VISAS}/dossier"),
    ("GET", f"{IRRITANT}/events"): reading(f"{VISAS}/events"),
    ("GET", f"{IRRITANT}/evidence"): reading(f"{VISAS}/evidence"),
    ("GET", f"{IRRITANT}/timeline"): reading(f"{VISAS}/timeline"),
    ("GET", "/v1/relations"): reading("/v1/relations"),
    ("GET", RELATION): reading(RU_US),
    ("GET", f"{RELATION}/board"): reading(f"{RU_US}/board"),
    ("GET", f"{RELATION}/calendar.ics"): reading(f"{RU_US}/calendar.ics"),
    ("GET", f"{RELATION}/corroboration"): reading(f"{RU_US}/corroboration"),
    ("GET", f"{RELATION}/difference"): reading(f"{RU_US}/difference"),
    ("GET", f"{RELATION}/evidence"): reading(f"{RU_US}/evidence"),
    ("GET", f"{RELATION}/ledger"): reading(f"{RU_US}/ledger"),
    ("GET", f"{RELATION}/matrix"): reading(f"{RU_US}/matrix"),
    ("GET", f"{RELATION}/needs-confirmation"): reading(f"{RU_US}/needs-confirmation"),
    ("GET", f"{RELATION}/registers"): reading(f"{RU_US}/registers"),
    ("GET", f"{RELATION}/timeline"): reading(f"{RU_US}/timeline"),
    ("GET", "/v1/reports"): reading("/v1/reports"),
    ("GET", "/v1/reports/{id}"): reading("/v1/reports/{report}"),
    ("GET", "/v1/rounds"): reading("/v1/rounds"),
    ("GET", ROUND): reading(ISTANBUL),
    ("GET", f"{ROUND}/evidence"): reading(f"{ISTANBUL}/evidence"),
    ("GET", f"{ROUND}/sheet"): reading(f"{ISTANBUL}/sheet"),
    ("GET", f"{ROUND}/timeline"): reading(f"{ISTANBUL}/timeline"),
    ("GET", "/v1/sources"): reading("/v1/sources"),
    ("GET", "/v1/sources/{slug}"): reading("/v1/sources/a2-tataru"),
    ("GET", "/v1/sources/{slug}/timeline"): reading("/v1/sources/a2-tataru/timeline"),
    ("POST", "/v1/reports"): Row(
        For.REPORTERS, "/v1/reports?dry_run=true", 200, "POST", report(on(FLIGHTS, "ConcernRaised"))
    ),
    ("POST", f"{IRRITANT}/events"): appending(f"{VISAS}/events", "ConcernRaised"),
    ("POST", f"{ROUND}/events"): appending(f"{ISTANBUL}/events", "RoundCharacterised"),
    ("POST", f"{RELATION}/events"): appending(f"{RU_US}/events", "EmphasisStated"),
    ("GET", "/static/{name}"): page(ADDRESSES["style.css"], For.ANYBODY),
    ("GET", "/"): page("/"),
    ("GET", "/irritants/{relation}/{slug}"): page("/irritants/ru-us/visas"),
    ("GET", "/rounds/{relation}/{slug}"): page("/rounds/ru-us/istanbul-april"),
    ("GET", "/relations/{relation}"): page("/relations/ru-us"),
    ("GET", "/changes"): page("/changes"),
    ("GET", "/sources"): page("/sources"),
    ("GET", "/sources/{slug}"): page("/sources/a2-tataru"),
    ("GET", "/rounds/{relation}/{slug}/events"): page("/rounds/ru-us/istanbul-april/events"),
    ("GET", "/relations/{relation}/events"): page("/relations/ru-us/events"),
    ("GET", "/sources/{slug}/events"): page("/sources/a2-tataru/events"),
    ("GET", "/events/{id}"): page("/events/{event}", answer=303),
    ("GET", "/help"): page("/help"),
    ("GET", "/problems"): page("/problems"),
    ("GET", "/problems/{name}"): page("/problems/gone", For.ANYBODY),
    ("GET", "/sign-in"): page("/sign-in", For.ANYBODY),
    ("POST", "/sign-in"): posting("/sign-in", For.ANYBODY, 303, key="{key}"),
    ("POST", "/sign-out"): posting("/sign-out", For.SIGNED_IN, 303),
    ("GET", "/file"): page("/file?relation=ru-us", For.REPORTERS),
    ("GET", "/file/date"): page("/file/date?occurred=2025-04-10"),
    ("POST", "/file"): posting("/file", For.REPORTERS, 200, relation="ru-us"),
    ("GET", "/irritants/{relation}/{slug}/difference"): page("/irritants/ru-us/visas/difference"),
    ("GET", "/reports/{id}"): page("/reports/{report}"),
    ("GET", "/correct/{id}"): page("/correct/{event}", For.REPORTERS),
    ("POST", "/correct/{id}"): posting("/correct/{event}", For.REPORTERS, 200),
    ("POST", "/correct/{id}/preview"): posting("/correct/{event}/preview", For.REPORTERS_STILL, 200),
    ("GET", "/retract/{id}"): page("/retract/{event}", For.REPORTERS),
    ("POST", "/retract/{id}"): posting("/retract/{event}", For.REPORTERS, 200),
    ("POST", "/retract/{id}/preview"): posting("/retract/{event}/preview", For.REPORTERS_STILL, 200),
    ("POST", "/file/preview"): posting("/file/preview", For.REPORTERS_STILL, 200, relation="ru-us"),
}

BAD = ("malformed", "forged", "expired", "revoked")
GOOD: Mapping[str, tuple[Scope, tuple[str, ...] | None]] = {
    "read": ("read", None),
    "report": ("report", None),
    "report of another relation": ("report", ("fr-us",)),
    "admin": ("admin", None),
}
SHOWN = ("no key", *BAD, *GOOD)


def routes(app: FastAPI) -> set[tuple[str, str]]:
    found = iter_route_contexts(app.routes)
    return {(method, str(route.path_format)) for route in found for method in route.methods or ()}


@dataclass
class Site:
    """The service with its pages, and what everybody shows: a key, and a cookie of a session with it."""

    client: TestClient
    tokens: dict[str, str]
    cookies: dict[str, str]
    form_tokens: dict[str, str]
    named: dict[str, str]
    is_closed: bool

    def ask(self, row: Row, shown: str) -> int:
        headers = dict(row.headers)
        if row.by_cookie:
            headers |= {"Cookie": f"irritants={self.cookies[shown]}"} if shown in self.cookies else {}
        elif shown in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[shown]}"
        form = None
        if row.form is not None:
            form = {name: value.format_map(self.named) for name, value in row.form.items()}
            form["token"] = self.form_tokens.get(shown, "none")
        address = row.address.format_map(self.named)
        self.client.cookies.clear()
        return self.client.request(row.method, address, headers=headers, json=row.json, data=form).status_code


def expected(row: Row, shown: str, *, is_closed: bool) -> int:
    """The rule for each kind of route. A key that is none is a mistake; a session that has ended is nobody's."""
    if shown in BAD and not row.by_cookie:
        return 401
    known = GOOD.get(shown)
    match row.who:
        case For.ANYBODY:
            return row.answer
        case For.READERS:
            return row.answer if known or not is_closed else 401
        case For.OPERATORS if is_closed:
            return 401 if known is None else row.answer if known[0] == "admin" else 403
        case For.OPERATORS:
            return row.answer
        case For.SIGNED_IN:
            return row.answer if known else 401
        case For.REPORTERS_STILL if known is None:
            return row.answer
        case For.REPORTERS | For.REPORTERS_STILL:
            return 401 if known is None else row.answer if shown in ("report", "admin") else 403


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def opened(url: str, *, is_closed: bool) -> Iterator[Site]:
    engine, clock = open_engine(url), Clock()
    app = create_app(Settings(database_url=url, read_access="key" if is_closed else "open"), clock=clock)
    add_pages(app)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        client = stack.enter_context(
            TestClient(app, "http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False)
        )

        def key(name: str, scope: Scope, **more: Any) -> str:
            with transaction(engine) as c:
                return keys.create(c, name, (scope,), clock.now, **more)[1]

        def session(token: str) -> str:
            client.cookies.clear()
            answer = client.post("/sign-in", data={"key": token})
            client.cookies.clear()
            return str(answer.headers["set-cookie"]).partition(";")[0].partition("=")[2]

        tokens = {name: key(name, scope, relations=relations) for name, (scope, relations) in GOOD.items()}
        tokens["expired"] = key("expired", "admin", expires_at=clock.now + timedelta(hours=1))
        tokens["revoked"] = key("revoked", "admin")
        cookies = {name: session(token) for name, token in tokens.items()}
        tokens["malformed"], cookies["malformed"] = "irr_nonsense", "nonsense"
        tokens["forged"] = tokens["admin"][:-1] + ("x" if tokens["admin"][-1] != "x" else "y")
        cookies["forged"] = cookies["admin"][:-1] + ("0" if cookies["admin"][-1] != "0" else "1")
        with transaction(engine) as c:
            keys.revoke(c, tokens["revoked"].split("_")[1], clock.now)
        clock.now += timedelta(hours=2)
        admin = {"Authorization": f"Bearer {tokens['admin']}"}
        named = {
            "event": client.get("/v1/irritants/ru-us/visas/events?limit=1", headers=admin).json()["items"][0]["id"],
            "report": client.get("/v1/reports?limit=1", headers=admin).json()["items"][0]["id"],
            "key": tokens["read"],
        }
        form_tokens = {name: _form_token(client, cookies[name]) for name in GOOD}
        yield Site(client, tokens, cookies, form_tokens, named, is_closed)


def _form_token(client: TestClient, cookie: str) -> str:
    page = client.get("/sign-in", headers={"Cookie": f"irritants={cookie}"}).text
    return page.partition('name="token" value="')[2].partition('"')[0]


@pytest.fixture(scope="module")
def open_site(clone: Clone, seeded_template: str) -> Iterator[Site]:
    with clone(seeded_template) as url, opened(url, is_closed=False) as site:
        yield site


@pytest.fixture(scope="module")
def closed_site(clone: Clone, seeded_template: str) -> Iterator[Site]:
    with clone(seeded_template) as url, opened(url, is_closed=True) as site:
        yield site


def test_there_is_a_row_for_every_route_and_for_nothing_else() -> None:
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    assert routes(app) == ROWS.keys()


def test_a_route_without_a_row_is_noticed() -> None:
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    app.add_api_route("/v1/news", lambda: None)
    assert routes(app) - ROWS.keys() == {("GET", "/v1/news")}


@pytest.mark.parametrize("route", ROWS, ids=" ".join)
def test_where_reading_is_open(open_site: Site, route: tuple[str, str]) -> None:
    _holds(open_site, ROWS[route])


@pytest.mark.parametrize("route", ROWS, ids=" ".join)
def test_where_reading_needs_a_key(closed_site: Site, route: tuple[str, str]) -> None:
    _holds(closed_site, ROWS[route])


def _holds(site: Site, row: Row) -> None:
    told = {shown: site.ask(row, shown) for shown in SHOWN}
    assert told == {shown: expected(row, shown, is_closed=site.is_closed) for shown in SHOWN}
