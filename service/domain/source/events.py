"""What is recorded of documents and of the utterances behind them. On disk: see `assertion.py`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.domain.assertion import Channel, Edtf, Keeping, Line, Slug, Voice


class SourceRegistered(Keeping):
    """A document that assertions cite; `paragraphs` is how many it has."""

    type: Literal["SourceRegistered"] = "SourceRegistered"
    publisher: Line
    title: Line | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    paragraphs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    published: Edtf | None = None
    address: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=2000)] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] | None = None


class OriginRegistered(Keeping):
    """An utterance: who spoke, for which party, and when. Its slug is unique over the record."""

    type: Literal["OriginRegistered"] = "OriginRegistered"
    origin: Slug
    speaker: Line
    party: Voice
    channel: Channel
    occurred: Edtf | None = None


SourceEvent = SourceRegistered | OriginRegistered
