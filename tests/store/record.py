"""Filings for tests of the store. They are valid for the store, not necessarily for the domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine

from service.domain import catalogue
from service.domain.assertion import Recorded
from service.store import log
from service.store.codec import StoredReport
from service.store.connections import connect
from service.store.engine import connection
from service.store.log import Filing, Head
from service.store.read_models import Document

NOON = datetime(2031, 5, 14, 12, tzinfo=UTC)
VISAS = "irritant/no-se/visas"
FERRIES = "irritant/dk-no/ferries"
READOUT = "source/readout-of-may"

_numbers = count(1)


def new_id() -> str:
    return str(UUID(int=next(_numbers)))


def opened(title: str = "Visas") -> dict[str, Any]:
    return {"type": "IrritantOpened", "title": title, "category": "mobility"}


def origin(slug: str) -> dict[str, Any]:
    return {"type": "OriginRegistered", "origin": slug, "speaker": "A. Person", "party": "NO", "channel": "quote"}


def filing(
    head: Head,
    *events: tuple[str, int] | tuple[str, int, dict[str, Any]],
    key: str | None = None,
    at: datetime = NOON,
    relation: str = "no-se",
    round: str | None = None,
) -> Filing:
    """Return a filing of events, each `(stream, version[, payload])`, after the head. The key is the id by default."""
    report = new_id()
    recorded = [
        Recorded(
            position=head.position + place,
            stream=stream,
            version=version,
            id=new_id(),
            type=(payload := rest[0] if rest else opened())["type"],
            data=catalogue.load(payload["type"], payload),
            actor="oslo-desk",
            report=report,
            correlation=report,
            causation=None,
            recorded_at=head.moment(at),
        )
        for place, (stream, version, *rest) in enumerate(events, 1)
    ]
    last = head.position + len(recorded)
    row = StoredReport(
        id=report,
        key=key or report,
        request_hash=sha256(report.encode()).digest(),
        actor="oslo-desk",
        relation=relation,
        round=round,
        title="What was said in May",
        first_position=head.position + 1,
        last_position=last,
        recorded_at=head.moment(at),
    )
    return Filing(row, recorded)


def following(head: Head, filing: Filing) -> Head:
    """Return a head for the next filing of the same append. Its chain hash is not used."""
    return head._replace(position=filing.report.last_position, recorded_at=filing.report.recorded_at)


def document(key: str, position: int, body: bytes = b"{}", **facets: Any) -> Document:
    return Document("irritant", 1, key, key.partition("/")[0], position, facets, body)


def put(connection: Connection, *events: tuple[str, int] | tuple[str, int, dict[str, Any]], **how: Any) -> Filing:
    """Append one report."""
    head = log.read_head(connection)
    filed = filing(head, *events, **how)
    assert log.append(connection, head, [filed])
    return filed


def fill(engine: Engine, reports: int) -> None:
    """Append reports of two events, a minute apart, to three streams."""
    with connection(engine) as c:
        for n in range(reports):
            stream = (VISAS, FERRIES, READOUT)[n % 3]
            version = n // 3 * 2 + 1
            at = NOON + timedelta(minutes=n)
            put(c, (stream, version), (stream, version + 1), at=at, key=f"report {n}")


@contextmanager
def superuser(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection of a superuser, without triggers."""
    with connect(url, name="superuser") as c:
        c.autocommit = False
        for table in ("events", "reports", "head"):
            c.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield c
