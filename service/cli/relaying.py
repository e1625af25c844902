"""The command `irritants relay`: read and check its options. `relay.py` publishes to NATS.

The command imports `relay.py` only when it runs, so that other commands start faster.
"""

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
        typer.Option(metavar="URL", help="Addresses of NATS servers (IRRITANTS_NATS_URL), separated by commas."),
    ] = None,
    stream: Annotated[str, typer.Option(help="Name of the stream; created if it does not exist.")] = "IRRITANTS",
    subjects: Annotated[str, typer.Option(help="Prefix of all subjects.")] = "irritants",
    replicas: Annotated[int, typer.Option(min=1, max=5, help="Replicas of a new stream in a cluster.")] = 1,
    credentials: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File with the credentials for NATS.")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: ARG001 -- the log is JSON in any case
) -> None:
    """Publish every event to NATS JetStream as it is recorded, once and in order, until stopped.

    Events above the label IRRITANTS_RELAY_CLEARANCE (default: open) are published without their content. Run several
    for failover: only one is active. Logs JSON lines on standard error. Waits while NATS or the database
    is unavailable. Refuses a stream of another record (exit code 1).
    """
    from service.cli.relay import relay
    from service.relay.subjects import PREFIX

    chosen = settings.read(database_url=database, nats_url=nats)
    if chosen.nats_url is None:
        raise Failed("no NATS server is set; use --nats URL or set IRRITANTS_NATS_URL", Exit.USAGE)
    if not PREFIX.fullmatch(subjects):
        raise Failed(
            f'invalid --subjects "{subjects}"; use letters, digits, - and _, with dots between parts', Exit.USAGE
        )
    if not stream.replace("-", "").replace("_", "").isalnum():
        raise Failed(f'invalid --stream "{stream}"; use letters, digits, - and _', Exit.USAGE)
    relay(
        chosen,
        stream=stream,
        prefix=subjects,
        replicas=replicas,
        credentials=str(credentials) if credentials else None,
    )
