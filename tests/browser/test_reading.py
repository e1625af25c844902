"""Pages in a real browser are accessible in light and dark, narrow and wide, and fit on paper."""

import re
from typing import Final

import pytest
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Page, expect

from service.api.app import create_app
from service.settings import Settings
from service.web.site import add_pages
from tests.browser.conftest import CHROMIUM, SHOTS, Desk, is_accessible, kept_as

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

PAGES: Final = {
    "board": "/",
    "search": "/search?q=bank",
    "reports": "/reports",
    "dossier-property": "/irritants/ru-us/property-return",
    "difference": "/irritants/ru-us/banking-access/difference?from=round:istanbul-february",
    "relation-difference": "/relations/ru-us/difference?from=round:istanbul-february",
    "sheet": "/rounds/ru-us/istanbul-april",
    "round-events": "/rounds/ru-us/istanbul-april/events",
    "relation": "/relations/ru-us",
    "relation-events": "/relations/ru-us/events",
    "changes": "/changes",
    "sources": "/sources",
    "source": "/sources/a4-unnamed-outlet",
    "source-events": "/sources/a4-unnamed-outlet/events",
    "help": "/help",
    "guide": "/help/operators",
    "docs": "/docs",
    "problems": "/problems",
    "problem": "/problems/stale",
}
"""One page of each kind."""
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
"""The same pages with other contents."""
FORMS: Final = {"/sign-in", "/file", "/reports/{id}/correct", "/correct/{id}", "/retract/{id}", "/reports/{id}"}
"""Pages that the tests of filing check."""
DOWNLOADS: Final = {"/irritants/{relation}/{slug}/download", "/rounds/{relation}/{slug}/download"}
PARTS: Final = {"/static/{name}", "/file/date", "/events/{id}", *DOWNLOADS}
"""Addresses for GET that are no pages: files, a part of a form, and a redirect."""


@pytest.mark.parametrize("name", [*PAGES, *FURTHER])
def test_the_search_box_of_every_page_is_reached_by_its_keys(reader: Desk, name: str) -> None:
    page = reader.window({**PAGES, **FURTHER}[name])
    box = page.locator("input[type=search]")
    for key in ("/", "Control+k"):
        page.keyboard.press(key)
        expect(box).to_be_focused()
        box.blur()
    expect(box).not_to_be_focused()


def test_every_page_is_checked() -> None:
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
def test_every_page_is_accessible(reader: Desk, name: str, path: str) -> None:
    page = reader.window(path)
    assert page.get_by_role("heading", level=1).count() == 1
    is_accessible(page, name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("no-page", "/nothing"),
        ("no-irritant", "/irritants/ru-us/nothing"),
        ("not-yet", "/irritants/ru-us/visas?as_of_position=1"),
    ],
)
def test_empty_pages_are_accessible(reader: Desk, name: str, path: str) -> None:
    with reader.refused():
        page = reader.window(path)
    assert page.get_by_role("heading", level=1).count() == 1
    is_accessible(page, name)


def test_a_page_can_be_used_by_keyboard_and_shows_the_focus(reader: Desk) -> None:
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


def test_the_help_leads_to_the_page_on_filing_and_from_there_to_the_glossary(reader: Desk) -> None:
    page = reader.window("/help")
    page.get_by_role("link", name="readouts to the record").click()
    page.wait_for_url("**/help/operators")
    expect(page.get_by_role("heading", level=1)).to_have_text("From a round's readouts to the record")
    page.get_by_role("link", name="glossary").first.click()
    page.wait_for_url("**/help/glossary")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_api_documentation_has_the_navigation_and_fits(reader: Desk, width: int) -> None:
    page = reader.window("/docs")
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Relations", exact=True).click()
    expect(page.get_by_role("heading", name="GET /v1/relations/{relation}/board")).to_be_attached()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Board").click()
    page.wait_for_url("**/")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_line_around_the_field_does_not_cover_the_mistake_in_the_key(reader: Desk, width: int) -> None:
    reader.context.clear_cookies()
    page = reader.window("/sign-in")
    page.set_viewport_size({"width": width, "height": 844})
    page.get_by_label("Key").fill("irr_wrong")
    with reader.refused():
        page.get_by_role("button", name="Sign in").click()
        mistake = page.get_by_text("This key is not valid.")
        mistake.wait_for()
    expect(page.get_by_label("Key")).to_be_focused()
    line = page.evaluate(
        "(({ outlineWidth, outlineOffset }) => parseFloat(outlineWidth) + parseFloat(outlineOffset))"
        "(getComputedStyle(document.activeElement))"
    )
    field, text = page.get_by_label("Key").bounding_box(), mistake.bounding_box()
    assert field is not None
    assert text is not None
    assert field["y"] + field["height"] + line <= text["y"]
    assert text["x"] + text["width"] <= width


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_evidence_opens_in_place_with_document_and_paragraph(reader: Desk) -> None:
    page = reader.window("/irritants/ru-us/banking-access")
    evidence = page.locator("#US .evidence").first
    assert not evidence.locator("ol").is_visible()
    evidence.locator("summary").click()
    cited = evidence.locator("a[href='/sources/a4-unnamed-outlet#p5']").first
    assert cited.is_visible()
    cited.click()
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
def test_a_saved_link_leads_to_its_anchor(reader: Desk, saved: str, place: str) -> None:
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
def test_printed_pages_are_complete(reader: Desk, name: str) -> None:
    """No text is cut off at the right, and the sheet of a round takes at most two pages."""
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


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/irritants/ru-us/visas",
        "/relations/ru-us/events",
        "/rounds/ru-us/istanbul-april",
        "/relations/ru-us",
        "/sources/a4-unnamed-outlet",
    ],
)
def test_a_past_reading_says_so_on_screen_on_paper_and_in_its_title(reader: Desk, path: str) -> None:
    page = reader.window(f"{path}?effective_on=2025-06-06")
    sentence = "Effective on 6 June 2025. Not the current state."
    assert page.title().startswith(sentence)
    banner = page.locator("#reading")
    expect(banner.get_by_text(sentence)).to_be_in_viewport()
    page.emulate_media(media="print")
    expect(banner.get_by_text(sentence)).to_be_visible()
    expect(banner.get_by_role("link")).to_be_hidden()
    page.emulate_media(media="screen")
    banner.get_by_role("link", name="Back to the present").click()
    page.wait_for_url(f"**{path}")
    expect(page.locator("#reading")).to_be_hidden()


def test_the_way_back_to_the_present_keeps_filters_and_order(reader: Desk) -> None:
    page = reader.window("/?sort=-claimed&awaiting=both&fell_back=false&as_of_position=112")
    page.get_by_role("link", name="Back to the present").click()
    page.wait_for_url(lambda url: "as_of_position" not in url)
    assert sorted(page.url.partition("?")[2].split("&")) == ["awaiting=both", "fell_back=false", "sort=-claimed"]
