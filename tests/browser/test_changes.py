"""Changes since the last visit and since a day, and the comparison of a relation, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import CHROMIUM, Desk, is_accessible

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

AN_HOUR_AGO = """
() => {
  const name = Object.keys(localStorage).find(name => name.startsWith("irritants visit "));
  const visit = JSON.parse(localStorage.getItem(name));
  localStorage.setItem(name, JSON.stringify({ ...visit, at: visit.at - 3600000, seen: 110 }));
}
"""


def test_the_browser_remembers_the_last_visit_without_a_cookie(reader: Desk) -> None:
    page = reader.window("/changes")
    cookies = reader.context.cookies()
    expect(page.get_by_role("link", name="Since your last visit")).to_be_hidden()
    page.evaluate(AN_HOUR_AGO)
    page.reload()
    page.get_by_role("link", name="Since your last visit").click()
    page.wait_for_url("**/changes?since=position%3A110")
    expect(page.get_by_text("Changes recorded after position 110, in the order of recording.")).to_be_visible()
    expect(page.get_by_label("Changes since")).to_have_value("position:110")
    page.reload()
    expect(page.get_by_role("link", name="Since your last visit")).to_have_attribute("href", page.url)
    assert reader.context.cookies() == cookies


def test_a_change_is_one_sentence_with_its_details_on_demand(reader: Desk) -> None:
    page = reader.window("/changes")
    page.get_by_label("Changes since").fill("istanbul-february")
    page.keyboard.press("Enter")
    sentence = "Direct flights: The claimed and the reported status went from nothing to proposed."
    change = page.get_by_role("listitem").filter(has_text=sentence)
    expect(change).to_be_visible()
    expect(change.get_by_text("Before")).to_be_hidden()
    change.locator("summary").click()
    expect(change.get_by_text("Before")).to_be_visible()
    is_accessible(page, "changes-since")


def test_a_refused_day_stays_in_the_field_and_the_reason_is_read_with_it(reader: Desk) -> None:
    page = reader.window("/changes")
    field = page.get_by_label("Changes since")
    field.fill("6/7/2025")
    page.get_by_role("button", name="Show").click()
    expect(field).to_have_value("6/7/2025")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("could be 6 July 2025 or 7 June 2025"))


def test_a_relation_is_compared_from_its_page_with_a_date_as_people_write_it(reader: Desk) -> None:
    page = reader.window("/relations/ru-us")
    for end, by, at in (("From", "a date (effective on)", "6.6."), ("To", "a position of the record", "110")):
        group = page.get_by_role("group", name=end)
        group.get_by_role("combobox").first.select_option(label=by)
        group.get_by_role("combobox").last.fill(at)
    page.get_by_role("button", name="Compare").click()
    value = page.get_by_role("group", name="From").get_by_role("combobox").last
    expect(value).to_have_value("6.6.")
    expect(page.get_by_role("group", name="From").get_by_text("The value must be a day")).to_be_visible()
    expect(page.get_by_role("group", name="To").get_by_role("combobox").last).to_have_value("110")
    is_accessible(page, "relation-difference-refused")
    value.fill("1 March 2025")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/relations/ru-us/difference?from=effective%3A2025-03-01&to=position%3A110")
    expect(page.get_by_role("listitem").filter(has_text="Banking access of the missions:").first).to_be_visible()
