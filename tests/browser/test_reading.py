"""Reading in a real browser: every page for everybody, in light and in dark, narrow and wide, and on paper."""

import re
from typing import Final

import pytest
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Page, expect

from service.api.app import create_app
from service.settings import Settings
from service.web.site import add_pages
from tests.browser.conftest import CHROMIUM, SHOTS, Desk, everybody_can_use, kept_as

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

PAGES: Final = {
    "board": "/",
    "dossier-property": "/irritants/ru-us/property-return",
    "difference": "/irritants/ru-us/banking-access/difference?from=round:istanbul-february",
    "sheet": "/rounds/ru-us/istanbul-april",
    "round-events": "/rounds/ru-us/istanbul-april/events",
    "relation": "/relations/ru-us",
    "relation-events": "/relations/ru-us/events",
    "changes": "/changes",
    "sources": "/sources",
    "source": "/sources/a4-unnamed-outlet",
    "source-events": "/sources/a4-unnamed-outlet/events",
    "help": "/help",
    "problems": "/problems",
    "problem": "/problems/stale",
}
"""One of each."""
FURTHER: Final = {
    "board-past": "/?as_of_position=90&effective_on=2025-03-01",
    "dossier-banking": "/irritants/ru-us/banking-access",
    "dossier-visas": "/irritants/ru-us/visas",
    "dossier-movement": "/irritants/ru-us/diplomat-movement",
    "dossier-flights": "/irritants/ru-us/direct-flights",
    "sheet-first": "/rounds/ru-us/istanbul-february",
    "sheet-to-come": "/rounds/ru-us/moscow-next",
    "problem-refused": "/problems/not-allowed",
    "problem-waiting": "/problems/overloaded",
}
"""The same pages with something else on them."""
FORMS: Final = {"/sign-in", "/file", "/correct/{id}", "/retract/{id}", "/reports/{id}"}
"""Those that the tests of filing look at."""
PARTS: Final = {"/static/{name}", "/file/date", "/events/{id}"}
"""What is got and is no page: files, a part of a form, and a way on."""


def test_every_page_is_looked_at() -> None:
    app = create_app(Settings(database_url="postgresql://"))
    machines = {str(route.path_format) for route in iter_route_contexts(app.routes)}
    add_pages(app)
    pages = [route for route in iter_route_contexts(app.routes) if "GET" in (route.methods or ())]
    templates = {str(route.path_format) for route in pages} - machines - FORMS - PARTS
    looked_at = [path.partition("?")[0] for path in PAGES.values()]
    seen = {t for t in templates for path in looked_at if re.fullmatch(re.sub(r"{\w+}", "[^/]+", t), path)}
    assert templates - seen == set()


@pytest.mark.parametrize(
    ("name", "path"), [*PAGES.items(), *(pytest.param(*one, marks=pytest.mark.slow) for one in FURTHER.items())]
)
def test_everybody_can_read_every_page(reader: Desk, name: str, path: str) -> None:
    page = reader.window(path)
    assert page.get_by_role("heading", level=1).count() == 1
    everybody_can_use(page, name)


@pytest.mark.parametrize(("name", "path"), [("no-page", "/nothing"), ("no-irritant", "/irritants/ru-us/nothing")])
def test_everybody_can_read_that_there_is_nothing(reader: Desk, name: str, path: str) -> None:
    with reader.refused():
        page = reader.window(path)
    assert page.get_by_role("heading", level=1).count() == 1
    everybody_can_use(page, name)


def test_a_page_can_be_used_by_keyboard_alone_and_shows_where_one_is(reader: Desk) -> None:
    page = reader.window("/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    seen = [focused(page)]
    while seen[-1] != "Banking access of the missions":
        assert len(seen) < 40
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Tab")
        seen.append(focused(page))
    page.keyboard.press("Enter")
    page.wait_for_url("**/irritants/ru-us/banking-access")
    page.locator(".evidence summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.evidence[open]").count() == 1


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_evidence_is_opened_in_place_down_to_document_and_paragraph(reader: Desk) -> None:
    page = reader.window("/irritants/ru-us/banking-access")
    evidence = page.locator("#US .evidence").first
    assert not evidence.locator("ol").is_visible()
    evidence.locator("summary").click()
    assert evidence.get_by_role("link", name="a4-unnamed-outlet ¶ 5").is_visible()
    evidence.get_by_role("link", name="a4-unnamed-outlet ¶ 5").click()
    page.wait_for_url("**/sources/a4-unnamed-outlet#p5")
    assert page.locator("#p5").is_visible()


@pytest.mark.parametrize(
    ("saved", "place"),
    [
        ("/#ru-us/visas", "irritant-ru-us-visas"),
        ("/rounds/ru-us/istanbul-april#ru-us/visas", "irritant-ru-us-visas"),
        ("/sources/a4-unnamed-outlet#state-department-on-april", "origin-state-department-on-april"),
        ("/irritants/ru-us/visas#moves", "moves"),
    ],
)
def test_a_saved_link_to_a_place_on_a_page_leads_there(reader: Desk, saved: str, place: str) -> None:
    page = reader.window(saved)
    expect(page.locator(":target")).to_have_attribute("id", place)


def test_two_points_are_compared_from_the_dossier(reader: Desk) -> None:
    page = reader.window("/irritants/ru-us/property-return")
    for end, by, at in (("From", "after a round", "istanbul-february"), ("To", "a position of the record", "110")):
        group = page.get_by_role("group", name=end)
        group.get_by_role("combobox").first.select_option(label=by)
        group.get_by_role("combobox").last.fill(at)
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/property-return/difference?from=round%3Aistanbul-february&to=position%3A110")
    changed = page.get_by_role("row").filter(has=page.get_by_role("cell", name="in talks"))
    expect(changed).to_contain_text("reported")


@pytest.mark.parametrize("name", ["board", "sheet", "dossier-banking", "relation"])
def test_paper_has_room_for_all_of_it(reader: Desk, name: str) -> None:
    """Nothing is cut off at the right, and the sheet of a round takes two pages at the most."""
    page = reader.window((PAGES | FURTHER)[name])
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    if SHOTS:
        kept_as(f"{name}.pdf").write_bytes(printed)
    assert name != "sheet" or len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 2


PAPER: Final = 695
"""A4 between its margins, in CSS pixels."""
