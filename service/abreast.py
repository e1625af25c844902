"""Documents kept abreast of a record that other releases append to: in a rolling upgrade, or on the way back from one.

An append stores the documents of the release that makes it, and no others. With them it writes a note, one for each set
of representations: up to this position all documents of the set are there. Whoever appends makes sure of it before. So
a note that is behind the head says that another release appended since; then what is missing is made from the log, as
the other release would have done, before anything is read or decided at that head. Where all processes are of one
release, the note is at the head, and nobody has anything to do.

Nothing here waits for anybody or needs a lock: a document is never written over a newer one, and neither is the note.
"""

from typing import Final

from sqlalchemy import Connection

from service.documents import REPRESENTATIONS, replayed
from service.store import events, read_models
from service.store.codec import Unreadable
from service.store.engine import DatabaseUnavailable
from service.store.read_models import Document

NOTE: Final = "built"
SET: Final = " ".join(f"{name}/{representation}" for name, representation in sorted(REPRESENTATIONS.items()))
"""This release's representations, as their note is called."""


def note(position: int) -> Document:
    """Notes that all documents of this release's set are there up to a position: to be stored when they are."""
    return Document(NOTE, 1, SET, "", position, {}, b"")


def noted(c: Connection) -> int | None:
    """Up to where all documents of this release's set are there; None where they were never made."""
    found = read_models.get(c, NOTE, 1, SET)
    return None if found is None else found.position


def catch_up(c: Connection, position: int) -> int:
    """Makes sure that all documents are there up to a position of the record; how many were made for that.

    Raises DatabaseUnavailable where a later release filed what this one cannot read: rather no answer than a stale one.
    """
    done = noted(c) or 0
    if done >= position:
        return 0
    try:
        made = make_since(c, done)
    except Unreadable as error:
        raise DatabaseUnavailable(f"{error}; a later release filed it, and answers in this one's place") from error
    read_models.store(c, [note(position)])
    return made


def make_since(c: Connection, position: int) -> int:
    """Makes what events after a position led to, where all is there up to that position; how many documents it was."""
    made = 0
    for stream in events.streams_since(c, position):
        log = events.read_streams(c, {stream: 0})[stream]
        due = list(replayed(stream, log, after=position))
        read_models.store(c, due)
        made += len(due)
    return made
