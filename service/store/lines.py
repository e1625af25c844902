"""The whole record as stored, in order, for whoever proves or copies it.

In pages by position, each a transaction of its own: a long one would keep every dead version of the head row, and each
append would step over them all. What lies before the head never changes, so the pages fit together.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select

from service.store import reports
from service.store.codec import StoredEvent, StoredReport
from service.store.events import ROW
from service.store.tables import events

_PAGE: Final = 1_000
_EVENTS: Final = select(*ROW).order_by(events.c.position).limit(_PAGE)


def read(connection: Connection, upto: int) -> Iterator[tuple[StoredEvent, StoredReport | None]]:
    """Every event up to a position, not upcast, with the report that it names; None where there is no such report."""
    query = _EVENTS.where(events.c.position <= upto)
    page = [StoredEvent(*row) for row in connection.execute(query).all()]
    while page:
        filed = reports.by_ids(connection, {event.report for event in page})
        for event in page:
            yield event, filed.get(event.report)
        query = _EVENTS.where(events.c.position > page[-1].position, events.c.position <= upto)
        page = [StoredEvent(*row) for row in connection.execute(query).all()]
