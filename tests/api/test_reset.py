"""A reset in test mode: a new record with the fixtures, and nothing of the old one in any cache, wait or stream."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.reset import PATH
from service.reset import Resettable
from service.seeding import read
from service.settings import Settings
from service.store import keys
from service.store.engine import open_engine, transaction
from service.store.replacement import Databases
from service.store.triggers import find_fault
from service.store.verify import verify
from service.web.site import add_pages
from tests.api.asking import Told, ask, until
from tests.api.bodies import FLIGHTS, on, report
from tests.api.test_waiting import STATUS, etag_of, in_app, waiters, waiting
from tests.keys import new_key

EVENTS = "/v1/events?limit=1000"
MARKED = "irritants-test-mode"


def name_of(record: Resettable) -> str:
    return urlsplit(record.databases.address).path.removeprefix("/")


@pytest.fixture
def resettable(seeded_database_url: str, migrated_template: str) -> Iterator[Resettable]:
    """Yield a record of test mode on the server of the tests."""
    record = Resettable(Databases(seeded_database_url, migrated_template), read())
    yield record
    with psycopg.connect(seeded_database_url, autocommit=True) as c:
        c.execute(f'DROP DATABASE IF EXISTS "{name_of(record)}_next" WITH (FORCE)')


@pytest.fixture
def app(resettable: Resettable, tmp_path: Path) -> FastAPI:
    url = resettable.databases.address
    app = create_app(Settings(database_url=url, checkpoint_key=tmp_path / "checkpoint.key"), replaceable=resettable)
    add_pages(app)
    return app


@pytest.fixture
def desk(app: FastAPI, seeded_database_url: str) -> Iterator[TestClient]:
    """Yield a client with a key that may report."""
    headers = {"Authorization": f"Bearer {new_key(seeded_database_url)}"}
    with TestClient(app, "http://127.0.0.1", headers=headers, follow_redirects=False) as client:
        yield client


def file(client: TestClient, *, key: str = "one", stream: str = FLIGHTS, **fields: Any) -> int:
    """File a report. Return 200 if it was on record already, else the status."""
    filed = client.post(
        "/v1/reports",
        json=report(on(stream, "DiscussionReported", form="talks", **fields)),
        headers={"Idempotency-Key": key},
    )
    return 200 if "idempotent-replayed" in filed.headers else filed.status_code


def position(client: TestClient) -> int:
    return int(client.get("/readyz").json()["position"])


def test_a_reset_answers_with_the_head_of_a_new_record(desk: TestClient) -> None:
    before = desk.get(EVENTS).json()
    assert file(desk) == 201
    answer = desk.post(PATH)
    assert (answer.status_code, answer.headers["irritants-position"]) == (200, "127")
    after = desk.get(EVENTS).json()
    assert answer.json() == {"record": after["log"].partition(".")[0], "position": 127}
    assert (after["position"], len(after["items"])) == (127, len(before["items"]))
    assert after["log"] != before["log"]


def test_nothing_that_was_filed_before_a_reset_can_be_read(desk: TestClient) -> None:
    paths = (STATUS, "/v1/irritants", f"{STATUS}/timeline", "/v1/relations/ru-us/board", "/v1/changes", "/v1/reports")
    fixtures = {path: desk.get(path).text.count("Zanzibar") for path in paths}
    assert file(desk, summary="Talks were held in Zanzibar.", stream=FLIGHTS) == 201
    assert desk.get("/v1/search?q=Zanzibar").json()["items"]
    assert "Zanzibar" in desk.get(f"{STATUS}/timeline").text
    assert desk.post(PATH).status_code == 200
    assert {path: desk.get(path).text.count("Zanzibar") for path in paths} == fixtures
    assert not desk.get("/v1/search?q=Zanzibar").json()["items"]
    assert desk.get("/v1/search?q=bank").json()["items"]


def test_a_report_can_be_filed_again_after_a_reset(desk: TestClient) -> None:
    for _ in range(3):
        assert file(desk, key="the same") == 201
        assert file(desk, key="the same") == 200
        assert position(desk) == 128
        desk.post(PATH)


def test_tags_and_cursors_of_the_old_record_are_refused(desk: TestClient) -> None:
    tag = desk.get(STATUS).headers["etag"]
    page = desk.get("/v1/events?limit=5").json()
    following = f"/v1/events?after={page['next']}&log={page['log']}"
    assert desk.get(STATUS, headers={"If-None-Match": tag}).status_code == 304
    assert desk.get(following).status_code == 200
    desk.post(PATH)
    assert desk.get(STATUS, headers={"If-None-Match": tag}).status_code == 200
    event = on(FLIGHTS, "DiscussionReported", form="talks")
    del event["stream"]
    conditional = {"If-Match": tag, "Idempotency-Key": "conditional"}
    assert desk.post(f"{STATUS}/events", json=event, headers=conditional).status_code == 412
    assert desk.get(following).status_code == 410
    assert desk.get(f"/v1/changes?after={page['next']}&log={page['log']}").status_code == 410


def test_the_new_record_is_complete_and_protected(desk: TestClient, resettable: Resettable) -> None:
    desk.post(PATH)
    engine = open_engine(resettable.databases.address)
    with transaction(engine, "REPEATABLE READ") as c:
        assert verify(c).position == 127
        assert find_fault(c) is None
    engine.dispose()
    with psycopg.connect(resettable.databases.address) as c, pytest.raises(psycopg.errors.RestrictViolation):
        c.execute("DELETE FROM events")


def test_keys_and_sessions_stay_valid_and_revoked_keys_stay_revoked(
    desk: TestClient, resettable: Resettable, seeded_database_url: str
) -> None:
    token, revoked = (new_key(seeded_database_url, "read", name=name) for name in ("reader", "former"))
    engine = open_engine(seeded_database_url)
    with transaction(engine) as c:
        keys.revoke(c, revoked.split("_")[1], desk.app.state.clock())  # type: ignore[attr-defined]
    engine.dispose()
    desk.post("/sign-in", data={"key": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert "reader" in desk.get("/sources", headers={"Authorization": ""}).text
    assert desk.post(PATH).status_code == 200
    for used, status in ((token, 200), (revoked, 401)):
        assert desk.get("/v1/irritants", headers={"Authorization": f"Bearer {used}"}).status_code == status
    assert "reader" in desk.get("/sources", headers={"Authorization": ""}).text
    later = new_key(resettable.databases.address, "read", name="later")
    assert desk.get("/v1/irritants", headers={"Authorization": f"Bearer {later}"}).status_code == 200


def test_every_response_and_page_shows_test_mode(desk: TestClient) -> None:
    for path in (STATUS, "/v1/nothing", "/readyz", "/healthz", "/", "/nothing", "/metrics"):
        assert desk.get(path).headers[MARKED] == "true"
        assert desk.get(path, headers={"Accept": "text/html"}).headers[MARKED] == "true"
    tag = desk.get(STATUS).headers["etag"]
    assert desk.get(STATUS, headers={"If-None-Match": tag}).headers[MARKED] == "true"
    assert desk.get("/readyz").json() == {"ready": True, "position": 127, "standbys": [], "test_mode": True}
    for path in ("/", "/sources", "/help", "/docs", "/problems", "/sign-in", "/search", "/nothing"):
        assert "Test mode." in desk.get(path, headers={"Accept": "text/html"}).text, path


def test_without_test_mode_nothing_shows_it_and_the_contract_is_the_same(
    app: FastAPI, seeded_database_url: str
) -> None:
    ordinary = create_app(Settings(database_url=seeded_database_url))
    add_pages(ordinary)
    assert ordinary.openapi() == app.openapi()
    with TestClient(ordinary) as client:
        assert MARKED not in client.get(STATUS).headers
        assert client.get("/readyz").json() == {"ready": True, "position": 127, "standbys": []}
        assert "Test mode." not in client.get("/", headers={"Accept": "text/html"}).text
        for method in ("POST", "GET", "OPTIONS"):
            unknown, refused = client.request(method, "/v1/test/reset-not"), client.request(method, PATH)
            assert refused.status_code == 404
            assert unknown.text.replace("reset-not", "reset") == refused.text
            assert {*unknown.headers} == {*refused.headers}
        assert "IRRITANTS_TEST_MODE=true" in client.get("/problems/not-found").text


def test_a_request_that_waits_is_answered_and_a_stream_ends(app: FastAPI, seeded_database_url: str) -> None:
    key = {"Authorization": f"Bearer {new_key(seeded_database_url)}"}

    async def test(app: FastAPI) -> None:
        tag, streamed = await etag_of(app, STATUS), Told()
        polls = [asyncio.create_task(ask(app, STATUS, waiting(tag))) for _ in range(20)]
        stream = asyncio.create_task(ask(app, "/v1/events/live", told=streamed))
        await until(lambda: waiters(app) == 21)
        assert (await ask(app, PATH, key, method="POST")).status == 200
        answered = await asyncio.wait_for(asyncio.gather(*polls, stream), 5)
        assert [told.status for told in answered] == [304] * 20 + [200]
        assert waiters(app) == 0
        # The next poll with the old tag does not wait.
        assert (await asyncio.wait_for(ask(app, STATUS, waiting(tag)), 5)).status == 200
        resumed = streamed.body.decode().partition("id: ")[2].partition("\n")[0]
        assert (await ask(app, f"/v1/events?after={resumed}&log=x", {})).status == 410
        # Requests wait for changes again.
        poll = asyncio.create_task(ask(app, STATUS, waiting(await etag_of(app, STATUS))))
        await until(lambda: waiters(app) == 1)
        assert (await ask(app, PATH, key, method="POST")).status == 200
        assert (await asyncio.wait_for(poll, 5)).status == 304

    in_app(test, app)


def test_no_request_fails_while_resets_run_and_each_sees_one_record(app: FastAPI, seeded_database_url: str) -> None:
    key = {"Authorization": f"Bearer {new_key(seeded_database_url)}"}

    async def test(app: FastAPI) -> None:
        resetting = True
        logs: set[str] = set()

        async def reading() -> int:
            count = 0
            while resetting:
                told = await ask(app, EVENTS, key if count % 2 else {})
                assert told.status == 200
                page = json.loads(told.body)
                assert (page["position"], len(page["items"])) == (127, 127)
                logs.add(page["log"])
                count += 1
            return count

        readers = [asyncio.create_task(reading()) for _ in range(4)]
        several = [await asyncio.gather(*(ask(app, PATH, key, method="POST") for _ in range(2))) for _ in range(3)]
        resetting = False
        assert min(await asyncio.gather(*readers)) > 0
        records = {json.loads(told.body)["record"] for tolds in several for told in tolds}
        assert {told.status for tolds in several for told in tolds} == {200}
        assert len(records) == 6
        assert len(logs) > 1

    in_app(test, app)


def test_resets_leave_only_the_record_and_the_next_one(app: FastAPI, resettable: Resettable) -> None:
    name, address = name_of(resettable), resettable.databases.address
    with TestClient(app, headers={"Authorization": f"Bearer {new_key(address)}"}) as client:
        assert {client.post(PATH).status_code for _ in range(3)} == {200}
    with psycopg.connect(address) as c:
        found = c.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name]).fetchall()
    assert sorted(found) == [(name,), (f"{name}_next",)]


def test_a_reset_that_fails_leaves_the_present_record(seeded_database_url: str) -> None:
    record = Resettable(Databases(seeded_database_url, "no_such_template"), ())
    app = create_app(Settings(database_url=seeded_database_url), replaceable=record)
    headers = {"Authorization": f"Bearer {new_key(seeded_database_url)}"}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        assert file(client) == 201
        for _ in range(2):
            assert client.post(PATH).status_code == 500
            assert position(client) == 128
        assert file(client, key="two") == 201
