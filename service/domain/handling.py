"""Decide how an event is handled: which readers may see it, and what it must not be more open than.

An event has a label, such as `open` or `restricted`, and each label a rank, from 0 for `open`. A reader sees the events
up to the rank of their clearance, as if the others had never been filed. So an event is at least as restricted as
everything that it depends on: its target, what it cites, what it names, and the opening of its stream. Otherwise a
reader would see a correction of nothing, or the name of a document that is withheld.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.domain.assertion import (
    REFERENCE_FIELDS,
    AssertionCorrected,
    EventModel,
    HandlingChanged,
    Recorded,
    Statement,
)
from service.domain.catalogue import EVENT_TYPES
from service.domain.history import History
from service.domain.irritant.events import ItemAdded, ItemStatusChanged, NextStepAgreed, NextStepClosed
from service.domain.references import actors_named, members_named
from service.domain.report import Report
from service.domain.source.events import OriginRegistered

OPEN: Final = "open"
"""The label of an event that every reader may see. Its rank is 0."""
HIGHEST_RANK: Final = 1_000
"""The clearance of a reader who may see everything. Labels have lower ranks."""

TYPES_NAMING_MEMBERS: Final = (
    AssertionCorrected.__name__,
    *(
        type
        for type, model in EVENT_TYPES.items()
        if not {"round", "merged_into", "with_"}.isdisjoint(model.model_fields)
    ),
)
"""The types whose events can name an irritant or a round, and corrections, which can make them do so."""

Find = Callable[[str], History[Any]]
"""Returns the history of a stream, with the events of the report so far. It is empty for an unknown stream."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of the record, each with its rank."""

    ranks: Mapping[str, int]

    def rank_of(self, label: str) -> int | None:
        """Return the rank of a label, None if it is not registered."""
        return self.ranks.get(label)

    def name_of(self, rank: int) -> str | None:
        """Return the label of a rank, None for `open`, which is not stored."""
        return next((name for name, of in self.ranks.items() if of == rank and of), None)

    def rank_above(self, label: str) -> int | None:
        """Return a rank for a new label above a registered one, None if no rank is left there.

        It is the middle between that label and the next higher one, so that later labels fit on both sides.
        """
        low = self.ranks[label]
        high = min((rank for rank in self.ranks.values() if rank > low), default=HIGHEST_RANK)
        middle = (low + high) // 2
        return middle if middle > low else None

    def up_to(self, rank: int) -> list[str]:
        """Return the labels up to a rank, the lowest first."""
        return [name for name, of in sorted(self.ranks.items(), key=lambda label: label[1]) if of <= rank]


BUILT_IN: Final = Labels({OPEN: 0, "restricted": 500})
"""The labels of every record. Its owner can register more."""


def needed_by(data: EventModel, history: History[Any], find: Find, origins: Mapping[str, str]) -> Iterator[Recorded]:
    """Yield the events that an event on the stream of `history` depends on. `data` names other events by their ids.

    `origins`: the stream of each origin.
    """
    yield from history.events[:1]
    fields = vars(data)
    for name in REFERENCE_FIELDS:
        if isinstance(id := fields.get(name), str) and (event := history.recorded(id)) is not None:
            yield event
    if isinstance(data, NextStepClosed):
        yield from _least(
            [e for e in history.events if isinstance(e.data, NextStepAgreed) and e.data.step == data.step]
        )
    if isinstance(data, ItemStatusChanged):
        yield from _least([e for e in history.events if isinstance(e.data, ItemAdded) and e.data.item == data.item])
    if isinstance(data, Statement):
        yield from find(f"source/{data.source.document}").events[:1]
        if (stream := origins.get(data.source.origin)) is not None:
            yield from _registration(find(stream), data.source.origin)
    for stream, _ in (*members_named(data), *actors_named(data)):
        yield from find(stream).events[:1]


def _least(events: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield the least restricted of some events that say the same, if there is one."""
    if (least := min(events, key=lambda event: event.rank, default=None)) is not None:
        yield least


def _registration(source: History[Any], origin: str) -> Iterator[Recorded]:
    for event in source.events:
        if isinstance(event.data, OriginRegistered) and event.data.origin == origin:
            yield event
            return


def relabelled(events: Iterable[Recorded], history: History[Any], labels: Labels) -> dict[str, int]:
    """Return the new rank of each event of which these events change the label, by its id. Later ones count.

    An earlier change of a label is at least as restricted as its target is now, because it names the target.
    """
    found: dict[str, int] = {}
    for change in events:
        if not isinstance(change.data, HandlingChanged):
            continue
        target, rank = change.data.target, labels.rank_of(change.data.label) or 0
        found[target] = rank
        for earlier in history.events:
            if isinstance(earlier.data, HandlingChanged) and earlier.data.target == target and earlier is not change:
                found[earlier.id] = max(labels.rank_of(earlier.handling or OPEN) or 0, rank)
    return found


def labels_in(report: Report) -> Iterator[str]:
    """Yield the labels that a report gives to its events, or to those on record."""
    if report.handling is not None:
        yield report.handling
    for event in report.events:
        if event.handling is not None:
            yield event.handling
        if isinstance(event.data, HandlingChanged):
            yield event.data.label


def changes_labels(report: Report) -> bool:
    """Return whether a report changes the labels of events on record."""
    return any(isinstance(event.data, HandlingChanged) for event in report.events)


def visible(history: History[Any], rank: int) -> Iterator[Recorded]:
    """Yield the events of a history that the audience of a rank may see."""
    return (event for event in history.events if event.rank <= rank)
