"""Compute the drawing of an irritant's timeline: a lane for each voice, and a mark for each statement at its date.

The voices are the sides, third parties and media. `templates/timeline.html` draws the result.

The drawing shows how exactly a date is known. A known day is a point. An unknown day between two dates is a span. If
one end is unknown, the span fades and ends in an arrow. A mark without a date is on the left of the scale.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from service.domain import edtf
from service.domain.actors import MEDIA
from service.projections.board import BoardRound
from service.projections.timeline import Entry
from service.web.formatting import day, name_at_start
from service.web.text_width import shortened, text_width

# Distances are in pixels.
WIDTH: Final = 1180
_LEFT, _RIGHT = 150.0, 1160.0
"""The ends of the scale, with its margins."""
_UNDATED_X: Final = 92.0
"""Where marks without a date are: on the left of the scale."""
_DRAWING_TOP: Final = 46
_ROW_HEIGHT: Final = 30
_LANE_PADDING: Final = 12
LABEL_SIZE: Final = 11.5
"""The size of the font of labels, as in style.css."""
_MARK_WIDTH: Final = 14
"""The width of a mark without its label."""
_MIN_MARGIN, _MAX_MARGIN = 46.0, 340.0
"""The width of the margins of the scale. Spans without an end and their labels are in them."""
_VOICE_SIZE: Final = 13.0
"""The size of the font of the names of voices."""
_VOICE_END: Final = 146.0
"""Where the name of a voice ends. It is in the first row of its lane, so marks in this row begin after it."""
_MIN_DAYS: Final = 14
_MAX_TICKS: Final = 12
_TICK_GAP: Final = 10
_NAME_HEIGHT, _NAME_GAP, _NAME_ROWS, _MAX_NAME_WIDTH = 30, 12, 3, 400.0
"""The rows of the names of rounds, above the lanes: height, distance from the lanes, most rows, widest name."""

Span = Literal["day", "between", "period", "after", "before", "unknown"]
Shape = Literal["up", "down", "denial", "beside"]
"""`up`: the statement moved a status. `down`: a reversal or reopening. `beside`: any other statement."""

_SHAPES: Final[Mapping[Shape, str]] = {
    "up": "m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "down": "m-6-4.5h12l-6 9.5z",
    "denial": "m-4.5-4.5l9 9m0-9l-9 9",
    "beside": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
}
_REVERSALS: Final = {"ProgressReversed", "IrritantReopened"}
_PERIOD_OF_DAYS: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Mark(NamedTuple):
    """One statement in one lane, in pixels.

    The shape and the label are at `x`. The span of the date is from `begin` to `end`. The whole mark, with its label,
    is from `left` to `right`.
    """

    entry: Entry
    label: str
    shape: Shape
    span: Span
    x: float
    begin: float
    end: float
    left: float
    right: float
    is_label_left: bool = False
    y: float = 0

    @property
    def shape_path(self) -> str:
        return _SHAPES[self.shape]

    @property
    def label_width(self) -> float:
        return text_width(self.label, LABEL_SIZE)


class Lane(NamedTuple):
    """The statements of one voice: a side, a third party, or MEDIA."""

    voice: str
    top: float
    height: float
    marks: Sequence[Mark]
    is_third_party: bool = False
    name: str = ""

    @property
    def name_width(self) -> float:
        return text_width(self.name, _VOICE_SIZE)


class Tick(NamedTuple):
    """A day on the scale."""

    x: float
    day: date

    @property
    def label_width(self) -> float:
        return text_width(day(self.day), LABEL_SIZE)


class RoundLine(NamedTuple):
    """A round, as a line across all lanes, or a band from its first to its last day.

    The line is at `x`. A band is from `begin` to `x`, which are the same for a round of one day. The line with its name
    is from `left` to `right`. `name_row` is the row of the name, counted upwards from the lanes. It is None if there is
    no room for the name.
    """

    x: float
    name: str
    id: str
    last_day: date
    days_in_words: str
    begin: float
    left: float
    right: float
    is_name_left: bool
    name_row: int | None = None
    top: float = 0

    @property
    def name_width(self) -> float:
        return text_width(self.name, LABEL_SIZE, bold=True)

    @property
    def days_width(self) -> float:
        return text_width(self.days_in_words, LABEL_SIZE)


class Plot(NamedTuple):
    """The whole drawing. `scale_y` is the y of the scale, below the lanes."""

    lanes: Sequence[Lane]
    ticks: Sequence[Tick]
    rounds: Sequence[RoundLine]
    scale_y: float
    height: float
    width: float = WIDTH


@dataclass(frozen=True)
class Scale:
    """Converts days to pixels. Spans without an end use the margins left and right of the scale."""

    first: date
    last: date
    left: float
    right: float

    def x(self, day: date) -> float:
        share = (day - self.first).days / max((self.last - self.first).days, 1)
        return round(self.left + share * (self.right - self.left), 1)


def plot(
    entries: Sequence[Entry], parties: Sequence[str], rounds: Sequence[BoardRound], labels: Mapping[str, str]
) -> Plot:
    """Return the drawing of the entries that have a label. `labels` has the label of each mark, by event id.

    Labels that are too long for the drawing are shortened.
    """
    labels = {event: shortened(label, LABEL_SIZE, _MAX_MARGIN - _MARK_WIDTH) for event, label in labels.items()}
    statements = [entry for entry in entries if entry.event in labels]
    dated = [day for e in statements for day in (e.earliest, e.latest) if day] + [r.latest for r in rounds]
    dated += [r.earliest for r in rounds if r.earliest and _PERIOD_OF_DAYS.fullmatch(r.date)]
    scale = _scale(dated, statements, labels)
    lines = round_lines(scale, rounds)
    top, lanes = top_below_names(lines), []
    third_parties = {voice for e in statements for voice in lanes_of(e, parties)} - {*parties, MEDIA}
    for voice in (*parties, *sorted(third_parties), MEDIA):
        lane = _lane(voice, top, [e for e in statements if voice in lanes_of(e, parties)], scale, labels)
        top += lane.height
        name = shortened(str(name_at_start(voice).unescape()), _VOICE_SIZE, _VOICE_END - 8)
        lanes.append(lane._replace(is_third_party=voice in third_parties, name=name))
    placed = with_tops(lines, lanes[0].top)
    return Plot(lanes, _ticks(scale) if dated else (), placed, top, top + 26)


def lanes_of(entry: Entry, parties: Sequence[str]) -> Sequence[str]:
    """Return the lanes of an entry. A joint text is in the lanes of both sides."""
    party = entry.data["asserted_by"]["party"]
    return parties if party == "JOINT" else [party]


def _scale(days: Sequence[date], statements: Sequence[Entry], labels: Mapping[str, str]) -> Scale:
    """Return a scale for these days, at least two weeks long, with margins for the labels of spans without an end."""
    before = [_label_width(labels[e.event]) for e in statements if e.earliest is None and e.latest is not None]
    after = [_label_width(labels[e.event]) for e in statements if e.latest is None and e.earliest is not None]
    left = _LEFT + min(max([*before, _MIN_MARGIN]), _MAX_MARGIN)
    right = _RIGHT - min(max([*after, _MIN_MARGIN]), _MAX_MARGIN)
    if not days:
        return Scale(date.min, date.min, left, right)
    first, last = min(days), max(days)
    missing = timedelta(max(_MIN_DAYS - (last - first).days, 0) // 2)
    return Scale(max(first, date.min + missing) - missing, min(last, date.max - missing) + missing, left, right)


def _label_width(label: str) -> float:
    return text_width(label, LABEL_SIZE) + _MARK_WIDTH


def _lane(voice: str, top: float, entries: Iterable[Entry], scale: Scale, labels: Mapping[str, str]) -> Lane:
    """Return a lane. Marks that would overlap are in different rows."""
    ends = [_VOICE_END]
    marks = []
    for entry in entries:
        mark = _mark(entry, scale, labels[entry.event])
        row = next((row for row, end in enumerate(ends) if end < mark.left), len(ends))
        ends[row : row + 1] = [mark.right]
        marks.append(mark._replace(y=top + _LANE_PADDING + _ROW_HEIGHT * (row + 1) - 9))
    return Lane(voice, top, _ROW_HEIGHT * max(len(ends), 1) + 2 * _LANE_PADDING - 2, marks)


def _mark(entry: Entry, scale: Scale, label: str) -> Mark:
    earliest, latest, width = entry.earliest, entry.latest, _label_width(label)
    shape = _shape(entry)
    if earliest is not None and latest is not None:
        return _dated_mark(entry, shape, scale.x(earliest), scale.x(latest), label, width)
    if earliest is not None:
        x = scale.x(earliest)
        return Mark(entry, label, shape, "after", x, x, _RIGHT, x - 8, _RIGHT)
    if latest is not None:
        x = scale.x(latest)
        return Mark(entry, label, shape, "before", x, _LEFT, x, _LEFT, x + 8, is_label_left=True)
    return Mark(entry, label, shape, "unknown", _UNDATED_X, _UNDATED_X, _UNDATED_X, _UNDATED_X, _UNDATED_X + width)


def _dated_mark(entry: Entry, shape: Shape, begin: float, end: float, label: str, width: float) -> Mark:
    """Return a mark whose first and last day are known. A label without room on the right goes to the left."""
    span: Span = "day" if entry.earliest == entry.latest else "period" if "/" in (entry.occurred or "") else "between"
    if begin + width > _RIGHT:
        left = min(begin, end - width) - 8
        return Mark(entry, label, shape, span, end, begin, end, left, end + 8, is_label_left=True)
    return Mark(entry, label, shape, span, begin, begin, end, begin - 8, max(end + 8, begin + width))


def _shape(entry: Entry) -> Shape:
    if entry.type == "ClaimContested":
        return "denial"
    return "down" if entry.type in _REVERSALS else "up" if entry.moved else "beside"


def round_lines(scale: Scale, rounds: Iterable[BoardRound]) -> Sequence[RoundLine]:
    """Return the lines of rounds. The latest rounds get room for their names first."""
    rows: list[list[RoundLine]] = [[] for _ in range(_NAME_ROWS)]
    placed = []
    for round in sorted(rounds, key=attrgetter("latest"), reverse=True):
        line = _round_line(scale, round)
        free = (row for row, taken in enumerate(rows) if not any(_overlap(line, other) for other in taken))
        row = next(free, None)
        if row is not None:
            rows[row].append(line)
        placed.append(line._replace(name_row=row))
    return placed[::-1]


def _round_line(scale: Scale, round: BoardRound) -> RoundLine:
    x, name = scale.x(round.latest), shortened(round.name, LABEL_SIZE, _MAX_NAME_WIDTH)
    days = edtf.describe(round.date) if _PERIOD_OF_DAYS.fullmatch(round.date) else day(round.latest)
    begin = scale.x(round.earliest) if _PERIOD_OF_DAYS.fullmatch(round.date) and round.earliest else x
    width = max(text_width(name, LABEL_SIZE, bold=True), text_width(days, LABEL_SIZE)) + 4
    is_name_left = x > (_LEFT + _RIGHT) / 2
    left, right = (begin - width if is_name_left else begin), (x if is_name_left else x + width)
    return RoundLine(x, name, round.id, round.latest, days, begin, left, right, is_name_left)


def _overlap(line: RoundLine, other: RoundLine) -> bool:
    return line.right >= other.left and other.right >= line.left


def top_below_names(lines: Iterable[RoundLine]) -> float:
    """Return the y at which the lanes begin, below the rows with the names of rounds."""
    rows = [line.name_row for line in lines if line.name_row is not None]
    return float(_DRAWING_TOP + _NAME_HEIGHT * max(rows, default=0))


def with_tops(lines: Iterable[RoundLine], top: float) -> list[RoundLine]:
    """Return the lines with their tops. A line begins below its name, or at `top` of the lanes if it has no name."""
    return [
        line._replace(top=top - (0 if line.name_row is None else _NAME_GAP + _NAME_HEIGHT * line.name_row))
        for line in lines
    ]


def _ticks(scale: Scale) -> Sequence[Tick]:
    """Return ticks on first days of months, else at equal distances: as many as have room, 12 at most."""
    for months in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000):
        ticks = [Tick(scale.x(day), day) for day in _month_starts(scale, months)]
        if 2 <= len(ticks) <= _MAX_TICKS and _do_not_touch(ticks):
            return ticks
    divisions = (_equal_parts(scale, number) for number in (4, 3, 2))
    return next(filter(_do_not_touch, divisions), _equal_parts(scale, 1))


def _equal_parts(scale: Scale, number: int) -> Sequence[Tick]:
    """Return ticks at the ends of so many equal parts of the scale."""
    days = (scale.last - scale.first).days
    ends = [scale.first + timedelta(days * n // number) for n in range(number + 1)]
    return [Tick(scale.x(day), day) for day in ends]


def _do_not_touch(ticks: Sequence[Tick]) -> bool:
    """Return whether the labels of neighbouring ticks have a gap between them."""
    return all(
        another.x - one.x >= (one.label_width + another.label_width) / 2 + _TICK_GAP for one, another in pairwise(ticks)
    )


def _month_starts(scale: Scale, months: int) -> Iterator[date]:
    """Yield the first day of every so many months within the scale, counted from the year 1."""
    first = (scale.first.year - 1) * 12 + scale.first.month - 1 + (scale.first.day > 1)
    for month in range(-(-first // months) * months, scale.last.year * 12, months):
        if (day := date(month // 12 + 1, month % 12 + 1, 1)) <= scale.last:
            yield day
