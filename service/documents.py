"""What is stored beside the events: the document of each stream, and each change of an irritant's reading.

The recorder makes them as it appends and the rebuild from the log; both by these functions, so the bytes are the same.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final
from weakref import WeakKeyDictionary

from service.domain.assertion import Recorded
from service.domain.catalogue import Kind
from service.domain.history import History, Reason
from service.domain.streams import parse_stream
from service.projections import change
from service.projections.change import ChangeDocument, StandingDocument, standing_of
from service.projections.document import rendered
from service.projections.stored import STORED
from service.store.read_models import Document


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


def changes_of(
    before: StandingDocument | None, after: History[Any], filed: Sequence[tuple[Recorded, Reason]]
) -> Iterable[ChangeDocument]:
    """How one report changed one irritant's reading, in the order of filing. Runs of one reason are one change."""
    for reason, run in groupby(filed, key=lambda f: f[1]):
        run_events = [event for event, _ in run]
        then = standing(after.as_of(run_events[-1].position))
        assert then is not None
        if then != before:
            yield ChangeDocument(
                position=run_events[-1].position,
                irritant=after.stream.removeprefix("irritant/"),
                reason=reason,
                before=before,
                after=then,
                events=tuple(e.id for e in run_events),
            )
        before = then


def change_document(changed: ChangeDocument) -> Document:
    """A change as it is stored: once, for good, under its position."""
    relation = changed.irritant.partition("/")[0]
    key = f"{changed.position:019d}"
    return Document(change.NAME, change.REPRESENTATION, key, relation, changed.position, {}, rendered(changed))
