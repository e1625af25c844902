"""Output for people: three marks on a terminal, plain text in a pipe, help with examples, completion, exit codes."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from service.cli import drawing, terminal
from service.cli.main import EXIT_CODE_MEANINGS, app
from service.cli.terminal import Exit, progress, working
from tests.cli.conftest import Desk, irritants
from tests.cli.test_filing import THIRD_ROUND
from tests.programs import Program, ran

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
COMMANDS = (
    *("serve", "migrate", "report", "status", "history", "changes", "sheet", "verify", "rebuild", "export", "import"),
    *("openapi", "correct", "retract", "handling", "evidence", "checkpoint"),
    *("key create", "key generate", "key list", "key revoke", "label add", "label list"),
    *("board", "matrix", "ledger", "needs-confirmation", "corroboration", "registers", "rounds", "calendar"),
    *("reports", "search"),
    *("attribute", "draft", "dossier", "assertions", "cite", "difference", "relay", "get"),
    *("new relation", "new irritant", "new round", "new organisation", "new person"),
)
ON_THE_DATABASE = (
    *("serve", "migrate", "rebuild", "openapi", "key generate", "key list", "key revoke", "label add", "label list"),
)


def on_a_terminal(*arguments: str, columns: int = 100) -> str:
    """Return all that the command writes to a terminal with so many columns."""
    written, code = answered_on_a_terminal(*arguments, columns=columns)
    assert code == 0, written
    return written


def answered_on_a_terminal(*arguments: str, columns: int = 100) -> tuple[str, int]:
    """Return all that the command writes to a terminal with so many columns, and its exit code."""
    terminal, theirs = pty.openpty()
    shown = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    with Program(arguments, out=theirs, err=theirs, env=shown) as program:
        os.close(theirs)
        written = b"".join(_read(terminal)).decode()
        os.close(terminal)
        code = program.wait()
    return written.replace("\r\n", "\n"), code


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            return
        if not chunk:
            return
        yield chunk


def test_on_a_terminal_the_three_marks_of_the_board_differ_in_shape(reader: Desk) -> None:
    drawn = on_a_terminal("status")
    plain = ESCAPES.sub("", drawn)
    assert drawn != plain
    rows = {line.split("  ")[0]: line[50:].rstrip() for line in plain.splitlines()}
    assert rows["Banking access of the missions"].endswith(" ·    ·    ·    ·    ■    ◆○   ·    ·")
    assert rows["Russian diplomatic property in the United States"].endswith(" ■    ·    ◆    ○    ·    ·    ·    ·")
    assert "■ confirmed: what both sides say   ◆ claimed by a side   ○ reported" in plain
    assert max(map(len, plain.splitlines())) <= 100


@pytest.mark.parametrize("command", [("board",), ("status",), ("status", "ru-us/visas"), ("matrix",)])
def test_a_terminal_of_80_columns_shows_rungs_and_dates_in_whole_words(reader: Desk, command: tuple[str, ...]) -> None:
    plain = ESCAPES.sub("", on_a_terminal(*command, columns=80))
    assert max(map(len, plain.splitlines())) <= 80
    assert not re.search(r"\b(undr|form|impl|reso|rais|prop)\b", plain)
    assert "understanding" in plain
    if command != ("matrix",):
        assert "on or after 10 April 2025" in re.sub(r"\s+", " ", plain)
    assert "[2025-" not in plain


def test_in_a_pipe_there_is_neither_colour_nor_wrapping(reader: Desk) -> None:
    piped = ran(["history", "ru-us/banking-access"])
    assert piped.stdout == reader.done("history", "ru-us/banking-access")
    assert ESCAPES.sub("", piped.stdout) == piped.stdout
    assert all(line == line.rstrip() for line in piped.stdout.splitlines())


def test_history_on_a_terminal_strikes_through_retracted_events(desk: Desk) -> None:
    desk.done("retract", "ru-us/visas@3", "--reason", "A slip")
    drawn = on_a_terminal("history", "ru-us/visas")
    assert re.search(r"\x1b\[2;9mMore steps on visa procedures", drawn) or re.search(r"\x1b\[[0-9;]*9m", drawn)
    assert "✗" in ESCAPES.sub("", drawn)


def test_long_work_of_unknown_length_is_reported_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with working("filing 5 events"):
        pass
    monkeypatch.setattr(terminal, "_LONG_SECONDS", 0)
    with working("filing 5,000 events"):
        time.sleep(0.2)
    assert capsys.readouterr().err == "filing 5,000 events …\n"


def test_long_work_shows_a_bar_on_a_terminal(desk: Desk) -> None:
    shown = ESCAPES.sub("", on_a_terminal("verify", "--documents", "--database", desk.database_url))
    assert re.search(r"verifying events ━+ 127/127", shown)
    assert re.search(r"replaying documents ━+ 127/127", shown)


def test_long_work_reports_each_tenth_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("rebuilding") as done:
        for number in range(0, 5_001, 250):
            done(number, 5_000)
    said = capsys.readouterr().err.splitlines()
    assert said == [f"rebuilding: {tenth * 500:,} of 5,000" for tenth in range(1, 10)]


def test_filing_shows_its_progress_on_a_terminal(desk: Desk) -> None:
    shown = on_a_terminal("report", str(desk.write("third.yaml", THIRD_ROUND)), "--dry-run")
    assert "filing 4 events" in shown
    assert "Dry run: 4 events" in shown


def test_a_report_may_come_from_standard_input(desk: Desk) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "report", "-"],
        input=THIRD_ROUND,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "Recorded: 4 events" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_json_option(command: str) -> None:
    told = irritants(*command.split(), "--help")
    assert told.code == 0
    assert "--json" in told.out


def test_every_command_is_listed_here() -> None:
    top = get_command(app)
    groups = {"key", "label", "new"}
    names = {name for name in top.commands if name not in groups}  # type: ignore[attr-defined]
    names |= {f"{group} {name}" for group in groups for name in top.commands[group].commands}  # type: ignore[attr-defined]
    assert names == set(COMMANDS)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ON_THE_DATABASE])
def test_help_has_examples(command: str) -> None:
    told = irritants(*command.split(), "--help").out
    assert "Examples:" in told
    assert f"irritants {command}" in told.partition("Examples:")[2]


def test_the_help_lists_every_exit_code() -> None:
    told = " ".join(irritants("--help").out.split())
    assert EXIT_CODE_MEANINGS.keys() == set(Exit)
    assert all(f"{code.value} {meaning}" in told for code, meaning in EXIT_CODE_MEANINGS.items())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell: str) -> None:
    environment = {**os.environ, "_IRRITANTS_COMPLETE": f"source_{shell}"}
    script = subprocess.run(
        [sys.executable, "-c", "from service.cli.main import app; app(prog_name='irritants')"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout
    assert "_IRRITANTS_COMPLETE" in script


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its name."""
    top = get_command(app)
    assert isinstance(top, TyperGroup)
    for name, command in top.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {sub}", below) for sub, below in command.commands.items())
        else:
            yield name, command


