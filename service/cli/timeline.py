"""The history of a stream: what was said in the order of the world, and what of it was struck or corrected since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from service.cli import terminal
from service.cli.options import day
from service.cli.streams import reference
from service.domain.assertion import Assertion, AssertionCorrected, AssertionRetracted, Recorded
from service.domain.catalogue import dump
from service.domain.corrections import Amendments, Annotation, Effective, effective, happened
from service.domain.history import History


@dataclass(frozen=True)
class Entry:
    """One event as it now reads, in its place.

    `falls_with`: the struck assertion that it is evidence of. `undone`: amendments of it that were struck in their
    turn, each with what struck it.
    """

    event: Recorded
    reads: Effective
    notes: Sequence[Annotation]
    undone: Sequence[tuple[Recorded, Recorded]]
    falls_with: str | None

    @property
    def struck(self) -> Annotation | None:
        return next((note for note in self.notes if note.changes is None), None)

    @property
    def stands(self) -> bool:
        return self.struck is None and self.falls_with is None


def entries(history: History[Any], effective_on: date | None = None, *, certain: bool = False) -> list[Entry]:
    """Every assertion and every opening, struck ones in the place that they would have."""
    amendments = history.amendments
    by_id = {event.id: event for event in history.events}
    # Without the retractions everything has a place; what is corrected still reads as corrected.
    unstruck = [event for event in history.events if not isinstance(event.data, AssertionRetracted)]
    undone: dict[str, list[tuple[Recorded, Recorded]]] = {}
    for id, by in amendments.struck.items():
        if isinstance(by_id[id].data, AssertionCorrected | AssertionRetracted):
            undone.setdefault(_amended(by_id[id], by_id), []).append((by_id[id], by))
    found = []
    for effect in effective(unstruck, Amendments(unstruck)):
        if effective_on is None or happened(effect, effective_on, certain=certain):
            falls = effect.root if effect.is_evidence and effect.root in amendments.struck else None
            notes = amendments.annotations.get(effect.id, ())
            found.append(Entry(by_id[effect.id], effect, notes, undone.get(effect.id, ()), falls))
    return found


def _amended(event: Recorded, by_id: Mapping[str, Recorded]) -> str:
    """The id of what a correction or retraction is about in the end."""
    while isinstance(event.data, AssertionCorrected | AssertionRetracted):
        event = by_id[event.data.target]
    return event.id


def as_json(entry: Entry) -> dict[str, object]:
    return {
        "event": entry.event.id,
        "ref": reference(entry.event),
        "position": entry.event.position,
        "recorded_at": entry.event.recorded_at.isoformat(),
        "actor": entry.event.actor,
        "earliest": entry.reads.earliest.isoformat() if entry.reads.earliest else None,
        "latest": entry.reads.latest.isoformat() if entry.reads.latest else None,
        "evidence_of": entry.reads.root if entry.reads.is_evidence else None,
        "stands": entry.stands,
        "amended": [
            {
                "by": note.event,
                "actor": note.actor,
                "recorded_at": note.recorded_at.isoformat(),
                "reason": note.reason,
                "changes": note.changes,
            }
            for note in entry.notes
        ],
        "undone": [{"amendment": amendment.id, "by": by.id} for amendment, by in entry.undone],
        "reads": dump(entry.reads.data),
    }


def show(history: History[Any], found: Sequence[Entry]) -> None:
    """On a terminal a block for each event; in a pipe a line."""
    by_id = {event.id: event for event in history.events}
    lines = [line for entry in found for line in _lines(entry, by_id)]
    if not terminal.out().is_terminal:
        rows = [(line.when, line.who or "", line.what, line.name) for line in lines]
        terminal.show(terminal.table("when", "who", "what", "event", rows=rows))
        return
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(no_wrap=True)
    for line in lines:
        if line.who is not None:
            drawn.add_row(line.when, Text.assemble(line.who, "  ", line.name))
        drawn.add_row("", line.what)
    terminal.show(drawn, Text("* inferred   + evidence of what is above it   ✗ struck", "dim"))


class _Line(NamedTuple):
    """One event, or below it (`who` is None) what was done to it."""

    when: Text
    who: Text | None
    what: Text
    name: Text


def _lines(entry: Entry, by_id: Mapping[str, Recorded]) -> Iterator[_Line]:
    yield _said(entry)
    for note in entry.notes:
        yield _under(_told(note), by_id[note.event])
    for amendment, by in entry.undone:
        yield _under(Text(f"{_change(amendment)}, which was struck by {_by(by)}", "dim"), by)
    if entry.falls_with and not entry.struck:
        yield _under(Text("is evidence of what was struck, and falls with it", "red"), by_id[entry.falls_with])


def _said(entry: Entry) -> _Line:
    style = "" if entry.stands else "strike dim"
    mark, name = Text("" if entry.stands else "✗ ", "red"), Text(reference(entry.event), "dim")
    said = entry.reads.data
    if not isinstance(said, Assertion):
        return _Line(Text("-", "dim"), Text("-", "dim"), Text.assemble(mark, (entry.event.type, style)), name)
    kind = ("+ ", "dim") if entry.reads.is_evidence else (f"{entry.event.type}: ", style)
    wording = f" “{said.wording}”" if said.wording else ""
    what = Text.assemble(mark, kind, (f"{said.summary}{wording}", style))
    return _Line(Text(_when(said), style), Text(_who(said), f"bold {style}"), what, name)


def _under(told: Text, event: Recorded) -> _Line:
    told.pad_left(2)
    return _Line(Text(), None, told, Text(reference(event), "dim"))


def _told(note: Annotation) -> Text:
    by = f"by {note.actor}, {day(note.recorded_at, '')} UTC: {note.reason}"
    if note.changes is None:
        return Text(f"struck {by}", "red")
    return Text(f"corrected ({_fields(note.changes)}) {by}", "yellow")


def _change(amendment: Recorded) -> str:
    if isinstance(amendment.data, AssertionCorrected):
        return f"was corrected ({_fields(amendment.data.changes)}) by {_by(amendment)}"
    return f"was struck by {_by(amendment)}"


def _by(amendment: Recorded) -> str:
    assert isinstance(amendment.data, AssertionCorrected | AssertionRetracted)
    return f"{amendment.actor}, {day(amendment.recorded_at, '')} UTC: {amendment.data.reason}"


def _fields(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in changes.items())


def _when(said: Assertion) -> str:
    inferred = "*" if said.occurred_basis == "inferred" else ""
    return f"{said.occurred}{inferred}" if said.occurred else "unknown"


def _who(said: Assertion) -> str:
    by = said.asserted_by
    return " ".join(part for part in (by.party, by.organ or by.person, f"({by.channel})") if part)
