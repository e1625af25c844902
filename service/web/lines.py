"""One irritant as one line of the board.

There are hundreds of lines and few ways to stand. What follows from how an irritant stands is put into words and drawn
once, and the line itself is filled by `str.format`: a template engine takes ten times as long.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from service.projections.board import BoardRow
from service.web.assets import ROOM
from service.web.dates import occurred
from service.web.ladder import ladder, movement
from service.web.sentences import basis, beside, capitalised, name_of, sentence, since
from service.web.standing import Standing, standing
from service.web.texts import texts

_LINE: Final = (ROOM / "templates" / "line.html").read_text()


class _Drawn(NamedTuple):
    """What of a line follows from how the irritant stands. `sides`: whose rung, and the rung in words."""

    sentence: Markup
    ladder: Markup
    sides: tuple[tuple[str, Markup], ...]
    basis: Markup
    move: Markup
    beside: Markup


@lru_cache(maxsize=8192)
def _drawn(stands: Standing) -> _Drawn:
    t = texts()
    sides = [(party, t("board.side", party=party, rung=t(f"rung.{rung}"))) for party, rung in stands.rungs]
    if stands.reported != stands.claimed:
        sides.append(("MEDIA", t("board.media", rung=t(f"rung.{stands.reported}"))))
    move = capitalised(name_of(stands.awaiting))
    return _Drawn(sentence(stands), ladder(stands), tuple(sides), basis(stands), move, beside(stands))


@lru_cache(maxsize=8192)
def _moved(edtf: str | None, counted_to: date) -> Markup:
    told = since(edtf, counted_to)
    return told if edtf is None else texts()("board.moved-on", since=told, day=occurred(edtf))


def line(row: BoardRow, rounds: Mapping[str, str], counted_to: date, query: str) -> Markup:
    """A row of the table. `rounds`: their names, by id. `query`: how addresses end that lead to the same point."""
    drawn = _drawn(standing(row))
    address = f"/irritants/{row.id}{query}"
    over = tuple([(rounds[a.round], a.status, a.confirmed_status) for a in row.over_the_rounds])
    return Markup(  # noqa: S704 -- all that is put in is drawn, or escaped here, or an id
        _LINE.format(
            id=row.id,
            address=address,
            position=row.position,
            title=escape(row.title),
            sentence=drawn.sentence,
            ladder=drawn.ladder,
            sides="".join([f'<a href="{address}#{whose}">{told}</a>' for whose, told in drawn.sides]),
            basis=drawn.basis,
            move=drawn.move,
            beside=drawn.beside,
            movement=movement(over, row.status, row.confirmed_status),
            since=_moved(row.last_moved.occurred, counted_to),
        )
    )
