"""A person files a round, corrects and retracts, in a real browser: by mouse, by keyboard alone, and interrupted."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, everybody_can_use, shot

ROUND = "/file?round=ru-us/moscow-next"
BLANK = "/file?relation=ru-us"
VISAS = "irritant/ru-us/visas"
FILED = re.compile(r"/reports/[0-9a-f-]+")


def add(page: Page, stream: str, type: str) -> None:
    part = page.locator(f'section[aria-labelledby="part-{stream.replace("/", "-")}"]')
    part.get_by_role("combobox").last.select_option(type)
    part.get_by_role("button", name="Add").click()


def saying(page: Page, number: int, summary: str = "The department speaks of an understanding on visas.") -> None:
    """Fills in an understanding on visas by the American side."""
    page.locator(f"#e{number}-terms").fill("Visas within thirty days")
    page.locator(f"#e{number}-summary").fill(summary)
    page.locator(f"#e{number}-asserted_by-party").fill("US")
    page.locator(f"#e{number}-asserted_by-channel").select_option("paraphrase")
    page.locator(f"#e{number}-source-document").fill("a4-unnamed-outlet")
    page.locator(f"#e{number}-source-paragraphs").fill("5")
    page.locator(f"#e{number}-source-origin").fill("state-department-on-april")
    page.locator(f"#e{number}-occurred").fill("[2025-05-02..]")


def on_visas(desk: Desk) -> Page:
    """The form of the round, with a complete assertion on visas and nothing else."""
    page = desk.window(ROUND)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#e1")).to_have_count(0)
    add(page, VISAS, "UnderstandingReported")
    saying(page, 1)
    return page


def events(desk: Desk) -> list[dict[str, Any]]:
    found = desk.got("/v1/events?after=127")["items"]
    return list(found)


def event(desk: Desk, stream: str, type: str) -> str:
    found = desk.got(f"/v1/events?stream={stream}&type={type}")["items"]
    return str(found[0]["id"])


def press_file(page: Page) -> None:
    page.get_by_role("button", name="File", exact=True).click()


def test_a_round_is_filed_after_it_was_seen_what_it_changes_and_another_window_hears_of_it(desk: Desk) -> None:
    board = desk.window("/")
    expect(
        board.get_by_text("Russia says that the substance is agreed (“understanding”); the United States is silent.")
    ).to_be_visible()
    page = on_visas(desk)
    expect(page.locator("#e1-occurred-read")).to_have_text("on or after 2 May 2025, day unknown")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Russia and the United States both say that the substance is agreed")
    assert events(desk) == []
    everybody_can_use(page, "file-preview")
    press_file(page)
    page.wait_for_url(FILED)
    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    shot(page, "report")
    assert len(events(desk)) == 1
    expect(board.get_by_text("Russia and the United States both say that the substance is agreed")).to_be_visible()


def test_a_mistake_is_told_at_its_field_once_it_is_left_and_goes_when_it_is_mended(desk: Desk) -> None:
    page = on_visas(desk)
    paragraphs, told = page.locator("#e1-source-paragraphs"), page.locator("#e1-source-paragraphs-mistake")
    paragraphs.fill("5, 99")
    page.locator("#e1-summary").focus()
    expect(told).to_contain_text("there is no paragraph 99")
    expect(paragraphs).to_have_attribute("aria-invalid", "true")
    paragraphs.fill("5")
    page.locator("#e1-summary").focus()
    expect(told).to_have_text("")
    expect(paragraphs).not_to_have_attribute("aria-invalid", "true")


def test_what_is_refused_says_so_at_the_top_and_leads_to_each_field(desk: Desk) -> None:
    page = desk.window(ROUND)
    with desk.refused():
        press_file(page)
        expect(page.locator("#refused")).to_be_focused()
    expect(page.locator("#e1-summary-mistake")).to_have_text("is missing.")
    page.locator("#refused").get_by_role("link", name="Paragraphs").click()
    expect(page.locator("#e1-source-paragraphs")).to_be_in_viewport()
    everybody_can_use(page, "file-refused")


def test_two_presses_file_once_and_back_and_again_files_nothing_more(desk: Desk) -> None:
    page = on_visas(desk)
    page.get_by_role("button", name="File", exact=True).dblclick()
    expect(page).to_have_url(FILED)  # however it gets there: the second press may abort what the first began
    page.reload()
    assert len(events(desk)) == 1
    first = page.url
    page.go_back()
    if page.locator("#e1-terms").count():
        press_file(page)
        page.wait_for_url(FILED)
        assert page.url == first
    assert len(events(desk)) == 1


def test_a_draft_outlives_the_window_until_it_is_filed(desk: Desk) -> None:
    page = on_visas(desk)
    page.wait_for_timeout(400)  # a draft is put away a moment after the last key
    page.close()
    start = desk.window("/file")
    start.locator("#drafts").get_by_role("link", name="Readouts of Moscow Next").click()
    expect(start.locator("#e1-terms")).to_have_value("Visas within thirty days")
    expect(start.locator("#kept")).to_contain_text("This is your draft of")
    press_file(start)
    start.wait_for_url(FILED)
    expect(desk.window("/file").locator("#drafts")).to_be_hidden()


def test_a_session_that_ends_in_mid_form_loses_nothing(desk: Desk) -> None:
    page = on_visas(desk)
    desk.context.clear_cookies()
    page.locator("#e1-summary").fill("Written after the session had ended.")
    expect(page.locator("#preview")).to_contain_text("You are no longer signed in.")
    with desk.refused():
        press_file(page)
        expect(page.get_by_role("heading", name="You are no longer signed in.")).to_be_visible()
    shot(page, "session-ended")
    page.get_by_label("Key", exact=True).fill(desk.key)
    page.get_by_role("button", name="Sign in and continue").click()
    expect(page.locator("#e1-summary")).to_have_value("Written after the session had ended.")
    assert events(desk) == []
    press_file(page)
    page.wait_for_url(FILED)
    assert [e["data"]["summary"] for e in events(desk)] == ["Written after the session had ended."]


def test_who_signs_in_again_elsewhere_finds_the_draft_and_can_discard_it(desk: Desk) -> None:
    page = on_visas(desk)
    page.wait_for_timeout(400)
    desk.context.clear_cookies()
    desk.go(page, ROUND)
    page.get_by_label("Key", exact=True).fill(desk.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#e1-terms")).to_have_value("Visas within thirty days")
    page.locator("#kept").get_by_role("button", name="Discard").click()
    expect(page.locator("#e1-place")).to_have_value("Moscow")


def test_a_report_is_filed_by_keyboard_alone(desk: Desk) -> None:
    page = desk.window(BLANK)
    keyboard = page.keyboard

    def reach(selector: str) -> None:
        for _ in range(120):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            keyboard.press("Tab")
        pytest.fail(f"Tab never comes to {selector}")

    reach("#title")
    keyboard.type("What was said in May")
    reach("#subject")
    keyboard.type("Visas")
    reach('button[value="show"]')
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Visas for diplomats")).to_be_visible()
    page.locator("#title").focus()
    reach(f'[name="type-of-{VISAS}"]')
    keyboard.type("Concern raised")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(page.locator("#e1-summary")).to_be_focused()
    keyboard.type("The department names it as a problem.")
    for field, text in [
        ("asserted_by-party", "US"),
        ("asserted_by-channel", "paraphrase"),
        ("source-document", "a4-unnamed-outlet"),
        ("source-paragraphs", "5"),
        ("source-origin", "state-department-on-april"),
    ]:
        reach(f"#e1-{field}")
        keyboard.type(text)
    expect(page.locator("#preview")).to_contain_text("One event, not filed yet.")
    reach('button[value="file"]')
    keyboard.press("Enter")
    page.wait_for_url(FILED)
    assert [e["type"] for e in events(desk)] == ["irritants.ConcernRaised.v1"]


def test_a_correction_and_a_retraction_are_filed_from_the_dossier(desk: Desk) -> None:
    step = event(desk, VISAS, "NextStepAgreed")
    page = desk.window("/irritants/ru-us/visas")
    page.locator(f'a[href="/correct/{step}"]').click()
    page.locator("#e0-owner").select_option("US")
    expect(page.locator("#preview")).to_contain_text("Both → The US")
    page.get_by_label("Reason").fill("Misread: it is for Washington.")
    shot(page, "correct")
    page.get_by_role("button", name="File the correction").click()
    page.wait_for_url(FILED)
    desk.go(page, "/irritants/ru-us/visas")
    page.locator(f'a[href="/retract/{step}"]').click()
    expect(page.locator("#preview")).to_contain_text("The US → No one")
    page.get_by_label("Reason").fill("Filed by mistake.")
    shot(page, "retract")
    page.get_by_role("button", name="File the retraction").click()
    page.wait_for_url(FILED)
    assert [e["data"]["type"] for e in events(desk)] == ["AssertionCorrected", "AssertionRetracted"]


FORMS = {
    "visitor": "/sign-in",
    "file-start": "/file",
    "file": ROUND,
    "file-blank": BLANK,
    "correct-begun": "/correct/{step}",
    "retract-begun": "/retract/{step}",
    "report-seeded": "/reports/{report}",
}


@pytest.mark.parametrize("name", FORMS)
def test_everybody_can_use_the_forms(reader: Desk, name: str) -> None:
    step = event(reader, VISAS, "NextStepAgreed")
    report = reader.got("/v1/reports")["items"][-1]["id"]
    page = reader.window(FORMS[name].format(step=step, report=report))
    page.wait_for_load_state("networkidle")
    everybody_can_use(page, name)
