"""The Python client, and every example of the page on polling, against a real server."""

import inspect
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from service import client
from service.client import EventsMissing, Irritants, OtherHistory, Problem
from tests.api.serving import Served, served
from tests.clients.conftest import BANKING, file

ROOT = Path(__file__).parents[2]


def test_the_client_lists_its_public_names() -> None:
    defined = {name for name, value in vars(client).items() if getattr(value, "__module__", None) == client.__name__}
    constants = inspect.get_annotations(client).keys()
    assert set(client.__all__) == {name for name in defined | constants if name[0] != "_"} | {"IrritantDocument"}


def test_a_status_is_read_and_then_confirmed_by_304(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        first = irritants.status(BANKING)
        assert (first.status, first.confirmed_status) == ("formalised", "understanding")
        assert irritants.status(BANKING) is first


def test_a_long_poll_returns_at_once_after_a_change(server: Served, key: str) -> None:
    with Irritants(server.url) as irritants, ThreadPoolExecutor() as beside:
        before = irritants.status(BANKING)
        waiting = beside.submit(irritants.wait, BANKING, 20)
        file(server, key)
        after = waiting.result()
        assert after is not None
        assert (before.status, after.status) == ("formalised", "implementing")


def test_a_long_poll_without_a_change_returns_none(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        assert irritants.wait(BANKING, seconds=1) is None


def test_following_yields_every_event_once_and_resumes(server: Served, key: str) -> None:
    with Irritants(server.url) as irritants:
        seen = list(irritants.follow(wait=0))
        assert [event.position for event in seen] == list(range(1, len(seen) + 1))
        file(server, key)
        (new,) = irritants.follow(seen[-1].position, seen[-1].log, wait=0)
        assert (new.position, new.type) == (len(seen) + 1, "ImplementationReported")


def test_a_cursor_of_another_history_is_refused(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        *_, last = irritants.follow(wait=0)
        forged = last.log[:-1] + ("0" if last.log[-1] != "0" else "1")
        with pytest.raises(OtherHistory):
            list(irritants.follow(last.position, forged, wait=0))


def test_a_missing_event_is_noticed(shared_server: Served) -> None:
    def without_the_second(request: httpx2.Request) -> httpx2.Response:
        page = httpx2.get(f"{shared_server.url}{request.url.raw_path.decode()}").json()
        del page["items"][1]
        return httpx2.Response(200, json=page)

    with Irritants(shared_server.url) as irritants:
        irritants._http = httpx2.Client(base_url=shared_server.url, transport=httpx2.MockTransport(without_the_second))
        with pytest.raises(EventsMissing):
            list(irritants.follow(wait=0))


def test_an_unknown_irritant_raises_a_problem_with_its_name(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants, pytest.raises(Problem) as told:
        irritants.status("ru-us/cheese")
    assert (told.value.status, told.value.type) == (404, "not-found")


def test_a_list_is_filtered(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        assert {one.id for one in irritants.statuses(awaiting="US")} == {
            "ru-us/direct-flights",
            "ru-us/property-return",
        }


def test_the_client_retries_during_an_outage(seeded_database_url: str) -> None:
    with served(seeded_database_url) as first:
        url, (_, port) = first.url, first.address
    again: list[object] = []

    def comes_back(_: float) -> None:
        if not again:
            again.append(serving.__enter__())

    serving = served(seeded_database_url, port=port)
    with Irritants(url, pause=comes_back) as irritants:
        assert irritants.status(BANKING).status == "formalised"
    serving.__exit__(None, None, None)
    assert again


def examples(language: str, url: str) -> list[str]:
    page = (ROOT / "docs" / "polling.md").read_text(encoding="utf-8").replace("http://127.0.0.1:8000", url)
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def run(*command: str, folder: Path) -> list[str]:
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_examples_with_curl(server: Served, tmp_path: Path) -> None:
    script = "set -eu\n" + "".join(examples("sh", server.url))
    assert run("sh", "-c", script, folder=tmp_path) == ["304", "304"]


def test_the_examples_with_python(server: Served, tmp_path: Path) -> None:
    (script,) = examples("python", server.url)
    status, news, *events = run(sys.executable, "-c", script, folder=tmp_path)
    assert (status, news) == ("formalised understanding one_side", "no news")
    assert len(events) == 7


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_examples_with_javascript(server: Served, tmp_path: Path) -> None:
    (script,) = examples("js", server.url)
    (tmp_path / "follow.mjs").write_text(script, encoding="utf-8")
    lines = run("node", "follow.mjs", folder=tmp_path)
    assert lines[-1].split()[1] == "ru-us/property-return"
