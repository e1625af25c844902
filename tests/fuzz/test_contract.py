"""The contract tried against a live server, with keys of each scope: no failure, no status or shape beside it.

A few examples for each operation in CI; thousands by `make fuzz`, with other seeds each time.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from service.store.keys import Scope
from tests.api.conftest import MakeKey
from tests.api.serving import served

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
FEW, MANY = 3, 300


@pytest.mark.slow
@pytest.mark.parametrize("scope", [None, "read", "report", "admin"])
def test_the_service_does_what_the_contract_says(
    seeded_database_url: str, make_key: MakeKey, pytestconfig: pytest.Config, scope: Scope | None
) -> None:
    is_long = pytestconfig.getoption("--hypothesis-profile") == "fuzz"
    shown = [f"--header=Authorization: {make_key(scope)['Authorization']}"] if scope else []
    with served(seeded_database_url, answers_per_minute="0") as server:
        tried = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run"),
                *(str(ROOT / "openapi" / "openapi.json"), "--url", server.url, "--no-color", "--request-timeout=40"),
                *("--checks=all", "--exclude-checks=positive_data_acceptance", "--generation-database=none"),
                "--max-response-time=35",  # whoever sends `Prefer: wait` is answered after that long, at most 30 s
                *([f"--max-examples={MANY}"] if is_long else [f"--max-examples={FEW}", "--seed=1"]),
                *([] if is_long or scope == "report" else ["--phases=examples,fuzzing,stateful"]),
                *shown,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        failures = [line for line in server.log() if line["event"] == "failed"]
    assert tried.returncode == 0, (tried.stdout + tried.stderr)[-8000:]
    assert failures == []
    sys.stdout.write(tried.stdout[tried.stdout.rfind("Test cases:") :])
