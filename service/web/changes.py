"""The page of changes, `/changes`: each change of an irritant, with before, after and reason.

It shows the latest changes first, or with `since` the changes since a day, a position or a round in order. The browser
remembers the last visit (see `live.js`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Request
from markupsafe import Markup, escape
from pydantic import Field, model_validator
from starlette.responses import Response

from service.api.parameters import Query, RelationId, Whole, written
from service.api.problems import Problem
from service.api.resources import Snapshot, feeds
from service.api.resources.feeds import CHANGES_FEED, Feed, begin_of
from service.projections.change import ChangeDocument
from service.projections.difference import changed
from service.projections.round import RoundDocument
from service.projections.words.names import round_name
from service.readouts import points
from service.store import events, reports
from service.store.codec import StoredEvent, StoredReport
from service.web import ladder
from service.web.formatting import bdi, day, moment
from service.web.limited import readable_relations, redirect_to_own_relation
from service.web.messages import messages
from service.web.pages import PageRequest, Template, page_response
from service.web.rounds import rounds_to_choose
from service.web.standing import standing_of_change

router: Final = APIRouter(include_in_schema=False)

_CHANGES_ON_A_PAGE: Final = 40
_FEED_LIMIT: Final = 1_000
_POSITIONS_READ_FIRST: Final = 250


class ChangesQuery(Query):
    """The relation, and the point after which the list begins (`since`) or the position before which it ends."""

    relation: RelationId | None = None
    since: Annotated[str | None, Field(max_length=200, description="in order, from the first after this point")] = None
    before: Annotated[Whole | None, Field(description="the latest first, of those before this position")] = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in parameters.items() if value.strip()}


class ChangeRow(NamedTuple):
    """One change, with the names of the changed fields, the ladders before and after, and the report that caused it."""

    change: ChangeDocument
    fields: Sequence[str]
    ladders: tuple[Markup | None, Markup]
    headline: Markup
    report: StoredReport


@router.get("/changes")
async def changes(request: Request) -> Response:
    return await page_response(request, ChangesQuery, _changes)


def _changes(visit: PageRequest[ChangesQuery], snapshot: Snapshot) -> Template:
    redirect_to_own_relation(visit)
    query, mistake, asked = visit.query, None, None
    rounds = rounds_to_choose(snapshot, query.relation)
    changes: Sequence[ChangeDocument] = ()
    if query.since is None:
        changes = _latest(snapshot, query)
    else:
        try:
            point = points.since(query.since, _ids_by_name(rounds))
            # One more than the page shows, to find out whether there is a next page.
            feed_query = written(feeds.ChangesQuery, since=point, relation=query.relation, limit=_CHANGES_ON_A_PAGE + 1)
            asked = _asked_in_words(feed_query, begin_of(snapshot, feed_query), rounds)
            changes = _changes_in(snapshot.read(CHANGES_FEED, feed_query))
        except points.NotAPoint as error:
            mistake = str(error)
        except Problem as problem:
            if not problem.document.errors:
                raise
            mistake = problem.document.errors[0].detail
    page = changes[:_CHANGES_ON_A_PAGE]
    rows = _rows(snapshot, page)
    values = {
        "reports": [list(group) for _, group in groupby(rows, key=lambda row: row.report.id)],
        "more": page[-1].position if len(changes) > _CHANGES_ON_A_PAGE else None,
        "asked": asked,
        "mistake": mistake,
        "rounds": rounds,
        "relations": readable_relations(visit, snapshot),
        "symbols": ladder.symbols(),
    }
    return Template("changes.html", values)


def _ids_by_name(rounds: Iterable[RoundDocument]) -> dict[str, str]:
    """Return the ids of rounds by name and by slug. Leave out names and slugs that several rounds have."""
    ids_by_name: dict[str, set[str]] = {}
    for round in rounds:
        for name in (round.name, round.id.rpartition("/")[2]):
            ids_by_name.setdefault(name, set()).add(round.id)
    return {name: ids.pop() for name, ids in ids_by_name.items() if len(ids) == 1}


def _asked_in_words(query: feeds.ChangesQuery, begin: int, rounds: Iterable[RoundDocument]) -> Markup:
    """Return the sentence that repeats the point of `since`, with `begin`, the position after which the list begins."""
    t, point = messages(), query.since
    match point.value if point else None:
        case datetime() as known:
            # A day is entered more often than its first moment, and means the same.
            at = moment(known) if known.time() != time.min else day(known)
            return t("changes.since-time", at=at, position=begin)
        case str() as round:
            id = round if "/" in round else f"{query.relation}/{round}"
            name = next((known.name for known in rounds if known.id == id), round_name(id))
            return t("changes.since-round", round=bdi(name), position=begin)
        case _:
            return t("changes.after", position=begin)


def _latest(snapshot: Snapshot, query: ChangesQuery) -> Sequence[ChangeDocument]:
    """Return the last changes before a position, latest first.

    A feed can only be read forwards. So read the last 250 positions, and four times as many until the page is full.
    """
    before = min(query.before or snapshot.head.position + 1, snapshot.head.position + 1)
    positions = _POSITIONS_READ_FIRST
    while True:
        after = max(before - 1 - positions, 0)
        changes = _changes_between(snapshot, query, after, before)
        if len(changes) > _CHANGES_ON_A_PAGE or not after:
            return changes[::-1]
        positions *= 4


def _changes_between(snapshot: Snapshot, query: ChangesQuery, after: int, before: int) -> list[ChangeDocument]:
    """Return the changes after one position and before another, both excluded."""
    changes: list[ChangeDocument] = []
    while after < before - 1:
        feed = _feed(snapshot, query, after, _FEED_LIMIT)
        changes += [change for change in _changes_in(feed) if change.position < before]
        after = feed.next
    return changes


def _feed(snapshot: Snapshot, query: ChangesQuery, after: int, limit: int) -> Feed:
    feed_query = written(feeds.ChangesQuery, after=after, relation=query.relation, limit=limit)
    return snapshot.read(CHANGES_FEED, feed_query)


def _changes_in(feed: Feed) -> list[ChangeDocument]:
    return [ChangeDocument.model_validate_json(item) for item in feed.items]


def _rows(snapshot: Snapshot, changes: Sequence[ChangeDocument]) -> list[ChangeRow]:
    """Return each change with its report, in two queries: one for events, one for reports."""
    causes = events.by_ids(snapshot.c, [change.events[-1] for change in changes])
    reports_by_id = reports.by_ids(snapshot.c, {event.report for event in causes.values()})
    return [_row(change, causes[change.events[-1]], reports_by_id) for change in changes]


def _row(change: ChangeDocument, event: StoredEvent, reports_by_id: Mapping[str, StoredReport]) -> ChangeRow:
    after = standing_of_change(change.after)
    before = ladder.ladder(standing_of_change(change.before)) if change.before else None
    fields = [name for name in changed(change.before, change.after) if change.before]
    ladders = (before, ladder.ladder(after))
    return ChangeRow(change, fields, ladders, escape(change.after.headline), reports_by_id[event.report])
