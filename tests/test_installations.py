"""The package without extras: the client and commands over HTTP work, and the others say how to install the rest."""

import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from typer.main import get_command

from service.cli.main import app
from tests.api.bodies import VISAS, on, report
from tests.api.serving import Served, served
from tests.keys import new_key
from tests.test_package import environment

ROOT = Path(__file__).parents[1]
PACKAGES = Path(sysconfig.get_path("purelib"))
OF_THE_CLIENT = ("httpx2", "pydantic")
READ = (
    ("status",),
    ("status", "ru-us/visas"),
    ("history", "ru-us/visas"),
    ("dossier", "ru-us/visas"),
    ("cite", "ru-us/visas@2"),
    ("difference", "ru-us/visas", "--from", "position:90"),
    ("changes", "--since", "6 June 2025"),
    ("search", "visas"),
    ("get", "sources"),
    ("sheet", "ru-us/istanbul-april"),
    ("board", "ru-us"),
    ("matrix", "ru-us"),
    ("ledger", "ru-us"),
    ("needs-confirmation", "ru-us"),
    ("corroboration", "ru-us"),
    ("registers", "ru-us"),
    ("rounds", "ru-us"),
    ("reports", "ru-us"),
    ("calendar", "ru-us"),
    ("assertions", "ru-us/visas"),
)
NEED_THE_SERVICE = (
    ("serve",),
    ("migrate",),
    ("verify",),
    ("checkpoint",),
    ("rebuild",),
    ("export", "-"),
    ("import", str(ROOT / "pyproject.toml")),
    ("relay",),
    ("openapi",),
    ("key", "create", "anna", "--scope", "read"),
    ("key", "generate"),
    ("key", "list"),
    ("key", "revoke", "0123456789ab"),
    ("label", "add", "internal", "--above", "open"),
    ("label", "list"),
)


def required(names: Iterable[str]) -> set[str]:
    """Return the packages that these need, with their own needs, as pip would install them here."""
    found: set[tuple[str, str]] = set()
    wanted = [Requirement(name) for name in names]
    while wanted:
        requirement = wanted.pop()
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) in found:
                continue
            found.add((requirement.name, extra))
            needs = map(Requirement, distribution(requirement.name).requires or ())
            wanted += [need for need in needs if not need.marker or need.marker.evaluate({"extra": extra})]
    return {re.sub(r"[-_.]+", "-", name).lower() for name, _ in found}


def installed(folder: Path, names: Iterable[str]) -> Path:
    """Make an environment with this checkout and only these packages of the suite. Return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "checkout.pth").write_text(str(ROOT), encoding="utf-8")
    for name in required(names):
        tops = {file.parts[0] for file in distribution(name).files or () if file.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            (packages / top).symlink_to(PACKAGES / top)
    return folder / "bin" / "python"


def base() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("base") / "venv", base())


def run(python: Path, *arguments: str | Path, folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    env = {**environment(), **settings}
    return subprocess.run([python, *arguments], check=False, cwd=folder, env=env, capture_output=True, encoding="utf-8")


def test_the_base_installation_is_small() -> None:
    needed = required(base())
    assert len(needed) <= 30
    assert needed.isdisjoint(
        {"alembic", "fastapi", "psycopg", "sqlalchemy", "starlette", "uvicorn", "cryptography", "lxml"}
    )


def test_the_client_needs_two_packages_and_nothing_else_of_ours(shared_server: Served, tmp_path: Path) -> None:
    python = installed(tmp_path / "venv", OF_THE_CLIENT)
    program = """
import sys
from service.client import Irritants
with Irritants(sys.argv[1]) as irritants:
    print(irritants.status("ru-us/visas").status, len(list(irritants.follow_changes(wait=0))) > 0)
