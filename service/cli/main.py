"""Define the command `irritants` with all its commands, and turn each error into a sentence and an exit code."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TextIO, TypeAlias

import typer

from service import resources, settings
from service.cli import (
    attribution,
    checkpoints,
    corrections,
    draft,
    filing,
    get,
    history,
    keys,
    labels,
    maintenance,
    new,
    options,
    reading,
    relaying,
    search,
    serving,
    terminal,
)
from service.cli.commands import Command, Group
from service.cli.terminal import Exit, Failed
from service.settings import SettingsError

EXIT_CODE_MEANINGS = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused, or the record is damaged",
    Exit.USAGE: "the command line or a setting is wrong",
    Exit.UNREACHABLE: "the service or the database cannot be reached",
    Exit.NOT_AUTHORISED: "the key is missing, expired or revoked, or lacks the permission",
    Exit.NOT_FOUND: "nothing of that name is on record",
    Exit.UNWRITTEN: "a file cannot be read, or a file or standard output cannot be written",
}

app = typer.Typer(
    name="irritants",
    cls=Group,
    help="The record of bilateral irritants: the status of each, who says so, and what was known when.",
    epilog=options.examples("irritants serve", "irritants key list")
    + "\n\nExit codes: "
    + ", ".join(f"{code.value} {meaning}" for code, meaning in EXIT_CODE_MEANINGS.items())
    + ".",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

CommandFunction: TypeAlias = Callable[..., None]
_READING: Final[Mapping[str, tuple[CommandFunction, *tuple[str, ...]]]] = {
    "status": (
        reading.status_command,
        "irritants status",
        "irritants status ru-us/visas --as-of-position 60",
        "irritants status --effective-on 2025-03-01 --date-match certain",
    ),
    "history": (history.history_command, "irritants history ru-us/visas", "irritants history ru-us"),
    "dossier": (
        reading.dossier_command,
        "irritants dossier ru-us/visas",
        "irritants dossier ru-us/visas --output visas.docx",
    ),
    "cite": (reading.cite_command, "irritants cite ru-us/visas@7", "irritants cite ru-us/visas@7 --as-of-position 110"),
    "difference": (
        reading.difference_command,
        "irritants difference ru-us/visas --from position:90",
        "irritants difference ru-us --from round:istanbul-april --to round:moscow-next",
        "irritants difference ru-us/visas --from effective:2025-04-01 --to effective:2025-04-30",
    ),
    "changes": (
        reading.changes_command,
        "irritants changes --since ru-us/istanbul-february",
        'irritants changes --since "6 June 2025"',
        "irritants changes --follow --json | jq .irritant",
    ),
    "search": (search.search_command, *search.EXAMPLES),
    "get": (get.get_command, *get.EXAMPLES),
    "sheet": (
        reading.sheet_command,
        "irritants sheet ru-us/istanbul-april --markdown",
        "irritants sheet ru-us/istanbul-april --output sheet.docx",
        "irritants sheet ru-us/istanbul-april --format csv > statements.csv",
    ),
}
_REPORTING: Final[Mapping[str, tuple[CommandFunction, *tuple[str, ...]]]] = {
    "report": (
        filing.report_command,
        "irritants report --template ru-us/moscow moscow.yaml",
        "irritants report moscow.yaml --dry-run",
        "irritants report moscow.yaml",
    ),
    "draft": (draft.draft_command, *draft.EXAMPLES),
    "correct": (
        corrections.correct_command,
        'irritants correct ru-us/visas@3 --set occurred=2025-04-11 --reason "The article says 11 April" --dry-run',
        'irritants correct source/a1-hasanova@1 --set paragraphs=10 --reason "One line was overlooked"',
    ),
    "handling": (
        corrections.handling_command,
        'irritants handling ru-us/visas@3 restricted --reason "The note is not public" --dry-run',
        'irritants handling ru-us/visas@3 open --reason "It was published"',
    ),
    "retract": (
        corrections.retract_command,
        'irritants retract ru-us/visas@3 --reason "It was said about another round"',
    ),
    "attribute": (attribution.attribute_command, *attribution.EXAMPLES),
    "evidence": (
        corrections.evidence_command,
        "irritants evidence ru-us/visas@3 --source a0-brussels-morning-moscow --paragraphs 15",
        (
            "irritants evidence ru-us/visas@3 --source new-article --publisher 'A newspaper' --paragraphs 4"
            " --origin its-own-voice --speaker 'A newspaper' --party MEDIA --channel outlet"
        ),
    ),
}
_PANELS: Final = {
    "Reading (from the service)": _READING,
    "Reporting (to the service, with a key)": _REPORTING,
}
for panel, commands in _PANELS.items():
    for name, (command, *example_lines) in commands.items():
        app.command(name, cls=Command, rich_help_panel=panel, epilog=options.examples(*example_lines))(command)
app.add_typer(new.app, name="new", rich_help_panel="Reporting (to the service, with a key)")
_SHORTCUTS_PANEL: Final = "Shortcuts for `get` (from the service)"
for name, alias in get.ALIASES.items():
    examples = options.examples(f"irritants {name} ru-us", f"irritants {name} ru-us --as-of-position 90 --json")
    app.command(name, cls=Command, help=alias.help, rich_help_panel=_SHORTCUTS_PANEL, epilog=examples)(
        get.command_of(alias)
    )


def _print_version(is_given: bool) -> None:  # noqa: FBT001 -- Typer calls it with the value of the option
    if is_given:
        terminal.show_text(f"irritants {resources.version()}")
        raise typer.Exit


@app.callback()
def warn_about_service_links(
    *,
    version: Annotated[  # noqa: ARG001 -- the callback of the option prints the version
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Warn about environment variables that are ignored, before the command runs."""
    if links := settings.service_links():
        terminal.note(
            f"irritants: ignoring variables that Kubernetes or Docker sets for a service: {', '.join(links)}."
            " To stop this warning, set enableServiceLinks: false in the pod, or rename the service."
        )


