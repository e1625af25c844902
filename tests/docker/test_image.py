"""The image: its labels, and the permissions of its files."""

import json
import subprocess
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
CONFINED = ("docker", "run", "--rm", "--read-only", "--network=none", "--cap-drop=ALL", "--user=54321:54321")

pytestmark = pytest.mark.docker


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    name = f"irritants-test-{uuid.uuid4().hex[:8]}"
    run("make", "image", f"IMAGE={name}")
    yield name
    run("docker", "image", "rm", name)


def test_the_label_names_the_version_that_the_image_runs(image: str) -> None:
    labels = json.loads(run("docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels["org.opencontainers.image.version"] == VERSION
    assert run(*CONFINED, image, "--version") == f"irritants {VERSION}\n"


def test_any_user_can_read_every_file_of_the_service(image: str) -> None:
    assert run(*CONFINED, "--entrypoint", "find", image, "/venv", "!", "-readable") == ""
    assert run(*CONFINED, "--entrypoint", "find", image, "/venv", "-name", "00-opening.yaml").count("\n") == 1
