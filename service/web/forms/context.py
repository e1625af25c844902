"""Read the part of the record that a form needs: irritants, rounds, sources, and histories of streams.

Streams are read with their events, because fields such as `proposal` refer to events.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from service.api.auth import Access
from service.api.limits import unknown_id
from service.api.parameters import Q, written
from service.api.problems import Problem
from service.api.resources import Resource, Snapshot, relations, rounds, sources
from service.api.resources.listing import Items
from service.domain.actor.events import ActorRegistered
from service.domain.assertion import Assertion, EventModel, Recorded, Statement
from service.domain.corrections import named_by
from service.domain.history import History
from service.domain.irritant.events import InstrumentExchanged, ProposalTabled, UnderstandingReported
from service.domain.irritant.state import Irritant
from service.domain.irritant.undertakings import agreements, offers
from service.domain.relation.state import Person, Relation
from service.domain.streams import history_of, parse_stream
from service.follower.as_of import histories
from service.openings import title_of_relation
from service.projections import board
from service.projections.board import BoardDocument, BoardRow
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.source import SourceSummary
from service.projections.words.documents import document_name
from service.projections.words.names import round_name
from service.store import events, reports
from service.store.codec import StoredReport
from service.web.formatting import names_in_use
from service.web.limited import readable_relations
from service.web.pages import PageRequest

_PAGE_SIZE: Final = 1_000
_MAX_REPORTS: Final = 50
"""The number of reports, the latest of the relation, that the form offers to attribute to a round."""
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Item = TypeVar("Item", bound=BaseModel)


class OpenPoint(NamedTuple):
    """An open next step or proposal. `name` is the name of the step or the id of the proposal, `text` its content."""

    kind: Literal["step", "proposal"]
    name: str
    text: str


@dataclass(frozen=True)
class FormContext:
    """The part of the record that the form of a report on one relation needs."""

    board: BoardDocument
    rounds: Sequence[RoundDocument]
    sources: Sequence[SourceSummary]
    histories: Mapping[str, History[Any]]
    reports: Sequence[StoredReport] = ()

    def history(self, stream: str) -> History[Any]:
        """Return the history of a stream. It is empty if the stream is not on record."""
        return self.histories.get(stream) or history_of(stream)

    @property
    def persons(self) -> Sequence[Person]:
        """Return the persons of the relation that are on record, each with every spelling of the name."""
        talks = self.history(f"relation/{self.board.relation}").state
        return list(talks.persons.values()) if isinstance(talks, Relation) else []

    @property
    def spellings(self) -> dict[str, tuple[str, ...]]:
        """Return every recorded name of the actors whose streams are in this context, by code or slug."""
        histories = (history for stream, history in self.histories.items() if stream.startswith("actor/"))
        events = (event.data for history in histories for event in history.events)
        return {event.actor: tuple(event.names) for event in events if isinstance(event, ActorRegistered)}

    def board_row(self, stream: str) -> BoardRow | None:
        """Return the row of the board for the stream of an irritant. None for other streams."""
        kind, _, member = stream.partition("/")
        return next((row for row in self.board.items if kind == "irritant" and row.id == member), None)

    def stream_title(self, stream: str) -> str:
        """Return the title of an irritant or relation, or the name of a round or source."""
        kind, _, member = stream.partition("/")
        if kind == "round":
            return round_name(member)
        row = self.board_row(stream)
        return row.title if row else self.board.title if kind == "relation" else member

    def document_title(self, slug: str) -> str:
        """Return the name of a document on record. Return the slug of another document."""
        source = next((source for source in self.sources if source.id == slug), None)
        return slug if source is None else document_name(source)

    def round(self, id: str) -> RoundDocument | None:
        """Return a round by its id. None if it is not on record."""
        return next((round for round in self.rounds if round.id == id), None)

    def irritant_versions(self, streams: Iterable[str]) -> dict[str, int]:
        """Return the versions of the irritants among these streams.

        The report expects them, so that it is refused if an irritant has changed since. Other streams may change.
        """
        return {stream: self.history(stream).version for stream in streams if stream.startswith("irritant/")}

    def referable_events(self, type: str, stream: str, field: str, corrected: str | None = None) -> Iterator[Recorded]:
        """Yield the events on a stream that a field of this event type can refer to.

        `corrected` is the id of the event that is being corrected, if any. That event cannot refer to itself or to an
        event that refers to it.
        """
        history, types = self.history(stream), referable_types(type, field)
        excluded = _dependents(history, corrected)
        effective = (e for e in history.events if isinstance(e.data, types) and history.effect(e.id) is not None)
        yield from (event for event in effective if event.id not in excluded)

    def open_steps(self, stream: str) -> Sequence[str]:
        """Return the names of the open next steps of an irritant. Empty for other streams."""
        state = self._state(stream)
        return [step.step for step in agreements(state) if step.open] if isinstance(state, Irritant) else []

    def item_names(self, stream: str) -> Sequence[str]:
        """Return the names of the items of an irritant. Empty for other streams."""
        state = self._state(stream)
        return list(state.items) if isinstance(state, Irritant) else []

    def open_points(self, stream: str) -> Iterator[OpenPoint]:
        """Yield the open next steps and proposals of an irritant. Nothing for other streams."""
        if isinstance(state := self._state(stream), Irritant):
            yield from (OpenPoint("step", step.step, step.last.data.action) for step in agreements(state) if step.open)
            for offer in offers(state):
                if offer.awaited:
                    yield OpenPoint("proposal", offer.proposal.root, offer.proposal.data.terms)

    def _state(self, stream: str) -> Any:
        return self.history(stream).state


def _dependents(history: History[Any], id: str | None) -> set[str]:
    """Return the id of an event and of all events that refer to it, directly or not, such as evidence and answers."""
    dependents = set() if id is None else {id}
    for effect in history.order if dependents else ():
        if dependents.intersection(named_by(effect)):
            dependents.add(effect.id)
    return dependents


def referable_types(type: str, field: str) -> type[EventModel] | tuple[type[EventModel], ...]:
    """Return the class or classes of events that a field of this event type can refer to."""
    if field == "proposal":
        return ProposalTabled
    if field == "instrument":
        return InstrumentExchanged, UnderstandingReported
    # Evidence belongs to an assertion, never to other evidence.
    return Assertion if type == "EvidenceAdded" else Statement


def form_context(
    snapshot: Snapshot, relation: str, streams: Iterable[str], *, with_readouts: bool = False
) -> FormContext:
    """Return the context of a report on a relation, with the histories of these streams. Raises Problem.

    `with_readouts`: also with the histories of open irritants and of actors, which a readout can mention.

    A limited visitor gets only the sources that the relation cites, and only streams that the key may read. A relation
    that is not on record has an empty board.
    """
    visitor, upto = snapshot.reader, snapshot.head.position
    cited_by = None if visitor.reads is None else relation
    current_board = _board(snapshot, relation)
    if with_readouts:
        mentioned = [f"irritant/{row.id}" for row in current_board.items if row.lifecycle == "open"]
        actors = [f"actor/{actor.lower()}" for actor in names_in_use().registered]
        streams = [*streams, f"relation/{relation}", *mentioned, *actors]
    readable = [
        stream
        for stream in dict.fromkeys(streams)
        if (name := parse_stream(stream)) and visitor.may_read(name.relation)
    ]
    return FormContext(
        current_board,
        all_items(snapshot, rounds.LIST, relation=relation),
        all_items(snapshot, sources.LIST, relation=cited_by),
        histories(snapshot.c, {*readable, f"relation/{relation}"}, upto),
        reports.page(snapshot.c, relation=relation, upto=upto, limit=_MAX_REPORTS, newest_first=True),
    )


def _board(snapshot: Snapshot, relation: str) -> BoardDocument:
    """Return the board of a relation. It is empty for a relation that is not on record."""
    try:
        return snapshot.read(relations.BOARD, relation=relation)
    except Problem as problem:
        if problem.name != "not-found":
            raise
    empty = board.view(irritants=(), rounds=(), relation=history_of(f"relation/{relation}").reading())
    return empty.model_copy(update={"title": title_of_relation(relation)})


def all_items(snapshot: Snapshot, resource: Resource[Q, Items[Item]], **parameters: object) -> Sequence[Item]:
    """Read all items of a list, page by page."""
    found: list[Item] = []
    cursor: str | None = None
    while True:
        page = snapshot.read(resource, written(resource.query, limit=_PAGE_SIZE, cursor=cursor, **parameters))
        found += page.documents
        if page.next is None:
            return found
        cursor = page.next


def every_relation(visit: PageRequest[Any], snapshot: Snapshot) -> Sequence[RelationDocument]:
    """Return every relation on record that the visitor may read."""
    if visit.visitor.reads is not None:
        return readable_relations(visit, snapshot)
    return all_items(snapshot, relations.LIST)


def find_event(snapshot: Snapshot, id: str) -> tuple[History[Any], Recorded]:
    """Return the event with this id, and the history of its stream. Raises Problem."""
    history = _history_with(snapshot, id) if _ID.fullmatch(id) else None
    event = history.recorded(id) if history else None
    if snapshot.reader.reads is not None and (event is None or not _is_within(snapshot.reader, event.stream)):
        raise unknown_id(snapshot.reader)
    if history is None or event is None:
        raise Problem("not-found", f"There is no event {id} on record.")
    return history, event


def _is_within(visitor: Access, stream: str) -> bool:
    name = parse_stream(stream)
    return name is not None and visitor.may_read(name.relation)


def _history_with(snapshot: Snapshot, id: str) -> History[Any] | None:
    """Return the history of the stream of this event. None if no event has this id."""
    event = events.by_ids(snapshot.c, [id]).get(id)
    return None if event is None else histories(snapshot.c, [event.stream], snapshot.head.position).get(event.stream)
