"""What is to be relayed next, and the proof that it follows what was relayed before.

Each page is read from the last relayed event on, which has to be the same still: a record that was restored from an
older copy, or another one under the same address, is noticed before anything of it is published.
"""

from typing import NamedTuple

from sqlalchemy import Engine

from service.store import events
from service.store.codec import GENESIS, StoredEvent
from service.store.engine import connection


class Refused(Exception):
    """What is in NATS and what is on record do not belong together, or NATS cannot take it; the message says why."""


class Mark(NamedTuple):
    """The last event that is in NATS; `chain_hash` is None where NATS has its number only."""

    position: int = 0
    chain_hash: bytes | None = GENESIS


def mark(event: StoredEvent) -> Mark:
    return Mark(event.position, event.chain_hash)


def following(engine: Engine, at: Mark, limit: int) -> list[StoredEvent]:
    """The events after a mark, at most so many. Raises Refused where the mark is not on this record."""
    with connection(engine) as c:
        found = events.read_log(c, after=max(at.position - 1, 0), limit=limit + 1)
    if at.position == 0:
        return found[:limit]
    if not found:
        raise Refused(
            f"NATS has events up to position {at.position}, but the record ends earlier: it was restored from an older"
            " copy, or it is another record. Relay to a new stream"
        )
    if at.chain_hash is not None and found[0].chain_hash != at.chain_hash:
        raise Refused(
            f"the event at position {at.position} in NATS differs from the record: the stream belongs to another log."
            " Relay to a new stream"
        )
    return found[1:]
