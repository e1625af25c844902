"""Show changes of irritants: one line for each change of the feed, or a preview of what a report changes.

A preview has each irritant before and after, who says so, and what still needs confirmation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from service.cli import drawing, terminal
from service.cli.drawing import NO_NAMES, Names, called, in_words, within
from service.projections.words.event_types import event_name
from service.projections.words.names import at_the_beginning
from service.projections.words.reasons import reason_within
from service.projections.words.statuses import status_in_words

_STATUSES: Final = (("claimed", "status"), ("confirmed", "confirmed_status"), ("reported", "reported_status"))
_ONLY_IF_CHANGED: Final = ("lifecycle", "hold", "regressions", "reversible")
_MAX_STATEMENTS: Final = 12
"""The most statements that are listed for an irritant. A report can have thousands."""


def show_change(change: Mapping[str, Any]) -> None:
    """Print one change of the feed: its position, irritant, sentence and reason, and the headline after it."""
    position, reason = Text(f"{change['position']:>6}", "dim"), reason_within(change["reason"])
    line = Text.assemble(position, "  ", (change["irritant"], "bold"), f"  {change['sentence']}  ", (reason, "italic"))
    terminal.show(line)
    terminal.show(Text(f"        {change['after']['headline']}"))


def _show_actors(names: Names) -> None:
    """Print every actor of a report with its name, so that a wrong code is noticed. For example, AU is Australia."""
    listed = "; ".join(f"{actor}: {at_the_beginning(name)}" for actor, name in names.items())
    terminal.show(_labelled("actors", Text(listed)), "")


def show_preview(changes: Sequence[Mapping[str, Any]], draft: Mapping[str, Any], names: Names = NO_NAMES) -> None:
    """Print each irritant before and after the whole report. `names`: the names of its actors, by code or slug."""
    if names:
        _show_actors(names)
    for irritant in dict.fromkeys(change["irritant"] for change in changes):
        own = [change for change in changes if change["irritant"] == irritant]
        before, after = own[0]["before"], own[-1]["after"]
        reasons = ", ".join(dict.fromkeys(reason_within(change["reason"]) for change in own))
        terminal.show(Text.assemble((after["title"], "bold"), "  ", (irritant, "dim"), "  ", (reasons, "italic")))
        terminal.show(_labelled("reads", Text(after["headline"])))
        for label, old, new in _fields_to_show(before, after, names):
            terminal.show(_change_of_field(label, old, new, is_new_irritant=before is None))
        statements = list(_statements_on(draft, f"irritant/{irritant}", names))
        for statement in statements[:_MAX_STATEMENTS]:
            terminal.show(_labelled("says so", statement))
        if len(statements) > _MAX_STATEMENTS:
            terminal.show(_labelled("", Text(f"and {len(statements) - _MAX_STATEMENTS:,} more", "dim")))
        for reason in _reasons_to_confirm(after, names):
            terminal.show(_labelled("to confirm", Text(reason, "yellow")))
        terminal.show("")


def show_audiences(audiences: Iterable[Mapping[str, Any]]) -> None:
    """Print what the audience of each handling label would see change."""
    for audience in audiences:
        changes = [f"{change['irritant']}: {change['sentence']}" for change in audience["changes"]]
        for place, sentence in enumerate(changes or ["Nothing changes for readers with this clearance."]):
            terminal.show(_labelled("" if place else audience["label"], Text(sentence)))


def show_warnings(warnings: Iterable[str]) -> None:
    """Print the warnings about a report, each in one line."""
    for warning in warnings:
        terminal.show(_labelled("warning", Text(warning, "bold red")))


def _statements_on(draft: Mapping[str, Any], stream: str, names: Names = NO_NAMES) -> Iterator[Text]:
    """Yield each event of a report on one stream: the speaker and the summary, or the reason of a correction."""
    for event in draft["events"]:
        if event["stream"] != stream:
            continue
        if (by := event.get("asserted_by")) is None:
            reason = f": {event['reason']}" if "reason" in event else ""
            yield Text(f"record-keeping: {event_name(event['type'])}{reason}")
        else:
            speaker = called(by["party"], names) if by.get("party") else ""
            who = ", ".join(part for part in (speaker, by.get("organ"), by.get("person")) if part)
            yield Text.assemble(
                (who, "bold"), f" ({by.get('channel')}) {event_name(event['type'])}: {event['summary']}"
            )


def _reasons_to_confirm(standing: Mapping[str, Any], names: Names = NO_NAMES) -> Iterator[str]:
    """Yield a sentence for each reason why the status still needs confirmation."""
    status, reported = standing["status"], standing["reported_status"]
    for party, rung in standing["rungs"].items():
        if rung != status:
            confirmed = "does not confirm it" if rung == "unstated" else f"confirms only {in_words(rung)}"
            yield f"{in_words(status)} is claimed, but {within([party], names)} {confirmed}"
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


def _fields_to_show(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], names: Names = NO_NAMES
) -> Iterator[tuple[str, str, str]]:
    """Yield the fields to show: label, value before, value after."""
    old = before or {}
    for label, name in _STATUSES:
        yield label, status_in_words(old[name]) if old else "", status_in_words(after[name])
    yield "basis", drawing.basis(before, names) if before else "", drawing.basis(after, names)
    yield "awaiting", called(before["awaiting"], names) if before else "", called(after["awaiting"], names)
    for name in _ONLY_IF_CHANGED:
        if before and old[name] != after[name]:
            yield name, in_words(old[name]), in_words(after[name])
    if before and old["items"] != after["items"]:
        yield "items", _items_in_words(old["items"]), _items_in_words(after["items"])


def _items_in_words(items: Mapping[str, int]) -> str:
    return f"{items['settled']} of {items['total']} settled"


def _change_of_field(label: str, old: str, new: str, *, is_new_irritant: bool) -> Text:
    if is_new_irritant:
        return _labelled(label, Text.assemble((new, "bold")))
    if old == new:
        return _labelled(label, Text(f"{new}, as before", "dim"))
    return _labelled(label, Text.assemble(old, " → ", (new, "bold")))


def _labelled(label: str, text: Text) -> Text:
    return Text.assemble(drawing.label(label, 10), text)
