"""Make the OpenAPI document (version 3.1), called the contract here.

FastAPI describes the routes. The schemas come from the models that parse and render the JSON, so contract and code
agree. This module adds the schemas of events, and, by rules for each kind of operation, the headers and the errors.

The service serves the contract that was made in advance: `openapi/openapi.json`, which a test compares with the code.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from service.api.openapi import examples, links
from service.api.openapi.naming import with_named_words
from service.api.problems import MEDIA_TYPE, STATUS, ProblemDocument
from service.api.resources import checkpoints
from service.api.resources.cloudevents import BATCH, CloudEvent
from service.domain.catalogue import EVENT_TYPES, KINDS
from service.domain.report import MAX_EVENTS, ReportHead, filed_model
from service.resources import folder, version

Schema = dict[str, Any]

SCHEMAS: Final = "#/components/schemas/"
_ABOUT: Final = """\
The record of bilateral irritants: concrete problems between two states that their officials try to remove. For each
irritant it gives the status, who says so, what changed, and what was known at an earlier date. Every statement has a
speaker, a document and a date.

Reads are conditional: send `If-None-Match`, and add `Prefer: wait=25` to get the response as soon as something changes.
A read includes everything that was acknowledged before it began. To write, file events. Events are never edited. Later
events correct or retract them.

Later releases may add members to responses, and values to fields with a fixed set of words: ignore unknown ones. Other
incompatible changes are announced in the changelog.
"""
_TAGS: Final = (
    ("filing", "Reports: events for several streams, recorded together or not at all."),
    ("irritants", "The concrete problems: the status of each, and who says so."),
    ("rounds", "Meetings of the two sides, and the sheet of each."),
    ("relations", "Pairs of states: the board, and the other overviews of all their irritants and rounds."),
    ("sources", "Documents that events cite, and the statements in them."),
    ("reports", "Reports on record, and the changes that each of them made."),
    ("search", "What the words of events say, name or cite."),
    ("feeds", "Events and changes, in the order in which they were recorded."),
    ("operations", "For operators: health, metrics and checkpoints."),
)
_PATH_PARAMETERS: Final[Mapping[str, Schema]] = {
    "relation": {
        "description": "two ISO 3166-1 codes in lower case, in alphabetical order",
        "example": "ru-us",
        "schema": {"type": "string", "pattern": "^[a-z]{2}-[a-z]{2}$"},
    },
    "slug": {
        "description": "the short name of an irritant, a round or a source: lower-case letters, digits and hyphens",
        "schema": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 80},
    },
    "id": {"description": "the id of a report", "schema": {"type": "string", "format": "uuid"}},
}
_OF_THE_FRAMEWORK: Final = ("HTTPValidationError", "ValidationError")
"""Schemas of FastAPI's own errors, which the service never sends."""
_ALWAYS: Final = (400, 408, 431)
"""The errors of every operation, sent before a request reaches it."""
# Further errors: of reads, of writes, of writes of one event to a stream, and of operations outside /v1.
_READING: Final = (401, 403, 422, 429, 500, 503)
_WRITING: Final = (401, 403, 409, 413, 415, 422, 500, 503)
_APPENDING: Final = (404, 412, 428)
_OPERATING: Final = (422, 500)


def made_in_advance() -> Schema:
    """Return the OpenAPI document from its file, with the version of this package.

    To make the document takes a second or two of the processor.
    """
    document: Schema = json.loads((folder("openapi") / "openapi.json").read_text(encoding="utf-8"))
    return {**document, "info": {**document["info"], "version": version()}}


