"""Files that commands write: whole or not at all, and never in the place of what cannot be had again."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from service.cli.terminal import Exit, Failed

Force = Annotated[bool, typer.Option("--force", help="Replace the file in any case.")]


def is_stream(file: Path) -> bool:
    """Whether standard output or input is meant."""
    return str(file) == "-"


def is_filled(file: Path) -> bool:
    """Whether writing the file would replace anything."""
    return not is_stream(file) and file.is_file() and file.stat().st_size > 0


def not_replaced(file: Path, why: str) -> Failed:
    """Why a file was not replaced, and what to do."""
    return Failed(f"{file} was not replaced: {why}. Name another file, or use --force")


@contextmanager
def written(file: Path) -> Iterator[BinaryIO]:
    """A file to write, made aside and named when whole: one that was interrupted is never taken for one."""
    if is_stream(file):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    file = file.resolve()
    if file.exists() and not file.is_file():  # a pipe or a device: there is no other to put in its place
        with file.open("wb") as lines:
            yield lines
        return
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    except OSError as refused:
        raise Failed(f"{file} cannot be written: {refused.strerror}", Exit.USAGE) from refused
    try:
        with os.fdopen(handle, "wb") as lines:
            yield lines
            lines.flush()
            os.fsync(lines.fileno())
        Path(aside).replace(file)
    except OSError as error:  # a full disk names no file
        raise Failed(f"{file} cannot be written: {error.strerror or error}", Exit.UNWRITTEN) from error
    finally:
        Path(aside).unlink(missing_ok=True)
