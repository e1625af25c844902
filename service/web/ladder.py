"""The two drawings of the board in SVG: the ladder of an irritant, and its movement over the rounds.

Each status has its own shape, so that nothing depends on colour: a bar for confirmed, a filled diamond for claimed, an
open circle for reported. A page defines the shapes once. Drawings contain only numbers and messages of this room, so
nothing needs escaping.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from markupsafe import Markup

from service.domain.ladder import LEVELS, RUNGS, Rung
from service.projections.words.bidi import isolated
from service.web.formatting import name_of, status_word
from service.web.messages import messages
from service.web.standing import Rungs, Standing

# A ladder, in pixels: its width, the x of the first rung, the distance of two rungs, and the y of the scale.
_WIDTH, _FIRST, _STEP, _LINE = 312, 17, 39, 28
# Names of sides: the y above and below the scale, and the x beside their rung, up to and from these rungs.
_ABOVE, _BELOW, _BESIDE = 12, 50, 8
_AT_THE_START, _AT_THE_END = LEVELS["proposed"], LEVELS["formalised"]
# A movement: the largest distance of two rounds, its largest width, the distance of two rungs, and the y of the top.
_ROUND_STEP, _MOVEMENT, _RUNG_STEP, _TOP = 20, 96, 5, 3
_LISTED_CHANGES = 3

Moment = tuple[str, Rung, Rung]
"""The name of a round, and the claimed and the confirmed status after it."""


def symbols() -> Markup:
    """Return the definitions of the shapes, which a page with ladders contains once."""
    ticks = "".join(f"M{_x(rung)} {_LINE - 4}v8" for rung in RUNGS)
    return _drawn(
        '<symbol id="scale" overflow="visible">',
        f'<path class="scale" d="M{_FIRST} {_LINE}H{_x("resolved")}{ticks}"/></symbol>',
        '<symbol id="claimed" overflow="visible">',
        f'<path class="claimed" d="M0 {_LINE - 7.5}l7.5 7.5l-7.5 7.5l-7.5-7.5z"/></symbol>',
        f'<symbol id="reported" overflow="visible"><circle class="reported" cy="{_LINE}" r="11"/></symbol>',
    )


def axis() -> Markup:
    """Return the names of the rungs, for the heading of a column of ladders."""
    names = (f'<text transform="translate({_x(rung) + 2} 62)rotate(-38)">{_word(rung)}</text>' for rung in RUNGS)
    return _drawn(f'<svg class="axis" viewBox="0 0 {_WIDTH} 66" aria-hidden="true">', *names, "</svg>")


def ladder(standing: Standing) -> Markup:
    """Return the ladder of one standing, with the names of the sides."""
    return _ladder(standing, tuple(_without_article(name_of(party)) for party, _ in standing.rungs))


@lru_cache(maxsize=4096)
def _ladder(standing: Standing, names: tuple[Markup, ...]) -> Markup:
    claimed, confirmed, reported = standing.claimed, standing.confirmed, standing.reported
    title = messages()(
        "mark.all", claimed=status_word(claimed), confirmed=status_word(confirmed), reported=status_word(reported)
    )
    return _drawn(
        f'<svg class="ladder" viewBox="0 0 {_WIDTH} 54" role="img"><title>{title}</title><use href="#scale"/>',
        *_marks(standing),
        *_sides(standing.rungs, names),
        "</svg>",
    )


def _marks(standing: Standing) -> Iterable[str]:
    """Yield the shapes of the statuses, and an arrow from the highest rung ever claimed if it is higher."""
    claimed, confirmed, reported, highest = standing.claimed, standing.confirmed, standing.reported, standing.high_water
    if confirmed != "unstated":
        bar = f'path class="confirmed" d="M{_FIRST} {_LINE - 3}H{_x(confirmed)}v-2h5v10h-5v-2H{_FIRST}z"'
        yield _marked("confirmed", confirmed, bar)
    if LEVELS[highest] > LEVELS[claimed]:
        arrow = f'path class="fallen" d="M{_x(highest)} {_LINE}H{_x(claimed) + 9}m5-4l-5 4l5 4"'
        yield _marked("high-water", highest, arrow)
    if reported != "unstated":
        yield _marked("reported", reported, f'use href="#reported" x="{_x(reported)}"')
    if claimed != "unstated":
        yield _marked("claimed", claimed, f'use href="#claimed" x="{_x(claimed)}"')


def _marked(name: str, rung: Rung, mark: str) -> str:
    """Return an SVG element with its title in words. `mark` has the name of the element and its attributes."""
    return f"<{mark}><title>{messages()(f'mark.{name}', rung=_word(rung))}</title></{mark.partition(' ')[0]}>"


def _sides(rungs: Rungs, names: tuple[Markup, ...]) -> Iterable[str]:
    """Yield the names of the sides at their rungs: the first side above the scale, the second below it.

    At the ends of the scale a name begins or ends at its rung, so that it does not leave the drawing.
    """
    for (party, rung), name, y in zip(rungs, names, (_ABOVE, _BELOW), strict=True):
        title = messages()("mark.side", side=name, rung=_word(rung))
        style, x = "silent" if rung == "unstated" else "side", _x(rung)
        if LEVELS[rung] <= _AT_THE_START:
            style, x = f"{style} start", x - _BESIDE
        elif LEVELS[rung] >= _AT_THE_END:
            style, x = f"{style} end", x + _BESIDE
        yield f'<text class="{style}" data-side="{party}" x="{x}" y="{y}"><title>{title}</title>{name}</text>'


@lru_cache(maxsize=8192)
def movement(over: tuple[Moment, ...], claimed: Rung, confirmed: Rung) -> Markup:
    """Draw the statuses after each round: a line for claimed, an area for confirmed.

    The title lists the last three changes in words.
    """
    points = [*over, (messages()("board.now"), claimed, confirmed)]
    changes = points[:1] + [after for before, after in pairwise(points) if after[1:] != before[1:]]
    changes_in_words = [
        messages()("mark.after", round=isolated(name), claimed=status_word(claimed), confirmed=status_word(confirmed))
        for name, claimed, confirmed in changes[-_LISTED_CHANGES:]
    ]
    step = min(_ROUND_STEP, round(_MOVEMENT / len(points), 1))
    return _drawn(
        f'<svg class="movement" viewBox="0 0 {step * len(points):g} {_y("unstated")}" role="img">',
        f"<title>{'; '.join(changes_in_words)}</title>",
        f'<path class="area" d="{_steps([confirmed for _, _, confirmed in points], step)}V{_y("unstated")}H0z"/>',
        f'<path class="line" d="{_steps([claimed for _, claimed, _ in points], step)}"/></svg>',
    )


def _steps(statuses: Sequence[Rung], step: float) -> str:
    """Return the path of a line with a step at each change of the status."""
    path, last = f"M0 {_y(statuses[0])}", statuses[0]
    for place, status in enumerate(statuses):
        if status != last:
            path, last = f"{path}H{step * place:g}V{_y(status)}", status
    return f"{path}H{step * len(statuses):g}"


def _y(rung: Rung) -> int:
    return _TOP + _RUNG_STEP * (7 - LEVELS[rung])


def _x(rung: Rung) -> int:
    return _FIRST + _STEP * LEVELS[rung]


def _without_article(name: Markup) -> Markup:
    """Return the name of a side as it stands alone: `United States`."""
    return name.removeprefix("the ")


def _word(rung: Rung) -> Markup:
    return messages()(f"rung.{rung}")


def _drawn(*parts: str) -> Markup:
    return Markup("".join(parts))  # noqa: S704 -- only numbers and messages
