"""On an empty record, a user begins a relation and files its first report in the browser alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Desk, desk_at, is_accessible, shot, site

FILED = re.compile(r"/reports/[0-9a-f-]+")
STAFF = "irritant/dz-fr/consular-staff"
CONCERN = {
    "summary": "It protests against the expulsion of consular staff.",
    "asserted_by-party": "Algeria",
    "source-paragraphs": "2",
    "occurred": "2025-05-19",
}


@pytest.fixture
def empty(profile: BrowserContext, database_url: str) -> Iterator[Desk]:
    """A signed-in user on a record without any event."""
    with site(database_url) as found, desk_at(profile, found) as person:
        yield person


def is_on_record(desk: Desk) -> None:
    """Assert that the board shows the relation and its irritant, as the report said."""
    board = desk.got("/v1/relations/dz-fr/board")
    (row,) = board["items"]
    assert (board["title"], row["title"], row["rungs"]["DZ"]) == ("Algeria and France", "Consular staff", "raised")
    types = [event["type"].split(".")[1] for event in desk.got("/v1/events?after=0")["items"]]
    assert types == ["RelationOpened", "SourceRegistered", "OriginRegistered", "IrritantOpened", "ConcernRaised"]


def test_the_first_report_of_a_new_relation_is_filed_by_mouse(empty: Desk) -> None:
    page = empty.window("/")
    shot(page, "board-empty")
    page.get_by_role("link", name="Open the first relation of two states").click()
    page.get_by_label("One state").fill("Frankreich")
    page.get_by_label("The other state").fill("Algiria")
    with empty.refused():
        page.get_by_role("button", name="Begin a relation").click()
        expect(page.locator("#other-mistake")).to_contain_text("the nearest: Algeria (DZ)")
    expect(page.get_by_label("The other state")).to_be_focused()
    is_accessible(page, "file-start-refused")
    page.get_by_label("The other state").fill("Algeria")
    page.get_by_role("button", name="Begin a relation").click()
    expect(page.locator("#e1-parties")).to_have_value("Algeria\nFrance")
    page.get_by_label("Title of the report").fill("The first readout")

    def new(label: str, text: str, button: str, number: int) -> None:
        """Name something new, and wait for the focus of its entry. An earlier text could go to another field."""
        page.get_by_label(label).fill(text)
        part = page.locator(".pair", has=page.get_by_label(label))
        part.get_by_role("button", name=button).click()
        expect(page.locator("fieldset.entry")).to_have_count(number)
        begun(page, number)

    new("A new irritant, by its title", "Consular staff", "Open an irritant", 2)
    page.locator("#e2-category").fill("Consular affairs")
    new("A new document, by its title", "Communiqué, 19 May", "Register", 3)
    page.locator("#e3-publisher").fill("Ministry of Foreign Affairs")
    new("A new statement, by its title", "Communiqué of 19 May", "Register", 4)
    page.locator("#e4-speaker").fill("The Ministry")
    page.locator("#e4-party").fill("Algeria")
    page.locator("#e4-channel").select_option("quote")
    part = page.get_by_role("region", name="Consular staff")
    part.get_by_role("combobox").last.select_option("ConcernRaised")
    part.get_by_role("button", name="Add").click()
    begun(page, 5)
    for field, text in CONCERN.items():
        page.locator(f"#e5-{field}").fill(text)
    expect(page.locator("#preview")).to_contain_text("5 events, not filed yet.")
    expect(page.locator("#preview")).to_contain_text("DZ: Algeria; FR: France")
    is_accessible(page, "file-new-relation")
    page.get_by_role("button", name="File", exact=True).click()
    page.wait_for_url(FILED)
    is_on_record(empty)
    empty.go(page, "/")
    expect(page.get_by_role("heading", name="Algeria and France")).to_be_visible()
    expect(page.get_by_role("link", name="Consular staff")).to_be_visible()


def test_the_first_report_of_a_new_relation_is_filed_by_keyboard_alone(empty: Desk) -> None:
    page = empty.window("/")
    keyboard = page.keyboard

    def reach(selector: str) -> None:
        for _ in range(150):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            keyboard.press("Tab")
        pytest.fail(f"Tab never comes to {selector}")

    def enter(selector: str, text: str) -> None:
        """Write a text into a field, in place of what is there."""
        reach(selector)
        keyboard.press("Control+a")
        keyboard.type(text)

    reach('#content a[href="/file"]')
    keyboard.press("Enter")
    expect(page.get_by_label("One state")).to_be_visible()
    enter("#one", "Algeria")
    enter("#other", "France")
    keyboard.press("Enter")
    expect(page.locator("#e1-title")).to_have_value("Algeria and France")
    enter("#title", "The first readout")
    enter("#new-document", "Communiqué, 19 May")
    keyboard.press("Enter")
    begun(page, 2)
    enter("#e2-publisher", "Ministry of Foreign Affairs")
    enter("#new-utterance", "Communiqué of 19 May")
    keyboard.press("Enter")
    begun(page, 3)
    enter("#e3-speaker", "The Ministry")
    enter("#e3-party", "Algeria")
    reach("#e3-channel")
    keyboard.type("quote")
    enter("#new-irritant", "Consular staff")
    keyboard.press("Enter")
    begun(page, 4)
    enter("#e4-category", "consular")
    reach(f'[name="type-of-{STAFF}"]')
    keyboard.type("Concern raised")
    keyboard.press("Tab")
    keyboard.press("Enter")
    begun(page, 5)
    for field, text in CONCERN.items():
        enter(f"#e5-{field}", text)
    expect(page.locator("#preview")).to_contain_text("5 events, not filed yet.")
    reach('button[value="file"]')
    keyboard.press("Enter")
    page.wait_for_url(FILED)
    is_on_record(empty)


def begun(page: Page, number: int) -> None:
    """Wait for an entry. Its first field has the focus, so that one can go on writing."""
    expect(page.locator(f"#e{number}")).to_be_visible()
    expect(page.locator(f"#e{number} .fields").first.locator("input, textarea, select").first).to_be_focused()


READOUT = """Communiqué on consular staff

