"""List all event types, with the kinds of streams that take them, and convert events to and from stored payloads.

Requests, the database and the feeds share the union `Event`.
"""

import re
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, TypeAdapter

from service.domain import vocabulary
from service.domain.actor.events import ActorEvent
from service.domain.assertion import (
    ON_RECORD,
    AssertionCorrected,
    AssertionRetracted,
    ClaimContested,
    EventModel,
    EvidenceAdded,
    HandlingChanged,
)
from service.domain.irritant.events import IrritantEvent
from service.domain.relation.events import RelationEvent
from service.domain.round.events import RoundEvent
from service.domain.source.events import SourceEvent

Kind = Literal["irritant", "round", "relation", "source", "actor"]
AnyStreamEvent = EvidenceAdded | ClaimContested | AssertionCorrected | AssertionRetracted | HandlingChanged
Event = IrritantEvent | RoundEvent | RelationEvent | SourceEvent | ActorEvent | AnyStreamEvent
EventOnTheWire = Annotated[Event, Field(discriminator="type")]


def _types(union: UnionType) -> dict[str, type[EventModel]]:
    return {event.__name__: event for event in get_args(union)}


EVENT_TYPES: Final[dict[str, type[EventModel]]] = _types(Event)
SCHEMA_VERSIONS: Final[dict[str, int]] = {type: vocabulary.HIGHER.get(type, 1) for type in EVENT_TYPES}
"""The newest version of each type. A version above 1 needs an upcaster and a golden payload in the tests."""
VOCABULARY: Final = max(vocabulary.number_of(*versioned) for versioned in SCHEMA_VERSIONS.items())
"""The number of the vocabulary that this release reads."""
_LONGEST: Final = 80
"""The most characters of a name that are compared with the types."""
_BY_LOWER_CASE: Final = {type.lower(): type for type in EVENT_TYPES}
_CLOSE: Final = 0.8
"""The similarity from which a name is a misspelling. At 0.6, `Statement` would be `EmphasisStated`."""
ON_ANY_STREAM: Final = frozenset(_types(AnyStreamEvent))
"""The types that say something about another event of the same stream, such as a correction."""
KINDS: Final[dict[Kind, frozenset[str]]] = {
    "irritant": frozenset(_types(IrritantEvent)) | ON_ANY_STREAM,
    "round": frozenset(_types(RoundEvent)) | ON_ANY_STREAM,
    "relation": frozenset(_types(RelationEvent)) | ON_ANY_STREAM,
    # Sources have no assertions, so nothing on their streams can get evidence or a denial.
    "source": frozenset(_types(SourceEvent)) | {"AssertionCorrected", "AssertionRetracted", "HandlingChanged"},
    "actor": frozenset({ActorEvent.__name__, "AssertionCorrected"}),
}
"""The types that a stream takes, by its kind."""


def nearest_type(written: str) -> str | None:
    """Return the event type that a text misspells, None if none is close. Ignore case, blanks, hyphens, underscores."""
    plain = re.sub(r"[\s_-]", "", written[:_LONGEST]).lower()
    nearest = get_close_matches(plain, _BY_LOWER_CASE, n=1, cutoff=_CLOSE)
    return _BY_LOWER_CASE[nearest[0]] if nearest else None


@cache
def _adapter(type: str) -> TypeAdapter[EventModel]:
    return TypeAdapter(EVENT_TYPES[type])


def dump(event: EventModel) -> dict[str, object]:
    """Return the payload of an event as stored: JSON types only, without the fields that are None."""
    payload: dict[str, object] = _adapter(type(event).__name__).dump_python(event, mode="json", exclude_none=True)
    return payload


def load(type: str, payload: dict[str, object], *, on_record: bool = False) -> EventModel:
    """Return the event of a payload. Raise KeyError for an unknown type, ValidationError for an invalid payload.

    `on_record`: the event is stored, so its texts are not checked again (see `assertion.ON_RECORD`).
    """
    return _adapter(type).validate_python(payload, context=ON_RECORD if on_record else None)


def load_json(type: str, payload: str | bytes) -> EventModel:
    """Return the event of a stored payload in JSON. This is about twice as fast as `load`, and raises the same."""
    return _adapter(type).validate_json(payload, context=ON_RECORD)
