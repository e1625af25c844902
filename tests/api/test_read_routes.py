"""Whether the framework's router finds a route or the shortcut knows it: the same answers to everything."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.read_routes import ReadRoute, Shortcut
from service.api.resources import live
from service.api.resources.table import RESOURCES
from service.settings import Settings
from tests.api.asking import Told, ask
from tests.api.test_contract import concrete
from tests.conftest import Clone

STREAMED = "/v1/events/live"
PATHS = [resource.path for resource in RESOURCES if resource.path != STREAMED]
METHODS = ["GET", "HEAD"]
ASKED: list[dict[str, str]] = [
    {},
    {"If-None-Match": "*"},
    {"Prefer": "wait=0"},
    {"Accept": "application/cloudevents-batch+json, */*;q=0.1"},
    {"Accept": "text/csv, text/markdown;q=0.9, text/html;q=0.8"},
    {"Accept": "image/png"},
]


class Nothing(dict[str, Any]):
    """In place of what the shortcut knows: each request goes to the router."""

    def get(self, *_: object) -> None:
        return None


def shortcut(app: Any) -> Any:
    found = app._layers._app._app
    assert isinstance(found, Shortcut)
    return found


@pytest.fixture(scope="module")
def both(clone: Clone, seeded_template: str) -> Iterator[tuple[TestClient, TestClient]]:
    """Two applications on one record: one takes the shortcut, the other asks the router each time."""
    with clone(seeded_template) as url, ExitStack() as stack:
        apps = [create_app(Settings(database_url=url)) for _ in range(2)]
        shortcut(apps[1])._found = Nothing()
        short, routed = (stack.enter_context(TestClient(app, raise_server_exceptions=False)) for app in apps)
        yield short, routed


@pytest.mark.parametrize("query", ["", "?as_of_position=127", "?limit=2", "?unknown=1"])
@pytest.mark.parametrize("path", PATHS)
def test_shortcut_and_router_answer_alike(both: tuple[TestClient, TestClient], path: str, query: str) -> None:
    address = concrete(path, both[0]) + query
    both[0].get(address)
    assert shortcut(both[0].app)._found[address.partition("?")[0]][0].path == path
    by_shortcut, by_router = (answers(client, address) for client in both)
    for one, other, asked in zip(by_shortcut, by_router, product(ASKED, METHODS), strict=True):
        assert one.status == other.status, asked
        assert told(one) == told(other), asked
        assert one.body == other.body or "HEAD" in asked, asked  # of which a server sends no body


def answers(client: TestClient, address: str) -> list[Told]:
    """To all that is asked, in the loop of the application: to hand each over one by one takes most of the time."""

    async def all_of_them() -> list[Told]:
        return [await ask(client.app, address, headers, method=method) for headers, method in product(ASKED, METHODS)]

    assert client.portal is not None
    return client.portal.call(all_of_them)


def told(answer: Any) -> dict[str, str]:
    """The headers, but for the request's own id."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.parametrize("method", METHODS)
def test_they_stream_alike(both: tuple[TestClient, TestClient], monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(live, "_SECONDS", (0.2, 0.2))  # a stream ends after a minute, and this client waits for its end
    sent = {}
    for headers in ({}, {"Last-Event-ID": "x"}, {"Last-Event-ID": "1000"}, {"Last-Event-ID": "120"}):
        one, other = (client.request(method, STREAMED, headers=headers) for client in both)
        assert (one.status_code, told(one)) == (other.status_code, told(other))
        assert one.content == other.content
        sent[headers.get("Last-Event-ID")] = one.content
    assert (b"id: 127\n" in sent["120"]) == (method == "GET")


def test_every_row_is_a_route_of_the_framework(both: tuple[TestClient, TestClient]) -> None:
    app = both[0].app
    assert isinstance(app, FastAPI)
    assert [route.path for route in app.routes if isinstance(route, ReadRoute)] == [
        *(resource.path for resource in RESOURCES),
        "/v1/checkpoint",
    ]


def test_the_router_is_really_asked(both: tuple[TestClient, TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    for client in both:
        client.get("/v1/irritants")
    monkeypatch.setattr(ReadRoute, "handle", None)
    assert [client.get("/v1/irritants").status_code for client in both] == [200, 500]


@pytest.mark.parametrize("path", ["/v1/irritants/ru-us/No", "/v1/relations/us-ru", "/v1/reports/1", "/v1/nothing"])
def test_what_is_no_name_is_not_found_and_not_kept(both: tuple[TestClient, TestClient], path: str) -> None:
    for client in both:
        assert client.get(path).status_code == 404
    assert path not in shortcut(both[0].app)._found


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_other_methods_are_refused_with_those_that_the_address_takes(
    both: tuple[TestClient, TestClient], method: str
) -> None:
    for client in both:
        refused = client.request(method, "/v1/irritants")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
