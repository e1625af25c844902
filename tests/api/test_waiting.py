"""Long polls with `Prefer: wait` are answered as soon as the resource changes, and at the latest after the wait."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from service.domain.report import read
from service.recorder import Receipt, Recorder, ReportRequest
from service.store import keys
from service.store.codec import canonical
from service.store.engine import transaction
from tests.api.asking import Told, ask, running, until
from tests.api.bodies import FLIGHTS, VISAS, on, report
from tests.api.conftest import MakeKey

STATUS = "/v1/irritants/ru-us/direct-flights"
OTHER = "/v1/irritants/ru-us/visas"
_keys = count(1)


async def record(app: FastAPI, *filed: dict[str, Any], **fields: Any) -> None:
    """File a report without HTTP, as another process would. Return after its commit."""
    body = report(*filed, **fields)
    hashed = sha256(canonical(body).encode()).digest()
    request = ReportRequest(read(body), f"key-{next(_keys)}", hashed, "desk", "a request")
    [outcome] = await asyncio.to_thread(Recorder(app.state.engine).record, [request])
    assert isinstance(outcome, Receipt), outcome


def talked(stream: str = FLIGHTS) -> dict[str, Any]:
    return on(stream, "DiscussionReported", form="talks")


def waiting(etag: str, seconds: int = 20) -> dict[str, str]:
    return {"If-None-Match": etag, "Prefer": f"wait={seconds}"}


def in_app(test: Callable[[FastAPI], Coroutine[Any, Any, None]], app: FastAPI) -> None:
    async def run() -> None:
        async with running(app):
            await test(app)

    asyncio.run(run())


async def etag_of(app: FastAPI, path: str) -> str:
    return (await ask(app, path)).headers["etag"]


def waiters(app: FastAPI) -> int:
    return int(app.state.follower.waiting)


@pytest.mark.parametrize(
    "path",
    [
        STATUS,
        "/v1/irritants",
        "/v1/irritants?relation=ru-us&status=in_talks",
        "/v1/relations/ru-us/board",
        f"{STATUS}/dossier",
        f"{STATUS}/events?after_version=2",
        "/v1/events?after=127",
        "/v1/events?after=127&stream=irritant/ru-us/direct-flights",
        "/v1/events?after=127&relation=ru-us&type=DiscussionReported",
        "/v1/changes?after=127",
        "/v1/changes?after=127&relation=ru-us",
    ],
)
def test_a_long_poll_is_answered_when_its_resource_changes(app: FastAPI, path: str) -> None:
    async def test(app: FastAPI) -> None:
        headers = waiting(await etag_of(app, path))
        asking = asyncio.create_task(ask(app, path, headers))
        await until(lambda: waiters(app) == 1)
        await record(app, talked())
        async with asyncio.timeout(2):
            told = await asking
        assert told.status == 200
        assert told.headers["preference-applied"] == "wait=20"
        assert told.headers["irritants-position"] == "128"
        assert waiters(app) == 0

    in_app(test, app)


@pytest.mark.parametrize(
    "path",
    [
        OTHER,
        "/v1/irritants?relation=dk-no",
        "/v1/events?after=127&stream=irritant/ru-us/visas",
        "/v1/events?after=127&type=RoundConvened",
        "/v1/changes?after=127&relation=dk-no",
    ],
)
def test_an_unrelated_event_does_not_answer_a_long_poll(app: FastAPI, path: str) -> None:
    async def test(app: FastAPI) -> None:
        asking = asyncio.create_task(ask(app, path, waiting(await etag_of(app, path), 1)))
        await until(lambda: waiters(app) == 1)
        await record(app, talked())
        await asyncio.sleep(0.3)
        assert not asking.done()
        told = await asking
        if path.startswith(("/v1/events", "/v1/changes")):
            # The wait is over, and the cursor has advanced past the other events.
            assert (told.status, b'"items":[],"next":128' in told.body) == (200, True)
        else:
            assert (told.status, told.body) == (304, b"")

    in_app(test, app)


def test_a_long_poll_without_a_change_ends_after_its_wait(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        loop = asyncio.get_running_loop()
        began, etag = loop.time(), await etag_of(app, STATUS)
        told = await ask(app, STATUS, waiting(etag, 1))
        assert (told.status, told.headers["preference-applied"]) == (304, "wait=1")
        assert 0.9 <= loop.time() - began < 3
        page = await ask(app, "/v1/events?after=127", {"Prefer": "wait=1"})
        assert (page.status, b'"items":[]' in page.body) == (200, True)

    in_app(test, app)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (STATUS, {"Prefer": "wait=20"}),
        (STATUS, {"Prefer": "wait=20", "If-None-Match": '"1-1-application/json"'}),
        ("/v1/events?after=126", {"Prefer": "wait=20"}),
        (f"{STATUS}?as_of_position=127", {"Prefer": "wait=20", "If-None-Match": "*"}),
        (STATUS, {"Prefer": "respond-async", "If-None-Match": "*"}),
        (STATUS, {"Prefer": "wait=-1", "If-None-Match": "*"}),
    ],
)
def test_a_request_that_cannot_wait_is_answered_at_once(app: FastAPI, path: str, headers: dict[str, str]) -> None:
    async def test(app: FastAPI) -> None:
        async with asyncio.timeout(2):
            told = await ask(app, path, headers)
        assert told.status == (304 if headers.get("If-None-Match") == "*" else 200)

    in_app(test, app)


def test_a_wait_is_limited_to_half_a_minute(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        etag = await etag_of(app, STATUS)
        for sent in ("wait=86400", 'respond-async, wait="31"; x=1', "handling=strict,wait = 30"):
            asking = asyncio.create_task(ask(app, STATUS, {"If-None-Match": etag, "Prefer": sent}))
            await until(lambda: waiters(app) == 1)
            app.state.follower._waiters.wake_all()
            app.state.follower.drain()
            assert (await asking).headers["preference-applied"] == "wait=30"
            app.state.follower._waiters.draining = False

    in_app(test, app)


def test_a_thousand_long_polls_share_one_load(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        headers = waiting(await etag_of(app, STATUS))
        asking = [asyncio.create_task(ask(app, STATUS, headers)) for _ in range(1_000)]
        await until(lambda: waiters(app) == 1_000)
        misses, busy = app.state.follower.cache.misses, app.state.engine.pool.checkedout()
        await record(app, talked())
        async with asyncio.timeout(5):
            told = await asyncio.gather(*asking)
        assert {(one.status, one.body) for one in told} == {(200, told[0].body)}
        assert (app.state.follower.cache.misses, busy) == (misses + 1, 0)

    in_app(test, app)


def test_a_client_that_leaves_no_longer_counts_as_a_waiter(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        told = Told()
        asking = asyncio.create_task(ask(app, STATUS, waiting(await etag_of(app, STATUS)), told=told))
        await until(lambda: waiters(app) == 1)
        told.left.set()
        async with asyncio.timeout(2):
            await asking
        assert (waiters(app), told.status) == (0, 0)

    in_app(test, app)


def test_long_polls_above_the_limit_get_503(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        app.state.follower._waiters._most = 1
        etag = await etag_of(app, STATUS)
        told = Told()
        first = asyncio.create_task(ask(app, STATUS, waiting(etag), told=told))
        await until(lambda: waiters(app) == 1)
        second = await ask(app, STATUS, waiting(etag))
        assert (second.status, second.headers["retry-after"]) == (503, "2")
        assert b"/problems/too-many-waiters" in second.body
        # A request that need not wait is still answered.
        assert (await ask(app, STATUS, {"Prefer": "wait=20"})).status == 200
        assert (await ask(app, STATUS, {"If-None-Match": etag})).status == 304
        told.left.set()
        await first

    in_app(test, app)


def test_all_long_polls_are_answered_when_the_server_shuts_down(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        asking = [
            asyncio.create_task(ask(app, path, waiting(await etag_of(app, path))))
            for path in (STATUS, OTHER, "/v1/events?after=127")
        ]
        await until(lambda: waiters(app) == 3)
        app.state.follower.drain()
        async with asyncio.timeout(1):
            assert [told.status for told in await asyncio.gather(*asking)] == [304, 304, 304]
            # A new request does not begin to wait.
            assert (await ask(app, STATUS, waiting(await etag_of(app, STATUS)))).status == 304

    in_app(test, app)


def test_a_long_poll_with_a_key_that_is_revoked_gets_401(app: FastAPI, engine: Engine, make_key: MakeKey) -> None:
    shown = make_key("read")

    async def test(app: FastAPI) -> None:
        asking = asyncio.create_task(ask(app, STATUS, {**waiting(await etag_of(app, STATUS)), **shown}))
        await until(lambda: waiters(app) == 1)
        with transaction(engine) as c:
            keys.revoke(c, shown["Authorization"].split("_")[1], datetime.now(UTC))
        async with asyncio.timeout(2):
            told = await asking
        assert (told.status, b"direct-flights" in told.body) == (401, False)

    in_app(test, app)


def test_a_long_poll_survives_the_loss_of_the_database(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        follower = app.state.follower
        asking = asyncio.create_task(ask(app, STATUS, waiting(await etag_of(app, STATUS))))
        await until(lambda: waiters(app) == 1)
        # Commits during the loss are read as soon as the listener is back.
        follower._listener.close()
        await record(app, talked())
        async with asyncio.timeout(3):
            assert (await asking).status == 200

    in_app(test, app)


def test_an_event_wakes_only_long_polls_on_its_irritant(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        one = asyncio.create_task(ask(app, STATUS, waiting(await etag_of(app, STATUS))))
        other = asyncio.create_task(ask(app, OTHER, waiting(await etag_of(app, OTHER))))
        await until(lambda: waiters(app) == 2)
        await record(app, talked(VISAS))
        assert (await other).status == 200
        assert not one.done()
        await record(app, talked(FLIGHTS))
        assert (await one).status == 200

    in_app(test, app)
