"""The JSON Schema for report files in editors equals the models, and the seeds are valid by it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from service import source_positions
from service.reportfile.schema import REPORT, fields_of, json_value, schema
from tests.cli.conftest import irritants

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "openapi" / "report.schema.json"
EDITORS = jsonschema.Draft202012Validator(json.loads(CHECKED_IN.read_text(encoding="utf-8")))


def test_the_committed_schema_is_what_the_command_prints() -> None:
    assert irritants("openapi", "--reports").out == CHECKED_IN.read_text(encoding="utf-8"), (
        "irritants openapi --reports > openapi/report.schema.json"
    )


@pytest.mark.parametrize("seed", sorted((ROOT / "seeds").glob("*.yaml")), ids=lambda path: path.name)
def test_the_seeds_are_valid_by_the_schema(seed: Path) -> None:
    EDITORS.validate(written(seed.read_text(encoding="utf-8")))


def test_the_schema_is_that_of_the_models() -> None:
    assert json.loads(CHECKED_IN.read_text(encoding="utf-8")) == json.loads(json.dumps(schema()))


def written(text: str) -> dict[str, Any]:
    """Return the file as an editor sees it: unquoted values have the type of their field."""
    found = source_positions.read(text)
    top = found.root.value
    assert isinstance(top, dict)
    kinds = {"defaults": fields_of("ConcernRaised"), "sources": fields_of("SourceRegistered")}

    def one(name: str, node: source_positions.Node) -> Any:
        if isinstance(node.value, list):
            return [json_value(entry, kinds.get(name) or fields_of(_type(entry)), found) for entry in node.value]
        return json_value(node, kinds.get(name) or REPORT.get(name, REPORT["title"]), found)

    return {name: one(name, node) for name, node in top.items()}


def _type(entry: source_positions.Node) -> str:
    fields = entry.value
    assert isinstance(fields, dict)
    return str(fields["type"].value)
