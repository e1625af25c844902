"""Add OpenAPI links: from a list to its items, from a document to the append, and from an append to its document.

A link says which value of a response is a parameter of the next request. For example `id` of the first item of
`/v1/relations` is `relation` in `/v1/relations/{relation}/board`. Rules make the links, so new routes get them too.
Clients and fuzzers that follow links ask for things that exist.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

_ROOT: Final = "/v1/"
# The field of an item that has the value of a path parameter, if its name is another one.
_IN_ITEMS: Final[Mapping[tuple[str, str], str]] = {("relations", "relation"): "id", ("sources", "slug"): "id"}


def link(document: Schema) -> None:
    """Add the links between all operations of an OpenAPI document."""
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
            same_path = {
                name: f"$request.path.{name}" for name in (parameter["name"] for parameter in _of_path(methods))
            }
            _add(paths, state, "get", "200", append, {**same_path, "header.If-Match": "$response.header.ETag"})
            _add(paths, path, "post", "201", paths[state]["get"], same_path)
    _add(paths, f"{_ROOT}reports", "post", "201", paths[f"{_ROOT}reports/{{id}}"]["get"], {"id": "$response.body#/id"})
    for feed in ("events", "changes"):
        next_page = {"after": "$response.body#/next", "log": "$response.body#/log"}
        _add(paths, f"{_ROOT}{feed}", "get", "200", paths[f"{_ROOT}{feed}"]["get"], next_page)


def _kind(path: str) -> str:
    """Return the first segment after `/v1/`, such as `relations`. The list has the address `/v1/relations`."""
    return path.removeprefix(_ROOT).partition("/")[0]


def _of_path(methods: Schema) -> list[Schema]:
    """Return the path parameters of an address. All its operations have the same."""
    operation = next(iter(methods.values()))
    return [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "path"]


def _from_items(path: str, named: list[str]) -> Schema:
    """Return where a link finds the path parameters `named`: in the first item of the list."""
    fields = {name: _IN_ITEMS.get((_kind(path), name), name) for name in named}
    return {name: f"$response.body#/items/0/{field}" for name, field in fields.items()}


def _add(paths: Schema, path: str, method: str, status: str, to: Schema, parameters: Schema) -> None:
    """Add a link from a response of an operation to the operation `to`."""
    links = paths[path][method]["responses"][status].setdefault("links", {})
    links[to["operationId"]] = {"operationId": to["operationId"], "parameters": parameters}
