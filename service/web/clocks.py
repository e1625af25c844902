"""Compute the two sliders of a page: one over the positions of the record, one over the dates of events.

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
_MAX_TICKS: Final = 60
_Days = Annotated[int, Field(ge=0, le=2_900_000), BeforeValidator(whole)]


class SliderQuery(AsOfQuery):
    """The point in time of a page. `position` and `day` are the values of the sliders."""

    position: Annotated[Whole | None, Field(description="a position; the end of the record sets no bound")] = None
    day: Annotated[_Days | None, Field(description="days since 1970; the last day sets no bound")] = None

    @property
    def has_slider_values(self) -> bool:
        return self.position is not None or self.day is not None


class RecordSlider(NamedTuple):
    """The slider over the record, at the last event that the page reads, with the title of its report."""

    position: int
    recorded_at: datetime
    report: str


class DateSlider(NamedTuple):
    """The slider over dates, in days since 1970: the first day, the day after the last, and the chosen day."""

    first: int
    end: int
    chosen: int


class Clocks(NamedTuple):
    """Both sliders, with their ticks: the reports on the first, and the day (since 1970) and name of each round."""

    record: RecordSlider | None
    reports: Sequence[ReportSummary]
    dates: DateSlider
    rounds: Sequence[tuple[int, str]]


def clocks(
    visit: PageRequest[Any], snapshot: Snapshot, dates: Iterable[str | None], rounds: Iterable[BoardRound]
) -> Clocks:
    """Return the sliders of a page. `dates` (EDTF) are the dates that the second slider covers."""
    ticks = [(_days_since_1970(round.latest), round.name) for round in rounds]
    return Clocks(_record_slider(visit, snapshot), _report_ticks(snapshot), _date_slider(visit, dates), ticks)


def chosen_address(visit: PageRequest[Any], dates: Iterable[str | None], **others: object) -> str:
    """Return the address of the page at the point that the sliders chose, with the other parameters of the page."""
    query: SliderQuery = visit.query
    slider = _date_slider(visit, dates)
    position = query.position if query.position is None or query.position < visit.head.position else None
    day = _date_of(query.day) if query.day is not None and query.day < slider.end else None
    return address(visit.path, **others, as_of_position=position, effective_on=day)


def _report_ticks(snapshot: Snapshot) -> Sequence[ReportSummary]:
    """Return the reports to mark on the slider. Return an empty list if a relation has more than 60."""
    ticks: list[ReportSummary] = []
    for relation in snapshot.reader.reads or (None,):
        page = snapshot.read(LIST, written(ReportsQuery, limit=_MAX_TICKS, relation=relation))
        if page.next:
            return ()
        ticks += page.documents
    return sorted(ticks, key=attrgetter("position"))


def _record_slider(visit: PageRequest[Any], snapshot: Snapshot) -> RecordSlider | None:
    """Return the slider at the last event that the visitor can read at this point. None before the first event."""
    position = snapshot.point_in_log(visit.query).position
    event = snapshot.last_event(position)
    if event is None:
        return None
    # A time is shown to a limited visitor as the position of the last event that it can read, not of the record.
    if snapshot.reader.reads is not None and visit.query.known_at is not None:
        position = event.position
    title = reports.by_ids(snapshot.c, [event.report])[event.report].title
    return RecordSlider(position, event.recorded_at, title)


def _date_slider(visit: PageRequest[Any], dates: Iterable[str | None]) -> DateSlider:
    spans = [when(text) for text in dates]
    days = {day for span in spans for day in (span.earliest, span.latest) if day} or {visit.today}
    first, end = _days_since_1970(min(days)), _days_since_1970(max(days)) + 1
    day = visit.query.effective_on
    return DateSlider(first, end, end if day is None else min(max(_days_since_1970(day), first), end))


def _days_since_1970(day: date) -> int:
    return day.toordinal() - _EPOCH


def _date_of(days_since_1970: int) -> date:
    return date.fromordinal(days_since_1970 + _EPOCH)
