"""correct, retract, evidence: every reading is right after each, and the history shows who did it, when and why."""

import json

import httpx2 as httpx
import pytest

from tests.cli.conftest import Desk
from tests.cli.test_filing import THIRD_ROUND

VISAS = "ru-us/visas"


@pytest.fixture
def filed(desk: Desk) -> Desk:
    """The third round is on record; the understanding on visas is the sixth event of its stream."""
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


def test_a_retraction_takes_it_out_of_the_present_and_leaves_it_in_the_past(filed: Desk) -> None:
    before = str(event(filed, 6)["position"])
    shown = filed.done("retract", f"{VISAS}@6", "--reason", "Said of another round")
    assert "confirmed  understanding → unstated" in shown
    assert "US made no other statement that puts it at understanding; understanding is still reported" in shown
    assert standing(filed) == ONE
    assert standing(filed, as_of_position=before) == BOTH
    history = filed.done("history", VISAS)
    assert "✗ Understanding reported: Visas are to take sixty days. “sixty days”" in history
    assert "UTC: Said of another round" in history
    assert "✗" not in filed.done("history", VISAS, "--as-of-position", before)


def test_a_retraction_that_is_retracted_restores_and_can_be_said_again(filed: Desk) -> None:
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


def test_evidence_that_falls_with_what_is_struck_is_named_before(filed: Desk) -> None:
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


def test_a_correction_of_the_date_moves_it_in_the_order_of_the_world(filed: Desk) -> None:
    shown = filed.done("correct", f"{VISAS}@6", "--set", "occurred=2025-04-10", "--reason", "It was said in April")
    assert "understanding, as before" in shown or "No status changes" in shown
    assert standing(filed, effective_on="2025-04-10") == BOTH
    assert standing(filed)[3] == 0


def test_a_correction_of_a_correction_replaces_it(filed: Desk) -> None:
    filed.done("correct", f"{VISAS}@6", "--set", "terms=Ninety days", "--reason", "Misheard")
    filed.done("correct", f"{VISAS}@7", "--set", "wording=ninety", "--reason", "Misheard again")
    data = event(filed, 6)["data"]
    assert isinstance(data, dict)
    assert (data["terms"], data["wording"]) == ("Visas within sixty days", "ninety")


def test_a_reversal_read_wrongly_and_mended_is_no_regression(filed: Desk) -> None:
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


def test_a_sheet_reads_as_if_what_was_struck_had_never_been_said(filed: Desk) -> None:
    brought, before = sheet(filed), str(event(filed, 6)["position"])
    filed.done("retract", f"{VISAS}@6", "--reason", "Said of another round")
    struck = sheet(filed)
    assert ([item["irritant"] for item in brought.json()["items"]], struck.json()["items"]) == ([VISAS], [])
    assert VISAS in [one["irritant"] for one in struck.json()["untouched"]]
    assert ("sixty days" in struck.text, struck.headers["etag"] == brought.headers["etag"]) == (False, False)
    assert sheet(filed, as_of_position=before).content == brought.content
    filed.done("retract", f"{VISAS}@7", "--reason", "It was of this round")
    assert sheet(filed).json()["items"] == brought.json()["items"]


def test_a_sheet_reads_as_if_what_was_corrected_had_always_been_so(filed: Desk) -> None:
    filed.done("correct", f"{VISAS}@6", "--set", "wording=ninety days", "--reason", "Misread")
    (item,) = sheet(filed).json()["items"]
    assert [said["cited"]["wording"] for said in item["voices"]["US"]] == ["ninety days"]
    assert (item["before"]["confirmed_status"], item["after"]["confirmed_status"]) == ("unstated", "understanding")


def test_a_correction_of_what_was_said_before_a_round_is_nothing_that_the_round_brought(filed: Desk) -> None:
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
def test_record_keeping_is_corrected_too(
    filed: Desk, name: str, change: str, path: str, field: str, value: object
) -> None:
    filed.done("correct", name, "--set", change, "--reason", "A slip")
    assert httpx.get(filed.url + path).json()[field] == value


def test_an_event_is_named_by_its_id_too(filed: Desk) -> None:
    filed.done("retract", str(event(filed, 6)["event"]), "--reason", "Said of another round")
    assert standing(filed) == ONE


def test_a_further_relay_of_the_same_words_changes_no_basis(filed: Desk) -> None:
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


def test_a_new_origin_by_the_other_side_confirms(desk: Desk) -> None:
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
    assert "basis      one side: RU; 1 origin → both sides; 2 origins" in shown
    assert standing(desk) == BOTH


def test_whose_a_registered_origin_is_need_not_be_said(desk: Desk) -> None:
    desk.done("evidence", f"{VISAS}@2", "--source", "a1-hasanova", "--paragraphs", "7", "--origin", "outlet-hasanova")
    data = event(desk, 6)["data"]
    assert isinstance(data, dict)
    assert data["asserted_by"] == {"party": "MEDIA", "channel": "outlet"}


def test_whose_a_new_origin_is_must_be_said(desk: Desk) -> None:
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
        (["evidence", f"{VISAS}@1", "--source", "a1-hasanova", "--paragraphs", "1"], 2, "is no assertion"),
        (["evidence", f"{VISAS}@2", "--source", "a1-hasanova", "--paragraphs", "one"], 2, "use numbers"),
        (["evidence", f"{VISAS}@2", "--source", "a1-hasanova", "--paragraphs", "99"], 1, "there is no paragraph 99"),
    ],
)
def test_what_cannot_be_mended_is_refused(desk: Desk, arguments: list[str], code: int, said: str) -> None:
    ended = desk.run(*arguments)
    assert (ended.code, said in " ".join(ended.err.split())) == (code, True), ended.err


def test_as_json_the_receipt(desk: Desk) -> None:
    receipt = json.loads(desk.done("retract", f"{VISAS}@3", "--reason", "x", "--json"))
    assert [change["reason"] for change in receipt["changes"]] == ["retraction"]
    assert receipt["events"][0]["stream"] == f"irritant/{VISAS}"
