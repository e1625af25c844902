"""The board: the marks and sentences of each irritant, and the points on both clocks."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from service.domain.edtf import describe
from service.domain.ladder import RUNGS
from tests.api.bodies import FLIGHTS, VISAS, on, report
from tests.web.conftest import Clock, NewKey, browsing, site
from tests.web.pages import Page

SENTENCES = {
    "banking-access": (
        "The United States says that it is recorded in an instrument (“understanding”); Russia says that the substance"
        " is agreed (“committed”). Awaiting both sides: Provide the missions with smooth banking and financial services"
        " (of the sides Russia alone says that it is agreed)."
    ),
    "direct-flights": (
        "Russia is said to propose a remedy; the United States is silent. Awaiting the answer of the United States to"
        " what Russia is said to propose: Bring back direct flights between both countries."
    ),
    "diplomat-movement": (
        "Russia says that the substance is agreed (“understanding”); the United States is said to name it as a problem."
        " Awaiting both sides: Take further measures easing diplomats' movement"
        " (of the sides Russia alone says that it is agreed)."
    ),
    "property-return": (
        "Russia proposes a remedy (“confiscated”); the United States is silent. Media report that it is taken up"
        " between the sides. Items settled: 0 of 6. Awaiting the answer of the United States to Russia: Swift return"
        " of the confiscated Russian diplomatic properties."
    ),
    "visas": (
        "Russia says that the substance is agreed (“understanding”); the United States is silent. Awaiting both sides:"
        " Take further measures on visa procedures (of the sides Russia alone says that it is agreed)."
    ),
}
FIRST, STEP = 17, 39


def line_of(page: str, slug: str) -> str:
    (line,) = re.findall(rf'<tr id="irritant-ru-us-{slug}".*?</tr>', page)
    return str(line)


def marks(line: str) -> dict[str, str]:
    """Return the rung of each mark. Two marks on one rung are drawn beside each other."""

    def rung(pattern: str) -> str:
        found = re.search(pattern, line)
        return "unstated" if found is None else RUNGS[round((int(found[1]) - FIRST) / STEP)]

    def side(party: str) -> str:
        """Return the rung of the name of a side. At the ends of the scale it begins or ends beside its rung."""
        found = re.search(rf'<text class="([^"]*)" data-side="{party}" x="(\d+)"', line)
        assert found is not None
        beside = {"start": 8, "end": -8}.get(found[1].split()[-1], 0)
        return RUNGS[round((int(found[2]) + beside - FIRST) / STEP)]

    return {
        "status": rung(r'href="#claimed" x="(\d+)"'),
        "confirmed_status": rung(r'class="confirmed" d="M17 25H(\d+)v'),
        "reported_status": rung(r'href="#reported" x="(\d+)"'),
        "RU": side("RU"),
        "US": side("US"),
    }


def drawn(row: dict[str, Any]) -> dict[str, str]:
    return {**{name: row[name] for name in ("status", "confirmed_status", "reported_status")}, **row["rungs"]}


@pytest.mark.parametrize("slug", SENTENCES)
def test_each_irritant_has_its_headline(reading: TestClient, slug: str) -> None:
    assert f"<p>{escape(SENTENCES[slug])}</p>" in line_of(reading.get("/").text, slug)


@pytest.mark.parametrize("point", ["", "?as_of_position=60", "?effective_on=2025-03-01", "?as_of_position=110"])
def test_every_mark_is_at_the_rung_in_the_json(reading: TestClient, point: str) -> None:
    page, board = reading.get(f"/{point}").text, reading.get(f"/v1/relations/ru-us/board{point}").json()
    for row in board["items"]:
        assert marks(line_of(page, row["id"].partition("/")[2])) == drawn(row)


def test_the_board_shows_who_says_so_who_is_awaited_and_since_when(browser: TestClient, clock: Clock) -> None:
    clock.now = clock.now.replace(year=2025, month=4, day=20)
    said = Page(f"<table>{line_of(browser.get('/').text, 'banking-access')}</table>").said
    assert "Who says so The United States, not Russia one statement Awaiting Both sides" in said
    assert "at most 10 days ago on or after 10 April 2025, day unknown" in said
    assert "0 of 6 settled" in line_of(browser.get("/").text, "property-return")


def test_days_are_counted_to_the_day_of_the_reading(reading: TestClient) -> None:
    page = reading.get("/?effective_on=2025-04-12").text
    assert "Days are counted to 12 April 2025." in page
    assert "at most 2 days ago" in line_of(page, "visas")


def test_irritants_are_sorted_as_requested(reading: TestClient) -> None:
    def order(sort: str) -> list[str]:
        return re.findall(r'<tr id="irritant-ru-us-([\w-]+)"', reading.get(f"/?sort={sort}").text)

    assert order("irritant") == ["banking-access", "direct-flights", "diplomat-movement", "property-return", "visas"]
    assert order("-claimed")[0] == "banking-access"
    assert order("confirmed")[-1] == "banking-access"
    assert order("move")[:2] == ["direct-flights", "property-return"]
    assert order("moved")[0] == "direct-flights"
    page = reading.get("/?sort=-claimed").text
    assert 'aria-sort="descending"' in page
    assert 'href="/?sort=claimed"' in page


def test_the_sliders_redirect_to_the_address_of_their_point(reading: TestClient) -> None:
    def meant(query: str) -> str:
        answer = reading.get(f"/?{query}")
        assert answer.status_code == 303
        return str(answer.headers["location"])

    page = reading.get("/").text
    first, end = re.findall(r'name="day" min="(\d+)" max="(\d+)"', page)[0]
    last = re.findall(r'name="position" min="1" max="(\d+)"', page)[0]
    assert meant(f"position=60&day={first}") == "/?as_of_position=60&effective_on=2025-02-27"
    assert meant(f"position={last}&day={end}") == "/"
    assert meant(f"sort=-claimed&relation=ru-us&position={last}&day={int(end) - 1}") == (
        "/?relation=ru-us&sort=-claimed&effective_on=2025-04-10"
    )


def test_the_sliders_show_their_point_in_words(reading: TestClient) -> None:
    said = Page.of(reading.get("/?as_of_position=90&effective_on=2025-03-01")).said
    assert "position 90 last report: “ The round of April in Istanbul ”" in said
    assert "what had happened by 1 March 2025" in said
    known_at = reading.get("/v1/events?after=0&limit=1").json()["items"][0]["time"]
    assert "position 3" in Page.of(reading.get("/", params={"known_at": known_at})).said


DOSSIER = "/irritants/ru-us/visas"


def sent_to(browser: TestClient, path: str, **fields: str) -> str:
    """Return the address to which the page redirects the form."""
    answer = browser.get(path, params=fields)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def field(page: str, name: str) -> str:
    """Return the element of a text field."""
    (found,) = re.findall(rf'<input type="text" id="{name}"[^>]*>', page)
    return str(found)


@pytest.mark.parametrize("path", ["/", DOSSIER])
@pytest.mark.parametrize("day", ["6 June 2025", "6.6.2025", "2025-06-06", " 06/06/2025 "])
def test_the_fields_for_days_redirect_to_the_address_of_their_point(reading: TestClient, path: str, day: str) -> None:
    end = "known_at=2025-06-06T23%3A59%3A59.999999Z"
    assert sent_to(reading, path, known_on=day, happened_by="") == f"{path}?{end}"
    assert sent_to(reading, path, known_on="", happened_by=day) == f"{path}?effective_on=2025-06-06"
    assert sent_to(reading, path, known_on=day, happened_by=day) == f"{path}?{end}&effective_on=2025-06-06"


@pytest.mark.parametrize("path", ["/", DOSSIER])
def test_empty_fields_for_days_lead_to_the_present(reading: TestClient, path: str) -> None:
    assert sent_to(reading, path, known_on="", happened_by=" ", as_of_position="60", effective_on="2025-03-01") == path


def test_the_fields_for_days_keep_the_other_parameters(reading: TestClient) -> None:
    page = reading.get("/?sort=-claimed&relation=ru-us&awaiting=US&effective_on=2025-03-01&date_match=certain").text
    form = page[page.index('id="days"') : page.index("</form>", page.index('id="days"'))]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    assert sent_to(reading, "/", **fields, known_on="60", happened_by="1 April 2025") == (
        "/?relation=ru-us&sort=-claimed&awaiting=US&as_of_position=60&effective_on=2025-04-01&date_match=certain"
    )
    assert sent_to(reading, "/", **fields, known_on="60", happened_by="") == (
        "/?relation=ru-us&sort=-claimed&awaiting=US&as_of_position=60"
    )
    assert sent_to(reading, DOSSIER, limit="50", after="3", known_on="60", happened_by="") == (
        f"{DOSSIER}?limit=50&as_of_position=60"
    )


def test_today_as_the_day_of_recording_is_the_present_and_a_later_day_is_a_mistake(
    browser: TestClient, clock: Clock
) -> None:
    today = clock().date()
    assert sent_to(browser, "/", known_on=str(today), happened_by="") == "/"
    clock.passes(days=1)
    assert sent_to(browser, "/", known_on=str(today), happened_by="") == f"/?known_at={today}T23%3A59%3A59.999999Z"
    assert "Nothing newer is on record." in Page.of(browser.get(f"/?known_at={today}T23:59:59.999999Z")).said
    page = Page.of(browser.get("/", params={"known_on": "6 June 2100", "happened_by": ""}))
    assert f"The value is after today, {describe(str(clock().date()))}; enter today or an earlier day." in page.said
    assert sent_to(browser, "/", known_on="", happened_by="6 June 2100") == "/?effective_on=2100-06-06"


@pytest.mark.parametrize("path", ["/", DOSSIER])
def test_a_mistake_in_a_day_is_shown_at_its_field_and_leaves_the_page_at_its_point(
    reading: TestClient, path: str
) -> None:
    entered = {"known_on": "6/7/2025", "happened_by": "June 2025", "effective_on": "2025-04-01"}
    answer = reading.get(path, params=entered)
    page = Page.of(answer)
    assert "The value could be 6 July 2025 or 7 June 2025; write one of these." in page.said
    assert "The value must be one day, such as 6 June 2025, 6.6.2025 or 2025-06-06; this is a whole month." in page.said
    assert "Effective on 1 April 2025. Not the current state." in page.said
    for name, text in list(entered.items())[:2]:
        assert f'value="{text}"' in field(answer.text, name)
        assert f'aria-describedby="days-hint {name}-mistake" aria-invalid="true"' in field(answer.text, name)
        assert f"{name}-mistake" in page.ids
    assert '<details class="control" id="clocks-control" open>' in answer.text
    back = f'href="{path}">Back to the present'
    assert back in answer.text


@pytest.mark.parametrize(
    ("entered", "why"),
    [
        ("4000", "The value is beyond the end of the record"),
        ("007", "The value must be a whole number, such as 41."),
        ("2025-06-06T09:30", "The value must be a date and time with its zone"),
        ("soon", "The value must be a day, such as 6 June 2025, 6.6.2025 or 2025-06-06."),
    ],
)
def test_a_point_of_the_record_that_is_refused_says_why(reading: TestClient, entered: str, why: str) -> None:
    answer = reading.get("/", params={"known_on": entered, "happened_by": "1 April 2025"})
    assert why in Page.of(answer).said
    assert 'aria-invalid="true"' in field(answer.text, "known_on")
    assert "aria-invalid" not in field(answer.text, "happened_by")


@pytest.mark.parametrize(
    ("point", "known_on", "happened_by"),
    [
        ("", "", ""),
        ("as_of_position=60", "60", ""),
        ("known_at=2025-06-06T09:30:00Z", "2025-06-06T09:30:00Z", ""),
        ("known_at=2025-06-06T23:59:59.999999Z&effective_on=2025-03-01", "2025-06-06", "2025-03-01"),
    ],
)
def test_the_fields_show_the_point_of_the_page_and_take_it_again(
    reading: TestClient, point: str, known_on: str, happened_by: str
) -> None:
    page = reading.get(f"/?{point}").text
    assert f'value="{known_on}"' in field(page, "known_on")
    assert f'value="{happened_by}"' in field(page, "happened_by")
    assert unquote(sent_to(reading, "/", known_on=known_on, happened_by=happened_by)) == f"/?{point}".rstrip("?")


def test_the_board_shows_a_reversal_with_the_former_rung(browser: TestClient, new_key: NewKey) -> None:
    fall = on(
        VISAS,
        "ProgressReversed",
        to="raised",
        by="RU",
        reason="A new list of conditions",
        asserted_by={"party": "RU", "channel": "quote"},
        occurred="2025-05-01",
    )
    hold = on(FLIGHTS, "HoldPlaced", kind="suspended", by="RU", reason="Until the talks go on")
    key = {"Authorization": f"Bearer {new_key()}", "Idempotency-Key": "fall", "Accept": "application/json"}
    assert browser.post("/v1/reports", json=report(fall, hold), headers=key).status_code == 201
    page = browser.get("/").text
    visas, flights = line_of(page, "visas"), line_of(page, "direct-flights")
    assert "▼" in visas or "&#9660;" in visas
    assert "Russia went back on 1 May 2025" in visas
    assert "<title>Was understanding</title>" in visas
    assert marks(visas)["status"] == "raised"
    assert "<b>suspended</b>" in flights
    assert "Russia is said to have suspended the talks on it" in flights


def test_one_of_several_relations_can_be_chosen(browser: TestClient, new_key: NewKey) -> None:
    opened = {"stream": "irritant/dk-no/fishing", "type": "IrritantOpened", "title": "Fishing", "category": "sea"}
    key = {"Authorization": f"Bearer {new_key()}", "Idempotency-Key": "other", "Accept": "application/json"}
    others = {
        "stream": "relation/dk-no",
        "type": "RelationOpened",
        "parties": ["DK", "NO"],
        "title": "Denmark and Norway",
    }
    body = report(others, opened, relation="dk-no")
    assert browser.post("/v1/reports", json=body, headers=key).status_code == 201
    all_of_them, one = Page.of(browser.get("/")), Page.of(browser.get("/?relation=dk-no"))
    assert {"irritant-dk-no-fishing", "irritant-ru-us-visas"} <= all_of_them.ids
    assert {"/?relation=dk-no", "/?relation=ru-us"} <= set(all_of_them.links)
    assert "irritant-dk-no-fishing" in one.ids
    assert "irritant-ru-us-visas" not in one.ids
    assert "/" in one.links
    assert "/?relation=dk-no&sort=claimed" in one.links  # sorting keeps the chosen relation


def test_an_empty_record_has_a_board(database_url: str, clock: Clock) -> None:
    with browsing(site(database_url, clock)) as browser:
        assert "Nothing is on record yet." in Page.of(browser.get("/")).said
        assert "Nothing changed." in Page.of(browser.get("/changes")).said
        assert "Nothing on record." in Page.of(browser.get("/sources")).said


def test_the_first_line_counts_the_irritants_and_its_parts_filter(reading: TestClient) -> None:
    page = Page.of(reading.get("/"))
    assert "5 irritants · 2 awaiting the United States · 3 awaiting both sides" in page.said
    assert {"/?awaiting=US", "/?awaiting=both"} <= set(page.links)
    awaited = reading.get("/?awaiting=US&sort=claimed").text
    assert re.findall(r'<tr id="irritant-ru-us-([\w-]+)"', awaited) == ["direct-flights", "property-return"]
    assert "5 irritants" in awaited
    assert "/?sort=-claimed&awaiting=US" in Page(awaited).links  # sorting keeps the filter


def test_a_board_without_a_match_offers_all_irritants(reading: TestClient) -> None:
    page = Page.of(reading.get("/?hold=stalled&awaiting=&relation="))
    assert "No irritant passes these filters. Show all" in page.said
    assert "5 irritants" in page.said


def test_a_filter_counts_past_dates_to_the_day_of_the_page(reading: TestClient) -> None:
    assert reading.get("/?overdue=true").status_code == 200
    assert reading.get("/?overdue=perhaps").status_code == 422


def test_the_folded_clocks_say_what_is_chosen(reading: TestClient) -> None:
    assert "Point in time: now" in Page.of(reading.get("/")).said
    past = Page.of(reading.get("/?as_of_position=90&effective_on=2025-03-01")).said
    assert re.search(r"Point in time: as known on \d+ \w+ \d{4} · what had happened by 1 March 2025", past)
