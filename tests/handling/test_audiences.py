"""A restricted event is seen by readers with the clearance, and for all others the record is as if it did not exist."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from service.client import Irritants
from service.read_models.rebuild import ensure_built, rebuild, verify_documents
from service.recorder import Receipt, Recorder, ReportRequest
from service.store import archive, keys
from service.store.audience import Label
from service.store.engine import connection, open_engine, transaction
from service.store.verify import Damaged, verify
from tests.api.serving import served
from tests.keys import key_on

Headers = dict[str, str]
File = Callable[..., Any]

CANARY = "Zanzibar"
VISAS = "irritant/ru-us/visas"
ADDRESSES = [
    "/v1/irritants/ru-us/visas",
    "/v1/irritants",
    "/v1/relations/ru-us/board",
    "/v1/relations/ru-us/ledger",
    "/v1/relations/ru-us/matrix",
    "/v1/relations/ru-us/needs-confirmation",
    "/v1/relations/ru-us/registers",
    "/v1/relations/ru-us/corroboration",
    "/v1/relations/ru-us/timeline",
    "/v1/irritants/ru-us/visas/dossier",
    "/v1/irritants/ru-us/visas/timeline",
    "/v1/changes",
    "/v1/changes.atom",
    "/v1/search?q=Zanzibar",
    "/v1/reports",
    "/v1/sources/a2-tataru",
    "/v1/irritants?as_of_position=100000",
    "/",
    "/relations/ru-us",
    "/irritants/ru-us/visas",
    "/changes?relation=ru-us",
    "/search?q=Zanzibar",
    "/reports",
]


def concern(**more: Any) -> dict[str, Any]:
    return {
        "type": "ConcernRaised",
        "stream": VISAS,
        "asserted_by": {"party": "US", "channel": "attributed", "organ": f"{CANARY} desk"},
        "source": {"document": "a2-tataru", "paragraphs": [3], "origin": "us-side-on-february"},
        "summary": f"{CANARY} was raised in a démarche.",
        "occurred": "2025-06-20",
        **more,
    }


def answers(client: TestClient, headers: Headers | None = None) -> dict[str, tuple[int, str]]:
    read = {address: client.get(address, headers=headers or {}) for address in ADDRESSES}
    return {address: (answer.status_code, answer.text) for address, answer in read.items()}


def test_a_restricted_event_changes_nothing_for_the_open_audience(
    client: TestClient, file: File, cleared: Headers
) -> None:
    before = answers(client)
    tags = {address: client.get(address).headers.get("etag") for address in ADDRESSES}
    filed = file(cleared, concern(handling="restricted"))
    assert filed.status_code == 201, filed.text
    assert CANARY in client.get("/v1/irritants/ru-us/visas/dossier", headers=cleared).text
    after = answers(client)
    for address, answer in before.items():
        assert after[address] == answer, address
        if (tag := tags[address]) is not None:
            assert client.get(address, headers={"If-None-Match": tag}).status_code == 304, address


def test_a_cleared_reader_finds_the_event_everywhere(client: TestClient, file: File, cleared: Headers) -> None:
    file(cleared, concern(handling="restricted"))
    for address in ("/v1/irritants/ru-us/visas/dossier", "/v1/search?q=Zanzibar", "/v1/irritants/ru-us/visas/timeline"):
        assert CANARY in client.get(address, headers=cleared).text, address


def test_a_tag_of_one_audience_never_matches_in_another(client: TestClient, file: File, cleared: Headers) -> None:
    file(cleared, concern(handling="restricted"))
    file(cleared, concern(summary="A public concern.", asserted_by={"party": "US", "channel": "attributed"}))
    tag = client.get("/v1/irritants/ru-us/visas").headers["etag"]
    answer = client.get("/v1/irritants/ru-us/visas", headers={**cleared, "If-None-Match": tag})
    assert answer.status_code == 200


def test_the_feed_shows_the_place_of_a_withheld_event(client: TestClient, file: File, cleared: Headers) -> None:
    file(cleared, concern(handling="restricted"))
    file(cleared, concern(summary="A public concern.", asserted_by={"party": "US", "channel": "attributed"}))
    items = client.get("/v1/events?limit=1000").json()["items"]
    assert [item["position"] for item in items] == list(range(1, len(items) + 1))
    withheld = [item for item in items if item["type"] == "irritants.withheld"]
    assert [set(item) for item in withheld] == [{"specversion", "id", "source", "type", "time", "position"}]


def test_the_record_and_its_documents_are_verified(
    client: TestClient, file: File, cleared: Headers, engine: Engine
) -> None:
    file(cleared, concern(handling="restricted"))
    file(cleared, concern(summary="Open.", asserted_by={"party": "US", "channel": "attributed"}))
    with connection(engine) as c:
        verify(c)
    verify_documents(engine)
    assert rebuild(engine) == 0


def test_an_event_is_at_least_as_restricted_as_its_target(client: TestClient, file: File, cleared: Headers) -> None:
    first = file(cleared, concern(handling="restricted")).json()["events"][0]
    evidence = {
        "type": "EvidenceAdded",
        "stream": VISAS,
        "target": first["id"],
        "asserted_by": {"party": "US", "channel": "attributed"},
        "source": {"document": "a2-tataru", "paragraphs": [4], "origin": "us-side-on-february"},
        "summary": f"{CANARY} again.",
    }
    refused = file(cleared, {**evidence, "handling": "open"})
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/label-too-low"
    before = client.get("/v1/irritants/ru-us/visas/dossier").text
    assert file(cleared, evidence).status_code == 201
    assert client.get("/v1/irritants/ru-us/visas/dossier").text == before


@pytest.mark.parametrize("label", ["restricted", "secret"])
def test_nobody_files_above_their_clearance(file: File, operator: Headers, label: str) -> None:
    refused = file(operator, concern(handling=label))
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/unknown-label"
    assert "restricted" not in refused.json()["detail"].replace(f"`{label}`", "")


def test_a_refusal_does_not_show_what_is_withheld(
    client: TestClient, file: File, cleared: Headers, operator: Headers
) -> None:
    opened = {"type": "IrritantOpened", "stream": "irritant/ru-us/zanzibar", "title": CANARY, "category": "visas"}
    assert file(cleared, {**opened, "handling": "restricted"}).status_code == 201
    refused = file(operator, {**opened, "title": "Another title"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/withheld-conflict"
    assert CANARY not in refused.text
    assert client.get("/v1/irritants/ru-us/zanzibar").status_code == 404
    assert client.get("/v1/irritants/ru-us/zanzibar", headers=cleared).status_code == 200


def test_an_administrator_raises_and_lowers_a_label(
    client: TestClient, file: File, admin: Headers, cleared: Headers, engine: Engine
) -> None:
    before = answers(client)
    filed = file(admin, concern()).json()["events"][0]
    with_event = answers(client)
    changed = {"type": "HandlingChanged", "stream": VISAS, "target": filed["id"], "reason": "It is not public."}
    assert file(cleared, {**changed, "label": "restricted"}).status_code == 403
    raised = file(admin, {**changed, "label": "restricted"})
    assert raised.status_code == 201, raised.text
    for address, answer in answers(client).items():
        assert answer == before[address], address
    assert CANARY in client.get("/v1/irritants/ru-us/visas/dossier", headers=cleared).text
    verify_documents(engine)
    lowered = file(admin, {**changed, "label": "open", "reason": "It was published."})
    assert lowered.status_code == 201, lowered.text
    for address, answer in answers(client).items():
        assert answer == with_event[address], address
    with connection(engine) as c:
        verify(c)
    verify_documents(engine)
    assert rebuild(engine) == 0


def test_a_round_is_withheld_only_together_with_the_reports_that_name_it(
    client: TestClient, file: File, admin: Headers
) -> None:
    """The list of reports shows the round that a report names."""
    first = client.get("/v1/events?stream=round/ru-us/istanbul-april").json()["items"][0]
    change = {
        "type": "HandlingChanged",
        "stream": "round/ru-us/istanbul-april",
        "target": first["id"],
        "label": "restricted",
        "reason": "The round was secret.",
    }
    refused = file(admin, change)
    assert refused.status_code == 422
    mistakes = refused.json()["errors"]
    assert {mistake["type"] for mistake in mistakes} == {"/problems/too-open"}
    assert any("irritant/ru-us/" in mistake["detail"] for mistake in mistakes)


def test_a_program_follows_the_events_that_it_may_see_and_misses_none(
    seeded_database_url: str, cleared_key: str
) -> None:
    with (
        served(seeded_database_url) as server,
        Irritants(server.url, key=cleared_key) as cleared,
        Irritants(server.url) as anyone,
    ):
        public = concern(summary="A public concern.", asserted_by={"party": "US", "channel": "attributed"})
        events = [concern(handling="restricted"), public]
        cleared.file({"relation": "ru-us", "title": "Two concerns", "events": events})
        seen = [event.position for event in anyone.follow(wait=0)]
        every = [event.position for event in cleared.follow(wait=0)]
    assert every == list(range(1, len(every) + 1))
    assert seen == [*every[:-2], every[-1]]


def test_a_rebuild_makes_the_documents_of_audiences_again(
    client: TestClient, file: File, cleared: Headers, engine: Engine
) -> None:
    file(cleared, concern(handling="restricted"))
    file(cleared, concern(summary="Open.", asserted_by={"party": "US", "channel": "attributed"}))
    with connection(engine) as c:
        stored = c.execute(text("SELECT * FROM variants ORDER BY name, key")).all()
        c.execute(text("UPDATE variants SET body = 'x' WHERE name = 'irritant'"))
        c.execute(text("DELETE FROM variants WHERE name = 'hit'"))
    with pytest.raises(Damaged, match="differs from a replay"):
        verify_documents(engine)
    assert rebuild(engine) > 0
    with connection(engine) as c:
        assert c.execute(text("SELECT * FROM variants ORDER BY name, key")).all() == stored
    verify_documents(engine)


def test_an_import_knows_the_labels_of_the_export(
    client: TestClient, file: File, admin: Headers, cleared: Headers, engine: Engine, database_url: str
) -> None:
    file(cleared, concern(handling="restricted"))
    filed = file(admin, concern(summary="Raised later.")).json()["events"][0]
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["id"], "reason": "Not public."}
    assert file(admin, {**change, "label": "restricted"}).status_code == 201
    exported = io.BytesIO()
    with connection(engine) as c:
        archive.export_record(c, exported)
    exported.seek(0)
    other = open_engine(database_url)
    with transaction(other) as c:
        archive.import_record(c, exported)
    ensure_built(other)
    verify_documents(other)
    tables = ("withheld", "variants", "read_models")
    with connection(engine) as one, connection(other) as two:
        for table in tables:
            rows = [c.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).all() for c in (one, two)]
            assert len(rows[0]) == len(rows[1]) > 0, table
        assert verify(two).highest == verify(one).highest == 500
    other.dispose()


@pytest.mark.parametrize("query", ["", "?relation=ru-us", "?actor=cleared", "?relation=ru-us&order=newest"])
def test_a_report_whose_last_event_is_withheld_is_listed_without_it(
    client: TestClient, file: File, cleared: Headers, query: str
) -> None:
    open_one = concern(summary="A public concern.", asserted_by={"party": "US", "channel": "attributed"})
    filed = file(cleared, open_one, concern(handling="restricted")).json()
    listed = client.get(f"/v1/reports{query}").json()["items"]
    assert filed["id"] in [report["id"] for report in listed]
    read = client.get(f"/v1/reports/{filed['id']}").json()
    assert [event["id"] for event in read["events"]] == [filed["events"][0]["id"]]


def test_the_list_of_reports_counts_only_what_the_reader_sees(
    client: TestClient, file: File, cleared: Headers, engine: Engine
) -> None:
    open_one = concern(summary="A public concern.", asserted_by={"party": "US", "channel": "attributed"})
    file(cleared, open_one, concern(handling="restricted"), {**open_one, "summary": "Another."}, title="Mixed")
    row = client.get("/reports").text.partition("Mixed")[2].partition("</tr>")[0]
    assert row.endswith("<td>2</td>")


def test_a_key_that_was_used_for_a_withheld_report_does_not_lead_to_it(
    client: TestClient, file: File, cleared: Headers, operator: Headers
) -> None:
    filed = file(cleared, concern(handling="restricted")).json()
    report = {"relation": "ru-us", "title": "Another", "events": [concern()]}
    reused = client.post("/v1/reports", json=report, headers={**operator, "Idempotency-Key": "k0"})
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/key-reused")
    assert filed["id"] not in reused.text
    own = client.post("/v1/reports", json=report, headers={**cleared, "Idempotency-Key": "k0"})
    assert own.json()["report"] == f"/v1/reports/{filed['id']}"


def test_a_report_after_a_new_label_in_the_same_batch_depends_on_the_new_label(
    engine: Engine, client: TestClient, file: File, admin: Headers
) -> None:
    """The recorder decides requests that arrive during a commit one after another, before any of them is stored."""
    before = answers(client)
    filed = file(admin, concern()).json()["events"][0]
    changed = {
        "type": "HandlingChanged",
        "stream": VISAS,
        "target": filed["id"],
        "label": "restricted",
        "reason": "No.",
    }
    evidence = {**concern(), "type": "EvidenceAdded", "target": filed["id"]}
    del evidence["occurred"]
    requests = [
        ReportRequest.read({"relation": "ru-us", "title": "T", "events": [event]}, f"batch-{n}", "desk", "request")
        for n, event in enumerate((changed, evidence))
    ]
    outcomes = Recorder(engine).record(requests)
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    assert [event.rank for receipt in receipts for event in receipt.events] == [500, 500]
    verify_documents(engine)
    assert rebuild(engine) == 0
    assert answers(client) == before


def test_a_restricted_report_registers_no_actor_because_its_title_would_be_open(
    client: TestClient, file: File, cleared: Headers
) -> None:
    actor = {"type": "ActorRegistered", "stream": "actor/agency", "actor": "agency", "kind": "organisation"}
    named = {**actor, "names": ["the Agency"]}
    refused = file(cleared, concern(), named, title=CANARY, handling="restricted")
    assert refused.status_code == 422
    assert [mistake["pointer"] for mistake in refused.json()["errors"]] == ["/events/1"]
    assert file(cleared, named, title="Names").status_code == 201


def test_the_attribution_of_a_withheld_report_is_withheld(client: TestClient, file: File, cleared: Headers) -> None:
    before = answers(client)
    report = file(cleared, concern(handling="restricted")).json()["id"]
    attributed = {"type": "ReportAttributed", "stream": "relation/ru-us", "report": report}
    filed = file(cleared, {**attributed, "round": "ru-us/istanbul-april"})
    assert filed.status_code == 201, filed.text
    assert answers(client) == before


def test_a_report_is_withheld_only_together_with_its_attribution(
    client: TestClient, file: File, admin: Headers
) -> None:
    filed = file(admin, concern()).json()
    attributed = {"type": "ReportAttributed", "stream": "relation/ru-us", "report": filed["id"]}
    file(admin, {**attributed, "round": "ru-us/istanbul-april"})
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["events"][0]["id"], "reason": "Not public."}
    refused = file(admin, {**change, "label": "restricted"})
    assert refused.status_code == 422
    assert "relation/ru-us@" in refused.text


def test_an_irritant_is_withheld_only_together_with_what_links_to_it_from_another_relation(
    client: TestClient, file: File, admin: Headers
) -> None:
    target = "irritant/ru-us/court"
    opened = {"type": "IrritantOpened", "stream": target, "title": "A court case", "category": "visas"}
    first = file(admin, opened).json()["events"][0]
    relation = {"type": "RelationOpened", "stream": "relation/fr-us", "parties": ["FR", "US"], "title": "France and US"}
    other = {**opened, "stream": "irritant/fr-us/court", "title": "Another case"}
    linked = concern(type="LinkageStated", stream="irritant/fr-us/court", kind="package", **{"with": "ru-us/court"})
    filed = file(admin, relation, other, linked, relation="fr-us")
    assert filed.status_code == 201, filed.text
    change = {"type": "HandlingChanged", "stream": target, "target": first["id"], "reason": "Not public."}
    refused = file(admin, {**change, "label": "restricted"})
    assert refused.status_code == 422
    assert "irritant/fr-us/court@2" in refused.text


def test_a_client_continues_after_the_last_event_that_it_has_seen_was_raised(
    client: TestClient, file: File, admin: Headers
) -> None:
    filed = file(admin, concern()).json()
    page = client.get("/v1/events?limit=1000").json()
    changes = client.get("/v1/changes?limit=1000").json()
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["events"][0]["id"], "reason": "Not public."}
    assert file(admin, {**change, "label": "restricted"}).status_code == 201
    for path, seen in (("events", page), ("changes", changes)):
        answer = client.get(f"/v1/{path}?after={seen['next']}&log={seen['log']}")
        assert (answer.status_code, answer.json()["items"], answer.json()["next"]) == (200, [], seen["next"])
    past = client.get(f"/v1/irritants/ru-us/visas?as_of_position={page['next']}")
    assert past.status_code == 200
    assert client.get(f"/v1/events?after={page['next'] + 2}").status_code == 410


def test_a_repeated_report_is_not_confirmed_to_those_who_may_not_see_it(
    client: TestClient, file: File, cleared: Headers, operator: Headers
) -> None:
    report = {"relation": "ru-us", "title": "A guess", "events": [concern()], "handling": "restricted"}
    key = {"Idempotency-Key": "guessable"}
    assert client.post("/v1/reports", json=report, headers={**cleared, **key}).status_code == 201
    right = client.post("/v1/reports", json=report, headers={**operator, **key})
    wrong = client.post("/v1/reports", json={**report, "title": "Another guess"}, headers={**operator, **key})
    assert (right.status_code, right.json()) == (wrong.status_code, wrong.json())
    assert "report" not in right.json()


def test_an_event_is_not_more_open_than_its_report(file: File, cleared: Headers) -> None:
    """Who sees the event sees the title of the report."""
    refused = file(cleared, concern(handling="open"), handling="restricted")
    assert refused.json()["type"] == "/problems/label-too-low"


def test_a_label_can_be_raised_again_after_it_was_raised_or_lowered(
    client: TestClient, file: File, admin: Headers, engine: Engine
) -> None:
    with transaction(engine) as c:
        keys.add_label(c, Label("internal", 250))
    before = answers(client)
    filed = file(admin, concern()).json()["events"][0]
    change = {"type": "HandlingChanged", "stream": VISAS, "target": filed["id"], "reason": "Not public."}
    for label in ("internal", "restricted", "open", "internal", "restricted"):
        answer = file(admin, {**change, "label": label})
        assert answer.status_code == 201, answer.text
        assert (answers(client) == before) == (label != "open")
        verify_documents(engine)
        with connection(engine) as c:
            verify(c)
    reader = {"Authorization": f"Bearer {key_on(engine, 'report', name='internal', clearance='internal')}"}
    assert filed["id"] not in client.get("/v1/events?limit=1000", headers=reader).text
