"""Checkpoints: make one, and compare one with the record. Imports are late, as in `maintenance`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service import settings
from service.cli import files, options, terminal
from service.cli.files import Force
from service.cli.options import AsJson, Database
from service.cli.terminal import Exit, Failed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service.store.log import Head

EXAMPLES: Final = options.examples(
    "irritants checkpoint | ssh elsewhere 'cat > checkpoint.json'",
    "irritants verify --checkpoint checkpoint.json",
)


def checkpoint_command(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to write it; - for standard output.", show_default=False)
    ] = Path("-"),
    *,
    force: Force = False,
    database: Database = None,
    as_json: AsJson = False,  # noqa: ARG001 -- it is JSON in any case
) -> None:
    """Sign where the record stands, for keeping elsewhere: `verify --checkpoint` finds by it what was changed since.

    A file that is there is replaced only where it is an earlier checkpoint of this record.
    The key is made at its first use, and lies in the file that IRRITANTS_CHECKPOINT_KEY names.
    """
    from service.api.resources.checkpoints import signed
    from service.checkpoint.keyfile import KeyFileError, ensure
    from service.cli.database import record
    from service.store.engine import connection
    from service.store.log import read_head

    chosen = settings.read(database_url=database)
    if chosen.signing_key is None:
        raise Failed("no key to sign with: name its file in IRRITANTS_CHECKPOINT_KEY", Exit.USAGE)
    with record(chosen) as engine, connection(engine) as c:
        head = read_head(c)
        if files.is_filled(file) and not force:
            _refuse_to_lose(file, c, head)
    try:
        checkpoint = signed(head, ensure(chosen.signing_key))
    except KeyFileError as error:
        raise Failed(str(error), Exit.USAGE) from error
    text = f"{checkpoint.model_dump_json(indent=2)}\n"
    if files.is_stream(file):
        terminal.show_text(text)
    else:
        with files.written(file) as lines:
            lines.write(text.encode())
    terminal.note(f"Signed at position {head.position:,} with the key {checkpoint.public_key}.")


def _refuse_to_lose(file: Path, c: "Connection", head: "Head") -> None:
    from service.store.verify import Damaged

    try:
        kept(file, None)(c, head)
    except Failed as refused:
        raise files.kept(file, refused.sentence) from None
    except Damaged as damaged:
        raise files.kept(file, f"it signs what is not in this record: {damaged}") from None


def kept(file: Path, public_key: str | None) -> "Callable[[Connection, Head], None]":
    """What holds a checkpoint against the record, and raises Damaged. Raises Failed where the file is none."""
    from pydantic import ValidationError

    from service.checkpoint import Checkpoint, Forged
    from service.store.verify import verify_reached

    try:
        checkpoint = Checkpoint.model_validate_json(file.read_bytes())
        checkpoint.check(public_key)
    except OSError as refused:
        raise Failed(f"{file} cannot be read: {refused.strerror}", Exit.USAGE) from refused
    except ValidationError as refused:
        raise Failed(f"{file} is no checkpoint", Exit.USAGE) from refused
    except Forged as forged:
        raise Failed(f"{file} proves nothing: {forged}") from forged
    return lambda c, end: verify_reached(
        c, end, checkpoint.record, checkpoint.position, bytes.fromhex(checkpoint.chain_hash)
    )
