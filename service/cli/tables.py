"""Documents of the service as tables: some with columns of their own, all others by their members.

Citations are left out. `assertions` and JSON have them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.padding import Padding
from rich.text import Text

from service.cli import drawing, terminal
from service.cli.options import Drawn
from service.cli.preview import REASONS
from service.projections.event_types import event_name
from service.web.messages import messages

Document = Mapping[str, Any]


def document(document: Document) -> Drawn:
    """Draw a document that has no table of its own. Members nested deeper than a list of rows are left out."""
    if "title" in document:
        yield drawing.title(document["title"], str(document.get("id", "")))
    if "items" not in document:
        yield from drawing.facts({name: value for name, value in document.items() if name != "title"})
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _members(None if name == "items" else name.replace("_", " ").capitalize(), value)


def _members(heading: str | None, items: Sequence[Document]) -> Drawn:
    """Draw all members that fit a cell in any item."""
    names = [name for item in items for name, value in item.items() if drawing.plain(value) is not None]
    columns = list(dict.fromkeys(names))
    rows = [[drawing.plain(item.get(name)) for name in columns] for item in items]
    yield from table(heading, *(name.replace("_", " ") for name in columns), rows=rows)


def board(document: Document) -> Drawn:
    yield drawing.board(document["items"])
    if terminal.out().is_terminal:
        yield drawing.legend()
    if document["rounds"]:
        rows = [[row["id"], *(_statuses(after) for after in row["over_the_rounds"])] for row in document["items"]]
        yield from table("Over the rounds", "irritant", *(r["id"] for r in document["rounds"]), rows=rows)


def matrix(document: Document) -> Drawn:
    parties = document["parties"]
    rows = [
        [row["irritant"], row["reported_status"], *map(_cell, row["parties"].values())] for row in document["items"]
    ]
    yield from table(None, "irritant", "reported", *parties, rows=rows)


def ledger(document: Document) -> Drawn:
    yield from _steps(document["steps"])
    yield from _proposals(document["proposals"])


def needs_confirmation(document: Document) -> Drawn:
    kinds, members = messages(), ("party", "why", "settled_by")
    rows = [
        [item["about"], kinds(f"needs.{item['kind']}").unescape(), *(item[name] for name in members)]
        for item in document["items"]
    ]
    yield from table(None, "about", "what", "side", "why", "to settle it", rows=rows)


def registers(document: Document) -> Drawn:
    scope = [[s["subject"], _backed(s["backing"]), " ".join(s["summaries"])] for s in document["scope"]]
    yield from table("Excluded subjects", "subject", "said by", "how", rows=scope)
    yield from listed("Items", document["items"], ("irritant", "item", "kind", "name", "place", "status"))
    yield from listed("Regressions", document["regressions"], ("irritant", "before", "to", "occurred", "reason"))
    aged = ("irritant", "lifecycle", "occurred", "days_since_occurred", "recorded_at", "days_since_recorded")
    yield from listed("Latest statements", document["staleness"], aged)


def corroboration(document: Document) -> Drawn:
    names = ("about", "kind", "value", "verdict", "said_by", "contested_by", "silent", "origins", "documents")
    yield from listed(None, document["items"], names)


def rounds(document: Document) -> Drawn:
    rows = [
        [
            *(word(round[name]) for name in ("id", "phase", "place")),
            word(round["date"] or round["timing"]),
            _length(round["duration"]),
            word(round["said_by"]) if round["said_by"] else "media",
            "yes" if round["preliminary"] else "no",
        ]
        for round in document["items"]
    ]
    yield from table(None, "round", "phase", "place", "when", "hours", "said by", "preliminary", rows=rows)


def dossier(document: Document) -> Drawn:
    yield from drawing.irritant(document["irritant"])
    for voice, column in document["columns"].items():
        rows = [[s["rung"] or event_name(s["type"]), _quoted(s["cited"]), _when(s["cited"]), _marks(s)] for s in column]
        yield from table(f"Said by {voice}", "rung", "summary", "when", "marks", rows=rows)
    words = [[v, w["wording"], w["rung"], w["occurred"]] for v, used in document["wordings"].items() for w in used]
    yield from table("Changes of wording", "voice", "wording", "rung", "when", rows=words)
    yield from ledger({"steps": document["next_steps"], "proposals": document["proposals"]})
    instruments = [
        [i["kind"], i["occurred"], _backed(i["backing"]), _words(i["words"])] for i in document["instruments"]
    ]
    yield from table("Instruments", "kind", "when", "said by", "in their words", rows=instruments)
    yield from listed("Items", document["items"], ("item", "kind", "name", "place", "status"))
    yield from listed("Reversals", document["reversals"], ("to", "by", "moved", "counted", "reason"))
    denials = [[d["party"], _quoted(d["cited"]), d["ended"]] for d in document["denials"]]
    yield from table("Denials", "party", "summary", "ended", rows=denials)
    yield from listed("Silent", document["silence"], ("rung", "summary", "said_by", "silent"))


def assertions(document: Document) -> Drawn:
    yield drawing.title("Assertions", document["stream"])
    rows = [
        [row["summary"], row["rung"] or event_name(row["type"]), _who(said), said["origin"], _read(said), row["silent"]]
        for row in document["items"]
        for said in row["utterances"]
    ]
    yield from table(None, "summary", "rung", "who", "origin", "read in", "silent", rows=rows)


def difference(document: Document) -> Drawn:
    found = document.get("items", [document])
    for one in found:
        yield drawing.title((one["after"] or one["before"] or {"title": "not on record"})["title"], one["irritant"])
        names = [name for name in one["changed"] if name not in ("rungs", "title")]
        yield from _compared(one["before"] or {}, one["after"] or {}, names)
        rows = [
            [
                f"{_SIGNS[e['only_in']]}{e['position']}",
                REASONS[e["reason"]],
                event_name(e["type"]),
                e["summary"],
                e["changed"],
            ]
            for e in one["events"]
        ]
        yield from table(None, "event", "reason", "type", "summary", "changed", rows=rows)
    if not found:
        yield "No difference."


_SIGNS: Final = {"before": "-", "after": "+"}


def _compared(before: Document, after: Document, names: Iterable[str]) -> Drawn:
    for name in names:
        old, new = (word(standing.get(name)) for standing in (before, after))
        yield Text.assemble(drawing.label(name.replace("_", " "), 16), old, " → ", (new, "bold"))
    for party, side in after.get("parties", {}).items():
        was = before.get("parties", {}).get(party, {}).get("rung", "-")
        if was != side["rung"]:
            yield Text.assemble(drawing.label(party, 16), word(was), " → ", (word(side["rung"]), "bold"))


def _steps(steps: Sequence[Document]) -> Drawn:
    rows = [
        [
            *(step["irritant"] or step["round"], step["action"], step["owner"]),
            (step["due"] or {}).get("edtf") or step["timing"],
            ("overdue" if step["overdue"] else "open") if step["open"] else step["outcome"],
            *(step["claimed_by"] or ["media"], step["confirmed_by"], step["agreed_in"], step["backing"]["origins"]),
        ]
        for step in steps
    ]
    columns = ("about", "step", "owner", "due", "state", "claimed by", "confirmed by", "from", "origins")
    yield from table("Next steps", *columns, rows=rows)


def _proposals(proposals: Sequence[Document]) -> Drawn:
    rows = [
        [
            *(proposal[name] for name in ("irritant", "kind", "terms")),
            proposal["tabled_by"] or ["media"],
            proposal["addressee"],
            "open" if proposal["open"] else proposal["closed_as"],
            proposal["tabled_in"],
            proposal["backing"]["origins"],
        ]
        for proposal in proposals
    ]
    yield from table("Proposals", "about", "kind", "terms", "by", "to", "state", "from", "origins", rows=rows)


def _statuses(after: Document) -> str:
    """Return the claimed status after a round, and the other statuses if they differ."""
    claimed, confirmed, reported = (after[name] for name in ("status", "confirmed_status", "reported_status"))
    others = [f"confirmed {word(confirmed)}"] if confirmed != claimed else []
    others += [f"reported {word(reported)}"] if reported != claimed else []
    return f"{word(claimed)} ({', '.join(others)})" if others else word(claimed)


def _cell(cell: Document) -> str:
    if cell["silent"]:
        return "silent"
    noted = [word(cell["rung"]), *([f"“{cell['wording']}”"] if cell["wording"] else [])]
    noted += [word(cell[name]) for name in ("stance", "hold") if cell[name] != "none"]
    if (last := cell["last_word"]) is not None:
        noted.append(f"last statement: {event_name(last['type'])} {_when(last['cited'])}")
    return "; ".join(noted)


def _backed(backing: Document) -> str:
    contested = f", contested by {word(backing['contested_by'])}" if backing["contested_by"] else ""
    return f"{word(backing['said_by'] or ['media'])}{contested}; {drawing.counted(backing['origins'], 'origin')}"


def _quoted(cited: Document) -> str:
    return f"{cited['summary']} “{cited['wording']}”" if cited["wording"] else str(cited["summary"])


def _when(cited: Document) -> str:
    inferred = "*" if cited["occurred_basis"] == "inferred" else ""
    return f"{cited['occurred']}{inferred}" if cited["occurred"] else "unknown"


def _marks(said: Document) -> str:
    return ", ".join(name for name in ("denied", "relay") if said[name])


def _words(words: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{voice}: {', '.join(used)}" for voice, used in words.items())


def _who(said: Document) -> str:
    return " ".join(part for part in (said["party"], said["organ"], said["person"]) if part)


def _read(said: Document) -> str:
    return "; ".join(f"{place['document']}: {word(place['paragraphs'])}" for place in said["documents"])


def _length(duration: Document | None) -> str:
    if duration is None:
        return "-"
    qualifier = "" if duration["qualifier"] == "exact" else f"{word(duration['qualifier'])} "
    return f"{qualifier}{duration['hours']}"


_NOTHING: Final = "-"
_BETWEEN: Final = 3
_FEW: Final = 4


def listed(heading: str | None, items: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Drawn:
    """Draw these members of each item."""
    columns = (name.replace("_", " ") for name in names)
    yield from table(heading, *columns, rows=[[item[name] for name in names] for item in items])


def table(heading: str | None, *columns: str, rows: Sequence[Sequence[object]]) -> Drawn:
    """Draw a table; nothing without rows. A terminal that is too narrow gets blocks."""
    if not rows:
        return
    if heading is not None:
        yield Text(heading, "bold")
    written = [[word(value) for value in row] for row in rows]
    yield from _blocks(columns, written) if _too_wide(columns, written) else [terminal.table(*columns, rows=written)]
    yield ""


def _too_wide(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a terminal is too narrow. Tables of up to four columns stay readable when folded."""
    console = terminal.out()
    if not console.is_terminal or len(columns) <= _FEW:
        return False
    widths = (max(Text(cell).cell_len for cell in cells) for cells in zip(columns, *rows, strict=True))
    return sum(widths) + _BETWEEN * len(columns) > console.width


def _blocks(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Drawn:
    """Draw each row as a block below its first cell. Equal first cells are shown once, empty cells not at all."""
    last = None
    for of, *cells in rows:
        if of != last:
            yield Text(last := of, "bold")
        named = ((name, cell) for name, cell in zip(columns[1:], cells, strict=True) if cell != _NOTHING)
        parts = [Text.assemble((f"{name}: ", "dim"), cell) for name, cell in named]
        yield Padding(Text(" · ", "dim").join(parts), (0, 0, 0, 2))


def word(value: object) -> str:
    match value:
        case None | "" | []:
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(word, value))
        case dict():
            return ", ".join(f"{name} {word(part)}" for name, part in value.items())
        case _:
            return drawing.in_words(value)
