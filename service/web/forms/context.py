"""The context of a report that is being written: what it can be about, cite and answer.

Streams are read with their events, because fields of an entry refer to events.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from service.api.auth import Access
from service.api.limits import not_within
from service.api.parameters import Q, written
from service.api.problems import Problem
from service.api.resources import Resource, Snapshot, relations, rounds, sources
from service.api.resources.listing import Items
from service.domain.assertion import Assertion, Contract, Recorded, Statement
from service.domain.history import History
from service.domain.irritant.events import ProposalTabled
from service.domain.irritant.state import Irritant
from service.domain.irritant.undertakings import agreements, offers
from service.domain.streams import history_of, parse_stream
from service.follower.as_of import histories
from service.projections.board import BoardDocument, BoardRow
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.source import SourceSummary
from service.store import events
from service.web.formatting import round_name
from service.web.limited import relations as readable
from service.web.pages import PageRequest

_PAGE: Final = 1_000
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Item = TypeVar("Item", bound=BaseModel)


@dataclass(frozen=True)
class FormContext:
    """The part of the record that a report on one relation refers to."""

    board: BoardDocument
    rounds: Sequence[RoundDocument]
    sources: Sequence[SourceSummary]
    histories: Mapping[str, History[Any]]

    def history(self, stream: str) -> History[Any]:
        """Return the history of a stream; empty if it is not on record."""
        return self.histories.get(stream) or history_of(stream)

    def row(self, stream: str) -> BoardRow | None:
        """Return the line of the board for an irritant's stream."""
        kind, _, member = stream.partition("/")
        return next((row for row in self.board.items if kind == "irritant" and row.id == member), None)

    def called(self, stream: str) -> str:
        """Return the title of the subject of a stream."""
        kind, _, member = stream.partition("/")
        if kind == "round":
            return round_name(member)
        row = self.row(stream)
        return row.title if row else self.board.title if kind == "relation" else member

    def round(self, id: str) -> RoundDocument | None:
        return next((round for round in self.rounds if round.id == id), None)

    def versions(self, streams: Iterable[str]) -> dict[str, int]:
        """Return the versions of the irritants among these streams.

        A report is refused if one of them has changed. Other streams may grow meanwhile.
        """
        return {stream: self.history(stream).version for stream in streams if stream.startswith("irritant/")}

    def meant(self, entry: str, stream: str, field: str) -> Iterator[Recorded]:
        """Yield the events on a stream that a field of this type of entry can refer to."""
        history, kind = self.history(stream), _meant_by(entry, field)
        yield from (e for e in history.events if isinstance(e.data, kind) and history.placed(e.id) is not None)

    def steps(self, stream: str) -> Sequence[str]:
        return (
            [s.step for s in agreements(state) if s.open] if isinstance(state := self._state(stream), Irritant) else []
        )

    def items(self, stream: str) -> Sequence[str]:
        return list(state.items) if isinstance(state := self._state(stream), Irritant) else []

    def opens(self, stream: str) -> Iterator[tuple[str, str, str]]:
        """Yield open steps and proposals: the kind (`step` or `proposal`), the name, and the text."""
        if isinstance(state := self._state(stream), Irritant):
            yield from (("step", step.step, step.last.data.action) for step in agreements(state) if step.open)
            yield from (("proposal", o.proposal.root, o.proposal.data.terms) for o in offers(state) if o.awaited)

    def _state(self, stream: str) -> Any:
        return self.history(stream).state


def _meant_by(entry: str, field: str) -> type[Contract]:
    if field == "proposal":
        return ProposalTabled
    # Evidence belongs to an assertion, never to other evidence.
    return Assertion if entry == "EvidenceAdded" else Statement


def form_context(snapshot: Snapshot, relation: str, streams: Iterable[str]) -> FormContext:
    """Return the context of a relation. Raises Problem if it is not on record.

    A limited visitor sees only the sources that the relation cites, and no stream beyond the limit.
    """
    visitor, upto = snapshot.reader, snapshot.head.position
    board = snapshot.read(relations.BOARD, relation=relation)
    within = None if visitor.reads is None else relation
    named = [name for name in streams if (of := parse_stream(name)) and visitor.may_read(of.relation)]
    return FormContext(
        board,
        listed(snapshot, rounds.LIST, relation=relation),
        listed(snapshot, sources.LIST, relation=within),
        histories(snapshot.c, named, upto),
    )


def listed(snapshot: Snapshot, resource: Resource[Q, Items[Item]], **given: object) -> Sequence[Item]:
    """Return all items of a list, read page by page."""
    found: list[Item] = []
    cursor: str | None = None
    while True:
        page = snapshot.read(resource, written(resource.query, limit=_PAGE, cursor=cursor, **given))
        found += page.documents
        if page.next is None:
            return found
        cursor = page.next


def every_relation(visit: PageRequest[Any], snapshot: Snapshot) -> Sequence[RelationDocument]:
    """Return every relation on record that the visitor may read."""
    if visit.visitor.reads is not None:
        return readable(visit, snapshot)
    return listed(snapshot, relations.LIST)


def named_event(snapshot: Snapshot, id: str) -> tuple[History[Any], Recorded]:
    """Return the event with this id, and the history of its stream. Raises Problem."""
    history = _history_with(snapshot, id) if _ID.fullmatch(id) else None
    event = history.recorded(id) if history else None
    if snapshot.reader.reads is not None and (event is None or not _is_within(snapshot.reader, event.stream)):
        raise not_within(snapshot.reader)
    if history is None or event is None:
        raise Problem("not-found", f"There is no event {id} on record.")
    return history, event


def _is_within(visitor: Access, stream: str) -> bool:
    name = parse_stream(stream)
    return name is not None and visitor.may_read(name.relation)


def _history_with(snapshot: Snapshot, id: str) -> History[Any] | None:
    event = events.by_ids(snapshot.c, [id]).get(id)
    return None if event is None else histories(snapshot.c, [event.stream], snapshot.head.position).get(event.stream)
