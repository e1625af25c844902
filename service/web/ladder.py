"""Draw the ladder of an irritant, and its movement over the rounds, as SVG.

Each status has its own shape, so that nothing depends on colour: a bar for confirmed, a filled diamond for claimed, an
open circle for reported. A page defines the shapes once. Drawings consist of numbers, messages and escaped names.
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
_WIDTH, _FIRST_X, _RUNG_DISTANCE, _SCALE_Y = 312, 17, 39, 28
# The names of sides: the y of a name above and below the scale, and the distance of a name at an end from its rung.
_NAME_ABOVE_Y, _NAME_BELOW_Y, _NAME_DISTANCE = 12, 50, 8
_START_LEVEL, _END_LEVEL = LEVELS["proposed"], LEVELS["formalised"]
"""Up to the first and from the second level, a name begins or ends at its rung. Others are centred."""
# A movement: the largest distance of two rounds, its largest width, the height of a rung, and the y of the highest.
_ROUND_DISTANCE, _MOVEMENT_WIDTH, _RUNG_HEIGHT, _HIGHEST_Y = 20, 96, 5, 3
_LISTED_CHANGES = 3

StatusesAfterRound = tuple[str, Rung, Rung]
"""The name of a round, and the claimed and the confirmed status after it."""


def symbols() -> Markup:
    """Return the definitions of the shapes, which a page with ladders contains once."""
    ticks = "".join(f"M{_x(rung)} {_SCALE_Y - 4}v8" for rung in RUNGS)
    return _svg(
        '<symbol id="scale" overflow="visible">',
        f'<path class="scale" d="M{_FIRST_X} {_SCALE_Y}H{_x("resolved")}{ticks}"/></symbol>',
        '<symbol id="claimed" overflow="visible">',
        f'<path class="claimed" d="M0 {_SCALE_Y - 7.5}l7.5 7.5l-7.5 7.5l-7.5-7.5z"/></symbol>',
        f'<symbol id="reported" overflow="visible"><circle class="reported" cy="{_SCALE_Y}" r="11"/></symbol>',
    )


def axis() -> Markup:
    """Return the names of the rungs, for the heading of a column of ladders."""
    names = (f'<text transform="translate({_x(rung) + 2} 62)rotate(-38)">{_word(rung)}</text>' for rung in RUNGS)
    return _svg(f'<svg class="axis" viewBox="0 0 {_WIDTH} 66" aria-hidden="true">', *names, "</svg>")


def ladder(standing: Standing) -> Markup:
    """Return the ladder of one standing, with the names of the sides."""
    return _ladder(standing, tuple(_without_article(name_of(party)) for party, _ in standing.rungs))


@lru_cache(maxsize=4096)
def _ladder(standing: Standing, names: tuple[Markup, ...]) -> Markup:
    claimed, confirmed, reported = standing.claimed, standing.confirmed, standing.reported
    title = messages()(
        "mark.all", claimed=status_word(claimed), confirmed=status_word(confirmed), reported=status_word(reported)
    )
    return _svg(
        f'<svg class="ladder" viewBox="0 0 {_WIDTH} 54" role="img"><title>{title}</title><use href="#scale"/>',
        *_status_shapes(standing),
        *_side_names(standing.rungs, names),
        "</svg>",
    )


def _status_shapes(standing: Standing) -> Iterable[str]:
    """Yield the shapes of the statuses, and an arrow from the highest rung ever claimed if it is higher."""
    claimed, confirmed, reported, highest = standing.claimed, standing.confirmed, standing.reported, standing.high_water
    if confirmed != "unstated":
        bar = f'path class="confirmed" d="M{_FIRST_X} {_SCALE_Y - 3}H{_x(confirmed)}v-2h5v10h-5v-2H{_FIRST_X}z"'
        yield _with_title("confirmed", confirmed, bar)
    if LEVELS[highest] > LEVELS[claimed]:
        arrow = f'path class="fallen" d="M{_x(highest)} {_SCALE_Y}H{_x(claimed) + 9}m5-4l-5 4l5 4"'
        yield _with_title("high-water", highest, arrow)
    if reported != "unstated":
        yield _with_title("reported", reported, f'use href="#reported" x="{_x(reported)}"')
    if claimed != "unstated":
        yield _with_title("claimed", claimed, f'use href="#claimed" x="{_x(claimed)}"')


def _with_title(message: str, rung: Rung, element: str) -> str:
    """Return an SVG element with a title. `element` has its name and attributes, `message` the name of the title."""
    title = messages()(f"mark.{message}", rung=_word(rung))
    return f"<{element}><title>{title}</title></{element.partition(' ')[0]}>"


def _side_names(rungs: Rungs, names: tuple[Markup, ...]) -> Iterable[str]:
    """Yield the names of the sides at their rungs: the first side above the scale, the second below it.

    At the ends of the scale a name begins or ends at its rung, so that it does not leave the drawing.
    """
    for (party, rung), name, y in zip(rungs, names, (_NAME_ABOVE_Y, _NAME_BELOW_Y), strict=True):
        title = messages()("mark.side", side=name, rung=_word(rung))
        style, x = "silent" if rung == "unstated" else "side", _x(rung)
        if LEVELS[rung] <= _START_LEVEL:
            style, x = f"{style} start", x - _NAME_DISTANCE
        elif LEVELS[rung] >= _END_LEVEL:
            style, x = f"{style} end", x + _NAME_DISTANCE
        yield f'<text class="{style}" data-side="{party}" x="{x}" y="{y}"><title>{title}</title>{name}</text>'


@lru_cache(maxsize=8192)
def movement(after_rounds: tuple[StatusesAfterRound, ...], claimed: Rung, confirmed: Rung) -> Markup:
    """Return a chart of the statuses after each round and now: a line for claimed, an area for confirmed.

    The title lists the last three changes in words.
    """
    points = [*after_rounds, (messages()("board.now"), claimed, confirmed)]
    changes = points[:1] + [after for before, after in pairwise(points) if after[1:] != before[1:]]
    changes_in_words = [
        messages()("mark.after", round=isolated(name), claimed=status_word(claimed), confirmed=status_word(confirmed))
        for name, claimed, confirmed in changes[-_LISTED_CHANGES:]
    ]
    area = [confirmed for _, _, confirmed in points]
    line = [claimed for _, claimed, _ in points]
    step = min(_ROUND_DISTANCE, round(_MOVEMENT_WIDTH / len(points), 1))
    return _svg(
        f'<svg class="movement" viewBox="0 0 {step * len(points):g} {_y("unstated")}" role="img">',
        f"<title>{'; '.join(changes_in_words)}</title>",
        f'<path class="area" d="{_stepped_path(area, step)}V{_y("unstated")}H0z"/>',
        f'<path class="line" d="{_stepped_path(line, step)}"/></svg>',
    )


def _stepped_path(statuses: Sequence[Rung], step: float) -> str:
    """Return the path of a line that goes up or down where the status changes. `step` is the width of a status."""
    path, last = f"M0 {_y(statuses[0])}", statuses[0]
    for number, status in enumerate(statuses):
        if status != last:
            path, last = f"{path}H{step * number:g}V{_y(status)}", status
    return f"{path}H{step * len(statuses):g}"


def _y(rung: Rung) -> int:
    return _HIGHEST_Y + _RUNG_HEIGHT * (7 - LEVELS[rung])


def _x(rung: Rung) -> int:
    return _FIRST_X + _RUNG_DISTANCE * LEVELS[rung]


def _without_article(name: Markup) -> Markup:
    """Return a name without its article, such as `United States`."""
    return name.removeprefix("the ")


def _word(rung: Rung) -> Markup:
    return messages()(f"rung.{rung}")


def _svg(*parts: str) -> Markup:
    return Markup("".join(parts))  # noqa: S704 -- only numbers, messages and escaped names
