"""The TypeScript types in `openapi/` are those of the contract, and a strict compiler accepts them."""

import hashlib
import shutil
from pathlib import Path

from tests.clients.test_generated import MISTAKEN
from tests.linters import lint

CHECKED_IN = Path(__file__).parents[2] / "openapi"
REPORT = """
import type { components } from "./irritants.js";
export const filed: components["schemas"]["Report"] = {
  relation: "ru-us",
  title: "A statement",
  events: [
    {
      stream: "irritant/visas",
      type: "ConcernRaised",
      asserted_by: { party: "US", channel: "quote" },
      source: { document: "a-briefing", paragraphs: [1], origin: "a-spokeswoman" },
      summary: "It raised visas.",
    },
  ],
};
"""


def test_the_types_are_made_from_the_contract_that_is_checked_in() -> None:
    contract = (CHECKED_IN / "openapi.json").read_bytes()
    second_line = (CHECKED_IN / "irritants.d.ts").read_text(encoding="utf-8").splitlines()[1]
    assert second_line.endswith(hashlib.sha256(contract).hexdigest()), "run `make types`"


def test_the_generator_makes_the_same_types_again(tmp_path: Path) -> None:
    made = tmp_path / "irritants.d.ts"
    arguments = (CHECKED_IN / "openapi.json", "--default-non-nullable=false", "--output", made)
    generated = lint("openapi-typescript", *arguments)
    assert generated.returncode == 0, generated.stdout + generated.stderr
    checked_in = (CHECKED_IN / "irritants.d.ts").read_text(encoding="utf-8").split("\n", 2)[2]
    assert made.read_text(encoding="utf-8") == checked_in


def test_a_strict_compiler_accepts_a_report_and_refuses_misspelt_words_and_fields(tmp_path: Path) -> None:
    shutil.copy(CHECKED_IN / "irritants.d.ts", tmp_path)
    for name, program in {"report": REPORT, "mistaken": MISTAKEN}.items():
        (tmp_path / f"{name}.mts").write_text(program, encoding="utf-8")
    programs = (tmp_path / "report.mts", tmp_path / "mistaken.mts")
    compiled = lint("tsc", "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", *programs)
    assert compiled.returncode == 0, compiled.stdout
    (tmp_path / "report.mts").write_text(REPORT.replace("ConcernRaised", "ConcernRased"), encoding="utf-8")
    refused = lint("tsc", "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", *programs)
    assert refused.returncode != 0
