"""Read reports from the database: by id, by idempotency key, or in the order of filing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from sqlalchemy import ARRAY, Column, Connection, Select, Text, Uuid, bindparam, cast, func, select

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


Reports = TypeVar("Reports", bound=Select[*tuple[Any, ...]])


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, StoredReport]:
    """Return the reports with these ids. Unknown ids are left out."""
    query = _REPORT.where(reports.c.id == func.any(bindparam("ids", list(ids), ARRAY(Uuid(as_uuid=False)))))
    return {row.id: StoredReport(*row) for row in connection.execute(query).all()}


def by_keys(connection: Connection, keys: Iterable[str]) -> dict[str, StoredReport]:
    """Return the reports with these idempotency keys. Unknown keys are left out."""
    query = _REPORT.where(reports.c.key == func.any(bindparam("keys", list(keys), ARRAY(Text))))
    return {row.key: StoredReport(*row) for row in connection.execute(query).all()}


def of_rounds(connection: Connection, rounds: Iterable[str], upto: int) -> dict[str, str]:
    """Return the round that each report named when it was filed, for reports up to a position on these rounds."""
    query = select(cast(reports.c.id, Text).label("id"), reports.c.round).where(
        # The index by round has only reports with a round. To the planner, an array of unknown length may be empty.
        reports.c.round.is_not(None),
        reports.c.round == func.any(bindparam("rounds", list(rounds), ARRAY(Text))),
        reports.c.first_position <= upto,
    )
    return {row.id: row.round for row in connection.execute(query)}


def page(
    connection: Connection,
    *,
    after: int = 0,
    upto: int | None = None,
    limit: int | None = None,
    relation: str | None = None,
    round: str | None = None,
    actor: str | None = None,
    attributed: Mapping[str, str] | None = None,
    newest_first: bool = False,
) -> list[StoredReport]:
    """Return a page of reports in the order of filing, or the newest first. They are after `after`, up to `upto`.

    `upto` must be the last position of a report, because only some queries would include a report that it divides.

    `attributed` has the round of each report that was attributed to one. It replaces the round that the report named.
    """
    query = _REPORT.where(reports.c.first_position > after)
    if upto is not None:
        query = query.where(reports.c.first_position <= upto)
    column: Column[int] = reports.c.first_position
    if relation is not None or round is not None or actor is not None:
        # In the order of first positions, the planner reads the index of all reports and filters them one by one. Only
        # the indexes that begin with a filter have last positions, which are in the same order.
        column = reports.c.last_position
        query = query.where(column > after)
        if upto is not None:
            query = query.where(column <= _end_of_report_at(connection, upto))
    if relation is not None:
        query = query.where(reports.c.relation == relation)
    if actor is not None:
        query = query.where(reports.c.actor == actor)
    parts = [query] if round is None else list(_of_round(query, round, attributed or {}))
    order = column.desc() if newest_first else column
    # One query with `or` would read all reports, so a round has two.
    found = [
        StoredReport(*row) for part in parts for row in connection.execute(part.order_by(order).limit(limit)).all()
    ]
    if len(parts) > 1:
        found.sort(key=lambda report: report.first_position, reverse=newest_first)
    return found[:limit]


def _end_of_report_at(connection: Connection, position: int) -> int:
    """Return the last position of the last report that begins at a position or before it, 0 without such a report.

    It can be after the position, if the last events of the report are withheld from the audience. This is a query of
    its own, because the planner must know the number.
    """
    begun = select(reports.c.last_position).where(reports.c.first_position <= position)
    return connection.execute(begun.order_by(reports.c.first_position.desc()).limit(1)).scalar() or 0


def _of_round(query: Reports, round: str, attributed: Mapping[str, str]) -> Iterator[Reports]:
    """Yield queries for the reports of a round: those that named it, and those that were attributed to it."""
    named = query.where(reports.c.round == round)
    if not attributed:
        yield named
        return
    yield named.where(reports.c.id != func.all(bindparam("moved", list(attributed), ARRAY(Uuid(as_uuid=False)))))
    here = [id for id, to in attributed.items() if to == round]
    yield query.where(reports.c.id == func.any(bindparam("here", here, ARRAY(Uuid(as_uuid=False)))))
