"""Files that commands write: complete or not at all, and without loss of other files."""

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
    """Return whether standard output or input is meant."""
    return str(file) == "-"


def is_filled(file: Path) -> bool:
    """Return whether writing the file would replace content."""
    return not is_stream(file) and file.is_file() and file.stat().st_size > 0


def not_replaced(file: Path, why: str) -> Failed:
    """Return the error for a file that was not replaced."""
    return Failed(f"{file} was not replaced: {why}. Name another file, or use --force")


@contextmanager
def written(file: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file that takes the name when it is complete, so that an interrupted one is never used."""
    if is_stream(file):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    file = file.resolve()
    if file.exists() and not file.is_file():  # a pipe or a device cannot be replaced
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
