"""`irritants search`: what was found, as sentences."""

import json

from tests.cli.conftest import Desk


def test_hits_are_sentences_with_their_place(reader: Desk) -> None:
    sentence, place = reader.done("search", "direct", "air", "links").splitlines()[:2]
    assert sentence == "Russia: The Russian side put forward that direct air links be brought back."
    assert place.startswith("  Proposal tabled · ru-us/direct-flights · ")


def test_documents_have_the_names_that_pages_give_them(reader: Desk) -> None:
    slugs = [source["id"] for source in json.loads(reader.done("get", "sources", "--json"))["items"]]
    for command in (["search", "visas", "--party", "RU"], ["assertions", "ru-us/visas"]):
        shown = reader.done(*command)
        assert "Outlet not named; no by-line" in shown
        assert not any(slug in shown for slug in slugs), shown


def test_filters_and_json_are_those_of_the_service(reader: Desk) -> None:
    found = json.loads(reader.done("search", "bank", "--party", "RU", "--limit", "1", "--json"))
    assert [hit["asserted_by"]["party"] for hit in found["items"]] == ["RU"]
    assert found["next"] is not None


def test_a_misspelt_word_and_an_unknown_one_are_said(reader: Desk) -> None:
    assert "These were found with: banking." in reader.run("search", "bankng").err
    assert "Nothing was found." in reader.run("search", "zzzzzz").err


def test_a_wrong_filter_says_what_is_allowed(reader: Desk) -> None:
    told = reader.run("search", "bank", "--from", "yesterday")
    assert told.code != 0
    assert "must be a day" in told.err
