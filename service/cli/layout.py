"""Rows of words: a table where they fit, else a block for each row; in a pipe one line a row, however long it is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.padding import Padding
from rich.text import Text

from service.cli import drawing, terminal
from service.cli.options import Drawn

_NOTHING: Final = "-"
_BETWEEN: Final = 3
_FEW: Final = 4


def listed(heading: str | None, items: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Drawn:
    """The members of these names, as they are."""
    columns = (name.replace("_", " ") for name in names)
    yield from table(heading, *columns, rows=[[item[name] for name in names] for item in items])


def table(heading: str | None, *columns: str, rows: Sequence[Sequence[object]]) -> Drawn:
    """Nothing where there is no row."""
    if not rows:
        return
    if heading is not None:
        yield Text(heading, "bold")
    written = [[word(value) for value in row] for row in rows]
    yield from _blocks(columns, written) if _too_wide(columns, written) else [terminal.table(*columns, rows=written)]
    yield ""


def _too_wide(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a terminal would have to fold cells into slivers; few columns can be folded and are still read."""
    console = terminal.out()
    if not console.is_terminal or len(columns) <= _FEW:
        return False
    widths = (max(Text(cell).cell_len for cell in cells) for cells in zip(columns, *rows, strict=True))
    return sum(widths) + _BETWEEN * len(columns) > console.width


def _blocks(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Drawn:
    """Each row below what it is of, which is said once for rows that follow each other; what is empty is left out."""
    last = None
    for of, *cells in rows:
        if of != last:
            yield Text(last := of, "bold")
        named = ((name, cell) for name, cell in zip(columns[1:], cells, strict=True) if cell != _NOTHING)
        parts = [Text.assemble((f"{name}: ", "dim"), cell) for name, cell in named]
        yield Padding(Text(" · ", "dim").join(parts), (0, 0, 0, 2))


def word(value: object) -> str:
    match value:
        case None | "" | []:
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(word, value))
        case dict():
            return ", ".join(f"{name} {word(part)}" for name, part in value.items())
        case _:
            return drawing.in_words(value)