def test_an_option_with_one_value_cannot_be_repeated() -> None:
    tried = 0
    for words, command in commands():
        for option in command.params:
            if isinstance(option, TyperOption) and not (option.is_flag or option.multiple):
                ended = irritants(*words.split(), option.opts[0], "1", option.opts[0], "2")
                assert ended.code == Exit.USAGE
                assert f"{option.opts[0]} is given 2 times; give it once." in ended.err, words
                tried += 1
    assert tried > 50


def test_scopes_of_a_key_are_combined(desk: Desk) -> None:
    where = ("--database", desk.database_url, "--json")
    made = desk.done("key", "create", "anna", "--scope", "report", "--scope", "read", "--scope", "report", *where)
    assert json.loads(made)["scopes"] == ["read", "report"]


@pytest.mark.parametrize(
    "changes",
    [
        ("summary=One", "summary=Other"),
        ("asserted_by.person=One", "asserted_by.person=Other"),
        ("asserted_by=null", "asserted_by.person=Other"),
        ("asserted_by.person=One", "asserted_by=null"),
    ],
)
def test_a_correction_that_gives_a_field_twice_is_refused(desk: Desk, changes: tuple[str, str]) -> None:
    first, second = changes
    ended = desk.run("correct", "ru-us/visas@3", "--set", first, "--set", second, "--reason", "A slip")
    assert ended.code == Exit.USAGE
    assert "two values; give it one" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("sheet", "ru-us/istanbul-april", "--markdown", "--json"),
        ("board", "--csv", "--json"),
        ("report", "--template", "ru-us/moscow", "--dry-run"),
        ("report", "--template", "ru-us/moscow", "--json"),
        ("verify", "--public-key", "00"),
    ],
    ids=" ".join,
)
def test_an_option_that_would_be_ignored_is_refused(reader: Desk, arguments: tuple[str, ...]) -> None:
    assert reader.run(*arguments).code == Exit.USAGE


def test_a_long_row_in_a_pipe_is_not_wrapped(desk: Desk) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    relations = [f"{one}{other}-us" for one in letters for other in letters if one + other != "us"] * 4
    desk.key("read", name="wide", relations=tuple(relations))
    (row,) = (line for line in desk.done("key", "list", "--database", desk.database_url).splitlines() if "wide" in line)
    assert ", ".join(relations) in row
    assert len(row) > 10_000


def test_a_label_is_separated_from_its_value(desk: Desk) -> None:
    reversal = THIRD_ROUND.replace("UnderstandingReported", "ProgressReversed").replace(
        "    terms: Visas within sixty days\n    summary",
        "    to: raised\n    by: RU\n    reason: A change\n    summary",
    )
    # The side that stands higher goes back, because a reversal by the other would have no effect.
    reversal = reversal.replace("party: US", "party: RU")
    shown = desk.done("report", desk.write("third.yaml", reversal), "--dry-run")
    assert "  regressions 0 → 1\n" in shown
    assert drawing.label("regressions", 10)[0] == "  regressions "
    assert drawing.label("hold", 10)[0] == "  hold       "


def test_an_unknown_option_is_a_usage_error() -> None:
    assert irritants("status", "--as-of-postion", "5").code == Exit.USAGE


@pytest.mark.parametrize(
    ("where", "code", "told"),
    [
        (">/dev/full", Exit.UNWRITTEN, "irritants: standard output: No space left on device\n"),
        (">&-", Exit.DONE, ""),
    ],
    ids=["a full disk", "closed"],
)
def test_a_closed_or_full_output_causes_no_traceback(where: str, code: Exit, told: str) -> None:
    command = ["sh", "-c", f'exec "$0" -m service openapi --reports {where}', sys.executable]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (ended.returncode, ended.stderr) == (code, told)
