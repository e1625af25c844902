"""Compute the control for the point in time of a page: two sliders, and two text fields for days.

One slider is over the positions of the record, the other over the dates of events. They send numbers. The fields take
days as people write them. The response redirects to an address that names the point as in the HTTP interface, so that
readers can save and share it. A slider at its end and an empty field set no bound. If a field is not valid, the page
shows what was entered, with each mistake at its field.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, Field

from service.api.parameters import AsOfQuery, Whole, whole, written
from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.reports import LIST, ReportsQuery, ReportSummary
from service.domain.assertion import when
from service.projections.board import BoardRound
from service.readouts import dates as readable_dates
from service.readouts import points
from service.store import reports
from service.web.pages import PageRequest, Redirect, address

_EPOCH: Final = date(1970, 1, 1).toordinal()
_MAX_TICKS: Final = 60
_Days = Annotated[int, Field(ge=0, le=2_900_000), BeforeValidator(whole)]
_Text = Annotated[str | None, Field(max_length=100)]
DAY_FIELDS: Final = ("known_on", "happened_by")
"""The names of the text fields: for the day of recording, and for the day of events."""
_PARAMETERS: Final[Mapping[str, str]] = {"position": "as_of_position", "known": "known_at"}
"""The parameter for each kind of point of the record."""
_FIELDS: Final[Mapping[str, str]] = {
    "as_of_position": "known_on",
    "known_at": "known_on",
    "effective_on": "happened_by",
}
"""The field for each parameter."""


class ClocksQuery(AsOfQuery):
    """The point in time of a page, also as the control sends it.

    `position` and `day` are the values of the sliders, `known_on` and `happened_by` those of the fields. The control
    sends the former point as well. A mistake in a field leaves the page there.
    """

    position: Annotated[Whole | None, Field(description="a position; the end of the record sets no bound")] = None
    day: Annotated[_Days | None, Field(description="days since 1970; the last day sets no bound")] = None
    known_on: _Text = None
    happened_by: _Text = None

    @property
    def has_slider_values(self) -> bool:
        return self.position is not None or self.day is not None

    @property
    def has_fields(self) -> bool:
        return self.known_on is not None or self.happened_by is not None


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


class DayField(NamedTuple):
    """A text field for a day: its name, what it shows, and its mistake, which continues "The value"."""

    name: str
    text: str
    mistake: str | None


class Clocks(NamedTuple):
    """Both sliders, with their ticks: the reports on the first, and the day (since 1970) and name of each round.

    `days`: the fields for the day of recording and the day of events.
    """

    record: RecordSlider | None
    reports: Sequence[ReportSummary]
    dates: DateSlider
    rounds: Sequence[tuple[int, str]]
    days: Sequence[DayField]


def clocks(
    visit: PageRequest[Any],
    snapshot: Snapshot,
    dates: Iterable[str | None],
    rounds: Iterable[BoardRound],
    mistakes: Mapping[str, str],
) -> Clocks:
    """Return the control of a page. `dates` (EDTF) are the dates that the second slider covers.

    `mistakes` is the result of `redirect_to_chosen_point`.
    """
    ticks = [(_days_since_1970(round.latest), round.name) for round in rounds]
    return Clocks(
        _record_slider(visit, snapshot),
        _report_ticks(snapshot),
        _date_slider(visit, dates),
        ticks,
        [DayField(name, text, mistakes.get(name)) for name, text in _texts(visit).items()],
    )


def redirect_to_chosen_point(
    visit: PageRequest[Any], snapshot: Snapshot, dates: Iterable[str | None], **others: object
) -> Mapping[str, str]:
    """Raise Redirect to the page at the point that the control sent, with the `others` of its parameters.

    Return the mistakes by field. Empty if the address has the point as in the HTTP interface.
    """
    query: ClocksQuery = visit.query
    if query.has_slider_values:
        raise Redirect(_address_at(visit, _point_of_sliders(visit, dates), others))
    if not query.has_fields:
        return {}
    point, mistakes = _point_of_fields(visit, snapshot)
    if mistakes:
        return mistakes
    raise Redirect(_address_at(visit, point, others))


def _address_at(visit: PageRequest[Any], point: Mapping[str, object], others: Mapping[str, object]) -> str:
    date_match = visit.query.date_match if point.get("effective_on") else None
    return address(visit.path, **others, **point, date_match=date_match)


def _point_of_sliders(visit: PageRequest[Any], dates: Iterable[str | None]) -> Mapping[str, object]:
    query: ClocksQuery = visit.query
    slider = _date_slider(visit, dates)
    position = query.position if query.position is None or query.position < visit.head.position else None
    day = _date_of(query.day) if query.day is not None and query.day < slider.end else None
    return {"as_of_position": position, "effective_on": day}


def _point_of_fields(visit: PageRequest[Any], snapshot: Snapshot) -> tuple[Mapping[str, object], Mapping[str, str]]:
    """Return the parameters of the point that the fields name, and the mistakes by field."""
    texts, point, mistakes = _texts(visit), dict[str, object](), dict[str, str]()
    try:
        if known := points.known_by(texts["known_on"], visit.today):
            kind, _, value = known.partition(":")
            point[_PARAMETERS[kind]] = value
    except points.NotAPoint as error:
        mistakes["known_on"] = str(error)
    try:
        if texts["happened_by"].strip():
            point["effective_on"] = readable_dates.day_written(texts["happened_by"])
    except readable_dates.NotADay as error:
        mistakes["happened_by"] = str(error)
    try:
        snapshot.point(written(AsOfQuery, **point))
    except Problem as problem:
        if not problem.document.errors:
            raise
        mistakes |= {_FIELDS[str(wrong.parameter)]: wrong.detail for wrong in problem.document.errors}
    return point, mistakes


def _texts(visit: PageRequest[Any]) -> Mapping[str, str]:
    """Return what the fields show: what was entered, else the point of the page in a form that they take."""
    query: ClocksQuery = visit.query
    if query.has_fields:
        return {"known_on": query.known_on or "", "happened_by": query.happened_by or ""}
    point = visit.point
    known = point.get("as_of_position") or point.get("known_at", "").removesuffix(points.END_OF_DAY)
    return {"known_on": known, "happened_by": point.get("effective_on", "")}


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
