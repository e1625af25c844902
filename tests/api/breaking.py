"""Find the changes of a contract that break its clients.

A contract promises what responses contain, takes what requests may contain, and demands what requests must contain. A
change breaks clients if it withdraws a promise, takes less or demands more. A new value in an enum of a response breaks
none, because the contract asks clients to ignore unknown values.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Fact = tuple[str, str]
"""The operation, and a statement about it."""

_BOUNDS = {"maxLength": -1, "maximum": -1, "maxItems": -1, "minLength": 1, "minimum": 1, "minItems": 1}
"""The sign of a change that makes a bound narrower."""


def breaking(before: "Contract", after: "Contract") -> dict[str, list[str]]:
    """Return the changes that break clients, by operation."""
    broken = [(of, f"no longer {what}") for of, what in before.promises - after.promises]
    broken += [(of, f"no longer takes {what}") for of, what in before.taken - after.taken]
    known = {of for of, _ in before.promises}
    asked = {(of, what) for of, _, what in before.demands}
    broken += [
        (of, f"now asks for {what}")
        for of, inside, what in after.demands
        if of in known and (of, what) not in asked and (inside is None or (of, inside) in before.taken)
    ]
    for (of, place, bound), value in after.bounds.items():
        earlier = before.bounds.get((of, place, bound))
        narrower = earlier is None or (value - earlier) * _BOUNDS[bound] > 0
        if narrower and (of, place) in before.taken:
            broken.append((of, f"now bounds {place}: {bound} {value}"))
    return {of: sorted(what for o, what in broken if o == of) for of in sorted({of for of, _ in broken})}


class Contract:
    """What an OpenAPI document promises, takes and demands."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self.promises: set[Fact] = set()
        self.taken: set[Fact] = set()
        self.demands: set[tuple[str, str | None, str]] = set()
        """With the place that asks for it: what was not there before, such as a new type of event, breaks nobody."""
        self.bounds: dict[tuple[str, str, str], int] = {}
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                self._operation(f"{method.upper()} {path}", operation)

    def _operation(self, of: str, operation: Schema) -> None:
        self.promises.add((of, "is there"))
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                continue
            for media_type, content in self._found(response).get("content", {}).items():
                self._promise(of, f"{status} {media_type}", content["schema"])
        for parameter in operation.get("parameters", ()):
            place = f"{parameter['in']} {parameter['name']}"
            if parameter.get("required"):
                self.demands.add((of, None, place))
            self._take(of, place, parameter["schema"])
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            self._take(of, media_type, content["schema"])

    def _promise(self, of: str, place: str, schema: Schema) -> None:
        alternatives = list(self._alternatives(place, schema))
        if all(inner.get("type") != "null" for _, inner in alternatives):
            self.promises.add((of, f"never has null as {place}"))
        for at, inner in alternatives:
            if inner.get("type") != "null":
                self.promises.add((of, f"has {at}: {_type(inner)}"))
            self.promises |= {(of, f"always has {at}/{member}") for member in inner.get("required", ())}
            for member, value in _members(inner):
                self._promise(of, f"{at}/{member}", value)

    def _take(self, of: str, place: str, schema: Schema) -> None:
        for at, inner in self._alternatives(place, schema):
            self.taken |= {(of, at)} | {(of, f"{at}: {word}") for word in inner.get("enum", [_type(inner)])}
            is_body = at == place and "/" not in at.removeprefix("application/")
            self.demands |= {(of, None if is_body else at, f"{at}/{member}") for member in inner.get("required", ())}
            if "pattern" in inner:
                self.demands.add((of, at, f"{at} like {inner['pattern']}"))
            self.bounds |= {(of, at, bound): inner[bound] for bound in _BOUNDS if bound in inner}
            for member, value in _members(inner):
                self._take(of, f"{at}/{member}", value)

    def _alternatives(self, place: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
        """Yield the schemas that are allowed at one place. The place of an event includes its type."""
        found = self._found(schema)
        several = found.get("oneOf") or found.get("anyOf")
        if several is None:
            type = found.get("properties", {}).get("type", {}).get("const")
            yield (f"{place}({type})" if type else place), found
        else:
            for one in several:
                yield from self._alternatives(place, one)

    def _found(self, schema: Schema) -> Schema:
        found: Any = schema
        while "$ref" in found:
            parts, found = found["$ref"].removeprefix("#/").split("/"), self._document
            for part in parts:
                found = found[part]
        return dict(found)


def _members(schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield from schema.get("properties", {}).items()
    for rest in ("items", "additionalProperties"):
        if isinstance(schema.get(rest), dict):
            yield "*", schema[rest]


def _type(schema: Schema) -> str:
    return str(schema.get("const") or schema.get("type") or "anything")
