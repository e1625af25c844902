"""`irritants report`: preview a report file, file it once, and list every mistake with its line and column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service import reportfile
from service.cli import terminal
from service.cli.client import Service, ServiceProblem, connect
from service.cli.drawing import in_words
from service.cli.files import write_new
from service.cli.options import AsJson, Url, shown, to_the_minute
from service.cli.preview import show_audiences, show_preview, show_warnings
from service.cli.streams import events, find_event, reference
from service.cli.template import template, unfilled
from service.cli.terminal import Exit, Failed
from service.domain import report
from service.domain.assertion import REFERENCE_FIELDS, EventModel, Recorded
from service.domain.catalogue import dump
from service.projections.words.event_types import event_name
from service.reportfile import NotAReport, ReportFile
from service.source_positions import Diagnostic

_OF_THIS_REPORT: Final = "an event of this report"
"""What a comparison shows for a reference between two events of one report. Their ids and refs differ."""


@dataclass(frozen=True)
class Filed:
    """The response of the service to a report. `replayed`: the report was on record before."""

    answer: Mapping[str, Any]
    replayed: bool

    @property
    def warnings(self) -> Sequence[Mapping[str, str]]:
        """What may be a slip. Services of earlier releases send no warnings."""
        found: Sequence[Mapping[str, str]] = self.answer.get("warnings", ())
        return found


def report_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A report in YAML or JSON, `-` for standard input. With --template: the file to write.", dir_okay=False
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what filing would change, and file nothing.")
    ] = False,
    round: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="ID",
            help="Write a report to fill in, with every open irritant, on this round or relation: ru-us/moscow, ru-us.",
        ),
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """File a report: all of it or nothing, and once, even if it is sent again.

    All mistakes are listed at once, each with its line and column. openapi/report.schema.json describes the format,
    and seeds/ has examples.
    """
    if round is not None and (dry_run or as_json):
        raise Failed("--template only writes a file to fill in; leave out --dry-run and --json", Exit.USAGE)
    with connect(url) as service:
        if round is not None:
            _write_template(service, round, file)
        elif file is None:
            raise Failed("name the report file; --template ID writes one to fill in", Exit.USAGE)
        else:
            _report(service, file, dry_run=dry_run, as_json=as_json)


def file_report(service: Service, body: object, key: str, *, dry_run: bool) -> Filed:
    """File a report, or try it with `dry_run`. Raises ServiceProblem."""
    answer = service.post("/v1/reports", body, {"dry_run": "true"} if dry_run else {}, key=None if dry_run else key)
    return Filed(answer.json(), answer.headers.get("idempotent-replayed") == "true")


def show_filed(filed: Filed, body: Mapping[str, Any], warnings: Iterable[str] = (), *, dry_run: bool) -> None:
    """Show what was recorded and what it changed, or would change.

    `warnings`: those of the service, with their places in a file.
    """
    answer = filed.answer
    count, first, last = len(answer["events"]), answer["first_position"], answer["position"]
    where = f"position {first}" if first == last else f"positions {first} to {last}"
    counted = f"{count} event{'' if count == 1 else 's'}"
    if filed.replayed:
        terminal.show(f"Already recorded: {counted} at {where}, as report {answer['id']}. Nothing was written now.")
        return
    show_preview(answer["changes"], body, answer.get("names", {}))
    show_audiences(answer.get("audiences", ()))
    show_warnings(warnings or [warning["detail"] for warning in filed.warnings])
    without_change = dict.fromkeys(e["stream"] for e in answer["events"])
    for change in answer["changes"]:
        without_change.pop(f"irritant/{change['irritant']}", None)
    if without_change:
        terminal.show(Text.assemble(("No status changes, but these details do: ", "dim"), ", ".join(without_change)))
    if dry_run:
        terminal.show(f"Dry run: {counted} would be recorded at {where}. Nothing was written.")
    else:
        terminal.show(f"Recorded: {counted} at {where}, as report {answer['id']}.")


def _report(service: Service, path: Path, *, dry_run: bool, as_json: bool) -> None:
    file = _read(path)
    with terminal.working(f"filing {len(_events(file)):,} events"):
        blanks = dict(unfilled(file.draft))
        if file.mistakes or blanks:
            # The service would list a blank as another mistake at the same place.
            others = [mistake for mistake in _mistakes_by_service(service, file) if mistake[0] not in blanks]
            raise _file_error(path, file.all_mistakes([*blanks.items(), *others]))
        if dry_run and (warning := _warning_of_same_title(service, file)):
            terminal.note(Text(warning, "yellow"))
        try:
            filed = file_report(service, file.body, file.key, dry_run=dry_run)
        except ServiceProblem as refused:
            raise _with_lines(service, path, file, refused) from refused
    if as_json:
        terminal.show_json({"key": file.key, "replayed": filed.replayed, "dry_run": dry_run, **filed.answer})
    else:
        placed = file.diagnostics((warning["pointer"], warning["detail"]) for warning in filed.warnings)
        show_filed(filed, file.draft, _lines(path, placed), dry_run=dry_run)


def _warning_of_same_title(service: Service, file: ReportFile) -> str | None:
    """Return a warning if a report with this title is on record. A dry run has no key, so the service cannot notice."""
    relation, title = file.draft.get("relation"), file.draft.get("title")
    for filed in service.items("/v1/reports", {"relation": relation}):
        if filed["title"] == title:
            where = f"positions {filed['first_position']} to {filed['position']}"
            return f"A report with this title is on record at {where}. To file a new report, change the title."
    return None


def _read(path: Path) -> ReportFile:
    try:
        return reportfile.read(reportfile.load(path))
    except OSError as error:
        raise Failed(f"{shown(path)} cannot be read: {error.strerror}", Exit.USAGE) from error
    except NotAReport as error:
        raise _file_error(path, error.mistakes) from error


def _events(file: ReportFile) -> Sequence[Any]:
    """Return the events of a file, which may have mistakes."""
    found = file.draft.get("events")
    return found if isinstance(found, list) else []


def _mistakes_by_service(service: Service, file: ReportFile) -> list[tuple[str, str]]:
    """Return the further mistakes that the service finds in a file with mistakes: JSON Pointer and detail."""
    try:
        file_report(service, file.draft, file.key, dry_run=True)
    except Failed as failed:
        if isinstance(failed, ServiceProblem) and (mistakes := _mistakes_in(failed)):
            return mistakes
        terminal.note(f"{failed.sentence}; only the mistakes found without the service are listed")
    return []


def _mistakes_in(refused: ServiceProblem) -> list[tuple[str, str]]:
    """Return the mistakes that a problem lists: JSON Pointer and detail."""
    errors = refused.problem.get("errors", ())
    return [(error["pointer"], error["detail"]) for error in errors if error.get("pointer") is not None]


def _file_error(path: Path, mistakes: Sequence[Diagnostic], also: str = "") -> Failed:
    """Return the error that lists the mistakes of a file, each as `file:line:column: field: detail`."""
    lines = "".join(f"\n{line}" for line in _lines(path, mistakes))
    counted = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    found = [{"line": m.line, "column": m.column, "pointer": m.pointer, "detail": m.detail} for m in mistakes]
    return Failed(f"{shown(path)} has {counted}; nothing was written{also}{lines}", found={"mistakes": found})


def _lines(path: Path, found: Iterable[Diagnostic]) -> list[str]:
    return reportfile.lines(shown(path), found)


def _with_lines(service: Service, path: Path, file: ReportFile, refused: ServiceProblem) -> Failed:
    """Return the refusal with the lines of the file, and with the events that were recorded since it was written."""
    if refused.name == "key-reused":
        return _filed_differently(service, path, file, str(refused.problem["report"]))
    mistakes = _mistakes_in(refused)
    if not mistakes:
        return refused
    also = ""
    if (allowed := refused.problem.get("allowed")) is not None:
        also = f". At this date the irritant is at {in_words(refused.problem['rung'])}; allowed: {', '.join(allowed)}"
    failed = _file_error(path, file.all_mistakes(mistakes), also)
    newer = _newer_events(service, file)
    return Failed(f"{failed.sentence}{newer}", failed.code, {**refused.problem, **failed.found})


def _newer_events(service: Service, file: ReportFile) -> str:
    """List the events that were recorded after the versions that the file expects."""
    expected = file.draft.get("expect")
    lines: list[str] = []
    for stream, version in (expected if isinstance(expected, dict) else {}).items():
        newer = (event for event in events(service, {"stream": stream}) if event.version > version)
        lines += map(_one_line, newer)
    if not lines:
        return ""
    return "\nRecorded after the versions that it expects:" + "".join(f"\n  {line}" for line in lines)


def _one_line(event: Recorded) -> str:
    """Return an event in words: its name, when and by whom it was filed, and what it says."""
    text = getattr(event.data, "summary", None) or getattr(event.data, "reason", "")
    by = f"{to_the_minute(event.recorded_at, '')} UTC, {event.actor}"
    return f"{reference(event)}  {by}: {event_name(event.type)}: {text}".rstrip()


def _filed_differently(service: Service, path: Path, file: ReportFile, address: str) -> Failed:
    """Return the error for a file that was filed with other contents, with the difference from that report.

    `address` is the path of the recorded report.
    """
    recorded = service.read(address)
    before = list(events(service, {"report": recorded["id"]}))
    siblings = {event.id for event in before}
    difference = list(
        unified_diff(
            [line for event in before for line in _comparable(service, event.stream, event.data, siblings)],
            [line for event in _events_of_file(service, file) for line in event],
            "as recorded",
            shown(path),
            n=2,
            lineterm="",
        )
    )
    sentence = (
        f"{shown(path)} was filed before with different contents, as report {recorded['id']} at positions"
        f" {recorded['first_position']} to {recorded['position']}; nothing was written. File new statements under"
        " another title. Change what was filed with `irritants correct`."
    )
    return Failed("\n".join([sentence, *difference]), found={"report": recorded, "difference": difference})


def _events_of_file(service: Service, file: ReportFile) -> Iterator[list[str]]:
    """Yield the events of a file as lines to compare."""
    filed = report.read(file.draft)
    refs = {event.ref for event in filed.events if event.ref is not None}
    for event in filed.events:
        yield _comparable(service, event.stream, event.data, refs)


def _comparable(service: Service, stream: str, data: EventModel, siblings: set[str]) -> list[str]:
    """Return an event as lines to compare. References by ref, id and version are written in one form.

    `siblings` has the ids or refs of the other events of the same report.
    """
    payload = dump(data)
    for name in REFERENCE_FIELDS:
        if payload.get(name) in siblings:
            payload[name] = _OF_THIS_REPORT
        elif name in payload:
            payload[name] = _by_version(service, str(payload[name]))
    return [f"{stream} {payload.pop('type')}", *(f"    {name}: {value}" for name, value in sorted(payload.items()))]


def _by_version(service: Service, name: str) -> str:
    """Return the name that `irritants history` shows for an event. Return `name` if the event is not on record."""
    try:
        return reference(find_event(service, name))
    except Failed:
        return name


def _write_template(service: Service, round: str, path: Path | None) -> None:
    text = template(service, round, None if path is None else shown(path))
    if made := write_new(text, path):
        terminal.note(f"{shown(made)} was written. Fill it in, then run: irritants report {shown(made)} --dry-run")
