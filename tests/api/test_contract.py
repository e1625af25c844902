"""The contract is valid, describes what the service does, and does not break its clients unnoticed."""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from service import reportfile
from service.api.openapi import examples
from service.domain.catalogue import EVENT_TYPES, KINDS
from service.seeding import FOLDER
from tests.api.breaking import Contract, Schema, breaking

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "openapi" / "openapi.json"
RELEASED = ROOT / "openapi" / "released.json"
CHANGELOG = ROOT / "CHANGELOG.md"

CONTRACT: Schema = json.loads(CHECKED_IN.read_text(encoding="utf-8"))
"""The committed contract. The first test proves that it is the one of the code. Building it takes a second."""
READS = [path for path, methods in CONTRACT["paths"].items() if "get" in methods and path.startswith("/v1/")]
NEEDED = {"/v1/search": "?q=bank"}
"""The query without which a path answers nothing."""
KEYWORDS = {
    *("$ref", "title", "description", "type", "format", "const", "enum", "default", "examples", "anyOf", "oneOf"),
    *(
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minProperties",
    ),
    *("pattern", "minLength", "maxLength", "minimum", "maximum", "discriminator"),
}
"""The keywords of JSON Schema 2020-12 and of OpenAPI that the contract needs."""
SLUGS = {"/v1/irritants": "banking-access", "/v1/rounds": "istanbul-april", "/v1/sources": "a2-tataru"}


def fits(value: Any, schema: Schema) -> list[str]:
    """Return the errors of a value by a schema of the contract."""
    validator = Draft202012Validator({**schema, "components": CONTRACT["components"]})
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(value)
    ]


