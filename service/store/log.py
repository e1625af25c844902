"""Append to the log, and read its head.

The head is one row with the last position and its chain hash. `_APPEND` changes this row only if it is still as the
caller read it (compare and swap). If so, the same statement writes the events, their reports and documents, and sends
NOTIFY. If not, it writes nothing.

So positions have no gaps and are in the order of commits. A reader asks for `position > p` and can prove that it missed
nothing. Constraints and triggers of the database protect the same rules.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from select import POLLIN, POLLOUT, poll
from struct import pack
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, select

from service.domain.assertion import Recorded
from service.store import codec
from service.store.codec import StoredReport
from service.store.engine import RolledBack, driver
from service.store.read_models import Document
from service.store.tables import head
from service.store.variants import Variant

CHANNEL: Final = "irritants"
"""The channel of NOTIFY. The payload is the new position. Listeners query the head and do not rely on it."""


class KeyTaken(Exception):
    """The record has a report with one of these idempotency keys already. Nothing was written."""


class VersionTaken(Exception):
    """One of these streams has an event with that version already. Nothing was written."""


class NoHead(Exception):
    """The head row is missing: a superuser removed it."""

    def __init__(self) -> None:
        super().__init__("the head row, which holds the last position, is missing")


class Head(NamedTuple):
    """The id of the record, its last position, the chain hash and time of that event, and the version of the keys.

    For an audience, the last event is the last one that it may see. `highest`: the highest rank of an event (see
    `audience`). `relabelled`: the position of the last event that changed the label of another, 0 without one; for an
    audience only if that changed what it sees.
    """

    record: str
    position: int
    chain_hash: bytes
    recorded_at: datetime
    keys_version: int
    highest: int = 0
    relabelled: int = 0

    def moment(self, now: datetime) -> datetime:
        """Return the time for the next event. It is never before the last one, even if the clock was set back."""
        return max(now, self.recorded_at)


class Withheld(NamedTuple):
    """What an append withholds from audiences.

    `ranks`: the rank of each event that is not `open`, and the new rank of events of which the label changes, by
    position. `highest`, `relabelled`: as in `Head`, after the append.
    """

    ranks: Mapping[int, int]
    variants: Sequence[Variant]
    highest: int
    relabelled: int


class Filing(NamedTuple):
    """A report and its events, to append. Their positions follow those of the head, or of the filing before."""

    report: StoredReport
    events: Sequence[Recorded]


_HEAD: Final = select(*(head.c[name] for name in Head._fields))

# Sent through libpq, because a cursor of psycopg takes 35 µs more, a quarter of the time of a small append.
# `_parameters` has the parameters in this order.
_APPEND: Final = b"""
WITH moved AS (
  UPDATE head SET position = $3, chain_hash = $4, recorded_at = $5, highest = $11, relabelled = $12
   WHERE position = $1 AND chain_hash = $2%b
  RETURNING position
), filed AS (
  INSERT INTO reports (id, key, request_hash, actor, relation, round, title, first_position, last_position, recorded_at)
  SELECT id, key, decode(request_hash, 'hex'), actor, relation, round, title, first_position, last_position, recorded_at
    FROM moved, jsonb_to_recordset($7::jsonb) AS report (
      id uuid, key text, request_hash text, actor text, relation text, round text, title text,
      first_position bigint, last_position bigint, recorded_at timestamptz)
), appended AS (
  INSERT INTO events (position, stream, version, id, type, schema_version, data, actor, report, correlation, causation,
                      recorded_at, chain_hash, handling, salt)
  SELECT event.position, stream, version, id, type, schema_version, data, actor, report, correlation, causation,
         recorded_at, decode(chain_hash, 'hex'), handling, decode(salt, 'hex')
    FROM moved, jsonb_to_recordset($6::jsonb) AS event (
      position bigint, stream text, version int, id uuid, type text, schema_version smallint, data jsonb, actor text,
      report uuid, correlation text, causation uuid, recorded_at timestamptz, chain_hash text, handling text, salt text)
), stored AS (
  INSERT INTO read_models (name, representation, key, relation, position, facets, body)
  SELECT name, representation, key, relation, document.position, facets, body
    FROM moved, ROWS FROM (
      jsonb_to_recordset($8::jsonb) AS (
        name text, representation int, key text, relation text, position bigint, facets jsonb),
      unnest($9::bytea[])
    ) AS document (name, representation, key, relation, position, facets, body)
  ON CONFLICT (name, representation, key) DO UPDATE
    SET relation = excluded.relation, position = excluded.position, facets = excluded.facets, body = excluded.body
)%b
SELECT pg_notify($10, position::text) FROM moved
"""
# Added only if an event is withheld from an audience, or a document of an audience differs.
_WITHHOLD: Final = b""", hidden AS (
  INSERT INTO withheld (position, rank)
  SELECT event.position, rank FROM moved, jsonb_to_recordset($13::jsonb) AS event (position bigint, rank smallint)
  ON CONFLICT (position) DO UPDATE SET rank = excluded.rank
), varied AS (
  INSERT INTO variants (rank, name, representation, key, stream, relation, position, facets, body)
  SELECT rank, name, representation, key, stream, relation, document.position, facets, body
    FROM moved, ROWS FROM (
      jsonb_to_recordset($14::jsonb) AS (
        rank smallint, name text, representation int, key text, stream text, relation text, position bigint,
        facets jsonb),
      unnest($15::bytea[])
    ) AS document (rank, name, representation, key, stream, relation, position, facets, body)
  ON CONFLICT (rank, name, representation, key) DO UPDATE
    SET relation = excluded.relation, position = excluded.position, facets = excluded.facets, body = excluded.body
)"""


# A new label increments this version. The audience of that label needs variants, too.
_SAME_LABELS: Final = b" AND keys_version = $16"


class _Statement(NamedTuple):
    """A statement that is prepared once for each connection, with the formats of its parameters."""

    name: bytes
    text: bytes
    formats: Sequence[Format]


# Only the bodies of documents, $9 and $15, are binary: as text each byte would become two.
_PLAIN: Final = _Statement(
    b"irritants_append", _APPEND % (b"", b""), [Format.TEXT] * 8 + [Format.BINARY] + [Format.TEXT] * 3
)
_WITHHOLDING: Final = _Statement(
    b"irritants_append_withheld",
    _APPEND % (_SAME_LABELS, _WITHHOLD),
    [*_PLAIN.formats, Format.TEXT, Format.TEXT, Format.BINARY, Format.TEXT],
)
_BYTEA: Final = psycopg.adapters.types["bytea"].oid
_NULL: Final = pack("!i", -1)


def read_head(connection: Connection) -> Head:
    """Return the head. Raises NoHead."""
    return _head_of(connection.execute(_HEAD).one_or_none())


def lock_head(connection: Connection) -> Head:
    """Return the head, locked until the transaction ends. Call it inside `engine.transaction`. Raises NoHead."""
    return _head_of(connection.execute(_HEAD.with_for_update()).one_or_none())


def _head_of(row: Sequence[Any] | None) -> Head:
    if row is None:
        raise NoHead
    return Head._make(row)


def append(
    connection: Connection,
    expected: Head,
    filings: Sequence[Filing],
    documents: Sequence[Document] = (),
    *,
    withheld: Withheld | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Head | None:
    """Append all or nothing. Return the new head, or None if the head is no longer the `expected` one.

    If the append withholds something, it also fails (None) if keys or labels have changed since.

    The key of each document must be different. `withheld`: what audiences do not see, None if they see everything.
    `meanwhile` is called while the database works, before the outcome is known. Raises KeyTaken, VersionTaken and
    RolledBack.
    """
    lines, new_head = _seal(expected, filings)
    statement, parameters = _PLAIN, _parameters(expected, new_head, lines, filings, documents)
    if withheld is not None:
        new_head = new_head._replace(highest=withheld.highest, relabelled=withheld.relabelled)
        statement = _WITHHOLDING
        parameters = [
            *_parameters(expected, new_head, lines, filings, documents),
            *_withheld_parameters(withheld),
            b"%d" % expected.keys_version,
        ]
    result = _execute(driver(connection), statement, parameters, meanwhile)
    if result.status == ExecStatus.TUPLES_OK:
        return new_head if result.ntuples else None
    if result.error_field(DiagnosticField.SQLSTATE) is None:
        raise psycopg.OperationalError(result.get_error_message())  # the server is gone
    error = error_from_result(result)
    conflict = _CONFLICTS.get(error.diag.constraint_name or "")
    if conflict is None:
        raise error
    raise conflict(error.diag.message_detail) from error


_NO_SUCH_STATEMENT: Final = b"26000"
_prepared: Final[WeakKeyDictionary[psycopg.Connection[Any], set[bytes]]] = WeakKeyDictionary()
"""The names of the statements that are prepared on each connection."""


def _execute(
    raw: psycopg.Connection[Any], statement: _Statement, parameters: Sequence[bytes], meanwhile: Callable[[], object]
) -> PGresult:
    """Execute the append and return its result, which can be an error. Raises RolledBack.

    The statement is prepared once for each connection. After a ROLLBACK, psycopg drops all prepared statements of the
    session, so it may have to be prepared again.
    """
    prepared = _prepared.setdefault(raw, set())
    if statement.name in prepared:
        result = _execute_prepared(raw, statement, parameters, meanwhile)
        if result.error_field(DiagnosticField.SQLSTATE) != _NO_SUCH_STATEMENT:
            return result
        prepared.clear()
        if raw.info.transaction_status is TransactionStatus.INERROR:
            raise RolledBack("the append statement has to be prepared again")
    result = raw.pgconn.prepare(statement.name, statement.text)
    if result.status != ExecStatus.COMMAND_OK:
        return result
    prepared.add(statement.name)
    return _execute_prepared(raw, statement, parameters, meanwhile)


def _execute_prepared(
    raw: psycopg.Connection[Any], statement: _Statement, parameters: Sequence[bytes], meanwhile: Callable[[], object]
) -> PGresult:
    """Send the append, call `meanwhile`, and return the result once it has arrived.

    Waiting for the socket does not hold the interpreter lock, so that other threads continue.
    """
    pgconn = raw.pgconn
    pgconn.send_query_prepared(statement.name, parameters, statement.formats)
    while pgconn.flush():
        _wait(pgconn.socket, POLLOUT)
    try:
        meanwhile()
    finally:  # Always take the result, so that the connection is free again.
        while pgconn.is_busy():
            _wait(pgconn.socket, POLLIN)
            pgconn.consume_input()
        result = pgconn.get_result()
        assert result is not None  # The statement has exactly one result, after which None follows.
        pgconn.get_result()
    return result


def _wait(socket: int, event: int) -> None:
    ready = poll()
    ready.register(socket, event)
    ready.poll()


def _parameters(
    expected: Head, new_head: Head, lines: Sequence[str], filings: Sequence[Filing], documents: Sequence[Document]
) -> list[bytes]:
    return [
        b"%d" % expected.position,
        _bytea(expected.chain_hash),
        b"%d" % new_head.position,
        _bytea(new_head.chain_hash),
        codec.instant(new_head.recorded_at).encode(),
        f"[{','.join(lines)}]".encode(),
        codec.to_json([_report_row(filing.report) for filing in filings]),
        codec.to_json([_document_row(document) for document in documents]),
        _bytea_array([document.body for document in documents]),
        CHANNEL.encode(),
        b"%d" % new_head.highest,
        b"%d" % new_head.relabelled,
    ]


def _withheld_parameters(withheld: Withheld) -> list[bytes]:
    ranks = [{"position": position, "rank": rank} for position, rank in withheld.ranks.items()]
    return [
        codec.to_json(ranks),
        codec.to_json([{**_document_row(v.document), "rank": v.rank, "stream": v.stream} for v in withheld.variants]),
        _bytea_array([None if v.is_hidden else v.document.body for v in withheld.variants]),
    ]


def _bytea(value: bytes) -> bytes:
    return b"\\x" + value.hex().encode()


def _bytea_array(values: Sequence[bytes | None]) -> bytes:
    """Return bytea[] in binary form: dimensions, null flag, element type, number of elements, first index."""
    parts = [pack("!5i", 1, int(None in values), _BYTEA, len(values), 1)]
    for value in values:
        parts += (_NULL,) if value is None else (pack("!i", len(value)), value)
    return b"".join(parts)


_CONFLICTS: Final = {"uq_reports_key": KeyTaken, "uq_events_stream_version": VersionTaken}
"""The exception for each constraint that another append can make this one violate."""


def _seal(expected: Head, filings: Iterable[Filing]) -> tuple[list[str], Head]:
    """Return the lines of the events with their chain hashes, and the head after them.

    Raises ValueError if the positions do not follow the head, or if a time is before the last one.
    """
    position, chain_hash, recorded_at = expected.position, expected.chain_hash, expected.recorded_at
    lines = []
    for report, events in filings:
        for event in events:
            position += 1
            if event.position != position or event.recorded_at < recorded_at:
                raise ValueError(f"the event {event.id} cannot be appended at position {position}")
            line = codec.new_line(event, report, codec.new_salt())
            chain_hash = codec.seal(chain_hash, line, is_salted=True)
            recorded_at = event.recorded_at
            lines.append(codec.with_chain_hash(line, chain_hash))
    return lines, expected._replace(position=position, chain_hash=chain_hash, recorded_at=recorded_at)


def _report_row(report: StoredReport) -> dict[str, object]:
    return {
        **report._asdict(),
        "request_hash": report.request_hash.hex(),
        "recorded_at": codec.instant(report.recorded_at),
    }


def _document_row(document: Document) -> dict[str, object]:
    return {name: value for name, value in document._asdict().items() if name != "body"}
