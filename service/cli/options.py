"""Options that several commands share.

The decorator `reads` adds the options of every reading command: the point in time, the service and the output form. A
command declares only its own options, and receives the others as one `Reader`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import typer
from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from service.cli import past, terminal
from service.cli.client import NO_PARAMETERS, Query, Service, connect
from service.cli.terminal import Exit, Failed
from service.domain import edtf
from service.readouts import points
from service.readouts.dates import NotADay, day_written
from service.settings import as_utf8

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the HTTP interface returns it.")]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Address of the service (IRRITANTS_URL).", show_default=False)
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Address of the PostgreSQL database (IRRITANTS_DATABASE_URL). Default: the embedded database.",
        show_default=False,
    ),
]
AsOfPosition = Annotated[
    int | None, typer.Option("--as-of-position", metavar="N", min=0, help="Read the record as it was at this position.")
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at",
        metavar="TIME",
        help="Read the record as known at the end of this day (6 June 2025), or at this time (2025-04-10T09:00:00Z).",
    ),
]
EffectiveOn = Annotated[
    str | None, typer.Option("--effective-on", metavar="DAY", help="Leave out what had not happened by this day.")
]
DateMatch = Annotated[
    Literal["possible", "certain"] | None,
    typer.Option("--date-match", help="With --effective-on: what had possibly, or certainly, happened."),
]


def shown(file: Path) -> str:
    """Return the name of a file as printable text in every locale."""
    return as_utf8(str(file)).encode("utf-8", "backslashreplace").decode()


def day(option: str, text: str) -> str:
    """Return the day that the value of an option names, such as `2025-06-06` for "6 June 2025". Raises Failed."""
    try:
        return day_written(text).isoformat()
    except NotADay as error:
        raise Failed(f"{option} {error}", Exit.USAGE) from None


def _known_at(text: str) -> str | None:
    """Return the value of `--known-at` as a time. None for today: the record is read as it is now. Raises Failed."""
    try:
        return points.time_known_by(text, datetime.now(UTC).date())
    except points.NotAPoint as error:
        raise Failed(f"--known-at {error}", Exit.USAGE) from None


def examples(*lines: str) -> str:
    """Format example commands for the end of a help text."""
    return "\n\n".join(["Examples:", *(escape(line) for line in lines)])


def to_the_minute(moment: datetime | None, otherwise: str) -> str:
    """Return a time to the minute in UTC, such as `10 April 2025, 09:30`, or `otherwise` for None."""
    if moment is None:
        return otherwise
    utc = moment.astimezone(UTC)
    return f"{edtf.describe(utc.date().isoformat())}, {utc:%H:%M}"


HOW_TO_BEGIN: Final = "To begin: irritants new --help"
Drawn: TypeAlias = Iterable[RenderableType]
"""The parts of a drawn document, for `terminal.show`."""

_CLOCKS: Final[dict[str, Any]] = {
    "as_of_position": AsOfPosition,
    "known_at": KnownAt,
    "effective_on": EffectiveOn,
    "date_match": DateMatch,
}


def _parameter(name: str, annotation: Any, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_SHARED: Final = (
    *(_parameter(name, annotation) for name, annotation in _CLOCKS.items()),
    _parameter("url", Url),
    _parameter("as_json", AsJson, default=False),
)


@dataclass(frozen=True)
class Reader:
    """Reads documents of the service at the point in time that the options name, and prints them.

    `point` has the query parameters of that point, such as `known_at`. It is empty for the present.
    """

    service: Service
    point: Query
    as_json: bool

    def read(self, path: str, query: Query = NO_PARAMETERS) -> Any:
        return self.service.read(path, {**self.point, **query})

    def items(self, path: str, query: Query = NO_PARAMETERS) -> list[dict[str, Any]]:
        return list(self.service.items(path, {**self.point, **query}))

    def content(self, path: str, media_type: str) -> bytes:
        """Return a document in another format than JSON."""
        return self.service.get(path, self.point, accept=media_type).content

    def show(self, path: str, document: object, draw: Callable[[Any], Drawn], query: Query = NO_PARAMETERS) -> None:
        """Print the document at a path: as JSON with `--json`, else as `draw` renders it, below its point in time.

        `query`: the further parameters with which it was read, such as the relation.
        """
        if self.as_json:
            terminal.show_json(document)
            return
        self.show_point(past.relation_of(path, query), query)
        if drawn := list(draw(document)):
            terminal.show(*drawn)
        else:
            terminal.note("Nothing is on record." + ("" if self.point else f" {HOW_TO_BEGIN}"))

    def show_point(self, relation: str | None, query: Query = NO_PARAMETERS) -> None:
        """Print the sentence on a reading of the past, if this is one. `relation`: the one that it is about."""
        if sentence := past.sentence(self.service, relation, {**self.point, **query}):
            terminal.show(Text(sentence, "bold"))


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """Add the shared options of reading to a command. The command receives them as its parameter `reader`."""
    own = [parameter for name, parameter in signature(command).parameters.items() if name != "reader"]

    @wraps(command)
    def run(*, url: str | None, as_json: bool, **given: Any) -> None:
        point = {name: value for name in _CLOCKS if (value := given.pop(name)) is not None}
        if "known_at" in point and (time := _known_at(point.pop("known_at"))) is not None:
            point["known_at"] = time
        if "effective_on" in point:
            point["effective_on"] = day("--effective-on", point["effective_on"])
        with connect(url) as service:
            command(reader=Reader(service, point, as_json), **given)

    # Typer finds the options in the signature and in the annotations.
    options = (*own, *_SHARED)
    vars(run)["__signature__"] = Signature(list(options))
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run