_MAINTENANCE_PANEL: Final = "Maintenance (on the database)"
_MAINTENANCE: Final[Mapping[str, tuple[CommandFunction, str | None]]] = {
    "serve": (serving.serve_command, None),
    "migrate": (maintenance.migrate_command, None),
    "verify": (maintenance.verify_command, maintenance.EXAMPLES["verify"]),
    "checkpoint": (checkpoints.checkpoint_command, checkpoints.EXAMPLES),
    "rebuild": (maintenance.rebuild_command, None),
    "export": (maintenance.export_command, maintenance.EXAMPLES["export"]),
    "import": (maintenance.import_command, maintenance.EXAMPLES["import"]),
    "relay": (relaying.relay_command, relaying.EXAMPLES),
    "openapi": (serving.openapi_command, None),
}
for name, (command, epilog) in _MAINTENANCE.items():
    app.command(name, cls=Command, rich_help_panel=_MAINTENANCE_PANEL, epilog=epilog)(command)
app.add_typer(keys.app, name="key", rich_help_panel=_MAINTENANCE_PANEL)
app.add_typer(labels.app, name="label", rich_help_panel=_MAINTENANCE_PANEL)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (_standard_stream("stdout"), _standard_stream("stderr")):
        terminal.set_encoding(stream)
    try:
        app(arguments)
    except Failed as failed:
        _exit_with_error(failed.sentence, failed.code, failed.found, arguments)
    except SettingsError as error:
        _exit_with_error(str(error), Exit.USAGE, {}, arguments)
    except ModuleNotFoundError as error:
        if resources.is_ours(error):
            raise
        sentence = f"this command needs the service, and only its client is installed ({error}). {resources.ADD_SERVER}"
        _exit_with_error(sentence, Exit.USAGE, {}, arguments)
    except OSError as error:
        _exit_unwritten(error)
    sys.exit(Exit.DONE)


def _standard_stream(name: str) -> TextIO:
    """Return a standard stream. If the parent process closed it, output is discarded."""
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        stream = _null_stream()
        setattr(sys, name, stream)
    return stream


def _null_stream() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _exit_with_error(sentence: str, code: Exit, found: dict[str, Any], arguments: Sequence[str]) -> NoReturn:
    if "--json" in arguments:
        terminal.show_json({"error": sentence, **found})
    terminal.note(f"irritants: {sentence}")
    sys.exit(code)


def _exit_unwritten(error: OSError) -> NoReturn:
    """End after an error of the operating system, such as a full disk. Output in the buffer is discarded."""
    sys.stdout = _null_stream()
    terminal.note(f"irritants: {error.filename or 'standard output'}: {error.strerror or error}")
    sys.exit(Exit.UNWRITTEN)
