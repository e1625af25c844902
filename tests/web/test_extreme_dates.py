"""The first and the last day of the calendar, in every parameter and field that takes a date or a time."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.resources.table import RESOURCES
from service.settings import Settings
from service.web.site import add_pages
from tests.api.bodies import VISAS, on, report
from tests.api.test_contract import asking, concrete
from tests.web.conftest import sign_in
from tests.web.paper import opened

DAYS = ("0000-01-01", "0001-01-01", "9999-12-31")
MOMENTS = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00-23:59"),
    *("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+23:59", "9999-12-31T23:59:59-23:59"),
)
VALUES = (
    *DAYS,
    *MOMENTS,
    *(f"known:{moment}" for moment in MOMENTS),
    *(f"effective:{day}" for day in DAYS),
    *("1 January 1", "1 January 0001", "31 December 9999", "1.1.0001", "31.12.9999"),
    *("0", "2900000", "999999999999999999", "position:999999999999999999"),
)
"""Days, times and points at the ends of the calendar, as programs and people write them, and the largest number."""
ANSWERS = {200, 303, 404, 410, 422}
LIVE = "/v1/events/live"
NEEDED = {"/rounds/{relation}/{slug}/download": "?format=md", "/irritants/{relation}/{slug}/download": "?format=csv"}
"""The query without which a page answers nothing."""


def paths() -> list[str]:
    """Return every path that is read: of the interface, and of the pages."""
    app = create_app(Settings(database_url="postgresql://"))
    add_pages(app)
    pages = (str(route.path_format) for route in iter_route_contexts(app.routes) if "GET" in (route.methods or ()))
    return sorted({*pages, *(resource.path for resource in RESOURCES)} - {LIVE})


PATHS = paths()


def address_of(path: str, reading: TestClient) -> str:
    """Return an address of the path, with names that are in the seeded record."""
    if "{id}" in path:
        kind = "reports" if path.startswith(("/reports", "/v1/reports")) else "events"
        path = path.replace("{id}", reading.get(f"/v1/{kind}").json()["items"][0]["id"])
    for api in ("/irritants", "/rounds", "/sources"):
        if path.startswith(api) and "{slug}" in path:
            return concrete(f"/v1{path}", reading).removeprefix("/v1") + NEEDED.get(path, "")
    return re.sub(r"\{name\}", "model", concrete(path, reading)).replace("{file}", "style.css")


def parameters_of(address: str, reading: TestClient) -> list[str]:
    """Return the parameters that an address allows, as its refusal of another parameter lists them."""
    refused = reading.get(asking(address, "?no-such-parameter=1"), headers={"Accept": "application/json"})
    if refused.status_code != 422:
        return []
    listed = re.search(r"allowed: ([a-z_, ]+)", refused.text)
    return listed[1].split(", ") if listed and listed[1] != "none" else []


def test_the_sweep_finds_the_parameters_of_the_interface_and_of_the_pages(reading: TestClient) -> None:
    assert {"recorded_from", "effective_to", "date_match"} <= set(parameters_of("/v1/events", reading))
    assert {"from", "to", "actor"} <= set(parameters_of("/reports", reading))
    assert {"as_of_position", "known_at", "day"} <= set(parameters_of("/irritants/ru-us/visas", reading))
    assert {"from_by", "from_at"} <= set(parameters_of("/relations/ru-us/difference", reading))
    assert {"/v1/events", "/v1/search", "/", "/changes", "/rounds/{relation}/{slug}"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_the_ends_of_the_calendar_are_answered_in_every_parameter(reading: TestClient, path: str) -> None:
    address = address_of(path, reading)
    for name in parameters_of(address, reading):
        chosen = [""]
        if name in ("from_at", "to_at"):
            chosen = [f"&{name.removesuffix('_at')}_by={kind}" for kind in ("known", "effective", "position")]
        needed = "&effective_on=2025-01-01" if name == "date_match" else ""
        for value in VALUES:
            for more in chosen:
                asked = asking(_without(address, name), f"?{name}={quote(value)}{more}{needed}")
                answer = reading.get(asked)
                assert answer.status_code in ANSWERS, (asked, answer.status_code, answer.text[:300])


def _without(address: str, name: str) -> str:
    """Return the address without a parameter that the test gives itself."""
    return re.sub(rf"\?{name}=[^&]*$", "", address)


@pytest.mark.parametrize("value", VALUES)
def test_a_date_at_the_end_of_the_calendar_is_read_in_words(reading: TestClient, value: str) -> None:
    assert reading.get("/file/date", params={"e1-occurred": value}).status_code == 200


def test_all_events_are_between_the_ends_of_the_calendar(reading: TestClient) -> None:
    everything = [event["id"] for event in reading.get("/v1/events?limit=1000").json()["items"]]
    for first, last in (
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00-23:59", "9999-12-31T23:59:59+23:59"),
    ):
        bounds = {"recorded_from": first, "recorded_to": last, "limit": "1000"}
        assert [event["id"] for event in reading.get("/v1/events", params=bounds).json()["items"]] == everything
    reports = reading.get("/v1/reports").json()["items"]
    assert reading.get("/v1/reports?from=0001-01-01&to=9999-12-31").json()["items"] == reports
    assert reading.get("/v1/reports?from=9999-12-31").json()["items"] == []


def test_the_first_moment_of_a_recording_is_within_its_bounds(reading: TestClient) -> None:
    first = reading.get("/v1/events?limit=1").json()["items"][0]
    found = reading.get("/v1/events", params={"recorded_from": first["time"], "recorded_to": first["time"]}).json()
    assert first["id"] in [event["id"] for event in found["items"]]


EXTREME: list[dict[str, Any]] = [
    {"occurred": "0001-01-01"},
    {"occurred": "[0001-01-01..]"},
    {"occurred": "[..0001-01-01]"},
    {"occurred": "0001/.."},
    {"occurred": "0000"},
    {"occurred": "Y-10000"},
    {"occurred": "-9999-01-01"},
]


def test_events_at_the_ends_of_the_calendar_break_no_page(browser: TestClient, new_key: Any) -> None:
    key = new_key()
    sign_in(browser, key)
    extreme = [on(VISAS, "ConcernRaised", **dates) for dates in EXTREME]
    extreme += [
        on(VISAS, "NextStepAgreed", step=f"until-{n}", action="Talk.", owner="both", due=due)
        for n, due in enumerate(("0001-01-01", "9999-12-31"))
    ]
    headers = {"Idempotency-Key": "extreme", "Authorization": f"Bearer {key}"}
    filed = browser.post("/v1/reports", json=report(*extreme), headers=headers)
    assert filed.status_code == 201, filed.text
    for path in PATHS:
        for query in ("", "?on=0001-01-01", "?on=9999-12-31", "?effective_on=9999-12-31", "?effective_on=0001-01-01"):
            answer = browser.get(asking(address_of(path, browser), query))
            assert answer.status_code < 500, (path, query, answer.text[:300])


def test_a_form_takes_the_ends_of_the_calendar(desk: TestClient) -> None:
    reports = desk.get("/v1/reports").json()["items"]
    for value in VALUES:
        paper = opened(desk, f"/reports/{reports[-1]['id']}/correct").write("date", value)
        for button in ("", "set-date", "file"):
            assert paper.send(button).status_code < 500, (value, button)
