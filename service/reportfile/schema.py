"""The fields of a report file with their types, and its JSON Schema for editors.

Both come from the models of the events.
The type of a field decides what a word without quotes means in YAML. In a field for text, `NO` is the country Norway.
In a field for yes or no, `true` is a boolean.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from service.domain.catalogue import EventOnTheWire
from service.source_positions import Node, SourceText

DEFAULTS: Final = ("asserted_by", "source", "occurred", "occurred_basis", "inference")
"""The fields that can have a default at the top of a file."""


@dataclass(frozen=True)
class Field:
    """The JSON types that a field takes, and its inner fields or items. All are empty if the field takes any value."""

    types: frozenset[str] = frozenset()
    fields: Mapping[str, "Field"] = field(default_factory=dict)
    items: "Field | None" = None


ANYTHING: Final = Field()
_TEXT: Final = Field(frozenset({"string"}))
_TEXT_OR_NULL: Final = Field(frozenset({"string", "null"}))
REPORT: Final = {
    "relation": _TEXT,
    "round": _TEXT_OR_NULL,
    "title": _TEXT,
    "handling": _TEXT_OR_NULL,
    "expect": Field(frozenset({"object"}), items=Field(frozenset({"integer"}))),
}
"""The fields at the top of a file that are sent as they are."""
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")


def fields_of(event: str) -> Field:
    """Return the fields of an event type. For an unknown type, return the fields of all types."""
    return _events().get(event) or _any_event()


def json_value(node: Node, field: Field, source: SourceText) -> Any:
    """Return the JSON value of a node. The types of the field decide what a word without quotes means."""
    match node.value:
        case dict() as inner:
            # A correction changes fields of another event, whose type is not in the file.
            within = _any_event() if field.types == {"object"} and not (field.fields or field.items) else field
            other = within.items or ANYTHING
            return {name: json_value(value, within.fields.get(name, other), source) for name, value in inner.items()}
        case [Node(value=str() as text, is_unquoted=True)] if (
            ".." in text and "string" in field.types and not field.items
        ):
            source.add_mistake(node, f'YAML reads this as a list; write it in quotes: "[{text}]"')
            return f"[{text}]"
        case list() as inner:
            return [json_value(value, field.items or ANYTHING, source) for value in inner]
        case str() as text if node.is_unquoted:
            return _word(text, field.types)
        case value:
            return value


def _word(text: str, types: frozenset[str]) -> str | int | bool | None:
    if "null" in types and text in _NULL:
        return None
    if "boolean" in types and text in _BOOLEAN:
        return _BOOLEAN[text]
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    return text


@cache
def _events() -> Mapping[str, Field]:
    schema = _schema()
    beside = Field(fields={"handling": _TEXT_OR_NULL})
    return {
        event: _merged([_field(schema["$defs"][event], schema["$defs"]), beside])
        for event in schema["discriminator"]["mapping"]
    }


@cache
def _any_event() -> Field:
    return _merged(_events().values())


def _field(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Field:
    if "$ref" in schema:
        return _field(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return _merged(_field(option, defs) for option in schema["anyOf"])
    return Field(
        frozenset({schema["type"]}) if "type" in schema else frozenset(),
        {name: _field(inner, defs) for name, inner in schema.get("properties", {}).items()},
        _field(schema["items"], defs) if "items" in schema else None,
    )


def _merged(fields: Iterable[Field]) -> Field:
    options = list(fields)
    names = {name for one in options for name in one.fields}
    items = [one.items for one in options if one.items]
    return Field(
        frozenset().union(*(one.types for one in options)),
        {name: _merged(one.fields[name] for one in options if name in one.fields) for name in names},
        _merged(items) if items else None,
    )


@cache
def _schema() -> dict[str, Any]:
    return TypeAdapter(EventOnTheWire).json_schema()


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a report file. Fields that `defaults` can have are not required in events."""
    known = _schema()
    defs: dict[str, Any] = dict(known["$defs"])
    assertion = defs["ConcernRaised"]["properties"]
    for part in ("AssertedBy", "Citation"):
        defs[part] = {name: rule for name, rule in defs[part].items() if name != "required"}
    handling = _handling("this origin")
    origin = _inline(defs["OriginRegistered"], {"handling": handling})
    source = _inline(
        defs["SourceRegistered"],
        {
            "slug": _text("The name of the source: its stream is `source/<slug>`."),
            "origins": _list(origin),
            "handling": _handling("the document and its origins"),
        },
    )
    # An entry with only `slug` and `origins` adds origins to a source that is on record.
    source["required"] = ["slug"]
    defs |= {event: _filed(defs[event]) for event in known["discriminator"]["mapping"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Report file",
        "description": "Events of one or more streams. All are recorded, or none.",
        "type": "object",
        "properties": {
            "relation": _text("The relation that the report is about, for example `ru-us`."),
            "round": _text("The round that the report is about, for example `ru-us/istanbul-april`."),
            "title": _text("The title of the report, in one line."),
            "handling": _handling("events without their own"),
            "key": _text("The idempotency key. If left out, it is derived from relation and title."),
            "expect": {
                "description": "The version that each stream must have. If one differs, nothing is recorded.",
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 0},
            },
            "defaults": {
                "description": "Values for all assertions of the file that do not set their own.",
                "type": "object",
                "properties": {name: assertion[name] for name in DEFAULTS},
                "additionalProperties": False,
            },
            "sources": _list(source),
            "events": _list(known["oneOf"]),
        },
        "required": ["relation", "title"],
        "additionalProperties": False,
        "$defs": defs,
    }


def _filed(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an event in a report file: with its stream, its type, and its `ref`."""
    beside = {
        "stream": _text(
            "`irritant/<slug>`, `round/<slug>`, `relation` or `source/<slug>`, or the full name of the stream."
        ),
        "ref": _text("A name by which other events of the report refer to this event."),
        "handling": _handling("this event"),
    }
    required = [name for name in event["required"] if name not in DEFAULTS]
    return {**event, "properties": beside | event["properties"], "required": ["stream", "type", *required]}


def _inline(event: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: rule for name, rule in event["properties"].items() if name != "type"}
    return {**event, "properties": {**beside, **properties}}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "type": "string", "minLength": 1}


def _handling(of: str) -> dict[str, Any]:
    """Return the schema of a handling label. `of`: what it is the label of."""
    return {
        "description": f"The handling label of {of}, such as `restricted`. It says who may read.",
        "type": ["string", "null"],
        "minLength": 1,
    }


def _list(items: object) -> dict[str, Any]:
    return {"type": "array", "items": {"oneOf": items} if isinstance(items, list) else items}
