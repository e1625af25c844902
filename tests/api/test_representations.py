"""The number in an entity tag rises with each new shape of the JSON, so that no release says 304 for the old one.

`openapi/representations.json` keeps for each address its number and a hash of its shape: which fields there are,
at any depth, of which types and words. So a change of an irritant's document is one of all that it is part of, each
with a number of its own. What was filed has versions of its own, which `type` tells, and is no part of a shape.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from starlette.testclient import TestClient

from tests.api.test_contract import CONTRACT, concrete

KEPT: Final = Path(__file__).parents[2] / "openapi" / "representations.json"
FILED: Final = "EventOnTheWire"
TOLD: Final = frozenset({"title", "description", "examples", "default", "pattern"})
"""What is said of a value and leaves it as it is."""

Known = Mapping[str, tuple[int, str]]


def shapes() -> Iterator[tuple[str, Any]]:
    """Each address that has an entity tag, and the schema of its JSON."""
    for path, methods in CONTRACT["paths"].items():
        responses = methods.get("get", {}).get("responses", {})
        schema = responses.get("200", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None and "304" in responses:
            yield path, schema


def spelt_out(schema: Any, within: tuple[str, ...] = ()) -> Any:
    """A schema without names and texts, each component in the place where it is used."""
    if isinstance(schema, list):
        return [spelt_out(one, within) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        component = CONTRACT["components"]["schemas"][name]
        return name if name == FILED or name in within else spelt_out(component, (*within, name))
    fields = {name: spelt_out(one, within) for name, one in schema.get("properties", {}).items()}
    passed = {*TOLD, "properties", *(["items"] if "prefixItems" in schema else [])}  # as many items as have a place
    rest = {word: spelt_out(one, within) for word, one in schema.items() if word not in passed}
    return {**rest, "properties": fields} if fields else rest


def hashed(schema: Any) -> str:
    return sha256(json.dumps(spelt_out(schema), sort_keys=True).encode()).hexdigest()[:16]


def number(client: TestClient, path: str) -> int:
    """As the entity tag has it: position, history, number, media type."""
    etag = client.head(concrete(path, client), headers={"Accept": "application/json"}).headers["etag"]
    return int(etag.strip('"').split("-")[2])


def amiss(known: Known, now: Known) -> Iterator[str]:
    """What has to be done, where anything has."""
    for path, (representation, shape) in now.items():
        before, old_shape = known.get(path, (0, ""))
        if shape != old_shape and representation <= before:
            yield f"{path} has another shape under the number {before}: raise the REPRESENTATION that its page is given"
        elif representation < before:
            yield f"{path} goes back from the number {before} to {representation}, which stands for an older shape"
        elif (representation, shape) != (before, old_shape):
            yield f'{path} is new under its number: "{path}": [{representation}, "{shape}"] in {KEPT.name}'
    yield from (f"{path} is gone: out of {KEPT.name}" for path in known.keys() - now.keys())


def test_another_shape_has_a_higher_number(reading: TestClient) -> None:
    known = {
        path: (representation, shape)
        for path, (representation, shape) in json.loads(KEPT.read_text(encoding="utf-8")).items()
    }
    now = {path: (number(reading, path), hashed(schema)) for path, schema in shapes()}
    assert len(now) > 20
    assert not (found := list(amiss(known, now))), "\n".join(found)


def test_what_is_amiss_is_found() -> None:
    was = {"/a": (1, "old"), "/b": (2, "old"), "/c": (2, "old"), "/d": (1, "old"), "/e": (1, "old")}
    now = {"/a": (1, "new"), "/b": (3, "new"), "/c": (1, "old"), "/d": (1, "old")}
    found = [line.split(":")[0] for line in amiss(was, now)]
    assert found == [
        "/a has another shape under the number 1",
        "/b is new under its number",
        "/c goes back from the number 2 to 1, which stands for an older shape",
        "/e is gone",
    ]


def test_a_shape_is_that_of_its_parts_too_and_not_of_what_is_said_of_them() -> None:
    parts = CONTRACT["components"]["schemas"]
    dossier = spelt_out(parts["DossierDocument"])
    assert spelt_out(parts["IrritantDocument"]) in dossier["properties"].values()
    described = {**parts["DossierDocument"], "title": "-", "description": "-"}
    assert hashed(described) == hashed(parts["DossierDocument"])
