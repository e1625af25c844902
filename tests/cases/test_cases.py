"""Twenty relations as their report files tell them, and what a desk officer expects of each.

Each irritant's whole document, headline included, is a golden file in `expected/`; `UPDATE_GOLDEN=1` writes them anew,
to be read before they are committed. The files are made in own words from public readouts; paragraph numbers are
placeholders, offices stand for persons.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from service.projections import board, dossier, ledger, matrix, needs_confirmation
from service.projections import round as round_
from service.projections.formats import calendar
from service.projections.irritant import IrritantDocument
from tests.cases.filing import filed

EXPECTED = Path(__file__).parent / "expected"
CASES = (
    *("01", "02", "03", "05", "06", "07", "08", "09", "10", "11", "12"),
    *("13", "14", "15", "16", "18", "19", "20", "21", "22"),
)
LATER = date(2026, 6, 30)

# What is expected of each irritant; a rung is by side, a field that is not named there is in the golden.
TOLD: dict[tuple[str, str], dict[str, Any]] = {
    ("01", "cn-in/lac-patrolling"): {
        "rungs": {"CN": "understanding", "IN": "formalised"},
        "status": "formalised",
        "basis": "one_side",
        "confirmed_status": "understanding",
    },
    ("01", "cn-in/kailash-yatra"): {
        "rungs": {"CN": "formalised", "IN": "understanding"},
        "confirmed_status": "understanding",
    },
    ("01", "cn-in/direct-flights"): {
        "rungs": {"CN": "unstated", "IN": "understanding"},
        "silent": {"CN"},
        "reported_status": "implementing",
        "reported_by": ("MEDIA",),
        "awaiting": "both",
    },
    ("01", "cn-in/border-trade"): {"rungs": {"CN": "formalised", "IN": "formalised"}, "basis": "both_sides"},
    ("02", "cn-us/tariffs"): {"rungs": {"CN": "formalised", "US": "formalised"}, "valid_until": "2025-11-10"},
    ("02", "cn-us/rare-earths"): {
        "rungs": {"CN": "formalised", "US": "formalised"},
        "basis": "both_sides",
        "regressions": 0,
        "disputes": [("breach", "US", "CN", False)],
    },
    ("02", "cn-us/fentanyl"): {
        "rungs": {"CN": "understanding", "US": "understanding"},
        "basis": "both_sides",
        "origins": 2,
    },
    ("03", "eu-gb/fisheries-access"): {
        "rungs": {"EU": "formalised", "GB": "formalised"},
        "valid_until": "2038-06-30",
    },
    ("05", "am-az/prisoners"): {
        "rungs": {"AM": "implementing", "AZ": "implementing"},
        "basis": "both_sides",
        "extent": (34, 57, "persons"),
        "items": (1, 2),
        "third_parties": ["armenian-lawyers"],
    },
    ("05", "am-az/delimitation"): {"rungs": {"AM": "formalised", "AZ": "implementing"}},
    ("06", "ir-us/enrichment"): {
        "rungs": {"IR": "in_talks", "US": "unstated"},
        "silent": set(),
        "stances": {"IR": "red_line", "US": "red_line"},
        "reported_status": "understanding",
        "reported_by": ("OM",),
        "third_parties": ["OM"],
    },
    ("06", "ir-us/sanctions-relief"): {"basis": "none", "headline": "Nothing is on record yet."},
    ("07", "cn-va/bishops"): {
        "rungs": {"CN": "formalised", "VA": "formalised"},
        "basis": "both_sides",
        "valid_until": "2028-10-22",
        "awaiting": "none",
        "last_moved": "2018-09-22",
        "latest": {"CN": "2024-10-22", "VA": "2024-10-22"},
    },
    ("08", "il-lb/maritime-border"): {
        "rungs": {"IL": "formalised", "LB": "formalised"},
        "reported_status": "implementing",
        "reported_by": ("US",),
        "awaiting": "none",
    },
    ("09", "ca-us/digital-tax"): {
        "rungs": {"CA": "implementing", "US": "proposed"},
        "confirmed_status": "proposed",
        "awaiting": "CA",
    },
    ("09", "ca-us/trade-deal"): {"rungs": {"CA": "in_talks", "US": "unstated"}, "silent": set(), "hold": "none"},
    ("10", "pl-ua/exhumations"): {
        "rungs": {"PL": "implementing", "UA": "formalised"},
        "hold": "none",
        "awaiting": "both",
    },
    ("11", "dz-fr/visa-exemption"): {
        "rungs": {"DZ": "unstated", "FR": "formalised"},
        "silent": set(),
        "confirmed_status": "unstated",
        "regressions": 2,
        "disputes": [("reversal", "DZ", "FR", True)],
    },
    ("12", "af-pk/ceasefire"): {"rungs": {"AF": "formalised", "PK": "understanding"}, "third_parties": ["QA"]},
    ("12", "af-pk/militants"): {"rungs": {"AF": "unstated", "PK": "understanding"}, "silent": {"AF"}},
    ("12", "af-pk/durand-line"): {
        "rungs": {"AF": "unstated", "PK": "unstated"},
        "reported_status": "unstated",
        "basis": "none",
        "silent": {"PK"},
    },
    ("13", "tr-us/local-staff"): {
        "rungs": {"TR": "unstated", "US": "understanding"},
        "basis": "contested",
        "silent": set(),
        "disputes": [("claim", "US", "TR", True)],
    },
    ("13", "tr-us/visa-services"): {
        "rungs": {"TR": "implementing", "US": "implementing"},
        "basis": "both_sides",
        "lifecycle": "open",
    },
    ("14", "mx-us/rio-grande"): {
        "rungs": {"MX": "implementing", "US": "implementing"},
        "extent": (885000, 1750000, "acre-feet"),
        "awaiting": "MX",
        "stances": {"MX": "conditional", "US": "none"},
    },
    ("15", "jp-kr/export-controls"): {
        "rungs": {"JP": "implementing", "KR": "implementing"},
        "lifecycle": "open",
        "awaiting": "none",
        "linked": [("jp-kr/forced-labour", "package")],
    },
    ("16", "hu-ua/minority-rights"): {
        "rungs": {"HU": "understanding", "UA": "in_talks"},
        "confirmed_status": "in_talks",
        "awaiting": "both",
        "reported_status": "understanding",
        "reported_by": ("HU", "MEDIA"),
    },
    ("18", "co-ve/border"): {"lifecycle": "resolved", "items": (1, 3)},
    ("19", "in-kr/qco-appliances"): {
        "rungs": {"IN": "unstated", "KR": "implementing"},
        "silent": {"IN"},
        "lifecycle": "open",
    },
    ("20", "in-pk/water"): {
        "rungs": {"IN": "formalised", "PK": "implementing"},
        "silent": set(),
        "awaiting": "IN",
        "third_parties": ["pca", "CN"],
        "disputes": [("breach", "PK", "IN", False)],
    },
    ("20", "in-pk/airspace"): {
        "rungs": {"IN": "understanding", "PK": "understanding"},
        "basis": "both_sides",
        "disputes": [],
    },
    ("20", "in-pk/visas"): {"rungs": {"IN": "formalised", "PK": "formalised"}, "basis": "one_side", "regressions": 1},
    ("21", "kh-th/crossings"): {
        "rungs": {"KH": "in_talks", "TH": "understanding"},
        "awaiting": "TH",
        "hold": "suspended",
    },
    ("21", "kh-th/soldiers"): {
        "rungs": {"KH": "in_talks", "TH": "implementing"},
        "awaiting": "TH",
        "disputes": [("terms", "TH", "KH", False), ("outcome", "TH", "KH", False)],
    },
    ("22", "rs-xk/documents"): {
        "rungs": {"RS": "implementing", "XK": "implementing"},
        "extent": (2, 2, "sides"),
        "reported_status": "resolved",
        "reported_by": ("EU",),
    },
    ("22", "rs-xk/association"): {
        "rungs": {"RS": "understanding", "XK": "unstated"},
        "basis": "attributed",
        "stances": {"RS": "none", "XK": "red_line"},
        "reported_status": "understanding",
        "awaiting": "XK",
    },
    ("22", "rs-xk/missing"): {"rungs": {"RS": "unstated", "XK": "unstated"}, "silent": set(), "items": (1, 1)},
}

# Parts that the headline must have, and words that it must not have.
HEADLINES: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("01", "cn-in/lac-patrolling"): (("an agreement", "解决方案"), ()),
    ("01", "cn-in/direct-flights"): (("China is silent",), ()),
    ("01", "cn-in/border-trade"): (("Nepal raises a concern",), ()),
    ("02", "cn-us/rare-earths"): (("broke what was agreed",), ("China names it as a problem",)),
    ("03", "eu-gb/fisheries-access"): (("The EU and the United Kingdom both say",), ()),
    ("06", "ir-us/enrichment"): (
        ("Oman reports", "“No enrichment”", "Enrichment itself cannot be given up"),
        ("edia", "silent"),
    ),
    ("08", "il-lb/maritime-border"): (("each with the United States",), ()),
    ("11", "dz-fr/visa-exemption"): (
        ("Algeria terminated", "France suspended", "which France denies"),
        ("France says", "on record"),
    ),
    ("12", "af-pk/durand-line"): (
        ("Afghanistan denies that it was discussed", "Qatar withdrew its statement", "Pakistan is silent"),
        ("Nothing is on record",),
    ),
    ("13", "tr-us/local-staff"): (("Türkiye denies",), ("silent",)),
    ("16", "hu-ua/minority-rights"): (("due 8 February 2024; of the sides Ukraine alone says that it is agreed",), ()),
    ("20", "in-pk/water"): (
        (
            "India suspended the instrument on 23 April 2025",
            "Awaiting the answer of India to the counter-proposal of Pakistan",
            "India denies what the Court of Arbitration says of it",
        ),
        ("answer of India to India",),
    ),
    ("20", "in-pk/airspace"): (
        ("both say", "India denies what the United States says", "Pakistan denies words that are attributed to it"),
        ("India denies that", "Pakistan denies that"),
    ),
    ("20", "in-pk/visas"): (
        ("India is said to regard it as recorded", "Pakistan suspended the instrument"),
        ("India says", "both"),
    ),
    ("21", "kh-th/crossings"): (
        ("Thailand suspended the talks", "Awaiting the answer of Thailand to the counter-proposal of Cambodia"),
        ("Cambodia says that Thailand holds it up", "answer of Thailand to Thailand"),
    ),
    ("21", "kh-th/soldiers"): (
        ("due 21 November 2025", "Cambodia says that it lapsed; Thailand says that it is done"),
        ("31 December",),
    ),
    ("22", "rs-xk/documents"): (("Done, according to Serbia: 2 of 2 sides", "The EU reports that it is settled"), ()),
    ("22", "rs-xk/association"): (
        ("Serbia is said to regard it as accepted", "Kosovo draws a red line"),
        ("edia report", "silent"),
    ),
    ("22", "rs-xk/missing"): (("Items said to be settled: 1 of 1",), ("silent",)),
}


def told(document: IrritantDocument) -> dict[str, Any]:
    sides = document.parties
    return {
        **{name: getattr(document, name) for name in type(document).model_fields},
        "rungs": {party: side.rung for party, side in sides.items()},
        "silent": {party for party, side in sides.items() if side.silent},
        "stances": {party: side.stance for party, side in sides.items()},
        "latest": {party: side.latest.occurred if side.latest else None for party, side in sides.items()},
        "disputes": [(d.kind, d.alleged_by, d.about, d.denied) for d in document.disputes],
        "extent": document.extent and (document.extent.done, document.extent.of, document.extent.unit),
        "items": (document.items.settled, document.items.total),
        "third_parties": [third.actor for third in document.third_parties],
        "last_moved": document.last_moved.occurred,
        "linked": [(link.irritant, link.kind) for link in document.linked],
    }


@pytest.mark.parametrize(("case", "irritant"), TOLD, ids=lambda it: it)
def test_what_a_desk_officer_expects(case: str, irritant: str) -> None:
    found = told(filed(case).document(irritant))
    assert {name: found[name] for name in TOLD[case, irritant]} == TOLD[case, irritant]


@pytest.mark.parametrize(("case", "irritant"), HEADLINES, ids=lambda it: it)
def test_what_the_headline_says_and_does_not_say(case: str, irritant: str) -> None:
    headline = filed(case).document(irritant).headline
    said, unsaid = HEADLINES[case, irritant]
    assert [words for words in said if words not in headline] == []
    assert [words for words in unsaid if words in headline] == []


@pytest.mark.parametrize("case", CASES)
def test_the_whole_documents(case: str) -> None:
    streams = sorted(stream for stream in filed(case).histories if stream.startswith("irritant/"))
    found = {s: filed(case).document(s.removeprefix("irritant/")).model_dump(mode="json") for s in streams}
    path = EXPECTED / f"{case}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_board_and_matrix_show_the_same_sentence(case: str) -> None:
    relation = filed(case).relation()
    headlines = {row.id: row.headline for row in board.view(**relation).items}
    assert headlines == {row.irritant: row.headline for row in matrix.view(**relation).items}
    assert headlines == {id: filed(case).document(id).headline for id in headlines}


def needs(case: str, irritant: str, on: date | None = None) -> set[str]:
    found = needs_confirmation.of_irritant(filed(case).reading(f"irritant/{irritant}"), on)
    return {item.kind for item in found}


def test_what_needs_confirmation() -> None:
    assert "one_origin" not in needs("01", "cn-in/border-trade")
    assert "run_out" in needs("02", "cn-us/tariffs", LATER)
    assert "run_out" not in needs("02", "cn-us/tariffs", date(2025, 11, 10))
    assert "latest_word_below_rung" not in needs("02", "cn-us/tariffs")
    assert "dispute" in needs("02", "cn-us/rare-earths")
    assert "items_outstanding" in needs("18", "co-ve/border")


def test_third_parties_have_a_lane_of_their_own() -> None:
    columns = dossier.view(filed("01").reading("irritant/cn-in/border-trade")).columns
    assert [said.type for said in columns["NP"]] == ["ConcernRaised"]
    assert columns["MEDIA"] == ()
    (row,) = (r for r in board.view(**filed("01").relation()).items if r.id == "cn-in/border-trade")
    assert [third.actor for third in row.third_parties] == ["NP"]


def test_the_board_shows_each_sides_latest_word() -> None:
    (row,) = board.view(**filed("07").relation()).items
    assert {party: word and word.occurred for party, word in row.latest.items()} == {
        "CN": "2024-10-22",
        "VA": "2024-10-22",
    }


def step(case: str, name: str, on: date | None = None) -> ledger.StepDocument:
    steps = ledger.view(**filed(case).relation(), on=on).steps
    return next(s for s in steps if s.step == name)


def test_steps() -> None:
    suspended = step("02", "suspend-24-points")
    assert (suspended.due and suspended.due.edtf, suspended.terms_confirmed) == ("2025-11-10", True)
    cycle = step("14", "cycle-36", LATER)
    assert (cycle.open, cycle.overdue, cycle.outcomes, cycle.outcome) == (True, True, {"US": "lapsed"}, None)
    assert step("10", "working-group").owner == "both"
    commission = step("16", "commission", LATER)
    assert (commission.overdue, commission.claimed_by, commission.terms_confirmed) == (True, ("UA",), False)


def test_the_proposal_of_a_mediator_is_closed_by_both_answers() -> None:
    (proposal,) = ledger.view(**filed("08").relation()).proposals
    assert (proposal.tabled_by, proposal.open, proposal.closed_as) == (("US",), False, "accepted")


def test_rounds() -> None:
    assert filed("06").reading("round/ir-us/rome-4").state.phase == "postponed"
    geneva = round_.view(filed("02").reading("round/cn-us/geneva"))
    lines = calendar.view("cn-us", [geneva]).split("\r\n")
    assert {"DTSTART;VALUE=DATE:20250510", "DTEND;VALUE=DATE:20250512"} <= set(lines)
    rome = round_.view(filed("06").reading("round/ir-us/rome-4"))
    assert "BEGIN:VEVENT" not in calendar.view("ir-us", [rome])


def test_a_date_of_the_persian_calendar_is_warned_of() -> None:
    warned = [warning.facts for warning in filed("06").warnings if warning.code == "before_1900"]
    assert any("1404-01-30" in facts.values() for facts in warned)
