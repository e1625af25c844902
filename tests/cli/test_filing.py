"""`report` previews a file, files it once, reports every mistake with its line, and writes templates."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
import yaml

from service import reportfile
from service.domain.nearby import ID_OF_A_RELATION
from tests.cli.conftest import Desk

SEEDS = Path(__file__).parents[2] / "seeds"

THIRD_ROUND = """\
relation: ru-us
round: ru-us/moscow-in-july
title: The readout of the third round
sources:
  - slug: department-readout
    publisher: Department of State
    paragraphs: 6
    origins:
      - {origin: department-on-july, speaker: The department, party: US, channel: quote}
defaults:
  asserted_by: {party: US, organ: Department of State, channel: quote}
  source: {document: department-readout, paragraphs: [2], origin: department-on-july}
  occurred: 2025-07-10
events:
  - stream: round/moscow-in-july
    type: RoundConvened
    place: Moscow
    summary: The delegations met in Moscow.
  - stream: irritant/visas
    type: UnderstandingReported
    ref: sixty
    terms: Visas within sixty days
    summary: Visas are to take sixty days.
    wording: sixty days
"""


def head(desk: Desk) -> int:
    return int(httpx.get(f"{desk.url}/v1/irritants").headers["irritants-position"])


def visas(desk: Desk) -> tuple[str, str, str]:
    found = httpx.get(f"{desk.url}/v1/irritants/ru-us/visas").json()
    return found["status"], found["confirmed_status"], found["basis"]


def test_a_dry_run_shows_the_changes_and_writes_nothing(desk: Desk) -> None:
    before, file = head(desk), desk.write("third.yaml", THIRD_ROUND)
    lines = [line.rstrip() for line in desk.done("report", file, "--dry-run").splitlines()]
    said = "Understanding reported: Visas are to take sixty days."
    assert lines[:2] == ["  actors     RU: Russia; US: The United States", ""]
    assert lines[3].startswith("  reads      Russia and the United States both say that the substance is agreed")
    assert [lines[2], *lines[4:10]] == [
        "Visas for diplomats  ru-us/visas  something happened",
        "  claimed    understanding, as before",
        "  confirmed  nothing → understanding",
        "  reported   understanding, as before",
        "  basis      one side: Russia; 1 origin → both sides; 2 origins",
        "  awaiting   Both sides, as before",
        f"  says so    The United States, Department of State (quote) {said}",
    ]
    assert (
        lines[-1]
        == f"Dry run: 4 events would be recorded at positions {before + 1} to {before + 4}. Nothing was written."
    )
    assert (head(desk), visas(desk)) == (before, ("understanding", "unstated", "one_side"))


def test_a_dry_run_shows_what_will_need_confirmation(desk: Desk) -> None:
    claimed = THIRD_ROUND.replace("UnderstandingReported", "ResolutionDeclared").replace(
        "    terms: Visas within sixty days\n", ""
    )
    shown = desk.done("report", desk.write("third.yaml", claimed), "--dry-run")
    assert "to confirm resolved is claimed, but Russia confirms only understanding" in shown
    assert "to confirm it rests on only one origin" in shown


def test_filing_shows_positions_and_filing_again_shows_the_first_ones(desk: Desk) -> None:
    before, file = head(desk), desk.write("third.yaml", THIRD_ROUND)
    assert f"Recorded: 4 events at positions {before + 1} to {before + 4}" in desk.done("report", file)
    assert visas(desk) == ("understanding", "understanding", "both_sides")
    again = desk.done("report", file)
    assert again.startswith(f"Already recorded: 4 events at positions {before + 1} to {before + 4}")
    assert head(desk) == before + 4
    assert "A report with this title is on record" in desk.run("report", file, "--dry-run").err


def test_a_report_with_other_comments_is_the_same_report(desk: Desk) -> None:
    desk.done("report", desk.write("third.yaml", THIRD_ROUND))
    commented = THIRD_ROUND.replace("events:\n", "events:  # what was said\n")
    assert desk.done("report", desk.write("again.yaml", commented)).startswith("Already recorded")


def test_json_output_is_the_receipt_of_the_service(desk: Desk) -> None:
    file = desk.write("third.yaml", THIRD_ROUND)
    preview = json.loads(desk.done("report", file, "--dry-run", "--json"))
    assert (preview["dry_run"], preview["replayed"], "id" in preview) == (True, False, False)
    receipt = json.loads(desk.done("report", file, "--json"))
    assert receipt["changes"] == preview["changes"]
    filed = httpx.get(f"{desk.url}/v1/reports/{receipt['id']}").json()
    assert [e["id"] for e in filed["events"]] == [e["id"] for e in receipt["events"]]
    assert json.loads(desk.done("report", file, "--json"))["replayed"]


def test_the_same_title_with_other_contents_is_refused_with_a_diff(desk: Desk) -> None:
    file = desk.write("third.yaml", THIRD_ROUND)
    desk.done("report", file)
    before = head(desk)
    file.write_text(THIRD_ROUND.replace("Visas within sixty days", "Visas within ninety days"), encoding="utf-8")
    ended = desk.run("report", file)
    assert ended.code == 1
    assert "was filed before with different contents" in ended.err
    assert "-    terms: Visas within sixty days" in ended.err
    assert "+    terms: Visas within ninety days" in ended.err
    assert head(desk) == before


def test_the_diff_leaves_out_ids_of_other_events(desk: Desk) -> None:
    evidence = """
  - stream: irritant/visas
    type: EvidenceAdded
    target: sixty
    summary: Said again.
  - stream: irritant/visas
    type: EvidenceAdded
    target: irritant/ru-us/visas@2
    asserted_by: {party: US, channel: quote}
    summary: What was agreed is confirmed.
  - stream: irritant/visas
    type: InstrumentExchanged
    ref: notes
    asserted_by: {party: US, channel: quote}
    kind: exchange_of_notes
    summary: Notes were exchanged.
  - stream: irritant/visas
    type: InstrumentStated
    asserted_by: {party: US, channel: quote}
    instrument: notes
    state: in_force
    summary: The notes are in force.
