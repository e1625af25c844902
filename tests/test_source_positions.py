"""YAML and JSON as nodes with positions: the place of each value, and the limits."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.source_positions import MAX_MISTAKES, Node, UnreadableText, from_yaml, read, source

ANCHOR = "anchors are not allowed; remove it, or put a text that begins with & in quotes."
ALIAS = "aliases are not allowed; write the value out, or put a text that begins with * in quotes."
LINE_BREAK = "contains a line break, but this field takes one line; use a space, or begin the YAML text with `>`."


def plain(node: Node) -> Any:
    match node.value:
        case dict() as inner:
            return {key: plain(value) for key, value in inner.items()}
        case list() as inner:
            return [plain(value) for value in inner]
        case value:
            return value


def places(text: str) -> dict[str, tuple[int, int]]:
    """Return the line and column of every value."""
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

    mistakes = [found.diagnostic_at(node.at, node.pointer, "") for node in walk(found.root)]
    return {mistake.pointer: (mistake.line, mistake.column) for mistake in mistakes}


def complaints(text: str) -> list[tuple[int, int, str, str]]:
    return [(m.line, m.column, m.pointer, m.detail) for m in read(text).mistakes]


def refusal(text: str) -> str:
    with pytest.raises(UnreadableText) as refused:
        read(text)
    return str(refused.value)


@pytest.fixture(params=["in C", "in Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower parser in Python must return the same as the one in C."""
    if request.param == "in Python":
        monkeypatch.setattr(from_yaml, "_LOADER", yaml.SafeLoader)


@pytest.mark.parametrize("scalar", ["NO", "no", "12:30", "2025-04-10", "010", "1e3", "~", "true", "=", "<<", "../2025"])
def test_a_scalar_of_yaml_stays_the_text_that_was_written(scalar: str) -> None:
    node = read(f"field: {scalar}").root
    assert plain(node) == {"field": scalar}
    assert isinstance(node.value, dict)
    assert node.value["field"].is_unquoted


@pytest.mark.parametrize("quoted", ["'NO'", '"NO"', "|-\n  NO", ">-\n  NO"])
def test_a_quoted_scalar_is_not_plain(quoted: str) -> None:
    node = read(f"field: {quoted}").root
    assert plain(node) == {"field": "NO"}
    assert isinstance(node.value, dict)
    assert not node.value["field"].is_unquoted


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
def test_json_is_read_as_by_the_standard_library(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent="\t")):
        try:
            assert plain(read(text).root) == value
        except UnreadableText as unreadable:
            assert "nested" in str(unreadable)  # noqa: PT017


@given(
    st.text(alphabet=st.sampled_from("ab01 :-?[]{},#&*!|>'\"%@`\n\t\\~.\x00\ud800é😀\r\x85\u2028\ufeff")) | st.text()
)
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        mistakes = read(text).mistakes
    except UnreadableText as unreadable:
        mistakes = list(unreadable.mistakes)
    lines = re.split("\r\n?|\n", text)
    for mistake in mistakes:
        assert mistake.line <= len(lines)
        assert 1 <= mistake.column <= len(lines[mistake.line - 1]) + 1


def test_anchors_aliases_tags_and_double_keys_are_mistakes() -> None:
    assert complaints("a: &x 1\nb: *x\nc: !!int 3\nd: &y [2]\na: 2\n") == [
        (1, 4, "/a", ANCHOR),
        (2, 4, "/b", ALIAS),
        (3, 4, "/c", "tags are not allowed; remove it, or put a text that begins with ! in quotes."),
        (4, 4, "/d", ANCHOR),
        (5, 4, "/a", "duplicate key `a`; keep one."),
    ]
    assert complaints('{"a": 1, "b": {"a": 2, "a": 3}}') == [(1, 29, "/b/a", "duplicate key `a`; keep one.")]


def test_the_first_of_two_values_with_one_key_is_used() -> None:
    assert plain(read("a: 1\na: 2").root) == {"a": "1"}


