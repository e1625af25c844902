"""Export and import the whole record as a file of JSON lines.

The first line describes the record. Each further line is an event with its report and its chain hash, in the form from
which the chain hash is computed (see `codec`). So an import restores the same positions, ids, times, chain hashes and
idempotency keys, and exports the same bytes again. Documents are not exported. They are built again after an import.

An export can also be for one audience. It has every position, so it still proves the order and the completeness of the
record. In place of an event that the audience may not see it has the commitment to its line (see `codec`). An event
whose report also has withheld events is without the hash of the request and without the salt, because the content of
the others could be guessed from them. It has its commitment, too.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, groupby
from typing import Any, BinaryIO, Final, Literal, NamedTuple, TypeVar

import psycopg
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, func, select, text, update

from service.domain import catalogue
from service.domain.handling import BUILT_IN
from service.domain.vocabulary import Needs
from service.store import audience, codec, log_scan
from service.store.audience import Label
from service.store.codec import GENESIS, StoredEvent, StoredReport
from service.store.engine import driver, first_line
from service.store.log import CHANNEL, Head, lock_head, read_head
from service.store.releases import require_readers
from service.store.tables import head
from service.store.verify import PROGRESS_EVERY, Damaged, LogCheck, Progress, no_progress, verify_checkpoint

_CHUNK_EVENTS: Final = 5_000
_COLUMNS: Final = StoredEvent._fields[:-1]
"""The columns of the table `events`. The rank of an event is in another one."""
_HEADER_BYTES: Final = 4_096  # a header is shorter
_HASH: Final = r"^[0-9a-f]{64}$"


class NotAnExport(Exception):
    """The file is not a complete export, or a later release wrote it. `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what
        super().__init__(f"line {line}: {what}")


class NotEmpty(Exception):
    """The record has events already. Import into an empty record."""


class ExportHasMore(Exception):
    """An export has events that the record, or the new export, does not have. The message says which."""


class Relabelled(Exception):
    """A label was changed during the export for an audience. The export is not consistent."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Header(_Strict):
    """The first line: the id of the record, its last position and chain hash.

    `labels`: the handling labels that its owner has registered, each with its rank. None if there are only those that
    every record has, and in an export for an audience. `audience`: the label of that audience, None for everything.
    """

    audience: str | None = None
    chain_hash: str = Field(pattern=_HASH)
    format: Literal["irritants-record-1", "irritants-audience-1"] = "irritants-record-1"
    labels: dict[str, int] | None = None
    position: int
    record: str


class _Place(_Strict):
    """The part of a line that every audience gets. It has no commitment if the line has no salt."""

    chain_hash: str = Field(pattern=_HASH)
    commitment: str | None = Field(default=None, pattern=_HASH)
    position: int
    recorded_at: datetime


class _Event(_Strict):
    """An event with the fields of its report that an audience may see."""

    actor: str
    causation: str | None
    correlation: str
    data: dict[str, Any]
    id: str
    position: int
    recorded_at: datetime
    report: str
    reportkey: str
    reportrelation: str
    reportround: str | None
    reporttitle: str
    schema_version: int
    stream: str
    type: str
    version: int
    chain_hash: str = Field(pattern=_HASH)
    handling: str | None = None


class _Line(_Event):
    """Every other line of an export of everything: an event, the fields of its report, and the chain hash."""

    reporthash: str = Field(pattern=r"^([0-9a-f]{2})*$")
    salt: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


class _Part(_Event):
    """An event of a report that also has withheld events."""

    commitment: str | None = Field(default=None, pattern=_HASH)


_UNSHOWN: Final = frozenset({"reporthash", "salt"})


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


def export_for(connection: Connection, label: Label, file: BinaryIO, progress: Progress = no_progress) -> Head:
    """Write the record up to its head as the audience of a label may see it, and return that head.

    Raises Damaged, and Relabelled if a label was changed meanwhile.
    """
    end = read_head(connection)
    header = _Header(
        audience=label.name,
        chain_hash=end.chain_hash.hex(),
        format="irritants-audience-1",
        position=end.position,
        record=end.record,
    )
    file.write(f"{codec.canonical(header.model_dump(exclude_none=True))}\n".encode())
    for _, group in groupby(log_scan.read(connection, end.position), key=lambda found: found[0].report):
        filed = list(group)
        is_whole = all(event.rank <= label.rank for event, _ in filed)
        for event, report in filed:
            if report is None:
                raise Damaged(event.position, f"the report {event.report} of this event is missing")
            line = codec.stored_line(event, report)
            is_seen = event.rank <= label.rank
            if not (is_seen and is_whole):
                line = codec.canonical(_withheld(event, line, is_seen=is_seen))
            file.write(f"{codec.with_chain_hash(line, event.chain_hash)}\n".encode())
            if event.position % PROGRESS_EVERY == 0:
                progress(event.position, end.position)
    if read_head(connection).relabelled != end.relabelled:
        raise Relabelled
    progress(end.position, end.position)
    return end


def _withheld(event: StoredEvent, line: str, *, is_seen: bool) -> dict[str, Any]:
    """Return the members of a line without those that the audience may not see, and without the chain hash."""
    every = json.loads(line)
    seen = every.keys() - _UNSHOWN if is_seen else {"position", "recorded_at"}
    proof = {} if event.salt is None else {"commitment": codec.commitment(line).hex()}
    return {name: every[name] for name in seen} | proof


class CheckedFile(NamedTuple):
    """An export file that was checked.

    `audience`: the label of its audience, None for everything. `chain_hashes`: those at the positions that were asked
    for. `withheld`: the number of withheld events. `unproved`: the positions of events that the chain does not prove,
    because an earlier release recorded them without a salt.
    """

    record: str
    position: int
    chain_hash: bytes
    audience: str | None
    withheld: int
    unproved: Sequence[int]
    chain_hashes: Mapping[int, bytes]


def verify_file(file: Iterable[bytes], at: Collection[int] = ()) -> CheckedFile:
    """Check the order, the completeness and the chain of an export. It needs no database.

    `at`: positions whose chain hashes are returned. Raises NotAnExport.
    """
    numbered = enumerate(file, 1)
    number, first = next(numbered, (1, b""))
    header = _parse(_Header, number, first)
    check = _FileCheck({*at})
    for number, line in numbered:
        check.check_next(number, line, is_of_audience=header.audience is not None)
    if (check.position, check.chain_hash.hex()) != (header.position, header.chain_hash):
        what = f"the last event here has position {check.position:,}, and the header says {header.position:,}"
        if check.position == header.position:
            what = "the last event and the header have different chain hashes"
        raise NotAnExport(check.position + 1, what)
    return CheckedFile(
        header.record,
        check.position,
        check.chain_hash,
        header.audience,
        check.withheld,
        check.unproved,
        check.chain_hashes,
    )


class _FileCheck:
    """Checks the lines of an export one after another."""

    def __init__(self, at: Collection[int]) -> None:
        self.position, self.chain_hash = 0, GENESIS
        self.recorded_at: datetime | None = None
        self.withheld = 0
        self.unproved: list[int] = []
        self.chain_hashes = {0: GENESIS} if 0 in at else {}
        self._at = at
        self._versions: dict[str, int] = {}

    def check_next(self, number: int, line: bytes, *, is_of_audience: bool) -> None:
        """Check the next line. Raises NotAnExport."""
        model: type[_Line | _Part | _Place] = _model_of(line) if is_of_audience else _Line
        found = _parse(model, number, line)
        if found.position != self.position + 1:
            what = f"the event at position {self.position + 1:,} is missing; the next one has {found.position:,}"
            raise NotAnExport(number, what)
        if self.recorded_at is not None and found.recorded_at < self.recorded_at:
            raise NotAnExport(number, "the event has an earlier time than the one before it")
        chain_hash = bytes.fromhex(found.chain_hash)
        expected = self._sealed(number, found)
        if expected is None:
            self.unproved.append(found.position)
        elif expected != chain_hash:
            what = "the chain hash does not match: the event, its report or its position was altered"
            raise NotAnExport(number, what)
        if isinstance(found, _Event):
            self._check_version(number, found, may_have_gaps=is_of_audience)
        else:
            self.withheld += 1
        self.position, self.chain_hash, self.recorded_at = found.position, chain_hash, found.recorded_at
        if found.position in self._at:
            self.chain_hashes[found.position] = chain_hash

    def _sealed(self, number: int, found: _Line | _Part | _Place) -> bytes | None:
        """Return the chain hash that a line must have. None if the line does not say."""
        if isinstance(found, _Line):
            report, (event,) = _rows([found])
            return codec.seal(self.chain_hash, _stored(number, event, report), is_salted=event.salt is not None)
        if found.commitment is None:
            return None
        return codec.seal_commitment(self.chain_hash, bytes.fromhex(found.commitment))

    def _check_version(self, number: int, event: _Event, *, may_have_gaps: bool) -> None:
        last = self._versions.get(event.stream, 0)
        if event.version <= last or (event.version != last + 1 and not may_have_gaps):
            expected = f"after {last}" if may_have_gaps else str(last + 1)
            raise NotAnExport(number, f"{event.stream} has version {event.version} here; expected {expected}")
        self._versions[event.stream] = event.version


def _stored(number: int, event: StoredEvent, report: StoredReport) -> str:
    try:
        return codec.stored_line(event, report)
    except codec.UnreadableEvent as error:
        raise NotAnExport(number, str(error)) from error


def _model_of(line: bytes) -> type[_Line | _Part | _Place]:
    """Return the kind of a line in an export for an audience."""
    try:
        members = json.loads(line)
    except ValueError:
        return _Line  # which says what is wrong
    if not isinstance(members, dict) or "reporthash" in members:
        return _Line
    return _Part if "type" in members else _Place


def check_has_all_of(connection: Connection, file: BinaryIO, audience: str | None = None) -> None:
    """Check, by the header, that a new export of this record has all that the export in the file has.

    `audience`: the label of the audience of the new export. Raises NotAnExport and ExportHasMore.
    """
    header = _parse(_Header, 1, file.readline(_HEADER_BYTES))
    if header.audience != audience:
        whose = "of the whole record" if header.audience is None else f"for the audience {header.audience}"
        raise ExportHasMore(f"it is an export {whose}")
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
    if header.audience is not None:
        raise NotAnExport(
            number,
            f"this is an export for the audience {header.audience}, and lacks what is withheld from it. Import an"
            " export of the whole record",
        )
    parsed = ((number, _parse(_Line, number, line)) for number, line in numbered)
    check, needs = LogCheck(), Needs()
    for chunk in _chunks(_check_chain(parsed, check)):
        _copy(connection, chunk)
        for event in chain.from_iterable(events for _, events in chunk):
            needs.add(event.stream, event.type, event.schema_version)
            if event.handling is not None:
                needs.add_label()
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
_Model = TypeVar("_Model", bound=_Strict)


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
