"""`irritants draft` makes a report file from a readout: paragraphs as comments, with suggestions to complete."""

import json
import re
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Desk

READOUT = """Readout of the third round

Washington, 14 July 2025

The delegations reviewed the banking of their missions. The first transfers have been made on Monday.

The United States does not accept the proposal to resume direct flights.

The next round is planned in Washington in September.
"""


def test_a_readout_becomes_a_report_file_with_a_suggestion_for_each_paragraph(reader: Desk) -> None:
    readout = reader.write("readout.txt", READOUT)
    text = reader.done("draft", readout, "--relation", "ru-us", "--round", "ru-us/moscow-next", "--by", "US")
    assert "relation: ru-us\nround: ru-us/moscow-next\n" in text
    assert f"sha256: {sha256(READOUT.encode()).hexdigest()}\n    paragraphs: 5\n" in text
    assert "published: 2025-07-14" in text
    assert "# [3] The delegations reviewed the banking of their missions." in text
    third = text.partition("# [3]")[2].partition("# [4]")[0]
    assert re.search(r"# - stream: irritant/banking-access.*\n  #   type: ImplementationReported", third)
    assert "source: {paragraphs: [3]}" in third
    assert "occurred: 2025-07-14\n  #   occurred_basis: inferred" in third
    fourth = text.partition("# [4]")[2]
    assert "irritant/direct-flights" in fourth
    assert "ProposalAnswered" in fourth
    announced = text.partition("# [5]")[2]
    assert "type: RoundAnnounced" in announced
    assert "occurred:" not in announced, "September is after the document"


class Editor:
    """A draft in the hands of an operator. It counts the typed characters and the uncommented lines."""

    def __init__(self, text: str) -> None:
        self.text, self.typed, self.uncommented = text, 0, 0

    def take(self, paragraph: int, type: str, **values: str) -> None:
        """Remove the `# ` before the event of a type below a paragraph, and fill in its blanks, by their fields."""
        begin = self.text.index(f"  # [{paragraph}]")
        end = self.text.find("\n\n", begin)
        blocks = re.split(r"(?m)^(?=  # - stream)", self.text[begin:end] + "\n")
        (block,) = (part.removesuffix("\n") for part in blocks if f"#   type: {type}\n" in part)
        taken = re.sub("(?m)^  # ", "  ", block)
        self.uncommented += taken.rstrip("\n").count("\n") + 1
        suggested = [field for field, value in values.items() if f"    {field}: {value}\n" in taken]
        for field, value in values.items():
            if field in suggested:
                continue
            taken, times = re.subn(rf"(?m)^(    {field}: )<[^>]*>", rf"\g<1>{value}", taken)
            assert times == 1, f"{field} is no blank of {block}"
            self.typed += len(value)
        self.text = self.text[:begin] + self.text[begin:end].replace(block, taken) + self.text[end:]


READOUTS = Path(__file__).parents[1] / "readouts" / "texts"
TWO_READOUTS: dict[str, list[tuple[int, str, dict[str, str]]]] = {
    "us": [
        (3, "DelegationHeadNamed", {"person": "not named"}),
        (3, "RoundConvened", {}),
        (3, "RoundConcluded", {}),
        (4, "ImplementationReported", {"act": "First transfers", "actor": "both", "summary": "Transfers were made."}),
        (
            4,
            "NextStepAgreed",
            {
                "step": "channel",
                "owner": "both",
                "action": "Keep a channel for refused cases",
                "summary": "A channel stays.",
            },
        ),
        (5, "UnderstandingReported", {"terms": "48 hours' notice", "summary": "Notice is to be 48 hours."}),
        (6, "ProposalAnswered", {"summary": "No direct flights for now."}),
        (7, "RoundAnnounced", {"preliminary": "true", "summary": "It is to be in Washington."}),
    ],
    "ru": [
        (3, "DelegationHeadNamed", {"person": "not named"}),
        (4, "ResolutionDeclared", {"summary": "Banking is settled."}),
        (5, "UnderstandingReported", {"terms": "48 hours' notice", "summary": "Notice is to be 48 hours."}),
        (6, "InstrumentExchanged", {"summary": "Notes on visas, thirty days at most."}),
        (7, "DiscussionReported", {"summary": "Talks on the six sites have begun."}),
        (7, "ProposalTabled", {"terms": "Answer on the six sites", "summary": "It expects an answer."}),
    ],
}
MOST_TYPED = 400
"""Characters for both readouts, beside the two commands."""


def test_two_readouts_become_fourteen_events_with_few_characters(desk: Desk) -> None:
    typed = 0
    for party, name in (("United States", "us"), ("Russia", "ru")):
        draft, report = READOUTS / f"{name}.txt", desk.folder / f"{name}.yaml"
        desk.done("draft", draft, "--relation", "ru-us", "--round", "ru-us/moscow-next", "--by", party, "-o", report)
        editor = Editor(report.read_text(encoding="utf-8"))
        for paragraph, type, values in TWO_READOUTS[name]:
            editor.take(paragraph, type, **values)
        report.write_text(editor.text, encoding="utf-8")
        typed += editor.typed
        desk.done("report", report)
        filed = json.loads(desk.done("get", "reports", "--param", "limit=1000", "--json"))["items"][-1]
        query = f"/v1/events?report={filed['id']}"
        types = [event["type"].split(".")[1] for event in json.loads(desk.done("get", query, "--json"))["items"]]
        assert Counter(types) == Counter(
            ["SourceRegistered", "OriginRegistered", *(type for _, type, _ in TWO_READOUTS[name])]
        )
    assert typed <= MOST_TYPED
    movement = json.loads(desk.done("status", "ru-us/diplomat-movement", "--json"))
    assert movement["confirmed_status"] == "understanding"


