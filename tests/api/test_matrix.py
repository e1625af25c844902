"""Access to every route of the application, for every kind of client, with reading open and closed.

The tests take the routes from the application, so a new route fails until a row states its audience and its relation.
Programs send an API key. People send the cookie of a session that they opened with a key.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from service.api import reset
from service.api.app import create_app
from service.api.resources.table import RESOURCES
from service.reset import Resettable
from service.seeding import read
from service.settings import Settings
from service.store import keys
from service.store.engine import open_engine, transaction
from service.store.keys import Scope
from service.store.replacement import Databases
from service.web.assets import ADDRESSES
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, report, said
from tests.conftest import Clone


class For(Enum):
    """The audience of a route."""

    ANYBODY = "everyone, even where reading needs a key"
    READERS = "readers"
    OPERATORS = "readers, or admins where reading needs a key"
    SIGNED_IN = "signed-in people, with any key"
    REPORTERS = "reporters on this relation"
    REPORTERS_ANYWHERE = "reporters on any relation"
    REPORTERS_ON_ALL = "reporters without a limit to relations"
    REPORTERS_STILL = "reporters on this relation; an ended session gets a notice in place of the page"


class Of(Enum):
    """What a route shows. It decides the answer to a limited key where reading needs a key."""

    RU_US = "the relation ru-us"
    RECORD = "the whole record, which a limited key may not read"
    OWN = "the whole record; a limited key is redirected to its own relation"
    NOTHING = "nothing of the record"


@dataclass(frozen=True)
class Row:
    """`answer` is the status for the audience of the route. `form` and `json` are posted."""

    who: For
    address: str
    of: Of
    answer: int = 200
    method: str = "GET"
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    by_cookie: bool = False


def reading(address: str, of: Of, answer: int = 200, method: str = "GET") -> Row:
    return Row(For.READERS, address, of, answer, method)


def page(address: str, of: Of, who: For = For.READERS, answer: int = 200) -> Row:
    return Row(who, address, of, answer, by_cookie=True)


def posting(address: str, of: Of, who: For, answer: int, **form: str) -> Row:
    return Row(who, address, of, answer, "POST", form=form, by_cookie=True)


RESET: Mapping[tuple[str, str], Row] = {
    ("POST", reset.PATH): Row(For.REPORTERS_ON_ALL, reset.PATH, Of.RECORD, 200, "POST")
}
"""The routes that only test mode has."""


def appending(address: str, type: str, **fields: Any) -> Row:
    address, body = f"{address}?dry_run=true", said(type, **fields)
    return Row(For.REPORTERS, address, Of.RU_US, 200, "POST", body, headers={"If-Match": "*"})


IRRITANT = "/v1/irritants/{relation}/{slug}"
ROUND = "/v1/rounds/{relation}/{slug}"
RELATION = "/v1/relations/{relation}"
VISAS = "/v1/irritants/ru-us/visas"
ISTANBUL = "/v1/rounds/ru-us/istanbul-april"
RU_US = "/v1/relations/ru-us"
ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/healthz"): Row(For.ANYBODY, "/healthz", Of.NOTHING),
    ("GET", "/readyz"): Row(For.ANYBODY, "/readyz", Of.NOTHING),
    ("GET", "/openapi.json"): Row(For.ANYBODY, "/openapi.json", Of.NOTHING),
    ("GET", "/docs"): Row(For.ANYBODY, "/docs", Of.NOTHING),
    ("GET", "/metrics"): Row(For.OPERATORS, "/metrics", Of.RECORD),
    ("GET", "/v1/checkpoint"): reading("/v1/checkpoint", Of.RECORD, 404),
    ("GET", "/v1/changes"): reading("/v1/changes", Of.RECORD),
    ("GET", "/v1/changes.atom"): reading("/v1/changes.atom", Of.RECORD),
    ("GET", "/v1/events"): reading("/v1/events", Of.RECORD),
    ("GET", "/v1/events/live"): reading("/v1/events/live", Of.RECORD, method="HEAD"),
    ("GET", "/v1/events/{id}"): reading("/v1/events/{event}", Of.RU_US),
    ("GET", "/v1/events/{id}/citation"): reading("/v1/events/{event}/citation", Of.RU_US),
    ("GET", "/v1/irritants"): reading("/v1/irritants", Of.RECORD),
    ("GET", IRRITANT): reading(VISAS, Of.RU_US),
    ("GET", f"{IRRITANT}/difference"): reading(f"{VISAS}/difference", Of.RU_US),
    ("GET", f"{IRRITANT}/dossier"): reading(f"{VISAS}/dossier", Of.RU_US),
    ("GET", f"{IRRITANT}/events"): reading(f"{VISAS}/events", Of.RU_US),
    ("GET", f"{IRRITANT}/evidence"): reading(f"{VISAS}/evidence", Of.RU_US),
    ("GET", f"{IRRITANT}/timeline"): reading(f"{VISAS}/timeline", Of.RU_US),
    ("GET", "/v1/relations"): reading("/v1/relations", Of.RECORD),
    ("GET", RELATION): reading(RU_US, Of.RU_US),
    ("GET", f"{RELATION}/board"): reading(f"{RU_US}/board", Of.RU_US),
    ("GET", f"{RELATION}/calendar.ics"): reading(f"{RU_US}/calendar.ics", Of.RU_US),
    ("GET", f"{RELATION}/corroboration"): reading(f"{RU_US}/corroboration", Of.RU_US),
    ("GET", f"{RELATION}/difference"): reading(f"{RU_US}/difference", Of.RU_US),
    ("GET", f"{RELATION}/evidence"): reading(f"{RU_US}/evidence", Of.RU_US),
    ("GET", f"{RELATION}/ledger"): reading(f"{RU_US}/ledger", Of.RU_US),
    ("GET", f"{RELATION}/matrix"): reading(f"{RU_US}/matrix", Of.RU_US),
    ("GET", f"{RELATION}/needs-confirmation"): reading(f"{RU_US}/needs-confirmation", Of.RU_US),
    ("GET", f"{RELATION}/registers"): reading(f"{RU_US}/registers", Of.RU_US),
    ("GET", f"{RELATION}/timeline"): reading(f"{RU_US}/timeline", Of.RU_US),
    ("GET", "/v1/reports"): reading("/v1/reports", Of.RECORD),
    ("GET", "/v1/reports/{id}"): reading("/v1/reports/{report}", Of.RU_US),
    ("GET", "/v1/rounds"): reading("/v1/rounds", Of.RECORD),
    ("GET", ROUND): reading(ISTANBUL, Of.RU_US),
    ("GET", f"{ROUND}/evidence"): reading(f"{ISTANBUL}/evidence", Of.RU_US),
    ("GET", f"{ROUND}/sheet"): reading(f"{ISTANBUL}/sheet", Of.RU_US),
    ("GET", f"{ROUND}/timeline"): reading(f"{ISTANBUL}/timeline", Of.RU_US),
    ("GET", "/v1/search"): reading("/v1/search?q=bank", Of.RECORD),
    ("GET", "/v1/sources"): reading("/v1/sources", Of.RECORD),
    ("GET", "/v1/sources/{slug}"): reading("/v1/sources/a2-tataru", Of.RECORD),
    ("GET", "/v1/sources/{slug}/timeline"): reading("/v1/sources/a2-tataru/timeline", Of.RECORD),
    ("POST", "/v1/reports"): Row(
        For.REPORTERS, "/v1/reports?dry_run=true", Of.RU_US, 200, "POST", report(on(FLIGHTS, "ConcernRaised"))
    ),
    ("POST", f"{IRRITANT}/events"): appending(f"{VISAS}/events", "ConcernRaised"),
    ("POST", f"{ROUND}/events"): appending(f"{ISTANBUL}/events", "RoundCharacterised"),
    ("POST", f"{RELATION}/events"): appending(f"{RU_US}/events", "EmphasisStated"),
    ("GET", "/static/{name}"): page(ADDRESSES["style.css"], Of.NOTHING, For.ANYBODY),
    ("GET", "/"): page("/", Of.OWN),
    ("GET", "/irritants/{relation}/{slug}"): page("/irritants/ru-us/visas", Of.RU_US),
    ("GET", "/rounds/{relation}/{slug}"): page("/rounds/ru-us/istanbul-april", Of.RU_US),
    ("GET", "/relations/{relation}"): page("/relations/ru-us", Of.RU_US),
    ("GET", "/changes"): page("/changes", Of.OWN),
    ("GET", "/search"): page("/search?q=bank", Of.OWN),
    ("GET", "/reports"): page("/reports", Of.OWN),
    ("GET", "/sources"): page("/sources", Of.OWN),
    ("GET", "/sources/{slug}"): page("/sources/a2-tataru", Of.RU_US),
    ("GET", "/rounds/{relation}/{slug}/events"): page("/rounds/ru-us/istanbul-april/events", Of.RU_US),
    ("GET", "/relations/{relation}/events"): page("/relations/ru-us/events", Of.RU_US),
    ("GET", "/sources/{slug}/events"): page("/sources/a2-tataru/events", Of.RECORD),
    ("GET", "/events/{id}"): page("/events/{event}", Of.RU_US, answer=303),
    ("GET", "/help"): page("/help", Of.NOTHING),
    ("GET", "/help/{name}"): page("/help/operators", Of.NOTHING),
    ("GET", "/problems"): page("/problems", Of.NOTHING),
    ("GET", "/problems/{name}"): page("/problems/gone", Of.NOTHING, For.ANYBODY),
    ("GET", "/sign-in"): page("/sign-in", Of.NOTHING, For.ANYBODY),
    ("POST", "/sign-in"): posting("/sign-in", Of.NOTHING, For.ANYBODY, 303, key="{key}"),
    ("POST", "/sign-out"): posting("/sign-out", Of.NOTHING, For.SIGNED_IN, 303),
    ("GET", "/file"): page("/file?relation=ru-us", Of.RU_US, For.REPORTERS),
    ("GET", "/file/date"): page("/file/date?occurred=2025-04-10", Of.NOTHING),
    ("POST", "/file"): posting("/file", Of.RU_US, For.REPORTERS, 200, relation="ru-us"),
    ("GET", "/irritants/{relation}/{slug}/difference"): page("/irritants/ru-us/visas/difference", Of.RU_US),
    ("GET", "/irritants/{relation}/{slug}/download"): page("/irritants/ru-us/visas/download?format=md", Of.RU_US),
    ("GET", "/rounds/{relation}/{slug}/download"): page("/rounds/ru-us/istanbul-april/download?format=csv", Of.RU_US),
    ("GET", "/relations/{relation}/difference"): page("/relations/ru-us/difference", Of.RU_US),
    ("GET", "/reports/{id}"): page("/reports/{report}", Of.RU_US),
    ("GET", "/correct/{id}"): page("/correct/{event}", Of.RU_US, For.REPORTERS),
    ("POST", "/correct/{id}"): posting("/correct/{event}", Of.RU_US, For.REPORTERS, 200),
    ("POST", "/correct/{id}/preview"): posting("/correct/{event}/preview", Of.RU_US, For.REPORTERS_STILL, 200),
    ("GET", "/retract/{id}"): page("/retract/{event}", Of.RU_US, For.REPORTERS),
    ("POST", "/retract/{id}"): posting("/retract/{event}", Of.RU_US, For.REPORTERS, 200),
    ("POST", "/retract/{id}/preview"): posting("/retract/{event}/preview", Of.RU_US, For.REPORTERS_STILL, 200),
    ("GET", "/reports/{id}/correct"): page("/reports/{report}/correct", Of.RU_US, For.REPORTERS),
    ("POST", "/reports/{id}/correct"): posting("/reports/{report}/correct", Of.RU_US, For.REPORTERS, 200),
    ("POST", "/reports/{id}/correct/preview"): posting(
        "/reports/{report}/correct/preview", Of.RU_US, For.REPORTERS_STILL, 200
    ),
    ("POST", "/file/preview"): posting("/file/preview", Of.RU_US, For.REPORTERS_STILL, 200, relation="ru-us"),
}

WITHIN = [
    reading("/v1/irritants?relation=ru-us", Of.RU_US),
    reading("/v1/rounds?relation=ru-us", Of.RU_US),
    reading("/v1/sources?relation=ru-us", Of.RU_US),
    reading("/v1/sources/a2-tataru?relation=ru-us", Of.RU_US),
    reading("/v1/reports?relation=ru-us", Of.RU_US),
    reading("/v1/search?relation=ru-us&q=bank", Of.RU_US),
    reading("/v1/events?relation=ru-us", Of.RU_US),
    reading("/v1/events?stream=irritant/ru-us/visas", Of.RU_US),
    reading("/v1/events?stream=round/ru-us/istanbul-april", Of.RU_US),
    reading("/v1/events?stream=relation/ru-us", Of.RU_US),
    reading("/v1/events?stream=source/a2-tataru", Of.RECORD),
    reading("/v1/events?report={report}", Of.RECORD),
    reading("/v1/events/live?relation=ru-us", Of.RU_US, method="HEAD"),
    reading("/v1/changes?relation=ru-us", Of.RU_US),
    reading("/v1/changes.atom?relation=ru-us", Of.RU_US),
    reading("/v1/rounds/ru-us/nothing", Of.RU_US, 404),
    reading("/v1/irritants/ru-us/nothing", Of.RU_US, 404),
    reading("/v1/irritants/ru-us/nothing/dossier", Of.RU_US, 404),
    reading("/v1/sources/nothing?relation=ru-us", Of.RU_US, 404),
    page("/?relation=ru-us", Of.RU_US),
    page("/changes?relation=ru-us", Of.RU_US),
    page("/sources?relation=ru-us", Of.RU_US),
    page("/irritants/ru-us/nothing", Of.RU_US, answer=404),
    page("/rounds/ru-us/nothing/events", Of.RU_US, answer=404),
    page("/file?round=ru-us/istanbul-april", Of.RU_US, For.REPORTERS),
    page("/file", Of.NOTHING, For.REPORTERS_ANYWHERE),
]
"""Further addresses of these routes: within one relation, and of unrecorded resources."""

BAD = ("malformed", "forged", "expired", "revoked")
GOOD: Mapping[str, tuple[Scope, tuple[str, ...] | None]] = {
    "read": ("read", None),
    "report": ("report", None),
    "read of this relation": ("read", ("ru-us",)),
    "read of two relations": ("read", ("fr-us", "ru-us")),
    "read of another relation": ("read", ("fr-us",)),
    "report of this relation": ("report", ("ru-us",)),
    "report of another relation": ("report", ("fr-us",)),
    "admin of this relation": ("admin", ("ru-us",)),
    "admin": ("admin", None),
}
SHOWN = ("no key", *BAD, *GOOD)


def routes(app: FastAPI) -> set[tuple[str, str]]:
    found = iter_route_contexts(app.routes)
    return {(method, str(route.path_format)) for route in found for method in route.methods or ()}


@dataclass
class Site:
    """The service with its pages, and for each kind of client a key and a session cookie."""

    client: TestClient
    tokens: dict[str, str]
    cookies: dict[str, str]
    named: dict[str, str]
    is_closed: bool
    app: FastAPI

    def ask(self, row: Row, shown: str, method: str | None = None, **sent: str) -> int:
        headers = {**row.headers, **sent}
        if row.by_cookie:
            headers |= {"Cookie": f"irritants={self.cookies[shown]}"} if shown in self.cookies else {}
        elif shown in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[shown]}"
        form = None
        if row.form is not None:
            form = {name: value.format_map(self.named) for name, value in row.form.items()}
            form["made-for"] = self.tokens[shown].split("_")[1] if shown in GOOD else ""
            headers["Sec-Fetch-Site"] = "same-origin"
        address = row.address.format_map(self.named)
        self.client.cookies.clear()
        asked = self.client.request(method or row.method, address, headers=headers, json=row.json, data=form)
        return asked.status_code

    def told(self, address: str, shown: str) -> tuple[int, Any]:
        """Return the status and the body for a client with a key."""
        self.client.cookies.clear()
        answer = self.client.get(address, headers={"Authorization": f"Bearer {self.tokens[shown]}"})
        return answer.status_code, answer.json()


def expected(row: Row, shown: str, *, is_closed: bool) -> int:
    """Return the status that the rules require. An invalid key gets 401, but an ended session counts as no session."""
    if shown in BAD and not row.by_cookie:
        return 401
    known = GOOD.get(shown)
    limits = known[1] if known else None
    reports = known is not None and known[0] in ("report", "admin")
    if is_closed and limits is not None:
        if row.of is Of.RECORD or (row.of is Of.RU_US and "ru-us" not in limits):
            return 403
        if row.of is Of.OWN:
            return 303
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
        case For.REPORTERS_ANYWHERE:
            return 401 if known is None else row.answer if reports else 403
        case For.REPORTERS_ON_ALL:
            return 401 if known is None else row.answer if reports and limits is None else 403
        case For.REPORTERS_STILL if known is None:
            return row.answer
        case For.REPORTERS | For.REPORTERS_STILL:
            return 401 if known is None else row.answer if reports and "ru-us" in (limits or ("ru-us",)) else 403


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def opened(url: str, *, is_closed: bool, replaceable: Resettable | None = None) -> Iterator[Site]:
    engine, clock = open_engine(url), Clock()
    chosen = Settings(database_url=url, read_access="key" if is_closed else "open")
    app = create_app(chosen, clock=clock, replaceable=replaceable)
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
            answer = client.post("/sign-in", data={"key": token}, headers={"Sec-Fetch-Site": "same-origin"})
            client.cookies.clear()
            return str(answer.headers["set-cookie"]).partition(";")[0].partition("=")[2]

        tokens = {name: key(name, scope, relations=relations) for name, (scope, relations) in GOOD.items()}
        tokens["expired"] = key("expired", "admin", expires_at=clock.now + timedelta(hours=1))
        tokens["revoked"] = key("revoked", "admin")
        cookies = {name: session(token) for name, token in tokens.items()}
        tokens["malformed"], cookies["malformed"] = "irr_nonsense", "nonsense"
        tokens["forged"] = tokens["admin"][:-1] + ("x" if tokens["admin"][-1] != "x" else "y")
        begun, ends, signature = cookies["admin"].split(".")
        cookies["forged"] = f"{begun}.{ends}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
        with transaction(engine) as c:
            keys.revoke(c, tokens["revoked"].split("_")[1], clock.now)
        clock.now += timedelta(hours=2)
        admin = {"Authorization": f"Bearer {tokens['admin']}"}
        named = {
            "event": client.get("/v1/irritants/ru-us/visas/events?limit=1", headers=admin).json()["items"][0]["id"],
            "report": client.get("/v1/reports?limit=1", headers=admin).json()["items"][0]["id"],
            "key": tokens["read"],
        }
        yield Site(client, tokens, cookies, named, is_closed, app)


@pytest.fixture(scope="module")
def open_site(clone: Clone, seeded_template: str) -> Iterator[Site]:
    with clone(seeded_template) as url, opened(url, is_closed=False) as site:
        yield site


@pytest.fixture(scope="module")
def closed_site(clone: Clone, seeded_template: str) -> Iterator[Site]:
    with clone(seeded_template) as url, opened(url, is_closed=True) as site:
        yield site


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    assert routes(app) == ROWS.keys()


def test_every_route_of_test_mode_has_a_row_and_every_row_a_route() -> None:
    url = "postgresql:///record"
    app = create_app(Settings(database_url=url), replaceable=Resettable(Databases(url), ()))
    add_pages(app)
    assert routes(app) == ROWS.keys() | RESET.keys()


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("route", RESET, ids=" ".join)
@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed"])
def test_without_test_mode_its_routes_are_as_unknown_as_any_address(
    open_site: Site, closed_site: Site, route: tuple[str, str], shown: str, *, is_closed: bool
) -> None:
    site, row = closed_site if is_closed else open_site, RESET[route]
    unknown = replace(row, address="/v1/nothing/of-this-name")
    assert site.ask(row, shown) == site.ask(unknown, shown) == (401 if shown in BAD else 404)


@pytest.mark.parametrize("route", RESET, ids=" ".join)
@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed"])
def test_access_in_test_mode(
    seeded_database_url: str, migrated_template: str, route: tuple[str, str], *, is_closed: bool
) -> None:
    replaceable = Resettable(Databases(seeded_database_url, migrated_template), read())
    with opened(seeded_database_url, is_closed=is_closed, replaceable=replaceable) as site:
        _holds(site, RESET[route])
        for row in (ROWS["GET", "/v1/irritants"], ROWS["GET", "/"], ROWS["POST", "/v1/reports"]):
            _holds(site, row)


def test_a_route_without_a_row_is_found() -> None:
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    app.add_api_route("/v1/news", lambda: None)
    assert routes(app) - ROWS.keys() == {("GET", "/v1/news")}


def test_a_route_that_declares_no_relation_is_refused_to_a_limited_key(seeded_database_url: str) -> None:
    with opened(seeded_database_url, is_closed=True) as site:
        site.app.add_api_route("/news", lambda: None)
        site.app.add_api_route("/news/{relation}", lambda relation: None)
        assert site.ask(reading("/news", Of.RECORD), "read") == 200
        assert site.ask(reading("/news", Of.RECORD), "read of this relation") == 403
        assert site.ask(reading("/news/ru-us", Of.RU_US), "read of this relation") == 200
        assert site.ask(reading("/news/ru-us", Of.RU_US), "read of another relation") == 403


def test_every_list_and_feed_has_a_row_within_one_relation() -> None:
    """Also for later resources: a limited key is referred to each address with `?relation=`."""
    filtered = {r.path for r in RESOURCES if "relation" in r.query.model_fields}
    named = {row.address.partition("?")[0] for row in WITHIN if "?relation=ru-us" in row.address}
    assert {path.replace("{slug}", "a2-tataru") for path in filtered} <= named


@pytest.mark.parametrize("route", ROWS, ids=" ".join)
def test_access_where_reading_is_open(open_site: Site, route: tuple[str, str]) -> None:
    _holds(open_site, ROWS[route])


@pytest.mark.parametrize("route", ROWS, ids=" ".join)
def test_access_where_reading_needs_a_key(closed_site: Site, route: tuple[str, str]) -> None:
    _holds(closed_site, ROWS[route])


@pytest.mark.parametrize("row", WITHIN, ids=lambda row: row.address)
def test_access_within_one_relation_where_reading_is_open(open_site: Site, row: Row) -> None:
    _holds(open_site, row)


@pytest.mark.parametrize("row", WITHIN, ids=lambda row: row.address)
def test_access_within_one_relation_where_reading_needs_a_key(closed_site: Site, row: Row) -> None:
    _holds(closed_site, row)


@pytest.mark.parametrize("row", [r for r in (*ROWS.values(), *WITHIN) if r.method != "POST"], ids=lambda r: r.address)
def test_head_and_conditional_requests_are_refused_as_get_is(closed_site: Site, row: Row) -> None:
    """A 304 would reveal that the resource exists and has not changed."""
    for shown in GOOD:
        told = closed_site.ask(row, shown)
        assert closed_site.ask(row, shown, "HEAD") == told
        validated = closed_site.ask(row, shown, **{"If-None-Match": "*"})
        assert validated == told or (told, validated) == (200, 304)


def test_unrecorded_and_recorded_resources_of_another_relation_are_refused_alike(closed_site: Site) -> None:
    """Different answers, 404 and 403, would reveal what exists outside the limit."""
    for row in (r for r in (*ROWS.values(), *WITHIN) if r.of is Of.RU_US and "visas" in r.address):
        for slug in ("visas", "nothing-of-that-name"):
            asked = replace(row, address=row.address.replace("visas", slug))
            assert closed_site.ask(asked, "report of another relation") == 403, asked.address
    for kind in ("events", "reports"):
        there = {closed_site.named["event"], closed_site.named["report"], "00000000-0000-7000-8000-000000000000"}
        told = [closed_site.told(f"/v1/{kind}/{id}", "read of another relation") for id in sorted(there)]
        assert told == [told[0]] * len(told)
        assert told[0][0] == 403


def _holds(site: Site, row: Row) -> None:
    told = {shown: site.ask(row, shown) for shown in SHOWN}
    assert told == {shown: expected(row, shown, is_closed=site.is_closed) for shown in SHOWN}
