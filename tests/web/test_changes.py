"""The page of changes since a point, and the comparison of a whole relation."""

import re
from html import unescape
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from tests.api.bodies import FLIGHTS, on, report
from tests.web.conftest import NewKey, sign_in
from tests.web.pages import Page

DIFFERENCE = "/relations/ru-us/difference"


def text(browser: TestClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.text)


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        ("67", "after position 67"),
        ("position:67", "after position 67"),
        ("Istanbul February", "since the round Istanbul February (after position 67)"),
        ("istanbul-february", "since the round Istanbul February (after position 67)"),
        ("ru-us/istanbul-february", "since the round Istanbul February (after position 67)"),
        ("round:istanbul-february&relation=ru-us", "since the round Istanbul February (after position 67)"),
    ],
)
def test_changes_since_a_point_are_sentences_by_report(reading: TestClient, since: str, asked: str) -> None:
    page = text(reading, f"/changes?since={since}")
    assert f"Changes recorded {asked}, in the order of recording." in re.sub("</?bdi>", "", page)
    assert "Direct flights put forward by the Russian side" in page
    assert "The claimed and the reported status went from nothing to proposed." in page
    assert "It was opened" not in page
    assert f'value="{since.partition("&")[0]}"' in page


def test_a_day_may_be_written_as_people_write_it(reading: TestClient) -> None:
    for day in ("6 June 2020", "6.6.2020", "2020-06-06"):
        page = text(reading, f"/changes?since={day}")
        assert "Changes recorded since 6 June 2020 (after position 0), in the order of recording." in page


@pytest.mark.parametrize("since", ["2020-06-06T09:30:00Z", "known:2020-06-06T11:30:00%2B02:00"])
def test_a_time_is_repeated_with_its_minute(reading: TestClient, since: str) -> None:
    page = text(reading, f"/changes?since={since}")
    assert "Changes recorded since 6 June 2020, 09:30 UTC (after position 0), in the order of recording." in page


@pytest.mark.parametrize(
    ("since", "why"),
    [
        ("4000", "The value is beyond the end of the record"),
        ("6/7/2025", "The value could be 6 July 2025 or 7 June 2025; write one of these"),
        ("soon", "The value must be a day, a position or a round, such as 6 June 2025, 41 or istanbul-february."),
        ("round:ru-us/moscow-next", "which has no reports; choose another point."),
        ("6 June 2100", "The value is in the future"),
    ],
)
def test_a_point_that_is_refused_stays_in_the_field_with_the_reason(reading: TestClient, since: str, why: str) -> None:
    page = text(reading, f"/changes?since={since}")
    assert why in page
    assert f'value="{since}"' in page
    assert 'aria-invalid="true"' in page


def test_a_corrected_date_is_a_change_on_the_page(browser: TestClient, new_key: NewKey) -> None:
    key = {"Authorization": f"Bearer {new_key('report')}"}
    filed = browser.post(
        "/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers={**key, "Idempotency-Key": "a"}
    )
    target = filed.json()["events"][0]["id"]
    correction = {
        "type": "AssertionCorrected",
        "target": target,
        "changes": {"occurred": "2025-05-04"},
        "reason": "Typo",
    }
    corrected = report({"stream": FLIGHTS, **correction}, title="Dates")
    assert browser.post("/v1/reports", json=corrected, headers={**key, "Idempotency-Key": "b"}).status_code == 201
    page = text(browser, "/changes")
    assert "The date of “Concern raised” was corrected from 6 May 2025 to 4 May 2025." in page
    assert text(browser, f"{DIFFERENCE}?from=position:128").count("was corrected from 6 May 2025 to 4 May 2025") == 1


def test_a_relation_is_compared_at_two_points_in_one_page(reading: TestClient) -> None:
    page = text(reading, f"{DIFFERENCE}?from=round:istanbul-february&to=position:110")
    assert "after the round Istanbul February → at position 110" in page
    assert "5 irritants differ." in page
    assert "The claimed and the reported status went from nothing to proposed." in page
    same = text(reading, f"{DIFFERENCE}?from=position:110&to=position:110")
    assert "0 irritants differ." in same


