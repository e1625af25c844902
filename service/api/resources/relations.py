"""Relations: the list, one relation, and the overviews of its irritants and rounds, such as the board."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from service.api.etags import JSON
from service.api.parameters import AsOfQuery, Awaiting, Day, Q, Query, Truth, Whole, misplaced
from service.api.resources import (
    Body,
    D,
    Find,
    FoundDocument,
    JsonDocument,
    PathParameters,
    Resource,
    Snapshot,
    as_json,
    found_at_position,
)
from service.api.resources.formats import CSV, encoded
from service.api.resources.listing import Items, Listing, Paged, list_documents
from service.api.resources.states import document_of_stream, of_relation, of_stream, reading_of, readings
from service.api.resources.timelines import timeline_of
from service.follower import RECORD
from service.follower.as_of import membership_of
from service.projections import (
    assertions,
    board,
    corroboration,
    ledger,
    matrix,
    needs_confirmation,
    registers,
)
from service.projections import round as round_
from service.projections.assertions import EvidenceDocument
from service.projections.board import BoardDocument
from service.projections.corroboration import CorroborationDocument
from service.projections.document import last_position
from service.projections.formats import calendar
from service.projections.ledger import LedgerDocument
from service.projections.matrix import MatrixDocument
from service.projections.needs_confirmation import NeedsConfirmationDocument
from service.projections.registers import RegistersDocument
from service.projections.relation import RelationDocument

_TEXTS: Final[Mapping[str, str]] = {
    "calendar": f"{calendar.MEDIA_TYPE}; charset=utf-8",
    "csv": CSV,
}


class RelationsQuery(AsOfQuery, Paged):
    """The page of the list of relations."""


class OnQuery(AsOfQuery):
    """The point in time, and the day to count days from."""

    on: Annotated[
        Day | None, Field(description="the day to count days from; without it nothing is shown as overdue or old")
    ] = None


class BoardFilters(Query):
    """Which irritants a board shows. Filters combine: an irritant must pass all of them."""

    awaiting: Awaiting | None = None
    hold: Annotated[
        Literal["stalled", "suspended"] | None, Field(description="only irritants on which the talks are on hold")
    ] = None
    disputed: Annotated[Truth | None, Field(description="whether the sides contradict each other")] = None
    fell_back: Annotated[
        Truth | None, Field(description="whether the last move was down, or a higher rung was claimed before")
    ] = None
    overdue: Annotated[Truth | None, Field(description="whether an awaited act is past its date; needs `on`")] = None
    changed_after: Annotated[Whole | None, Field(description="only irritants with an event after this position")] = None

    @property
    def filters(self) -> dict[str, object]:
        """Return the filters that are set, by the name of their parameter."""
        return self.model_dump(include=set(BoardFilters.model_fields), exclude_none=True)


class RelationBoardQuery(OnQuery, BoardFilters):
    """The point in time, the day to count from, and the filters of a board."""

    @model_validator(mode="after")
    def _overdue_has_a_day(self) -> Self:
        if self.overdue is not None and self.on is None:
            raise misplaced("overdue", "needs on, the day to count from; send both or neither")
        return self


def _list(snapshot: Snapshot, _names: PathParameters, query: RelationsQuery) -> FoundDocument[Items[RelationDocument]]:
    """List relations, by id."""
    return list_documents(snapshot, query, "relation")


def _one(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[JsonDocument[RelationDocument]]:
    """Read the talks of a relation: their format, their scope, the heads of mission and the obstacles."""
    return document_of_stream(snapshot, names, query, "relation")


def _evidence(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[EvidenceDocument]:
    """Read the assertions about the talks of a relation, each with its documents, its origins and its speakers."""
    return found_at_position(assertions.view(reading_of(snapshot, names, query, "relation")), assertions.REPRESENTATION)


def _board(snapshot: Snapshot, names: PathParameters, query: RelationBoardQuery) -> FoundDocument[BoardDocument]:
    """Read the board of a relation: one line for each irritant that the filters choose, and counts of all of them.

    `Accept: text/csv` gives a table.
    """
    read = readings(snapshot, names, query)
    members = membership_of(snapshot.c, read, snapshot.point_in_log(query).position)
    document = board.view(**read, members=members, on=query.on)
    return found_at_position(board.chosen(document, query.filters), board.REPRESENTATION)


def _matrix(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[MatrixDocument]:
    """Read the position matrix: for each irritant the rung, the stance and the latest assertion of each side."""
    return found_at_position(matrix.view(**readings(snapshot, names, query)), matrix.REPRESENTATION)


def _ledger(snapshot: Snapshot, names: PathParameters, query: OnQuery) -> FoundDocument[LedgerDocument]:
    """Read the ledger: next steps, coming rounds and proposals, each with its owner, its due date and who confirms it.

    `Accept: text/csv` gives a table.
    """
    read = readings(snapshot, names, query)
    members = membership_of(snapshot.c, read, snapshot.point_in_log(query).position)
    document = ledger.view(**read, members=members, on=query.on)
    return found_at_position(document, ledger.REPRESENTATION)


def _needs_confirmation(
    snapshot: Snapshot, names: PathParameters, query: OnQuery
) -> FoundDocument[NeedsConfirmationDocument]:
    """List what both sides have not confirmed: irritants, rounds and decisions, with the reason and the remedy.

    With `on`, also what has run out by that day.
    """
    document = needs_confirmation.view(**readings(snapshot, names, query), on=query.on)
    return found_at_position(document, needs_confirmation.REPRESENTATION)


def _registers(snapshot: Snapshot, names: PathParameters, query: OnQuery) -> FoundDocument[RegistersDocument]:
    """Read the registers: subjects excluded from the talks, items, regressions, and the age of the latest statement."""
    return found_at_position(registers.view(**readings(snapshot, names, query), on=query.on), registers.REPRESENTATION)


def _corroboration(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[CorroborationDocument]:
    """Read the claims of a relation, each with the number of its distinct origins."""
    return found_at_position(corroboration.view(**readings(snapshot, names, query)), corroboration.REPRESENTATION)


def _calendar(snapshot: Snapshot, names: PathParameters, query: AsOfQuery) -> FoundDocument[str]:
    """Read the rounds of a relation that have a date, as a calendar to subscribe to (RFC 5545)."""
    found = readings(snapshot, names, query)
    rounds = found["rounds"]
    reading = snapshot.reading_in_words(query, names["relation"])
    text = calendar.view(names["relation"], map(round_.view, rounds), found["relation"].names, reading)
    return FoundDocument(text, last_position(*rounds), calendar.REPRESENTATION)


def _computed(
    name: str, query: type[Q], find: Find[Q, D], shape: Any, **bodies: Callable[[D, str], str]
) -> Resource[Q, D]:
    """Return the resource for an overview of a relation.

    `bodies` are functions to other formats, from its document and the sentence on a reading of the past.
    """
    as_text = {_TEXTS[kind]: encoded(text) for kind, text in bodies.items()}
    json: dict[str, Body[D]] = {JSON: as_json} if shape else {}
    return Resource(
        f"/v1/relations/{{relation}}/{name}", query, find, topics=of_relation, shape=shape, bodies={**json, **as_text}
    )


def _as_found(text: str, _: str) -> str:
    return text


LIST: Final = Resource(
    "/v1/relations",
    RelationsQuery,
    _list,
    topics=lambda *_: (RECORD,),
    shape=Listing[RelationDocument],
    needs_one_transaction=True,
    path_for_relation="/v1/relations/{relation}",
)
ONE: Final = Resource("/v1/relations/{relation}", AsOfQuery, _one, topics=of_stream("relation"), shape=RelationDocument)
TIMELINE: Final = timeline_of("relation", "/v1/relations/{relation}")
BOARD: Final = _computed("board", RelationBoardQuery, _board, BoardDocument, csv=board.csv)
MATRIX: Final = _computed("matrix", AsOfQuery, _matrix, MatrixDocument)
LEDGER: Final = _computed("ledger", OnQuery, _ledger, LedgerDocument, csv=ledger.csv)
NEEDS_CONFIRMATION: Final = _computed("needs-confirmation", OnQuery, _needs_confirmation, NeedsConfirmationDocument)
REGISTERS: Final = _computed("registers", OnQuery, _registers, RegistersDocument)
RESOURCES: Final = (
    LIST,
    ONE,
    Resource(
        "/v1/relations/{relation}/evidence", AsOfQuery, _evidence, topics=of_stream("relation"), shape=EvidenceDocument
    ),
    TIMELINE,
    BOARD,
    MATRIX,
    LEDGER,
    NEEDS_CONFIRMATION,
    REGISTERS,
    _computed("corroboration", AsOfQuery, _corroboration, CorroborationDocument),
    _computed("calendar.ics", AsOfQuery, _calendar, None, calendar=_as_found),
)
