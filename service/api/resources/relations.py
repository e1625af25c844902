"""Relations: the list, one relation, and the overviews of its irritants and rounds, such as the board."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from service.api.etags import JSON
from service.api.parameters import At, Day, Q
from service.api.resources import Body, D, Find, Found, Names, Resource, Snapshot, Stored, as_json, found
from service.api.resources.listing import Items, Listing, Paged, list_documents
from service.api.resources.states import of_relation, of_stream, one_of, reading_of, readings
from service.api.resources.timelines import timeline_of
from service.follower import RECORD
from service.follower.as_of import rounds_of_reports
from service.projections import (
    assertions,
    board,
    calendar,
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
from service.projections.ledger import LedgerDocument
from service.projections.matrix import MatrixDocument
from service.projections.needs_confirmation import NeedsConfirmationDocument
from service.projections.registers import RegistersDocument
from service.projections.relation import RelationDocument

_TEXTS: Final[Mapping[str, str]] = {
    "calendar": f"{calendar.MEDIA_TYPE}; charset=utf-8",
    "csv": "text/csv; charset=utf-8; header=present",
}


class RelationsQuery(At, Paged):
    """The page of the list of relations."""


class OnQuery(At):
    """The point in time, and the day to count days from."""

    on: Annotated[
        Day | None, Field(description="the day to count days from; without it nothing is shown as overdue or old")
    ] = None


def _list(snapshot: Snapshot, _names: Names, query: RelationsQuery) -> Found[Items[RelationDocument]]:
    """List relations, by id."""
    return list_documents(snapshot, query, "relation")


def _one(snapshot: Snapshot, names: Names, query: At) -> Found[Stored[RelationDocument]]:
    """Read the talks of a relation: their format, their scope, the heads of mission and the obstacles."""
    return one_of(snapshot, names, query, "relation")


def _evidence(snapshot: Snapshot, names: Names, query: At) -> Found[EvidenceDocument]:
    """Read the assertions about the talks of a relation, each with its documents, its origins and its speakers."""
    return found(assertions.view(reading_of(snapshot, names, query, "relation")), assertions.REPRESENTATION)


def _board(snapshot: Snapshot, names: Names, query: At) -> Found[BoardDocument]:
    """Read the board of a relation: one line for each irritant.

    `Accept: text/csv` gives a table.
    """
    return found(board.view(**readings(snapshot, names, query)), board.REPRESENTATION)


def _matrix(snapshot: Snapshot, names: Names, query: At) -> Found[MatrixDocument]:
    """Read the position matrix: for each irritant the rung, the stance and the latest assertion of each side."""
    return found(matrix.view(**readings(snapshot, names, query)), matrix.REPRESENTATION)


def _ledger(snapshot: Snapshot, names: Names, query: OnQuery) -> Found[LedgerDocument]:
    """Read the ledger: next steps, coming rounds and proposals, each with its owner, its due date and who confirms it.

    `Accept: text/csv` gives a table.
    """
    round_of = rounds_of_reports(snapshot.c, names["relation"], snapshot.point_in_log(query).position)
    document = ledger.view(**readings(snapshot, names, query), round_of=round_of, on=query.on)
    return found(document, ledger.REPRESENTATION)


def _needs_confirmation(snapshot: Snapshot, names: Names, query: OnQuery) -> Found[NeedsConfirmationDocument]:
    """List what both sides have not confirmed: irritants, rounds and decisions, with the reason and the remedy.

    With `on`, also what has run out by that day.
    """
    document = needs_confirmation.view(**readings(snapshot, names, query), on=query.on)
    return found(document, needs_confirmation.REPRESENTATION)


def _registers(snapshot: Snapshot, names: Names, query: OnQuery) -> Found[RegistersDocument]:
    """Read the registers: subjects excluded from the talks, items, regressions, and the age of the latest statement."""
    return found(registers.view(**readings(snapshot, names, query), on=query.on), registers.REPRESENTATION)


def _corroboration(snapshot: Snapshot, names: Names, query: At) -> Found[CorroborationDocument]:
    """Read the claims of a relation, each with the number of its distinct origins."""
    return found(corroboration.view(**readings(snapshot, names, query)), corroboration.REPRESENTATION)


def _calendar(snapshot: Snapshot, names: Names, query: At) -> Found[str]:
    """Read the rounds of a relation that have a date, as a calendar to subscribe to (RFC 5545)."""
    rounds = readings(snapshot, names, query)["rounds"]
    text = calendar.view(names["relation"], map(round_.view, rounds))
    return Found(text, last_position(*rounds), calendar.REPRESENTATION)


def _computed(name: str, query: type[Q], find: Find[Q, D], shape: Any, **bodies: Callable[[D], str]) -> Resource[Q, D]:
    """Return the resource for an overview of a relation. `bodies`: by format, functions from its document to a text."""
    as_text = {_TEXTS[kind]: _encoded(text) for kind, text in bodies.items()}
    json: dict[str, Body[D]] = {JSON: as_json} if shape else {}
    return Resource(
        f"/v1/relations/{{relation}}/{name}", query, find, of_relation, shape=shape, bodies={**json, **as_text}
    )


def _encoded(text: Callable[[D], str]) -> Body[D]:
    return lambda document, _prefix: text(document).encode()


LIST: Final = Resource(
    "/v1/relations",
    RelationsQuery,
    _list,
    lambda _path, _query: (RECORD,),
    shape=Listing[RelationDocument],
    is_snapshot=True,
    of_one="/v1/relations/{relation}",
)
ONE: Final = Resource("/v1/relations/{relation}", At, _one, of_stream("relation"), shape=RelationDocument)
TIMELINE: Final = timeline_of("relation", "/v1/relations/{relation}")
BOARD: Final = _computed("board", At, _board, BoardDocument, csv=board.csv)
MATRIX: Final = _computed("matrix", At, _matrix, MatrixDocument)
LEDGER: Final = _computed("ledger", OnQuery, _ledger, LedgerDocument, csv=ledger.csv)
NEEDS_CONFIRMATION: Final = _computed("needs-confirmation", OnQuery, _needs_confirmation, NeedsConfirmationDocument)
REGISTERS: Final = _computed("registers", OnQuery, _registers, RegistersDocument)
RESOURCES: Final = (
    LIST,
    ONE,
    Resource("/v1/relations/{relation}/evidence", At, _evidence, of_stream("relation"), shape=EvidenceDocument),
    TIMELINE,
    BOARD,
    MATRIX,
    LEDGER,
    NEEDS_CONFIRMATION,
    REGISTERS,
    _computed("corroboration", At, _corroboration, CorroborationDocument),
    _computed("calendar.ics", At, _calendar, None, calendar=str),
)
