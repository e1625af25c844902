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
from service.web.timeline import LABEL, WIDTH, RoundLine, Scale, round_lines, top_below_names, with_tops

_LEFT, _RIGHT = 300.0, 970.0
"""The ends of the scale, in pixels. Titles are on its left, and the last statuses in words on its right."""
_ROW: Final = 56
_STEP: Final = 5
_MOST_OF_A_TITLE: Final = 240.0
_LEAST_AFTER: Final = timedelta(30)


class Line(NamedTuple):
    """One irritant: the paths of its claimed status as a line and of its confirmed status as an area."""

    id: str
    title: str
    label: str
    claimed: Rung
    confirmed: Rung
    top: float
    foot: float
    line: str
    area: str

    @property
    def length(self) -> float:
        """Return the width of the label."""
        return text_width(self.label, LABEL, bold=True)


class Course(NamedTuple):
    """The whole drawing, and the rounds in order of their days. `until` is the day at the right end."""

    lines: Sequence[Line]
    rounds: Sequence[RoundLine]
    rows: Sequence[BoardRow]
    names: Sequence[str]
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
    # A long time after the last round would press the rounds together, so the end is near it, and not to scale.
    most = max(days[-1] - days[0], _LEAST_AFTER)
    scale = Scale(days[0], days[-1] + min(max(until - days[-1], timedelta(1)), most), _LEFT, _RIGHT)
    lines = round_lines(scale, met)
    top = top_below_names(lines)
    placed = with_tops(lines, top)
    ends = [*map(scale.x, days), _RIGHT]
    found = [_line(row, ends, top + n * _ROW) for n, row in enumerate(rows)]
    names = [round.name for round in met]
    return Course(found, placed, rows, names, until, _RIGHT, top + _ROW * len(rows) + 4)


def _line(row: BoardRow, ends: Sequence[float], top: float) -> Line:
    foot = top + _ROW - 8
    claimed = [after.status for after in row.over_the_rounds]
    confirmed = [after.confirmed_status for after in row.over_the_rounds]
    line = _path(claimed, row.status, ends, foot)
    area = f"{_path(confirmed, row.confirmed_status, ends, foot)}V{foot:g}H{ends[0]:g}z"
    label = shortened(row.title, LABEL, _MOST_OF_A_TITLE)
    return Line(row.id, row.title, label, row.status, row.confirmed_status, top, foot, line, area)


def _path(after: Sequence[Rung], now: Rung, ends: Sequence[float], foot: float) -> str:
    """Return a line with a step at each round after which the status differs, up to the status now."""
    path, last = f"M{ends[0]:g} {_y(after[0], foot):g}", after[0]
    for status, x in zip(after[1:], ends[1:-1], strict=True):
        if status != last:
            path, last = f"{path}H{x:g}V{_y(status, foot):g}", status
    return f"{path}H{ends[-1]:g}V{_y(now, foot):g}"


def _y(rung: Rung, foot: float) -> float:
    return foot - _STEP * LEVELS[rung]
