"""Render events as CloudEvents 1.0 in JSON.

`data` is the event as filed, in the latest version of its type, or in a lower one whose shape is the same.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from service.domain.catalogue import EventOnTheWire, Kind
from service.domain.streams import parse_stream
from service.projections.document import Document
from service.store.codec import StoredEvent, canonical, instant

BATCH: Final = "application/cloudevents-batch+json"
REPRESENTATION: Final = 4
WITHHELD: Final = "irritants.withheld"
"""The type of an event that is withheld from the reader."""

_PLACES: Final[dict[Kind, str]] = {
    "irritant": "/v1/irritants",
    "round": "/v1/rounds",
    "relation": "/v1/relations",
    "source": "/v1/sources",
}
"""The address below which the streams of a kind are read."""


class CloudEvent(Document):
    """One event of the record. `subject` is its stream, and `source` is the address of the stream."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str = Field(description="`irritants.<type>.v<version>`: the version that `data` is in")
    subject: str
    time: datetime = Field(description="when it was recorded")
    datacontenttype: Literal["application/json"]
    data: EventOnTheWire
    position: int = Field(description="its number on the record, from 1, without gaps")
    streamversion: int = Field(description="its number on its stream, from 1")
    actor: str = Field(description="the name of the key that filed it")
    report: str = Field(description="the id of its report")
    chainhash: str = Field(description="SHA-256 of the chain hash before it and of this event as stored")
    handling: str | None = Field(
        default=None, description="its present handling label, such as `restricted`; absent for an open event"
    )


class WithheldEvent(Document):
    """The place of an event that is withheld from the reader. It shows that positions have no gaps."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Literal["irritants.withheld"]
    time: datetime = Field(description="when it was recorded")
    position: int = Field(description="its number on the record, from 1, without gaps")


def withheld_event(position: int, recorded_at: datetime) -> bytes:
    """Return the JSON of an event that is withheld from the reader: its position and its time."""
    return (
        f'{{"specversion":"1.0","id":"withheld-{position}","source":"/v1/events","type":"{WITHHELD}"'
        f',"time":"{instant(recorded_at)}","position":{position}}}'
    ).encode()


def cloud_event(event: StoredEvent, label: str | None = None) -> bytes:
    """Return the JSON of an event. It is joined as text, which is fast, because `data` is stored as JSON.

    `label`: its present handling label, None for `open`.
    """
    name = parse_stream(event.stream)
    assert name is not None
    place = _PLACES.get(name.kind)
    marked = "" if label is None else f',"handling":"{label}"'
    source = f"{place}/{name.member}" if place else f"/v1/events/{event.id}"  # an actor has no address of its own
    return (
        f'{{"specversion":"1.0","id":"{event.id}","source":"{source}"'
        f',"type":"irritants.{event.type}.v{event.schema_version}","subject":"{event.stream}"'
        f',"time":"{instant(event.recorded_at)}","datacontenttype":"application/json","data":{event.data}'
        f',"position":{event.position},"streamversion":{event.version},"actor":{canonical(event.actor)}'
        f',"report":"{event.report}","chainhash":"{event.chain_hash.hex()}"{marked}}}'
    ).encode()


def batch(events: Iterable[bytes]) -> bytes:
    """Return rendered events in the JSON batch format of CloudEvents."""
    return b"[" + b",".join(events) + b"]"