def test_text_that_cannot_be_stored_is_a_mistake() -> None:
    cannot = "contains a NUL or half of a surrogate pair, which cannot be stored; remove it."
    assert complaints('{"a": "\\u0000", "b": "\\ud800", "\\udc00": "c"}') == [
        (1, 7, "/a", cannot),
        (1, 22, "/b", cannot),
        (1, 42, "/\ufffd", cannot),
    ]
    assert complaints('a: "x\\0"') == [(1, 4, "/a", cannot)]
    assert complaints('{"a": 1e999}') == [(1, 7, "/a", "the number is too large; write a smaller one.")]


NO_KEY = "a field name must be plain text; write every field as `name: value`"
UNSEEN = "is not allowed; remove it, or save the file as plain text"
CONTROL = "a line break, tab or other control character inside a text; remove it"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1, column 1: the file is empty; write the fields of a report"),
        (" \n\n", "line 1, column 1: the file is empty; write the fields of a report"),
        ("# nothing\n", "line 1, column 1: the file has only comments; write the fields of a report"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: a second YAML document begins here; put each report in its own file"),
        ("a: 1\n? [b]\n: c\n", f"line 2, column 3: {NO_KEY}"),
        ("a: 1\n&x b: c\n", f"line 2, column 1: {NO_KEY}"),
        ("a: 1\n*x : c\n", f"line 2, column 1: {NO_KEY}"),
        ("a: 1\nb: \x07\n", f"line 2, column 4: the invisible character U+0007 {UNSEEN}"),
        ("a: 1\nb: x\0y\n", f"line 2, column 5: the invisible character U+0000 {UNSEEN}"),
        ("a: 1\n\ufeffb: 1\n", f"line 2, column 1: the invisible character U+FEFF {UNSEEN}"),
        ("\ufeff{}", f"line 1, column 1: the invisible character U+FEFF {UNSEEN}"),
        ("a: x\x85b: y\n", f"line 1, column 5: the invisible character U+0085 {UNSEEN}"),
        ("a: 'x\u2028y'\n", f"line 1, column 6: the invisible character U+2028 {UNSEEN}"),
        ("a:\n\t- b\n", "line 2, column 1: not YAML: tabs are not allowed here; use spaces"),
        ("PK\x03\x04", f"line 1, column 3: the invisible character U+0003 {UNSEEN}"),
        ("a:\n" + "- " * 20, "line 2, column 31: nested more than 16 levels deep; use fewer levels"),
        ("[" * 1_000_000, "line 1, column 17: nested more than 16 levels deep; use fewer levels"),
        ('{"a":' * 1_000_000, "line 1, column 81: nested more than 16 levels deep; use fewer levels"),
        ("{", "line 1, column 2: not JSON: expected a key in double quotes, and no comma after the last value"),
        ("{'a': 1}", "line 1, column 2: not JSON: expected a key in double quotes, and no comma after the last value"),
        ('{"a": 1,}', "line 1, column 9: not JSON: expected a key in double quotes, and no comma after the last value"),
        ('{"a" 1}', "line 1, column 6: not JSON: expected a colon"),
        ('{"a": 1 "b": 2}', "line 1, column 9: not JSON: expected a comma or the closing bracket"),
        ('{"a": [1 2]}', "line 1, column 10: not JSON: expected a comma or the closing bracket"),
        ('{"a": NaN}', "line 1, column 7: not JSON: expected a value; put a text in double quotes"),
        ('{"a": 01}', "line 1, column 8: not JSON: expected a comma or the closing bracket"),
        ('{"a": }', "line 1, column 7: not JSON: expected a value; put a text in double quotes"),
        (
            '{"a": 1}\nx',
            "line 2, column 1: not JSON: text follows the value; remove it, or send it by itself",
        ),
        ('{"a": "😀\0"}', f"line 1, column 9: not JSON: {CONTROL}"),
        ('{"a": "b\tc"}', f"line 1, column 9: not JSON: {CONTROL}"),
        ('{"a": "b', "line 1, column 7: not JSON: the quotes that open here are not closed"),
        ('{"a": "\\x"}', "line 1, column 8: not JSON: write a backslash as \\\\"),
    ],
)
def test_unreadable_texts_are_refused_with_their_places(text: str, why: str) -> None:
    assert refusal(text) == f"{why}."


def test_errors_of_the_parsers_have_their_place() -> None:
    assert refusal("a: 1\nb: [1\n").startswith("line 3, column 1: not YAML: ")
    assert refusal('{"a": "x\n"}').startswith("line 1, column 9: not JSON: ")
    assert refusal("%YAML " + "9" * 5_000 + "\n---\na: 1").startswith("line 1, column ")


