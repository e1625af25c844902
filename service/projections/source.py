"""One source: its registration, its origins, and every assertion that cites it.

`GET /v1/sources/{slug}` and the page of a source show it. `GET /v1/sources` lists the registrations.
"""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

from service.domain.assertion import Assertion
from service.domain.history import StreamAtPoint
from service.domain.source.state import Source
from service.domain.streams import parse_stream
from service.projections.document import Document
from service.projections.evidence import Cited, cite

NAME: Final = "source"
REPRESENTATION: Final = 3


class OriginDocument(Document):
    """An origin: a statement, with its speaker, the party and the date. Several documents can relay it."""

    origin: str
    speaker: str
    party: str
    channel: str
    occurred: str | None


class RestingDocument(Document):
    """An assertion that cites the source, or an origin that was registered with it."""

    stream: str
    type: str
    evidence: Cited


class SourceSummary(Document):
    """The registration of a source. A source does not belong to a relation."""

    id: str
    position: int
    version: int
    recorded_at: datetime | None
    publisher: str
    title: str | None
    sha256: str | None
    paragraphs: int | None
    published: str | None
    address: str | None
    language: str | None
    origins: tuple[OriginDocument, ...]


class SourceDocument(SourceSummary):
    """One source with the assertions that cite it.

    `relays` are the origins that are cited from this source, including those that were registered with another.
    """

    relays: tuple[str, ...]
    assertions: tuple[RestingDocument, ...]


Summary = TypeVar("Summary", bound=SourceSummary)


def summary(reading: StreamAtPoint[Source]) -> SourceSummary:
    """Return the registration of a source. Its position is that of the last event of the source."""
    state, name = reading.state, parse_stream(reading.stream)
    assert name is not None
    return SourceSummary(
        id=name.member,
        position=reading.position,
        version=reading.version,
        recorded_at=reading.recorded_at,
        publisher=state.publisher,
        title=state.title,
        sha256=state.sha256,
        paragraphs=state.paragraphs,
        published=state.published,
        address=state.address,
        language=state.language,
        origins=tuple(
            OriginDocument(origin=o.origin, speaker=o.speaker, party=o.party, channel=o.channel, occurred=o.occurred)
            for o in state.origins.values()
        ),
    )


def within(registered: Summary, origins: Container[str]) -> Summary:
    """Return a source with only these origins, for a reader who can see one relation only."""
    kept = tuple(origin for origin in registered.origins if origin.origin in origins)
    return registered.model_copy(update={"origins": kept})


def view(reading: StreamAtPoint[Source], citing: Iterable[StreamAtPoint[Any]] = ()) -> SourceDocument:
    """Return the document of a source. `citing` are the readings of all streams that can cite it.

    Its position is that of the last event of all these streams, because each new event can change it.
    """
    registered, others = summary(reading), list(citing)
    resting = _resting(registered.id, reading.state, others)
    cited = (r.evidence.source for r in resting)
    # `dict` keeps the origins as models. `model_dump` would turn them into dictionaries.
    of_source = dict(registered) | {"position": max(r.position for r in (reading, *others))}
    return SourceDocument(
        **of_source,
        relays=tuple(sorted({c.origin for c in cited if c.document == registered.id})),
        assertions=tuple(resting),
    )


def _resting(document: str, state: Source, citing: Iterable[StreamAtPoint[Any]]) -> list[RestingDocument]:
    """Return the assertions that cite a source, by position."""
    resting = [
        RestingDocument(stream=reading.stream, type=effect.data.__class__.__name__, evidence=cite(effect))
        for reading in citing
        for effect in reading.effects
        if isinstance(effect.data, Assertion)
        and (effect.data.source.document == document or effect.data.source.origin in state.origins)
    ]
    return sorted(resting, key=lambda r: r.evidence.position)