print({name.split(".")[1] for name in sys.modules if name.startswith("service.")})
"""
    ended = run(python, "-c", program, shared_server.url, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[1] == "{'client'}"


@pytest.mark.parametrize("command", READ, ids=" ".join)
def test_commands_that_read_work_without_the_service(
    python: Path, shared_server: Served, tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = run(python, "-m", "service", *command, folder=tmp_path, IRRITANTS_URL=shared_server.url)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    assert ended.stdout


def test_commands_that_report_work_without_the_service(python: Path, seeded_database_url: str, tmp_path: Path) -> None:
    key = new_key(seeded_database_url)
    body = report(on(VISAS, "ConcernRaised"))
    (tmp_path / "report.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")
    (tmp_path / "readout.txt").write_text(
        "A statement\n\nThe sides discussed visas on 6 June 2025.\n", encoding="utf-8"
    )
    with served(seeded_database_url) as server:
        settings = {"IRRITANTS_URL": server.url, "IRRITANTS_KEY": key}
        for command in (
            ("report", "report.yaml", "--dry-run"),
            ("report", "report.yaml"),
            ("report", "--template", "ru-us", "filled.yaml"),
            ("draft", "readout.txt", "--by", "Russia", "--relation", "ru-us"),
            ("new", "irritant", "ru-us", "A new matter"),
        ):
            ended = run(python, "-m", "service", *command, folder=tmp_path, **settings)
            assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"


def test_a_pdf_cannot_be_drafted_without_the_service_and_the_error_says_so(
    python: Path, shared_server: Served, tmp_path: Path
) -> None:
    (tmp_path / "readout.pdf").write_bytes(b"%PDF-1.4\n")
    command = ("draft", "readout.pdf", "--by", "Russia", "--relation", "ru-us")
    ended = run(python, "-m", "service", *command, folder=tmp_path, IRRITANTS_URL=shared_server.url)
    assert ended.returncode != 0
    assert "PDF cannot be read, because only the client is installed" in ended.stderr
    assert "[embedded]" in ended.stderr


@pytest.mark.parametrize("command", NEED_THE_SERVICE, ids=" ".join)
def test_commands_that_need_the_service_say_how_to_install_it(
    python: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = run(python, "-m", "service", *command, folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("irritants: this command needs the service, and only its client is installed")
    assert 'pip install "irritants-VERSION-py3-none-any.whl[embedded]"' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_command_is_tried_without_the_service() -> None:
    tried = {command[0] for command in (*READ, *NEED_THE_SERVICE)} | {"report", "draft", "new"}
    # These file a correction, as `report` does, and are made of the same parts.
    assert set(getattr(get_command(app), "commands", {})) - tried == {
        *("attribute", "correct", "evidence", "handling", "retract"),
    }


def test_a_process_for_tests_says_how_to_install_the_service(python: Path, tmp_path: Path) -> None:
    ended = run(python, "-c", "from service.testing import IrritantsProcess as P; P().start()", folder=tmp_path)
    assert "ServiceError: the service ended with exit code 2" in ended.stderr
    assert "[embedded]" in ended.stderr


def test_a_container_for_tests_says_how_to_install_its_extra(python: Path, tmp_path: Path) -> None:
    for module in ("service.testing", "service.testing.container"):
        ended = run(python, "-c", f"from {module} import IrritantsContainer", folder=tmp_path)
        said = ended.stderr.splitlines()[-1]
        assert said.startswith("ModuleNotFoundError: IrritantsContainer needs the package testcontainers. Install"), (
            said
        )
        assert said.endswith(' pip install "irritants-VERSION-py3-none-any.whl[testing]"')


def test_the_fixtures_for_tests_say_what_to_install(tmp_path: Path) -> None:
    python = installed(tmp_path / "venv", base())
    ended = run(python, "-c", "import service.testing.fixtures", folder=tmp_path)
    assert ended.stderr.splitlines()[-1] == "ModuleNotFoundError: these fixtures need pytest: pip install pytest"
    python = installed(tmp_path / "with-pytest", [*base(), "pytest"])
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["service.testing.fixtures"]\n', encoding="utf-8")
    (tmp_path / "test_one.py").write_text("def test_one(irritants):\n    pass\n", encoding="utf-8")
    ended = run(python, "-m", "pytest", "-p", "no:cacheprovider", folder=tmp_path)
    assert ended.returncode == 1
    assert "ServiceError: the service cannot run for tests, because neither extra is installed" in ended.stdout
    assert "`embedded` for a process or with `testing` for a container" in ended.stdout
