"""The status of irritants, drawn: three marks on the scale of rungs, which differ in shape and in colour."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from service.cli import terminal
from service.domain.catalogue import EVENT_TYPES
from service.domain.ladder import RUNGS, Rung
from service.projections.event_types import event_name

_ON_THE_WIRE: Final = re.compile(r"[a-z]+(_[a-z]+)+")
CONFIRMED: Final = ("■", "green")
CLAIMED: Final = ("◆", "bold yellow")
REPORTED: Final = ("○", "cyan")
_SHORT: Final[Mapping[Rung, str]] = {
    "unstated": "none",
    "raised": "rais",
    "proposed": "prop",
    "in_talks": "talk",
    "understanding": "undr",
    "formalised": "form",
    "implementing": "impl",
    "resolved": "reso",
}
_WIDTH: Final = 4
SCALE: Final = " ".join(f"{_SHORT[rung]:^{_WIDTH}}" for rung in RUNGS)
"""The heading of the scale: one short word for each rung."""


def marks(standing: Mapping[str, Any]) -> Text:
    """Return the three marks, each with its rung."""
    return Text.assemble(
        CONFIRMED,
        f" {in_words(standing['confirmed_status'])}  ",
        CLAIMED,
        f" {in_words(standing['status'])}  ",
        REPORTED,
        f" {in_words(standing['reported_status'])}",
    )


def ladder(standing: Mapping[str, Any]) -> Text:
    """Return the scale of one irritant. Marks on one rung stand side by side."""
    marks = (
        (standing["confirmed_status"], CONFIRMED),
        (standing["status"], CLAIMED),
        (standing["reported_status"], REPORTED),
    )
    cells = []
    for rung in RUNGS:
        cell = Text.assemble(*(mark for at, mark in marks if at == rung)) or Text("·", "dim")
        cell.pad_left((_WIDTH - cell.cell_len) // 2)
        cell.pad_right(_WIDTH - cell.cell_len)
        cells.append(cell)
    return Text(" ").join(cells)


def legend() -> Text:
    return Text.assemble(
        CONFIRMED, " confirmed: what both sides say   ", CLAIMED, " claimed by a side   ", REPORTED, " reported"
    )


_BY_NO_SIDE: Final = ("media_only", "third_party")


def basis(standing: Mapping[str, Any]) -> str:
    """Return what the claimed rung rests on, such as `one side: US; 1 origin`."""
    kind, origins = in_words(standing["basis"]), standing["origins"]
    rungs = standing.get("rungs") or {party: side["rung"] for party, side in standing["parties"].items()}
    at_the_top = [party for party, rung in rungs.items() if rung == standing["status"] != "unstated"]
    speaker = f": {at_the_top[0]}" if len(at_the_top) == 1 and standing["basis"] not in _BY_NO_SIDE else ""
    return f"{kind}{speaker}; {counted(origins, 'origin')}" if origins else kind


def board(irritants: Iterable[Mapping[str, Any]]) -> Table:
    """Return the board: on a terminal a scale and a line of notes for each irritant, in a pipe a row of words."""
    if not terminal.out().is_terminal:
        return _words(irritants)
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(overflow="fold")
    drawn.add_column(min_width=len(SCALE))
    drawn.add_row("", Text(SCALE, "dim"))
    for irritant in irritants:
        drawn.add_row(Text(irritant["title"], "bold"), ladder(irritant))
        drawn.add_row(Text(irritant["id"], "dim"), _noted(irritant), end_section=True)
    return drawn


_WORDS: Final = {
    "irritant": "id",
    "claimed": "status",
    "confirmed": "confirmed_status",
    "reported": "reported_status",
    "basis": "basis",
    "origins": "origins",
    "awaiting": "awaiting",
    "hold": "hold",
    "lifecycle": "lifecycle",
}


def _words(irritants: Iterable[Mapping[str, Any]]) -> Table:
    rows = [[*(in_words(i[name]) for name in _WORDS.values()), i["last_moved"]["occurred"] or "-"] for i in irritants]
    return terminal.table(*_WORDS, "moved", rows=rows)


def _noted(irritant: Mapping[str, Any]) -> str:
    """Return the basis, who is awaited, and everything unusual."""
    noted = [basis(irritant)]
    noted += [f"awaiting {irritant['awaiting']}"] if irritant["awaiting"] != "none" else []
    noted += [irritant["lifecycle"]] if irritant["lifecycle"] != "open" else []
    noted += [irritant["hold"]] if irritant["hold"] != "none" else []
    noted += [counted(irritant["regressions"], "regression")] if irritant["regressions"] else []
    items, moved = irritant["items"], irritant["last_moved"]["occurred"]
    noted += [f"{items['settled']} of {items['total']} settled"] if items["total"] else []
    noted += [f"moved {moved}"] if moved else []
    return " · ".join(noted)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def label(name: str, width: int) -> tuple[str, str]:
    """Return a name padded to a column, with its style. A longer name is followed by one blank."""
    return f"  {name:<{width}} ", "dim"


def title(title: str, id: str) -> Text:
    return Text.assemble((title, "bold"), "  ", (id, "dim"))


def irritant(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield one irritant: scale, statuses, sides, and other fields."""
    yield title(document["title"], document["id"])
    yield Text(document["headline"])
    yield Text(SCALE, "dim")
    yield ladder(document)
    for (mark, style), word, name in (
        (CONFIRMED, "confirmed", "confirmed_status"),
        (CLAIMED, "claimed", "status"),
        (REPORTED, "reported", "reported_status"),
    ):
        yield Text.assemble((mark, style), f" {word:<10}", (in_words(document[name]), "bold"))
    yield f"  basis     {basis(document)}"
    for party, side in document["parties"].items():
        said = f"  “{side['wording']}”" if side["wording"] else ""
        latest = side["latest"]
        when = f"  last said {latest['occurred'] or 'on an unknown date'}" if latest else "  silent"
        yield f"  {party}        {in_words(side['rung'])}{said}{when}"
    yield from facts({name: document[name] for name in _BESIDE})


_BESIDE: Final = (
    *("lifecycle", "awaiting", "hold", "trend", "high_water_mark", "regressions", "reversible", "items"),
    *("last_moved", "version", "position", "recorded_at"),
)


def facts(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the plain members of a document, one to a line. Nested members are left out."""
    for name, value in document.items():
        if (text := plain(value)) is not None:
            yield Text.assemble(label(name.replace("_", " "), 15), text)


def plain(value: object) -> str | None:
    """Return a value as one line; None for an empty or nested one."""
    if isinstance(value, dict) and not any(isinstance(part, dict | list) for part in value.values()):
        return ", ".join(f"{name} {in_words(part)}" for name, part in value.items() if part is not None)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return None if isinstance(value, dict | list) or value in (None, "") else in_words(value)


def in_words(value: object) -> str:
    """Return a value as people read it: `in talks` for `in_talks`, and the name of a type of event."""
    text = str(value)
    if text in EVENT_TYPES:
        return event_name(text)
    return text.replace("_", " ") if _ON_THE_WIRE.fullmatch(text) else text
