"""The board in a real browser: it equals the API, updates live, and is read on both clocks."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from service.domain.ladder import RUNGS
from tests.browser.conftest import CHROMIUM, Desk, is_accessible

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

BOARD: Final = "/v1/relations/ru-us/board"
NAMES = {"RU": "Russia", "US": "The United States"}
LABELS = {"RU": "Russia", "US": "United States"}
WORDS: Final = {"RU": "Russia", "US": "The United States", "both": "Both sides", "none": "No one"}
BASES: Final = {
    "one_side": ", not ",
    "attributed": "not in its own words",
    "media_only": "Media only",
    "none": "No one",
}


def board(reader: Desk, point: str = "") -> list[dict[str, Any]]:
    return list(reader.got(f"{BOARD}{point}")["items"])


def awaiting(row: dict[str, Any]) -> str:
    """Return what the column says: the awaited acts, else the side."""
    acts = " ".join(act[0].upper() + act[1:] for act in row["awaits"])
    return acts or WORDS[row["awaiting"]]


def line_of(page: Page, irritant: str) -> Locator:
    return page.locator(f"#irritant-{irritant.replace('/', '-')}")


@pytest.mark.parametrize("point", ["", "?as_of_position=112", "?effective_on=2025-03-01"])
def test_every_mark_is_drawn_at_the_rung_in_the_api(reader: Desk, point: str) -> None:
    """Positions are measured from left to right on the screen."""
    page = reader.window(f"/{point}")
    for row in board(reader, point):
        line = line_of(page, row["id"])
        assert rung_at(line, "use[href='#claimed']", "middle") == row["status"]
        assert rung_at(line, "use[href='#reported']", "middle") == row["reported_status"]
        assert rung_at(line, "path.confirmed", "right") == row["confirmed_status"]
        for party, rung in row["rungs"].items():
            edge = "left" if RUNGS.index(rung) < 3 else "middle" if RUNGS.index(rung) < 5 else "right"
            assert rung_at(line, f".ladder text[data-side={party}]", edge) == rung
            expect(line.locator(f".ladder text[data-side={party}]")).to_contain_text(LABELS[party])


@pytest.mark.parametrize("point", ["", "?as_of_position=112"])
def test_basis_awaiting_and_items_are_shown_as_in_the_api(reader: Desk, point: str) -> None:
    page = reader.window(f"/{point}")
    for row in board(reader, point):
        cells = line_of(page, row["id"]).get_by_role("cell")
        expect(cells.nth(1)).to_contain_text(BASES[row["basis"]])
        if row["origins"]:
            expect(cells.nth(1)).to_contain_text(
                "one statement" if row["origins"] == 1 else f"{row['origins']} statements"
            )
        expect(cells.nth(2)).to_contain_text(awaiting(row), use_inner_text=True)
        if row["items"]["total"]:
            expect(cells.nth(3)).to_contain_text(f"{row['items']['settled']} of {row['items']['total']} settled")
        for party, rung in row["rungs"].items():
            expect(cells.nth(0)).to_contain_text(f"{NAMES[party]} {rung.replace('_', ' ')}")


def test_on_a_narrow_screen_each_cell_names_its_column(reader: Desk) -> None:
    page = reader.window("/")
    page.set_viewport_size({"width": 360, "height": 900})
    for row in board(reader):
        move, moved = (line_of(page, row["id"]).locator("td").nth(n) for n in (2, 5))
        expect(move).to_have_text(f"Awaiting {awaiting(row)}", use_inner_text=True)
        expect(moved).to_contain_text("Last moved", use_inner_text=True)


@pytest.mark.parametrize("width", [1280, 360])
def test_the_board_is_a_table_for_screen_readers_at_any_width(reader: Desk, width: int) -> None:
    """On a narrow screen the rows are a grid. Some browsers then lost the role of rows."""
    page = reader.window("/")
    page.set_viewport_size({"width": width, "height": 900})
    roles = Counter(roles_for_screen_readers(page))
    rows = len(board(reader))
    assert (roles["table"], roles["row"], roles["rowheader"]) == (1, rows + 1, rows)
    assert roles["cell"] == page.locator("tbody td:visible").count()
    assert roles["columnheader"] == page.locator("thead th:visible").count()


def roles_for_screen_readers(page: Page) -> Iterator[str]:
    """Yield the accessibility roles in Chromium, without ignored nodes."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return (node["role"]["value"] for node in nodes if not node["ignored"])


