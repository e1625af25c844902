"""The page of a relation, `/relations/…`: talks, rounds, position matrix, next steps, and what needs confirmation."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.parameters import AsOfQuery
from service.api.resources import Snapshot
from service.api.resources.relations import (
    BOARD,
    LEDGER,
    MATRIX,
    NEEDS_CONFIRMATION,
    ONE,
    REGISTERS,
    OnQuery,
    RelationBoardQuery,
)
from service.api.resources.rounds import LIST, RoundsQuery
from service.projections.ledger import LedgerDocument
from service.projections.matrix import MatrixDocument
from service.projections.needs_confirmation import NeedsConfirmationDocument, Unconfirmed
from service.projections.registers import RegistersDocument
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.web.course import course
from service.web.pages import PageRequest, Template, page_response
from service.web.paging import PagedQuery, part_of

router: Final = APIRouter(include_in_schema=False)

_MAX_ROUNDS: Final = 1_000


@router.get("/relations/{relation}")
async def relation(request: Request) -> Response:
    return await page_response(request, PagedQuery, _relation)


def _relation(visit: PageRequest[PagedQuery], snapshot: Snapshot) -> Template:
    relation = visit.path_parameters["relation"]
    # The day to which the page counts, and from which steps are overdue.
    on = visit.query.effective_on or visit.today
    point, point_and_day = visit.at_point(AsOfQuery), visit.at_point(OnQuery, on=on)
    document = snapshot.read(ONE, point, relation=relation).document
    rounds = visit.at_point(RoundsQuery, relation=relation, limit=_MAX_ROUNDS)
    values = template_values(
        document,
        snapshot.read(LIST, rounds).documents,
        snapshot.read(MATRIX, point, relation=relation),
        snapshot.read(LEDGER, point_and_day, relation=relation),
        snapshot.read(NEEDS_CONFIRMATION, point_and_day, relation=relation),
        snapshot.read(REGISTERS, point_and_day, relation=relation),
        visit.query.after,
    )
    board = snapshot.read(BOARD, visit.at_point(RelationBoardQuery, on=on), relation=relation)
    shown_irritants = {row.irritant for row in values["rows"].items}
    return Template("relation.html", {**values, "course": course(board, shown_irritants, on), "counted_to": on})


def template_values(
    relation: RelationDocument,
    rounds: Sequence[RoundDocument],
    matrix: MatrixDocument,
    ledger: LedgerDocument,
    needs: NeedsConfirmationDocument,
    registers: RegistersDocument,
    after: str | None = None,
) -> dict[str, Any]:
    """Return the values for the template. The page shows the part of the irritants that follows `after`.

    The first part also has the steps and the unconfirmed statements that are about no irritant.
    """
    rows = part_of(matrix.items, after, attrgetter("irritant"))
    is_first_part = rows.first == 1
    irritants = {row.irritant for row in rows.items}
    streams = {f"irritant/{id}" for id in irritants}
    return {
        "relation": relation,
        "rounds": sorted(rounds, key=_date_key),
        "matrix": matrix,
        "rows": rows,
        "steps": [s for s in ledger.steps if s.irritant in irritants or (is_first_part and s.irritant is None)],
        "proposals": [p for p in ledger.proposals if p.irritant in irritants],
        "registers": registers,
        "needs": [
            (stream, list(items))
            for stream, items in groupby(needs.items, key=_stream_of)
            if stream in streams or (is_first_part and not stream.startswith("irritant/"))
        ],
        "names": {row.irritant: row.title for row in matrix.items},
    }


def _date_key(round: RoundDocument) -> tuple[bool, Any, str]:
    """Return the sort key of a round. Rounds without a date come last."""
    return round.latest is None, round.latest, round.id


def _stream_of(item: Unconfirmed) -> str:
    return item.about
