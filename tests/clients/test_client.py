"""The Python client, and every example of the page on polling, against a real server."""

import inspect
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from service import client
from service.api.problems import STATUS
from service.client import (
    Cursor,
    EventsMissing,
    Irritants,
    NotAllowed,
    NotFound,
    NotValid,
    OtherHistory,
    Problem,
    Unauthenticated,
    documents,
    errors,
)
from tests.api.bodies import VISAS, on, report
from tests.api.serving import Served, served
from tests.clients.conftest import BANKING, file

ROOT = Path(__file__).parents[2]


def test_the_client_lists_its_public_names() -> None:
    defined = {
        name
        for module in (client, errors)
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    returned = {"Change", "ChangeDocument", "Cursor", "Event", "IrritantDocument", "Receipt"}
    constants = inspect.get_annotations(client).keys()
    assert set(client.__all__) == {name for name in defined | constants if name[0] != "_"} | returned


def test_the_documents_of_the_client_are_those_of_the_contract() -> None:
    contract = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    models: dict[str, type[BaseModel]] = {
        "IrritantDocument": documents.IrritantDocument,
        "ChangeDocument": documents.ChangeDocument,
        "ReportReceipt": documents.Receipt,
    }
    for schema, model in models.items():
        ours = model.model_json_schema(mode="serialization")
        assert shape(ours, ours.get("$defs", {})) == shape(contract[schema], contract), schema


def shape(schema: object, parts: dict[str, Any]) -> object:
    """Return a schema without its texts and with its parts in place, to compare two of them."""
    if isinstance(schema, list):
        return [shape(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if (part := schema.get("$ref")) is not None:
        return shape(parts[part.rpartition("/")[2]], parts)
    if "properties" in schema:
        fields = {name: shape(field, parts) for name, field in schema["properties"].items()}
        if "pointer" in fields:
            fields["code"] = "any"  # a later release may add a code of a warning, and the report is then on record
        return fields, sorted(schema.get("required", ()))
    texts = {"title", "description", "$defs"}
    return {name: shape(value, parts) for name, value in schema.items() if name not in texts}


def test_every_problem_type_has_a_class_by_its_status() -> None:
    for name, status in STATUS.items():
        raised = errors.problem(status, {"type": f"/problems/{name}", "detail": "Why.", "errors": [{"detail": "Why."}]})
        assert (raised.name, raised.type, raised.status) == (name, name, status)
        assert (raised.detail, str(raised), raised.errors) == ("Why.", "Why.", [{"detail": "Why."}])
    classes = {name: type(errors.problem(status, {})).__name__ for name, status in STATUS.items()}
    assert classes["unauthenticated"] == "Unauthenticated"
    assert classes["forbidden"] == "Forbidden"
    assert classes["gone"] == "OtherHistory"
    assert {classes[n] for n in ("not-allowed", "irritant-closed", "undated-fall")} == {"NotAllowed"}
    assert {classes[n] for n in ("not-valid", "unknown-source", "unknown-parameter")} == {"NotValid"}


def test_the_text_of_a_problem_names_each_mistake_once() -> None:
    def text(detail: str, *mistakes: object) -> str:
        return str(errors.problem(422, {"detail": detail, "errors": mistakes and [*mistakes]}))

    title, event = {"pointer": "/title", "detail": "Too long."}, {"pointer": "/events/0/type", "detail": "Unknown."}
    assert text("2 mistakes.", title, event) == "2 mistakes.\n/title: Too long.\n/events/0/type: Unknown."
    assert text("Too long.", title) == "/title: Too long."
    assert text("limit must be one", {"parameter": "limit", "detail": "must be one"}) == "limit must be one"
    assert text("Why.", {"detail": "This."}, "of a later release", {"code": 7}) == "Why.\nThis."
    assert text("Why.") == "Why."


def test_certificates_are_loaded_only_for_tls(shared_server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with Irritants(shared_server.url) as irritants:
        assert irritants.status("ru-us/visas").id == "ru-us/visas"
    with pytest.raises(OSError, match="No such file"):
        Irritants(shared_server.url.replace("http:", "https:"))


def test_a_status_is_read_and_then_confirmed_by_304(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        first = irritants.status(BANKING)
        assert (first.status, first.confirmed_status) == ("formalised", "understanding")
        assert irritants.status(BANKING) is first


def test_a_long_poll_returns_at_once_after_a_change(server: Served, key: str) -> None:
    with Irritants(server.url) as irritants, ThreadPoolExecutor() as beside:
        before = irritants.status(BANKING)
        waiting = beside.submit(irritants.wait, BANKING, 20)
        file(server, key)
        after = waiting.result()
        assert after is not None
        assert (before.status, after.status) == ("formalised", "implementing")


def test_a_long_poll_without_a_change_returns_none(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        assert irritants.wait(BANKING, seconds=1) is None


def test_following_yields_every_event_once_and_resumes(server: Served, key: str) -> None:
    with Irritants(server.url) as irritants:
        seen = list(irritants.follow(wait=0))
        assert [event.position for event in seen] == list(range(1, len(seen) + 1))
        file(server, key)
        (new,) = irritants.follow(seen[-1].position, seen[-1].log, wait=0)
        assert (new.position, new.type) == (len(seen) + 1, "ImplementationReported")


def test_a_cursor_of_another_history_is_refused(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        *_, last = irritants.follow(wait=0)
        forged = last.log[:-1] + ("0" if last.log[-1] != "0" else "1")
        with pytest.raises(OtherHistory):
            list(irritants.follow(last.position, forged, wait=0))


def test_a_missing_event_is_noticed(shared_server: Served) -> None:
    def without_the_second(request: httpx2.Request) -> httpx2.Response:
        page = httpx2.get(f"{shared_server.url}{request.url.raw_path.decode()}").json()
        del page["items"][1]
        return httpx2.Response(200, json=page)

    with Irritants(shared_server.url) as irritants:
        irritants._http = httpx2.Client(base_url=shared_server.url, transport=httpx2.MockTransport(without_the_second))
        with pytest.raises(EventsMissing):
            list(irritants.follow(wait=0))


def test_an_unknown_irritant_raises_a_problem_with_its_name(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants, pytest.raises(Problem) as told:
        irritants.status("ru-us/cheese")
    assert (told.value.status, told.value.type) == (404, "not-found")


def test_an_unknown_irritant_raises_the_class_of_its_status(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants, pytest.raises(NotFound, match="ru-us/cheese"):
        irritants.status("ru-us/cheese")


def test_any_document_is_read_and_then_confirmed_by_304(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        board = irritants.get("/v1/relations/ru-us/board")
        assert len(board["items"]) == 5
        assert irritants.get("/v1/relations/ru-us/board") is board
        first = irritants.get("/v1/relations/ru-us/ledger", on="2025-06-01")
        assert irritants.get("/v1/relations/ru-us/ledger", on="2025-06-02") is not first


def test_following_changes_yields_each_once_and_resumes(server: Served, key: str) -> None:
    with Irritants(server.url) as irritants:
        seen = list(irritants.follow_changes(wait=0))
        assert [change.position for change in seen] == sorted(change.position for change in seen)
        for n, change in enumerate(seen):
            rest = list(irritants.follow_changes(*change.cursor, wait=0))
            assert [c.sentence for c in rest] == [c.sentence for c in seen[n + 1 :]]
        assert list(irritants.follow_changes(*seen[-1].cursor, wait=0)) == []
        file(server, key)
        (new,) = irritants.follow_changes(*seen[-1].cursor, wait=0)
        assert (new.irritant, new.after.status, new.reason) == (BANKING, "implementing", "world")


def test_changes_of_one_position_are_not_lost_when_the_caller_stops_between_them() -> None:
    cursors = client._cursors([4, 7, 7, 9], Cursor(12, "12-abc"), 2)
    assert cursors == [Cursor(4, ""), Cursor(4, ""), Cursor(7, ""), Cursor(12, "12-abc")]


def test_following_waits_for_the_next_change(server: Served, key: str) -> None:
    with Irritants(server.url) as irritants, ThreadPoolExecutor() as beside:
        *_, last = irritants.follow_changes(wait=0)
        waiting = beside.submit(next, irritants.follow_changes(*last.cursor))
        file(server, key)
        assert waiting.result(timeout=30).irritant == BANKING


def test_following_one_relation_leaves_out_others(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        every = list(irritants.follow(wait=0))
        of_the_relation = list(irritants.follow(relation="ru-us", wait=0))
        assert 0 < len(of_the_relation) < len(every)
        assert list(irritants.follow(*of_the_relation[-1].cursor, relation="ru-us", wait=0)) == []
        assert len(list(irritants.follow_changes(relation="ru-us", wait=0))) > 0


def test_a_cursor_of_another_history_of_changes_is_refused(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        *_, last = irritants.follow_changes(wait=0)
        forged = last.cursor.log[:-1] + ("0" if last.cursor.log[-1] != "0" else "1")
        with pytest.raises(OtherHistory) as raised:
            list(irritants.follow_changes(last.cursor.after, forged, wait=0))
        assert str(raised.value.start_over).endswith("/v1/changes?after=0")


def test_a_report_is_filed_once(server: Served, key: str) -> None:
    body = report(on(VISAS, "ConcernRaised"))
    with Irritants(server.url, key=key) as irritants:
        receipt = irritants.file(body, idempotency_key="once")
        assert receipt.events[0].stream == VISAS
        assert irritants.file(body, idempotency_key="once") == receipt
        assert irritants.file(body).position > receipt.position


def test_a_refused_report_raises_its_class_with_every_mistake(server: Served, key: str) -> None:
    with Irritants(server.url, key=key) as irritants:
        with pytest.raises(NotValid) as raised:
            irritants.file({"relation": "ru-us", "title": "Nothing", "events": [{}, {}]})
        assert {mistake["pointer"].split("/")[2] for mistake in raised.value.errors} == {"0", "1"}
        unopened = report(on("irritant/ru-us/cheese", "ConcernRaised"))
        with pytest.raises(NotAllowed) as refused:
            irritants.file(unopened)
        assert refused.value.name == "not-opened"


def test_a_report_without_a_key_is_refused(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants, pytest.raises(Unauthenticated):
        irritants.file(report(on(VISAS, "ConcernRaised")))


def test_a_report_is_sent_again_after_an_outage(seeded_database_url: str, key: str) -> None:
    with served(seeded_database_url) as first:
        url, (_, port) = first.url, first.address
    again: list[object] = []

    def comes_back(_: float) -> None:
        if not again:
            again.append(serving.__enter__())

    serving = served(seeded_database_url, port=port)
    with Irritants(url, key=key, pause=comes_back) as irritants:
        assert irritants.file(report(on(VISAS, "ConcernRaised"))).events[0].stream == VISAS
    serving.__exit__(None, None, None)
    assert again


def test_a_list_is_filtered(shared_server: Served) -> None:
    with Irritants(shared_server.url) as irritants:
        assert {one.id for one in irritants.statuses(awaiting="US")} == {
            "ru-us/direct-flights",
            "ru-us/property-return",
        }


def test_the_client_retries_during_an_outage(seeded_database_url: str) -> None:
    with served(seeded_database_url) as first:
        url, (_, port) = first.url, first.address
    again: list[object] = []

    def comes_back(_: float) -> None:
        if not again:
            again.append(serving.__enter__())

    serving = served(seeded_database_url, port=port)
    with Irritants(url, pause=comes_back) as irritants:
        assert irritants.status(BANKING).status == "formalised"
    serving.__exit__(None, None, None)
    assert again


def examples(language: str, url: str) -> list[str]:
    page = (ROOT / "docs" / "polling.md").read_text(encoding="utf-8").replace("http://127.0.0.1:8000", url)
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def run(*command: str, folder: Path) -> list[str]:
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_examples_with_curl(server: Served, tmp_path: Path) -> None:
    script = "set -eu\n" + "".join(examples("sh", server.url))
    assert run("sh", "-c", script, folder=tmp_path) == ["304", "304"]


def test_the_examples_with_python(server: Served, tmp_path: Path) -> None:
    (script,) = examples("python", server.url)
    status, news, *rest = run(sys.executable, "-c", script, folder=tmp_path)
    assert (status, news) == ("formalised understanding one_side", "no news")
    events = [line for line in rest if line[0].isdigit()]
    assert len(events) == 7
    assert len(rest) > len(events)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_examples_with_javascript(server: Served, tmp_path: Path) -> None:
    (script,) = examples("js", server.url)
    (tmp_path / "follow.mjs").write_text(script, encoding="utf-8")
    lines = run("node", "follow.mjs", folder=tmp_path)
    assert lines[-1].split()[1] == "ru-us/property-return"
