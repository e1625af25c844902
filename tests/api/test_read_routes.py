"""The shortcut for known routes and the framework's router give the same answers."""

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
from service.domain.nearby import FORM_OF_IDS, ID_OF_A_RELATION
from service.settings import Settings
from tests.api.asking import Told, ask
from tests.api.test_contract import asking, concrete
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


class EmptyTable(dict[str, Any]):
    """A shortcut table without entries, so that each request goes to the router."""

    def get(self, *_: object) -> None:
        return None


def shortcut(app: Any) -> Any:
    found = app._layers._app._app
    assert isinstance(found, Shortcut)
    return found


@pytest.fixture(scope="module")
def both(clone: Clone, seeded_template: str) -> Iterator[tuple[TestClient, TestClient]]:
    """Yield two clients of one record: the first takes the shortcut, the second always uses the router."""
    with clone(seeded_template) as url, ExitStack() as stack:
        apps = [create_app(Settings(database_url=url)) for _ in range(2)]
        shortcut(apps[1])._found = EmptyTable()
        short, routed = (stack.enter_context(TestClient(app, raise_server_exceptions=False)) for app in apps)
        yield short, routed


@pytest.mark.parametrize("query", ["", "?as_of_position=127", "?limit=2", "?unknown=1"])
@pytest.mark.parametrize("path", PATHS)
def test_shortcut_and_router_answer_alike(both: tuple[TestClient, TestClient], path: str, query: str) -> None:
    address = asking(concrete(path, both[0]), query)
    both[0].get(address)
    assert shortcut(both[0].app)._found[address.partition("?")[0]][0].path == path
    by_shortcut, by_router = (answers(client, address) for client in both)
    for one, other, asked in zip(by_shortcut, by_router, product(ASKED, METHODS), strict=True):
        assert one.status == other.status, asked
        assert headers_of(one) == headers_of(other), asked
        # A HEAD answer has a body here, which a server does not send.
        assert one.body == other.body or "HEAD" in asked, asked


def answers(client: TestClient, address: str) -> list[Told]:
    """Return the answers to all requests. One call into the application's loop saves most of the time."""

    async def all_of_them() -> list[Told]:
        return [await ask(client.app, address, headers, method=method) for headers, method in product(ASKED, METHODS)]

    assert client.portal is not None
    return client.portal.call(all_of_them)


def headers_of(answer: Any) -> dict[str, str]:
    """Return the headers without the request id."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.parametrize("method", METHODS)
def test_shortcut_and_router_stream_alike(
    both: tuple[TestClient, TestClient], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(live, "_SECONDS", (0.2, 0.2))  # a stream ends after a minute, and this client waits for its end
    sent = {}
    for headers in ({}, {"Last-Event-ID": "x"}, {"Last-Event-ID": "1000"}, {"Last-Event-ID": "120"}):
        one, other = (client.request(method, STREAMED, headers=headers) for client in both)
        assert (one.status_code, headers_of(one)) == (other.status_code, headers_of(other))
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


def test_only_the_second_application_uses_the_router(
    both: tuple[TestClient, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in both:
        client.get("/v1/irritants")
    monkeypatch.setattr(ReadRoute, "handle", None)
    assert [client.get("/v1/irritants").status_code for client in both] == [200, 500]


@pytest.mark.parametrize("path", ["/v1/irritants/ru-us/No", "/v1/relations/us-ru", "/v1/reports/1", "/v1/nothing"])
def test_an_invalid_path_is_not_found_and_not_cached(both: tuple[TestClient, TestClient], path: str) -> None:
    for client in both:
        assert client.get(path).status_code == 404
    assert path not in shortcut(both[0].app)._found


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_other_methods_are_refused_with_an_allow_header(both: tuple[TestClient, TestClient], method: str) -> None:
    for client in both:
        refused = client.request(method, "/v1/irritants")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/irritants/us-ru/visas", "/v1/irritants/ru-us/visas"),
        ("/v1/irritants/RU-US/visas/dossier", "/v1/irritants/ru-us/visas/dossier"),
        ("/v1/rounds/us-ru/istanbul-april/sheet", "/v1/rounds/ru-us/istanbul-april/sheet"),
        ("/v1/relations/CN-US", "/v1/relations/cn-us"),
        ("/v1/relations/gb-eu/board", "/v1/relations/eu-gb/board"),
    ],
)
def test_an_address_in_the_wrong_order_is_answered_with_the_right_one(
    both: tuple[TestClient, TestClient], path: str, meant: str
) -> None:
    for client in both:
        answer = client.get(path)
        assert (answer.status_code, f"in alphabetical order: try {meant}." in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("/v1/irritants?relation=us-ru", f"must be {ID_OF_A_RELATION}; use ru-us"),
        ("/v1/changes?relation=GB-EU", f"must be {ID_OF_A_RELATION}; use eu-gb"),
        (
            "/v1/events?stream=irritant/us-ru/visas",
            f"must be the name of a stream, {FORM_OF_IDS}; use irritant/ru-us/visas",
        ),
        ("/v1/events?type=ConcernRaise", "must be a type of event; use ConcernRaised"),
        (
            "/v1/reports?round=us-ru/istanbul-april",
            f"must be the id of a round, {FORM_OF_IDS}; use ru-us/istanbul-april",
        ),
    ],
)
def test_a_parameter_in_the_wrong_order_is_answered_with_the_right_one(
    both: tuple[TestClient, TestClient], query: str, meant: str
) -> None:
    answer = both[0].get(query)
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (422, meant)


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/v1/irritants/ru-us/visa", "/v1/irritants/ru-us/visas"),
        ("/v1/irritants/ru-us/visa/dossier", "/v1/irritants/ru-us/visas/dossier"),
        ("/v1/rounds/ru-us/istanbul-aprl", "/v1/rounds/ru-us/istanbul-april and /v1/rounds/ru-us/istanbul-february"),
        ("/v1/sources/a1-hasanov", "/v1/sources/a1-hasanova"),
    ],
)
def test_an_unknown_address_is_answered_with_near_ones(
    both: tuple[TestClient, TestClient], path: str, near: str
) -> None:
    for client in both:
        answer = client.get(path)
        assert (answer.status_code, answer.json()["detail"].partition(". ")[2]) == (
            404,
            f"Similar addresses on record: {near}.",
        )
