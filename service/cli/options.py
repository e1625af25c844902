"""Shared options, how a command line is read, and the texts of help.

A command that reads declares its own options and gets the others as one `Asked`. So every such command has both clocks,
and a new one is added only here.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import typer
from rich.console import RenderableType
from rich.markup import escape
from typer.core import TyperCommand, TyperOption

from service.cli import terminal
from service.cli.client import NONE, Query, Service, service
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
        help="Address of the PostgreSQL database (IRRITANTS_DATABASE_URL); without it: the embedded database.",
        show_default=False,
    ),
]
AsOfPosition = Annotated[
    int | None, typer.Option("--as-of-position", metavar="N", min=0, help="Read the record as it was at this position.")
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at", metavar="TIME", help="Read the record as known at this time, such as 2025-04-10T09:00:00Z."
    ),
]
EffectiveOn = Annotated[
    str | None, typer.Option("--effective-on", metavar="DAY", help="Leave out what had not happened by this day.")
]
DateMatch = Annotated[
    Literal["possible", "certain"] | None,
    typer.Option("--date-match", help="With --effective-on: what had possibly, or certainly, happened."),
]


class Command(TyperCommand):
    """A command that refuses an option given twice, and reads text as UTF-8 in every locale.

    Without the first, the last of several values would count, and the others would be dropped silently.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for option, times in Counter(order).items():
            takes_one = isinstance(option, TyperOption) and not (option.multiple or option.is_flag)
            if takes_one and times > 1 and not ctx.resilient_parsing:
                ctx.fail(f"{option.opts[0]} is given {times} times; give it once.")
        rest = super().parse_args(ctx, args)
        ctx.params.update({name: _text(ctx, value) for name, value in ctx.params.items()})
        return rest


def _text(ctx: Any, value: Any) -> Any:
    """Return a text as UTF-8, and a value of another type as it is."""
    if isinstance(value, list):
        return [_text(ctx, one) for one in value]
    if type(value) is not str:
        return value
    text = as_utf8(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        ctx.fail(f"{text} is not UTF-8; write it in UTF-8.")
    return text


def shown(file: Path) -> str:
    """Return the name of a file as printable text, in every locale."""
    return as_utf8(str(file)).encode("utf-8", "backslashreplace").decode()


def examples(*lines: str) -> str:
    """Return the examples at the end of a help text."""
    return "\n\n".join(["Examples:", *(escape(line) for line in lines)])


def day(moment: datetime | None, otherwise: str) -> str:
    """Return a time as lists show it: minutes, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else otherwise


Drawn: TypeAlias = Iterable[RenderableType]

_CLOCKS: Final[dict[str, Any]] = {
    "as_of_position": AsOfPosition,
    "known_at": KnownAt,
    "effective_on": EffectiveOn,
    "date_match": DateMatch,
}


def _option(name: str, kind: Any, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


_SHARED: Final = (
    *(_option(name, kind) for name, kind in _CLOCKS.items()),
    _option("url", Url),
    _option("as_json", AsJson, default=False),
)


@dataclass(frozen=True)
class Asked:
    """A service, with the point on both clocks and the output form of this command.

    `then` has the query parameters of the point; empty for the present.
    """

    service: Service
    then: Query
    as_json: bool

    def read(self, path: str, query: Query = NONE) -> Any:
        return self.service.read(path, {**self.then, **query})

    def items(self, path: str, query: Query = NONE) -> list[dict[str, Any]]:
        return list(self.service.items(path, {**self.then, **query}))

    def text(self, path: str, media_type: str, query: Query = NONE) -> str:
        return self.service.get(path, {**self.then, **query}, accept=media_type).text

    def show(self, document: object, draw: Callable[[Any], Drawn]) -> None:
        """Print a document as JSON, or drawn."""
        if self.as_json:
            terminal.show_json(document)
        elif drawn := list(draw(document)):
            terminal.show(*drawn)
        else:
            terminal.note("Nothing is on record.")


def reads(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of reading to a command: clocks, service and form. The command gets them as `asked`."""
    own = [parameter for name, parameter in signature(command).parameters.items() if name != "asked"]

    @wraps(command)
    def run(*, url: str | None, as_json: bool, **given: Any) -> None:
        then = {name: value for name in _CLOCKS if (value := given.pop(name)) is not None}
        with service(url) as asked:
            command(asked=Asked(asked, then, as_json), **given)

    # Typer reads these two to find the options.
    options = (*own, *_SHARED)
    vars(run)["__signature__"] = Signature(list(options))
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run
