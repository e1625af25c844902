"""`irritants get PATH`, which shows any document of the service, and its shortcuts such as `irritants board`."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import parse_qsl

import typer

from service.cli import documents, tables, terminal
from service.cli.client import Query
from service.cli.options import Drawn, Reader, day, reads
from service.cli.streams import address, find, naming_near, only_relation
from service.cli.terminal import Exit, Failed

_PAGE: Final = 1_000
_CSV: Final = "text/csv"
_LIVE_STREAM: Final = "/v1/events/live"
_ANY_TEXT: Final = "application/json, application/atom+xml;q=0.5, text/calendar;q=0.5, text/plain;q=0.5"
"""The accepted media types. JSON comes first, so a document that has JSON is sent as JSON."""


class Alias(NamedTuple):
    """A command that is a shortcut for `get` with this path. `draw` makes its table. None: the document is a text.

    Places in the path: `{relation}` is the relation in the command, or the only relation on record. `{any_relation}`
    can be empty. `{member}` is an irritant, a round or a relation. A list that `is_long` is shown page by page.
    """

    path: str
    draw: Callable[[Mapping[str, Any]], Drawn] | None
    help: str
    is_long: bool = False

    @property
    def pattern(self) -> str:
        """Return a regular expression for the addresses of this path."""
        return re.sub(r"\{(\w+)\}", lambda place: _PLACES[place[1]], self.path.partition("?")[0])


_PLACES: Final = {"relation": r"[^/]+", "member": r"(?:(?:irritants|rounds)/[^/]+/[^/]+|relations/[^/]+)"}
_RELATION: Final = "/v1/relations/{relation}"
ALIASES: Final[Mapping[str, Alias]] = {
    "board": Alias(f"{_RELATION}/board", tables.board, "Show every irritant, with its status after each round."),
    "matrix": Alias(f"{_RELATION}/matrix", tables.matrix, "Show the rung, stance and latest statement of each side."),
    "ledger": Alias(f"{_RELATION}/ledger", tables.ledger, "Show next steps and proposals: who acts, by when."),
    "needs-confirmation": Alias(
        f"{_RELATION}/needs-confirmation", tables.needs_confirmation, "Show what needs confirmation."
    ),
    "corroboration": Alias(
        f"{_RELATION}/corroboration", tables.corroboration, "Show how many origins each claim rests on."
    ),
    "registers": Alias(f"{_RELATION}/registers", tables.registers, "Show excluded subjects, items and regressions."),
    "rounds": Alias("/v1/rounds?relation={any_relation}", tables.rounds, "Show the phase and date of each round."),
    "reports": Alias(
        "/v1/reports?relation={any_relation}&order=newest",
        tables.reports,
        "Show what was filed, by whom and for which round, the newest first. Filter with --param.",
        is_long=True,
    ),
    "calendar": Alias(
        f"{_RELATION}/calendar.ics", None, "Print the rounds that have a date as a calendar (iCalendar)."
    ),
    "assertions": Alias("/v1/{member}/evidence", tables.assertions, "Show the documents that each assertion rests on."),
}
EXAMPLES: Final = (
    "irritants get sources",
    "irritants reports ru-us --param actor=desk --param from=2025-06-01",
    "irritants get 'irritants?status=resolved' --param relation=ru-us",
    "irritants get relations/ru-us/ledger --param on=2025-06-01 --csv",
    "irritants get events --param stream=irritant/ru-us/visas --all --json",
)
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet, if the document has it.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A query parameter. Repeat for several.")
]
_EVERY_PAGE: Final = "Show every page, not only the first."


@reads
def get_command(
    path: Annotated[str, typer.Argument(metavar="PATH", help="An address, such as /v1/rounds, or rounds for short.")],
    *,
    param: Parameters = None,
    all_pages: Annotated[bool, typer.Option("--all", help=_EVERY_PAGE)] = False,
    csv: AsCsv = False,
    reader: Reader,
) -> None:
    """Show any document or list of the HTTP interface. `irritants openapi` lists them."""
    parameters = [_pair(text) for text in param or ()]
    show(reader, path if path.startswith("/") else f"/v1/{path}", parameters, all_pages=all_pages, csv=csv)


def command_of(alias: Alias) -> Callable[..., None]:
    """Make the command of a shortcut."""
    of_member = ("ID", "An irritant, a round or a relation.")
    of_relation = ("RELATION", "A relation, such as ru-us. Needed if several are on record.")
    metavar, what = of_member if "{member}" in alias.path else of_relation

    def run(
        id: Annotated[str | None, typer.Argument(metavar=metavar, help=what)] = None,
        *,
        on: Annotated[
            str | None,
            typer.Option(metavar="DAY", help="Count days to this day. Without a day, no step is overdue."),
        ] = None,
        param: Parameters = None,
        all_pages: Annotated[
            bool, typer.Option("--all", help=_EVERY_PAGE, hidden=not alias.is_long)
        ] = not alias.is_long,
        csv: AsCsv = False,
        reader: Reader,
    ) -> None:
        parameters = [*([("on", day("--on", on))] if on else []), *map(_pair, param or ())]
        with naming_near(reader.service, f"relation/{id}") if id and "{relation}" in alias.path else nullcontext():
            show(reader, _path(reader, alias.path, id), parameters, all_pages=all_pages, csv=csv)

    return reads(run)


def _path(reader: Reader, template: str, id: str | None) -> str:
    """Return the path of an alias with its places filled in. `id` is the argument of the command. Raises Failed."""
    if "{any_relation}" in template:
        return template.format(any_relation=id or "")
    if "{member}" in template:
        if id is None:
            raise Failed("name an irritant, a round or a relation, such as ru-us/visas", Exit.USAGE)
        stream, _ = find(reader.service, id, reader.point)
        return template.format(member=address(stream).removeprefix("/v1/"))
    return template.format(relation=id or only_relation(reader.service, "name the relation"))


def show(reader: Reader, path: str, parameters: list[tuple[str, str]], *, all_pages: bool, csv: bool) -> None:
    """Print the document at a path. The path can contain a query, to which the parameters are added."""
    if csv and reader.as_json:
        raise Failed("--csv and --json exclude each other; use one of them", Exit.USAGE)
    path, _, inline = path.partition("?")
    if path == _LIVE_STREAM:
        raise Failed(f"{path} is a stream without an end; use `irritants changes --follow`", Exit.USAGE)
    query = _query([*parse_qsl(inline), *parameters, *((name, str(value)) for name, value in reader.point.items())])
    document = reader.service.document(path, query, accept=_CSV if csv else _ANY_TEXT)
    if isinstance(document, str):
        _show_text(reader, path, document)
        return
    if csv:
        raise Failed(f"{path} has no CSV, only application/json; leave out --csv", Exit.REFUSED)
    if all_pages:
        document |= _rest(reader, path, query, document)
    draws = (alias.draw for alias in ALIASES.values() if alias.draw and re.fullmatch(alias.pattern, path))
    draw = next(draws, tables.document)
    if draw is tables.assertions and not reader.as_json:
        names = documents.names_of(reader.service, tables.documents_read(document))
        draw = partial(tables.assertions, document_names=names)
    reader.show(path, document, draw, query)
    if not all_pages and document.get("items"):
        for name, value in _following(path, document).items():
            more = "The feed goes on" if "log" in document else "There is more"
            terminal.note(f"{more}: add --all, or --param {name}={value} for the next page.")


def _show_text(reader: Reader, path: str, text: str) -> None:
    if reader.as_json:
        terminal.show_json({path.rpartition("/")[2].partition(".")[0]: text})
    else:
        terminal.show_text(text)


def _query(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Return the query with these parameters. Raises Failed if one is given twice."""
    query: dict[str, object] = {}
    for name, value in pairs:
        if name in query:
            raise Failed(f"the parameter {name} is given twice; give it once", Exit.USAGE)
        query[name] = value
    return query


def _pair(param: str) -> tuple[str, str]:
    name, equals, value = param.partition("=")
    if not name or not equals:
        raise Failed(f"invalid --param {param}; use NAME=VALUE, such as relation=ru-us", Exit.USAGE)
    return name, value


def _following(path: str, document: Mapping[str, Any]) -> Query:
    """Return the parameter that selects the next page. It is empty on the last page."""
    next = document.get("next")
    if next is None:
        return {}
    if isinstance(next, str):
        return {"cursor": next}
    # Events of a stream continue by version, feeds by position, and timelines by their numbers.
    return {"after_version" if path.count("/") > 2 and path.endswith("/events") else "after": next}


def _rest(reader: Reader, path: str, query: Query, page: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last page with the items of all pages. Empty if the given page is the only one."""
    if not _following(path, page):
        return {}
    items, asked = list(page["items"]), query
    # At its end, a feed names the cursor that was just sent.
    while (following := _following(path, page)) and not following.items() <= asked.items():
        asked = {"limit": _PAGE, **query, **following}
        page = reader.service.read(path, asked)
        items += page["items"]
    return {**page, "items": items}
