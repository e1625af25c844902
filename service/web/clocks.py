"""The two clocks as controls: a slider over the record and a slider over dates.

Sliders send numbers. The answer redirects to the address that names the position and the date, so that it can be stored
and shared. A slider at its end sets no bound.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field

from service.api.parameters import At, Whole, whole, written
from service.api.resources import Snapshot
from service.api.resources.reports import LIST, ReportsQuery, ReportSummary
from service.domain.assertion import when
from service.projections.board import BoardRound
from service.store import events, reports
from service.web.formatting import round_name
from service.web.pages import PageRequest, address

_EPOCH: Final = date(1970, 1, 1).toordinal()
_MOST_TICKS: Final = 60
_Days = Annotated[int, Field(ge=0, le=2_900_000), BeforeValidator(whole)]


class SliderQuery(At):
    """A point of the record, also as the sliders send it."""

    position: Annotated[Whole | None, Field(description="a position; the end of the record is no bound")] = None
    day: Annotated[_Days | None, Field(description="days since 1970; the last is no bound")] = None

    @property
    def is_slid(self) -> bool:
        return self.position is not None or self.day is not None


class Known(NamedTuple):
    """The last event that is read: its position, its time, and the title of its report."""

    position: int
    recorded_at: datetime
    report: str


class World(NamedTuple):
    """The dates from the first event to the day after the last one, and the chosen date, all in days since 1970."""

    first: int
    end: int
    chosen: int

    @property
    def day(self) -> date | None:
        return None if self.chosen == self.end else _day(self.chosen)


class Clocks(NamedTuple):
    """The values of the sliders. `rounds` has the day and the name of each round."""

    known: Known | None
    reports: Sequence[ReportSummary]
    world: World
    rounds: Sequence[tuple[int, str]]


def clocks(
    visit: PageRequest[Any], snapshot: Snapshot, dates: Iterable[str | None], rounds: Iterable[BoardRound]
) -> Clocks:
    """Return the sliders of a page. `dates` (EDTF) are the dates that the second slider covers."""
    ticks = [(_number(round.latest), round_name(round.id)) for round in rounds]
    return Clocks(_known(visit, snapshot), _reports(snapshot), _world(visit, dates), ticks)


def address_meant(visit: PageRequest[Any], dates: Iterable[str | None], **others: object) -> str:
    """Return the address of the point that the sliders chose."""
    query: SliderQuery = visit.query
    world = _world(visit, dates)
    position = query.position if query.position is None or query.position < visit.head.position else None
    day = _day(query.day) if query.day is not None and query.day < world.end else None
    return address(visit.path, **others, as_of_position=position, effective_on=day)


def _reports(snapshot: Snapshot) -> Sequence[ReportSummary]:
    """Return the reports to mark on the slider; empty if there are more than 60."""
    found: list[ReportSummary] = []
    for relation in snapshot.reader.reads or (None,):
        page = snapshot.read(LIST, written(ReportsQuery, limit=_MOST_TICKS, relation=relation))
        if page.next:
            return ()
        found += page.documents
    return sorted(found, key=attrgetter("position"))


def _known(visit: PageRequest[Any], snapshot: Snapshot) -> Known | None:
    """Return the last event that the visitor reads at this point; None before the first."""
    upto, c = snapshot.point_in_log(visit.query).position, snapshot.c
    last = max(events.last_position(c, relation=r, upto=upto) for r in snapshot.reader.reads or (None,))
    if not last:
        return None
    [event] = events.read_log(c, after=last - 1, upto=last)
    is_limited = snapshot.reader.reads is not None and visit.query.known_at is not None
    return Known(last if is_limited else upto, event.recorded_at, reports.by_ids(c, [event.report])[event.report].title)


def _world(visit: PageRequest[Any], dates: Iterable[str | None]) -> World:
    spans = [when(text) for text in dates]
    days = {_number(day) for span in spans for day in (span.earliest, span.latest) if day} or {_number(visit.today)}
    first, end, chosen = min(days), max(days) + 1, visit.query.effective_on
    return World(first, end, end if chosen is None else min(max(_number(chosen), first), end))


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)
