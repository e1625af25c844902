"""The ladder and the movement over the rounds: the two drawings of the board, in SVG.

Three statuses have three shapes, so that nothing depends on colour: a bar for confirmed, a filled diamond for claimed,
an open circle for reported. Shapes are defined once on a page. Drawings contain only numbers and messages of this room,
so their parts need no escaping.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup

from service.domain.ladder import LEVELS, RUNGS, Rung
from service.web.formatting import name_of
from service.web.messages import messages
from service.web.standing import Rungs, Standing

_WIDTH, _FIRST, _STEP, _LINE = 312, 17, 39, 28
_ROUND_STEP, _MOVEMENT, _RUNG_STEP, _TOP = 20, 96, 5, 3
_LISTED_TURNS = 3

Moment = tuple[str, Rung, Rung]
"""The name of a round, and the claimed and the confirmed status after it."""


def symbols() -> Markup:
    """Return the shapes that the drawings of a page refer to."""
    ticks = "".join(f"M{_x(rung)} {_LINE - 4}v8" for rung in RUNGS)
    return _drawn(
        '<symbol id="scale" overflow="visible">',
        f'<path class="scale" d="M{_FIRST} {_LINE}H{_x("resolved")}{ticks}"/></symbol>',
        '<symbol id="claimed" overflow="visible">',
        f'<path class="claimed" d="M0 {_LINE - 7.5}l7.5 7.5l-7.5 7.5l-7.5-7.5z"/></symbol>',
        f'<symbol id="reported" overflow="visible"><circle class="reported" cy="{_LINE}" r="11"/></symbol>',
    )


def axis() -> Markup:
    """Return the names of the rungs, as the head of a column of ladders."""
    names = (f'<text transform="translate({_x(rung) + 2} 62)rotate(-38)">{_word(rung)}</text>' for rung in RUNGS)
    return _drawn(f'<svg class="axis" viewBox="0 0 {_WIDTH} 66" aria-hidden="true">', *names, "</svg>")


def ladder(standing: Standing) -> Markup:
    """Return the ladder of one standing."""
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
    """Yield the codes of the parties above their rungs, side by side if the rungs are equal."""
    apart = 11 if len({rung for _, rung in rungs}) == 1 else 0
    for place, (party, rung) in enumerate(rungs):
        title = messages()("mark.side", side=name_of(party), rung=_word(rung))
        silent = ' class="silent"' if rung == "unstated" else ""
        x = _x(rung) + (place * 2 - 1) * apart
        yield f'<text{silent} x="{x}" y="12"><title>{title}</title>{party}</text>'


@lru_cache(maxsize=4096)
def movement(over: Sequence[Moment], claimed: Rung, confirmed: Rung) -> Markup:
    """Return the statuses after each round: a line for claimed, an area for confirmed.

    The title names the last turns in words.
    """
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
    """Return a path that turns only where the status changes."""
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
    return Markup("".join(parts))  # noqa: S704 -- only numbers and messages
