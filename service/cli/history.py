"""`irritants history`: the events of a stream by date, with their corrections and retractions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from service.cli import drawing, terminal, touched
from service.cli.client import Service
from service.cli.options import Reader, reads, to_the_minute
from service.cli.streams import events, find, read_history, reference, relation_of
from service.domain.history import StreamAtPoint
from service.projections.timeline import Amendment, Entry, timeline
from service.projections.words.event_types import event_name

Id = Annotated[
    str, typer.Argument(help="An irritant, round, relation or source: ru-us/visas, ru-us/moscow, ru-us, source/….")
]


@reads
def history_command(id: Id, *, reader: Reader) -> None:
    """Show the full history by date of event, with corrections and retractions: by whom, when and why."""
    # This request also lets the service check the id and the point in time.
    stream, document = find(reader.service, id, reader.point)
    history = read_history(reader.service, stream, reader.point)
    effective_on = reader.point.get("effective_on")
    until = date.fromisoformat(str(effective_on)) if effective_on else None
    items = _entries(history.reading(until, certain=reader.point.get("date_match") == "certain"))
    names = {event.id: reference(event) for event in history.events}
    if reader.as_json:
        listed = [{"name": names[item.event], **item.model_dump(mode="json")} for item in items]
        terminal.show_json({"stream": stream, "items": listed})
    else:
        reader.show_point(relation_of(stream))
        contents = {item.event: words for item in items if (words := _record_keeping(reader.service, item))}
        terminal.show(drawing.title(document.get("title") or stream, stream))
        _show(items, names, document.get("names", {}), contents)


_WHEN_WIDTH: Final = 26
"""The columns of the dates on a terminal. Longer dates are folded, so that the statements have room at 80 columns."""


class _Line(NamedTuple):
    """A line of the output: an event, or a line below it with its effect or a correction.

    `who` is None for a line below an event. `name` is the short name of the event or of the correction.
    """

    when: Text
    who: Text | None
    what: Text
    name: str


Names = Mapping[str, str]
"""Short names of events, such as `ru-us/visas@7`, by id."""


def _entries(reading: StreamAtPoint[Any]) -> list[Entry]:
    """Return the timeline without events that had not happened by the date of the reading. Keep retracted events."""
    entries = timeline(reading).items
    retracted = {entry.event for entry in entries if _is_retracted(entry)}
    return [
        entry for entry in entries if entry.stands or entry.event in retracted or entry.data.get("target") in retracted
    ]


def _record_keeping(service: Service, entry: Entry) -> str:
    """Return what an event of record-keeping records: a title, names, or which report it puts on which round.

    Empty for an assertion.
    """
    data = entry.data
    if entry.type != "ReportAttributed":
        titles = [data.get(name) for name in ("title", "publisher", "speaker")] if "asserted_by" not in data else []
        return ", ".join(data.get("names", ())) or next((str(title) for title in titles if title), "")
    filed = service.read(f"/v1/reports/{data['report']}")
    dates = touched.dates(events(service, {"report": data["report"]}))
    round = touched.round_in_words(service, data["round"])
    return f"{touched.report_in_words(filed)}; {dates}; on the round {round}"


def _show(items: Sequence[Entry], names: Names, actors: drawing.Names, contents: Mapping[str, str]) -> None:
    """Print the events: on a terminal a block for each, in a pipe a row.

    `contents`: by event of record-keeping, what it records in words.
    """
    lines = [line for entry in items for line in _lines(entry, names, actors, contents.get(entry.event, ""))]
    if not terminal.out().is_terminal:
        rows = [(line.when, line.who or "", line.what, line.name) for line in lines]
        terminal.show(terminal.table("when", "who", "what", "event", rows=rows))
        return
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(max_width=_WHEN_WIDTH)
    for line in lines:
        if line.who is not None:
            drawn.add_row(line.when, Text.assemble(line.who, "  ", (line.name, "dim")))
            drawn.add_row("", line.what)
        else:
            drawn.add_row("", Text.assemble(line.what, "  ", (line.name, "dim")))
    terminal.show(drawn, Text("* inferred   + evidence for the event above   ✗ retracted", "dim"))


def _lines(entry: Entry, names: Names, actors: drawing.Names, content: str) -> Iterator[_Line]:
    """Yield the line of an event, and the lines below it. `content`: what an event of record-keeping records."""
    yield _event_line(entry, names[entry.event], actors, content)
    if entry.moved:
        yield _indented(Text.assemble("→ ", drawing.marks(entry.moved.model_dump())))
    for amendment in entry.amendments:
        yield _indented(_amendment(entry, amendment, names), names[amendment.event])
    if not entry.stands and not _is_retracted(entry):
        yield _indented(Text("evidence for a retracted event: no longer in effect", "red"))


def _event_line(entry: Entry, name: str, actors: drawing.Names, content: str) -> _Line:
    style = "" if entry.stands else "strike dim"
    mark, data = Text("" if entry.stands else "✗ ", "red"), entry.data
    if "asserted_by" not in data:
        what = f"{event_name(entry.type)}: {content}" if content else event_name(entry.type)
        return _Line(Text("-", "dim"), Text("-", "dim"), Text.assemble(mark, (what, style)), name)
    kind = ("+ ", "dim") if entry.type == "EvidenceAdded" else (f"{event_name(entry.type)}: ", style)
    wording = f" “{data['wording']}”" if "wording" in data else ""
    said = Text.assemble(mark, kind, (f"{data['summary']}{wording}", style))
    return _Line(Text(_when(entry), style), Text(_who(data["asserted_by"], actors), f"bold {style}"), said, name)


def _indented(text: Text, name: str = "") -> _Line:
    text.pad_left(2)
    return _Line(Text(), None, text, name)


def _amendment(entry: Entry, amendment: Amendment, names: Names) -> Text:
    """Return a correction or retraction in words: what it did, by whom, when and why."""
    what = "" if amendment.target == entry.event else f" {names[amendment.target]}"
    done = f"retracted{what}" if amendment.changes is None else f"corrected{what} ({_fields(amendment.changes)})"
    by = f"by {amendment.actor}, {to_the_minute(amendment.recorded_at, '')} UTC: {amendment.reason}"
    if not amendment.in_force:
        return Text(f"{done} {by} (no longer in force)", "dim")
    return Text(f"{done} {by}", "red" if amendment.changes is None else "yellow")


def _fields(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {drawing.value_in_words(name, value)}" for name, value in changes.items())


def _is_retracted(entry: Entry) -> bool:
    return any(
        amendment.kind == "retraction" and amendment.target == entry.event and amendment.in_force
        for amendment in entry.amendments
    )


def _when(entry: Entry) -> str:
    return f"{drawing.when(entry.occurred)}{'*' if entry.inferred else ''}" if entry.occurred else "unknown"


def _who(by: Mapping[str, Any], actors: drawing.Names) -> str:
    """Return the speaker of an assertion in words: `Russia, Foreign Ministry (quote)`. `by` is its `asserted_by`."""
    whose = drawing.called(by["party"], actors)
    speaker = by.get("organ") or by.get("person")
    return f"{f'{whose}, {speaker}' if speaker else whose} ({by['channel']})"
