"""Mistakes in a command line: each says what is wrong, what is allowed and where the help is."""

import json

import pytest

from service.cli.terminal import Exit
from tests.cli.conftest import irritants


def refusal(*arguments: str) -> str:
    """Return what a command line is refused with, without the name of the program and the end of the line."""
    ended = irritants(*arguments)
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("irritants: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("search", "x", "--limit", "ten"), 'invalid --limit "ten"; use a whole number from 1 to 1000'),
        (("search", "x", "--limit", "0"), 'invalid --limit "0"; use a whole number from 1 to 1000'),
        (("changes", "--after", "-1"), 'invalid --after "-1"; use a whole number, at least 0'),
        (("evidence", "a@1", "--source", "b", "--count", "2.5"), 'invalid --count "2.5"; use a whole number'),
        (("status", "--date-match", "maybe"), 'invalid --date-match "maybe"; use possible or certain'),
        (("key", "create", "anna", "--scope", "write"), 'invalid --scope "write"; use read, report or admin'),
        (("import", "/missing.jsonl"), "invalid file: file '/missing.jsonl' does not exist; use another file"),
    ],
)
def test_a_wrong_value_is_shown_with_the_allowed_ones(arguments: tuple[str, ...], mistake: str) -> None:
    assert refusal(*arguments).startswith(f"{mistake}. Help: ")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("stauts",), 'unknown command "stauts"; the nearest: status'),
        (("key", "craete"), 'unknown command "craete"; the nearest: create'),
        (("label", "remove"), 'unknown command "remove"; known: add and list'),
        (("key", "show"), 'unknown command "show"; known: create, generate, list and revoke'),
        (("status", "--as-of-postion", "5"), "unknown option --as-of-postion; the nearest: --as-of-position"),
        (("status", "--as-of=5"), "unknown option --as-of; the nearest: --as-of-position"),
        (("key", "list", "-x"), "unknown option -x; known: --database, --json and --help"),
        (
            ("--url", "http://localhost", "status"),
            "unknown option --url; write the options of a command after the name of the command",
        ),
    ],
)
def test_an_unknown_name_is_shown_with_the_nearest_or_the_known_ones(arguments: tuple[str, ...], mistake: str) -> None:
    assert refusal(*arguments).startswith(f"{mistake}. Help: ")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("dossier",), "missing argument irritant; add an irritant, such as ru-us/visas"),
        (("search",), "missing argument WORD...; add words or their beginnings, in any script"),
        (("key", "create", "anna"), "missing option --scope; add it with a value: read, report or admin"),
        (("retract", "ru-us/visas@3"), "missing option --reason; add it with a value: reason, in one line"),
        (("search", "x", "--limit"), "--limit needs a value; write --limit N, a whole number from 1 to 1000"),
        (("search", "x", "--relation"), "--relation needs a value; write --relation VALUE"),
        (("key", "--"), "missing command; known: create, generate, list and revoke"),
    ],
)
def test_something_missing_is_named_with_its_meaning(arguments: tuple[str, ...], mistake: str) -> None:
    assert refusal(*arguments).startswith(f"{mistake}. Help: ")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (("openapi", "now"), 'unexpected argument "now"; irritants openapi takes no arguments'),
        (("sheet", "a", "b"), 'unexpected argument "b"; irritants sheet takes only one argument'),
        (
            ("new", "relation", "FR", "DZ", "NO"),
            'unexpected argument "NO"; irritants new relation takes only 2 arguments',
        ),
        (("status", "--csv=yes"), "unknown option --csv; known: --as-of-position, --known-at, "),
        (("status", "--json=yes"), "--json takes no value; write only --json"),
    ],
)
def test_something_unexpected_is_refused(
    arguments: tuple[str, ...], mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["irritants"])
    assert refusal(*arguments).startswith(mistake)


def test_a_refusal_names_the_command_that_prints_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["irritants"])
    assert refusal("key", "craete").endswith(". Help: irritants key --help")
    assert refusal("key", "revoke").endswith(". Help: irritants key revoke --help")


def test_a_refusal_escapes_control_characters() -> None:
    assert '"\\x1b[31mred"' in refusal("openapi", "\x1b[31mred")
    assert '"\\x1b[31mred"' in refusal("\x1b[31mred")
    assert "--\\x1b[31mred" in refusal("openapi", "--\x1b[31mred")


def test_a_refusal_is_json_with_json() -> None:
    ended = irritants("search", "x", "--limit", "ten", "--json")
    assert ended.code == Exit.USAGE
    assert json.loads(ended.out)["error"].startswith('invalid --limit "ten"; use a whole number from 1 to 1000.')


@pytest.mark.parametrize("group", [(), ("key",), ("label",), ("new",)], ids=["irritants", "key", "label", "new"])
def test_a_group_without_a_command_prints_its_help(group: tuple[str, ...]) -> None:
    ended = irritants(*group)
    assert (ended.code, ended.err) == (Exit.USAGE, "")
    assert "COMMAND [ARGS]" in ended.out


def test_help_comes_before_other_mistakes() -> None:
    ended = irritants("search", "--limit", "ten", "--help")
    assert (ended.code, ended.err) == (Exit.DONE, "")
