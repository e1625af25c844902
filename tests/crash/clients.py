"""The clients of a crash round: operators file and retry, pollers read and wait, followers read every event.

Each client notes its answers and their times for the checker. Each request goes to a process at random.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from tests.crash.checker import Acknowledged, Followed, Read

STREAMS: Final = tuple(f"irritant/ru-us/matter-{n}" for n in range(6))
PARTIES: Final = ("RU", "US", "MEDIA")
PATIENCE: Final = 120.0
OUTAGE: Final = frozenset({429, 500, 502, 503})


def opening() -> dict[str, Any]:
    """Return the body of the first report, which opens the streams of all later ones."""
    registered = [
        {
            "stream": "source/readout",
            "type": "OriginRegistered",
            "origin": f"voice-{party.lower()}",
            "speaker": party,
            "party": party,
            "channel": "outlet" if party == "MEDIA" else "quote",
        }
        for party in PARTIES
    ]
    return {
        "relation": "ru-us",
        "title": "Opening",
        "events": [
            {"stream": "relation/ru-us", "type": "RelationOpened", "parties": ["RU", "US"], "title": "Talks"},
            {"stream": "source/readout", "type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 9},
            *registered,
            *({"stream": s, "type": "IrritantOpened", "title": s, "category": "test"} for s in STREAMS),
        ],
    }


def said(stream: str, party: str, type: str, **fields: Any) -> dict[str, Any]:
    return {
        "stream": stream,
        "type": type,
        "asserted_by": {"party": party, "channel": "outlet" if party == "MEDIA" else "quote"},
        "source": {"document": "readout", "paragraphs": [1], "origin": f"voice-{party.lower()}"},
        "summary": "Said in a crash round.",
        **fields,
    }


@dataclass
class Notes:
    """What the clients sent, and the answers that they got."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    followed: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    refused: int = 0
    given_up: int = 0
    retries: int = 0
    found_again: int = 0
    """Recorded reports without an answer, whose retry was answered."""
    unexpected: list[str] = field(default_factory=list)

    def views(self) -> list[Followed]:
        return [Followed(name, tuple(seen)) for name, seen in self.followed.items()]


class Client:
    """An HTTP client that all operators, pollers and followers share: processes, API key, notes, random numbers."""

    def __init__(self, urls: list[str], key: str, notes: Notes, chance: random.Random) -> None:
        self.urls, self.notes, self.chance = urls, notes, chance
        self._key = {"Authorization": f"Bearer {key}"}
        self._http = httpx2.AsyncClient(timeout=httpx2.Timeout(35, connect=2))

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response | None:
        """Send a request to a random process. Return None if that process cannot answer now."""
        headers = self._key | more.pop("headers", {})
        try:
            answer = await self._http.request(method, self.chance.choice(self.urls) + path, headers=headers, **more)
        except httpx2.TransportError:
            return None
        return None if answer.status_code in OUTAGE else answer

    async def close(self) -> None:
        await self._http.aclose()


async def file(client: Client, key: str, body: dict[str, Any]) -> httpx2.Response | None:
    """File a report, and retry with the same Idempotency-Key until it is answered.

    Return None after `PATIENCE` seconds.
    """
    client.notes.sent.add(key)
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        answer = await client.ask("POST", "/v1/reports", json=body, headers={"Idempotency-Key": key})
        if answer is not None:
            if answer.status_code == 201:
                events = tuple((e["position"], e["id"]) for e in answer.json()["events"])
                client.notes.acknowledged.append(Acknowledged(key, began, time.monotonic(), events))
                client.notes.found_again += "idempotent-replayed" in answer.headers
            elif answer.status_code in (409, 422):
                client.notes.refused += 1
            else:
                client.notes.unexpected.append(f"{answer.status_code} {answer.text[:200]}")
            return answer
        client.notes.retries += 1
        await asyncio.sleep(client.chance.uniform(0.02, 0.2))
    client.notes.unexpected.append(f"no answer for {key} in {PATIENCE} s")
    return None


