"""Two JavaScript libraries read the days and texts of the calendar."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from service.projections.formats.calendar import view
from tests.build import convened, scheduled
from tests.clients.test_generated import UNREACHABLE
from tests.projections.test_calendar import MAY, document

READ = """
import { readFileSync } from "fs";
import ICAL from "ical.js";
import ical from "node-ical";
const text = readFileSync(process.argv[2], "utf8");
const day = (moment) => moment.toISOString().slice(0, 10);
const first = new ICAL.Component(ICAL.parse(text)).getAllSubcomponents("vevent").map((entry) => new ICAL.Event(entry));
const second = Object.values(ical.sync.parseICS(text)).filter((entry) => entry.type === "VEVENT");
console.log(JSON.stringify([
  first.map((e) => [e.uid, e.startDate.toString(), e.endDate.toString(), e.location]),
  second.map((e) => [e.uid, day(e.start), day(e.end), e.location]),
]));
"""
PLACE = "Москва; the Kremlin, or \\ nearby 😀 " * 5

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    install = ["npm", "install", "--no-audit", "--no-fund", "ical.js@2.2.1", "node-ical@0.26.1"]
    ended = subprocess.run(install, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, check=False)
    if ended.returncode and UNREACHABLE.search(ended.stderr):
        pytest.skip("no registry of packages can be reached")
    assert ended.returncode == 0, ended.stderr
    (folder / "read.mjs").write_text(READ, encoding="utf-8")
    return folder


def entries(folder: Path, text: str) -> list[list[list[str]]]:
    (folder / "calendar.ics").write_bytes(text.encode())
    command = ["node", "read.mjs", "calendar.ics"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    found: list[list[list[str]]] = json.loads(ended.stdout)
    return found


def test_other_libraries_read_the_days_and_texts_of_each_round(folder: Path) -> None:
    rounds = [document(scheduled("RU", "2025-12-31", PLACE)), document(convened("RU", on="2025-04-10"), stream=MAY)]
    expected = [
        ["ru-us/may@irritants", "2025-04-10", "2025-04-11", "Istanbul"],
        ["ru-us/istanbul-april@irritants", "2025-12-31", "2026-01-01", PLACE],
    ]
    assert entries(folder, view("ru-us", rounds)) == [expected, expected]


def test_other_libraries_read_a_calendar_without_rounds(folder: Path) -> None:
    assert entries(folder, view("ru-us", [])) == [[], []]
