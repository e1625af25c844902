"""A single append: one event on one stream, with If-Match for the state that the client has read."""

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.projections.irritant import REPRESENTATION
from service.store import reports
from service.store.engine import connection
from tests.api.bodies import said

PATH = "/v1/irritants/ru-us/direct-flights"
EVENTS = f"{PATH}/events"
KEY = {"Idempotency-Key": "one"}


def seen(desk: TestClient, path: str = PATH) -> str:
    return str(desk.get(path, headers={"Accept-Encoding": "identity"}).headers["etag"])


def append(desk: TestClient, event: dict[str, Any], path: str = EVENTS, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return desk.post(path, json=event, headers={**KEY, **named})


def test_an_event_is_appended_to_the_state_in_if_match(desk: TestClient, engine: Engine) -> None:
    answer = append(desk, said("DiscussionReported", form="talks"), If_Match=seen(desk))
    assert answer.status_code == 201
    filed = answer.json()
    assert [e["stream"] for e in filed["events"]] == ["irritant/ru-us/direct-flights"]
    assert filed["changes"][0]["after"]["status"] == "in_talks"
    with connection(engine) as c:
        report = reports.by_keys(c, ["one"])["one"]
    assert (report.id, report.relation, report.title, report.actor) == (
        filed["id"],
        "ru-us",
        "DiscussionReported on irritant/ru-us/direct-flights",
        "desk",
    )


def test_if_match_may_have_two_lines(desk: TestClient) -> None:
    two = [*KEY.items(), ("If-Match", '"another"'), ("If-Match", seen(desk))]
    assert desk.post(EVENTS, json=said("ConcernRaised"), headers=two).status_code == 201


def test_the_answer_has_the_validator_for_the_next_event(desk: TestClient) -> None:
    first = append(desk, said("ConcernRaised"), If_Match=seen(desk))
    assert first.headers["etag"] == seen(desk)
    second = append(desk, said("ConcernRaised"), If_Match=first.headers["etag"], Idempotency_Key="two")
    assert second.status_code == 201


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/v1/rounds/ru-us/istanbul-april", said("RoundCharacterised")),
        ("/v1/relations/ru-us", said("EmphasisStated")),
    ],
)
def test_events_are_appended_to_rounds_and_relations(desk: TestClient, path: str, event: dict[str, Any]) -> None:
    answer = append(desk, event, f"{path}/events", If_Match=seen(desk, path))
    assert (answer.status_code, answer.headers["etag"]) == (201, seen(desk, path))


def test_a_correction_names_its_target_by_id(desk: TestClient) -> None:
    filed = append(desk, said("ConcernRaised"), If_Match=seen(desk)).json()["events"][0]["id"]
    correction = {
        "type": "AssertionCorrected",
        "target": filed,
        "changes": {"occurred": "2025-05-07"},
        "reason": "Misread.",
    }
    assert append(desk, correction, If_Match=seen(desk), Idempotency_Key="two").status_code == 201


def test_an_append_without_if_match_gets_428(desk: TestClient) -> None:
    answer = append(desk, said("ConcernRaised"))
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/precondition-required")


def test_a_stale_if_match_gets_412_with_the_present_tag(desk: TestClient) -> None:
    old = seen(desk)
    append(desk, said("ConcernRaised"), If_Match=old)
    answer = append(desk, said("ConcernRaised"), If_Match=old, Idempotency_Key="two")
    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/stale")
    assert answer.headers["etag"] == answer.json()["etag"] == seen(desk)