async def operate(client: Client, name: str, until: asyncio.Event) -> None:
    """File assertions, reports on several streams, corrections and retractions. Abandon some reports."""
    mine: list[tuple[str, str]] = []
    number = 0
    while not until.is_set():
        number += 1
        key = f"{name}-{number}"
        stream, party = client.chance.choice(STREAMS), client.chance.choice(PARTIES)
        match client.chance.randrange(6):
            case 0 if mine:
                target, event = mine.pop()
                kind = client.chance.choice(("AssertionCorrected", "AssertionRetracted"))
                changes = {"changes": {"summary": "Said otherwise."}} if kind == "AssertionCorrected" else {}
                events = [{"stream": target, "type": kind, "target": event, "reason": "A slip.", **changes}]
            case 1:
                events = [said(s, party, "ConcernRaised") for s in client.chance.sample(STREAMS, 3)]
            case 2:
                events = [said(stream, party, "ProgressReversed", to="formalised", by="RU", reason="Not allowed here.")]
            case 3:
                await abandon(client, f"{key}-given-up", [said(stream, party, "ConcernRaised")])
                continue
            case _:
                events = [said(stream, party, "DiscussionReported", form="talks")]
        answer = await file(client, key, {"relation": "ru-us", "title": key, "events": events})
        if answer is not None and answer.status_code == 201 and events[0]["type"] == "DiscussionReported":
            mine.append((stream, answer.json()["events"][0]["id"]))


async def abandon(client: Client, key: str, events: list[dict[str, Any]]) -> None:
    """Send a report and close the connection without the answer. It may be recorded once or not at all."""
    client.notes.sent.add(key)
    client.notes.given_up += 1
    body = {"relation": "ru-us", "title": key, "events": events}
    asking = asyncio.ensure_future(client.ask("POST", "/v1/reports", json=body, headers={"Idempotency-Key": key}))
    await asyncio.wait({asking}, timeout=client.chance.uniform(0, 0.01))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def poll(client: Client, name: str, until: asyncio.Event) -> None:
    """Read random irritants. Half of the reads are long polls."""
    tags: dict[str, str] = {}
    positions: dict[str, int] = {}
    while not until.is_set():
        stream = client.chance.choice(STREAMS)
        headers = {"If-None-Match": tags[stream]} if stream in tags else {}
        if headers and client.chance.random() < 0.5:
            headers["Prefer"] = "wait=1"
        began = time.monotonic()
        answer = await client.ask("GET", f"/v1/irritants/{stream.partition('/')[2]}", headers=headers)
        ended = time.monotonic()
        if answer is None:
            await asyncio.sleep(0.02)
        elif answer.status_code == 200:
            tags[stream], positions[stream] = answer.headers["etag"], answer.json()["position"]
        elif answer.status_code != 304:
            client.notes.unexpected.append(f"{answer.status_code} {answer.text[:200]}")
        if answer is not None and answer.status_code in (200, 304):
            # A long poll is answered as of its end, but it must include all that was acknowledged before its beginning.
            client.notes.reads.append(Read(name, stream, began, ended, positions[stream]))


async def follow(client: Client, name: str, until: asyncio.Event) -> None:
    """Read the log from its beginning to its end. After a failure, resume at the last position."""
    seen = client.notes.followed.setdefault(name, [])
    after, log = 0, ""
    while True:
        params: dict[str, str | int] = {"after": after, "limit": 100, **({"log": log} if log else {})}
        headers = {} if until.is_set() else {"Prefer": "wait=1"}
        answer = await client.ask("GET", "/v1/events", params=params, headers=headers)
        if answer is None:
            await asyncio.sleep(0.05)
            continue
        if answer.status_code != 200:
            client.notes.unexpected.append(f"{name}: {answer.status_code} {answer.text[:200]}")
            return
        page = answer.json()
        seen += [(event["position"], event["id"]) for event in page["items"]]
        after, log = page["next"], page["log"]
        if until.is_set() and not page["items"]:
            return