Algiers, 19 May 2025

Algeria protests against the expulsion of consular staff.
"""


def test_the_first_report_of_a_new_relation_begins_with_its_readout(empty: Desk) -> None:
    page = empty.window("/file?relation=dz-fr")
    expect(page.get_by_label("Title of the report")).to_have_value("First report on Algeria and France")
    expect(page.locator("#title-mistake")).to_be_hidden()
    page.get_by_role("radio", name="Algeria").check()
    page.locator("#readout-pasted").fill(READOUT)
    page.get_by_role("button", name="Read it").click()
    expect(page.locator(".passage")).to_have_count(3)
    page.locator(".passage-text").nth(2).click()
    about = page.get_by_role("group", name="About", exact=True)
    expect(about.get_by_label("New irritant …")).to_be_checked()
    expect(about.get_by_label("Title of the new irritant")).to_be_focused()
    page.get_by_role("button", name="Add", exact=True).first.click()
    expect(page.locator("#e0-irritant-title-mistake")).to_have_text(
        "“Title of the new irritant” is empty. Fill it in, then press Add."
    )
    expect(about.get_by_label("Title of the new irritant")).to_be_focused()
    page.wait_for_load_state("networkidle")
    is_accessible(page, "readout-asked-new-irritant")
    about.get_by_label("Title of the new irritant").fill("Consular staff")
    about.get_by_label("Its category").fill("Consular affairs")
    page.keyboard.press("Enter")
    expect(page.locator(".card", has_text="Irritant opened")).to_have_count(1)
    expect(
        page.locator(".card", has_text="According to Algeria, this is a problem: Consular staff.")
    ).to_be_in_viewport()
    page.locator("#e2-publisher").fill("Ministry of Foreign Affairs")
    page.locator("#e3-speaker").fill("The Ministry")
    expect(page.locator("#preview")).to_contain_text("5 events, not filed yet.")
    page.get_by_role("button", name="File", exact=True).click()
    page.wait_for_url(FILED)
    is_on_record(empty)
    expect(page.get_by_role("navigation").get_by_role("link", name="Reports", exact=True)).to_be_visible()
    expect(page.locator(".report-events")).to_contain_text("paragraph 3")
