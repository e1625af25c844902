"""The ladder as a scale, and how an irritant moved on it: the two drawings of the board.

Three statuses are three shapes, so nothing rests on colour: a bar up to what both sides confirm, a filled diamond at
what is claimed, an open circle at what is reported. There are few different ladders, so each is drawn once and kept.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from service.domain.ladder import LEVELS, RUNGS, Rung
from service.web.texts import texts

WIDTH: Final = 312
_FIRST, _STEP = 17, 39
_LINE: Final = 27
_DIAMOND: Final = "m0-7l7 7l-7 7l-7-7z"
_ROUND_STEP, _RUNG_STEP = 18, 4

Rungs = tuple[tuple[str, Rung], ...]


@lru_cache(maxsize=4096)
def ladder(rungs: Rungs, claimed: Rung, confirmed: Rung, reported: Rung, high_water: Rung) -> Markup:
    """One irritant on the ladder. `rungs`: each party's own, by code."""
    t = texts()
    marks = [Markup('<svg class="ladder" viewBox="0 0 {} 40" aria-hidden="true"><use href="#scale"/>').format(WIDTH)]
    if confirmed != "unstated":
        marks.append(_marked(t("mark.confirmed", rung=t(f"rung.{confirmed}")), _bar(confirmed)))
    if LEVELS[high_water] > LEVELS[claimed]:
        marks.append(_marked(t("mark.high-water", rung=t(f"rung.{high_water}")), _fallen(high_water, claimed)))
    if claimed != "unstated":
        marks.append(_marked(t("mark.claimed", rung=t(f"rung.{claimed}")), _at("claimed", claimed, _DIAMOND)))
    if reported != "unstated":
        circle = Markup('<circle class="reported" cx="{}" cy="{}" r="10"/>').format(_x(reported), _LINE)
        marks.append(_marked(t("mark.reported", rung=t(f"rung.{reported}")), circle))
    marks.extend(_sides(rungs))
    return Markup("").join((*marks, Markup("</svg>")))


def axis() -> Markup:
    """The names of the rungs, for above a column of ladders."""
    t = texts()
    names = (
        Markup('<text transform="translate({} 62)rotate(-38)">{}</text>').format(_x(rung) + 2, t(f"rung.{rung}"))
        for rung in RUNGS
    )
    drawn = Markup("").join(names)
    return Markup('<svg class="axis" viewBox="0 0 {} 66" aria-hidden="true">{}</svg>').format(WIDTH, drawn)


def scale() -> Markup:
    """What every ladder stands on, drawn once on a page and referred to."""
    ticks = "".join(f"M{_x(rung)} {_LINE - 4}v8" for rung in RUNGS)
    return Markup('<symbol id="scale" overflow="visible"><path class="scale" d="M{} {}H{}{}"/></symbol>').format(
        _x("unstated"), _LINE, _x("resolved"), ticks
    )


@lru_cache(maxsize=4096)
def movement(over: Sequence[tuple[str, Rung, Rung, Rung]], now: tuple[Rung, Rung, Rung]) -> Markup:
    """What was claimed after each round as steps, over what was confirmed, up to now. `over`: round and statuses."""
    t = texts()
    points = [*over, (t("board.now"), *now)]
    width, height = _ROUND_STEP * len(points) + 8, _RUNG_STEP * 7 + 12
    claimed = _steps([status for _, status, _, _ in points])
    confirmed = _steps([status for _, _, status, _ in points])
    told = Markup("; ").join(
        t("mark.after", round=name, claimed=t(f"rung.{status}"), confirmed=t(f"rung.{both}"))
        for name, status, both, _ in points
    )
    dots = Markup("").join(
        Markup('<circle class="dot" cx="{}" cy="{}" r="2"/>').format(_right(i), _y(status))
        for i, (_, status, _, _) in enumerate(points)
    )
    return Markup(
        '<svg class="movement" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}"><title>{}</title>'
        '<path class="area" d="{}V{}H4z"/><path class="line" d="{}"/>{}</svg>'
    ).format(width, height, width, height, told, told, confirmed, _y("unstated"), claimed, dots)


def _steps(statuses: Sequence[Rung]) -> str:
    return f"M4 {_y(statuses[0])}" + "".join(f"V{_y(status)}H{_right(i)}" for i, status in enumerate(statuses))


def _right(place: int) -> int:
    return 4 + _ROUND_STEP * (place + 1)


def _y(rung: Rung) -> int:
    return 6 + _RUNG_STEP * (7 - LEVELS[rung])


def _x(rung: Rung) -> int:
    return _FIRST + _STEP * LEVELS[rung]


def _bar(rung: Rung) -> Markup:
    return Markup('<path class="confirmed" d="M{} {}H{}v-2h5v10h-5v-2H{}z"/>').format(
        _FIRST, _LINE - 3, _x(rung), _FIRST
    )


def _fallen(high_water: Rung, claimed: Rung) -> Markup:
    """From the highest rung there ever was back to the one there is."""
    return Markup('<path class="fallen" d="M{} {}H{}m5-4l-5 4l5 4"/>').format(_x(high_water), _LINE, _x(claimed) + 9)


def _at(kind: str, rung: Rung, shape: str) -> Markup:
    return Markup('<path class="{}" d="M{} {}{}"/>').format(kind, _x(rung), _LINE, shape)


def _marked(title: Markup, drawn: Markup) -> Markup:
    return Markup("<g><title>{}</title>{}</g>").format(title, drawn)


def _sides(rungs: Rungs) -> Sequence[Markup]:
    """The parties' codes over their rungs; side by side where they stand on the same."""
    t = texts()
    together = len({rung for _, rung in rungs}) == 1
    return [
        Markup('<text class="side{}" x="{}" y="12"><title>{}</title>{}</text>').format(
            " silent" if rung == "unstated" else "",
            _x(rung) + ((place * 2 - 1) * 9 if together else 0),
            t("mark.side", side=t(f"country.{party}"), rung=t(f"rung.{rung}")),
            party,
        )
        for place, (party, rung) in enumerate(rungs)
    ]
