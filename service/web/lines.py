"""One irritant as one line of the board.

There are hundreds of lines and few ways to stand. So a line is filled twice: once for each way to stand, with words and
drawings, which is kept; and for each irritant, with what names it. A template engine takes twenty times as long.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from service.projections.board import BoardRow
from service.web.assets import ROOM
from service.web.dates import occurred
from service.web.ladder import ladder, movement
from service.web.sentences import basis, beside, capitalised, name_of, sentence, since
from service.web.standing import Standing, of_row
from service.web.texts import texts

_LINE: Final = (ROOM / "templates" / "line.html").read_text(encoding="utf-8")
_LEFT_OPEN: Final = {place: f"%({place})s" for place in ("id", "address", "position", "title", "movement", "since")}


def lines(rows: Iterable[BoardRow], rounds: Mapping[str, str], counted_to: date, query: str) -> Markup:
    """Rows of the table. `rounds`: their names, by id. `query`: how addresses end that lead to the same point."""
    filled = "".join([_line(row, rounds, counted_to, query) for row in rows])
    return Markup(filled)  # noqa: S704 -- what is put into lines is drawn, or escaped there, or an id


def _line(row: BoardRow, rounds: Mapping[str, str], counted_to: date, query: str) -> str:
    over = tuple([(rounds[a.round], a.status, a.confirmed_status) for a in row.over_the_rounds])
    return _of(of_row(row)) % {
        "id": row.id.replace("/", "-"),
        "address": f"/irritants/{row.id}{query}",
        "position": row.position,
        "title": escape(row.title),
        "movement": movement(over, row.status, row.confirmed_status),
        "since": _moved(row.last_moved.occurred, counted_to),
    }


@lru_cache(maxsize=8192)
def _of(stands: Standing) -> str:
    """The line of all irritants that stand like this, with places left open for what names one of them."""
    drawn = {
        "sentence": sentence(stands),
        "ladder": ladder(stands),
        "basis": _labelled("basis", basis(stands)),
        "beside": beside(stands),
    }
    linked = {"move": _labelled("move", _move(stands.awaiting)), "sides": _sides(stands)}
    return _LINE % ({place: str(text).replace("%", "%%") for place, text in drawn.items()} | _LEFT_OPEN | linked)


def _labelled(column: str, cell: str) -> str:
    """A cell that names its column where it is narrow and no column stands over it."""
    return f"<i>{texts()(f'board.{column}')}</i>{cell}"


def _move(awaiting: str) -> str:
    """Whose move it is, with the address of what is awaited of them."""
    name = capitalised(name_of(awaiting))
    return f"<small>{name}</small>" if awaiting == "none" else f'<a href="%(address)s#moves">{name}</a>'


def _sides(stands: Standing) -> str:
    """Whose rung, in words, each with the address of what that voice said."""
    t = texts()
    sides = [(party, t("board.side", party=party, rung=t(f"rung.{rung}"))) for party, rung in stands.rungs]
    if stands.reported != stands.claimed:
        sides.append(("MEDIA", t("board.media", rung=t(f"rung.{stands.reported}"))))
    return "".join(f'<a href="%(address)s#{whose}">{told}</a>' for whose, told in sides)


@lru_cache(maxsize=8192)
def _moved(edtf: str | None, counted_to: date) -> str:
    told = since(edtf, counted_to)
    return _labelled("moved", told if edtf is None else texts()("board.moved-on", since=told, day=occurred(edtf)))
