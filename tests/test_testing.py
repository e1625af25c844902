"""The module for tests of other programs, as a process: its fixture, its seeds, its resets and its errors.

`tests/docker/test_testing.py` runs the same as a container.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from service.client import NotAllowed, OtherHistory
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