def test_a_colon_in_a_text_gets_the_hint_to_quote_it() -> None:
    hint = "; put a text with a colon and a space in quotes, and indent fields alike."
    assert refusal("summary: Notes: exchanged").endswith(hint)


def test_unclosed_quotes_are_reported_where_they_open() -> None:
    told = refusal('a: 1\nb: "text\nc: 2\n')
    assert "that begins at line 2, column 4" in told
    assert told.endswith("; close the quotes.")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("lines", "line", "column"),
    [
        (["a: 1", "b: 😀😀: c"], 2, 6),
        (["a: 1", "", "b:", "  - x", "  - y: z: w"], 5, 9),
        (['{"a": 1,', '"é😀": x}'], 2, 7),
        (["{", "", '"a": [1', "2]}"], 4, 1),
        (["a: 1", "c: &x d"], 2, 4),
    ],
)
def test_lines_end_as_in_editors_and_columns_count_characters(
    lines: list[str], line: int, column: int, ending: str
) -> None:
    try:
        (mistake,) = read(ending.join(lines)).mistakes
    except UnreadableText as unreadable:
        mistake = unreadable.mistake
    assert (mistake.line, mistake.column) == (line, column)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("|\n  Visas take a year\n", "Visas take a year"),
        (">\n  Visas take\n  a year\n", "Visas take a year"),
        (">-\n  Visas take\n  a year\n", "Visas take a year"),
        ("|\r\n  Visas take a year\r\n", "Visas take a year"),
        ("|\n  Visas take a year", "Visas take a year"),
        ("|\n", ""),
    ],
)
def test_a_block_scalar_is_one_line_without_its_last_line_break(block: str, text: str) -> None:
    found = read(f"a: {block}b: 1\n" if block.endswith("\n") else f"a: {block}")
    assert plain(found.root)["a"] == text
    assert not found.mistakes


@pytest.mark.parametrize(
    "text", ["|\n  two\n  lines\n", ">\n  two\n\n  paragraphs\n", "|+\n  kept\n\n", '"two\\nlines"', '"end\\n"']
)
def test_a_line_break_within_a_text_is_a_mistake(text: str) -> None:
    assert complaints(f"a: {text}") == [(1, 4, "/a", LINE_BREAK)]


def test_a_line_break_in_json_is_a_mistake() -> None:
    assert complaints(r'{"a": "two\nlines", "b": "end\r"}') == [(1, 7, "/a", LINE_BREAK), (1, 26, "/b", LINE_BREAK)]


def test_mistakes_before_a_syntax_error_of_yaml_are_reported_too() -> None:
    with pytest.raises(UnreadableText) as refused:
        read("a: &x 1\nb: [")
    assert refused.value.mistakes[0].line == 1
    assert len(refused.value.mistakes) == 2


def test_a_syntax_error_of_json_is_reported_alone() -> None:
    with pytest.raises(UnreadableText) as refused:
        read('{"a": "x\\ny",\n"b": "')
    assert [(mistake.line, mistake.column) for mistake in refused.value.mistakes] == [(2, 6)]


@pytest.mark.parametrize("text", ["- &x y\n", "- !x y\n", "- *x\n", "a: 1\n", "- {a: 1, a: 2}\n"])
def test_a_text_with_too_many_mistakes_is_not_read_to_its_end(text: str) -> None:
    with pytest.raises(UnreadableText) as refused:
        read(text * (MAX_MISTAKES + 100))
    assert len(refused.value.mistakes) == MAX_MISTAKES + 1
    assert refused.value.mistake.detail == f"more than {MAX_MISTAKES} mistakes; correct the ones above first."


def test_a_short_text_that_expands_is_refused() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    assert {detail for *_, detail in complaints(bomb)} == {ANCHOR, ALIAS}


def test_values_above_the_limit_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_NODES", 100)
    assert len(plain(read("- a\n" * 99).root)) == 99
    assert refusal("- a\n" * 100) == "line 100, column 3: more than 100 values; split the report."
    assert refusal(json.dumps({"a": [0] * 99})).endswith("more than 100 values; split the report.")