@pytest.mark.parametrize("day", ["10 April 2025", "10.4.2025", "2025-04-10"])
def test_the_form_takes_dates_as_people_write_them(reading: TestClient, day: str) -> None:
    form = {"from_by": "effective", "from_at": day, "to_by": "now", "to_at": ""}
    sent = reading.get(DIFFERENCE, params=form, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{DIFFERENCE}?from=effective%3A2025-04-10")
    page = text(reading, sent.headers["location"])
    assert 'value="2025-04-10"' in page


@pytest.mark.parametrize("path", [DIFFERENCE, "/irritants/ru-us/visas/difference"])
def test_a_refused_form_keeps_what_was_entered_and_says_why_at_each_field(reading: TestClient, path: str) -> None:
    form = "from_by=effective&from_at=6/7/2025&to_by=round&to_at=nowhere"
    page = text(reading, f"{path}?{form}")
    assert "The value could be 6 July 2025 or 7 June 2025" in page
    assert 'value="6/7/2025"' in page
    assert 'value="nowhere"' in page
    other = text(reading, f"{path}?from_by=position&from_at=4000&to_by=round&to_at=nowhere")
    assert "The value is beyond the end of the record" in other
    missing = text(reading, f"{path}?from_by=position&from_at=&to_by=now&to_at=")
    assert "The value is missing; enter one, or choose another kind of point." in missing


@pytest.mark.parametrize(
    ("value", "point"),
    [
        ("41", "position:41"),
        ("position:41", "position:41"),
        ("Istanbul February", "round:istanbul-february"),
        ("istanbul-february", "round:istanbul-february"),
        ("ru-us/istanbul-february", "round:istanbul-february"),
        ("effective:2025-04-10", "effective:2025-04-10"),
        ("2025-04-10T09:30:00Z", "known:2025-04-10T09:30:00Z"),
    ],
)
@pytest.mark.parametrize("path", [DIFFERENCE, "/irritants/ru-us/visas/difference"])
def test_a_value_without_a_kind_of_point_is_understood(reading: TestClient, path: str, value: str, point: str) -> None:
    for form in ({"from_by": "nothing", "to_by": "now", "to_at": ""}, {"to_by": "now"}, {}):
        sent = reading.get(path, params={**form, "from_at": value}, follow_redirects=False)
        assert unquote(sent.headers["location"]) == f"{path}?from={point}"
    form = {"from_by": "position", "from_at": "90", "to_by": "now", "to_at": value}
    sent = reading.get(path, params=form, follow_redirects=False)
    assert unquote(sent.headers["location"]) == f"{path}?from=position:90&to={point}"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("10 April 2025", "The value is a day; choose the kind of point"),
        ("6/7/2025", "The value could be 6 July 2025 or 7 June 2025; write one of these."),
        ("soon", "The value must be a day, a position or a round"),
        ("4000", "The value is beyond the end of the record"),
        ("round:nowhere", "which has no reports; choose another point."),
    ],
)
@pytest.mark.parametrize("path", [DIFFERENCE, "/irritants/ru-us/visas/difference"])
def test_a_value_without_a_kind_of_point_that_is_not_understood_is_refused_at_its_field(
    reading: TestClient, path: str, value: str, why: str
) -> None:
    for end, form in (("from", "from_by=nothing&to_by=now&to_at="), ("to", "from_by=nothing&from_at=&to_by=now")):
        page = text(reading, f"{path}?{form}&{end}_at={value}")
        assert why in page
        assert re.search(rf'name="{end}_at" value="{value}"[^>]* aria-invalid="true"', page)
        assert page.count('aria-invalid="true"') == 1


@pytest.mark.parametrize("by", ["round", "position", "effective", "known"])
def test_a_value_that_is_not_of_the_chosen_kind_is_refused_at_its_field(reading: TestClient, by: str) -> None:
    page = text(reading, f"{DIFFERENCE}?from_by={by}&from_at=no+such+point&to_by=now")
    assert re.search(r'name="from_at" value="no such point"[^>]* aria-invalid="true"', page)


def test_a_point_of_the_form_is_combined_with_one_of_the_address_but_not_with_its_own(reading: TestClient) -> None:
    sent = reading.get(f"{DIFFERENCE}?from_at=41&to=position:110", follow_redirects=False)
    assert unquote(sent.headers["location"]) == f"{DIFFERENCE}?from=position:41&to=position:110"
    twice = reading.get(f"{DIFFERENCE}?from_at=41&from=position:110")
    assert twice.status_code == 422
    assert "from cannot be combined with from_by and from_at; send one of them" in twice.text


def test_the_page_of_a_relation_has_the_form(reading: TestClient) -> None:
    page = Page.of(reading.get("/relations/ru-us"))
    assert "compare" in page.ids


def test_a_visitor_with_a_limit_sees_changes_since_a_round_of_the_relation(closed: TestClient, new_key: NewKey) -> None:
    sign_in(closed, new_key("read", relations=["ru-us"]))
    page = text(closed, "/changes?relation=ru-us&since=istanbul-february")
    assert "(after position 67)" in page
    other = text(closed, "/changes?relation=ru-us&since=round:fr-us/paris")
    assert "The value names a round of fr-us; choose one of ru-us." in other
