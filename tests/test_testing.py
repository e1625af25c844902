"""The module for tests of other programs, as a process: its fixture, its seeds, its resets and its errors.

`tests/docker/test_testing.py` runs the same as a container.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from service.client import NotAllowed, NotValid, OtherHistory
from service.settings import environment
from service.testing import IrritantsProcess, ServiceError, ServiceForTests
from tests.api.bodies import VISAS, on, report

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
FIXTURE = """\
relation: xa-xb
title: A relation for tests
events:
  - {stream: relation, type: RelationOpened, title: A and B, parties: [XA, XB]}
  - {stream: irritant/visas, type: IrritantOpened, title: Visas, category: visas}
"""

pytestmark = pytest.mark.slow


def blocks(language: str) -> list[str]:
    """Return the programs of the page in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceForTests]:
    with IrritantsProcess() as service:
        yield service


def test_the_recipes_of_the_page_pass_as_they_are_written(tmp_path: Path) -> None:
    plugin, first, _container, three = blocks("python")
    (tmp_path / "conftest.py").write_text(plugin, encoding="utf-8")
    (tmp_path / "test_first.py").write_text(first, encoding="utf-8")
    (tmp_path / "test_three.py").write_text(three, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment(), check=False, capture_output=True, encoding="utf-8", timeout=300
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 passed" in ended.stdout


def test_a_first_test_has_five_lines() -> None:
    plugin, first, *_ = blocks("python")
    assert len([line for line in f"{plugin}{first}".splitlines() if line]) <= 5


def test_a_report_is_seen_and_a_reset_removes_it(service: ServiceForTests) -> None:
    client = service.client()
    before, events = client.status("ru-us/visas"), list(client.follow(wait=0))
    receipt = service.file(report(on(VISAS, "ConcernRaised")))
    assert client.status("ru-us/visas").position == receipt.position
    filed = list(client.follow(*events[-1].cursor, wait=0))
    assert [event.id for event in filed] == [event.id for event in receipt.events]
    service.reset()
    assert client.status("ru-us/visas").assertions == before.assertions
    with pytest.raises(OtherHistory):
        list(client.follow(*filed[-1].cursor, wait=0))


def test_the_key_may_file_on_every_relation(service: ServiceForTests) -> None:
    assert httpx2.get(f"{service.url}/v1/irritants").status_code == 200
    assert httpx2.post(f"{service.url}/v1/reports", json={}).status_code == 401
    with pytest.raises(NotAllowed, match="cheese"):
        service.file(report(on("irritant/ru-us/cheese", "ConcernRaised")))


def test_a_program_reads_the_document_of_the_page(service: ServiceForTests) -> None:
    (sample,) = blocks("json")
    service.reset()
    read = httpx2.get(f"{service.url}/v1/irritants/ru-us/visas")
    assert read.headers["ETag"]
    assert read.json() == {**read.json(), **json.loads(sample)}


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("irr_7D2F90C1AB34_VpUMd0bIt7c4hJX3pQeWz8LrYk2nGfAso1uTiE5qwx0", "letters a-f"),
        ("irr_7d2f90c1ab34_" + "abcdefghj" * 5, "only 9 different characters"),
        ("irr_7d2f90c1ab34_" + "VpUMd0bIt7c4hJX3" * 3, "repeats itself"),
        ("irr_7d2f90c1ab34_" + "abcdefghijklmnopqrstuvwxyzVpUMd0bIt7c4hJX3p", "counts through"),
    ],
)
def test_a_key_that_the_page_calls_weak_is_refused(key: str, error: str) -> None:
    with pytest.raises(ServiceError, match=f"weak or invalid key: .*{error}"):
        IrritantsProcess(key=key).start()


def test_every_mistake_of_a_report_is_in_the_text_of_the_error(service: ServiceForTests) -> None:
    mistaken = report(on(VISAS, "ConcernRaisd"), {**on(VISAS, "ConcernRaised"), "colour": "red"})
    with pytest.raises(NotValid) as refused:
        service.file(mistaken)
    summary, first, second = str(refused.value).splitlines()
    assert summary == "2 mistakes. Nothing was written. Correct them and send the report again."
    assert first == "/events/0/type: ConcernRaisd is not a type of event. Use `ConcernRaised`."
    assert second.startswith("/events/1/colour: `colour` is not a field here. Use another one")


