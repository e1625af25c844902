"""OpenAPI links: from a list to its items, from a document to the append, and from an append to its document.

They follow by rule: the values of path parameters come from the list at the beginning of the path. So new routes get
their links, and clients and fuzzers that follow them send requests for things that exist.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

_ROOT: Final = "/v1/"
# The fields of items that hold a path parameter, where their names differ.
_IN_ITEMS: Final[Mapping[tuple[str, str], str]] = {("relations", "relation"): "id", ("sources", "slug"): "id"}


def link(document: Schema) -> None:
    """Add the links between all operations of a contract."""
    paths = document["paths"]
    for path, methods in paths.items():
        named = [parameter["name"] for parameter in _of_path(methods)]
        if not named:
            continue
        for operation in methods.values():
            _add(paths, f"{_ROOT}{_kind(path)}", "get", "200", operation, _from_items(path, named))
    for path, methods in paths.items():
        if "post" in methods and path.endswith("/events"):
            state, append = path.removesuffix("/events"), methods["post"]
            same = {name: f"$request.path.{name}" for name in (parameter["name"] for parameter in _of_path(methods))}
            _add(paths, state, "get", "200", append, {**same, "header.If-Match": "$response.header.ETag"})
            _add(paths, path, "post", "201", paths[state]["get"], same)
    _add(paths, f"{_ROOT}reports", "post", "201", paths[f"{_ROOT}reports/{{id}}"]["get"], {"id": "$response.body#/id"})
    for feed in ("events", "changes"):
        onward = {"after": "$response.body#/next", "log": "$response.body#/log"}
        _add(paths, f"{_ROOT}{feed}", "get", "200", paths[f"{_ROOT}{feed}"]["get"], onward)


def _kind(path: str) -> str:
    return path.removeprefix(_ROOT).partition("/")[0]


def _of_path(methods: Schema) -> list[Schema]:
    operation = next(iter(methods.values()))
    return [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "path"]


def _from_items(path: str, named: list[str]) -> Schema:
    fields = {name: _IN_ITEMS.get((_kind(path), name), name) for name in named}
    return {name: f"$response.body#/items/0/{field}" for name, field in fields.items()}


def _add(paths: Schema, path: str, method: str, status: str, to: Schema, parameters: Schema) -> None:
    links = paths[path][method]["responses"][status].setdefault("links", {})
    links[to["operationId"]] = {"operationId": to["operationId"], "parameters": parameters}
