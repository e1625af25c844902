"""The timeline of an irritant as a drawing: one lane for each side and media, one mark for each statement, by date.

Only known dates are drawn as known. A day is a point. One unknown day between two is a span. A span with one unknown
end fades and ends in an arrow. A mark without any date stands before the scale.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from service.domain.actors import MEDIA
from service.projections.board import BoardRound
from service.projections.timeline import Entry
from service.web.formatting import day, round_name

_WIDTH: Final = 1180
_LEFT, _RIGHT = 150.0, 1160.0
"""The ends of the scale, in pixels. Marks without a date stand before it."""
_UNKNOWN: Final = 92.0
_ROW: Final = 30
_PADDING: Final = 12
_TOP: Final = 46
_CHARACTER: Final = 5.9
_LEAST_ROOM, _MOST_ROOM = 46.0, 340.0
_FEWEST_DAYS: Final = 14
_NAME, _UNDER_NAME, _ROWS_OF_NAMES, _NAME_CHARACTER = 30, 12, 3, 6.6

Span = Literal["day", "between", "period", "after", "before", "unknown"]
Shape = Literal["up", "down", "denial", "beside"]

_SHAPES: Final[Mapping[Shape, str]] = {
    "up": "m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "down": "m-6-4.5h12l-6 9.5z",
    "denial": "m-4.5-4.5l9 9m0-9l-9 9",
    "beside": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
}
_DOWN: Final = {"ProgressReversed", "IrritantReopened"}


class Mark(NamedTuple):
    """One statement in one lane.

    `x` is the position of shape and label, `begin` and `end` bound the span, `left` and `right` bound the space
    that it takes, all in pixels. `turned` puts the label before the shape.
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


class Lane(NamedTuple):
    """One voice: a side, a third party, or MEDIA."""

    voice: str
    top: float
    height: float
    marks: Sequence[Mark]


class Tick(NamedTuple):
    """A day on the scale."""

    x: float
    day: date


class RoundLine(NamedTuple):
    """A round, as a line across all lanes. `turned` puts its name before the line.

    `row` is the row of its name, counted from the lanes; None if there is no room. `y` is the top of the line.
    """

    x: float
    name: str
    id: str
    day: date
    left: float
    right: float
    turned: bool
    row: int | None = None
    y: float = 0


class Plot(NamedTuple):
    """The whole drawing. `foot` is the y of the scale, below the lanes."""

    lanes: Sequence[Lane]
    ticks: Sequence[Tick]
    rounds: Sequence[RoundLine]
    foot: float
    height: float
    width: float = _WIDTH


@dataclass(frozen=True)
class Scale:
    """The days from left to right, with margins for spans that reach beyond them."""

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
    """Return the drawing of these entries. `labels` has the text of each mark, by event id."""
    said = [entry for entry in entries if entry.event in labels]
    dated = [day for e in said for day in (e.earliest, e.latest) if day] + [r.latest for r in rounds]
    scale = _scale(dated, said, labels)
    lines = _round_lines(scale, rounds)
    top, lanes = float(_TOP + _NAME * max([u.row for u in lines if u.row is not None], default=0)), []
    third_parties = {v for e in said for v in lanes_of(e, parties)} - {*parties, MEDIA}
    for voice in (*parties, *sorted(third_parties), MEDIA):
        lane = _lane(voice, top, [e for e in said if voice in lanes_of(e, parties)], scale, labels)
        top += lane.height
        lanes.append(lane)
    stand = [line._replace(y=_beginning(line, lanes[0].top)) for line in lines]
    return Plot(lanes, _ticks(scale) if dated else (), stand, top, top + 26)


def lanes_of(entry: Entry, parties: Sequence[str]) -> Sequence[str]:
    """Return the lanes of an entry: both sides for a joint text."""
    party = entry.data["asserted_by"]["party"]
    return parties if party == "JOINT" else [party]


