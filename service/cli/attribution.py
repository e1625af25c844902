"""Attribute reports: put a report that was filed without a round, or with a wrong one, on its round.

So a round that was forgotten can be filed afterwards, with the reports that were on it.
"""

from typing import Annotated, Any, Final

import typer

from service.cli import touched
from service.cli.client import connect
from service.cli.corrections import file_and_show
from service.cli.options import AsJson, Url
from service.cli.terminal import Exit, Failed
from service.domain.streams import parse_stream

EXAMPLES: Final = (
    "irritants get reports --param relation=ru-us",
    "irritants attribute 01971e5c-8f3a-7c21-9d0e-5b6a7c8d9e0f ru-us/ankara-may --dry-run",
)


def attribute_command(
    report: Annotated[str, typer.Argument(help="The id of a report, as its receipt and `get reports` show it.")],
    round: Annotated[str, typer.Argument(help="The round that it is on, such as ru-us/istanbul-april.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and file nothing.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Put a report on a round. Its events then belong to that round on board, sheet and ledger.

    The round must be on record. To undo it, retract the event, which `irritants history` of the relation shows.
    """
    name = parse_stream(f"round/{round}")
    if name is None or name.relation is None:
        raise Failed(f'invalid round "{round}"; use an id such as ru-us/istanbul-april', Exit.USAGE)
    event = {"stream": f"relation/{name.relation}", "type": "ReportAttributed", "report": report, "round": round}
    body: dict[str, Any] = {
        "relation": name.relation,
        "title": f"Attribution of a report to the round {name.slug}",
        "events": [event],
    }
    with connect(url) as service:
        # The version is part of the idempotency key, so that a report can be put back on a round that it was on before.
        relation = service.read(f"/v1/relations/{name.relation}")
        lines = () if as_json else touched.attribution(service, report, round)
        file_and_show(service, body, event["type"], relation["version"], lines, dry_run=dry_run, as_json=as_json)
