"""Requests generated from the contract, with keys of each scope: every answer of a server matches the contract.

CI runs a few examples for each operation. `make fuzz` runs three hundred, or EXAMPLES, with new seeds each time. Both
print the number of cases, and of failures by kind.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.store.keys import Scope
from tests.api.conftest import MakeKey
from tests.api.serving import served

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
FEW = "3"
MANY = os.environ.get("EXAMPLES", "300")
WHO: dict[str, tuple[Scope, tuple[str, ...] | None] | None] = {
    "nobody": None,
    "read": ("read", None),
    "report": ("report", None),
    "report on another relation": ("report", ("fr-us",)),
    "admin": ("admin", None),
}


def summary(report: Path) -> str:
    """Return the number of cases, and the failures by kind."""
    found = json.loads(report.read_text(encoding="utf-8"))
    kinds = {failure["title"]: failure["count"] for failure in [*found["failures"], *found["errors"]]}
    return f"{found['test_cases']['generated']:,} cases, failures by kind: {kinds or 'none'}"


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_every_answer_matches_the_contract(
    seeded_database_url: str, make_key: MakeKey, pytestconfig: pytest.Config, tmp_path: Path, who: str
) -> None:
    is_long = pytestconfig.getoption("--hypothesis-profile") == "fuzz"
    report, key = tmp_path / "report.json", WHO[who]
    signing = str(tmp_path / "checkpoint.key")
    contract = tmp_path / "openapi.json"
    # A long poll takes up to 30 seconds, and many examples are long polls.
    contract.write_text(
        (ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8").replace("wait=25", "wait=1"), encoding="utf-8"
    )
    with served(seeded_database_url, answers_per_minute="0", checkpoint_key=signing) as server:
        tried = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run"),
                *(str(contract), "--url", server.url, "--no-color", "--request-timeout=40"),
                *("--checks=all", "--exclude-checks=positive_data_acceptance", "--generation-database=none"),
                "--max-response-time=35",  # a request with `Prefer: wait` takes up to 30 s
                "--warnings=off",
                f"--report-json-path={report}",
                *([f"--max-examples={MANY}"] if is_long else [f"--max-examples={FEW}", "--seed=1"]),
                *([] if is_long or who == "report" else ["--phases=examples,fuzzing,stateful"]),
                *([f"--header=Authorization: {make_key(key[0], relations=key[1])['Authorization']}"] if key else []),
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        failures = [line for line in server.log() if line["event"] == "failed"]
    sys.stdout.write(f"{who}: {summary(report)}\n")
    assert tried.returncode == 0, (tried.stdout + tried.stderr)[-8000:]
    assert failures == []
