"""Preview a report: what it would change, and every mistake with its field.

A preview is a dry run of the function that files. If some entries have mistakes, the preview shows the changes of the
other entries.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from fastapi import Request
from markupsafe import Markup

from service.api import body, reports_filing
from service.api.problems import Mistake, ProblemDocument, problem_of
from service.domain.errors import Refused
from service.domain.history import Reason
from service.projections.change import ChangeDocument, StandingDocument
from service.projections.words.speakers import names_of_events
from service.recorder import Receipt
from service.recorder.requests import SeenChange
from service.web.formatting import use_names
from service.web.forms.draft import Draft, FieldMistake, locate_mistakes
from service.web.ladder import ladder
from service.web.standing import standing_of_change
from service.web.stream_titles import title_from_events

_NO_KEY: Final = ""


@dataclass(frozen=True)
class Effect:
    """The standing of one irritant before and after a report. `before` is None for a new irritant."""

    id: str
    title: str
    reasons: tuple[Reason, ...]
    before: StandingDocument | None
    after: StandingDocument

    @property
    def ladders(self) -> tuple[Markup | None, Markup]:
        return (ladder(standing_of_change(self.before)) if self.before else None), ladder(
            standing_of_change(self.after)
        )

    @property
    def sentence(self) -> str:
        return self.after.headline

    @property
    def changed_fields(self) -> Iterator[tuple[str, object, object]]:
        """Yield each changed field that the ladders do not show: its name, and its values before and after."""
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
    """The changes that filing a report would make.

    `other_titles` has the titles of streams with new events but no changed status. `audiences` has, by handling label,
    what its audience would see change. `names` has the name of every actor
    of the report by code or slug, so that a wrong code is noticed. `left_out` counts the entries with mistakes, which
    the preview leaves out. `problem` says why the report would be refused. `warnings` do not prevent filing.
    """

    effects: Sequence[Effect] = ()
    other_titles: Sequence[str] = ()
    audiences: Mapping[str, Sequence[SeenChange]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    events: int = 0
    left_out: int = 0
    mistakes: Sequence[FieldMistake] = ()
    warnings: Sequence[FieldMistake] = ()
    problem: ProblemDocument | None = None

    @property
    def wrong(self) -> list[FieldMistake]:
        return [mistake for mistake in self.mistakes if not mistake.is_unfilled]

    @property
    def unfilled(self) -> list[FieldMistake]:
        return [mistake for mistake in self.mistakes if mistake.is_unfilled]


Locate = Callable[[Iterable[Mistake]], list[FieldMistake]]
"""Finds the form field of each mistake."""


async def preview(request: Request, draft: Draft) -> Preview:
    """Return the preview of a draft. It is empty for a draft without entries. Raises Problem."""
    return await preview_entries(request, draft) if draft.entries else Preview()


async def preview_entries(request: Request, draft: Draft) -> Preview:
    """Return the preview of a draft, without entries that have mistakes. Raises Problem if the visitor may not file."""
    whole = await preview_of(request, draft.body, partial(locate_mistakes, draft))
    valid = draft.without(mistake.entry.number for mistake in whole.mistakes if mistake.entry is not None)
    left_out = len(draft.entries) - len(valid.entries)
    if not left_out or not valid.entries:
        return whole
    partly = await preview_of(request, valid.body, partial(locate_mistakes, valid))
    if partly.problem:
        return whole
    return replace(partly, left_out=left_out, mistakes=whole.mistakes, problem=whole.problem)


async def preview_of(request: Request, report: dict[str, Any], locate: Locate) -> Preview:
    """Return the preview of a report. `locate` finds the form field of each mistake."""
    try:
        return _preview_from(await file_report(request, report, _NO_KEY, dry_run=True), locate)
    except Refused as refused:
        problem = problem_of(refused).document
        return Preview(mistakes=locate(problem.errors or ()), problem=problem)


async def file_report(request: Request, report: dict[str, Any], key: str, *, dry_run: bool) -> Receipt:
    """File a report, or only check it (`dry_run`). Raises the errors of `reports_filing.file`."""
    return await reports_filing.file(request, body.parsed(json.dumps(report).encode()), key, dry_run=dry_run)


def _preview_from(receipt: Receipt, locate: Locate) -> Preview:
    effects = tuple(effects_of(receipt.changes))
    changed = {f"irritant/{effect.id}" for effect in effects}
    streams = dict.fromkeys(event.stream for event in receipt.events if event.stream not in changed)
    other_titles = [
        title_from_events(stream, (e.data for e in receipt.events if e.stream == stream)) for stream in streams
    ]
    warnings = locate([Mistake(pointer=warning.pointer, detail=warning.detail) for warning in receipt.warnings])
    names = names_of_events(receipt.report.relation, receipt.events, receipt.names)
    use_names(receipt.names)
    return Preview(effects, tuple(other_titles), receipt.effects, names, len(receipt.events), warnings=warnings)


def effects_of(changes: Sequence[ChangeDocument]) -> Iterator[Effect]:
    """Combine all changes of each irritant into one effect."""
    for irritant in dict.fromkeys(change.irritant for change in changes):
        own = [change for change in changes if change.irritant == irritant]
        before, after = own[0].before, own[-1].after
        reasons = tuple(dict.fromkeys(change.reason for change in own))
        yield Effect(irritant, after.title, reasons, before, after)
