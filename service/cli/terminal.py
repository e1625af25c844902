"""Where a command writes, and how it ends.

On a terminal tables, colour and bars; in a pipe the same words as plain text, one line for a row however long it is.
Nothing that comes from the record is taken for markup.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any, Final, NoReturn

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Done = Callable[[int, int], None]
"""Told how much of how much is done."""

UNSEEN: Final = "Nobody sees standard output: it is closed, or leads to /dev/null"
_PIPE_WIDTH: Final = 10_000
_LONG_SECONDS: Final = 2


class Exit(IntEnum):
    """How a command ends; scripts rely on these numbers, and the help lists them."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_AUTHORISED = 4
    NOT_FOUND = 5
    UNWRITTEN = 6


class Failed(Exception):
    """The command cannot do what it was asked to. `found`: what `--json` tells beside the sentence."""

    def __init__(self, sentence: str, code: Exit = Exit.REFUSED, found: dict[str, Any] | None = None) -> None:
        self.sentence, self.code, self.found = sentence, code, found or {}
        super().__init__(sentence)


def leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- as a handler of signals is called
    """Ends the program as if it were done, so that what has to be put away is."""
    raise SystemExit(Exit.DONE)


def out() -> Console:
    return _console(stderr=False)


def err() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def is_shown() -> bool:
    """Whether results can be seen. Not where standard output was closed, or leads to /dev/null: `UNSEEN`."""
    try:
        return not os.path.samestat(os.fstat(sys.stdout.fileno()), Path(os.devnull).stat())
    except OSError:  # not a file of the operating system
        return True


def show(*renderables: RenderableType) -> None:
    """Prints results. In a pipe no line ends in blanks, which tables leave."""
    console = out()
    for renderable in renderables:
        if console.is_terminal:
            console.print(renderable)
        else:
            with console.capture() as captured:
                console.print(renderable)
            show_text("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def show_text(text: str) -> None:
    """Prints a text as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def show_json(value: object, *, on_one_line: bool = False) -> None:
    show_text(json.dumps(value, ensure_ascii=False, indent=None if on_one_line else 2))


def note(sentence: str | Text) -> None:
    """Says something about the work, not its result: on standard error."""
    err().print(sentence)


def table(*columns: str, rows: Sequence[Sequence[RenderableType]]) -> Table:
    console = out()
    made = Table(*columns, box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for column in made.columns:
        column.no_wrap = not console.is_terminal
    for row in rows:
        made.add_row(*row)
    return made


@contextmanager
def progress(what: str) -> Iterator[Done]:
    """Shows how much is done of long work: a bar on a terminal, else a line at every tenth."""
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
    """Shows that something is under way of which nobody knows how far it is; in a pipe a line, once it takes long."""
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
    """Says how far the work is, ten times at most, and nothing of work that is done at once."""

    def __init__(self, what: str) -> None:
        self.what, self.said = what, 0

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if self.said < tenth < 10:
            self.said = tenth
            note(f"{self.what}: {done:,} of {total:,}")
