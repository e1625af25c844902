"""A report: what is filed, several events for several streams, appended together or not at all.

The body of the request is the events themselves: an operator reports facts, nobody commands the world. Each is read on
its own, so that one that cannot be read does not hide the mistakes of the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, create_model

from service.domain.actors import CODES
from service.domain.assertion import ACTING, Contract, Line, Slug
from service.domain.catalogue import EVENT_TYPES
from service.domain.errors import Malformed, NotAStream, NotValid, Refusal
from service.domain.streams import is_relation, parse_stream, relation_meant

MAX_EVENTS: Final = 10_000
_NO_RELATION: Final = "is no relation's id, such as ru-us: two codes, sorted, in lower case"

Ref = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]


class Filed(Contract):
    """What an event carries only while it is filed: its stream, and a name by which others of the report mean it."""

    ref: Ref | None = None
    stream: str


@cache
def filed_type(type: str) -> type[Contract]:
    """The model of one event as it is filed: the event's own fields with `ref` and `stream`."""
    event = EVENT_TYPES[type]
    return create_model(f"{type}Filed", __base__=(event, Filed), __doc__=event.__doc__)


class ReportHead(BaseModel):
    """A report without its events. `round`: the round that it reports on. `expect`: versions that must still hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    relation: str
    round: Slug | None = None
    title: Line
    expect: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposed:
    """One event of a report, read. `index` is its place in the report."""

    index: int
    ref: str | None
    stream: str
    data: Contract

    @property
    def type(self) -> str:
        return type(self.data).__name__


@dataclass(frozen=True, slots=True)
class Legible:
    """What can be read of an event that cannot be read whole, so that its other mistakes are told with the first."""

    index: int
    document: str | None
    paragraphs: tuple[tuple[int, int], ...]
    origin: str | None
    asserter: str | None
    acting: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report as read: what could be read of it, and every mistake in the rest."""

    relation: str
    round: str | None
    title: str
    expect: Mapping[str, int] = field(default_factory=dict)
    events: tuple[Proposed, ...] = ()
    mistakes: tuple[Refusal, ...] = ()
    broken_refs: frozenset[str] = frozenset()
    legible: tuple[Legible, ...] = ()


def read(body: object) -> Report:
    """Reads a report's body (JSON types). Never raises: mistakes are collected, each with its JSON Pointer."""
    if not isinstance(body, Mapping):
        return Report("", None, "", mistakes=(Malformed("", why="a report is an object"),))
    mistakes: list[Refusal] = []
    head = _head({k: v for k, v in body.items() if k != "events"}, mistakes)
    proposed, broken, legible = _events(body.get("events"), mistakes)
    if head is None:
        return Report("", None, "", {}, proposed, tuple(mistakes), broken, legible)
    return Report(head.relation, head.round, head.title, head.expect, proposed, tuple(mistakes), broken, legible)


def _head(body: dict[str, object], mistakes: list[Refusal]) -> ReportHead | None:
    relation, round = body.get("relation"), body.get("round")
    if isinstance(relation, str) and isinstance(round, str):
        # A round may be named by its id or, within the report's relation, by its slug.
        body = {**body, "round": round.removeprefix(f"{relation}/")}
    try:
        head = ReportHead.model_validate(body)
    except ValidationError as error:
        mistakes += malformed(error, "")
        return None
    if not is_relation(head.relation):
        meant = relation_meant(head.relation)
        why = f"is not the id of a relation; use {meant}" if meant else _NO_RELATION
        mistakes.append(Malformed("/relation", why=why))
    for stream in head.expect:
        if parse_stream(stream) is None:
            mistakes.append(NotAStream(f"/expect/{escaped(stream)}", stream=stream))
    return head


