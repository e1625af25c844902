"""Reports: several streams, all or nothing, once under one key; previewed by the same code."""

import json
from threading import Barrier, Thread
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.store import events, reports
from service.store.engine import connection
from service.store.log import Head, read_head
from tests.api.bodies import FLIGHTS, VISAS, on, origin, report, source

KEY = {"Idempotency-Key": "may"}


def head(engine: Engine) -> Head:
    with connection(engine) as c:
        return read_head(c)


def on_record(engine: Engine, key: str) -> bool:
    with connection(engine) as c:
        return bool(reports.by_keys(c, [key]))


def test_a_report_is_recorded_and_tells_what_it_changed(desk: TestClient, engine: Engine) -> None:
    before = head(engine).position
    body = report(on(FLIGHTS, "DiscussionReported", form="talks"), on(VISAS, "ConcernRaised"), round="istanbul-april")
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert answer.status_code == 201
    filed = answer.json()
    assert answer.headers["location"] == f"/v1/reports/{filed['id']}"
    assert answer.headers["irritants-position"] == str(before + 2)
    assert (filed["first_position"], filed["position"]) == (before + 1, before + 2)
    with connection(engine) as c:
        recorded = events.read_log(c, after=before)
    assert [(e["id"], e["stream"], e["version"], e["position"]) for e in filed["events"]] == [
        (e.id, e.stream, e.version, e.position) for e in recorded
    ]
    [change] = filed["changes"]
    assert change.keys() == {"irritant", "before", "after", "reason"}
    assert (change["irritant"], change["reason"]) == ("ru-us/direct-flights", "world")
    assert (change["before"]["status"], change["after"]["status"]) == ("proposed", "in_talks")


def test_what_is_recorded_names_its_key_its_request_and_its_round(desk: TestClient, engine: Engine) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"), round="ru-us/istanbul-april")
    filed = desk.post("/v1/reports", json=body, headers={**KEY, "X-Request-Id": "from-the-desk"}).json()
    with connection(engine) as c:
        [event] = events.read_log(c, report=filed["id"])
        stored = reports.by_keys(c, ["may"])["may"]
    assert (event.actor, event.correlation) == ("desk", "from-the-desk")
    assert (stored.actor, stored.round, stored.title) == ("desk", "ru-us/istanbul-april", "What was said in May")


@pytest.mark.parametrize("written", ["may-2025", '"may-2025"', "May: the briefing", r'"a \"quoted\" key"', "x" * 200])
def test_a_key_may_be_quoted_or_bare(desk: TestClient, engine: Engine, written: str) -> None:
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers={"Idempotency-Key": written})
    assert answer.status_code == 201
    assert on_record(engine, written.strip('"').replace("\\", "") if written[0] == '"' else written)


@pytest.mark.parametrize("written", [None, "", '""', "x" * 201, "\x7f"])
def test_a_report_without_a_usable_key_is_refused(desk: TestClient, written: str | None) -> None:
    headers = {} if written is None else {"Idempotency-Key": written}
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/key-missing")


@pytest.mark.parametrize("written", [" may ", "may\t", '"may" '])
def test_space_around_a_key_is_not_part_of_it(desk: TestClient, engine: Engine, written: str) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"))
    assert desk.post("/v1/reports", json=body, headers={"Idempotency-Key": written}).status_code == 201
    assert on_record(engine, "may")


def test_of_two_keys_neither_counts(desk: TestClient) -> None:
    two = [("Idempotency-Key", "may"), ("Idempotency-Key", "june")]
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=two)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/key-missing")


def test_the_same_again_gives_the_first_answer_again(desk: TestClient, engine: Engine) -> None:
    body = report(source(), origin(), on(FLIGHTS, "DiscussionReported", form="talks"))
    first = desk.post("/v1/reports", json=body, headers=KEY)
    desk.post("/v1/reports", json=report(on(VISAS, "ConcernRaised")), headers={"Idempotency-Key": "another"})
    after = head(engine)
    again = desk.post(
        "/v1/reports", content=json.dumps(body, indent=2), headers={**KEY, "Content-Type": "application/json"}
    )
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (again.headers["idempotent-replayed"], again.headers["irritants-position"]) == ("true", str(after.position))
    assert "idempotent-replayed" not in first.headers
    assert head(engine) == after


