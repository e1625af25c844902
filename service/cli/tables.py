"""Draw documents of the service as tables.

`document` draws any document, with a column for each member. The other functions draw one kind of document each. Tables
leave out citations, which `irritants assertions` and JSON have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """Draw any document: its plain members as lines, and its lists as tables."""
    if document.get("title") is not None:
        yield drawing.title(document["title"], str(document.get("id", "")))
    if not isinstance(document.get("items"), list):
        yield from drawing.facts({name: value for name, value in document.items() if name != "title"})
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _list_table(None if name == "items" else name.replace("_", " ").capitalize(), value)


def _list_table(heading: str | None, items: Sequence[Document]) -> Drawn:
    """Draw a list as a table, with a column for each member that fits into a cell."""
    names = [name for item in items for name, value in item.items() if drawing.plain(value) is not None]
    columns = list(dict.fromkeys(names))
    rows = [[drawing.plain(drawing.dated(name, item.get(name))) for name in columns] for item in items]
    yield from table(heading, *(name.replace("_", " ") for name in columns), rows=rows)


def board(document: Document) -> Drawn:
    yield drawing.board(document["items"], document["names"])
    if terminal.out().is_terminal:
        yield drawing.legend()
    if document["rounds"]:
        names = {round["id"]: round["name"] for round in document["rounds"]}
        rows = [
            [row["id"], *(_statuses_in_words(after) for after in row["over_the_rounds"])] for row in document["items"]
        ]
        met = [names[after["round"]] for row in document["items"][:1] for after in row["over_the_rounds"]]
        yield from table("Over the rounds", "irritant", *met, rows=rows if met else [])


def matrix(document: Document) -> Drawn:
    names = document["names"]
    parties = [drawing.called(party, names) for party in document["parties"]]
    rows = [
        [
            row["irritant"],
            status_in_words(row["reported_status"]),
            *map(_matrix_cell, row["parties"].values()),
            [drawing.called(third["actor"], names) for third in row["third_parties"]],
            row["headline"],
        ]
        for row in document["items"]
    ]
    yield from table(None, "irritant", "reported", *parties, "third parties", "headline", rows=rows)


def ledger(document: Document) -> Drawn:
    yield from _steps_table(document["steps"], document["names"])
    yield from _proposals_table(document["proposals"], document["names"])


def needs_confirmation(document: Document) -> Drawn:
    kinds, members = messages(), ("why", "settled_by")
    rows = [
        [item["about"], kinds(f"needs.{item['kind']}").unescape(), *(item[name] for name in members)]
        for item in document["items"]
    ]
    yield from table(None, "about", "what", "why", "to settle it", rows=rows)


def registers(document: Document) -> Drawn:
    names = document["names"]
    scope = [[s["subject"], _supporters(s["backing"], names), " ".join(s["summaries"])] for s in document["scope"]]
    yield from table("Excluded subjects", "subject", "said by", "how", rows=scope)
    yield from _member_table("Items", document["items"], ("irritant", "item", "kind", "name", "place", "status"))
    yield from _member_table("Regressions", document["regressions"], ("irritant", "before", "to", "occurred", "reason"))
    columns = ("irritant", "lifecycle", "occurred", "days_since_occurred", "recorded_at", "days_since_recorded")
    yield from _member_table("Latest statements, by date", document["staleness"], columns)


def corroboration(document: Document) -> Drawn:
    members = ("about", "kind", "value", "verdict", "said_by", "contested_by", "silent", "origins", "documents")
    columns = ("nothing from" if member == "silent" else member.replace("_", " ") for member in members)
    rows = [_cells_of(item, members, document["names"]) for item in document["items"]]
    yield from table(None, *columns, rows=rows)


def rounds(document: Document) -> Drawn:
    rows = [
        [
            *(cell_text(round[name]) for name in ("id", "phase", "place")),
            drawing.when(round["date"]) if round["date"] else cell_text(round["timing"]),
            _duration(round["duration"]),
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
        rows = [
            [
                s["rung"] or event_name(s["type"]),
                _summary_with_wording(s["cited"]),
                _date_in_words(s["cited"]),
                _statement_marks(s),
            ]
            for s in column
        ]
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
        [i["kind"], drawing.when(i["occurred"]), _supporters(i["backing"], names), _words_by_voice(i["words"], names)]
        for i in document["instruments"]
    ]
    yield from table("Instruments", "kind", "when", "said by", "in their words", rows=instruments)
    yield from _member_table("Items", document["items"], ("item", "kind", "name", "place", "status"))
    yield from _member_table("Reversals", document["reversals"], ("to", "by", "moved", "counted", "reason"), names)
    denials = [
        [drawing.called(d["party"], names), _summary_with_wording(d["cited"]), d["ended"]] for d in document["denials"]
    ]
    yield from table("Denials", "party", "summary", "ended", rows=denials)
    yield from _unanswered_claims(document["silence"], names)
    yield from _member_table(
        "Linked irritants", document["links"], ("irritant", "title", "kind", "by", "stated_on"), names
    )


def documents_read(document: Document) -> Iterator[str]:
    """Yield the slugs of the documents in which the assertions of a list can be read."""
    for row in document["items"]:
        for statement in row["utterances"]:
            yield from (place["document"] for place in statement["documents"])


def assertions(document: Document, document_names: Names = drawing.NO_NAMES) -> Drawn:
    """Draw the assertions with the documents they rest on. A document without a name here is shown by its slug."""
    yield drawing.title("Assertions", document["stream"])
    rows = [
        [
            row["summary"],
            row["rung"] or event_name(row["type"]),
            _speaker(statement, document["names"]),
            statement["origin"],
            _places_read(statement, document_names),
            drawing.called(row["silent"], document["names"]),
        ]
        for row in document["items"]
        for statement in row["utterances"]
    ]
    yield from table(None, "summary", "rung", "who", "origin", "read in", "nothing from", rows=rows)


def difference(document: Document) -> Drawn:
    irritants = document.get("items", [document])
    for irritant in irritants:
        before, after = irritant["before"], irritant["after"]
        yield drawing.title((after or before or {"title": "not on record"})["title"], irritant["irritant"])
        yield Text(f"  {irritant['sentence']}")
        names = [name for name in irritant["changed"] if name not in ("rungs", "title")]
        yield from _changed_fields(before or {}, after or {}, [name for name in names if name != "headline"])
        if "headline" in names:
            ends = (("before", before), ("after", after))
            yield from (Text(f"  {end}: {standing['headline']}") for end, standing in ends if standing)
        rows = [
            [
                f"{_SIGN_OF_SIDE[e['only_in']]}{e['position']}",
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


_SIGN_OF_SIDE: Final = {"before": "-", "after": "+"}


def _changed_fields(before: Document, after: Document, names: Iterable[str]) -> Drawn:
    for name in names:
        old, new = (_value_in_words(name, standing) for standing in (before, after))
        yield Text.assemble(drawing.label(name.replace("_", " "), 16), old, " → ", (new, "bold"))
    for party, side in after.get("parties", {}).items():
        was = before.get("parties", {}).get(party, {}).get("rung", "-")
        if was != side["rung"]:
            name = drawing.called(party, after.get("names", {}))
            yield Text.assemble(drawing.label(name, 16), cell_text(was), " → ", (cell_text(side["rung"]), "bold"))


def _value_in_words(name: str, standing: Document) -> str:
    value = standing.get(name)
    if name in drawing.STATUSES and value:
        return status_in_words(value)
    return (
        drawing.called(value, standing["names"])
        if name in drawing.ACTORS and value
        else cell_text(drawing.dated(name, value))
    )


def _steps_table(steps: Sequence[Document], names: Names) -> Drawn:
    rows = [
        [
            *(step["irritant"] or step["round"], step["action"], drawing.called(step["owner"], names)),
            drawing.when(step["due"]["edtf"]) if step["due"] else step["timing"],
            ("overdue" if step["overdue"] else "open") if step["open"] else step["outcome"],
            _who_says_so(step, names),
            *(
                drawing.called(step["confirmed_by"], names),
                _round_with_reason(step, "agreed_in"),
                step["backing"]["origins"],
            ),
        ]
        for step in steps
    ]
    columns = ("about", "step", "owner", "due", "state", "who says so", "confirmed by", "from", "origins")
    yield from table("Next steps", *columns, rows=rows)


_REASON_FOR_ROUND: Final = {
    "date": "on its days",
    "inferred_date": "on its days, by an inferred date",
    "report": "in a report on it",
    "later": "dated after it began",
}


def _round_with_reason(document: Document, member: str) -> str | None:
    """Return the round in a member of a document, with the reason why it is this round."""
    round = document[member]
    return f"{round} ({_REASON_FOR_ROUND[document[f'{member}_by']]})" if round else None


def _who_says_so(step: Document, names: Names) -> str:
    """Return who says that a step is agreed, or who announced the round."""
    by = drawing.called(step["claimed_by"] or step["backing"]["reported_by"] or ["none"], names)
    return f"{by}: {'announced' if step['round'] else 'agreed'}"


def _proposals_table(proposals: Sequence[Document], names: Names) -> Drawn:
    rows = [
        [
            *(proposal[name] for name in ("irritant", "kind", "terms")),
            drawing.called(proposal["tabled_by"] or proposal["backing"]["reported_by"] or ["none"], names),
            drawing.called(proposal["addressee"], names),
            "open" if proposal["open"] else proposal["closed_as"],
            _round_with_reason(proposal, "tabled_in"),
            proposal["backing"]["origins"],
        ]
        for proposal in proposals
    ]
    yield from table("Proposals", "about", "kind", "terms", "by", "to", "state", "from", "origins", rows=rows)


def _statuses_in_words(after: Document) -> str:
    """Return the claimed status after a round, and the other statuses if they differ."""
    names = ("status", "confirmed_status", "reported_status")
    claimed, confirmed, reported = (status_in_words(after[name]) for name in names)
    others = [f"confirmed {confirmed}"] if confirmed != claimed else []
    others += [f"reported {reported}"] if reported != claimed else []
    return f"{claimed} ({', '.join(others)})" if others else claimed


def _matrix_cell(cell: Document) -> str:
    if cell["silent"]:
        return "silent"
    noted = [cell_text(cell["rung"]), *([f"“{cell['wording']}”"] if cell["wording"] else [])]
    noted += [cell_text(cell[name]) for name in ("stance", "hold") if cell[name] != "none"]
    if (last := cell["last_word"]) is not None:
        noted.append(
            f"{drawing.last_words(certain=last['certain'])}: {event_name(last['type'])} {_date_in_words(last['cited'])}"
        )
    return "; ".join(noted)


def _supporters(backing: Document, names: Names) -> str:
    contested = f", denied by {drawing.within(backing['contested_by'], names)}" if backing["contested_by"] else ""
    by = drawing.called(backing["said_by"] or backing["reported_by"] or ["none"], names)
    return f"{by}{contested}; {drawing.counted(backing['origins'], 'origin')}"


def _summary_with_wording(cited: Document) -> str:
    return f"{cited['summary']} “{cited['wording']}”" if cited["wording"] else str(cited["summary"])


def _date_in_words(cited: Document) -> str:
    inferred = "*" if cited["occurred_basis"] == "inferred" else ""
    return f"{drawing.when(cited['occurred'])}{inferred}" if cited["occurred"] else "unknown"


def _statement_marks(statement: Document) -> str:
    return ", ".join(name for name in ("denied", "relay") if statement[name])


def _words_by_voice(words: Mapping[str, Sequence[str]], names: Names) -> str:
    return "; ".join(f"{drawing.called(voice, names)}: {', '.join(used)}" for voice, used in words.items())


def _speaker(statement: Document, names: Names) -> str:
    return ", ".join(
        part for part in (drawing.called(statement["party"], names), statement["organ"], statement["person"]) if part
    )


def _places_read(statement: Document, names: Names) -> str:
    read = ((names.get(place["document"], place["document"]), place["paragraphs"]) for place in statement["documents"])
    # Names of documents can contain a semicolon.
    return " · ".join(f"{name}: {cell_text(paragraphs)}" for name, paragraphs in read)


def _duration(duration: Document | None) -> str:
    if duration is None:
        return "-"
    qualifier = "" if duration["qualifier"] == "exact" else f"{cell_text(duration['qualifier'])} "
    return f"{qualifier}{duration['hours']}"


_EMPTY_CELL: Final = "-"
_MAX_FOLDED_COLUMNS: Final = 4


def _member_table(
    heading: str | None, items: Iterable[Mapping[str, Any]], members: Sequence[str], names: Names = drawing.NO_NAMES
) -> Drawn:
    """Draw a table of these members of each item. `names`: the names of actors, by code or slug."""
    columns = (member.replace("_", " ") for member in members)
    yield from table(heading, *columns, rows=[_cells_of(item, members, names) for item in items])


def _cells_of(item: Mapping[str, Any], members: Sequence[str], names: Names) -> list[Any]:
    return [
        drawing.called(item[m], names) if m in drawing.ACTORS and item[m] else drawing.dated(m, item[m])
        for m in members
    ]


def _unanswered_claims(silence: Iterable[Document], names: Names) -> Drawn:
    """Draw the claims that a side neither makes, denies nor answers. It may have said other things."""
    members = ("rung", "summary", "said_by", "silent")
    rows = [_cells_of(item, members, names) for item in silence]
    yield from table("Not said by", "rung", "summary", "said by", "no answer from", rows=rows)


def table(heading: str | None, *columns: str, rows: Sequence[Sequence[object]]) -> Drawn:
    """Draw a table. If the terminal is too narrow, draw a block for each row. Draw nothing without rows."""
    if not rows:
        return
    if heading is not None:
        yield Text(heading, "bold")
    cells = [[cell_text(value) for value in row] for row in rows]
    yield from _blocks(columns, cells) if _is_too_wide(columns, cells) else [terminal.table(*columns, rows=cells)]
    yield ""


def _is_too_wide(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the terminal is too narrow for a table.

    Up to four columns stay readable when their cells are folded between words. Words are not broken.
    """
    console = terminal.out()
    if not console.is_terminal:
        return False
    if len(columns) <= _MAX_FOLDED_COLUMNS:
        return terminal.column_widths(console.width, columns, rows) is None
    lengths = (max(Text(cell).cell_len for cell in cells) for cells in zip(columns, *rows, strict=True))
    return sum(lengths) + terminal.COLUMN_GAP * len(columns) > console.width


def _blocks(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Drawn:
    """Draw each row as a block below its first cell. Equal first cells are shown once, empty cells not at all."""
    last = None
    for first, *cells in rows:
        if first != last:
            yield Text(last := first, "bold")
        named = ((name, cell) for name, cell in zip(columns[1:], cells, strict=True) if cell != _EMPTY_CELL)
        parts = [Text.assemble((f"{name}: ", "dim"), cell) for name, cell in named]
        yield Padding(Text(" · ", "dim").join(parts), (0, 0, 0, 2))


def cell_text(value: object) -> str:
    """Return a value of a document as the text of a cell."""
    match value:
        case None | "" | []:
            return _EMPTY_CELL
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(cell_text, value))
        case dict():
            return ", ".join(f"{name} {cell_text(drawing.dated(name, part))}" for name, part in value.items())
        case _:
            return drawing.in_words(value)
