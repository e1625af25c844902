"""Convert between events, the rows that hold them, and the lines that the chain hashes.

A line is one stored event: canonical JSON (sorted keys, no white space, UTF-8, no fractions) of every column, the data,
and the fields of its report. The append sends lines, the chain hashes them, and an export consists of them. So a reader
of the export can check the chain with SHA-256 alone.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple, NoReturn

import msgspec
from pydantic import ValidationError

from service.domain import catalogue
from service.domain.assertion import AssertionCorrected, Recorded
from service.store import upcasters

GENESIS: Final = bytes(32)
"""The chain hash before the first event."""


class Unreadable(Exception):
    """This release cannot read a stored event: its type, its version or its shape is unknown."""


class StoredReport(NamedTuple):
    """The row of a report. Its events have all positions from the first to the last."""

    id: str
    key: str
    request_hash: bytes
    actor: str
    relation: str
    round: str | None
    title: str
    first_position: int
    last_position: int
    recorded_at: datetime


class StoredEvent(NamedTuple):
    """The row of an event. `data` is JSON text of the version `schema_version`."""

    position: int
    stream: str
    version: int
    id: str
    type: str
    schema_version: int
    data: str
    actor: str
    report: str
    correlation: str
    causation: str | None
    recorded_at: datetime
    chain_hash: bytes


def upcast(stored: StoredEvent) -> StoredEvent:
    """Return the row with its data in the newest schema version. Raises Unreadable."""
    newest = catalogue.SCHEMA_VERSIONS.get(stored.type)
    if stored.schema_version == newest:
        return stored
    if newest is None:
        raise Unreadable(f"position {stored.position}: unknown event type {stored.type}")
    try:
        payload = upcasters.upcast(stored.type, stored.schema_version, json.loads(stored.data), newest=newest)
    except upcasters.NoUpcaster as error:
        raise Unreadable(f"position {stored.position}: {error}") from error
    return stored._replace(schema_version=newest, data=canonical(payload))


def decode(stored: StoredEvent) -> Recorded:
    """Return the event of a row, upcast. Raises Unreadable."""
    row = upcast(stored)
    try:
        event = catalogue.load_json(row.type, row.data)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(map(str, wrong["loc"]))
        raise Unreadable(
            f"position {row.position}: {row.type} does not match its schema at {place}: {wrong['msg']}"
        ) from error
    return Recorded(
        row.position,
        row.stream,
        row.version,
        row.id,
        row.type,
        event,
        row.actor,
        row.report,
        row.correlation,
        row.causation,
        row.recorded_at,
    )


def new_line(event: Recorded, report: StoredReport) -> str:
    """Return the line of a new event, in the newest schema version of its type. Raises TypeError for a fraction."""
    if isinstance(event.data, AssertionCorrected):
        _refuse_fractions(event.data.changes)
    return _line(
        event, report, catalogue.SCHEMA_VERSIONS[event.type], canonical_without_fractions(catalogue.dump(event.data))
    )


def stored_line(event: StoredEvent, report: StoredReport) -> str:
    """Return the line of a stored event, in its own schema version. Raises Unreadable."""
    try:
        data = canonical_text(event.data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(f"position {event.position}: the stored data is not valid JSON") from error
    return _line(event, report, event.schema_version, data)


def _line(event: Recorded | StoredEvent, report: StoredReport, schema_version: int, data: str) -> str:
    # Written out: sorting a dictionary would take a third of the time of `verify`. A test compares it with `canonical`.
    return (
        f'{{"actor":{_cached_canonical(event.actor)}'
        f',"causation":{_nullable(event.causation)}'
        f',"correlation":{_cached_canonical(event.correlation)}'
        f',"data":{data}'
        f',"id":"{event.id}"'
        f',"position":{event.position}'
        f',"recorded_at":"{instant(event.recorded_at)}"'
        f',"report":"{event.report}"'
        f",{_report_fields(report)}"
        f',"schema_version":{schema_version}'
        f',"stream":{_cached_canonical(event.stream)}'
        f',"type":{_cached_canonical(event.type)}'
        f',"version":{event.version}}}'
    )


@lru_cache(maxsize=16)
def _report_fields(report: StoredReport) -> str:
    return (
        f'"reporthash":"{report.request_hash.hex()}"'
        f',"reportkey":{canonical(report.key)}'
        f',"reportrelation":{canonical(report.relation)}'
        f',"reportround":{_nullable(report.round)}'
        f',"reporttitle":{canonical(report.title)}'
    )


def _nullable(text: str | None) -> str:
    return "null" if text is None else canonical(text)


def seal(previous: bytes, line: str) -> bytes:
    """Return the chain hash of a line, from the chain hash before it."""
    return sha256(previous + line.encode()).digest()


def with_chain_hash(line: str, chain_hash: bytes) -> str:
    """Return the line with the member `chain_hash`, as it is appended and exported."""
    return f'{line[:-1]},"chain_hash":"{chain_hash.hex()}"}}'


@lru_cache(maxsize=16)
def instant(moment: datetime) -> str:
    """Return UTC with six decimals of a second, so that equal moments are equal texts."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


canonical: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""JSON in the form that the chain hashes."""
_cached_canonical: Final = lru_cache(maxsize=4096)(canonical)


to_json: Final = msgspec.json.Encoder().encode
"""JSON bytes of a value for the database, where the order of members does not matter."""
_sorted: Final = msgspec.json.Encoder(order="sorted").encode


def canonical_without_fractions(value: object) -> str:
    """Return the same as `canonical`, faster, for a value without fractions. A test compares the two."""
    return _sorted(value).decode()


class _FractionFound(Exception):
    """The text has a fraction, which the fast encoder writes in another form than `canonical`."""


def _raise_fraction_found(text: str) -> NoReturn:
    raise _FractionFound(text)


_decode_json: Final = msgspec.json.Decoder(float_hook=_raise_fraction_found).decode


def canonical_text(data: str) -> str:
    """Return the canonical form of JSON text, in a fifth of the time of `canonical`."""
    try:
        return canonical_without_fractions(_decode_json(data))
    except _FractionFound:
        # This service writes no fractions, so the record was altered. Verification and export show it as it is.
        return canonical(json.loads(data))


def _refuse_fractions(value: object) -> None:
    # PostgreSQL's jsonb returns a fraction in another form, so its chain hash could not be verified. Only the changes
    # of a correction could contain one: no event has a field of that type.
    if isinstance(value, float):
        raise TypeError(f"cannot store the fraction {value}; use whole numbers")
    if isinstance(value, Mapping):
        for member in value.values():
            _refuse_fractions(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _refuse_fractions(member)
