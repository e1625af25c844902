"""A scan of the whole log as stored, in order: for verification and export.

In pages by position, each a transaction of its own: a long one would keep every dead version of the head row, and each
append would step over them all. What lies before the head never changes, so the pages fit together.
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
    """Every event up to a position, not upcast, with the report that it names; None where there is no such report.

    Raises Unreadable at the first one that cannot be read, when all before it were.
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
        # A moment that no calendar here has, which only a hand can have put in: of this page, or of a report in it.
        if size == 1:
            raise Unreadable(f"position {(after or 0) + 1}: {error.orig}") from error
        return _page(connection, after, upto, size // 2)
    return [(event, filed.get(event.report)) for event in page]