"""
    file = desk.write("third.yaml", THIRD_ROUND + evidence)
    desk.done("report", file)
    file.write_text(file.read_text(encoding="utf-8").replace("Said again", "Said once more"), encoding="utf-8")
    changed = [line for line in desk.run("report", file).err.splitlines() if re.match(r"[-+] ", line)]
    assert changed == ["-    summary: Said again.", "+    summary: Said once more."]


def test_the_seeds_are_already_recorded(desk: Desk) -> None:
    for seed in sorted(SEEDS.glob("*.yaml")):
        assert desk.done("report", seed).startswith("Already recorded")


TEN_MISTAKES = """\
relation: ru-us
title: Ten mistakes
sources:
  - slug: readout
    publisher: A ministry
    paragraphs: 3
    origins: [{origin: voice, speaker: A ministry, party: RU, channel: quote}]
defaults:
  asserted_by: {party: RU, channel: quote}
  source: {document: readout, paragraphs: [1], origin: voice}
events:
  - {stream: irritant/visas, type: ConcernRaised, summary: One, ocurred: 2025}
  - {stream: irritant/visas, type: ConcernRaised, summary: Two, occurred: 10 April 2025}
  - {stream: irritant/visas, type: ConcernRaised, summary: Three, source: {paragraphs: [4]}}
  - {stream: irritant/visas, type: ConcernRaised, summary: Four, source: {origin: nobody}}
  - {stream: irritant/visas, type: ConcernRaised, summary: Five, source: {origin: outlet-tataru}}
  - {stream: irritant/visas, type: ConcernVoiced, summary: Six}
  - {stream: irritant/visa, type: ConcernRaised, summary: Seven}
  - {stream: irritant/visas, type: EvidenceAdded, target: eighth, summary: Eight}
  - {stream: irritant/visas, type: ProposalTabled, kind: offer, addressee: DE, terms: Nine, summary: Nine}
  - {stream: irritant/visas, type: ConcernRaised, summary: Ten, occurred: 2025-07-10, occurred: 2025-07-11}
