"""Reports: what was filed, by whom, for which round, and which events it brought."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import Listing, Paged, paged
from service.api.parameters import Query, RelationId, malformed
from service.api.resource import Read, Resource
from service.api.routes import routes
from service.follower import RECORD
from service.projections import change
from service.projections.change import ChangeDocument
from service.projections.document import Document, rendered
from service.store import events, read_models, reports
from service.store.codec import StoredReport

REPRESENTATION: Final = 1
_ROUND: Final = r"^[a-z]{2}-[a-z]{2}/[a-z0-9]+(-[a-z0-9]+)*$"


class ReportSummary(Document):
    """A report on record. `position`: its last event. `actor`: whose key filed it."""

    id: str
    relation: str
    round: str | None
    title: str
    actor: str
    recorded_at: datetime
    first_position: int
    position: int


class ReportedEvent(Document):
    """An event that the report brought."""

    id: str
    stream: str
    type: str
    version: int
    position: int


class ReportDocument(ReportSummary):
    """A report on record, its events in order, and what they changed."""

    events: tuple[ReportedEvent, ...]
    changes: tuple[ChangeDocument, ...]


class ReportsQuery(Paged):
    """Which reports."""

    relation: RelationId | None = None
    round: Annotated[str | None, Field(pattern=_ROUND, description="a round's id, such as ru-us/istanbul-april")] = None


def _list(c: Connection, read: Read[ReportsQuery]) -> Page:
    """Reports, in the order of filing."""
    query, head = read.query, read.head.position
    found = reports.page(
        c, after=_first(query), upto=head, limit=query.limit + 1, relation=query.relation, round=query.round
    )
    bodies = [(str(report.first_position), rendered(_summary(report))) for report in found]
    return read.page(paged(bodies, query.limit, head), head, REPRESENTATION)


def _first(query: ReportsQuery) -> int:
    after = query.after
    if after is None:
        return 0
    if not after.isdecimal():
        raise malformed("cursor", "is none that this service gave")
    return int(after)


def _one(c: Connection, read: Read[Query]) -> Page:
    """One report: what was filed, by whom, for which round, which events, and what they changed."""
    report = reports.by_ids(c, [read.path["id"]]).get(read.path["id"])
    if report is None:
        read.not_found()
    first, last = report.first_position, report.last_position
    document = ReportDocument(
        **dict(_summary(report)),
        events=tuple(
            ReportedEvent(id=e.id, stream=e.stream, type=e.type, version=e.version, position=e.position)
            for e in events.read_log(c, after=first - 1, upto=last)
        ),
        changes=tuple(
            ChangeDocument.model_validate_json(stored.body)
            for stored in read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
        ),
    )
    return read.page(rendered(document), last, REPRESENTATION, at_rest=True, relation=report.relation)


def _summary(report: StoredReport) -> ReportSummary:
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


RESOURCES: Final = (
    Resource("/v1/reports", ReportsQuery, _list, lambda _path, _query: (RECORD,), shape=Listing[ReportSummary]),
    # What was filed never changes, so nothing touches it.
    Resource("/v1/reports/{id}", Query, _one, lambda _path, _query: (), shape=ReportDocument, says_relation=True),
)
router = routes(RESOURCES, "reports")