def contract(routes: Sequence[BaseRoute]) -> Schema:
    """Make the OpenAPI document for these routes."""
    document = get_openapi(
        title="Irritants",
        version=version(),
        summary="Where a problem between two states stands, who says so, and when that was known.",
        description=_ABOUT,
        routes=routes,
        tags=[{"name": name, "description": text} for name, text in _TAGS],
        servers=[{"url": "/", "description": "The service that serves this document."}],
    )
    components = document.setdefault("components", {})
    schemas = {**components.get("schemas", {}), **_events(), **_schemas([ProblemDocument])}
    # Refer to the union of all events. FastAPI puts a copy here.
    schemas[CloudEvent.__name__]["properties"]["data"] = {"$ref": f"{SCHEMAS}Event"}
    components["schemas"] = dict(sorted(schemas.items()))
    components["headers"] = _HEADERS
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "`irr_<id>_<secret>`, made by `irritants key create`",
        }
    }
    for path, method, operation in _operations(document):
        _complete(path, method, operation)
    refused = {int(status) for *_, operation in _operations(document) for status in operation["responses"]}
    components["responses"] = {f"Refused{status}": _refusal(status) for status in sorted(refused & {*STATUS.values()})}
    links.link(document)
    for unused in _OF_THE_FRAMEWORK:
        components["schemas"].pop(unused, None)
    _describe_items(document)
    for schema in components["schemas"].values():
        for member in schema.get("properties", {}).values():
            # FastAPI makes the title from the name, so it says nothing new.
            member.pop("title", None)
    return with_named_words(document, SCHEMAS)


