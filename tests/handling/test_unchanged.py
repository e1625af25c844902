"""An event above a reader's clearance changes no tag of an answer, and wakes neither a long poll nor the stream."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.api.asking import Told, ask, until
from tests.api.bodies import FLIGHTS, VISAS, on
from tests.api.test_live import listened
from tests.api.test_matrix import ROWS, WITHIN
from tests.api.test_waiting import etag_of, in_app, record, talked, waiting

Headers = dict[str, str]
NO_TAG = {"/v1/checkpoint", "/v1/events/live"}
RESTRICTED = [on(FLIGHTS, "ConcernRaised"), on(VISAS, "ProposalTabled", kind="offer", addressee="US", terms="A list.")]


@pytest.fixture(params=[False, True], ids=["first-restricted-event", "later-restricted-event"])
def has_labels(request: pytest.FixtureRequest) -> bool:
    """Whether the record has a restricted event already. Until the first one, all readers share the caches."""
    return bool(request.param)


def addresses(client: TestClient) -> list[str]:
    named = {
        "event": client.get("/v1/irritants/ru-us/visas/events?limit=1").json()["items"][0]["id"],
        "report": client.get("/v1/reports?limit=1").json()["items"][0]["id"],
        "key": "",
    }
    rows = [row for row in (*ROWS.values(), *WITHIN) if row.method == "GET" and row.answer == 200]
    return sorted({row.address.format_map(named) for row in rows} - {"/metrics", "/healthz", "/readyz", *NO_TAG})


def test_every_tag_still_matches_after_a_restricted_event(
    client: TestClient, file: Callable[..., Any], cleared: Headers, *, has_labels: bool
) -> None:
    if has_labels:
        file(cleared, *RESTRICTED, handling="restricted")
        file(cleared, on(VISAS, "ConcernRaised"))
    before = {address: client.get(address) for address in addresses(client)}
    tags = {address: answer.headers["etag"] for address, answer in before.items() if "etag" in answer.headers}
    assert len(tags) > 40
    assert file(cleared, *RESTRICTED, handling="restricted").status_code == 201
    for address, tag in tags.items():
        answer = client.get(address, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.headers["etag"]) == (304, tag), address
        assert answer.headers.get("irritants-position") == before[address].headers.get("irritants-position"), address


def test_no_tag_of_an_answer_that_a_new_label_changed_matches(
    client: TestClient, file: Callable[..., Any], admin: Headers
) -> None:
    """Readings of the past change as well."""
    [filed] = file(admin, on(VISAS, "ConcernRaised", summary="It asks about moorings.")).json()["events"]
    assert file(admin, on(FLIGHTS, "ConcernRaised")).status_code == 201
    at = f"as_of_position={filed['position']}"
    past = [f"/v1/irritants/ru-us/visas?{at}", f"/v1/relations/ru-us/board?{at}", f"/v1/irritants?{at}"]
    before = {address: client.get(address) for address in [*addresses(client), *past, "/v1/search?q=moorings"]}
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["id"], "label": "restricted", "reason": "No."}
    assert file(admin, change).status_code == 201
    changed = set()
    for address, answer in before.items():
        now = client.get(address)
        if "etag" in answer.headers and now.content != answer.content:
            changed.add(address)
            again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 200, address
    assert {*past, "/v1/search?q=moorings", "/v1/irritants/ru-us/visas/dossier"} <= changed


POLLED = [
    "/v1/irritants/ru-us/direct-flights",
    "/v1/irritants",
    "/v1/relations/ru-us/board",
    "/v1/events?after=127",
    "/v1/events?after=127&relation=ru-us",
    "/v1/changes?after=127",
]


def waiters(app: FastAPI) -> int:
    return sum(follower.waiting for follower in (app.state.follower, *app.state.audiences.followers))


@pytest.mark.parametrize("path", POLLED)
def test_a_restricted_event_does_not_answer_a_long_poll(app: FastAPI, path: str, *, has_labels: bool) -> None:
    async def test(app: FastAPI) -> None:
        if has_labels:
            await record(app, talked(), handling="restricted")
        asking = asyncio.create_task(ask(app, path, waiting(await etag_of(app, path))))
        await until(lambda: waiters(app) == 1)
        woken = asyncio.create_task(ask(app, "/v1/events?limit=1"))
        await record(app, talked(), talked(VISAS), handling="restricted")
        await woken
        # More than a tick of the followers.
        done, _ = await asyncio.wait({asking}, timeout=1.5)
        assert not done
        await record(app, talked())
        assert (await asking).status == 200

    in_app(test, app)


def test_a_restricted_event_is_not_sent_on_the_stream(app: FastAPI) -> None:
    async def test(app: FastAPI) -> None:
        await record(app, talked(), handling="restricted")
        told = Told()
        listening = asyncio.create_task(ask(app, "/v1/events/live", told=told))
        await until(lambda: waiters(app) == 1)
        begun = told.body
        await record(app, talked(), handling="restricted")
        await asyncio.sleep(1.5)
        assert told.body == begun
        assert begun.startswith(b"id: 127\n")
        await record(app, talked())
        await until(lambda: b"DiscussionReported" in told.body)
        # The places of withheld events come before it, so that positions have no gaps.
        ids = [line for line in told.body.split(b"\n") if line.startswith(b"id: ")]
        assert ids == [b"id: 127", b"id: 128", b"id: 129", b"id: 130"]
        assert told.body.count(b"irritants.withheld") == 2
        told.left.set()
        await listening

    in_app(test, app)


def test_the_first_restricted_event_ends_a_stream_without_sending_it(app: FastAPI) -> None:
    """The client reconnects, and from then on gets the record as its audience sees it."""

    async def test(app: FastAPI) -> None:
        told = Told()
        listening = asyncio.create_task(ask(app, "/v1/events/live", told=told))
        await until(lambda: waiters(app) == 1)
        await record(app, talked(), handling="restricted")
        await listening
        assert listened(told) == []
        again = Told()
        asking = asyncio.create_task(ask(app, "/v1/events/live", {"Last-Event-ID": "127"}, told=again))
        await until(lambda: waiters(app) == 1)
        await record(app, talked())
        await until(lambda: b"DiscussionReported" in again.body)
        again.left.set()
        await asking

    in_app(test, app)
