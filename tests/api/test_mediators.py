"""A state or organisation beside the sides: it proposes, owns a step, and takes back what it said."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.web.site import add_pages
from tests.api.bodies import on, origin, report, source

VISAS = "irritant/ru-us/opened-for-a-mediator"
OPENED = {"stream": VISAS, "type": "IrritantOpened", "title": "Consular visits", "category": "consular"}


@pytest.fixture
def app(seeded_database_url: str, tmp_path: Path) -> FastAPI:
    """The interface with the pages."""
    app = create_app(Settings(database_url=seeded_database_url, checkpoint_key=tmp_path / "checkpoint.key"))
    add_pages(app)
    return app


def by(party: str, type: str, **fields: Any) -> dict[str, Any]:
    """What a party says itself, in its own statement."""
    cited = {"document": "briefing", "paragraphs": [1], "origin": f"{party.lower()}-word"}
    return on(VISAS, type, asserted_by={"party": party, "channel": "quote"}, source=cited, **fields)


def words(*parties: str) -> list[dict[str, Any]]:
    return [source(), *(origin(f"{party.lower()}-word", party=party) for party in parties), OPENED]


def filed(desk: TestClient, key: str, *events: dict[str, Any]) -> dict[str, Any]:
    answer = desk.post("/v1/reports", json=report(*events), headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return dict(desk.get(f"/v1/{VISAS.replace('irritant/', 'irritants/')}").json())


def ledger(desk: TestClient) -> dict[str, Any]:
    return dict(desk.get("/v1/relations/ru-us/ledger").json())


PROPOSAL = by("OM", "ProposalTabled", kind="offer", addressee="both", terms="Visits twice a year", ref="draft")


def test_the_proposal_of_a_mediator_awaits_its_addressees(desk: TestClient) -> None:
    document = filed(desk, "one", *words("OM", "RU", "US"), PROPOSAL)
    assert document["awaiting"] == "both"
    answer = by("RU", "ProposalAnswered", proposal=f"{VISAS}@2", answer="accepted")
    document = filed(desk, "two", answer)
    assert document["awaiting"] == "US"
    (proposal,) = (p for p in ledger(desk)["proposals"] if p["terms"] == "Visits twice a year")
    assert (proposal["tabled_by"], proposal["backing"]["reported_by"], proposal["awaiting"]) == (["OM"], ["OM"], ["US"])
    document = filed(desk, "three", by("US", "ProposalAnswered", proposal=f"{VISAS}@2", answer="rejected"))
    assert document["awaiting"] == "none"
    assert "The United States rejects the proposal of Oman" in document["headline"]


def test_a_third_party_owns_a_step_that_awaits_no_side(desk: TestClient) -> None:
    step = by("RU", "NextStepAgreed", step="host", owner="OM", action="Host the next visit")
    document = filed(desk, "one", *words("RU"), step)
    assert (document["awaiting"], document["awaited"]) == ("none", [])
    (listed,) = (s for s in ledger(desk)["steps"] if s["step"] == "host")
    assert (listed["owner"], listed["open"]) == ("OM", True)
    assert ledger(desk)["names"]["OM"] == "Oman"
    assert ">Oman</td>" in desk.get("/irritants/ru-us/opened-for-a-mediator").text


@pytest.mark.parametrize("type", ["UnderstandingReported", "DiscussionReported"])
def test_a_mediator_takes_its_own_words_back(desk: TestClient, type: str) -> None:
    fields = {"terms": "Agreed"} if type == "UnderstandingReported" else {"form": "talks"}
    document = filed(desk, "one", *words("OM"), by("OM", type, **fields))
    assert document["reported_by"] == ["OM"]
    document = filed(desk, "two", by("OM", "ClaimContested", target=f"{VISAS}@2"))
    assert (document["reported_status"], document["reported_by"], document["basis"]) == ("unstated", [], "none")
    assert "Oman withdrew its statement" in document["headline"]
    assert "Nothing is on record" not in document["headline"]


def test_a_joint_text_needs_no_second_origin_and_a_joint_extension_no_new_word(desk: TestClient) -> None:
    cited = {"document": "briefing", "paragraphs": [1], "origin": "joint-word"}
    own = {"asserted_by": {"party": "JOINT", "channel": "quote"}, "source": cited}
    exchanged = on(VISAS, "InstrumentExchanged", kind="agreement", ref="text", **own)
    acted = on(VISAS, "ImplementationReported", act="First visits", actor="both", **own)
    extended = on(VISAS, "InstrumentStated", instrument="text", state="extended", valid_until="2027", **own)
    registered = [source(), origin("joint-word", party="JOINT"), OPENED]
    document = filed(desk, "one", *registered, exchanged, acted, {**extended, "occurred": "2025-05-07"})
    assert (document["basis"], document["origins"]) == ("both_sides", 1)
    needs = desk.get("/v1/relations/ru-us/needs-confirmation").json()["items"]
    assert [item["kind"] for item in needs if item["about"] == VISAS] == []
