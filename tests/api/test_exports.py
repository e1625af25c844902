"""Sheets and dossiers as Word, Markdown and CSV: representations of the same document, which name a past reading."""

import csv
import re
from datetime import datetime
from io import BytesIO, StringIO

import docx
import pytest
from docx.oxml.ns import qn
from starlette.testclient import TestClient

from service.api.resources import Presentation
from service.api.resources.formats import word
from service.projections.formats import WORD
from tests.api.bodies import on, report

SHEET = "/v1/rounds/ru-us/istanbul-april/sheet"
DOSSIER = "/v1/irritants/ru-us/banking-access/dossier"


def as_(reading: TestClient, address: str, media_type: str) -> bytes:
    answer = reading.get(address, headers={"Accept": media_type})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media_type), answer.text
    return answer.content


def recorded_at(reading: TestClient, address: str) -> datetime:
    """Return when the last event of a document was recorded."""
    position = reading.get(address).json()["position"]
    (event,) = reading.get(f"/v1/events?after={position - 1}&limit=1").json()["items"]
    return datetime.fromisoformat(event["time"])


@pytest.mark.parametrize("point", ["", "?as_of_position=110"])
@pytest.mark.parametrize(("address", "subject"), [(SHEET, "title"), (DOSSIER, "category")])
def test_the_properties_of_a_word_document_are_those_of_what_it_shows(
    reading: TestClient, address: str, subject: str, point: str
) -> None:
    read = reading.get(f"{address}{point}").json()
    made = docx.Document(BytesIO(as_(reading, f"{address}{point}", WORD)))
    properties, about = made.core_properties, read[subject] if subject in read else read["irritant"][subject]
    past = next((line.text for line in made.paragraphs if "Not the current state." in line.text), None)
    assert bool(past) == bool(point)
    assert properties.title == made.paragraphs[0].text
    assert properties.subject == (f"{about}. {past}" if past else about).replace(about, about[:1].upper() + about[1:])
    assert (properties.author, properties.last_modified_by, properties.comments) == ("irritants", "irritants", "")
    recorded = recorded_at(reading, f"{address}{point}").replace(microsecond=0)
    assert (properties.created, properties.modified) == (recorded, recorded)
    assert properties.language == "en-GB"
    languages = {node.get(qn("w:val")) for node in made.styles.element.iter(qn("w:lang"))}
    assert languages == {"en-GB"}


@pytest.mark.parametrize("address", [SHEET, DOSSIER])
def test_word_has_the_lines_of_the_markdown(reading: TestClient, address: str) -> None:
    markdown = as_(reading, address, "text/markdown").decode()
    made = as_(reading, address, WORD)
    assert made == word(markdown, Presentation(recorded_at=recorded_at(reading, address)))
    document = docx.Document(BytesIO(made))
    headings = [p.text for p in document.paragraphs if p.style and (p.style.name or "").startswith("Heading")]
    assert headings == [line.lstrip("# ") for line in markdown.replace("\\", "").splitlines() if line.startswith("#")]
    assert document.core_properties.title == headings[0]


def test_a_dossier_in_markdown_has_who_says_what_and_where(reading: TestClient) -> None:
    document, text = reading.get(DOSSIER).json(), as_(reading, DOSSIER, "text/markdown").decode().replace("\\", "")
    assert text.startswith(f"# Dossier: {document['irritant']['title']}\n")
    assert document["irritant"]["headline"] in text
    for column in document["columns"].values():
        for said in column:
            assert said["cited"]["summary"] in text
            assert f"{document['documents'][said['cited']['source']['document']]}, paragraphs" in text


@pytest.mark.parametrize(("address", "items"), [(SHEET, "items"), (DOSSIER, None)])
def test_csv_has_a_row_for_each_statement(reading: TestClient, address: str, items: str | None) -> None:
    document = reading.get(address).json()
    voices = [item["voices"] for item in document[items]] if items else [document["columns"]]
    rows = list(csv.DictReader(StringIO(as_(reading, address, "text/csv").decode())))
    assert [row["event"] for row in rows] == [s["event"] for v in voices for column in v.values() for s in column]
    assert "reading" not in rows[0]


@pytest.mark.parametrize("address", [SHEET, DOSSIER])
def test_a_past_reading_says_so(reading: TestClient, address: str) -> None:
    past = f"{address}?as_of_position=110&effective_on=2025-04-30&date_match=certain"
    sentence = re.compile(r"As known on .+, effective on 30 April 2025\. Not the current state\.")
    assert sentence.search(as_(reading, past, "text/markdown").decode())
    lines = docx.Document(BytesIO(as_(reading, past, WORD))).paragraphs
    said = next(line for line in lines if sentence.fullmatch(line.text))
    assert said.runs[0].bold
    rows = list(csv.DictReader(StringIO(as_(reading, past, "text/csv").decode())))
    assert all(sentence.fullmatch(row["reading"]) for row in rows)
    assert "Not the current state" not in reading.get(past).text


@pytest.mark.parametrize("media_type", ["text/csv", "text/markdown"])
def test_an_export_at_the_end_of_the_record_is_not_current_any_more_after_the_next_event(
    desk: TestClient, media_type: str
) -> None:
    end = desk.get("/v1/events?after=0&limit=1000").json()["position"]
    address, asked = f"{DOSSIER}?as_of_position={end}", {"Accept": media_type}
    before = desk.get(address, headers=asked)
    assert "Not the current state" not in before.text
    body = report(on("irritant/ru-us/direct-flights", "ConcernRaised"))
    assert desk.post("/v1/reports", json=body, headers={"Idempotency-Key": "later"}).status_code == 201
    after = desk.get(address, headers={**asked, "If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert "Not the current state" in after.text
