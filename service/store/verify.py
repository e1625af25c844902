"""Verify the whole record: no position is missing, every chain hash is right, and the triggers are as they should be.

This finds changes that a superuser made in spite of the triggers: rows that were edited, removed, inserted or swapped,
and a missing end. If the superuser has computed all chain hashes again, only a checkpoint that is stored elsewhere
shows it (`verify_checkpoint`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.exc import DataError

from service.store import audience, codec, log_scan, triggers
from service.store.codec import GENESIS, StoredEvent, StoredReport
from service.store.log import Head, NoHead, read_head
from service.store.tables import events, head, reports

Progress = Callable[[int, int], None]
"""A function to show progress. It gets the number of events that are done, and the number of all events."""
PROGRESS_EVERY: Final = 1_000


class Damaged(Exception):
    """The record was altered. `position` is that of the first wrong event, None if no event is wrong."""

    def __init__(self, position: int | None, what: str) -> None:
        self.position, self.what = position, what
        super().__init__(what if position is None else f"position {position}: {what}")


def no_progress(done: int, total: int) -> None:
    """Show no progress."""


def verify(connection: Connection, progress: Progress = no_progress) -> Head:
    """Verify the whole record and return its head. The service can append meanwhile. Raises Damaged."""
    end = _read_head(connection)
    check = LogCheck()
    try:
        for event, report in log_scan.read(connection, end.position):
            check.check_next(event, report)
            if event.position % PROGRESS_EVERY == 0:
                progress(event.position, end.position)
    except codec.UnreadableEvent as error:
        raise Damaged(check.position + 1, "the event cannot be read") from error
    check.check_end(end)
    _check_nothing_beyond_head(connection)
    _check_reports(connection)
    _check_relations(connection)
    if (position := audience.find_fault(connection)) is not None:
        what = (
            "the stored label of the event is not the one that the events in the log give it; run `irritants rebuild`"
        )
        raise Damaged(position, what)
    if (fault := triggers.find_fault(connection)) is not None:
        raise Damaged(None, fault)
    progress(end.position, end.position)
    return end


def verify_checkpoint(connection: Connection, end: Head, record: str, position: int, chain_hash: bytes) -> None:
    """Check that a verified record, which ends at `end`, has the event that a checkpoint names. Raises Damaged.

    `record`, `position` and `chain_hash` are those of the checkpoint.
    """
    if record != end.record:
        raise Damaged(None, f"the checkpoint is of another record, {record}; this is the record {end.record}")
    if position > end.position:
        raise Damaged(end.position + 1, f"the event is missing; the checkpoint was made at position {position}")
    at = select(events.c.chain_hash).where(events.c.position == position)
    if (connection.execute(at).scalar_one() if position else GENESIS) != chain_hash:
        raise Damaged(position, "the event differs from the signed one: history was rewritten here or earlier")


class LogCheck:
    """Checks events one after another: chain hash, version in the stream, time and report."""

    def __init__(self) -> None:
        self.position = 0
        self.chain_hash = GENESIS
        self.recorded_at: datetime | None = None
        self.report: StoredReport | None = None
        self.versions: dict[str, int] = {}

    def check_next(self, event: StoredEvent, report: StoredReport | None) -> None:
        """Check the next event. Raises Damaged."""
        if event.position != self.position + 1:
            raise Damaged(self.position + 1, f"the event is missing; the next one is at position {event.position}")
        if report is None:
            raise Damaged(event.position, f"the report {event.report} of this event is missing")
        if (
            codec.seal(self.chain_hash, codec.stored_line(event, report), is_salted=event.salt is not None)
            != event.chain_hash
        ):
            raise Damaged(
                event.position, "the chain hash does not match: the event, its report or its position was altered"
            )
        if event.version != (expected := self.versions.get(event.stream, 0) + 1):
            raise Damaged(event.position, f"{event.stream} has version {event.version} here; expected {expected}")
        if self.recorded_at is not None and event.recorded_at < self.recorded_at:
            raise Damaged(event.position, "the event has an earlier time than the one before it")
        if self.report is None or report.id != self.report.id:
            self._close_report()
            self._open_report(event, report)
        self.position, self.chain_hash, self.recorded_at = event.position, event.chain_hash, event.recorded_at
        self.versions[event.stream] = event.version

    def check_end(self, end: Head) -> None:
        """Check, after the last event, that it is the event of the head. Raises Damaged."""
        if self.position < end.position:
            raise Damaged(self.position + 1, f"the event is missing; the head is at position {end.position}")
        if self.position > end.position:
            raise Damaged(end.position + 1, f"the event is beyond the head, which is at position {end.position}")
        self._close_report()
        if self.position and (self.chain_hash, self.recorded_at) != (end.chain_hash, end.recorded_at):
            raise Damaged(self.position, "this last event and the head differ in chain hash or time")

    def _open_report(self, event: StoredEvent, report: StoredReport) -> None:
        if report.first_position != event.position:
            raise Damaged(
                event.position, f"the report {report.id} of this event begins at position {report.first_position}"
            )
        if (report.actor, report.recorded_at) != (event.actor, event.recorded_at):
            raise Damaged(event.position, f"the report {report.id} and this event differ in actor or time")
        self.report = report

    def _close_report(self) -> None:
        if self.report is not None and self.report.last_position != self.position:
            raise Damaged(
                self.position,
                f"the report {self.report.id} ends with this event, but says position {self.report.last_position}",
            )


def _read_head(connection: Connection) -> Head:
    """Return the head. Raises Damaged if it is missing or cannot be read."""
    try:
        return read_head(connection)
    except NoHead as error:
        raise Damaged(None, str(error)) from None
    except DataError as error:
        raise Damaged(None, "the head row, which holds the last position, cannot be read") from error


def _check_nothing_beyond_head(connection: Connection) -> None:
    """Check that no event and no report has a later position than the head."""
    # One query, because an append between two queries would look like damage.
    last = func.greatest(
        select(func.max(events.c.position)).scalar_subquery(),
        select(func.max(reports.c.last_position)).scalar_subquery(),
    )
    position, last_position = connection.execute(select(head.c.position, last)).one()
    if last_position is not None and last_position > position:
        raise Damaged(
            position + 1, f"the head ends before this event; there are events or reports up to position {last_position}"
        )


def _check_reports(connection: Connection) -> None:
    """Check that every report has an event at its first position."""
    own = and_(events.c.position == reports.c.first_position, events.c.report == reports.c.id)
    stray = (
        select(reports.c.first_position, reports.c.id)
        .outerjoin(events, own)
        .where(events.c.position.is_(None))
        .order_by(reports.c.first_position)
        .limit(1)
    )
    for position, report in connection.execute(stray):
        raise Damaged(position, f"the report {report} has this first position, but no event here")


def _check_relations(connection: Connection) -> None:
    """Check the column `relation`. The chain hash does not depend on it, because it is derived from the stream."""
    derived = events.c.relation.computed
    assert derived is not None
    strayed = select(func.min(events.c.position)).where(events.c.relation.is_distinct_from(derived.sqltext))
    if (position := connection.execute(strayed).scalar_one()) is not None:
        raise Damaged(position, "the relation of the event is not the one in the name of its stream")
