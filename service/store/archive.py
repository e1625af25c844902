"""Export and import the whole record as a file of JSON lines.

The first line describes the record. Each further line is an event with its report and its chain hash, in the form from
which the chain hash is computed (see `codec`). So an import restores the same positions, ids, times, chain hashes and
idempotency keys, and exports the same bytes again. Documents are not exported. They are built again after an import.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, groupby
from typing import Any, BinaryIO, Final, Literal, TypeVar

import psycopg
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, func, select, text, update

from service.domain import catalogue
from service.domain.handling import BUILT_IN
from service.domain.vocabulary import Needs
from service.store import audience, codec, log_scan
from service.store.audience import Label
from service.store.codec import StoredEvent, StoredReport
from service.store.engine import driver, first_line
from service.store.log import CHANNEL, Head, lock_head, read_head
from service.store.releases import require_readers
from service.store.tables import head
from service.store.verify import PROGRESS_EVERY, Damaged, LogCheck, Progress, no_progress, verify_checkpoint

_CHUNK_EVENTS: Final = 5_000
_COLUMNS: Final = StoredEvent._fields[:-1]
"""The columns of the table `events`. The rank of an event is in another one."""
_HEADER_BYTES: Final = 4_096  # a header is shorter


class NotAnExport(Exception):
    """The file is not a complete export, or a later release wrote it. `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what
        super().__init__(f"line {line}: {what}")


class NotEmpty(Exception):
    """The record has events already. Import into an empty record."""


class ExportHasMore(Exception):
    """An export has events that the record does not have. The message says which."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Header(_Strict):
    """The first line: the id of the record, its last position and chain hash.

    `labels`: the handling labels that its owner has registered, each with its rank. None if there are only those that
    every record has.
    """

    chain_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    format: Literal["irritants-record-1"] = "irritants-record-1"
    labels: dict[str, int] | None = None
    position: int
    record: str


class _Line(_Strict):
    """Every other line: an event, the fields of its report, and the chain hash."""

    actor: str
    causation: str | None
    correlation: str
    data: dict[str, Any]
    id: str
    position: int
    recorded_at: datetime
    report: str
    reporthash: str = Field(pattern=r"^([0-9a-f]{2})*$")
    reportkey: str
    reportrelation: str
    reportround: str | None
    reporttitle: str
    schema_version: int
    stream: str
    type: str
    version: int
    chain_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    handling: str | None = None
    salt: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


def export_record(connection: Connection, file: BinaryIO, progress: Progress = no_progress) -> Head:
    """Write the record up to its head, and return that head. The service can append meanwhile. Raises Damaged."""
    end = read_head(connection)
    labels = {label.name: label.rank for label in audience.read_labels(connection)}
    own = labels if labels != BUILT_IN.ranks else None
    header = _Header(chain_hash=end.chain_hash.hex(), position=end.position, record=end.record, labels=own)
    file.write(f"{codec.canonical(header.model_dump(exclude_none=True))}\n".encode())
    for event, report in log_scan.read(connection, end.position):
        if report is None:
            raise Damaged(event.position, f"the report {event.report} of this event is missing")
        file.write(f"{codec.with_chain_hash(codec.stored_line(event, report), event.chain_hash)}\n".encode())
        if event.position % PROGRESS_EVERY == 0:
            progress(event.position, end.position)
    progress(end.position, end.position)
    return end


def check_has_all_of(connection: Connection, file: BinaryIO) -> None:
    """Check that this record has all events of an export, by the header. Raises NotAnExport and ExportHasMore."""
    header = _parse(_Header, 1, file.readline(_HEADER_BYTES))
    end = read_head(connection)
    if header.record != end.record:
        raise ExportHasMore(f"it is an export of another record, {header.record}; this is the record {end.record}")
    if header.position > end.position:
        raise ExportHasMore(f"it has {header.position:,} events; the record has {end.position:,}")
    try:
        verify_checkpoint(connection, end, header.record, header.position, bytes.fromhex(header.chain_hash))
    except Damaged:
        raise ExportHasMore("its events are not those of this record") from None


def import_record(connection: Connection, file: Iterable[bytes], progress: Progress = no_progress) -> Head:
    """Fill an empty record from an export, with the checks of `verify`. Call it inside `engine.transaction`.

    Raises NotEmpty, NotAnExport and EarlierReleaseRuns. Roll the transaction back then.
    """
    empty = lock_head(connection)
    if empty.position:
        raise NotEmpty
    numbered = enumerate(file, 1)
    number, first = next(numbered, (1, b""))
    header = _parse(_Header, number, first)
    parsed = ((number, _parse(_Line, number, line)) for number, line in numbered)
    check, needs = LogCheck(), Needs()
    for chunk in _chunks(_check_chain(parsed, check)):
        _copy(connection, chunk)
        for event in chain.from_iterable(events for _, events in chunk):
            needs.add(event.stream, event.type, event.schema_version)
        progress(check.position, header.position)
    end = Head(
        record=header.record,
        position=header.position,
        chain_hash=bytes.fromhex(header.chain_hash),
        recorded_at=check.recorded_at or empty.recorded_at,
        keys_version=empty.keys_version,
    )
    for name, rank in (header.labels or {}).items():
        audience.add_label(connection, Label(name, rank))
    try:
        check.check_end(end)
    except Damaged as damaged:
        raise NotAnExport((damaged.position or 0) + 1, damaged.what) from damaged
    require_readers(connection, needs)
    highest, relabelled = audience.derive_ranks(connection)
    end = end._replace(highest=highest, relabelled=relabelled)
    connection.execute(update(head).values(end._asdict()))
    connection.execute(select(func.pg_notify(CHANNEL, str(end.position))))
    # Without statistics, PostgreSQL would plan queries for almost empty tables for about a minute.
    connection.execute(text("ANALYZE events, reports"))
    return end


ReportWithEvents = tuple[StoredReport, list[StoredEvent]]
_Model = TypeVar("_Model", _Header, _Line)


def _parse(model: type[_Model], number: int, line: bytes) -> _Model:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        mistake = error.errors()[0]
        is_hash = mistake["type"] == "string_pattern_mismatch"
        expected = "expected lower-case hexadecimal digits" if is_hash else mistake["msg"]
        raise NotAnExport(number, f"{'.'.join(map(str, mistake['loc']))}: {expected}") from error


def _check_chain(numbered: Iterable[tuple[int, _Line]], check: LogCheck) -> Iterator[ReportWithEvents]:
    """Check the events of each report, then yield the report with them. Raises NotAnExport."""
    for _, group in groupby(numbered, key=lambda numbered: numbered[1].report):
        filed = list(group)
        report, events = _rows([line for _, line in filed])
        for (number, _), event in zip(filed, events, strict=True):
            if event.schema_version > catalogue.SCHEMA_VERSIONS.get(event.type, 0):
                raise NotAnExport(
                    number,
                    f"this release cannot read {event.type} version {event.schema_version}; use a later release",
                )
            try:
                check.check_next(event, report)
            except Damaged as damaged:
                raise NotAnExport(number, damaged.what) from damaged
        yield report, events


def _rows(filed: list[_Line]) -> ReportWithEvents:
    """Return the rows for the lines of one report."""
    first, last = filed[0], filed[-1]
    report = StoredReport(
        id=first.report,
        key=first.reportkey,
        request_hash=bytes.fromhex(first.reporthash),
        actor=first.actor,
        relation=first.reportrelation,
        round=first.reportround,
        title=first.reporttitle,
        first_position=first.position,
        last_position=last.position,
        recorded_at=first.recorded_at,
    )
    return report, [
        StoredEvent(
            position=line.position,
            stream=line.stream,
            version=line.version,
            id=line.id,
            type=line.type,
            schema_version=line.schema_version,
            data=codec.to_json(line.data).decode(),
            actor=line.actor,
            report=line.report,
            correlation=line.correlation,
            causation=line.causation,
            recorded_at=line.recorded_at,
            chain_hash=bytes.fromhex(line.chain_hash),
            handling=line.handling,
            salt=bytes.fromhex(line.salt) if line.salt is not None else None,
        )
        for line in filed
    ]


def _chunks(filed: Iterable[ReportWithEvents]) -> Iterator[list[ReportWithEvents]]:
    """Yield whole reports, as many as have about `_CHUNK_EVENTS` events together."""
    chunk: list[ReportWithEvents] = []
    size = 0
    for report, events in filed:
        chunk.append((report, events))
        size += len(events)
        if size >= _CHUNK_EVENTS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _copy(connection: Connection, filed: list[ReportWithEvents]) -> None:
    """Insert the rows with COPY. Raises NotAnExport with the first line of the chunk if the database refuses a row."""
    cursor = driver(connection).cursor()
    for table, columns, rows in (
        ("reports", StoredReport._fields, (report for report, _ in filed)),
        ("events", _COLUMNS, (event[: len(_COLUMNS)] for event in chain.from_iterable(events for _, events in filed))),
    ):
        try:
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            # Line 1 is the header, so an event is on the line after its position.
            raise NotAnExport(filed[0][0].first_position + 1, first_line(error)) from error
