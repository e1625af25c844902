"""The package as users install it: the contents of the wheel, and a run far from the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import httpx2
import pytest

from service.web.guides import GUIDES
from tests.cli.conftest import irritants

ROOT = Path(__file__).parents[1]
FOLDERS = ("service", "migrations", "openapi", "seeds")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
COPY_VERSION = "9.9.9"
HATCHLING = (sys.executable, "-m", "hatchling")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
OFFLINE = ("--quiet", "--no-index", "--no-deps")


class Built(NamedTuple):
    wheel: Path
    sdist: Path


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program without the settings and the import path of the suite. Return its output."""
    done = subprocess.run(command, cwd=cwd, env=environment(), check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("IRRITANTS_", "PYTHON"))}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout of another version, never installed, so the suite's installation cannot serve for it."""
    folder = tmp_path_factory.mktemp("checkout") / "irritants"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "dist", "__pycache__"))
    project = folder / "pyproject.toml"
    text = project.read_text(encoding="utf-8").replace(f'\nversion = "{VERSION}"\n', f'\nversion = "{COPY_VERSION}"\n')
    project.write_text(text, encoding="utf-8")
    for name in FOLDERS:
        compiled = folder / name / "__pycache__" / "left_over.pyc"
        compiled.parent.mkdir()
        compiled.touch()
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path) -> Built:
    run(*HATCHLING, "build", "-d", "dist", cwd=checkout)
    (wheel,), (sdist,) = checkout.glob("dist/*.whl"), checkout.glob("dist/*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs of a new environment with the wheel and the dependencies of the suite."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    run(*PIP, "--python", python, "install", *OFFLINE, built.wheel, cwd=folder.parent)
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder.parent)
    # Python ignores .pth files in a folder that a .pth names, so the editable installation is not on the path.
    (Path(packages.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "bin"


def test_the_command_prints_the_version_of_the_project() -> None:
    assert irritants("--version").out == f"irritants {VERSION}\n"


def test_the_image_is_built_from_all_files_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], "pyproject.toml"}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert needed - sent == set()


def test_the_contract_and_the_changelog_have_the_version_of_the_project() -> None:
    contract = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[(\d.*?)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert (contract["info"]["version"], releases[0]) == (VERSION, VERSION)


def test_the_image_has_the_version_of_the_project_in_name_and_label() -> None:
    *_comments, command = run("make", "--dry-run", "--no-print-directory", "image", cwd=ROOT).splitlines()
    assert f" VERSION={VERSION} --tag irritants:{VERSION} " in command
    assert 'version="$VERSION"' in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_a_checkout_that_was_never_installed_knows_its_version(checkout: Path) -> None:
    assert run(sys.executable, "-m", "service", "--version", cwd=checkout) == f"irritants {COPY_VERSION}\n"


@pytest.mark.slow
def test_the_wheel_contains_the_whole_service_and_nothing_else(checkout: Path, built: Built) -> None:
    expected = {
        f"{'' if name == 'service' else 'service/'}{file.relative_to(checkout)}"
        for name in FOLDERS
        for file in (checkout / name).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    expected |= {f"service/docs/{guide}.md" for guide in GUIDES}
    assert built.wheel.name.startswith(f"irritants-{COPY_VERSION}-")
    with ZipFile(built.wheel) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == expected
    assert {"service/py.typed", "service/openapi/openapi.json", "service/openapi/report.schema.json"} <= packed
    assert {name.split("/")[1] for name in packed} >= {"migrations", "seeds", "web"}
    assert not [name for name in packed if "tests" in name or "/test_" in name]


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    run(*PIP, "wheel", *OFFLINE, "--no-build-isolation", built.sdist, cwd=tmp_path)
    assert (tmp_path / built.wheel.name).read_bytes() == built.wheel.read_bytes()


@pytest.mark.slow
def test_the_installed_wheel_serves_the_five_irritants_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "irritants", "--version", cwd=tmp_path) == f"irritants {COPY_VERSION}\n"
    command = (installed / "irritants", "serve", "--port", "0", "--json")
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            with httpx2.Client(base_url=json.loads(process.stdout.readline())["address"], timeout=30) as client:
                assert len(client.get("/v1/irritants").json()["items"]) == 5
                assert client.get("/openapi.json").json()["info"]["version"] == COPY_VERSION
                page = client.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
                assert (page.status_code, "Banking" in page.text) == (200, True)
        finally:
            process.terminate()
    assert process.returncode == 0
    assert [file.name for file in tmp_path.iterdir()] == [".irritants"]
