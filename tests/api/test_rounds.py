"""Rounds over HTTP: what belongs to one, a forgotten one, two sides that differ, and assertions without a date."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.bodies import VISAS, on, origin, report, source

GENEVA, FEBRUARY, APRIL = "ru-us/geneva-march", "ru-us/istanbul-february", "ru-us/istanbul-april"
MET = on(f"round/{GENEVA}", "RoundConvened", occurred="2025-03-15", place="Geneva")
# Said after the round, as readouts are.
TALKS = on(VISAS, "DiscussionReported", form="talks", occurred="2025-03-20")


def file(desk: TestClient, key: str, *events: dict[str, Any], status: int = 201, **fields: Any) -> dict[str, Any]:
    answer = desk.post("/v1/reports", json=report(*events, **fields), headers={"Idempotency-Key": key})
    assert answer.status_code == status, answer.text
    filed: dict[str, Any] = answer.json()
    return filed


def attribution(report: str, round: str = GENEVA) -> dict[str, Any]:
    return {"stream": "relation/ru-us", "type": "ReportAttributed", "report": report, "round": round}


def read(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def over(client: TestClient) -> list[tuple[str, str]]:
    """The claimed status of visas after each round, as the board has it."""
    rows = read(client, "/v1/relations/ru-us/board")["items"]
    (visas,) = (row for row in rows if row["id"] == "ru-us/visas")
    return [(after["round"], after["status"]) for after in visas["over_the_rounds"]]


def brought(client: TestClient, round: str) -> dict[str, tuple[str | None, str]]:
    """What the sheet of a round says of the irritants that it brought up: claimed before and after."""
    items = read(client, f"/v1/rounds/{round}/sheet")["items"]
    return {i["irritant"]: (i["before"] and i["before"]["status"], i["after"]["status"]) for i in items}


def test_a_forgotten_round_is_added_with_the_report_that_was_on_it(desk: TestClient) -> None:
    told = file(desk, "told", TALKS)
    assert over(desk) == [(FEBRUARY, "unstated"), (APRIL, "understanding")]
    assert brought(desk, APRIL)["ru-us/visas"] == ("in_talks", "understanding")
    added = file(desk, "added", MET, attribution(told["id"]), round="geneva-march")
    assert over(desk) == [(FEBRUARY, "unstated"), (GENEVA, "in_talks"), (APRIL, "understanding")]
    sheet = read(desk, f"/v1/rounds/{GENEVA}/sheet")
    assert brought(desk, GENEVA) == {"ru-us/visas": ("unstated", "in_talks")}
    assert [said["event"] for said in sheet["items"][0]["voices"]["RU"]] == [told["events"][0]["id"]]
    # It came on record after the April round.
    assert sheet["read_to"] == "2025-04-09"
    text = desk.get(f"/v1/rounds/{GENEVA}/sheet", headers={"Accept": "text/markdown"}).text
    assert "- Read as of: 9 April 2025, the day before the next round\n" in text
    dossier = read(desk, "/v1/irritants/ru-us/visas/dossier")
    assert dossier["rounds"][told["events"][0]["id"]] == GENEVA
    assert [r["id"] for r in read(desk, "/v1/reports", round=GENEVA)["items"]] == [told["id"], added["id"]]
    assert read(desk, f"/v1/reports/{told['id']}")["round"] == GENEVA
    assert read(desk, "/v1/relations/ru-us")["attributions"] == [{"report": told["id"], "round": GENEVA}]
    difference = read(
        desk, "/v1/irritants/ru-us/visas/difference", **{"from": "round:istanbul-february", "to": "round:geneva-march"}
    )
    assert (difference["before"]["status"], difference["after"]["status"]) == ("unstated", "in_talks")
    assert "BEGIN:VEVENT\r\nUID:ru-us/geneva-march@irritants" in desk.get("/v1/relations/ru-us/calendar.ics").text


def test_a_report_is_moved_to_another_round_and_back(desk: TestClient) -> None:
    told = file(desk, "told", TALKS | {"occurred": "[2025-02-27..]"}, round="istanbul-february")
    first, dossier = f"/v1/reports/{told['id']}", "/v1/irritants/ru-us/visas/dossier"
    event, tag = told["events"][0]["id"], desk.get(dossier).headers["etag"]
    assert read(desk, dossier)["rounds"][event] == FEBRUARY
    moved = file(desk, "moved", MET, attribution(told["id"]))
    assert (read(desk, first)["round"], read(desk, dossier)["rounds"][event]) == (GENEVA, GENEVA)
    assert desk.get(dossier, headers={"If-None-Match": tag}).status_code == 200
    assert [r["id"] for r in read(desk, "/v1/reports", round=FEBRUARY)["items"]][-1] != told["id"]
    retraction = {"stream": "relation/ru-us", "type": "AssertionRetracted", "reason": "Another meeting."}
    file(desk, "back", {**retraction, "target": moved["events"][1]["id"]})
    assert (read(desk, first)["round"], read(desk, dossier)["rounds"][event]) == (FEBRUARY, FEBRUARY)
    then = read(desk, dossier, as_of_position=moved["position"])
    assert then["rounds"][event] == GENEVA


@pytest.mark.parametrize(
    ("event", "pointer", "detail"),
    [
        (
            attribution("nothing"),
            "/events/0/report",
            "No report nothing is on record.",
        ),
        (
            attribution("00000000-0000-7000-8000-000000000000", "ru-us/elsewhere"),
            "/events/0/round",
            "There is no round ru-us/elsewhere on record.",
        ),
    ],
)
def test_an_attribution_to_nothing_is_refused(
    desk: TestClient, event: dict[str, Any], pointer: str, detail: str
) -> None:
    problem = file(desk, "refused", event, status=422)
    told = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert told[pointer].startswith(f"{detail} Give ")


def test_a_report_on_the_round_already_is_refused(desk: TestClient) -> None:
    (april, *_) = read(desk, "/v1/reports", round=APRIL)["items"]
    problem = file(desk, "refused", attribution(april["id"], APRIL), status=422)
    assert problem["type"].endswith("/problems/already-attributed")


def test_board_sheet_and_sparkline_of_the_seeds_agree(reading: TestClient) -> None:
    for round in (FEBRUARY, APRIL):
        sheet = read(reading, f"/v1/rounds/{round}/sheet")
        shown = {item["irritant"]: item["after"]["status"] for item in sheet["items"]}
        shown |= {one["irritant"]: one["standing"]["status"] for one in sheet["untouched"]}
        rows = read(reading, "/v1/relations/ru-us/board")["items"]
        assert shown == {
            row["id"]: after["status"] for row in rows for after in row["over_the_rounds"] if after["round"] == round
        }


def test_a_side_that_calls_off_a_round_that_the_other_still_announces_is_in_dispute(desk: TestClient) -> None:
    us = {
        "asserted_by": {"party": "US", "channel": "quote"},
        "source": {"document": "a4-unnamed-outlet", "paragraphs": [5], "origin": "state-department-on-april"},
    }
    file(desk, "off", on("round/ru-us/moscow-next", "RoundCancelled", **us))
    round = read(desk, "/v1/rounds/ru-us/moscow-next")
    assert (round["phase"], round["phase_by"], round["phases"]) == (
        "cancelled",
        ["US"],
        {"RU": "announced", "US": "cancelled"},
    )
    (dispute,) = round["disputes"]
    assert (dispute["kind"], dispute["alleged_by"], dispute["about"]) == ("phase", "US", "RU")
    assert dispute["why"] == "The United States says that it is cancelled; Russia says that it is to come."
    text = desk.get("/v1/rounds/ru-us/moscow-next/sheet", headers={"Accept": "text/markdown"}).text
    assert f"- In dispute: {dispute['why']}\n" in text
    needs = read(desk, "/v1/relations/ru-us/needs-confirmation")["items"]
    assert ("dispute", dispute["why"]) in [
        (i["kind"], i["why"]) for i in needs if i["about"] == "round/ru-us/moscow-next"
    ]


def test_a_round_that_met_is_not_called_the_next_one(desk: TestClient) -> None:
    def action() -> str:
        steps = read(desk, "/v1/relations/ru-us/ledger")["steps"]
        return str(next(step["action"] for step in steps if step["round"] == "ru-us/moscow-next"))

    assert action() == "Hold the round in Moscow"
    file(desk, "met", on("round/ru-us/moscow-next", "RoundConvened", place="Moscow"), round="moscow-next")
    assert action() == "Hold the round in Moscow"
    assert [r["name"] for r in read(desk, "/v1/relations/ru-us/board")["rounds"]][-1] == "Moscow"
    assert "next" not in desk.get("/v1/relations/ru-us/calendar.ics").text.replace("ru-us/moscow-next@irritants", "")


@pytest.mark.parametrize(
    ("published", "spoken", "counts_from"),
    [
        ("2025-05-20", None, "2025-05-20"),
        ("2025-05-20", "2025-05-10", "2025-05-20"),
        (None, "2025-05-10", "2025-05-10"),
    ],
)
def test_an_undated_assertion_counts_from_its_document_or_else_its_origin(
    desk: TestClient, published: str | None, spoken: str | None, counts_from: str
) -> None:
    concern = on(VISAS, "ConcernRaised", occurred=None, asserted_by={"party": "US", "channel": "quote"})
    concern["source"] = {"document": "briefing", "paragraphs": [1], "origin": "spokeswoman"}
    file(desk, "undated", source(published=published), origin() | {"occurred": spoken}, concern)
    before = f"{counts_from[:-2]}{int(counts_from[-2:]) - 1:02}"
    for path in ("/v1/irritants/ru-us/visas", "/v1/irritants?relation=ru-us", "/v1/irritants"):
        rungs = []
        for day in (before, counts_from):
            found = read(desk, path + ("&" if "?" in path else "?") + f"effective_on={day}")
            listed = [found] if "id" in found else found["items"]
            (visas,) = (i for i in listed if i["id"] == "ru-us/visas")
            rungs.append(visas["parties"]["US"]["rung"])
        assert rungs == ["unstated", "raised"]
    (entry,) = (e for e in read(desk, "/v1/irritants/ru-us/visas/timeline")["items"] if e["undated"])
    assert (entry["type"], entry["occurred"], entry["stands"]) == ("ConcernRaised", None, True)
    then = read(desk, "/v1/irritants/ru-us/visas/dossier", effective_on=before)["timeline"]["items"]
    assert [(e["type"], e["stands"]) for e in then if e["undated"]] == [("ConcernRaised", False)]


def test_an_undated_assertion_of_an_undated_text_counts_always(desk: TestClient) -> None:
    concern = on(VISAS, "ConcernRaised", occurred=None, asserted_by={"party": "US", "channel": "quote"})
    concern["source"] = {"document": "briefing", "paragraphs": [1], "origin": "spokeswoman"}
    file(desk, "undated", source(), origin(), concern)
    visas = read(desk, "/v1/irritants/ru-us/visas", effective_on="1950-01-01")
    assert visas["parties"]["US"]["rung"] == "raised"
