"""Reading in a real browser: both clocks, the live line, and every page for everybody, in light and in dark."""

import re
from typing import Any, Final

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHROMIUM, Desk, shot, violations

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

PAGES: Final = {
    "board": "/",
    "board-past": "/?as_of_position=90&effective_on=2025-03-01",
    "dossier-banking": "/irritants/ru-us/banking-access",
    "dossier-property": "/irritants/ru-us/property-return",
    "difference": "/irritants/ru-us/banking-access/difference?from=round:istanbul-february",
    "sheet": "/rounds/ru-us/istanbul-april",
    "sheet-to-come": "/rounds/ru-us/moscow-next",
    "relation": "/relations/ru-us",
    "changes": "/changes",
    "sources": "/sources",
    "source": "/sources/a4-unnamed-outlet",
    "help": "/help",
    "problems": "/problems",
    "problem": "/problems/stale",
}


def slide(page: Page, label: str, presses: int) -> None:
    """By the keyboard, as those do who have no pointer."""
    slider = page.get_by_label(label, exact=True)
    slider.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowLeft")


def test_the_slider_over_the_record_redraws_the_board_and_names_its_point(desk: Desk) -> None:
    page = desk.window("/")
    end = int(page.get_by_label("As known at", exact=True).get_attribute("max") or 0)
    slide(page, "As known at", 3)
    expect(page.locator("#known")).to_contain_text(f"position {end - 3}")
    expect(page).to_have_url(re.compile(rf"/\?as_of_position={end - 3}$"))
    expect(page.get_by_label("As known at", exact=True)).to_be_focused()
    page.get_by_role("link", name="Back to the present").click()
    expect(page.locator("#known")).to_contain_text(f"now: all {end} events")


def test_the_slider_over_the_world_leaves_out_what_had_not_happened(desk: Desk) -> None:
    page = desk.window("/")
    row = page.locator("tr[id='ru-us/banking-access']")
    expect(row).to_contain_text("US formalised")
    page.get_by_label("Effective on", exact=True).press("Home")
    expect(page.locator("#world")).to_contain_text("what had happened by 27 February 2025")
    expect(row).to_contain_text("US unstated")


def test_marks_in_the_browser_stand_where_the_interface_says(desk: Desk) -> None:
    """Where they are on the screen, measured: left to right as the rungs are."""
    page = desk.window("/")
    board = httpx2.get(f"{page.url}v1/relations/ru-us/board").json()
    for row in board["items"]:
        line = page.locator(f"tr[id='{row['id']}'] .ladder")
        left, right = edges(line.locator("use[href='#scale']"))
        for mark, name in (("claimed", "status"), ("reported", "reported_status")):
            found = line.locator(f"use[href='#{mark}']")
            assert found.count() == (row[name] != "unstated")
            if row[name] != "unstated":
                begin, end = edges(found)
                share = ((begin + end) / 2 - left) / (right - left)
                assert round(share * 7) == RUNGS.index(row[name])


RUNGS: Final = ("unstated", "raised", "proposed", "in_talks", "understanding", "formalised", "implementing", "resolved")


def edges(locator: Any) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"], box["x"] + box["width"]


def test_the_board_says_when_it_is_disconnected_and_comes_back_by_itself(desk: Desk) -> None:
    desk.context.route("**/v1/events/live*", lambda route: route.abort())
    page = desk.window("/")
    expect(page.locator("#live")).to_contain_text("Disconnected", timeout=20_000)
    desk.context.unroute("**/v1/events/live*")
    expect(page.locator("#live")).to_contain_text("Live", timeout=30_000)
    desk.complaints[:] = [one for one in desk.complaints if "net::ERR_FAILED" not in one]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_every_page(desk: Desk, scheme: Any) -> None:
    for name, path in PAGES.items():
        page = desk.window("about:blank")
        page.emulate_media(color_scheme=scheme)
        page.goto(path)
        assert violations(page) == [], path
        shot(page, f"{name}-{scheme}")
        page.close()


def test_pages_are_kept_as_pictures_narrow_too(desk: Desk) -> None:
    for name, path in PAGES.items():
        page = desk.window("about:blank")
        page.set_viewport_size({"width": 360, "height": 800})
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        shot(page, f"{name}-360")
        page.close()


def test_the_sheet_of_a_round_prints_on_two_pages(desk: Desk) -> None:
    page = desk.window(PAGES["sheet"])
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 2
