"""Entity tags identify the history: a tag of another record or of a lost state never matches."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.etags import history
from service.seeding import seed
from service.settings import Settings
from service.store.codec import GENESIS
from service.store.engine import open_engine
from service.store.log import Head
from service.store.migrate import upgrade
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, report, said
from tests.api.test_reading_conditions import READ, STATUS
from tests.conftest import Clone
from tests.keys import key_on

OF_NOTHING = ["/v1/irritants", "/v1/reports", "/v1/events", "/v1/changes.atom", "/v1/sources", "/", "/changes"]


@contextmanager
def served(url: str) -> Iterator[TestClient]:
    """Yield a client with a key that may report, for the service with its pages."""
    app = create_app(Settings(database_url=url))
    add_pages(app)
    engine = open_engine(url)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {key_on(engine)}"
        yield client
    engine.dispose()


@contextmanager
def new_record(clone: Clone, *, is_seeded: bool) -> Iterator[TestClient]:
    with clone("template0") as url:
        upgrade(url)
        engine = open_engine(url)
        if is_seeded:
            seed(engine)
        engine.dispose()
        with served(url) as client:
            yield client


@pytest.fixture(scope="module")
def seeded(clone: Clone) -> Iterator[list[TestClient]]:
    """Yield clients of two records with the same seeds."""
    with ExitStack() as stack:
        yield [stack.enter_context(new_record(clone, is_seeded=True)) for _ in range(2)]


@pytest.fixture(scope="module")
def empty(clone: Clone) -> Iterator[list[TestClient]]:
    with ExitStack() as stack:
        yield [stack.enter_context(new_record(clone, is_seeded=False)) for _ in range(2)]


@pytest.mark.parametrize("path", READ)
def test_a_record_never_answers_304_to_the_tag_of_another(seeded: list[TestClient], path: str) -> None:
    for one, other in (seeded, seeded[::-1]):
        _only_its_own(one, other, path)


@pytest.mark.parametrize("path", OF_NOTHING)
def test_empty_records_never_answer_304_to_each_other(empty: list[TestClient], path: str) -> None:
    one, other = empty
    _only_its_own(one, other, path)


def _only_its_own(one: TestClient, other: TestClient, path: str) -> None:
    for accept_encoding in ("identity", "gzip"):
        coded = {"Accept-Encoding": accept_encoding}
        tag = one.get(path, headers=coded).headers["etag"]
        for sent in (tag, f"W/{tag}"):
            asked = {**coded, "If-None-Match": sent}
            assert (one.get(path, headers=asked).status_code, other.get(path, headers=asked).status_code) == (304, 200)


@pytest.mark.parametrize("path", [STATUS, "/v1/relations/ru-us/board", "/v1/events?after=100", "/", "/changes"])
def test_a_restored_copy_keeps_only_the_tags_of_its_own_states(clone: Clone, seeded_template: str, path: str) -> None:
    with clone(seeded_template) as url, served(url) as lost:
        before = lost.get(path).headers["etag"]
        file(lost, "The ministry speaks.")
        after = lost.get(path).headers["etag"]
        with clone(seeded_template) as older, served(older) as restored:
            assert restored.get(path, headers={"If-None-Match": after}).status_code == 200
            if path.startswith("/v1/"):  # a page shows the name of the key, which differs here
                assert restored.get(path, headers={"If-None-Match": before}).status_code == 304
            file(restored, "The ministry is silent.")
            answer = restored.get(path, headers={"If-None-Match": after})
            assert (answer.status_code, answer.headers["irritants-position"]) == (200, "128")
            assert answer.headers["etag"].partition("-")[0] == after.partition("-")[0] == '"128'


def test_an_event_is_not_appended_to_a_state_that_was_lost(clone: Clone, seeded_template: str) -> None:
    with clone(seeded_template) as url, served(url) as lost:
        before = tag(lost)
        file(lost, "The ministry speaks.")
        after = tag(lost)
        with clone(seeded_template) as older, served(older) as restored:
            file(restored, "The ministry is silent.")
            assert append(restored, after).status_code == 412
            refused = append(restored, before)
            assert refused.status_code == 412
            assert "has changed since" in refused.json()["detail"]
            assert append(restored, refused.headers["etag"]).status_code == 201


def file(client: TestClient, summary: str) -> None:
    filed = report(on(FLIGHTS, "DiscussionReported", form="talks", summary=summary))
    assert client.post("/v1/reports", json=filed, headers={"Idempotency-Key": "one"}).status_code == 201


def tag(client: TestClient) -> str:
    return str(client.get(STATUS, headers={"Accept-Encoding": "identity"}).headers["etag"])


def append(client: TestClient, match: str) -> Any:
    headers = {"If-Match": match, "Idempotency-Key": "two"}
    return client.post(f"{STATUS}/events", json=said("ConcernRaised"), headers=headers)


def test_the_tag_of_an_empty_record_names_the_record() -> None:
    one, other = "0198a0b1-0000-7000-8000-00000000000a", "0198a0b1-0000-7000-8000-00000000000b"
    one_head, other_head = (Head(record, 1, GENESIS, datetime.now(UTC), 0) for record in (one, other))
    known = bytes(range(32))
    assert history(one_head, 0, GENESIS, 0) != history(other_head, 0, GENESIS, 0)
    assert history(one_head, 1, known, 0) == history(other_head, 1, known, 0) == "0001020304"
    assert len({history(one_head, 1, known, rank) for rank in (0, 500, 700)}) == 3
