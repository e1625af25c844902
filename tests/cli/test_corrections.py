"""`correct`, `retract` and `evidence`: each reading is right afterwards, and the history has actor, time and reason."""

import json
import re

import httpx2 as httpx
import pytest

from tests.cli.conftest import Desk
from tests.cli.test_filing import THIRD_ROUND

VISAS = "ru-us/visas"


@pytest.fixture
def filed(desk: Desk) -> Desk:
    """The third round is on record. The understanding on visas is the sixth event of its stream."""
    desk.done("report", desk.write("third.yaml", THIRD_ROUND))
    return desk


def standing(desk: Desk, **past: str) -> tuple[str, str, str, int]:
    found = httpx.get(f"{desk.url}/v1/irritants/{VISAS}", params=past).json()
    return found["status"], found["confirmed_status"], found["basis"], found["regressions"]


def event(desk: Desk, version: int) -> dict[str, object]:
    listed = json.loads(desk.done("history", VISAS, "--json"))["items"]
    return next(item for item in listed if item["version"] == version)


BOTH = ("understanding", "understanding", "both_sides", 0)
ONE = ("understanding", "unstated", "one_side", 0)


def test_a_retraction_changes_the_present_and_not_past_readings(filed: Desk) -> None:
    before = str(event(filed, 6)["position"])
    shown = filed.done("retract", f"{VISAS}@6", "--reason", "Said of another round")
    assert "confirmed  understanding → nothing" in shown
    assert "The United States made no other statement that puts it at understanding." in " ".join(shown.split())
    assert "Understanding is still reported." in " ".join(shown.split())
    assert standing(filed) == ONE
    assert standing(filed, as_of_position=before) == BOTH
    history = filed.done("history", VISAS)
    assert "✗ Understanding reported: Visas are to take sixty days. “sixty days”" in history
    assert "UTC: Said of another round" in history
    assert "✗" not in filed.done("history", VISAS, "--as-of-position", before)


def test_a_retracted_retraction_restores_the_event_which_can_be_retracted_again(filed: Desk) -> None:
    again = ("retract", f"{VISAS}@6", "--reason", "Said of another round")
    filed.done(*again)
    assert filed.done(*again).startswith("Already recorded")
    filed.done("retract", f"{VISAS}@7", "--reason", "It was of this round")
    assert standing(filed) == BOTH
    assert "(no longer in force)" in filed.done("history", VISAS)
    assert "Recorded: 1 event" in filed.done(*again)
    assert standing(filed) == ONE


def test_a_dry_run_writes_nothing(filed: Desk) -> None:
    shown = filed.done("retract", f"{VISAS}@6", "--reason", "Said of another round", "--dry-run")
    assert shown.endswith("Nothing was written.\n")
    assert standing(filed) == BOTH


def test_a_retraction_lists_the_evidence_that_loses_its_effect(filed: Desk) -> None:
    filed.done("evidence", f"{VISAS}@6", "--source", "department-readout", "--paragraphs", "4,5")
    warned = filed.run("retract", f"{VISAS}@6", "--reason", "Said of another round").err
    assert "Its evidence loses its effect too: ru-us/visas@7 (US, department-on-july)" in warned
    assert "evidence for a retracted event: no longer in effect" in filed.done("history", VISAS)


def test_a_correction_changes_only_the_fields_it_names(filed: Desk) -> None:
    said = event(filed, 6)["data"]
    filed.done(
        *("correct", f"{VISAS}@6", "--reason", "Misheard"),
        *("--set", "terms=Visas within ninety days", "--set", "source.paragraphs=[2, 3]"),
        *("--set", "asserted_by.person=A spokesman", "--set", "wording=null"),
    )
    mended = event(filed, 6)
    assert isinstance(said, dict)
    expected = {**said, "terms": "Visas within ninety days"}
    expected["source"] = {**said["source"], "paragraphs": [2, 3]}
    expected["asserted_by"] = {**said["asserted_by"], "person": "A spokesman"}
    del expected["wording"]
    assert (mended["data"], mended["as_filed"]) == (expected, said)
    assert "corrected (terms = Visas within ninety days" in filed.done("history", VISAS)


def test_a_corrected_date_moves_the_event_in_the_order_of_the_world(filed: Desk) -> None:
    shown = filed.done("correct", f"{VISAS}@6", "--set", "occurred=2025-04-10", "--reason", "It was said in April")
    assert "understanding, as before" in shown or "No status changes" in shown
    assert standing(filed, effective_on="2025-04-10") == BOTH
    assert standing(filed)[3] == 0


