"""A line of text is what everybody sees of it; what was taken for one once is read for ever."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.domain.assertion import Contract
from service.domain.catalogue import dump, load, load_json

GROWS = "\ufb2c"  # one letter, and three once it is composed


def filed(title: str) -> Contract:
    return load("IrritantOpened", payload(title))


def payload(title: str) -> dict[str, Any]:
    return {"type": "IrritantOpened", "title": title, "category": "mobility"}


@given(st.text(max_size=300))
@example(GROWS * 300)
@example("e\u0301" * 150)
def test_what_is_taken_is_read_back_as_it_is(title: str) -> None:
    try:
        event = filed(title)
    except ValidationError:
        return
    assert load_json("IrritantOpened", json.dumps(dump(event))) == event


def test_two_ways_to_write_a_letter_are_one() -> None:
    assert filed("Cafe\u0301") == filed("Caf\xe9")


@pytest.mark.parametrize(
    "title",
    [
        *("a\u202eb", "a\u2066b", "a\u200bb", "a\u200db", "\ufeff", "\xad", "a\U000e0041b", "a\ufff9b"),
        *("a\x07b", "a\x85b", "a\tb", "a\nb", "a\u2028b", "\ud800"),
        *("a\uffffb", "a\ufdd0b", "a\U0001fffeb", "a\ue000b", "a\u0378b"),
        *("\u3164", "a\u115fb", "a\u034fb", "a\uffa0b", "a\u2800b"),
        *("", " ", "\u3000", "a" * 301, GROWS * 101),
    ],
    ids=ascii,
)
def test_a_line_that_shows_otherwise_than_it_reads_or_not_at_all_is_refused(title: str) -> None:
    with pytest.raises(ValidationError):
        filed(title)


@pytest.mark.parametrize(
    ("title", "named"),
    [("a\nb", "a line break"), ("a\r", "a line break"), ("a\u202eb", "the character U+202E")],
    ids=ascii,
)
def test_the_refusal_names_the_character(title: str, named: str) -> None:
    with pytest.raises(ValidationError, match=f"has {re.escape(named)}, which this field does not take; remove it"):
        filed(title)


def test_what_is_on_record_is_read_whatever_this_python_knows_of_unicode() -> None:
    read: Any = load_json("IrritantOpened", json.dumps(payload("a\u0378b")))
    assert read.title == "a\u0378b"


@pytest.mark.parametrize(
    "text", ["\u0645\u06cc\u200c\u062e\u0648", "\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0915\u094d\u200d\u0937"]
)
def test_joiners_between_letters_of_scripts_that_use_them_are_kept(text: str) -> None:
    assert dump(filed(text))["title"] == text


@pytest.mark.parametrize("text", ["pay\u200cpal", "\u200c\u0645", "ab\u200d"])
def test_joiners_anywhere_else_mislead(text: str) -> None:
    with pytest.raises(ValidationError):
        filed(text)


def test_direction_marks_soft_hyphens_and_byte_order_marks_are_removed() -> None:
    assert (
        dump(filed("\ufeff\u05e9\u05dc\u05d5\u05dd\u200f co\u00adop\u200e"))["title"] == "\u05e9\u05dc\u05d5\u05dd coop"
    )
