"""Reports on record: who filed each one, for which round, and its events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from service.api.parameters import VALID_ROUND, Day, Query, RelationId, malformed, misplaced, valid
from service.api.resources import FoundDocument, PathParameters, Resource, Snapshot
from service.api.resources.listing import INVALID_CURSOR, Items, Listing, Paged, paged
from service.domain.filing import Record, warnings_when_recorded
from service.domain.history import History
from service.domain.streams import history_of
from service.domain.warnings import FiledEvent, streams_and_origins
from service.follower import RECORD
from service.follower.as_of import histories
from service.projections import change
from service.projections.change import ChangeDocument
from service.projections.document import Document, rendered
from service.projections.warnings import WarningDocument, document
from service.store import audience, codec, events, read_models, reports
from service.store.codec import StoredReport

REPRESENTATION: Final = 4
_LONGEST_POSITION: Final = 18
_ROUND: Final = r"^[a-z]{2}-[a-z]{2}/[a-z0-9]+(-[a-z0-9]+)*$"


class ReportSummary(Document):
    """A report on record. `position`: that of its last event. `actor`: the name of the key that filed it.

    `round`: the round that it names or, since `ReportAttributed`, the round that it was attributed to.
    """

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


class ReportFilters(Query):
    """Filters of the list of reports."""

    relation: RelationId | None = None
    round: Annotated[
        str | None,
        Field(pattern=_ROUND, description="only reports for this round, such as ru-us/istanbul-april"),
        VALID_ROUND,
    ] = None
    actor: Annotated[
        str | None,
        Field(min_length=1, max_length=300, description="only reports of the key with this name"),
        valid(lambda text: "\0" not in text, "must be the name of a key, such as desk"),
    ] = None
    from_: Annotated[
        Day | None, Field(alias="from", description="only reports that were recorded on this day (UTC) or later")
    ] = None
    to: Annotated[Day | None, Field(description="only reports that were recorded on this day (UTC) or earlier")] = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise misplaced("to", "is before from; use the same day or a later one")
        return self


class ReportsQuery(ReportFilters, Paged):
    """Filters, order and page of the list of reports."""

    order: Annotated[
        Literal["oldest", "newest"], Field(description="which report comes first: the oldest (default) or the newest")
    ] = "oldest"

    @property
    def is_newest_first(self) -> bool:
        return self.order == "newest"


def _list(snapshot: Snapshot, _names: PathParameters, query: ReportsQuery) -> FoundDocument[Items[ReportSummary]]:
    """List reports in the order of filing, or with `order=newest` in the reverse order."""
    c, head = snapshot.c, snapshot.head.position
    relation_of_round = query.round.partition("/")[0] if query.round else None
    after, upto = _between(c, query, head)
    found = reports.page(
        c,
        after=after,
        upto=upto,
        limit=query.limit + 1,
        relation=query.relation,
        round=query.round,
        actor=query.actor,
        attributed=_attributed(snapshot, {relation_of_round})[0] if relation_of_round else None,
        newest_first=query.is_newest_first,
    )
    attributed, _ = _attributed(snapshot, {report.relation for report in found})
    bodies = [(str(report.first_position), rendered(summary(report, attributed))) for report in found]
    return FoundDocument(paged(bodies, query.limit, head, ReportSummary), head, REPRESENTATION)


def _between(c: Connection, query: ReportsQuery, head: int) -> tuple[int, int]:
    """Return the positions for the days and the cursor: after the first, up to and including the second.

    Positions are in the order of recording, so a day becomes a position. Raises Problem if the cursor is invalid.
    """
    after, upto = 0, head
    if query.from_ is not None:
        after = events.position_before(c, datetime.combine(query.from_, time.min, UTC))
    if query.to is not None:
        upto = min(upto, events.position_at(c, datetime.combine(query.to, time.max, UTC)))
    seen = query.after
    if seen is None:
        return after, upto
    if not seen.isdecimal() or len(seen) > _LONGEST_POSITION:
        raise malformed("cursor", INVALID_CURSOR)
    return (after, min(upto, int(seen) - 1)) if query.is_newest_first else (max(after, int(seen)), upto)


def _one(snapshot: Snapshot, names: PathParameters, _query: Query) -> FoundDocument[ReportDocument]:
    """Read one report: who filed it, for which round, its events, and the changes that they made."""
    c, id = snapshot.c, names["id"]
    report = reports.by_ids(c, [id]).get(id)
    if report is None:
        snapshot.raise_not_found()
    first, last = report.first_position, report.last_position
    attributed, changed = _attributed(snapshot, {report.relation})
    read = ReportDocument(
        **dict(summary(report, attributed)),
        events=tuple(
            ReportedEvent(id=e.id, stream=e.stream, type=e.type, version=e.version, position=e.position)
            for e in events.read_log(c, after=first - 1, upto=last)
        ),
        changes=tuple(
            ChangeDocument.model_validate_json(stored.body)
            for stored in read_models.between(c, change.NAME, change.REPRESENTATION, first, last)
        ),
    )
    return FoundDocument(read, max(last, changed), REPRESENTATION, relation=report.relation)


def _attributed(snapshot: Snapshot, relations: Iterable[str]) -> tuple[dict[str, str], int]:
    """Return the round of each report that was attributed to one, and the last position of the relations' streams."""
    talks = histories(snapshot.c, (f"relation/{relation}" for relation in relations), snapshot.head.position).values()
    rounds = {report: round for history in talks for report, round in history.state.attributed.items()}
    return rounds, max((history.position for history in talks), default=0)


