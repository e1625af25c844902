"""A line of text reads as it looks. Lines that were once accepted can always be read."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.domain.assertion import EventModel
from service.domain.catalogue import dump, load, load_json

GROWS = "\ufb2c"  # one letter, which becomes three by normalisation


def filed(title: str) -> EventModel:
    return load("IrritantOpened", payload(title))


def payload(title: str) -> dict[str, Any]:
    return {"type": "IrritantOpened", "title": title, "category": "mobility"}


@given(st.text(max_size=300))
@example(GROWS * 300)
@example("e\u0301" * 150)
def test_an_accepted_line_is_read_back_unchanged(title: str) -> None:
    try:
        event = filed(title)
    except ValidationError:
        return
    assert load_json("IrritantOpened", json.dumps(dump(event))) == event


def test_two_encodings_of_a_letter_are_equal() -> None:
    assert filed("Cafe\u0301") == filed("Caf\xe9")


@pytest.mark.parametrize(
    "title",
    [
        *("a\u202eb", "a\u202db", "a\u200bb", "a\u200db", "\ufeff", "\xad", "a\U000e0041b", "a\ufff9b"),
        *("a\x07b", "a\x85b", "a\tb", "a\nb", "a\u2028b", "\ud800"),
        *("a\uffffb", "a\ufdd0b", "a\U0001fffeb", "a\ue000b", "a\u0378b"),
        *("\u3164", "a\u115fb", "a\u034fb", "a\uffa0b", "a\u2800b"),
        *("", " ", "\u3000", "a" * 301, GROWS * 101),
    ],
    ids=ascii,
)
def test_a_line_that_is_invisible_or_misleading_is_refused(title: str) -> None:
    with pytest.raises(ValidationError):
        filed(title)


@pytest.mark.parametrize(
    ("title", "named"),
    [
        ("a\nb", "a line break at character 2"),
        ("ab\r", "a line break at character 3"),
        ("a\u202eb", "U+202E (right-to-left override) at character 2"),
        ("\u200e\u200fab\u200bc", "U+200B (zero width space) at character 5"),
        ("pay\u200cpal", "U+200C (zero width non-joiner) at character 4"),
        ("a\x07", "U+0007 (a control character) at character 2"),
        ("a\u3164", "U+3164 (hangul filler) at character 2"),
        ("e\u0301\u200b", "U+200B (zero width space) at character 3"),
    ],
    ids=ascii,
)
def test_the_refusal_names_the_character_and_its_place(title: str, named: str) -> None:
    with pytest.raises(ValidationError, match=f"has {re.escape(named)}, which is not allowed. Remove it"):
        filed(title)


def test_a_recorded_line_is_read_by_any_version_of_unicode() -> None:
    read: Any = load_json("IrritantOpened", json.dumps(payload("a\u0378b")))
    assert read.title == "a\u0378b"


@pytest.mark.parametrize(
    "text",
    [
        *("\u0645\u06cc\u200c\u062e\u0648", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0915\u094d\u200d\u0937"),
        "\u09b0\u200d\u09cd\u09af\u09be\u09ac",  # Bengali
        "\u0d05\u0d35\u0d28\u0d4d\u200d \u0d35",  # Malayalam: the last letter of a word
    ],
)
def test_joiners_between_letters_of_scripts_that_use_them_are_kept(text: str) -> None:
    assert dump(filed(text))["title"] == text


@pytest.mark.parametrize(
    "text",
    [
        *("pay\u200cpal", "\u200c\u0645", "ab\u200d", "\u0645\u200c", "\u0645\u200c\u200c\u0645", "\u0645\u200ca"),
        *("\u05d0\u200d\u05d1", "1\u200c2", "\U0001f469\u200d\U0001f469"),
    ],
    ids=ascii,
)
def test_joiners_elsewhere_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        filed(text)


@pytest.mark.parametrize(
    "mark", [*"\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069\u00ad\ufeff"], ids=ascii
)
def test_a_mark_that_comes_along_with_copied_text_is_removed(mark: str) -> None:
    word = "\u0633\u0644\u0627\u0645"
    assert dump(filed(f"{mark}{word}{mark} 2025{mark}"))["title"] == f"{word} 2025"
    joined = "\u0645\u06cc\u200c\u062e\u0648"
    assert dump(filed(f"{mark}{joined}{mark}"))["title"] == joined


def test_direction_marks_soft_hyphens_and_byte_order_marks_are_removed() -> None:
    assert (
        dump(filed("\ufeff\u05e9\u05dc\u05d5\u05dd\u200f co\u00adop\u200e"))["title"] == "\u05e9\u05dc\u05d5\u05dd coop"
    )
