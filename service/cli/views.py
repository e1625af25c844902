"""One irritant in full, and two readings compared: documents that are put together of several questions.

Documents that are one question are read by `get`.
"""

from typing import Annotated, Final

import typer

from service.cli import tables
from service.cli.client import NONE, service
from service.cli.options import AsJson, Asked, Url, reads
from service.cli.streams import address, candidates

Irritant = Annotated[str, typer.Argument(help="An irritant, such as ru-us/visas.")]
_PLACES: Final = "position:41, known:2025-04-10T09:30:00Z, effective:2025-04-10 or round:istanbul-april"
_PAGE: Final = 1_000


@reads
def dossier_command(irritant: Irritant, *, asked: Asked) -> None:
    """Show one irritant in full: what each side says in its own words, next steps, instruments, who is silent.

    `irritants history` shows its events by date.
    """
    path: Final = f"/v1/irritants/{irritant}/dossier"
    document = page = asked.read(path, {"limit": _PAGE})
    while (after := page["timeline"]["next"]) is not None:
        page = asked.read(path, {"limit": _PAGE, "after": after})
        document["timeline"]["items"] += page["timeline"]["items"]
    asked.show({**document, "timeline": {**document["timeline"], "next": None}}, tables.dossier)


def difference_command(
    id: Annotated[str, typer.Argument(help="An irritant, or a relation to compare all of its irritants.")],
    *,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="POINT", help=f"The earlier point: {_PLACES}; without it: before all events."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="POINT", help="The later point, in the same form; without it: now.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Compare two points: show what differs, and the events that explain it, each with its reason."""
    stream = candidates(id)[0]
    with service(url) as asked:
        document = asked.read(f"{address(stream)}/difference", {"from": from_, "to": to})
    Asked(asked, NONE, as_json).show(document, tables.difference)