def summary(report: StoredReport, attributed: Mapping[str, str]) -> ReportSummary:
    return ReportSummary(
        id=report.id,
        relation=report.relation,
        round=attributed.get(report.id, report.round),
        title=report.title,
        actor=report.actor,
        recorded_at=report.recorded_at,
        first_position=report.first_position,
        position=report.last_position,
    )


def sizes(snapshot: Snapshot, listed: Sequence[ReportSummary]) -> dict[str, int]:
    """Return the number of events that each report has for the reader, by its id."""
    spans = [(report.first_position, report.position) for report in listed]
    hidden = audience.hidden_between(snapshot.c, spans, snapshot.rank) if spans else ()
    return {
        report.id: last - first + 1 - count for report, (first, last), count in zip(listed, spans, hidden, strict=True)
    }


def warnings_on(snapshot: Snapshot, report: ReportDocument) -> list[tuple[ReportedEvent, WarningDocument]]:
    """Return the warnings that the report had when it was filed, each with its event."""
    c, first, last = snapshot.c, report.first_position, report.position
    recorded = [codec.decode(row) for row in events.read_log(c, after=first - 1, upto=last)]
    known: dict[str, History[Any]] = {}
    origins: dict[str, str] = {}
    # The warnings on a correction concern the document that the corrected event cites. Which one that is, and so which
    # streams are needed, is known only when the stream of the corrected event has been read. So read until none is new.
    while True:
        streams, cited = streams_and_origins(recorded, known)
        origins |= events.origin_streams(c, cited - origins.keys())
        if not (unread := {*streams, *origins.values()} - known.keys()):
            break
        read = histories(c, unread, last)
        known |= {stream: read.get(stream) or history_of(stream) for stream in unread}
    filed = [FiledEvent(place, event) for place, event in enumerate(recorded)]
    found = warnings_when_recorded(filed, Record(known, origins))
    return [(report.events[warning.index], document(warning)) for warning in found]


LIST: Final = Resource("/v1/reports", ReportsQuery, _list, topics=lambda *_: (RECORD,), shape=Listing[ReportSummary])
# An attribution changes a report. The address does not name the relation on whose stream it is recorded, so any event
# can change the answer, and whether the reader may see it is decided by the relation in the document.
ONE: Final = Resource(
    "/v1/reports/{id}", Query, _one, topics=lambda *_: (RECORD,), shape=ReportDocument, relation_is_in_document=True
)
RESOURCES: Final = (LIST, ONE)
