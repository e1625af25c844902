"""The citation of a statement, in the present and at an earlier point."""

from starlette.testclient import TestClient

from service.domain.assertion import AssertedBy
from service.projections.words.said_by import speaker_in_words
from tests.api.bodies import FLIGHTS, on, report, source


def at_position(client: TestClient, position: int) -> str:
    return str(client.get(f"/v1/events?after={position - 1}&limit=1").json()["items"][0]["id"])


def test_a_citation_has_publisher_date_paragraph_address_link_position_and_checkpoint(reading: TestClient) -> None:
    event = at_position(reading, 36)
    told = reading.get(f"/v1/events/{event}/citation").json()
    filed = reading.get(f"/v1/events/{event}").json()["data"]["source"]
    source = reading.get(f"/v1/sources/{filed['document']}").json()
    assert (told["publisher"], told["published"], told["address"]) == (
        source["publisher"],
        source["published"],
        source["address"],
    )
    assert (told["document"], told["paragraphs"]) == (filed["document"], filed["paragraphs"])
    assert (told["link"], told["position"], told["checkpoint"]) == (f"/events/{event}", 36, 127)
    for part in (told["publisher"], told["link"], "position 36", f"checkpoint 127, {told['chain_hash'][:16]}"):
        assert part in told["text"]
    text = reading.get(f"/v1/events/{event}/citation", headers={"Accept": "text/plain"})
    assert text.text == f"{told['text']}\n"


def test_a_title_is_cited_and_listed_with_its_document(desk: TestClient) -> None:
    cited = {"document": "briefing", "paragraphs": [3, 2], "origin": "darchiev-after-april"}
    filed = desk.post(
        "/v1/reports",
        json=report(
            source(title="On flights", published="2025-05-07", address="https://example.org/1"),
            on(FLIGHTS, "ConcernRaised", source=cited),
        ),
        headers={"Idempotency-Key": "one"},
    )
    assert filed.status_code == 201, filed.text
    told = desk.get(f"/v1/events/{filed.json()['events'][1]['id']}/citation").json()["text"]
    assert told.startswith(
        "Russia, only attributed: A ministry, “On flights”, 7 May 2025, paragraphs 2, 3, https://example.org/1."
        " On record: /events/"
    )
    assert desk.get("/v1/sources/briefing").json()["title"] == "On flights"


def test_a_citation_begins_with_who_speaks(reading: TestClient) -> None:
    said = [event for event in reading.get("/v1/events?limit=1000").json()["items"] if "asserted_by" in event["data"]]
    assert said
    for event in said:
        told = reading.get(f"/v1/events/{event['id']}/citation").json()
        by = AssertedBy.model_validate(event["data"]["asserted_by"])
        assert told["speaker"] == speaker_in_words(by)
        assert told["text"].startswith(f"{told['speaker']}: {told['publisher']}")


def test_the_speaker_is_that_of_the_corrected_statement(desk: TestClient) -> None:
    event = at_position(desk, 36)
    filed = desk.get(f"/v1/events/{event}").json()
    changes = {"asserted_by": {**filed["data"]["asserted_by"], "organ": "The embassy", "person": None}}
    correction = {"stream": filed["subject"], "type": "AssertionCorrected", "target": event, "changes": changes}
    told = desk.post("/v1/reports", json=report({**correction, "reason": "Misread."}), headers={"Idempotency-Key": "1"})
    assert told.status_code == 201, told.text
    assert "(The embassy)" in desk.get(f"/v1/events/{event}/citation").json()["speaker"]
    assert "embassy" not in desk.get(f"/v1/events/{event}/citation?as_of_position=127").json()["speaker"]


def test_a_citation_at_an_earlier_point_leads_there(reading: TestClient) -> None:
    event = at_position(reading, 36)
    told = reading.get(f"/v1/events/{event}/citation?as_of_position=90").json()
    assert (told["link"], told["checkpoint"]) == (f"/events/{event}?as_of_position=90", 90)
    assert told["chain_hash"] != reading.get(f"/v1/events/{event}/citation").json()["chain_hash"]
    assert reading.get(f"/v1/events/{event}/citation?as_of_position=35").status_code == 404


def test_record_keeping_is_cited_without_a_document(reading: TestClient) -> None:
    told = reading.get(f"/v1/events/{at_position(reading, 25)}/citation").json()
    assert (told["speaker"], told["document"], told["publisher"], told["paragraphs"]) == (None, None, None, [])
    assert told["text"].startswith("Irritant opened. On record: /events/")


def test_a_retracted_statement_is_cited_as_retracted(desk: TestClient) -> None:
    event = at_position(desk, 36)
    stream = desk.get(f"/v1/events/{event}").json()["subject"]
    retraction = {"stream": stream, "type": "AssertionRetracted", "target": event, "reason": "Misread."}
    filed = desk.post("/v1/reports", json=report(retraction), headers={"Idempotency-Key": "one"})
    assert filed.status_code == 201, filed.text
    told = desk.get(f"/v1/events/{event}/citation").json()
    assert told["retracted"]
    assert "On record, and retracted: " in told["text"]
    assert not desk.get(f"/v1/events/{event}/citation?as_of_position=127").json()["retracted"]
