"""The documentation for users is true: tests write every file in it and run every command against a real server."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from service.cli.main import EXIT_CODE_MEANINGS
from tests.cli.conftest import Desk

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("handling.md", "keeping.md", "operators.md")]
OPERATORS = ROOT / "docs" / "operators.md"
BACKUP = ROOT / "docs" / "backup.md"
ANYTHING = re.compile(r"(?:\\ )*…(?:\\ )*")
BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Command(NamedTuple):
    """A shell command and its expected output, in which `…` stands for any text."""

    line: str
    says: str


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield block[1], block[2]


def commands(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, says = part.partition("\n")
        yield Command(line, says.strip("\n"))


def fits(said: str, page: str) -> bool:
    """Return whether output matches a page. `…` stands for any text in a line, and alone on a line for any lines."""
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line == "…" else ANYTHING.sub(r"[^\\n]*", re.escape(line)) + r"\n"
        for line in page.splitlines()
    )
    return re.fullmatch(pattern, f"{said}\n" if said else "") is not None


class Shell:
    """Run a line in the desk's folder: our commands in this process, all others in a shell."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        script = desk.folder / "bin" / "irritants"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        desk.monkeypatch.chdir(desk.folder)
        desk.monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
        desk.monkeypatch.setenv("PYTHONPATH", str(ROOT))
        desk.monkeypatch.setenv("IRRITANTS_DATABASE_URL", desk.database_url)

    def run(self, line: str) -> str:
        if line.startswith("irritants ") and not re.search(r"[$<>|&]", line):
            ended = self.desk.run(*shlex.split(line)[1:])
            return (ended.out + ended.err).strip("\n")
        done = subprocess.run(line, shell=True, capture_output=True, encoding="utf-8", check=False)
        return (done.stdout + done.stderr).strip("\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_prints_what_the_page_shows(page: Path, desk: Desk) -> None:
    shell, ran = Shell(desk), 0
    for kind, block in blocks(page):
        if kind == "yaml":
            name = block.partition("\n")[0].removeprefix("# ")
            desk.write(name, block)
            continue
        for command in commands(block):
            said = shell.run(command.line)
            assert fits(said, command.says), f"$ {command.line}\n{said}\n-- and the page says\n{command.says}"
            ran += 1
    assert ran


def test_the_commands_of_the_page_restore_an_export(desk: Desk, bare_database_url: str) -> None:
    Shell(desk)
    desk.monkeypatch.setenv("IRRITANTS_CHECKPOINT_KEY", str(desk.folder / "checkpoint.key"))
    page = BACKUP.read_text(encoding="utf-8").replace("postgresql://owner@db.example/new", bare_database_url)
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.partition("### From a dump")[0], re.MULTILINE | re.DOTALL)
    script = "".join(block for block in blocks if block.startswith("irritants "))
    done = subprocess.run(["sh", "-euc", script], check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert (script.count("irritants "), (desk.folder / "backup.jsonl").exists()) == (5, True)


def test_the_page_lists_every_exit_code() -> None:
    page = OPERATORS.read_text(encoding="utf-8")
    assert all(re.search(rf"^\| {code.value} \| [a-z]", page, re.MULTILINE) for code in EXIT_CODE_MEANINGS)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("a … c", "a b c"),
        ("a\n…\nc", "a\nc"),
        ("a\n…\nc", "a\nb\nb\nc"),
        ("a\n…", "a"),
        ("…\nc", "a\nb\nc"),
        ("[a]", "[a]"),
    ],
)
def test_output_that_matches_the_page(page: str, said: str) -> None:
    assert fits(said, page)


@pytest.mark.parametrize(("page", "said"), [("a … c", "a b\nc"), ("a", "a\nb"), ("a", ""), ("a\n…\nc", "a\nb")])
def test_output_that_does_not_match_the_page(page: str, said: str) -> None:
    assert not fits(said, page)
