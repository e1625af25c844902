"""What desks ask of a whole relation, of one irritant in full, of two readings: each a document of the service, drawn.

Each command names its document and how it is drawn; what all readings have in common is `asking.py`.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from service.cli import tables, terminal
from service.cli.asking import Asked, Drawn, reads
from service.cli.client import NONE, Query, service
from service.cli.options import AsJson, Url
from service.cli.streams import address, candidates, find, only_relation
from service.cli.terminal import Exit, Failed

Relation = Annotated[
    str | None, typer.Argument(metavar="RELATION", help="Such as ru-us; where the record has one, that.")
]
Irritant = Annotated[str, typer.Argument(help="An irritant, such as ru-us/visas.")]
Member = Annotated[str, typer.Argument(help="An irritant, a round or a relation.")]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="DAY", help="The day from which days are counted; without one nothing is overdue."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="As a table for a spreadsheet.")]
_PLACES: Final = "position:41, known:2025-04-10T09:30:00Z, effective:2025-04-10 or round:istanbul-april"
_PAGE: Final = 1_000
_CSV: Final = "text/csv"
_CALENDAR: Final = "text/calendar"


@reads
def board_command(relation: Relation = None, *, csv: AsCsv = False, asked: Asked) -> None:
    """Show every irritant of a relation, and where each stood after each round."""
    _of_relation(asked, relation, "board", tables.board, csv=csv)


@reads
def matrix_command(relation: Relation = None, *, asked: Asked) -> None:
    """Show irritant by party: where each stands, in whose words, and what it last said."""
    _of_relation(asked, relation, "matrix", tables.matrix)


@reads
def ledger_command(relation: Relation = None, *, on: On = None, csv: AsCsv = False, asked: Asked) -> None:
    """Show who is to do what, by when: next steps, rounds to come, proposals; who claims them and who confirms."""
    _of_relation(asked, relation, "ledger", tables.ledger, {"on": on}, csv=csv)


@reads
def needs_confirmation_command(relation: Relation = None, *, asked: Asked) -> None:
    """Show what rests on less than both sides' word, why, and what would settle it."""
    _of_relation(asked, relation, "needs-confirmation", tables.needs_confirmation)


@reads
def registers_command(relation: Relation = None, *, on: On = None, asked: Asked) -> None:
    """Show what lies outside the talks, what can be counted, what went back, and how old the latest word is."""
    _of_relation(asked, relation, "registers", tables.registers, {"on": on})


@reads
def corroboration_command(relation: Relation = None, *, asked: Asked) -> None:
    """Show what is claimed, and how many distinct utterances and documents stand behind each claim."""
    _of_relation(asked, relation, "corroboration", tables.corroboration)


@reads
def rounds_command(relation: Relation = None, *, asked: Asked) -> None:
    """Show the rounds: how far each has come and who says so, when, where, how long."""
    asked.show({"items": asked.items("/v1/rounds", {"relation": relation})}, tables.rounds)


@reads
def calendar_command(relation: Relation = None, *, asked: Asked) -> None:
    """Write the rounds that have a day as a calendar (iCalendar); with --json as a text in JSON."""
    text = asked.text(f"{_path(asked, relation)}/calendar.ics", _CALENDAR)
    if asked.as_json:
        terminal.show_json({"calendar": text})
    else:
        terminal.show_text(text)


@reads
def dossier_command(irritant: Irritant, *, asked: Asked) -> None:
    """Show one irritant in full: what each side says in its own words, next steps, instruments, who is silent.

    What was said in the order of the world is its `history`.
    """
    path: Final = f"/v1/irritants/{irritant}/dossier"
    document = page = asked.read(path, {"limit": _PAGE})
    while (after := page["timeline"]["next"]) is not None:
        page = asked.read(path, {"limit": _PAGE, "after": after})
        document["timeline"]["items"] += page["timeline"]["items"]
    asked.show({**document, "timeline": {**document["timeline"], "next": None}}, tables.dossier)


@reads
def assertions_command(id: Member, *, asked: Asked) -> None:
    """Show what each assertion rests on: documents and paragraphs, the utterances behind them, and who is silent."""
    asked.show(find(asked.service, id, asked.then, "/evidence")[1], tables.assertions)


def difference_command(
    id: Annotated[str, typer.Argument(help="An irritant, or a relation for all of its irritants.")],
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="PLACE", help=f"The earlier reading: {_PLACES}; none: nothing.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="PLACE", help="The later one, in the same words; none: the present.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what two readings tell otherwise, and event by event why: the world, late news, or a mended record."""
    stream = candidates(id)[0]
    with service(url) as asked:
        document = asked.read(f"{address(stream)}/difference", {"from": from_, "to": to})
    Asked(asked, NONE, as_json).show(document, tables.difference)


def _of_relation(
    asked: Asked,
    relation: str | None,
    name: str,
    draw: Callable[[Any], Drawn],
    query: Query = NONE,
    *,
    csv: bool = False,
) -> None:
    """A document over all of a relation, drawn, as JSON or as a table for a spreadsheet."""
    if csv and asked.as_json:
        raise Failed("--csv and --json are two forms: name one of them", Exit.USAGE)
    path = f"{_path(asked, relation)}/{name}"
    if csv:
        terminal.show_text(asked.text(path, _CSV, query))
    else:
        asked.show(asked.read(path, query), draw)


def _path(asked: Asked, relation: str | None) -> str:
    return f"/v1/relations/{relation or only_relation(asked.service, 'name the relation')}"