def test_another_body_under_the_same_key_is_refused(desk: TestClient, engine: Engine) -> None:
    first = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    after = head(engine)
    other = desk.post("/v1/reports", json=report(on(VISAS, "ConcernRaised")), headers=KEY)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
    assert other.json()["report"] == first.headers["location"]
    assert head(engine) == after


def test_a_dry_run_tells_the_same_and_writes_nothing(desk: TestClient, engine: Engine) -> None:
    before = head(engine)
    body = report(source(), origin(), on(FLIGHTS, "DiscussionReported", form="talks"))
    previewed = desk.post("/v1/reports?dry_run=true", json=body)
    assert previewed.status_code == 200
    assert previewed.headers["irritants-position"] == str(before.position)
    assert not {"location", "etag"} & previewed.headers.keys()
    assert head(engine) == before
    filed = desk.post("/v1/reports", json=body, headers=KEY).json()
    del filed["id"]
    for event in filed["events"]:
        del event["id"]
    assert previewed.json() == filed


def test_a_dry_run_neither_takes_nor_meets_a_key(desk: TestClient, engine: Engine) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"))
    assert desk.post("/v1/reports?dry_run=true", json=body, headers=KEY).status_code == 200
    assert not on_record(engine, "may")
    assert desk.post("/v1/reports?dry_run=false", json=body, headers=KEY).status_code == 201
    assert (
        desk.post("/v1/reports?dry_run=true", json=report(on(VISAS, "ConcernRaised")), headers=KEY).status_code == 200
    )


def test_a_key_that_could_not_be_one_is_refused_in_a_dry_run_too(desk: TestClient) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"))
    answer = desk.post("/v1/reports?dry_run=true", json=body, headers={"Idempotency-Key": "x" * 201})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/key-missing")


