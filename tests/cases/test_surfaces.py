"""The cases on every surface: filed over HTTP into one real record beside the seeds, and read as clients read them.

A golden file has the document that a fresh record would give. So ids and positions are counted from the first event of
the case.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from service import reportfile
from service.api.app import create_app
from service.projections.irritant import IrritantDocument
from service.projections.words.names import at_the_beginning, name_of
from service.settings import Settings
from service.web.site import add_pages
from tests.cases.filing import FOLDER
from tests.cases.test_cases import CASES, EXPECTED, HEADLINES, TOLD, told
from tests.cli.conftest import irritants, served
from tests.conftest import Clone
from tests.keys import new_key

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
RECORDED = re.compile(r"\d{4}-\d\d-\d\dT[^\"]*Z")


@dataclass
class Record:
    """A record with the seeds and all cases. `events`: by case, the ids of its events in order."""

    url: str
    client: TestClient
    events: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)

    def file(self, case: str) -> None:
        for path in sorted(FOLDER.glob(f"{case}-*.yaml")):
            body = reportfile.read(path.read_bytes()).body
            answer = self.client.post("/v1/reports", json=body, headers={"Idempotency-Key": path.stem})
            assert answer.status_code == 201, answer.text
            receipt = answer.json()
            self.before.setdefault(case, receipt["first_position"] - 1)
            self.events.setdefault(case, []).extend(event["id"] for event in receipt["events"])

    def read(self, path: str, accept: str = "application/json") -> Any:
        answer = self.client.get(path, headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        return answer.json() if accept == "application/json" else answer.text

    def document(self, irritant: str) -> IrritantDocument:
        return IrritantDocument.model_validate(self.read(f"/v1/irritants/{irritant}"))

    def as_on_a_fresh_record(self, case: str, document: Mapping[str, Any]) -> Any:
        """A document with the ids and positions that the golden file has."""
        text = json.dumps(document, ensure_ascii=False)
        for number, id in enumerate(self.events[case], 1):
            text = text.replace(f'"{id}"', f'"e{number}"')
        fresh = json.loads(RECORDED.sub("then", text))
        fresh["position"] -= self.before[case]
        if fresh["last_moved"]["position"] is not None:
            fresh["last_moved"]["position"] -= self.before[case]
        return fresh

    @cached_property
    def irritants(self) -> dict[str, dict[str, Any]]:
        """Every irritant of the record by id, as the list has it."""
        return {item["id"]: item for item in self.read("/v1/irritants?limit=1000")["items"]}

    @cached_property
    def boards(self) -> dict[str, dict[str, Any]]:
        relations = sorted({id.partition("/")[0] for id in self.irritants})
        return {relation: self.read(f"/v1/relations/{relation}/board") for relation in relations}

    @cached_property
    def printed_boards(self) -> dict[str, str]:
        """The first table that `irritants board` prints, by relation."""
        return {relation: done("board", relation).partition("Over the rounds")[0] for relation in self.boards}

    def row(self, irritant: str) -> dict[str, Any]:
        (row,) = (row for row in self.boards[irritant.partition("/")[0]]["items"] if row["id"] == irritant)
        return dict(row)


def done(*arguments: str) -> str:
    ended = irritants(*arguments)
    assert ended.code == 0, ended.err
    return ended.out


@pytest.fixture(scope="module")
def record(clone: Clone, seeded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    with ExitStack() as ends, pytest.MonkeyPatch.context() as environment:
        address = ends.enter_context(clone(seeded_template))
        signing = tmp_path_factory.mktemp("cases") / "checkpoint.key"
        app = create_app(Settings(database_url=address, checkpoint_key=signing), clock=lambda: NOW)
        add_pages(app)
        client = ends.enter_context(TestClient(app))
        client.headers["Authorization"] = f"Bearer {new_key(address, 'read', 'report')}"
        record = Record(ends.enter_context(served(address)), client)
        environment.setenv("IRRITANTS_URL", record.url)
        for case in CASES:
            record.file(case)
        yield record


@pytest.fixture(autouse=True)
def _at_the_desk(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRRITANTS_URL", record.url)


@pytest.mark.parametrize("case", CASES)
def test_http_gives_the_golden_documents(record: Record, case: str) -> None:
    golden = json.loads((EXPECTED / f"{case}.json").read_text(encoding="utf-8"))
    for stream, document in golden.items():
        found = record.as_on_a_fresh_record(case, record.read(f"/v1/{stream.replace('irritant/', 'irritants/')}"))
        assert found == {**document, "recorded_at": "then"}


@pytest.mark.parametrize(("case", "irritant"), TOLD, ids=lambda it: it)
def test_what_an_expert_expects_is_on_each_surface(record: Record, case: str, irritant: str) -> None:
    expected, document = TOLD[case, irritant], record.document(irritant)
    found = told(document)
    assert {name: found[name] for name in expected} == expected
    dossier = record.read(f"/v1/irritants/{irritant}/dossier")
    assert IrritantDocument.model_validate(dossier["irritant"]) == document
    assert set(dossier["columns"]) == {*document.parties, *(t.actor for t in document.third_parties), "MEDIA"}
    row = record.row(irritant)
    assert row["rungs"] == found["rungs"]
    assert {party: word and word["occurred"] for party, word in row["latest"].items()} == found["latest"]
    assert [third["actor"] for third in row["third_parties"]] == found["third_parties"]
    on_board = {
        "status",
        "confirmed_status",
        "reported_status",
        "basis",
        "lifecycle",
        "hold",
        "awaiting",
        "regressions",
    }
    assert {name: row[name] for name in on_board} == {name: found[name] for name in on_board}
    assert [(d["kind"], d["alleged_by"], d["about"], d["denied"]) for d in row["disputes"]] == found["disputes"]
    assert (row["items"]["settled"], row["items"]["total"]) == found["items"]


def in_words(word: str) -> str:
    return "nothing" if word == "unstated" else word.replace("_", " ")


@pytest.mark.parametrize(("case", "irritant"), TOLD, ids=lambda it: it)
def test_the_command_line_prints_what_an_expert_expects(record: Record, case: str, irritant: str) -> None:
    document = record.document(irritant)
    (line,) = (
        line for line in record.printed_boards[document.relation].splitlines() if line.startswith(f"{irritant} ")
    )
    cells = re.split(r" {2,}", line)
    statuses = [document.status, document.confirmed_status, document.reported_status, document.basis]
    assert cells[1:5] == [*map(in_words, statuses)]
    names = {**document.names}
    awaited = at_the_beginning(names.get(document.awaiting) or name_of(document.awaiting))
    assert awaited in cells
    assert cells[-1] == document.headline
    for shown in (done("status", irritant), done("dossier", irritant)):
        assert document.headline in shown.splitlines()
        for party, side in document.parties.items():
            name = at_the_beginning(names[party])
            assert f"  {name}: {side.rung.replace('_', ' ')}" in shown
            assert re.search(rf"^  {name}: .*  silent$", shown, re.MULTILINE) is not None or not side.silent
    assert document.headline in done("get", f"irritants/{irritant}")


def pages_of(record: Record, irritant: str) -> Iterator[str]:
    relation = irritant.partition("/")[0]
    yield record.read(f"/irritants/{irritant}", "text/html")
    yield record.read(f"/?relation={relation}", "text/html")


def latest_changes(record: Record) -> dict[str, dict[str, Any]]:
    """The last change of each irritant."""
    changes = record.read("/v1/changes?limit=1000")["items"]
    return {change["irritant"]: change for change in changes}


def test_every_surface_shows_the_same_sentence(record: Record) -> None:
    """Of all seeds and cases: the interface, the pages, the command line, Atom, changes, sheets and tables."""
    headlines = {id: item["headline"] for id, item in record.irritants.items()}
    assert len(headlines) > len(TOLD)
    changes = latest_changes(record)
    status = done("status").splitlines()
    for relation, board in record.boards.items():
        own = {id: headline for id, headline in headlines.items() if id.startswith(f"{relation}/")}
        matrix = record.read(f"/v1/relations/{relation}/matrix")
        table = csv.DictReader(io.StringIO(record.read(f"/v1/relations/{relation}/board", "text/csv")))
        atom = unescape(record.read(f"/v1/changes.atom?relation={relation}", "application/atom+xml"))
        told_in = done("changes", "--relation", relation).splitlines()
        assert {row["id"]: row["headline"] for row in board["items"]} == own
        assert {row["irritant"]: row["headline"] for row in matrix["items"]} == own
        assert {row["id"]: row["headline"] for row in table} == own
        for id, headline in own.items():
            assert record.read(f"/v1/irritants/{id}")["headline"] == headline
            assert record.read(f"/v1/irritants/{id}/dossier")["irritant"]["headline"] == headline
            assert changes[id]["after"]["headline"] == headline
            assert f"        {headline}" in told_in
            assert any(line.startswith(f"{id} ") and line.endswith(f"  {headline}") for line in status)
            assert headline in atom
            for page in pages_of(record, id):
                assert headline in unescape(page)


def test_a_sheet_has_the_sentence_of_its_round(record: Record) -> None:
    rounds = [item["id"] for item in record.read("/v1/rounds?limit=1000")["items"]]
    for id in rounds:
        sheet = record.read(f"/v1/rounds/{id}/sheet")
        text = record.read(f"/v1/rounds/{id}/sheet", "text/markdown").replace("\\", "")
        page = unescape(record.read(f"/rounds/{id}", "text/html"))
        for item in sheet["items"]:
            assert item["after"]["headline"] in text
            assert item["after"]["headline"] in page


def test_the_sheet_of_a_case_shows_what_its_round_brought(record: Record) -> None:
    sheet = record.read("/v1/rounds/cn-in/sr-23-beijing/sheet")
    after = {item["irritant"]: item["after"] for item in sheet["items"]}
    assert after["cn-in/lac-patrolling"]["rungs"] == {"CN": "understanding", "IN": "formalised"}
    assert after["cn-in/kailash-yatra"]["rungs"] == {"CN": "formalised", "IN": "understanding"}


@pytest.mark.parametrize(("case", "irritant"), HEADLINES, ids=lambda it: it)
def test_the_page_says_what_it_must_and_no_more(record: Record, case: str, irritant: str) -> None:
    headline = record.document(irritant).headline
    said, unsaid = HEADLINES[case, irritant]
    assert [words for words in said if words not in headline] == []
    assert [words for words in unsaid if words in headline] == []


def needs(record: Record, irritant: str, on: str = "2026-06-30") -> set[str]:
    relation = irritant.partition("/")[0]
    found = record.read(f"/v1/relations/{relation}/needs-confirmation?on={on}")["items"]
    return {item["kind"] for item in found if item["about"] == f"irritant/{irritant}"}


def test_what_needs_confirmation_over_http(record: Record) -> None:
    assert "one_origin" not in needs(record, "cn-in/border-trade")
    assert "run_out" in needs(record, "cn-us/tariffs")
    assert "run_out" not in needs(record, "cn-us/tariffs", "2025-11-10")
    assert "latest_word_below_rung" not in needs(record, "cn-us/tariffs")
    assert "dispute" in needs(record, "cn-us/rare-earths")
    assert "items_outstanding" in needs(record, "co-ve/border")


def step(record: Record, relation: str, name: str) -> dict[str, Any]:
    steps = record.read(f"/v1/relations/{relation}/ledger?on=2026-06-30")["steps"]
    (found,) = (step for step in steps if step["step"] == name)
    return dict(found)


def test_steps_over_http(record: Record) -> None:
    suspended = step(record, "cn-us", "suspend-24-points")
    assert (suspended["due"]["edtf"], suspended["terms_confirmed"]) == ("2025-11-10", True)
    cycle = step(record, "mx-us", "cycle-36")
    assert (cycle["open"], cycle["overdue"], cycle["outcomes"]) == (True, True, {"US": "lapsed"})
    assert (step(record, "pl-ua", "working-group")["owner"], step(record, "pl-ua", "working-group")["open"]) == (
        "both",
        True,
    )
    commission = step(record, "hu-ua", "commission")
    assert (commission["overdue"], commission["claimed_by"]) == (True, ["UA"])


def test_the_history_of_an_agreement_is_on_its_timeline(record: Record) -> None:
    """The Holy See's concern of 2022 and both extensions of 2024, though nothing moved since 2018."""
    timeline = record.read("/v1/irritants/cn-va/bishops/timeline")["items"]
    said = [
        (entry["type"], entry["occurred"], (entry["data"].get("asserted_by") or {}).get("party")) for entry in timeline
    ]
    assert ("ConcernRaised", "2022-11-26", "VA") in said
    assert {("InstrumentStated", "2024-10-22", "VA"), ("InstrumentStated", "2024-10-22", "CN")} <= set(said)
    assert "26 November 2022" in record.read("/irritants/cn-va/bishops", "text/html")


