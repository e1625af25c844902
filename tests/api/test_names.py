"""The name that the record gives to an actor: one string on every surface, and no other one in past readings."""

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.app import create_app
from service.read_models.rebuild import rebuild, verify_documents
from service.settings import Settings
from service.web.site import add_pages
from tests.api.bodies import FLIGHTS, on, origin, report, source
from tests.api.conftest import MakeKey

BANKING = "/v1/irritants/ru-us/banking-access"
AMERICA = {"stream": "actor/us", "type": "ActorRegistered", "actor": "US", "kind": "state", "names": ["America"]}
UNION = {
    "stream": "actor/african-union",
    "type": "ActorRegistered",
    "actor": "african-union",
    "kind": "organisation",
    "names": ["African Union", "AU"],
}


@pytest.fixture
def app(seeded_database_url: str, tmp_path: Path) -> FastAPI:
    """The interface with the pages."""
    app = create_app(Settings(database_url=seeded_database_url, checkpoint_key=tmp_path / "checkpoint.key"))
    add_pages(app)
    return app


def file(desk: TestClient, key: str, *events: dict[str, Any], **query: str) -> dict[str, Any]:
    answer = desk.post("/v1/reports", json=report(*events), headers={"Idempotency-Key": key}, params=query)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def test_a_state_is_called_by_its_name_on_record_everywhere(desk: TestClient) -> None:
    before = desk.get(BANKING).json()["headline"]
    assert "The United States says" in before
    file(desk, "name", AMERICA)
    headline = desk.get(BANKING).json()["headline"]
    assert headline == before.replace("The United States", "America").replace("the United States", "America")
    listed = {item["id"]: item for item in desk.get("/v1/irritants").json()["items"]}
    assert (listed["ru-us/banking-access"]["headline"], listed["ru-us/banking-access"]["names"]["US"]) == (
        headline,
        "America",
    )
    board = desk.get("/v1/relations/ru-us/board").json()
    assert (board["names"]["US"], headline in [row["headline"] for row in board["items"]]) == ("America", True)
    shown = [
        desk.get("/v1/irritants/ru-us/banking-access/dossier").text,
        desk.get("/v1/relations/ru-us/board", headers={"Accept": "text/csv"}).text,
        unescape(desk.get("/irritants/ru-us/banking-access").text),
        unescape(desk.get("/").text),
        unescape(desk.get("/relations/ru-us").text),
        unescape(desk.get("/rounds/ru-us/istanbul-april").text),
        desk.get("/v1/rounds/ru-us/istanbul-april/sheet", headers={"Accept": "text/markdown"}).text,
        desk.get("/v1/relations/ru-us/calendar.ics").text,
        desk.get("/v1/relations/ru-us/needs-confirmation").text,
        desk.get("/v1/changes.atom?relation=ru-us").text.partition("<entry>")[0],
    ]
    assert ["America" in text for text in shown] == [True] * len(shown)
    assert not any("United States says" in text for text in shown)


def test_a_past_reading_and_a_change_keep_the_name_that_was_known_then(desk: TestClient) -> None:
    position = desk.get("/v1/events?limit=1").headers["irritants-position"]
    before = desk.get(BANKING).json()
    changes = desk.get("/v1/changes?relation=ru-us&limit=1000").content
    file(desk, "name", AMERICA)
    assert desk.get(f"{BANKING}?as_of_position={position}").json() == before
    again = desk.get("/v1/changes?relation=ru-us&limit=1000").json()["items"]
    assert "America" not in str(again)
    assert again[0]["after"]["headline"] in changes.decode()


