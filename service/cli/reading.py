"""The commands that read: `status`, `changes`, `sheet`, `dossier`, `cite` and `difference`.

`history` and `get` have files of their own.
"""

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service.cli import drawing, exporting, tables, terminal, touched
from service.cli.client import NO_PARAMETERS, Query, Service, connect
from service.cli.files import Force
from service.cli.options import AsJson, Reader, Url, reads
from service.cli.preview import show_change
from service.cli.streams import address, candidates, find, find_event, naming_near, relation_of
from service.cli.terminal import Exit, Failed
from service.readouts import points

_WAIT_SECONDS: Final = 25
_RETRY_SECONDS: Final = 2
Id = Annotated[
    str, typer.Argument(help="An irritant, round, relation or source: ru-us/visas, ru-us/moscow, ru-us, source/….")
]


@reads
def status_command(
    id: Annotated[
        str | None, typer.Argument(help="An irritant, a round or a relation. Without an id: the board.")
    ] = None,
    *,
    reader: Reader,
) -> None:
    """Show the status of irritants: claimed by a side, confirmed by both, reported by anyone."""
    if id is None:
        irritants = reader.items("/v1/irritants")
        if reader.as_json:
            terminal.show_json({"items": irritants})
            return
        reader.show_point(None)
        _show_board(irritants, _hint_for_empty_board(reader))
        return
    stream, document = find(reader.service, id, reader.point)
    if reader.as_json:
        terminal.show_json(document)
        return
    reader.show_point(relation_of(stream))
    if stream.startswith("relation/"):
        _show_relation(document)
        relation = document["id"]
        irritants = reader.items("/v1/irritants", {"relation": relation})
        _show_board(irritants, _hint_for_empty_board(reader, relation))
    elif stream.startswith("irritant/"):
        terminal.show(*drawing.irritant(document))
    else:
        terminal.show(*drawing.facts(document))
        for dispute in document.get("disputes", ()):
            terminal.show(f"  dispute         {dispute['why']}")


