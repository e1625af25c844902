"""The page of the search: words and filters in, sentences with links out."""

import re

from starlette.testclient import TestClient

from service.domain.catalogue import EVENT_TYPES
from service.projections import hit
from tests.web.pages import Page


def test_a_search_shows_sentences_with_links_that_lead_somewhere(reading: TestClient) -> None:
    page = Page.of(reading.get("/search?q=bank"))
    assert "Banking access of the missions" in " ".join(page.words)
    assert "/irritants/ru-us/banking-access" in page.links
    found = [link for link in page.links if link.startswith(("/events/", "/irritants/", "/sources/"))]
    assert len(found) > 5
    assert {reading.get(link, follow_redirects=True).status_code for link in found} == {200}


def test_every_page_has_a_search_box(reading: TestClient) -> None:
    for path in ("/", "/changes", "/help", "/irritants/ru-us/visas", "/sign-in", "/nowhere"):
        assert len(re.findall(r'<input type="search"', reading.get(path).text)) == 1, path
    assert len(re.findall(r'<input type="search"', reading.get("/search").text)) == 1


def test_parameters_that_track_readers_are_dropped_from_a_page_and_refused_by_the_interface(
    reading: TestClient,
) -> None:
    event = reading.get("/v1/events?stream=irritant/ru-us/visas").json()["items"][0]["id"]
    paths = ("/irritants/ru-us/visas", "/help", "/docs", "/sign-in", "/file", f"/correct/{event}", f"/events/{event}")
    for path in paths:
        answer = reading.get(f"{path}?utm_source=mail&utm_medium=x&fbclid=1", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (302, path)
    kept = reading.get("/search?q=bank%20access&gclid=1&party=RU", follow_redirects=False)
    assert kept.headers["location"] == "/search?q=bank%20access&party=RU"
    assert reading.get("/help?unknown=1", follow_redirects=False).status_code == 422
    assert reading.get("/v1/irritants/ru-us/visas?utm_source=mail").status_code == 422


def test_pages_announce_the_feed_of_their_relation(reading: TestClient) -> None:
    for path, feed in (
        ("/", "/v1/changes.atom"),
        ("/irritants/ru-us/visas", "/v1/changes.atom?relation=ru-us"),
        ("/?relation=ru-us", "/v1/changes.atom?relation=ru-us"),
    ):
        found = re.findall(
            r'<link rel="alternate" type="application/atom\+xml" [^>]*href="([^"]+)">', reading.get(path).text
        )
        assert found == [feed]
        assert reading.get(feed).status_code == 200


def test_empty_filters_are_as_if_they_were_not_given(reading: TestClient) -> None:
    blank = "relation=&party=&type=&status=&from=&to="
    assert re.findall(r'href="/events/[^"]+"', reading.get(f"/search?q=bank&{blank}").text) == re.findall(
        r'href="/events/[^"]+"', reading.get("/search?q=bank").text
    )


def test_a_mistake_stands_beside_its_field_and_what_was_written_is_kept(reading: TestClient) -> None:
    shown = reading.get("/search?q=bank&from=yesterday&status=high")
    assert shown.status_code == 200
    for name in ("from", "status"):
        assert f'id="mistake-{name}"' in shown.text
        assert f'aria-describedby="mistake-{name}"' in shown.text
    assert 'value="bank"' in shown.text


def test_what_was_sought_instead_of_a_misspelt_word_is_said(reading: TestClient) -> None:
    words = " ".join(Page.of(reading.get("/search?q=bankng")).words)
    assert "Nothing has the word bankng . These were found with: banking." in re.sub(r"\s+", " ", words)


def test_more_hits_follow_on_the_next_page(reading: TestClient) -> None:
    first = Page.of(reading.get("/search?q=the"))
    (more,) = [link for link in first.links if "cursor=" in link]
    second = Page.of(reading.get(more))
    events = [{link for link in page.links if link.startswith("/events/")} for page in (first, second)]
    assert events[0]
    assert events[1]
    assert not events[0] & events[1]


def test_every_field_of_an_event_is_either_searched_or_left_out_on_purpose() -> None:
    left_out = set(  # a list of literals would take fifty lines
        "address after answer asserted_by channel changes covers date due duration extent form hours in_force_from"  # noqa: SIM905
        " inference item label language merged_into occurred occurred_basis origin outcome paragraphs preliminary"
        " proposal published qualifier quantity report reversible round sha256 source stance state status target timing"
        " to type undoes valid_until".split()
    )
    fields = {(info.alias or name) for model in EVENT_TYPES.values() for name, info in model.model_fields.items()}
    assert fields - left_out - hit.TEXTS - hit.ACTORS == set()
    assert fields | {"organ", "unit"} >= hit.TEXTS | hit.ACTORS
    assert not hit.TEXTS & hit.ACTORS
