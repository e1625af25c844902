"""The documentation matches the repository: its links, paths and commands. No sentence is too long."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from service.cli.main import app

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("docs", "service", "tests")
PAGES: Final = sorted([*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))])
INDEX: Final = ROOT / "docs" / "README.md"
HISTORY: Final = ROOT / "CHANGELOG.md"
OF_THE_SERVICE: Final = ROOT / "service"
MOST_WORDS: Final = 40
"""Words in a sentence. The aim is about 20. This limit only finds sentences that are hard to follow."""

FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE: Final = re.compile(r"`([^`\n]+)`")
PATHS: Final = re.compile(r"(?<![\w/.-])(?:docs|migrations|openapi|proxy|seeds|service|tests)/[\w./-]*[\w/]")


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return FENCE.sub("", text(page))


def code(page: Path) -> str:
    """Return the commands of a page, from code blocks and from code within sentences."""
    return re.sub(r"\s#.*", "", "\n".join([*FENCE.findall(text(page)), *CODE.findall(prose(page))]))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sentences(page: Path) -> Iterator[str]:
    """Yield the sentences of paragraphs and lists. Tables, headings and indented code have none."""
    lines = [line for line in prose(page).splitlines() if not line.startswith(("|", "#", "    "))]
    for paragraph in re.split(r"\n\s*\n|\n\s*(?=(?:[*-]|\d+\.) )", "\n".join(lines)):
        yield from re.split(r"(?<=[.!?])\s+", CODE.sub("code", LINK.sub("link", paragraph)).strip())


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=name)
def test_every_path_in_code_exists(page: Path) -> None:
    named = {path for span in CODE.findall(prose(page)) for path in PATHS.findall(span) if "NNNN" not in path}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_of_make_and_of_the_service_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", text(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code(page))) <= targets
    commands = set(getattr(get_command(app), "commands", {}))
    assert set(re.findall(r"(?:^|bin/|\s)irritants ([a-z][a-z-]*)", code(page), re.MULTILINE)) <= commands


def test_the_index_lists_every_page_once() -> None:
    listed = [(INDEX.parent / link).resolve() for link in LINK.findall(text(INDEX))]
    assert len(listed) == len(set(listed))
    assert {*PAGES} - {INDEX, ROOT / "README.md"} == set(listed)


@pytest.mark.parametrize("page", [page for page in PAGES if OF_THE_SERVICE not in page.parents], ids=name)
def test_no_sentence_is_too_long_to_follow(page: Path) -> None:
    assert [sentence for sentence in sentences(page) if len(sentence.split()) > MOST_WORDS] == []


def test_no_message_of_a_page_shows_a_regular_expression() -> None:
    messages = sorted((OF_THE_SERVICE / "web" / "messages").rglob("*.toml"))
    assert messages
    shown = [
        line for path in messages for line in text(path).splitlines() if re.search(r"\[a-z|\^\[|\\[dw]|\(\?", line)
    ]
    assert shown == []


def make(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Run make with the Python environment of the suite, without the suite's own variables."""
    others = {k: v for k, v in os.environ.items() if not k.startswith(("IRRITANTS_", "MAKE", "MFLAGS", "PYTEST_"))}
    command = ["make", *arguments, f"BIN={Path(sys.executable).parent}", "-o", ".venv/.installed"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**others, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )


@pytest.mark.slow
def test_the_first_command_serves_the_first_request(tmp_path: Path) -> None:
    (request,) = re.findall(r"^curl .*$", text(ROOT / "docs" / "running.md"), re.MULTILINE)
    assert "make run" in code(ROOT / "README.md")
    with make("run", IRRITANTS_HOME=str(tmp_path / "record"), IRRITANTS_PORT="0") as service:
        try:
            assert service.stdout is not None
            address = next(found[0] for line in service.stdout if (found := re.findall(r"http://127[\d.:]+\d", line)))
            asked = request.replace("http://127.0.0.1:8000", address)
            answered = subprocess.run(asked, shell=True, check=True, capture_output=True, encoding="utf-8").stdout
        finally:
            os.killpg(service.pid, signal.SIGTERM)
            service.communicate()
    assert '"confirmed_status":"understanding"' in answered


@pytest.mark.slow
def test_the_second_command_runs_the_tests() -> None:
    assert "make test" in code(ROOT / "README.md")
    few = {"PYTEST_ADDOPTS": "tests/domain/test_edtf.py", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"}
    with make("test", **few) as suite:
        said, _ = suite.communicate()
    assert (suite.returncode, "passed" in said) == (0, True)