def _scale(days: Sequence[date], said: Sequence[Entry], labels: Mapping[str, str]) -> Scale:
    before = [_long(labels[e.event]) for e in said if e.earliest is None and e.latest is not None]
    after = [_long(labels[e.event]) for e in said if e.latest is None and e.earliest is not None]
    left = _LEFT + min(max([*before, _LEAST_ROOM]), _MOST_ROOM)
    right = _RIGHT - min(max([*after, _LEAST_ROOM]), _MOST_ROOM)
    if not days:
        return Scale(date.min, date.min, left, right)
    first, last = min(days), max(days)
    missing = timedelta(max(_FEWEST_DAYS - (last - first).days, 0) // 2)
    return Scale(max(first, date.min + missing) - missing, min(last, date.max - missing) + missing, left, right)


def _long(label: str) -> float:
    return len(label) * _CHARACTER + 14


def _lane(voice: str, top: float, entries: Iterable[Entry], scale: Scale, labels: Mapping[str, str]) -> Lane:
    """Return a lane. Marks that would overlap go to further rows."""
    ends: list[float] = []
    marks = []
    for entry in entries:
        mark = _mark(entry, scale, labels[entry.event])
        row = next((row for row, end in enumerate(ends) if end < mark.left), len(ends))
        ends[row : row + 1] = [mark.right]
        marks.append(mark._replace(y=top + _PADDING + _ROW * (row + 1) - 9))
    return Lane(voice, top, _ROW * max(len(ends), 1) + 2 * _PADDING - 2, marks)


def _mark(entry: Entry, scale: Scale, label: str) -> Mark:
    earliest, latest, long = entry.earliest, entry.latest, _long(label)
    shape = _shape(entry)
    if earliest is not None and latest is not None:
        return _known(entry, shape, scale.x(earliest), scale.x(latest), label, long)
    if earliest is not None:
        x = scale.x(earliest)
        return Mark(entry, label, shape, "after", x, x, _RIGHT, x - 8, _RIGHT)
    if latest is not None:
        x = scale.x(latest)
        return Mark(entry, label, shape, "before", x, _LEFT, x, _LEFT, x + 8, turned=True)
    return Mark(entry, label, shape, "unknown", _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN + long)


def _known(entry: Entry, shape: Shape, begin: float, end: float, label: str, long: float) -> Mark:
    """Return a mark with known dates. If the label does not fit on the right, it goes before the end of the span."""
    span: Span = "day" if entry.earliest == entry.latest else "period" if "/" in (entry.occurred or "") else "between"
    if begin + long > _RIGHT:
        return Mark(entry, label, shape, span, end, begin, end, min(begin, end - long) - 8, end + 8, turned=True)
    return Mark(entry, label, shape, span, begin, begin, end, begin - 8, max(end + 8, begin + long))


def _shape(entry: Entry) -> Shape:
    if entry.type == "ClaimContested":
        return "denial"
    return "down" if entry.type in _DOWN else "up" if entry.moved else "beside"


def _round_lines(scale: Scale, rounds: Iterable[BoardRound]) -> Sequence[RoundLine]:
    """Return the lines of rounds. The latest rounds get their names first, as far as there is room."""
    rows: list[list[RoundLine]] = [[] for _ in range(_ROWS_OF_NAMES)]
    found = []
    for round in sorted(rounds, key=attrgetter("latest"), reverse=True):
        line = _round_line(scale, round)
        free = (row for row, taken in enumerate(rows) if all(_apart(line, other) for other in taken))
        row = next(free, None)
        if row is not None:
            rows[row].append(line)
        found.append(line._replace(row=row))
    return found[::-1]


def _round_line(scale: Scale, round: BoardRound) -> RoundLine:
    x, name = scale.x(round.latest), round_name(round.id)
    long = max(len(name), len(day(round.latest))) * _NAME_CHARACTER
    turned = x > (_LEFT + _RIGHT) / 2
    return RoundLine(x, name, round.id, round.latest, x - long if turned else x, x if turned else x + long, turned)


def _apart(one: RoundLine, other: RoundLine) -> bool:
    return one.right < other.left or other.right < one.left


def _beginning(line: RoundLine, lanes: float) -> float:
    """Return the y where a line begins: below its name, or at the first lane."""
    return lanes - (0 if line.row is None else _UNDER_NAME + _NAME * line.row)


def _ticks(scale: Scale) -> Sequence[Tick]:
    """Return 2 to 12 ticks: first days of months if possible, else five equal parts."""
    days = (scale.last - scale.first).days
    for step in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000):
        if 2 <= len(found := list(_months(scale, step))) <= 12:
            return [Tick(scale.x(day), day) for day in found]
    parts = [scale.first + timedelta(days * part // 4) for part in range(5)]
    return [Tick(scale.x(day), day) for day in parts]


def _months(scale: Scale, step: int) -> Iterator[date]:
    """Yield the first day of every `step` months, counted from the year 1."""
    first = (scale.first.year - 1) * 12 + scale.first.month - 1 + (scale.first.day > 1)
    for month in range(-(-first // step) * step, scale.last.year * 12, step):
        if (day := date(month // 12 + 1, month % 12 + 1, 1)) <= scale.last:
            yield day