_HEADERS: Final[Mapping[str, Schema]] = {
    "ETag": {
        "description": "identifies the state that was read, or that the append made",
        "schema": {"type": "string"},
    },
    "Irritants-Position": {"description": "the last position of the record", "schema": {"type": "integer"}},
    "Location": {"description": "the address of the report on record", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true` if this repeats the first response and nothing was written now",
        "schema": {"type": "string", "const": "true"},
    },
    "Retry-After": {"description": "seconds to wait before the next request", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "the kind of key that is required", "schema": {"type": "string"}},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "the ETag of the copy that the sender has; if nothing changed, the response is 304",
    "schema": {"type": "string"},
}
_PREFER: Final = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=25`: with If-None-Match, or at the end of a feed, wait 25 seconds (at most 30) for a change",
    "schema": {"type": "string"},
    "example": "wait=25",
}
_LAST_EVENT_ID: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "the last position that was read; takes precedence over `after`",
    "schema": {"type": "integer", "minimum": 0},
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "a unique value that the sender chooses for this report; required unless `dry_run` is true",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": "6f1c0e5e-3f0b-4d0e-9a58-8d7f0f0c7a11",
}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "the ETag of the state that the sender has read; required unless If-None-Match is `*`",
    "schema": {"type": "string"},
}
_TO_OPEN: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "`*`: the event opens a stream that is not on record yet",
    "schema": {"type": "string"},
}


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield the path, the method and the description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(path: str, method: str, operation: Schema) -> None:
    """Add the parts that follow from the kind of an operation: security, headers and errors."""
    responses, parameters = operation["responses"], operation.setdefault("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter.update(_PATH_PARAMETERS[parameter["name"]])
    content = responses.get("200", {}).get("content", {})
    if BATCH in content:
        content[BATCH]["schema"] = {"type": "array", "items": {"$ref": f"{SCHEMAS}{CloudEvent.__name__}"}}
    if _is_stream(operation):
        del responses["304"]
        parameters.append(_LAST_EVENT_ID)
    for status in (*_ALWAYS, *_refusals(path, method, operation)):
        responses[str(status)] = {"$ref": f"#/components/responses/Refused{status}"}
    operation["security"] = [{"key": []}] if method == "post" else [{}, {"key": []}]
    if method == "post":
        parameters += [_IDEMPOTENCY_KEY] if path == "/v1/reports" else [_IDEMPOTENCY_KEY, _IF_MATCH, _TO_OPEN]
        headers = ("Location", "Irritants-Position", "Idempotent-Replayed")
        responses["201"]["headers"] = _headers(headers if path == "/v1/reports" else ("ETag", *headers))
    elif "304" in responses:
        parameters += [_IF_NONE_MATCH, _PREFER]
        for read in ("200", "304"):
            responses[read]["headers"] = _headers(("ETag", "Irritants-Position"))
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(path: str, method: str, operation: Schema) -> Iterable[int]:
    """Return the statuses of the errors that an operation can send, except those of _ALWAYS."""
    if method == "post":
        return (*_WRITING, *(() if path == "/v1/reports" else _APPENDING))
    if not path.startswith("/v1/"):
        return (*_OPERATING, *{"/readyz": (503,), "/metrics": (401, 403)}.get(path, ()))
    statuses = [*_READING, *((404,) if "{" in path or path == checkpoints.PATH else ())]
    if len(operation["responses"]["200"].get("content", ())) > 1:
        statuses.append(406)
    if any(parameter["name"] == "log" for parameter in operation["parameters"]):
        statuses.append(410)
    if _is_stream(operation):
        statuses.append(410)
    return statuses


def _is_stream(operation: Schema) -> bool:
    return "text/event-stream" in operation["responses"]["200"].get("content", ())


def _describe_items(part: Any) -> None:
    """Add `items` to each array that has only `prefixItems`, which many generators ignore."""
    match part:
        case {"prefixItems": [first, *others]} if "items" not in part:
            part["items"] = first if all(other == first for other in others) else {"anyOf": [first, *others]}
        case dict():
            for value in part.values():
                _describe_items(value)
        case list():
            for value in part:
                _describe_items(value)
        case _:
            pass


def _headers(names: Iterable[str]) -> Schema:
    """Return references to the descriptions of these headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusal(status: int) -> Schema:
    """Return the description of an error response: its problem types and its headers."""
    names = sorted(name for name, other in STATUS.items() if other == status)
    headers = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 412: "ETag", 429: "Retry-After", 503: "Retry-After"}
    return {
        "description": "Refused as " + ", ".join(f"`{name}`" for name in names) + "; see `/problems/<name>`.",
        **({"headers": _headers([headers[status]])} if status in headers else {}),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}{ProblemDocument.__name__}"}}},
    }


def _events() -> dict[str, Schema]:
    """Return the schemas of all events, as filed and as stored, and the unions of events for bodies."""
    models: list[type[BaseModel]] = [*EVENT_TYPES.values(), *(filed_model(type) for type in EVENT_TYPES), ReportHead]
    schemas = _schemas(models)
    for schema in schemas.values():
        if "const" in schema.get("properties", {}).get("type", {}):
            # The model has a default for `type`, but a sender must send it.
            schema["properties"]["type"].pop("default", None)
            schema["required"] = ["type", *schema.get("required", ())]
    head = schemas.pop(ReportHead.__name__)
    events = {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": {"$ref": f"{SCHEMAS}FiledEvent"}}
    return {
        **schemas,
        "Event": _union({type: type for type in EVENT_TYPES}, "An event as it was filed: the `data` of a CloudEvent."),
        "FiledEvent": _union(
            {type: filed_model(type).__name__ for type in EVENT_TYPES}, "An event of a report, with its stream."
        ),
        **{
            f"{kind.capitalize()}Event": _union({type: type for type in sorted(types)}, f"An event about one {kind}.")
            for kind, types in KINDS.items()
            if kind in examples.EVENTS
        },
        "Report": {
            **head,
            "title": "Report",
            "description": "Events for several streams of one relation, recorded together or not at all.",
            "properties": {**head["properties"], "events": events},
            "required": [*head["required"], "events"],
        },
    }


def _union(types: Mapping[str, str], description: str) -> Schema:
    """Return the schema of events of several types. `types` has the name of the schema of each."""
    refs = {type: f"{SCHEMAS}{name}" for type, name in types.items()}
    return {
        "description": description,
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
    }


def _schemas(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """Return the schemas of these models and of all models in their fields, by name."""
    _, document = models_json_schema([(model, "validation") for model in models], ref_template=SCHEMAS + "{model}")
    schemas: dict[str, Schema] = document["$defs"]
    return schemas
