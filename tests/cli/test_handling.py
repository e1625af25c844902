"""Handling labels on the command line: in report files, in previews and in what is shown."""

import json

import httpx2 as httpx

from service import reportfile
from tests.cli.conftest import Desk

DEMARCHE = """\
relation: ru-us
title: A démarche
sources:
  - slug: cable-7
    publisher: The embassy
    paragraphs: 3
    origins:
      - {origin: ambassador-7, speaker: The ambassador, party: US, channel: quote}
defaults:
  asserted_by: {party: US, channel: quote}
  source: {document: cable-7, paragraphs: [2], origin: ambassador-7}
  occurred: 2025-07-10
events:
  - stream: irritant/visas
    type: DiscussionReported
    form: talks
    summary: The delegations talked about visas.
"""
RESTRICTED = DEMARCHE.replace("sources:", "handling: restricted\nsources:")


def test_a_file_has_a_label_for_the_report_and_for_each_event() -> None:
    text = RESTRICTED.replace("    form: talks", "    form: talks\n    handling: open")
    draft = reportfile.read(text.encode()).body
    assert draft["handling"] == "restricted"
    events = draft["events"]
    assert isinstance(events, list)
    assert [event.get("handling") for event in events] == [None, None, "open"]


def test_a_source_in_a_file_has_the_label_of_its_origins_too() -> None:
    text = DEMARCHE.replace("    paragraphs: 3\n", "    paragraphs: 3\n    handling: restricted\n")
    events = reportfile.read(text.encode()).body["events"]
    assert isinstance(events, list)
    assert [event.get("handling") for event in events] == ["restricted", "restricted", None]


def test_a_label_can_be_null_and_means_none() -> None:
    assert reportfile.read(DEMARCHE.replace("sources:", "handling: null\nsources:").encode()).body["handling"] is None


def test_a_restricted_report_is_tried_and_filed(desk: Desk) -> None:
    desk.key("report", name="cleared", clearance="restricted")
    file = desk.write("demarche.yaml", RESTRICTED)
    assert "Dry run: 3 events would be recorded" in desk.done("report", file, "--dry-run")
    assert "Recorded: 3 events" in desk.done("report", file)
    seen = httpx.get(f"{desk.url}/v1/sources/cable-7")
    assert seen.status_code == 404


def test_a_label_above_the_clearance_is_refused_at_its_line(desk: Desk) -> None:
    file = desk.write("demarche.yaml", RESTRICTED)
    ended = desk.run("report", file, "--dry-run")
    assert ended.code == 1
    assert "demarche.yaml:3:" in ended.err
    assert "handling: " in ended.err


def test_the_template_says_where_the_label_is_written(reader: Desk) -> None:
    text = reader.done("report", "--template", "ru-us/moscow-in-july")
    assert "# handling: <restricted, or another label of the record>" in text.splitlines()


def test_a_template_with_its_label_filled_in_is_read(reader: Desk) -> None:
    text = reader.done("report", "--template", "ru-us/moscow-in-july")
    written = text.replace("# handling: <restricted, or another label of the record>", "handling: restricted")
    assert json.loads(json.dumps(reportfile.read(written.encode()).draft))["handling"] == "restricted"


def test_an_administrator_changes_a_label_and_changes_it_back(desk: Desk) -> None:
    desk.key("admin", name="owner")
    shown = f"{desk.url}/v1/irritants/ru-us/visas/dossier"
    before = httpx.get(shown).json()
    refused = desk.run("handling", "ru-us/visas@1", "restricted", "--reason", "Not public")
    assert refused.code != 0
    assert "ru-us/visas@2" in refused.err
    for label in ("restricted", "open", "restricted"):
        written = desk.done("handling", "ru-us/visas@2", label, "--reason", "Not public")
        assert "Recorded: 1 event" in written
        assert (httpx.get(shown).json() == before) == (label == "open")
