"""Search: what the words of events say, name or cite, as the record reads now."""

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.read_models.rebuild import rebuild, verify_documents
from tests.api.bodies import FLIGHTS, on, origin, report, source

SAYS = {
    "asserted_by": {"party": "RU", "channel": "quote", "person": "Spokeswoman"},
    "source": {"document": "briefing", "paragraphs": [2], "origin": "spokeswoman"},
}
REGISTERED = (source(), origin(party="RU"))


def search(client: TestClient, q: str, **filters: str) -> list[str]:
    answer = client.get("/v1/search", params={"q": q, **filters})
    assert answer.status_code == 200, answer.text
    return [item["sentence"] for item in answer.json()["items"]]


def file(desk: TestClient, *events: dict[str, Any]) -> list[str]:
    """File a report. Return the ids of its events."""
    key = str(hash(str(events)))
    answer = desk.post("/v1/reports", json=report(*events), headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return [event["id"] for event in answer.json()["events"]]


def raised(summary: str, **fields: Any) -> dict[str, Any]:
    return on(FLIGHTS, "ConcernRaised", **SAYS, summary=summary, **fields)


def test_an_irritant_comes_before_what_is_said_of_it_and_the_newest_statement_first(reading: TestClient) -> None:
    items = reading.get("/v1/search", params={"q": "bank"}).json()["items"]
    assert (items[0]["type"], items[0]["about"], items[0]["names"]) == ("IrritantOpened", "ru-us/banking-access", True)
    positions = [item["position"] for item in items[1:]]
    assert positions == sorted(positions, reverse=True)
    assert len(positions) > 2


def test_a_hit_says_who_says_it_when_and_where_it_can_be_read(reading: TestClient) -> None:
    (hit,) = reading.get("/v1/search", params={"q": "direct air links", "party": "RU"}).json()["items"]
    assert hit["sentence"].startswith("Russia: ")
    assert (hit["about"], hit["type"], hit["occurred"]) == (
        "ru-us/direct-flights",
        "ProposalTabled",
        "[2025-02-27..2025-04-10]",
    )
    assert hit["source"]["paragraphs"]


def test_words_can_be_beginnings_in_any_order_case_and_accent(reading: TestClient) -> None:
    assert search(reading, "banking access") == search(reading, "ACCESS bánk")
    assert search(reading, "banking zebra") == []


def test_a_person_is_found_by_every_spelling_and_in_another_script(reading: TestClient) -> None:
    named = "Alexander Darchiev, Aleksandr Darchiev, Darcheev"
    assert named in search(reading, "darcheev")
    assert named in search(reading, "aleksandr darchiev")
    assert named in search(reading, "Дарчиев")


def test_a_misspelt_name_is_found_and_the_page_says_what_was_sought_instead(reading: TestClient) -> None:
    page = reading.get("/v1/search", params={"q": "bankng acess"}).json()
    assert page["instead"] == {"acess": ["access"], "bankng": ["banking"]}
    assert "Banking access of the missions" in [item["sentence"] for item in page["items"]]
    assert reading.get("/v1/search", params={"q": "banking"}).json()["instead"] == {}


def test_a_misspelt_word_of_a_statement_is_found(reading: TestClient) -> None:
    page = reading.get("/v1/search", params={"q": "confiscatd"}).json()
    assert page["instead"] == {"confiscatd": ["confiscated"]}
    assert page["items"] == reading.get("/v1/search", params={"q": "confiscated"}).json()["items"] != []
    assert reading.get("/v1/search", params={"q": "qqqqqqqq"}).json()["items"] == []


def test_filters_narrow_the_hits(reading: TestClient) -> None:
    everything = reading.get("/v1/search", params={"q": "the", "limit": "1000"}).json()["items"]
    for name, value, field in (("party", "US", "asserted_by"), ("type", "ProposalTabled", "type")):
        kept = reading.get("/v1/search", params={"q": "the", "limit": "1000", name: value}).json()["items"]
        wanted = [
            hit
            for hit in everything
            if ((hit[field] or {}).get("party") if field == "asserted_by" else hit[field]) == value
        ]
        assert kept == wanted != []
    march = {"from": "2025-03-01", "to": "2025-03-31"}
    kept = reading.get("/v1/search", params={"q": "the", "limit": "1000", **march}).json()["items"]
    assert kept == [
        hit
        for hit in everything
        if (hit["earliest"] or hit["latest"])
        and (hit["latest"] or "9999") >= march["from"]
        and (hit["earliest"] or "0") <= march["to"]
    ]
    claimed = {item["id"]: item["status"] for item in reading.get("/v1/irritants").json()["items"]}
    kept = reading.get("/v1/search", params={"q": "the", "limit": "1000", "status": "in_talks"}).json()["items"]
    assert kept == [hit for hit in everything if claimed.get(hit["about"]) == "in_talks"]


def test_pages_follow_each_other_without_gaps(reading: TestClient) -> None:
    whole = reading.get("/v1/search", params={"q": "the", "limit": "1000"}).json()["items"]
    found, query = [], {"q": "the", "limit": "7"}
    while True:
        page = reading.get("/v1/search", params=query).json()
        found += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == whole


def test_a_corrected_statement_is_found_by_its_new_words_only(desk: TestClient) -> None:
    *_, raised_id = file(desk, *REGISTERED, raised("It asks about moorings."))
    assert search(desk, "moorings") == ["Russia: It asks about moorings."]
    corrected = {"stream": FLIGHTS, "type": "AssertionCorrected", "target": raised_id, "reason": "misheard"}
    file(desk, corrected | {"changes": {"summary": "It asks about warrants."}})
    assert search(desk, "moorings") == []
    assert search(desk, "warrants") == ["Russia: It asks about warrants."]


def test_a_retracted_statement_is_not_found_until_its_retraction_is_retracted(desk: TestClient) -> None:
    *_, raised_id = file(desk, *REGISTERED, raised("It asks about moorings."))
    retraction = {"stream": FLIGHTS, "type": "AssertionRetracted", "reason": "not said"}
    (retracted,) = file(desk, retraction | {"target": raised_id})
    assert search(desk, "moorings") == []
    file(desk, retraction | {"target": retracted})
    assert search(desk, "moorings") == ["Russia: It asks about moorings."]


def test_a_denial_of_a_retracted_statement_goes_with_it(desk: TestClient, engine: Engine) -> None:
    *_, raised_id = file(desk, *REGISTERED, raised("It asks about moorings."))
    denial = {**SAYS, "stream": FLIGHTS, "type": "ClaimContested", "target": raised_id, "summary": "No anchorages."}
    file(desk, denial)
    assert search(desk, "anchorages") == ["Russia: No anchorages."]
    retraction = {"stream": FLIGHTS, "type": "AssertionRetracted", "reason": "not said"}
    (retracted,) = file(desk, retraction | {"target": raised_id})
    assert search(desk, "anchorages") == []
    verify_documents(engine)
    file(desk, retraction | {"target": retracted})
    assert search(desk, "anchorages") == ["Russia: No anchorages."]
    verify_documents(engine)


def test_an_undated_statement_is_found_by_the_date_of_the_one_that_it_follows(desk: TestClient, engine: Engine) -> None:
    *_, first = file(desk, *REGISTERED, raised("It asks about moorings.", occurred="2025-05-02"))
    undated = {**SAYS, "stream": FLIGHTS, "type": "ConcernRaised", "summary": "Anchorages as well.", "after": first}
    file(desk, undated)
    assert search(desk, "anchorages", to="2025-05-01") == []
    corrected = {"stream": FLIGHTS, "type": "AssertionCorrected", "target": first, "reason": "misread"}
    file(desk, corrected | {"changes": {"occurred": "2025-04-20"}})
    assert search(desk, "anchorages", to="2025-05-01") == ["Russia: Anchorages as well."]
    verify_documents(engine)


def test_further_evidence_goes_with_what_it_supports(desk: TestClient) -> None:
    *_, raised_id = file(desk, *REGISTERED, raised("It asks about moorings.", occurred="2025-05-02"))
    evidence = {
        "stream": FLIGHTS,
        "type": "EvidenceAdded",
        "target": raised_id,
        "summary": "Anchorages, it says again.",
    }
    file(desk, {**SAYS, **evidence})
    assert search(desk, "anchorages", **{"from": "2025-05-02", "to": "2025-05-02"}) == [
        "Russia: Anchorages, it says again."
    ]
    file(desk, {"stream": FLIGHTS, "type": "AssertionRetracted", "target": raised_id, "reason": "not said"})
    assert search(desk, "anchorages") == []


@pytest.mark.parametrize(
    ("title", "sought"),
    [
        ("中国大使馆的银行账户", "使馆"),
        ("在日大使館の口座", "口座"),
        ("สถานทูตและบัญชีธนาคาร", "บัญชี"),
        ("دارایی‌های سفارت", "سفارت"),
        ("वीज़ा की समस्या", "वीज़ा"),
        ("Häuser in Škoda-Straße", "hauser strasse"),
        ("Виза для дипломатов", "ДИПЛОМАТ"),
    ],
)
def test_titles_of_any_script_are_found(desk: TestClient, title: str, sought: str) -> None:
    opened = {"stream": "irritant/ru-us/new", "type": "IrritantOpened", "title": title, "category": "other"}
    file(desk, opened)
    assert title in search(desk, sought)


def test_the_stored_hits_are_those_of_a_replay(desk: TestClient, engine: Engine) -> None:
    *_, raised_id = file(desk, *REGISTERED, raised("It asks about moorings."))
    fix = {"stream": FLIGHTS, "type": "AssertionCorrected", "target": raised_id, "reason": "misheard"}
    (corrected,) = file(desk, fix | {"changes": {"summary": "It asks about warrants."}})
    file(desk, {"stream": FLIGHTS, "type": "AssertionRetracted", "target": corrected, "reason": "heard well"})
    verify_documents(engine)
    assert rebuild(engine) == 0
    assert search(desk, "moorings") == ["Russia: It asks about moorings."]


def test_an_empty_or_endless_search_says_what_to_write(reading: TestClient) -> None:
    for q, why in (("?!", "has no word"), (" ".join("abcdefghijklmnopqrstuvwxyz"), "more than 20 words")):
        answer = reading.get("/v1/search", params={"q": q})
        assert (answer.status_code, why in answer.text) == (422, True), answer.text
