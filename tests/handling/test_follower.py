"""Audiences follow the record: labels change what they see, and the record stays the same one."""

import asyncio

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.follower import Follower
from service.store.engine import open_engine
from service.store.releases import session_name
from tests.failover import admin as superuser
from tests.failover import name_of
from tests.handling.test_audiences import VISAS, File, Headers, concern


@pytest.mark.parametrize("how", ["on one connection", "after a reconnection"])
def test_a_raised_last_event_is_withheld_and_is_no_other_record(
    client: TestClient, file: File, admin: Headers, engine: Engine, seeded_database_url: str, how: str
) -> None:
    filed = file(admin, concern()).json()["events"][0]
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["id"], "reason": "Not public."}

    async def test() -> None:
        of_audience = open_engine(seeded_database_url, clearance=0)
        follower = Follower(seeded_database_url, of_audience, clearance=0, primary=engine)
        await follower.start()
        try:
            assert (await follower.head()).position == filed["position"]
            changed = await asyncio.to_thread(file, admin, {**change, "label": "restricted"})
            assert changed.status_code == 201
            if how == "after a reconnection":
                await asyncio.to_thread(end_sessions, seeded_database_url)
            assert (await follower.head()).position == filed["position"] - 1
            assert follower.breaks == 0
        finally:
            await follower.close()
            of_audience.dispose()

    asyncio.run(test())


def end_sessions(url: str) -> None:
    with superuser(url) as c:
        c.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND application_name = %s",
            [name_of(url), session_name("irritants-head")],
        )
