"""Build documents that are missing because another release appended events, for example during a rolling upgrade.

Releases can store documents in different representations. An append stores only those of its own release. With them it
stores a watermark: a row with the position up to which all documents of this set of representations are stored.

If the watermark is behind the head, a process of another release has appended. Then the missing documents are built
from the log, before a read or a report at that head. If all processes run the same release, the watermark is always at
the head.

No lock is needed, because an older document or watermark never replaces a newer one.
"""

from typing import Final

from sqlalchemy import Connection

from service.domain.naming import Naming
from service.read_models import variants
from service.read_models.builder import REPRESENTATIONS, replayed
from service.store import events, read_models
from service.store.codec import UnreadableEvent
from service.store.engine import DatabaseUnavailable
from service.store.read_models import Document

WATERMARK: Final = "built"
REPRESENTATION_SET: Final = " ".join(f"{name}/{number}" for name, number in sorted(REPRESENTATIONS.items()))
"""The representations of this release, for example `change/2 irritant/5`. It is the key of their watermark."""


def watermark(position: int) -> Document:
    """Make the row that says that all documents of this release are stored up to a position."""
    return Document(WATERMARK, 1, REPRESENTATION_SET, "", position, {}, b"")


def built_up_to(c: Connection) -> int | None:
    """Return the position up to which all documents of this release are stored. None if they were never built."""
    found = read_models.get(c, WATERMARK, 1, REPRESENTATION_SET)
    return None if found is None else found.position


def catch_up(c: Connection, position: int) -> int:
    """Build all missing documents of this release, and store `position` as the watermark. Return their number.

    Raises DatabaseUnavailable if a later release recorded an event that this release cannot read.
    """
    built = built_up_to(c) or 0
    if built >= position:
        return 0
    try:
        made = make_since(c, built)
    except UnreadableEvent as error:
        raise DatabaseUnavailable(f"{error}; a later release recorded it, so send reads to that release") from error
    read_models.store(c, [watermark(position)])
    return made


def make_since(c: Connection, position: int) -> int:
    """Build the documents of all streams that have events after a position. Return their number."""
    made = 0
    streams = events.streams_since(c, position)
    naming = Naming(events.actor_events(c) if streams else ())
    for stream in streams:
        log = events.read_streams(c, {stream: 0})[stream]
        missing = list(replayed(stream, log, after=position, naming=naming))
        # First what audiences see instead, so that no audience sees a document of the whole record in between.
        made += variants.repair(c, stream, log, naming)
        read_models.store(c, missing)
        made += len(missing)
    return made
