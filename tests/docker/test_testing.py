"""The recipes of docs/testing.md with the standalone container: testcontainers in Python and in Node."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from service.settings import environment
from service.testing import IrritantsContainer, ServiceError
from tests import needed
from tests.test_testing import FIXTURE, ROOT, blocks

pytestmark = pytest.mark.docker

IMAGE = "irritants:standalone"


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    name = f"irritants-test-{uuid.uuid4().hex[:8]}:standalone"
    run("make", "--silent", "standalone", f"STANDALONE={name}", folder=ROOT)
    yield name
    run("docker", "image", "rm", name, folder=ROOT)


def run(*command: str, folder: Path) -> str:
    env = {**environment(), "TESTCONTAINERS_RYUK_DISABLED": "true"}
    ended = subprocess.run(
        command, cwd=folder, env=env, check=False, capture_output=True, encoding="utf-8", timeout=600
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def with_image(text: str, image: str) -> str:
    """Return a program of the page with the image of this checkout."""
    assert text.count(IMAGE) == 1
    return text.replace(IMAGE, image)


def test_the_recipes_for_pytest(image: str, tmp_path: Path) -> None:
    _plugin, first, container, three = blocks("python")
    (tmp_path / "conftest.py").write_text(with_image(container, image), encoding="utf-8")
    (tmp_path / "test_first.py").write_text(first, encoding="utf-8")
    (tmp_path / "test_three.py").write_text(three, encoding="utf-8")
    assert "4 passed" in run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", folder=tmp_path)


def test_the_recipe_for_node(image: str, tmp_path: Path) -> None:
    needed.program("npm")
    (installing,) = [block for block in blocks("sh") if "testcontainers" in block]
    (program,) = blocks("js")
    run("sh", "-c", f"npm init --yes >/dev/null && {installing}", folder=tmp_path)
    (tmp_path / "record.test.mjs").write_text(with_image(program, image), encoding="utf-8")
    assert "# pass 3" in run("node", "--test", "--test-reporter=tap", folder=tmp_path)


def test_a_container_begins_with_given_seeds_and_settings(image: str, tmp_path: Path) -> None:
    (tmp_path / "relation.yaml").write_text(FIXTURE, encoding="utf-8")
    for seeds in (tmp_path, tmp_path / "relation.yaml"):
        with IrritantsContainer(image, seeds=seeds, read_access="key") as service:
            assert [irritant.id for irritant in service.client().statuses()] == ["xa-xb/visas"]
            assert httpx2.get(f"{service.url}/v1/irritants").status_code == 401
            service.reset()
            assert [irritant.id for irritant in service.client().statuses()] == ["xa-xb/visas"]


def test_a_container_that_does_not_start_says_why_and_is_removed(image: str, tmp_path: Path) -> None:
    (tmp_path / "relation.yaml").write_text(FIXTURE.replace("RelationOpened", "RelationOpend"), encoding="utf-8")
    name = f"irritants-test-{uuid.uuid4().hex[:8]}"
    container = IrritantsContainer(image, seeds=tmp_path).with_name(name)
    with pytest.raises(ServiceError, match=rf"\n{tmp_path}/relation.yaml:4:\d+:.*RelationOpened"), container:
        pass
    assert name not in run("docker", "ps", "--all", "--format", "{{.Names}}", folder=tmp_path)


def test_an_empty_folder_is_named_by_its_path_on_this_machine(image: str, tmp_path: Path) -> None:
    with (
        pytest.raises(ServiceError, match=rf"\n{tmp_path}: the folder is empty"),
        IrritantsContainer(image, seeds=tmp_path),
    ):
        pass
    (tmp_path / "README.md").write_text("Reports come later.", encoding="utf-8")
    (tmp_path / "drafts").mkdir()
    with (
        pytest.raises(ServiceError, match=rf"\n{tmp_path}: the folder has no report"),
        IrritantsContainer(image, seeds=tmp_path),
    ):
        pass
    with pytest.raises(ServiceError, match=f"^{tmp_path}/nothing: cannot be read: No such file or directory$"):
        IrritantsContainer(image, seeds=tmp_path / "nothing")


def test_a_container_that_is_not_running_has_no_address(image: str) -> None:
    with IrritantsContainer(image, seeds="none") as service:
        assert list(service.client().statuses()) == []
    with pytest.raises(ServiceError):
        service.reset()
