"""Convert events to rows of the database, and to the lines from which the chain hash is computed.

A line is the canonical JSON of one stored event: all its columns, its data, and the fields of its report, with sorted
keys, without white space and fractions, in UTF-8. The chain hash of an event is the SHA-256 of the chain hash before it
and of the commitment to its line, which is the SHA-256 of the line. An export consists of these lines, so SHA-256 is
enough to check it.

Each line has a random salt. So an export for an audience can have the commitment in place of a line that the audience
may not read: it proves the order and the completeness of the record, and nobody can guess the content from it. Events
of releases up to 0.2.0 have no salt, and their chain hash is that of the line itself.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes
from typing import Final, NamedTuple, NoReturn

import msgspec
from pydantic import ValidationError

from service.domain import catalogue, vocabulary
from service.domain.assertion import AssertionCorrected, Recorded
from service.store import upcasters

_SALT_BYTES: Final = 16
GENESIS: Final = bytes(32)
"""The chain hash before the first event."""


class UnreadableEvent(Exception):
    """This release cannot read a stored event, because its type, its version or its fields are unknown."""


class StoredReport(NamedTuple):
    """A row of the table `reports`. Its events have the positions from the first to the last."""

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
    """A row of the table `events`. `data` is JSON text in the version `schema_version` of its type.

    `handling` is the label with which it was filed, None for `open`. `salt` is None in events of older releases. `rank`
    is that of its present label, which another table has.
    """

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
    handling: str | None = None
    salt: bytes | None = None
    rank: int = 0


def upcast(stored: StoredEvent) -> StoredEvent:
    """Return the row with its data in the newest version of its type, or in a lower one that reads the same.

    Raises UnreadableEvent.
    """
    newest = catalogue.SCHEMA_VERSIONS.get(stored.type)
    if stored.schema_version == newest or (stored.type, stored.schema_version) in upcasters.UNCHANGED:
        return stored
    if newest is None:
        raise UnreadableEvent(f"position {stored.position}: unknown event type {stored.type}")
    try:
        payload = upcasters.upcast(stored.type, stored.schema_version, json.loads(stored.data), newest=newest)
    except upcasters.NoUpcaster as error:
        raise UnreadableEvent(f"position {stored.position}: {error}") from error
    return stored._replace(schema_version=newest, data=canonical(payload))


def decode(stored: StoredEvent) -> Recorded:
    """Return the event of a row, in the newest version of its type. Raises UnreadableEvent."""
    row = upcast(stored)
    try:
        event = catalogue.load_json(row.type, row.data)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(map(str, wrong["loc"]))
        raise UnreadableEvent(
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
        row.handling,
        row.rank,
    )


def new_salt() -> bytes:
    """Return a salt for the line of a new event."""
    return token_bytes(_SALT_BYTES)


def new_line(event: Recorded, report: StoredReport, salt: bytes) -> str:
    """Return the line of a new event, in the lowest version that holds it. Raises TypeError for a fraction."""
    if isinstance(event.data, AssertionCorrected):
        _refuse_fractions(event.data.changes)
    data = canonical_without_fractions(catalogue.dump(event.data))
    return _line(event, report, vocabulary.version_of(event.data), data, salt)


def stored_line(event: StoredEvent, report: StoredReport) -> str:
    """Return the line of a stored event, in the version in which it is stored. Raises UnreadableEvent."""
    try:
        data = canonical_text(event.data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnreadableEvent(f"position {event.position}: the stored data is not valid JSON") from error
    return _line(event, report, event.schema_version, data, event.salt)


def _line(
    event: Recorded | StoredEvent, report: StoredReport, schema_version: int, data: str, salt: bytes | None
) -> str:
    # The keys are in sorted order. Sorting a dictionary would take a third of the time of `verify`. A test compares
    # the result with that of `canonical`.
    return (
        f'{{"actor":{_cached_canonical(event.actor)}'
        f',"causation":{_nullable(event.causation)}'
        f',"correlation":{_cached_canonical(event.correlation)}'
        f',"data":{data}'
        f"{_member('handling', event.handling)}"
        f',"id":"{event.id}"'
        f',"position":{event.position}'
        f',"recorded_at":"{instant(event.recorded_at)}"'
        f',"report":"{event.report}"'
        f",{_report_fields(report)}"
        f"{_salt_member(salt)}"
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
    """Return the text as a JSON string, or `null`."""
    return "null" if text is None else canonical(text)


def _member(name: str, value: str | None) -> str:
    """Return a member of a line that older lines do not have. Empty without a value, so that these stay as they are."""
    return "" if value is None else f',"{name}":{_cached_canonical(value)}'


def _salt_member(salt: bytes | None) -> str:
    return "" if salt is None else f',"salt":"{salt.hex()}"'


def commitment(line: str) -> bytes:
    """Return the commitment to a line with a salt. It shows nothing of the line to those who do not have it."""
    return sha256(line.encode()).digest()


def seal(previous: bytes, line: str, *, is_salted: bool) -> bytes:
    """Return the chain hash of a line, from the chain hash before it."""
    if is_salted:
        return seal_commitment(previous, commitment(line))
    return sha256(previous + line.encode()).digest()


def seal_commitment(previous: bytes, commitment: bytes) -> bytes:
    """Return the chain hash of a line with a salt, from the commitment to it."""
    return sha256(previous + commitment).digest()


def with_chain_hash(line: str, chain_hash: bytes) -> str:
    """Return the line with its chain hash as the last member. Appends and exports use it in this form."""
    return f'{line[:-1]},"chain_hash":"{chain_hash.hex()}"}}'


@lru_cache(maxsize=16)
def instant(moment: datetime) -> str:
    """Return a time in UTC with six decimals, so that equal times give equal texts: `2025-04-10T09:30:00.000000Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


canonical: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Return a value as canonical JSON, from which chain hashes are computed."""
_cached_canonical: Final = lru_cache(maxsize=4096)(canonical)


to_json: Final = msgspec.json.Encoder().encode
"""Return a value as JSON bytes for the database. The order of members does not matter there."""
_sorted: Final = msgspec.json.Encoder(order="sorted").encode


def canonical_without_fractions(value: object) -> str:
    """Return the same text as `canonical`, but faster. The value must not have fractions. A test compares the two."""
    return _sorted(value).decode()


class _FractionFound(Exception):
    """The JSON text has a fraction, which the fast encoder would write in another form than `canonical`."""


def _raise_fraction_found(text: str) -> NoReturn:
    raise _FractionFound(text)


_decode_json: Final = msgspec.json.Decoder(float_hook=_raise_fraction_found).decode


def canonical_text(data: str) -> str:
    """Return JSON text in its canonical form."""
    try:
        return canonical_without_fractions(_decode_json(data))
    except _FractionFound:
        # This service stores no fractions, so the record was altered. Show it as it is.
        return canonical(json.loads(data))


def _refuse_fractions(value: object) -> None:
    # The type jsonb of PostgreSQL can return a fraction in another form, and the chain hash would not match any more.
    # Only the changes of a correction can have one, because no event has a field for fractions.
    if isinstance(value, float):
        raise TypeError(f"cannot store the fraction {value}; use whole numbers")
    if isinstance(value, Mapping):
        for member in value.values():
            _refuse_fractions(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _refuse_fractions(member)