def component(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def concrete(path: str, client: TestClient) -> str:
    """Return an address for a path template, with names that are in the seeded record."""
    if "{id}" in path:
        listed = client.get(path.partition("/{")[0]).json()["items"]
        path = path.replace("{id}", listed[0]["id"])
    slug = next((slug for prefix, slug in SLUGS.items() if path.startswith(prefix)), "")
    return path.replace("{relation}", "ru-us").replace("{slug}", slug) + NEEDED.get(path, "")


def asking(address: str, query: str) -> str:
    """Return an address with a further query, such as `?limit=2`."""
    return address + (query.replace("?", "&") if "?" in address else query)


def test_the_committed_contract_is_the_one_of_the_code_and_is_served(reading: TestClient) -> None:
    assert isinstance(reading.app, FastAPI)
    made = reading.app.openapi()
    assert made == CONTRACT, "irritants openapi > openapi/openapi.json"
    served = reading.get("/openapi.json").text
    # Also in the same order.
    assert served == json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def test_the_contract_is_served_without_being_made(client: TestClient, app: FastAPI) -> None:
    assert client.get("/openapi.json").status_code == client.get("/docs").status_code == 200
    assert app.openapi_schema is None


def test_the_contract_is_valid() -> None:
    validate(CONTRACT)
    assert CONTRACT["openapi"].startswith("3.1.")


def schemas(part: Any, within: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every schema in the contract, with the keyword that contains it."""
    match part:
        case dict() if within in ("schema", "items", "additionalProperties"):
            yield within, part
            yield from _within(part)
        case dict() if within in ("properties", "schemas"):
            for one in part.values():
                yield from schemas(one, "schema")
        case list() if within in ("anyOf", "oneOf", "prefixItems"):
            for one in part:
                yield within, one
                yield from _within(one)
        case dict():
            yield from _within(part)
        case list():
            for one in part:
                yield from schemas(one)
        case _:
            pass


def _within(part: Schema) -> Iterator[tuple[str, Schema]]:
    for keyword, value in part.items():
        if keyword not in ("example", "examples", "default", "const", "enum"):
            yield from schemas(value, keyword)


def test_schemas_use_only_keywords_of_json_schema_and_openapi() -> None:
    used = {keyword for _, schema in schemas(CONTRACT) for keyword in schema}
    assert {"type", "properties", "maximum", "prefixItems"} <= used
    assert used - KEYWORDS == set()


def test_null_appears_only_as_an_alternative() -> None:
    """Client generators make a type of each field, and most have no type for null alone."""
    assert [schema for within, schema in schemas(CONTRACT) if schema.get("type") == "null" and within != "anyOf"] == []


def test_every_array_has_a_type_of_items() -> None:
    assert [schema for _, schema in schemas(CONTRACT) if schema.get("type") == "array" and "items" not in schema] == []


def test_every_tag_is_described_and_the_server_has_a_url() -> None:
    used = {
        tag for methods in CONTRACT["paths"].values() for operation in methods.values() for tag in operation["tags"]
    }
    assert {tag["name"] for tag in CONTRACT["tags"] if tag["description"]} == used
    assert [server["url"] for server in CONTRACT["servers"]] == ["/"]


@pytest.mark.parametrize("kind", ["schemas", "responses", "headers"])
def test_every_component_is_used(kind: str) -> None:
    used = set(re.findall(rf'"#/components/{kind}/([\w-]+)"', json.dumps(CONTRACT)))
    assert used == CONTRACT["components"][kind].keys()


def test_every_operation_has_a_unique_name_and_a_description() -> None:
    operations = [operation for methods in CONTRACT["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["description"] for operation in operations)


def test_a_repeated_enum_is_a_component() -> None:
    components = {f'"enum": {json.dumps(s["enum"])}' for s in CONTRACT["components"]["schemas"].values() if "enum" in s}
    told = Counter(re.findall(r'"enum": \[[^\]]*\]', json.dumps(CONTRACT)))
    assert {words for words, places in told.items() if places > 1 or words in components} == components


def test_a_component_has_a_name_that_is_valid_in_any_language() -> None:
    for name, schema in CONTRACT["components"]["schemas"].items():
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", name), name
        assert schema.get("title", name) == name


def linked() -> list[tuple[str, str, str]]:
    """Return every link: the path that has it, its name, and the path that it leads to."""
    leading = {o["operationId"]: path for path, methods in CONTRACT["paths"].items() for o in methods.values()}
    return [
        (path, name, leading[link["operationId"]])
        for path, methods in CONTRACT["paths"].items()
        for name, link in methods.get("get", {}).get("responses", {}).get("200", {}).get("links", {}).items()
    ]


def test_every_path_with_a_parameter_is_reached_by_a_link() -> None:
    assert {to for _, _, to in linked()} >= {path for path in CONTRACT["paths"] if "{" in path}


@pytest.mark.parametrize(("path", "name", "to"), linked())
def test_a_link_leads_to_an_existing_resource(reading: TestClient, path: str, name: str, to: str) -> None:
    answer = reading.get(concrete(path, reading))
    parameters = CONTRACT["paths"][path]["get"]["responses"]["200"]["links"][name]["parameters"]
    said = {name: _value_of(expression, answer, to) for name, expression in parameters.items()}
    assert all(said.values())
    in_path = {name: value for name, value in said.items() if f"{{{name}}}" in to}
    in_query = {name: value for name, value in said.items() if name in ("after", "log")}
    found = 200 if "get" in CONTRACT["paths"][to] else 405  # some addresses only take appends
    assert reading.get(to.format_map(in_path), params=in_query).status_code == found


def _value_of(expression: str, answer: Any, to: str) -> str:
    """Return the value of a link's runtime expression for an answer of the seeded record."""
    source, _, pointer = expression.partition("#")
    if source.startswith("$response.header."):
        return str(answer.headers[source.removeprefix("$response.header.")])
    if source.startswith("$request.path."):
        slug = next((slug for prefix, slug in SLUGS.items() if to.startswith(prefix)), "")
        return {"relation": "ru-us", "slug": slug}[source.removeprefix("$request.path.")]
    value = answer.json()
    for step in pointer.split("/")[1:]:
        value = value[int(step) if isinstance(value, list) else step]
    return str(value)


def test_the_contract_has_every_route_except_the_documentation(app: FastAPI) -> None:
    routes = {(route.path_format, m.lower()) for route in iter_route_contexts(app.routes) for m in route.methods or ()}
    told = {(path, method) for path, methods in CONTRACT["paths"].items() for method in methods}
    assert {path for path, _ in routes - told} == {"/docs", "/openapi.json"}
    assert told <= routes


def test_a_body_accepts_exactly_the_event_types() -> None:
    union = CONTRACT["components"]["schemas"]["FiledEvent"]
    assert union["discriminator"]["mapping"].keys() == EVENT_TYPES.keys()
    assert [one["$ref"] for one in union["oneOf"]] == list(union["discriminator"]["mapping"].values())
    for kind in ("irritant", "round", "relation"):
        assert (
            CONTRACT["components"]["schemas"][f"{kind.capitalize()}Event"]["discriminator"]["mapping"].keys()
            == KINDS[kind]
        )


def test_patterns_use_portable_regular_expressions() -> None:
    patterns = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(CONTRACT))
    assert patterns
    for pattern in patterns:
        assert not re.search(r"\\\\[zZAb]|\(\?", pattern), pattern


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_seeds_are_valid_by_the_contract(path: Path) -> None:
    assert fits(reportfile.read(path.read_bytes()).body, component("Report")) == []


def test_events_of_a_wrong_shape_are_invalid_by_the_contract() -> None:
    good = examples.REPORT
    said = good["events"][2]
    mends: list[dict[str, Any]] = [
        {"relation": 1},
        {"titel": "x"},
        {"events": []},
        {"events": [{**said, "summary": "x" * 301}]},
        {"events": [{**said, "form": "dinner"}]},
        {"events": [{**said, "type": "ConcernRaised"}]},
        {"events": [{k: v for k, v in said.items() if k != "source"}]},
        {"events": [{k: v for k, v in said.items() if k != "type"}]},
    ]
    assert fits(good, component("Report")) == []
    for mend in mends:
        assert fits({**good, **mend}, component("Report")), mend


def test_the_examples_are_accepted_by_the_seeded_record(desk: TestClient) -> None:
    filed = desk.post("/v1/reports", json=examples.REPORT, headers={"Idempotency-Key": "example"})
    assert filed.status_code == 201
    assert fits(filed.json(), component("ReportReceipt")) == []
    members = {
        "irritant": "irritants/ru-us/direct-flights",
        "round": "rounds/ru-us/istanbul-april",
        "relation": "relations/ru-us",
    }
    for kind, event in examples.EVENTS.items():
        assert fits(event, component(f"{kind.capitalize()}Event")) == []
        previewed = desk.post(f"/v1/{members[kind]}/events?dry_run=true", json=event, headers={"If-Match": "*"})
        assert (previewed.status_code, fits(previewed.json(), component("ReportPreview"))) == (200, [])


@pytest.mark.parametrize("path", [path for path in READS if not path.endswith("/live")])
def test_answers_match_the_contract(reading: TestClient, path: str) -> None:
    told = CONTRACT["paths"][path]["get"]["responses"]["200"]
    for media_type, content in told["content"].items():
        answer = reading.get(concrete(path, reading), headers={"Accept": media_type})
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media_type)
        assert told["headers"].keys() <= {name.title().replace("Etag", "ETag") for name in answer.headers}
        if media_type.endswith("json"):
            assert fits(answer.json(), content["schema"]) == []