def test_every_mark_has_a_tooltip(reader: Desk) -> None:
    page = reader.window("/")
    for row in board(reader):
        ladder = line_of(page, row["id"]).locator(".ladder")
        told = ladder.locator("title").all_text_contents()
        assert told[0].startswith("Claimed: ")
        marks = ladder.locator("use:not([href='#scale']), path, text")
        assert marks.count() == marks.filter(has=page.locator("title")).count() == len(told) - 1
    assert page.locator("thead [title]").count() >= 8


def test_the_columns_sort_the_board(reader: Desk) -> None:
    page = reader.window("/")
    rows = sorted(board(reader), key=lambda row: RUNGS.index(row["confirmed_status"]))
    page.locator("#sort-ru-us-confirmed").click()
    expect(page.locator("tbody tr").last).to_have_attribute("id", f"irritant-{rows[-1]['id'].replace('/', '-')}")
    page.locator("#sort-ru-us-confirmed").click()
    expect(page.locator("tbody tr").first).to_have_attribute("id", f"irritant-{rows[-1]['id'].replace('/', '-')}")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("confirmed")


def rung_at(line: Locator, mark: str, edge: str) -> str:
    """Return the rung of a mark. Two marks on one rung are drawn beside each other."""
    found = line.locator(mark)
    if not found.count():
        return "unstated"
    left, right = edges(line.locator("use[href='#scale']"))
    begin, end = edges(found)
    place = {"left": begin, "right": end, "middle": (begin + end) / 2}[edge]
    return RUNGS[round((place - left) / (right - left) * 7)]


def edges(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


# What matters.


def test_the_first_line_leads_to_what_it_counts(reader: Desk) -> None:
    page = reader.window("/")
    page.get_by_role("link", name="2 awaiting the United States").click()
    page.wait_for_url("**/?awaiting=US")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("#matters [aria-current]")).to_have_text("2 awaiting the United States")
    page.get_by_role("link", name="5 irritants").click()
    expect(page.locator("tbody tr")).to_have_count(5)


def test_the_filters_of_the_form_combine(reader: Desk) -> None:
    page = reader.window("/?sort=-claimed")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Awaiting").select_option(label="Both sides")
    page.get_by_label("Fell back").check()
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**sort=-claimed&awaiting=both**")
    rows = [row for row in board(reader) if row["awaiting"] == "both" and row["fell_back"]]
    expect(page.locator("tbody tr")).to_have_count(len(rows))
    page.get_by_role("link", name="Show all").first.click()
    expect(page.locator("tbody tr")).to_have_count(5)


def test_the_board_counts_what_is_new_since_the_last_visit(reader: Desk) -> None:
    page = reader.window("/")
    expect(page.locator("#new")).to_be_empty()
    positions = sorted(row["position"] for row in board(reader))
    last_seen = positions[-2] - 1
    page.evaluate(
        """seen => {
          const name = Object.keys(localStorage).find(name => name.startsWith("irritants visit "));
          localStorage.setItem(name, JSON.stringify({since: null, seen, at: 0}));
        }""",
        last_seen,
    )
    reader.go(page, "/?sort=-claimed")
    page.get_by_role("link", name="2 new since your last visit").click()
    page.wait_for_url(f"**/?sort=-claimed&changed_after={last_seen}")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("#new [aria-current]")).to_have_text("2 new since your last visit")


def test_the_first_irritant_is_visible_on_a_telephone_without_scrolling(reader: Desk) -> None:
    page = reader.window("/")
    page.set_viewport_size({"width": 390, "height": 844})
    first = page.locator("tbody tr").first
    for part in (first.get_by_role("link").first, first.locator(".ladder")):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 844


@pytest.mark.parametrize("width", [1280, 390])
def test_the_names_of_the_rungs_stay_in_view(reader: Desk, width: int) -> None:
    page = reader.window("/")
    page.set_viewport_size({"width": width, "height": 844})
    page.locator("tbody tr").last.locator(".ladder").scroll_into_view_if_needed()
    page.mouse.wheel(0, 200)
    expect(page.locator("thead .axis")).to_be_in_viewport()
    axis, ladder = page.locator("thead .axis"), page.locator("tbody tr").last.locator(".ladder")
    (left, right), (begin, end) = edges(axis), edges(ladder)
    assert abs(left - begin) < 1
    assert abs(right - end) < 1


# Live.