def test_a_dry_run_of_a_correction_shows_the_event_its_report_its_round_and_its_date(filed: Desk) -> None:
    shown = filed.done(
        *("correct", f"{VISAS}@6", "--reason", "Misheard", "--dry-run"),
        *("--set", "occurred=2025-07-11", "--set", "asserted_by.person=A spokesman"),
    )
    assert "event      ru-us/visas@6, Understanding reported by the United States, 10 July 2025: Visas are" in shown
    assert re.search(r"report +“[^”]+”, filed on .* by [\w-]+, on the round Moscow in July \(10 July 2025\)\n", shown)
    assert "corrects   occurred: 10 July 2025 → 11 July 2025\n" in shown
    assert "corrects   asserted by: person none → person A spokesman\n" in shown


def test_a_correction_of_a_correction_replaces_it(filed: Desk) -> None:
    filed.done("correct", f"{VISAS}@6", "--set", "terms=Ninety days", "--reason", "Misheard")
    filed.done("correct", f"{VISAS}@7", "--set", "wording=ninety", "--reason", "Misheard again")
    data = event(filed, 6)["data"]
    assert isinstance(data, dict)
    assert (data["terms"], data["wording"]) == ("Visas within sixty days", "ninety")


def test_a_retracted_reversal_is_no_regression(filed: Desk) -> None:
    reversal = f"""\
relation: ru-us
title: A reversal
events:
  - stream: irritant/visas
    type: ProgressReversed
    to: raised
    by: RU
    reason: As it seemed
    asserted_by: {{party: US, channel: quote}}
    source: {{document: department-readout, paragraphs: [1], origin: department-on-july}}
    occurred: 2025-07-11
    after: irritant/{VISAS}@6
    summary: The understanding is undone.
"""
    filed.done("report", filed.write("reversal.yaml", reversal))
    assert standing(filed)[3] == 1
    filed.done("retract", f"{VISAS}@7", "--reason", "A misreading")
    assert standing(filed) == BOTH


def sheet(desk: Desk, **past: str) -> httpx.Response:
    return httpx.get(f"{desk.url}/v1/rounds/ru-us/moscow-in-july/sheet", params=past)


def test_a_sheet_leaves_out_a_retracted_event(filed: Desk) -> None:
    brought, before = sheet(filed), str(event(filed, 6)["position"])
    filed.done("retract", f"{VISAS}@6", "--reason", "Said of another round")
    struck = sheet(filed)
    assert ([item["irritant"] for item in brought.json()["items"]], struck.json()["items"]) == ([VISAS], [])
    assert VISAS in [one["irritant"] for one in struck.json()["untouched"]]
    assert ("sixty days" in struck.text, struck.headers["etag"] == brought.headers["etag"]) == (False, False)
    assert sheet(filed, as_of_position=before).content == brought.content
    filed.done("retract", f"{VISAS}@7", "--reason", "It was of this round")
    assert sheet(filed).json()["items"] == brought.json()["items"]


def test_a_sheet_has_the_corrected_wording(filed: Desk) -> None:
    filed.done("correct", f"{VISAS}@6", "--set", "wording=ninety days", "--reason", "Misread")
    (item,) = sheet(filed).json()["items"]
    assert [said["cited"]["wording"] for said in item["voices"]["US"]] == ["ninety days"]
    assert (item["before"]["confirmed_status"], item["after"]["confirmed_status"]) == ("unstated", "understanding")


def test_a_correction_of_an_earlier_event_is_no_change_by_the_round(filed: Desk) -> None:
    filed.done("correct", "ru-us/direct-flights@2", "--set", "terms=Flights", "--reason", "Shorter")
    assert [item["irritant"] for item in sheet(filed).json()["items"]] == [VISAS]


@pytest.mark.parametrize(
    ("name", "change", "path", "field", "value"),
    [
        (f"irritant/{VISAS}@1", "title=Visas", f"/v1/irritants/{VISAS}", "title", "Visas"),
        ("source/department-readout@1", "paragraphs=7", "/v1/sources/department-readout", "paragraphs", 7),
        ("ru-us@1", "title=Moscow and Washington", "/v1/relations/ru-us", "title", "Moscow and Washington"),
    ],
)
def test_openings_and_registrations_can_be_corrected(
    filed: Desk, name: str, change: str, path: str, field: str, value: object
) -> None:
    filed.done("correct", name, "--set", change, "--reason", "A slip")
    assert httpx.get(filed.url + path).json()[field] == value


