"""The clock of the record and the clock of the world on every resource: alone, combined, and with invalid values.

The tests take the resources from the service, so a new resource without the clocks fails until it is listed as such.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.parameters import AsOfQuery
from service.api.resources.table import RESOURCES
from service.settings import Settings
from tests.api.test_matrix import ROWS
from tests.conftest import Clone

HAVE_NO_STATE: Mapping[str, str] = {
    "/v1/events": "the record itself, asked with filters of both clocks",
    "/v1/events/live": "the record as it grows",
    "/v1/events/{id}": "an event is what it was when it was filed",
    "/v1/changes": "each change says at which position it came",
    "/v1/changes.atom": "the same as a feed",
    "/v1/irritants/{relation}/{slug}/difference": "between two points, each of which names its clock",
    "/v1/relations/{relation}/difference": "the same over a relation",
    "/v1/irritants/{relation}/{slug}/events": "the stream itself, by version",
    "/v1/reports": "what was filed, and never changes",
    "/v1/reports/{id}": "the same, of one report",
    "/v1/search": "the record as it reads now, in which words are sought",
    "/v1/checkpoint": "signed for the head",
}
ON_CLOCKS = sorted(resource.path for resource in RESOURCES if issubclass(resource.query, AsOfQuery))
HEAD, BEFORE_THE_INTERVIEW, A_CONCERN = 127, 110, 36
NAMED: dict[str, str] = {}
"""The ids in addresses, which are new in each run. The client of this module sets them."""
IMMUTABLE = "private, max-age=3600, immutable"
LONG_AGO, YET_TO_COME = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"

MISTAKES = {
    f"as_of_position={HEAD + 1}": "as_of_position",
    "as_of_position=-1": "as_of_position",
    "as_of_position=now": "as_of_position",
    "as_of_position=": "as_of_position",
    f"known_at={YET_TO_COME}": "known_at",
    "known_at=2025-04-10": "known_at",
    "known_at=2025-04-10T09:30:00": "known_at",
    f"as_of_position=1&known_at={LONG_AGO}": "known_at",
    "effective_on=2025-02-30": "effective_on",
    "effective_on=10.4.2025": "effective_on",
    "effective_on=2025-04-10&date_match=likely": "date_match",
    "date_match=certain": "date_match",
    "as_of_postion=1": "as_of_postion",
    "from=2025-04-10": "from",
}


@pytest.fixture(scope="module")
def client(clone: Clone, seeded_template: str) -> Iterator[TestClient]:
    """Yield a client of a service that is only read."""
    with (
        clone(seeded_template) as url,
        TestClient(create_app(Settings(database_url=url)), "http://127.0.0.1") as client,
    ):
        NAMED["event"] = client.get(f"/v1/events?after={A_CONCERN - 1}&limit=1").json()["items"][0]["id"]
        yield client


def at(path: str, point: str = "") -> str:
    """Return an address of the resource on the seeded record, read at a point."""
    return f"{ROWS['GET', path].address.format_map(NAMED)}?{point}".rstrip("?")


def test_every_resource_takes_both_clocks_or_has_no_state() -> None:
    assert {resource.path for resource in RESOURCES} - HAVE_NO_STATE.keys() == {*ON_CLOCKS}


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_read_by_the_clock_of_the_record_is_immutable(client: TestClient, path: str) -> None:
    then = client.get(at(path, f"as_of_position={BEFORE_THE_INTERVIEW}"))
    assert (then.status_code, then.headers["cache-control"]) == (200, IMMUTABLE)
    combined = client.get(at(path, f"as_of_position={BEFORE_THE_INTERVIEW}&effective_on=2025-04-10"))
    assert (combined.status_code, combined.headers["cache-control"]) == (200, IMMUTABLE)
    again = client.get(then.url, headers={"If-None-Match": then.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, IMMUTABLE)


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_read_as_of_the_head_or_known_now_equals_the_present(client: TestClient, path: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    present = client.get(at(path))
    assert (present.status_code, present.headers["cache-control"]) == (200, "private, no-cache")
    assert client.get(at(path, f"as_of_position={HEAD}")).content == present.content
    assert client.get(at(path, f"known_at={now}")).content == present.content


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_position_and_its_time_give_the_same_read(client: TestClient, path: str) -> None:
    reports = client.get("/v1/reports").json()["items"]
    interview = next(report for report in reports if "interview" in report["title"])
    assert interview["first_position"] == BEFORE_THE_INTERVIEW + 1
    just_before = datetime.fromisoformat(interview["recorded_at"]) - timedelta(microseconds=1)
    known = client.get(at(path, f"known_at={just_before.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"))
    assert known.headers["cache-control"] == IMMUTABLE
    assert known.content == client.get(at(path, f"as_of_position={BEFORE_THE_INTERVIEW}")).content


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_read_by_the_clock_of_the_world_changes_with_the_record(client: TestClient, path: str) -> None:
    """By default, possible dates match. Future days are allowed. Late reports still count for their day."""
    for point in ("effective_on=2025-04-10", "effective_on=2100-01-01", "effective_on=2025-04-10&date_match=certain"):
        answer = client.get(at(path, point))
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache"), point
    possible = client.get(at(path, "effective_on=2025-04-10&date_match=possible")).content
    assert client.get(at(path, "effective_on=2025-04-10")).content == possible


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_nothing_is_found_before_the_first_event(client: TestClient, path: str) -> None:
    for point in ("as_of_position=0", f"known_at={LONG_AGO}"):
        answer = client.get(at(path, point))
        if answer.status_code == 404:
            assert answer.json()["detail"].endswith("leave the point out to read the present state."), point
        else:
            assert answer.json()["items"] == [], point


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_an_invalid_point_is_refused_with_its_parameter(client: TestClient, path: str) -> None:
    told: dict[str, Any] = {}
    for point in MISTAKES:
        answer = client.get(at(path, point))
        told[point] = answer.status_code, [error["parameter"] for error in answer.json()["errors"]]
    assert told == {point: (422, [parameter]) for point, parameter in MISTAKES.items()}


@pytest.mark.parametrize("path", [path for path in ON_CLOCKS if "{" in path])
def test_an_unrecorded_resource_is_not_found_at_any_point(client: TestClient, path: str) -> None:
    elsewhere = path.format(relation="fr-us", slug="nothing", id="01971e5c-8f3a-7c21-9d0e-5b6a7c8d9e0f")
    for point in ("", f"?as_of_position={BEFORE_THE_INTERVIEW}", f"?known_at={LONG_AGO}", "?effective_on=2025-04-10"):
        answer = client.get(f"{elsewhere}{point}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), point
