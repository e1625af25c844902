"""People see words, titles and dates on pages and in files, never the names that programs use."""

from io import BytesIO

import docx
import pytest
from starlette.testclient import TestClient

from service.projections.formats import WORD
from tests.internal_names import CODED, DOCUMENTS, STREAMS, TYPES, internal_names, shown
from tests.web.crawling import crawl

SHEET, DOSSIER = "/v1/rounds/ru-us/istanbul-april/sheet", "/v1/irritants/ru-us/banking-access/dossier"


def test_the_names_to_look_for_are_those_of_the_seeds() -> None:
    assert "a4-unnamed-outlet" in DOCUMENTS
    assert {"irritant/banking-access", "ru-us/banking-access", "round/istanbul-april"} <= STREAMS
    assert "in_talks" in CODED
    assert "NextStepAgreed" in TYPES
    assert internal_names("the article a4-unnamed-outlet, ru-us/visas.") == {"a4-unnamed-outlet", "ru-us/visas"}
    assert internal_names("see https://example.org/a4-unnamed-outlet and /v1/irritants/ru-us/visas") == set()
    assert shown("<p>one <code>two</code> <b title='three'>four</b></p>").split() == ["one", "four"]


def test_no_page_shows_an_internal_name(reading: TestClient) -> None:
    answers = crawl(reading, "/", most=300)
    # These pages are about the interface for programs.
    for_programs = ("/docs", "/problems")
    pages = {
        address: answer.text
        for address, answer in answers.items()
        if answer.headers.get("content-type", "").startswith("text/html") and not address.startswith(for_programs)
    }
    kinds = {address.strip("/").partition("?")[0].split("/")[0] for address in pages}
    assert {"", "changes", "irritants", "relations", "reports", "rounds", "search", "sources"} <= kinds
    assert [address for address in pages if address.partition("?")[0].endswith("/events")]
    found = {address: names for address, page in pages.items() if (names := internal_names(shown(page)))}
    assert found == {}


@pytest.mark.parametrize("words", ["bank", "outlet", "istanbul", "a4 unnamed outlet", "visas", "russia"])
def test_no_hit_of_the_search_shows_an_internal_name(reading: TestClient, words: str) -> None:
    assert internal_names(shown(reading.get("/search", params={"q": words}).text)) == set()
    hits = reading.get("/v1/search", params={"q": words}).json()["items"]
    assert hits
    assert internal_names(" ".join(hit["sentence"] for hit in hits)) == set()


@pytest.mark.parametrize("address", [SHEET, "/v1/rounds/ru-us/moscow-next/sheet", DOSSIER])
def test_no_export_shows_an_internal_name(reading: TestClient, address: str) -> None:
    markdown = reading.get(address, headers={"Accept": "text/markdown"}).text.replace("\\", "")
    word = docx.Document(BytesIO(reading.get(address, headers={"Accept": WORD}).content))
    lines = [line.text for line in word.paragraphs]
    lines += [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    assert (internal_names(markdown), internal_names("\n".join(lines))) == (set(), set())


def test_no_citation_shows_an_internal_name(reading: TestClient) -> None:
    events = reading.get("/v1/events", params={"limit": 1000}).json()["items"]
    texts = [reading.get(f"/v1/events/{event['id']}/citation").json()["text"] for event in events]
    assert [text for text in texts if internal_names(text)] == []


def test_no_feed_shows_an_internal_name(reading: TestClient) -> None:
    assert internal_names(shown(reading.get("/v1/changes.atom").text)) == set()
