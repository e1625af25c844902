"""Reads of lists and states, of the present and of any point on both clocks, and the refusals of bad reads."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.api.app import create_app
from service.projections import irritant
from service.settings import Settings
from service.store import events
from service.store.engine import connection
from tests.api.bodies import FLIGHTS, VISAS, on, report
from tests.api.conftest import MakeKey

IRRITANTS = "/v1/irritants"
BANKING = "/v1/irritants/ru-us/banking-access"
PROPERTY = "/v1/irritants/ru-us/property-return"
BEFORE_THE_INTERVIEW = 110
IMMUTABLE = "private, max-age=3600, immutable"


def ids(answer: Any) -> list[str]:
    return [item["id"].partition("/")[2] for item in answer.json()["items"]]


def file(desk: TestClient, *filed: dict[str, Any], key: str = "one") -> dict[str, Any]:
    answer = desk.post("/v1/reports", json=report(*filed), headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["banking-access", "diplomat-movement", "direct-flights", "property-return", "visas"]),
        ("relation=ru-us&status=proposed", ["direct-flights", "property-return"]),
        ("basis=attributed", ["direct-flights"]),
        ("awaiting=both&lifecycle=open", ["banking-access", "diplomat-movement", "visas"]),
        ("lifecycle=resolved", []),
        ("relation=dk-no", []),
        ("changed_after=112", ["property-return"]),
        # The status as it was then, not now.
        ("as_of_position=112&status=unstated", ["property-return"]),
        ("as_of_position=112&status=proposed", ["direct-flights"]),
        ("as_of_position=26", ["banking-access", "visas"]),
        ("as_of_position=112&changed_after=108", ["property-return"]),
        ("effective_on=2025-04-01&status=understanding", []),
        ("effective_on=2025-04-10&status=understanding&awaiting=both", ["diplomat-movement", "visas"]),
    ],
)
def test_irritants_are_filtered(reading: TestClient, query: str, expected: list[str]) -> None:
    assert ids(reading.get(f"{IRRITANTS}?{query}")) == expected


@pytest.mark.parametrize("path", [BANKING, f"{BANKING}/events", f"{BANKING}/timeline"])
def test_an_id_with_an_encoded_slash_is_the_same_id(reading: TestClient, path: str) -> None:
    """Some clients encode a whole id. Service and proxies treat both forms alike."""
    plain = reading.get(path)
    for stroke in ("%2F", "%2f"):
        encoded = reading.get(path.replace("ru-us/", f"ru-us{stroke}"))
        assert (encoded.status_code, encoded.content) == (200, plain.content)
        assert encoded.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize("point", ["", "&as_of_position=127", "&effective_on=2026-01-01"])
def test_a_list_is_paged(reading: TestClient, point: str) -> None:
    pages = [reading.get(f"{IRRITANTS}?limit=2{point}")]
    while (next := pages[-1].json()["next"]) is not None:
        pages.append(reading.get(f"{IRRITANTS}?limit=2{point}&cursor={next}"))
    assert [len(ids(page)) for page in pages] == [2, 2, 1]
    assert [id for page in pages for id in ids(page)] == ids(reading.get(IRRITANTS))


def test_a_list_of_one_relation_is_at_the_position_of_its_last_event(desk: TestClient) -> None:
    before = desk.get(f"{IRRITANTS}?relation=ru-us")
    body = {"relation": "dk-no", "title": "Opened", "events": [
        {"stream": "relation/dk-no", "type": "RelationOpened", "parties": ["DK", "NO"], "title": "Denmark and Norway"},
        {"stream": "irritant/dk-no/ferries", "type": "IrritantOpened", "title": "Ferries", "category": "mobility"},
    ]}  # fmt: skip
    assert desk.post("/v1/reports", json=body, headers={"Idempotency-Key": "one"}).status_code == 201
    after = desk.get(f"{IRRITANTS}?relation=ru-us")
    assert (after.headers["etag"], after.json()["position"]) == (before.headers["etag"], 127)
    assert after.headers["irritants-position"] == "129"
    whole = desk.get(IRRITANTS).json()
    assert (whole["position"], len(whole["items"])) == (129, 6)


def tag_at(reading: TestClient, position: int) -> str:
    [event] = reading.get(f"/v1/events?after={position - 1}&limit=1").json()["items"]
    return f'"{position}-{event["chainhash"][:10]}-{irritant.REPRESENTATION}-application/json"'


def test_an_irritant_is_served_as_stored(reading: TestClient) -> None:
    answer = reading.get(BANKING, headers={"Accept-Encoding": "identity"})
    assert answer.headers["etag"] == tag_at(reading, answer.json()["position"])
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["irritants-position"] == "127"
    assert "Accept" in answer.headers["vary"]
    assert answer.json() in reading.get(IRRITANTS).json()["items"]


@pytest.mark.parametrize("path", [BANKING, "/v1/rounds/ru-us/istanbul-april", "/v1/relations/ru-us"])
def test_a_replay_equals_the_stored_document(reading: TestClient, path: str) -> None:
    stored, replayed = reading.get(path), reading.get(f"{path}?as_of_position=127")
    assert (replayed.content, replayed.headers["etag"]) == (stored.content, stored.headers["etag"])
    assert replayed.headers["cache-control"] == IMMUTABLE


def test_before_the_interview_property_return_was_media_only(reading: TestClient) -> None:
    then = reading.get(f"{PROPERTY}?as_of_position={BEFORE_THE_INTERVIEW}").json()
    assert (then["status"], then["basis"], then["origins"], then["reported_status"]) == (
        "unstated",
        "media_only",
        2,
        "in_talks",
    )
    assert reading.get(f"/v1/rounds?as_of_position={BEFORE_THE_INTERVIEW}").json()["items"].__len__() == 2
    assert reading.get("/v1/rounds").json()["items"].__len__() == 3


def test_a_time_is_resolved_to_the_last_position_known_then(app: FastAPI, client: TestClient, engine: Engine) -> None:
    with connection(engine) as c:
        [first] = events.read_log(c, limit=1)
        [last] = events.read_log(c, after=126)

    def read(moment: datetime) -> Any:
        return client.get(PROPERTY, params={"known_at": moment.isoformat()})

    assert read(first.recorded_at - timedelta(microseconds=1)).status_code == 404
    assert read(first.recorded_at).json()["version"] == 1
    # At the head's own time more events may still be recorded, so the read is not immutable.
    assert read(last.recorded_at).headers["cache-control"] == "private, no-cache"
    assert read(last.recorded_at - timedelta(microseconds=1)).headers["cache-control"] == IMMUTABLE
    assert read(datetime.now(UTC)).content == client.get(PROPERTY).content


@pytest.mark.parametrize(
    ("point", "status"),
    [
        ("effective_on=2025-04-01", "raised"),
        ("effective_on=2025-04-10", "formalised"),
        # Notes were exchanged on or after 10 April, so certainly only by the day of recording.
        ("effective_on=2025-04-10&date_match=certain", "raised"),
        ("effective_on=2025-04-10&as_of_position=60", "raised"),
        ("effective_on=2100-01-01&date_match=certain", "formalised"),
    ],
)
def test_the_clock_of_the_world_differs_from_that_of_the_record(reading: TestClient, point: str, status: str) -> None:
    assert reading.get(f"{BANKING}?{point}").json()["status"] == status


def test_a_read_by_the_clock_of_the_world_alone_changes_with_the_record(desk: TestClient) -> None:
    path = "/v1/irritants/ru-us/direct-flights?effective_on=2025-05-06"
    before = desk.get(path)
    assert before.headers["cache-control"] == "private, no-cache"
    file(desk, on(FLIGHTS, "DiscussionReported", form="talks"))
    after = desk.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, before.json()["status"], after.json()["status"]) == (200, "proposed", "in_talks")


def test_documents_of_a_relation_change_with_any_of_its_streams(desk: TestClient) -> None:
    paths = [f"/v1/relations/ru-us/{name}" for name in ("board", "matrix", "ledger", "needs-confirmation", "registers")]
    before = {path: desk.get(path) for path in paths}
    filed = file(desk, on(VISAS, "DiscussionReported", form="talks"))
    for path, was in before.items():
        now = desk.get(path, headers={"If-None-Match": was.headers["etag"]})
        assert (now.status_code, now.json()["position"]) == (200, filed["position"]), path
        assert desk.get(f"{path}?as_of_position=127").content == was.content


def test_a_sheet_changes_with_the_sources_that_it_names(desk: TestClient) -> None:
    path = "/v1/rounds/ru-us/istanbul-april/sheet"
    before = desk.get(path)
    registered = desk.get("/v1/events?stream=source/a4-unnamed-outlet&limit=1").json()["items"][0]
    mended = {
        "stream": "source/a4-unnamed-outlet",
        "type": "AssertionCorrected",
        "target": registered["id"],
        "changes": {"publisher": "An outlet that was named later"},
        "reason": "Its name was found.",
    }
    file(desk, mended)
    after = desk.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert "An outlet that was named later" in after.text


@pytest.mark.parametrize(
    ("path", "media_type", "begins"),
    [
        ("/v1/rounds/ru-us/istanbul-april/sheet", "text/markdown", "# Round sheet"),
        ("/v1/rounds/ru-us/istanbul-april/sheet", "text/html", "<!doctype html>"),
        ("/v1/rounds/ru-us/istanbul-april/sheet", "*/*;q=0.1", '{"id"'),
        ("/v1/rounds/ru-us/istanbul-april/sheet", "application/json;q=0.5, text/*", "# Round sheet"),
        ("/v1/relations/ru-us/board", "text/csv", "id,title,headline,category"),
        ("/v1/relations/ru-us/ledger", "text/csv", "kind,"),
        ("/v1/relations/ru-us/calendar.ics", "text/calendar", "BEGIN:VCALENDAR"),
        ("/v1/changes.atom", "application/atom+xml", "<?xml"),
        ("/v1/rounds/ru-us/istanbul-april/sheet", "text/csv", "irritant,title,voice"),
        ("/v1/irritants/ru-us/visas/dossier", "text/csv", "irritant,title,voice"),
        ("/v1/irritants/ru-us/visas/dossier", "text/markdown", "# Dossier"),
    ],
)
def test_a_representation_is_chosen_by_accept(reading: TestClient, path: str, media_type: str, begins: str) -> None:
    answer = reading.get(path, headers={"Accept": media_type, "Accept-Encoding": "identity"})
    assert answer.text.startswith(begins)
    kind = answer.headers["content-type"].partition(";")[0]
    assert answer.headers["etag"].endswith(f'-{kind}"')


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "text/calendar, image/*;q=0.5"])
def test_an_unavailable_media_type_is_refused(reading: TestClient, accept: str) -> None:
    answer = reading.get("/v1/rounds/ru-us/istanbul-april/sheet", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")


@pytest.mark.parametrize(
    ("path", "accept", "served"),
    [
        ("/v1/changes.atom", "application/rss+xml", "application/atom+xml"),
        ("/v1/relations/ru-us/calendar.ics", "text/html", "text/calendar"),
        (BANKING, "image/png", "application/json"),
    ],
)
def test_the_only_representation_is_served_to_any_client(
    reading: TestClient, path: str, accept: str, served: str
) -> None:
    answer = reading.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, served)


def test_a_report_is_served_with_its_events(desk: TestClient) -> None:
    receipt = file(desk, on(FLIGHTS, "DiscussionReported", form="talks"))
    answer = desk.get(f"/v1/reports/{receipt['id']}")
    filed = answer.json()
    # Only an attribution to a round changes a report.
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (filed["actor"], filed["relation"], filed["round"]) == ("desk", "ru-us", None)
    assert (filed["first_position"], filed["position"]) == (128, 128)
    assert [e["type"] for e in filed["events"]] == ["DiscussionReported"]
    assert [{k: ch[k] for k in receipt["changes"][0]} for ch in filed["changes"]] == receipt["changes"]


def test_reports_are_listed_in_the_order_of_filing(reading: TestClient) -> None:
    listed = reading.get("/v1/reports").json()["items"]
    assert [r["first_position"] for r in listed] == sorted(r["first_position"] for r in listed)
    assert len(listed) == 9
    april = reading.get("/v1/reports?round=ru-us/istanbul-april").json()["items"]
    assert april == [r for r in listed if r["round"] == "ru-us/istanbul-april"]
    page = reading.get("/v1/reports?limit=4").json()
    assert page["items"] + reading.get(f"/v1/reports?cursor={page['next']}").json()["items"] == listed


def test_reports_are_filtered_by_operator_and_day_and_read_backwards(desk: TestClient) -> None:
    listed = desk.get("/v1/reports").json()["items"]
    embassy = file(desk, on(FLIGHTS, "DiscussionReported", form="talks"), key="embassy")
    first, today = listed[0]["recorded_at"][:10], date.fromisoformat(listed[-1]["recorded_at"][:10])
    every = [*(r["id"] for r in listed), embassy["id"]]

    def found(**filters: object) -> list[str]:
        answer = desk.get("/v1/reports", params={name.rstrip("_"): str(value) for name, value in filters.items()})
        assert answer.status_code == 200, answer.text
        return [report["id"] for report in answer.json()["items"]]

    assert found(actor="desk") == [embassy["id"]]
    assert found(actor="seeds") == every[:-1]
    assert found(actor="seeds", relation="ru-us", round="ru-us/istanbul-april", from_=first) == [
        r["id"] for r in listed if r["round"] == "ru-us/istanbul-april"
    ]
    assert found(actor="nobody") == found(relation="no-se") == []
    assert found(from_=first) == found(to=today + timedelta(days=1)) == every
    assert found(to=date.fromisoformat(first) - timedelta(days=1)) == found(from_=today + timedelta(days=2)) == []
    assert found(from_="0001-01-01", to="9999-12-31", order="newest") == every[::-1]
    page = desk.get("/v1/reports?order=newest&limit=4").json()
    rest = desk.get(f"/v1/reports?order=newest&cursor={page['next']}").json()
    assert [r["id"] for r in (*page["items"], *rest["items"])] == every[::-1]


def test_a_day_of_the_list_of_reports_ends_at_midnight_in_utc(seeded_database_url: str, make_key: MakeKey) -> None:
    now = datetime(2041, 5, 14, 23, 59, 59, tzinfo=UTC)
    filed = []
    with TestClient(create_app(Settings(database_url=seeded_database_url), clock=lambda: now)) as client:
        client.headers.update(make_key("report"))
        for key in ("before midnight", "at midnight"):
            filed.append(file(client, on(FLIGHTS, "DiscussionReported", form="talks"), key=key)["id"])
            now += timedelta(seconds=1)
        for day, report in (("2041-05-14", filed[0]), ("2041-05-15", filed[1])):
            listed = client.get(f"/v1/reports?from={day}&to={day}").json()["items"]
            assert [one["id"] for one in listed] == [report]


def test_a_source_lists_the_assertions_that_cite_it(reading: TestClient) -> None:
    source = reading.get("/v1/sources/a2-tataru").json()
    assert {a["evidence"]["source"]["document"] for a in source["assertions"]} >= {"a2-tataru"}
    cited = [e for e in reading.get("/v1/events?limit=1000").json()["items"] if "source" in e["data"]]
    resting = {a["evidence"]["event"] for a in source["assertions"]}
    assert {e["id"] for e in cited if e["data"]["source"]["document"] == "a2-tataru"} <= resting
    listed = reading.get("/v1/sources").json()["items"]
    assert source["publisher"] in [s["publisher"] for s in listed]
    assert len(reading.get("/v1/sources?limit=2").json()["items"]) == 2


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("/v1/irritants/ru-us/visas", "irritant/ru-us/visas"),
        ("/v1/rounds/ru-us/istanbul-april", "round/ru-us/istanbul-april"),
        ("/v1/relations/ru-us", "relation/ru-us"),
        ("/v1/sources/a2-tataru", "source/a2-tataru"),
    ],
)
def test_the_timeline_of_a_stream_is_paged_in_the_order_of_the_world(
    reading: TestClient, path: str, stream: str
) -> None:
    recorded = reading.get(f"/v1/events?stream={stream}&limit=1000").json()["items"]
    told = reading.get(f"{path}/timeline?limit=1000").json()
    assert (told["stream"], told["position"], told["next"]) == (stream, recorded[-1]["position"], None)
    assert {entry["event"] for entry in told["items"]} == {event["id"] for event in recorded}
    assert [entry["place"] for entry in told["items"]] == list(range(1, len(recorded) + 1))
    first = reading.get(f"{path}/timeline?limit=1").json()
    rest = reading.get(f"{path}/timeline?limit=1000&after={first['next']}").json()
    assert first["items"] + rest["items"] == told["items"]
    before = reading.get(f"{path}/timeline?as_of_position={recorded[0]['position']}").json()
    assert [entry["event"] for entry in before["items"]] == [recorded[0]["id"]]


def test_a_difference_is_listed_event_by_event(reading: TestClient) -> None:
    told = reading.get(f"{PROPERTY}/difference?from=position:{BEFORE_THE_INTERVIEW}&to=position:127")
    assert told.headers["cache-control"] == IMMUTABLE
    body = told.json()
    assert (body["before"]["status"], body["after"]["status"]) == ("unstated", "proposed")
    assert [e["type"] for e in body["events"]] == ["ProposalTabled"]
    assert reading.get(f"{PROPERTY}/difference").json()["before"] is None
    rounds = reading.get("/v1/relations/ru-us/difference?from=round:istanbul-february&to=round:istanbul-april").json()
    assert "ru-us/banking-access" in [item["irritant"] for item in rounds["items"]]


NOWHERE = [
    "/v1/irritants/ru-us/elsewhere",
    "/v1/irritants/ru-us/elsewhere/dossier",
    "/v1/irritants/ru-us/elsewhere/events",
    "/v1/sources/elsewhere/timeline",
    "/v1/irritants/ru-us/elsewhere/difference",
    "/v1/irritants/ru-us/visas?as_of_position=25",
    "/v1/irritants/us-ru/visas",
    "/v1/irritants/xx-yy/visas",
    "/v1/irritants/ru-us/Visas",
    "/v1/irritants/ru-us/visas/",
    "/v1/rounds/ru-us/elsewhere/sheet",
    "/v1/relations/dk-no/board",
    "/v1/relations/dk-no/difference",
    "/v1/sources/elsewhere",
    "/v1/reports/00000000-0000-7000-8000-000000000000",
    "/v1/reports/one",
    "/v1/nothing",
]


@pytest.mark.parametrize("path", NOWHERE)
def test_unrecorded_resources_are_not_found(reading: TestClient, path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = reading.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_address_that_does_not_exist_is_told_apart_from_one_where_nothing_is_on_record(reading: TestClient) -> None:
    told = reading.get("/v1/timeline?x=1").json()["detail"]
    assert told == "There is no address /v1/timeline. The page /docs lists all addresses of the API."


MALFORMED = [
    ("/v1/irritants/ru-us/visas?as_of_postion=3", "as_of_postion"),
    ("/v1/irritants?limit=0", "limit"),
    ("/v1/irritants?limit=1001", "limit"),
    ("/v1/irritants?limit=1e2", "limit"),
    ("/v1/irritants?limit=%2B5", "limit"),
    ("/v1/irritants?limit=", "limit"),
    ("/v1/irritants?limit=5&limit=6", "limit"),
    ("/v1/irritants?status=Formalised", "status"),
    ("/v1/irritants?relation=us-ru", "relation"),
    ("/v1/irritants?awaiting=YX", "awaiting"),
    ("/v1/irritants?cursor=%C3%A9", "cursor"),
    ("/v1/irritants?changed_after=1000", "changed_after"),
    ("/v1/irritants?as_of_position=128", "as_of_position"),
    ("/v1/irritants?as_of_position=-1", "as_of_position"),
    ("/v1/irritants?known_at=2100-01-01T00:00:00Z", "known_at"),
    ("/v1/irritants?known_at=2025-04-10", "known_at"),
    ("/v1/irritants?known_at=2025-04-10T10:00:00", "known_at"),
    ("/v1/irritants?known_at=2025-04-10T10:00:00+03:00", "known_at"),
    ("/v1/irritants?as_of_position=1&known_at=2025-04-10T10:00:00Z", "known_at"),
    ("/v1/irritants?effective_on=20250410", "effective_on"),
    ("/v1/irritants?effective_on=2025-02-30", "effective_on"),
    ("/v1/irritants?date_match=certain", "date_match"),
    ("/v1/irritants?from=2025-04-10", "from"),
    ("/v1/reports?cursor=YQ==", "cursor"),
    ("/v1/reports?round=istanbul", "round"),
    ("/v1/reports?from=yesterday", "from"),
    ("/v1/reports?from=2025-06-01&to=2025-05-01", "to"),
    ("/v1/reports?order=latest", "order"),
    ("/v1/reports?actor=", "actor"),
    ("/v1/reports?actor=desk%00", "actor"),
    ("/v1/reports?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "cursor"),
    ("/v1/irritants/ru-us/visas/difference?from=41", "from"),
    ("/v1/irritants/ru-us/visas/difference?to=round:elsewhere", "to"),
    ("/v1/irritants/ru-us/visas/difference?to=position:128", "to"),
    ("/v1/irritants/ru-us/visas/difference?from=known:2100-01-01T00:00:00Z", "from"),
    ("/v1/events?after=x", "after"),
    ("/v1/events?stream=irritants", "stream"),
    ("/v1/events?type=Nothing", "type"),
    ("/v1/events?report=1", "report"),
    ("/v1/events?recorded_from=2025-04-11T00:00:00Z&recorded_to=2025-04-10T00:00:00Z", "recorded_to"),
    ("/v1/events?effective_from=2025-04-11&effective_to=2025-04-10", "effective_to"),
    ("/v1/events?date_match=certain", "date_match"),
    ("/v1/events/live?after=x", "after"),
    ("/v1/changes.atom?after=1", "after"),
]


@pytest.mark.parametrize(("path", "parameter"), MALFORMED)
def test_an_invalid_parameter_is_refused_with_its_name(reading: TestClient, path: str, parameter: str) -> None:
    answer = reading.get(path)
    assert answer.status_code == 422, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    assert not re.search(r"\^\[|pattern|[Ss]hould", answer.text), "words, not the message of a library"


@pytest.mark.parametrize("query", ["limit", "limit=%ff", "&", "a=1&" * 41])
def test_a_malformed_query_is_refused(reading: TestClient, query: str) -> None:
    assert reading.get(f"{IRRITANTS}?{query}").status_code == 422


def test_all_mistakes_of_a_query_are_listed(reading: TestClient) -> None:
    answer = reading.get(f"{IRRITANTS}?limit=0&statu=raised&relation=x")
    assert answer.json()["type"] == "/problems/malformed-parameter"
    assert {error["parameter"] for error in answer.json()["errors"]} == {"limit", "statu", "relation"}
    assert reading.get(f"{IRRITANTS}?statu=x").json()["type"] == "/problems/unknown-parameter"


def test_a_past_list_has_its_own_position(reading: TestClient) -> None:
    listed = reading.get(f"{IRRITANTS}?relation=ru-us&as_of_position=60", headers={"Accept-Encoding": "identity"})
    assert listed.headers["etag"] == tag_at(reading, listed.json()["position"])
    assert listed.json()["position"] <= 60
    assert json.loads(reading.get(f"{IRRITANTS}?as_of_position=60").content)["position"] == 60
