"""Read the whole log in pages, exactly as stored, for `verify` and `archive`.

Each page is its own transaction. During one long transaction, PostgreSQL could remove no old versions of the head row,
and appends would become slow. Events never change, so the pages fit together.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.exc import DataError

from service.store import reports
from service.store.codec import StoredEvent, StoredReport, UnreadableEvent
from service.store.events import ROW
from service.store.tables import events

_PAGE: Final = 1_000
_EVENTS: Final = select(*ROW).order_by(events.c.position)

EventWithReport = tuple[StoredEvent, StoredReport | None]


def read(connection: Connection, upto: int) -> Iterator[EventWithReport]:
    """Yield every event up to a position, in its stored version, with its report. None if the report is missing.

    Raises UnreadableEvent at the first event that cannot be read.
    """
    after: int | None = None
    while page := _page(connection, after, upto, _PAGE):
        yield from page
        after = page[-1][0].position


def _page(connection: Connection, after: int | None, upto: int, size: int) -> list[EventWithReport]:
    query = _EVENTS.where(events.c.position <= upto).limit(size)
    if after is not None:
        query = query.where(events.c.position > after)
    try:
        page = [StoredEvent(*row) for row in connection.execute(query).all()]
        filed = reports.by_ids(connection, {event.report for event in page})
    except DataError as error:
        # A time that Python cannot represent. Only a superuser can have stored it. Smaller pages find its event.
        if size == 1:
            raise UnreadableEvent(f"position {(after or 0) + 1}: {error.orig}") from error
        return _page(connection, after, upto, size // 2)
    return [(event, filed.get(event.report)) for event in page]
