"""The lane and the routes of the contract are one: the same answers to everything that can be asked."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import live
from service.api.app import create_app
from service.api.lane import RESOURCES
from service.settings import Settings
from tests.api.asking import Told, ask
from tests.api.test_contract import concrete
from tests.conftest import Clone

STREAMED = "/v1/events/live"
METHODS = ["GET", "HEAD"]
ASKED: list[dict[str, str]] = [
    {},
    {"If-None-Match": "*"},
    {"Prefer": "wait=0"},
    {"Accept": "application/cloudevents-batch+json, */*;q=0.1"},
    {"Accept": "text/csv, text/markdown;q=0.9, text/html;q=0.8"},
    {"Accept": "image/png"},
]


class Shut:
    """In place of the lane: everything goes to the routes."""

    def __init__(self, app: ASGIApp, _reader: object) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def both(clone: Clone, seeded_template: str) -> Iterator[tuple[TestClient, TestClient]]:
    """Two applications on one record: one answers by the lane, the other by the routes alone."""
    with clone(seeded_template) as url, ExitStack() as stack:
        laned = stack.enter_context(TestClient(create_app(Settings(database_url=url)), raise_server_exceptions=False))
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr("service.api.app.Lane", Shut)
        routed = stack.enter_context(TestClient(create_app(Settings(database_url=url)), raise_server_exceptions=False))
        yield laned, routed


@pytest.mark.parametrize("query", ["", "?as_of_position=127", "?limit=2", "?unknown=1"])
@pytest.mark.parametrize("path", [resource.path for resource in RESOURCES if resource.path != STREAMED])
def test_lane_and_route_answer_alike(both: tuple[TestClient, TestClient], path: str, query: str) -> None:
    address = concrete(path, both[0]) + query
    by_lane, by_route = (answers(client, address) for client in both)
    for one, other, asked in zip(by_lane, by_route, product(ASKED, METHODS), strict=True):
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


def test_the_routes_are_really_asked(both: tuple[TestClient, TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("service.api.routes.Request", broken)
    assert [client.get("/v1/irritants").status_code for client in both] == [200, 500]