"""


def test_each_of_ten_mistakes_has_its_line_and_nothing_is_written(desk: Desk) -> None:
    before, file = head(desk), desk.write("ten.yaml", TEN_MISTAKES)
    ended = desk.run("report", file)
    assert ended.code == 1
    told = [line.removeprefix(f"{file}:") for line in ended.err.splitlines() if line.startswith(f"{file}:")]
    assert [int(line.split(":")[0]) for line in told] == list(range(12, 22))
    assert all(re.match(r"\d+:\d+: [a-z_.0-9]+: ", line) for line in told)
    assert head(desk) == before
    found = json.loads(desk.run("report", file, "--json").out)["mistakes"]
    assert [m["line"] for m in found] == list(range(12, 22))


def test_invalid_yaml_is_refused_with_its_line(reader: Desk) -> None:
    ended = reader.run("report", reader.write("broken.yaml", "relation: ru-us\n  title: [\n"))
    assert ended.code == 1
    assert re.search(r"broken\.yaml:2:\d+: ", ended.err)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"\xef\xbb\xbfrelation: \xff", ":1:11: the byte 0xFF is not UTF-8"),
        (THIRD_ROUND.encode("utf-16"), ":1:1: this is UTF-16 or UTF-32"),
        (b"# only a comment\n", ":1:1: the file has only comments"),
        (b"", ":1:1: the file is empty"),
        (
            b'{"relation": "ru-us", "title": "\\ud800", "events": [{"\\udc00": 1}]}',
            ":1:32: title: contains a NUL or half",
        ),
    ],
)
def test_an_undecodable_file_is_refused_with_its_place(reader: Desk, content: bytes, place: str) -> None:
    file = reader.folder / "file"
    file.write_bytes(content)
    for options in ([], ["--json"]):
        ended = reader.run("report", file, *options)
        assert ended.code == 1
        assert f"{file}{place}" in ended.err + ended.out


def test_a_summary_may_be_a_block_of_yaml(desk: Desk) -> None:
    line, block = "    summary: The delegations met in Moscow.", "    summary: |\n      The delegations met in Moscow."
    desk.done("report", desk.write("third.yaml", THIRD_ROUND))
    assert desk.done("report", desk.write("block.yaml", THIRD_ROUND.replace(line, block))).startswith("Already")


def test_a_path_that_is_no_file_is_refused_with_an_explanation(reader: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reportfile, "PIPE_SECONDS", 0.1)
    pipe = reader.folder / "pipe"
    os.mkfifo(pipe)
    for path in (reader.folder, reader.folder / "nothing", pipe, Path("/dev/zero"), Path("/dev/null")):
        ended = reader.run("report", path)
        assert ended.code in {1, 2}
        assert str(path) in ended.err.replace("\n", "")


def test_a_refused_event_shows_the_rung_and_the_allowed_events(desk: Desk) -> None:
    reversal = THIRD_ROUND.replace("UnderstandingReported", "ProgressReversed").replace(
        "    terms: Visas within sixty days\n", "    to: resolved\n    by: US\n    reason: A change of mind\n"
    )
    ended = desk.run("report", desk.write("third.yaml", reversal))
    assert ended.code == 1
    assert "At this date the irritant is at understanding; allowed: " in ended.err
    assert re.search(r"third\.yaml:22:\d+: to: A reversal cannot go back", ended.err)


def test_a_version_conflict_shows_the_events_recorded_meanwhile(desk: Desk) -> None:
    expecting = THIRD_ROUND.replace("sources:\n", "expect: {irritant/visas: 5}\nsources:\n", 1)
    desk.done("report", desk.write("third.yaml", expecting))
    slower = expecting.replace("third round", "third round, by another desk").replace("department-", "other-")
    ended = desk.run("report", desk.write("slower.yaml", slower))
    assert ended.code == 1
    assert re.search(
        r"slower\.yaml:4:\d+: expect.irritant/visas: Version conflict: irritant/ru-us/visas has changed",
        ended.err,
    )
    assert "Understanding reported: Visas are to take sixty days." in ended.err


def test_a_template_has_every_open_irritant_and_cannot_be_filed_unchanged(reader: Desk) -> None:
    file = reader.folder / "third.yaml"
    reader.done("report", "--template", "ru-us/moscow-in-july", file)
    text = file.read_text(encoding="utf-8")
    assert all(f"stream: irritant/{slug}" in text for slug in ("banking-access", "visas", "diplomat-movement"))
    assert "proposal: irritant/ru-us/direct-flights@2" in text
    assert "step: ns2-visas" in text
    assert yaml.safe_load(text)["expect"]["irritant/visas"] == 5
    ended = reader.run("report", file)
    assert ended.code == 1
    left = [
        number for number, line in enumerate(text.splitlines(), 1) if re.search(r"<.*>\]?$", line) and "#" not in line
    ]
    told = [int(line.split(":")[1]) for line in ended.err.splitlines() if ": fill in <" in line]
    assert set(left) == set(told)


def test_the_commented_entries_of_a_template_can_be_filed(desk: Desk) -> None:
    text = desk.done("report", "--template", "ru-us/moscow-in-july")
    text = text.partition("\n  # Every other type of event.")[0]
    begin = text.index("  # The round itself")
    comments = r"^  # (?=(- stream| +\w+:))"
    filled = text[:begin] + re.sub(comments, "  ", text[begin:], flags=re.MULTILINE)
    report = json.loads(desk.done("get", "reports", "--json"))["items"][0]["id"]
    for field, value in {
        "report": report,
        "paragraphs": "3", "type": "DiscussionReported\n    form: talks", "outcome": "done", "answer": "rejected",
        "hours": "6", "qualifier": "exact", "channel": "quote", "party": "US", "occurred": "2025-07-10",
    }.items():  # fmt: skip
        filled = re.sub(rf"\b{field}: <[^>]*>", f"{field}: {value}", filled)
    filled = re.sub(r"<number>", "1", filled)
    filled = re.sub(r"<[^>]*>", "readout", filled)
    file = desk.write("third.yaml", filled)
    assert "Recorded: 17 events" in desk.done("report", file), filled


def test_a_template_does_not_overwrite_a_file(reader: Desk) -> None:
    file = reader.write("third.yaml", "precious")
    assert reader.run("report", "--template", "ru-us/moscow", file).code == 2
    assert file.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("id", ["moscow", "ru-us/Moscow", "fr-fr/paris", "source/readout"])
def test_a_template_needs_the_id_of_a_round_or_a_relation(reader: Desk, id: str) -> None:
    ended = reader.run("report", "--template", id)
    assert (ended.code, f'invalid --template "{id}"; ' in ended.err, "use " in ended.err) == (2, True, True)


def test_a_report_without_a_key_is_refused(desk: Desk) -> None:
    file = desk.write("third.yaml", THIRD_ROUND)
    desk.monkeypatch.delenv("IRRITANTS_KEY")
    ended = desk.run("report", file)
    assert (ended.code, "needs a key with the scope report" in ended.err) == (4, True)


def test_a_key_that_may_only_read_is_refused_with_the_needed_scope(desk: Desk) -> None:
    desk.key("read", name="reader")
    ended = desk.run("report", desk.write("third.yaml", THIRD_ROUND))
    assert (ended.code, "lacks the scope report" in ended.err) == (4, True)


def test_a_key_of_another_relation_is_refused(desk: Desk) -> None:
    desk.key("report", relations=("de-fr",))
    ended = desk.run("report", desk.write("third.yaml", THIRD_ROUND))
    assert (ended.code, "may not report on ru-us" in ended.err) == (4, True)


def test_expired_and_revoked_keys_are_refused(desk: Desk) -> None:
    file = desk.write("third.yaml", THIRD_ROUND)
    desk.key("report", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert desk.run("report", file).code == 4
    id = desk.key("report").split("_")[1]
    assert desk.run("report", file, "--dry-run").code == 0
    assert desk.run("key", "revoke", id, "--database", desk.database_url).code == 0
    assert desk.run("report", file).code == 4


def test_mistakes_are_listed_even_if_the_service_is_unreachable(reader: Desk) -> None:
    ended = reader.run("report", reader.write("ten.yaml", TEN_MISTAKES), "--url", "http://127.0.0.1:9")
    assert ended.code == 1
    assert "without the service" in ended.err
    assert ":21:" in ended.err


def test_a_missing_file_is_reported(reader: Desk) -> None:
    assert reader.run("report", reader.folder / "nothing.yaml").code == 2
    assert reader.run("report").code == 2


@pytest.mark.slow
def test_five_thousand_events_are_filed_whole_or_not_at_all(desk: Desk) -> None:
    events = "".join(
        f"  - {{stream: irritant/visas, type: ConcernRaised, summary: The {n}. time}}\n" for n in range(5_000)
    )
    begin = (
        THIRD_ROUND.partition("round: ru-us")[0]
        + THIRD_ROUND[THIRD_ROUND.index("title:") : THIRD_ROUND.index("events:\n")]
    )
    before = head(desk)
    broken = desk.run("report", desk.write("broken.yaml", f"{begin}events:\n{events}  - {{stream: irritant/visas}}\n"))
    assert (broken.code, head(desk)) == (1, before)
    shown = desk.done("report", desk.write("whole.yaml", f"{begin}events:\n{events}"))
    assert "and 4,988 more" in shown
    assert "Recorded: 5002 events" in shown
    assert head(desk) == before + 5_002


def test_a_slip_is_pointed_out_with_its_place_in_the_file(desk: Desk) -> None:
    preview = json.loads(desk.done("report", desk.write("third.yaml", THIRD_ROUND), "--dry-run", "--json"))
    assert preview["warnings"] == []
    file = desk.write("early.yaml", THIRD_ROUND.replace("  occurred: 2025-07-10", "  occurred: 1025-07-10"))
    line = f"warning {file}:13:13: defaults.occurred: 10 July 1025 is before 1900. Check the year."
    for arguments in (("--dry-run",), ()):
        assert line in " ".join(desk.done("report", file, *arguments).split())


def test_a_file_in_the_wrong_order_is_one_mistake_with_the_right_id(desk: Desk) -> None:
    file = desk.write("order.yaml", THIRD_ROUND.replace("ru-us", "us-ru"))
    ended = desk.run("report", file)
    assert ended.code == 1
    assert ended.err.splitlines()[1:] == [f"{file}:1:11: relation: must be {ID_OF_A_RELATION}. Use ru-us."]


@pytest.mark.parametrize(
    ("written", "broken", "detail"),
    [
        ("    publisher: Department of State\n", "", "publisher: is missing. Give text in one line"),
        ("  - slug: department-readout\n", "  - name: readout\n", "a source needs the field `slug`; use a short name"),
        ("{origin: department-on-july,", "{", "origin: is missing. Give the short name"),
        ("party: US, channel: quote}]", "party: USA, channel: quote}]", "party: must be the code of a state"),
    ],
)
def test_a_source_that_is_refused_is_one_mistake(desk: Desk, written: str, broken: str, detail: str) -> None:
    text = THIRD_ROUND.replace("    origins:\n      - {", "    origins: [{").replace("quote}\n", "quote}]\n", 1)
    file = desk.write("source.yaml", text.replace(written, broken))
    ended = desk.run("report", file)
    assert detail in ended.err
    assert len(ended.err.splitlines()) == (3 if "slug" in written else 2), ended.err


def test_a_persian_text_is_pasted_with_its_marks(desk: Desk) -> None:
    other = desk.write("override.yaml", THIRD_ROUND.replace("sixty days.", "sixty\u202e days."))
    refused = desk.run("report", other)
    assert "summary: has U+202E (right-to-left override) at character 24, which is not allowed" in refused.err
    pasted = "\u200f\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u062f\u00ad"
    file = desk.write("persian.yaml", THIRD_ROUND.replace("Visas are to take sixty days.", pasted))
    assert pasted[1:-1] in desk.done("report", file)
    listed = json.loads(desk.done("history", "ru-us/visas", "--json"))["items"]
    assert listed[-1]["data"]["summary"] == pasted[1:-1]
