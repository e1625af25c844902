"""Options that several commands share, how each command line is read, and the text of their help."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperOption

from service.settings import as_utf8

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, in the shape of the HTTP interface.")]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The service to ask (IRRITANTS_URL).", show_default=False)
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The PostgreSQL that holds the record (IRRITANTS_DATABASE_URL); without one, the embedded one.",
        show_default=False,
    ),
]
AsOfPosition = Annotated[
    int | None, typer.Option("--as-of-position", metavar="N", min=0, help="As on record at this position.")
]
KnownAt = Annotated[
    str | None,
    typer.Option("--known-at", metavar="TIME", help="As on record at this moment, such as 2025-04-10T09:00:00Z."),
]
EffectiveOn = Annotated[
    str | None, typer.Option("--effective-on", metavar="DAY", help="Only what had happened by this day.")
]
DateMatch = Annotated[
    Literal["possible", "certain"] | None,
    typer.Option("--date-match", help="With --effective-on: what possibly, or what certainly had happened."),
]


class Command(TyperCommand):
    """A command that refuses an option given twice, and reads text as UTF-8 whatever the locale.

    Without the first, the last of several values would count and the others be dropped silently.
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
    """Return a text as UTF-8, and a value of any other type as it is: a Path above all."""
    if isinstance(value, list):
        return [_text(ctx, one) for one in value]
    if type(value) is not str:
        return value
    text = as_utf8(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        ctx.fail(f"{text} is not UTF-8; write it in UTF-8.")
    return text


def shown(file: Path) -> str:
    """Return the name of a file as text to print or to write into a file, whatever the locale."""
    return as_utf8(str(file)).encode("utf-8", "backslashreplace").decode()


def examples(*lines: str) -> str:
    """The end of a command's help; each line stands on its own."""
    return "\n\n".join(["Examples:", *(escape(line) for line in lines)])


def day(moment: datetime | None, otherwise: str) -> str:
    """A moment as people read it in a list: minutes, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else otherwise