@pytest.mark.parametrize("path", READS)
def test_refusals_match_the_contract(reading: TestClient, path: str) -> None:
    told = CONTRACT["paths"][path]["get"]["responses"]
    for query, headers in (("?nothing=1", {}), ("", {"Authorization": "Bearer none"})):
        answer = reading.get(asking(concrete(path, reading), query), headers=headers)
        assert answer.status_code in (401, 422)
        refused = told[str(answer.status_code)]["$ref"].rpartition("/")[2]
        content = CONTRACT["components"]["responses"][refused]["content"]
        assert fits(answer.json(), content[answer.headers["content-type"]]["schema"]) == []


@pytest.mark.skipif(
    not RELEASED.exists(), reason="nothing was released yet; a release copies openapi.json to released.json"
)
def test_changes_that_break_clients_of_the_last_release_are_declared() -> None:
    unreleased = re.split(r"^## ", CHANGELOG.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    declared = "".join(re.findall(r"^- \*\*Breaking:\*\*.*?(?=^\S|\Z)", unreleased, flags=re.MULTILINE | re.DOTALL))
    broken = breaking(Contract(json.loads(RELEASED.read_text(encoding="utf-8"))), Contract(CONTRACT))
    assert {of: what for of, what in broken.items() if f"`{of}`" not in declared} == {}


@pytest.fixture(scope="module")
def old() -> Contract:
    return Contract(CONTRACT)


def changed(*path: str, to: Any) -> Schema:
    """Return the contract with one value changed, or removed with None."""
    document = copy.deepcopy(CONTRACT)
    *way, last = path
    at = document
    for part in way:
        at = at[part]
    if to is None:
        del at[last]
    else:
        at[last] = to
    return document


IRRITANT = ("components", "schemas", "IrritantDocument")
CONCERN = ("components", "schemas", "ConcernRaisedFiled")
REQUIRED = CONTRACT["components"]["schemas"]["IrritantDocument"]["required"]


@pytest.mark.parametrize(
    ("new", "of"),
    [
        (partial(changed, "paths", "/v1/rounds", to=None), "GET /v1/rounds"),
        (partial(changed, *IRRITANT, "properties", "basis", to=None), "GET /v1/irritants/{relation}/{slug}"),
        (partial(changed, *IRRITANT, "required", to=REQUIRED[:-1]), "GET /v1/irritants/{relation}/{slug}"),
        (
            partial(changed, *IRRITANT, "properties", "origins", to={"type": "string"}),
            "GET /v1/irritants/{relation}/{slug}",
        ),
        (
            partial(changed, *IRRITANT, "properties", "title", to={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "GET /v1/irritants/{relation}/{slug}",
        ),
        (partial(changed, "paths", "/v1/irritants", "get", "parameters", to=[]), "GET /v1/irritants"),
        (partial(changed, *CONCERN, "properties", "wording", to=None), "POST /v1/reports"),
        (partial(changed, *CONCERN, "properties", "summary", "maxLength", to=200), "POST /v1/reports"),
        (
            partial(
                changed, *CONCERN, "required", to=["type", "stream", "asserted_by", "source", "summary", "wording"]
            ),
            "POST /v1/reports",
        ),
        (
            partial(changed, "components", "schemas", "Channel", "enum", to=["quote"]),
            "POST /v1/reports",
        ),
        (
            partial(
                changed,
                "components",
                "schemas",
                "FiledEvent",
                "oneOf",
                to=[{"$ref": "#/components/schemas/ConcernRaisedFiled"}],
            ),
            "POST /v1/reports",
        ),
    ],
)
def test_a_change_that_breaks_clients_is_found(old: Contract, new: Callable[[], Schema], of: str) -> None:
    assert of in breaking(old, Contract(new()))


@pytest.mark.parametrize(
    "new",
    [
        lambda: CONTRACT,
        partial(changed, "paths", "/v1/news", to=CONTRACT["paths"]["/v1/rounds"]),
        partial(changed, *IRRITANT, "properties", "mood", to={"type": "string"}),
        partial(
            changed,
            "components",
            "schemas",
            "Lifecycle",
            to={"type": "string", "enum": ["open", "resolved", "withdrawn", "lost"]},
        ),
        partial(changed, *CONCERN, "properties", "mood", to={"type": "string"}),
        partial(
            changed,
            *(*CONCERN, "properties", "mood"),
            to={"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "pattern": "^g"}}},
        ),
        partial(changed, *CONCERN, "properties", "summary", "maxLength", to=400),
        partial(changed, *IRRITANT, "description", to="Told differently."),
    ],
)
def test_a_compatible_change_is_accepted(old: Contract, new: Callable[[], Schema]) -> None:
    assert breaking(old, Contract(new())) == {}
