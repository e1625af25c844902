"""Build the rows of the table `read_models` from histories: a document for each stream, each change and each hit.

Consecutive events of one report on one irritant are a run if they have the same reason: something happened, new
evidence, a correction or a retraction. A run that changes the standing of the irritant, or only a date, is a change. A
change has the standing (`StandingDocument`: headline, statuses, disputes and more) before and after the run. A hit is
an event that the search finds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.catalogue import Kind
from service.domain.corrections import Amendments
from service.domain.filing import Decision
from service.domain.history import History, Reason
from service.domain.naming import UNNAMED, Naming
from service.domain.streams import history_of, parse_stream
from service.projections import change, hit
from service.projections.change import ChangeDocument, Redated, StandingDocument, redated, sentence, standing_in
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store import search
from service.store.read_models import Document as Row

REPRESENTATIONS: Final = {p.name: p.representation for p in STORED.values()} | {
    module.NAME: module.REPRESENTATION for module in (change, hit)
}
"""The representation number that this release stores, by the name of the document."""


def rows(
    histories: Iterable[History[Any]],
    changes: Iterable[ChangeDocument],
    filed: Iterable[Recorded],
    naming: Naming = UNNAMED,
) -> Iterator[Row]:
    """Yield a row for each change, one for each history, and one for each hit that the events `filed` make or change.

    `histories` end with the events `filed`. Sources have hits but no stored document. A document has the names that
    actors had at its position.
    """
    yield from map(_change_row, changes)
    by_stream: dict[str, list[Recorded]] = {}
    for event in filed:
        by_stream.setdefault(event.stream, []).append(event)
    for history in histories:
        stream = parse_stream(history.stream)
        yield from (_hit_row(found) for found in hit.hits(history, by_stream.get(history.stream, ()), naming))
        if stream is None or stream.kind not in STORED:
            continue
        projection, document = STORED[stream.kind], _view_of(history, stream.kind, naming.as_of(history.position))
        yield Row(
            name=projection.name,
            representation=projection.representation,
            key=stream.member,
            relation=stream.relation or "",
            position=history.position,
            facets=projection.facets(document),
            body=rendered(document),
        )


def _change_row(changed: ChangeDocument) -> Row:
    """Return the row of a change. Its key is its position with leading zeros, so keys sort like positions."""
    relation = changed.irritant.partition("/")[0]
    key = f"{changed.position:019d}"
    return Row(change.NAME, change.REPRESENTATION, key, relation, changed.position, facets={}, body=rendered(changed))


def _hit_row(found: hit.Hit) -> Row:
    """Return the row of a hit.

    If the event was retracted, an empty row replaces its earlier row, so that the search does not find it.
    """
    document, event, stream = found.document, found.event, parse_stream(found.event.stream)
    is_name, relation = event.type in hit.NAMING, stream.relation if stream else None
    key = search.key_of(event.position, is_name=is_name)
    facets, body = dict[str, str](), b""
    if document is not None:
        facets, body = dict(hit.facets(document)), rendered(document)
        facets["words"] = search.lexemes(event.position, found.words, facets, is_name=is_name, relation=relation)
    return Row(hit.NAME, hit.REPRESENTATION, key, relation or "", found.changed, facets, body)


def _view_of(history: History[Any], kind: Kind, names: ActorNames) -> Any:
    """Return the document of a stream of this kind."""
    return history.reading(names=names).cached(STORED[kind].view)


def standing_after(history: History[Any], names: ActorNames) -> StandingDocument | None:
    """Return the standing of an irritant after all events of a history. None if there are no events."""
    return history.reading(names=names).cached(change.standing) if history.events else None


class _Run(NamedTuple):
    """Consecutive events of one report on one irritant that have the same reason.

    `after`: the standing after them. `redated`: the dates that they correct.
    """

    reason: Reason
    events: Sequence[Recorded]
    after: StandingDocument
    redated: tuple[Redated, ...]


def _changes(
    before: StandingDocument | None, stream: str, runs: Iterable[_Run], names: ActorNames
) -> Iterator[ChangeDocument]:
    """Yield the changes of one irritant by one report: the runs that change the standing or a date.

    `before`: the standing before the report, None if the irritant is new.
    """
    for reason, events, after, dates in runs:
        if after != before or dates:
            yield ChangeDocument(
                position=events[-1].position,
                irritant=stream.removeprefix("irritant/"),
                reason=reason,
                before=before,
                after=after,
                events=tuple(e.id for e in events),
                sentence=sentence(before, after, dates, names),
                redated=dates,
                report=events[-1].report,
            )
        before = after


def _redated(run: Sequence[Recorded], history: History[Any], was: Amendments, now: Amendments) -> tuple[Redated, ...]:
    """Return the dates that the amendments (corrections and retractions) of a run change.

    `was` and `now`: the amendments in effect before and after the run. `history` has the events that they amend.
    """
    targets = (e.data.target for e in run if isinstance(e.data, AssertionCorrected | AssertionRetracted))
    # The target can itself be a correction. Its dates are those of the event that it corrects.
    corrected = (history.recorded(id) for id in dict.fromkeys(map(now.corrected_root, targets)))
    return redated((event for event in corrected if event is not None), was, now)


def changes_by(
    decision: Decision, before: Mapping[str, History[Any]], naming: Naming = UNNAMED
) -> list[ChangeDocument]:
    """Return the changes of irritants by one report, by position.

    `before` has the histories on which the report was decided, by stream. The standings before and after have the names
    of actors as of the last event of the report on the irritant. So a new name is no change.
    """
    by_stream: dict[str, list[tuple[Recorded, Reason]]] = {}
    for event, reason in zip(decision.recorded, decision.reasons, strict=True):
        if event.stream.startswith("irritant/"):
            by_stream.setdefault(event.stream, []).append((event, reason))
    changes: list[ChangeDocument] = []
    for stream, filed in by_stream.items():
        changes += _changes_by_report(before[stream], decision.histories[stream], filed, naming)
    return sorted(changes, key=lambda changed: changed.position)


def _changes_by_report(
    before: History[Any], after: History[Any], filed: Sequence[tuple[Recorded, Reason]], naming: Naming
) -> Iterator[ChangeDocument]:
    """Yield the changes of one irritant by one report. `filed`: its events on this irritant, each with its reason."""
    names = naming.as_of(filed[-1][0].position)
    runs = _runs_at_end(after, filed, names, before.amendments)
    yield from _changes(standing_after(before, names), before.stream, runs, names)


def appended(
    before: History[Any], events: Iterable[Recorded], naming: Naming = UNNAMED
) -> tuple[History[Any], list[ChangeDocument]]:
    """Return a history with further events, and the changes that they make. Only irritants have changes."""
    history, changes = before, list[ChangeDocument]()
    for _, report in groupby(events, key=lambda event: event.report):
        earlier, history = history, history.copy()
        filed = [(event, history.append(event)) for event in report]
        if history.stream.startswith("irritant/"):
            changes += _changes_by_report(earlier, history, filed, naming)
    return history, changes


def _runs_at_end(
    history: History[Any], filed: Sequence[tuple[Recorded, Reason]], names: ActorNames, was: Amendments
) -> Iterator[_Run]:
    """Yield the runs of the last report of a history.

    `filed`: the events of the report, each with its reason. `was`: the amendments before the report.
    """
    for reason, run in groupby(filed, key=lambda f: f[1]):
        events = [event for event, _ in run]
        up_to_run = history.as_of(events[-1].position)
        after = standing_after(up_to_run, names)
        assert after is not None
        yield _Run(reason, events, after, _redated(events, up_to_run, was, up_to_run.amendments))
        was = up_to_run.amendments


def replayed(stream: str, log: Sequence[Recorded], *, after: int = 0, naming: Naming = UNNAMED) -> Iterator[Row]:
    """Yield the rows of a stream from its `log`: its document, and its changes and hits after the position `after`."""
    new = _since(log, after)
    if not stream.startswith("irritant/"):
        return rows([history_of(stream, log)], (), new, naming)
    history = history_of(stream, log[: len(log) - len(new)])
    # Making the list appends the new events to the history. `rows` needs them there.
    changes = list(_changes_replayed(history, new, naming))
    return rows([history], changes, new, naming)


def _since(log: Sequence[Recorded], position: int) -> Sequence[Recorded]:
    """Return the events after a position."""
    return log[bisect_right(log, position, key=lambda event: event.position) :]


def _changes_replayed(history: History[Any], log: Iterable[Recorded], naming: Naming) -> Iterator[ChangeDocument]:
    """Append these events to the history, report by report, and yield the changes that they make.

    Before and after have the same names, as in `changes_by`. So `before` is computed again if the names have changed.
    """
    before, names_before = standing_after(history, NO_NAMES), NO_NAMES
    for _, report in groupby(log, key=lambda event: event.report):
        events = list(report)
        names = naming.as_of(events[-1].position)
        if names is not names_before:
            before, names_before = standing_after(history, names), names
        runs = list(_runs_appended(history, events, names))
        yield from _changes(before, history.stream, runs, names)
        before = runs[-1].after


def _runs_appended(history: History[Any], report: Iterable[Recorded], names: ActorNames) -> Iterator[_Run]:
    """Append the events of a report, at least one, to the history, and yield the runs.

    `_runs_at_end` finds runs in a finished history. For each report of a long log it would fold all events again.
    """
    run: list[Recorded] = []
    reason_of_run: Reason | None = None
    was = history.amendments
    for event in report:
        # Only the append returns the reason of an event. Its run may be a new one, so remember what it changes.
        state_before, amendments_before = history.state, history.amendments
        reason = history.append(event)
        if reason_of_run is not None and reason != reason_of_run:
            after = standing_in(state_before, names)
            yield _Run(reason_of_run, run, after, _redated(run, history, was, amendments_before))
            run, was = [], amendments_before
        run.append(event)
        reason_of_run = reason
    assert reason_of_run is not None
    after = standing_in(history.state, names)
    yield _Run(reason_of_run, run, after, _redated(run, history, was, history.amendments))
