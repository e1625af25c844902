"""Draw the status of irritants for a terminal.

The three statuses are marks on the scale of rungs, with a shape and a colour each: ■ confirmed, ◆ claimed, ○ reported.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from service.cli import terminal
from service.cli.options import to_the_minute
from service.domain import edtf
from service.domain.catalogue import EVENT_TYPES
from service.domain.ladder import RUNGS
from service.projections.words.event_types import event_name
from service.projections.words.names import at_the_beginning, joined, name_of
from service.projections.words.statuses import status_in_words

_CODE_WORD: Final = re.compile(r"[a-z]+(_[a-z]+)+")
"""A word of the HTTP interface, such as `in_talks`."""
CONFIRMED: Final = ("■", "green")
CLAIMED: Final = ("◆", "bold yellow")
REPORTED: Final = ("○", "cyan")
_WIDTH: Final = 4
"""The width of a rung on the scale."""
Names = Mapping[str, str]
"""The member `names` of a document: what its actors are called within a sentence, by code or slug."""
NO_NAMES: Final[Names] = {}
ACTORS: Final = frozenset(
    (
        *("awaiting", "party", "by", "owner", "addressee", "actor", "host", "moved", "silent", "stands"),
        *("said_by", "reported_by", "contested_by", "claimed_by", "confirmed_by", "closed_by", "tabled_by"),
    )
)
"""The members of documents that hold actors."""
DATES: Final = frozenset(
    (
        *("occurred", "due", "edtf", "date", "published", "valid_until", "in_force_from"),
        *("earliest", "latest", "on", "read_to"),
    )
)
"""The members of documents and the fields of events that hold dates (EDTF)."""
MOMENTS: Final = frozenset(("recorded_at", "time"))
"""The members of documents that hold times."""
_WIDE: Final = 100
"""The columns of a terminal on which the three marks with their rungs fit on one line of the board."""
_SCALE_WIDTH: Final = (_WIDTH + 1) * len(RUNGS) - 1


def called(actors: str | Sequence[str], names: Names) -> str:
    """Return an actor or several as they begin a line: `The United States and media`."""
    listed = [actors] if isinstance(actors, str) else list(actors)
    return at_the_beginning(within(listed, names)) if listed else "-"


def within(actors: Sequence[str], names: Names) -> str:
    """Return actors as they stand within a sentence."""
    return joined([names.get(actor) or name_of(actor) for actor in actors])


def marks(standing: Mapping[str, Any], between: str = "  ") -> Text:
    """Return the three marks, each with its rung in whole words, and `between` them."""
    return Text.assemble(
        CONFIRMED,
        f" {status_in_words(standing['confirmed_status'])}{between}",
        CLAIMED,
        f" {status_in_words(standing['status'])}{between}",
        REPORTED,
        f" {status_in_words(standing['reported_status'])}",
    )


def ladder(standing: Mapping[str, Any]) -> Text:
    """Return the scale of one irritant. Marks on one rung stand side by side."""
    marks = (
        (standing["confirmed_status"], CONFIRMED),
        (standing["status"], CLAIMED),
        (standing["reported_status"], REPORTED),
    )
    cells = []
    for rung in RUNGS:
        cell = Text.assemble(*(mark for marked, mark in marks if marked == rung)) or Text("·", "dim")
        cell.pad_left((_WIDTH - cell.cell_len) // 2)
        cell.pad_right(_WIDTH - cell.cell_len)
        cells.append(cell)
    return Text(" ").join(cells)


def legend() -> Text:
    """Return what the marks mean, and the rungs of the scale in whole words."""
    rungs = ", ".join(in_words(rung) for rung in RUNGS)
    return Text.assemble(
        *(CONFIRMED, " confirmed: what both sides say   ", CLAIMED, " claimed by a side   ", REPORTED, " reported"),
        f"\nThe rungs from left to right: {rungs}.",
    )


_BY_NO_SIDE: Final = ("media_only", "third_party")
"""The bases of statuses that no side claims."""


def basis(standing: Mapping[str, Any], names: Names = NO_NAMES) -> str:
    """Return the basis of the claimed rung, such as `one side: the United States; 1 origin`."""
    kind, origins = in_words(standing["basis"]), standing["origins"]
    rungs = standing.get("rungs") or {party: side["rung"] for party, side in standing["parties"].items()}
    claimants = [party for party, rung in rungs.items() if rung == standing["status"] != "unstated"]
    speaker = f": {within(claimants, names)}" if len(claimants) == 1 and standing["basis"] not in _BY_NO_SIDE else ""
    return f"{kind}{speaker}; {counted(origins, 'origin')}" if origins else kind


def board(irritants: Iterable[Mapping[str, Any]], names: Names = NO_NAMES) -> Table:
    """Return the board with a headline for each irritant: on a terminal with a scale, in a pipe as a row of words."""
    if not terminal.out().is_terminal:
        return _table(irritants, names)
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(overflow="fold")
    drawn.add_column(min_width=_SCALE_WIDTH)
    between = "  " if terminal.out().width >= _WIDE else "\n"
    for irritant in irritants:
        drawn.add_row(Text(irritant["title"], "bold"), ladder(irritant))
        drawn.add_row(Text(irritant["id"], "dim"), marks(irritant, between))
        drawn.add_row("", Text(irritant["headline"]))
        drawn.add_row("", Text(_notes(irritant, irritant.get("names", names)), "dim"), end_section=True)
    return drawn


STATUSES: Final = frozenset(("status", "confirmed_status", "reported_status"))
"""The members of documents that hold one of the three statuses."""
_COLUMNS: Final = {
    "irritant": "id",
    "claimed": "status",
    "confirmed": "confirmed_status",
    "reported": "reported_status",
    "basis": "basis",
    "origins": "origins",
    "awaiting": "awaiting",
    "hold": "hold",
    "lifecycle": "lifecycle",
}


def _table(irritants: Iterable[Mapping[str, Any]], names: Names) -> Table:
    rows = [
        [
            *(_cell(irritant, member, irritant.get("names", names)) for member in _COLUMNS.values()),
            when(irritant["last_moved"]["occurred"]) if irritant["last_moved"]["occurred"] else "-",
            irritant["headline"],
        ]
        for irritant in irritants
    ]
    return terminal.table(*_COLUMNS, "moved", "headline", rows=rows)


def _cell(irritant: Mapping[str, Any], member: str, names: Names) -> str:
    value = irritant[member]
    if member in ACTORS:
        return called(value, names)
    return status_in_words(value) if member in STATUSES else in_words(value)


def _notes(irritant: Mapping[str, Any], names: Names) -> str:
    """Return the basis, the side that is awaited, and everything unusual, in one line."""
    notes = [basis(irritant, names)]
    notes += [f"awaiting {within([irritant['awaiting']], names)}"] if irritant["awaiting"] != "none" else []
    notes += [irritant["lifecycle"]] if irritant["lifecycle"] != "open" else []
    notes += [irritant["hold"]] if irritant["hold"] != "none" else []
    notes += [counted(irritant["regressions"], "regression")] if irritant["regressions"] else []
    items, moved = irritant["items"], irritant["last_moved"]["occurred"]
    notes += [f"{items['settled']} of {items['total']} settled"] if items["total"] else []
    notes += [f"moved {when(moved)}"] if moved else []
    return " · ".join(notes)


def when(occurred: str | None) -> str:
    """Return a date of the record (EDTF) in words."""
    return edtf.describe(occurred) if occurred else "undated"


def dated(name: str, value: object) -> object:
    """Return the value of a member in words if it is a date or a time, else unchanged."""
    if not isinstance(value, str):
        return value
    try:
        if name in MOMENTS:
            return f"{to_the_minute(datetime.fromisoformat(value), '')} UTC"
        return edtf.describe(value) if name in DATES else value
    except ValueError:  # the member of another document has the same name
        return value


def value_in_words(name: str, value: object) -> str:
    """Return the value of a field that is corrected. None removes the field."""
    if isinstance(value, Mapping):
        return ", ".join(f"{part} {value_in_words(part, inner)}" for part, inner in value.items())
    return "none" if value is None else str(dated(name, value))


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def label(name: str, width: int) -> tuple[str, str]:
    """Return a name padded to a column, with its style. A longer name is followed by one blank."""
    return f"  {name:<{width}} ", "dim"


def title(title: str, id: str) -> Text:
    return Text.assemble((title, "bold"), "  ", (id, "dim"))


def last_words(*, certain: bool) -> str:
    """Return the label of an actor's last statement. It says so if the dates do not show that it is the last."""
    return "last statement" if certain else "perhaps its last statement"