@pytest.mark.parametrize(
    ("written", "detail"),
    [
        ('"{0}"', "names no state of the record"),
        ("{1}", "names no state of the record"),
        ('"x"', "names no state of the record"),
        ('"{1}-zip"', "names a representation other than the present JSON"),
        ("{2}", "names a representation other than the present JSON"),
        ('"0-1-application/json"', "names no state of the record"),
        ('"0-{3}-3-application/json"', "has changed since position 0 and is now at 68. Read it again."),
        ('W/"67-{4}-3-application/json-gzip", "69-{4}-3-application/json"', "has changed since position 67"),
        ('"69-{4}-3-application/json"', "is at position 68 and was never in the state that If-Match names"),
        ('"67-0123456789-3-application/json"', "is at position 68 and was never in the state that If-Match names"),
        ('"68-{4}-3-application/json"', "is at position 68 and was never in the state that If-Match names"),
    ],
)
def test_a_tag_that_does_not_match_is_explained(desk: TestClient, written: str, detail: str) -> None:
    etag = seen(desk)
    before = desk.get("/v1/events?after=66&limit=1").json()
    record, chain_hash = before["log"].partition(".")[0], before["items"][0]["chainhash"]
    other = etag.replace(f"-{REPRESENTATION}-", "-1-")
    match = written.replace("-3-", f"-{REPRESENTATION}-").format(
        etag, etag.strip('"'), other, record[-10:], chain_hash[:10]
    )
    answer = append(desk, said("ConcernRaised"), If_Match=match)
    assert (answer.status_code, answer.headers["etag"]) == (412, etag)
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    "written",
    ["W/{0}", '"{1}-gzip"', 'W/"{1}-gzip"', '"{1}--gzip"', '"{1};gzip"', '"{1}-br"', '"{1}-gzip-gzip"', " {0}\t"],
)
def test_a_tag_that_a_proxy_changed_names_the_same_state(desk: TestClient, written: str) -> None:
    etag = seen(desk)
    match = written.format(etag, etag.strip('"'))
    assert append(desk, said("ConcernRaised"), If_Match=match).status_code == 201


def test_any_tag_of_the_list_may_be_the_present_one(desk: TestClient) -> None:
    later = '"999-1-application/json"'
    assert append(desk, said("ConcernRaised"), If_Match=f"{later}, {seen(desk)}").status_code == 201


@pytest.mark.parametrize(
    "empty", [{"If_Match": ""}, {"If_Match": " "}, {"If_None_Match": ""}, {"If_None_Match": '"x"'}]
)
def test_a_precondition_that_names_no_state_asks_for_one(desk: TestClient, empty: dict[str, str]) -> None:
    answer = append(desk, said("ConcernRaised"), **empty)
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/precondition-required")


@pytest.mark.parametrize("written", ['"x", {0}', '{0},"0-1-application/json"', "*"])
def test_a_list_of_tags_or_an_asterisk_matches(desk: TestClient, written: str) -> None:
    assert append(desk, said("ConcernRaised"), If_Match=written.format(seen(desk))).status_code == 201


def test_a_new_stream_is_opened_with_if_none_match(desk: TestClient) -> None:
    opened = {"type": "IrritantOpened", "title": "Wine", "category": "trade"}
    path = "/v1/irritants/ru-us/wine/events"
    assert append(desk, opened, path).status_code == 428
    answer = append(desk, opened, path, If_None_Match="*")
    assert (answer.status_code, answer.headers["etag"]) == (201, seen(desk, "/v1/irritants/ru-us/wine"))
    again = append(desk, {**opened, "title": "Cheese"}, path, If_None_Match="*", Idempotency_Key="two")
    assert (again.status_code, again.headers["etag"]) == (412, answer.headers["etag"])
    assert (
        again.json()["detail"]
        == "irritant/ru-us/wine is already on record. To append to it, send its ETag in If-Match."
    )


def test_a_stream_begins_with_its_opening_event(desk: TestClient) -> None:
    answer = append(desk, said("ConcernRaised"), "/v1/irritants/ru-us/wine/events", If_None_Match="*")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-opened")


def test_if_match_on_an_unopened_stream_is_refused(desk: TestClient) -> None:
    answer = append(desk, said("ConcernRaised"), "/v1/irritants/ru-us/wine/events", If_Match='"7-1-application/json"')
    assert (answer.status_code, "etag" in answer.headers) == (412, False)


@pytest.mark.parametrize(
    "path",
    [
        "irritants/us-ru/visas",
        "irritants/ru-yx/visas",
        "irritants/ru-us/Visas",
        "rounds/ru-ru/may",
        f"rounds/ru-us/{'x' * 81}",
    ],
)
def test_an_invalid_name_in_the_path_is_not_found(desk: TestClient, path: str) -> None:
    assert append(desk, said("ConcernRaised"), f"/v1/{path}/events", If_Match="*").status_code == 404


