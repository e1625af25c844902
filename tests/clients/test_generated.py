"""Clients generated from the committed contract by the commands in docs/generated-clients.md.

Each is generated in an empty folder, as a user would. With a real server it reads a status, waits for its change, and
reads all events from a position.
"""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import needed
from tests.api.serving import Served
from tests.clients.conftest import file

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "generated-clients.md").read_text(encoding="utf-8")
UNREACHABLE = re.compile(
    r"ENOTFOUND|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|EAI_AGAIN|Failed to establish a new connection|ConnectTimeoutError"
)
MISTAKEN = """
import type { components } from "./irritants.js";
declare const irritant: components["schemas"]["IrritantDocument"];
declare const event: components["schemas"]["CloudEvent"];
// @ts-expect-error: there is no such rung
irritant.status === "in_tlks";
// @ts-expect-error: there is no such field
irritant.confirmd_status;
// @ts-expect-error: it may be null
irritant.recorded_at.length;
// @ts-expect-error: another type of event has that
if (event.data.type === "InstrumentExchanged") event.data.act;
"""
"""Code that the types must reject. If they accept it, `@ts-expect-error` is an error itself."""

HARMLESS = (
    "OpenAPI 3.1 support is still in beta",  # printed for every contract in 3.1
    "Failed to get the schema name: null",  # printed for objects without further members (additionalProperties: false)
    "From (reserved word) cannot be used as model name",  # the parameter `from`, of which no model is made
)
"""What OpenAPI Generator warns of and makes no difference to the client."""
EVERY_MODULE = """
import importlib, pkgutil, irritants
for module in pkgutil.walk_packages(irritants.__path__, "irritants."):
    importlib.import_module(module.name)
"""

pytestmark = pytest.mark.slow
Run = Callable[[str], str]


@pytest.fixture
def run(server: Served, tmp_path: Path) -> Run:
    """Return a function that runs commands of the page in an empty folder."""

    def run(commands: str) -> str:
        shell = ["sh", "-c", f"set -eu\n{at(server, commands)}"]
        ended = subprocess.run(shell, capture_output=True, encoding="utf-8", cwd=tmp_path, timeout=300, check=False)
        if ended.returncode and UNREACHABLE.search(ended.stderr) and not needed.REQUIRED:
            pytest.skip("no registry of packages can be reached")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    return run


def at(server: Served, text: str) -> str:
    return text.replace("http://127.0.0.1:8000", server.url)


def blocks(heading: str, language: str) -> list[str]:
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def generated_from_what_is_checked_in(folder: Path) -> bool:
    used, checked_in = ((folder / "openapi.json"), ROOT / "openapi" / "openapi.json")
    return bool(json.loads(used.read_text(encoding="utf-8")) == json.loads(checked_in.read_text(encoding="utf-8")))


def follows(command: list[str], server: Served, key: str, folder: Path) -> bool:
    """Return whether a program prints the status of banking, its change by a new report, and all new events."""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as program:
        assert program.stdout is not None
        before = program.stdout.readline()
        file(server, key)
        after, failure = program.communicate(timeout=60)
    assert program.returncode == 0, failure
    first, second, *events = (before + after).splitlines()
    assert [first, second] == ["formalised understanding one_side", "implementing understanding one_side"]
    assert [int(event.split()[0]) for event in events] == list(range(121, 129))
    return events[-1] == "128 Accounts were opened"


def complaints(generating: str) -> list[str]:
    """Return warnings and errors in the output of OpenAPI Generator."""
    lines = [line for line in generating.splitlines() if re.search(r"\b(WARN|ERROR)\b|Exception", line)]
    return [line for line in lines if not any(harmless in line for harmless in HARMLESS)]


def test_types_for_typescript(server: Served, run: Run, key: str, tmp_path: Path) -> None:
    needed.program("npm")
    generating, using = blocks("Types for TypeScript", "sh")
    (program,) = blocks("Types for TypeScript", "ts")
    compiling, running = using.splitlines()
    run(generating)
    assert generated_from_what_is_checked_in(tmp_path)
    (tmp_path / "follow.mts").write_text(at(server, program), encoding="utf-8")
    run(compiling)
    assert follows(running.split(), server, key, tmp_path)
    (tmp_path / "follow.mts").write_text(MISTAKEN, encoding="utf-8")
    run(compiling)


def test_a_client_for_python(server: Served, run: Run, key: str, tmp_path: Path) -> None:
    (generating,) = blocks("A client for Python", "sh")
    (program,) = blocks("A client for Python", "python")
    run(generating)
    assert generated_from_what_is_checked_in(tmp_path)
    (tmp_path / "follow.py").write_text(at(server, program), encoding="utf-8")
    assert follows(["generator/bin/python", "follow.py"], server, key, tmp_path)


def test_a_client_for_python_by_openapi_generator(server: Served, run: Run, key: str, tmp_path: Path) -> None:
    needed.program("java", "default-jre-headless")
    (generating,) = blocks("OpenAPI Generator for Python", "sh")
    (program,) = blocks("OpenAPI Generator for Python", "python")
    assert complaints(run(generating)) == []
    assert generated_from_what_is_checked_in(tmp_path)
    (tmp_path / "every.py").write_text(EVERY_MODULE, encoding="utf-8")
    run("generator/bin/python -W error every.py")
    (tmp_path / "follow.py").write_text(at(server, program), encoding="utf-8")
    assert follows(["generator/bin/python", "follow.py"], server, key, tmp_path)


def test_a_client_for_typescript_by_openapi_generator(server: Served, run: Run, key: str, tmp_path: Path) -> None:
    needed.program("npm")
    needed.program("java", "default-jre-headless")
    generating, using = blocks("OpenAPI Generator for TypeScript", "sh")
    (program,) = blocks("OpenAPI Generator for TypeScript", "ts")
    compiling, running = using.splitlines()
    assert complaints(run(generating)) == []
    assert generated_from_what_is_checked_in(tmp_path)
    (tmp_path / "follow.ts").write_text(at(server, program), encoding="utf-8")
    run(compiling)
    assert follows(running.split(), server, key, tmp_path)
