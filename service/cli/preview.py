"""Before and after: how a report changes what is read, who says so, and what will still need confirmation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from service.cli import drawing, terminal
from service.projections.change import StandingDocument
from service.projections.consequences import lost
from service.projections.event_types import event_name

_ALWAYS: Final = (("claimed", "status"), ("confirmed", "confirmed_status"), ("reported", "reported_status"))
_WHERE_CHANGED: Final = ("lifecycle", "hold", "regressions", "reversible")
_VOICES: Final = 12
"""So many are listed of one irritant; a report can have thousands."""
REASONS: Final = {
    "world": "the world moved",
    "new_evidence": "new evidence",
    "correction": "correction",
    "retraction": "retraction",
}


def show_change(change: Mapping[str, Any]) -> None:
    """One change of the feed, in one line."""
    before, reason = change["before"], REASONS[change["reason"]]
    moved = [f"{label} {old} → {new}" for label, old, new in _compared(before, change["after"]) if old != new]
    said = "; ".join(moved) or "beside the ladder" if before else "opened"
    position = Text(f"{change['position']:>6}", "dim")
    terminal.show(Text.assemble(position, "  ", (change["irritant"], "bold"), f"  {said}  ", (reason, "italic")))


def show_preview(changes: Sequence[Mapping[str, Any]], draft: Mapping[str, Any]) -> None:
    """Per irritant: before → after over the whole report."""
    for irritant in dict.fromkeys(change["irritant"] for change in changes):
        own = [change for change in changes if change["irritant"] == irritant]
        before, after = own[0]["before"], own[-1]["after"]
        reasons = ", ".join(dict.fromkeys(REASONS[change["reason"]] for change in own))
        terminal.show(Text.assemble((after["title"], "bold"), "  ", (irritant, "dim"), "  ", (reasons, "italic")))
        for label, old, new in _compared(before, after):
            terminal.show(_arrow(label, old, new, new_irritant=before is None))
        voices = list(says(draft, f"irritant/{irritant}"))
        for voice in voices[:_VOICES]:
            terminal.show(_labelled("says so", voice))
        if len(voices) > _VOICES:
            terminal.show(_labelled("", Text(f"and {len(voices) - _VOICES:,} more", "dim")))
        for loss in _lost(before, own):
            terminal.show(_labelled("careful", Text(loss, "bold red")))
        for doubt in unconfirmed(after):
            terminal.show(_labelled("to confirm", Text(doubt, "yellow")))
        terminal.show("")


def says(draft: Mapping[str, Any], stream: str) -> Iterator[Text]:
    """Who says what of one stream in a report."""
    for event in draft["events"]:
        if event["stream"] != stream:
            continue
        if (by := event.get("asserted_by")) is None:
            reason = f": {event['reason']}" if "reason" in event else ""
            yield Text(f"record-keeping: {event_name(event['type'])}{reason}")
        else:
            who = ", ".join(part for part in (by.get("party"), by.get("organ"), by.get("person")) if part)
            yield Text.assemble(
                (who, "bold"), f" ({by.get('channel')}) {event_name(event['type'])}: {event['summary']}"
            )


def _lost(before: Mapping[str, Any] | None, changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Whose rung a retraction takes the only support from, and whether others still report it."""
    was = None if before is None else StandingDocument.model_validate(before)
    now = StandingDocument.model_validate(changes[-1]["after"])
    for loss in lost(was, now, [change["reason"] for change in changes]):
        others = f", while {loss.reported} is still reported" if loss.reported else ""
        yield f"what is struck is all that {loss.party} stood at {loss.rung} by{others}"


def unconfirmed(standing: Mapping[str, Any]) -> Iterator[str]:
    """What of a standing still wants confirming, each with why."""
    status, reported = standing["status"], standing["reported_status"]
    for party, rung in standing["rungs"].items():
        if rung != status:
            lower = "" if rung == "unstated" else f", only behind {rung}"
            yield f"{status} is claimed, and {party} does not stand behind it{lower}"
    if reported != status:
        yield f"{reported} is reported, and no side says so"
    match standing["basis"]:
        case "contested":
            yield "it is contested by a side"
        case "attributed":
            yield "it is only attributed to a side, neither quoted nor paraphrased"
        case _:
            pass
    if standing["origins"] == 1:
        yield "it rests on one origin"


def _compared(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    old = before or {}
    for label, name in _ALWAYS:
        yield label, str(old.get(name)), after[name]
    yield "basis", drawing.basis(before) if before else "", drawing.basis(after)
    yield "awaiting", str(old.get("awaiting")), after["awaiting"]
    for name in _WHERE_CHANGED:
        if before and old[name] != after[name]:
            yield name, str(old[name]), str(after[name])
    if before and old["items"] != after["items"]:
        yield "items", _items(old["items"]), _items(after["items"])


def _items(items: Mapping[str, int]) -> str:
    return f"{items['settled']} of {items['total']} settled"


def _arrow(label: str, old: str, new: str, *, new_irritant: bool) -> Text:
    if new_irritant:
        return _labelled(label, Text.assemble((new, "bold")))
    if old == new:
        return _labelled(label, Text(f"{new}, as before", "dim"))
    return _labelled(label, Text.assemble(old, " → ", (new, "bold")))


def _labelled(label: str, text: Text) -> Text:
    return Text.assemble(drawing.label(label, 10), text)
