"""What every document has in common: frozen, closed, every field always present."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


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


def rendered(document: BaseModel) -> bytes:
    """The bytes that are stored, served and compared."""
    return document.model_dump_json().encode()
