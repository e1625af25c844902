"""Options that several commands share, and the text of their help."""

from datetime import datetime
from typing import Annotated, Literal

import typer
from rich.markup import escape

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


def examples(*lines: str) -> str:
    """The end of a command's help; each line stands on its own."""
    return "\n\n".join(["Examples:", *(escape(line) for line in lines)])


def day(moment: datetime | None, otherwise: str) -> str:
    """A moment as people read it in a list: minutes, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else otherwise
