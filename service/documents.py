"""What is stored beside the events: the document of each stream, and each change of an irritant's reading.

The recorder makes them as it appends and the rebuild from the log; both by these functions, so the bytes are the same.
Which representations a release stores is one set: REPRESENTATIONS, by their names.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from service.domain.assertion import Recorded
from service.domain.catalogue import Kind
from service.domain.history import History, Reason
from service.domain.streams import history_of, parse_stream
from service.projections import change
from service.projections.change import ChangeDocument, StandingDocument, standing_in, standing_of
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store.read_models import Document

REPRESENTATIONS: Final = {p.name: p.representation for p in STORED.values()} | {change.NAME: change.REPRESENTATION}


def is_stored(stream: str) -> bool:
    """Whether streams of this kind have a stored document."""
    name = parse_stream(stream)
    return name is not None and name.kind in STORED


def document_of(history: History[Any]) -> Document:
    """The stored document of a stream as its history leaves it."""
    name = parse_stream(history.stream)
    assert name is not None
    assert name.relation is not None
    projection, document = STORED[name.kind], _viewed(history, name.kind)
    return Document(
        projection.name,
        projection.representation,
        name.member,
        name.relation,
        history.position,
        projection.facets(document),
        rendered(document),
    )


def standing(history: History[Any]) -> StandingDocument | None:
    """How an irritant stands; None where it is not on record."""
    return standing_of(_viewed(history, "irritant")) if history.events else None


_views: Final[WeakKeyDictionary[History[Any], tuple[int, Any]]] = WeakKeyDictionary()


def _viewed(history: History[Any], kind: Kind) -> Any:
    """The view of a history. An append asks for it as what is stored, as `after`, and the next one as `before`."""
    version, view = _views.get(history, (None, None))
    if version != history.version:
        view = STORED[kind].view(history.reading())
        _views[history] = history.version, view
    return view


Run: TypeAlias = tuple[Reason, Sequence[Recorded], StandingDocument]
"""Events of one report that change a reading for one reason, and how the irritant stands after them."""


def runs_of(after: History[Any], filed: Sequence[tuple[Recorded, Reason]]) -> Iterator[Run]:
    """The runs of a report that is in the history already, which ends with it."""
    for reason, run in groupby(filed, key=lambda f: f[1]):
        events = [event for event, _ in run]
        then = standing(after.as_of(events[-1].position))
        assert then is not None
        yield reason, events, then


def changes_of(before: StandingDocument | None, stream: str, runs: Iterable[Run]) -> Iterator[ChangeDocument]:
    """How one report changed one irritant's reading, in the order of filing. Runs of one reason are one change."""
    for reason, events, then in runs:
        if then != before:
            yield ChangeDocument(
                position=events[-1].position,
                irritant=stream.removeprefix("irritant/"),
                reason=reason,
                before=before,
                after=then,
                events=tuple(e.id for e in events),
            )
        before = then


def change_document(changed: ChangeDocument) -> Document:
    """A change as it is stored: once, for good, under its position."""
    relation = changed.irritant.partition("/")[0]
    key = f"{changed.position:019d}"
    return Document(change.NAME, change.REPRESENTATION, key, relation, changed.position, {}, rendered(changed))


def replayed(stream: str, log: Sequence[Recorded], *, after: int = 0) -> Iterator[Document]:
    """Every document that the appends of a stream's events behind a position led to, of those that are kept.

    What was on record by then is folded once, instead of report by report with a look at each.
    """
    if not is_stored(stream):
        return
    known = bisect_right(log, after, key=lambda event: event.position)
    history = history_of(stream, log[:known])
    if stream.startswith("irritant/"):
        yield from map(change_document, _changed(history, log[known:]))
    else:
        for event in log[known:]:
            history.append(event)
    yield document_of(history)


def _changed(history: History[Any], log: Iterable[Recorded]) -> Iterator[ChangeDocument]:
    """How the reports of these events changed an irritant's reading, as its history takes them up."""
    before = standing(history)
    for _, report in groupby(log, key=lambda event: event.report):
        runs = list(_appended(history, report))
        yield from changes_of(before, history.stream, runs)
        before = runs[-1][2]


def _appended(history: History[Any], report: Iterable[Recorded]) -> Iterator[Run]:
    """The runs of a report, as they come about: to look back at each costs a new fold of all that came before."""
    run: list[Recorded] = []
    last: Reason | None = None
    for event in report:
        # That an event is of another reason is known only when it is added; how things stand is read off this state.
        left = history.state
        reason = history.append(event)
        if last is not None and reason != last:
            yield last, run, standing_in(left)
            run = []
        run.append(event)
        last = reason
    assert last is not None
    yield last, run, standing_in(history.state)
