"""The owner of a record registers labels, and keys that see events up to one of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from service.domain.handling import HIGHEST_RANK, Labels
from service.read_models.rebuild import rebuild, verify_documents
from service.store.engine import connection, transaction
from service.store.keys import Scope
from service.store.tables import variants
from tests.cli.conftest import Ended, irritants
from tests.handling.conftest import VISAS, Headers
from tests.keys import key_on

CANARY = "Zanzibar"
DOSSIER = "/v1/irritants/ru-us/visas/dossier"


@pytest.fixture
def run(seeded_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    monkeypatch.setenv("IRRITANTS_DATABASE_URL", seeded_database_url)
    return irritants


def concern(label: str, summary: str) -> dict[str, Any]:
    return {
        "type": "ConcernRaised",
        "stream": VISAS,
        "asserted_by": {"party": "US", "channel": "attributed"},
        "source": {"document": "a2-tataru", "paragraphs": [3], "origin": "us-side-on-february"},
        "summary": summary,
        "handling": label,
    }


def labels(run: Callable[..., Ended]) -> dict[str, int]:
    return {label["name"]: label["rank"] for label in json.loads(run("label", "list", "--json").out)["items"]}


def of(engine: Engine, clearance: str) -> Headers:
    return {"Authorization": f"Bearer {key_on(engine, 'report', name=clearance, clearance=clearance)}"}


def test_a_new_label_is_between_the_one_below_and_the_next_higher_one(run: Callable[..., Ended]) -> None:
    assert labels(run) == {"open": 0, "restricted": 500}
    assert run("label", "add", "internal", "--above", "open").out == (
        "The label internal is registered above open, with the rank 250.\n"
    )
    assert json.loads(run("label", "add", "secret", "--above", "restricted", "--json").out) == {
        "name": "secret",
        "rank": 750,
    }
    assert labels(run) == {"open": 0, "internal": 250, "restricted": 500, "secret": 750}
    assert [line.split() for line in run("label", "list").out.splitlines()[1:]] == [
        ["open", "0"],
        ["internal", "250"],
        ["restricted", "500"],
        ["secret", "750"],
    ]


@pytest.mark.parametrize(
    ("name", "above", "code", "sentence"),
    [
        ("restricted", "open", 1, "the label restricted exists; `irritants label list` lists all labels"),
        ("Most Secret", "open", 2, 'invalid name "Most Secret"; use lower-case letters, digits and hyphens'),
        ("secret", "internal", 2, 'invalid --above "internal"; the labels of this record are open, restricted'),
    ],
)
def test_a_label_that_cannot_be_registered_is_refused(
    run: Callable[..., Ended], name: str, above: str, code: int, sentence: str
) -> None:
    refused = run("label", "add", name, "--above", above)
    assert (refused.code, refused.out) == (code, "")
    assert refused.err.startswith(f"irritants: {sentence}")
    assert labels(run) == {"open": 0, "restricted": 500}


def test_a_label_is_refused_if_no_rank_is_left(run: Callable[..., Ended]) -> None:
    refused = next(e for n in range(12) if (e := run("label", "add", f"label-{n}", "--above", "open")).code)
    assert refused.err == (
        "irritants: no rank is left between open and the next higher label; choose another label with --above\n"
    )
    assert run("label", "add", "secret", "--above", "restricted").code == 0


def test_every_label_is_below_the_clearance_of_an_administrator() -> None:
    known, top = {"open": 0}, "open"
    while (rank := Labels(known).rank_above(top)) is not None:
        top = f"label-{rank}"
        known[top] = rank
    assert max(known.values()) == HIGHEST_RANK - 1


def test_a_key_sees_events_up_to_its_clearance(run: Callable[..., Ended]) -> None:
    created = json.loads(run("key", "create", "anna", "--scope", "read", "--clearance", "restricted", "--json").out)
    assert created["clearance"] == "restricted"
    assert run("key", "create", "boris", "--scope", "read").code == 0
    assert run("key", "create", "carla", "--scope", "admin").code == 0
    listed = json.loads(run("key", "list", "--json").out)["items"]
    assert {key["name"]: key["clearance"] for key in listed} == {"anna": "restricted", "boris": "open", "carla": None}
    rows = [line.split()[1:5] for line in run("key", "list").out.splitlines()[1:]]
    assert rows == [
        ["anna", "read", "all", "restricted"],
        ["boris", "read", "all", "open"],
        ["carla", "admin", "all", "all"],
    ]


def test_a_key_for_an_unknown_label_is_refused_with_the_labels(run: Callable[..., Ended]) -> None:
    refused = run("key", "create", "anna", "--scope", "read", "--clearance", "secret")
    assert (refused.code, refused.err) == (
        2,
        'irritants: invalid --clearance "secret"; the labels of this record are open, restricted\n',
    )
    assert json.loads(run("key", "list", "--json").out) == {"items": []}


def test_a_running_service_withholds_from_the_readers_of_a_new_label(
    client: TestClient, file: Callable[..., Any], cleared: Headers, engine: Engine, run: Callable[..., Ended]
) -> None:
    assert file(cleared, concern("restricted", f"{CANARY} before.")).status_code == 201
    assert run("label", "add", "internal", "--above", "open").code == 0
    internal = of(engine, "internal")
    open_dossier = client.get(DOSSIER).json()
    assert client.get(DOSSIER, headers=internal).json() == open_dossier
    assert client.get("/v1/irritants/ru-us/visas", headers=internal).json() == (
        client.get("/v1/irritants/ru-us/visas").json()
    )
    verify_documents(engine)
    # The process that filed before knows the new label now.
    assert file(cleared, concern("restricted", f"{CANARY} afterwards.")).status_code == 201
    assert file(internal, concern("internal", "Said internally.")).status_code == 201
    for address in (DOSSIER, "/v1/search?q=Zanzibar", "/v1/irritants/ru-us/visas"):
        assert CANARY not in client.get(address, headers=internal).text.replace("q=Zanzibar", ""), address
    assert "Said internally." in client.get(DOSSIER, headers=internal).text
    assert client.get(DOSSIER).json() == open_dossier
    verify_documents(engine)
    assert rebuild(engine) == 0


def test_a_rebuild_restores_the_documents_of_an_audience(
    file: Callable[..., Any], cleared: Headers, engine: Engine, client: TestClient
) -> None:
    assert file(cleared, concern("restricted", f"{CANARY} was named.")).status_code == 201
    before = client.get(DOSSIER).json()
    with transaction(engine) as c:
        stored = c.execute(variants.delete()).rowcount
    assert rebuild(engine) == stored > 0
    with connection(engine) as c:
        assert len(c.execute(variants.select()).all()) == stored
    assert client.get(DOSSIER).json() == before


def test_the_page_of_a_signed_in_visitor_shows_the_clearance(client: TestClient, engine: Engine) -> None:
    client.base_url = "http://127.0.0.1"  # where a browser keeps the cookie without encryption
    visitors: list[tuple[Scope, str, str]] = [
        ("read", "open", "You see events up to the handling label open."),
        ("read", "restricted", "You see events up to the handling label restricted."),
        ("admin", "open", "You see events with any handling label."),
    ]
    for scope, clearance, sentence in visitors:
        token = key_on(engine, scope, clearance=clearance)
        client.cookies.clear()
        signed_in = client.post("/sign-in", data={"key": token}, headers={"Sec-Fetch-Site": "same-origin"})
        assert signed_in.status_code == 200
        assert sentence in client.get("/sign-in").text
