"""The database's address leads to a copy that lacks the end of the record: nobody goes on as if nothing was lost.

Such a copy is what a standby becomes that was promoted before it had everything.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.domain.report import read
from service.recorder import Receipt, Recorder, Request
from service.store import events
from service.store.codec import canonical
from service.store.engine import connection, open_engine
from service.store.verify import verify
from tests.api.asking import Told, ask, until
from tests.api.bodies import FLIGHTS, VISAS, on, report
from tests.api.conftest import Headers, MakeKey
from tests.api.test_live import listened
from tests.api.test_waiting import in_app
from tests.failover import failed_over

SEEDED = 127
_keys = count(1)


@pytest.fixture
def copy(clone: Any, seeded_template: str) -> Iterator[str]:
    """The same record, as it was before anything was filed in the test."""
    with clone(seeded_template) as url:
        yield url


@contextmanager
def recording(url: str) -> Iterator[Recorder]:
    engine = open_engine(url)
    yield Recorder(engine)
    engine.dispose()


def file(recorder: Recorder, times: int, stream: str = FLIGHTS) -> None:
    for _ in range(times):
        body = report(on(stream, "ConcernRaised"))
        request = Request(read(body), f"key-{next(_keys)}", sha256(canonical(body).encode()).digest(), "desk", "-")
        [outcome] = recorder.record([request])
        assert isinstance(outcome, Receipt), outcome


@pytest.mark.parametrize("since", [0, 1, 2, 3], ids=["shorter", "shorter by one", "as long", "longer"])
def test_cursors_of_what_was_lost_are_gone_and_those_before_go_on(
    seeded_database_url: str, copy: str, client: TestClient, since: int
) -> None:
    with recording(seeded_database_url) as recorder, recording(copy) as elsewhere:
        before = client.get("/v1/events?limit=1000").json()
        file(recorder, 2)
        lost = client.get("/v1/events?limit=1000").json()
        file(elsewhere, since)
    with capture_logs() as logged, failed_over(seeded_database_url, copy):
        answers = [client.get(f"/v1/events?after={page['next']}&log={page['log']}") for page in (lost, before)]
        assert [answer.status_code for answer in answers] == [410, 200]
        assert [item["position"] for item in answers[1].json()["items"]] == [*range(SEEDED + 1, SEEDED + 1 + since)]
        said = [(line["event"], line["seen"], line["ends"]) for line in logged if line["event"] == "went_back"]
        assert said == [("went_back", SEEDED + 2, SEEDED + since)]
        assert "irritants_record_went_back_total 1.0" in client.get("/metrics").text


def test_a_copy_that_lacks_nothing_goes_on_for_everybody_and_nothing_is_said(
    seeded_database_url: str, copy: str, client: TestClient
) -> None:
    page = client.get("/v1/events?limit=1000").json()
    with capture_logs() as logged, failed_over(seeded_database_url, copy):
        assert client.get(f"/v1/events?after={page['next']}&log={page['log']}").status_code == 200
    assert logged == []


def test_a_live_stream_ends_rather_than_go_on_in_another_history(
    seeded_database_url: str, copy: str, app: FastAPI
) -> None:
    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, f"/v1/events/live?after={SEEDED}", told=told))
        await until(lambda: app.state.follower.waiting == 1)
        with recording(seeded_database_url) as recorder:
            await asyncio.to_thread(file, recorder, 2)
        await until(lambda: len(listened(told)) == 2)
        with recording(copy) as elsewhere:
            await asyncio.to_thread(file, elsewhere, 3, VISAS)
        with failed_over(seeded_database_url, copy):
            await asyncio.wait_for(listening, 5)
        assert [position for position, _ in listened(told)] == [SEEDED + 1, SEEDED + 2]

    in_app(test, app)


@pytest.mark.parametrize("since", [0, 2, 3], ids=["shorter", "as long", "longer"])
def test_what_is_filed_next_is_judged_on_what_is_on_record_and_not_on_what_was_lost(
    seeded_database_url: str, copy: str, since: int
) -> None:
    with recording(seeded_database_url) as recorder, recording(copy) as elsewhere:
        file(recorder, 2)
        file(elsewhere, since, VISAS)
        with failed_over(seeded_database_url, copy):
            file(recorder, 1)
            with connection(recorder._engine) as c:
                verify(c)
                versions = [event.version for event in events.read_log(c, stream=FLIGHTS)]
            assert versions == [*range(1, len(versions) + 1)]


def test_a_key_that_was_made_in_what_was_lost_is_none_any_more(
    seeded_database_url: str, copy: str, client: TestClient, make_key: MakeKey, engine: Engine
) -> None:
    lost: Headers = make_key("report", name="lost")
    assert client.get("/v1/irritants", headers=lost).status_code == 200
    with engine.connect() as c:  # Another was made in its place, so that their number tells nothing.
        version = c.exec_driver_sql("SELECT keys_version FROM head").scalar_one()
    with recording(copy) as elsewhere, elsewhere._engine.begin() as c:
        c.exec_driver_sql(f"UPDATE head SET keys_version = {version}")
    with failed_over(seeded_database_url, copy):
        assert client.get("/v1/irritants", headers=lost).status_code == 401
