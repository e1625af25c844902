"""A user files a round, corrects and retracts in a real browser: by mouse, by keyboard, and with interruptions."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, is_accessible, shot

ROUND = "/file?round=ru-us/moscow-next"
BLANK = "/file?relation=ru-us"
VISAS = "irritant/ru-us/visas"
FILED = re.compile(r"/reports/[0-9a-f-]+")


def add(page: Page, stream: str, type: str) -> None:
    part = page.locator(f'section[aria-labelledby="part-{stream.replace("/", "-")}"]')
    part.get_by_role("combobox").last.select_option(type)
    part.get_by_role("button", name="Add").click()


def saying(page: Page, number: int, summary: str = "The department speaks of an understanding on visas.") -> None:
    """Fill in an understanding on visas by the American side."""
    page.locator(f"#e{number}-terms").fill("Visas within thirty days")
    page.locator(f"#e{number}-summary").fill(summary)
    page.locator(f"#e{number}-asserted_by-party").fill("US")
    page.locator(f"#e{number}-asserted_by-channel").select_option("paraphrase")
    page.locator(f"#e{number}-source-document").fill("a4-unnamed-outlet")
    page.locator(f"#e{number}-source-paragraphs").fill("5")
    page.locator(f"#e{number}-source-origin").fill("state-department-on-april")
    page.locator(f"#e{number}-occurred").fill("[2025-05-02..]")


def on_visas(desk: Desk) -> Page:
    """Return the form of the round with only a complete assertion on visas."""
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


def test_a_round_is_previewed_and_filed_and_another_window_updates(desk: Desk) -> None:
    board = desk.window("/")
    expect(
        board.get_by_text("Russia says that the substance is agreed (“understanding”); the United States is silent.")
    ).to_be_visible()
    page = on_visas(desk)
    expect(page.locator("#e1-occurred-read")).to_have_text("on or after 2 May 2025, day unknown")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Russia and the United States both say that the substance is agreed")
    assert events(desk) == []
    is_accessible(page, "file-preview")
    press_file(page)
    page.wait_for_url(FILED)
    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    shot(page, "report")
    assert len(events(desk)) == 1
    expect(board.get_by_text("Russia and the United States both say that the substance is agreed")).to_be_visible()


SLOWLY = """
() => {
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) { setTimeout(() => send.call(this, body), 300); };
}
"""
"""Makes the requests of the form slow, so that people press and write while one runs."""


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_button_that_is_pressed_twice_at_once_adds_both(desk: Desk, *, is_slow: bool) -> None:
    page = desk.window(ROUND)
    if is_slow:
        page.evaluate(SLOWLY)
    page.evaluate(
        """([stream, type]) => {
          document.querySelector(`select[name="type-of-${stream}"]`).value = type;
          const button = document.querySelector(`button[value="add ${stream}"]`);
          button.click(); button.click();
        }""",
        [VISAS, "ConcernRaised"],
    )
    expect(page.locator('input[name$="-type"][value="ConcernRaised"]')).to_have_count(2)


def test_two_buttons_that_are_pressed_at_once_both_count(desk: Desk) -> None:
    page = desk.window(ROUND)
    page.evaluate(SLOWLY)
    page.evaluate(
        """pressed => {
          for (const [stream, type] of pressed) {
            document.querySelector(`select[name="type-of-${stream}"]`).value = type;
            document.querySelector(`button[value="add ${stream}"]`).click();
          }
        }""",
        [[VISAS, "ConcernRaised"], ["irritant/ru-us/direct-flights", "HoldPlaced"], [VISAS, "HoldPlaced"]],
    )
    expect(page.locator('input[name$="-type"][value="HoldPlaced"]')).to_have_count(2)
    expect(page.locator('input[name$="-type"][value="ConcernRaised"]')).to_have_count(1)


def test_what_is_written_while_a_button_works_is_not_lost(desk: Desk) -> None:
    page = desk.window(ROUND)
    add(page, VISAS, "ConcernRaised")
    expect(page.locator("#e1-summary")).to_be_visible()
    page.evaluate(SLOWLY)
    add(page, "irritant/ru-us/direct-flights", "HoldPlaced")
    page.locator("#title").fill("A title that was written meanwhile")
    expect(page.locator('input[name$="-type"][value="HoldPlaced"]')).to_have_count(1)
    expect(page.locator("#title")).to_have_value("A title that was written meanwhile")
    page.reload()
    expect(page.locator("#title")).to_have_value("A title that was written meanwhile")


def test_a_report_that_is_filed_right_after_a_button_has_what_it_added(desk: Desk) -> None:
    page = on_visas(desk)
    page.evaluate(SLOWLY)
    with desk.refused():
        page.evaluate(
            """() => {
              document.querySelector('button[value="duplicate 1"]').click();
              document.querySelector('button[value="file"]').click();
            }"""
        )
        # The copy has no paragraphs yet, so the report is refused with both.
        expect(page.locator("#refused")).to_be_visible()
    expect(page.locator('input[name$="-type"][value="UnderstandingReported"]')).to_have_count(2)
    assert events(desk) == []


def test_after_a_failed_request_the_buttons_work_again(desk: Desk) -> None:
    page = desk.window(ROUND)
    with desk.offline():
        add(page, VISAS, "ConcernRaised")
        expect(page.locator("#unreachable")).to_be_visible()
    add(page, VISAS, "ConcernRaised")
    expect(page.locator('input[name$="-type"][value="ConcernRaised"]')).to_have_count(1)


def test_a_correction_that_is_filed_with_a_double_click_leads_to_its_receipt(desk: Desk) -> None:
    page = desk.window(f"/correct/{event(desk, VISAS, 'NextStepAgreed')}")
    page.locator("#e0-owner").select_option("US")
    page.locator("#reason").fill("Misread: it is for Washington.")
    page.get_by_role("button", name="File the correction").dblclick()
    expect(page).to_have_url(FILED)  # the second press may abort the navigation of the first
    assert [one["type"].split(".")[1] for one in events(desk)] == ["AssertionCorrected"]


def test_a_mistake_is_shown_at_its_field_until_it_is_corrected(desk: Desk) -> None:
    page = on_visas(desk)
    paragraphs, told = page.locator("#e1-source-paragraphs"), page.locator("#e1-source-paragraphs-mistake")
    paragraphs.fill("5, 99")
    page.locator("#e1-summary").focus()
    expect(told).to_contain_text("Paragraph 99 does not exist")
    expect(paragraphs).to_have_attribute("aria-invalid", "true")
    paragraphs.fill("5")
    page.locator("#e1-summary").focus()
    expect(told).to_have_text("")
    expect(paragraphs).not_to_have_attribute("aria-invalid", "true")


def test_a_refusal_is_summarised_at_the_top_with_links_to_fields(desk: Desk) -> None:
    page = desk.window(ROUND)
    with desk.refused():
        press_file(page)
        expect(page.locator("#refused")).to_be_focused()
    expect(page.locator("#e1-summary-mistake")).to_have_text(re.compile(r"^is missing\. Give text"))
    page.locator("#refused").get_by_role("link", name="Paragraphs").click()
    expect(page.locator("#e1-source-paragraphs")).to_be_in_viewport()
    is_accessible(page, "file-refused")


def test_pressing_twice_or_going_back_files_once(desk: Desk) -> None:
    page = on_visas(desk)
    page.get_by_role("button", name="File", exact=True).dblclick()
    expect(page).to_have_url(FILED)  # the second press may abort the navigation of the first
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
    page.wait_for_timeout(400)  # a draft is saved shortly after the last key
    page.close()
    start = desk.window("/file")
    start.locator("#drafts").get_by_role("link", name="Readouts of Moscow").click()
    expect(start.locator("#e1-terms")).to_have_value("Visas within thirty days")
    expect(start.locator("#kept")).to_contain_text("This is your draft of")
    press_file(start)
    start.wait_for_url(FILED)
    expect(desk.window("/file").locator("#drafts")).to_be_hidden()


def test_a_session_that_ends_while_filling_in_a_form_loses_nothing(desk: Desk) -> None:
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


def test_after_signing_in_again_the_draft_is_there_and_can_be_discarded(desk: Desk) -> None:
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
    expect(page.locator("#preview")).to_contain_text("Both sides → The United States")
    page.get_by_label("Reason").fill("Misread: it is for Washington.")
    shot(page, "correct")
    page.get_by_role("button", name="File the correction").click()
    page.wait_for_url(FILED)
    desk.go(page, "/irritants/ru-us/visas")
    page.locator(f'a[href="/retract/{step}"]').click()
    expect(page.locator("#preview")).to_contain_text("The United States → No one")
    page.get_by_label("Reason").fill("Filed by mistake.")
    shot(page, "retract")
    page.get_by_role("button", name="File the retraction").click()
    page.wait_for_url(FILED)
    assert [e["data"]["type"] for e in events(desk)] == ["AssertionCorrected", "AssertionRetracted"]


def test_a_whole_report_gets_another_date_with_one_edit(desk: Desk) -> None:
    page = on_visas(desk)
    press_file(page)
    page.wait_for_url(FILED)
    page.get_by_role("link", name="Correct this report").click()
    page.locator("#date").fill("2025-05-03")
    expect(page.locator("#date-read")).to_have_text("3 May 2025")
    page.get_by_role("button", name="Set this date in all").click()
    page.get_by_role("alert").get_by_role("button", name="Set it", exact=True).click()
    expect(page.locator("#e1-occurred")).to_have_value("2025-05-03")
    page.get_by_label("Reason").fill("The wrong day.")
    expect(page.locator("#preview")).to_contain_text("One event, not filed yet.")
    page.get_by_role("button", name="File the corrections").click()
    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    assert [e["data"].get("changes") for e in events(desk)][1:] == [{"occurred": "2025-05-03"}]


FORMS = {
    "visitor": "/sign-in",
    "file-start": "/file",
    "file": ROUND,
    "file-blank": BLANK,
    "correct-begun": "/correct/{step}",
    "retract-begun": "/retract/{step}",
    "report-seeded": "/reports/{report}",
    "report-correct": "/reports/{report}/correct",
    "reports": "/reports",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_forms_are_accessible(reader: Desk, name: str) -> None:
    step = event(reader, VISAS, "NextStepAgreed")
    report = reader.got("/v1/reports")["items"][-1]["id"]
    page = reader.window(FORMS[name].format(step=step, report=report))
    page.wait_for_load_state("networkidle")
    is_accessible(page, name)


# Without a connection.

LOST = "The service cannot be reached. Nothing was filed. Your draft is saved in this browser."


def test_without_a_connection_add_and_file_say_so_and_keep_the_draft(desk: Desk) -> None:
    page = on_visas(desk)
    expect(page.locator("#preview")).to_contain_text("One event, not filed yet.")
    said = page.get_by_role("alert").filter(has_text=LOST)
    with desk.offline():
        page.locator("#e1-summary").fill("Written without a connection.")
        expect(said).to_be_visible()  # the preview says it first
        add(page, VISAS, "ConcernRaised")
        expect(page.locator(f'.adding:has([name="type-of-{VISAS}"]) + #unreachable')).to_contain_text(LOST)
        expect(page.locator("#e1-summary")).to_have_value("Written without a connection.")
        press_file(page)
        expect(page.locator(".submit + #unreachable")).to_contain_text(LOST)
        expect(page).to_have_url(re.compile(re.escape(ROUND)))
        assert page.locator("#unreachable").count() == 1
        shot(page, "unreachable")
        stored = page.evaluate("JSON.stringify(localStorage)")
        assert "Written without a connection." in stored
    page.locator("#title").fill("Filed when the connection was back")
    expect(page.locator("#preview")).to_contain_text("One event, not filed yet.")
    expect(said).to_be_hidden()
    press_file(page)
    page.wait_for_url(FILED)
    assert [e["data"]["summary"] for e in events(desk)] == ["Written without a connection."]


def test_without_a_connection_a_correction_is_kept(desk: Desk) -> None:
    page = desk.window(f"/correct/{event(desk, VISAS, 'NextStepAgreed')}")
    page.locator("#e0-owner").select_option("US")
    with desk.offline():
        page.get_by_label("Reason").fill("Misread: it is for Washington.")
        page.get_by_role("button", name="File the correction").click()
        expect(page.locator(".submit + #unreachable")).to_contain_text(LOST)
    page.get_by_role("button", name="File the correction").click()
    page.wait_for_url(FILED)
    assert len(events(desk)) == 1


# Hints and mistakes in the layout.

OF_MANY_KINDS = ("ProposalTabled", "NextStepAgreed", "InstrumentExchanged", "ItemAdded")
MOVED = """
() => {
  const form = document.getElementById("report");
  const shown = [...form.querySelectorAll(".hint, .mistake, button, label")];
  const boxes = () => shown.map(one => Math.round(one.getBoundingClientRect().top + scrollY));
  const before = boxes(), found = [];
  for (const field of form.querySelectorAll(".field :is(input, select, textarea)")) {
    field.focus({ preventScroll: true });
    if (boxes().some((top, place) => top !== before[place])) found.push(field.id);
  }
  return found;
}
"""
COVERED = """
() => {
  const form = document.getElementById("report"), found = [];
  const box = element => element.getBoundingClientRect();
  const shown = selector => [...form.querySelectorAll(selector)].filter(one => box(one).width > 1 && one.offsetParent);
  const controls = shown("input:not([type=hidden]), select, textarea, button, label, legend");
  const notes = shown(".hint, .mistake, .read").filter(note => note.textContent.trim());
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  for (const note of notes) {
    const field = note.closest(".field")?.querySelector("input, select, textarea");
    if (field && box(note).top < box(field).bottom - 1) found.push(`${note.id} is not below its field`);
    if (box(note).right > innerWidth + 1) found.push(`${note.id} is cut off`);
    for (const other of [...controls, ...notes])
      if (other !== note && !other.contains(note) && meet(box(note), box(other)))
        found.push(`${note.id} covers ${other.id || other.textContent.trim().slice(0, 30)}`);
  }
  return [...new Set(found)];
}
"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_hints_and_mistakes_stand_below_their_fields_and_cover_nothing(desk: Desk, width: int, scheme: Any) -> None:
    """In every kind of field, with the mistakes of a refused report, wherever the focus is."""
    page = desk.window(ROUND)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    entries = [*((VISAS, type) for type in OF_MANY_KINDS), ("relation/ru-us", "PersonNamed")]
    for number, (stream, type) in enumerate(entries, 2):  # the first begins the round
        add(page, stream, type)
        expect(page.locator(f"#e{number}")).to_be_visible()
    page.locator("#e2-source-document").fill("a4-unnamed-outlet")
    page.locator("#e2-source-paragraphs").fill("99")
    page.locator("#e2-occurred").fill("10/4/2025")
    page.locator("#e2-asserted_by-party").fill("Ruritania")
    with desk.refused():
        press_file(page)
        expect(page.locator("#refused")).to_be_focused()
    expect(page.locator("#e2-source-paragraphs-mistake")).not_to_be_empty()
    assert page.evaluate(COVERED) == []
    shot(page, f"hints-{width}-{scheme}")
    # A note that appears with the focus would move the button that the next click is aimed at.
    assert page.evaluate(MOVED) == []
