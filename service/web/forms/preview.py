"""Previews: what a report would change, and every mistake at its field.

A preview is a dry run of the same function that files. If some entries have mistakes, the preview shows what the others
change.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from fastapi import Request
from markupsafe import Markup

from service.api import body, reports_filing
from service.api.problems import Mistake, ProblemDocument, problem_of
from service.domain.errors import Refused
from service.domain.history import Reason
from service.projections.change import ChangeDocument, StandingDocument
from service.projections.consequences import Lost, lost
from service.recorder import Receipt
from service.web.forms.draft import Draft, Placed, placed
from service.web.ladder import ladder
from service.web.standing import of_change

_NO_KEY: Final = ""


@dataclass(frozen=True)
class Effect:
    """One irritant before and after. `before` is None for a new one."""

    id: str
    title: str
    reasons: tuple[Reason, ...]
    before: StandingDocument | None
    after: StandingDocument
    lost: tuple[Lost, ...]

    @property
    def ladders(self) -> tuple[Markup | None, Markup]:
        return (ladder(of_change(self.before)) if self.before else None), ladder(of_change(self.after))

    @property
    def sentence(self) -> str:
        return self.after.headline

    @property
    def compared(self) -> Iterator[tuple[str, object, object]]:
        """Yield each other field that changes: its name, before, and after."""
        if self.before is None:
            return
        for name in ("basis", "origins", "awaiting", "hold", "lifecycle", "regressions", "reversible"):
            old, new = getattr(self.before, name), getattr(self.after, name)
            if old != new:
                yield name, old, new
        if (old := self.before.items) != (new := self.after.items):
            yield "items", f"{old.settled}/{old.total}", f"{new.settled}/{new.total}"


@dataclass(frozen=True)
class Preview:
    """What filing would change. `elsewhere` has the streams whose irritants keep their status.

    `without` counts the entries that are left out because of mistakes. `problem` is why the report would be
    refused.
    """

    effects: Sequence[Effect] = ()
    elsewhere: Sequence[str] = ()
    events: int = 0
    without: int = 0
    mistakes: Sequence[Placed] = ()
    problem: ProblemDocument | None = None

    @property
    def wrong(self) -> list[Placed]:
        return [mistake for mistake in self.mistakes if not mistake.unfilled]

    @property
    def unfilled(self) -> list[Placed]:
        return [mistake for mistake in self.mistakes if mistake.unfilled]


Place = Callable[[Iterable[Mistake]], list[Placed]]


async def preview(request: Request, draft: Draft) -> Preview:
    """Return what filing would change now; nothing for a draft without entries."""
    return await preview_entries(request, draft) if draft.entries else Preview()


async def preview_entries(request: Request, draft: Draft) -> Preview:
    """Return what filing would change now. Raises Problem if the visitor may not file it."""
    found = await preview_of(request, draft.body, partial(placed, draft))
    rest = draft.without(mistake.entry.number for mistake in found.mistakes if mistake.entry is not None)
    without = len(draft.entries) - len(rest.entries)
    if not without or not rest.entries:
        return found
    of_rest = await preview_of(request, rest.body, partial(placed, rest))
    return (
        found if of_rest.problem else replace(of_rest, without=without, mistakes=found.mistakes, problem=found.problem)
    )


async def preview_of(request: Request, said: dict[str, Any], place: Place) -> Preview:
    """Return what filing this body would change, with each mistake at its place."""
    try:
        return _shown(await receipt(request, said, _NO_KEY, dry_run=True))
    except Refused as refused:
        problem = problem_of(refused).document
        return Preview(mistakes=place(problem.errors or ()), problem=problem)


async def receipt(request: Request, said: dict[str, Any], key: str, *, dry_run: bool) -> Receipt:
    """File a report, or try it with `dry_run`. Raises as `reports_filing.file` does."""
    return await reports_filing.file(request, body.parsed(json.dumps(said).encode()), key, dry_run=dry_run)


def _shown(led_to: Receipt) -> Preview:
    effects = tuple(effects_of(led_to.changes))
    moved = {f"irritant/{effect.id}" for effect in effects}
    elsewhere = dict.fromkeys(event.stream for event in led_to.events if event.stream not in moved)
    return Preview(effects, tuple(elsewhere), len(led_to.events))


def effects_of(changes: Sequence[ChangeDocument]) -> Iterator[Effect]:
    """Yield the effect on each irritant over all changes."""
    for irritant in dict.fromkeys(change.irritant for change in changes):
        own = [change for change in changes if change.irritant == irritant]
        before, after = own[0].before, own[-1].after
        reasons = tuple(dict.fromkeys(change.reason for change in own))
        yield Effect(irritant, after.title, reasons, before, after, tuple(lost(before, after, reasons)))