def test_a_completed_draft_can_be_filed(desk: Desk) -> None:
    readout, report = desk.write("readout.txt", READOUT), desk.folder / "report.yaml"
    desk.done("draft", readout, "--relation", "ru-us", "--by", "US", "--output", report)
    editor = Editor(report.read_text(encoding="utf-8"))
    editor.take(3, "ImplementationReported", act="First transfers", actor="US")
    report.write_text(editor.text, encoding="utf-8")
    ended = desk.run("report", report, "--dry-run")
    assert ended.code == 1
    assert "summary: fill in <in your own words>" in ended.err
    filled = editor.text.replace("summary: <in your own words>", "summary: It says that transfers were made.", 1)
    report.write_text(filled, encoding="utf-8")
    assert "Dry run: 3 events would be recorded" in desk.done("report", report, "--dry-run")
    desk.done("report", report)

    again = desk.done("draft", readout, "--relation", "ru-us")
    assert "The document is on record as united-states-2025-07-14" in again
    assert "document: united-states-2025-07-14\n    origin: united-states-2025-07-14-statement" in again
    other = desk.write("other.txt", READOUT.replace("September", "October"))
    assert "slug: united-states-2025-07-14-2\n" in desk.done("draft", other, "--relation", "ru-us", "--by", "US")


def test_a_draft_names_nothing_in_angle_brackets_without_saying_what_to_write(reader: Desk) -> None:
    readout = reader.write("readout.txt", READOUT)
    text = reader.done("draft", readout, "--relation", "ru-us")
    assert "<…>" not in text
    assert set(re.findall(r"<[^>]*>", text)) >= {"<who spoke>", "<what was done>", "<in your own words>"}


def test_the_open_proposal_and_the_place_are_suggested(reader: Desk) -> None:
    text = reader.done("draft", READOUTS / "us.txt", "--relation", "ru-us", "--by", "the U.S.")
    answer = text.partition("type: ProposalAnswered")[2]
    assert answer.startswith("\n  #   proposal: irritant/ru-us/direct-flights@2  # Bring back direct flights")
    assert "answer: rejected" in answer
    due = reader.done("draft", READOUTS / "ru.txt", "--relation", "ru-us").partition("type: ProposalTabled")[2]
    assert "    due: 2025-09\n" in due.replace("  #  ", "   ")
    assert 'place: "Moscow"' in text
    assert "    party: US\n    channel: quote  # or paraphrase, attributed or leaked" in text


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (
            ["--by", "Russai"],
            "such as iaea. The nearest: Russia (RU)",
        ),
        (["--relation", "ru-ru"], 'invalid --relation "ru-ru"; use an id such as ru-us'),
    ],
)
def test_an_unknown_party_or_relation_is_refused_with_a_remedy(reader: Desk, option: list[str], words: str) -> None:
    given = option if "--relation" in option else ["--relation", "ru-us", *option]
    ended = reader.run("draft", reader.write("readout.txt", READOUT), *given)
    assert (ended.code, words in ended.err) == (2, True)


def test_a_draft_of_a_new_relation_begins_with_the_events_that_open_it(reader: Desk) -> None:
    text = reader.done("draft", reader.write("readout.txt", READOUT), "--relation", "fr-dz", "--by", "Algérie")
    assert "relation: dz-fr\n" in text
    assert yaml.safe_load(text)["events"][0] == {
        "stream": "relation",
        "type": "RelationOpened",
        "parties": ["DZ", "FR"],
        "title": "Algeria and France",
    }
    assert yaml.safe_load(text)["sources"][0]["publisher"] == "Algeria"


def test_a_file_that_is_no_readout_is_refused_with_a_remedy(reader: Desk) -> None:
    ended = reader.run("draft", reader.write("empty.txt", " \n"), "--relation", "ru-us")
    assert ended.code == 2
    assert "empty.txt: the document has no text" in ended.err
    missing = reader.run("draft", reader.folder / "missing.txt", "--relation", "ru-us")
    assert missing.code == 2


def test_a_draft_replaces_no_file(reader: Desk) -> None:
    readout = reader.write("readout.txt", READOUT)
    ended = reader.run("draft", readout, "--relation", "ru-us", "--output", readout)
    assert "exists and was not overwritten" in ended.err
    assert readout.read_text(encoding="utf-8") == READOUT


def test_the_suggestions_are_also_json(reader: Desk) -> None:
    readout = reader.write("readout.txt", READOUT)
    found = json.loads(reader.done("draft", readout, "--relation", "ru-us", "--json"))
    assert (found["kind"], found["on_record"], len(found["paragraphs"])) == ("text", None, 5)
    third = found["paragraphs"][2]
    assert (third["number"], third["irritants"], third["types"][0]) == (3, ["banking-access"], "ImplementationReported")
    assert third["dates"][0]["edtf"] == "2025-07-14"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "Usa!"], 'invalid --by "Usa!"; use the code or the name of a state such as US'),
        (["--round", "istanbul"], 'invalid --round "istanbul"; use an id such as ru-us/moscow'),
        (["--round", "us-ru/moscow"], 'invalid --round "us-ru/moscow"; ids are in lower-case'),
    ],
)
def test_a_draft_with_a_wrong_party_or_round_is_refused(reader: Desk, arguments: list[str], said: str) -> None:
    ended = reader.run("draft", reader.write("readout.txt", READOUT), "--relation", "ru-us", *arguments)
    assert (ended.code, said in ended.err) == (2, True), ended.err
