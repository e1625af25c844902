"""The description of the HTTP interface for people, `/docs`, from the OpenAPI document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
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
    text: Markup
    parameters: Sequence[tuple[str, Markup]]
    responses: Sequence[tuple[str, Markup]]


class Group(NamedTuple):
    """The operations with one tag."""

    tag: str
    text: Markup
    operations: Sequence[Operation]


def docs_page(contract: Mapping[str, Any], prefix: str) -> FixedDocument:
    """Return the page of the OpenAPI document, with the navigation of all pages."""
    texts = {tag["name"]: tag.get("description", "") for tag in contract.get("tags", ())}
    found = [
        (operation.get("tags", ["operations"])[0], _operation(path, method, operation, contract))
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    order = {tag: place for place, tag in enumerate([*texts, *(tag for tag, _ in found if tag not in texts)])}
    found.sort(key=lambda one: order[one[0]])
    groups = [
        Group(tag, _in_html(texts.get(tag, "")), [operation for _, operation in own])
        for tag, own in groupby(found, key=lambda one: one[0])
    ]
    return FixedDocument(
        rendered("docs.html", {"groups": groups}, prefix), HTML, {"Cache-Control": "no-cache", **HEADERS}
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], contract: Mapping[str, Any]) -> Operation:
    parameters = [(p["name"], _in_html(p.get("description", ""))) for p in operation.get("parameters", ())]
    text = operation.get("description") or operation.get("summary", "")
    responses = list(_responses(operation, contract))
    return Operation(operation["operationId"], method.upper(), path, _in_html(text), parameters, responses)


def _responses(operation: Mapping[str, Any], contract: Mapping[str, Any]) -> Iterator[tuple[str, Markup]]:
    shared = contract["components"]["responses"]
    for status, response in operation["responses"].items():
        meant = shared.get(response.get("$ref", "").rpartition("/")[2], response)
        yield status, _in_html(meant["description"])


def _in_html(text: str) -> Markup:
    """Return a text of the OpenAPI document, whose code is between backticks, as HTML."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped
