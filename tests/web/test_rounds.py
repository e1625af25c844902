"""Rounds on the pages: a forgotten round and its report, several days, two sides that differ, and their names."""

import re

import pytest
from starlette.testclient import TestClient

from tests.api.bodies import VISAS, on, origin, report, source
from tests.web.conftest import NewKey, sign_in
from tests.web.pages import Page
from tests.web.paper import opened

ROUND = "ru-us/geneva-march"


def filed(browser: TestClient, key: str, *events: dict[str, object], **fields: object) -> str:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"key-{len(events)}-{len(fields)}"}
    answer = browser.post("/v1/reports", json=report(*events, **fields), headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_report_is_put_on_a_forgotten_round_in_the_form(browser: TestClient, new_key: NewKey) -> None:
    key = new_key()
    told = filed(browser, key, on(VISAS, "DiscussionReported", form="talks", occurred="2025-03-20"))
    met = on(f"round/{ROUND}", "RoundConvened", occurred="2025-03-15/2025-03-16", place="Geneva")
    filed(browser, key, met, title="The round of March")
    sign_in(browser, key)
    page = Page.of(browser.get(f"/reports/{told}"))
    link = f"/file?relation=ru-us&attribute={told}"
    assert link in page.links
    paper = opened(browser, link)
    assert paper.fields["e1-report"] == told
    answer = paper.write("title", "The report of March").fill(1, round=ROUND).send("file")
    assert answer.status_code == 303, answer.text
    assert f"/rounds/{ROUND}" in Page.of(browser.get(f"/reports/{told}")).links
    sheet = Page.of(browser.get(f"/rounds/{ROUND}")).said
    assert "from 15 March 2025 to 16 March 2025" in sheet
    assert "The sheet covers what had happened by 9 April 2025" in sheet
    dossier = Page.of(browser.get("/irritants/ru-us/visas"))
    assert "on the round Geneva March" in dossier.said
    # A band across the lanes, from its first to its last day.
    assert re.search(
        r'<path class="round" d="M[0-9.]+ [0-9.]+V[0-9.]+H[0-9.]+V[0-9.]+z"><title>Geneva March,', dossier.text
    )


def test_a_round_that_the_sides_differ_on_says_so(browser: TestClient, new_key: NewKey) -> None:
    us = {
        "asserted_by": {"party": "US", "channel": "quote"},
        "source": {"document": "a4-unnamed-outlet", "paragraphs": [5], "origin": "state-department-on-april"},
    }
    filed(browser, new_key(), on("round/ru-us/moscow-next", "RoundPostponed", **us))
    why = "The United States says that it is postponed; Russia says that it is to come."
    assert f"In dispute: {why}" in Page.of(browser.get("/rounds/ru-us/moscow-next")).said
    assert why in Page.of(browser.get("/relations/ru-us")).said


def test_a_round_that_met_is_not_called_next(browser: TestClient, new_key: NewKey) -> None:
    filed(browser, new_key(), on("round/ru-us/moscow-next", "RoundConvened", place="Moscow"), round="moscow-next")
    for path in ("/", "/relations/ru-us", "/rounds/ru-us/moscow-next", "/irritants/ru-us/visas"):
        said = Page.of(browser.get(path)).said
        assert "Moscow Next" not in said
        assert "next round" not in said


def test_an_assertion_with_no_date_at_all_is_marked(browser: TestClient, new_key: NewKey) -> None:
    filed(browser, new_key(), on(VISAS, "PositionStated", stance="priority", occurred=None))
    assert "undated" in Page.of(browser.get("/irritants/ru-us/visas")).said


def test_a_step_and_a_round_that_only_a_third_party_reports_name_it(browser: TestClient, new_key: NewKey) -> None:
    oman = {
        "asserted_by": {"party": "OM", "channel": "quote"},
        "source": {"document": "briefing", "paragraphs": [5], "origin": "spokeswoman"},
    }
    step = on(VISAS, "NextStepAgreed", step="list", action="Hand over a list", owner="RU", **oman)
    met = on(f"round/{ROUND}", "RoundConvened", occurred="2025-03-15", place="Geneva", **oman)
    filed(browser, new_key(), source(), origin(party="OM"), step, met)
    page = browser.get("/relations/ru-us").text
    for row in ("Hand over a list", f'href="/rounds/{ROUND}"'):
        cells = page.partition(row)[2].partition("</tr>")[0]
        assert re.search(r"according to Oman\b", cells), cells
        assert "Media" not in cells


@pytest.mark.parametrize("round", ["istanbul-february", "istanbul-april"])
def test_a_side_is_called_silent_on_a_sheet_only_if_nothing_by_it_is_on_record(reading: TestClient, round: str) -> None:
    sheet = reading.get(f"/v1/rounds/ru-us/{round}/sheet", headers={"Accept": "application/json"}).json()
    page = reading.get(f"/rounds/ru-us/{round}").text
    for item in sheet["items"]:
        block = page.partition(f'id="irritant-{item["irritant"].replace("/", "-")}"')[2].partition("</section>")[0]
        without = [voice for voice, said in item["voices"].items() if not said]
        words = re.findall(r'<p class="silence">([^<]+)</p>', block)
        assert words == ["silent" if v in item["silent"] else "nothing that belongs to this round" for v in without]
