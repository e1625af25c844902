"""The live stream sends every event once and in order, resumes without a gap, and ends after about a minute."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.resources import live
from service.store import keys
from service.store.engine import transaction
from tests.api.asking import Told, ask, running, until
from tests.api.bodies import FLIGHTS
from tests.api.conftest import MakeKey
from tests.api.test_waiting import in_app, record, talked

LIVE = "/v1/events/live"


def listened(told: Told) -> list[tuple[int, str]]:
    """Return the position and the type of each event received."""
    blocks = told.body.decode().split("\n\n")
    lines = [dict(line.partition(": ")[::2] for line in block.splitlines()) for block in blocks]
    return [(int(one["id"]), json.loads(one["data"])["data"]["type"]) for one in lines if "data" in one]


def test_events_are_sent_as_they_are_recorded(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, LIVE, told=told))
        await until(lambda: app.state.follower.waiting == 1)
        assert (told.status, told.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert told.body == b"id: 127\nretry: 1000\n\n"
        for position in (128, 129):
            await record(app, talked(FLIGHTS))
            await until(lambda: len(listened(told)) == position - 127)  # noqa: B023  # used in this turn only
        assert listened(told) == [(128, "DiscussionReported"), (129, "DiscussionReported")]
        told.left.set()
        await listening

    in_app(test, app)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{LIVE}?after=100", {}),
        (LIVE, {"Last-Event-ID": "100"}),
        (f"{LIVE}?after=5", {"Last-Event-ID": "100"}),
        (f"{LIVE}?after=100", {"Last-Event-ID": ""}),
        (LIVE, {"Last-Event-ID": " 100 , 100 "}),
    ],
)
def test_the_stream_resumes_after_the_last_event_id(app: FastAPI, path: str, headers: dict[str, str]) -> None:
    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, path, headers, told=told))
        await until(lambda: listened(told)[-1:] and listened(told)[-1][0] == 127)
        await record(app, talked(FLIGHTS))
        await until(lambda: listened(told)[-1][0] == 128)
        assert [position for position, _ in listened(told)] == list(range(101, 129))
        told.left.set()
        await listening

    in_app(test, app)


def test_a_stream_far_behind_catches_up_in_batches(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_BATCH", 10)

    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, f"{LIVE}?after=0", told=told))
        await until(lambda: listened(told)[-1:] and listened(told)[-1][0] == 127)
        assert [position for position, _ in listened(told)] == list(range(1, 128))
        told.left.set()
        await listening

    in_app(test, app)


def test_streams_at_the_same_position_share_one_load(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        streams = [Told() for _ in range(100)]
        listening = [asyncio.create_task(ask(app, LIVE, told=told)) for told in streams]
        await until(lambda: app.state.follower.waiting == 100)
        misses = app.state.follower.cache.misses
        await record(app, talked(FLIGHTS))
        await until(lambda: all(listened(told) for told in streams))
        assert app.state.follower.cache.misses == misses + 1
        app.state.follower.drain()
        async with asyncio.timeout(2):
            await asyncio.gather(*listening)

    in_app(test, app)


def test_an_idle_stream_sends_comments_and_ends(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_KEEP_ALIVE_SECONDS", 0.1)
    monkeypatch.setattr(live, "_SECONDS", (0.35, 0.35))

    async def test(app: FastAPI) -> None:
        async with asyncio.timeout(3):
            told = await ask(app, LIVE)
        assert told.status == 200
        assert 3 <= told.body.count(b":\n\n") <= 4

    in_app(test, app)


def test_streams_end_after_about_a_minute_at_random() -> None:
    first, last = live._SECONDS
    assert 45 <= first < last <= 75


def test_a_client_that_leaves_ends_its_stream(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, LIVE, told=told))
        await until(lambda: app.state.follower.waiting == 1)
        told.left.set()
        async with asyncio.timeout(2):
            await listening
        assert app.state.follower.waiting == 0

    in_app(test, app)


def test_a_key_that_is_revoked_ends_its_stream(app: FastAPI, engine: Engine, make_key: MakeKey) -> None:
    shown = make_key("read")

    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, LIVE, shown, told=told))
        await until(lambda: app.state.follower.waiting == 1)
        with transaction(engine) as c:
            keys.revoke(c, shown["Authorization"].split("_")[1], datetime.now(UTC))
        async with asyncio.timeout(2):
            await listening
        assert listened(told) == []

    in_app(test, app)


def test_streams_above_the_limit_are_refused(app: FastAPI) -> None:
    app.state.follower._waiters._most = 0

    async def test(app: FastAPI) -> None:
        told = await ask(app, LIVE)
        assert (told.status, b"too-many-waiters" in told.body) == (503, True)

    in_app(test, app)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (LIVE, {"Last-Event-ID": "x"}, 400),
        (LIVE, {"Last-Event-ID": "-1"}, 400),
        (LIVE, {"Last-Event-ID": "1, 2"}, 400),
        (LIVE, {"Last-Event-ID": "9" * 19}, 400),
        (LIVE, {"Last-Event-ID": "128"}, 410),
        (f"{LIVE}?after=128", {}, 410),
        (f"{LIVE}?stream=x", {}, 422),
    ],
)
def test_an_invalid_cursor_is_refused(client: TestClient, path: str, headers: dict[str, str], status: int) -> None:
    assert client.get(path, headers=headers).status_code == status


def test_head_of_the_stream_has_its_headers(client: TestClient) -> None:
    answer = client.head(LIVE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"


def test_a_client_that_reconnects_receives_every_event_once(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a browser, the client reconnects with the last id whenever the stream ends."""
    monkeypatch.setattr(live, "_SECONDS", (0.03, 0.03))
    last = 127 + 60

    async def listen(app: FastAPI) -> list[int]:
        seen: list[int] = []
        while not seen or seen[-1] < last:
            told = await ask(app, LIVE, {"Last-Event-ID": str(seen[-1] if seen else 127)})
            seen += [position for position, _ in listened(told)]
        return seen

    async def test() -> None:
        async with running(app):
            listening = asyncio.create_task(listen(app))
            for _ in range(60):
                await record(app, talked(FLIGHTS))
            async with asyncio.timeout(5):
                assert await listening == list(range(128, last + 1))

    asyncio.run(test())
