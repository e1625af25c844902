"""The page that describes the HTTP interface, `/docs`, made from the OpenAPI document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from service.api.fixed import FixedDocument
from service.web.pages import HEADERS, HTML
from service.web.rendering import rendered

_CODE: Final = re.compile(r"`([^`]+)`")


class Operation(NamedTuple):
    """One operation. Its parameters are pairs of a name and a text, its responses pairs of a status and a text."""

    id: str
    method: str
    path: str
    description: Markup
    parameters: Sequence[tuple[str, Markup]]
    responses: Sequence[tuple[str, Markup]]


class Group(NamedTuple):
    """The operations with one tag."""

    tag: str
    description: Markup
    operations: Sequence[Operation]


def docs_page(contract: Mapping[str, Any], prefix: str) -> FixedDocument:
    """Return the page for the OpenAPI document `contract`, with its operations grouped by tag."""
    descriptions = {tag["name"]: tag.get("description", "") for tag in contract.get("tags", ())}
    operations = [
        (operation.get("tags", ["operations"])[0], _operation(path, method, operation, contract))
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    # First the tags with a description, in their order, then the others.
    tags = list(dict.fromkeys([*descriptions, *(tag for tag, _ in operations)]))
    operations.sort(key=lambda tagged: tags.index(tagged[0]))
    groups = [
        Group(tag, _in_html(descriptions.get(tag, "")), [operation for _, operation in tagged])
        for tag, tagged in groupby(operations, key=itemgetter(0))
    ]
    return FixedDocument(
        rendered("docs.html", {"groups": groups}, prefix), HTML, {"Cache-Control": "no-cache", **HEADERS}
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], contract: Mapping[str, Any]) -> Operation:
    parameters = [(p["name"], _in_html(p.get("description", ""))) for p in operation.get("parameters", ())]
    description = operation.get("description") or operation.get("summary", "")
    responses = list(_responses(operation, contract))
    return Operation(operation["operationId"], method.upper(), path, _in_html(description), parameters, responses)


def _responses(operation: Mapping[str, Any], contract: Mapping[str, Any]) -> Iterator[tuple[str, Markup]]:
    """Yield the status and the description of each response, also of those that are only referenced."""
    shared = contract["components"]["responses"]
    for status, response in operation["responses"].items():
        described = shared.get(response.get("$ref", "").rpartition("/")[2], response)
        yield status, _in_html(described["description"])


def _in_html(text: str) -> Markup:
    """Return a text of the OpenAPI document as HTML. Its code is between backticks."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped
