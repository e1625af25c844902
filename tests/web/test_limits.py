"""Visitors with a key that is limited to relations see only these relations on every page."""

import re

import pytest
from starlette.testclient import TestClient

from tests.two_relations import SECRET, SHARED, file_second_relation
from tests.web.conftest import NewKey, sign_in
from tests.web.crawling import crawl


@pytest.fixture
def closed_to_one(closed: TestClient, new_key: NewKey) -> TestClient:
    """Return a browser where reading needs a key, on a record of two relations."""
    file_second_relation(closed, new_key(name=f"{SECRET}-desk"))
    return closed


@pytest.mark.parametrize("scope", ["read", "report"])
def test_no_page_shows_another_relation_to_a_limited_visitor(
    closed_to_one: TestClient, new_key: NewKey, scope: str
) -> None:
    """No page has a link that would be refused."""
    sign_in(closed_to_one, new_key(scope, name="guest", relations=("ru-us",)))
    visited = crawl(closed_to_one, "/")
    refused = {address for address, answer in visited.items() if answer.status_code not in (200, 303)}
    # A key that only reads has no form. The other address is requested with a typed date.
    assert refused == ({"/file"} if scope == "read" else {"/file/date"})
    for address, answer in visited.items():
        assert SECRET not in answer.text.lower(), address
    kinds = {re.sub(r"/[a-z]{2}-[a-z]{2}.*|\?.*", "", address) for address in visited}
    assert {"/", "/changes", "/irritants", "/relations", "/rounds", "/v1/changes.atom", "/v1/events/live"} <= kinds


def test_a_visitor_with_one_relation_is_redirected_to_it(closed_to_one: TestClient, new_key: NewKey) -> None:
    sign_in(closed_to_one, new_key("read", relations=("ru-us",)))
    for path in ("/", "/changes", "/sources"):
        assert closed_to_one.get(path).headers["location"] == f"{path}?relation=ru-us"
    assert closed_to_one.get("/?sort=-claimed").headers["location"] == "/?relation=ru-us&sort=-claimed"
    assert closed_to_one.get("/?relation=fr-us").status_code == 403


def test_a_visitor_with_two_relations_can_choose(closed_to_one: TestClient, new_key: NewKey) -> None:
    sign_in(closed_to_one, new_key("read", relations=("fr-us", "ru-us")))
    for path in ("/", "/changes", "/sources"):
        page = closed_to_one.get(f"{path}?relation=ru-us").text
        assert f'href="{path}?relation=fr-us' in page
    source = closed_to_one.get(f"/sources/{SHARED}").text
    assert "Zanzibar wine" in source
    assert 'href="/irritants/ru-us/' in source


def test_forms_offer_a_limited_reporter_no_stream_of_another_relation(
    closed_to_one: TestClient, new_key: NewKey
) -> None:
    """Also if the request names other streams."""
    key = new_key("report", relations=("ru-us",))
    sign_in(closed_to_one, key)
    shown = [f"irritant/fr-us/{SECRET}-wine", f"source/{SECRET}-gazette", "irritant/ru-us/visas"]
    form = {"made-for": key.split("_")[1], "relation": "ru-us", "title": "t", "shown": shown, "key": "form-12345678"}
    for path in ("/file", "/file/preview"):
        answer = closed_to_one.post(path, data=form)
        assert answer.status_code == 200
        assert "minister" not in answer.text
        assert "Zanzibar" not in answer.text