@pytest.mark.parametrize("query", ["dry_run=yes", "dry_run=1", "dry_run=", "dry_run=true&dry_run=true"])
def test_a_dry_run_is_asked_for_in_one_way(desk: TestClient, query: str) -> None:
    answer = desk.post(f"/v1/reports?{query}", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-parameter")
    assert [e["parameter"] for e in answer.json()["errors"]] == ["dry_run"]


def test_a_misspelt_parameter_does_not_file(desk: TestClient, engine: Engine) -> None:
    answer = desk.post("/v1/reports?dryrun=true", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-parameter")
    assert not on_record(engine, "may")


def test_every_mistake_is_told_and_nothing_is_written(desk: TestClient, engine: Engine) -> None:
    before = head(engine)
    body = report(
        on(FLIGHTS, "ConcernRaised"),
        on(FLIGHTS, "ConcernRaised", summary="x" * 301),
        on(FLIGHTS, "ConcernRaised", occurred="2025-13-01"),
        on(
            FLIGHTS,
            "ConcernRaised",
            source={"document": "a4-unnamed-outlet", "paragraphs": [14], "origin": "darchiev-after-april"},
        ),
        on(FLIGHTS, "ConcernRaised", source={"document": "a9", "paragraphs": [1], "origin": "nobody"}),
        on(FLIGHTS, "ConcernRaised", asserted_by={"party": "US", "channel": "quote"}),
        on(FLIGHTS, "ConcernRaised", wodring="so"),
        on(FLIGHTS, "ProposalTabled", kind="offer", addressee="FR", terms="Fly."),
        on(FLIGHTS, "ClaimContested", target="01890a5d-ac96-774b-bcce-b302099a8057"),
        on("irritant/fr-us/wine", "ConcernRaised"),
        {"type": "Rumour", "stream": FLIGHTS},
        expect={"irritant": 1},
    )
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-valid")
    assert [e["pointer"] for e in answer.json()["errors"]] == [
        "/events/1/summary",
        "/events/2/occurred",
        "/events/3/source/paragraphs/0",
        "/events/4/source/document",
        "/events/4/source/origin",
        "/events/5/source/origin",
        "/events/6/wodring",
        "/events/7/addressee",
        "/events/8/target",
        "/events/9/stream",
        "/events/10/type",
        "/expect/irritant",
    ]
    assert head(engine) == before
    assert not on_record(engine, "may")


def test_a_refused_key_can_be_used_for_the_mended_report(desk: TestClient) -> None:
    assert desk.post("/v1/reports", json=report(on(FLIGHTS, "Rumour")), headers=KEY).status_code == 422
    assert desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY).status_code == 201


def test_what_the_rules_forbid_says_where_it_stands_and_what_they_allow(desk: TestClient) -> None:
    body = report(on(FLIGHTS, "ProgressReversed", to="resolved", by="RU", reason="None.", undoes=None))
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-a-reversal")
    assert answer.json()["rung"] == "proposed"
    assert "ConcernRaised" in answer.json()["allowed"]
    assert answer.json()["errors"][0]["pointer"].startswith("/events/0")


def test_an_expected_version_that_has_passed_is_a_conflict(desk: TestClient) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"), expect={FLIGHTS: 1})
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/changed")
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/expect/irritant~1ru-us~1direct-flights"
    assert FLIGHTS in error["detail"]


def test_nothing_new_is_said_to_be_nothing_new(desk: TestClient) -> None:
    desk.post("/v1/reports", json=report(source(), origin()), headers=KEY)
    answer = desk.post("/v1/reports", json=report(source(), origin()), headers={"Idempotency-Key": "june"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/nothing-new")


@pytest.mark.parametrize(
    "body", [[], "x", 1, None, {}, {"relation": 1}, {"relation": "us-ru", "title": "x", "events": [1]}, {"events": {}}]
)
def test_what_is_no_report_is_refused(desk: TestClient, body: Any) -> None:
    answer = desk.post("/v1/reports", content=json.dumps(body), headers={**KEY, "Content-Type": "application/json"})
    assert answer.status_code == 422


def test_of_many_senders_of_one_report_all_get_the_same_answer(app: FastAPI, desk: TestClient, engine: Engine) -> None:
    before = head(engine).position
    body, ready = report(on(FLIGHTS, "ConcernRaised")), Barrier(8)
    answers: list[bytes] = []

    def send() -> None:
        ready.wait()
        answers.append(desk.post("/v1/reports", json=body, headers=KEY).content)

    senders = [Thread(target=send) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert (len(answers), len(set(answers))) == (8, 1)
    assert head(engine).position == before + 1


def test_a_full_queue_is_said_to_be_full(app: FastAPI, desk: TestClient) -> None:
    app.state.recorder.queue.close()
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/overloaded")
    assert answer.headers["retry-after"] == "2"


def test_an_outcome_that_does_not_come_is_found_out_by_the_key(
    desk: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.reports_filing._SECONDS", 0.05)
    body = report(on(FLIGHTS, "ConcernRaised"))
    with engine.begin() as held:
        held.exec_driver_sql("BEGIN")
        held.exec_driver_sql("SELECT FROM head FOR UPDATE")
        answer = desk.post("/v1/reports", json=body, headers=KEY)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/outcome-unknown")
        held.exec_driver_sql("ROLLBACK")
    monkeypatch.setattr("service.api.reports_filing._SECONDS", 5)
    assert desk.post("/v1/reports", json=body, headers=KEY).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("mend", "pointer"),
    [
        ({"relation": "", "round": "istanbul-april"}, "/relation"),
        ({"relation": "us-us", "round": "istanbul-april"}, "/relation"),
        ({"events": [on(FLIGHTS, "DiscussionReported", form="talks", round="zz-zz/may")]}, "/events/0/round"),
        (
            {"events": [on(FLIGHTS, "IrritantWithdrawn", reason="None.", merged_into="us-ru/visas")]},
            "/events/0/merged_into",
        ),
    ],
)
def test_what_can_have_no_stream_is_a_mistake_like_any_other(
    desk: TestClient, mend: dict[str, Any], pointer: str
) -> None:
    answer = desk.post("/v1/reports", json={**report(on(FLIGHTS, "ConcernRaised")), **mend}, headers=KEY)
    assert answer.status_code == 422
    assert pointer in [e["pointer"] for e in answer.json()["errors"]]


def test_a_long_report_is_filed_whole(desk: TestClient, engine: Engine) -> None:
    before = head(engine).position
    said = [on(FLIGHTS, "ConcernRaised", summary=f"The {number}th time.") for number in range(2_000)]
    answer = desk.post("/v1/reports", json=report(*said), headers=KEY)
    assert (answer.status_code, len(answer.json()["events"])) == (201, 2_000)
    assert head(engine).position == before + 2_000


def test_a_long_report_with_one_mistake_is_not_filed_at_all(desk: TestClient, engine: Engine) -> None:
    before = head(engine)
    said = [on(FLIGHTS, "ConcernRaised") for _ in range(2_000)]
    answer = desk.post("/v1/reports", json=report(*said, on(FLIGHTS, "Rumour")), headers=KEY)
    assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (422, ["/events/2000/type"])
    assert head(engine) == before
