"""The command `irritants search`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from service.cli import documents, terminal
from service.cli.client import connect
from service.cli.options import AsJson, Url, day
from service.domain import edtf
from service.projections.words.event_types import event_name

EXAMPLES: Final = (
    "irritants search bank accounts",
    "irritants search direct flights --party RU --from 2025-03-01",
    "irritants search visa --type NextStepAgreed --json",
)


def search_command(
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words or their beginnings, in any script.")],
    *,
    relation: Annotated[str | None, typer.Option(help="Find only what this relation says.")] = None,
    party: Annotated[
        str | None, typer.Option(help="Find only what this side, organisation, JOINT or MEDIA says.")
    ] = None,
    type: Annotated[str | None, typer.Option(metavar="TYPE", help="Find only events of this type.")] = None,
    status: Annotated[
        str | None, typer.Option(metavar="RUNG", help="Find only what is about irritants with this claimed status.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="Find only what happened on this day or later.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Find only what happened on this day or earlier.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Show at most N hits.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Find irritants, statements, persons, organisations, documents and rounds by words, as the record reads now."""
    query = {"q": " ".join(words), "relation": relation, "party": party, "type": type, "status": status, "limit": limit}
    query |= {"from": first and day("--from", first), "to": last and day("--to", last)}
    with connect(url) as service:
        page = service.read("/v1/search", query)
        cited = (hit["source"]["document"] for hit in page["items"] if hit["source"])
        names = {} if as_json else documents.names_of(service, cited)
    if as_json:
        terminal.show_json(page)
        return
    for word, nearest in page["instead"].items():
        terminal.note(f"Nothing has the word {word}. These were found with: {', '.join(nearest)}.")
    for hit in page["items"]:
        terminal.show(*_draw_hit(hit, names))
    if not page["items"]:
        terminal.note("Nothing was found. Write fewer words, or only the beginnings of words.")
    elif page["next"] is not None:
        terminal.note("There is more: use --limit, or more words.")


def _draw_hit(hit: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Yield the sentence of a hit, and a line with its type, stream, date, document and paragraphs.

    `names` has the names of documents by slug.
    """
    yield Text(hit["sentence"])
    parts = [event_name(hit["type"]), hit["about"]]
    if hit["occurred"] is not None:
        parts.append(edtf.describe(hit["occurred"]))
    if (source := hit["source"]) is not None:
        numbers = source["paragraphs"]
        paragraphs = f"paragraph{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
        parts.append(f"{names[source['document']]}, {paragraphs}")
    yield Text(f"  {' · '.join(parts)}", style="dim")
