"""Print or save a sheet or a dossier in the formats of the pages: Word, Markdown and CSV."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

import typer

from service.cli import files, terminal
from service.cli.options import Reader, shown
from service.cli.streams import naming_near
from service.cli.terminal import Exit, Failed
from service.projections.formats import WORD

Format = Literal["word", "markdown", "csv"]
InFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Print the document as the pages export it. Word needs --output, or a pipe."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Save it in this file. Its ending (.docx, .md, .csv) is the format.", dir_okay=False
    ),
]
AsMarkdown = Annotated[
    bool, typer.Option("--markdown", help="Print Markdown, to paste into a cable: --format markdown.")
]


class _Kind(NamedTuple):
    """How a format is asked for and saved."""

    media_type: str
    suffix: str
    is_binary: bool


_KINDS: Final[Mapping[Format, _Kind]] = {
    "word": _Kind(WORD, ".docx", is_binary=True),
    "markdown": _Kind("text/markdown", ".md", is_binary=False),
    "csv": _Kind("text/csv", ".csv", is_binary=False),
}


def chosen(reader: Reader, format: Format | None, output: Path | None, *, markdown: bool) -> Format | None:
    """Return the format that the options name. None: the document is drawn, or printed as JSON. Raises Failed."""
    if markdown and format not in (None, "markdown"):
        raise Failed(f"--markdown and --format {format} exclude each other; use one of them", Exit.USAGE)
    named: Format | None = "markdown" if markdown else format
    if reader.as_json and (named or output):
        option = "--markdown" if markdown else "--format" if named else "--output"
        remedy = "; use one of them" if named else "; redirect JSON with > FILE"
        raise Failed(f"{option} and --json exclude each other{remedy}", Exit.USAGE)
    if named is None and output is not None:
        named = next((name for name, kind in _KINDS.items() if output.suffix.lower() == kind.suffix), None)
        if named is None:
            endings = ", ".join(f"{kind.suffix} ({name})" for name, kind in _KINDS.items())
            sentence = f"the name {shown(output)} does not say the format; add --format, or use an ending: {endings}"
            raise Failed(sentence, Exit.USAGE)
    return named


def export(reader: Reader, stream: str, path: str, format: Format, output: Path | None, *, force: bool) -> None:
    """Print the document at a path in a format, or save it in a file. Raises Failed."""
    kind = _KINDS[format]
    to_stdout = output is None or files.is_stream(output)
    if to_stdout and kind.is_binary and terminal.out().is_terminal:
        member = stream.rpartition("/")[2]
        raise Failed(
            f"{format} is a binary format and is not printed on a terminal; add --output {member}{kind.suffix}",
            Exit.USAGE,
        )
    if output is not None and not to_stdout and files.is_filled(output) and not force:
        raise files.not_replaced(output, "it exists")
    with naming_near(reader.service, stream):
        content = reader.content(path, kind.media_type)
    if output is None or to_stdout:
        _print(content, kind)
        return
    with files.written(output) as saved:
        saved.write(content)
    terminal.note(f"{shown(output)} was written.")


def _print(content: bytes, kind: _Kind) -> None:
    if not kind.is_binary:
        terminal.show_text(content.decode())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
