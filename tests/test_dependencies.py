"""Dependencies are pinned with hashes, the same in image and development, and each has a reason."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"]


def pins(lock: Path) -> dict[str, list[str]]:
    """Return the hashes of each `name==version`."""
    entries = re.findall(
        r"^(\S+==\S+)(?: ;.*)? \\\n((?:    --hash=.*\n?)+)", lock.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {pin: re.findall(r"sha256:[0-9a-f]{64}", hashes) for pin, hashes in entries}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_package_is_pinned_with_hashes_and_without_an_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("#", " "))]
    assert len(pins(lock)) == len(lines)
    assert all(pins(lock).values())
    assert "://" not in text


def test_the_image_runs_the_versions_that_the_suite_tests() -> None:
    image, development = map(pins, LOCKS)
    assert image.items() <= development.items()


def test_every_dependency_has_its_reason_in_a_comment() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    for requirement in (requirement for group in groups for requirement in group):
        assert re.search(rf'^ +"{re.escape(requirement)}", +# \S', text, re.MULTILINE), requirement


def test_every_imported_package_is_declared() -> None:
    """Another package may stop to bring one that is not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]
    declared = {_normalised(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}
    distributions = packages_distributions()
    undeclared = {
        f"{package} in {module.relative_to(ROOT)}"
        for module in [*(ROOT / "service").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
        for package in _imported(module)
        - sys.stdlib_module_names
        - {"service", "pytest"}  # a user of the fixtures has pytest
        if declared.isdisjoint(map(_normalised, distributions.get(package, ())))
    }
    assert undeclared == set()


def _imported(module: Path) -> set[str]:
    """The packages that a module imports, by their first names."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in names}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.slow
def test_no_version_in_the_image_has_a_known_vulnerability() -> None:
    audited = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("pip-audit")), "--disable-pip", "--require-hashes", "--format=json"),
            *("--requirement", str(LOCKS[0]), "--progress-spinner=off"),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    unreachable = re.search("requests.exceptions|Could not connect", audited.stderr)
    found = [] if unreachable else json.loads(audited.stdout)["dependencies"]
    if all("skip_reason" in dependency for dependency in found):
        pytest.skip("no advisories can be had here: `make audit` lists the versions to be reviewed by hand")
    assert [d for d in found if d.get("vulns") != []] == []
