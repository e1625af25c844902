"""The ladder as a scale, and how an irritant moved on it: the two drawings of the board.

Three statuses are three shapes, so nothing rests on colour: a bar up to what both sides confirm, a filled diamond at
what is claimed, an open circle at what is reported. Shapes are drawn once on a page and referred to. What is put into a
drawing is a number or a text of ours, so it is plain text until it is whole.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup

from service.domain.ladder import LEVELS, RUNGS, Rung
from service.web.formatting import name_of
from service.web.headline import Rungs, Standing
from service.web.messages import messages

_WIDTH, _FIRST, _STEP, _LINE = 312, 17, 39, 28
_ROUND_STEP, _MOVEMENT, _RUNG_STEP, _TOP = 20, 96, 5, 3
_LISTED_TURNS = 3

Moment = tuple[str, Rung, Rung]
"""After which round, and what was claimed and confirmed then."""


def symbols() -> Markup:
    """What the drawings of a page refer to."""
    ticks = "".join(f"M{_x(rung)} {_LINE - 4}v8" for rung in RUNGS)
    return _drawn(
        '<symbol id="scale" overflow="visible">',
        f'<path class="scale" d="M{_FIRST} {_LINE}H{_x("resolved")}{ticks}"/></symbol>',
        '<symbol id="claimed" overflow="visible">',
        f'<path class="claimed" d="M0 {_LINE - 7.5}l7.5 7.5l-7.5 7.5l-7.5-7.5z"/></symbol>',
        f'<symbol id="reported" overflow="visible"><circle class="reported" cy="{_LINE}" r="11"/></symbol>',
    )


def axis() -> Markup:
    """The names of the rungs, for above a column of ladders."""
    names = (f'<text transform="translate({_x(rung) + 2} 62)rotate(-38)">{_word(rung)}</text>' for rung in RUNGS)
    return _drawn(f'<svg class="axis" viewBox="0 0 {_WIDTH} 66" aria-hidden="true">', *names, "</svg>")


def ladder(standing: Standing) -> Markup:
    """One irritant on the ladder."""
    claimed, confirmed, reported = standing.claimed, standing.confirmed, standing.reported
    title = messages()("mark.all", claimed=_word(claimed), confirmed=_word(confirmed), reported=_word(reported))
    return _drawn(
        f'<svg class="ladder" viewBox="0 0 {_WIDTH} 42" role="img"><title>{title}</title><use href="#scale"/>',
        *_marks(standing),
        *_sides(standing.rungs),
        "</svg>",
    )


def _marks(standing: Standing) -> Iterable[str]:
    claimed, confirmed, reported, high = standing.claimed, standing.confirmed, standing.reported, standing.high_water
    if confirmed != "unstated":
        bar = f'path class="confirmed" d="M{_FIRST} {_LINE - 3}H{_x(confirmed)}v-2h5v10h-5v-2H{_FIRST}z"'
        yield _marked("confirmed", confirmed, bar)
    if LEVELS[high] > LEVELS[claimed]:
        arrow = f'path class="fallen" d="M{_x(high)} {_LINE}H{_x(claimed) + 9}m5-4l-5 4l5 4"'
        yield _marked("high-water", high, arrow)
    if reported != "unstated":
        yield _marked("reported", reported, f'use href="#reported" x="{_x(reported)}"')
    if claimed != "unstated":
        yield _marked("claimed", claimed, f'use href="#claimed" x="{_x(claimed)}"')


def _marked(name: str, rung: Rung, mark: str) -> str:
    return f"<{mark}><title>{messages()(f'mark.{name}', rung=_word(rung))}</title></{mark.partition(' ')[0]}>"


def _sides(rungs: Rungs) -> Iterable[str]:
    """The parties' codes over their rungs; side by side where they stand on the same."""
    apart = 11 if len({rung for _, rung in rungs}) == 1 else 0
    for place, (party, rung) in enumerate(rungs):
        title = messages()("mark.side", side=name_of(party), rung=_word(rung))
        silent = ' class="silent"' if rung == "unstated" else ""
        x = _x(rung) + (place * 2 - 1) * apart
        yield f'<text{silent} x="{x}" y="12"><title>{title}</title>{party}</text>'


@lru_cache(maxsize=4096)
def movement(over: Sequence[Moment], claimed: Rung, confirmed: Rung) -> Markup:
    """What was claimed after each round, as steps over what was confirmed, up to now. In words: the last turns."""
    points = [*over, (messages()("board.now"), claimed, confirmed)]
    turns = [p for i, p in enumerate(points) if i == 0 or p[1:] != points[i - 1][1:]]
    turns_in_words = [
        messages()("mark.after", round=name, claimed=_word(up), confirmed=_word(both))
        for name, up, both in turns[-_LISTED_TURNS:]
    ]
    step = min(_ROUND_STEP, round(_MOVEMENT / len(points), 1))
    return _drawn(
        f'<svg class="movement" viewBox="0 0 {step * len(points):g} {_y("unstated")}" role="img">',
        f"<title>{'; '.join(turns_in_words)}</title>",
        f'<path class="area" d="{_steps([both for _, _, both in points], step)}V{_y("unstated")}H0z"/>',
        f'<path class="line" d="{_steps([up for _, up, _ in points], step)}"/></svg>',
    )


def _steps(statuses: Sequence[Rung], step: float) -> str:
    """A path that turns only where the status changes."""
    path, last = f"M0 {_y(statuses[0])}", statuses[0]
    for place, status in enumerate(statuses):
        if status != last:
            path, last = f"{path}H{step * place:g}V{_y(status)}", status
    return f"{path}H{step * len(statuses):g}"


def _y(rung: Rung) -> int:
    return _TOP + _RUNG_STEP * (7 - LEVELS[rung])


def _x(rung: Rung) -> int:
    return _FIRST + _STEP * LEVELS[rung]


def _word(rung: Rung) -> Markup:
    return messages()(f"rung.{rung}")


def _drawn(*parts: str) -> Markup:
    return Markup("".join(parts))  # noqa: S704 -- as the module says
