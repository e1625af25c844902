"""Reports: several streams, all or nothing, once per Idempotency-Key, and previewed by the same code."""

import json
from threading import Barrier, Thread
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.domain.nearby import ID_OF_A_RELATION
from service.store import events, reports
from service.store.engine import connection
from service.store.log import Head, read_head
from tests.api.bodies import FLIGHTS, VISAS, on, origin, report, said, source

KEY = {"Idempotency-Key": "may"}


def head(engine: Engine) -> Head:
    with connection(engine) as c:
        return read_head(c)


def on_record(engine: Engine, key: str) -> bool:
    with connection(engine) as c:
        return bool(reports.by_keys(c, [key]))


def test_a_report_is_recorded_and_its_receipt_has_the_changes(desk: TestClient, engine: Engine) -> None:
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


def test_a_recorded_report_has_its_key_its_request_and_its_round(desk: TestClient, engine: Engine) -> None:
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


def test_two_idempotency_keys_are_refused(desk: TestClient) -> None:
    two = [("Idempotency-Key", "may"), ("Idempotency-Key", "june")]
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=two)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/key-missing")


def test_a_retry_gets_the_first_answer_again(desk: TestClient, engine: Engine) -> None:
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


def test_a_dry_run_gives_the_same_answer_and_writes_nothing(desk: TestClient, engine: Engine) -> None:
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
    told = previewed.json()
    assert told.pop("names") == {"RU": "Russia", "US": "the United States"}
    assert told.pop("audiences") == []
    assert told == filed


def test_a_dry_run_neither_uses_nor_checks_an_idempotency_key(desk: TestClient, engine: Engine) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"))
    assert desk.post("/v1/reports?dry_run=true", json=body, headers=KEY).status_code == 200
    assert not on_record(engine, "may")
    assert desk.post("/v1/reports?dry_run=false", json=body, headers=KEY).status_code == 201
    assert (
        desk.post("/v1/reports?dry_run=true", json=report(on(VISAS, "ConcernRaised")), headers=KEY).status_code == 200
    )


def test_an_invalid_idempotency_key_is_refused_in_a_dry_run_too(desk: TestClient) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"))
    answer = desk.post("/v1/reports?dry_run=true", json=body, headers={"Idempotency-Key": "x" * 201})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/key-missing")


