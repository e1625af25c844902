"""Texts as nodes with a place: what is said of each value, and what no text gets past."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service import marked
from service.marked import Node, Unreadable, read


def plain(node: Node) -> Any:
    match node.value:
        case dict() as inner:
            return {key: plain(value) for key, value in inner.items()}
        case list() as inner:
            return [plain(value) for value in inner]
        case value:
            return value


def places(text: str) -> dict[str, tuple[int, int]]:
    """The line and column of every value."""
    found = read(text)

    def walk(node: Node) -> Iterator[Node]:
        yield node
        match node.value:
            case dict() as inner:
                children = [*inner.values()]
            case list() as inner:
                children = inner
            case _:
                children = []
        for child in children:
            yield from walk(child)

    mistakes = [found.mistake(node.at, node.pointer, "") for node in walk(found.root)]
    return {mistake.pointer: (mistake.line, mistake.column) for mistake in mistakes}


def complaints(text: str) -> list[tuple[int, int, str, str]]:
    return [(m.line, m.column, m.pointer, m.detail) for m in read(text).mistakes]


def refusal(text: str) -> str:
    with pytest.raises(Unreadable) as refused:
        read(text)
    return str(refused.value)


@pytest.fixture(params=["in C", "in Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the parser in C is not built, the slower one must say the same."""
    if request.param == "in Python":
        monkeypatch.setattr(marked, "_LOADER", yaml.SafeLoader)


@pytest.mark.parametrize("scalar", ["NO", "no", "12:30", "2025-04-10", "010", "1e3", "~", "true", "=", "<<", "../2025"])
def test_a_scalar_of_yaml_stays_the_text_that_was_written(scalar: str) -> None:
    node = read(f"field: {scalar}").root
    assert plain(node) == {"field": scalar}
    assert isinstance(node.value, dict)
    assert node.value["field"].plain


@pytest.mark.parametrize("quoted", ["'NO'", '"NO"', "|-\n  NO", ">-\n  NO"])
def test_a_quoted_one_is_not_plain(quoted: str) -> None:
    node = read(f"field: {quoted}").root
    assert plain(node) == {"field": "NO"}
    assert isinstance(node.value, dict)
    assert not node.value["field"].plain


def test_every_value_has_its_line_and_column() -> None:
    assert places("# a comment\ntitle: Café 😀 ÿ\nevents:\n  - {a/b: x, c~d: [1, 'é', 2]}\n") == {
        "": (2, 1),
        "/title": (2, 8),
        "/events": (4, 3),
        "/events/0": (4, 5),
        "/events/0/a~1b": (4, 11),
        "/events/0/c~0d": (4, 19),
        "/events/0/c~0d/0": (4, 20),
        "/events/0/c~0d/1": (4, 23),
        "/events/0/c~0d/2": (4, 28),
    }
    assert places('{\r\n\t"a": ["\\ud83d\\ude00",\r\n 17]}') == {
        "": (1, 1),
        "/a": (2, 7),
        "/a/0": (2, 8),
        "/a/1": (3, 2),
    }


def test_json_keeps_its_types() -> None:
    text = '{"a": [1, -2.5, 1e3, true, false, null, "x\\n\\ud83d\\ude00", {}, []], "b": ""}'
    assert plain(read(text).root) == json.loads(text)


scalars = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_json_is_read_as_others_read_it(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent="\t")):
        try:
            assert plain(read(text).root) == value
        except Unreadable as unreadable:
            assert "nested" in str(unreadable)  # noqa: PT017


@given(st.text(alphabet=st.sampled_from("ab01 :-?[]{},#&*!|>'\"%@`\n\t\\~.\x00\ud800é\ufeff")) | st.text())
def test_any_text_is_read_or_is_refused_with_its_place(text: str) -> None:
    try:
        mistakes = read(text).mistakes
    except Unreadable as unreadable:
        mistakes = [unreadable.mistake]
    lines = text.split("\n")
    for mistake in mistakes:
        assert mistake.line <= len(lines)
        assert 1 <= mistake.column <= len(lines[mistake.line - 1]) + 1


