"""Draw documents of the service as tables.

Some documents have columns of their own. All others are drawn by `document`, which makes a column of each member.
Tables leave out citations: `irritants assertions` and JSON have them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.padding import Padding
from rich.text import Text

from service.cli import drawing, terminal
from service.cli.drawing import Names
from service.cli.options import Drawn, to_the_minute
from service.domain.actors import MEDIA
from service.projections.words.event_types import event_name
from service.projections.words.reasons import reason_within
from service.projections.words.statuses import status_in_words
from service.web.messages import messages

Document = Mapping[str, Any]


def document(document: Document) -> Drawn:
    """Draw a document that has no table of its own: its plain members as lines, and its lists as tables."""
    if document.get("title") is not None:
        yield drawing.title(document["title"], str(document.get("id", "")))
    if not isinstance(document.get("items"), list):
        yield from drawing.facts({name: value for name, value in document.items() if name != "title"})
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _members(None if name == "items" else name.replace("_", " ").capitalize(), value)


def _members(heading: str | None, items: Sequence[Document]) -> Drawn:
    """Draw a list as a table, with a column for each member that fits into a cell."""
    names = [name for item in items for name, value in item.items() if drawing.plain(value) is not None]
    columns = list(dict.fromkeys(names))
    rows = [[drawing.plain(item.get(name)) for name in columns] for item in items]
    yield from table(heading, *(name.replace("_", " ") for name in columns), rows=rows)


def board(document: Document) -> Drawn:
    yield drawing.board(document["items"], document["names"])
    if terminal.out().is_terminal:
        yield drawing.legend()
    if document["rounds"]:
        names = {round["id"]: round["name"] for round in document["rounds"]}
        rows = [[row["id"], *(_statuses(after) for after in row["over_the_rounds"])] for row in document["items"]]
        met = [names[after["round"]] for row in document["items"][:1] for after in row["over_the_rounds"]]
        yield from table("Over the rounds", "irritant", *met, rows=rows if met else [])


def matrix(document: Document) -> Drawn:
    names = document["names"]
    parties = [drawing.called(party, names) for party in document["parties"]]
    rows = [
        [
            row["irritant"],
            status_in_words(row["reported_status"]),
            *map(_cell, row["parties"].values()),
            [drawing.called(third["actor"], names) for third in row["third_parties"]],
            row["headline"],
        ]
        for row in document["items"]
    ]
    yield from table(None, "irritant", "reported", *parties, "third parties", "headline", rows=rows)


def ledger(document: Document) -> Drawn:
    yield from _steps(document["steps"], document["names"])
    yield from _proposals(document["proposals"], document["names"])


def needs_confirmation(document: Document) -> Drawn:
    kinds, members = messages(), ("why", "settled_by")
    rows = [
        [item["about"], kinds(f"needs.{item['kind']}").unescape(), *(item[name] for name in members)]
        for item in document["items"]
    ]
    yield from table(None, "about", "what", "why", "to settle it", rows=rows)


def registers(document: Document) -> Drawn:
    names = document["names"]
    scope = [[s["subject"], _backed(s["backing"], names), " ".join(s["summaries"])] for s in document["scope"]]
    yield from table("Excluded subjects", "subject", "said by", "how", rows=scope)
    yield from listed("Items", document["items"], ("irritant", "item", "kind", "name", "place", "status"))
    yield from listed("Regressions", document["regressions"], ("irritant", "before", "to", "occurred", "reason"))
    columns = ("irritant", "lifecycle", "occurred", "days_since_occurred", "recorded_at", "days_since_recorded")
    yield from listed("Latest statements, by date", document["staleness"], columns)


def corroboration(document: Document) -> Drawn:
    members = ("about", "kind", "value", "verdict", "said_by", "contested_by", "silent", "origins", "documents")
    columns = ("nothing from" if member == "silent" else member.replace("_", " ") for member in members)
    rows = [_members_of(item, members, document["names"]) for item in document["items"]]
    yield from table(None, *columns, rows=rows)


def rounds(document: Document) -> Drawn:
    rows = [
        [
            *(word(round[name]) for name in ("id", "phase", "place")),
            word(round["date"] or round["timing"]),
            _length(round["duration"]),
            drawing.called(round["phase_by"] or ["none"], round["names"]),
            "yes" if round["preliminary"] else "no",
        ]
        for round in document["items"]
    ]
    yield from table(None, "round", "phase", "place", "when", "hours", "phase according to", "preliminary", rows=rows)
    disputed = [
        [round["id"], dispute["kind"], dispute["why"]] for round in document["items"] for dispute in round["disputes"]
    ]
    yield from table("In dispute", "round", "about", "who says what", rows=disputed)


def reports(document: Document) -> Drawn:
    rows = [
        [
            to_the_minute(datetime.fromisoformat(report["recorded_at"]), ""),
            report["title"],
            report["actor"],
            report["round"] or report["relation"],
            report["position"] - report["first_position"] + 1,
            report["id"],
        ]
        for report in document["items"]
    ]
    yield from table(None, "recorded (UTC)", "title", "by", "about", "events", "report", rows=rows)


def dossier(document: Document) -> Drawn:
    yield from drawing.irritant(document["irritant"])
    names, parties = document["irritant"]["names"], document["irritant"]["parties"]
    for voice, column in document["columns"].items():
        rows = [[s["rung"] or event_name(s["type"]), _quoted(s["cited"]), _when(s["cited"]), _marks(s)] for s in column]
        third = "" if voice in (*parties, MEDIA) else ", a third party"
        heading = f"Said by {drawing.within([voice], names)}{third}"
        yield from table(heading, "rung", "summary", "when", "marks", rows=rows)
    words = [
        [drawing.called(v, names), w["wording"], w["rung"], drawing.when(w["occurred"])]
        for v, used in document["wordings"].items()
        for w in used
    ]
    yield from table("Changes of wording", "voice", "wording", "rung", "when", rows=words)
    yield from ledger({"steps": document["next_steps"], "proposals": document["proposals"], "names": names})
    instruments = [
        [i["kind"], drawing.when(i["occurred"]), _backed(i["backing"], names), _words(i["words"], names)]
        for i in document["instruments"]
    ]
    yield from table("Instruments", "kind", "when", "said by", "in their words", rows=instruments)
    yield from listed("Items", document["items"], ("item", "kind", "name", "place", "status"))
    yield from listed("Reversals", document["reversals"], ("to", "by", "moved", "counted", "reason"), names)
    denials = [[drawing.called(d["party"], names), _quoted(d["cited"]), d["ended"]] for d in document["denials"]]
    yield from table("Denials", "party", "summary", "ended", rows=denials)
    yield from _unsaid(document["silence"], names)
    yield from listed("Linked irritants", document["links"], ("irritant", "title", "kind", "by", "stated_on"), names)


def assertions(document: Document) -> Drawn:
    yield drawing.title("Assertions", document["stream"])
    rows = [
        [
            row["summary"],
            row["rung"] or event_name(row["type"]),
            _who(said, document["names"]),
            said["origin"],
            _read(said),
            drawing.called(row["silent"], document["names"]),
        ]
        for row in document["items"]
        for said in row["utterances"]
    ]
    yield from table(None, "summary", "rung", "who", "origin", "read in", "nothing from", rows=rows)


def difference(document: Document) -> Drawn:
    irritants = document.get("items", [document])
    for irritant in irritants:
        before, after = irritant["before"], irritant["after"]
        yield drawing.title((after or before or {"title": "not on record"})["title"], irritant["irritant"])
        yield Text(f"  {irritant['sentence']}")
        names = [name for name in irritant["changed"] if name not in ("rungs", "title")]
        yield from _compared(before or {}, after or {}, [name for name in names if name != "headline"])
        if "headline" in names:
            ends = (("before", before), ("after", after))
            yield from (Text(f"  {end}: {standing['headline']}") for end, standing in ends if standing)
        rows = [
            [
                f"{_SIGNS[e['only_in']]}{e['position']}",
                reason_within(e["reason"]),
                event_name(e["type"]),
                e["summary"],
                e["changed"],
            ]
            for e in irritant["events"]
        ]
        yield from table(None, "event", "reason", "type", "summary", "changed", rows=rows)
    if not irritants:
        yield "No difference."


_SIGNS: Final = {"before": "-", "after": "+"}


def _compared(before: Document, after: Document, names: Iterable[str]) -> Drawn:
    for name in names:
        old, new = (_value(name, standing) for standing in (before, after))
        yield Text.assemble(drawing.label(name.replace("_", " "), 16), old, " → ", (new, "bold"))
    for party, side in after.get("parties", {}).items():
        was = before.get("parties", {}).get(party, {}).get("rung", "-")
        if was != side["rung"]:
            name = drawing.called(party, after.get("names", {}))
            yield Text.assemble(drawing.label(name, 16), word(was), " → ", (word(side["rung"]), "bold"))


def _value(name: str, standing: Document) -> str:
    value = standing.get(name)
    if name in drawing.STATUSES and value:
        return status_in_words(value)
    return drawing.called(value, standing["names"]) if name in drawing.ACTORS and value else word(value)


def _steps(steps: Sequence[Document], names: Names) -> Drawn:
    rows = [
        [
            *(step["irritant"] or step["round"], step["action"], drawing.called(step["owner"], names)),
            drawing.when(step["due"]["edtf"]) if step["due"] else step["timing"],
            ("overdue" if step["overdue"] else "open") if step["open"] else step["outcome"],
            _saying(step, names),
            *(drawing.called(step["confirmed_by"], names), _round(step, "agreed_in"), step["backing"]["origins"]),
        ]
        for step in steps
    ]
    columns = ("about", "step", "owner", "due", "state", "who says so", "confirmed by", "from", "origins")
    yield from table("Next steps", *columns, rows=rows)


_ON_ROUND: Final = {
    "date": "on its days",
    "inferred_date": "on its days, by an inferred date",
    "report": "in a report on it",
    "later": "dated after it began",
}


def _round(document: Document, member: str) -> str | None:
    """Return the round in this member, and why it is this round."""
    round = document[member]
    return f"{round} ({_ON_ROUND[document[f'{member}_by']]})" if round else None


def _saying(step: Document, names: Names) -> str:
    """Return who says that a step is agreed, or who announced a round."""
    by = drawing.called(step["claimed_by"] or step["backing"]["reported_by"] or ["none"], names)
    return f"{by}: {'announced' if step['round'] else 'agreed'}"


def _proposals(proposals: Sequence[Document], names: Names) -> Drawn:
    rows = [
        [
            *(proposal[name] for name in ("irritant", "kind", "terms")),
            drawing.called(proposal["tabled_by"] or proposal["backing"]["reported_by"] or ["none"], names),
            drawing.called(proposal["addressee"], names),
            "open" if proposal["open"] else proposal["closed_as"],
            _round(proposal, "tabled_in"),
            proposal["backing"]["origins"],
        ]
        for proposal in proposals
    ]
    yield from table("Proposals", "about", "kind", "terms", "by", "to", "state", "from", "origins", rows=rows)


def _statuses(after: Document) -> str:
    """Return the claimed status after a round, and the other statuses if they differ."""
    names = ("status", "confirmed_status", "reported_status")
    claimed, confirmed, reported = (status_in_words(after[name]) for name in names)
    others = [f"confirmed {confirmed}"] if confirmed != claimed else []
    others += [f"reported {reported}"] if reported != claimed else []
    return f"{claimed} ({', '.join(others)})" if others else claimed


def _cell(cell: Document) -> str:
    if cell["silent"]:
        return "silent"
    noted = [word(cell["rung"]), *([f"“{cell['wording']}”"] if cell["wording"] else [])]
    noted += [word(cell[name]) for name in ("stance", "hold") if cell[name] != "none"]
    if (last := cell["last_word"]) is not None:
        noted.append(
            f"{drawing.last_words(certain=last['certain'])}: {event_name(last['type'])} {_when(last['cited'])}"
        )
    return "; ".join(noted)


def _backed(backing: Document, names: Names) -> str:
    contested = f", denied by {drawing.within(backing['contested_by'], names)}" if backing["contested_by"] else ""
    by = drawing.called(backing["said_by"] or backing["reported_by"] or ["none"], names)
    return f"{by}{contested}; {drawing.counted(backing['origins'], 'origin')}"


def _quoted(cited: Document) -> str:
    return f"{cited['summary']} “{cited['wording']}”" if cited["wording"] else str(cited["summary"])


def _when(cited: Document) -> str:
    inferred = "*" if cited["occurred_basis"] == "inferred" else ""
    return f"{drawing.when(cited['occurred'])}{inferred}" if cited["occurred"] else "unknown"


def _marks(said: Document) -> str:
    return ", ".join(name for name in ("denied", "relay") if said[name])


def _words(words: Mapping[str, Sequence[str]], names: Names) -> str:
    return "; ".join(f"{drawing.called(voice, names)}: {', '.join(used)}" for voice, used in words.items())


def _who(said: Document, names: Names) -> str:
    return ", ".join(part for part in (drawing.called(said["party"], names), said["organ"], said["person"]) if part)


def _read(said: Document) -> str:
    return "; ".join(f"{place['document']}: {word(place['paragraphs'])}" for place in said["documents"])


def _length(duration: Document | None) -> str:
    if duration is None:
        return "-"
    qualifier = "" if duration["qualifier"] == "exact" else f"{word(duration['qualifier'])} "
    return f"{qualifier}{duration['hours']}"


_NOTHING: Final = "-"
_COLUMN_GAP: Final = 3
_FEW_COLUMNS: Final = 4


def listed(
    heading: str | None, items: Iterable[Mapping[str, Any]], members: Sequence[str], names: Names = drawing.NO_NAMES
) -> Drawn:
    """Draw these members of each item. `names`: what actors are called."""
    columns = (member.replace("_", " ") for member in members)
    yield from table(heading, *columns, rows=[_members_of(item, members, names) for item in items])


def _members_of(item: Mapping[str, Any], members: Sequence[str], names: Names) -> list[Any]:
    return [drawing.called(item[m], names) if m in drawing.ACTORS and item[m] else item[m] for m in members]


def _unsaid(silence: Iterable[Document], names: Names) -> Drawn:
    """Draw the claims that a side neither makes, denies nor answers. It is not silent if it said something else."""
    members = ("rung", "summary", "said_by", "silent")
    rows = [_members_of(item, members, names) for item in silence]
    yield from table("Not said by", "rung", "summary", "said by", "no answer from", rows=rows)


def table(heading: str | None, *columns: str, rows: Sequence[Sequence[object]]) -> Drawn:
    """Draw a table. Draw nothing if it has no rows, and a block for each row if the terminal is too narrow."""
    if not rows:
        return
    if heading is not None:
        yield Text(heading, "bold")
    cells = [[word(value) for value in row] for row in rows]
    yield from _blocks(columns, cells) if _too_wide(columns, cells) else [terminal.table(*columns, rows=cells)]
    yield ""


def _too_wide(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the terminal is too narrow for a table. Up to four columns stay readable when they are folded."""
    console = terminal.out()
    if not console.is_terminal or len(columns) <= _FEW_COLUMNS:
        return False
    widths = (max(Text(cell).cell_len for cell in cells) for cells in zip(columns, *rows, strict=True))
    return sum(widths) + _COLUMN_GAP * len(columns) > console.width


def _blocks(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Drawn:
    """Draw each row as a block below its first cell. Equal first cells are shown once, empty cells not at all."""
    last = None
    for first, *cells in rows:
        if first != last:
            yield Text(last := first, "bold")
        named = ((name, cell) for name, cell in zip(columns[1:], cells, strict=True) if cell != _NOTHING)
        parts = [Text.assemble((f"{name}: ", "dim"), cell) for name, cell in named]
        yield Padding(Text(" · ", "dim").join(parts), (0, 0, 0, 2))


def word(value: object) -> str:
    """Return a value of a document as the text of a cell."""
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
