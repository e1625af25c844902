"""The list of reports: its filters, its pages, and what a visitor with a limited key sees of it."""

import re
from typing import Any

from starlette.testclient import TestClient

from tests.api.bodies import FLIGHTS, on, report
from tests.two_relations import SECRET, file_second_relation
from tests.web.conftest import NewKey, sign_in
from tests.web.pages import Page


def file(browser: TestClient, key: str, name: str) -> str:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": name, "Accept": "application/json"}
    answer = browser.post(
        "/v1/reports", json=report(on(FLIGHTS, "DiscussionReported", form="talks"), title=name), headers=headers
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def listed(answer: Any) -> list[str]:
    """Return the ids of the reports on a page, in order."""
    assert answer.status_code == 200
    return re.findall(r'<th scope="row"><a href="/reports/([0-9a-f-]{36})"', answer.text)


def test_the_newest_report_is_first_and_the_operator_leads_to_her_others(browser: TestClient, new_key: NewKey) -> None:
    embassy, desk = new_key(name="Embassy in Ankara"), new_key(name="desk")
    filed = [file(browser, key, name) for key, name in ((embassy, "one"), (desk, "two"), (embassy, "three"))]
    page = browser.get("/reports")
    assert listed(page)[:3] == filed[::-1]
    (own,) = {link for link in Page.of(page).links if "actor=Embassy" in link}
    assert listed(browser.get(own)) == [filed[2], filed[0]]


def test_empty_fields_of_the_form_filter_nothing(browser: TestClient) -> None:
    everything = listed(browser.get("/reports"))
    assert listed(browser.get("/reports?round=&actor=&from=&to=&relation=")) == everything
    april = listed(browser.get("/reports?round=ru-us/istanbul-april&actor=+&from=&to="))
    assert set(april) < set(everything)
    assert april == [r["id"] for r in browser.get("/v1/reports?round=ru-us/istanbul-april").json()["items"]][::-1]


def test_a_long_list_continues_with_the_same_filters(browser: TestClient, new_key: NewKey) -> None:
    key = new_key(name="desk")
    filed = [file(browser, key, f"report {number}") for number in range(55)]
    first = browser.get("/reports?actor=desk&round=")
    assert listed(first) == filed[:-51:-1]
    (onward,) = [link for link in Page.of(first).links if "cursor=" in link]
    assert listed(browser.get(onward)) == filed[4::-1]


def test_filters_without_a_report_say_so_and_stay_in_the_form(browser: TestClient) -> None:
    page = browser.get("/reports?actor=nobody&from=2025-06-01")
    assert "No report fits. Choose other filters." in Page.of(page).said
    assert 'name="actor" value="nobody"' in page.text
    assert 'name="from" value="2025-06-01"' in page.text
    assert browser.get("/reports?from=2025-06-01&to=2025-05-01").status_code == 422


def test_rounds_are_chosen_by_name_and_with_their_relation_if_there_are_several(
    browser: TestClient, new_key: NewKey
) -> None:
    assert ">Istanbul April</option>" in browser.get("/reports").text
    file_second_relation(browser, new_key(name=f"{SECRET}-desk"))
    several = browser.get("/reports").text
    assert re.search(r">Istanbul April \([^)]+\)</option>", several)
    assert ">Istanbul April</option>" in browser.get("/reports?relation=ru-us").text


def test_a_limited_visitor_sees_the_reports_of_the_own_relation(closed: TestClient, new_key: NewKey) -> None:
    file_second_relation(closed, new_key(name=f"{SECRET}-desk"))
    sign_in(closed, new_key("read", relations=("ru-us",)))
    assert closed.get("/reports?actor=seeds").headers["location"] == "/reports?relation=ru-us&actor=seeds"
    page = closed.get("/reports?relation=ru-us")
    assert SECRET not in page.text
    assert len(listed(page)) == 9
    assert closed.get("/reports?relation=fr-us").status_code == 403
