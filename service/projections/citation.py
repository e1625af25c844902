"""The citation of one statement: who says it, who published it where and when, and where this record has it.

`GET /v1/events/{id}/citation` returns it, the pages copy its text, and `irritants cite` prints it.
"""

from collections.abc import Sequence
from typing import Final

from service.domain import edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import EventModel, Recorded, Statement
from service.domain.source.state import Source
from service.projections.document import Document
from service.projections.words.bidi import isolated
from service.projections.words.event_types import event_name
from service.projections.words.said_by import speaker_in_words

REPRESENTATION: Final = 3
_SHOWN_OF_HASH: Final = 16


class CitationDocument(Document):
    """The citation of a statement. `text` has all of it in one line.

    An event that keeps the record has no speaker and cites no document: both are null. `retracted`: the event does not
    stand.
    `speaker` is who says it in words: the side, with organ and person, and whether it is only attributed or leaked.
    `link` is the address of the event on this service, which stays the same. `position` is that of the event.
    `checkpoint` and `chain_hash` are the last position that was read, and the hash that seals all events up to it.
    """

    event: str
    speaker: str | None
    publisher: str | None
    title: str | None
    published: str | None
    document: str | None
    paragraphs: tuple[int, ...]
    address: str | None
    retracted: bool
    link: str
    position: int
    checkpoint: int
    chain_hash: str
    text: str


def view(
    event: Recorded,
    data: EventModel,
    source: Source,
    *,
    retracted: bool,
    link: str,
    checkpoint: int,
    chain_hash: str,
    names: ActorNames = NO_NAMES,
) -> CitationDocument:
    """Return the citation of an event. `data` is its content after corrections, `source` the document that it cites."""
    cites = data.source if isinstance(data, Statement) else None
    speaker = speaker_in_words(data.asserted_by, names) if isinstance(data, Statement) else None
    paragraphs = tuple(sorted(set(cites.paragraphs))) if cites else ()
    place = f"{link} (position {event.position}; checkpoint {checkpoint}, {chain_hash[:_SHOWN_OF_HASH]})"
    published = f"{isolated(speaker)}: {_published(source, paragraphs)}" if speaker else event_name(event.type)
    return CitationDocument(
        event=event.id,
        speaker=speaker,
        publisher=source.publisher or None,
        title=source.title,
        published=source.published,
        document=cites.document if cites else None,
        paragraphs=paragraphs,
        address=source.address,
        retracted=retracted,
        link=link,
        position=event.position,
        checkpoint=checkpoint,
        chain_hash=chain_hash,
        text=f"{published}. {'On record, and retracted' if retracted else 'On record'}: {place}.",
    )


def _published(source: Source, paragraphs: Sequence[int]) -> str:
    parts = (
        source.publisher,
        f"“{source.title}”" if source.title else "untitled document",
        edtf.describe(source.published) if source.published else "no date of publication",
        f"{'paragraph' if len(paragraphs) == 1 else 'paragraphs'} {', '.join(map(str, paragraphs))}",
        source.address or "",
    )
    return ", ".join(isolated(part) for part in parts if part)