def test_anchors_aliases_tags_and_double_keys_are_all_complained_of() -> None:
    assert complaints("a: &x 1\nb: *x\nc: !!int 3\nd: &y [2]\na: 2\n") == [
        (1, 4, "/a", "an anchor; no alias to it is taken."),
        (2, 4, "/b", "an alias; write out what it stands for."),
        (3, 4, "/c", "a tag; the field says what the value is."),
        (4, 4, "/d", "an anchor; no alias to it is taken."),
        (5, 4, "/a", "the key `a` is there twice."),
    ]
    assert complaints('{"a": 1, "b": {"a": 2, "a": 3}}') == [(1, 29, "/b/a", "the key `a` is there twice.")]


def test_of_two_values_with_one_key_the_first_stays() -> None:
    assert plain(read("a: 1\na: 2").root) == {"a": "1"}


def test_what_cannot_be_stored_is_complained_of() -> None:
    cannot = "has a NUL or half of a surrogate pair, which cannot be stored."
    assert complaints('{"a": "\\u0000", "b": "\\ud800", "\\udc00": "c"}') == [
        (1, 7, "/a", cannot),
        (1, 22, "/b", cannot),
        (1, 42, "/\udc00", cannot),
    ]
    assert complaints('a: "x\\0"') == [(1, 4, "/a", cannot)]
    assert complaints('{"a": 1e999}') == [(1, 7, "/a", "a number beyond all measure.")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1, column 1: the file is empty"),
        ("# nothing\n", "line 1, column 1: the file is empty"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document; a file holds one"),
        ("a: 1\n? [b]\n: c\n", "line 2, column 3: a key that is no plain text"),
        ("a: 1\n&x b: c\n", "line 2, column 1: a key that is no plain text"),
        ("a: 1\n*x : c\n", "line 2, column 1: a key that is no plain text"),
        ("a: 1\nb: \x07\n", "line 2, column 4: a control character, which YAML does not take"),
        ("a:\n" + "- " * 20, "line 2, column 31: nested more than 16 deep"),
        ("[" * 1_000_000, "line 1, column 17: nested more than 16 deep"),
        ('{"a":' * 1_000_000, "line 1, column 81: nested more than 16 deep"),
        ("{", "line 1, column 2: not JSON: expected a key in double quotes"),
        ("{'a': 1}", "line 1, column 2: not JSON: expected a key in double quotes"),
        ('{"a": 1,}', "line 1, column 9: not JSON: expected a key in double quotes"),
        ('{"a" 1}', "line 1, column 6: not JSON: expected a colon"),
        ('{"a": 1 "b": 2}', "line 1, column 9: not JSON: expected a comma or }"),
        ('{"a": [1 2]}', "line 1, column 10: not JSON: expected a comma or ]"),
        ('{"a": NaN}', "line 1, column 7: not JSON: expected a value"),
        ('{"a": 01}', "line 1, column 8: not JSON: expected a comma or }"),
        ('{"a": }', "line 1, column 7: not JSON: expected a value"),
        ('{"a": 1}\nx', "line 2, column 1: not JSON: something follows the closing brace"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, why: str) -> None:
    assert refusal(text) == f"{why}."


def test_the_errors_of_the_parsers_have_their_place_too() -> None:
    assert refusal("a: 1\nb: [1\n").startswith("line 3, column 1: not YAML: ")
    assert refusal('{"a": "x\n"}').startswith("line 1, column 9: not JSON: ")
    assert refusal("%YAML " + "9" * 5_000 + "\n---\na: 1").startswith("line 1, column ")


def test_a_colon_in_a_text_gets_the_hint_to_quote_it() -> None:
    assert refusal("summary: Notes: exchanged").endswith("; a text with a colon and a space goes in quotes.")


def test_a_short_text_cannot_be_blown_up() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    assert {detail for *_, detail in complaints(bomb)} == {
        "an anchor; no alias to it is taken.",
        "an alias; write out what it stands for.",
    }


def test_more_values_than_the_largest_report_has_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marked, "MAX_NODES", 100)
    assert len(plain(read("- a\n" * 99).root)) == 99
    assert refusal("- a\n" * 100) == "line 100, column 3: more than 100 values."
    assert refusal(json.dumps({"a": [0] * 99})).endswith("more than 100 values.")
