"""Feeds: every event once and in order, a cursor that always advances and is verified, and standard formats."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from starlette.testclient import TestClient

from tests.api.bodies import FLIGHTS, VISAS, on, report

EVENTS = "/v1/events"
CHANGES = "/v1/changes"
BATCH = "application/cloudevents-batch+json"
AT_REST = "private, max-age=3600, immutable"
ATOM = "{http://www.w3.org/2005/Atom}"


def positions(answer: Any) -> list[int]:
    return [item["position"] for item in answer.json()["items"]]


def followed(client: TestClient, path: str) -> tuple[list[Any], list[Any]]:
    """Return all pages from a path on, by their links, and all their items."""
    pages, items = [], []
    while True:
        page = client.get(path)
        assert page.status_code == 200, page.text
        pages.append(page)
        items += page.json()["items"]
        if not page.json()["items"]:
            return pages, items
        path = page.links["next"]["url"]


def file(desk: TestClient, *filed: dict[str, Any], key: str = "one", **fields: Any) -> dict[str, Any]:
    answer = desk.post("/v1/reports", json=report(*filed, **fields), headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_the_feed_has_every_event_without_a_gap(reading: TestClient) -> None:
    pages, items = followed(reading, f"{EVENTS}?limit=10")
    assert [item["position"] for item in items] == list(range(1, 128))
    assert all(page.headers["cache-control"] == AT_REST for page in pages[:-2])
    assert pages[-1].headers["cache-control"] == "private, no-cache"


def test_a_full_page_never_changes(desk: TestClient) -> None:
    full, partial = f"{EVENTS}?limit=127", f"{EVENTS}?after=100"
    before = {path: desk.get(path) for path in (full, partial)}
    file(desk, on(FLIGHTS, "DiscussionReported", form="talks"))
    assert desk.get(full).content == before[full].content
    assert desk.get(full).headers["etag"] == before[full].headers["etag"]
    chain_hash = before[full].json()["items"][-1]["chainhash"]
    assert before[full].headers["etag"] == f'"127-{chain_hash[:10]}-4-application/json-gzip"'
    assert positions(desk.get(partial)) == [*positions(before[partial]), 128]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("stream=irritant/ru-us/visas", [26, 101, 102, 105, 107]),
        ("type=RoundConcluded", [55, 84]),
        ("stream=irritant/ru-us/visas&type=NextStepAgreed", [102, 105, 107]),
        ("relation=dk-no", []),
        ("type=IrritantReopened", []),
    ],
)
def test_a_filtered_feed_advances_past_other_events(reading: TestClient, filters: str, expected: list[int]) -> None:
    whole = reading.get(f"{EVENTS}?{filters}").json()
    assert [item["position"] for item in whole["items"]] == expected
    assert whole["next"] == whole["position"] == 127
    pages, items = followed(reading, f"{EVENTS}?{filters}&limit=1")
    assert [item["position"] for item in items] == expected
    assert pages[-1].json()["next"] == 127


def test_the_feed_is_filtered_by_report(reading: TestClient) -> None:
    [filed] = reading.get("/v1/reports?limit=1").json()["items"]
    assert positions(reading.get(f"{EVENTS}?report={filed['id']}")) == list(range(1, filed["position"] + 1))


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        # The agrément was given between the February round and 26 March; the post was taken up on that day.
        ("effective_from=2025-03-26&effective_to=2025-03-26", {"EnvoyTookPost"}, {"RoundConcluded"}),
        (
            "effective_from=2025-03-26&effective_to=2025-03-26&date_match=certain",
            {"EnvoyTookPost"},
            {"AgrementGranted"},
        ),
        ("effective_to=2025-02-27&date_match=certain", {"RoundConvened"}, {"InstrumentExchanged"}),
        ("effective_from=2025-04-09", {"InstrumentExchanged"}, {"IrritantOpened", "SourceRegistered"}),
    ],
)
def test_events_are_filtered_by_the_clock_of_the_world(
    reading: TestClient, bounds: str, inside: set[str], outside: set[str]
) -> None:
    types = {item["data"]["type"] for item in reading.get(f"{EVENTS}?{bounds}&limit=1000").json()["items"]}
    assert inside <= types
    assert not outside & types


def test_evidence_has_the_date_of_its_target(reading: TestClient) -> None:
    on_the_day = reading.get(f"{EVENTS}?effective_from=2025-02-27&effective_to=2025-02-27&date_match=certain").json()
    evidence = [item for item in on_the_day["items"] if item["data"]["type"] == "EvidenceAdded"]
    assert evidence
    ids = {item["id"] for item in on_the_day["items"]}
    assert all(item["data"]["target"] in ids for item in evidence)


def test_events_are_filtered_by_the_clock_of_the_record(reading: TestClient) -> None:
    reports = reading.get("/v1/reports").json()["items"]
    second = reports[1]
    moment = second["recorded_at"]
    found = positions(reading.get(EVENTS, params={"recorded_from": moment, "recorded_to": moment, "limit": 1000}))
    same = [r for r in reports if r["recorded_at"] == moment]
    assert found == list(range(same[0]["first_position"], same[-1]["position"] + 1))
    assert positions(reading.get(EVENTS, params={"recorded_to": "2020-01-01T00:00:00Z"})) == []
    assert reading.get(EVENTS, params={"recorded_from": "2100-01-01T00:00:00Z"}).json()["next"] == 127


def test_a_page_by_the_clock_of_the_world_reads_a_limited_number_and_continues(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.resources.filters._MAX_SCANNED", 20)
    monkeypatch.setattr("service.api.resources.filters._BATCH", 10)
    page = client.get(f"{EVENTS}?effective_from=2025-04-09&limit=50")
    assert page.json()["next"] == 20
    assert page.headers["cache-control"] == AT_REST
    found, next = [], 0
    while next < 127:
        page = client.get(f"{EVENTS}?effective_from=2025-04-09&limit=50&after={next}")
        found += positions(page)
        next = page.json()["next"]
    monkeypatch.undo()
    assert found == positions(client.get(f"{EVENTS}?effective_from=2025-04-09&limit=1000"))


def test_the_log_parameter_verifies_that_the_record_is_the_same(reading: TestClient) -> None:
    page = reading.get(f"{EVENTS}?limit=50").json()
    assert reading.get(f"{EVENTS}?after=50&log={page['log']}").status_code == 200
    assert reading.get(f"{CHANGES}?after=50&log={page['log']}").status_code == 200
    assert (
        reading.get(f"{EVENTS}?after=0&log={reading.get(f'{EVENTS}?type=IrritantReopened').json()['log']}").status_code
        == 410
    )


@pytest.mark.parametrize("path", [EVENTS, CHANGES])
@pytest.mark.parametrize(
    "cursor",
    [
        "after=128",
        "after=50&log=00000000-0000-0000-0000-000000000000.0000000000000000",
        "after=51&log={log}",
        "after=50&log=x",
    ],
)
def test_a_cursor_of_another_history_gets_410_with_a_new_start(reading: TestClient, path: str, cursor: str) -> None:
    log = reading.get(f"{EVENTS}?limit=50").json()["log"]
    answer = reading.get(f"{path}?{cursor.format(log=log)}")
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/gone")
    assert answer.json()["start_over"] == f"{path}?after=0"
    assert reading.get(answer.json()["start_over"]).status_code == 200


def test_the_end_of_the_feed_is_an_empty_page_with_a_cursor(reading: TestClient) -> None:
    log = reading.get(f"{EVENTS}?after=126").json()["log"]
    page = reading.get(f"{EVENTS}?after=127&log={log}").json()
    assert page == {"items": [], "next": 127, "log": log, "position": 127}


def test_every_event_is_a_cloudevent_to_the_official_sdk(reading: TestClient) -> None:
    for item in reading.get(f"{EVENTS}?limit=1000").json()["items"]:
        message = HTTPMessage({"content-type": "application/cloudevents+json"}, json.dumps(item).encode())
        event = from_structured_event(message)
        assert (event.get_specversion(), event.get_id()) == ("1.0", item["id"])
        type = item["data"]["type"]
        assert event.get_type() == f"irritants.{type}.v1"  # the lowest version that holds it
        assert reading.get(event.get_source()).status_code == 200
        assert event.get_data() == item["data"]
        for extension in ("position", "streamversion", "actor", "report", "chainhash"):
            assert event.get_extension(extension) == item[extension]


def test_the_registration_of_an_actor_is_in_the_feed(desk: TestClient) -> None:
    named = {"actor": "iaea", "kind": "organisation", "names": ["IAEA"]}
    registered = report({"stream": "actor/iaea", "type": "ActorRegistered", **named})
    assert desk.post("/v1/reports", json=registered, headers={"Idempotency-Key": "iaea"}).status_code == 201
    (item,) = desk.get(f"{EVENTS}?after=127").json()["items"]
    assert (item["type"], item["subject"]) == ("irritants.ActorRegistered.v1", "actor/iaea")
    assert desk.get(item["source"]).json()["id"] == item["id"]


@pytest.mark.parametrize("path", [f"{EVENTS}?limit=7", "/v1/irritants/ru-us/visas/events?limit=2"])
def test_a_batch_has_the_same_events_and_a_link_to_the_next(reading: TestClient, path: str) -> None:
    plain, batch = reading.get(path), reading.get(path, headers={"Accept": BATCH})
    assert batch.headers["content-type"] == BATCH
    assert batch.json() == plain.json()["items"]
    assert batch.headers["etag"] == plain.headers["etag"].replace("application/json", BATCH)
    rest = reading.get(batch.links["next"]["url"], headers={"Accept": BATCH}).json()
    assert rest[0]["position"] > batch.json()[-1]["position"]


def test_a_link_keeps_filters_and_the_log_parameter(reading: TestClient) -> None:
    page = reading.get(f"{EVENTS}?relation=ru-us&recorded_from=2020-01-01T00:00:00%2B03:00&limit=3")
    link = parse_qs(urlsplit(page.links["next"]["url"]).query)
    assert link == {
        "relation": ["ru-us"],
        "recorded_from": ["2019-12-31T21:00:00Z"],
        "limit": ["3"],
        "after": [str(page.json()["next"])],
        "log": [page.json()["log"]],
    }


def test_the_events_of_a_stream_are_paged_by_version(reading: TestClient) -> None:
    path = "/v1/irritants/ru-us/visas/events"
    first = reading.get(f"{path}?limit=2")
    rest = reading.get(f"{path}?after_version=2")
    assert [item["streamversion"] for item in first.json()["items"] + rest.json()["items"]] == [1, 2, 3, 4, 5]
    assert (first.json()["next"], first.headers["cache-control"]) == (2, AT_REST)
    assert (rest.json()["next"], rest.json()["position"]) == (5, 107)
    assert rest.headers["cache-control"] == "private, no-cache"
    assert reading.get(f"{path}?after_version=5").json() == {"items": [], "next": 5, "position": 107}
    assert reading.get(f"{path}?after_version=9").json()["next"] == 9
    certain = reading.get(f"{path}?effective_to=2025-04-10&date_match=certain").json()
    assert (certain["items"], certain["next"]) == ([], 5)


def test_changes_have_before_after_and_a_reason(desk: TestClient) -> None:
    start = desk.get(CHANGES).json()["next"]
    said = file(desk, on(FLIGHTS, "DiscussionReported", form="talks"))["events"][0]["id"]
    retraction = {"stream": FLIGHTS, "type": "AssertionRetracted", "target": said, "reason": "Misheard."}
    file(desk, retraction, key="two")
    file(desk, on(VISAS, "ConcernRaised", occurred="2025-01-05"), key="three")
    told = desk.get(f"{CHANGES}?after={start}").json()
    assert [(c["position"], c["irritant"], c["reason"]) for c in told["items"]] == [
        (128, "ru-us/direct-flights", "world"),
        (129, "ru-us/direct-flights", "retraction"),
    ]
    up, down = told["items"]
    assert (up["before"]["status"], up["after"]["status"]) == ("proposed", "in_talks")
    assert (down["before"], down["after"]) == (up["after"], up["before"])
    assert up["events"] == [said]
    # The last report changed no irritant, but the cursor advanced.
    assert told["next"] == told["position"] == 130


def test_the_cursor_of_one_relation_advances_with_the_whole_record(reading: TestClient) -> None:
    assert reading.get(f"{CHANGES}?relation=ru-us").json()["items"] == reading.get(CHANGES).json()["items"]
    nothing = reading.get(f"{CHANGES}?relation=dk-no").json()
    assert (nothing["items"], nothing["next"]) == ([], 127)
    pages, items = followed(reading, f"{CHANGES}?limit=3&relation=ru-us")
    assert items == reading.get(CHANGES).json()["items"]
    assert pages[0].headers["cache-control"] == AT_REST


def test_changes_in_atom_are_newest_first(reading: TestClient) -> None:
    feed = ET.fromstring(reading.get("/v1/changes.atom?relation=ru-us").content)
    changes = reading.get(CHANGES).json()["items"]
    entries = feed.findall(f"{ATOM}entry")
    assert [e.findtext(f"{ATOM}id") for e in entries] == [f"urn:uuid:{c['events'][-1]}" for c in reversed(changes)]
    updated = [str(e.findtext(f"{ATOM}updated")) for e in entries]
    assert updated == sorted(updated, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == updated[0]
    for element in (feed, *entries):
        for needed in ("id", "title", "updated"):
            assert element.findtext(f"{ATOM}{needed}")
    newest = changes[-1]
    assert newest["reason"] == "world"
    assert entries[0].findtext(f"{ATOM}title") == f"{newest['after']['title']}: {newest['after']['headline']}"
    assert str(entries[0].findtext(f"{ATOM}summary")).startswith("Something happened: ")
    links = [link.attrib["href"] for entry in entries for link in entry.findall(f"{ATOM}link")]
    assert links == [f"/irritants/{change['irritant']}" for change in reversed(changes)]
    nothing = ET.fromstring(reading.get("/v1/changes.atom?relation=dk-no").content)
    assert nothing.findall(f"{ATOM}entry") == []


def test_changes_begin_after_a_position_a_time_or_a_round(desk: TestClient) -> None:
    everything = desk.get(CHANGES).json()["items"]
    after = [c for c in everything if c["position"] > 67]
    for since in ("position:67", "round:ru-us/istanbul-february", "round:istanbul-february&relation=ru-us"):
        assert desk.get(f"{CHANGES}?since={since}").json()["items"] == after
    assert desk.get(f"{CHANGES}?since=known:2020-01-01T00:00:00Z").json()["items"] == everything
    first = desk.get(f"{CHANGES}?since=round:ru-us/istanbul-february&limit=1")
    assert first.headers["cache-control"] == "private, no-cache"
    assert "since" not in first.headers["link"]
    rest = desk.get(first.headers["link"].partition(">")[0][1:]).json()["items"]
    assert [*first.json()["items"], *rest][:2] == after[:2]


def test_a_late_report_on_a_round_hides_no_change_since_the_round(desk: TestClient) -> None:
    since = f"{CHANGES}?since=round:ru-us/istanbul-february"
    before = desk.get(since).json()["items"]
    file(desk, on(FLIGHTS, "DiscussionReported", form="talks"), round="istanbul-february")
    told = desk.get(since).json()["items"]
    assert (told[:-1], told[-1]["irritant"]) == (before, "ru-us/direct-flights")


def test_a_corrected_date_is_listed_as_a_change(desk: TestClient) -> None:
    start = desk.get(CHANGES).json()["next"]
    said = file(desk, on(FLIGHTS, "ConcernRaised"))["events"][0]["id"]
    changes = {"occurred": "2025-05-04"}
    correction = {"type": "AssertionCorrected", "target": said, "changes": changes, "reason": "Misread."}
    receipt = file(desk, {"stream": FLIGHTS, **correction}, key="two")
    told = desk.get(f"{CHANGES}?since=position:{start}").json()["items"][-1]
    assert told["sentence"] == "The date of “Concern raised” was corrected from 6 May 2025 to 4 May 2025."
    assert (told["reason"], told["report"]) == ("correction", receipt["id"])
    assert told["redated"] == [
        {"event": said, "type": "ConcernRaised", "field": "occurred", "before": "2025-05-06", "after": "2025-05-04"}
    ]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("since=yesterday", "must be position:41"),
        ("since=effective:2025-04-10", "in the order of recording"),
        ("since=position:4000", "is beyond the end of the record"),
        ("since=known:2100-01-01T00:00:00Z", "is in the future"),
        ("since=round:istanbul-february", "write round:ru-us/istanbul-february"),
        ("since=round:ru-us/nowhere", "has no reports"),
        ("since=round:fr-us/paris&relation=ru-us", "names a round of fr-us"),
        ("since=position:1&after=4", "cannot be combined with after"),
    ],
)
def test_a_wrong_point_to_begin_after_is_refused_in_words(reading: TestClient, query: str, why: str) -> None:
    refused = reading.get(f"{CHANGES}?{query}")
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "since")
    assert why in refused.json()["detail"]
