"""A forgotten round on the command line: filed from a file, and the report that was on it put there and taken back."""

import json
import re

from tests.cli.conftest import Desk

ROUND = "ru-us/geneva-march"
SAID = """
  asserted_by: {party: RU, channel: attributed}
  source: {document: a4-unnamed-outlet, paragraphs: [2], origin: darchiev-after-april}
"""
READOUT = f"""
relation: ru-us
title: What Moscow said in March
defaults: {SAID}
events:
  - stream: irritant/visas
    type: DiscussionReported
    form: talks
    occurred: 2025-03-20
    summary: The visas are on the table.
"""
ROUND_FILE = f"""
relation: ru-us
title: The round of March
defaults: {SAID}
events:
  - stream: round/geneva-march
    type: RoundConvened
    place: Geneva
    occurred: 2025-03-15
    summary: The delegations met.
"""


def on_the_round(desk: Desk) -> list[str]:
    return [r["title"] for r in json.loads(desk.done("get", "reports", "--param", f"round={ROUND}", "--json"))["items"]]


def test_a_report_is_put_on_a_round_that_was_forgotten(desk: Desk) -> None:
    desk.done("report", desk.write("march.yaml", READOUT))
    listed = json.loads(desk.done("get", "reports", "--param", "relation=ru-us", "--all", "--json"))["items"]
    (report,) = (r["id"] for r in listed if r["title"] == "What Moscow said in March")
    refused = desk.run("attribute", report, ROUND)
    assert (refused.code, "There is no round ru-us/geneva-march on record" in refused.err) == (1, True)
    desk.done("report", desk.write("round.yaml", ROUND_FILE))
    tried = desk.done("attribute", report, ROUND, "--dry-run")
    assert "Nothing was written." in tried
    assert re.search(r"report +“What Moscow said in March”, filed on .*; 1 assertion, dated 20 March 2025\n", tried)
    assert re.search(r"from +no round\n +to +Geneva March \(15 March 2025\)\n", tried)
    assert on_the_round(desk) == []
    assert "Recorded: 1 event" in desk.done("attribute", report, ROUND)
    assert on_the_round(desk) == ["What Moscow said in March"]
    assert "Read as of: 9 April 2025" in desk.done("sheet", ROUND)
    again = desk.run("attribute", report, ROUND)
    assert (again.code, "is on the round ru-us/geneva-march already" in again.err) == (1, True)
    history = json.loads(desk.done("history", "ru-us", "--json"))["items"]
    (attribution,) = (e["event"] for e in history if e["type"] == "ReportAttributed")
    put = r"Report attributed to a round: “What Moscow said in March”, .*dated 20 March 2025; on the round Geneva March"
    assert re.search(rf"{put} \(15 March 2025\)", desk.done("history", "ru-us"))
    desk.done("retract", attribution, "--reason", "Another meeting")
    assert on_the_round(desk) == []
    assert "Recorded: 1 event" in desk.done("attribute", report, ROUND)


def test_a_file_names_the_round_of_a_report_by_its_slug(desk: Desk) -> None:
    desk.done("report", desk.write("march.yaml", READOUT))
    listed = json.loads(desk.done("get", "reports", "--param", "relation=ru-us", "--all", "--json"))["items"]
    (report,) = (r["id"] for r in listed if r["title"] == "What Moscow said in March")
    attributed = f"  - {{stream: relation, type: ReportAttributed, report: {report}, round: geneva-march}}\n"
    desk.done("report", desk.write("round.yaml", ROUND_FILE + attributed))
    assert on_the_round(desk) == ["What Moscow said in March"]


def test_a_round_that_is_no_id_is_refused(desk: Desk) -> None:
    ended = desk.run("attribute", "0197", "geneva")
    assert (ended.code, 'invalid round "geneva"' in ended.err) == (2, True)


def test_a_template_has_a_place_for_the_attribution(desk: Desk) -> None:
    text = desk.done("report", "--template", ROUND)
    assert "  # - stream: relation\n  #   type: ReportAttributed\n  #   report: <id of the report>\n" in text
    assert re.search(rf"  #   round: {ROUND}\n", text)


def test_a_round_that_met_is_named_without_next(desk: Desk) -> None:
    text = ROUND_FILE.replace("geneva-march", "moscow-next").replace("2025-03-15", "2025-07-14")
    desk.done("report", desk.write("moscow.yaml", text))
    assert "Hold the next round" not in desk.done("ledger")
    (shown,) = (line for line in desk.done("rounds").splitlines() if line.startswith("ru-us/moscow-next"))
    assert re.search(r"convened .* Russia +no$", shown)
    heading = desk.done("board").partition("Over the rounds\n")[2].splitlines()[0]
    assert re.split(r"\s{2,}", heading.strip()) == ["irritant", "Istanbul February", "Istanbul April", "Moscow"]
