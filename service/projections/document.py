"""The base classes of all documents, and how a document becomes JSON.

Documents are frozen, allow no further fields, and always have every field.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.domain.history import StreamAtPoint


class Document(BaseModel):
    """A document, or a part of a document. In JSON, dates are ISO 8601. Nothing depends on today's date."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamDocument(Document):
    """The document of one round or relation, with the position and the version of the last event in it."""

    id: str
    relation: str
    position: int
    version: int
    recorded_at: datetime | None


def stream_fields(reading: StreamAtPoint[Any]) -> dict[str, Any]:
    """Return the fields of `StreamDocument` for the document of a round or a relation."""
    member = reading.stream.partition("/")[2]
    return {
        "id": member,
        "relation": member.partition("/")[0],
        "position": reading.position,
        "version": reading.version,
        "recorded_at": reading.recorded_at,
    }


def last_position(*readings: StreamAtPoint[Any]) -> int:
    """Return the highest position of these readings: the position of a document that is computed from all of them."""
    return max((reading.position for reading in readings), default=0)


def rendered(document: BaseModel) -> bytes:
    """Return a document as JSON bytes, as they are stored, served and compared."""
    return document.model_dump_json().encode()
