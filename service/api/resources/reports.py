"""Reports on record: who filed each, for which round, with which events."""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from service.api.parameters import Query, RelationId, malformed, valid
from service.api.resources import Found, Names, Resource, Snapshot
from service.api.resources.listing import INVALID_CURSOR, Items, Listing, Paged, paged
from service.follower import RECORD
from service.projections import change
from service.projections.change import ChangeDocument
from service.projections.document import Document, rendered
from service.store import events, read_models, reports
from service.store.codec import StoredReport

REPRESENTATION: Final = 2
_ROUND: Final = r"^[a-z]{2}-[a-z]{2}/[a-z0-9]+(-[a-z0-9]+)*$"


class ReportSummary(Document):
    """A report on record. `position`: that of its last event. `actor`: the name of the key that filed it."""

    id: str
    relation: str
    round: str | None
    title: str
    actor: str
    recorded_at: datetime
    first_position: int
    position: int


class ReportedEvent(Document):
    """An event of the report."""

    id: str
    stream: str
    type: str
    version: int
    position: int


class ReportDocument(ReportSummary):
    """A report on record, with its events in order and the changes that they made."""

    events: tuple[ReportedEvent, ...]
    changes: tuple[ChangeDocument, ...]


class ReportsQuery(Paged):
    """Filters of the list of reports."""

    relation: RelationId | None = None
    round: Annotated[
        str | None,
        Field(pattern=_ROUND, description="only reports for this round, such as ru-us/istanbul-april"),
        valid(re.compile(_ROUND).fullmatch, "must be the id of a round, such as ru-us/istanbul-april"),
    ] = None


def _list(snapshot: Snapshot, _names: Names, query: ReportsQuery) -> Found[Items[ReportSummary]]:
    """List reports in the order of filing."""
    c, head = snapshot.c, snapshot.head.position
    found = reports.page(
        c, after=_first(query), upto=head, limit=query.limit + 1, relation=query.relation, round=query.round
    )
    bodies = [(str(report.first_position), rendered(summary(report))) for report in found]
    return Found(paged(bodies, query.limit, head, ReportSummary), head, REPRESENTATION)


def _first(query: ReportsQuery) -> int:
    after = query.after
    if after is None:
        return 0
    if not after.isdecimal():
        raise malformed("cursor", INVALID_CURSOR)
    return int(after)


def _one(snapshot: Snapshot, names: Names, _query: Query) -> Found[ReportDocument]:
    """Read one report: who filed it, for which round, its events, and the changes that they made."""
    c, id = snapshot.c, names["id"]
    report = reports.by_ids(c, [id]).get(id)
    if report is None:
        snapshot.not_found()
    first, last = report.first_position, report.last_position
    document = ReportDocument(
        **dict(summary(report)),
        events=tuple(
            ReportedEvent(id=e.id, stream=e.stream, type=e.type, version=e.version, position=e.position)
            for e in events.read_log(c, after=first - 1, upto=last)
        ),
        changes=tuple(
            ChangeDocument.model_validate_json(stored.body)
            for stored in read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
        ),
    )
    return Found(document, last, REPRESENTATION, is_final=True, relation=report.relation)


def summary(report: StoredReport) -> ReportSummary:
    return ReportSummary(
        id=report.id,
        relation=report.relation,
        round=report.round,
        title=report.title,
        actor=report.actor,
        recorded_at=report.recorded_at,
        first_position=report.first_position,
        position=report.last_position,
    )


LIST: Final = Resource("/v1/reports", ReportsQuery, _list, lambda *_: (RECORD,), shape=Listing[ReportSummary])
# No topics: a report never changes.
ONE: Final = Resource("/v1/reports/{id}", Query, _one, lambda *_: (), shape=ReportDocument, says_relation=True)
RESOURCES: Final = (LIST, ONE)
