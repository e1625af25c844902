"""Filing a report file: preview it, file it once, and list every mistake with its line and column."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer
from rich.text import Text

from service import reportfile
from service.cli import terminal
from service.cli.client import Service, ServiceProblem, service
from service.cli.drawing import in_words
from service.cli.options import AsJson, Url, day, shown
from service.cli.preview import show_preview
from service.cli.streams import events, find_event, reference
from service.cli.template import template, unfilled
from service.cli.terminal import Exit, Failed
from service.domain import report
from service.domain.assertion import Contract, Recorded
from service.domain.catalogue import dump
from service.projections.event_types import event_name
from service.reportfile import NotAReport, ReportFile
from service.source_positions import Diagnostic

_NAMING: Final = ("target", "proposal", "undoes", "after")
_PLACE: Final = re.compile(r"^/(events|sources)/[0-9]+")
_OF_THIS_REPORT: Final = "an event of this report"


@dataclass(frozen=True)
class Filed:
    """The answer of the service. `replayed`: the report was on record before."""

    answer: Mapping[str, Any]
    replayed: bool


def report_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A report in YAML or JSON, `-` for standard input; with --template, the file to write.", dir_okay=False
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
            metavar="ROUND",
            help="Write a report to fill in on this round, such as ru-us/moscow, with every open irritant.",
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
    with service(url) as asked:
        if round is not None:
            _write_template(asked, round, file)
        elif file is None:
            raise Failed("name the report file; --template ROUND writes one to fill in", Exit.USAGE)
        else:
            _report(asked, file, dry_run=dry_run, as_json=as_json)


def file_report(asked: Service, body: object, key: str, *, dry_run: bool) -> Filed:
    """File a report, or try it with `dry_run`. Raises ServiceProblem."""
    answer = asked.post("/v1/reports", body, {"dry_run": "true"} if dry_run else {}, key=None if dry_run else key)
    return Filed(answer.json(), answer.headers.get("idempotent-replayed") == "true")


def show_filed(filed: Filed, body: Mapping[str, Any], *, dry_run: bool) -> None:
    """Show what was recorded and what it changed, or would change."""
    answer = filed.answer
    count, first, last = len(answer["events"]), answer["first_position"], answer["position"]
    where = f"position {first}" if first == last else f"positions {first} to {last}"
    counted = f"{count} event{'' if count == 1 else 's'}"
    if filed.replayed:
        terminal.show(f"Already recorded: {counted} at {where}, as report {answer['id']}. Nothing was written now.")
        return
    show_preview(answer["changes"], body)
    unmoved = dict.fromkeys(e["stream"] for e in answer["events"])
    for change in answer["changes"]:
        unmoved.pop(f"irritant/{change['irritant']}", None)
    if unmoved:
        terminal.show(Text.assemble(("No status changes, but these details do: ", "dim"), ", ".join(unmoved)))
    if dry_run:
        terminal.show(f"Dry run: {counted} would be recorded at {where}. Nothing was written.")
    else:
        terminal.show(f"Recorded: {counted} at {where}, as report {answer['id']}.")


def _report(asked: Service, path: Path, *, dry_run: bool, as_json: bool) -> None:
    file = _read(path)
    with terminal.working(f"filing {len(_events(file)):,} events"):
        left = dict(unfilled(file.draft))
        if file.mistakes or left:
            others = [place for place in _mistakes_of(asked, file) if place[0] not in left]
            raise _mistaken(path, file.together([*left.items(), *others]))
        if dry_run and (namesake := _namesake(asked, file)):
            terminal.note(Text(namesake, "yellow"))
        try:
            filed = file_report(asked, file.body, file.key, dry_run=dry_run)
        except ServiceProblem as refused:
            raise _explained(asked, path, file, refused) from refused
    if as_json:
        terminal.show_json({"key": file.key, "replayed": filed.replayed, "dry_run": dry_run, **filed.answer})
    else:
        show_filed(filed, file.draft, dry_run=dry_run)


def _namesake(asked: Service, file: ReportFile) -> str | None:
    """Return a warning if a report with this title is on record. A dry run has no key, so the service cannot notice."""
    relation, title = file.draft.get("relation"), file.draft.get("title")
    for filed in asked.items("/v1/reports", {"relation": relation}):
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
        raise _mistaken(path, error.mistakes) from error


def _events(file: ReportFile) -> Sequence[Any]:
    found = file.draft.get("events")
    return found if isinstance(found, list) else []


def _mistakes_of(asked: Service, file: ReportFile) -> list[tuple[str, str]]:
    """Return the mistakes that the service finds, for a file that has mistakes of its own."""
    try:
        file_report(asked, file.draft, file.key, dry_run=True)
    except Failed as failed:
        if isinstance(failed, ServiceProblem) and (places := _placed(failed)):
            return places
        terminal.note(f"{failed.sentence}; only the mistakes found without the service are listed")
    return []


def _placed(refused: ServiceProblem) -> list[tuple[str, str]]:
    errors = refused.problem.get("errors", ())
    return [(error["pointer"], error["detail"]) for error in errors if error.get("pointer") is not None]


def _mistaken(path: Path, mistakes: Sequence[Diagnostic], also: str = "") -> Failed:
    lines = "".join(f"\n{shown(path)}:{m.line}:{m.column}: {_named(m)}{m.detail}" for m in mistakes)
    counted = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    found = [{"line": m.line, "column": m.column, "pointer": m.pointer, "detail": m.detail} for m in mistakes]
    return Failed(f"{shown(path)} has {counted}; nothing was written{also}{lines}", found={"mistakes": found})


def _named(mistake: Diagnostic) -> str:
    """Return the field of a mistake, without the number of its event, such as `source.paragraphs.0: `."""
    tokens = _PLACE.sub("", mistake.pointer).split("/")
    field = ".".join(token.replace("~1", "/").replace("~0", "~") for token in tokens if token)
    return f"{field}: " if field else ""


def _explained(asked: Service, path: Path, file: ReportFile, refused: ServiceProblem) -> Failed:
    """Return the refusal with places in the file, and with what was recorded since."""
    if refused.name == "key-reused":
        return _other_body(asked, path, file, str(refused.problem["report"]))
    places = _placed(refused)
    if not places:
        return refused
    also = ""
    if (allowed := refused.problem.get("allowed")) is not None:
        also = f". At this date the irritant is at {in_words(refused.problem['rung'])}; allowed: {', '.join(allowed)}"
    failed = _mistaken(path, file.together(places), also)
    return Failed(f"{failed.sentence}{_since(asked, file)}", failed.code, {**refused.problem, **failed.found})


def _since(asked: Service, file: ReportFile) -> str:
    """Return what was recorded after the versions that the file expects."""
    expected = file.draft.get("expect")
    lines = []
    for stream, version in (expected if isinstance(expected, dict) else {}).items():
        lines += [_one_line(e) for e in events(asked, {"stream": stream}) if e.version > version]
    if not lines:
        return ""
    return "\nRecorded after the versions that it expects:" + "".join(f"\n  {line}" for line in lines)


def _one_line(event: Recorded) -> str:
    said = getattr(event.data, "summary", None) or getattr(event.data, "reason", "")
    by = f"{day(event.recorded_at, '')} UTC, {event.actor}"
    return f"{reference(event)}  {by}: {event_name(event.type)}: {said}".rstrip()


def _other_body(asked: Service, path: Path, file: ReportFile, first: str) -> Failed:
    """Return the error for a key that was used before, with the difference from that report."""
    recorded = asked.read(first)
    brought = list(events(asked, {"report": recorded["id"]}))
    siblings = {event.id for event in brought}
    difference = list(
        unified_diff(
            [line for event in brought for line in _described(asked, event.stream, event.data, siblings)],
            [line for event in _proposed(asked, file) for line in event],
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


def _proposed(asked: Service, file: ReportFile) -> Iterator[list[str]]:
    filed = report.read(file.draft)
    refs = {event.ref for event in filed.events if event.ref is not None}
    for event in filed.events:
        yield _described(asked, event.stream, event.data, refs)


def _described(asked: Service, stream: str, said: Contract, siblings: set[str]) -> list[str]:
    """Return an event as lines to compare. References by ref, id and version are made equal."""
    payload = dump(said)
    for name in _NAMING:
        if payload.get(name) in siblings:
            payload[name] = _OF_THIS_REPORT
        elif name in payload:
            payload[name] = _by_version(asked, str(payload[name]))
    return [f"{stream} {payload.pop('type')}", *(f"    {name}: {value}" for name, value in sorted(payload.items()))]


def _by_version(asked: Service, written: str) -> str:
    """Return the name of an event in `history`; the given name if it is not on record."""
    try:
        return reference(find_event(asked, written))
    except Failed:
        return written


def _write_template(asked: Service, round: str, path: Path | None) -> None:
    text = template(asked, round, None if path is None else shown(path))
    if path is None or str(path) == "-":
        terminal.show_text(text)
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            _write_whole(file, path, text)
    except FileExistsError:
        raise Failed(f"{shown(path)} exists and was not overwritten; name another file", Exit.USAGE) from None
    except OSError as error:
        raise Failed(f"{shown(path)} cannot be written: {error.strerror}", Exit.USAGE) from error
    terminal.note(f"{shown(path)} was written. Fill it in, then run: irritants report {shown(path)} --dry-run")


def _write_whole(file: TextIO, path: Path, text: str) -> None:
    """Write the text, or remove the file, because another attempt would not overwrite an incomplete one."""
    try:
        file.write(text)
        file.flush()
    except OSError:
        path.unlink()
        raise
