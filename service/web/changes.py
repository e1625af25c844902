"""What changed, `/changes`: the latest first, or in order since a position, each with before, after and reason."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import Query, RelationId, Whole, malformed, written
from service.api.resources import Snapshot, feeds
from service.api.resources.feeds import CHANGES_FEED, Feed
from service.projections.change import ChangeDocument
from service.projections.difference import changed
from service.store import events, reports
from service.store.codec import StoredEvent, StoredReport
from service.web import ladder
from service.web.limited import relations, to_one_relation
from service.web.pages import PageRequest, Template, page_response
from service.web.standing import of_change

router: Final = APIRouter(include_in_schema=False)

_ON_A_PAGE: Final = 40
_AT_ONCE: Final = 1_000
_FIRST_STRETCH: Final = 250


class ChangesQuery(Query):
    """The relation, and a position to start after (`since`) or to end before (`before`)."""

    relation: RelationId | None = None
    since: Annotated[Whole | None, Field(description="in order, from the first after this position")] = None
    before: Annotated[Whole | None, Field(description="the latest first, of those before this position")] = None


class ChangeRow(NamedTuple):
    """One change with the report that caused it."""

    change: ChangeDocument
    fields: Sequence[str]
    ladders: tuple[Markup | None, Markup]
    sentence: Markup
    report: StoredReport
    recorded_at: datetime


@router.get("/changes")
async def changes(request: Request) -> Response:
    return await page_response(request, ChangesQuery, _changes)


def _changes(visit: PageRequest[ChangesQuery], snapshot: Snapshot) -> Template:
    to_one_relation(visit)
    query = visit.query
    if query.since is not None and query.since > visit.head.position:
        raise malformed("since", f"is beyond the end of the record; use a position up to {visit.head.position}")
    if query.since is None:
        found = _latest(snapshot, query)
    else:
        found = _changes_in(_feed(snapshot, query, query.since, _ON_A_PAGE + 1))
    page = found[:_ON_A_PAGE]
    values = {
        "changes": _rows(snapshot, page),
        "more": page[-1].position if len(found) > _ON_A_PAGE else None,
        "relations": relations(visit, snapshot),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }
    return Template("changes.html", values)


def _latest(snapshot: Snapshot, query: ChangesQuery) -> Sequence[ChangeDocument]:
    """Return the last changes before a position, latest first. Reads longer stretches until the page is full."""
    before = min(query.before or snapshot.head.position + 1, snapshot.head.position + 1)
    stretch = _FIRST_STRETCH
    while True:
        after = max(before - 1 - stretch, 0)
        found = _stretch(snapshot, query, after, before)
        if len(found) > _ON_A_PAGE or not after:
            return found[::-1]
        stretch *= 4


def _stretch(snapshot: Snapshot, query: ChangesQuery, after: int, before: int) -> list[ChangeDocument]:
    found: list[ChangeDocument] = []
    while after < before - 1:
        feed = _feed(snapshot, query, after, _AT_ONCE)
        found += [change for change in _changes_in(feed) if change.position < before]
        after = feed.next
    return found


def _feed(snapshot: Snapshot, query: ChangesQuery, after: int, limit: int) -> Feed:
    asked = written(feeds.ChangesQuery, after=after, relation=query.relation, limit=limit)
    return snapshot.read(CHANGES_FEED, asked)


def _changes_in(feed: Feed) -> list[ChangeDocument]:
    return [ChangeDocument.model_validate_json(item) for item in feed.items]


def _rows(snapshot: Snapshot, changes: Sequence[ChangeDocument]) -> list[ChangeRow]:
    """Return each change with its report, in two queries: one for events, one for reports."""
    caused = events.by_ids(snapshot.c, [change.events[-1] for change in changes])
    filed = reports.by_ids(snapshot.c, {event.report for event in caused.values()})
    return [_row(change, caused[change.events[-1]], filed) for change in changes]


def _row(change: ChangeDocument, event: StoredEvent, filed: Mapping[str, StoredReport]) -> ChangeRow:
    after = of_change(change.after)
    before = ladder.ladder(of_change(change.before)) if change.before else None
    fields = [name for name in changed(change.before, change.after) if change.before]
    ladders = (before, ladder.ladder(after))
    return ChangeRow(change, fields, ladders, escape(change.after.headline), filed[event.report], event.recorded_at)
