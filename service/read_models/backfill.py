"""Backfill read models that another release did not write, during a rolling upgrade or its reversal.

An append stores only the documents of its own release. It also stores a note for this set of representations: up to
this position, all documents of the set are stored. If the note is behind the head, another release has appended. Then
the missing documents are built from the log before a read or a decision at that head. If all processes are of one
release, the note is always at the head.

No lock is needed, because an older document or note never replaces a newer one.
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
"""The representations of this release, as the key of their note."""


def note(position: int) -> Document:
    """Return the note that all documents of this release are stored up to a position."""
    return Document(NOTE, 1, SET, "", position, {}, b"")


def noted(c: Connection) -> int | None:
    """Return the position up to which all documents of this release are stored, None before they are built."""
    found = read_models.get(c, NOTE, 1, SET)
    return None if found is None else found.position


def catch_up(c: Connection, position: int) -> int:
    """Build the documents that are missing up to a position. Return their number.

    Raises DatabaseUnavailable if a later release recorded an event that this release cannot read.
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
    """Build the documents of all events after a position. Return their number."""
    made = 0
    for stream in events.streams_since(c, position):
        log = events.read_streams(c, {stream: 0})[stream]
        due = list(replayed(stream, log, after=position))
        read_models.store(c, due)
        made += len(due)
    return made
