"""The board in a real browser: it shows what the interface says, changes by itself, and is read at both clocks."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from service.domain.ladder import RUNGS
from tests.browser.conftest import CHROMIUM, Desk

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

BOARD: Final = "/v1/relations/ru-us/board"
WORDS: Final = {"RU": "Russia", "US": "The US", "both": "Both", "none": "No one"}
BASES: Final = {"one_side": "alone", "attributed": "not in its own words", "media_only": "Media only", "none": "No one"}


def board(reader: Desk, point: str = "") -> list[dict[str, Any]]:
    return list(reader.got(f"{BOARD}{point}")["items"])


def line_of(page: Page, irritant: str) -> Locator:
    return page.locator(f"#irritant-{irritant.replace('/', '-')}")


@pytest.mark.parametrize("point", ["", "?as_of_position=112", "?effective_on=2025-03-01"])
def test_every_mark_stands_on_the_screen_where_the_interface_says(reader: Desk, point: str) -> None:
    """Measured from left to right, as a reader sees them."""
    page = reader.window(f"/{point}")
    for row in board(reader, point):
        line = line_of(page, row["id"])
        assert rung_at(line, "use[href='#claimed']", "middle") == row["status"]
        assert rung_at(line, "use[href='#reported']", "middle") == row["reported_status"]
        assert rung_at(line, "path.confirmed", "right") == row["confirmed_status"]
        for party, rung in row["rungs"].items():
            assert rung_at(line, f".ladder text:text-matches('{party}$')", "middle") == rung


@pytest.mark.parametrize("point", ["", "?as_of_position=112"])
def test_whose_word_whose_move_and_what_is_settled_are_said_as_the_interface_says(reader: Desk, point: str) -> None:
    page = reader.window(f"/{point}")
    for row in board(reader, point):
        cells = line_of(page, row["id"]).get_by_role("cell")
        expect(cells.nth(1)).to_contain_text(BASES[row["basis"]])
        if row["origins"]:
            expect(cells.nth(1)).to_contain_text(
                "one statement" if row["origins"] == 1 else f"{row['origins']} statements"
            )
        expect(cells.nth(2)).to_have_text(WORDS[row["awaiting"]], use_inner_text=True)
        if row["items"]["total"]:
            expect(cells.nth(3)).to_contain_text(f"{row['items']['settled']} of {row['items']['total']} settled")
        for party, rung in row["rungs"].items():
            expect(cells.nth(0)).to_contain_text(f"{party} {rung.replace('_', ' ')}")


def test_on_a_narrow_screen_each_cell_names_its_column(reader: Desk) -> None:
    page = reader.window("/")
    page.set_viewport_size({"width": 360, "height": 900})
    for row in board(reader):
        move, moved = (line_of(page, row["id"]).locator("td").nth(n) for n in (2, 5))
        expect(move).to_have_text(f"Awaiting {WORDS[row['awaiting']]}", use_inner_text=True)
        expect(moved).to_contain_text("Last moved", use_inner_text=True)


@pytest.mark.parametrize("width", [1280, 360])
def test_the_board_is_a_table_for_screen_readers_at_any_width(reader: Desk, width: int) -> None:
    """On a narrow screen its rows are laid out as a grid; some browsers once forgot then that they are rows."""
    page = reader.window("/")
    page.set_viewport_size({"width": width, "height": 900})
    roles = Counter(roles_for_screen_readers(page))
    rows = len(board(reader))
    assert (roles["table"], roles["row"], roles["rowheader"]) == (1, rows + 1, rows)
    assert roles["cell"] == page.locator("tbody td:visible").count()
    assert roles["columnheader"] == page.locator("thead th:visible").count()


def roles_for_screen_readers(page: Page) -> Iterator[str]:
    """As Chromium tells them, of all that is not left out."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return (node["role"]["value"] for node in nodes if not node["ignored"])


def test_every_mark_says_what_it_is_when_it_is_pointed_at(reader: Desk) -> None:
    page = reader.window("/")
    for row in board(reader):
        ladder = line_of(page, row["id"]).locator(".ladder")
        told = ladder.locator("title").all_text_contents()
        assert told[0].startswith("Claimed ")
        marks = ladder.locator("use:not([href='#scale']), path, text")
        assert marks.count() == marks.filter(has=page.locator("title")).count() == len(told) - 1
    assert page.locator("thead [title]").count() >= 8


def test_the_columns_sort_it(reader: Desk) -> None:
    page = reader.window("/")
    rows = sorted(board(reader), key=lambda row: RUNGS.index(row["confirmed_status"]))
    page.locator("#sort-ru-us-confirmed").click()
    expect(page.locator("tbody tr").last).to_have_attribute("id", f"irritant-{rows[-1]['id'].replace('/', '-')}")
    page.locator("#sort-ru-us-confirmed").click()
    expect(page.locator("tbody tr").first).to_have_attribute("id", f"irritant-{rows[-1]['id'].replace('/', '-')}")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("confirmed")


def rung_at(line: Locator, mark: str, edge: str) -> str:
    """The rung over which a mark stands; codes over one rung stand a little to either side of it."""
    found = line.locator(mark)
    if not found.count():
        return "unstated"
    left, right = edges(line.locator("use[href='#scale']"))
    begin, end = edges(found)
    place = end if edge == "right" else (begin + end) / 2
    return RUNGS[round((place - left) / (right - left) * 7)]


def edges(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


# Live.


def test_the_board_says_when_it_is_disconnected_and_comes_back_by_itself(reader: Desk) -> None:
    reader.context.route("**/v1/events/live*", lambda route: route.abort())
    page = reader.window("/")
    expect(page.locator("#live")).to_contain_text("Disconnected", timeout=20_000)
    reader.context.unroute("**/v1/events/live*")
    expect(page.locator("#live")).to_contain_text("Live", timeout=30_000)
    reader.complaints[:] = [one for one in reader.complaints if "net::ERR_FAILED" not in one]


# Both clocks.


def slide(page: Page, label: str, presses: int) -> None:
    """By the keyboard, as those do who have no pointer."""
    slider = page.get_by_label(label, exact=True)
    slider.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowLeft")


def test_the_slider_over_the_record_redraws_the_board_and_names_its_point(reader: Desk) -> None:
    page = reader.window("/")
    end = int(page.get_by_label("As known on", exact=True).get_attribute("max") or 0)
    slide(page, "As known on", 3)
    expect(page.locator("#known")).to_contain_text(f"position {end - 3}")
    expect(page).to_have_url(re.compile(rf"/\?as_of_position={end - 3}$"))
    expect(page.get_by_label("As known on", exact=True)).to_be_focused()
    page.get_by_role("link", name="Back to the present").click()
    expect(page.locator("#known")).to_contain_text(f"now: all {end} events")


def test_the_slider_over_the_world_leaves_out_what_had_not_happened(reader: Desk) -> None:
    page = reader.window("/")
    row = line_of(page, "ru-us/banking-access")
    expect(row).to_contain_text("US formalised")
    page.get_by_label("Effective on", exact=True).press("Home")
    expect(page.locator("#world")).to_contain_text("what had happened by 27 February 2025")
    expect(row).to_contain_text("US unstated")