def test_an_event_can_be_named_by_its_id(filed: Desk) -> None:
    filed.done("retract", str(event(filed, 6)["event"]), "--reason", "Said of another round")
    assert standing(filed) == ONE


def test_evidence_of_a_known_origin_changes_no_basis(filed: Desk) -> None:
    shown = filed.done(
        *("evidence", f"{VISAS}@2", "--source", "a-newspaper", "--publisher", "A newspaper", "--count", "9"),
        *("--paragraphs", "3", "--address", "https://example.org/1", "--published", "2025-04", "--language", "en"),
    )
    assert "Recorded: 2 events" in shown
    assert standing(filed) == BOTH
    source = httpx.get(f"{filed.url}/v1/sources/a-newspaper").json()
    assert (source["address"], source["published"], source["language"], source["relays"]) == (
        *("https://example.org/1", "2025-04", "en"),
        ["darchiev-after-april"],
    )


def test_evidence_by_the_other_side_confirms(desk: Desk) -> None:
    assert standing(desk) == ONE
    shown = desk.done(
        *(
            "evidence",
            f"{VISAS}@2",
            "--source",
            "department-note",
            "--publisher",
            "Department of State",
            "--paragraphs",
            "1",
        ),
        *("--origin", "department-on-visas", "--speaker", "The department", "--party", "US", "--channel", "quote"),
        *("--summary", "The department confirms the understanding."),
    )
    assert "basis      one side: Russia; 1 origin → both sides; 2 origins" in shown
    assert standing(desk) == BOTH


def test_a_registered_origin_needs_no_party_option(desk: Desk) -> None:
    desk.done("evidence", f"{VISAS}@2", "--source", "a1-hasanova", "--paragraphs", "7", "--origin", "outlet-hasanova")
    data = event(desk, 6)["data"]
    assert isinstance(data, dict)
    assert data["asserted_by"] == {"party": "MEDIA", "channel": "outlet"}


def test_a_new_origin_needs_a_party_option(desk: Desk) -> None:
    cited = ("--source", "a1-hasanova", "--paragraphs", "7", "--origin", "nobody-yet")
    ended = desk.run("evidence", f"{VISAS}@2", *cited)
    assert (ended.code, "--party and --channel" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["retract", f"{VISAS}@99", "--reason", "x"], 5, "there is no event ru-us/visas@99"),
        (["retract", "01900000-0000-7000-8000-000000000000", "--reason", "x"], 5, "Nothing is on record"),
        (["retract", "visas", "--reason", "x"], 2, 'invalid event "visas"'),
        (["retract", f"{VISAS}@2"], 2, "--reason"),
        (["retract", f"{VISAS}@1", "--reason", "x"], 1, "never retracted, only corrected"),
        (["correct", f"{VISAS}@2", "--set", "occurred=April", "--reason", "x"], 1, "April"),
        (["correct", f"{VISAS}@2", "--set", "type=ConcernRaised", "--reason", "x"], 1, "never corrected"),
        (["correct", f"{VISAS}@2", "--set", "nonsense", "--reason", "x"], 2, "use FIELD=VALUE"),
        (["correct", f"{VISAS}@2", "--set", "source.paragraphs=[", "--reason", "x"], 2, "cannot be read"),
        (["evidence", f"{VISAS}@1", "--source", "a1-hasanova", "--paragraphs", "1"], 2, "is not an assertion"),
        (["evidence", f"{VISAS}@2", "--source", "a1-hasanova", "--paragraphs", "one"], 2, "use numbers"),
        (["evidence", f"{VISAS}@2", "--source", "a1-hasanova", "--paragraphs", "99"], 1, "Paragraph 99 does not exist"),
    ],
)
def test_an_impossible_correction_is_refused(desk: Desk, arguments: list[str], code: int, said: str) -> None:
    ended = desk.run(*arguments)
    assert (ended.code, said in " ".join(ended.err.split())) == (code, True), ended.err


def test_json_output_is_the_receipt(desk: Desk) -> None:
    receipt = json.loads(desk.done("retract", f"{VISAS}@3", "--reason", "x", "--json"))
    assert [change["reason"] for change in receipt["changes"]] == ["retraction"]
    assert receipt["events"][0]["stream"] == f"irritant/{VISAS}"
