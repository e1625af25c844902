"""Backfill of read models that another release did not write: in a rolling upgrade, or on the way back from one.

An append stores the documents of the release that makes it, and no others. With them it writes a note, one for each set
of representations: up to this position all documents of the set are there. A note behind the head says that another
release appended since. Then the missing documents are made from the log before anything is read or decided at that
head. Where all processes are of one release, the note is at the head and there is nothing to do.

Nothing here needs a lock: a document is never written over a newer one, and neither is the note.
"""

from typing import Final

from sqlalchemy import Connection

from service.read_models.builder import REPRESENTATIONS, replayed
from service.store import events, read_models
from service.store.codec import Unreadable
from service.store.engine import DatabaseUnavailable
from service.store.read_models import Document

NOTE: Final = "built"
SET: Final = " ".join(f"{name}/{representation}" for name, representation in sorted(REPRESENTATIONS.items()))
"""This release's representations, as their note is called."""


def note(position: int) -> Document:
    """Return the note that all documents of this release's set are there up to a position."""
    return Document(NOTE, 1, SET, "", position, {}, b"")


def noted(c: Connection) -> int | None:
    """Return the position up to which all documents of this release's set are there, None before they are built."""
    found = read_models.get(c, NOTE, 1, SET)
    return None if found is None else found.position


def catch_up(c: Connection, position: int) -> int:
    """Make the documents that are missing up to a position of the record. Return how many it made.

    Raises DatabaseUnavailable where a later release filed an event that this one cannot read.
    """
    done = noted(c) or 0
    if done >= position:
        return 0
    try:
        made = make_since(c, done)
    except Unreadable as error:
        raise DatabaseUnavailable(f"{error}; a later release recorded it, so send reads to that release") from error
    read_models.store(c, [note(position)])
    return made


def make_since(c: Connection, position: int) -> int:
    """Make the documents that events after a position led to. Return how many it made."""
    made = 0
    for stream in events.streams_since(c, position):
        log = events.read_streams(c, {stream: 0})[stream]
        due = list(replayed(stream, log, after=position))
        read_models.store(c, due)
        made += len(due)
    return made
