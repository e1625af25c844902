"""The database's address leads to a copy that lacks the last events: clients and caches notice the loss.

A standby that is promoted before it has received everything is such a copy.
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
from service.recorder import Receipt, Recorder, ReportRequest
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
    """Yield the same record without the events that the test files."""
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
        request = ReportRequest(
            read(body), f"key-{next(_keys)}", sha256(canonical(body).encode()).digest(), "desk", "-"
        )
        [outcome] = recorder.record([request])
        assert isinstance(outcome, Receipt), outcome


@pytest.mark.parametrize("since", [0, 1, 2, 3], ids=["shorter", "shorter by one", "as long", "longer"])
def test_cursors_of_lost_events_get_410_and_earlier_ones_continue(
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


def test_a_complete_copy_continues_without_a_notice(seeded_database_url: str, copy: str, client: TestClient) -> None:
    page = client.get("/v1/events?limit=1000").json()
    with capture_logs() as logged, failed_over(seeded_database_url, copy):
        assert client.get(f"/v1/events?after={page['next']}&log={page['log']}").status_code == 200
    assert logged == []


def test_a_live_stream_ends_instead_of_changing_to_another_history(
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
def test_the_next_report_is_judged_without_the_lost_events(seeded_database_url: str, copy: str, since: int) -> None:
    with recording(seeded_database_url) as recorder, recording(copy) as elsewhere:
        file(recorder, 2)
        file(elsewhere, since, VISAS)
        with failed_over(seeded_database_url, copy):
            file(recorder, 1)
            with connection(recorder._engine) as c:
                verify(c)
                versions = [event.version for event in events.read_log(c, stream=FLIGHTS)]
            assert versions == [*range(1, len(versions) + 1)]


def test_a_key_created_in_the_lost_part_is_refused(
    seeded_database_url: str, copy: str, client: TestClient, make_key: MakeKey, engine: Engine
) -> None:
    lost: Headers = make_key("report", name="lost")
    assert client.get("/v1/irritants", headers=lost).status_code == 200
    with engine.connect() as c:  # As if a key had been created in the copy too: both have the same version of the keys.
        version = c.exec_driver_sql("SELECT keys_version FROM head").scalar_one()
    with recording(copy) as elsewhere, elsewhere._engine.begin() as c:
        c.exec_driver_sql(f"UPDATE head SET keys_version = {version}")
    with failed_over(seeded_database_url, copy):
        assert client.get("/v1/irritants", headers=lost).status_code == 401
