"""Reading: where things stand, how they came there, what moved, and the sheet of a round."""

import time
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final

import typer
from rich.markdown import Markdown
from rich.text import Text

from service.cli import drawing, terminal, timeline
from service.cli.client import Query, Service, service
from service.cli.options import AsJson, AsOfPosition, DateMatch, EffectiveOn, KnownAt, Url, past
from service.cli.preview import show_change
from service.cli.streams import find, history, reference
from service.cli.terminal import Exit, Failed

_WAIT_SECONDS: Final = 25
_RETRY_SECONDS: Final = 2
Id = Annotated[str, typer.Argument(help="Such as ru-us/visas, ru-us/istanbul-april, ru-us or source/….")]


def status_command(
    id: Annotated[
        str | None, typer.Argument(help="An irritant, a round or a relation; without one, the board.")
    ] = None,
    *,
    as_of_position: AsOfPosition = None,
    known_at: KnownAt = None,
    effective_on: EffectiveOn = None,
    date_match: DateMatch = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show where the irritants stand: what a side claims, what both confirm, what anybody reports."""
    then = past(as_of_position, known_at, effective_on, date_match)
    with service(url) as asked:
        if id is None:
            _board(list(asked.items("/v1/irritants", then)), as_json=as_json)
            return
        stream, document = find(asked, id, then)
        if as_json:
            terminal.show_json(document)
        elif stream.startswith("relation/"):
            _relation(document)
            _board(list(asked.items("/v1/irritants", {**then, "relation": id})), as_json=False)
        elif stream.startswith("irritant/"):
            _irritant(document)
        else:
            _facts(document)


def history_command(
    id: Id,
    *,
    as_of_position: AsOfPosition = None,
    known_at: KnownAt = None,
    effective_on: EffectiveOn = None,
    date_match: DateMatch = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what was said, in the order of the world; what was struck or corrected, by whom, when and why."""
    then = past(as_of_position, known_at, effective_on, date_match)
    with service(url) as asked:
        # The service judges whether such a past can be read, and knows whether there is anything of that name.
        stream, document = find(asked, id, then)
        told = history(asked, stream, then)
    by = date.fromisoformat(effective_on) if effective_on else None
    items = timeline.of(told.reading(by, certain=date_match == "certain"))
    names = {event.id: reference(event) for event in told.events}
    if as_json:
        listed = [{"name": names[item.event], **item.model_dump(mode="json")} for item in items]
        terminal.show_json({"stream": stream, "items": listed})
    else:
        _title(document.get("title") or stream, stream)
        timeline.show(items, names)


def changes_command(
    *,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="Only what changed after this position.")] = 0,
    relation: Annotated[str | None, typer.Option(help="Only this relation.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay, and show changes as they come.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed: each irritant before and after, and whether the world moved or the record did.

    With --json one change a line.
    """
    with service(url) as asked:
        query = {"after": after, "relation": relation}
        for change in _followed(asked, query) if follow else asked.feed("/v1/changes", query):
            if as_json:
                terminal.show_json(change, on_one_line=True)
            else:
                show_change(change)


def sheet_command(
    round: Annotated[str, typer.Argument(help="A round, such as ru-us/istanbul-april.")],
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="The Markdown itself, to paste into a cable.")] = False,
    as_of_position: AsOfPosition = None,
    known_at: KnownAt = None,
    effective_on: EffectiveOn = None,
    date_match: DateMatch = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the sheet of a round: what moved in it, who says so, what is uncorroborated, who is silent."""
    accept = "application/json" if as_json else "text/markdown"
    with service(url) as asked:
        then = past(as_of_position, known_at, effective_on, date_match)
        sheet = asked.get(f"/v1/rounds/{round}/sheet", then, accept=accept)
    if as_json:
        terminal.show_json(sheet.json())
    elif markdown or not terminal.out().is_terminal:
        terminal.show_text(sheet.text)
    else:
        terminal.show(Markdown(sheet.text))


def _followed(asked: Service, query: Query) -> Iterator[dict[str, Any]]:
    """What comes, for ever. `log` proves at each step that it is still the same record."""
    seen = dict(query)
    while True:
        try:
            page = asked.read("/v1/changes", seen, wait=_WAIT_SECONDS)
        except Failed as failed:
            if failed.code != Exit.UNREACHABLE:
                raise
            terminal.note(f"{failed.sentence}; trying again")
            time.sleep(_RETRY_SECONDS)
        else:
            yield from page["items"]
            seen |= {"after": page["next"], "log": page["log"]}


def _board(irritants: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        terminal.show_json({"items": irritants})
    elif not irritants:
        terminal.note("Nothing is on record.")
    else:
        terminal.show(drawing.board(irritants))
        if terminal.out().is_terminal:
            terminal.show(drawing.legend())


def _title(title: str, id: str) -> None:
    terminal.show(Text.assemble((title, "bold"), "  ", (id, "dim")))


def _irritant(document: dict[str, Any]) -> None:
    _title(document["title"], document["id"])
    terminal.show(Text(drawing.SCALE, "dim"), drawing.ladder(document))
    for (mark, style), word, name in (
        (drawing.CONFIRMED, "confirmed", "confirmed_status"),
        (drawing.CLAIMED, "claimed", "status"),
        (drawing.REPORTED, "reported", "reported_status"),
    ):
        terminal.show(Text.assemble((mark, style), f" {word:<10}", (document[name], "bold")))
    terminal.show(f"  rests on  {drawing.basis(document)}")
    for party, side in document["parties"].items():
        said = f"  “{side['wording']}”" if side["wording"] else ""
        when = f"  last said {side['occurred'] or 'on an unknown day'}" if side["event"] else "  silent"
        terminal.show(f"  {party}        {side['rung']}{said}{when}")
    _facts({name: document[name] for name in _BESIDE})


_BESIDE: Final = (
    *("lifecycle", "awaiting", "hold", "trend", "high_water_mark", "regressions", "reversible", "items"),
    *("last_moved", "version", "position", "recorded_at"),
)


def _relation(document: dict[str, Any]) -> None:
    _title(document["title"], document["id"])
    decided = document["format"]
    if decided:
        words = [decided["format"]]
        words += [word for word in ("preliminary", "reversible", "reversed") if decided[word]]
        silent = f"; silent: {', '.join(decided['silent'])}" if decided["silent"] else ""
        terminal.show(
            f"  format    {', '.join(words)}; said by {', '.join(decided['backing']['said_by']) or 'media'}{silent}"
        )
    for excluded in document["scope_exclusions"]:
        by = ", ".join(excluded["backing"]["said_by"]) or "media"
        terminal.show(f"  excluded  {excluded['subject']}; said by {by}")


def _facts(document: dict[str, Any]) -> None:
    """The plain members of a document, each on its line; what is nested deeper is for `history` and `--json`."""
    for name, value in document.items():
        if (told := _plain(value)) is not None:
            terminal.show(Text.assemble((f"  {name.replace('_', ' '):<16}", "dim"), told))


def _plain(value: object) -> str | None:
    if isinstance(value, dict) and not any(isinstance(part, dict | list) for part in value.values()):
        return ", ".join(f"{name} {part}" for name, part in value.items() if part is not None)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return None if isinstance(value, dict | list) or value in (None, "") else str(value)
