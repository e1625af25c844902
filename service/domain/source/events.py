"""Define the event types that streams of sources take: documents, and the statements (origins) that they relay.

These models are stored: see `assertion.py` for what may change. Forms and the OpenAPI document show the docstring of
each class to people, as the purpose of the type.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import Channel, Edtf, Line, RecordKeeping, Slug, Voice


class SourceRegistered(RecordKeeping):
    """Register a document that assertions cite. `paragraphs`: the number of its non-blank lines."""

    type: Literal["SourceRegistered"] = "SourceRegistered"
    publisher: Line
    title: Line | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    paragraphs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    published: Edtf | None = None
    address: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=2000)] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] | None = None


class OriginRegistered(RecordKeeping):
    """Register a statement that a document relays: who spoke, for which party, and when.

    The slug (`origin`) is unique in the whole record.
    """

    type: Literal["OriginRegistered"] = "OriginRegistered"
    origin: Slug
    speaker: Line
    party: Voice
    channel: Channel
    occurred: Edtf | None = None


SourceEvent = SourceRegistered | OriginRegistered