def _events(
    events: object, mistakes: list[Refusal]
) -> tuple[tuple[Proposed, ...], frozenset[str], tuple[Legible, ...]]:
    if not isinstance(events, list | tuple) or not events:
        mistakes.append(Malformed("/events", why="a report has a list of at least one event"))
        return (), frozenset(), ()
    if len(events) > MAX_EVENTS:
        mistakes.append(Malformed("/events", why=f"a report has at most {MAX_EVENTS} events"))
        return (), frozenset(), ()
    proposed: list[Proposed] = []
    refs: set[str] = set()
    broken: set[str] = set()
    legible: list[Legible] = []
    for index, body in enumerate(events):
        event = read_event(index, body, mistakes)
        ref = body.get("ref") if isinstance(body, Mapping) else None
        if isinstance(ref, str) and ref in refs:
            mistakes.append(Malformed(f"/events/{index}/ref", why=f"the ref {ref} is used twice"))
        elif isinstance(ref, str):
            refs.add(ref)
        if event is not None:
            proposed.append(event)
            continue
        if isinstance(ref, str):
            broken.add(ref)
        if isinstance(body, Mapping):
            legible.append(_legible(index, body))
    return tuple(proposed), frozenset(broken), tuple(legible)


def _legible(index: int, body: Mapping[str, object]) -> Legible:
    source, by = body.get("source"), body.get("asserted_by")
    cited: Mapping[str, object] = source if isinstance(source, Mapping) else {}
    asserted_by: Mapping[str, object] = by if isinstance(by, Mapping) else {}
    paragraphs = cited.get("paragraphs")
    return Legible(
        index,
        _text(cited.get("document")),
        tuple((i, n) for i, n in enumerate(paragraphs if isinstance(paragraphs, list) else ()) if type(n) is int),
        _text(cited.get("origin")),
        _text(asserted_by.get("party")),
        tuple((name, party) for name in ACTING if (party := _text(body.get(name))) in CODES and party),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def read_event(index: int, body: object, mistakes: list[Refusal]) -> Proposed | None:
    """One event of a report; None where it cannot be read, and then why is among the mistakes."""
    place = f"/events/{index}"
    if not isinstance(body, Mapping):
        mistakes.append(Malformed(place, why="an event is an object"))
        return None
    type = body.get("type")
    if not isinstance(type, str) or type not in EVENT_TYPES:
        nearest = get_close_matches(str(type)[:80], EVENT_TYPES, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        mistakes.append(Malformed(f"{place}/type", why=f"is no type of event: {str(type)[:80]}{hint}"))
        return None
    try:
        filed: Any = _filed_adapter(type).validate_python(body)
    except ValidationError as error:
        mistakes += malformed(error, place)
        return None
    if parse_stream(filed.stream) is None:
        mistakes.append(NotAStream(f"{place}/stream", stream=filed.stream[:120]))
        return None
    model = EVENT_TYPES[type]
    # Already validated as the wider model; the fields are copied, not judged twice.
    data = model.model_construct(
        **{info.alias or name: getattr(filed, name) for name, info in model.model_fields.items()}
    )
    return Proposed(index, filed.ref, filed.stream, data)


@cache
def _filed_adapter(type: str) -> TypeAdapter[Any]:
    return TypeAdapter(filed_type(type))


# A rule over several fields is reported at the field that it is about, which names the rule.
_RULES_OF_A_MODEL: Final = {"inference", "channel"}


def malformed(error: ValidationError, place: str) -> list[NotValid]:
    """Every mistake that pydantic found below `place`, each with its JSON Pointer. Shows no input but field names."""
    found: list[NotValid] = []
    mistakes = error.errors(include_url=False, include_input=False, include_context=True)
    within = {mistake["loc"][:-1] for mistake in mistakes}
    for mistake in mistakes:
        if mistake["type"] == "too_short" and mistake["loc"] in within:
            continue  # Only because its members, each told of, were left out.
        path = [str(part) for part in mistake["loc"] if part != "[key]"]
        if mistake["type"] in _RULES_OF_A_MODEL:
            path.append(mistake["type"])
        found.append(Malformed(place + "".join(f"/{escaped(part)}" for part in path), why=_sentence(mistake)))
    return found


def _sentence(mistake: Mapping[str, Any]) -> str:
    if mistake["type"] == "extra_forbidden":
        return "there is no such field"
    if mistake["type"] == "missing":
        return "is missing"
    text = str(mistake["msg"]).replace("Tuple", "List")
    return text[:1].lower() + text[1:]


def escaped(part: str) -> str:
    """One part of a JSON Pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
