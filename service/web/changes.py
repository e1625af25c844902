"""What changed, `/changes`: the latest first, or in order since a position, each with before, after and a reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup
from pydantic import Field
from starlette.responses import Response

from service.api.cloudevents import CloudEvent
from service.api.feeds import ChangesPage
from service.api.parameters import Query, RelationId, Whole, malformed
from service.api.reports import ReportDocument
from service.projections.change import ChangeDocument
from service.projections.difference import changed
from service.web import ladder
from service.web.limited import relations, to_one_relation
from service.web.sentences import sentence
from service.web.standing import of_change
from service.web.visit import Sheet, Visit, shown

router: Final = APIRouter(include_in_schema=False)

_ON_A_PAGE: Final = 40
_AT_ONCE: Final = 1_000
_FIRST_STRETCH: Final = 250


class ChangesQuery(Query):
    """Of which relation; since a position, or before one."""

    relation: RelationId | None = None
    since: Annotated[Whole | None, Field(description="in order, from the first after this position")] = None
    before: Annotated[Whole | None, Field(description="the latest first, of those before this position")] = None


class Told(NamedTuple):
    """One change: how the irritant read and reads, and the report that it came with."""

    change: ChangeDocument
    fields: Sequence[str]
    ladders: tuple[Markup | None, Markup]
    sentence: Markup
    report: ReportDocument
    recorded_at: datetime


@router.get("/changes")
async def changes(request: Request) -> Response:
    return await shown(request, ChangesQuery, _changes)


async def _changes(visit: Visit[ChangesQuery]) -> Sheet:
    to_one_relation(visit)
    query = visit.query
    if query.since is not None and query.since > visit.head.position:
        raise malformed("since", f"is beyond the head: the record ends at {visit.head.position}")
    found = await (_latest(visit) if query.since is None else _since(visit, query.since))
    page = found[:_ON_A_PAGE]
    more = len(found) > _ON_A_PAGE
    told = {
        "changes": [await _told(visit, change) for change in page],
        "more": page[-1].position if more else None,
        "relations": await relations(visit),
        "axis": ladder.axis(),
        "symbols": ladder.symbols(),
    }
    return Sheet("changes.html", told)


async def _since(visit: Visit[ChangesQuery], after: int) -> Sequence[ChangeDocument]:
    return (await _page(visit, after, _ON_A_PAGE + 1)).items


async def _latest(visit: Visit[ChangesQuery]) -> Sequence[ChangeDocument]:
    """The last before a position, the latest first. The feed goes forward, so ever longer stretches of it are read."""
    before = min(visit.query.before or visit.head.position + 1, visit.head.position + 1)
    stretch = _FIRST_STRETCH
    while True:
        after = max(before - 1 - stretch, 0)
        found = await _stretch(visit, after, before)
        if len(found) > _ON_A_PAGE or not after:
            return found[::-1]
        stretch *= 4


async def _stretch(visit: Visit[ChangesQuery], after: int, before: int) -> list[ChangeDocument]:
    found: list[ChangeDocument] = []
    while after < before - 1:
        page = await _page(visit, after, _AT_ONCE)
        found += [change for change in page.items if change.position < before]
        after = page.next
    return found


async def _page(visit: Visit[ChangesQuery], after: int, limit: int) -> ChangesPage:
    return await visit.document("/v1/changes", ChangesPage, after=after, relation=visit.query.relation, limit=limit)


async def _told(visit: Visit[ChangesQuery], change: ChangeDocument) -> Told:
    event = await visit.document(f"/v1/events/{change.events[-1]}", CloudEvent)
    report = await visit.document(f"/v1/reports/{event.report}", ReportDocument)
    after = of_change(change.after)
    before = ladder.ladder(of_change(change.before)) if change.before else None
    fields = [name for name in changed(change.before, change.after) if change.before]
    return Told(change, fields, (before, ladder.ladder(after)), sentence(after), report, event.time)
