"""Scan the whole log as stored, in order, for verification and export.

Each page is its own transaction. A long transaction would keep every old version of the head row, which slows appends.
Events before the head never change, so the pages fit together.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.exc import DataError

from service.store import reports
from service.store.codec import StoredEvent, StoredReport, Unreadable
from service.store.events import ROW
from service.store.tables import events

_PAGE: Final = 1_000
_EVENTS: Final = select(*ROW).order_by(events.c.position)

Line = tuple[StoredEvent, StoredReport | None]


def read(connection: Connection, upto: int) -> Iterator[Line]:
    """Yield every event up to a position, not upcast, with its report, or with None if the report is missing.

    Raises Unreadable after all events before the first unreadable one.
    """
    after: int | None = None
    while page := _page(connection, after, upto, _PAGE):
        yield from page
        after = page[-1][0].position


def _page(connection: Connection, after: int | None, upto: int, size: int) -> list[Line]:
    query = _EVENTS.where(events.c.position <= upto).limit(size)
    if after is not None:
        query = query.where(events.c.position > after)
    try:
        page = [StoredEvent(*row) for row in connection.execute(query).all()]
        filed = reports.by_ids(connection, {event.report for event in page})
    except DataError as error:
        # A time that Python cannot represent, which only a superuser can have set. Smaller pages find its event.
        if size == 1:
            raise Unreadable(f"position {(after or 0) + 1}: {error.orig}") from error
        return _page(connection, after, upto, size // 2)
    return [(event, filed.get(event.report)) for event in page]
