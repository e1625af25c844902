"""Maintenance of the record: migrate, verify, rebuild, export and import.

Each command imports the database code when it runs, so that other commands start faster.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from service import settings
from service.cli import files, labels, options, terminal
from service.cli.files import Force
from service.cli.options import AsJson, Database
from service.cli.terminal import Exit, Failed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service.store.log import Head


def migrate_command(
    *,
    database: Database = None,
    grant_to: Annotated[
        str | None,
        typer.Option(
            "--grant-to", metavar="ROLE", help="Grant this role, which must exist, the rights that serving needs."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create the tables of this release, or migrate those of an earlier release.

    Connects with IRRITANTS_MIGRATION_DATABASE_URL if it is set. Its role owns the tables.
    """
    from service.cli.database import address
    from service.store import migrate

    chosen = settings.read(database_url=database)
    with address(chosen, creating=True) as url:
        migrate.upgrade(chosen.migration_database_url or url, grant_to)
    _show("The database has the tables of this release.", {"migrated": True, "granted_to": grant_to}, as_json=as_json)


def verify_command(
    *,
    database: Database = None,
    with_documents: Annotated[
        bool, typer.Option("--documents", help="Also replay the log and compare every stored document.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Also compare with this checkpoint: finds a rewritten or truncated history."),
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Require that this key signed the checkpoint.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Verify this export instead, without the database. `-` is standard input.",
            exists=True,
            dir_okay=False,
            readable=True,
            allow_dash=True,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the record: hash chain, versions, positions, and the triggers that protect it.

    If the record is damaged, name the first bad position and exit with code 1. With --file, verify the order, the
    completeness and the chain of an export, also of one for an audience.
    """
    from service.cli.checkpoints import checkpoint_check
    from service.cli.database import record
    from service.read_models.rebuild import verify_documents
    from service.store.engine import connection
    from service.store.verify import Damaged, verify

    if public_key and not checkpoint:
        raise Failed("--public-key needs a checkpoint; name its file with --checkpoint", Exit.USAGE)
    if file is not None:
        if with_documents or database:
            excluded = "--documents" if with_documents else "--database"
            raise Failed(f"--file and {excluded} exclude each other; use one of them", Exit.USAGE)
        _verify_file(file, checkpoint, public_key, as_json=as_json)
        return
    check = checkpoint_check(checkpoint, public_key) if checkpoint else None
    with record(settings.read(database_url=database)) as engine:
        try:
            with connection(engine) as c, terminal.progress("verifying events") as progress:
                head = verify(c, progress)
                if check:
                    check(c, head)
            if with_documents:
                with terminal.progress("replaying documents") as progress:
                    verify_documents(engine, progress)
        except Damaged as damaged:
            found = {"whole": False, "position": damaged.position, "what": damaged.what}
            raise Failed(f"the record is damaged: {damaged}", found=found) from damaged
    checked = ", documents match a replay of the log" if with_documents else ""
    checked += f", history matches {checkpoint}" if checkpoint else ""
    _show(f"The record is intact: {_described(head)}{checked}.", {"whole": True, **_head(head)}, as_json=as_json)


def _verify_file(file: Path, checkpoint: Path | None, public_key: str | None, *, as_json: bool) -> None:
    """Verify an export. Raises Failed."""
    from service.cli.checkpoints import read_checkpoint
    from service.store import archive

    signed = read_checkpoint(checkpoint, public_key) if checkpoint else None
    try:
        with _read(file) as lines:
            checked = archive.verify_file(lines, () if signed is None else [signed.position])
    except archive.NotAnExport as refused:
        found = {"whole": False, "line": refused.line, "what": refused.what}
        raise Failed(f"{file}, {refused}", found=found) from refused
    if signed is not None:
        at = checked.chain_hashes.get(signed.position)
        if checked.record != signed.record or at is None or at.hex() != signed.chain_hash:
            what = "the export does not have the event that the checkpoint signed"
            raise Failed(f"{file}: {what}", found={"whole": False, "position": signed.position, "what": what})
    sentence = f"The export is complete: {checked.position:,} events, chain hash {checked.chain_hash.hex()}"
    if checked.audience is not None:
        sentence += f", {checked.withheld:,} withheld from the audience {checked.audience}"
    if checked.unproved:
        sentence += (
            f", {len(checked.unproved):,} not proved, because an earlier release recorded them (the first at"
            f" position {checked.unproved[0]:,})"
        )
    if checkpoint:
        sentence += f", history matches {checkpoint}"
    found = {
        "whole": True,
        "record": checked.record,
        "position": checked.position,
        "chain_hash": checked.chain_hash.hex(),
        "audience": checked.audience,
        "withheld": checked.withheld,
        "unproved": list(checked.unproved),
    }
    _show(f"{sentence}.", found, as_json=as_json)


def rebuild_command(*, database: Database = None, as_json: AsJson = False) -> None:
    """Rebuild every stored document from the log. Reading and filing go on meanwhile."""
    from service.cli.database import record
    from service.read_models.rebuild import rebuild

    with record(settings.read(database_url=database)) as engine, terminal.progress("rebuilding") as progress:
        replaced = rebuild(engine, progress)
    _show(f"The documents match the log; {replaced} were replaced.", {"mended": replaced}, as_json=as_json)


def export_command(
    file: Annotated[Path, typer.Argument(help="The file to write; `-` is standard output.")],
    *,
    audience: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Withhold what is above this handling label. Each withheld event keeps its position, time and hashes.",
        ),
    ] = None,
    force: Force = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole record as JSON lines, exactly as stored: a header, then every event.

    With --audience, write it as readers with this clearance see it. Such a file cannot be imported. An existing file is
    replaced only if it is an earlier export of this record for the same audience.
    """
    from service.cli.database import record
    from service.domain.handling import Labels
    from service.store import archive
    from service.store.audience import Label, read_labels
    from service.store.engine import connection

    if as_json and files.is_stream(file):
        raise Failed("--json and the export cannot both go to standard output; name a file", Exit.USAGE)
    with record(settings.read(database_url=database)) as engine, connection(engine) as c:
        label = None
        if audience is not None:
            known = Labels({label.name: label.rank for label in read_labels(c)})
            label = Label(audience, labels.known(known, audience, "--audience"))
        if files.is_filled(file) and not force:
            _refuse_unless_earlier(file, c, audience)
        try:
            with files.written(file) as lines, terminal.progress("exporting") as progress:
                if label is None:
                    head = archive.export_record(c, lines, progress)
                else:
                    head = archive.export_for(c, label, lines, progress)
        except archive.Relabelled:
            raise Failed("a handling label was changed during the export; export again") from None
    if not files.is_stream(file):
        whose = "" if audience is None else f" for the audience {audience}"
        found = {"file": str(file), "audience": audience, **_head(head)}
        _show(f"Exported to {file}{whose}: {_described(head)}.", found, as_json=as_json)


def _refuse_unless_earlier(file: Path, c: "Connection", audience: str | None) -> None:
    """Raise Failed unless the file is an earlier export of this record for the same audience."""
    from service.store import archive

    try:
        with file.open("rb") as lines:
            archive.check_has_all_of(c, lines, audience)
    except archive.NotAnExport:
        raise files.not_replaced(file, "it is not an export of a record") from None
    except archive.ExportHasMore as more:
        raise files.not_replaced(file, str(more)) from None


def import_command(
    file: Annotated[
        Path, typer.Argument(help="The export to read.", exists=True, dir_okay=False, readable=True, allow_dash=True)
    ],
    *,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Import an export into an empty record: same positions, identifiers, times and chain.

    Creates the record if it does not exist.
    """
    from service.cli.database import record
    from service.read_models.rebuild import rebuild
    from service.store import archive
    from service.store.engine import transaction

    with record(settings.read(database_url=database), creating=True) as engine:
        try:
            with _read(file) as lines, transaction(engine) as c, terminal.progress("importing") as progress:
                head = archive.import_record(c, lines, progress)
        except archive.NotEmpty:
            raise Failed("the record is not empty; import into an empty record") from None
        except archive.NotAnExport as refused:
            found = {"line": refused.line, "what": refused.what}
            raise Failed(f"{file}, {refused}; nothing was imported", found=found) from refused
        with terminal.progress("building documents") as progress:
            rebuild(engine, progress)
    _show(f"Imported from {file}: {_described(head)}.", {"file": str(file), **_head(head)}, as_json=as_json)


def _described(head: "Head") -> str:
    """Return a head in words."""
    return f"{head.position:,} events, chain hash {head.chain_hash.hex()}"


def _head(head: "Head") -> dict[str, object]:
    """Return a head for JSON."""
    return {"record": head.record, "position": head.position, "chain_hash": head.chain_hash.hex()}


def _show(sentence: str, found: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        terminal.show_json(found)
    else:
        terminal.show(sentence)


@contextmanager
def _read(file: Path) -> Iterator[BinaryIO]:
    if files.is_stream(file):
        yield sys.stdin.buffer
    else:
        with file.open("rb") as lines:
            yield lines


EXAMPLES = {
    "verify": options.examples(
        "irritants verify --documents && irritants export backup.jsonl", "irritants verify --file backup.jsonl"
    ),
    "export": options.examples(
        "irritants export backup.jsonl",
        "irritants export - | gzip > backup.jsonl.gz",
        "irritants export open.jsonl --audience open",
    ),
    "import": options.examples(
        "irritants import backup.jsonl --database postgresql://owner@db.example/new",
        "zcat backup.jsonl.gz | irritants import -",
    ),
}
