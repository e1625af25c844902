"""Build the rows of `read_models` from histories: the document of each stream, and each change of an irritant.

REPRESENTATIONS has the representation that this release stores, for each name.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from service.domain.assertion import Recorded
from service.domain.catalogue import Kind
from service.domain.filing import Decision
from service.domain.history import History, Reason
from service.domain.streams import history_of, parse_stream
from service.projections import change
from service.projections.change import ChangeDocument, StandingDocument, standing_in, standing_of
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store.read_models import Document

REPRESENTATIONS: Final = {p.name: p.representation for p in STORED.values()} | {change.NAME: change.REPRESENTATION}


def rows(histories: Iterable[History[Any]], changes: Iterable[ChangeDocument]) -> Iterator[Document]:
    """Yield the row of each change, and of each history whose kind of stream has a stored document."""
    yield from map(_change_row, changes)
    for history in histories:
        name = parse_stream(history.stream)
        if name is None or name.relation is None or name.kind not in STORED:
            continue
        projection, document = STORED[name.kind], _view_of(history, name.kind)
        yield Document(
            projection.name,
            projection.representation,
            name.member,
            name.relation,
            history.position,
            projection.facets(document),
            rendered(document),
        )


def _change_row(changed: ChangeDocument) -> Document:
    """Return the row of a change. Its key is its position."""
    relation = changed.irritant.partition("/")[0]
    key = f"{changed.position:019d}"
    return Document(change.NAME, change.REPRESENTATION, key, relation, changed.position, {}, rendered(changed))


_views: Final[WeakKeyDictionary[History[Any], tuple[int, Any]]] = WeakKeyDictionary()


def _view_of(history: History[Any], kind: Kind) -> Any:
    """Return the view of a history. Cached: one append needs it twice, and the next append once more."""
    version, view = _views.get(history, (None, None))
    if version != history.version:
        view = STORED[kind].view(history.reading())
        _views[history] = history.version, view
    return view


def _standing(history: History[Any]) -> StandingDocument | None:
    """Return the standing of an irritant, None if it has no events."""
    return standing_of(_view_of(history, "irritant")) if history.events else None


_Run: TypeAlias = tuple[Reason, Sequence[Recorded], StandingDocument]
"""Events of one report with one reason for a change, and the standing of the irritant after them."""


def _changes(before: StandingDocument | None, stream: str, runs: Iterable[_Run]) -> Iterator[ChangeDocument]:
    """Yield the changes of one irritant by one report, in the order of filing. A run is one change."""
    for reason, events, after in runs:
        if after != before:
            yield ChangeDocument(
                position=events[-1].position,
                irritant=stream.removeprefix("irritant/"),
                reason=reason,
                before=before,
                after=after,
                events=tuple(e.id for e in events),
            )
        before = after


def changes_by(decision: Decision, before: Mapping[str, History[Any]]) -> list[ChangeDocument]:
    """Return the changes of irritants by a report that was decided on these histories, in the order of filing."""
    by_stream: dict[str, list[tuple[Recorded, Reason]]] = {}
    for event, reason in zip(decision.recorded, decision.reasons, strict=True):
        if event.stream.startswith("irritant/"):
            by_stream.setdefault(event.stream, []).append((event, reason))
    changes: list[ChangeDocument] = []
    for stream, filed in by_stream.items():
        changes += _changes(_standing(before[stream]), stream, _runs_at_end(decision.histories[stream], filed))
    return sorted(changes, key=lambda changed: changed.position)


def _runs_at_end(history: History[Any], filed: Sequence[tuple[Recorded, Reason]]) -> Iterator[_Run]:
    """Yield the runs of the report that a history ends with."""
    for reason, run in groupby(filed, key=lambda f: f[1]):
        events = [event for event, _ in run]
        after = _standing(history.as_of(events[-1].position))
        assert after is not None
        yield reason, events, after


def replayed(stream: str, log: Sequence[Recorded], *, after: int = 0) -> Iterator[Document]:
    """Yield the rows of a stream's events after a position. The events up to it are folded once."""
    if not stream.startswith("irritant/"):
        return rows([history_of(stream, log)], ())
    known = bisect_right(log, after, key=lambda event: event.position)
    history = history_of(stream, log[:known])
    changes = list(_changes_replayed(history, log[known:]))
    return rows([history], changes)


def _changes_replayed(history: History[Any], log: Iterable[Recorded]) -> Iterator[ChangeDocument]:
    """Yield the changes by the reports of these events, which are appended to the history."""
    before = _standing(history)
    for _, report in groupby(log, key=lambda event: event.report):
        runs = list(_runs_appended(history, report))
        yield from _changes(before, history.stream, runs)
        before = runs[-1][2]


def _runs_appended(history: History[Any], report: Iterable[Recorded]) -> Iterator[_Run]:
    """Yield the runs of a report and append it to the history. To look back instead would fold all events again."""
    run: list[Recorded] = []
    last: Reason | None = None
    for event in report:
        # The reason of an event is known only after it is appended.
        left = history.state
        reason = history.append(event)
        if last is not None and reason != last:
            yield last, run, standing_in(left)
            run = []
        run.append(event)
        last = reason
    assert last is not None
    yield last, run, standing_in(history.state)