def test_a_name_is_no_change_of_an_irritant_and_another_entity_tag(desk: TestClient) -> None:
    old = desk.get(BANKING)
    filed = file(desk, "name", AMERICA)
    assert filed["changes"] == []
    new = desk.get(BANKING, headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, new.json()["position"]) == (200, old.json()["position"])
    assert desk.get(BANKING, headers={"If-None-Match": new.headers["etag"]}).status_code == 304
    event = {name: value for name, value in on("", "ConcernRaised").items() if name != "stream"}
    appending = f"{BANKING}/events"
    stale = desk.post(appending, json=event, headers={"If-Match": old.headers["etag"], "Idempotency-Key": "old"})
    fresh = desk.post(appending, json=event, headers={"If-Match": new.headers["etag"], "Idempotency-Key": "new"})
    assert (stale.status_code, fresh.status_code) == (412, 201)


def test_documents_with_names_equal_a_replay(desk: TestClient, engine: Engine) -> None:
    file(desk, "name", AMERICA)
    file(desk, "talk", on(FLIGHTS, "DiscussionReported", form="talks"))
    corrected = {"stream": "actor/us", "type": "AssertionCorrected", "target": "actor/us@1"}
    file(desk, "correct", {**corrected, "changes": {"names": ["the US"]}, "reason": "As the desk writes it."})
    file(desk, "again", on(FLIGHTS, "DiscussionReported", form="road_map"))
    verify_documents(engine)
    assert rebuild(engine) == 0
    assert desk.get(BANKING).json()["names"]["US"] == "the US"


def test_another_process_reads_a_new_name_at_once(
    desk: TestClient, seeded_database_url: str, tmp_path: Path, make_key: MakeKey
) -> None:
    settings = Settings(database_url=seeded_database_url, checkpoint_key=tmp_path / "other.key")
    second = create_app(settings)
    add_pages(second)
    with TestClient(second) as other:
        assert "The United States says" in other.get(BANKING).json()["headline"]
        file(desk, "name", AMERICA)
        assert "America says" in other.get(BANKING).json()["headline"]
        assert "America says" in unescape(other.get("/irritants/ru-us/banking-access").text)
        headers = {**make_key("report", name="second"), "Idempotency-Key": "second"}
        filed = other.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=headers)
        assert filed.status_code == 201
    assert "United States" not in desk.get("/v1/irritants/ru-us/direct-flights").json()["headline"]


def test_a_preview_names_every_actor_so_that_a_wrong_code_is_noticed(desk: TestClient) -> None:
    spoke = on(
        FLIGHTS,
        "UnderstandingReported",
        terms="Flights",
        asserted_by={"party": "AU", "channel": "quote"},
        source={"document": "briefing", "paragraphs": [1], "origin": "spokeswoman"},
    )
    previewed = file(desk, "preview", source(), origin(party="AU"), spoke, dry_run="true")
    assert previewed["names"] == {"AU": "Australia", "RU": "Russia", "US": "the United States"}
    meant = {**spoke, "asserted_by": {"party": "african-union", "channel": "quote"}}
    right = file(desk, "preview", UNION, source(), origin(party="african-union"), meant, dry_run="true")
    assert right["names"]["african-union"] == "the African Union"
    assert "The African Union reports" in right["changes"][-1]["after"]["headline"]


def test_a_code_is_named_as_a_state_and_an_organisation_by_a_slug(desk: TestClient) -> None:
    for event, pointer in (
        ({**AMERICA, "kind": "organisation"}, "/events/0/kind"),
        ({**UNION, "kind": "state"}, "/events/0/kind"),
        ({**AMERICA, "stream": "actor/ru"}, "/events/0/actor"),
        ({**AMERICA, "stream": "actor/yx", "actor": "YX"}, "/events/0/actor"),
    ):
        answer = desk.post("/v1/reports", json=report(event), headers={"Idempotency-Key": "wrong"})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_key_with_a_limit_names_organisations_but_no_state(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key("report", name="limited", relations=["ru-us"])
    state = client.post("/v1/reports", json=report(AMERICA), headers={**headers, "Idempotency-Key": "state"})
    organisation = client.post("/v1/reports", json=report(UNION), headers={**headers, "Idempotency-Key": "union"})
    assert (state.status_code, organisation.status_code) == (403, 201)
