"""`irritants checkpoint`, which signs a position of the record, and the check behind `irritants verify --checkpoint`.

Functions import the database code when they run, so that other commands start faster.
"""

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

    from service.checkpoint import Checkpoint
    from service.store.log import Head

EXAMPLES: Final = options.examples(
    "irritants checkpoint | ssh elsewhere 'cat > checkpoint.json'",
    "irritants verify --checkpoint checkpoint.json",
)


def checkpoint_command(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="The file to write. `-` is standard output.", show_default=False)
    ] = Path("-"),
    *,
    force: Force = False,
    database: Database = None,
    as_json: AsJson = False,  # noqa: ARG001 -- it is JSON in any case
) -> None:
    """Sign the position and chain hash of the record, to store elsewhere. `verify --checkpoint` compares with it.

    An existing file is replaced only if it is an earlier checkpoint of this record. The key is in the file that
    IRRITANTS_CHECKPOINT_KEY names, and is created at first use.
    """
    from service.api.resources.checkpoints import signed
    from service.checkpoint.keyfile import KeyFileError, read_or_make_key
    from service.cli.database import record
    from service.store.engine import connection
    from service.store.log import read_head

    chosen = settings.read(database_url=database)
    if chosen.signing_key is None:
        raise Failed("no signing key is set; name its file in IRRITANTS_CHECKPOINT_KEY", Exit.USAGE)
    with record(chosen) as engine, connection(engine) as c:
        head = read_head(c)
        if files.is_filled(file) and not force:
            _refuse_unless_earlier(file, c, head)
    try:
        checkpoint = signed(head, read_or_make_key(chosen.signing_key))
    except KeyFileError as error:
        raise Failed(str(error), Exit.USAGE) from error
    text = f"{checkpoint.model_dump_json(indent=2)}\n"
    if files.is_stream(file):
        terminal.show_text(text)
    else:
        with files.written(file) as lines:
            lines.write(text.encode())
    terminal.note(f"Signed at position {head.position:,} with the key {checkpoint.public_key}.")


def _refuse_unless_earlier(file: Path, c: "Connection", head: "Head") -> None:
    """Raise Failed unless the file is an earlier checkpoint of this record."""
    from service.store.verify import Damaged

    try:
        checkpoint_check(file, None)(c, head)
    except Failed as refused:
        raise files.not_replaced(file, refused.sentence) from None
    except Damaged as damaged:
        raise files.not_replaced(file, f"it is a checkpoint of another history: {damaged}") from None


def checkpoint_check(file: Path, public_key: str | None) -> "Callable[[Connection, Head], None]":
    """Read a checkpoint file, and return the function that compares a record with it.

    `public_key`: as for `read_checkpoint`. Raises Failed if the file is not a valid checkpoint. The returned function
    raises Damaged if the record differs.
    """
    from service.store.verify import verify_checkpoint

    checkpoint = read_checkpoint(file, public_key)
    return lambda c, end: verify_checkpoint(
        c, end, checkpoint.record, checkpoint.position, bytes.fromhex(checkpoint.chain_hash)
    )


def read_checkpoint(file: Path, public_key: str | None) -> "Checkpoint":
    """Return the checkpoint in a file. Raises Failed if it is not valid.

    `public_key`: the key that must have signed it. None accepts any key, so a file that an attacker replaced and signed
    with another key is accepted.
    """
    from pydantic import ValidationError

    from service.checkpoint import Checkpoint, ForgedCheckpoint

    try:
        checkpoint = Checkpoint.model_validate_json(file.read_bytes())
        checkpoint.check(public_key)
    except OSError as refused:
        raise Failed(f"{file} cannot be read: {refused.strerror}", Exit.USAGE) from refused
    except ValidationError as refused:
        raise Failed(f"{file} is not a checkpoint; create one with `irritants checkpoint`", Exit.USAGE) from refused
    except ForgedCheckpoint as forged:
        raise Failed(f"{file} is not a valid checkpoint: {forged}") from forged
    return checkpoint
