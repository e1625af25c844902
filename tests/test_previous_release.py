"""Release 0.2.0 itself, from the history of this repository, beside this release on one record: a rolling upgrade."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, Final

import httpx2
import psycopg
import pytest

from service import reportfile
from tests.api.bodies import VISAS, on, report
from tests.api.serving import SERVE, served, until
from tests.first_vocabulary import REPORTS
from tests.keys import new_key
from tests.needed import need
from tests.test_upgrades import NEW

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[1]
PREVIOUS: Final = "e28e4b1abae06d3968bddf77388618e76014d08f"
"""The last commit of 0.2.0."""
NEWEST_MIGRATION: Final = "0004"
"""The newest migration of 0.2.0."""
LEAST: Final = 3
"""How often each worker does its work at least, on a slow machine too."""
READ: Final = [
    "/healthz",
    "/v1/irritants",
    "/v1/irritants/ru-us/visas",
    "/v1/irritants/ru-us/visas/timeline",
    "/v1/relations/ru-us/board",
    "/v1/relations/ru-us/matrix",
    "/v1/events?after=120&limit=1000",
    "/v1/changes?after=120&limit=1000",
    "/v1/rounds",
    "/v1/sources",
    "/relations/ru-us",
]


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of release 0.2.0. It runs with the libraries of this one."""
    folder = tmp_path_factory.mktemp("previous")
    git = ["git", "-C", str(ROOT), "archive", "--format=tar", f"--output={folder}.tar", PREVIOUS]
    archived = shutil.which("git") and subprocess.run(git, check=False, capture_output=True).returncode == 0
    need(archived, "the history of this repository has no release 0.2.0 (a shallow clone, or no git)")
    # Python before 3.11.4 cannot unpack with a filter, and without one later versions warn.
    subprocess.run(["tar", "-xf", f"{folder}.tar", "-C", folder], check=True)
    return folder


@contextmanager
def serving(folder: Path, url: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Serves by the release in a folder; its address and process."""
    command = [sys.executable, "-m", "service", *SERVE, "--database", url, "--port", "0"]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    with psycopg.connect(url, autocommit=True) as c:
        # It was started before the migrations of this release, which only add indexes.
        (migrated,) = c.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        c.execute("UPDATE alembic_version SET version_num = %s", (NEWEST_MIGRATION,))
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            address = json.loads(process.stdout.readline())["address"]
            with psycopg.connect(url, autocommit=True) as c:
                c.execute("UPDATE alembic_version SET version_num = %s", (migrated,))
            yield address, process
        finally:
            process.kill()


def filed(url: str, token: str, body: Any, key: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return httpx2.post(f"{url}/v1/reports", json=body, headers=headers, timeout=40)


def reads(url: str, ended: threading.Event) -> None:
    """Reads everything in turn until the end, at least three times. Every answer is 200."""
    rounds = 0
    with httpx2.Client(base_url=url, timeout=40) as reader:
        while rounds < LEAST or not ended.is_set():
            for path in READ:
                answer = reader.get(path)
                assert answer.status_code == 200, (path, answer.text[:500])
            rounds += 1
            ended.wait(0.05)


def files(url: str, token: str, name: str, ended: threading.Event) -> None:
    """Files ordinary reports until the end, at least three. Each is recorded."""
    number = 0
    while not ended.wait(0.05) or number < LEAST:
        number += 1
        body = report(on(VISAS, "ConcernRaised", summary=f"Said by {name} for the {number}. time."))
        answer = filed(url, token, body, f"{name}-{number}")
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("end", [SIGTERM, SIGKILL], ids=["stopped", "killed"])
def test_new_events_wait_for_the_end_of_the_old_release_and_all_else_goes_on(
    previous: Path, seeded_database_url: str, end: int
) -> None:
    token, ended = new_key(seeded_database_url, clearance="restricted"), threading.Event()
    with ExitStack() as stack:
        old, process = stack.enter_context(serving(previous, seeded_database_url))
        new = stack.enter_context(served(seeded_database_url)).url
        people = stack.enter_context(ThreadPoolExecutor(8))
        stack.callback(ended.set)
        work = [people.submit(reads, url, ended) for url in (old, new)]
        work += [people.submit(files, url, token, name, ended) for url, name in ((old, "old"), (new, "new"))]

        for number, body in enumerate(REPORTS):
            answer = filed((new, old)[number % 2], token, body, f"every-type-{number}")
            assert answer.status_code == 201, answer.text
        for case, (event, _) in NEW.items():
            refused = filed(new, token, report(event), case)
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/earlier-release"), case
            assert refused.json()["detail"].count("earlier release") == 1
        for url in (old, new):
            irritants = httpx2.get(f"{url}/v1/irritants?relation=no-se", timeout=40).json()["items"]
            assert len(irritants) == 3
            for path in ("irritants/no-se/fishing-permits/timeline", "rounds/no-se/karlstad", "relations/no-se/board"):
                assert httpx2.get(f"{url}/v1/{path}", timeout=40).status_code == 200

        ended.set()
        for done in work:
            done.result()

        process.send_signal(end)
        process.wait(20)
        for case, (event, _) in NEW.items():
            until(lambda event=event, case=case: filed(new, token, report(event), case).status_code == 201)  # type: ignore[misc]
        ended.clear()
        last = people.submit(reads, new, ended)
        ended.set()
        last.result()


def test_of_real_files_the_old_release_reads_all_that_is_accepted(previous: Path, seeded_database_url: str) -> None:
    token = new_key(seeded_database_url)
    accepted, held_back = list[str](), set[str]()
    with serving(previous, seeded_database_url) as (old, _), served(seeded_database_url) as new:
        for case in sorted((ROOT / "tests" / "cases").glob("*.yaml")):
            body: Any = reportfile.read(case.read_bytes()).body
            if body["relation"] in held_back:
                continue
            answer = filed(new.url, token, body, case.name)
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 201:
                accepted += {event["stream"] for event in answer.json()["events"]}
            else:
                assert answer.json()["type"] == "/problems/earlier-release"
                held_back.add(body["relation"])
        with httpx2.Client(base_url=old, timeout=40) as reader:
            for stream in accepted:
                kind, _, member = stream.partition("/")
                assert reader.get(f"/v1/{kind}s/{member}/timeline").status_code == 200, stream
            for path in READ:
                assert reader.get(path).status_code == 200
            # 0.2.0 takes any further migration for another schema. The page on upgrades says so.
            assert (reader.get("/readyz").status_code, httpx2.get(f"{new.url}/readyz").status_code) == (503, 200)
    assert accepted
    assert "eu-gb" in held_back
