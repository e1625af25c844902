"""Copying citations and downloading documents in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CHROMIUM, Desk, is_accessible

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


SHEET = "/rounds/ru-us/istanbul-april"


@pytest.mark.parametrize("path", ["/irritants/ru-us/banking-access", "/sources/a4-unnamed-outlet", SHEET])
def test_a_citation_is_copied_with_the_whole_address_of_the_event(reader: Desk, path: str) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=reader.url)
    page = reader.window(path)
    page.get_by_role("button", name="Copy citation").first.click()
    expect(page.get_by_role("status").filter(has_text="Citation copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"{reader.url}/events/" in copied
    assert "checkpoint 127" in copied
    page.goto(copied[copied.index(reader.url) :].split()[0])
    expect(page.locator(":target")).to_be_visible()


@pytest.mark.parametrize("path", [SHEET, "/sources/a0-brussels-morning-moscow", "/irritants/ru-us/visas"])
def test_each_button_says_which_statement_it_cites(reader: Desk, path: str) -> None:
    page = reader.window(path)
    summaries = {
        f"/v1/events/{event['id']}/citation": event["data"]["summary"]
        for event in reader.got("/v1/events?limit=1000")["items"]
        if "summary" in event["data"]
    }
    buttons = page.locator("button[data-citation]")
    assert buttons.count() > 0
    for button in buttons.all():
        summary = summaries[str(button.get_attribute("data-citation"))]
        assert button.get_attribute("aria-label") == f"Copy citation: {summary}"
        if button.is_visible():
            expect(button).to_have_accessible_name(f"Copy citation: {summary}")


def test_every_statement_of_a_sheet_has_a_button_for_its_citation(reader: Desk) -> None:
    page = reader.window(SHEET)
    sheet = reader.got("/v1/rounds/ru-us/istanbul-april/sheet")
    said = [s["event"] for item in sheet["items"] for voice in item["voices"].values() for s in voice]
    backed = [*sheet["round"]["course"], *sheet["out_of_scope"], *sheet["no_comment"]]
    backed += [one for item in sheet["items"] for one in (*item["next_steps"], *item["proposals"])]
    said += [cited["event"] for one in backed for cited in one["backing"]["evidence"]]
    assert said
    for event in said:
        assert page.locator(f'button[data-citation="/v1/events/{event}/citation"]').count() > 0, event


def test_a_statement_of_a_sheet_is_cited_by_keyboard(reader: Desk) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=reader.url)
    page = reader.window(SHEET)
    reference = page.locator(".block-words a.reference").first
    reference.focus()
    page.keyboard.press("Tab")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert name.startswith("Copy citation: ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Citation copied.")).to_be_visible()
    assert f"{reader.url}/events/" in page.evaluate("navigator.clipboard.readText()")


def test_the_citation_of_a_past_sheet_is_that_of_the_past(reader: Desk) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=reader.url)
    page = reader.window(f"{SHEET}?as_of_position=110")
    page.get_by_role("button", name="Copy citation").first.click()
    expect(page.get_by_role("status").filter(has_text="Citation copied.")).to_be_visible()
    assert "as_of_position=110" in page.evaluate("navigator.clipboard.readText()")


def test_buttons_for_citations_are_accessible_and_not_printed(reader: Desk) -> None:
    page = reader.window(SHEET)
    is_accessible(page, "sheet-citing")
    page.emulate_media(media="print")
    expect(page.locator("button[data-citation]:visible")).to_have_count(0)


def test_without_the_clipboard_the_citation_is_shown(reader: Desk) -> None:
    page = reader.window("/irritants/ru-us/banking-access")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    page.get_by_role("button", name="Copy citation").first.click()
    expect(page.get_by_role("status").filter(has_text="Copy this citation:")).to_contain_text("/events/")


def test_a_past_dossier_is_downloaded_under_a_name_that_says_so(reader: Desk) -> None:
    page = reader.window("/irritants/ru-us/visas?as_of_position=110")
    with page.expect_download() as download:
        page.get_by_role("link", name="Word").click()
    assert download.value.suggested_filename == "ru-us-visas-dossier-as-of-position-110.docx"
