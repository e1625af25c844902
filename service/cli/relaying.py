"""The command that hands the record on to NATS; what it needs it imports when it runs, as in `maintenance`."""

from pathlib import Path
from typing import Annotated

import typer

from service import settings
from service.cli import options
from service.cli.options import AsJson, Database
from service.cli.terminal import Exit, Failed

EXAMPLES = options.examples(
    "irritants relay --nats nats://nats.example:4222",
    "irritants relay --nats nats://a.example,nats://b.example --replicas 3 --credentials relay.creds",
)


def relay_command(
    *,
    nats: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The servers of NATS (IRRITANTS_NATS_URL); several with commas between."),
    ] = None,
    stream: Annotated[str, typer.Option(help="The stream; it is made where there is none.")] = "IRRITANTS",
    subjects: Annotated[str, typer.Option(help="What all subjects begin with.")] = "irritants",
    replicas: Annotated[int, typer.Option(min=1, max=5, help="Copies that a cluster keeps of a new stream.")] = 1,
    credentials: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the credentials that NATS asks for.")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: ARG001 -- what it says is JSON in any case
) -> None:
    """Publish every event to NATS JetStream, once and in order, as it is recorded; goes on until it is ended.

    Start several for one to take over when another dies: only one is active. What it does it logs, as JSON lines on
    standard error. NATS or a database that goes away is waited for; a stream of another record is refused (1).
    """
    from service.cli.relay import relay
    from service.relay.subjects import PREFIX

    chosen = settings.read(database_url=database, nats_url=nats)
    if chosen.nats_url is None:
        raise Failed("where is NATS? Say --nats URL, or set IRRITANTS_NATS_URL", Exit.USAGE)
    if not PREFIX.fullmatch(subjects):
        raise Failed(f"{subjects}: subjects begin with letters, digits, `-` and `_`, in parts with dots", Exit.USAGE)
    if not stream.replace("-", "").replace("_", "").isalnum():
        raise Failed(f"{stream}: a stream's name has letters, digits, `-` and `_`", Exit.USAGE)
    relay(
        chosen, stream=stream, prefix=subjects, replicas=replicas, credentials=str(credentials) if credentials else None
    )
