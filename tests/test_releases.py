"""A release whose documents look otherwise starts beside one that serves, while everybody reads and files.

Both are real processes on one record. What a process answers is of its own release throughout, so a reader meets no
mixture, whichever documents it asks for and whenever; through a proxy that asks both, a tag of one release never
confirms what the other has, for the number of the representation is in it.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx2
import pytest

from service.read_models.rebuild import verify_documents
from service.store.engine import open_engine
from tests.api.bodies import VISAS, on, report
from tests.api.serving import SERVE, served, until
from tests.keys import new_key
from tests.next_release import ANEW

pytestmark = pytest.mark.slow

SLUGS: Final = ["banking-access", "diplomat-movement", "direct-flights", "property-return", "visas"]
LIST: Final = "/v1/irritants"
READ: Final = [LIST, f"{LIST}/ru-us/visas", f"{LIST}?status=understanding", "/v1/changes?after=110&limit=1000"]


@dataclass
class Seen:
    """What one reader was told by one process, in order: the address, the position, the titles."""

    answers: list[tuple[str, int, set[str]]] = field(default_factory=list)

    @property
    def anew(self) -> set[bool]:
        """Of which release every document was that any answer was made of."""
        return {title.endswith(ANEW) for _, _, titles in self.answers for title in titles}

    def positions(self, path: str) -> list[int]:
        return [position for asked, position, _ in self.answers if asked == path]

    @property
    def has_enough(self) -> bool:
        """Whether it was told of several changes of each document."""
        return all(len(self.positions(path)) > 5 for path in READ)


def titles(body: dict[str, Any]) -> set[str]:
    documents = body["items"] if "next" in body else [body]
    return {document.get("after", document)["title"] for document in documents}


def reads(url: str, ended: threading.Event, seen: Seen) -> None:
    """Asks for several documents in turn, with the tag that it was given last."""
    tags: dict[str, str] = {}
    with httpx2.Client(base_url=url, timeout=40) as reader:
        while not ended.wait(0.02):
            for path in READ:
                answer = reader.get(path, headers={"If-None-Match": tags.get(path, '"0"')})
                assert answer.status_code in (200, 304), answer.text
                if answer.status_code == 200:
                    tags[path] = answer.headers.get("etag", '"0"')
                    body = answer.json()
                    assert path != LIST or len(body["items"]) == len(SLUGS)
                    seen.answers.append((path, body["position"], titles(body)))


@dataclass
class Desk:
    """Files a concern again and again: where each is on record."""

    url: str
    key: str
    positions: list[int] = field(default_factory=list)

    def files(self, name: str, ended: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx2.Client(base_url=self.url, timeout=40, headers=headers) as desk:
            for number in count():
                if ended.is_set():
                    return
                body = report(on(VISAS, "ConcernRaised", summary=f"Said by {name} for the {number}. time."))
                answer = desk.post("/v1/reports", json=body, headers={"Idempotency-Key": f"{name}-{number}"})
                assert answer.status_code == 201, answer.text
                self.positions.append(answer.json()["position"])


@contextmanager
def next_release(database_url: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.next_release", *SERVE, "--database", database_url, "--port", "0"]
    slowly = {**os.environ, "BATCH_SECONDS": "0.05"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=slowly, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.kill()


@contextmanager
def until_left(ended: threading.Event) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as people:
        try:
            yield people
        finally:
            ended.set()


def test_readers_meet_no_gap_and_no_mixture_and_whoever_files_is_answered(seeded_database_url: str) -> None:
    key, ended = new_key(seeded_database_url), threading.Event()
    with ExitStack() as stack:
        old = stack.enter_context(served(seeded_database_url)).url
        people = stack.enter_context(until_left(ended))
        desk = Desk(old, key)
        filing = [people.submit(desk.files, "the desk", ended)]
        by_the_old, by_the_new = Seen(), Seen()
        reading = [people.submit(reads, old, ended, by_the_old)]
        until(lambda: len(desk.positions) > 10)
        before = len(desk.positions)
        new = stack.enter_context(next_release(seeded_database_url))
        during = len(desk.positions) - before
        reading.append(people.submit(reads, new, ended, by_the_new))
        other = Desk(new, key)
        filing.append(people.submit(other.files, "the other desk", ended))
        until(lambda: len(other.positions) > 10 and len(desk.positions) > before + during + 10)
        # On a slow machine the readers can be late. The desks go on for them.
        until(lambda: by_the_old.has_enough and by_the_new.has_enough)
        ended.set()
        for done in (*filing, *reading):
            done.result()

    assert during > 5  # it was built while others filed, more than may be left for the lock
    assert (by_the_old.anew, by_the_new.anew) == ({False}, {True})
    for seen in (by_the_old, by_the_new):
        for path in READ:
            positions = seen.positions(path)
            assert positions == sorted(positions), path
    engine = open_engine(seeded_database_url)
    verify_documents(engine)
    engine.dispose()
