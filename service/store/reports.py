"""Reads of the reports: by id, by the caller's key, and in the order of filing."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ARRAY, Connection, Text, bindparam, func, select

from service.store.codec import Report
from service.store.tables import reports

_REPORT: Final = select(*(reports.c[name] for name in Report._fields))


def by_id(connection: Connection, id: str) -> Report | None:
    row = connection.execute(_REPORT.where(reports.c.id == id)).one_or_none()
    return None if row is None else Report(*row)


def by_keys(connection: Connection, keys: Iterable[str]) -> dict[str, Report]:
    """The reports that were filed under these idempotency keys; unknown keys are left out."""
    query = _REPORT.where(reports.c.key == func.any(bindparam("keys", list(keys), ARRAY(Text))))
    return {row.key: Report(*row) for row in connection.execute(query)}


def page(
    connection: Connection,
    *,
    after: int = 0,
    upto: int | None = None,
    limit: int | None = None,
    relation: str | None = None,
    round: str | None = None,
) -> list[Report]:
    """Reports in the order of filing, whose first position is after one and not beyond the other."""
    query = _REPORT.where(reports.c.first_position > after).order_by(reports.c.first_position).limit(limit)
    if upto is not None:
        query = query.where(reports.c.first_position <= upto)
    if relation is not None:
        query = query.where(reports.c.relation == relation)
    if round is not None:
        query = query.where(reports.c.round == round)
    return [Report(*row) for row in connection.execute(query)]
