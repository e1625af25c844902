"""Verify the record: all positions are present, every line matches the chain, and the triggers are enabled.

This finds what a superuser changed in spite of the triggers: rows that were edited, removed, inserted or swapped, and a
missing end. If the superuser also computed the chain again, only a chain hash that is stored elsewhere shows it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.exc import DataError

from service.store import codec, log_scan, triggers
from service.store.codec import GENESIS, StoredEvent, StoredReport
from service.store.log import Head, NoHead, read_head
from service.store.tables import events, head, reports

Progress = Callable[[int, int], None]
"""Receives the number of events that are done, and the number of all events."""
PROGRESS_EVERY: Final = 1_000


class Damaged(Exception):
    """The record was altered. `position` is the first bad one, None if no event is affected."""

    def __init__(self, position: int | None, what: str) -> None:
        self.position, self.what = position, what
        super().__init__(what if position is None else f"position {position}: {what}")


def silent(done: int, total: int) -> None:
    """Show no progress."""


def verify(connection: Connection, progress: Progress = silent) -> Head:
    """Verify the whole record and return its head. Raises Damaged. Appends go on meanwhile."""
    end = _end(connection)
    check = LogCheck()
    try:
        for event, report in log_scan.read(connection, end.position):
            check.step(event, report)
            if event.position % PROGRESS_EVERY == 0:
                progress(event.position, end.position)
    except codec.Unreadable as error:
        raise Damaged(check.position + 1, "the event cannot be read") from error
    check.arrive(end)
    _check_the_end(connection)
    _check_reports(connection)
    _check_relations(connection)
    if (fault := triggers.find_fault(connection)) is not None:
        raise Damaged(None, fault)
    progress(end.position, end.position)
    return end


def verify_reached(connection: Connection, end: Head, record: str, position: int, chain_hash: bytes) -> None:
    """Compare a verified record with the position and chain hash of a checkpoint. Raises Damaged."""
    if record != end.record:
        raise Damaged(None, f"the checkpoint is of another record, {record}; this is the record {end.record}")
    if position > end.position:
        raise Damaged(end.position + 1, f"the event is missing; the checkpoint was made at position {position}")
    at = select(events.c.chain_hash).where(events.c.position == position)
    if (connection.execute(at).scalar_one() if position else GENESIS) != chain_hash:
        raise Damaged(position, "the event differs from the signed one: history was rewritten here or earlier")


class LogCheck:
    """Check events one after another: chain hash, version in the stream, time, and report."""

    def __init__(self) -> None:
        self.position = 0
        self.chain_hash = GENESIS
        self.recorded_at: datetime | None = None
        self.report: StoredReport | None = None
        self.versions: dict[str, int] = {}

    def step(self, event: StoredEvent, report: StoredReport | None) -> None:
        if event.position != self.position + 1:
            raise Damaged(self.position + 1, f"the event is missing; the next one is at position {event.position}")
        if report is None:
            raise Damaged(event.position, f"the report {event.report} of this event is missing")
        if codec.seal(self.chain_hash, codec.stored_line(event, report)) != event.chain_hash:
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

    def arrive(self, end: Head) -> None:
        """Compare the head with the last event. Raises Damaged."""
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


def _end(connection: Connection) -> Head:
    try:
        return read_head(connection)
    except NoHead as error:
        raise Damaged(None, str(error)) from None
    except DataError as error:
        raise Damaged(None, "the head row, which holds the last position, cannot be read") from error


def _check_the_end(connection: Connection) -> None:
    # One query, so that both numbers are of the same state.
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
    """Check the one column that the chain does not cover: the database derives it from the stream."""
    derived = events.c.relation.computed
    assert derived is not None
    strayed = select(func.min(events.c.position)).where(events.c.relation.is_distinct_from(derived.sqltext))
    if (position := connection.execute(strayed).scalar_one()) is not None:
        raise Damaged(position, "the relation of the event is not the one in the name of its stream")
