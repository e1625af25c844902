"""`irritants new` begins a relation, an irritant, a round, an organisation and a person by title."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from service.domain.catalogue import EVENT_TYPES
from tests.cli.conftest import Desk, served


@pytest.fixture
def empty(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A user with a key on a record without any event."""
    with served(database_url) as url:
        monkeypatch.setenv("IRRITANTS_URL", url)
        desk = Desk(url, database_url, tmp_path, monkeypatch)
        desk.key("report")
        yield desk


def test_an_empty_record_says_at_each_step_how_to_begin(empty: Desk) -> None:
    ended = empty.run("status")
    assert (ended.code, ended.out) == (0, "")
    assert "irritants new relation FR DZ" in ended.err
    assert "irritants new --help" in empty.run("get", "relations").err
    opened = empty.run("new", "relation", "France", "Algeria")
    assert opened.code == 0, opened.err
    assert "Its id is dz-fr." in opened.out
    assert 'Next: irritants new irritant dz-fr "TITLE"' in opened.err
    assert 'irritants new irritant dz-fr "TITLE"' in empty.run("status").err
    assert 'irritants new irritant dz-fr "TITLE"' in empty.run("status", "dz-fr").err
    made = empty.run("new", "irritant", "dz-fr", "Consular staff", "--category", "Consular affairs")
    assert "Its id is dz-fr/consular-staff." in made.out
    assert "Next: irritants report --template dz-fr FILE" in made.err
    shown = json.loads(empty.done("status", "dz-fr/consular-staff", "--json"))
    assert (shown["title"], shown["category"], shown["status"]) == ("Consular staff", "consular-affairs", "unstated")
    template = empty.done("report", "--template", "dz-fr")
    assert "irritant/consular-staff: 1" in template


def test_a_dry_run_records_nothing_and_a_repeated_command_records_once(empty: Desk) -> None:
    tried = empty.run("new", "relation", "FR", "DZ", "--dry-run")
    assert "Dry run: 1 event would be recorded" in tried.out
    assert "Its id would be dz-fr." in tried.out
    assert json.loads(empty.done("get", "relations", "--json"))["items"] == []
    first = json.loads(empty.done("new", "relation", "FR", "DZ", "--json"))
    again = json.loads(empty.done("new", "relation", "DZ", "FR", "--json"))
    assert (first["replayed"], again["replayed"]) == (False, True)
    other = empty.run("new", "relation", "DZ", "FR", "--title", "The talks")
    assert other.code == 1
    assert "already on record" in other.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["relation", "FR", "Algiria"], "the nearest: Algeria (DZ)"),
        (["relation", "FR", "France"], "France is named twice"),
        (["irritant", "dz-fr", "Consular staff"], "open it first: irritants new relation DZ FR"),
        (["irritant", "fr-dz", "Consular staff"], "open it first: irritants new relation DZ FR"),
        (["person", "dz-fr", "A. Name", "--role", "Ambassador"], "open it first: irritants new relation DZ FR"),
        (["organisation", "the African Union"], "add --relation; on record: none"),
        (["organisation", "…", "--relation", "dz-fr"], "use a title with words"),
    ],
)
def test_what_cannot_begin_is_explained_with_a_remedy(empty: Desk, arguments: list[str], words: str) -> None:
    ended = empty.run("new", *arguments)
    assert ended.code in (2, 5)
    assert words in ended.err


def test_a_title_on_record_is_not_opened_again_and_a_like_slug_gets_a_number(desk: Desk) -> None:
    long = "The return of the buildings of the trade mission and the archive in "
    desk.done("new", "irritant", "us-ru", f"{long}Washington", "--category", "property")
    assert re.search(r"Its id is ru-us/the-return-[a-z-]*-2\.", desk.done("new", "irritant", "ru-us", f"{long}Moscow"))
    again = desk.run("new", "irritant", "ru-us", "visas for diplomats")
    assert again.code == 1
    assert "ru-us/visas is already on record" in again.err


def test_a_person_and_an_organisation_are_registered_with_their_spellings(desk: Desk) -> None:
    made = desk.done("new", "person", "ru-us", "Анна Иванова", "--role", "Consul", "--also", "Anna Ivanova")
    assert "Its id is anna-ivanova." in made
    assert "Its id is african-union." in desk.done("new", "organisation", "the African Union", "--also", "AU")
    events = json.loads(desk.done("history", "ru-us", "--json"))
    assert "Анна Иванова" in str(events)
    report = desk.write(
        "third.yaml",
        """
relation: ru-us
title: The African Union on visas
sources:
  - {slug: au, publisher: African Union, origins: [{origin: au, speaker: AU, party: african-union, channel: quote}]}
events:
  - stream: irritant/visas
    type: ConcernRaised
    asserted_by: {party: african-union, channel: quote}
    source: {document: au, paragraphs: [1], origin: au}
    occurred: 2025-06-01
    summary: It asks for visas.
""",
    )
    assert "The African Union" in desk.done("report", report, "--dry-run")


def test_a_round_by_its_title_begins_with_a_report_file(empty: Desk) -> None:
    file = empty.folder / "algiers.yaml"
    shown = json.loads(empty.done("new", "round", "fr-dz", "Consultations in Algiers", "--json"))
    assert shown["id"] == "dz-fr/consultations-in-algiers"
    assert "--json prints to standard output" in empty.run("new", "round", "dz-fr", "Algiers", file, "--json").err
    made = empty.run("new", "round", "dz-fr", "Consultations in Algiers", file)
    assert made.code == 0, made.err
    assert "dz-fr/consultations-in-algiers begins in" in made.err
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert written["round"] == "dz-fr/consultations-in-algiers"
    assert [event["type"] for event in written["events"][:4]] == [
        "RelationOpened",
        "IrritantOpened",
        "RoundConvened",
        "RoundTitled",
    ]
    assert written["events"][3]["title"] == "Consultations in Algiers"


def test_the_template_of_a_relation_without_events_can_be_filled_in_and_filed(empty: Desk) -> None:
    file = empty.folder / "first.yaml"
    empty.done("report", "--template", "dz-fr", file)
    text = file.read_text(encoding="utf-8")
    assert all(f"type: {type}" in text for type in EVENT_TYPES)
    ended = empty.run("report", file)
    assert ended.code == 1
    assert "fill in <title of the irritant, such as Consular staff>" in ended.err
    begin = text.index("  # Every other type of event")
    text = text[:begin]
    for blank, filled in [
        (r"<title of this report>", "The first readout"),
        (r"irritant/<[^>]*>", "irritant/consular-staff"),
        (r"<title of the irritant[^>]*>", "Consular staff"),
        (r"<group of the irritant[^>]*>", "consular"),
        (r"<document>", "readout"),
        (r"<who published it>", "Ministry"),
        (r"<how many lines[^>]*>", "3"),
        (r"<origin>", "ministry-readout"),
        (r"<who spoke>", "Ministry"),
        (r"party: <[^>]*>", "party: DZ"),
        (r"channel: <[^>]*>", "channel: quote"),
        (r"<number>", "2"),
        (r"<date>", "2025-05-19"),
    ]:
        text = re.sub(blank, filled, text)
    file.write_text(
        f"{text}  - {{stream: irritant/consular-staff, type: ConcernRaised, summary: It is raised.}}\n",
        encoding="utf-8",
    )
    empty.done("report", file)
    shown = json.loads(empty.done("status", "dz-fr/consular-staff", "--json"))
    assert shown["status"] == "raised"
