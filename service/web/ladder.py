"""The ladder as a scale, and how an irritant moved on it: the two drawings of the board.

Three statuses are three shapes, so nothing rests on colour: a bar up to what both sides confirm, a filled diamond at
what is claimed, an open circle at what is reported. Shapes are drawn once on a page and referred to.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from service.domain.ladder import LEVELS, RUNGS, Rung
from service.web.sentences import name_of
from service.web.standing import Rungs, Standing
from service.web.texts import texts

_WIDTH, _FIRST, _STEP, _LINE = 312, 17, 39, 28
_ROUND_STEP, _RUNG_STEP, _TOP = 20, 5, 6
_SYMBOLS: Final = """\
<symbol id="scale" overflow="visible"><path class="scale" d="{scale}"/></symbol>\
<symbol id="claimed" overflow="visible"><path class="claimed" d="M0 {top}l7.5 7.5l-7.5 7.5l-7.5-7.5z"/></symbol>\
<symbol id="reported" overflow="visible"><circle class="reported" cy="{line}" r="11"/></symbol>"""

Moment = tuple[str, Rung, Rung]
"""After which round, and what was claimed and confirmed then."""


def symbols() -> Markup:
    """What the drawings of a page refer to."""
    scale = f"M{_x('unstated')} {_LINE}H{_x('resolved')}" + "".join(f"M{_x(rung)} {_LINE - 4}v8" for rung in RUNGS)
    return Markup(_SYMBOLS).format(scale=scale, top=_LINE - 7.5, line=_LINE)  # noqa: S704 -- numbers put into ours


def axis() -> Markup:
    """The names of the rungs, for above a column of ladders."""
    drawn = Markup('<text transform="translate({} 62)rotate(-38)">{}</text>')
    names = Markup("").join(drawn.format(_x(rung) + 2, _word(rung)) for rung in RUNGS)
    return Markup('<svg class="axis" viewBox="0 0 {} 66" aria-hidden="true">{}</svg>').format(_WIDTH, names)


def ladder(standing: Standing) -> Markup:
    """One irritant on the ladder."""
    t, claimed, confirmed, reported = texts(), standing.claimed, standing.confirmed, standing.reported
    told = t("mark.all", claimed=_word(claimed), confirmed=_word(confirmed), reported=_word(reported))
    drawn = [_OPENED.format(_WIDTH, told)]
    if confirmed != "unstated":
        drawn.append(_MARK.format(t("mark.confirmed", rung=_word(confirmed)), _bar(confirmed)))
    if LEVELS[standing.high_water] > LEVELS[claimed]:
        fallen = _FALLEN.format(_x(standing.high_water), _LINE, _x(claimed) + 9)
        drawn.append(_MARK.format(t("mark.high-water", rung=_word(standing.high_water)), fallen))
    if reported != "unstated":
        drawn.append(_MARK.format(t("mark.reported", rung=_word(reported)), _USE.format("reported", _x(reported))))
    if claimed != "unstated":
        drawn.append(_MARK.format(t("mark.claimed", rung=_word(claimed)), _USE.format("claimed", _x(claimed))))
    return Markup("").join((*drawn, *_sides(standing.rungs), Markup("</svg>")))


_OPENED: Final = Markup('<svg class="ladder" viewBox="0 0 {} 42" role="img"><title>{}</title><use href="#scale"/>')
_MARK: Final = Markup("<g><title>{}</title>{}</g>")
_USE: Final = Markup('<use href="#{}" x="{}"/>')
_FALLEN: Final = Markup('<path class="fallen" d="M{} {}H{}m5-4l-5 4l5 4"/>')
_BAR: Final = Markup('<path class="confirmed" d="M{} {}H{}v-2h5v10h-5v-2H{}z"/>')
_SIDE: Final = Markup('<text class="side{}" x="{}" y="12"><title>{}</title>{}</text>')


def _bar(rung: Rung) -> Markup:
    return _BAR.format(_FIRST, _LINE - 3, _x(rung), _FIRST)


def _sides(rungs: Rungs) -> Sequence[Markup]:
    """The parties' codes over their rungs; side by side where they stand on the same."""
    together = 11 if len({rung for _, rung in rungs}) == 1 else 0
    return [
        _SIDE.format(
            " silent" if rung == "unstated" else "",
            _x(rung) + (place * 2 - 1) * together,
            texts()("mark.side", side=name_of(party), rung=_word(rung)),
            party,
        )
        for place, (party, rung) in enumerate(rungs)
    ]


@lru_cache(maxsize=4096)
def movement(over: Sequence[Moment], claimed: Rung, confirmed: Rung) -> Markup:
    """What was claimed after each round, as steps over what was confirmed, up to now."""
    t = texts()
    points = [*over, (t("board.now"), claimed, confirmed)]
    moved = [
        point for before, point in zip([None, *points], points, strict=False) if not before or before[1:] != point[1:]
    ]
    told = (t("mark.after", round=name, claimed=_word(up), confirmed=_word(both)) for name, up, both in moved)
    width = _right(len(points)) + 4
    return _MOVEMENT.format(
        width=width,
        height=_y("unstated") + _TOP,
        ground=_y("unstated"),
        told=Markup("; ").join(told),
        confirmed=_steps([both for _, _, both in points]),
        claimed=_steps([up for _, up, _ in points]),
    )


_MOVEMENT: Final = Markup(
    '<svg class="movement" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    '<title>{told}</title><path class="scale" d="M2 {ground}h{width}"/><path class="area" d="{confirmed}V{ground}H4z"/>'
    '<path class="line" d="{claimed}"/></svg>'
)


def _steps(statuses: Sequence[Rung]) -> str:
    """A path that turns only where the status changes."""
    path, last = f"M4 {_y(statuses[0])}", statuses[0]
    for place, status in enumerate(statuses):
        if status != last:
            path, last = f"{path}H{_right(place)}V{_y(status)}", status
    return f"{path}H{_right(len(statuses))}"


def _right(place: int) -> int:
    return 4 + _ROUND_STEP * place


def _y(rung: Rung) -> int:
    return _TOP + _RUNG_STEP * (7 - LEVELS[rung])


def _x(rung: Rung) -> int:
    return _FIRST + _STEP * LEVELS[rung]


def _word(rung: Rung) -> Markup:
    return texts()(f"rung.{rung}")
