"""While a process of an earlier release runs, nothing is recorded that it could not read; all else is.

A session that is named as those of release 0.2.0 stands for that process here. `tests/test_previous_release.py` has the
release itself.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

from service.api.app import create_app
from service.domain import catalogue, vocabulary
from service.settings import Settings
from service.store.engine import connection, open_engine
from service.store.keys import Scope
from service.store.log import read_head
from tests.api.bodies import FLIGHTS, VISAS, on, report, source
from tests.api.serving import until
from tests.cli.conftest import irritants
from tests.first_vocabulary import REPORTS
from tests.keys import new_key

LEAKED = {"party": "RU", "channel": "leaked"}
NEW: dict[str, tuple[dict[str, Any], str]] = {
    "a new type": (on(VISAS, "BreachAlleged", by="US", reason="Queues."), "BreachAlleged"),
    "a new field": (
        on(FLIGHTS, "ProposalTabled", kind="offer", addressee="US", terms="Daily.", due="2030"),
        "ProposalTabled version 2",
    ),
    "a new value": (on(VISAS, "ConcernRaised", asserted_by=LEAKED), "ConcernRaised version 2"),
    "a field that may be absent now": (on(VISAS, "HoldPlaced", kind="stalled", reason="…"), "HoldPlaced version 2"),
    "a new actor": (
        on(VISAS, "NextStepAgreed", step="mediation", owner="UN", action="Mediate."),
        "NextStepAgreed version 2",
    ),
    "a correction that adds a new field": (
        {
            "stream": FLIGHTS,
            "type": "AssertionCorrected",
            "target": f"{FLIGHTS}@2",
            "changes": {"asserted_by": {"channel": "leaked"}},
            "reason": "The text was leaked.",
        },
        "AssertionCorrected version 2",
    ),
    "an event that is withheld from some readers": (
        on(VISAS, "ConcernRaised", handling="restricted"),
        "handling labels",
    ),
    "a new kind of stream": (
        {"stream": "actor/iaea", "type": "ActorRegistered", "actor": "iaea", "kind": "organisation", "names": ["IAEA"]},
        "ActorRegistered, actor/iaea",
    ),
}


@contextmanager
def earlier_release(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, application_name="irritants-head", autocommit=True) as c:
        yield c


@contextmanager
def desk(url: str, *scopes: Scope, clearance: str = "restricted") -> Iterator[TestClient]:
    key = new_key(url, *scopes, clearance=clearance)
    with TestClient(create_app(Settings(database_url=url)), headers={"Authorization": f"Bearer {key}"}) as c:
        yield c


def filed(client: TestClient, body: dict[str, Any], key: str, **parameters: str) -> Any:
    return client.post("/v1/reports", json=body, headers={"Idempotency-Key": key}, params=parameters)


def position(client: TestClient) -> int:
    return int(client.get("/v1/events?limit=1").headers["Irritants-Position"])


@pytest.mark.parametrize("case", NEW)
def test_what_the_earlier_release_cannot_read_waits_until_it_is_gone(seeded_database_url: str, case: str) -> None:
    new, named = NEW[case]
    with desk(seeded_database_url) as client:
        with earlier_release(seeded_database_url) as session:
            before = position(client)
            refused = filed(client, report(on(FLIGHTS, "ConcernRaised"), new), "new")
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
            problem = refused.json()
            assert (problem["type"], problem["status"]) == ("/problems/earlier-release", 503)
            assert f"cannot read {named.replace(', ', ' and ')}." in problem["detail"]
            assert f"the database sessions {session.info.backend_pid} (" in problem["detail"]
            assert filed(client, report(new), "new", dry_run="true").status_code == 503
            assert position(client) == before
        until(lambda: filed(client, report(on(FLIGHTS, "ConcernRaised"), new), "new").status_code == 201)
        assert position(client) == before + 2


def test_a_label_is_changed_only_without_an_earlier_release(seeded_database_url: str) -> None:
    with desk(seeded_database_url, "admin") as client:
        first = filed(client, report(on(VISAS, "ConcernRaised")), "open").json()["events"][0]
        change = {"type": "HandlingChanged", "stream": VISAS, "target": first["id"], "label": "restricted"}
        with earlier_release(seeded_database_url):
            refused = filed(client, report({**change, "reason": "It is not public."}), "raise")
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/earlier-release")
        body = report({**change, "reason": "It is not public."})
        until(lambda: filed(client, body, "raise").status_code == 201)


def test_an_event_that_becomes_restricted_by_its_target_waits_too(seeded_database_url: str) -> None:
    with desk(seeded_database_url) as client:
        first = filed(client, report(on(VISAS, "ConcernRaised", handling="restricted")), "first").json()["events"][0]
        retracted = {"type": "AssertionRetracted", "stream": VISAS, "target": first["id"], "reason": "It was not said."}
        time.sleep(0.6)  # the processes are looked up at most twice a second
        with earlier_release(seeded_database_url):
            refused = filed(client, report(retracted), "retracted")
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/earlier-release")
            assert "cannot read handling labels." in refused.json()["detail"]


def test_whatever_the_earlier_release_can_read_is_recorded_beside_it(seeded_database_url: str) -> None:
    with desk(seeded_database_url) as client, earlier_release(seeded_database_url):
        for number, body in enumerate(REPORTS):
            answer = filed(client, body, f"ordinary-{number}")
            assert answer.status_code == 201, answer.text
        page = client.get("/v1/events?after=127&limit=1000").json()["items"]
    assert {item["type"].rpartition(".")[2] for item in page} == {"v1"}
    assert {item["data"]["type"] for item in page} == vocabulary.RELEASED[0].keys()


def test_other_reports_of_the_same_moment_are_recorded(seeded_database_url: str) -> None:
    with desk(seeded_database_url) as client, earlier_release(seeded_database_url):
        assert filed(client, report(NEW["a new type"][0]), "new").status_code == 503
        assert filed(client, report(on(VISAS, "ConcernRaised")), "ordinary").status_code == 201


def test_a_report_on_record_is_replayed_beside_an_earlier_release(seeded_database_url: str) -> None:
    with desk(seeded_database_url) as client:
        first = filed(client, report(NEW["a new type"][0]), "new")
        assert first.status_code == 201
        with earlier_release(seeded_database_url):
            again = filed(client, report(NEW["a new type"][0]), "new")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()


def test_an_ordinary_report_does_not_ask_which_releases_run(seeded_database_url: str) -> None:
    asked: list[str] = []
    app = create_app(Settings(database_url=seeded_database_url))
    event.listen(app.state.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    key = new_key(seeded_database_url)
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        assert filed(client, report(on(VISAS, "ConcernRaised"), source()), "ordinary").status_code == 201
        assert not any("pg_stat_activity" in statement for statement in asked)
        for number in range(5):
            new = on(VISAS, "BreachAlleged", by="US", reason=f"Queue {number}.")
            assert filed(client, report(new), f"new-{number}").status_code == 201
    assert sum("pg_stat_activity" in statement for statement in asked) in range(1, 5)


def test_an_export_with_new_events_is_not_imported_beside_an_earlier_release(
    seeded_database_url: str, database_url: str, tmp_path: Path
) -> None:
    export = tmp_path / "export.jsonl"
    with desk(seeded_database_url) as client:
        assert filed(client, report(NEW["a new type"][0]), "new").status_code == 201
    assert irritants("export", str(export), "--database", seeded_database_url).code == 0
    with earlier_release(database_url):
        refused = irritants("import", str(export), "--database", database_url)
        assert refused.code == 1
        assert "cannot read BreachAlleged." in refused.err.replace("\n", " ")
        assert head(database_url) == 0
    until(lambda: irritants("import", str(export), "--database", database_url).code == 0)
    assert head(database_url) == 128


def head(url: str) -> int:
    engine: Engine = open_engine(url)
    with connection(engine) as c:
        found = read_head(c).position
    engine.dispose()
    return found


def test_the_seeds_are_filed_beside_an_earlier_release(database_url: str) -> None:
    from service.seeding import seed  # noqa: PLC0415 -- only here

    engine = open_engine(database_url)
    with earlier_release(database_url):
        assert seed(engine) == 9
    engine.dispose()


@pytest.mark.parametrize("type", sorted(vocabulary.RELEASED[0]))
def test_version_1_of_a_type_has_the_fields_that_release_0_2_0_knows(type: str) -> None:
    """What this release writes as version 1 must not have more. The schema of 0.2.0 is in openapi/released.json."""
    schema = released()[type]["properties"]
    fields = {field.alias or name: name for name, field in catalogue.EVENT_TYPES[type].model_fields.items()}
    added = {name for name, _ in vocabulary._FIELDS.get(type, ())}
    assert {fields[field] for field in fields.keys() - schema.keys()} == added


def released() -> dict[str, Any]:
    path = Path(__file__).parents[1] / "openapi" / "released.json"
    schemas: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]
    return schemas
