"""The words for irritants, days and speakers: every value has a text, and every text that a template uses exists."""

import re
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st
from markupsafe import Markup

from service.domain.actors import CODES
from service.domain.assertion import AssertedBy
from service.domain.irritant.standing import Basis
from service.domain.ladder import RUNGS, Rung
from service.projections.change import StandingDocument
from service.projections.needs_confirmation import Kind
from service.web import assets, formatting, ladder
from service.web.messages import messages
from service.web.standing import Standing
from service.web.standing import basis_in_words as basis_of

T = messages()
TEMPLATES = sorted((assets.ROOM / "templates").glob("*.html"))
CODE = sorted(assets.ROOM.glob("*.py"))


def standing(russia: Rung = "unstated", america: Rung = "unstated", **other: Any) -> Standing:
    levels = sorted((russia, america), key=RUNGS.index)
    told: dict[str, Any] = {
        "high_water": levels[1],
        "claimed": levels[1],
        "confirmed": levels[0],
        "reported": levels[1],
        "basis": "one_side",
        "origins": 1,
        "lifecycle": "open",
        "hold": "none",
        "trend": "advanced",
        "regressions": 0,
        "reversible": "unknown",
        "awaiting": "none",
        "settled": 0,
        "total": 0,
    }
    return Standing((("RU", russia), ("US", america)), **{**told, **other})


def test_every_combination_of_rungs_has_a_sentence_and_a_drawing() -> None:
    for russia, america, reported, basis in product(RUNGS, RUNGS, RUNGS, get_args(Basis)):
        stands = standing(russia, america, basis=basis)
        if RUNGS.index(reported) >= RUNGS.index(stands.claimed):
            stands = stands._replace(reported=reported)
            assert basis_of(stands)
            assert ladder.ladder(stands).count("<title>") == 1 + 2 + sum(
                rung != "unstated" for rung in (stands.claimed, stands.confirmed, stands.reported)
            )


def test_every_actor_has_a_name() -> None:
    assert [code for code in CODES if formatting.name_of(code) == code] == []
    assert [str(formatting.name_of(a)) for a in ("EU", "TR", "VA", "XK", "iaea", "african-union")] == [
        "the EU",
        "Türkiye",
        "the Holy See",
        "Kosovo",
        "IAEA",
        "African Union",
    ]


@pytest.mark.parametrize(
    ("occurred", "words"),
    [
        ("2025-04-10", "10 days ago"),
        ("2025-04-19", "one day ago"),
        ("2025-04-20", "today"),
        ("2025-04-22", "in 2 days"),
        ("[2025-04-10..]", "at most 10 days ago"),
        ("[..2025-04-10]", "at least 10 days ago"),
        ("[2025-04-01..2025-04-10]", "10 to 19 days ago"),
        ("2025-04", "at most 19 days ago"),
        ("[2025-04-25..]", "still to come"),
        ("[..2025-04-25]", "day unknown"),
        (None, "day unknown"),
    ],
)
def test_days_are_counted_as_exactly_as_they_are_known(occurred: str | None, words: str) -> None:
    assert formatting.days_ago_in_words(occurred, date(2025, 4, 20)) == words


@pytest.mark.parametrize(
    ("paragraphs", "words"), [([5], "5"), ([5, 6], "5-6"), ([1, 4, 6, 8, 9, 10], "1, 4, 6, 8-10"), ([3, 1, 2], "1-3")]
)
def test_paragraph_numbers_are_abbreviated(paragraphs: list[int], words: str) -> None:
    assert formatting.paragraph_numbers(paragraphs) == words.replace("-", "\N{EN DASH}")


def test_a_speaker_is_named_as_exactly_as_recorded() -> None:
    by = AssertedBy(party="US", organ="State <Department>", person="T. Bruce", channel="quote")
    told = "The United States · <bdi>T. Bruce</bdi> · <bdi>State &lt;Department&gt;</bdi> · quoted"
    assert formatting.speaker(by) == told


def test_several_voices_are_listed() -> None:
    assert formatting.names_at_start(["RU"]) == "Russia"
    assert formatting.names_at_start(["RU", "US"]) == "Russia and the United States"


@whatever(st.text())
def test_values_in_a_text_are_escaped(written: str) -> None:
    told = T("said.wording", wording=written)
    assert told == Markup("“") + Markup.escape(written) + Markup("”")


@pytest.mark.parametrize("file", [*TEMPLATES, *CODE], ids=lambda file: file.name)
def test_every_text_that_a_file_uses_exists(file: Path) -> None:
    asked = re.findall(r"""\bt(?:exts\(\))?\(\s*["']([\w.-]+)["']\s*[,)]""", file.read_text(encoding="utf-8"))
    assert [name for name in asked if name not in T] == []
    counted = re.findall(r"""\.counted\(\s*["']([\w.-]+)["']""", file.read_text(encoding="utf-8"))
    assert [name for name in counted if f"{name}.one" not in T or f"{name}.other" not in T] == []


@pytest.mark.parametrize(
    "names",
    [
        [f"rung.{rung}" for rung in RUNGS],
        [f"standing.{name}" for name in StandingDocument.model_fields],
        [f"needs.{kind}" for kind in get_args(Kind)],
    ],
    ids=["rungs", "standing", "needs"],
)
def test_every_value_of_the_record_has_a_text(names: list[str]) -> None:
    assert [name for name in names if name not in T] == []