def test_rounds_over_http(record: Record) -> None:
    assert record.read("/v1/rounds/ir-us/rome-4")["phase"] == "postponed"
    geneva = record.read("/v1/relations/cn-us/calendar.ics", "text/calendar").split("\r\n")
    assert {"DTSTART;VALUE=DATE:20250510", "DTEND;VALUE=DATE:20250512"} <= set(geneva)
    assert "DTSTART;VALUE=DATE:20250503" not in record.read("/v1/relations/ir-us/calendar.ics", "text/calendar")


def test_both_dossiers_show_a_linkage(record: Record) -> None:
    (stated,) = record.read("/v1/irritants/jp-kr/export-controls/dossier")["links"]
    (shown,) = record.read("/v1/irritants/jp-kr/forced-labour/dossier")["links"]
    assert (stated["irritant"], stated["title"], stated["kind"], stated["by"]) == (
        "jp-kr/forced-labour",
        "Wartime labour",
        "package",
        "JP",
    )
    assert (shown["irritant"], shown["kind"], shown["stated_on"]) == (
        "jp-kr/export-controls",
        "package",
        "jp-kr/export-controls",
    )
    page = unescape(record.read("/irritants/jp-kr/forced-labour", "text/html"))
    assert "Linked irritants" in page
    assert "Japan deals with both as one package." in page
    assert "jp-kr/export-controls" in done("dossier", "jp-kr/forced-labour")


def test_a_registered_actor_has_its_name_on_every_surface(record: Record) -> None:
    surfaces = [
        record.read("/v1/irritants/am-az/prisoners")["names"]["armenian-lawyers"],
        unescape(record.read("/irritants/am-az/prisoners", "text/html")),
        unescape(record.read("/relations/am-az", "text/html")),
        done("dossier", "am-az/prisoners"),
        done("matrix", "am-az"),
    ]
    assert ["Lawyers of the detained" in shown for shown in surfaces] == [True] * len(surfaces)
    assert not any("Armenian Lawyers" in shown or "Armenian-lawyers" in shown for shown in surfaces)


def test_third_parties_are_told_from_sides_and_media(record: Record) -> None:
    page = unescape(record.read("/irritants/cn-in/border-trade", "text/html"))
    assert re.search(r'<h3 id="NP-name">Nepal <small>third party</small></h3>', page)
    assert "Said by Nepal, a third party" in done("dossier", "cn-in/border-trade")
    assert re.search(r"<small>Nepal: raised</small>", record.read("/relations/cn-in", "text/html"))
