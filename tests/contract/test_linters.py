"""Public linters find no error and no warning in the contract, and notice faults."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.linters import CONFIG, lint

CHECKED_IN = Path(__file__).parents[2] / "openapi" / "openapi.json"
BOUND = {"name": "limit", "in": "query", "schema": {"type": "integer", "ge": 1}}
PAIR = {"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}]}
FAULTY = {
    "openapi": "3.1.0",
    "info": {"title": "A contract with the faults that this one had", "version": "1"},
    "paths": {"/v1/rounds": {"get": {"tags": ["rounds"], "parameters": [BOUND], "responses": {}}}},
    "components": {"schemas": {"Pair": PAIR}},
}


def redocly(contract: Path) -> CompletedProcess[str]:
    return lint("redocly", "lint", contract, "--config", CONFIG / "redocly.yaml", "--format=stylish")


def spectral(contract: Path) -> CompletedProcess[str]:
    return lint("spectral", "lint", contract, "--ruleset", CONFIG / "spectral.yaml", "--fail-severity=hint")


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    contract = tmp_path / "openapi.json"
    contract.write_text(json.dumps(FAULTY), encoding="utf-8")
    return contract


def test_redocly_finds_nothing_in_the_contract() -> None:
    linted = redocly(CHECKED_IN)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_spectral_finds_nothing_in_the_contract() -> None:
    linted = spectral(CHECKED_IN)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_redocly_finds_unknown_keywords_and_a_contract_without_servers(faulty: Path) -> None:
    linted = redocly(faulty)
    assert linted.returncode == 1
    assert "Property `ge` is not expected here" in linted.stdout + linted.stderr
    assert "no-empty-servers" in linted.stdout + linted.stderr


def test_spectral_finds_arrays_without_items_and_undefined_tags(faulty: Path) -> None:
    linted = spectral(faulty)
    assert linted.returncode == 1
    assert {"array-items", "operation-tag-defined", "oas3-api-servers"} <= set(linted.stdout.split())