def changes_command(
    *,
    after: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Show only changes after this position.", show_default="0")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="POINT",
            help="Show only changes since a day (6 June 2025), a position (41) or a round (ru-us/istanbul-february).",
        ),
    ] = None,
    relation: Annotated[str | None, typer.Option(help="Show only this relation.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep running, and show changes as they are recorded.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed: one sentence for each change, by report, with the reason.

    Reasons: something happened, new evidence was filed, or the record was wrong. With --json each change is one line.
    """
    if after is not None and since is not None:
        raise Failed("--after and --since exclude each other; use one of them", Exit.USAGE)
    try:
        start = {"after": after or 0} if since is None else {"since": points.since(since)}
    except points.NotAPoint as error:
        raise Failed(f"--since {error}", Exit.USAGE) from None
    with connect(url) as service:
        query: dict[str, str | int | None] = {**start, "relation": relation}
        report = None
        for change in _follow_changes(service, query) if follow else service.feed("/v1/changes", query):
            if as_json:
                terminal.show_json(change, on_one_line=True)
                continue
            if change["report"] != report:
                report = change["report"]
                terminal.show(Text(touched.report_in_words(service.read(f"/v1/reports/{report}")), "bold"))
            show_change(change)


@reads
def sheet_command(
    round: Annotated[str, typer.Argument(help="A round, such as ru-us/istanbul-april.")],
    *,
    format: exporting.InFormat = None,
    output: exporting.Output = None,
    force: Force = False,
    markdown: exporting.AsMarkdown = False,
    reader: Reader,
) -> None:
    """Show a round sheet: what changed, who says so, what needs confirmation, who has said nothing.

    With --format or --output, print or save it as Word, Markdown or CSV.
    """
    stream, path = f"round/{round}", f"/v1/rounds/{round}/sheet"
    if exported := exporting.chosen(reader, format, output, markdown=markdown):
        exporting.export(reader, stream, path, exported, output, force=force)
        return
    with naming_near(reader.service, stream):
        if reader.as_json:
            terminal.show_json(reader.read(path))
            return
        text = reader.content(path, "text/markdown").decode()
    if terminal.out().is_terminal:
        from rich.markdown import Markdown

        terminal.show(Markdown(text))
    else:
        terminal.show_text(text)


def _follow_changes(service: Service, query: Query) -> Iterator[dict[str, Any]]:
    """Yield changes without end. Requests send `log`, so that the service refuses them if the record was replaced."""
    cursor = dict(query)
    while True:
        try:
            page = service.read("/v1/changes", cursor, wait=_WAIT_SECONDS)
        except Failed as failed:
            if failed.code != Exit.UNREACHABLE:
                raise
            terminal.note(f"{failed.sentence}; retrying")
            time.sleep(_RETRY_SECONDS)
        else:
            yield from page["items"]
            cursor |= {"after": page["next"], "log": page["log"], "since": None}


def _hint_for_empty_board(reader: Reader, relation: str | None = None) -> Callable[[], str]:
    """Return a function that makes the sentence for an empty board. It names a command, except for a past reading."""

    def command() -> str:
        if reader.point:
            return "No irritant is on record at this point."
        known = [relation] if relation else [found["id"] for found in reader.items("/v1/relations")]
        if not known:
            return "Nothing is on record. Open a relation of two states: irritants new relation FR DZ"
        return f'No irritant is on record. Open one by its title: irritants new irritant {known[0]} "TITLE"'

    return command


def _show_board(irritants: list[dict[str, Any]], hint: Callable[[], str]) -> None:
    if not irritants:
        terminal.note(hint())
    else:
        terminal.show(drawing.board(irritants))
        if terminal.out().is_terminal:
            terminal.show(drawing.legend())


def _show_relation(document: dict[str, Any]) -> None:
    terminal.show(drawing.title(document["title"], document["id"]))
    decision, names = document["format"], document["names"]
    if decision:
        words = [decision["format"]]
        words += [word for word in ("preliminary", "reversible") if decision[word]]
        if decision["reversed"]:
            words.append(f"reversed according to {drawing.within(decision['reversed_by'] or ['none'], names)}")
        silent = f"; not said by {drawing.within(decision['silent'], names)}" if decision["silent"] else ""
        terminal.show(f"  format    {', '.join(words)}; {_supporters(decision['backing'], names)}{silent}")
    for dispute in document["disputes"]:
        terminal.show(f"  dispute   {dispute['why']}")
    for excluded in document["scope_exclusions"]:
        terminal.show(f"  excluded  {excluded['subject']}; {_supporters(excluded['backing'], names)}")


def _supporters(backing: dict[str, Any], names: drawing.Names) -> str:
    """Return which sides say so, else which voices report it."""
    if backing["said_by"]:
        return f"said by {drawing.within(backing['said_by'], names)}"
    return f"reported by {drawing.within(backing['reported_by'] or ['none'], names)}"


Irritant = Annotated[str, typer.Argument(help="An irritant, such as ru-us/visas.")]
_EXAMPLES_OF_POINTS: Final = "position:41, known:2025-04-10T09:30:00Z, effective:2025-04-10 or round:istanbul-april"
_PAGE_SIZE: Final = 1_000


@reads
def dossier_command(
    irritant: Irritant,
    *,
    format: exporting.InFormat = None,
    output: exporting.Output = None,
    force: Force = False,
    markdown: exporting.AsMarkdown = False,
    reader: Reader,
) -> None:
    """Show one irritant in full: what each side says in its own words, next steps, instruments, who has not said so.

    `irritants history` shows its events by date. With --format or --output, print or save it as Word, Markdown or CSV.
    """
    stream, path = f"irritant/{irritant}", f"/v1/irritants/{irritant}/dossier"
    if exported := exporting.chosen(reader, format, output, markdown=markdown):
        exporting.export(reader, stream, path, exported, output, force=force)
        return
    with naming_near(reader.service, stream):
        document = page = reader.read(path, {"limit": _PAGE_SIZE})
    while (after := page["timeline"]["next"]) is not None:
        page = reader.read(path, {"limit": _PAGE_SIZE, "after": after})
        document["timeline"]["items"] += page["timeline"]["items"]
    reader.show(path, {**document, "timeline": {**document["timeline"], "next": None}}, tables.dossier)


@reads
def cite_command(
    event: Annotated[str, typer.Argument(help="An event: its id, or its name in `history`, such as ru-us/visas@7.")],
    *,
    reader: Reader,
) -> None:
    """Print the citation of a statement: who says it, where it was published, and its place on the record."""
    found = reader.read(f"/v1/events/{find_event(reader.service, event).id}/citation")
    if reader.as_json:
        terminal.show_json(found)
    else:
        terminal.show_text(f"{found['text'].replace(found['link'], reader.service.address(found['link']))}\n")


def difference_command(
    id: Annotated[str, typer.Argument(help="An irritant, or a relation to compare all of its irritants.")],
    *,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="POINT", help=f"The earlier point: {_EXAMPLES_OF_POINTS}. Default: before all events."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="POINT", help="The later point, in the same form. Default: now.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Compare two points: show what differs, and the events that explain it, each with its reason."""
    stream = candidates(id)[0]
    path = f"{address(stream)}/difference"
    with connect(url) as service, naming_near(service, stream):
        document = service.read(path, {"from": from_, "to": to})
    Reader(service, NO_PARAMETERS, as_json).show(path, document, tables.difference)