def test_a_retry_gets_the_first_answer_although_the_state_has_changed(desk: TestClient) -> None:
    etag = seen(desk)
    first = append(desk, said("ConcernRaised"), If_Match=etag)
    append(desk, said("ConcernRaised"), If_Match=first.headers["etag"], Idempotency_Key="two")
    for precondition in ({"If_Match": etag}, {}):
        again = append(desk, said("ConcernRaised"), **precondition)
        assert (again.status_code, again.content) == (201, first.content)
        assert (again.headers["idempotent-replayed"], again.headers["etag"]) == ("true", first.headers["etag"])


def test_mistakes_are_reported_before_a_stale_tag_and_a_stale_tag_before_the_rules(desk: TestClient) -> None:
    mistaken = said("ConcernRaised", summary="")
    forbidden = said("IrritantReopened", to="raised", reason="Anew.")
    assert append(desk, mistaken).status_code == 422
    assert append(desk, mistaken, If_Match='"1-1-application/json"').status_code == 422
    assert append(desk, forbidden).status_code == 428
    assert append(desk, forbidden, If_Match='"1-1-application/json"').status_code == 412
    answer = append(desk, forbidden, If_Match="*")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-closed")
    assert answer.json()["errors"][0]["pointer"] == ""


def test_mistakes_have_pointers_into_the_event(desk: TestClient) -> None:
    answer = append(desk, said("ConcernRaised", wodring="x", summary="x" * 301))
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/summary", "/wodring"]


@pytest.mark.parametrize("field", ["stream", "ref"])
def test_a_stream_or_a_ref_in_the_event_is_refused(desk: TestClient, field: str) -> None:
    answer = append(desk, said("ConcernRaised", **{field: "irritant/ru-us/direct-flights"}), If_Match="*")
    assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (422, [f"/{field}"])


@pytest.mark.parametrize("event", [[], "x", {}, {"type": 1}, {"type": ["ConcernRaised"]}, {"type": "RoundConvened"}])
def test_a_body_that_is_no_event_of_an_irritant_is_refused(desk: TestClient, event: Any) -> None:
    assert append(desk, event, If_Match="*").status_code == 422


def test_a_body_that_is_a_list_is_told_so(desk: TestClient) -> None:
    event: Any = [said("ConcernRaised")]
    detail = append(desk, event, If_Match="*").json()["detail"]
    assert detail == "The body is a list. Send one object with `type` and the fields of that type."


def test_a_dry_run_returns_the_changes_and_writes_nothing(desk: TestClient) -> None:
    etag = seen(desk)
    answer = desk.post(
        f"{EVENTS}?dry_run=true", json=said("DiscussionReported", form="talks"), headers={"If-Match": etag}
    )
    assert (answer.status_code, answer.json()["changes"][0]["after"]["status"]) == (200, "in_talks")
    assert seen(desk) == etag


def test_appends_and_reports_share_their_idempotency_keys(desk: TestClient) -> None:
    append(desk, said("ConcernRaised"), If_Match="*")
    body = {
        "relation": "ru-us",
        "title": "Another",
        "events": [{"stream": "irritant/ru-us/visas", **said("ConcernRaised")}],
    }
    assert desk.post("/v1/reports", json=body, headers=KEY).json()["type"] == "/problems/key-reused"


def test_a_slip_is_pointed_out_in_the_event(desk: TestClient) -> None:
    early = said("ConcernRaised", occurred="1025-05-06")
    preview = desk.post(f"{EVENTS}?dry_run=true", json=early, headers={"If-Match": seen(desk)})
    assert [(w["code"], w["pointer"]) for w in preview.json()["warnings"]] == [("before_1900", "/occurred")]
    assert append(desk, early, If_Match=seen(desk)).json()["warnings"] == preview.json()["warnings"]


def test_an_address_in_the_wrong_order_is_answered_with_the_right_id(desk: TestClient) -> None:
    answer = append(desk, said("ConcernRaised"), "/v1/irritants/us-ru/direct-flights/events", If_Match="*")
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("the codes of a relation in alphabetical order: use ru-us/direct-flights.")