def test_a_reset_without_test_mode_says_how_to_start_the_service() -> None:
    with (
        IrritantsProcess(seeds="none", test_mode="false") as service,
        pytest.raises(ServiceError, match=r"not in test mode\. Start it with IRRITANTS_TEST_MODE=true$"),
    ):
        service.reset()


def test_a_record_begins_with_given_seeds_and_goes_back_to_them(tmp_path: Path) -> None:
    (tmp_path / "relation.yaml").write_text(FIXTURE, encoding="utf-8")
    with IrritantsProcess(seeds=tmp_path, read_access="key") as service:
        client = service.client()
        assert [irritant.id for irritant in client.statuses()] == ["xa-xb/visas"]
        assert httpx2.get(f"{service.url}/v1/irritants").status_code == 401
        service.reset()
        assert [irritant.id for irritant in client.statuses()] == ["xa-xb/visas"]


def test_a_record_can_begin_empty() -> None:
    with IrritantsProcess(seeds="none") as service:
        assert list(service.client().statuses()) == []


def test_the_end_of_the_block_stops_the_process_and_removes_its_record() -> None:
    service = IrritantsProcess(seeds="none")
    with service:
        address = service.url
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(address)
    with pytest.raises(ServiceError, match="is not running"):
        service.reset()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"seeds": "no/such/folder"}, "no/such/folder"),
        ({"key": "secret"}, "IRRITANTS_INITIAL_KEY: weak or invalid key"),
        ({"pol_interval": 1}, r"unknown setting: IRRITANTS_POL_INTERVAL \(did you mean IRRITANTS_POLL_INTERVAL\?\)"),
    ],
)
def test_a_service_that_does_not_start_says_why(arguments: dict[str, str], error: str) -> None:
    with pytest.raises(ServiceError, match=error):
        IrritantsProcess(**arguments).start()


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Yield a folder for temporary files with a short name, as /tmp has one."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


PROGRAM_WITH_TESTS = """
import os, sys, time
from service.testing import IrritantsProcess
with IrritantsProcess(seeds="none") as service:
    print(service.url, flush=True)
    {then}
    time.sleep(60)
"""


def program_with_tests(temporary: Path, then: str = "") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM_WITH_TESTS.format(then=then)]
    env = {**environment(), "TMPDIR": str(temporary)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")


def users(folder: Path) -> list[str]:
    """Return the commands of the processes that use a folder: the service, and PostgreSQL, which works in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it can have ended meanwhile
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command or str(folder) in str((process / "cwd").readlink()):
                found.append(command)
    return found


def is_left(folder: Path) -> bool:
    return bool(users(folder)) or any(folder.iterdir())


def expect_nothing_is_left(folder: Path) -> None:
    until = time.monotonic() + 20
    while is_left(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert users(folder) == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda by: by.name)
def test_the_service_ends_with_the_program_that_started_it(temporary: Path, by: signal.Signals) -> None:
    with program_with_tests(temporary) as program:
        assert program.stdout is not None
        assert program.stdout.readline().startswith("http://")
        assert any("postgres" in command for command in users(temporary))
        program.send_signal(by)
        program.wait()
    expect_nothing_is_left(temporary)


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.1, 1.4, 1.8])
def test_the_service_ends_with_a_program_that_is_killed_while_it_starts(temporary: Path, seconds: float) -> None:
    with program_with_tests(temporary) as program:
        time.sleep(seconds)
        program.kill()
        program.wait()
    expect_nothing_is_left(temporary)


def test_the_service_ends_although_a_forked_program_lives_on(temporary: Path) -> None:
    then = "forked = os.fork(); print(forked, flush=True) if forked else os.closerange(0, 3)"
    with program_with_tests(temporary, then) as program:
        assert program.stdout is not None
        program.stdout.readline()
        forked = int(program.stdout.readline())
        program.kill()
        program.wait()
    try:
        expect_nothing_is_left(temporary)
        assert Path(f"/proc/{forked}").exists()
    finally:
        os.kill(forked, signal.SIGKILL)