def irritant(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield one irritant: scale, statuses, sides, and other fields."""
    yield title(document["title"], document["id"])
    yield Text(document["headline"])
    yield Text.assemble((f"{in_words(RUNGS[0])} ", "dim"), ladder(document), (f" {in_words(RUNGS[-1])}", "dim"))
    for (mark, style), word, name in (
        (CONFIRMED, "confirmed", "confirmed_status"),
        (CLAIMED, "claimed", "status"),
        (REPORTED, "reported", "reported_status"),
    ):
        yield Text.assemble((mark, style), f" {word:<10}", (status_in_words(document[name]), "bold"))
    names = document.get("names", NO_NAMES)
    yield Text(f"  basis     {basis(document, names)}")
    for party, side in document["parties"].items():
        said = f"  “{side['wording']}”" if side["wording"] else ""
        latest = side["latest"]
        last = f"  {last_words(certain=latest['certain'])}: {when(latest['occurred'])}" if latest else "  silent"
        yield Text(f"  {called(party, names)}: {in_words(side['rung'])}{said}{last}")
    for third in document.get("third_parties", ()):
        report = in_words(third["rung"]) if third["rung"] != "unstated" else in_words(third["latest"]["type"])
        yield Text(f"  {called(third['actor'], names)}, third party: {report}")
    yield from facts({name: document[name] for name in _FURTHER_MEMBERS} | {"names": names})


_FURTHER_MEMBERS: Final = (
    *("lifecycle", "awaiting", "hold", "trend", "high_water_mark", "regressions", "reversible", "items"),
    *("last_moved", "version", "position", "recorded_at"),
)


def facts(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the plain members of a document, one to a line. Nested members are left out."""
    names = document.get("names", NO_NAMES)
    for name, value in document.items():
        if name == "names":
            continue
        text = called(value, names) if name in ACTORS and value else plain(dated(name, value))
        if text is not None:
            yield Text.assemble(label(name.replace("_", " "), 15), text)


def plain(value: object) -> str | None:
    """Return a value as one line. None for an empty or nested value."""
    if isinstance(value, dict) and not any(isinstance(part, dict | list) for part in value.values()):
        given = ((name, part) for name, part in value.items() if part is not None)
        words = ((name, in_words(dated(name, part))) for name, part in given)
        return ", ".join(f"{name} {word}" for name, word in words)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return None if isinstance(value, dict | list) or value in (None, "") else in_words(value)


def in_words(value: object) -> str:
    """Return a value as people read it: `in talks` for `in_talks`, and the name of a type of event."""
    text = str(value)
    if text in EVENT_TYPES:
        return event_name(text)
    return text.replace("_", " ") if _CODE_WORD.fullmatch(text) else text
