"""Drawings in a real browser: labels do not touch with any font, tables say the same, and paper has what is folded."""

import io
import json
from itertools import combinations
from typing import Any, Final
from unicodedata import normalize

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.api.bodies import VISAS, on, report
from tests.browser.conftest import CHROMIUM, Desk, shot

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

IRRITANTS: Final = ("banking-access", "diplomat-movement", "direct-flights", "property-return", "visas")
LABELS: Final = """all => all.map(text => {
    const {x, y, width, height} = text.getBoundingClientRect();
    return {text: text.textContent, x, y, width, height};
})"""
FONTS: Final = ("", "monospace", "serif")
_TOUCH: Final = 1.5
"""In pixels. The boxes of letters include their line spacing."""


def labels(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.locator("figure.timeline text").evaluate_all(LABELS)
    assert found
    return found


def collisions(page: Page) -> list[tuple[str, str]]:
    return [
        (one["text"], other["text"])
        for one, other in combinations(labels(page), 2)
        if overlap(one, other, "x", "width") > _TOUCH and overlap(one, other, "y", "height") > _TOUCH
    ]


def overlap(one: dict[str, Any], other: dict[str, Any], start: str, size: str) -> float:
    end = min(one[start] + one[size], other[start] + other[size])
    return float(end - max(one[start], other[start]))


def collide_with_no_font(page: Page) -> None:
    for font in FONTS:
        page.evaluate(
            "font => document.querySelectorAll('figure text').forEach(text => { text.style.fontFamily = font })", font
        )
        assert collisions(page) == [], font
        drawing = page.locator("figure.timeline svg").bounding_box()
        assert drawing is not None
        for label in labels(page):
            assert drawing["x"] - 1 <= label["x"], label
            assert label["x"] + label["width"] <= drawing["x"] + drawing["width"] + 1, label


@pytest.mark.parametrize("irritant", IRRITANTS)
def test_no_two_labels_of_a_timeline_touch(reader: Desk, irritant: str) -> None:
    collide_with_no_font(reader.window(f"/irritants/ru-us/{irritant}"))


def test_no_two_labels_of_the_chart_of_a_relation_touch(reader: Desk) -> None:
    collide_with_no_font(reader.window("/relations/ru-us"))


LONG: Final = f"{'uninterruptedly-' * 4} WITH-WIDE-LETTERS-{'W' * 30} and on"
DATES: Final = (
    *(f"2025-05-{day:02}" for day in range(1, 29)),
    *(f"[2025-05-{day:02}..2025-06-{day:02}]" for day in range(1, 29, 3)),
    *(f"[..2025-0{month}-10]" for month in range(1, 7)),
    *(f"[2025-0{month}-10..]" for month in range(1, 7)),
    *("2025", "2025-04/2025-06", "2025-05-10/..", None, None, None),
)


def dense() -> dict[str, Any]:
    """A history of sixty statements within two months, and thirty rounds."""
    wordings = ("short", LONG, "ЩЩЩ ЖЖЖ", "不同意", "لا نوافق على ذلك")
    said = [
        on(VISAS, "ConcernRaised", occurred=date, wording=wordings[n % len(wordings)], **inferred(date))
        for n, date in enumerate(DATES)
    ]
    channel = {"party": "RU", "channel": "quote"}
    ended = {"hours": 5, "qualifier": "exact"}
    rounds = [
        on(f"round/ru-us/the-long-name-of-round-{n}", type, occurred=f"2025-05-{n:02}", asserted_by=channel, **fields)
        for n in range(1, 29)
        for type, fields in (
            ("RoundConvened", {"place": "Istanbul"}),
            ("RoundConcluded", ended),
        )
    ]
    return report(*said, *rounds)


def inferred(date: str | None) -> dict[str, str]:
    """Return the reason for a date that is not a plain day."""
    return {"occurred_basis": "inferred", "inference": "The text says so."} if date and date[0] == "[" else {}


def test_no_two_labels_of_a_dense_history_touch(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.key}", "Idempotency-Key": "dense", "Content-Type": "application/json"}
    filed = desk.context.request.post(f"{desk.url}/v1/reports", data=json.dumps(dense()), headers=headers)
    assert filed.status == 201, filed.text()
    page = desk.window("/irritants/ru-us/visas")
    assert len(labels(page)) > len(DATES)
    collide_with_no_font(page)
    shot(page, "timeline-dense")
    page = desk.window("/relations/ru-us")
    collide_with_no_font(page)
    shot(page, "chart-dense")


def test_the_chart_of_a_relation_says_the_same_as_its_table(reader: Desk) -> None:
    page = reader.window("/relations/ru-us")
    chart = page.get_by_role("figure", name="Claimed and confirmed, round by round")
    expect(chart.locator("path.line")).to_have_count(len(IRRITANTS))
    expect(chart.locator("path.round")).to_have_count(2)
    page.get_by_text("The same as a table").click()
    rows = page.locator("#course ~ details tbody tr")
    board = reader.got("/v1/relations/ru-us/board")["items"]
    expect(rows).to_have_count(len(board))
    for row, item in zip(rows.all(), board, strict=True):
        expect(row.get_by_role("rowheader")).to_have_text(item["title"])
        now = f"claimed {word(item['status'])}, confirmed {word(item['confirmed_status'])}"
        expect(row.get_by_role("cell").last).to_have_text(now)


def word(rung: str) -> str:
    return {"unstated": "nothing", "in_talks": "in talks"}.get(rung, rung)


def on_paper(page: Page) -> str:
    """Return the text of the printed page. Some fonts write two letters as one sign, which NFKC takes apart."""
    pages = PdfReader(io.BytesIO(page.pdf())).pages
    return normalize("NFKC", " ".join(" ".join(sheet.extract_text() for sheet in pages).split()))


def test_a_printed_dossier_has_the_paragraphs_that_are_folded_on_screen(reader: Desk) -> None:
    page = reader.window("/irritants/ru-us/banking-access")
    folded = page.locator("details.evidence:not([open]) ol p:first-child")
    assert folded.count() > 3
    assert not folded.first.is_visible()
    paper = on_paper(page).replace("“", "").replace("”", "").replace('"', "")
    for text in folded.all_text_contents():
        assert " ".join(text.split()) in paper
    assert "Compare two points" not in paper
    assert "Point in time" not in paper


def test_a_printed_board_has_its_symbols_and_no_controls(reader: Desk) -> None:
    paper = on_paper(reader.window("/"))
    assert "confirmed: what both sides say" in paper
    assert "Filter" not in paper
