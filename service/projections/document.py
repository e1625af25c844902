"""What every document has in common: frozen, closed, every field always present."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.domain.history import Reading


class Document(BaseModel):
    """Part of a read model, as JSON: enums are words, dates ISO 8601, nothing depends on today's date."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stored(Document):
    """A document of one stream, with the point of the record that it was read at."""

    id: str
    relation: str
    position: int
    version: int
    recorded_at: datetime | None


def stored(reading: Reading[Any]) -> dict[str, Any]:
    """The fields of `Stored` for the document of an irritant, a round or a relation."""
    member = reading.stream.partition("/")[2]
    return {
        "id": member,
        "relation": member.partition("/")[0],
        "position": reading.position,
        "version": reading.version,
        "recorded_at": reading.recorded_at,
    }


def last_position(*readings: Reading[Any]) -> int:
    """The last event of any of these, which is the position of what is computed from all of them."""
    return max((reading.position for reading in readings), default=0)


def rendered(document: BaseModel) -> bytes:
    """The bytes that are stored, served and compared."""
    return document.model_dump_json().encode()
