"""The history of a stream: its events by date, with corrections and retractions, drawn."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from service.cli import drawing, terminal
from service.cli.options import Asked, day, reads
from service.cli.streams import find, read_history, reference
from service.domain.history import Reading
from service.projections.event_types import event_name
from service.projections.timeline import Amendment, Entry, timeline

Id = Annotated[
    str, typer.Argument(help="An irritant, round, relation or source: ru-us/visas, ru-us/moscow, ru-us, source/….")
]


@reads
def history_command(id: Id, *, asked: Asked) -> None:
    """Show the full history by date of event, with corrections and retractions: by whom, when and why."""
    # The service checks the point and the id.
    stream, document = find(asked.service, id, asked.then)
    history = read_history(asked.service, stream, asked.then)
    effective_on = asked.then.get("effective_on")
    by = date.fromisoformat(str(effective_on)) if effective_on else None
    items = _entries(history.reading(by, certain=asked.then.get("date_match") == "certain"))
    names = {event.id: reference(event) for event in history.events}
    if asked.as_json:
        listed = [{"name": names[item.event], **item.model_dump(mode="json")} for item in items]
        terminal.show_json({"stream": stream, "items": listed})
    else:
        terminal.show(drawing.title(document.get("title") or stream, stream))
        _show(items, names)


class _Line(NamedTuple):
    """One event, or with `who` None a line below it: what it changed, or an amendment."""

    when: Text
    who: Text | None
    what: Text
    name: str


Names = Mapping[str, str]
"""Short names of events, such as `ru-us/visas@7`, by id."""


def _entries(reading: Reading[Any]) -> list[Entry]:
    """Return the events of a reading, without those that had not happened by its date."""
    entries = timeline(reading).items
    retracted = {entry.event for entry in entries if _is_retracted(entry)}
    return [e for e in entries if e.stands or e.event in retracted or e.data.get("target") in retracted]


def _show(items: Sequence[Entry], names: Names) -> None:
    """Print the events: on a terminal a block for each, in a pipe a row."""
    lines = [line for entry in items for line in _lines(entry, names)]
    if not terminal.out().is_terminal:
        rows = [(line.when, line.who or "", line.what, line.name) for line in lines]
        terminal.show(terminal.table("when", "who", "what", "event", rows=rows))
        return
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(no_wrap=True)
    for line in lines:
        if line.who is not None:
            drawn.add_row(line.when, Text.assemble(line.who, "  ", (line.name, "dim")))
            drawn.add_row("", line.what)
        else:
            drawn.add_row("", Text.assemble(line.what, "  ", (line.name, "dim")))
    terminal.show(drawn, Text("* inferred   + evidence for the event above   ✗ retracted", "dim"))


def _lines(entry: Entry, names: Names) -> Iterator[_Line]:
    yield _said(entry, names[entry.event])
    if entry.moved:
        yield _under(Text.assemble("→ ", drawing.marks(entry.moved.model_dump())))
    for amendment in entry.amendments:
        yield _under(_amended(entry, amendment, names), names[amendment.event])
    if not entry.stands and not _is_retracted(entry):
        yield _under(Text("evidence for a retracted event: no longer in effect", "red"))


def _said(entry: Entry, name: str) -> _Line:
    style = "" if entry.stands else "strike dim"
    mark, said = Text("" if entry.stands else "✗ ", "red"), entry.data
    if "asserted_by" not in said:
        return _Line(Text("-", "dim"), Text("-", "dim"), Text.assemble(mark, (event_name(entry.type), style)), name)
    kind = ("+ ", "dim") if entry.type == "EvidenceAdded" else (f"{event_name(entry.type)}: ", style)
    wording = f" “{said['wording']}”" if "wording" in said else ""
    what = Text.assemble(mark, kind, (f"{said['summary']}{wording}", style))
    return _Line(Text(_when(entry), style), Text(_who(said["asserted_by"]), f"bold {style}"), what, name)


def _under(text: Text, name: str = "") -> _Line:
    text.pad_left(2)
    return _Line(Text(), None, text, name)


def _amended(entry: Entry, amendment: Amendment, names: Names) -> Text:
    what = "" if amendment.target == entry.event else f" {names[amendment.target]}"
    done = f"retracted{what}" if amendment.changes is None else f"corrected{what} ({_fields(amendment.changes)})"
    by = f"by {amendment.actor}, {day(amendment.recorded_at, '')} UTC: {amendment.reason}"
    if not amendment.in_force:
        return Text(f"{done} {by} (no longer in force)", "dim")
    return Text(f"{done} {by}", "red" if amendment.changes is None else "yellow")


def _fields(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in changes.items())


def _is_retracted(entry: Entry) -> bool:
    return any(a.kind == "retraction" and a.target == entry.event and a.in_force for a in entry.amendments)


def _when(entry: Entry) -> str:
    return f"{entry.occurred}{'*' if entry.inferred else ''}" if entry.occurred else "unknown"


def _who(by: Mapping[str, Any]) -> str:
    return " ".join(part for part in (by["party"], by.get("organ") or by.get("person"), f"({by['channel']})") if part)
