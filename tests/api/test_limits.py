"""A key limited to relations, where reading needs a key, learns nothing about other relations."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.resources.table import RESOURCES
from service.settings import Settings
from tests.api.asking import Told, ask, until
from tests.api.bodies import FLIGHTS, VISAS, on, origin, report, said, source
from tests.api.conftest import Headers, MakeKey
from tests.api.test_live import listened
from tests.api.test_waiting import in_app, record, talked, waiting
from tests.two_relations import BY_FR, ROUND, SECRET, SHARED, WINE, file_second_relation


@pytest.fixture
def closed(seeded_database_url: str) -> FastAPI:
    return create_app(Settings(database_url=seeded_database_url, read_access="key"))


@pytest.fixture
def client(closed: FastAPI, make_key: MakeKey) -> Iterator[TestClient]:
    """Yield a client of the seeded record with a second relation in it."""
    with TestClient(closed, raise_server_exceptions=False) as client:
        key = make_key("report", name=f"{SECRET}-desk")["Authorization"].removeprefix("Bearer ")
        file_second_relation(client, key)
        yield client


@pytest.fixture
def limited(make_key: MakeKey) -> Headers:
    return make_key("read", name="guest", relations=("ru-us",))


def test_a_limited_key_reads_nothing_of_another_relation(client: TestClient, limited: Headers) -> None:
    """Request every address in every format, with every recorded name for its parameters."""
    id = client.get("/v1/reports?relation=ru-us", headers=limited).json()["items"][-1]["id"]
    answered = 0
    for resource in RESOURCES:
        if "live" in resource.path:
            continue
        slug = {"rounds": "istanbul-april", "sources": SHARED}.get(resource.path.split("/")[2], "visas")
        path = resource.path.format(relation="ru-us", slug=slug, id=id)
        for query in ("", "?relation=ru-us", "?relation=ru-us&as_of_position=127", "?as_of_position=1000"):
            for media_type in resource.media_types:
                answer = client.get(f"{path}{query}", headers={**limited, "Accept": media_type})
                assert SECRET not in answer.text.lower(), f"{path}{query} as {media_type}"
                assert answer.status_code != 500
                answered += answer.status_code == 200
    assert answered > len(RESOURCES)


def test_a_limited_key_searches_its_relations_only(client: TestClient, limited: Headers, make_key: MakeKey) -> None:
    """Nor does the search suggest a name of another relation for a misspelt word."""
    for q in (SECRET, f"{SECRET}x"):
        own = client.get("/v1/search", params={"q": q, "relation": "ru-us"}, headers=limited).json()
        assert (own["items"], own["instead"]) == ([], {})
    anyone = client.get("/v1/search", params={"q": f"{SECRET}x", "relation": "fr-us"}, headers=make_key("read"))
    assert anyone.json()["instead"] == {f"{SECRET}x": [SECRET]}


def test_the_refusal_of_a_record_wide_address_names_the_address_to_use(client: TestClient, limited: Headers) -> None:
    for asked, instead in (
        ("/v1/changes", ["/v1/changes?relation=ru-us"]),
        ("/v1/events?type=ConcernRaised&limit=5", ["/v1/events?relation=ru-us&limit=5&type=ConcernRaised"]),
        ("/v1/irritants?status=raised", ["/v1/irritants?relation=ru-us&status=raised"]),
        ("/v1/events/live", ["/v1/events/live?relation=ru-us"]),
        ("/v1/changes.atom", ["/v1/changes.atom?relation=ru-us"]),
        ("/v1/relations", ["/v1/relations/ru-us"]),
        ("/v1/search?q=visas", ["/v1/search?relation=ru-us&q=visas"]),
        (f"/v1/sources/{SHARED}", [f"/v1/sources/{SHARED}?relation=ru-us"]),
    ):
        answer = client.get(asked, headers=limited)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
        assert answer.json()["instead"] == instead
        assert instead[0] in answer.json()["detail"]
        if "live" not in asked:
            assert client.get(instead[0], headers=limited).status_code == 200
    assert "instead" not in client.get("/v1/checkpoint", headers=limited).json()


def test_a_key_limited_to_two_relations_reads_both(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key("read", relations=("fr-us", "ru-us"))
    told = client.get("/v1/changes", headers=headers).json()
    assert told["instead"] == ["/v1/changes?relation=fr-us", "/v1/changes?relation=ru-us"]
    for address in told["instead"]:
        assert client.get(address, headers=headers).status_code == 200


def test_a_key_limited_to_no_relation_reads_nothing(client: TestClient, make_key: MakeKey) -> None:
    headers = make_key("read", relations=())
    assert client.get("/v1/irritants/ru-us/visas", headers=headers).status_code == 403
    assert client.get("/v1/irritants?relation=ru-us", headers=headers).status_code == 403


def test_a_limited_key_reads_the_sources_and_origins_that_its_relation_cites(
    client: TestClient, limited: Headers, make_key: MakeKey
) -> None:
    whole, other = make_key("read"), make_key("read", relations=("fr-us",))
    all_sources = {s["id"] for s in client.get("/v1/sources", headers=whole).json()["items"]}
    own = {s["id"] for s in client.get("/v1/sources?relation=ru-us", headers=limited).json()["items"]}
    theirs = client.get("/v1/sources?relation=fr-us", headers=other).json()["items"]
    assert own == all_sources - {f"{SECRET}-gazette"}
    assert {s["id"] for s in theirs} == {SHARED, f"{SECRET}-gazette"}
    # Of a shared document, it sees only the origins that its own relation cites.
    assert {o["origin"] for s in theirs for o in s["origins"]} == {f"{SECRET}-minister"}
    shared = client.get(f"/v1/sources/{SHARED}?relation=fr-us", headers=other).json()
    assert {a["stream"] for a in shared["assertions"]} == {WINE}
    assert len(client.get(f"/v1/sources/{SHARED}", headers=whole).json()["assertions"]) > len(shared["assertions"])


def test_the_sources_of_a_relation_are_paged(client: TestClient, limited: Headers) -> None:
    address, found = "/v1/sources?relation=ru-us&limit=2", list[str]()
    page = client.get(address, headers=limited).json()
    while page["next"] is not None:
        found += [one["id"] for one in page["items"]]
        page = client.get(f"{address}&cursor={page['next']}", headers=limited).json()
    found += [one["id"] for one in page["items"]]
    assert found == [s["id"] for s in client.get("/v1/sources?relation=ru-us", headers=limited).json()["items"]]


def test_where_reading_is_open_a_limited_key_reads_everything(seeded_database_url: str, make_key: MakeKey) -> None:
    with TestClient(create_app(Settings(database_url=seeded_database_url))) as client:
        headers = make_key("read", relations=("fr-us",))
        for path in ("/v1/changes", "/v1/irritants/ru-us/visas", "/v1/sources", "/v1/relations"):
            assert client.get(path, headers=headers).json() == client.get(path).json()


FR = {"stream": WINE, **said("ConcernRaised", **BY_FR)}


@pytest.mark.parametrize(
    "body",
    [
        report(on(FLIGHTS, "ConcernRaised"), expect={WINE: 1}),
        report(on(FLIGHTS, "ConcernRaised"), expect={f"irritant/fr-us/{SECRET}-nothing": 0}),
        report(on(VISAS, "IrritantWithdrawn", reason="Merged.", merged_into=WINE.partition("/")[2])),
        report(on(VISAS, "IrritantWithdrawn", reason="Merged.", merged_into="fr-us/nothing")),
        report(on(VISAS, "DiscussionReported", form="talks", round=ROUND.partition("/")[2])),
        report(on(VISAS, "DiscussionReported", form="talks", round="fr-us/nothing")),
        report(
            {
                "stream": VISAS,
                "type": "AssertionCorrected",
                "target": f"{VISAS}@2",
                "changes": {"round": ROUND.partition("/")[2]},
                "reason": "Misread.",
            }
        ),
        report(FR),
        {"events": [FR]},
        report(source(), origin(), relation="fr-us", round=ROUND.rpartition("/")[2]),
        report(source(), origin(), relation="fr-us", round="nothing"),
    ],
    ids=str,
)
def test_a_refused_report_reveals_nothing_about_another_relation(
    client: TestClient, make_key: MakeKey, body: dict[str, Any]
) -> None:
    headers = make_key("report", relations=("ru-us",))
    for dry_run in ("true", "false"):
        answer = client.post(
            f"/v1/reports?dry_run={dry_run}", json=body, headers={**headers, "Idempotency-Key": f"k-{dry_run}"}
        )
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
        assert not {"version", "allowed", "rung"} & answer.json().keys()


@pytest.mark.parametrize("member", [ROUND.partition("/")[2], "fr-us/nothing"])
def test_a_refused_append_reveals_nothing_about_another_relation(
    client: TestClient, make_key: MakeKey, member: str
) -> None:
    headers = make_key("report", relations=("ru-us",))
    answer = client.post(
        "/v1/irritants/ru-us/visas/events?dry_run=true",
        json=said("DiscussionReported", form="talks", round=member),
        headers={**headers, "If-Match": "*"},
    )
    assert answer.status_code == 403


def test_a_limited_key_still_files_on_its_own_relation(client: TestClient, make_key: MakeKey) -> None:
    headers = {**make_key("report", relations=("ru-us",)), "Idempotency-Key": "k"}
    filed = client.post("/v1/reports", json=report(source(), origin(), on(FLIGHTS, "ConcernRaised")), headers=headers)
    assert filed.status_code == 201
    assert client.get(filed.headers["location"], headers=headers).status_code == 200


def test_the_live_stream_of_a_relation_has_only_its_events(closed: FastAPI, make_key: MakeKey) -> None:
    limited, whole = make_key("read", relations=("ru-us",)), make_key("read")

    async def test(app: FastAPI) -> None:
        told, other = Told(), Told()
        listening = [
            asyncio.create_task(ask(app, "/v1/events/live?relation=ru-us", limited, told=told)),
            asyncio.create_task(ask(app, "/v1/events/live?relation=fr-us", whole, told=other)),
        ]
        await until(lambda: app.state.follower.waiting == 2)
        opened = {"type": "RelationOpened", "parties": ["FR", "US"], "title": "Talks", "stream": "relation/fr-us"}
        await record(app, opened, relation="fr-us")
        await record(app, talked(FLIGHTS))
        await until(lambda: listened(told) and listened(other))
        assert listened(told) == [(129, "DiscussionReported")]
        assert listened(other) == [(128, "RelationOpened")]
        for one in (told, other):
            one.left.set()
        await asyncio.gather(*listening)
        # Resumed before both events, each stream again has only its own.
        again = Told()
        resumed = asyncio.create_task(
            ask(app, "/v1/events/live?relation=ru-us", {**limited, "Last-Event-ID": "127"}, told=again)
        )
        await until(lambda: listened(again))
        assert listened(again) == [(129, "DiscussionReported")]
        again.left.set()
        await resumed

    in_app(test, closed)


def test_a_long_poll_outside_the_limit_is_refused_and_one_inside_waits(closed: FastAPI, make_key: MakeKey) -> None:
    limited = make_key("read", relations=("ru-us",))

    async def test(app: FastAPI) -> None:
        for path in ("/v1/changes?after=127", "/v1/irritants/fr-us/wine", "/v1/irritants"):
            assert (await ask(app, path, {**limited, **waiting("*")})).status == 403
        page = "/v1/changes?relation=ru-us&after=127"
        etag = (await ask(app, page, limited)).headers["etag"]
        waits = asyncio.create_task(ask(app, page, {**limited, **waiting(etag)}))
        await until(lambda: app.state.follower.waiting == 1)
        await record(app, talked(FLIGHTS))
        assert (await waits).status == 200

    in_app(test, closed)


def test_a_limited_key_is_suggested_no_document_of_another_relation(client: TestClient, make_key: MakeKey) -> None:
    cited = {"document": "a4-unamed-outlet", "paragraphs": [2], "origin": "darchiev-after-april"}
    body = report(on(FLIGHTS, "ConcernRaised", source=cited))
    told = {}
    for name, relations in (("whole", None), ("limited", ("ru-us",))):
        headers = make_key("read", "report", name=name, relations=relations)
        told[name] = client.post("/v1/reports?dry_run=true", json=body, headers=headers).json()["detail"]
    assert "Similar names on record: a4-unnamed-outlet." in told["whole"]
    assert "Similar names" not in told["limited"]


def test_a_limited_key_is_told_no_origins_of_a_document(client: TestClient, make_key: MakeKey) -> None:
    unknown = {"document": "a4-unnamed-outlet", "paragraphs": [2], "origin": "minister"}
    other = {"document": "a4-unnamed-outlet", "paragraphs": [2], "origin": "state-department-on-april"}
    body = report(on(FLIGHTS, "ConcernRaised", source=unknown), on(FLIGHTS, "ConcernRaised", source=other))
    for name, relations, told in (("whole", None, 2), ("limited", ("ru-us",), 0)):
        headers = make_key("read", "report", name=name, relations=relations)
        errors = client.post("/v1/reports?dry_run=true", json=body, headers=headers).json()["errors"]
        assert [error["type"] for error in errors] == [
            "/problems/unknown-origin",
            "/problems/origin-of-another-party",
        ]
        assert sum(" the document a4-unnamed-outlet: " in error["detail"] for error in errors) == told


def test_a_limited_key_is_told_nothing_of_what_a_document_has_on_record(client: TestClient, make_key: MakeKey) -> None:
    other = {"stream": "source/a4-unnamed-outlet", "type": "SourceRegistered", "publisher": "Another publisher"}
    for name, relations, told in (("whole", None, True), ("limited", ("ru-us",), False)):
        headers = make_key("read", "report", name=name, relations=relations)
        detail = client.post("/v1/reports?dry_run=true", json=report(other), headers=headers).json()["detail"]
        assert detail.startswith("source/a4-unnamed-outlet is already on record, with other contents")
        assert ("`publisher` is “" in detail) is told


def test_a_limited_key_is_suggested_an_irritant_of_its_own_relation(client: TestClient, limited: Headers) -> None:
    answer = client.get("/v1/irritants/ru-us/visa", headers=limited)
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("Similar addresses on record: /v1/irritants/ru-us/visas.")
