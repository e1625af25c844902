"""The two sliders of a page: one over the positions of the record, one over the dates of events.

Sliders send numbers. The response redirects to an address that names the position and the date, so that readers can
save and share it. A slider at its end sets no bound.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field

from service.api.parameters import AsOfQuery, Whole, whole, written
from service.api.resources import Snapshot
from service.api.resources.reports import LIST, ReportsQuery, ReportSummary
from service.domain.assertion import when
from service.projections.board import BoardRound
from service.store import reports
from service.web.pages import PageRequest, address

_EPOCH: Final = date(1970, 1, 1).toordinal()
_MOST_TICKS: Final = 60
_Days = Annotated[int, Field(ge=0, le=2_900_000), BeforeValidator(whole)]


class SliderQuery(AsOfQuery):
    """The point in time of a page. `position` and `day` are the values of the sliders."""

    position: Annotated[Whole | None, Field(description="a position; the end of the record sets no bound")] = None
    day: Annotated[_Days | None, Field(description="days since 1970; the last day sets no bound")] = None

    @property
    def has_slider_values(self) -> bool:
        return self.position is not None or self.day is not None


class RecordSlider(NamedTuple):
    """The slider over the record. It stands at the last event that is read: position, time, title of the report."""

    position: int
    recorded_at: datetime
    report: str


class DateSlider(NamedTuple):
    """The slider over dates, in days since 1970: the first day, the day after the last, and the chosen day."""

    first: int
    end: int
    chosen: int

    @property
    def day(self) -> date | None:
        return None if self.chosen == self.end else _day(self.chosen)


class Clocks(NamedTuple):
    """Both sliders, with their ticks: the reports on the first, and the day and name of each round on the second."""

    record: RecordSlider | None
    reports: Sequence[ReportSummary]
    dates: DateSlider
    rounds: Sequence[tuple[int, str]]


def clocks(
    visit: PageRequest[Any], snapshot: Snapshot, dates: Iterable[str | None], rounds: Iterable[BoardRound]
) -> Clocks:
    """Return the sliders of a page. `dates` (EDTF) are the dates that the second slider covers."""
    ticks = [(_number(round.latest), round.name) for round in rounds]
    return Clocks(_record_slider(visit, snapshot), _reports(snapshot), _date_slider(visit, dates), ticks)


def chosen_address(visit: PageRequest[Any], dates: Iterable[str | None], **others: object) -> str:
    """Return the address of the page at the point that the sliders chose."""
    query: SliderQuery = visit.query
    slider = _date_slider(visit, dates)
    position = query.position if query.position is None or query.position < visit.head.position else None
    day = _day(query.day) if query.day is not None and query.day < slider.end else None
    return address(visit.path, **others, as_of_position=position, effective_on=day)


def _reports(snapshot: Snapshot) -> Sequence[ReportSummary]:
    """Return the reports to mark on the slider. Return none if there are more than 60."""
    found: list[ReportSummary] = []
    for relation in snapshot.reader.reads or (None,):
        page = snapshot.read(LIST, written(ReportsQuery, limit=_MOST_TICKS, relation=relation))
        if page.next:
            return ()
        found += page.documents
    return sorted(found, key=attrgetter("position"))


def _record_slider(visit: PageRequest[Any], snapshot: Snapshot) -> RecordSlider | None:
    """Return the slider at the last event that the visitor can read at this point. None before the first event."""
    upto = snapshot.point_in_log(visit.query).position
    event = snapshot.last_event(upto)
    if event is None:
        return None
    is_limited = snapshot.reader.reads is not None and visit.query.known_at is not None
    title = reports.by_ids(snapshot.c, [event.report])[event.report].title
    return RecordSlider(event.position if is_limited else upto, event.recorded_at, title)


def _date_slider(visit: PageRequest[Any], dates: Iterable[str | None]) -> DateSlider:
    spans = [when(text) for text in dates]
    days = {_number(day) for span in spans for day in (span.earliest, span.latest) if day} or {_number(visit.today)}
    first, end, chosen = min(days), max(days) + 1, visit.query.effective_on
    return DateSlider(first, end, end if chosen is None else min(max(_number(chosen), first), end))


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)
