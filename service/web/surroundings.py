"""What is on record around a report that is being written: what it can be about, cite and answer.

The streams are read in their events and not only as documents, for what an entry can mean is an event.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from sqlalchemy import Engine

from service.api.limits import not_within
from service.api.listing import Listing
from service.api.problems import Problem
from service.domain.assertion import Assertion, Contract, Recorded, Statement
from service.domain.history import History
from service.domain.irritant.events import ProposalTabled
from service.domain.irritant.standing import open_proposals, open_steps
from service.domain.irritant.state import Irritant
from service.domain.streams import history_of, parse_stream
from service.follower.readings import histories
from service.projections.board import BoardDocument, BoardRow
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.source import SourceSummary
from service.store import events
from service.store.engine import connection
from service.web.limited import relations
from service.web.sentences import round_name
from service.web.visit import Visit

_PAGE: Final = 1_000
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Item = TypeVar("Item", bound=BaseModel)


@dataclass(frozen=True)
class Surroundings:
    """The part of the record that a report of one relation is written in."""

    board: BoardDocument
    rounds: Sequence[RoundDocument]
    sources: Sequence[SourceSummary]
    histories: Mapping[str, History[Any]]

    def history(self, stream: str) -> History[Any]:
        """A stream as it is on record, empty where it is not."""
        return self.histories.get(stream) or history_of(stream)

    def row(self, stream: str) -> BoardRow | None:
        """The line of the board for an irritant's stream."""
        kind, _, member = stream.partition("/")
        return next((row for row in self.board.items if kind == "irritant" and row.id == member), None)

    def called(self, stream: str) -> str:
        """What a stream is about, by the name that readers know it by."""
        kind, _, member = stream.partition("/")
        if kind == "round":
            return round_name(member)
        row = self.row(stream)
        return row.title if row else self.board.title if kind == "relation" else member

    def round(self, id: str) -> RoundDocument | None:
        return next((round for round in self.rounds if round.id == id), None)

    def versions(self, streams: Iterable[str]) -> dict[str, int]:
        """Of the irritants among these: how they stand must not have changed unseen, all else may grow meanwhile."""
        return {stream: self.history(stream).version for stream in streams if stream.startswith("irritant/")}

    def meant(self, entry: str, stream: str, field: str) -> Iterator[Recorded]:
        """The events that stand on a stream and that an entry of this type can mean in this field."""
        history, kind = self.history(stream), _meant_by(entry, field)
        yield from (e for e in history.events if isinstance(e.data, kind) and history.placed(e.id) is not None)

    def steps(self, stream: str) -> Sequence[str]:
        return [step.step for step in open_steps(state)] if isinstance(state := self._state(stream), Irritant) else []

    def items(self, stream: str) -> Sequence[str]:
        return list(state.items) if isinstance(state := self._state(stream), Irritant) else []

    def opens(self, stream: str) -> Iterator[tuple[str, str, str]]:
        """What waits for somebody there: whether `step` or `proposal`, its name, and what it is about."""
        if isinstance(state := self._state(stream), Irritant):
            yield from (("step", step.step, step.action) for step in open_steps(state))
            yield from (("proposal", proposal.root, proposal.terms) for proposal in open_proposals(state))

    def _state(self, stream: str) -> Any:
        return self.history(stream).state


def _meant_by(entry: str, field: str) -> type[Contract]:
    if field == "proposal":
        return ProposalTabled
    # Evidence has no evidence: it is of the assertion that both say.
    return Assertion if entry == "EvidenceAdded" else Statement


async def surroundings(visit: Visit[Any], relation: str, streams: Iterable[str]) -> Surroundings:
    """Raises Problem where the relation is not on record.

    A visitor limited to relations is offered the sources that this one cites, and sees no stream beyond the limit.
    """
    board = await visit.document(f"/v1/relations/{relation}/board", BoardDocument)
    rounds = await listed(visit, "/v1/rounds", RoundDocument, relation=relation)
    within = None if visit.visitor.reads is None else relation
    sources = await listed(visit, "/v1/sources", SourceSummary, relation=within)
    named = [name for name in streams if (of := parse_stream(name)) and visit.visitor.may_read(of.relation)]
    read = await visit.reader.follower.read(_histories, named, visit.head.position)
    return Surroundings(board, rounds, sources, read)


async def listed(visit: Visit[Any], path: str, item: type[Item], **query: object) -> Sequence[Item]:
    """Every item of a list, page by page."""
    found: list[Item] = []
    cursor: str | None = None
    while True:
        page = await visit.document(path, Listing[item], limit=_PAGE, cursor=cursor, **query)  # type: ignore[valid-type]
        found += page.items
        if page.next is None:
            return found
        cursor = page.next


async def every_relation(visit: Visit[Any]) -> Sequence[RelationDocument]:
    """Every relation on record that the visitor may read."""
    if visit.visitor.reads is not None:
        return await relations(visit)
    return await listed(visit, "/v1/relations", RelationDocument)


async def named_event(visit: Visit[Any], id: str) -> tuple[History[Any], Recorded]:
    """An event by its id, and the stream that it is on. Raises Problem."""
    told = await visit.reader.follower.read(_history_with, id, visit.head.position) if _ID.fullmatch(id) else None
    event = told.recorded(id) if told else None
    if visit.visitor.reads is not None and (event is None or not _is_within(visit, event.stream)):
        raise not_within(visit.visitor)
    if told is None or event is None:
        raise Problem("not-found", f"There is no event {id} on record.")
    return told, event


def _is_within(visit: Visit[Any], stream: str) -> bool:
    name = parse_stream(stream)
    return name is not None and visit.visitor.may_read(name.relation)


def _histories(engine: Engine, streams: Sequence[str], upto: int) -> dict[str, History[Any]]:
    with connection(engine) as c:
        return histories(c, streams, upto)


def _history_with(engine: Engine, id: str, upto: int) -> History[Any] | None:
    with connection(engine) as c:
        event = events.by_ids(c, [id]).get(id)
        return None if event is None else histories(c, [event.stream], upto)[event.stream]
