"""The JSON Schema that editors check report files with: checked in as the models have it, and the seeds fit it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from service import source_positions
from service.reportfile.schema import REPORT, plain, schema, takes
from tests.cli.conftest import irritants

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "openapi" / "report.schema.json"
EDITORS = jsonschema.Draft202012Validator(json.loads(CHECKED_IN.read_text(encoding="utf-8")))


def test_what_is_checked_in_is_what_the_command_prints() -> None:
    assert irritants("openapi", "--reports").out == CHECKED_IN.read_text(encoding="utf-8"), (
        "irritants openapi --reports > openapi/report.schema.json"
    )


@pytest.mark.parametrize("seed", sorted((ROOT / "seeds").glob("*.yaml")), ids=lambda path: path.name)
def test_the_seeds_fit_it(seed: Path) -> None:
    EDITORS.validate(written(seed.read_text(encoding="utf-8")))


def test_it_is_the_schema_of_the_models() -> None:
    assert json.loads(CHECKED_IN.read_text(encoding="utf-8")) == json.loads(json.dumps(schema()))


def written(text: str) -> dict[str, Any]:
    """The file as an editor has it: what is unquoted is what its field takes."""
    found = source_positions.read(text)
    top = found.root.value
    assert isinstance(top, dict)
    kinds = {"defaults": takes("ConcernRaised"), "sources": takes("SourceRegistered")}

    def one(name: str, node: source_positions.Node) -> Any:
        if isinstance(node.value, list):
            return [plain(entry, kinds.get(name) or takes(_type(entry)), found) for entry in node.value]
        return plain(node, kinds.get(name) or REPORT.get(name, REPORT["title"]), found)

    return {name: one(name, node) for name, node in top.items()}


def _type(entry: source_positions.Node) -> str:
    fields = entry.value
    assert isinstance(fields, dict)
    return str(fields["type"].value)
