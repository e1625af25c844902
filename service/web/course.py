"""Compute the drawing of a relation over time: for each irritant what is claimed and confirmed after each round.

The rounds are lines at their last days, and the right end is the day to which the page counts. `templates/course.html`
draws the result, and shows the same as a table.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from service.domain.ladder import LEVELS, Rung
from service.projections.board import BoardDocument, BoardRow
from service.web.text_width import shortened, text_width
from service.web.timeline import LABEL_SIZE, WIDTH, RoundLine, Scale, round_lines, top_below_names, with_tops

_LEFT, _RIGHT = 300.0, 970.0
"""The ends of the scale, in pixels. Titles are on its left, and the last statuses in words on its right."""
_ROW_HEIGHT: Final = 56
_RUNG_HEIGHT: Final = 5
_MAX_TITLE_WIDTH: Final = 240.0
_MIN_TIME_AFTER: Final = timedelta(30)


class Line(NamedTuple):
    """One irritant as SVG paths: its claimed status as a line, and its confirmed status as an area.

    `label` is the title, shortened to its room. `bottom` is the y of the rung `unstated`.
    """

    id: str
    title: str
    label: str
    claimed: Rung
    confirmed: Rung
    top: float
    bottom: float
    claimed_path: str
    confirmed_area: str

    @property
    def label_width(self) -> float:
        return text_width(self.label, LABEL_SIZE, bold=True)


class Course(NamedTuple):
    """The whole drawing, and the same as the `rows` of a table. `until` is the day at the right end of the drawing."""

    lines: Sequence[Line]
    rounds: Sequence[RoundLine]
    rows: Sequence[BoardRow]
    round_names: Sequence[str]
    until: date
    right: float
    height: float
    width: float = WIDTH


def course(board: BoardDocument, irritants: Collection[str], until: date) -> Course | None:
    """Return the drawing of these irritants. Return None if no round with a known day has met."""
    met = [round for round in board.rounds if round.met]
    rows = [row for row in board.items if row.id in irritants]
    if not met or not rows:
        return None
    days = [round.latest for round in met]
    # A long time after the last round would press the rounds together, so it is drawn shorter than it was.
    longest = max(days[-1] - days[0], _MIN_TIME_AFTER)
    end = days[-1] + min(max(until - days[-1], timedelta(1)), longest, date.max - days[-1])
    scale = Scale(days[0], end, _LEFT, _RIGHT)
    lines_of_rounds = round_lines(scale, met)
    top = top_below_names(lines_of_rounds)
    ends = [*map(scale.x, days), _RIGHT]
    irritant_lines = [_line(row, ends, top + n * _ROW_HEIGHT) for n, row in enumerate(rows)]
    names = [round.name for round in met]
    height = top + _ROW_HEIGHT * len(rows) + 4
    return Course(irritant_lines, with_tops(lines_of_rounds, top), rows, names, until, _RIGHT, height)


def _line(row: BoardRow, ends: Sequence[float], top: float) -> Line:
    """Return the line of an irritant. `ends` has the x of each round and of the right end."""
    bottom = top + _ROW_HEIGHT - 8
    claimed = [after.status for after in row.over_the_rounds]
    confirmed = [after.confirmed_status for after in row.over_the_rounds]
    line = _path(claimed, row.status, ends, bottom)
    area = f"{_path(confirmed, row.confirmed_status, ends, bottom)}V{bottom:g}H{ends[0]:g}z"
    label = shortened(row.title, LABEL_SIZE, _MAX_TITLE_WIDTH)
    return Line(row.id, row.title, label, row.status, row.confirmed_status, top, bottom, line, area)


def _path(after_rounds: Sequence[Rung], now: Rung, ends: Sequence[float], bottom: float) -> str:
    """Return a line with a step at each round after which the status differs, up to the status now."""
    path, last = f"M{ends[0]:g} {_y(after_rounds[0], bottom):g}", after_rounds[0]
    for status, x in zip(after_rounds[1:], ends[1:-1], strict=True):
        if status != last:
            path, last = f"{path}H{x:g}V{_y(status, bottom):g}", status
    return f"{path}H{ends[-1]:g}V{_y(now, bottom):g}"


def _y(rung: Rung, bottom: float) -> float:
    return bottom - _RUNG_HEIGHT * LEVELS[rung]
