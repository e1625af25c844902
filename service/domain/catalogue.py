"""Every type of event there is: which kind of stream takes it, and the one union that request, disk and feed share."""

from functools import cache
from types import UnionType
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, TypeAdapter

from service.domain.actor.events import ActorEvent
from service.domain.assertion import (
    ON_RECORD,
    AssertionCorrected,
    AssertionRetracted,
    ClaimContested,
    Contract,
    EvidenceAdded,
)
from service.domain.irritant.events import IrritantEvent
from service.domain.relation.events import RelationEvent
from service.domain.round.events import RoundEvent
from service.domain.source.events import SourceEvent

Kind = Literal["irritant", "round", "relation", "source", "actor"]
AnyStreamEvent = EvidenceAdded | ClaimContested | AssertionCorrected | AssertionRetracted
Event = IrritantEvent | RoundEvent | RelationEvent | SourceEvent | ActorEvent | AnyStreamEvent
EventOnTheWire = Annotated[Event, Field(discriminator="type")]


def _types(union: UnionType) -> dict[str, type[Contract]]:
    return {event.__name__: event for event in get_args(union)}


EVENT_TYPES: Final[dict[str, type[Contract]]] = _types(Event)
SCHEMA_VERSIONS: Final[dict[str, int]] = dict.fromkeys(EVENT_TYPES, 1) | dict.fromkeys(
    (
        "HoldPlaced",
        "ImplementationReported",
        "InstrumentExchanged",
        "NextStepAgreed",
        "ProposalTabled",
        "ResolutionDeclared",
        "SourceRegistered",
        "UnderstandingReported",
    ),
    2,
)
"""The version that each type is written in; a higher one than 1 needs an upcaster and a golden payload."""
ON_ANY_STREAM: Final = frozenset(_types(AnyStreamEvent))
KINDS: Final[dict[Kind, frozenset[str]]] = {
    "irritant": frozenset(_types(IrritantEvent)) | ON_ANY_STREAM,
    "round": frozenset(_types(RoundEvent)) | ON_ANY_STREAM,
    "relation": frozenset(_types(RelationEvent)) | ON_ANY_STREAM,
    # Documents assert nothing themselves, so there is nothing on their streams to corroborate or to deny.
    "source": frozenset(_types(SourceEvent)) | {"AssertionCorrected", "AssertionRetracted"},
    "actor": frozenset({ActorEvent.__name__, "AssertionCorrected"}),
}


@cache
def _adapter(type: str) -> TypeAdapter[Contract]:
    return TypeAdapter(EVENT_TYPES[type])


def dump(event: Contract) -> dict[str, object]:
    """The payload as stored: what is unknown is absent. Shape as the model, JSON types only."""
    payload: dict[str, object] = _adapter(type(event).__name__).dump_python(event, mode="json", exclude_none=True)
    return payload


def load(type: str, payload: dict[str, object], *, on_record: bool = False) -> Contract:
    """The event of a payload. Raises KeyError for an unknown type, ValidationError for a foreign shape.

    `on_record`: it was filed once, so what is a mistake in a text is not asked again.
    """
    return _adapter(type).validate_python(payload, context=ON_RECORD if on_record else None)


def load_json(type: str, payload: str | bytes) -> Contract:
    """As `load`, from the JSON text of what is on record; about twice as fast."""
    return _adapter(type).validate_json(payload, context=ON_RECORD)
