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

WIDTH: Final = 1180
_LEFT, _RIGHT = 150.0, 1160.0
"""The ends of the scale, in pixels."""
_UNKNOWN: Final = 92.0
"""Where marks without a date are: on the left of the scale."""
_ROW: Final = 30
_PADDING: Final = 12
_TOP: Final = 46
LABEL: Final = 11.5
"""The size of the font of labels, as in style.css."""
_BESIDE: Final = 14
"""The room of a mark beside its label."""
_LEAST_ROOM, _MOST_ROOM = 46.0, 340.0
_VOICE: Final = 13.0
_END_OF_VOICE: Final = 146.0
"""Where the name of a voice ends. It is in the first row of its lane, where marks without a date would be on it."""
_FEWEST_DAYS: Final = 14
_MOST_TICKS: Final = 12
_BETWEEN_DAYS: Final = 10
_NAME, _UNDER_NAME, _ROWS_OF_NAMES, _MOST_OF_A_NAME = 30, 12, 3, 400.0

Span = Literal["day", "between", "period", "after", "before", "unknown"]
Shape = Literal["up", "down", "denial", "beside"]

_SHAPES: Final[Mapping[Shape, str]] = {
    "up": "m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "down": "m-6-4.5h12l-6 9.5z",
    "denial": "m-4.5-4.5l9 9m0-9l-9 9",
    "beside": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
}
_DOWN: Final = {"ProgressReversed", "IrritantReopened"}
_PERIOD: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Mark(NamedTuple):
    """One statement in one lane, in pixels.

    The shape and the label are at `x`. The span of the date is from `begin` to `end`. The whole mark, with its label,
    is from `left` to `right`. `turned` puts the label on the left of the shape.
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
    turned: bool = False
    y: float = 0

    @property
    def path(self) -> str:
        return _SHAPES[self.shape]

    @property
    def length(self) -> float:
        """Return the width of the label."""
        return text_width(self.label, LABEL)


class Lane(NamedTuple):
    """The statements of one voice: a side, a third party, or MEDIA."""

    voice: str
    top: float
    height: float
    marks: Sequence[Mark]
    is_third: bool = False
    name: str = ""

    @property
    def name_length(self) -> float:
        """Return the width of the name."""
        return text_width(self.name, _VOICE)


class Tick(NamedTuple):
    """A day on the scale."""

    x: float
    day: date

    @property
    def length(self) -> float:
        """Return the width of the day in words."""
        return text_width(day(self.day), LABEL)


class RoundLine(NamedTuple):
    """A round, as a line across all lanes, or a band from its first to its last day.

    `turned` puts its name on the left of the line. `row` is the row of the name, counted upwards from the lanes. It is
    None if there is no room for the name. `y` is the top of the line. The band begins at `begin`, which is `x` for a
    round of one day.
    """

    x: float
    name: str
    id: str
    day: date
    days: str
    begin: float
    left: float
    right: float
    turned: bool
    row: int | None = None
    y: float = 0

    @property
    def name_length(self) -> float:
        """Return the width of the name."""
        return text_width(self.name, LABEL, bold=True)

    @property
    def days_length(self) -> float:
        """Return the width of the days."""
        return text_width(self.days, LABEL)


class Plot(NamedTuple):
    """The whole drawing. `foot` is the y of the scale, below the lanes."""

    lanes: Sequence[Lane]
    ticks: Sequence[Tick]
    rounds: Sequence[RoundLine]
    foot: float
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

    Labels that are too long are shortened, so that none leaves the drawing.
    """
    labels = {event: shortened(label, LABEL, _MOST_ROOM - _BESIDE) for event, label in labels.items()}
    statements = [entry for entry in entries if entry.event in labels]
    dated = [day for e in statements for day in (e.earliest, e.latest) if day] + [r.latest for r in rounds]
    dated += [r.earliest for r in rounds if r.earliest and _PERIOD.fullmatch(r.date)]
    scale = _scale(dated, statements, labels)
    lines = round_lines(scale, rounds)
    top, lanes = top_below_names(lines), []
    third_parties = {voice for e in statements for voice in lanes_of(e, parties)} - {*parties, MEDIA}
    for voice in (*parties, *sorted(third_parties), MEDIA):
        lane = _lane(voice, top, [e for e in statements if voice in lanes_of(e, parties)], scale, labels)
        top += lane.height
        name = shortened(str(name_at_start(voice).unescape()), _VOICE, _END_OF_VOICE - 8)
        lanes.append(lane._replace(is_third=voice in third_parties, name=name))
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
    left = _LEFT + min(max([*before, _LEAST_ROOM]), _MOST_ROOM)
    right = _RIGHT - min(max([*after, _LEAST_ROOM]), _MOST_ROOM)
    if not days:
        return Scale(date.min, date.min, left, right)
    first, last = min(days), max(days)
    missing = timedelta(max(_FEWEST_DAYS - (last - first).days, 0) // 2)
    return Scale(max(first, date.min + missing) - missing, min(last, date.max - missing) + missing, left, right)


def _label_width(label: str) -> float:
    return text_width(label, LABEL) + _BESIDE


def _lane(voice: str, top: float, entries: Iterable[Entry], scale: Scale, labels: Mapping[str, str]) -> Lane:
    """Return a lane. Marks that would overlap are in different rows."""
    ends = [_END_OF_VOICE]
    marks = []
    for entry in entries:
        mark = _mark(entry, scale, labels[entry.event])
        row = next((row for row, end in enumerate(ends) if end < mark.left), len(ends))
        ends[row : row + 1] = [mark.right]
        marks.append(mark._replace(y=top + _PADDING + _ROW * (row + 1) - 9))
    return Lane(voice, top, _ROW * max(len(ends), 1) + 2 * _PADDING - 2, marks)


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
        return Mark(entry, label, shape, "before", x, _LEFT, x, _LEFT, x + 8, turned=True)
    return Mark(entry, label, shape, "unknown", _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN + width)


def _dated_mark(entry: Entry, shape: Shape, begin: float, end: float, label: str, width: float) -> Mark:
    """Return a mark whose first and last day are known. A label without room on the right goes to the left."""
    span: Span = "day" if entry.earliest == entry.latest else "period" if "/" in (entry.occurred or "") else "between"
    if begin + width > _RIGHT:
        return Mark(entry, label, shape, span, end, begin, end, min(begin, end - width) - 8, end + 8, turned=True)
    return Mark(entry, label, shape, span, begin, begin, end, begin - 8, max(end + 8, begin + width))


def _shape(entry: Entry) -> Shape:
    if entry.type == "ClaimContested":
        return "denial"
    return "down" if entry.type in _DOWN else "up" if entry.moved else "beside"


def round_lines(scale: Scale, rounds: Iterable[BoardRound]) -> Sequence[RoundLine]:
    """Return the lines of rounds. The latest rounds get room for their names first."""
    rows: list[list[RoundLine]] = [[] for _ in range(_ROWS_OF_NAMES)]
    found = []
    for round in sorted(rounds, key=attrgetter("latest"), reverse=True):
        line = _round_line(scale, round)
        free = (row for row, taken in enumerate(rows) if not any(_overlap(line, other) for other in taken))
        row = next(free, None)
        if row is not None:
            rows[row].append(line)
        found.append(line._replace(row=row))
    return found[::-1]


def _round_line(scale: Scale, round: BoardRound) -> RoundLine:
    x, name = scale.x(round.latest), shortened(round.name, LABEL, _MOST_OF_A_NAME)
    days = edtf.describe(round.date) if _PERIOD.fullmatch(round.date) else day(round.latest)
    begin = scale.x(round.earliest) if _PERIOD.fullmatch(round.date) and round.earliest else x
    width = max(text_width(name, LABEL, bold=True), text_width(days, LABEL)) + 4
    turned = x > (_LEFT + _RIGHT) / 2
    left, right = (begin - width if turned else begin), (x if turned else x + width)
    return RoundLine(x, name, round.id, round.latest, days, begin, left, right, turned)


def _overlap(line: RoundLine, other: RoundLine) -> bool:
    return line.right >= other.left and other.right >= line.left


def top_below_names(lines: Iterable[RoundLine]) -> float:
    """Return where a drawing begins below the rows with the names of rounds."""
    return float(_TOP + _NAME * max([line.row for line in lines if line.row is not None], default=0))


def with_tops(lines: Iterable[RoundLine], top: float) -> list[RoundLine]:
    """Return the lines, each up to its name above a drawing that begins at `top`."""
    return [line._replace(y=top - (0 if line.row is None else _UNDER_NAME + _NAME * line.row)) for line in lines]


def _ticks(scale: Scale) -> Sequence[Tick]:
    """Return ticks on first days of months, else at equal distances: as many as have room, 12 at most."""
    for step in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000):
        found = [Tick(scale.x(day), day) for day in _months(scale, step)]
        if 2 <= len(found) <= _MOST_TICKS and _have_room(found):
            return found
    return next((ticks for n in (4, 3, 2) if _have_room(ticks := _parts(scale, n))), _parts(scale, 1))


def _parts(scale: Scale, number: int) -> Sequence[Tick]:
    """Return ticks at the ends of so many equal parts of the scale."""
    days = (scale.last - scale.first).days
    ends = [scale.first + timedelta(days * n // number) for n in range(number + 1)]
    return [Tick(scale.x(day), day) for day in ends]


def _have_room(ticks: Sequence[Tick]) -> bool:
    """Return whether the days of no two ticks touch."""
    return all(
        another.x - one.x >= (one.length + another.length) / 2 + _BETWEEN_DAYS for one, another in pairwise(ticks)
    )


def _months(scale: Scale, step: int) -> Iterator[date]:
    """Yield the first day of every `step` months, counted from the year 1."""
    first = (scale.first.year - 1) * 12 + scale.first.month - 1 + (scale.first.day > 1)
    for month in range(-(-first // step) * step, scale.last.year * 12, step):
        if (day := date(month // 12 + 1, month % 12 + 1, 1)) <= scale.last:
            yield day
