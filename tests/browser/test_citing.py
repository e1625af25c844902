"""Copying citations and downloading documents in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CHROMIUM, Desk

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.mark.parametrize("path", ["/irritants/ru-us/banking-access", "/sources/a4-unnamed-outlet"])
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
