"""`irritants get PATH`: any document of the service, drawn, as JSON or as CSV; and the words that stand for a path."""

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
"""What a document is read as: JSON where it has that."""


class Alias(NamedTuple):
    """A word for a path.

    `{relation}` is the relation that is named, or the only one on record. `{any_relation}` may be left out.
    `{member}` is an irritant, a round or a relation.
    """

    path: str
    draw: Callable[[Mapping[str, Any]], Drawn] | None
    help: str
    examples: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """A regular expression that the addresses of this path match."""
        return re.sub(r"\{(\w+)\}", lambda place: _PLACES[place[1]], self.path.partition("?")[0])


_PLACES: Final = {"relation": r"[^/]+", "member": r"(?:(?:irritants|rounds)/[^/]+/[^/]+|relations/[^/]+)"}
_OF_RELATION: Final = "/v1/relations/{relation}"
ALIASES: Final[Mapping[str, Alias]] = {
    "board": Alias(
        f"{_OF_RELATION}/board",
        tables.board,
        "Show every irritant of a relation, and where each stood after each round.",
        ("irritants board", "irritants board ru-us --known-at 2025-04-09T08:00:00Z --csv"),
    ),
    "matrix": Alias(
        f"{_OF_RELATION}/matrix",
        tables.matrix,
        "Show irritant by party: where each stands, in whose words, and what it last said.",
        ("irritants matrix", "irritants matrix --as-of-position 90"),
    ),
    "ledger": Alias(
        f"{_OF_RELATION}/ledger",
        tables.ledger,
        "Show who is to do what, by when: next steps, rounds to come, proposals; who claims them and who confirms.",
        ("irritants ledger --on 2025-06-01", "irritants ledger ru-us --csv > ledger.csv"),
    ),
    "needs-confirmation": Alias(
        f"{_OF_RELATION}/needs-confirmation",
        tables.needs_confirmation,
        "Show what rests on less than both sides' word, why, and what would settle it.",
        ("irritants needs-confirmation", "irritants needs-confirmation ru-us --as-of-position 90"),
    ),
    "corroboration": Alias(
        f"{_OF_RELATION}/corroboration",
        tables.corroboration,
        "Show what is claimed, and how many distinct origins and documents each claim rests on.",
        ("irritants corroboration ru-us",),
    ),
    "registers": Alias(
        f"{_OF_RELATION}/registers",
        tables.registers,
        "Show what lies outside the talks, what can be counted, what went back, and how old the latest word is.",
        ("irritants registers --on 2025-06-01",),
    ),
    "rounds": Alias(
        "/v1/rounds?relation={any_relation}",
        tables.rounds,
        "Show the rounds: how far each has come and who says so, when, where, how long.",
        ("irritants rounds", "irritants rounds ru-us --effective-on 2025-03-01"),
    ),
    "calendar": Alias(
        f"{_OF_RELATION}/calendar.ics",
        None,
        "Write the rounds that have a day as a calendar (iCalendar); with --json as a text in JSON.",
        ("irritants calendar ru-us > rounds.ics",),
    ),
    "assertions": Alias(
        "/v1/{member}/evidence",
        tables.assertions,
        "Show what each assertion rests on: documents and paragraphs, their origins, and who is silent.",
        ("irritants assertions ru-us/visas", "irritants assertions ru-us"),
    ),
}
EXAMPLES: Final = (
    "irritants get sources",
    "irritants get 'irritants?status=resolved' --param relation=ru-us",
    "irritants get relations/ru-us/ledger --param on=2025-06-01 --csv",
    "irritants get events --param stream=irritant/ru-us/visas --all --json",
)
AsCsv = Annotated[bool, typer.Option("--csv", help="As a table for a spreadsheet, where the service has one.")]


@reads
def get_command(
    path: Annotated[str, typer.Argument(help="An address of the interface, such as /v1/rounds, or rounds for short.")],
    *,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the query; may be given again.")
    ] = None,
    all_pages: Annotated[bool, typer.Option("--all", help="Every page, instead of the first.")] = False,
    csv: AsCsv = False,
    asked: Asked,
) -> None:
    """Show any document or list of the HTTP interface, drawn. `openapi` prints what there is."""
    show(asked, path if path.startswith("/") else f"/v1/{path}", _pairs(param or ()), all_pages=all_pages, csv=csv)


def command_of(alias: Alias) -> Callable[..., None]:
    """Return the command that an alias is."""
    required = "{member}" in alias.path

    def run(
        id: Annotated[
            str | None,
            typer.Argument(
                metavar="ID" if required else "RELATION",
                help="An irritant, a round or a relation."
                if required
                else "Such as ru-us; without one, the only relation on record.",
            ),
        ] = None,
        *,
        on: Annotated[
            str | None,
            typer.Option(metavar="DAY", help="The day from which days are counted; without one nothing is overdue."),
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
    """Print what the service answers under a path, which may have a query of its own."""
    if csv and asked.as_json:
        raise Failed("--csv and --json are two forms: name one of them", Exit.USAGE)
    path, _, inline = path.partition("?")
    if path == _ENDLESS:
        raise Failed(f"{path} is a stream without an end; use `irritants changes --follow`", Exit.USAGE)
    query = _query([*parse_qsl(inline), *given, *((name, str(value)) for name, value in asked.then.items())])
    answer = asked.service.get(path, query, accept=_CSV if csv else _ANY_TEXT)
    if csv or "json" not in answer.headers["content-type"]:
        _show_text(asked, path, answer.text)
        return
    document = answer.json()
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


def _pairs(params: Iterable[str]) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, equals, value in (param.partition("=") for param in params) if name and equals]
    if len(pairs) < len(list(params)):
        raise Failed("--param takes NAME=VALUE, such as relation=ru-us", Exit.USAGE)
    return pairs


def _query(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    query: dict[str, object] = {}
    for name, value in pairs:
        if name in query:
            raise Failed(f"the parameter {name} is given twice; give it once", Exit.USAGE)
        query[name] = value
    return query


def _following(path: str, document: Mapping[str, Any]) -> Query:
    """Return the parameter that asks for the next page; empty where there is none."""
    next = document.get("next")
    if next is None:
        return {}
    if isinstance(next, str):
        return {"cursor": next}
    # A page of one stream goes on by version, a feed and a timeline by place.
    return {"after_version" if path.count("/") > 2 and path.endswith("/events") else "after": next}


def _rest(asked: Asked, path: str, query: Query, page: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items of this and all later pages, with `next` of the last; empty where `page` is the only one."""
    if not _following(path, page):
        return {}
    items, seen = list(page["items"]), query
    while (following := _following(path, page)) and not following.items() <= seen.items():
        seen = {"limit": _PAGE, **query, **following}
        page = asked.service.read(path, seen)
        items += page["items"]
    return {"items": items, "next": page["next"]}
