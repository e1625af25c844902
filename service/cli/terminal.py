"""Print the output of commands, and define the exit codes.

A terminal gets tables, colours and progress bars. A pipe gets the same words as plain text, one line for a row. Only
the kind of stream decides. FORCE_COLOR and COLUMNS do not, so that a file does not depend on them. Text from the record
is never read as markup.

Pipes and files get UTF-8 in every locale, and so do JSON, CSV and Markdown on a terminal. Tables and sentences on a
terminal use its own encoding.
"""

import codecs
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from io import TextIOWrapper
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any, Final, NoReturn, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

OnProgress = Callable[[int, int], None]
"""Reports progress: called with the amount that is done, and the total."""

UNSEEN: Final = "standard output is closed, or is /dev/null"
"""The reason, for messages, why results cannot be seen (`is_shown`)."""
COLUMN_GAP: Final = 3
"""The characters between two columns of a table on a terminal."""
_EDGES: Final = 2
"""The characters to the left and to the right of a table."""
_LONG_SECONDS: Final = 2
_USUAL_WIDTH: Final = 80
_ERROR_HANDLER: Final = "irritants.substitute"
"""The name under which `_substitute` is registered."""
_SUBSTITUTES: Final = dict(zip("■◆○·→…✗“”─━│╭╮╰╯", '#*o.>~x""--|++++', strict=True))
"""ASCII characters for terminals whose encoding lacks the marks and lines of tables."""


class Exit(IntEnum):
    """Exit codes. Scripts rely on the numbers, and the help lists them."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_AUTHORISED = 4
    NOT_FOUND = 5
    UNWRITTEN = 6


class Failed(Exception):
    """The command failed. `found` has further members for the JSON that `--json` prints."""

    def __init__(self, sentence: str, code: Exit = Exit.REFUSED, found: dict[str, Any] | None = None) -> None:
        self.sentence, self.code, self.found = sentence, code, found or {}
        super().__init__(sentence)


def exit_on_signal(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- signal handlers have both
    """Exit with code 0, so that clean-up code runs."""
    raise SystemExit(Exit.DONE)


def set_encoding(stream: TextIO) -> None:
    """Set a stream to UTF-8, or a terminal to its own encoding. Writing then never raises an encoding error."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors=_ERROR_HANDLER)


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what to write for characters that the encoding lacks, for `codecs.register_error`.

    On a terminal it is a character of the same width, else `?`. A lone surrogate is a byte of a file name that the
    locale lacks: the name is restored if it is UTF-8, else the surrogate is escaped as in JSON.
    """
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    if not any("\ud800" <= character <= "\udfff" for character in missing):
        return "".join(_SUBSTITUTES.get(character, "?" * Text(character).cell_len) for character in missing), error.end
    try:
        name = missing.encode("utf-8", "surrogateescape")
        name.decode()
    except UnicodeError:
        return missing.encode("ascii", "backslashreplace"), error.end
    return name, error.end


codecs.register_error(_ERROR_HANDLER, _substitute)


def out() -> Console:
    """Return a console for standard output."""
    return _console(sys.stdout)


def err() -> Console:
    """Return a console for standard error."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    is_terminal = stream.isatty()
    console = Console(
        file=stream,
        force_terminal=is_terminal,
        width=None if is_terminal else sys.maxsize,
        markup=False,
        highlight=False,
        emoji=False,
    )
    if console.width == 0:  # COLUMNS=0 means an unknown width, for which Rich prints nothing
        console.width = _USUAL_WIDTH
    return console


def is_shown() -> bool:
    """Return whether results can be seen. They cannot if standard output is closed or is /dev/null (`UNSEEN`)."""
    try:
        return not os.path.samestat(os.fstat(sys.stdout.fileno()), Path(os.devnull).stat())
    except OSError:  # not a file of the operating system
        return True


def show(*renderables: RenderableType) -> None:
    """Print results. In a pipe, lines have no trailing blanks."""
    console = out()
    for renderable in renderables:
        if console.is_terminal:
            _print(console, renderable)
        else:
            with console.capture() as captured:
                console.print(renderable)
            lines = captured.get().removesuffix("\n").split("\n")
            show_text("".join(f"{line.rstrip()}\n" for line in lines))


def _print(console: Console, renderable: RenderableType) -> None:
    """Print. A sentence is left to the terminal to wrap, so that copied paths and addresses have no line breaks."""
    console.print(renderable, soft_wrap=isinstance(renderable, str))


def show_text(text: str) -> None:
    """Print a text unchanged, in UTF-8 and without added line breaks, for programs and for copying."""
    sys.stdout.flush()
    sys.stdout.buffer.write((text if text.endswith("\n") else f"{text}\n").encode("utf-8", _ERROR_HANDLER))
    sys.stdout.buffer.flush()


def show_json(value: object, *, on_one_line: bool = False) -> None:
    show_text(json.dumps(value, ensure_ascii=False, indent=None if on_one_line else 2))


def note(sentence: str | Text) -> None:
    """Print a remark about the work to standard error. Results go to standard output."""
    _print(err(), sentence)


def table(*columns: str, rows: Sequence[Sequence[RenderableType]]) -> Table:
    """Return a table: with rules and folded cells on a terminal, in a pipe with one line for each row."""
    console = out()
    made = Table(*columns, box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for column in made.columns:
        column.no_wrap = not console.is_terminal
        column.overflow = "fold"  # fold long ids instead of cutting them off
    if console.is_terminal and (widths := column_widths(console.width, columns, rows)) is not None:
        for column, width in zip(made.columns, widths, strict=True):
            column.width = width
    for row in rows:
        made.add_row(*row)
    return made


def column_widths(width: int, columns: Sequence[str], rows: Sequence[Sequence[RenderableType]]) -> Sequence[int] | None:
    """Return how wide the columns of a table can be on a terminal. None if it is too narrow for whole words."""
    in_columns = [[Text(str(cell)) for cell in cells] for cells in zip(columns, *rows, strict=True)]
    words = [
        max((Text(word).cell_len for cell in cells for word in cell.plain.split()), default=1) for cells in in_columns
    ]
    lines = [max(cell.cell_len for cell in cells) for cells in in_columns]
    available = width - COLUMN_GAP * (len(columns) - 1) - _EDGES
    if sum(words) > available:
        return None
    # Shorten the widest columns first, but none below its longest word.
    for widest in range(max(lines), 0, -1):
        found = [max(word, min(line, widest)) for word, line in zip(words, lines, strict=True)]
        if sum(found) <= available:
            return found
    return words


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """Show the progress of long work: a bar on a terminal, else a line for each tenth."""
    console = err()
    if not console.is_terminal:
        yield _Tenths(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that work of unknown length goes on. In a pipe, print one line if it takes more than two seconds."""
    console = err()
    if console.is_terminal:
        with console.status(what):
            yield
        return
    late = Timer(_LONG_SECONDS, note, [f"{what} …"])
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


class _Tenths:
    """Print a line for each tenth of the work that is done, except the last."""

    def __init__(self, what: str) -> None:
        self.what, self.printed = what, 0

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if self.printed < tenth < 10:
            self.printed = tenth
            note(f"{self.what}: {done:,} of {total:,}")
