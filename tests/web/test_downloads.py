"""The files of a sheet and a dossier, and the pages of sources."""

import re

import pytest
from starlette.testclient import TestClient

from service.projections.formats import WORD
from tests.api.bodies import FLIGHTS, on, report, source
from tests.web.conftest import NewKey
from tests.web.pages import Page

PAGES = {"/rounds/ru-us/istanbul-april": "sheet", "/irritants/ru-us/visas": "dossier"}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("format", ["docx", "md", "csv"])
def test_a_page_links_to_its_files(reading: TestClient, path: str, format: str) -> None:
    past = f"{path}/download?as_of_position=110&format={format}"
    assert past in Page.of(reading.get(f"{path}?as_of_position=110")).links
    file = reading.get(past)
    name = f"{'-'.join(path.split('/')[2:])}-{PAGES[path]}-as-of-position-110.{format}"
    assert (file.status_code, file.headers["content-disposition"]) == (200, f'attachment; filename="{name}"')
    assert file.content


@pytest.mark.parametrize("path", PAGES)
def test_a_word_file_is_that_of_the_interface(reading: TestClient, path: str) -> None:
    for point in ({}, {"as_of_position": "110"}):
        file = reading.get(f"{path}/download", params={"format": "docx", **point})
        answer = reading.get(f"/v1{path}/{PAGES[path]}", params=point, headers={"Accept": WORD})
        assert file.content == answer.content


@pytest.mark.parametrize("query", ["", "?format=pdf"])
def test_a_file_has_one_of_three_formats(reading: TestClient, query: str) -> None:
    assert reading.get(f"/irritants/ru-us/visas/download{query}").status_code == 422


def test_every_statement_of_a_dossier_can_be_cited(reading: TestClient) -> None:
    page = reading.get("/irritants/ru-us/visas").text
    cited = set(re.findall(r'data-citation="(/v1/events/[^"]+/citation)"', page))
    columns = reading.get("/v1/irritants/ru-us/visas/dossier").json()["columns"]
    assert {f"/v1/events/{said['event']}/citation" for column in columns.values() for said in column} <= cited
    past = reading.get("/irritants/ru-us/visas?as_of_position=110").text
    assert re.search(r'data-citation="/v1/events/[^"]+/citation\?as_of_position=110"', past)


def test_the_page_of_a_source_shows_title_date_language_address_and_what_cites_it(
    browser: TestClient, new_key: NewKey
) -> None:
    about = {"title": "On flights", "published": "2025-05-07", "address": "https://example.org/1", "language": "en"}
    cited = {"document": "briefing", "paragraphs": [2], "origin": "darchiev-after-april"}
    headers = {"Authorization": f"Bearer {new_key('report')}", "Idempotency-Key": "one"}
    body = report(source(**about), on(FLIGHTS, "ConcernRaised", source=cited))
    assert browser.post("/v1/reports", json=body, headers=headers).status_code == 201
    page = Page.of(browser.get("/sources/briefing")).said
    for words in ("On flights", "7 May 2025", "https://example.org/1", "1 event cites it."):
        assert words in page
    assert "On flights" in Page.of(browser.get("/sources")).said
