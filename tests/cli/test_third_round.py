"""An operator files a third round, from template to retraction, and every reading is right after every step.

The test runs the real program against a server in its own process.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.api.serving import served
from tests.cli.conftest import Desk

PROGRAM = Path(sys.executable).with_name("irritants")
ROUND, VISAS, FLIGHTS = "ru-us/moscow-next", "ru-us/visas", "ru-us/direct-flights"
READINGS = (
    *("status", f"status {VISAS}", f"status {ROUND}", f"history {VISAS}", f"history {FLIGHTS}"),
    *(f"sheet {ROUND}", "needs-confirmation"),
)
"""What is read after each step, now and as it was known before."""
SAID = (
    ("round/moscow-next", "RoundConcluded"),
    ("irritant/direct-flights", "ProposalAnswered"),
    ("irritant/visas", "<DiscussionReported"),
)
"""The events of the template that are wanted, beside the round itself."""
FILLED_IN = (
    *("department-on-moscow", "Department of State", "8"),
    *("department-readout-moscow", "Department of State", "US", "quote"),
    *("US", "quote", "department-on-moscow", "2", "department-readout-moscow", "2025-07-10"),
    *("Moscow", "The delegations met in Moscow.", "6", "exact", "They talked for six hours."),
    *("rejected", "The department does not want to speak of flights now."),
    *("UnderstandingReported\n    terms: Visas within sixty days", "Visas take sixty days at most.", "sixty days"),
)
"""What comes into the angle brackets, from top to bottom."""


@pytest.fixture
def desk(seeded_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with served(seeded_database_url) as server:
        monkeypatch.setenv("IRRITANTS_URL", server.url)
        monkeypatch.chdir(tmp_path)
        desk = Desk(server.url, seeded_database_url, tmp_path, monkeypatch)
        desk.key("report", name="operator")
        yield desk


def irritants(*arguments: str) -> str:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(*then: str) -> dict[str, Any]:
    """Return all readings."""
    with ThreadPoolExecutor(2) as asking:
        told = asking.map(lambda reading: irritants(*reading.split(), *then, "--json"), READINGS)
        return dict(zip(READINGS, map(json.loads, told), strict=True))


def changes() -> list[dict[str, Any]]:
    return [json.loads(line) for line in irritants("changes", "--json").splitlines()]


def filled_in(template: str) -> str:
    for stream, type in SAID:
        block = re.compile(rf"^  # - stream: {stream}\n  #   type: {type}.*\n(?:  #   .*\n)*", re.MULTILINE)
        template = block.sub(lambda found: re.sub("^  # ", "  ", found[0], flags=re.MULTILINE), template, count=1)
    answers = iter(FILLED_IN)
    lines = [
        line if line.lstrip().startswith("#") else re.sub("<[^>]+>", lambda _: next(answers), line)
        for line in template.splitlines(keepends=True)
    ]
    assert list(answers) == []
    return "".join(lines)


def standing(readings: Mapping[str, Any], irritant: str) -> tuple[Any, ...]:
    (row,) = (item for item in readings["status"]["items"] if item["id"] == irritant)
    if irritant == VISAS:
        assert readings[f"status {VISAS}"] == row
    return tuple(row[name] for name in ("status", "confirmed_status", "basis", "awaiting", "regressions"))


def told(readings: Mapping[str, Any], irritant: str) -> list[tuple[str, bool, list[tuple[str, str]]]]:
    """Return the events of an irritant since the seeds: type, whether it counts, and its corrections."""
    seeds = {VISAS: 5, FLIGHTS: 2}[irritant]
    later = (item for item in readings[f"history {irritant}"]["items"] if item["version"] > seeds)
    return [
        (i["type"], i["stands"], [(done["kind"], done["reason"]) for done in i["amendments"]])
        for i in later
        if "asserted_by" in i["data"]
    ]


def brought(readings: Mapping[str, Any]) -> dict[str, tuple[str, str, str, list[str]]]:
    """Return the changes in the sheet: confirmed before and after, awaiting, and the statements of the US."""
    return {
        item["irritant"]: (
            *(item[when]["confirmed_status"] for when in ("before", "after")),
            item["after"]["awaiting"],
            [said["cited"]["summary"] for said in item["voices"]["US"]],
        )
        for item in readings[f"sheet {ROUND}"]["items"]
    }


def doubts(readings: Mapping[str, Any], about: str) -> set[str]:
    return {item["kind"] for item in readings["needs-confirmation"]["items"] if item["about"] == about}


def moved(found: list[dict[str, Any]], since: int) -> list[tuple[str, str]]:
    return [(change["irritant"], change["reason"]) for change in found if change["position"] > since]


UNCONFIRMED = {"claimed_above_confirmed", "one_origin", "silent_side"}
AGREED = ("understanding", "understanding", "both_sides", "both", 0)
CLAIMED = ("understanding", "unstated", "one_side", "both", 0)
ANSWERED = ("proposed", "unstated", "attributed", "none", 0)
WAITING = ("proposed", "unstated", "attributed", "US", 0)
SIXTY, NO_FLIGHTS = "Visas take sixty days at most.", "The department does not want to speak of flights now."


@pytest.mark.slow
def test_a_third_round_is_filed_from_a_template_corrected_and_retracted(desk: Desk) -> None:
    seeded, before = read(), changes()
    irritants("report", "--template", ROUND, "moscow.yaml")
    template = (desk.folder / "moscow.yaml").read_text(encoding="utf-8")
    desk.write("moscow.yaml", filled_in(template))
    shown = irritants("report", "moscow.yaml", "--dry-run")
    assert "  confirmed  nothing → understanding\n" in shown
    assert "  awaiting   The United States → No one\n" in shown
    assert "Dry run: 6 events would be recorded at positions 128 to 133." in shown
    assert (read(), changes()) == (seeded, before)
    assert (standing(seeded, VISAS), standing(seeded, FLIGHTS), brought(seeded)) == (CLAIMED, WAITING, {})
    assert doubts(seeded, f"irritant/{VISAS}") == UNCONFIRMED

    assert "Recorded: 6 events at positions 128 to 133" in irritants("report", "moscow.yaml")
    filed = read()
    assert (standing(filed, VISAS), standing(filed, FLIGHTS)) == (AGREED, ANSWERED)
    assert filed[f"status {ROUND}"]["phase"] == "concluded"
    assert told(filed, VISAS) == [("UnderstandingReported", True, [])]
    assert told(filed, FLIGHTS) == [("ProposalAnswered", True, [])]
    assert brought(filed) == {
        FLIGHTS: ("unstated", "unstated", "none", [NO_FLIGHTS]),
        VISAS: ("unstated", "understanding", "both", [SIXTY]),
    }
    assert doubts(filed, f"irritant/{VISAS}") == set()
    assert moved(changes(), 127) == [(FLIGHTS, "world"), (VISAS, "world")]
    assert read("--as-of-position", "127") == seeded

    shown = irritants("correct", f"{FLIGHTS}@3", "--set", "answer=deferred", "--reason", "Misread")
    assert "  awaiting   No one → The United States\n" in shown
    corrected = read()
    assert (standing(corrected, VISAS), standing(corrected, FLIGHTS)) == (AGREED, WAITING)
    assert told(corrected, FLIGHTS) == [("ProposalAnswered", True, [("correction", "Misread")])]
    assert brought(corrected) == brought(filed) | {FLIGHTS: ("unstated", "unstated", "US", [NO_FLIGHTS])}
    assert corrected["needs-confirmation"]["items"] == filed["needs-confirmation"]["items"]
    assert moved(changes(), 133) == [(FLIGHTS, "correction")]
    assert read("--as-of-position", "133") == filed

    shown = irritants("retract", f"{VISAS}@6", "--reason", "Another round")
    assert "  confirmed  understanding → nothing\n" in shown
    retracted = read()
    assert (standing(retracted, VISAS), standing(retracted, FLIGHTS)) == (CLAIMED, WAITING)
    assert told(retracted, VISAS) == [("UnderstandingReported", False, [("retraction", "Another round")])]
    assert brought(retracted) == {FLIGHTS: ("unstated", "unstated", "US", [NO_FLIGHTS])}
    assert doubts(retracted, f"irritant/{VISAS}") == UNCONFIRMED
    assert moved(changes(), 134) == [(VISAS, "retraction")]
    assert read("--as-of-position", "134") == corrected
    assert read("--as-of-position", "127") == seeded
    assert changes()[: len(before)] == before
