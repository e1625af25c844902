"""`irritants get PATH`: any document of the service as a table, JSON or CSV; and shortcuts for paths."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import parse_qsl

import typer

from service.cli import tables, terminal
from service.cli.client import Query
from service.cli.options import Asked, Drawn, reads
from service.cli.streams import address, find, only_relation
from service.cli.terminal import Exit, Failed

_PAGE: Final = 1_000
_CSV: Final = "text/csv"
_ENDLESS: Final = "/v1/events/live"
_ANY_TEXT: Final = "application/json, application/atom+xml;q=0.5, text/calendar;q=0.5, text/plain;q=0.5"
"""Accepted media types: JSON if the document has it."""


class Alias(NamedTuple):
    """A shortcut for a path.

    `{relation}` is the given relation, or the only one on record. `{any_relation}` is optional. `{member}` is an
    irritant, a round or a relation.
    """

    path: str
    draw: Callable[[Mapping[str, Any]], Drawn] | None
    help: str

    @property
    def pattern(self) -> str:
        """Return a regular expression for the addresses of this path."""
        return re.sub(r"\{(\w+)\}", lambda place: _PLACES[place[1]], self.path.partition("?")[0])


_PLACES: Final = {"relation": r"[^/]+", "member": r"(?:(?:irritants|rounds)/[^/]+/[^/]+|relations/[^/]+)"}
_R: Final = "/v1/relations/{relation}"
ALIASES: Final[Mapping[str, Alias]] = {
    "board": Alias(f"{_R}/board", tables.board, "Show every irritant, with its status after each round."),
    "matrix": Alias(f"{_R}/matrix", tables.matrix, "Show the rung, stance and latest statement of each side."),
    "ledger": Alias(f"{_R}/ledger", tables.ledger, "Show next steps and proposals: who acts, by when."),
    "needs-confirmation": Alias(f"{_R}/needs-confirmation", tables.needs_confirmation, "Show what needs confirmation."),
    "corroboration": Alias(f"{_R}/corroboration", tables.corroboration, "Show how many origins each claim rests on."),
    "registers": Alias(f"{_R}/registers", tables.registers, "Show excluded subjects, items and regressions."),
    "rounds": Alias("/v1/rounds?relation={any_relation}", tables.rounds, "Show the phase and date of each round."),
    "calendar": Alias(f"{_R}/calendar.ics", None, "Print the rounds that have a date as a calendar (iCalendar)."),
    "assertions": Alias("/v1/{member}/evidence", tables.assertions, "Show the documents that each assertion rests on."),
}
EXAMPLES: Final = (
    "irritants get sources",
    "irritants get 'irritants?status=resolved' --param relation=ru-us",
    "irritants get relations/ru-us/ledger --param on=2025-06-01 --csv",
    "irritants get events --param stream=irritant/ru-us/visas --all --json",
)
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet, if the document has it.")]


@reads
def get_command(
    path: Annotated[str, typer.Argument(metavar="PATH", help="An address, such as /v1/rounds, or rounds for short.")],
    *,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A query parameter; repeat for several.")
    ] = None,
    all_pages: Annotated[bool, typer.Option("--all", help="Show every page, not only the first.")] = False,
    csv: AsCsv = False,
    asked: Asked,
) -> None:
    """Show any document or list of the HTTP interface. `irritants openapi` lists them."""
    given = [_pair(one) for one in param or ()]
    show(asked, path if path.startswith("/") else f"/v1/{path}", given, all_pages=all_pages, csv=csv)


def command_of(alias: Alias) -> Callable[..., None]:
    """Return the command of an alias."""
    of_member = ("ID", "An irritant, a round or a relation.")
    of_relation = ("RELATION", "A relation, such as ru-us; needed if several are on record.")
    metavar, what = of_member if "{member}" in alias.path else of_relation

    def run(
        id: Annotated[str | None, typer.Argument(metavar=metavar, help=what)] = None,
        *,
        on: Annotated[
            str | None,
            typer.Option(metavar="DAY", help="Count days to this day; without it no step is overdue."),
        ] = None,
        csv: AsCsv = False,
        asked: Asked,
    ) -> None:
        show(asked, _path(asked, alias.path, id), [("on", on)] if on else [], all_pages=True, csv=csv)

    return reads(run)


def _path(asked: Asked, template: str, id: str | None) -> str:
    if "{any_relation}" in template:
        return template.format(any_relation=id or "")
    if "{member}" in template:
        if id is None:
            raise Failed("name an irritant, a round or a relation, such as ru-us/visas", Exit.USAGE)
        stream, _ = find(asked.service, id, asked.then)
        return template.format(member=address(stream).removeprefix("/v1/"))
    return template.format(relation=id or only_relation(asked.service, "name the relation"))


def show(asked: Asked, path: str, given: list[tuple[str, str]], *, all_pages: bool, csv: bool) -> None:
    """Print the document at a path, which may have a query."""
    if csv and asked.as_json:
        raise Failed("--csv and --json exclude each other; use one of them", Exit.USAGE)
    path, _, inline = path.partition("?")
    if path == _ENDLESS:
        raise Failed(f"{path} is a stream without an end; use `irritants changes --follow`", Exit.USAGE)
    query = _query([*parse_qsl(inline), *given, *((name, str(value)) for name, value in asked.then.items())])
    document = asked.service.document(path, query, accept=_CSV if csv else _ANY_TEXT)
    if isinstance(document, str):
        _show_text(asked, path, document)
        return
    if all_pages:
        document |= _rest(asked, path, query, document)
    draw = next((a.draw for a in ALIASES.values() if a.draw and re.fullmatch(a.pattern, path)), tables.document)
    asked.show(document, draw)
    if not all_pages and document.get("items"):
        for name, value in _following(path, document).items():
            more = "The feed goes on" if "log" in document else "There is more"
            terminal.note(f"{more}: add --all, or --param {name}={value} for the next page.")


def _show_text(asked: Asked, path: str, text: str) -> None:
    if asked.as_json:
        terminal.show_json({path.rpartition("/")[2].partition(".")[0]: text})
    else:
        terminal.show_text(text)


def _query(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
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
    """Return the parameter for the next page; empty on the last one."""
    next = document.get("next")
    if next is None:
        return {}
    if isinstance(next, str):
        return {"cursor": next}
    # Events of a stream continue by version, feeds and timelines by place.
    return {"after_version" if path.count("/") > 2 and path.endswith("/events") else "after": next}


def _rest(asked: Asked, path: str, query: Query, page: Mapping[str, Any]) -> dict[str, Any]:
    """Return the last page with the items of all later pages; empty if there is only one."""
    if not _following(path, page):
        return {}
    items, seen = list(page["items"]), query
    while (following := _following(path, page)) and not following.items() <= seen.items():
        seen = {"limit": _PAGE, **query, **following}
        page = asked.service.read(path, seen)
        items += page["items"]
    return {**page, "items": items}