@pytest.mark.parametrize("query", ["dry_run=yes", "dry_run=1", "dry_run=", "dry_run=true&dry_run=true"])
def test_other_values_of_dry_run_are_refused(desk: TestClient, query: str) -> None:
    answer = desk.post(f"/v1/reports?{query}", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-parameter")
    assert [e["parameter"] for e in answer.json()["errors"]] == ["dry_run"]


def test_a_misspelt_parameter_is_refused_and_nothing_is_filed(desk: TestClient, engine: Engine) -> None:
    answer = desk.post("/v1/reports?dryrun=true", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-parameter")
    assert not on_record(engine, "may")


def test_every_mistake_is_listed_and_nothing_is_written(desk: TestClient, engine: Engine) -> None:
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


def test_the_key_of_a_refused_report_can_be_used_for_the_corrected_one(desk: TestClient) -> None:
    assert desk.post("/v1/reports", json=report(on(FLIGHTS, "Rumour")), headers=KEY).status_code == 422
    assert desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY).status_code == 201


def test_a_refusal_by_the_rules_has_the_rung_and_the_allowed_events(desk: TestClient) -> None:
    body = report(on(FLIGHTS, "ProgressReversed", to="resolved", by="RU", reason="None.", undoes=None))
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-a-reversal")
    assert answer.json()["rung"] == "proposed"
    assert "ConcernRaised" in answer.json()["allowed"]
    assert answer.json()["errors"][0]["pointer"].startswith("/events/0")


def test_an_outdated_expected_version_is_a_conflict(desk: TestClient) -> None:
    body = report(on(FLIGHTS, "ConcernRaised"), expect={FLIGHTS: 1})
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/changed")
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/expect/irritant~1ru-us~1direct-flights"
    assert FLIGHTS in error["detail"]


def test_a_report_without_any_new_event_is_refused(desk: TestClient) -> None:
    desk.post("/v1/reports", json=report(source(), origin()), headers=KEY)
    answer = desk.post("/v1/reports", json=report(source(), origin()), headers={"Idempotency-Key": "june"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/nothing-new")


@pytest.mark.parametrize(
    "body", [[], "x", 1, None, {}, {"relation": 1}, {"relation": "us-ru", "title": "x", "events": [1]}, {"events": {}}]
)
def test_a_body_that_is_no_report_is_refused(desk: TestClient, body: Any) -> None:
    answer = desk.post("/v1/reports", content=json.dumps(body), headers={**KEY, "Content-Type": "application/json"})
    assert answer.status_code == 422


def test_concurrent_senders_of_one_report_get_the_same_answer(app: FastAPI, desk: TestClient, engine: Engine) -> None:
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


def test_a_full_queue_gets_503(app: FastAPI, desk: TestClient) -> None:
    app.state.recorder.queue.close()
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised")), headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/overloaded")
    assert answer.headers["retry-after"] == "2"


def test_a_retry_finds_the_outcome_of_a_report_that_timed_out(
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
def test_an_impossible_stream_id_is_reported_with_its_pointer(
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


EARLY = on(FLIGHTS, "DiscussionReported", form="talks", occurred="1025-05-06")
WARNING = {
    "code": "before_1900",
    "pointer": "/events/1/occurred",
    "detail": "6 May 1025 is before 1900. Check the year.",
}


def test_a_slip_is_pointed_out_in_the_preview_and_in_the_receipt_and_filed(desk: TestClient, engine: Engine) -> None:
    body = report(on(VISAS, "ConcernRaised"), EARLY)
    before = head(engine).position
    assert desk.post("/v1/reports?dry_run=true", json=body).json()["warnings"] == [WARNING]
    answer = desk.post("/v1/reports", json=body, headers=KEY)
    assert (answer.status_code, answer.json()["warnings"]) == (201, [WARNING])
    assert head(engine).position == before + 2


def test_what_has_no_slip_has_no_warning(desk: TestClient) -> None:
    assert desk.post("/v1/reports?dry_run=true", json=report(on(VISAS, "ConcernRaised"))).json()["warnings"] == []


def test_the_receipt_of_a_report_that_is_sent_again_has_its_warnings_again(app: FastAPI, desk: TestClient) -> None:
    step = {"step": "flights", "action": "Resume flights."}
    agreed = on(FLIGHTS, "NextStepAgreed", owner="US", **step)
    body = report(source(), on(FLIGHTS, "NextStepAgreed", owner="RU", **step), agreed, EARLY)
    first = desk.post("/v1/reports", json=body, headers=KEY)
    assert [(w["code"], w["pointer"]) for w in first.json()["warnings"]] == [
        ("already_cited", "/events/2/source/paragraphs"),
        ("other_terms", "/events/2/owner"),
        ("before_1900", "/events/3/occurred"),
    ]
    # What is filed later changes neither the receipt nor its warnings.
    later = report(on(FLIGHTS, "NextStepAgreed", owner="both", **step), title="Later")
    assert desk.post("/v1/reports", json=later, headers={"Idempotency-Key": "later"}).status_code == 201
    again = desk.post("/v1/reports", json=body, headers=KEY)
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", first.json())
    app.state.recorder._reset()
    assert desk.post("/v1/reports", json=body, headers=KEY).json() == first.json()


def test_a_relation_in_the_wrong_order_is_one_mistake_with_the_right_id(desk: TestClient) -> None:
    body = report(*(on(FLIGHTS, "ConcernRaised") for _ in range(3)), relation="us-ru")
    problem = desk.post("/v1/reports", json=body, headers=KEY).json()
    assert [(error["pointer"], error["detail"]) for error in problem["errors"]] == [
        (
            "/relation",
            f"`relation` must be {ID_OF_A_RELATION}. Use ru-us.",
        )
    ]


def test_a_document_that_is_refused_is_one_mistake(desk: TestClient) -> None:
    cited = {"document": "briefing", "paragraphs": [1], "origin": "spokeswoman"}
    events = [on(FLIGHTS, "ConcernRaised", source=cited) for _ in range(20)]
    body = report({**source(), "sha256": "none"}, {**origin(), "party": "RU"}, *events)
    problem = desk.post("/v1/reports", json=body, headers=KEY).json()
    assert [(error["pointer"], error["detail"]) for error in problem["errors"]] == [
        ("/events/0/sha256", "`sha256` must be 64 hexadecimal digits in lower case.")
    ]


def test_a_text_pasted_from_right_to_left_is_recorded_without_its_marks(desk: TestClient, engine: Engine) -> None:
    pasted = "\u202b\u06af\u0641\u062a\u06af\u0648\u200c\u0647\u0627\u202c\u200f"
    before = head(engine).position
    answer = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised", summary=pasted)), headers=KEY)
    assert answer.status_code == 201
    with connection(engine) as c:
        [event] = events.read_log(c, after=before)
    assert json.loads(event.data)["summary"] == "\u06af\u0641\u062a\u06af\u0648\u200c\u0647\u0627"
    refused = desk.post("/v1/reports", json=report(on(FLIGHTS, "ConcernRaised", summary="a\u202eb")), headers=KEY)
    assert refused.status_code == 422


# Near names.


@pytest.mark.parametrize(
    ("event", "near"),
    [
        (
            on(FLIGHTS, "ConcernRaised", source={**said("")["source"], "document": "a4-unamed-outlet"}),
            "a4-unnamed-outlet",
        ),
        (
            on(FLIGHTS, "ConcernRaised", source={**said("")["source"], "origin": "darchiev-after-aprl"}),
            "darchiev-after-april",
        ),
        (on(FLIGHTS, "DiscussionReported", form="talks", round="ru-us/istanbul-aprl"), "ru-us/istanbul-april"),
        (on("irritant/ru-us/direct-flight", "ConcernRaised"), "irritant/ru-us/direct-flights"),
        (on("irritant/cn-us/direct-flight", "ConcernRaised"), "irritant/ru-us/direct-flights"),
    ],
)
def test_an_unknown_name_is_answered_with_near_names_on_record(
    desk: TestClient, event: dict[str, Any], near: str
) -> None:
    problem = desk.post("/v1/reports?dry_run=true", json=report(event), headers=KEY).json()
    assert f"Similar names on record: {near}" in problem["detail"]


def test_an_event_on_the_wrong_kind_of_stream_is_answered_with_streams_of_the_right_kind(desk: TestClient) -> None:
    event = on(FLIGHTS, "RoundConvened", place="Geneva")
    problem = desk.post("/v1/reports?dry_run=true", json=report(event), headers=KEY).json()
    assert "only on a round. On record: round/ru-us/" in problem["detail"]
    assert problem["detail"].endswith(". Give one of these in `stream`, or the name of a new one.")


def test_a_name_that_the_report_itself_registers_is_suggested(desk: TestClient) -> None:
    cited = {"document": "briefing", "paragraphs": [1], "origin": "spokeswomen"}
    body = report(source(), origin(party="RU"), on(FLIGHTS, "ConcernRaised", source=cited))
    [error] = desk.post("/v1/reports?dry_run=true", json=body, headers=KEY).json()["errors"]
    assert (
        "Similar names on record: spokeswoman. Statements by RU in the document briefing: spokeswoman."
        in error["detail"]
    )


def test_an_unknown_name_without_a_near_one_is_answered_with_the_remedy_alone(desk: TestClient) -> None:
    event = on(FLIGHTS, "ConcernRaised", source={**said("")["source"], "document": "zzzz"})
    [error] = desk.post("/v1/reports?dry_run=true", json=report(event), headers=KEY).json()["errors"]
    assert error["detail"].startswith(
        "The document “zzzz” is not on record. Give one on record in `source.document`, or"
    )
