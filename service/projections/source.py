"""One document: what is registered of it, the utterances behind it, and every assertion that rests on them."""

from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

from service.domain.assertion import Assertion
from service.domain.history import Reading
from service.domain.source.state import Source
from service.domain.streams import parse_stream
from service.projections.document import Document
from service.projections.evidence import Cited, cite

NAME: Final = "source"
REPRESENTATION: Final = 2


class OriginDocument(Document):
    """An utterance: who spoke, for whom, and when. Several documents can relay one."""

    origin: str
    speaker: str
    party: str
    channel: str
    occurred: str | None


class RestingDocument(Document):
    """An assertion that rests on the document, or on an utterance that was registered with it."""

    stream: str
    type: str
    evidence: Cited


class SourceSummary(Document):
    """One document as it is registered; a source belongs to no relation."""

    id: str
    position: int
    version: int
    recorded_at: datetime | None
    publisher: str
    sha256: str | None
    paragraphs: int | None
    published: str | None
    address: str | None
    language: str | None
    origins: tuple[OriginDocument, ...]


class SourceDocument(SourceSummary):
    """One document as it stands on record, and what rests on it.

    `relays`: the utterances that are cited from it, wherever they were registered.
    """

    relays: tuple[str, ...]
    assertions: tuple[RestingDocument, ...]


Summary = TypeVar("Summary", bound=SourceSummary)


def summary(reading: Reading[Source]) -> SourceSummary:
    """What is registered of a source. Total."""
    state, name = reading.state, parse_stream(reading.stream)
    assert name is not None
    return SourceSummary(
        id=name.member,
        position=reading.position,
        version=reading.version,
        recorded_at=reading.recorded_at,
        publisher=state.publisher,
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
    """The same source with only these of its utterances: those that one relation cites."""
    kept = tuple(origin for origin in registered.origins if origin.origin in origins)
    return registered.model_copy(update={"origins": kept})


def view(reading: Reading[Source], citing: Iterable[Reading[Any]] = ()) -> SourceDocument:
    """The document of a source, and of the readings of every stream that may cite it. Total."""
    registered, others = summary(reading), list(citing)
    resting = _resting(registered.id, reading.state, others)
    cited = (r.evidence.source for r in resting)
    # Not dumped and read again: the origins stay the documents that they are.
    of_source = dict(registered) | {"position": max((r.position for r in (reading, *others)), default=0)}
    return SourceDocument(
        **of_source,
        relays=tuple(sorted({c.origin for c in cited if c.document == registered.id})),
        assertions=tuple(resting),
    )


def _resting(document: str, state: Source, citing: Iterable[Reading[Any]]) -> list[RestingDocument]:
    """In the order of the record."""
    resting = [
        RestingDocument(stream=reading.stream, type=effect.data.__class__.__name__, evidence=cite(effect))
        for reading in citing
        for effect in reading.effects
        if isinstance(effect.data, Assertion)
        and (effect.data.source.document == document or effect.data.source.origin in state.origins)
    ]
    return sorted(resting, key=lambda r: r.evidence.position)
