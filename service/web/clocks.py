"""The two clocks as controls: a slider over the record, and one over the world.

Sliders send numbers. They are answered with the address of the reading that those mean, so that what somebody keeps or
sends on says its position and its day. A slider at its end means no bound, and not today's.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field

from service.api.cloudevents import CloudEvent
from service.api.feeds import EventsPage
from service.api.listing import Listing
from service.api.parameters import At, Whole, whole
from service.api.reports import ReportDocument, ReportSummary
from service.domain.assertion import when
from service.projections.board import BoardDocument, BoardRound
from service.projections.relation import RelationDocument
from service.web.limited import relations
from service.web.sentences import round_name
from service.web.visit import Visit, address

_EPOCH: Final = date(1970, 1, 1).toordinal()
_MOST_TICKS: Final = 60
_Days = Annotated[int, Field(ge=0, le=2_900_000), BeforeValidator(whole)]


class Slid(At):
    """A point of the record, perhaps as sliders send it."""

    position: Annotated[Whole | None, Field(description="a position; the end of the record is no bound")] = None
    day: Annotated[_Days | None, Field(description="days since 1970; the last is no bound")] = None

    @property
    def is_slid(self) -> bool:
        return self.position is not None or self.day is not None


class Known(NamedTuple):
    """The last event of what is read: where it is on record, since when, and which report brought it."""

    position: int
    recorded_at: datetime
    report: str


class World(NamedTuple):
    """The days from the first that is spoken of to the day after the last, and the one that is read at."""

    first: int
    end: int
    chosen: int

    @property
    def day(self) -> date | None:
        return None if self.chosen == self.end else _day(self.chosen)


class Clocks(NamedTuple):
    """What the sliders show; `rounds`: the day of each, and its name."""

    known: Known | None
    reports: Sequence[ReportSummary]
    world: World
    rounds: Sequence[tuple[int, str]]


async def clocks(visit: Visit[Any], dates: Iterable[str | None], rounds: Iterable[BoardRound]) -> Clocks:
    """The sliders of a visit. `dates` (EDTF): what the world's is to reach over."""
    ticks = [(_number(round.latest), round_name(round.id)) for round in rounds]
    return Clocks(await _known(visit), await _reports(visit), _world(visit, dates), ticks)


def meant(visit: Visit[Any], dates: Iterable[str | None], **others: object) -> str:
    """The address of the reading that the sliders' numbers mean."""
    query: Slid = visit.query
    world = _world(visit, dates)
    position = query.position if query.position is None or query.position < visit.head.position else None
    day = _day(query.day) if query.day is not None and query.day < world.end else None
    return address(visit.path, **others, as_of_position=position, effective_on=day)


async def _reports(visit: Visit[Any]) -> Sequence[ReportSummary]:
    """The reports that the slider marks; none where there are too many to mark."""
    found: list[ReportSummary] = []
    for relation in visit.visitor.reads or (None,):
        page = await visit.document("/v1/reports", Listing[ReportSummary], limit=_MOST_TICKS, relation=relation)
        if page.next:
            return ()
        found += page.items
    return sorted(found, key=attrgetter("position"))


async def _known(visit: Visit[Any]) -> Known | None:
    """None before the first event."""
    position = await _position(visit)
    if not position:
        return None
    event = await _last_event(visit, position)
    if event is None:
        return None
    report = await visit.document(f"/v1/reports/{event.report}", ReportDocument)
    return Known(position, event.time, report.title)


async def _last_event(visit: Visit[Any], position: int) -> CloudEvent | None:
    """The event at a position; for a visitor limited to relations the last of theirs up to it."""
    if visit.visitor.reads is None:
        return (await visit.document("/v1/events", EventsPage, after=position - 1, limit=1)).items[0]
    boards = [await visit.at_point(f"/v1/relations/{r.id}/board", BoardDocument) for r in await relations(visit)]
    last = max(boards, key=attrgetter("position"), default=None)
    if last is None:
        return None
    after = last.position - 1
    return (await visit.document("/v1/events", EventsPage, relation=last.relation, after=after, limit=1)).items[0]


async def _position(visit: Visit[Any]) -> int:
    """The last position that is read."""
    query: Slid = visit.query
    if query.known_at is None:
        return visit.head.position if query.as_of_position is None else query.as_of_position
    if visit.visitor.reads is None:
        return (await visit.at_point("/v1/relations", Listing[RelationDocument], limit=1)).position
    return max((relation.position for relation in await relations(visit)), default=0)


def _world(visit: Visit[Any], dates: Iterable[str | None]) -> World:
    spans = [when(text) for text in dates]
    days = {_number(day) for span in spans for day in (span.earliest, span.latest) if day} or {_number(visit.today)}
    first, end, chosen = min(days), max(days) + 1, visit.query.effective_on
    return World(first, end, end if chosen is None else min(max(_number(chosen), first), end))


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)
