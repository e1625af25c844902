"""Reading: board and status, one irritant in full, what changed between two points, changes, and round sheets."""

import time
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from service.cli import drawing, tables, terminal
from service.cli.client import NONE, Query, Service, service
from service.cli.options import AsJson, Asked, Url, reads
from service.cli.preview import show_change
from service.cli.streams import address, candidates, find
from service.cli.terminal import Exit, Failed

_WAIT_SECONDS: Final = 25
_RETRY_SECONDS: Final = 2
Id = Annotated[
    str, typer.Argument(help="An irritant, round, relation or source: ru-us/visas, ru-us/moscow, ru-us, source/….")
]


@reads
def status_command(
    id: Annotated[
        str | None, typer.Argument(help="An irritant, a round or a relation; without one, the board.")
    ] = None,
    *,
    asked: Asked,
) -> None:
    """Show the status of irritants: claimed by a side, confirmed by both, reported by anyone."""
    if id is None:
        _board(asked.items("/v1/irritants"), as_json=asked.as_json)
        return
    stream, document = find(asked.service, id, asked.then)
    if asked.as_json:
        terminal.show_json(document)
    elif stream.startswith("relation/"):
        _relation(document)
        _board(asked.items("/v1/irritants", {"relation": id}), as_json=False)
    elif stream.startswith("irritant/"):
        terminal.show(*drawing.irritant(document))
    else:
        terminal.show(*drawing.facts(document))


def changes_command(
    *,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="Show only changes after this position.")] = 0,
    relation: Annotated[str | None, typer.Option(help="Show only this relation.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep running, and show changes as they are recorded.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed: each irritant before and after, and the reason.

    Reasons: something happened, new evidence was filed, or the record was wrong. With --json each change is one line.
    """
    with service(url) as asked:
        query = {"after": after, "relation": relation}
        for change in _followed(asked, query) if follow else asked.feed("/v1/changes", query):
            if as_json:
                terminal.show_json(change, on_one_line=True)
            else:
                show_change(change)


@reads
def sheet_command(
    round: Annotated[str, typer.Argument(help="A round, such as ru-us/istanbul-april.")],
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, to paste into a cable.")] = False,
    asked: Asked,
) -> None:
    """Show a round sheet: what changed, who says so, what needs confirmation, who is silent."""
    if markdown and asked.as_json:
        raise Failed("--markdown and --json exclude each other; use one of them", Exit.USAGE)
    path = f"/v1/rounds/{round}/sheet"
    if asked.as_json:
        terminal.show_json(asked.read(path))
        return
    text = asked.text(path, "text/markdown")
    if markdown or not terminal.out().is_terminal:
        terminal.show_text(text)
    else:
        from rich.markdown import Markdown

        terminal.show(Markdown(text))


def _followed(asked: Service, query: Query) -> Iterator[dict[str, Any]]:
    """Yield changes without end. Each request sends `log`, so that another record is noticed."""
    seen = dict(query)
    while True:
        try:
            page = asked.read("/v1/changes", seen, wait=_WAIT_SECONDS)
        except Failed as failed:
            if failed.code != Exit.UNREACHABLE:
                raise
            terminal.note(f"{failed.sentence}; retrying")
            time.sleep(_RETRY_SECONDS)
        else:
            yield from page["items"]
            seen |= {"after": page["next"], "log": page["log"]}


def _board(irritants: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        terminal.show_json({"items": irritants})
    elif not irritants:
        terminal.note("No irritant is on record at this point.")
    else:
        terminal.show(drawing.board(irritants))
        if terminal.out().is_terminal:
            terminal.show(drawing.legend())


def _relation(document: dict[str, Any]) -> None:
    terminal.show(drawing.title(document["title"], document["id"]))
    decided = document["format"]
    if decided:
        words = [decided["format"]]
        words += [word for word in ("preliminary", "reversible", "reversed") if decided[word]]
        silent = f"; silent: {', '.join(decided['silent'])}" if decided["silent"] else ""
        terminal.show(
            f"  format    {', '.join(words)}; said by {', '.join(decided['backing']['said_by']) or 'media'}{silent}"
        )
    for excluded in document["scope_exclusions"]:
        by = ", ".join(excluded["backing"]["said_by"]) or "media"
        terminal.show(f"  excluded  {excluded['subject']}; said by {by}")


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
