"""Both clocks on every resource: alone, combined, and refused where they say nothing.

The resources are those of the service, so that a new one that is read without the clocks is a failure here until it is
said why it needs none.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.parameters import At
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
    "/v1/checkpoint": "signed for the head",
}
ON_CLOCKS = sorted(resource.path for resource in RESOURCES if issubclass(resource.query, At))
HEAD, BEFORE_THE_INTERVIEW = 127, 110
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
    """Of a service that is only read."""
    with (
        clone(seeded_template) as url,
        TestClient(create_app(Settings(database_url=url)), "http://127.0.0.1") as client,
    ):
        yield client


def at(path: str, point: str = "") -> str:
    """An address of the resource on the seeds, read at a point."""
    return f"{ROWS['GET', path].address}?{point}".rstrip("?")


def test_whatever_is_read_is_on_both_clocks_or_has_no_state() -> None:
    assert {resource.path for resource in RESOURCES} - HAVE_NO_STATE.keys() == {*ON_CLOCKS}


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_reading_by_the_clock_of_the_record_never_changes_and_says_so(client: TestClient, path: str) -> None:
    then = client.get(at(path, f"as_of_position={BEFORE_THE_INTERVIEW}"))
    assert (then.status_code, then.headers["cache-control"]) == (200, IMMUTABLE)
    combined = client.get(at(path, f"as_of_position={BEFORE_THE_INTERVIEW}&effective_on=2025-04-10"))
    assert (combined.status_code, combined.headers["cache-control"]) == (200, IMMUTABLE)
    again = client.get(then.url, headers={"If-None-Match": then.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, IMMUTABLE)


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_as_of_the_head_and_as_known_now_read_as_the_present(client: TestClient, path: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    present = client.get(at(path))
    assert (present.status_code, present.headers["cache-control"]) == (200, "private, no-cache")
    assert client.get(at(path, f"as_of_position={HEAD}")).content == present.content
    assert client.get(at(path, f"known_at={now}")).content == present.content


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_position_and_the_moment_at_which_it_was_the_head_are_one_reading(client: TestClient, path: str) -> None:
    reports = client.get("/v1/reports").json()["items"]
    interview = next(report for report in reports if "interview" in report["title"])
    assert interview["first_position"] == BEFORE_THE_INTERVIEW + 1
    just_before = datetime.fromisoformat(interview["recorded_at"]) - timedelta(microseconds=1)
    known = client.get(at(path, f"known_at={just_before.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"))
    assert known.headers["cache-control"] == IMMUTABLE
    assert known.content == client.get(at(path, f"as_of_position={BEFORE_THE_INTERVIEW}")).content


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_reading_by_the_clock_of_the_world_moves_with_the_record(client: TestClient, path: str) -> None:
    """Possible unless said otherwise; a day to come is no mistake; what is learnt late still belongs to that day."""
    for point in ("effective_on=2025-04-10", "effective_on=2100-01-01", "effective_on=2025-04-10&date_match=certain"):
        answer = client.get(at(path, point))
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache"), point
    possible = client.get(at(path, "effective_on=2025-04-10&date_match=possible")).content
    assert client.get(at(path, "effective_on=2025-04-10")).content == possible


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_before_there_was_a_record_nothing_is_found(client: TestClient, path: str) -> None:
    for point in ("as_of_position=0", f"known_at={LONG_AGO}"):
        answer = client.get(at(path, point))
        nothing = answer.status_code == 404 or answer.json()["items"] == []
        assert nothing, point


@pytest.mark.parametrize("path", ON_CLOCKS)
def test_a_point_that_is_none_is_refused_by_its_name(client: TestClient, path: str) -> None:
    told: dict[str, Any] = {}
    for point in MISTAKES:
        answer = client.get(at(path, point))
        told[point] = answer.status_code, [error["parameter"] for error in answer.json()["errors"]]
    assert told == {point: (422, [parameter]) for point, parameter in MISTAKES.items()}


@pytest.mark.parametrize("path", [path for path in ON_CLOCKS if "{" in path])
def test_what_was_never_on_record_is_not_found_at_any_point(client: TestClient, path: str) -> None:
    elsewhere = path.format(relation="fr-us", slug="nothing")
    for point in ("", f"?as_of_position={BEFORE_THE_INTERVIEW}", f"?known_at={LONG_AGO}", "?effective_on=2025-04-10"):
        answer = client.get(f"{elsewhere}{point}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), point
