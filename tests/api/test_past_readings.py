"""Readings of the past say so in every format that is handed on to people."""

import csv
import io
from datetime import UTC, datetime

import docx
import pytest
from starlette.testclient import TestClient

from service.api.parameters import AsOfQuery
from service.api.resources.table import RESOURCES
from service.domain.edtf import describe
from service.projections.formats import WORD
from tests.api.bodies import VISAS, on, report
from tests.api.test_contract import asking, concrete

TODAY = describe(datetime.now(UTC).date().isoformat())
PAST = f"As known on {TODAY}. Not the current state."


def text(client: TestClient, path: str, media_type: str) -> str:
    answer = client.get(path, headers={"Accept": media_type})
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(client: TestClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(client, path, "text/csv"))))


@pytest.mark.parametrize("overview", ["board", "ledger"])
@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        ("as_of_position=112", PAST),
        ("effective_on=2025-04-12", "Effective on 12 April 2025. Not the current state."),
        (
            "as_of_position=112&effective_on=2025-04-12",
            f"As known on {TODAY}, effective on 12 April 2025. Not the current state.",
        ),
    ],
)
def test_each_row_of_a_table_names_its_point(reading: TestClient, overview: str, point: str, sentence: str) -> None:
    found = rows(reading, f"/v1/relations/ru-us/{overview}?{point}")
    assert found
    assert {row["reading"] for row in found} == {sentence}


def test_a_table_of_the_present_has_no_such_column(reading: TestClient) -> None:
    assert "reading" not in rows(reading, "/v1/relations/ru-us/board")[0]


def test_a_sheet_of_the_past_says_so_at_the_top(reading: TestClient) -> None:
    path = "/v1/rounds/ru-us/istanbul-april/sheet"
    assert f"**{PAST}**" in text(reading, f"{path}?as_of_position=112", "text/markdown").splitlines()[:6]
    assert PAST in text(reading, f"{path}?as_of_position=112", "text/html")
    for media_type in ("text/markdown", "text/html"):
        assert "Not the current state" not in text(reading, path, media_type)


def test_a_calendar_of_the_past_describes_itself(reading: TestClient) -> None:
    path = "/v1/relations/ru-us/calendar.ics"
    assert f"DESCRIPTION:{PAST}" in text(reading, f"{path}?as_of_position=112", "text/calendar")
    assert "DESCRIPTION:As known" not in text(reading, path, "text/calendar")


def test_at_the_end_of_the_record_nothing_says_that_it_is_not_current(reading: TestClient) -> None:
    path = "/v1/relations/ru-us/board"
    head = reading.get(path).headers["irritants-position"]
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    for point in (f"as_of_position={head}", f"known_at={now}"):
        assert text(reading, f"{path}?{point}", "text/csv") == text(reading, path, "text/csv")


def test_a_table_at_the_end_of_the_record_says_so_once_more_is_recorded(desk: TestClient) -> None:
    path = "/v1/relations/ru-us/board"
    head = desk.get(path).headers["irritants-position"]
    assert "reading" not in rows(desk, f"{path}?as_of_position={head}")[0]
    more = report(on(VISAS, "ConcernRaised"))
    assert desk.post("/v1/reports", json=more, headers={"Idempotency-Key": "more"}).status_code == 201
    assert {row["reading"] for row in rows(desk, f"{path}?as_of_position={head}")} == {PAST}


CITATION = "/v1/events/{id}/citation"
"""A citation of the past names the position, in its link and as its checkpoint (tests/api/test_citation.py)."""
EVERY_FORMAT = [
    (resource.path, media_type.partition(";")[0])
    for resource in RESOURCES
    if issubclass(resource.query, AsOfQuery) and resource.path != CITATION
    for media_type in resource.media_types
    if not media_type.startswith("application/json")
]


def test_the_formats_of_past_readings_are_known() -> None:
    assert {media_type for _, media_type in EVERY_FORMAT} == {
        *("text/csv", "text/markdown", "text/html", "text/calendar", WORD),
    }


@pytest.mark.parametrize(("path", "media_type"), EVERY_FORMAT)
@pytest.mark.parametrize("point", ["as_of_position=112", "known_at=", "effective_on=2025-04-12"])
def test_every_format_of_a_past_reading_says_so(reading: TestClient, path: str, media_type: str, point: str) -> None:
    if point == "known_at=":
        reports = reading.get("/v1/reports").json()["items"]
        point += reports[-2]["recorded_at"]
    address = asking(concrete(path, reading), f"?{point}")
    answer = reading.get(address, headers={"Accept": media_type})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media_type)
    shown = answer.text
    if media_type == WORD:
        shown = "\n".join(line.text for line in docx.Document(io.BytesIO(answer.content)).paragraphs)
    assert "Not the current state." in shown.replace("\r\n ", "")
    present = reading.get(concrete(path, reading), headers={"Accept": media_type})
    assert "Not the current state." not in present.text


def test_the_atom_feed_has_no_past_reading(reading: TestClient) -> None:
    for point in ("as_of_position=112", "known_at=2025-06-06T00:00:00Z", "effective_on=2025-04-12"):
        answer = reading.get(f"/v1/changes.atom?{point}")
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("/unknown-parameter")
