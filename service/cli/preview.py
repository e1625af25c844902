"""Changes: how a report changes the status of irritants, who says so, and what needs confirmation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from service.cli import drawing, terminal
from service.cli.drawing import in_words
from service.projections.change import StandingDocument
from service.projections.consequences import lost
from service.projections.event_types import event_name

_ALWAYS: Final = (("claimed", "status"), ("confirmed", "confirmed_status"), ("reported", "reported_status"))
_WHERE_CHANGED: Final = ("lifecycle", "hold", "regressions", "reversible")
_VOICES: Final = 12
"""At most this many statements are listed for an irritant. A report can have thousands."""
REASONS: Final = {
    "world": "something happened",
    "new_evidence": "new evidence",
    "correction": "correction",
    "retraction": "retraction",
}


def show_change(change: Mapping[str, Any]) -> None:
    """Print one change of the feed in one line."""
    before, reason = change["before"], REASONS[change["reason"]]
    moved = [f"{label} {old} → {new}" for label, old, new in _compared(before, change["after"]) if old != new]
    said = "; ".join(moved) or "no status changed" if before else "opened"
    position = Text(f"{change['position']:>6}", "dim")
    terminal.show(Text.assemble(position, "  ", (change["irritant"], "bold"), f"  {said}  ", (reason, "italic")))


def show_preview(changes: Sequence[Mapping[str, Any]], draft: Mapping[str, Any]) -> None:
    """Print each irritant before and after the whole report."""
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
            terminal.show(_labelled("warning", Text(loss, "bold red")))
        for doubt in unconfirmed(after):
            terminal.show(_labelled("to confirm", Text(doubt, "yellow")))
        terminal.show("")


def says(draft: Mapping[str, Any], stream: str) -> Iterator[Text]:
    """Yield who says what about one stream in a report."""
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
    """Yield a warning for each side whose only statement for a rung is retracted."""
    was = None if before is None else StandingDocument.model_validate(before)
    now = StandingDocument.model_validate(changes[-1]["after"])
    for loss in lost(was, now, [change["reason"] for change in changes]):
        others = f"; {in_words(loss.reported)} is still reported" if loss.reported else ""
        yield f"{loss.party} made no other statement that puts it at {in_words(loss.rung)}{others}"


def unconfirmed(standing: Mapping[str, Any]) -> Iterator[str]:
    """Yield what still needs confirmation, each with the reason."""
    status, reported = standing["status"], standing["reported_status"]
    for party, rung in standing["rungs"].items():
        if rung != status:
            confirmed = "does not confirm it" if rung == "unstated" else f"confirms only {in_words(rung)}"
            yield f"{in_words(status)} is claimed, but {party} {confirmed}"
    if reported != status:
        yield f"{in_words(reported)} is reported, but no side says so"
    match standing["basis"]:
        case "contested":
            yield "a side denies it"
        case "attributed":
            yield "it is only attributed to a side, not in its own words"
        case _:
            pass
    if standing["origins"] == 1:
        yield "it rests on only one origin"


def _compared(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    old = before or {}
    for label, name in _ALWAYS:
        yield label, in_words(old.get(name)), in_words(after[name])
    yield "basis", drawing.basis(before) if before else "", drawing.basis(after)
    yield "awaiting", in_words(old.get("awaiting")), in_words(after["awaiting"])
    for name in _WHERE_CHANGED:
        if before and old[name] != after[name]:
            yield name, in_words(old[name]), in_words(after[name])
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
