"""Read reports: by id, by idempotency key, and in the order of filing."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ARRAY, Connection, Text, Uuid, bindparam, cast, func, select

from service.store.codec import StoredReport
from service.store.tables import reports

_REPORT: Final = select(
    cast(reports.c.id, Text),  # as text, like the identifiers of events
    reports.c.key,
    reports.c.request_hash,
    reports.c.actor,
    reports.c.relation,
    reports.c.round,
    reports.c.title,
    reports.c.first_position,
    reports.c.last_position,
    reports.c.recorded_at,
)


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, StoredReport]:
    """Return the reports with these ids. Unknown ids are left out."""
    query = _REPORT.where(reports.c.id == func.any(bindparam("ids", list(ids), ARRAY(Uuid(as_uuid=False)))))
    return {row.id: StoredReport(*row) for row in connection.execute(query).all()}


def by_keys(connection: Connection, keys: Iterable[str]) -> dict[str, StoredReport]:
    """Return the reports with these idempotency keys. Unknown keys are left out."""
    query = _REPORT.where(reports.c.key == func.any(bindparam("keys", list(keys), ARRAY(Text))))
    return {row.key: StoredReport(*row) for row in connection.execute(query).all()}


def page(
    connection: Connection,
    *,
    after: int = 0,
    upto: int | None = None,
    limit: int | None = None,
    relation: str | None = None,
    round: str | None = None,
) -> list[StoredReport]:
    """Return reports in the order of filing, with a first position after `after` and not beyond `upto`."""
    query = _REPORT.where(reports.c.first_position > after).order_by(reports.c.first_position).limit(limit)
    if upto is not None:
        query = query.where(reports.c.first_position <= upto)
    if relation is not None:
        query = query.where(reports.c.relation == relation)
    if round is not None:
        query = query.where(reports.c.round == round)
    return [StoredReport(*row) for row in connection.execute(query).all()]
