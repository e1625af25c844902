"""The poll interval is suggested to all clients, and the rate is limited per key. Unchanged answers do not count."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.problems import Problem
from service.api.rate_limit import RateLimit
from service.settings import Settings
from tests.api.conftest import MakeKey

STATUS = "/v1/irritants/ru-us/visas"


@pytest.fixture
def app(seeded_database_url: str) -> FastAPI:
    return create_app(Settings(database_url=seeded_database_url, answers_per_minute=3, poll_interval=7))


def test_every_answer_has_the_poll_interval(client: TestClient) -> None:
    etag = client.get(STATUS).headers["etag"]
    for headers in ({}, {"If-None-Match": etag}):
        assert client.get(STATUS, headers=headers).headers["poll-interval"] == "7"


def test_a_key_sees_what_remains_and_is_then_refused(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("read")
    left = [client.get(STATUS, headers=key).headers["ratelimit"].partition(";t=")[0] for _ in range(3)]
    assert left == ['"answers";r=2', '"answers";r=1', '"answers";r=0']
    refused = client.get(STATUS, headers=key)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"answers";q=3;w=60'


def test_unchanged_answers_are_not_counted(client: TestClient, make_key: MakeKey) -> None:
    key = make_key("read")
    seen = {**key, "If-None-Match": client.get(STATUS, headers=key).headers["etag"]}
    for _ in range(20):
        same = client.get(STATUS, headers=seen)
        assert (same.status_code, same.headers["ratelimit"].partition(";t=")[0]) == (304, '"answers";r=2')


def test_each_key_has_its_own_limit(client: TestClient, make_key: MakeKey) -> None:
    one, other = make_key("read", name="one"), make_key("read", name="other")
    for _ in range(4):
        client.get(STATUS, headers=one)
    assert client.get(STATUS, headers=one).status_code == 429
    assert client.get(STATUS, headers=other).status_code == 200
    assert client.get(STATUS).status_code == 200


def test_the_limit_starts_again_after_a_minute() -> None:
    now = 0.0
    rate_limit = RateLimit(15, 1, lambda: now)
    rate_limit.spend("key", 1)
    with pytest.raises(Problem):
        rate_limit.spend("key", 1)
    now = 60.0
    rate_limit.spend("key", 1)


def test_without_a_limit_no_headers_are_sent() -> None:
    rate_limit = RateLimit(15, 0)
    assert [rate_limit.spend("key", 1) for _ in range(3)] == [[], [], []]
