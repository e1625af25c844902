"""Write files for commands, completely or not at all. Ask `is_filled` before `written`, which replaces a file."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, TextIO

import typer

from service.cli import terminal
from service.cli.options import shown
from service.cli.terminal import Exit, Failed

Force = Annotated[bool, typer.Option("--force", help="Replace any existing file.")]


def is_stream(file: Path) -> bool:
    """Return whether the name is `-`, which means standard input or output."""
    return str(file) == "-"


def is_filled(file: Path) -> bool:
    """Return whether writing the file would replace content."""
    return not is_stream(file) and file.is_file() and file.stat().st_size > 0


def not_replaced(file: Path, why: str) -> Failed:
    """Return the error for a file that must not be replaced. `why` gives the reason."""
    return Failed(f"{file} was not replaced: {why}. Name another file, or use --force")


@contextmanager
def written(file: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file, and rename it to `file` when it is complete. So an interrupted write changes no file."""
    if is_stream(file):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    file = file.resolve()
    if file.exists() and not file.is_file():  # a pipe or a device cannot be replaced
        with file.open("wb") as out:
            yield out
        return
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    except OSError as refused:
        raise Failed(f"{file} cannot be written: {refused.strerror}", Exit.USAGE) from refused
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(file)
    except OSError as error:  # the error of a full disk has no file name, so name the file here
        raise Failed(f"{file} cannot be written: {error.strerror or error}", Exit.UNWRITTEN) from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def write_new(text: str, file: Path | None) -> Path | None:
    """Write a text to a new file and return it. Without a file, or with `-`, print the text and return None.

    Raises Failed if the file exists.
    """
    if file is None or is_stream(file):
        terminal.show_text(text)
        return None
    try:
        with file.open("x", encoding="utf-8") as opened:
            _write_whole(opened, file, text)
    except FileExistsError:
        raise Failed(f"{shown(file)} exists and was not overwritten; name another file", Exit.USAGE) from None
    except OSError as error:
        raise Failed(f"{shown(file)} cannot be written: {error.strerror}", Exit.USAGE) from error
    return file


def _write_whole(opened: TextIO, file: Path, text: str) -> None:
    """Write the text. If that fails, remove the file: a second attempt would refuse to overwrite it."""
    try:
        opened.write(text)
        opened.flush()
    except OSError:
        file.unlink()
        raise