def test_the_board_shows_a_lost_connection_and_reconnects(reader: Desk) -> None:
    reader.context.route("**/v1/events/live*", lambda route: route.abort())
    page = reader.window("/")
    expect(page.locator("#live")).to_contain_text("Disconnected", timeout=20_000)
    reader.context.unroute("**/v1/events/live*")
    expect(page.locator("#live")).to_contain_text("Live", timeout=30_000)
    reader.complaints[:] = [one for one in reader.complaints if "net::ERR_FAILED" not in one]


# Both clocks.


def slide(page: Page, label: str, presses: int) -> None:
    """Move a slider with the keyboard."""
    slider = page.get_by_label(label, exact=True)
    slider.focus()
    for _ in range(presses):
        page.keyboard.press("ArrowLeft")


def test_the_slider_of_the_record_redraws_the_board_and_shows_its_point(reader: Desk) -> None:
    page = reader.window("/")
    page.get_by_text("Point in time").click()
    end = int(page.get_by_label("As known on", exact=True).get_attribute("max") or 0)
    slide(page, "As known on", 3)
    expect(page.locator("#known")).to_contain_text(f"position {end - 3}")
    expect(page).to_have_url(re.compile(rf"/\?as_of_position={end - 3}$"))
    expect(page.get_by_label("As known on", exact=True)).to_be_focused()
    expect(page.locator("#chosen")).to_contain_text("as known on")
    expect(page.locator("#reading")).to_contain_text("Not the current state.")
    assert page.title().startswith("As known on ")
    page.get_by_role("link", name="Back to the present").click()
    expect(page.locator("#reading")).to_be_empty()
    expect(page.locator("#known")).to_contain_text(f"now: all {end} events")


def test_the_slider_of_the_world_leaves_out_later_events(reader: Desk) -> None:
    page = reader.window("/")
    row = line_of(page, "ru-us/banking-access")
    expect(row).to_contain_text("The United States formalised")
    page.get_by_text("Point in time").click()
    page.get_by_label("Effective on", exact=True).press("Home")
    expect(page.locator("#world")).to_contain_text("what had happened by 27 February 2025")
    expect(row).to_contain_text("The United States unstated")


@pytest.mark.parametrize("path", ["/", "/irritants/ru-us/banking-access"])
def test_who_knows_the_day_writes_it(reader: Desk, path: str) -> None:
    page = reader.window(path)
    page.get_by_text("Point in time").click()
    known, happened = page.get_by_label("Known at the end of"), page.get_by_label("Happened by")
    known.fill("60")
    happened.fill("6/7/2025")
    happened.press("Enter")
    expect(happened).to_be_focused()
    expect(happened).to_have_value("6/7/2025")
    expect(happened).to_have_attribute("aria-invalid", "true")
    expect(happened).to_have_accessible_description(re.compile("could be 6 July 2025 or 7 June 2025"))
    expect(known).to_have_value("60")
    is_accessible(page, "clocks-refused" if path == "/" else "clocks-mistake")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    happened.fill("1 March 2025")
    happened.press("Enter")
    page.wait_for_url(f"**{path}?as_of_position=60&effective_on=2025-03-01")
    expect(page.locator("#reading")).to_contain_text("effective on 1 March 2025. Not the current state.")
    expect(known).to_have_value("60")
    expect(happened).to_have_value("2025-03-01")
    page.emulate_media(media="print")
    expect(known).to_be_hidden()


def test_the_fields_for_days_follow_the_sliders(reader: Desk) -> None:
    page = reader.window("/")
    page.get_by_text("Point in time").click()
    end = int(page.get_by_label("As known on", exact=True).get_attribute("max") or 0)
    slide(page, "As known on", 3)
    expect(page.get_by_label("Known at the end of")).to_have_value(str(end - 3))
    page.get_by_label("Effective on", exact=True).press("Home")
    expect(page.get_by_label("Happened by")).to_have_value("2025-02-27")


def test_what_is_entered_in_the_controls_stays_when_the_record_changes(reader: Desk) -> None:
    page = reader.window("/")
    page.get_by_text("Point in time").click()
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("overdue").check()
    page.locator("#filter [name=hold]").select_option("stalled")
    page.get_by_label("Happened by").fill("1 Mar")
    with page.expect_response(lambda answer: answer.url.endswith("/")):
        page.evaluate("document.getElementById('now').dataset.before = 'yes'; htmx.trigger(document.body, 'record')")
    expect(page.locator("#now[data-before]")).to_have_count(0)
    expect(page.get_by_label("Happened by")).to_have_value("1 Mar")
    expect(page.get_by_label("Happened by")).to_be_focused()
    expect(page.get_by_label("overdue")).to_be_checked()
    expect(page.locator("#filter [name=hold]")).to_have_value("stalled")
