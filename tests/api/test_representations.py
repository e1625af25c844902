"""The representation number in an entity tag rises with each new shape of the JSON.

Otherwise a new release would answer 304 to the tag of the old shape. `openapi/representations.json` has, for each
address, the number and a hash of the shape: the fields at any depth, with their types and words. So a change of the
irritant's document changes all documents that contain it. Events have their own versions and are no part of a shape.
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
DESCRIPTIVE: Final = frozenset({"title", "description", "examples", "default", "pattern"})
"""Keywords that describe a value and do not change its shape."""

Known = Mapping[str, tuple[int, str]]


def shapes() -> Iterator[tuple[str, Any]]:
    """Yield each address that has an entity tag, with the schema of its JSON."""
    for path, methods in CONTRACT["paths"].items():
        responses = methods.get("get", {}).get("responses", {})
        schema = responses.get("200", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is not None and "304" in responses:
            yield path, schema


def expanded(schema: Any, within: tuple[str, ...] = ()) -> Any:
    """Return a schema without names and texts, with each component inserted where it is used."""
    if isinstance(schema, list):
        return [expanded(one, within) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        component = CONTRACT["components"]["schemas"][name]
        return name if name == FILED or name in within else expanded(component, (*within, name))
    fields = {name: expanded(one, within) for name, one in schema.get("properties", {}).items()}
    # prefixItems already limits the number of items
    passed = {*DESCRIPTIVE, "properties", *(["items"] if "prefixItems" in schema else [])}
    rest = {word: expanded(one, within) for word, one in schema.items() if word not in passed}
    return {**rest, "properties": fields} if fields else rest


def hashed(schema: Any) -> str:
    return sha256(json.dumps(expanded(schema), sort_keys=True).encode()).hexdigest()[:16]


def number(client: TestClient, path: str) -> int:
    """Return the representation number of an entity tag: position, history, number, media type."""
    etag = client.head(concrete(path, client), headers={"Accept": "application/json"}).headers["etag"]
    return int(etag.strip('"').split("-")[2])


def wrong_numbers(known: Known, now: Known) -> Iterator[str]:
    """Yield what to do about each new shape and each wrong number."""
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
    assert not (found := list(wrong_numbers(known, now))), "\n".join(found)


def test_wrong_numbers_are_found() -> None:
    was = {"/a": (1, "old"), "/b": (2, "old"), "/c": (2, "old"), "/d": (1, "old"), "/e": (1, "old")}
    now = {"/a": (1, "new"), "/b": (3, "new"), "/c": (1, "old"), "/d": (1, "old")}
    found = [line.split(":")[0] for line in wrong_numbers(was, now)]
    assert found == [
        "/a has another shape under the number 1",
        "/b is new under its number",
        "/c goes back from the number 2 to 1, which stands for an older shape",
        "/e is gone",
    ]


def test_a_shape_includes_its_components_but_not_their_descriptions() -> None:
    parts = CONTRACT["components"]["schemas"]
    dossier = expanded(parts["DossierDocument"])
    assert expanded(parts["IrritantDocument"]) in dossier["properties"].values()
    described = {**parts["DossierDocument"], "title": "-", "description": "-"}
    assert hashed(described) == hashed(parts["DossierDocument"])
